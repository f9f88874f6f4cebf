//! `lexecon intervention`: what is sent, and what is shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const RECORDED: &str = r#"{"status":"success","intervention_id":"int_1","stop_id":null,"timestamp":"2027-03-04T05:06:07.000000Z","signature":{"algorithm":"Ed25519","key_id":"key_1","value":"AA"},"ledger_entry_id":136,"ledger_entry_hash":"aa07"}"#;

const SHOWN: &str = "intervention  int_1
time          2027-03-04T05:06:07.000000Z
entry         136 aa07
";

const WORDS: [&str; 12] = [
    "intervention",
    "record",
    "--type",
    "override",
    "--role",
    "risk_manager",
    "--reason",
    "duplicate invoice",
    "--recommendation",
    r#"{"decision":"pay","confidence":0.62}"#,
    "--decision",
    r#"{"decision":"hold"}"#,
];

#[tokio::test]
async fn an_intervention_is_sent_as_it_was_told() {
    check(&WORDS, RECORDED, 0, SHOWN).await;
    let more = ["--by", "act_human_user:maria", "--about", "dec_1", "--response-time", "1500"];
    let words: Vec<&str> = WORDS.into_iter().chain(more).collect();
    let (_ran, node) = ask(&words, Said::ok(RECORDED)).await;
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-14/intervention"]);
    let body = r#"{"ai_recommendation":{"confidence":0.62,"decision":"pay"},"decision_id":"dec_1","human_decision":{"decision":"hold"},"human_id":"act_human_user:maria","human_role":"risk_manager","intervention_type":"override","reason":"duplicate invoice","response_time_ms":1500}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn what_is_refused_is_told_by_the_exit() {
    let (ran, _node) = ask(&WORDS, Said::problem(403, "not_authorised")).await;
    assert_eq!(ran.exit, 3);
    let mut words = WORDS;
    words[9] = "[]";
    assert_eq!(run(&words).await.exit, 2);
    words[9] = "{";
    assert_eq!(run(&words).await.exit, 2);
    let mut words = WORDS;
    words[3] = "emergency_stop";
    assert_eq!(run(&words).await.exit, 2);
    assert_eq!(run(&["intervention", "record"]).await.exit, 2);
}

#[tokio::test]
async fn a_verification_is_an_answer_with_yes_and_no() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reply.json");
    std::fs::write(&path, RECORDED).unwrap();
    let words = ["intervention", "verify", path.to_str().unwrap()];
    for (verified, different, erased, exit, shown) in [
        ("true", "", "", 0, "verified      yes\n"),
        ("false", r#""reason""#, "", 1, "verified      no\ndifferent     reason\n"),
        (
            "null",
            "",
            r#""reason""#,
            1,
            "verified      not known: some of it is erased\nerased        reason\n",
        ),
    ] {
        let reply = format!(
            r#"{{"verified":{verified},"intervention_id":"int_1","mismatched_fields":[{different}],"erased_fields":[{erased}],"signature_valid":true,"ledger_entry_id":136}}"#
        );
        let expect =
            format!("intervention  int_1\n{shown}signature     valid\nentry         136\n");
        check(&words, &reply, exit, &expect).await;
    }
    let (_ran, node) = ask(&words, Said::problem(404, "unknown_intervention")).await;
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-14/verify"]);
    std::fs::write(&path, "[]").unwrap();
    assert_eq!(run(&words).await.exit, 2);
}
