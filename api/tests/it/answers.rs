//! Every answer has exactly the members that are described, whatever is asked.

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::common::{ALLOWED, POLICY, Server};
use crate::description::document;

/// Method, path as it is described, path, body.
type Call = (&'static str, &'static str, String, String);

fn post(path: &'static str, body: impl ToString) -> Call {
    ("post", path, path.to_owned(), body.to_string())
}

fn get(path: &'static str, at: impl Into<String>) -> Call {
    ("get", path, at.into(), String::new())
}

/// Paths that answer in another media type.
const OTHER_MEDIA: [&str; 8] = [
    "/audit/exports/{export_id}/download",
    "/checkpoint",
    "/docs",
    "/evidence/{artifact_id}/content",
    "/ledger/checkpoint",
    "/metrics",
    "/openapi.json",
    "/tile/{path}",
];

/// Paths to read, each with the template it is one of.
const READ: &[(&str, &str)] = &[
    ("/policies", "/policies"),
    ("/policies/active", "/policies/active"),
    ("/policies/{version}", "/policies/0"),
    ("/ledger/entries", "/ledger/entries?verify=true"),
    ("/ledger/entries/{id}", "/ledger/entries/2?proof=true"),
    ("/ledger/checkpoints", "/ledger/checkpoints"),
    ("/ledger/proof/inclusion", "/ledger/proof/inclusion?id=0"),
    ("/ledger/proof/consistency", "/ledger/proof/consistency?from=1"),
    ("/ledger/verify", "/ledger/verify"),
    ("/keys", "/keys"),
    ("/cluster/status", "/cluster/status"),
    ("/cluster/divergence", "/cluster/divergence"),
    ("/cluster/nodes", "/cluster/nodes"),
    ("/health", "/health"),
    ("/health/live", "/health/live"),
    ("/health/ready", "/health/ready"),
    ("/health/startup", "/health/startup"),
    ("/status", "/status"),
    ("/escalations", "/escalations?limit=1"),
    ("/escalations/sla/violations", "/escalations/sla/violations"),
    ("/", "/"),
    ("/audit/exports", "/audit/exports?order=desc"),
    ("/auth/password-policy", "/auth/password-policy"),
    ("/auth/users", "/auth/users"),
    ("/auth/api-keys", "/auth/api-keys"),
    ("/auth/sessions", "/auth/sessions?all=true"),
    ("/auth/oidc/providers", "/auth/oidc/providers"),
];

/// Paths that answer nothing while nobody has an account: `auth_flow.rs` asks
/// for them.
fn is_of_accounts(path: &str) -> bool {
    path.starts_with("/auth/") || path == "/cluster/join-tokens"
}

/// Whether a value is what a schema of ours says, and objects have exactly the
/// members that are described.
pub(crate) fn conforms(schema: &Value, value: &Value, at: &str) {
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().map(|name| name.as_str().unwrap()).collect(),
        _ => return,
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.contains(&found), "{at}: {found} is none of {types:?}");
    if let Some(pattern) = schema["pattern"].as_str().filter(|_| found == "string") {
        assert_eq!(pattern, "^[0-9a-f]{64}$");
        assert!(value.as_str().unwrap().parse::<types::Digest>().is_ok(), "{at}: {value}");
    }
    if let (Some("date-time"), Some(text)) = (schema["format"].as_str(), value.as_str()) {
        let time: types::Timestamp = text.parse().unwrap();
        assert_eq!(time.to_string(), text, "{at}");
    }
    if let Some(items) = value.as_array().filter(|_| schema["items"].is_object()) {
        for (index, item) in items.iter().enumerate() {
            conforms(&schema["items"], item, &format!("{at}/{index}"));
        }
    }
    if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object())
    {
        let described: Vec<&String> = properties.keys().collect();
        let answered: Vec<&String> = members.keys().collect();
        assert_eq!(described, answered, "{at}");
        for (name, member) in members {
            conforms(&properties[name], member, &format!("{at}/{name}"));
        }
    }
}

