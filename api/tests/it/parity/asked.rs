//! What is asked by both interfaces, area by area: every parameter and member at
//! least once, and so that every member of an answer has a value in one of them.

use serde_json::{Value, json};

use super::{ADMIN, AUDITOR, EXECUTIVE, Pair, bearer, decide};
use crate::exports::complete;

const ACT: &str = "/compliance/eu-ai-act";

fn word(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no `{name}`: {answer}")).to_owned()
}

/// The entry of the last answer that was recorded.
fn head(pair: &Pair) -> String {
    (pair.server.node.ledger_size() - 1).to_string()
}

pub(super) async fn profile(pair: &mut Pair) {
    pair.ask("GET /compliance/profile", json!({})).await;
    let set = json!({
        "organisation_name": "Acme", "roles": ["deployer", "provider"],
        "risk_routes": ["annex_iii"], "jurisdictions": ["DE", "FR"],
        "frameworks": ["pci_dss"], "reason": "first look",
    });
    pair.ask("PUT /compliance/profile", set).await;
    pair.ask("GET /compliance/profile", json!({"as_of": head(pair)})).await;
    pair.ask("GET /compliance/profile", json!({"as_of": "0"})).await;
}

fn system(name: &str) -> Value {
    json!({
        "name": name, "intended_purpose": "Sorts claims.", "role": "provider",
        "risk_route": "annex_iii", "actor_patterns": ["ai_agent:claims_triage", "ai:*"],
        "placed_on_market": "2027-01-15", "put_into_service": "2027-01-16",
        "annex_viii": {"member_states": ["DE"], "contact": {"email": "ana@example.com"}},
        "metadata": {"team": "claims", "size": 7},
    })
}

pub(super) async fn systems(pair: &mut Pair) {
    let mut retired = system("Old triage");
    retired["retired"] = json!("2027-02-01");
    pair.ask("POST /systems", retired).await;
    let made = pair.ask("POST /systems", system("Triage")).await;
    let before = head(pair);
    let change = json!({
        "system_id": made["system_id"], "name": "Claims triage", "intended_purpose": "Sorts.",
        "role": "deployer", "risk_route": "minimal", "actor_patterns": ["ai:x"],
        "placed_on_market": "2027-01-10", "put_into_service": "2027-01-11",
        "retired": "2027-02-03", "annex_viii": {"member_states": []}, "metadata": {"a": null},
    });
    pair.ask("PATCH /systems/{system_id}", change).await;
    let clear = json!({"system_id": made["system_id"], "actor_patterns": []});
    let cleared = pair.ask("PATCH /systems/{system_id}", clear).await;
    assert_eq!(cleared["actor_patterns"], json!([]));
    let get = json!({"system_id": made["system_id"]});
    pair.ask("GET /systems/{system_id}", get).await;
    let get = json!({"system_id": made["system_id"], "as_of": before});
    pair.ask("GET /systems/{system_id}", get).await;
    let first = pair.ask("GET /systems", json!({"limit": 1, "order": "desc"})).await;
    let next = json!({"limit": 1, "order": "desc", "after": first["next"]});
    pair.ask("GET /systems", next).await;
    pair.ask("GET /systems", json!({"status": "in_use", "as_of": before})).await;
}

pub(super) async fn incidents(pair: &mut Pair) {
    let [decision, _] = decide(&pair.server).await;
    let system = pair.ask("POST /systems", system("Denials")).await;
    let record = json!({
        "title": "Claims of one town denied", "description": "All of them.", "category": "death",
        "other_categories": ["health_harm"], "aware_at": "2027-03-01T05:00:00Z",
        "provider_aware_at": "2027-03-01T06:00:00Z", "deployer_aware_at": "2027-03-01T07:00:00Z",
        "causal_link_at": "2027-03-02T05:00:00Z", "occurred_at": "2027-02-28T05:00:00Z",
        "system_id": system["system_id"], "decision_ids": [decision["decision_id"]],
    });
    let row = format!("POST {ACT}/article-73/incidents");
    let made = pair.ask(&row, record.clone()).await;
    let mut late = record;
    late["aware_at"] = json!("2027-01-01");
    late["occurred_at"] = json!("2026-12-31");
    late["title"] = json!("An older one");
    let late = pair.ask(&row, late).await;
    assert_eq!(late["overdue"], true);
    let before = head(pair);
    let id = &made["incident_id"];
    let told = json!({"incident_id": id, "authority": "BNetzA", "reference": "2027/1"});
    let one = format!("{ACT}/article-73/incidents/{{incident_id}}");
    pair.ask(&format!("POST {one}/reported"), told).await;
    let close = json!({"incident_id": id, "notes": "The model was replaced."});
    pair.ask(&format!("POST {one}/close"), close).await;
    pair.ask(&format!("GET {one}"), json!({"incident_id": id})).await;
    pair.ask(&format!("GET {one}"), json!({"incident_id": id, "as_of": before})).await;
    let list = format!("GET {ACT}/article-73/incidents");
    let first = pair.ask(&list, json!({"limit": 1, "order": "desc"})).await;
    let next = json!({"limit": 1, "order": "desc", "after": first["next"]});
    pair.ask(&list, next).await;
    pair.ask(&list, json!({"status": "closed"})).await;
    pair.ask(&list, json!({"status": "open", "as_of": before})).await;
}

