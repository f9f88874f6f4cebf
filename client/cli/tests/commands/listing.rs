//! `lexecon decisions list`.

use crate::double::Said;
use crate::shell::{ask, check};

const PAGE: &str = r#"{"decisions":[{"decision_id":"dec_1","outcome":"escalated","effective_outcome":"allowed","effective_basis":"escalation","reason":"x","actor":"a","action":"pay","ledger_entry_id":7,"timestamp":"2027-03-04T05:06:07.123456Z"}],"total":100000,"total_exact":false,"next":7}"#;

#[tokio::test]
async fn decisions_are_a_table_with_what_holds_now() {
    let out = "\
ENTRY  TIME                         OUTCOME  ACTOR  ACTION  DECISION
7      2027-03-04T05:06:07.123456Z  allowed  a      pay     dec_1
1 of more than 100000 decisions; next page: --after 7
";
    check(&["decisions", "list"], PAGE, 0, out).await;
}

#[tokio::test]
async fn what_is_asked_reaches_the_node() {
    let words = ["decisions", "list", "--actor", "a", "--action", "pay", "--outcome", "denied"];
    let words = [&words[..], &["--from", "2027-03-01", "--after", "3", "--order", "desc"]].concat();
    let (ran, node) = ask(&words, Said::ok(PAGE)).await;
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let line = "GET /decisions?limit=100&after=3&actor=a&action=pay&outcome=denied&from=2027-03-01&order=desc";
    assert_eq!(node.lines(), [line]);
    for wrong in [["--outcome", "maybe"], ["--limit", "0"], ["--from", "yesterday"]] {
        let words = [&["decisions", "list"], &wrong[..]].concat();
        let (ran, node) = ask(&words, Said::ok(PAGE)).await;
        assert_eq!((ran.exit, node.asked().len()), (2, 0), "{wrong:?}");
    }
}
