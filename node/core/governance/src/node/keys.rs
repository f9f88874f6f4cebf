//! Keys that come and go after a node has joined.
//!
//! Invariants
//! - A key id stands for one key for ever.
//! - A key that ended stays listed: what it signed before stays checkable. One
//!   that was given up as compromised proves nothing, whenever it signed.

use ledger::EntryType;
use types::{Json, KeyId, Object};

use super::Introduced;
use crate::apply::{Context, Stop};
use crate::command::{AddKey, KeyMaterial, KeyUsage, RetireKey};
use crate::outcome::{Outcome, Rejection};
use crate::record::{KeyRecord, NodeRecord};
use crate::store::{Store, Table};
use crate::view;

pub(crate) fn add<S: Store>(context: &mut Context<'_, S>, add: &AddKey) -> Result<Outcome, Stop> {
    let node = super::speaking(context, add.raft_id)?;
    if let Some(known) = view::key(context.tables.read(), add.id)? {
        let same = known.material == add.material && known.raft_id == add.raft_id;
        return Err(match same {
            true => Rejection::AlreadyRecorded.into(),
            false => Rejection::IdempotencyConflict { key: add.id.to_string() }.into(),
        });
    }
    if !is_wellformed(add) {
        return Err(Rejection::UnknownKey { id: add.id }.into());
    }
    let replaced = replaced(context, add)?;
    let recorded = context.record(EntryType::KeyAdded, added(context, add, &node))?;
    if let Some(old) = replaced {
        let old = KeyRecord { valid_until: Some(recorded.entry_id), ..old };
        context.tables.put_record(Table::Key, &old.id.0.key(), &old)?;
    }
    let introduced = Introduced {
        id: add.id,
        usage: add.usage,
        material: &add.material,
        node: &node.name,
        raft_id: node.raft_id,
        entry: recorded.entry_id,
    };
    super::put_key(&mut context.tables, &introduced)?;
    let mut keys = node.keys.clone();
    keys.retain(|key| Some(*key) != add.replaces);
    keys.push(add.id);
    let node = NodeRecord { keys, ..node };
    context.tables.put_record(Table::Node, node.name.as_bytes(), &node)?;
    Ok(Outcome::Recorded(recorded))
}

/// RSA signs checkpoints alone.
fn is_wellformed(add: &AddKey) -> bool {
    match &add.material {
        KeyMaterial::Ed25519(_) => true,
        KeyMaterial::Rsa { n, e } => {
            // What the format demands: 4096 bits, and an exponent that is odd and
            // not 1. An entry is for ever, and with any other it would be none.
            let has_4096_bits = n.len() == 512 && n.first().is_some_and(|byte| 0x80 <= *byte);
            let is_odd = e.last().is_some_and(|byte| byte % 2 == 1) && e.as_slice() != [1];
            let is_short = e.len() <= 8 && e.first() != Some(&0);
            has_4096_bits && is_odd && is_short && add.usage == KeyUsage::Checkpoint
        }
    }
}

/// The key that the new one takes the place of.
fn replaced<S: Store>(context: &Context<'_, S>, add: &AddKey) -> Result<Option<KeyRecord>, Stop> {
    let Some(id) = add.replaces else {
        return Ok(None);
    };
    let old = view::key(context.tables.read(), id)?.ok_or(Rejection::UnknownKey { id })?;
    let same_kind = std::mem::discriminant(&old.material) == std::mem::discriminant(&add.material);
    let fits = old.raft_id == add.raft_id && old.usage == add.usage && same_kind;
    if !fits || !old.is_active() {
        return Err(Rejection::UnknownKey { id }.into());
    }
    Ok(Some(old))
}

fn added<S>(context: &Context<'_, S>, add: &AddKey, node: &NodeRecord) -> Object {
    let mut data = context.asked();
    data.insert("key", key_json(add.id, add.usage, &add.material));
    data.insert("node_id", node.name.as_str());
    data.insert("raft_id", node.raft_id.0);
    data.insert("replaces", add.replaces.map(|id| id.to_string()));
    data
}

/// A public key as entries show it.
pub(crate) fn key_json(id: KeyId, usage: KeyUsage, material: &KeyMaterial) -> Json {
    let mut key = Object::new();
    key.insert("kid", id.to_string());
    key.insert("use", usage.as_str());
    match material {
        KeyMaterial::Ed25519(bytes) => {
            key.insert("x", ledger::signature::to_text(bytes));
        }
        KeyMaterial::Rsa { n, e } => {
            key.insert("e", ledger::signature::to_text(e));
            key.insert("n", ledger::signature::to_text(n));
        }
    }
    Json::Object(key)
}

pub(crate) fn retire<S: Store>(
    context: &mut Context<'_, S>,
    retire: &RetireKey,
) -> Result<Outcome, Stop> {
    if let Some(before) = crate::idempotency::done(context)? {
        return Ok(before);
    }
    let id = retire.id;
    let key = view::key(context.tables.read(), id)?.ok_or(Rejection::UnknownKey { id })?;
    // One that was merely replaced may still turn out to be compromised.
    if key.revoked || (key.valid_until.is_some() && !retire.compromised) {
        return Err(Rejection::AlreadyRevoked.into());
    }
    let mut data = context.asked();
    data.insert("compromised", retire.compromised);
    data.insert("kid", id.to_string());
    data.insert("node_id", key.node.as_str());
    data.insert("reason", retire.reason.as_str());
    let recorded = context.record(EntryType::KeyRetired, data)?;
    let ended = KeyRecord {
        valid_until: key.valid_until.or(Some(recorded.entry_id)),
        revoked: retire.compromised,
        ..key
    };
    context.tables.put_record(Table::Key, &id.0.key(), &ended)?;
    crate::idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// The key a member signs checkpoints with, if one is in force.
pub(crate) fn of_checkpoints(keys: &[KeyRecord], id: types::RaftId) -> Option<&KeyRecord> {
    let of_node = |key: &&KeyRecord| key.raft_id == id && key.usage == KeyUsage::Checkpoint;
    let mut ed25519 = keys.iter().filter(of_node).filter(|key| key.ed25519().is_some());
    // One that ended names the member still, once it has no other.
    ed25519.clone().find(|key| key.is_active()).or_else(|| ed25519.next_back())
}