pub(super) async fn documents(pair: &mut Pair) {
    let system = pair.ask("POST /systems", system("Documented")).await;
    let id = &system["system_id"];
    let sections = format!("GET {ACT}/annex-iv");
    let before = head(pair);
    for section in 1..=9 {
        let content = match section {
            1 | 2 => json!({"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6", "g": "7",
                            "h": {"text": [1, "two", null]}}),
            _ => json!({"text": "something"}),
        };
        let update = json!({"section": section, "system_id": id, "content": content});
        pair.ask(&format!("PUT {ACT}/annex-iv/{{section}}"), update).await;
    }
    let only = json!({"section": 3, "content": {"text": "of the only file"}});
    pair.ask(&format!("PUT {ACT}/annex-iv/{{section}}"), only).await;
    pair.ask(&sections, json!({})).await;
    pair.ask(&sections, json!({"system_id": id})).await;
    pair.ask(&sections, json!({"system_id": id, "as_of": before})).await;
    let after = head(pair);
    for (row, n) in [
        ("annex-iv/package", None),
        ("article-11/documentation", None),
        ("article-{n}/documentation", Some("9")),
    ] {
        let mut ask = json!({"system_id": id});
        if let Some(n) = n {
            ask["n"] = json!(n);
        }
        let row = format!("GET {ACT}/{row}");
        pair.ask(&row, ask.clone()).await;
        ask["as_of"] = json!(after);
        for format in ["json", "markdown"] {
            ask["format"] = json!(format);
            pair.ask(&row, ask.clone()).await;
        }
    }
    let html = json!({"system_id": id, "format": "html"});
    pair.ask(&format!("GET {ACT}/annex-iv/package"), html).await;
}

pub(super) async fn frameworks(pair: &mut Pair) {
    pair.server.node.finalize();
    let before = head(pair);
    // Nobody vouches for what they registered.
    let bearer = bearer(EXECUTIVE);
    let headers = [("authorization", bearer.as_str())];
    let body = json!({"artifact_type": "external_report", "content": "x", "source": "acme"});
    let made = pair.server.call("POST", "/evidence/register", &body.to_string(), &headers).await;
    let artifact = made.json()["artifact_id"].clone();
    let control = || json!({"framework": "soc2", "control_id": "CC6.1"});
    let with = |members: Value| {
        let mut all = control();
        all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        all
    };
    let one = "/compliance/{framework}/{control_id}";
    let link = json!({"artifact_id": artifact, "evidence_type": "asset_inventory"});
    for already in [false, true] {
        let linked = pair.ask(&format!("POST {one}/link-evidence"), with(link.clone())).await;
        assert_eq!(linked["already_linked"], already);
        assert_eq!(linked["evidence_types"], json!(["asset_inventory"]));
    }
    let attest = json!({
        "statement": "I read it, and it says so.", "artifact_ids": [artifact],
        "valid_until": "2028-01-01", "attested_by": "act_human_user:admin",
    });
    pair.ask(&format!("POST {one}/attest"), with(attest.clone())).await;
    let duty = json!({"framework": "eu-ai-act", "control_id": "AIA-9.1", "artifact_id": artifact});
    pair.ask(&format!("POST {one}/link-evidence"), duty).await;
    let mut of_duty = attest;
    of_duty["framework"] = json!("eu-ai-act");
    of_duty["control_id"] = json!("AIA-9.1");
    pair.ask(&format!("POST {one}/attest"), of_duty).await;
    pair.server.node.finalize();
    pair.ask(&format!("GET {one}"), control()).await;
    pair.ask(&format!("GET {one}"), with(json!({"as_of": before}))).await;
    let list = "GET /compliance/{framework}/controls";
    pair.ask(list, json!({"framework": "SOC2"})).await;
    let all = pair.ask(list, json!({"framework": "soc2", "as_of": before})).await;
    let category = &all["controls"][0]["category"];
    pair.ask(list, json!({"framework": "soc2", "category": category})).await;
    pair.ask(list, json!({"framework": "soc2", "status": "insufficient"})).await;
    for row in ["gaps", "report", "coverage"] {
        let row = format!("GET /compliance/{{framework}}/{row}");
        pair.ask(&row, json!({"framework": "pci_dss"})).await;
        pair.ask(&row, json!({"framework": "soc2"})).await;
        pair.ask(&row, json!({"framework": "soc2", "as_of": before})).await;
    }
    pair.ask("GET /compliance/statistics", json!({})).await;
    pair.ask("GET /compliance/statistics", json!({"as_of": before})).await;
}