/// A node that wants to join.
fn joiner() -> Value {
    let key = |n: u8, usage: &str| {
        let kid = format!("key_01K1R0C9N5T8Z4W2Y6V3Q7M1H{n}");
        json!({"kid": kid, "use": usage, "x": ledger::signature::to_text(&[n; 32])})
    };
    json!({
        "name": "n4", "api_address": "http://n4:1", "peer_address": "n4:2", "nonce": "n",
        "keys": [key(1, "decision"), key(2, "token"), key(3, "checkpoint"), key(4, "export")],
    })
}

fn id_of(decision: &Value) -> &str {
    decision["decision_id"].as_str().unwrap()
}

/// Paths of what belongs to a decision that was allowed.
fn paths_of(decision: &Value) -> [String; 5] {
    let id = format!("/decisions/{}", id_of(decision));
    let token = format!("/tokens/{}", decision["token_id"].as_str().unwrap());
    let (receipt, replay) = (format!("{id}/receipt"), format!("{id}/replay"));
    let revoke = format!("{token}/revoke");
    [id, receipt, replay, token, revoke]
}

/// Calls about decisions, and about the token of one.
fn deciding(decision: &Value) -> Vec<Call> {
    let [id, receipt, replay, token, revoke] = paths_of(decision);
    let carried = json!({"token": decision["capability_token"]});
    let batch = json!({"requests": [serde_json::from_str::<Value>(ALLOWED).unwrap()]});
    let evaluation = json!({
        "subject": {"type": "a", "id": "b"}, "action": {"name": "c"},
        "resource": {"type": "d", "id": "e"},
    });
    let revoke = ("post", "/tokens/{token_id}/revoke", revoke, json!({"reason": "x"}).to_string());
    vec![
        post("/decide", ALLOWED),
        post("/decide/batch", batch),
        post("/decide/verify", decision),
        get("/decisions/{decision_id}", id),
        get("/decisions", "/decisions?limit=1"),
        post("/tokens/verify", carried),
        post("/tokens/verify", json!({"token": "x"})),
        get("/tokens/{token_id}", token.clone()),
        revoke,
        get("/tokens/{token_id}", token),
        get("/decisions/{decision_id}/receipt", receipt),
        get("/decisions/{decision_id}/replay", replay),
        post("/access/v1/evaluation", &evaluation),
        post("/access/v1/evaluations", json!({"evaluations": [evaluation]})),
    ]
}

