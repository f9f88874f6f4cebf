//! `lexecon hold` and `lexecon retention`: what is asked, and what is shown.

use crate::double::Said;
use crate::shell::{ask, check, run};

const APPLIED: &str = r#"{"hold_id":"h","status":"active","records_affected":3,"records_affected_exact":true,"applied_at":"2027-03-04T05:06:07.000000Z","ledger_entry_id":9}"#;

#[tokio::test]
async fn a_hold_says_what_it_keeps() {
    let words = ["hold", "apply", "--reason", "a claim", "--entry", "1", "--entry", "2"];
    let shown = "hold     h
status   active
records  3
time     2027-03-04T05:06:07.000000Z
entry    9
";
    check(&words, APPLIED, 0, shown).await;
    for (more, body) in [
        (vec!["--all"], r#"{"all":true,"reason":"r"}"#),
        (vec!["--entry", "1"], r#"{"entry_ids":[1],"reason":"r"}"#),
        (
            vec!["--actor", "a", "--type", "decision", "--from", "2027-01-01", "--id", "x"],
            r#"{"filter":{"actor":"a","entry_type":"decision","from":"2027-01-01"},"hold_id":"x","reason":"r"}"#,
        ),
    ] {
        let words: Vec<&str> = ["hold", "apply", "--reason", "r"].into_iter().chain(more).collect();
        let (_ran, node) = ask(&words, Said::ok(APPLIED)).await;
        assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-12/legal-holds"]);
        assert_eq!(node.asked()[0].body, body);
    }
    assert_eq!(run(&["hold", "apply", "--reason", "r"]).await.exit, 2);
    let both = ["hold", "apply", "--reason", "r", "--all", "--entry", "1"];
    assert_eq!(run(&both).await.exit, 2);
}

#[tokio::test]
async fn holds_are_a_table() {
    let list = r#"{"holds":[{"hold_id":"h","status":"released","reason":"a claim","scope":{"kind":"all"},"records_affected":3,"records_affected_exact":true,"applied_by":null,"applied_at":"2027-03-04T05:06:07.000000Z","ledger_entry_id":9,"released_by":null,"released_at":"t","release_reason":"x","release_entry_id":10}],"count":2,"total":2,"total_exact":true,"next":9,"as_of_index":12}"#;
    let shown = "\
HOLD  STATUS    RECORDS  APPLIED                      SCOPE  REASON
h     released  3        2027-03-04T05:06:07.000000Z  all    a claim
2 holds; next page: --after 9
";
    check(&["hold", "list"], list, 0, shown).await;
    let words = ["hold", "list", "--status", "active", "--after", "7", "--limit", "1"];
    let words: Vec<&str> = words.into_iter().chain(["--as-of", "9"]).collect();
    let (_ran, node) = ask(&words, Said::ok(list)).await;
    let line =
        "GET /compliance/eu-ai-act/article-12/legal-holds?status=active&after=7&limit=1&as_of=9";
    assert_eq!(node.lines(), [line]);
    let inexact =
        list.replace(r#""records_affected_exact":true"#, r#""records_affected_exact":false"#);
    let (ran, _node) = ask(&["hold", "list"], Said::ok(&inexact)).await;
    assert!(ran.out.contains("at least 3"), "{}", ran.out);
}

#[tokio::test]
async fn a_hold_is_released_with_a_reason() {
    let reply = r#"{"hold_id":"h","status":"released","released_at":"t","ledger_entry_id":10}"#;
    let words = ["hold", "release", "h", "--reason", "it is over"];
    check(&words, reply, 0, "hold    h\nstatus  released\ntime    t\nentry   10\n").await;
    let (ran, node) = ask(&words, Said::problem(409, "already_released")).await;
    assert_eq!(ran.exit, 3);
    let line = "DELETE /compliance/eu-ai-act/article-12/legal-holds/h?reason=it+is+over";
    assert_eq!(node.lines(), [line]);
    assert_eq!(run(&["hold", "release", "h"]).await.exit, 2);
}

#[tokio::test]
async fn an_erasure_is_tried_before_it_is_done() {
    let reply = r#"{"dry_run":true,"part":"personal","candidates":6,"anonymized":3,"skipped_under_hold":2,"skipped_in_retention":1,"not_looked_at":0,"ledger_entry_id":null}"#;
    let words = ["retention", "anonymize", "--subject", "a", "--dry-run"];
    let shown = "part        personal
candidates  6
would go    3
under hold  2
kept        1
";
    check(&words, reply, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(reply)).await;
    assert_eq!(node.lines(), ["POST /compliance/eu-ai-act/article-12/anonymize"]);
    assert_eq!(node.asked()[0].body, r#"{"dry_run":true,"subject":"a"}"#);
    let more = reply.replace(r#""not_looked_at":0"#, r#""not_looked_at":7"#);
    let (ran, _node) = ask(&words, Said::ok(&more)).await;
    assert!(ran.out.contains("not looked at  7"), "{}", ran.out);
    let words = ["retention", "anonymize", "--part", "all", "--before", "2027-01-01"];
    let (_ran, node) = ask(&words, Said::ok(reply)).await;
    let body = r#"{"before":"2027-01-01","dry_run":false,"part":"all"}"#;
    assert_eq!(node.asked()[0].body, body);
}

const STATUS: &str = r#"{"total_records":5,"by_classification":{"high_risk":2,"standard":3,"gdpr_intersect":0},"by_status":{"active":4,"expiring":0,"legal_hold":0,"anonymized":1,"archived":0},"expiring_within_30_days":0,"legal_holds_active":1,"retention_days":{"high_risk":3650,"standard":183,"gdpr_intersect":183},"personal_retention_days":183,"oldest_record":"a","newest_record":"b","integrity":{"valid":true,"verified_through":4,"checkpoint":null},"status":"partial","status_detail":"d","as_of_index":4}"#;

#[tokio::test]
async fn the_status_of_records_is_shown_and_tells_by_its_exit_whether_they_hold() {
    let shown = "records    5
by class   gdpr_intersect 0, high_risk 2, standard 3
by status  active 4, anonymized 1, archived 0, expiring 0, legal_hold 0
holds      1
days kept  personal 183, gdpr_intersect 183, high_risk 3650, standard 183
oldest     a
newest     b
ledger     holds
status     partial (d)
as of      4
";
    check(&["retention", "status"], STATUS, 0, shown).await;
    let (_ran, node) = ask(&["retention", "status", "--as-of", "4"], Said::ok(STATUS)).await;
    assert_eq!(node.lines(), ["GET /compliance/eu-ai-act/article-12/status?as_of=4"]);
    let broken = STATUS.replace("\"valid\":true", "\"valid\":false");
    let (ran, _node) = ask(&["retention", "status"], Said::ok(&broken)).await;
    assert_eq!(ran.exit, 1);
}

#[tokio::test]
async fn a_package_is_printed_as_it_is() {
    let words = ["retention", "package", "records", "--format", "csv", "--from", "2027-01-01"];
    let (ran, node) = ask(&words, Said::ok("a,b\r\n1,'=2\r\n")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, "a,b\n1,'=2\n"));
    let line = "GET /compliance/eu-ai-act/article-12/regulatory-package?format=csv&from=2027-01-01";
    assert_eq!(node.lines(), [line]);
    let words = ["retention", "package", "oversight", "--as-of", "7"];
    let (_ran, node) = ask(&words, Said::ok("{}")).await;
    let line = "GET /compliance/eu-ai-act/article-14/evidence-package?format=json&as_of=7";
    assert_eq!(node.lines(), [line]);
    assert_eq!(run(&["retention", "package", "all"]).await.exit, 2);
}
