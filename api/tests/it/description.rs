//! `/openapi.json` and the pages made from it: unchanged unless meant, whole,
//! and true of what is answered.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::{ALLOWED, Server};

fn document() -> Value {
    serde_json::from_str(&api::openapi("0.0.0")).unwrap()
}

/// The text of the file in the tree, indented so that changes read well.
fn golden() -> (std::path::PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    (path, text)
}

#[test]
fn the_description_is_the_one_in_the_tree() {
    let (path, text) = golden();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "api/openapi.json differs: run the tests with UPDATE_OPENAPI=1 and review"
    );
}

#[tokio::test]
async fn every_path_is_described_and_answers_its_methods_alone() {
    let server = Server::loaded().await;
    let root = server.get("/").await.json();
    assert_eq!(root["service"], "lexecon");
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let endpoints = root["endpoints"].as_object().unwrap();
    assert_eq!(paths.keys().collect::<Vec<_>>(), endpoints.keys().collect::<Vec<_>>());
    for (path, operations) in paths {
        let methods: Vec<String> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let mut listed: Vec<&str> = endpoints[path]
            .as_array()
            .unwrap()
            .iter()
            .map(|method| method.as_str().unwrap())
            .collect();
        listed.sort_unstable();
        assert_eq!(methods, listed, "{path}");
        let path = path.replace("{id}", "1").replace("{version}", "1");
        let path = path.replace("{kid}", "key_1").replace("{risk_id}", "rsk_1");
        let path = path.replace("{token_id}", "tok_1");
        let path = path.replace("{decision_id}", "dec_1").replace("{path}", "0/000");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let known = methods.iter().any(|known| known == method)
                || method == "HEAD" && methods.iter().any(|known| known == "GET");
            // Nothing valid is sent, so what is taken is not carried out.
            let body = if known { "" } else { "{" };
            let reply = server.call(method, &path, body, &[("x-tenant-id", "nobody")]).await;
            let expect = if known { 400 } else { 405 };
            assert_eq!(reply.status, expect, "{method} {path}");
        }
    }
}

/// Whether a value is what a schema of ours says, and objects have exactly the
/// members that are described.
fn conforms(schema: &Value, value: &Value, at: &str) {
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
    ("/", "/"),
];

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

const OVERSIGHT: [&str; 4] = [
    "/compliance/eu-ai-act/article-14/intervention",
    "/compliance/eu-ai-act/article-14/verify",
    "/compliance/eu-ai-act/article-14/stops/{stop_id}/lift",
    "/compliance/eu-ai-act/article-14/effectiveness",
];

/// An intervention, or, with a scope, an emergency stop.
fn intervention(stop: Value) -> Value {
    let kind = if stop.is_null() { "approval" } else { "emergency_stop" };
    json!({
        "intervention_type": kind, "ai_recommendation": {"confidence": 1}, "human_decision": {},
        "human_role": "executive", "reason": "x", "human_id": "act_human_user:executive",
        "stop": stop,
    })
}

/// Paths of what belongs to a decision that was allowed.
fn paths_of(decision: &Value) -> [String; 5] {
    let id = format!("/decisions/{}", decision["decision_id"].as_str().unwrap());
    let token = format!("/tokens/{}", decision["token_id"].as_str().unwrap());
    let (receipt, replay) = (format!("{id}/receipt"), format!("{id}/replay"));
    let revoke = format!("{token}/revoke");
    [id, receipt, replay, token, revoke]
}

