//! `lexecon keys`: replacing and ending them.

use crate::double::Said;
use crate::shell::{ask, check};

#[tokio::test]
async fn keys_of_both_kinds_are_a_table() {
    let keys = r#"{"keys":[{"kid":"key_1","kty":"OKP","crv":"Ed25519","x":"AA","alg":"Ed25519","use":"checkpoint","name":"log/c1","note_key_id":"01020304","vkey":"v","status":"retired","valid_from_index":1,"valid_until_index":9}],"rsa_keys":[{"kid":"key_2","kty":"RSA","alg":"PS256","n":"xQ","e":"AQAB","name":"log/c1","note_key_id":"01020304","status":"active","valid_from_index":4,"valid_until_index":null}]}"#;
    let out = "\
KEY    USE               NAME    STATUS   FROM  UNTIL
key_1  checkpoint        log/c1  retired  1     9
key_2  checkpoint (RSA)  log/c1  active   4     -
";
    check(&["keys"], keys, 0, out).await;
}

#[tokio::test]
async fn a_key_is_rotated_by_its_use() {
    let rotated =
        r#"{"key_id":"key_2","replaces":"key_1","use":"token","node_id":"n1","ledger_entry_id":7}"#;
    let out = "key       key_2\nreplaces  key_1\nuse       token\nnode      n1\nentry     7\n";
    check(&["keys", "rotate", "token"], rotated, 0, out).await;
    let (_ran, node) = ask(&["keys", "rotate", "token"], Said::ok(rotated)).await;
    assert_eq!(node.lines(), ["POST /keys/rotate"]);
    assert_eq!(node.asked()[0].body, r#"{"use":"token"}"#);
    let (ran, node) = ask(&["keys", "rotate", "cosignature"], Said::ok(rotated)).await;
    assert_eq!((ran.exit, node.asked().len()), (2, 0));
}

#[tokio::test]
async fn a_key_is_ended_with_a_reason() {
    let retired =
        r#"{"key_id":"key_1","status":"revoked","valid_until_index":7,"ledger_entry_id":7}"#;
    let out = "key     key_1\nstatus  revoked\nuntil   7\nentry   7\n";
    let words = ["keys", "retire", "key_1", "--reason", "in a backup", "--compromised"];
    check(&words, retired, 0, out).await;
    let (_ran, node) = ask(&words, Said::ok(retired)).await;
    assert_eq!(node.lines(), ["POST /keys/key_1/retire"]);
    assert_eq!(node.asked()[0].body, r#"{"compromised":true,"reason":"in a backup"}"#);
    let (_ran, node) = ask(&words[..5], Said::ok(retired)).await;
    assert_eq!(node.asked()[0].body, r#"{"reason":"in a backup"}"#);
    let (ran, node) = ask(&words[..3], Said::ok(retired)).await;
    assert_eq!((ran.exit, node.asked().len()), (2, 0));
    let (ran, _node) = ask(&words, Said::problem(409, "already_revoked")).await;
    assert_eq!(ran.exit, 3);
}
