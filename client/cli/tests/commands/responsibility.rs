//! `lexecon responsibility`: what is sent, and what is shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const RECORD: &str = r#"{"record_id":"resp_2","decision_id":"dec_1","decision_maker":"delegated","responsible_party":"act_human_user:bob","role":"clerk","reasoning":"I looked","responsibility_level":"shared","confidence_percent":80,"delegated_from":"act_human_user:jane","escalation_id":null,"override_id":null,"review_required":true,"review":null,"timestamp":"2027-03-04T05:06:07.000000Z","ledger_entry_id":119}"#;

const SHOWN: &str = "record          resp_2
decision        dec_1
party           act_human_user:bob
role            clerk
as              delegated, shared
reasoning       I looked
confidence      80 %
delegated from  act_human_user:jane
review          required
time            2027-03-04T05:06:07.000000Z
entry           119
";

const ROWS: &str = "RECORD  PARTY               ROLE   MAKER      LEVEL   REVIEW    DECISION  TIME
resp_2  act_human_user:bob  clerk  delegated  shared  required  dec_1     2027-03-04T05:06:07.000000Z
";

const SAID: [&str; 13] = [
    "responsibility",
    "record",
    "dec_1",
    "--maker",
    "delegated",
    "--party",
    "act_human_user:bob",
    "--role",
    "clerk",
    "--level",
    "shared",
    "--reasoning",
    "I looked",
];

