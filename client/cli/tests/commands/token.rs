//! `lexecon token`: checked by a node or without one, shown, ended.

use ed25519_dalek::Signer as _;
use ledger::token::{Grant, parse, text};
use types::Json;

use crate::double::Said;
use crate::offline::keys_json;
use crate::shell::{Ran, ask, check, run};
use crate::signed::{decision_key, grant, signed_members, with_token};

const CLAIMS: &str = r#"{"v":1,"jti":"tok_1","sub":"a","act":"pay","res":"x/1","tool":null,"dec":"dec_1","pol":"41c0","iat":1,"exp":301,"kid":null,"idx":7,"iss":"clu_1"}"#;

fn file(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token.txt");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[tokio::test]
async fn a_token_is_checked_by_a_node() {
    let (_dir, path) = file("cap_x\n");
    let words = ["token", "verify", &path, "--actor", "a", "--resource", "x/1"];
    let good = format!(
        r#"{{"valid":true,"reason_code":"ok","token_id":"tok_1","claims":{CLAIMS},"expires_at":"e","revoked_at":null}}"#
    );
    let out = "\
token     holds
id        tok_1
actor     a
action    pay
resource  x/1
decision  dec_1
entry     7
expires   e
";
    check(&words, &good, 0, out).await;
    let (_ran, node) = ask(&words, Said::ok(&good)).await;
    assert_eq!(node.lines(), ["POST /tokens/verify"]);
    assert_eq!(node.asked()[0].body, r#"{"actor":"a","resource":"x/1","token":"cap_x"}"#);
    let bad = r#"{"valid":false,"reason_code":"malformed","token_id":null,"claims":null,"expires_at":null,"revoked_at":null}"#;
    check(&words, bad, 1, "token  does NOT hold: malformed\n").await;
    assert_eq!(run(&["token", "verify", "/nonexistent/token"]).await.exit, 3);
}

async fn offline(carried: &str, keys: &str, flags: &[&str]) -> Ran {
    let (dir, path) = file(carried);
    let keys_path = dir.path().join("keys.json");
    std::fs::write(&keys_path, keys).unwrap();
    let keys_path = keys_path.to_str().unwrap();
    run(&[&["token", "verify", &path, "--keys", keys_path], flags].concat()).await
}

fn carried(expires_at_seconds: u64) -> String {
    let reply = with_token(signed_members(), &Grant { expires_at_seconds, ..grant() });
    reply.get("capability_token").and_then(Json::as_str).unwrap().to_owned()
}

/// The year 2500.
const LATE: u64 = 16_725_225_600;

#[tokio::test]
async fn a_token_is_checked_without_a_server() {
    let out = "\
token     holds, if it was not revoked
id        tok_01K1R0D2J7Q4M8X5B9C3F6H0TP
actor     ai_agent:claims_triage
action    read_claim
tool      crm
decision  dec_01K1R0D2J7Q4M8X5B9C3F6H0TN
entry     118
";
    let ran = offline(&carried(LATE), &keys_json(), &["--action", "read_claim"]).await;
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, out, ""));
    let ran = offline(&carried(LATE), &keys_json(), &["--json"]).await;
    let out = r#"{"fault":null,"reason_code":"ok","token_id":"tok_01K1R0D2J7Q4M8X5B9C3F6H0TP","valid":true}"#;
    assert_eq!((ran.exit, ran.out), (0, format!("{out}\n")));
}

#[tokio::test]
async fn without_a_server_too_the_first_fault_is_named() {
    let good = carried(LATE);
    let input = parse(&good).unwrap().signing_input.to_owned();
    let forged = text(&input, &decision_key().sign(input.as_bytes()).to_bytes());
    for (carried, flags, code) in [
        ("cap_x", &[][..], "malformed"),
        (forged.as_str(), &[], "signature_invalid"),
        (&carried(1), &[], "expired"),
        (&good, &["--actor", "somebody"], "subject_mismatch"),
        (&good, &["--tool", "ssh"], "tool_mismatch"),
    ] {
        let ran = offline(carried, &keys_json(), flags).await;
        assert_eq!(ran.exit, 1, "{}{}", ran.out, ran.err);
        assert!(ran.out.starts_with("token  does NOT hold\n"), "{}", ran.out);
        assert!(ran.out.ends_with(&format!("code   {code}\n")), "{}", ran.out);
    }
    let ran = offline(&good, r#"{"keys":[]}"#, &[]).await;
    assert!(ran.out.ends_with("code   key_unknown\n"), "{}", ran.out);
    let ran = offline(&good, "{", &[]).await;
    assert_eq!((ran.exit, ran.out.as_str()), (2, ""));
}

#[tokio::test]
async fn a_token_is_shown_with_what_became_of_it() {
    let token = format!(
        r#"{{"token_id":"tok_1","status":"revoked","claims":{CLAIMS},"issued_at":"i","expires_at":"e","revoked_at":"r","revoked_by":"user_1","revoke_reason":"lost","decision_id":"dec_1"}}"#
    );
    let out = "\
status    revoked
id        tok_1
actor     a
action    pay
resource  x/1
decision  dec_1
entry     7
issued    i
expires   e
revoked   r
by        user_1
reason    lost
";
    check(&["token", "show", "tok_1"], &token, 0, out).await;
    let (ran, _node) = ask(&["token", "show", "tok_1"], Said::problem(404, "unknown_token")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn a_token_is_ended_with_a_reason() {
    let revoked = r#"{"token_id":"tok_1","status":"revoked","revoked_at":"r","ledger_entry_id":9}"#;
    let out = "token   tok_1\nstatus  revoked\ntime    r\nentry   9\n";
    let words = ["token", "revoke", "tok_1", "--reason", "lost"];
    check(&words, revoked, 0, out).await;
    let (_ran, node) = ask(&words, Said::ok(revoked)).await;
    assert_eq!(node.lines(), ["POST /tokens/tok_1/revoke"]);
    assert_eq!(node.asked()[0].body, r#"{"reason":"lost"}"#);
    let (ran, node) = ask(&words[..3], Said::ok(revoked)).await;
    assert_eq!((ran.exit, node.asked().len()), (2, 0));
    let (ran, _node) = ask(&words, Said::problem(409, "already_revoked")).await;
    assert_eq!(ran.exit, 3);
}
