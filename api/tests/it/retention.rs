//! Legal holds, erasure, how records stand, and what regulators are given.

use api::{AuthMode, Config};
use governance::access::AccountRole;
use governance::command::ErasedPart;
use serde_json::{Value, json};

use crate::accounts::{Person, admit, close};
use crate::common::{ALLOWED, Server};

const HOLDS: &str = "/compliance/eu-ai-act/article-12/legal-holds";
const ANONYMIZE: &str = "/compliance/eu-ai-act/article-12/anonymize";
const STATUS: &str = "/compliance/eu-ai-act/article-12/status";
const RECORDS: &str = "/compliance/eu-ai-act/article-12/regulatory-package";
const OVERSIGHT: &str = "/compliance/eu-ai-act/article-14/evidence-package";
const ACTOR: &str = "ai_agent:claims_triage";

async fn ok(server: &Server, path: &str, body: Value) -> Value {
    let reply = server.post(path, &body).await;
    assert_eq!(reply.outcome(), "200", "{path} {body}: {}", reply.json());
    reply.json()
}

async fn refused(server: &Server, body: Value) -> (u16, Value) {
    let before = server.node.ledger_size();
    let reply = server.post(HOLDS, &body).await;
    assert_eq!(server.node.ledger_size(), before, "{body}");
    (reply.status, reply.json())
}