#[tokio::test]
async fn answers_have_exactly_the_members_that_are_described() {
    let server = Server::loaded().await;
    let decision = server.post("/decide", ALLOWED).await.json();
    server.node.finalize();
    let carried = json!({"token": decision["capability_token"]});
    let [id, receipt, replay, token, revoke] = paths_of(&decision);
    let retire = "/keys/key_00000000000000000000000001/retire";
    let document = document();
    let rollback = json!({"version": 0, "reason": "x"});
    let other = server.post("/decide", r#"{"actor":"a","action":"b","risk_level":2}"#).await.json();
    let risk = format!("/risks/{}", other["risk_id"].as_str().unwrap());
    let of_decision = format!("/risks/decision/{}", other["decision_id"].as_str().unwrap());
    let assess = json!({"decision_id": decision["decision_id"], "dimensions": {"security": 40}});
    let stop = intervention(json!({"actor": "nobody"}));
    let stop = server.post(OVERSIGHT[0], stop).await.json();
    let (intervened, stop) = (&stop["intervention_id"], stop["stop_id"].as_str().unwrap());
    let lift = OVERSIGHT[2].replace("{stop_id}", stop);
    let lifting = json!({"reason": "x", "lifted_by": "act_human_user:executive"});
    let batch = json!({"requests": [serde_json::from_str::<Value>(ALLOWED).unwrap()]});
    let evaluation = json!({
        "subject": {"type": "a", "id": "b"}, "action": {"name": "c"},
        "resource": {"type": "d", "id": "e"},
    });
    let many = json!({"evaluations": [evaluation]});
    let mut calls = vec![
        ("post", "/decide", "/decide", ALLOWED.to_owned()),
        ("post", "/decide/batch", "/decide/batch", batch.to_string()),
        ("post", "/decide/verify", "/decide/verify", decision.to_string()),
        ("get", "/decisions/{decision_id}", id.as_str(), String::new()),
        ("get", "/decisions", "/decisions?limit=1", String::new()),
        ("post", "/tokens/verify", "/tokens/verify", carried.to_string()),
        ("post", "/tokens/verify", "/tokens/verify", json!({"token": "x"}).to_string()),
        ("get", "/tokens/{token_id}", token.as_str(), String::new()),
        ("post", "/tokens/{token_id}/revoke", &revoke, json!({"reason": "x"}).to_string()),
        ("get", "/tokens/{token_id}", token.as_str(), String::new()),
        ("get", "/decisions/{decision_id}/receipt", receipt.as_str(), String::new()),
        ("post", "/access/v1/evaluation", "/access/v1/evaluation", evaluation.to_string()),
        ("post", "/access/v1/evaluations", "/access/v1/evaluations", many.to_string()),
        ("get", "/decisions/{decision_id}/replay", replay.as_str(), String::new()),
        ("post", "/risks/assess", "/risks/assess", assess.to_string()),
        ("get", "/risks/{risk_id}", risk.as_str(), String::new()),
        ("get", "/risks/decision/{decision_id}", of_decision.as_str(), String::new()),
        ("get", "/risks", "/risks", String::new()),
        ("post", OVERSIGHT[0], OVERSIGHT[0], intervention(Value::Null).to_string()),
        ("post", OVERSIGHT[1], OVERSIGHT[1], json!({"intervention_id": intervened}).to_string()),
        ("post", OVERSIGHT[2], lift.as_str(), lifting.to_string()),
        ("get", OVERSIGHT[3], OVERSIGHT[3], String::new()),
        ("post", "/policies/explain", "/policies/explain", ALLOWED.to_owned()),
        ("post", "/policies/impact", "/policies/impact", crate::common::POLICY.to_owned()),
        ("post", "/policies/rollback", "/policies/rollback", rollback.to_string()),
        ("post", "/policies/load", "/policies/load", crate::common::POLICY.to_owned()),
        ("post", "/policies/validate", "/policies/validate", crate::common::POLICY.to_owned()),
        ("post", "/keys/rotate", "/keys/rotate", json!({"use": "export"}).to_string()),
        ("post", "/keys/{kid}/retire", retire, json!({"reason": "x"}).to_string()),
        ("post", "/cluster/nodes", "/cluster/nodes", joiner().to_string()),
        ("post", "/cluster/nodes/{id}/promote", "/cluster/nodes/n3/promote", String::new()),
        ("post", "/cluster/nodes/{id}/demote", "/cluster/nodes/n3/demote", String::new()),
        ("delete", "/cluster/nodes/{id}", "/cluster/nodes/n3", String::new()),
        ("post", "/cluster/transfer-leader", "/cluster/transfer-leader", String::new()),
        ("post", "/cluster/snapshot", "/cluster/snapshot", String::new()),
    ];
    calls.extend(READ.iter().map(|(template, path)| ("get", *template, *path, String::new())));
    let mut seen = Vec::new();
    for (method, template, path, body) in calls {
        let reply = server.call(&method.to_uppercase(), path, &body, &[]).await;
        assert_eq!(reply.outcome(), "200", "{method} {path}");
        let operation = &document["paths"][template][method];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema["properties"].is_object(), "{method} {template}");
        conforms(schema, &reply.json(), template);
        seen.push((method, template));
    }
    let described = document["paths"].as_object().unwrap().iter().flat_map(|(path, operations)| {
        operations.as_object().unwrap().keys().map(move |method| (method.as_str(), path.as_str()))
    });
    let others: Vec<_> = described.filter(|operation| !seen.contains(operation)).collect();
    let other_media =
        ["/checkpoint", "/docs", "/ledger/checkpoint", "/metrics", "/openapi.json", "/tile/{path}"];
    assert_eq!(others, other_media.map(|path| ("get", path)));
    let as_json = [("accept", "application/json")];
    let reply = server.call("GET", "/ledger/checkpoint", "", &as_json).await;
    let operation = &document["paths"]["/ledger/checkpoint"]["get"];
    let content = &operation["responses"]["200"]["content"];
    conforms(&content["application/json"]["schema"], &reply.json(), "/ledger/checkpoint");
    assert_eq!(content["text/plain"]["schema"]["type"], "string");
}

#[tokio::test]
async fn the_page_is_served_whole_under_a_policy_that_lets_it_work() {
    let server = Server::new();
    let page = server.get("/docs").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").to_owned();
    let text = String::from_utf8(page.bytes).unwrap();
    // The policy has no `unsafe-inline` for scripts, so there may be none.
    assert!(policy.contains("script-src 'self'"), "{policy}");
    for script in text.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "{script}");
    }
    assert!(text.contains("<base href=\"/docs/\">"));
    let mut files = 0;
    for attribute in ["src=\"", "href=\""] {
        for part in text.split(attribute).skip(1) {
            let file = part.split('"').next().unwrap();
            assert!(!file.contains("://"), "{file} is fetched from elsewhere");
            if file.starts_with('/') {
                continue;
            }
            let path = format!("/docs/{}", file.trim_start_matches("./"));
            let reply = server.get(&path).await;
            assert_eq!(reply.status, 200, "{path}");
            assert!(!reply.bytes.is_empty(), "{path}");
            files += 1;
        }
    }
    assert!(4 <= files, "{text}");
    let start = server.get("/docs/swagger-initializer.js").await;
    assert!(start.header("content-type").starts_with("text/javascript"));
    let start = String::from_utf8(start.bytes).unwrap();
    assert!(start.contains("/openapi.json"), "{start}");
    assert_eq!(server.get("/openapi.json").await.json()["openapi"], "3.1.0");
    assert_eq!(server.get("/docs/").await.status, 200);
    assert_eq!(server.get("/docs?x=1").await.status, 200);
}
