//! Each class of failure has its exit code and its words.

use crate::double::{HangsUp, Nobody, Said};
use crate::shell::{ask, check, run};

const INVALID: &str = r#"{"type":"urn:lexecon:problem:validation_failed","title":"Request validation failed","status":422,"code":"validation_failed","detail":"1 field is not valid","instance":"req_1","errors":[{"pointer":"/actor","code":"too_long","detail":"must be 1..255"}]}"#;

#[tokio::test]
async fn a_refusal_is_shown_with_every_fault() {
    let words = ["decide", "--actor", "a", "--action", "b"];
    let (ran, _node) = ask(&words, Said::ok(INVALID).status(422)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    let err = "lexecon: 1 field is not valid (validation_failed, status 422)
  /actor: must be 1..255 (too_long)
";
    assert_eq!(ran.err, err);
    let words: Vec<&str> = words.into_iter().chain(["--json"]).collect();
    let (ran, _node) = ask(&words, Said::ok(INVALID).status(422)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
    let raw: types::Json = serde_json::from_str(INVALID).unwrap();
    assert_eq!(ran.err, format!("{}\n", raw.to_canonical()));
}

#[tokio::test]
async fn each_class_of_refusal_has_its_exit_code() {
    for (status, code, exit) in [
        (400, "policy_invalid", 1),
        (400, "policy_mode_loosens", 2),
        (413, "context_too_large", 2),
        (422, "unknown_field", 2),
        (401, "unauthenticated", 3),
        (403, "permission_denied", 3),
        (404, "unknown_entry", 3),
        (409, "unsafe_membership_change", 3),
        (429, "overloaded", 3),
        (500, "internal", 3),
    ] {
        let (ran, _node) = ask(&["ledger", "entry", "7"], Said::problem(status, code)).await;
        assert_eq!((ran.exit, ran.out.as_str()), (exit, ""), "{code}");
        let said = format!("lexecon: because ({code}, status {status})\n");
        assert!(ran.err.starts_with(&said), "{}", ran.err);
        assert_eq!(ran.err.len() == said.len(), status != 401, "{}", ran.err);
    }
}

#[tokio::test]
async fn whoever_is_turned_away_is_told_what_helps() {
    for (status, code, words) in [
        (401, "unauthenticated", "`lexecon login`"),
        (401, "session_expired", "`lexecon login`"),
        (401, "session_revoked", "`lexecon login`"),
        (403, "password_expired", "`lexecon password change`"),
        (403, "mfa_required", "`lexecon mfa enroll`"),
    ] {
        let (ran, _node) = ask(&["ledger", "entry", "7"], Said::problem(status, code)).await;
        assert_eq!((ran.exit, ran.out.as_str()), (3, ""), "{code}");
        assert!(ran.err.lines().nth(1).unwrap().contains(words), "{}", ran.err);
        let words = ["ledger", "entry", "7", "--json"];
        let (ran, _node) = ask(&words, Said::problem(status, code)).await;
        let problem: types::Json = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(problem.as_object().unwrap().get("code"), Some(&code.into()), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_node_that_is_overloaded_says_when_to_ask_again() {
    let said = Said::problem(429, "overloaded").header("retry-after", "7");
    let (ran, _node) = ask(&["status"], said).await;
    assert_eq!(ran.err, "lexecon: because (overloaded, status 429)\n  ask again in 7 s\n");
}

#[tokio::test]
async fn nobody_there_exits_with_3() {
    let nobody = Nobody::start();
    let ran = run(&["status", "--url", &nobody.url]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    let start = format!("lexecon: no node could be reached (`{}/`: ", nobody.url);
    assert!(ran.err.starts_with(&start), "{}", ran.err);
    let ran = run(&["status", "--json", "--url", &nobody.url]).await;
    let problem: types::Json = serde_json::from_str(&ran.err).unwrap();
    let code = problem.as_object().and_then(|problem| problem.get("code")?.as_str());
    assert_eq!((ran.exit, code), (3, Some("unreachable")));
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_says_so() {
    let lost = HangsUp::start().await;
    let ran = run(&["cluster", "remove", "n4", "--url", &lost.url]).await;
    assert_eq!((ran.exit, lost.asked()), (3, 1));
    let start = "lexecon: no answer, and the request may have been carried out";
    assert!(ran.err.starts_with(start), "{}", ran.err);
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    for words in [
        ["status", "--url", "ftp://a"].as_slice(),
        &["status", "--url", "https://a", "--ca-file", "/nonexistent/ca.crt"],
        &["status", "--url", "nonsense"],
        &["status", "--timeout", "0"],
        &["cluster", "remove", ".."],
        &["cluster", "add", "", "--listen", "a:1", "--peer-listen", "a:2"],
        &["policy", "show", "newest"],
        &["nonsense"],
    ] {
        let ran = run(words).await;
        assert_eq!((ran.exit, ran.out.as_str()), (2, ""), "{words:?}: {}", ran.err);
    }
}

#[tokio::test]
async fn what_a_server_says_does_not_move_the_cursor() {
    let said = Said::ok(&INVALID.replace("must be 1..255", "\\u001b[2J\\nlexecon: done"));
    let (ran, _node) = ask(&["status"], said.status(422)).await;
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
}

#[tokio::test]
async fn status_and_keys_are_shown() {
    let status = r#"{"status":"operational","node_id":"n2","cluster_id":"clu_1","policy_loaded":true,"policy_version":3,"policy_hash":"41c0","policy_mode":"strict","ledger_entries":137,"uptime_seconds":8121,"auth_mode":"required","timestamp":"2027-03-04T05:06:07.000000Z"}"#;
    let out = "status       operational
node         n2
cluster      clu_1
policy       version 3, strict
policy hash  41c0
entries      137
uptime       8121 s
auth         required
time         2027-03-04T05:06:07.000000Z
";
    check(&["status"], status, 0, out).await;
    let keys = r#"{"keys":[{"kid":"key_1","kty":"OKP","crv":"Ed25519","x":"AA","alg":"Ed25519","use":"decision","name":"n1","note_key_id":"01020304","vkey":"v","status":"active","valid_from_index":1,"valid_until_index":null}],"rsa_keys":[]}"#;
    let out =
        "KEY    USE       NAME  STATUS  FROM  UNTIL\nkey_1  decision  n1    active  1     -\n";
    check(&["keys"], keys, 0, out).await;
}

#[tokio::test]
async fn a_credential_is_sent_where_there_is_one() {
    let said = || Said::problem(401, "unauthenticated");
    let (_ran, node) = ask(&["status", "--api-key", "lxk_1"], said()).await;
    assert_eq!(node.asked()[0].header("authorization"), Some("Bearer lxk_1"));
    let (_ran, node) = ask(&["status", "--api-key", ""], said()).await;
    assert_eq!(node.asked()[0].header("authorization"), None);
}
