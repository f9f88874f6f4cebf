//! Bytes from anybody: whatever is sent, the answer is 2xx or 4xx and has its
//! form.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value};

use crate::common::{POLICY, Server};

const PATHS: [&str; 8] = [
    "/decide",
    "/decide/batch",
    "/decide/verify",
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/policies/load",
    "/policies/validate",
    "/cluster/nodes",
];

const PREFIXES: [&str; 6] =
    ["/ledger/entries", "/ledger/entries/", "/policies/", "/decisions/", "/docs/", "/"];

/// Names that bodies know, so that values of all kinds come to where they are
/// looked at.
const NAMES: [&str; 32] = [
    "actor",
    "action",
    "proposed_action",
    "context",
    "request_id",
    "resource",
    "tool",
    "data_classes",
    "risk",
    "risk_level",
    "policy_mode",
    "expires_in",
    "dry_run",
    "requests",
    "policy",
    "terms",
    "relations",
    "decision_response",
    "ledger_entry_hash",
    "ledger_entry_id",
    "signature",
    "decision_id",
    "keys",
    "matched",
    "subject",
    "type",
    "id",
    "name",
    "properties",
    "evaluations",
    "options",
    "evaluations_semantic",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-3_i64..6).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "[a-z_:]{1,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let name = prop_oneof![prop::sample::select(&NAMES[..]).prop_map(str::to_owned), ".{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Sends bodies to every path and looks at the answers.
fn check(cases: u32, bodies: impl Strategy<Value = Vec<u8>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::loaded());
    let mut runner = TestRunner::new(Config { cases, ..Config::default() });
    let result = runner.run(&(0..PATHS.len(), bodies), |(path, body)| {
        let request = axum::http::Request::post(PATHS[path])
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body))
            .unwrap();
        let reply = runtime.block_on(server.send(request));
        prop_assert!((200..500).contains(&reply.status), "{} {}", PATHS[path], reply.status);
        if reply.status != 200 {
            reply.outcome();
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn any_json_gets_an_answer_below_500() {
    check(1500, value().prop_map(|value| value.to_string().into_bytes()));
}

#[test]
fn any_bytes_get_an_answer_below_500() {
    check(500, prop::collection::vec(any::<u8>(), 0..200));
}

#[test]
fn a_broken_text_gets_an_answer_below_500() {
    let cut = (0..POLICY.len(), any::<u8>()).prop_map(|(at, byte)| {
        let mut bytes = POLICY.as_bytes().to_vec();
        bytes[at] = byte;
        bytes
    });
    check(500, cut);
}

#[test]
fn any_path_and_query_gets_an_answer_below_500() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::loaded());
    let parts = (prop::sample::select(&PREFIXES[..]), "[!-~]{0,16}", "[!-~]{0,24}");
    let mut runner = TestRunner::new(Config { cases: 1500, ..Config::default() });
    let result = runner.run(&parts, |(prefix, path, query)| {
        let uri = format!("{prefix}{path}?{query}");
        let Ok(request) = axum::http::Request::get(uri).body(axum::body::Body::empty()) else {
            return Ok(());
        };
        let reply = runtime.block_on(server.send(request));
        prop_assert!((200..500).contains(&reply.status), "{}", reply.status);
        Ok(())
    });
    result.unwrap();
}