/// The only fault of a refusal: where, and its code.
fn fault(problem: &Value) -> (String, String) {
    let faults = problem["errors"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{problem}");
    let of = |name: &str| faults[0][name].as_str().unwrap_or_default().to_owned();
    let place = if faults[0]["pointer"].is_null() { of("parameter") } else { of("pointer") };
    (place, of("code"))
}

#[tokio::test]
async fn a_hold_blocks_erasure_until_it_is_released() {
    let server = Server::loaded().await;
    let decision = ok(&server, "/decide", serde_json::from_str(ALLOWED).unwrap()).await;
    let entry = decision["ledger_entry_id"].clone();
    let hold = json!({"reason": "claim 2027-113", "entry_ids": [entry], "hold_id": "claim-113"});
    let applied = ok(&server, HOLDS, hold).await;
    assert_eq!((&applied["hold_id"], &applied["status"]), (&json!("claim-113"), &json!("active")));
    assert_eq!(applied["records_affected"], 1);
    assert_eq!(applied["records_affected_exact"], true);
    let asked = json!({"subject": ACTOR});
    let none = ok(&server, ANONYMIZE, asked.clone()).await;
    assert_eq!(
        none,
        json!({"dry_run": false, "part": "personal", "candidates": 1, "anonymized": 0,
               "skipped_under_hold": 1, "skipped_in_retention": 0, "not_looked_at": 0,
               "ledger_entry_id": null})
    );
    let path = format!("{HOLDS}/claim-113");
    let reply = server.call("DELETE", &path, "", &[]).await;
    assert_eq!((reply.status, fault(&reply.json())), (422, ("reason".into(), "missing".into())));
    let path = format!("{path}?reason=settled");
    let released = server.call("DELETE", &path, "", &[]).await;
    assert_eq!((released.status, &released.json()["status"]), (200, &json!("released")));
    let again = server.call("DELETE", &path, "", &[]).await;
    assert_eq!(again.outcome(), "409 already_released");
    let dry = ok(&server, ANONYMIZE, json!({"subject": ACTOR, "dry_run": true})).await;
    assert_eq!((&dry["anonymized"], &dry["ledger_entry_id"]), (&json!(1), &Value::Null));
    let done = ok(&server, ANONYMIZE, asked).await;
    assert_eq!(done["anonymized"], 1);
    let run = server.get(&format!("/ledger/entries/{}", done["ledger_entry_id"])).await.json();
    assert_eq!(run["entry_type"], "anonymization_run");
    assert!(!run.to_string().contains(ACTOR), "the run must not keep the name: {run}");
    let shown = server.get(&format!("/ledger/entries/{entry}")).await.json();
    assert_eq!((&shown["personal"], &shown["erased"]["part"]), (&Value::Null, &json!("personal")));
    let unknown = server.call("DELETE", &format!("{HOLDS}/none?reason=x"), "", &[]).await;
    assert_eq!(unknown.outcome(), "404 unknown_hold");
}

#[tokio::test]
async fn a_hold_says_in_one_way_what_it_holds_and_holds_something() {
    let server = Server::loaded().await;
    for (what, place, code) in [
        (json!({}), "", "missing"),
        (json!({"all": false}), "", "missing"),
        (json!({"all": true, "entry_ids": [0]}), "", "conflicting_values"),
        (json!({"filter": {"actor": "a"}, "entry_ids": [0]}), "", "conflicting_values"),
        (json!({"filter": {}}), "/filter", "missing"),
        (json!({"filter": {"entry_type": "none"}}), "/filter/entry_type", "not_one_of"),
        (json!({"filter": {"actor": "nobody"}}), "/filter", "hold_empty"),
        (
            json!({"filter": {"from": "2027-02-01", "to": "2027-01-01"}}),
            "/filter/to",
            "out_of_range",
        ),
        (json!({"entry_ids": []}), "/entry_ids", "hold_empty"),
        (json!({"entry_ids": [9_999]}), "/entry_ids", "out_of_range"),
        (json!({"entry_ids": [0, 0]}), "/entry_ids/1", "duplicate"),
        (json!({"entry_ids": ["0"]}), "/entry_ids/0", "wrong_type"),
        (json!({"entry_ids": [-1]}), "/entry_ids/0", "out_of_range"),
        (json!({"all": true, "hold_id": "a b"}), "/hold_id", "bad_format"),
    ] {
        let mut body = what.clone();
        body["reason"] = json!("x");
        let (status, problem) = refused(&server, body).await;
        assert_eq!((status, fault(&problem)), (422, (place.into(), code.into())), "{what}");
    }
    let (status, problem) = refused(&server, json!({"all": true})).await;
    assert_eq!((status, fault(&problem)), (422, ("/reason".into(), "missing".into())));
    let many: Vec<u64> = (0..1_001).collect();
    let (status, _) = refused(&server, json!({"reason": "x", "entry_ids": many})).await;
    assert_eq!(status, 422);
    ok(&server, HOLDS, json!({"reason": "x", "all": true, "hold_id": "h"})).await;
    let (status, problem) =
        refused(&server, json!({"reason": "x", "all": true, "hold_id": "h"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_exists")));
}

#[tokio::test]
async fn holds_are_listed_with_what_they_freeze_and_how_they_stand() {
    let server = Server::loaded().await;
    let who = "act_human_user:executive:jane";
    let filter = json!({"entry_type": "POLICY_LOADED", "from": "1970-01-01"});
    ok(&server, HOLDS, json!({"reason": "a", "hold_id": "a", "filter": filter, "requester": who}))
        .await;
    ok(&server, HOLDS, json!({"reason": "b", "hold_id": "b", "entry_ids": [1, 0]})).await;
    server.call("DELETE", &format!("{HOLDS}/a?reason=over"), "", &[]).await;
    let list = async |query: &str| {
        let list = server.get(&format!("{HOLDS}{query}")).await.json();
        let names = list["holds"].as_array().unwrap().iter().map(|hold| hold["hold_id"].clone());
        (names.collect::<Value>(), list["count"].clone(), list["next"].clone())
    };
    assert_eq!(list("").await, (json!(["a", "b"]), json!(2), Value::Null));
    assert_eq!(list("?status=active").await, (json!(["b"]), json!(1), Value::Null));
    assert_eq!(list("?status=released").await, (json!(["a"]), json!(1), Value::Null));
    let (names, count, next) = list("?limit=1").await;
    assert_eq!((names, count), (json!(["a"]), json!(2)));
    assert_eq!(list(&format!("?after={next}")).await, (json!(["b"]), json!(2), Value::Null));
    let holds = server.get(HOLDS).await.json()["holds"].clone();
    let scope = json!({"kind": "filter", "filter": {"actor": null, "entry_type": "policy_loaded",
                       "from": "1970-01-01T00:00:00.000000Z", "to": null}});
    assert_eq!((&holds[0]["scope"], &holds[0]["applied_by"]), (&scope, &json!(who)));
    assert_eq!(
        (&holds[0]["release_reason"], &holds[0]["status"]),
        (&json!("over"), &json!("released"))
    );
    assert_eq!(holds[1]["scope"], json!({"kind": "entries", "entry_ids": [0, 1]}));
}

#[tokio::test]
async fn nonsense_is_erased_by_nobody() {
    let server = Server::loaded().await;
    ok(&server, "/decide", serde_json::from_str(ALLOWED).unwrap()).await;
    for (body, place) in [
        (json!({"before": "2999-01-01"}), "/before"),
        (json!({"part": "data"}), "/part"),
        (json!({"subject": "a b"}), "/subject"),
        (json!({"dry_run": "yes"}), "/dry_run"),
    ] {
        let reply = server.post(ANONYMIZE, &body).await;
        assert_eq!((reply.status, fault(&reply.json()).0), (422, place.to_owned()), "{body}");
    }
    let unknown = ok(&server, ANONYMIZE, json!({"subject": "nobody"})).await;
    assert_eq!((&unknown["candidates"], &unknown["ledger_entry_id"]), (&json!(0), &Value::Null));
    // Whoever names no subject erases what is old enough, and nothing else.
    let young = ok(&server, ANONYMIZE, json!({"part": "all"})).await;
    assert_eq!(young["anonymized"], 0);
    assert_eq!(young["candidates"], young["skipped_in_retention"]);
    assert_ne!(young["candidates"], 0);
}

#[tokio::test]
async fn an_erasure_is_repeated_under_its_key_and_runs_once() {
    let server = Server::loaded().await;
    ok(&server, "/decide", serde_json::from_str(ALLOWED).unwrap()).await;
    let body = json!({"subject": ACTOR, "part": "all"}).to_string();
    let key = [("idempotency-key", "k")];
    let first = server.call("POST", ANONYMIZE, &body, &key).await;
    let size = server.node.ledger_size();
    let again = server.call("POST", ANONYMIZE, &body, &key).await;
    assert_eq!((again.header("idempotent-replayed"), again.json()), ("true", first.json()));
    assert_eq!(server.node.ledger_size(), size);
    let other = server.call("POST", ANONYMIZE, &json!({"subject": "b"}).to_string(), &key).await;
    assert_eq!(other.outcome(), "409 idempotency_conflict");
}

#[tokio::test]
async fn more_than_one_command_takes_goes_in_several() {
    let server = Server::loaded().await;
    server.node.grow(2_100);
    let decisions = server.node.ledger_size() - 2;
    let done = ok(&server, ANONYMIZE, json!({"subject": "a"})).await;
    assert_eq!((&done["anonymized"], &done["candidates"]), (&json!(decisions), &json!(decisions)));
    let runs = server.get("/ledger/entries?entry_type=anonymization_run").await.json();
    assert_eq!(runs["total"], decisions.div_ceil(1_000));
}

#[tokio::test]
async fn the_status_is_that_of_the_duty_of_the_article_that_stands_worst() {
    const DAY: u64 = 24 * 3600 * 1_000_000;
    let server = Server::loaded().await;
    // From 2027-12-02 on the article applies.
    server.node.inner().now += 300 * DAY;
    ok(&server, "/decide", serde_json::from_str(ALLOWED).unwrap()).await;
    let entry = server.node.ledger_size() - 1;
    server.node.finalize();
    let order = ["insufficient", "needs_human_evidence", "partial", "evidence_sufficient"];
    let place = |status: &Value| order.iter().position(|word| status == word).unwrap_or(9);
    for query in [String::new(), format!("?as_of={entry}")] {
        let duties = format!("/compliance/eu-ai-act/article-12{query}");
        let duties = server.get(&duties).await.json()["obligations"].clone();
        let duties = duties.as_array().unwrap();
        let worst = duties.iter().min_by_key(|duty| place(&duty["status"])).unwrap();
        assert_ne!(worst["status"], "not_applicable");
        let status = server.get(&format!("{STATUS}{query}")).await.json();
        assert_eq!(status["status"], worst["status"], "{query}: {duties:?}");
        let details = duties.iter().filter(|duty| duty["status"] == worst["status"]);
        assert!(details.clone().any(|duty| duty["status_detail"] == status["status_detail"]));
        assert_eq!(status["integrity"]["valid"], true);
    }
}

#[tokio::test]
async fn what_is_told_as_of_an_entry_leaves_out_every_hold_that_came_later() {
    let server = Server::loaded().await;
    ok(&server, HOLDS, json!({"reason": "a", "all": true, "hold_id": "a"})).await;
    let entry = server.node.ledger_size() - 1;
    ok(&server, HOLDS, json!({"reason": "b", "all": true, "hold_id": "b"})).await;
    server.call("DELETE", &format!("{HOLDS}/a?reason=over"), "", &[]).await;
    server.node.finalize();
    let package = server.get(&format!("{RECORDS}?as_of={entry}")).await.json();
    assert_eq!(package["summary"]["legal_holds_active"], 1);
    let then = server.get(&format!("{HOLDS}?as_of={entry}")).await.json();
    assert_eq!((&then["total"], &then["count"]), (&json!(1), &json!(1)));
    let told = (&then["total_exact"], &then["as_of_index"], &then["next"]);
    assert_eq!(told, (&json!(true), &json!(entry), &Value::Null));
    let hold = &then["holds"][0];
    assert_eq!((&hold["hold_id"], &hold["status"]), (&json!("a"), &json!("active")));
    assert_eq!((&hold["released_at"], &hold["release_entry_id"]), (&Value::Null, &Value::Null));
    let now = server.get(&format!("{HOLDS}?status=active")).await.json();
    assert_eq!((&now["total"], &now["holds"][0]["hold_id"]), (&json!(1), &json!("b")));
    let beyond = server.get(&format!("{HOLDS}?as_of=99")).await;
    assert_eq!((beyond.status, fault(&beyond.json()).0), (422, "as_of".to_owned()));
}

#[tokio::test]
async fn a_page_of_holds_has_a_hundred_unless_it_is_told() {
    let server = Server::loaded().await;
    for nth in 0..101 {
        let hold = json!({"reason": "x", "all": true, "hold_id": format!("h{nth}")});
        ok(&server, HOLDS, hold).await;
    }
    let page = server.get(HOLDS).await.json();
    assert_eq!((page["holds"].as_array().unwrap().len(), &page["total"]), (100, &json!(101)));
    assert_ne!(page["next"], Value::Null);
}

#[tokio::test]
async fn the_contact_of_a_system_in_use_goes_alone_when_a_person_asks() {
    let server = Server::loaded().await;
    let system = json!({"name": "Triage", "intended_purpose": "Sorts claims.", "role": "provider",
        "risk_route": "annex_iii", "put_into_service": "2027-01-01",
        "annex_viii": {"trade_name": "Triage", "contact": {"email": "ana@example.com"}}});
    let system = ok(&server, "/systems", system).await["system_id"].clone();
    let whole = json!({"subject": system, "part": "all"});
    let reply = server.post(ANONYMIZE, &whole).await;
    let expect = ("/part".to_owned(), "conflicting_values".to_owned());
    assert_eq!((reply.status, fault(&reply.json())), (422, expect));
    let done = ok(&server, ANONYMIZE, json!({"subject": system})).await;
    assert_eq!((&done["candidates"], &done["anonymized"]), (&json!(1), &json!(1)));
    let shown = server.get(&format!("/systems/{}", system.as_str().unwrap())).await.json();
    assert!(!shown.to_string().contains("ana@example.com"), "{shown}");
    assert_eq!((&shown["status"], &shown["name"]), (&json!("in_use"), &json!("Triage")));
}

/// Both maps come to the total.
fn sums(status: &Value) {
    for map in ["by_classification", "by_status"] {
        let sum: u64 =
            status[map].as_object().unwrap().values().map(|it| it.as_u64().unwrap()).sum();
        assert_eq!(Some(sum), status["total_records"].as_u64(), "{map}: {status}");
    }
}

#[tokio::test]
async fn the_status_counts_every_record_once_and_says_whether_they_hold() {
    let server = Server::loaded().await;
    ok(&server, "/decide", serde_json::from_str(ALLOWED).unwrap()).await;
    ok(&server, "/decide", json!({"actor": ACTOR, "action": "close_account"})).await;
    let fresh = server.get(STATUS).await.json();
    sums(&fresh);
    assert_eq!(
        fresh["by_classification"],
        json!({"high_risk": 2, "standard": 2, "gdpr_intersect": 0})
    );
    let standing = (&fresh["status"], &fresh["status_detail"]);
    let expect = (&json!("not_applicable"), &json!("not_yet_applicable"));
    assert_eq!(standing, expect, "the article does not apply yet");
    assert_eq!(
        fresh["retention_days"],
        json!({"high_risk": 3650, "standard": 183, "gdpr_intersect": 183})
    );
    server.node.finalize();
    ok(&server, HOLDS, json!({"reason": "x", "filter": {"entry_type": "decision"}})).await;
    ok(&server, ANONYMIZE, json!({"subject": ACTOR})).await;
    let held = server.get(STATUS).await.json();
    sums(&held);
    assert_eq!(
        (&held["by_status"]["legal_hold"], &held["legal_holds_active"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(held["integrity"]["valid"], true);
    let then = server.get(&format!("{STATUS}?as_of=3")).await.json();
    sums(&then);
    assert_eq!((&then["total_records"], &then["legal_holds_active"]), (&json!(4), &json!(0)));
    assert_eq!(
        (&then["as_of_index"], &then["integrity"]["verified_through"]),
        (&json!(3), &json!(3))
    );
    let beyond = server.get(&format!("{STATUS}?as_of=99")).await;
    assert_eq!(
        (beyond.status, fault(&beyond.json())),
        (422, ("as_of".into(), "out_of_range".into()))
    );
}

#[tokio::test]
async fn a_package_has_every_record_of_its_period_in_each_form() {
    let server = Server::loaded().await;
    let formula = json!({"actor": "-1:x", "action": "-1"});
    ok(&server, "/decide", formula).await;
    let package = server.get(RECORDS).await.json();
    assert_eq!(
        (&package["package_type"], &package["summary"]["total_records"]),
        (&json!("EU_AI_ACT_ARTICLE_12"), &json!(3))
    );
    assert_eq!(package["records"].as_array().unwrap().len(), 3);
    assert_eq!(package["records"][2]["classification"], "high_risk");
    assert_eq!(package["records"][2]["data"]["action"], "-1");
    let csv = server.get(&format!("{RECORDS}?format=CSV")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let text = String::from_utf8(csv.bytes.to_vec()).unwrap();
    assert_eq!(text.matches("\r\n").count(), 4);
    assert!(text.contains(",'-1:x,"), "{text}");
    let wanted = [("accept", "text/csv")];
    let wanted = server.call("GET", &format!("{RECORDS}?format=csv"), "", &wanted).await;
    assert_eq!(wanted.bytes, csv.bytes);
    let markdown = server.call("GET", RECORDS, "", &[("accept", "text/markdown")]).await;
    assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
    assert!(String::from_utf8_lossy(&markdown.bytes).contains("| 2 | decision |"));
    let early = server.get(&format!("{RECORDS}?to=1970-01-01T00:00:00Z")).await.json();
    assert_eq!(early["records"], json!([]));
}

#[tokio::test]
async fn a_package_is_refused_in_no_form_for_no_period_and_for_too_much() {
    let server = Server::loaded().await;
    for path in [RECORDS, OVERSIGHT] {
        let form = server.get(&format!("{path}?format=xml")).await;
        assert_eq!(form.outcome(), "400 unsupported_format", "{path}");
        let reversed = server.get(&format!("{path}?from=2027-02-01&to=2027-01-01")).await;
        assert_eq!((reversed.status, fault(&reversed.json()).0), (422, "to".to_owned()), "{path}");
    }
    let csv = server.get(&format!("{OVERSIGHT}?format=csv")).await;
    assert_eq!(csv.outcome(), "400 unsupported_format");
    server.node.grow(10_001);
    let whole = server.get(RECORDS).await;
    assert_eq!((whole.status, fault(&whole.json())), (422, ("from".into(), "out_of_range".into())));
}

#[tokio::test]
async fn what_humans_did_is_given_with_its_figures() {
    let server = Server::loaded().await;
    let asked = json!({"actor": ACTOR, "action": "read_claim", "context": {"purpose": "triage"},
                       "risk": {"financial": 95}});
    let escalated = ok(&server, "/decide", asked).await;
    let denied = ok(&server, "/decide", json!({"actor": ACTOR, "action": "close_account"})).await;
    let order = json!({"decision_id": denied["decision_id"], "override_type": "executive_override",
        "authorized_by": "act_human_user:executive:jane",
        "justification": "the regulator asked for it in writing"});
    ok(&server, "/overrides/execute", order).await;
    let did = json!({"intervention_type": "override", "reason": "<b>seen</b>",
        "ai_recommendation": {"decision": "pay", "confidence": 0.5},
        "human_decision": {"decision": "hold"}, "human_role": "executive"});
    let did = ok(&server, "/compliance/eu-ai-act/article-14/intervention", did).await;
    let package = server.get(OVERSIGHT).await.json();
    assert_eq!(package["interventions"][0]["intervention_id"], did["intervention_id"]);
    assert_eq!(package["interventions"][0]["human_decision"], json!({"decision": "hold"}));
    assert_eq!(package["escalations"][0]["escalation_id"], escalated["escalation_id"]);
    assert_eq!(package["overrides"][0]["decision_id"], denied["decision_id"]);
    assert_eq!((&package["metrics"]["overrides"], &package["erased"]), (&json!(1), &json!(0)));
    let markdown = server.get(&format!("{OVERSIGHT}?format=markdown")).await;
    let text = String::from_utf8(markdown.bytes.to_vec()).unwrap();
    assert!(text.contains("&lt;b&gt;seen&lt;/b&gt;") && !text.contains("<b>"), "{text}");
    server.node.erase(ErasedPart::All, did["ledger_entry_id"].as_u64().unwrap());
    let after = server.get(OVERSIGHT).await.json();
    assert_eq!(after["interventions"][0]["reason"], Value::Null);
    assert_eq!(after["interventions"][0]["erased"]["part"], "all");
    // Without `from` the figures are about the time since there is a ledger.
    assert_eq!(after["metrics"]["period_days"], 1);
    let none = server.get(&format!("{OVERSIGHT}?to=1970-01-01T00:00:00Z")).await.json();
    assert_eq!((&none["interventions"], &none["escalations"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn what_humans_did_later_is_no_part_of_what_is_told_as_of_an_entry() {
    const JANE: &str = "act_human_user:executive:jane";
    let server = Server::loaded().await;
    let asked = json!({"actor": ACTOR, "action": "read_claim", "context": {"purpose": "triage"},
                       "risk": {"financial": 95}});
    let escalated = ok(&server, "/decide", asked).await;
    let denied = ok(&server, "/decide", json!({"actor": ACTOR, "action": "close_account"})).await;
    let order = json!({"decision_id": denied["decision_id"], "override_type": "executive_override",
        "authorized_by": JANE, "justification": "the regulator asked for it in writing"});
    let order = ok(&server, "/overrides/execute", order).await;
    let entry = server.node.ledger_size() - 1;
    let escalation = escalated["escalation_id"].as_str().unwrap();
    let answer = json!({"outcome": "denied", "resolved_by": "act_human_user:governance_lead",
                        "notes": "not without the original of the invoice"});
    ok(&server, &format!("/escalations/{escalation}/resolve"), answer).await;
    let review = json!({"verdict": "upheld", "reviewed_by": "act_human_user:governance_lead:leo",
                        "notes": "the letter is on file"});
    let path = format!("/overrides/{}/review", order["override_id"].as_str().unwrap());
    ok(&server, &path, review).await;
    let reviewed = server.node.ledger_size() - 1;
    server.node.finalize();
    let then = server.get(&format!("{OVERSIGHT}?as_of={entry}")).await.json();
    let (question, order) = (&then["escalations"][0], &then["overrides"][0]);
    assert_eq!((&question["resolution"], &question["status"]), (&Value::Null, &json!("pending")));
    assert_eq!(order["review"], Value::Null, "{order}");
    let now = server.get(OVERSIGHT).await.json();
    assert_eq!(now["escalations"][0]["resolution"]["outcome"], "denied");
    assert!(now["overrides"][0].to_string().contains("the letter is on file"));
    // Whoever is known is told to have seen the words of the answers too.
    let node = server.node.clone();
    close(&node);
    let officer = Person::new(3, "officer", AccountRole::ComplianceOfficer);
    admit(&node, &officer);
    let config = Config { auth: AuthMode::Required, ..Config::default() };
    let closed = Server::with(node, config);
    let credential = format!("Bearer {}", officer.session());
    let headers = [("authorization", &*credential)];
    for (query, seen) in [(format!("?as_of={entry}"), entry), (String::new(), reviewed)] {
        let reply = closed.call("GET", &format!("{OVERSIGHT}{query}"), "", &headers).await;
        assert_eq!(reply.status, 200, "{}", reply.json());
        let noted = std::mem::take(&mut *closed.node.read.lock().unwrap());
        assert_eq!(noted.last().unwrap().1.unwrap().1.0, seen, "{query}");
    }
}
