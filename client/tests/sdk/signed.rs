//! A decision reply signed as a node signs it, with keys of its own.

use client::keys::Key;
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::token::Grant;
use ledger::{reply, signature, token};
use types::{Json, Object};

pub(crate) const ENTRY_ID: u64 = 118;

const REPLY: &str = r#"{"outcome":"allowed","allowed":true,"reason":"Triage may read open claims","reason_code":"permitted",
 "decision_id":"dec_01K1R0D2J7Q4M8X5B9C3F6H0TN","request_id":"triage-8841","actor":"ai_agent:claims_triage","action":"read_claim","resource":null,"tool":"crm","data_classes":["claims"],
 "token_id":"tok_01K1R0D2J7Q4M8X5B9C3F6H0TP","token_expires_at":"2027-03-04T05:11:07.123456Z",
 "ledger_entry_id":118,"ledger_entry_hash":"9be1","policy_version":3,"policy_hash":"41c0","policy_mode":"strict",
 "matched":[{"relation_id":"r1","type":"permits","source":"actor:a","target":"action:b","object":null,"applies":true,
   "conditions":[{"key":"purpose","op":"eq","expected":"triage","actual":"triage","met":true}]}],
 "obligations":[],"risk":{"score":1,"level":"low","basis":"none"},"risk_id":null,"escalation_id":null,"context_hash":"5d02",
 "timestamp":"2027-03-04T05:06:07.123456Z","dry_run":false}"#;

pub(crate) fn decision_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(crate) fn token_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn row(kid: &str, usage: &str, key: &SigningKey) -> Key {
    Key {
        kid: kid.to_owned(),
        x: signature::to_text(key.verifying_key().as_bytes()),
        usage: usage.to_owned(),
        name: Some("n2".to_owned()),
        status: "active".to_owned(),
        valid_from_index: Some(1),
        valid_until_index: None,
    }
}

pub(crate) fn keys() -> Vec<Key> {
    vec![row("key_d", "decision", &decision_key()), row("key_t", "token", &token_key())]
}

/// The members that are signed.
pub(crate) fn signed_members() -> Object {
    serde_json::from_str(REPLY).unwrap()
}

pub(crate) fn with_token(mut reply: Object, grant: &Grant<'_>) -> Object {
    let input = token::signing_input(&grant.claims("key_t"));
    let text = token::text(&input, &token_key().sign(input.as_bytes()).to_bytes());
    reply.insert("capability_token", text);
    reply
}

pub(crate) fn grant() -> Grant<'static> {
    Grant {
        token_id: "tok_01K1R0D2J7Q4M8X5B9C3F6H0TP",
        actor: "ai_agent:claims_triage",
        action: "read_claim",
        resource: None,
        tool: Some("crm"),
        decision_id: "dec_01K1R0D2J7Q4M8X5B9C3F6H0TN",
        policy_hash: "41c0",
        issued_at_seconds: 1_804_136_767,
        expires_at_seconds: 1_804_137_067,
        entry_id: ENTRY_ID,
        cluster_id: "clu_1",
    }
}

pub(crate) fn sign(mut reply: Object) -> Object {
    let value = decision_key().sign(reply::signed_bytes(&reply).as_bytes()).to_bytes();
    let signature = Json::object([
        ("algorithm", "Ed25519".into()),
        ("key_id", "key_d".into()),
        ("value", signature::to_text(&value).into()),
    ]);
    reply.insert("signature", signature);
    reply.insert("node", "n2");
    reply
}

/// A reply that is genuine in every part.
pub(crate) fn genuine() -> Object {
    sign(with_token(signed_members(), &grant()))
}
