//! `lexecon decide`: what is sent and printed, and with which code it ends.

use types::Json;

use crate::double::{Double, Said};
use crate::shell::{ask, check, run};
use crate::signed::genuine;

const ASK: [&str; 5] = ["decide", "--actor", "ai_agent:a", "--action", "read_claim"];

fn denied() -> String {
    let mut reply = genuine();
    reply.insert("outcome", "denied");
    reply.insert("allowed", false);
    reply.insert("reason", "Action not explicitly permitted");
    reply.insert("reason_code", "no_permit");
    for name in ["capability_token", "token_id", "token_expires_at"] {
        reply.insert(name, Json::Null);
    }
    Json::Object(reply).to_canonical()
}

#[tokio::test]
async fn a_permission_is_shown_with_its_token() {
    let reply = genuine();
    let token = reply.get("capability_token").and_then(Json::as_str).unwrap();
    let out = format!(
        "outcome   allowed (permitted)
reason    Triage may read open claims
decision  dec_01K1R0D2J7Q4M8X5B9C3F6H0TN
request   triage-8841
entry     118 9be1
policy    version 3, strict
risk      1, low
time      2027-03-04T05:06:07.123456Z
token     {token}
expires   2027-03-04T05:11:07.123456Z
"
    );
    check(&ASK, &Json::Object(reply.clone()).to_canonical(), 0, &out).await;
}

#[tokio::test]
async fn a_denial_exits_with_1() {
    let out = "outcome   denied (no_permit)
reason    Action not explicitly permitted
decision  dec_01K1R0D2J7Q4M8X5B9C3F6H0TN
request   triage-8841
entry     118 9be1
policy    version 3, strict
risk      1, low
time      2027-03-04T05:06:07.123456Z
";
    check(&ASK, &denied(), 1, out).await;
}

#[tokio::test]
async fn every_flag_reaches_the_request() {
    let flags = [
        "--context",
        "purpose=triage",
        "--context",
        "formula=a=b",
        "--resource",
        "claim:7",
        "--tool",
        "crm",
        "--data-class",
        "claims",
        "--data-class",
        "health",
        "--risk-level",
        "3",
        "--mode",
        "paranoid",
        "--request-id",
        "r-1",
        "--dry-run",
        "--expires-in",
        "60",
    ];
    let words: Vec<&str> = ASK.into_iter().chain(flags).collect();
    let (_ran, node) = ask(&words, Said::ok(&denied())).await;
    assert_eq!(
        node.asked()[0].body,
        r#"{"action":"read_claim","actor":"ai_agent:a","context":{"formula":"a=b","purpose":"triage"},"data_classes":["claims","health"],"dry_run":true,"expires_in":60,"policy_mode":"paranoid","request_id":"r-1","resource":"claim:7","risk_level":3,"tool":"crm"}"#
    );
}

#[tokio::test]
async fn a_context_of_json_keeps_its_types() {
    let words: Vec<&str> =
        ASK.into_iter().chain(["--context-json", r#"{"n":1.50,"x":{"y":[true]}}"#]).collect();
    let (_ran, node) = ask(&words, Said::ok(&denied())).await;
    let body = &node.asked()[0].body;
    assert!(body.contains(r#""context":{"n":1.5,"x":{"y":[true]}}"#), "{body}");
}

#[tokio::test]
async fn a_whole_request_is_read_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("request.json");
    std::fs::write(&path, r#"{"actor":"a","action":"b","request_id":"r-2"}"#).unwrap();
    let (ran, node) = ask(&["decide", "--body", path.to_str().unwrap()], Said::ok(&denied())).await;
    assert_eq!(ran.exit, 1);
    assert_eq!(node.asked()[0].body, r#"{"action":"b","actor":"a","request_id":"r-2"}"#);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_not_sent() {
    let node = Double::start([]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (broken, list) = (file("broken.json", "{"), file("list.json", "[]"));
    let wrong: [&[&str]; 10] = [
        &["decide", "--actor", "a"],
        &["decide", "--actor", "a", "--action", "b", "--body", "x.json"],
        &["decide", "--actor", "a", "--action", "b", "--context", "x"],
        &["decide", "--actor", "a", "--action", "b", "--context", "x=1", "--context", "x=1"],
        &["decide", "--actor", "a", "--action", "b", "--context-json", "[]"],
        &["decide", "--actor", "a", "--action", "b", "--context-json", r#"{"a":1,"a":2}"#],
        &["decide", "--actor", "a", "--action", "b", "--risk-level", "6"],
        &["decide", "--body", &broken],
        &["decide", "--body", &list],
        &["decide", "--actor", "a", "--action", "b", "--mode", "lenient"],
    ];
    for words in wrong {
        let words: Vec<&str> = words.iter().copied().chain(["--url", &node.url]).collect();
        let ran = run(&words).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{words:?}");
        assert!(!ran.err.is_empty(), "{words:?}");
    }
    assert!(node.asked().is_empty());
}