pub(super) async fn duties(pair: &mut Pair) {
    let list = format!("GET {ACT}");
    for ask in [json!({}), json!({"as_of": "1"}), json!({"article": "12"})] {
        pair.ask(&list, ask).await;
    }
    pair.ask(&list, json!({"status": "not_applicable"})).await;
    let one = format!("GET {ACT}/{{article}}");
    for ask in [json!({"article": "article-12"}), json!({"article": "AIA-9.1", "as_of": "1"})] {
        pair.ask(&one, ask).await;
    }
    for row in ["timeline", "queries"] {
        let row = format!("GET /compliance/{row}");
        pair.ask(&row, json!({})).await;
        pair.ask(&row, json!({"as_of": "1"})).await;
    }
    let row = "GET /compliance/queries/{query}";
    pair.ask(row, json!({"query": "ledger_verify"})).await;
    pair.ask(row, json!({"query": "decisions_denied", "as_of": "1"})).await;
}

pub(super) async fn records(pair: &mut Pair) {
    let [allowed, denied] = decide(&pair.server).await;
    let holds = format!("{ACT}/article-12/legal-holds");
    let entry = &denied["ledger_entry_id"];
    let row = format!("POST {holds}");
    let by = "act_human_user:admin";
    let ids = json!({"reason": "a", "hold_id": "a", "entry_ids": [0, entry], "requester": by});
    pair.ask(&row, ids).await;
    let filter = json!({"actor": "ai:x", "entry_type": "decision", "from": "2027-01-01",
                        "to": "2028-01-01"});
    pair.ask(&row, json!({"reason": "b", "hold_id": "b", "filter": filter})).await;
    pair.ask(&row, json!({"reason": "c", "hold_id": "c", "all": true})).await;
    let before = head(pair);
    let release = format!("DELETE {holds}/{{hold_id}}");
    for id in ["a", "c"] {
        pair.ask(&release, json!({"hold_id": id, "reason": "settled"})).await;
    }
    pair.server.node.finalize();
    let list = format!("GET {holds}");
    let first = pair.ask(&list, json!({"limit": 1, "status": "released"})).await;
    pair.ask(&list, json!({"after": first["holds"][0]["ledger_entry_id"]})).await;
    pair.ask(&list, json!({"as_of": before, "limit": 2})).await;
    let row = format!("POST {ACT}/article-12/anonymize");
    let plan = json!({"dry_run": true, "part": "all", "before": "2027-03-04T05:06:07.005Z"});
    let plan = pair.ask(&row, plan).await;
    assert_ne!(plan["skipped_in_retention"], 0);
    let held = json!({"dry_run": true, "subject": "ai:x"});
    let held = pair.ask(&row, held).await;
    assert_ne!(held["skipped_under_hold"], 0);
    let subject =
        json!({"subject": "ai_agent:claims_triage", "dry_run": false, "part": "personal"});
    let done = pair.ask(&row, subject).await;
    assert_ne!(done["anonymized"], 0, "{allowed}");
    pair.server.node.finalize();
    let row = format!("GET {ACT}/article-12/status");
    pair.ask(&row, json!({})).await;
    pair.ask(&row, json!({"as_of": before})).await;
}

/// A human's answer to the machine, an escalation, and an override.
async fn oversee(pair: &Pair) {
    let [_, denied] = decide(&pair.server).await;
    let post = async |who: u8, path: &str, body: Value| {
        let bearer = bearer(who);
        let headers = [("authorization", bearer.as_str())];
        let reply = pair.server.call("POST", path, &body.to_string(), &headers).await;
        assert_eq!(reply.outcome(), "200", "{path}: {}", reply.json());
        reply.json()
    };
    let approval = json!({
        "intervention_type": "approval", "ai_recommendation": {"confidence": 0.5},
        "human_decision": {"decision": "pay"}, "human_role": "executive", "reason": "fine",
    });
    post(ADMIN, &format!("{ACT}/article-14/intervention"), approval).await;
    let intervention = json!({
        "intervention_type": "emergency_stop", "ai_recommendation": {"confidence": 0.5},
        "human_decision": {"decision": "stop"}, "human_role": "risk_manager", "reason": "drill",
        "decision_id": denied["decision_id"], "response_time_ms": 12, "stop": {"actor": "ai:y"},
    });
    post(ADMIN, &format!("{ACT}/article-14/intervention"), intervention).await;
    let escalation = json!({
        "decision_id": denied["decision_id"], "trigger": "actor_request",
        "escalated_to": ["act_human_user:executive"], "context_summary": "please",
    });
    let raised = post(ADMIN, "/escalations/create", escalation).await;
    let resolve = format!("/escalations/{}/resolve", word(&raised, "escalation_id"));
    post(EXECUTIVE, &resolve, json!({"outcome": "deferred", "notes": "later"})).await;
    let instead = json!({
        "decision_id": denied["decision_id"], "override_type": "executive_override",
        "justification": "The regulator asked for the file today; reviewed with legal.",
    });
    post(EXECUTIVE, "/overrides/execute", instead).await;
}

