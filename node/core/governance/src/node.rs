//! Nodes: their names, Raft ids and keys.
//!
//! Invariants
//! - A Raft id is the log index of the command that gave it, so none is given
//!   twice.
//! - The same nonce always gets the same answer, until another node took the
//!   name over or the node was taken out.
//! - A name has one bearer; a new one retires the keys of the old.
//! - A key id stands for one key for ever: what it signed stays checkable, and
//!   what was retired stays retired.

pub(crate) mod keys;
pub(crate) mod token;

use std::collections::BTreeSet;

use ledger::EntryType;
use types::{EntryId, Json, KeyId, Object, RaftId};

use crate::apply::{Context, Stop};
use crate::command::{
    KeyMaterial, KeyUsage, NodeDescription, PrincipalKind, PublicKey, RegisterNode,
};
use crate::outcome::{Corruption, NodeRegistered, Outcome, Rejection};
use crate::record::{KeyRecord, NodeRecord, NonceRecord};
use crate::store::{Store, Table};
use crate::tables::Tables;
use crate::view;

/// A node that becomes known.
#[derive(Debug)]
pub(crate) struct Introduction<'a> {
    pub(crate) node: &'a NodeDescription,
    pub(crate) raft_id: RaftId,
    pub(crate) incarnation: u64,
    pub(crate) entry: EntryId,
}

pub(crate) fn register<S: Store>(
    context: &mut Context<'_, S>,
    register: &RegisterNode,
) -> Result<Outcome, Stop> {
    let nonce = register.nonce.as_bytes();
    if let Some(known) = context.tables.record::<NonceRecord>(Table::JoinNonce, nonce)? {
        return again(context, &known, register);
    }
    let raft_id = RaftId(context.applied.index.0);
    let nodes = view::nodes(context.tables.read())?;
    if nodes.iter().any(|node| node.raft_id == raft_id) {
        // Two joins in one log entry: the second asks again.
        return Err(Rejection::RaftIdTaken { raft_id }.into());
    }
    let bearer = nodes.iter().find(|node| node.name == register.node.name);
    if bearer.is_some_and(|bearer| register.lost_bearer != Some(bearer.raft_id)) {
        return Err(Rejection::NodeNameInUse { name: register.node.name.clone() }.into());
    }
    if let Some(known) = known_key(context, &register.node.keys)? {
        return Err(Rejection::IdempotencyConflict { key: known.to_string() }.into());
    }
    let incarnation = bearer.map_or(1, |bearer| bearer.incarnation.saturating_add(1));
    let data = joined_data(context, register, raft_id, incarnation);
    let recorded = context.record(EntryType::NodeJoined, data)?;
    if let Some(bearer) = bearer {
        retire_keys(&mut context.tables, bearer, recorded.entry_id)?;
    }
    let introduction =
        Introduction { node: &register.node, raft_id, incarnation, entry: recorded.entry_id };
    introduce(&mut context.tables, &introduction)?;
    let known = NonceRecord { name: register.node.name.clone(), raft_id, incarnation };
    context.tables.put_record(Table::JoinNonce, nonce, &known)?;
    Ok(Outcome::NodeRegistered(NodeRegistered { recorded: Some(recorded), raft_id, incarnation }))
}

/// The answer to a nonce that was registered before. Who has lost the name since
/// is not let in again: its keys are retired. Nor is who was taken out: that is
/// for whoever lets it in anew to decide.
fn again<S: Store>(
    context: &Context<'_, S>,
    known: &NonceRecord,
    register: &RegisterNode,
) -> Result<Outcome, Stop> {
    let NonceRecord { ref name, raft_id, incarnation } = *known;
    let Some(bearer) = view::node(context.tables.read(), name)? else {
        return Err(Corruption::new("node", format!("`{name}` of a nonce is gone")).into());
    };
    // Keys that were rotated since are listed too.
    let mut same_keys = true;
    for key in &register.node.keys {
        let listed = view::key(context.tables.read(), key.id)?;
        same_keys &= listed.is_some_and(|listed| listed.raft_id == raft_id);
    }
    let has_left = bearer.left_entry.is_some();
    let is_other = *name != register.node.name;
    if is_other || (bearer.raft_id == raft_id && (has_left || !same_keys)) {
        return Err(Rejection::IdempotencyConflict { key: register.nonce.clone() }.into());
    }
    if bearer.raft_id != raft_id {
        return Err(Rejection::NodeNameInUse { name: name.clone() }.into());
    }
    Ok(Outcome::NodeRegistered(NodeRegistered { recorded: None, raft_id, incarnation }))
}

