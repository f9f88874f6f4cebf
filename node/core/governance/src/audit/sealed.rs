//! Whether the last final checkpoint is one of this ledger, and a majority of
//! those whom the ledger itself names signed it.

use std::collections::BTreeSet;

use ledger::{EntryType, proof, signature};
use types::{EntryId, Json, Object, RaftId};

use super::AuditError;
use crate::checkpoint;
use crate::outcome::Corruption;
use crate::record::CheckpointRecord;
use crate::store::Read;
use crate::tree::Tree;
use crate::view;

/// Checks the last final checkpoint, if there is one.
pub(super) fn check(read: &impl Read) -> Result<(), AuditError> {
    let Some(record) = view::last_final(read)? else {
        return Ok(());
    };
    let fault = |what| AuditError::Checkpoint { size: record.claim.size, what };
    let root = proof::root(&Tree(read), record.claim.size);
    let root = root.map_err(|_| fault("is larger than the ledger"))?;
    if root != record.claim.root {
        return Err(fault("has another root than the entries"));
    }
    if named_voters(read, &record)? != sorted(&record.voters) {
        return Err(fault("names other voters than the ledger"));
    }
    // Whether or not a key was given up since: that proves no fault of this state.
    let signed = signed(read, &record)?;
    if signed.len() == record.cosignatures.len() && checkpoint::is_majority(&record.voters, &signed)
    {
        return Ok(());
    }
    Err(fault("is not signed by a majority"))
}

/// Voters as sets of ids, outgoing first, by the entry that names them.
fn named_voters(
    read: &impl Read,
    record: &CheckpointRecord,
) -> Result<Vec<BTreeSet<RaftId>>, AuditError> {
    let fault = |what| AuditError::Checkpoint { size: record.claim.size, what };
    let entry = naming_entry(read, record.claim.size)?;
    let entry = entry.filter(|entry| entry.hash() == record.claim.membership_hash);
    let entry = entry.ok_or_else(|| fault("does not name the entry of its voters"))?;
    let data = entry.data.as_ref().and_then(|part| serde_json::from_str(&part.text).ok());
    let data: Object = data.ok_or_else(|| fault("rests on an entry that cannot be read"))?;
    let ids = |name: &str| {
        let rows = data.get(name).and_then(Json::as_array)?;
        let id = |row: &Json| Some(RaftId(row.as_object()?.get("raft_id")?.as_u64()?));
        rows.iter().map(id).collect::<Option<BTreeSet<_>>>()
    };
    let founder = data.get("raft_id").and_then(Json::as_u64).map(RaftId);
    let is_joint = data.get("voters_outgoing").is_some_and(|outgoing| !outgoing.is_null());
    let sets = match (entry.header.entry_type == EntryType::Genesis, is_joint) {
        (true, _) => vec![founder.map(|id| BTreeSet::from([id]))],
        (false, true) => vec![ids("voters_outgoing"), ids("voters")],
        (false, false) => vec![ids("voters")],
    };
    let sets: Option<Vec<_>> = sets.into_iter().collect();
    sets.ok_or_else(|| fault("rests on an entry that names no voters"))
}

/// The last entry below a size that names the voters.
fn naming_entry(read: &impl Read, size: u64) -> Result<Option<ledger::StoredEntry>, Corruption> {
    let query = view::EntryQuery {
        after: None,
        before: Some(EntryId(size)),
        entry_type: Some(EntryType::MembershipChanged),
        actor: None,
        from: None,
        to: None,
        direction: crate::store::Direction::Descending,
        limit: 1,
    };
    match view::entries(read, &query)?.entries.pop() {
        Some(entry) => Ok(Some(entry)),
        None => view::entry(read, EntryId(0)),
    }
}

fn sorted(voters: &[Vec<RaftId>]) -> Vec<BTreeSet<RaftId>> {
    voters.iter().map(|set| set.iter().copied().collect()).collect()
}

/// Voters whose signature on the claim verifies.
fn signed(read: &impl Read, record: &CheckpointRecord) -> Result<BTreeSet<RaftId>, Corruption> {
    let cluster = view::cluster(read)?;
    let cluster = cluster.ok_or_else(|| Corruption::new("cluster", "no record after genesis"))?;
    let text = record.claim.checkpoint(cluster.origin()).to_text();
    let mut voters = BTreeSet::new();
    for signed in &record.cosignatures {
        let key = view::key(read, signed.key)?;
        let public = key.as_ref().and_then(|key| key.ed25519());
        let bytes = <&[u8; 64]>::try_from(signed.signature.as_slice()).ok();
        let holds = public
            .zip(bytes)
            .is_some_and(|(public, bytes)| signature::verify(public, text.as_bytes(), bytes));
        if holds && key.is_some_and(|key| key.raft_id == signed.raft_id) {
            voters.insert(signed.raft_id);
        }
    }
    Ok(voters)
}
