//! `lexecon stop`: what is sent, and what is shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const SET: &str = r#"{"status":"success","intervention_id":"int_1","stop_id":"stop_1","timestamp":"2027-03-04T05:06:07.000000Z","signature":{"algorithm":"Ed25519","key_id":"key_1","value":"AA"},"ledger_entry_id":136,"ledger_entry_hash":"aa07"}"#;

const SHOWN: &str = "intervention  int_1
stop          stop_1
time          2027-03-04T05:06:07.000000Z
entry         136 aa07
";

const WORDS: [&str; 8] = [
    "stop",
    "set",
    "--reason",
    "pays twice",
    "--role",
    "executive",
    "--by",
    "act_human_user:executive",
];

#[tokio::test]
async fn a_stop_is_an_intervention_with_its_scope() {
    check(&WORDS, SET, 0, SHOWN).await;
    let (_ran, node) = ask(&WORDS, Said::ok(SET)).await;
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-14/intervention"]);
    let body = r#"{"ai_recommendation":{"confidence":0},"human_decision":{"decision":"stop"},"human_id":"act_human_user:executive","human_role":"executive","intervention_type":"emergency_stop","reason":"pays twice","stop":{}}"#;
    assert_eq!(node.asked()[0].body, body);
    let scope = ["--actor", "ai:*", "--action", "pay"];
    let words: Vec<&str> = WORDS.into_iter().chain(scope).collect();
    let (_ran, node) = ask(&words, Said::ok(SET)).await;
    assert!(node.asked()[0].body.ends_with(r#""stop":{"action":"pay","actor":"ai:*"}}"#));
}

#[tokio::test]
async fn a_stop_is_lifted_by_its_id() {
    let words = ["stop", "lift", "stop_1", "--reason", "fixed", "--by", "act_human_user:executive"];
    let reply = r#"{"stop_id":"stop_1","status":"lifted","ledger_entry_id":137}"#;
    check(&words, reply, 0, "stop    stop_1\nstatus  lifted\nentry   137\n").await;
    let (ran, node) = ask(&words, Said::problem(409, "already_lifted")).await;
    assert_eq!(ran.exit, 3);
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-14/stops/stop_1/lift"]);
    let body = r#"{"lifted_by":"act_human_user:executive","reason":"fixed"}"#;
    assert_eq!(node.asked()[0].body, body);
    assert_eq!(run(&["stop", "lift", "stop_1"]).await.exit, 2);
    assert_eq!(run(&["stop", "set", "--reason", "x", "--role", "admin"]).await.exit, 2);
}
