//! `lexecon risk`: what is sent, and what is shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const RISK: &str = r#"{"risk_id":"rsk_2","decision_id":"dec_1","version":2,"supersedes":"rsk_1","overall_score":51,"risk_level":"medium","dimensions":{"security":40,"privacy":65,"compliance":null,"operational":null,"reputational":null,"financial":null},"factors":[{"name":"security_risk","weight":25,"value":40},{"name":"privacy_risk","weight":20,"value":65}],"escalation_id":null,"timestamp":"2027-03-04T05:06:07.000000Z","ledger_entry_id":119}"#;

const SHOWN: &str = "risk        rsk_2
decision    dec_1
version     2
supersedes  rsk_1
score       51, medium
factors     security_risk 40, privacy_risk 65
time        2027-03-04T05:06:07.000000Z
entry       119
";

const ROWS: &str = "RISK   SCORE  LEVEL   VERSION  DECISION  ESCALATION  TIME
rsk_2  51     medium  2        dec_1     -           2027-03-04T05:06:07.000000Z
";

#[tokio::test]
async fn a_risk_is_assessed_by_dimension() {
    let words = ["risk", "assess", "dec_1", "--security", "40", "--privacy", "65"];
    check(&words, RISK, 0, SHOWN).await;
    let more = ["--supersedes", "rsk_1", "--likelihood", "30", "--impact", "4"];
    let more = more.into_iter().chain(["--mitigation", "four eyes"]);
    let words: Vec<&str> = words.into_iter().chain(more).collect();
    let (_ran, node) = ask(&words, Said::ok(RISK)).await;
    assert_eq!(node.lines(), ["POST /risks/assess"]);
    let body = r#"{"decision_id":"dec_1","dimensions":{"privacy":65,"security":40},"impact":4,"likelihood":30,"mitigations":["four eyes"],"supersedes":"rsk_1"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn what_is_refused_is_told_by_the_exit() {
    let words = ["risk", "assess", "dec_1"];
    let (ran, node) = ask(&words, Said::problem(409, "already_assessed")).await;
    assert_eq!(
        (ran.exit, node.asked()[0].body.as_str()),
        (3, r#"{"decision_id":"dec_1","dimensions":{}}"#)
    );
    assert_eq!(run(&["risk", "assess"]).await.exit, 2);
    assert_eq!(run(&["risk", "assess", "dec_1", "--security", "101"]).await.exit, 2);
    assert_eq!(run(&["risk", "assess", "dec_1", "--impact", "0"]).await.exit, 2);
    assert_eq!(run(&["risk", "list", "--level", "severe"]).await.exit, 2);
}

#[tokio::test]
async fn an_assessment_or_a_decision_is_shown() {
    check(&["risk", "show", "rsk_2"], RISK, 0, SHOWN).await;
    let latest = RISK.strip_suffix('}').unwrap();
    let whole = format!(r#"{latest},"versions":[{RISK}]}}"#);
    let (ran, node) = ask(&["risk", "show", "dec_1"], Said::ok(&whole)).await;
    assert_eq!((ran.exit, ran.out), (0, format!("{SHOWN}\n{ROWS}")));
    assert_eq!(node.lines(), ["GET /risks/decision/dec_1"]);
}

#[tokio::test]
async fn risks_are_listed_with_where_to_go_on() {
    let list = format!(r#"{{"risks":[{RISK}],"total":2,"total_exact":true,"next":"51-119"}}"#);
    let words = ["risk", "list", "--min-score", "50", "--level", "medium", "--limit", "1"];
    let (ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out), (0, format!("{ROWS}more with --after 51-119\n")));
    assert_eq!(node.lines(), ["GET /risks?min_score=50&level=medium&limit=1"]);
}