/// A record that was judged.
fn judged(review: &str) -> String {
    RECORD.replace(r#""review":null"#, &format!(r#""review":{review}"#))
}

#[tokio::test]
async fn somebody_is_said_to_be_responsible() {
    let from = ["--delegated-from", "act_human_user:jane"];
    let words = [&SAID[..], &from].concat();
    check(&words, RECORD, 0, SHOWN).await;
    let words = [&words[..], &["--confidence", "80", "--review-required"]].concat();
    let (_ran, node) = ask(&words, Said::ok(RECORD)).await;
    assert_eq!(node.lines(), ["POST /responsibility/records"]);
    let body = r#"{"confidence_percent":80,"decision_id":"dec_1","decision_maker":"delegated","delegated_from":"act_human_user:jane","reasoning":"I looked","responsibility_level":"shared","responsible_party":"act_human_user:bob","review_required":true,"role":"clerk"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn what_cannot_be_said_is_not_sent() {
    assert_eq!(run(&SAID).await.exit, 2);
    let from = ["--delegated-from", "act_human_user:jane"];
    for wrong in [["--confidence", "101"], ["--level", "total"], ["--maker", "nobody"]] {
        let words = [&SAID[..], &from, &wrong].concat();
        assert_eq!(run(&words).await.exit, 2, "{wrong:?}");
    }
    let review = ["responsibility", "review", "resp_2"];
    for wrong in [["approved", "--notes=x"].as_slice(), &["accepted"]] {
        assert_eq!(run(&[&review[..], wrong].concat()).await.exit, 2, "{wrong:?}");
    }
    let report = ["responsibility", "report", "--from", "yesterday"];
    assert_eq!(run(&report).await.exit, 2);
}

#[tokio::test]
async fn a_record_is_judged() {
    let words = ["responsibility", "review", "resp_2", "rejected", "--notes", "no"];
    let words = [&words[..], &["--reviewed-by", "act_human_user:eve"]].concat();
    let review = r#"{"outcome":"rejected","notes":"no","reviewed_by":"act_human_user:eve","reviewed_at":"2027-03-04T05:06:08.000000Z","ledger_entry_id":120}"#;
    let lines = "review          rejected
reviewed by     act_human_user:eve
notes           no
";
    let shown = SHOWN.replace("review          required\n", lines);
    check(&words, &judged(review), 0, &shown).await;
    let (ran, node) = ask(&words, Said::problem(409, "already_reviewed")).await;
    assert_eq!(
        (ran.exit, node.lines()),
        (3, vec!["POST /responsibility/resp_2/review".to_owned()])
    );
    let body = r#"{"notes":"no","outcome":"rejected","reviewed_by":"act_human_user:eve"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn a_chain_is_a_table() {
    let chain = format!(r#"{{"decision_id":"dec_1","chain_length":1,"records":[{RECORD}]}}"#);
    let words = ["responsibility", "chain", "dec_1"];
    check(&words, &chain, 0, ROWS).await;
    let (_ran, node) = ask(&words, Said::ok(&chain)).await;
    assert_eq!(node.lines(), ["GET /responsibility/chain/dec_1"]);
    let review = r#"{"outcome":null,"notes":null,"reviewed_by":null,"reviewed_at":"2027-03-04T05:06:08.000000Z","ledger_entry_id":120}"#;
    let (ran, _node) = ask(&words, Said::ok(&chain.replace(RECORD, &judged(review)))).await;
    let narrower = ROWS.replace("required  ", "erased  ").replace("REVIEW    ", "REVIEW  ");
    assert_eq!(ran.out, narrower);
}

#[tokio::test]
async fn lists_say_where_to_go_on() {
    let out = format!("{ROWS}1 of 2 records; next page: --after 119\n");
    for (words, count, line) in [
        (
            ["responsibility", "party", "act_human_user:bob"].as_slice(),
            r#""responsible_party":"act_human_user:bob","decision_count":2"#,
            "GET /responsibility/party/act_human_user:bob?after=7&limit=1",
        ),
        (
            &["responsibility", "pending"],
            r#""pending_count":2"#,
            "GET /responsibility/pending-reviews?after=7&limit=1",
        ),
    ] {
        let page = format!(r#"{{{count},"records":[{RECORD}],"next":119}}"#);
        let words = [words, &["--after", "7", "--limit", "1"]].concat();
        check(&words, &page, 0, &out).await;
        let (_ran, node) = ask(&words, Said::ok(&page)).await;
        assert_eq!(node.lines(), [line]);
    }
}

#[tokio::test]
async fn a_legal_export_says_who_decided_and_what_covers_it() {
    let legal = |signatures: &str, checkpoint: &str| {
        format!(
            r#"{{"export_type":"LEGAL_RESPONSIBILITY_CHAIN","decision_id":"dec_1","chain_length":1,"responsibility_records":[{RECORD}],"final_responsible_party":"act_human_user:bob","human_in_loop":true,"signatures_present":{signatures},"checkpoint":{checkpoint}}}"#
        )
    };
    let words = ["responsibility", "legal", "dec_1"];
    let shown = |checkpoint: &str, signatures: u8| {
        format!(
            "{ROWS}final party    act_human_user:bob\nhuman in loop  yes\ncheckpoint     {checkpoint}\nsignatures     {signatures}\n"
        )
    };
    check(&words, &legal("[]", "null"), 0, &shown("not final yet", 0)).await;
    let signed = r#"[{"name":"n","key_id":"01020304","type":1,"valid":true}]"#;
    let note = r#""lexecon.test/c\n120\nroot\n""#;
    check(&words, &legal(signed, note), 0, &shown("of size 120", 1)).await;
}

#[tokio::test]
async fn a_report_is_numbers_and_names() {
    let report = r#"{"period":{"from":null,"to":"2027-04-01T00:00:00.000000Z"},"summary":{"total_decisions":3,"by_decision_maker":{"ai_system":3,"human_operator":1,"human_supervisor":0,"human_executive":0,"delegated":0,"emergency_override":0},"by_responsibility_level":{"full":0,"shared":1,"supervised":0,"automated":3},"ai_overrides":2,"override_rate_percent":66,"pending_reviews":1},"top_responsible_parties":[{"party":"system","decision_count":3},{"party":"act_human_user:bob","decision_count":1}]}"#;
    let shown = "period           the beginning to 2027-04-01T00:00:00.000000Z
decisions        3
overrides        2, 66 %
pending reviews  1
3 ai_system, 1 human_operator
3 automated, 1 shared
PARTY               RECORDS
system              3
act_human_user:bob  1
";
    let words = ["responsibility", "report", "--to", "2027-04-01"];
    check(&words, report, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(report)).await;
    assert_eq!(node.lines(), ["GET /responsibility/report?to=2027-04-01"]);
}