/// The node with this Raft id, if it is the one that asks: a node speaks for
/// itself alone.
pub(crate) fn speaking<S: Store>(
    context: &Context<'_, S>,
    raft_id: RaftId,
) -> Result<NodeRecord, Stop> {
    let principal = &context.envelope.principal;
    let nodes = view::nodes(context.tables.read())?;
    let node = nodes.into_iter().find(|node| node.raft_id == raft_id);
    let is_asking =
        |node: &NodeRecord| principal.kind == PrincipalKind::Node && principal.id == node.name;
    node.filter(is_asking).ok_or_else(|| Rejection::NotAVoter { raft_id }.into())
}

/// The first of these key ids that stands for a key already, in the state or
/// earlier in the list.
fn known_key<S: Store>(
    context: &Context<'_, S>,
    keys: &[PublicKey],
) -> Result<Option<KeyId>, Corruption> {
    let mut seen = BTreeSet::new();
    for PublicKey { id, .. } in keys {
        if !seen.insert(*id) || context.tables.has(Table::Key, &id.0.key())? {
            return Ok(Some(*id));
        }
    }
    Ok(None)
}

fn joined_data<S>(
    context: &Context<'_, S>,
    register: &RegisterNode,
    raft_id: RaftId,
    incarnation: u64,
) -> Object {
    let node = &register.node;
    let mut data = context.asked();
    data.insert("address", node.api_address.as_str());
    data.insert("incarnation", incarnation);
    data.insert("keys", keys_json(&node.keys));
    data.insert("node_id", node.name.as_str());
    data.insert("peer_address", node.peer_address.as_str());
    data.insert("raft_id", raft_id.0);
    data.insert("region", node.region.as_deref());
    data.insert("zone", node.zone.as_deref());
    data
}

/// Writes what is known of a node and its keys.
pub(crate) fn introduce<S: Store>(
    tables: &mut Tables<'_, S>,
    introduction: &Introduction<'_>,
) -> Result<(), Corruption> {
    let Introduction { node, raft_id, incarnation, entry } = *introduction;
    let record = NodeRecord {
        name: node.name.clone(),
        raft_id,
        incarnation,
        api_address: node.api_address.clone(),
        peer_address: node.peer_address.clone(),
        region: node.region.clone(),
        zone: node.zone.clone(),
        keys: node.keys.iter().map(|key| key.id).collect(),
        joined_entry: entry,
        left_entry: None,
    };
    tables.put_record(Table::Node, node.name.as_bytes(), &record)?;
    for key in &node.keys {
        let introduced = Introduced {
            id: key.id,
            usage: key.usage,
            material: &KeyMaterial::Ed25519(key.bytes),
            node: &node.name,
            raft_id,
            entry,
        };
        put_key(tables, &introduced)?;
    }
    Ok(())
}

/// A key that becomes known.
#[derive(Debug)]
struct Introduced<'a> {
    id: KeyId,
    usage: KeyUsage,
    material: &'a KeyMaterial,
    node: &'a str,
    raft_id: RaftId,
    entry: EntryId,
}

fn put_key<S: Store>(
    tables: &mut Tables<'_, S>,
    introduced: &Introduced<'_>,
) -> Result<(), Corruption> {
    let record = KeyRecord {
        id: introduced.id,
        usage: introduced.usage,
        material: introduced.material.clone(),
        node: introduced.node.to_owned(),
        raft_id: introduced.raft_id,
        valid_from: introduced.entry,
        valid_until: None,
        revoked: false,
    };
    tables.put_record(Table::Key, &introduced.id.0.key(), &record)
}

fn retire_keys<S: Store>(
    tables: &mut Tables<'_, S>,
    bearer: &NodeRecord,
    until: EntryId,
) -> Result<(), Corruption> {
    for id in &bearer.keys {
        let key = id.0.key();
        let record: Option<KeyRecord> = tables.record(Table::Key, &key)?;
        let Some(record) = record else {
            return Err(Corruption::new("key", format!("`{id}` of `{}` is gone", bearer.name)));
        };
        let retired = KeyRecord { valid_until: record.valid_until.or(Some(until)), ..record };
        tables.put_record(Table::Key, &key, &retired)?;
    }
    Ok(())
}

/// Public keys as entries show them.
pub(crate) fn keys_json(keys: &[PublicKey]) -> Json {
    let keys =
        keys.iter().map(|key| keys::key_json(key.id, key.usage, &KeyMaterial::Ed25519(key.bytes)));
    Json::Array(keys.collect())
}
