//! Public keys of nodes.

use ledger::note;
use ledger::signature::{self, RsaPublic};
use types::digest::to_hex;
use types::{Json, Object};

use crate::command::KeyMaterial;
use crate::record::KeyRecord;

/// Keys as `GET /keys` lists them: `keys[]`, `rsa_keys[]`. `origin` names the log
/// whose checkpoints they sign.
pub fn keys(keys: &[KeyRecord], origin: &str) -> Object {
    let (mut ed25519, mut rsa) = (Vec::new(), Vec::new());
    for key in keys {
        match &key.material {
            KeyMaterial::Ed25519(public) => {
                ed25519.push(Json::Object(ed25519_json(key, public, origin)));
            }
            KeyMaterial::Rsa { n, e } => {
                let public = RsaPublic::new(n.clone(), e.clone());
                rsa.extend(public.map(|public| Json::Object(rsa_json(key, &public, origin))));
            }
        }
    }
    let mut shown = Object::new();
    shown.insert("keys", Json::Array(ed25519));
    shown.insert("rsa_keys", Json::Array(rsa));
    shown
}

fn ed25519_json(key: &KeyRecord, public: &[u8; 32], origin: &str) -> Object {
    let mut row = row(key, origin, note::key_id(origin, &[note::ED25519], public));
    row.insert("kty", "OKP");
    row.insert("crv", "Ed25519");
    row.insert("x", signature::to_text(public));
    row.insert("alg", "Ed25519");
    row.insert("use", key.usage.as_str());
    row.insert("vkey", note::vkey(origin, public));
    row
}

fn rsa_json(key: &KeyRecord, public: &RsaPublic, origin: &str) -> Object {
    let mut row = row(key, origin, note::key_id(origin, note::RSA_PSS, &public.spki_der()));
    row.insert("kty", "RSA");
    row.insert("alg", "PS256");
    row.insert("n", signature::to_text(public.n()));
    row.insert("e", signature::to_text(public.e()));
    row
}

fn row(key: &KeyRecord, origin: &str, note_key_id: [u8; 4]) -> Object {
    let mut row = Object::new();
    row.insert("kid", key.id.to_string());
    row.insert("name", origin);
    row.insert("note_key_id", to_hex(&note_key_id));
    row.insert("status", status(key));
    row.insert("valid_from_index", key.valid_from.0);
    row.insert("valid_until_index", key.valid_until.map(|until| until.0));
    row
}

fn status(key: &KeyRecord) -> &'static str {
    match key {
        KeyRecord { revoked: true, .. } => "revoked",
        KeyRecord { valid_until: Some(_), .. } => "retired",
        KeyRecord { valid_until: None, .. } => "active",
    }
}
