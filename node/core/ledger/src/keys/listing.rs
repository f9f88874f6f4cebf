//! `keys.json`, the list of keys that stock tools use: what it says, and
//! whether entries say the same.

use std::collections::BTreeMap;

use types::digest::to_hex;
use types::{EntryId, Object};

use super::{Key, Keys, Kid, Material, Usage};
use crate::note;
use crate::signature;

/// Uses of keys that belong to others than nodes, and are no concern of ours.
const FOREIGN: [&str; 2] = ["cosignature", "evidence"];

/// A `keys.json`.
#[derive(Clone, Debug)]
pub struct Listing {
    keys: Keys,
    rows: BTreeMap<Kid, Object>,
}

impl Listing {
    /// Reads the file; `None` where it has not the form.
    pub fn parse(text: &str) -> Option<Self> {
        let list: Object = serde_json::from_str(text).ok()?;
        let mut listing = Self { keys: Keys::default(), rows: BTreeMap::new() };
        for row in list.get("keys")?.as_array()? {
            let row = row.as_object()?;
            let usage = row.get("use")?.as_str()?;
            if !FOREIGN.contains(&usage) {
                listing.take(row, usage, false)?;
            }
        }
        for row in list.get("rsa_keys")?.as_array()? {
            listing.take(row.as_object()?, Usage::Checkpoint.as_str(), true)?;
        }
        Some(listing)
    }

    fn take(&mut self, row: &Object, usage: &str, is_rsa: bool) -> Option<()> {
        let from = EntryId(row.get("valid_from_index")?.as_u64()?);
        let mut key = Key::of(row, usage, from).filter(|key| key.is_rsa() == is_rsa)?;
        let until = row.get("valid_until_index")?;
        key.until = if until.is_null() { None } else { Some(EntryId(until.as_u64()?)) };
        let status = row.get("status")?.as_str()?;
        key.is_compromised = status == "revoked" && key.until.is_some();
        if status != key.status() {
            return None;
        }
        self.rows.insert(key.kid.clone(), row.clone());
        self.keys.insert(key).then_some(())
    }

    /// The keys it lists.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether it lists these keys and no others, and says of each what follows
    /// from the entries of the ledger of this origin.
    pub fn agrees(&self, keys: &Keys, origin: &str) -> bool {
        self.rows.len() == keys.iter().len()
            && keys.iter().all(|key| {
                self.rows.get(&key.kid).is_some_and(|row| {
                    expected(key, origin).iter().all(|(name, value)| row.get(name) == Some(value))
                })
            })
    }
}

/// What a row has to say of a key.
fn expected(key: &Key, origin: &str) -> Object {
    let mut row = Object::new();
    row.insert("kid", key.kid.as_str());
    row.insert("status", key.status());
    row.insert("valid_from_index", key.from.0);
    row.insert("valid_until_index", key.until.map(|until| until.0));
    match &key.material {
        Material::Ed25519(public) => {
            row.insert("kty", "OKP");
            row.insert("crv", "Ed25519");
            row.insert("alg", "Ed25519");
            row.insert("use", key.usage.as_str());
            row.insert("x", signature::to_text(public));
        }
        Material::Rsa(public) => {
            row.insert("kty", "RSA");
            row.insert("alg", "PS256");
            row.insert("n", signature::to_text(public.n()));
            row.insert("e", signature::to_text(public.e()));
        }
    }
    if key.usage == Usage::Checkpoint {
        row.insert("name", origin);
        row.insert("note_key_id", to_hex(&key.note_key_id(origin)));
        if let Material::Ed25519(public) = &key.material {
            row.insert("vkey", note::vkey(origin, public));
        }
    }
    row
}
