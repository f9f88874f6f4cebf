//! `lexecon escalation`: what is sent, and what is shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const OPEN: &str = r#"{"escalation_id":"esc_1","decision_id":"dec_1","trigger":"actor_request","priority":"medium","status":"acknowledged","escalated_to":["act_human_user:maria"],"context_summary":"claim above limit","action_digest":null,"created_at":"2027-03-04T05:07:00.000000Z","sla_deadline":"2027-03-05T05:07:00.000000Z","acknowledged_at":"2027-03-04T05:08:00.000000Z","acknowledged_by":"act_human_user:maria","resolved_at":null,"resolution":null,"auto":false,"risk_id":null,"metadata":null,"ledger_entry_id":120}"#;

const SHOWN: &str = "escalation  esc_1
decision    dec_1
status      acknowledged
priority    medium, actor_request
asked       act_human_user:maria
about       claim above limit
raised      2027-03-04T05:07:00.000000Z
deadline    2027-03-05T05:07:00.000000Z
looks       act_human_user:maria
entry       120
";

const ROWS: &str =
    "ESCALATION  STATUS        PRIORITY  DEADLINE                     DECISION  ANSWER
esc_1       acknowledged  medium    2027-03-05T05:07:00.000000Z  dec_1     -
";

#[tokio::test]
async fn humans_are_asked_and_answer() {
    let create = ["escalation", "create", "dec_1", "--trigger", "actor_request"];
    let to = ["--to", "act_human_user:maria", "--summary", "claim above limit"];
    let words: Vec<&str> = create.into_iter().chain(to).collect();
    check(&words, OPEN, 0, SHOWN).await;
    let (_ran, node) = ask(&words, Said::ok(OPEN)).await;
    assert_eq!(node.lines(), ["POST /escalations/create"]);
    let body = r#"{"context_summary":"claim above limit","decision_id":"dec_1","escalated_to":["act_human_user:maria"],"trigger":"actor_request"}"#;
    assert_eq!(node.asked()[0].body, body);

    let words = ["escalation", "acknowledge", "esc_1", "--by", "act_human_user:maria"];
    let (ran, node) = ask(&words, Said::ok(OPEN)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, SHOWN));
    assert_eq!(node.lines(), ["POST /escalations/esc_1/acknowledge"]);

    let answer = r#""resolution":{"outcome":"approved","resolved_by":"act_human_user:maria","notes":"fine"}"#;
    let resolved = OPEN.replace(r#""resolution":null"#, answer);
    let words = ["escalation", "resolve", "esc_1", "approved", "--notes", "fine"];
    let (ran, node) = ask(&words, Said::ok(&resolved)).await;
    assert!(ran.out.contains("answer      approved\nby          act_human_user:maria\n"));
    assert_eq!(node.asked()[0].body, r#"{"notes":"fine","outcome":"approved"}"#);
}

#[tokio::test]
async fn what_is_refused_is_told_by_the_exit() {
    let words = ["escalation", "acknowledge", "esc_1"];
    let (ran, _node) = ask(&words, Said::problem(409, "expired")).await;
    assert_eq!(ran.exit, 3);
    for words in [
        vec!["escalation", "create", "dec_1", "--trigger", "actor_request"],
        vec!["escalation", "create", "dec_1", "--to", "x", "--trigger", "boredom"],
        vec!["escalation", "resolve", "esc_1", "maybe", "--notes", "x"],
        vec!["escalation", "resolve", "esc_1", "denied"],
        vec!["escalation", "list", "--status", "odd"],
    ] {
        assert_eq!(run(&words).await.exit, 2, "{words:?}");
    }
}

#[tokio::test]
async fn escalations_are_shown_and_listed() {
    check(&["escalation", "show", "esc_1"], OPEN, 0, SHOWN).await;
    let list = format!(r#"{{"escalations":[{OPEN}],"total":2,"total_exact":true,"next":120}}"#);
    let words = ["escalation", "list", "--status", "acknowledged", "--order", "desc"];
    let (ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out), (0, format!("{ROWS}more with --after 120\n")));
    assert_eq!(node.lines(), ["GET /escalations?status=acknowledged&order=desc"]);
    let list = format!(r#"{{"count":1,"violations":[{OPEN}],"next":null}}"#);
    let (ran, node) = ask(&["escalation", "violations", "--limit", "5"], Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, ROWS));
    assert_eq!(node.lines(), ["GET /escalations/sla/violations?limit=5"]);
}
