//! `lexecon evidence` and `lexecon signer`: what is sent, and what is shown of
//! what comes back.

use std::fs;

use crate::double::{Double, Said};
use crate::shell::{ask, check, run};

const HASH: &str = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

const ARTIFACT: &str = r#"{"artifact_id":"evd_1","artifact_type":"external_report","sha256_hash":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","size_bytes":1,"content_type":null,"source":"acme","created_at":"2027-03-04T05:06:07.000000Z","retention_until":null,"is_immutable":true,"storage_uri":null,"related_decision_ids":["dec_1"],"related_control_ids":["soc2:CC7.1"],"signatures":[{"key_id":"key_1","signer":"audit","algorithm":"Ed25519","signature":"x","signed_at":"y"}],"content_url":"/evidence/evd_1/content","registered_by":null,"metadata":null,"ledger_entry_id":119}"#;

const SHOWN: &str = "artifact   evd_1
type       external_report
sha256     2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
bytes      1
source     acme
decisions  dec_1
controls   soc2:CC7.1
signed by  audit (key_1)
time       2027-03-04T05:06:07.000000Z
entry      119
";

const ROWS: &str = "ARTIFACT  TYPE             SHA256        BYTES  SOURCE  SIGNED  TIME
evd_1     external_report  2d711642b726  1      acme    1       2027-03-04T05:06:07.000000Z
";

const SIGNER: &str = r#"{"key_id":"key_1","name":"audit","owner":"act_human_user:jane","public_key":"AQ","status":"active","registered_at":"2027-03-04T05:06:07.000000Z","ledger_entry_id":7}"#;

const SIGNER_SHOWN: &str = "key         key_1
name        audit
owner       act_human_user:jane
public key  AQ
status      active
registered  2027-03-04T05:06:07.000000Z
entry       7
";

/// A file in a folder that goes with the test.
fn file(bytes: &[u8]) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report");
    fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[tokio::test]
