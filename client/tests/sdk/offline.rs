//! What is genuine passes; whatever is changed in it is found.

use client::offline::{Fault, verify_reply};
use ed25519_dalek::Signer as _;
use ledger::hash::{entry_hash, node_hash};
use ledger::{reply, signature};
use types::{Json, Object};

use crate::signed::{decision_key, genuine, grant, keys, sign, signed_members, with_token};

#[track_caller]
fn check(reply: Object, expect: &str) {
    let got = match verify_reply(&reply.into(), &keys()) {
        Ok(genuine) => format!("ok token={}", genuine.has_token),
        Err(fault) => format!("{}: {fault}", fault.code()),
    };
    assert_eq!(got, expect);
}

fn changed(value: &Json) -> Json {
    match value {
        Json::Null => "x".into(),
        Json::Bool(fact) => (!fact).into(),
        Json::Number(number) => u64::try_from(number.as_i64().unwrap() + 1).unwrap().into(),
        Json::String(text) if text.starts_with("2027") => text.replace("05:", "06:").into(),
        Json::String(text) => format!("{text}x").into(),
        Json::Array(values) => {
            let mut values = values.clone();
            values.push("x".into());
            Json::Array(values)
        }
        Json::Object(members) => {
            let mut members = members.clone();
            let (name, value) = members.iter().next().unwrap();
            let (name, value) = (name.to_owned(), changed(value));
            members.insert(name, value);
            members.into()
        }
    }
}

#[test]
fn a_genuine_reply_passes() {
    let found = verify_reply(&genuine().into(), &keys()).unwrap();
    assert_eq!(found.entry_id, 118);
    assert_eq!((found.key_id.as_str(), found.signed_by.as_str()), ("key_d", "n2"));
    assert!(found.has_token);
}

#[test]
fn every_changed_member_is_found() {
    let mut seen = 0;
    for (name, value) in genuine().iter() {
        let mut tampered = genuine();
        tampered.insert(name, changed(value));
        let got = verify_reply(&tampered.into(), &keys());
        match name {
            "node" => assert!(got.is_ok(), "`node` is not signed"),
            _ => assert!(got.is_err(), "{name} was changed"),
        }
        seen += 1;
    }
    assert_eq!(seen, 29);
}

#[test]
fn every_missing_member_is_found() {
    for (name, _) in genuine().iter() {
        let mut tampered = genuine();
        tampered.remove(name);
        let got = verify_reply(&tampered.into(), &keys());
        match name {
            "node" | "capability_token" => assert!(got.is_ok(), "{name} may be missing"),
            _ => assert_eq!(got, Err(Fault::Incomplete(name.to_owned()))),
        }
    }
}

#[test]
fn an_added_member_is_found() {
    let mut tampered = genuine();
    tampered.insert("note", "x");
    check(tampered, "signature_invalid: the signature of the decision does not fit");
}

#[test]
fn each_claim_is_compared_with_the_decision() {
    let cases = [
        ("jti", ledger::token::Grant { token_id: "tok_other", ..grant() }),
        ("sub", ledger::token::Grant { actor: "ai_agent:other", ..grant() }),
        ("act", ledger::token::Grant { action: "delete_claim", ..grant() }),
        ("res", ledger::token::Grant { resource: Some("x"), ..grant() }),
        ("tool", ledger::token::Grant { tool: None, ..grant() }),
        ("dec", ledger::token::Grant { decision_id: "dec_other", ..grant() }),
        ("pol", ledger::token::Grant { policy_hash: "41c1", ..grant() }),
        ("iat", ledger::token::Grant { issued_at_seconds: 1, ..grant() }),
        ("exp", ledger::token::Grant { expires_at_seconds: 1 << 40, ..grant() }),
        ("idx", ledger::token::Grant { entry_id: 119, ..grant() }),
    ];
    for (claim, grant) in cases {
        let reply = sign(with_token(signed_members(), &grant));
        let expect =
            format!("token_mismatch: the token is not of this decision: claim `{claim}` differs");
        check(reply, &expect);
    }
}

#[test]
fn a_token_signed_by_another_key_is_found() {
    let mut reply = genuine();
    let text = reply.get("capability_token").and_then(Json::as_str).unwrap();
    let parsed = ledger::token::parse(text).unwrap();
    let forged = decision_key().sign(parsed.signing_input.as_bytes()).to_bytes();
    let forged = ledger::token::text(parsed.signing_input, &forged);
    reply.insert("capability_token", forged);
    check(reply, "signature_invalid: the signature of the token does not fit");
}

#[test]
fn a_denial_carries_no_token() {
    let mut denied = signed_members();
    denied.insert("outcome", "denied");
    denied.insert("allowed", false);
    denied.insert("token_id", Json::Null);
    denied.insert("token_expires_at", Json::Null);
    check(sign(denied.clone()), "ok token=false");
    let smuggled = sign(with_token(denied, &grant()));
    check(smuggled, "token_mismatch: the token is not of this decision: none was granted");
}

#[test]
fn a_signed_contradiction_is_found() {
    let mut members = signed_members();
    members.insert("outcome", "denied");
    check(sign(members), "field_mismatch: member `allowed` contradicts another");
}

#[test]
fn a_key_must_be_known_of_the_right_use_and_valid_there() {
    let with = |change: fn(&mut client::keys::Key)| {
        let mut keys = keys();
        change(&mut keys[0]);
        verify_reply(&genuine().into(), &keys).map_err(|fault| fault.code())
    };
    assert_eq!(with(|key| key.kid = "key_x".to_owned()), Err("key_unknown"));
    assert_eq!(with(|key| key.usage = "export".to_owned()), Err("key_unknown"));
    assert_eq!(with(|key| key.x = "AAAA".to_owned()), Err("key_unknown"));
    assert_eq!(with(|key| key.valid_until_index = Some(118)), Err("key_not_valid_at_index"));
    assert_eq!(with(|key| key.status = "revoked".to_owned()), Err("key_not_valid_at_index"));
    assert!(with(|key| key.status = "retired".to_owned()).is_ok());
    assert!(with(|key| key.valid_until_index = Some(119)).is_ok());
    // `valid_from_index` binds checkpoints alone: the signer may have joined later.
    assert!(with(|key| key.valid_from_index = Some(900)).is_ok());
}

#[test]
fn a_batch_signature_covers_each_of_its_replies() {
    let reply = with_token(signed_members(), &grant());
    let leaf = entry_hash(reply::signed_bytes(&reply).as_bytes());
    let other = entry_hash(b"another reply");
    let root = node_hash(other, leaf);
    let value = decision_key().sign(format!("lexecon/batch/v1\n{root}\n").as_bytes()).to_bytes();
    let signed = |index: u64| {
        let mut reply = reply.clone();
        reply.insert(
            "signature",
            Json::object([
                ("algorithm", "Ed25519-batch".into()),
                ("key_id", "key_d".into()),
                ("value", signature::to_text(&value).into()),
                ("leaf_index", index.into()),
                ("tree_size", 2_u32.into()),
                ("path", vec![other.to_string()].into()),
            ]),
        );
        reply
    };
    check(signed(1), "ok token=true");
    check(signed(0), "signature_invalid: the signature of the decision does not fit");
    let mut tampered = signed(1);
    tampered.insert("reason", "Because");
    check(tampered, "signature_invalid: the signature of the decision does not fit");
}