/// Calls about risk.
async fn assessing(server: &Server, decision: &Value) -> Vec<Call> {
    let other = server.post("/decide", r#"{"actor":"a","action":"b","risk_level":2}"#).await.json();
    let risk = format!("/risks/{}", other["risk_id"].as_str().unwrap());
    let assess = json!({"decision_id": decision["decision_id"], "dimensions": {"security": 40}});
    vec![
        post("/risks/assess", assess),
        get("/risks/{risk_id}", risk),
        get("/risks/decision/{decision_id}", format!("/risks/decision/{}", id_of(&other))),
        get("/risks", "/risks"),
    ]
}

/// Calls about who answers for a decision.
fn answering(decision: &Value) -> Vec<Call> {
    let id = id_of(decision);
    let answers = json!({
        "decision_id": id, "decision_maker": "human_operator",
        "responsible_party": "act_human_user:bob", "role": "clerk", "reasoning": "x",
        "responsibility_level": "shared", "review_required": true,
    });
    let judged = json!({"outcome": "accepted", "notes": "x", "reviewed_by": "act_human_user:eve"});
    let judge = format!("/responsibility/resp_{}/review", &id[4..]);
    vec![
        post("/responsibility/records", answers),
        ("post", "/responsibility/{record_id}/review", judge, judged.to_string()),
        get("/responsibility/chain/{decision_id}", format!("/responsibility/chain/{id}")),
        get("/responsibility/legal/{decision_id}", format!("/responsibility/legal/{id}")),
        get("/responsibility/party/{party}", "/responsibility/party/act_human_user:bob"),
        get("/responsibility/report", "/responsibility/report"),
        get("/responsibility/pending-reviews", "/responsibility/pending-reviews"),
    ]
}

/// Calls about interventions and stops.
async fn intervening(server: &Server) -> Vec<Call> {
    const INTERVENE: &str = "/compliance/eu-ai-act/article-14/intervention";
    const VERIFY: &str = "/compliance/eu-ai-act/article-14/verify";
    const LIFT: &str = "/compliance/eu-ai-act/article-14/stops/{stop_id}/lift";
    const EFFECTIVENESS: &str = "/compliance/eu-ai-act/article-14/effectiveness";
    let intervention = |kind: &str, stop: Value| {
        json!({
            "intervention_type": kind, "ai_recommendation": {"confidence": 1},
            "human_decision": {}, "human_role": "executive", "reason": "x",
            "human_id": "act_human_user:executive", "stop": stop,
        })
    };
    let stop = intervention("emergency_stop", json!({"actor": "nobody"}));
    let stop = server.post(INTERVENE, stop).await.json();
    let lift = LIFT.replace("{stop_id}", stop["stop_id"].as_str().unwrap());
    let lifting = json!({"reason": "x", "lifted_by": "act_human_user:executive"});
    vec![
        post(INTERVENE, intervention("approval", Value::Null)),
        post(VERIFY, json!({"intervention_id": stop["intervention_id"]})),
        ("post", LIFT, lift, lifting.to_string()),
        get(EFFECTIVENESS, EFFECTIVENESS),
    ]
}

/// Calls about how long records are kept, and what regulators are given.
async fn retaining(server: &Server) -> Vec<Call> {
    const HOLDS: &str = "/compliance/eu-ai-act/article-12/legal-holds";
    const HOLD: &str = "/compliance/eu-ai-act/article-12/legal-holds/{hold_id}";
    const ANONYMIZE: &str = "/compliance/eu-ai-act/article-12/anonymize";
    const STATUS: &str = "/compliance/eu-ai-act/article-12/status";
    const RECORDS: &str = "/compliance/eu-ai-act/article-12/regulatory-package";
    const OVERSIGHT: &str = "/compliance/eu-ai-act/article-14/evidence-package";
    let hold = server.post(HOLDS, json!({"reason": "x", "all": true})).await.json();
    let release = HOLD.replace("{hold_id}", hold["hold_id"].as_str().unwrap());
    vec![
        post(HOLDS, json!({"reason": "x", "filter": {"entry_type": "decision"}})),
        ("delete", HOLD, format!("{release}?reason=x"), String::new()),
        get(HOLDS, HOLDS),
        post(ANONYMIZE, json!({"dry_run": true})),
        get(STATUS, STATUS),
        get(RECORDS, RECORDS),
        get(OVERSIGHT, OVERSIGHT),
    ]
}

/// Calls about the policy, keys and members.
fn operating() -> Vec<Call> {
    const KEY: &str = "/keys/key_00000000000000000000000001/retire";
    let none = String::new;
    let member = |action: &str| format!("/cluster/nodes/n3{action}");
    vec![
        post("/policies/explain", ALLOWED),
        post("/policies/impact", POLICY),
        post("/policies/rollback", json!({"version": 0, "reason": "x"})),
        post("/policies/load", POLICY),
        post("/policies/validate", POLICY),
        post("/keys/rotate", json!({"use": "export"})),
        ("post", "/keys/{kid}/retire", KEY.to_owned(), json!({"reason": "x"}).to_string()),
        post("/cluster/nodes", joiner()),
        ("post", "/cluster/nodes/{id}/promote", member("/promote"), none()),
        ("post", "/cluster/nodes/{id}/demote", member("/demote"), none()),
        ("delete", "/cluster/nodes/{id}", member(""), none()),
        post("/cluster/transfer-leader", ""),
        post("/cluster/snapshot", ""),
    ]
}

/// Calls about overrides, and about the token that one yields.
async fn overriding(server: &Server) -> Vec<Call> {
    let ask = r#"{"actor":"a","action":"b"}"#;
    let body = |decision: &Value| {
        json!({
            "decision_id": decision["decision_id"], "override_type": "risk_accepted",
            "authorized_by": "act_human_user:executive:jane",
            "justification": "the patient cannot wait any longer",
        })
        .to_string()
    };
    let decision = server.post("/decide", ask).await.json();
    let made = server.post("/overrides/execute", body(&decision)).await.json();
    let other = server.post("/decide", ask).await.json();
    let review = json!({
        "verdict": "reversed", "notes": "x", "reviewed_by": "act_human_user:executive:leo",
    });
    let id = made["override_id"].as_str().unwrap();
    let decision = decision["decision_id"].as_str().unwrap();
    let of_decision = format!("/overrides/decision/{decision}");
    let active = || format!("{of_decision}/active");
    let none = String::new;
    let template = "/overrides/decision/{decision_id}";
    let active_template = "/overrides/decision/{decision_id}/active";
    let token = format!("/decisions/{decision}/token");
    vec![
        ("post", "/overrides/execute", "/overrides/execute".to_owned(), body(&other)),
        ("get", active_template, active(), none()),
        ("post", "/decisions/{decision_id}/token", token, none()),
        ("get", "/overrides/pending-reviews", "/overrides/pending-reviews".to_owned(), none()),
        (
            "post",
            "/overrides/{override_id}/review",
            format!("/overrides/{id}/review"),
            review.to_string(),
        ),
        ("get", "/overrides/{override_id}", format!("/overrides/{id}"), none()),
        ("get", template, of_decision.clone(), none()),
        ("get", active_template, active(), none()),
    ]
}

/// Calls about escalations.
async fn escalating(server: &Server) -> Vec<Call> {
    let who = "act_human_user:executive:jane";
    let decision = server.post("/decide", r#"{"actor":"a","action":"c"}"#).await.json();
    let ask = json!({"decision_id": decision["decision_id"], "trigger": "explicit_rule",
                     "escalated_to": [who]});
    let made = server.post("/escalations/create", &ask).await.json();
    let path = format!("/escalations/{}", made["escalation_id"].as_str().unwrap());
    let (look, answer) = (format!("{path}/acknowledge"), format!("{path}/resolve"));
    let looks = json!({"acknowledged_by": who});
    let said = json!({"outcome": "deferred", "notes": "x", "resolved_by": who});
    vec![
        ("post", "/escalations/create", "/escalations/create".to_owned(), ask.to_string()),
        ("post", "/escalations/{escalation_id}/acknowledge", look, looks.to_string()),
        ("post", "/escalations/{escalation_id}/resolve", answer, said.to_string()),
        ("get", "/escalations/{escalation_id}", path, String::new()),
    ]
}

/// Calls about evidence, and about who signs it.
async fn evidence(server: &Server, decision: &Value) -> Vec<Call> {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public_key = ledger::signature::to_text(key.verifying_key().as_bytes());
    let of_signer = |public_key: &str| json!({"name": "s", "public_key": public_key, "owner": "act_human_user:a"});
    let signer = server.post("/keys/signers", of_signer(&public_key)).await.json();
    let register = json!({"artifact_type": "signature", "content": "x", "source": "y"});
    let artifact = server.post("/evidence/register", &register).await.json();
    let (id, hash) = (artifact["artifact_id"].as_str().unwrap(), artifact["sha256_hash"].as_str());
    let text = format!("lexecon/evidence-signature/v1\n{id}\n{}\n", hash.unwrap());
    let signature = ledger::signature::to_text(&key.sign(text.as_bytes()).to_bytes());
    let link = json!({"artifact_id": id, "decision_id": decision["decision_id"]}).to_string();
    let sign = json!({"key_id": signer["key_id"], "signature": signature}).to_string();
    let other = SigningKey::from_bytes(&[8; 32]);
    let other = of_signer(&ledger::signature::to_text(other.verifying_key().as_bytes()));
    let revoke = format!("/keys/signers/{}/revoke", signer["key_id"].as_str().unwrap());
    let reason = json!({"reason": "x"}).to_string();
    let of = format!("/evidence/decision/{}", decision["decision_id"].as_str().unwrap());
    let at = |end: &str| format!("/evidence/{id}{end}");
    let here = |path: &str| path.to_owned();
    vec![
        ("post", "/evidence/register", here("/evidence/register"), register.to_string()),
        ("post", "/evidence/link-decision", here("/evidence/link-decision"), link.clone()),
        ("post", "/evidence/link-decision", here("/evidence/link-decision"), link),
        ("post", "/evidence/{artifact_id}/verify", at("/verify"), here("{}")),
        ("post", "/evidence/{artifact_id}/sign", at("/sign"), sign),
        ("get", "/evidence/{artifact_id}", at("?include_content=true"), here("")),
        ("get", "/evidence/decision/{decision_id}", of.clone(), here("")),
        ("get", "/evidence/decision/{decision_id}/lineage", format!("{of}/lineage"), here("")),
        ("get", "/evidence", here("/evidence"), here("")),
        ("get", "/evidence/statistics", here("/evidence/statistics"), here("")),
        ("post", "/keys/signers", here("/keys/signers"), other.to_string()),
        ("get", "/keys/signers", here("/keys/signers"), here("")),
        ("post", "/keys/signers/{key_id}/revoke", revoke, reason),
    ]
}

/// Calls about AI systems, incidents and documents.
async fn complying(server: &Server) -> Vec<Call> {
    const ACT: &str = "/compliance/eu-ai-act";
    const INCIDENT: &str = "/compliance/eu-ai-act/article-73/incidents/{incident_id}";
    let system = |name: &str| {
        json!({"name": name, "intended_purpose": "b", "role": "provider",
               "risk_route": "annex_iii", "annex_viii": {"contact": {"name": "c"}}})
    };
    let made = server.post("/systems", system("a")).await.json();
    let at = format!("/systems/{}", made["system_id"].as_str().unwrap());
    let new = json!({"title": "t", "description": "d", "category": "death",
                     "aware_at": "2027-03-04"});
    let incident = server.post(crate::systems::INCIDENTS, &new).await.json();
    let of = format!("{}/{}", crate::systems::INCIDENTS, incident["incident_id"].as_str().unwrap());
    let (report, close) = (format!("{of}/reported"), format!("{of}/close"));
    let told = json!({"authority": "a", "reference": "b"}).to_string();
    let notes = json!({"notes": "x"}).to_string();
    let content = json!({"content": {"text": "x"}}).to_string();
    crate::systems::write_all(server).await;
    let documentation = "/compliance/eu-ai-act/article-{n}/documentation";
    vec![
        post("/systems", system("b")),
        ("patch", "/systems/{system_id}", at.clone(), json!({"name": "c"}).to_string()),
        get("/systems/{system_id}", at),
        get("/systems", "/systems?limit=1"),
        post(crate::systems::INCIDENTS, new),
        get(INCIDENT, of),
        ("post", "/compliance/eu-ai-act/article-73/incidents/{incident_id}/reported", report, told),
        ("post", "/compliance/eu-ai-act/article-73/incidents/{incident_id}/close", close, notes),
        get(crate::systems::INCIDENTS, crate::systems::INCIDENTS),
        ("put", "/compliance/eu-ai-act/annex-iv/{section}", format!("{ACT}/annex-iv/3"), content),
        get("/compliance/eu-ai-act/annex-iv", format!("{ACT}/annex-iv")),
        get("/compliance/eu-ai-act/annex-iv/package", format!("{ACT}/annex-iv/package")),
        get(
            "/compliance/eu-ai-act/article-11/documentation",
            format!("{ACT}/article-11/documentation"),
        ),
        get(documentation, format!("{ACT}/article-49/documentation")),
    ]
}

/// Calls about the organisation, controls and duties.
async fn standing(server: &Server) -> Vec<Call> {
    const CONTROL: &str = "/compliance/{framework}/{control_id}";
    const LINK: &str = "/compliance/{framework}/{control_id}/link-evidence";
    const ATTEST: &str = "/compliance/{framework}/{control_id}/attest";
    let register = json!({"artifact_type": "external_report", "content": "x", "source": "y"});
    let artifact = server.post("/evidence/register", &register).await.json();
    let id = &artifact["artifact_id"];
    let profile = json!({"organisation_name": "Acme", "roles": ["deployer"],
        "risk_routes": ["annex_iii"], "reason": "x"});
    let attest = json!({"statement": "I read it, and it says so.", "artifact_ids": [id],
        "attested_by": "act_human_user:jane"});
    let at = |path: &str| path.replace("{framework}", "soc2").replace("{control_id}", "CC6.1");
    let of = |path: &'static str| get(path, at(path));
    vec![
        get("/compliance/profile", "/compliance/profile"),
        ("put", "/compliance/profile", "/compliance/profile".to_owned(), profile.to_string()),
        get("/compliance/profile", "/compliance/profile"),
        ("post", LINK, at(LINK), json!({"artifact_id": id}).to_string()),
        ("post", LINK, at(LINK), json!({"artifact_id": id}).to_string()),
        ("post", ATTEST, at(ATTEST), attest.to_string()),
        of(CONTROL),
        of("/compliance/{framework}/controls"),
        of("/compliance/{framework}/gaps"),
        of("/compliance/{framework}/report"),
        of("/compliance/{framework}/coverage"),
        get("/compliance/statistics", "/compliance/statistics"),
        get("/compliance/timeline", "/compliance/timeline"),
        get("/compliance/queries", "/compliance/queries"),
        get("/compliance/queries/{query}", "/compliance/queries/ledger_verify"),
        get("/compliance/eu-ai-act", "/compliance/eu-ai-act?article=9"),
        get("/compliance/eu-ai-act/{article}", "/compliance/eu-ai-act/article-12"),
        get("/compliance/eu-ai-act/{article}", "/compliance/eu-ai-act/AIA-9.1"),
    ]
}

/// Described operations that no call was made of.
fn unseen<'a>(document: &'a Value, seen: &[(&str, &str)]) -> Vec<(&'a str, &'a str)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let described = paths.flat_map(|(path, operations)| {
        let methods = operations.as_object().unwrap().keys();
        methods.map(move |method| (method.as_str(), path.as_str()))
    });
    described.filter(|operation| !seen.contains(operation)).collect()
}