pub(super) async fn packages(pair: &mut Pair) {
    oversee(pair).await;
    pair.server.node.finalize();
    let head = head(pair);
    let period = json!({"from": "2027-01-01", "to": "2028-01-01", "as_of": head});
    for (row, formats) in [
        ("article-12/regulatory-package", &["json", "markdown", "csv"][..]),
        ("article-14/evidence-package", &["json", "markdown"][..]),
    ] {
        let row = format!("GET {ACT}/{row}");
        pair.ask(&row, json!({})).await;
        pair.ask(&row, json!({"as_of": "2"})).await;
        for format in formats {
            let mut ask = period.clone();
            ask["format"] = json!(format);
            pair.ask(&row, ask).await;
        }
        pair.ask(&row, json!({"to": "2027-01-02"})).await;
        pair.ask(&row, json!({"from": "2028-01-02"})).await;
    }
}

pub(super) async fn exports(pair: &mut Pair) {
    decide(&pair.server).await;
    let row = "POST /audit/export";
    let whole = json!({
        "scope": "all", "format": "json", "from": "2027-01-01", "to": "2028-01-01",
        "purpose": "annual audit", "ledger_size": pair.server.node.ledger_size(),
        "requester": "act_human_user:admin",
    });
    let made = pair.ask(row, whole).await;
    let id = json!({"export_id": made["export_id"]});
    let status = "GET /audit/status/{export_id}";
    pair.ask(status, id.clone()).await;
    let ask = json!({"scope": "risk_only", "format": "csv"});
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(pair.ask_as(AUDITOR, row, ask.clone()).await["export_id"].clone());
    }
    for (verb, id) in ["approve", "reject"].into_iter().zip(&waiting) {
        let answer = json!({"export_id": id, "notes": "agreed"});
        pair.ask(&format!("POST /audit/exports/{{export_id}}/{verb}"), answer).await;
    }
    let erase = json!({"subject": "ai_agent:claims_triage"});
    pair.ask(&format!("POST {ACT}/article-12/anonymize"), erase).await;
    complete(&pair.server.node, &word(&made, "export_id"));
    let done = pair.ask(status, id).await;
    assert!(done["signature"].is_object() && done["erasures_through"].is_u64(), "{done}");
    let list = "GET /audit/exports";
    pair.ask(list, json!({})).await;
    let first = pair.ask(list, json!({"limit": 1, "order": "desc"})).await;
    let next = json!({"limit": 1, "order": "desc", "after": first["next"]});
    pair.ask(list, next).await;
    pair.ask(list, json!({"status": "completed", "format": "json"})).await;
    pair.ask(list, json!({"status": "failed"})).await;
}

/// Half a year later, and then as late again: what was not too old by then.
pub(super) async fn later(pair: &mut Pair) {
    let status = format!("GET {ACT}/article-12/status");
    let mut found = Vec::new();
    for days in [170, 400] {
        pair.wait(days);
        decide(&pair.server).await;
        pair.server.node.finalize();
        found.push(pair.ask(&status, json!({})).await["by_status"].clone());
    }
    assert!(found[0]["expiring"] != 0 && found[1]["archived"] != 0, "{found:?}");
    let row = format!("POST {ACT}/article-12/anonymize");
    let release = format!("DELETE {ACT}/article-12/legal-holds/{{hold_id}}");
    pair.ask(&release, json!({"hold_id": "b", "reason": "settled"})).await;
    for part in ["all", "personal"] {
        pair.ask(&row, json!({"part": part})).await;
    }
    pair.server.node.finalize();
    let row = format!("GET {ACT}/article-14/evidence-package");
    let package = pair.ask(&row, json!({})).await;
    let erased = (&package["interventions"][0]["erased"], &package["erased"]);
    assert!(erased.0.is_object() && *erased.1 != 0, "{erased:?}");
}
