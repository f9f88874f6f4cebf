//! `lexecon audit`: what is sent, what is shown, and that a file is there only
//! when it is the one the cluster names.

use std::fs;

use crate::double::{Double, Said};
use crate::shell::{ask, check, run};

const ACCEPTED: &str = r#"{"export_id":"exp_1","status":"pending","scope":"all","format":"json","ledger_size":135,"status_url":"/audit/status/exp_1"}"#;

/// SHA-256 of `abcdef`.
const HASH: &str = "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721";

fn status(status: &str, sha256: Option<&str>) -> String {
    let sha256 = sha256.map_or("null".to_owned(), |hash| format!("\"{hash}\""));
    let (size, records) = if sha256 == "null" { ("null", "null") } else { ("6", "88") };
    format!(
        r#"{{"export_id":"exp_1","status":"{status}","scope":"all","format":"json","from":null,"to":null,"purpose":"annual audit","ledger_size":135,"record_count":{records},"size_bytes":{size},"sha256":{sha256},"erasures_through":null,"signature":null,"download_url":null,"requested_by":"act_human_user:maria","requested_at":"2027-03-04T05:06:07.000000Z","completed_at":null,"error":null}}"#
    )
}

const SHOWN: &str = "export   exp_1
status   running
scope    all, json
purpose  annual audit
entries  135
by       act_human_user:maria
asked    2027-03-04T05:06:07.000000Z
";

#[tokio::test]
async fn everything_that_is_told_is_sent() {
    let words = ["audit", "export", "--scope", "risk_only", "--format", "csv"];
    let more = ["--from", "2027-01-01", "--to", "2027-04-01", "--purpose", "audit"];
    let rest = ["--ledger-size", "135", "--by", "act_human_user:maria"];
    let words: Vec<&str> = words.into_iter().chain(more).chain(rest).collect();
    let (ran, node) = ask(&words, Said::ok(ACCEPTED).status(202)).await;
    assert_eq!(ran.out, "export   exp_1\nstatus   pending\nentries  135\n");
    assert_eq!((ran.exit, node.lines()), (0, vec!["POST /audit/export".to_owned()]));
    let body = r#"{"format":"csv","from":"2027-01-01","ledger_size":135,"purpose":"audit","requester":"act_human_user:maria","scope":"risk_only","to":"2027-04-01"}"#;
    assert_eq!(node.asked()[0].body, body);
    assert_eq!(run(&["audit", "export", "--scope", "all", "--format", "pdf"]).await.exit, 2);
}

#[tokio::test]
async fn an_export_and_a_list_of_them_are_shown() {
    check(&["audit", "status", "exp_1"], &status("running", None), 0, SHOWN).await;
    let row = status("running", None);
    let list = format!(r#"{{"exports":[{row}],"total":1,"total_exact":true,"next":7}}"#);
    let shown = "EXPORT  STATUS   SCOPE  FORMAT  ENTRIES  ASKED                        BY
exp_1   running  all    json    135      2027-03-04T05:06:07.000000Z  act_human_user:maria
more with --after 7
";
    check(&["audit", "list"], &list, 0, shown).await;
    let words = ["audit", "list", "--status", "running", "--format", "zip", "--order", "desc"];
    let (_ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!(node.lines(), ["GET /audit/exports?status=running&format=zip&order=desc"]);
}

#[tokio::test]
async fn an_answer_to_a_request_is_sent_once() {
    for verb in ["approve", "reject"] {
        let words = ["audit", verb, "exp_1", "--notes", "seen"];
        let (ran, node) = ask(&words, Said::ok(&status("pending", None))).await;
        assert_eq!(
            (ran.exit, node.lines()),
            (0, vec![format!("POST /audit/exports/exp_1/{verb}")])
        );
        assert_eq!(node.asked()[0].body, r#"{"notes":"seen"}"#);
    }
    let words = ["audit", "approve", "exp_1"];
    let (ran, _node) = ask(&words, Said::problem(403, "same_person")).await;
    assert_eq!(ran.exit, 3);
}

#[tokio::test]
async fn it_is_waited_for_what_a_node_still_builds() {
    let node = Double::start([
        Said::ok(ACCEPTED).status(202),
        Said::ok(&status("running", None)),
        Said::ok(&status("failed", None)),
    ])
    .await;
    let words = ["audit", "export", "--scope", "all", "--format", "json", "--wait"];
    let words: Vec<&str> = words.into_iter().chain(["--url", &node.url]).collect();
    assert_eq!(run(&words).await.exit, 1);
    assert_eq!(node.lines().len(), 3);
}

#[tokio::test]
async fn a_file_that_will_never_be_there_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.json");
    let node =
        Double::start([Said::problem(409, "not_ready"), Said::ok(&status("failed", None))]).await;
    let out = path.to_str().unwrap();
    let ran = run(&["audit", "download", "exp_1", "--out", out, "--url", &node.url]).await;
    assert_ne!(ran.exit, 0);
    assert!(ran.err.contains("the export is `failed`"), "{}", ran.err);
    assert_eq!((node.lines().len(), path.exists()), (2, false));
}

/// Fetches a file whose bytes a node sends so.
async fn fetched(bytes: &str, sha256: &str) -> (u8, Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.json");
    let node = Double::start([
        Said::problem(409, "not_ready"),
        Said::ok(&status("completed", Some(sha256))),
        Said::ok(bytes).status(206),
        Said::ok(&status("completed", Some(sha256))),
    ])
    .await;
    let out = path.to_str().unwrap();
    let ran = run(&["audit", "download", "exp_1", "--out", out, "--url", &node.url]).await;
    assert_eq!(node.asked()[2].header("range"), Some("bytes=0-8388607"));
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    let written = fs::read_to_string(&path).ok();
    assert_eq!(left.len(), usize::from(written.is_some()), "something is left beside it");
    (ran.exit, written)
}

#[tokio::test]
async fn a_file_is_there_only_when_it_is_the_one_that_is_recorded() {
    assert_eq!(fetched("abcdef", HASH).await, (0, Some("abcdef".to_owned())));
    assert_eq!(fetched("abcdeX", HASH).await, (1, None));
}