#[tokio::test]
async fn answers_have_exactly_the_members_that_are_described() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    server.node.finalize();
    let document = document();
    let mut calls = deciding(&decision);
    calls.extend(assessing(&server, &decision).await);
    calls.extend(escalating(&server).await);
    calls.extend(overriding(&server).await);
    calls.extend(evidence(&server, &decision).await);
    calls.extend(answering(&decision));
    calls.extend(intervening(&server).await);
    calls.extend(retaining(&server).await);
    calls.extend(complying(&server).await);
    calls.extend(standing(&server).await);
    calls.extend(operating());
    calls.extend(READ.iter().map(|(template, path)| get(template, *path)));
    let mut seen = Vec::new();
    for (method, template, path, body) in &calls {
        let reply = server.call(&method.to_uppercase(), path, body, &[]).await;
        assert_eq!(reply.outcome(), "200", "{method} {path}");
        let operation = &document["paths"][template][method];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        // What was done, rather than what would be.
        let schema = if schema["anyOf"].is_array() { &schema["anyOf"][0] } else { schema };
        assert!(schema["properties"].is_object(), "{method} {template}");
        conforms(schema, &reply.json(), template);
        seen.push((*method, *template));
    }
    let mut unseen = unseen(&document, &seen);
    // `exports.rs` asks for what is answered otherwise than at once.
    unseen.retain(|(method, path)| {
        let is_of_exports =
            path.starts_with("/audit/") && (*method == "post" || path.contains("status"));
        !is_of_accounts(path) && !is_of_exports
    });
    assert_eq!(unseen, OTHER_MEDIA.map(|path| ("get", path)));
    checkpoint(&server, &document).await;
}

async fn checkpoint(server: &Server, document: &Value) {
    let as_json = [("accept", "application/json")];
    let reply = server.call("GET", "/ledger/checkpoint", "", &as_json).await;
    let operation = &document["paths"]["/ledger/checkpoint"]["get"];
    let content = &operation["responses"]["200"]["content"];
    conforms(&content["application/json"]["schema"], &reply.json(), "/ledger/checkpoint");
    assert_eq!(content["text/plain"]["schema"]["type"], "string");
}