async fn a_file_is_kept_as_text_or_as_base64() {
    for (bytes, content) in [
        (b"x".as_slice(), r#""content":"x""#),
        (b"\xff", r#""content":"/w==","content_encoding":"base64""#),
        (b"\n", r#""content":"Cg==","content_encoding":"base64""#),
    ] {
        let (_dir, path) = file(bytes);
        let words = ["evidence", "register", &path, "--type", "external_report"];
        let words: Vec<&str> = words.into_iter().chain(["--source", "acme"]).collect();
        let (ran, node) = ask(&words, Said::ok(ARTIFACT)).await;
        assert_eq!((ran.exit, ran.out.as_str()), (0, SHOWN));
        assert_eq!(node.lines(), ["POST /evidence/register"]);
        let body = format!(r#"{{"artifact_type":"external_report",{content},"source":"acme"}}"#);
        assert_eq!(node.asked()[0].body, body);
        // So that what was cut off is gone on with.
        assert!(node.asked()[0].header("idempotency-key").is_some());
    }
}

#[tokio::test]
async fn everything_that_is_told_is_sent() {
    let (_dir, path) = file(b"x");
    let words = ["evidence", "register", &path, "--type", "screenshot", "--source", "s"];
    let more = ["--content-type", "image/png", "--decision", "dec_1", "--decision", "dec_2"];
    let rest = ["--control", "soc2:CC7.1", "--storage-uri", "s3://a/b", "--retention-days", "0"];
    let words = words.into_iter().chain(more).chain(rest).chain(["--by", "act_human_user:a"]);
    let words: Vec<&str> = words.collect();
    let (_ran, node) = ask(&words, Said::ok(ARTIFACT)).await;
    let body = r#"{"artifact_type":"screenshot","content":"x","content_type":"image/png","registered_by":"act_human_user:a","related_control_ids":["soc2:CC7.1"],"related_decision_ids":["dec_1","dec_2"],"retention_days":0,"source":"s","storage_uri":"s3://a/b"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn what_is_refused_is_told_by_the_exit() {
    let (_dir, path) = file(b"x");
    let words = ["evidence", "register", &path, "--type", "screenshot", "--source", "s"];
    let (ran, _node) = ask(&words, Said::problem(413, "content_too_large")).await;
    assert_eq!(ran.exit, 2);
    let words = ["evidence", "register", "/nowhere", "--type", "screenshot", "--source", "s"];
    assert_eq!(run(&words).await.exit, 3);
    assert_eq!(run(&["evidence", "register", &path, "--type", "rumor"]).await.exit, 2);
    let both = ["evidence", "verify", "evd_1", &path, "--sha256", HASH];
    assert_eq!(run(&both).await.exit, 2);
}

#[tokio::test]
async fn an_artifact_or_a_decision_is_shown() {
    check(&["evidence", "show", "evd_1"], ARTIFACT, 0, SHOWN).await;
    let of = format!(r#"{{"decision_id":"dec_1","count":1,"artifacts":[{ARTIFACT}]}}"#);
    let (ran, node) = ask(&["evidence", "show", "dec_1"], Said::ok(&of)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, ROWS));
    assert_eq!(node.lines(), ["GET /evidence/decision/dec_1"]);
}

#[tokio::test]
async fn a_link_tells_whether_it_is_new() {
    let reply = r#"{"artifact_id":"evd_1","decision_id":"dec_1","linked":true,"already_linked":true,"related_decision_ids":["dec_1"],"ledger_entry_id":null}"#;
    let words = ["evidence", "link", "evd_1", "dec_1", "--note", "seen"];
    let shown = "artifact   evd_1\ndecision   dec_1\nstate      linked before\ndecisions  dec_1\n";
    check(&words, reply, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(reply)).await;
    let body = r#"{"artifact_id":"evd_1","decision_id":"dec_1","note":"seen"}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn a_content_is_written_once_it_is_what_was_registered() {
    for (content, exit) in [("x", 0), ("y", 1)] {
        let node = Double::start([Said::ok(ARTIFACT), Said::ok(content)]).await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let words = ["evidence", "content", "evd_1", "--output", path.to_str().unwrap()];
        let words: Vec<&str> = words.into_iter().chain(["--url", &node.url]).collect();
        assert_eq!(run(&words).await.exit, exit);
        assert_eq!(node.lines(), ["GET /evidence/evd_1", "GET /evidence/evd_1/content"]);
        assert_eq!(fs::read(&path).ok().as_deref(), Some(b"x".as_slice()).filter(|_| exit == 0));
    }
}

#[tokio::test]
async fn a_file_is_compared_by_its_digest() {
    let (_dir, path) = file(b"x");
    let other = "a".repeat(64);
    let reply = |is_valid: bool| {
        format!(
            r#"{{"artifact_id":"evd_1","is_valid":{is_valid},"stored_hash":"{HASH}","computed_hash":"{HASH}"}}"#
        )
    };
    for (words, body) in [
        (vec!["evidence", "verify", "evd_1"], "{}".to_owned()),
        (vec!["evidence", "verify", "evd_1", &path], format!(r#"{{"sha256":"{HASH}"}}"#)),
        (
            vec!["evidence", "verify", "evd_1", "--sha256", &other],
            format!(r#"{{"sha256":"{other}"}}"#),
        ),
    ] {
        for (is_valid, exit) in [(true, 0), (false, 1)] {
            let (ran, node) = ask(&words, Said::ok(&reply(is_valid))).await;
            assert_eq!((ran.exit, node.asked()[0].body.as_str()), (exit, body.as_str()));
        }
    }
}

#[tokio::test]
async fn a_signature_is_sent() {
    let reply = r#"{"artifact_id":"evd_1","signed":true,"key_id":"key_1","signer":"audit","algorithm":"Ed25519","signed_at":"t","ledger_entry_id":9}"#;
    let words = ["evidence", "sign", "evd_1", "--key", "key_1", "--signature", "-a"];
    let shown = "artifact  evd_1\nkey       key_1\nsigner    audit\ntime      t\nentry     9\n";
    check(&words, reply, 0, shown).await;
    let (_ran, node) = ask(&words, Said::ok(reply)).await;
    assert_eq!(node.lines(), ["POST /evidence/evd_1/sign"]);
    assert_eq!(node.asked()[0].body, r#"{"key_id":"key_1","signature":"-a"}"#);
}

#[tokio::test]
async fn evidence_is_listed_with_where_to_go_on() {
    let list = format!(r#"{{"artifacts":[{ARTIFACT}],"total":2,"total_exact":true,"next":119}}"#);
    let words = ["evidence", "list", "--type", "external_report", "--source", "a b"];
    let more = ["--from", "2027-01-01", "--to", "2028-01-01", "--newest-first"];
    let words = words.into_iter().chain(more).chain(["--after", "7", "--limit", "1"]);
    let words: Vec<&str> = words.collect();
    let (ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out), (0, format!("{ROWS}more with --after 119\n")));
    let line = "GET /evidence?artifact_type=external_report&source=a+b&from=2027-01-01&to=2028-01-01&after=7&limit=1&order=desc";
    assert_eq!(node.lines(), [line]);
}

#[tokio::test]
async fn a_lineage_has_a_row_for_each_entry() {
    let artifact = ARTIFACT.strip_suffix('}').unwrap();
    let entry = format!(
        r#"{{"id":119,"entry_type":"evidence_registered","timestamp":"t","current_hash":"{HASH}"}}"#
    );
    let reply = format!(
        r#"{{"decision_id":"dec_1","count":1,"artifacts":[{artifact},"links":[],"entries":[{entry}]}}]}}"#
    );
    let shown = "ARTIFACT  ENTRY  RECORDS              HASH          TIME
evd_1     119    evidence_registered  2d711642b726  t
";
    check(&["evidence", "lineage", "dec_1"], &reply, 0, shown).await;
}

#[tokio::test]
async fn evidence_is_counted() {
    let reply = r#"{"total_artifacts":2,"total_size_bytes":18,"artifact_types":{"screenshot":2},"size_bytes_by_type":{"screenshot":18},"signed_artifacts":1,"decisions_with_evidence":3,"controls_with_evidence":4}"#;
    let shown = "TYPE        COUNT  BYTES
screenshot  2      18
all         2      18

signed                   1
decisions with evidence  3
controls with evidence   4
";
    check(&["evidence", "statistics"], reply, 0, shown).await;
}

#[tokio::test]
async fn signers_are_added_listed_and_revoked() {
    let words = ["signer", "add", "audit", "--public-key", "-Q", "--owner", "act_human_user:jane"];
    check(&words, SIGNER, 0, SIGNER_SHOWN).await;
    let (_ran, node) = ask(&words, Said::ok(SIGNER)).await;
    let body = r#"{"name":"audit","owner":"act_human_user:jane","public_key":"-Q"}"#;
    assert_eq!(
        (node.lines()[0].as_str(), node.asked()[0].body.as_str()),
        ("POST /keys/signers", body)
    );
    let (ran, _node) = ask(&words, Said::problem(409, "already_exists")).await;
    assert_eq!(ran.exit, 3);
    let list = format!(r#"{{"signers":[{SIGNER}],"total":2,"total_exact":true,"next":"key_1"}}"#);
    let (ran, node) = ask(&["signer", "list", "--limit", "1"], Said::ok(&list)).await;
    let rows = "KEY    NAME   OWNER                STATUS  REGISTERED
key_1  audit  act_human_user:jane  active  2027-03-04T05:06:07.000000Z
more with --after key_1
";
    assert_eq!((ran.exit, ran.out.as_str()), (0, rows));
    assert_eq!(node.lines(), ["GET /keys/signers?limit=1"]);
    let words = ["signer", "revoke", "key_1", "--reason", "left"];
    let (ran, node) = ask(&words, Said::ok(SIGNER)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, SIGNER_SHOWN));
    assert_eq!(node.lines(), ["POST /keys/signers/key_1/revoke"]);
    assert_eq!(node.asked()[0].body, r#"{"reason":"left"}"#);
}
