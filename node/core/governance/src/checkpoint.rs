//! Checkpoints: what the ledger and the state are at a place of the log, and
//! which voters say so, each by executing the log itself.
//!
//! Invariants
//! - A voter signs a checkpoint once. What it signed stays, whether it agrees
//!   or not.
//! - A checkpoint is final when a majority of those who voted at its size signed
//!   the same claim; with that its frozen form is fixed for ever.
//! - Once one is final no smaller one becomes final any more, so the first final
//!   checkpoint that covers an entry never changes.

use std::collections::BTreeSet;

use ledger::EntryType;
use ledger::signature::{self, RsaPublic};
use types::{Digest, EntryId, Micros, RaftId};

use crate::apply::{Context, Stop};
use crate::command::{Claim, Cosign, KeyMaterial, KeyUsage, Place, RsaSignature};
use crate::keys;
use crate::outcome::{Corruption, Cosigned, Outcome, Rejection, Sealed};
use crate::record::{CheckpointRecord, ClusterRecord, Cosignature, Dissent, KeyRecord};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tables;
use crate::view;

/// A checkpoint is made at most so often, unless as many entries were added.
pub const INTERVAL: Micros = Micros(1_000_000);

/// After so many entries a checkpoint is made whatever the time.
pub const ENTRIES_MAX: u64 = 10_000;

/// Checkpoints that wait for signatures. While no majority signs, the oldest
/// give way.
const PENDING_MAX: usize = 32;

pub(crate) fn seal<S: Store>(context: &mut Context<'_, S>) -> Result<Outcome, Stop> {
    let read = context.tables.read();
    let head = context.cache.head(read)?.clone();
    let last = view::last_checkpoint(read)?;
    if !is_due(last.as_ref(), head.size(), context.applied.at) {
        return Err(Rejection::NothingToSeal.into());
    }
    let cluster = view::cluster(read)?;
    let cluster = cluster.ok_or_else(|| Corruption::new("cluster", "no record after genesis"))?;
    let claim = Claim {
        size: head.size(),
        root: head.root(),
        feature_level: cluster.feature_level,
        membership_hash: membership_hash(read)?,
        policy_hash: context.cache.policy(read)?.hash,
        state_hash: head.state_digest,
        at: context.applied.at,
    };
    drop_oldest_pending(context)?;
    let place = Place { index: context.applied.index, sub_index: context.applied.sub_index };
    let record = CheckpointRecord {
        place,
        claim: claim.clone(),
        voters: cluster.voters,
        cosignatures: Vec::new(),
        frozen: None,
        dissents: Vec::new(),
    };
    put(context, &record)?;
    Ok(Outcome::Sealed(Sealed { place, claim }))
}

/// Whether a checkpoint of this size is to be made now.
pub fn is_due(last: Option<&CheckpointRecord>, size: u64, now: types::Timestamp) -> bool {
    let Some(last) = last else {
        return 0 < size;
    };
    let added = size.saturating_sub(last.claim.size);
    let next_at = last.claim.at.checked_add(INTERVAL).unwrap_or(types::Timestamp::MAX);
    0 < added && (ENTRIES_MAX <= added || next_at <= now)
}

/// `current_hash` of the entry that names the voters.
fn membership_hash(read: &impl Read) -> Result<Digest, Corruption> {
    for entry_type in [EntryType::MembershipChanged, EntryType::Genesis] {
        let last = tables::last_number(read, Table::EntryByType, entry_type.as_str())?;
        let row = keys::text_and_number(entry_type.as_str(), last);
        let id: Option<EntryId> = tables::record(read, Table::EntryByType, &row)?;
        let Some(id) = id else { continue };
        let entry = view::entry(read, id)?;
        return entry
            .map(|entry| entry.hash())
            .ok_or_else(|| Corruption::new("header", format!("entry {id} is missing")));
    }
    Err(Corruption::new("entry_by_type", "no genesis"))
}

fn drop_oldest_pending<S: Store>(context: &mut Context<'_, S>) -> Result<(), Corruption> {
    let rows = context.tables.scan(Scan {
        table: Table::Checkpoint,
        from: &[],
        to: None,
        direction: Direction::Descending,
        rows_max: PENDING_MAX,
    })?;
    let mut oldest = None;
    for (key, value) in &rows {
        if decode(value)?.is_final() {
            return Ok(());
        }
        oldest = Some(key);
    }
    if let Some(key) = oldest.filter(|_| PENDING_MAX <= rows.len()) {
        context.tables.delete(Table::Checkpoint, key);
    }
    Ok(())
}

pub(crate) fn cosign<S: Store>(
    context: &mut Context<'_, S>,
    cosign: &Cosign,
) -> Result<Outcome, Stop> {
    let read = context.tables.read();
    let record = find(read, cosign)?.ok_or(Rejection::CheckpointGone)?;
    let key = view::key(read, cosign.key)?;
    let key = key.ok_or(Rejection::UnknownKey { id: cosign.key })?;
    let voter = key.raft_id;
    let is_voter = record.voters.iter().any(|set| set.contains(&voter));
    if key.usage != KeyUsage::Checkpoint || !key.counts_at(record.claim.size) || !is_voter {
        return Err(Rejection::NotAVoter { raft_id: voter }.into());
    }
    if record.has_signed(voter) {
        return Err(Rejection::AlreadySigned.into());
    }
    let cluster = view::cluster(read)?;
    let cluster = cluster.ok_or_else(|| Corruption::new("cluster", "no record after genesis"))?;
    let text = cosign.claim.checkpoint(cluster.origin()).to_text();
    if !is_signed(&key, &text, &cosign.signature) {
        return Err(Rejection::SignatureInvalid.into());
    }
    let was_final = record.is_final();
    let record = match cosign.claim == record.claim {
        true => agree(context, record, cosign, voter, &text)?,
        false => dissent(record, cosign, voter),
    };
    put(context, &record)?;
    if record.is_final() && !was_final {
        drop_smaller_pending(context, record.claim.size)?;
    }
    Ok(Outcome::Cosigned(Cosigned {
        size: record.claim.size,
        became_final: record.is_final() && !was_final,
        dissent: (cosign.claim != record.claim).then_some(voter),
        outvoted: is_outvoted(&record),
    }))
}

/// The checkpoint made at the place that is signed for. A voter that diverged
/// may have found another size there.
fn find(read: &impl Read, cosign: &Cosign) -> Result<Option<CheckpointRecord>, Corruption> {
    let same_size = view::checkpoint(read, cosign.claim.size)?;
    if let Some(record) = same_size.filter(|record| record.place == cosign.place) {
        return Ok(Some(record));
    }
    let rows = read.scan(Scan {
        table: Table::Checkpoint,
        from: &[],
        to: None,
        direction: Direction::Descending,
        rows_max: PENDING_MAX,
    })?;
    for (_, value) in &rows {
        let record = decode(value)?;
        if record.place == cosign.place {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn is_signed(key: &KeyRecord, text: &str, bytes: &[u8]) -> bool {
    let (Some(public), Ok(bytes)) = (key.ed25519(), bytes.try_into()) else {
        return false;
    };
    signature::verify(public, text.as_bytes(), bytes)
}

fn agree<S: Store>(
    context: &Context<'_, S>,
    mut record: CheckpointRecord,
    cosign: &Cosign,
    voter: RaftId,
    text: &str,
) -> Result<CheckpointRecord, Corruption> {
    let rsa = match &cosign.rsa {
        Some(rsa) => checked_rsa(context.tables.read(), rsa, voter, &record.claim, text)?,
        None => None,
    };
    record.cosignatures.push(Cosignature {
        raft_id: voter,
        key: cosign.key,
        signature: cosign.signature.clone(),
        rsa,
    });
    let signed = counting(context.tables.read(), &record)?;
    if record.frozen.is_none() && is_majority(&record.voters, &signed) {
        record.frozen = u32::try_from(record.cosignatures.len()).ok();
    }
    Ok(record)
}

/// Voters whose signatures count: a key may have been given up as compromised
/// since it signed.
fn counting(read: &impl Read, record: &CheckpointRecord) -> Result<BTreeSet<RaftId>, Corruption> {
    let mut voters = BTreeSet::new();
    for signed in &record.cosignatures {
        let key = view::key(read, signed.key)?;
        if key.is_some_and(|key| key.counts_at(record.claim.size)) {
            voters.insert(signed.raft_id);
        }
    }
    Ok(voters)
}

/// An RSA signature that holds; one that does not is left out, since finality
/// does not need it.
fn checked_rsa(
    read: &impl Read,
    rsa: &RsaSignature,
    voter: RaftId,
    claim: &Claim,
    text: &str,
) -> Result<Option<(types::KeyId, Vec<u8>)>, Corruption> {
    let Some(key) = view::key(read, rsa.key)? else {
        return Ok(None);
    };
    let holds = match &key.material {
        KeyMaterial::Rsa { n, e } => {
            let public = RsaPublic::new(n.clone(), e.clone());
            public.is_some_and(|public| public.verify_pss(text.as_bytes(), &rsa.signature))
        }
        KeyMaterial::Ed25519(_) => false,
    };
    let counts = key.raft_id == voter && key.counts_at(claim.size);
    Ok((holds && counts).then(|| (rsa.key, rsa.signature.clone())))
}

fn dissent(mut record: CheckpointRecord, cosign: &Cosign, voter: RaftId) -> CheckpointRecord {
    record.dissents.push(Dissent {
        raft_id: voter,
        key: cosign.key,
        claim: cosign.claim.clone(),
        signature: cosign.signature.clone(),
    });
    record
}

/// Whether a majority of voters is among these, in each set if there are two.
pub(crate) fn is_majority(voters: &[Vec<RaftId>], among: &BTreeSet<RaftId>) -> bool {
    let holds = |set: &Vec<RaftId>| {
        let found = set.iter().filter(|id| among.contains(id)).count();
        set.len() < found.saturating_mul(2)
    };
    !voters.is_empty() && voters.iter().all(holds)
}

/// Whether a majority found the same, and it is not what was found here.
fn is_outvoted(record: &CheckpointRecord) -> bool {
    record.dissents.iter().any(|dissent| {
        let same = record.dissents.iter().filter(|other| other.claim == dissent.claim);
        is_majority(&record.voters, &same.map(|other| other.raft_id).collect())
    })
}

fn drop_smaller_pending<S: Store>(
    context: &mut Context<'_, S>,
    size: u64,
) -> Result<(), Corruption> {
    let rows = context.tables.scan(Scan {
        table: Table::Checkpoint,
        from: &[],
        to: Some(&size.to_be_bytes()),
        direction: Direction::Descending,
        rows_max: PENDING_MAX,
    })?;
    for (key, value) in &rows {
        if decode(value)?.is_final() {
            break;
        }
        context.tables.delete(Table::Checkpoint, key);
    }
    Ok(())
}

fn put<S: Store>(
    context: &mut Context<'_, S>,
    record: &CheckpointRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::Checkpoint, &record.claim.size.to_be_bytes(), record)
}

fn decode(value: &[u8]) -> Result<CheckpointRecord, Corruption> {
    crate::codec::decode("checkpoint", value)
}

/// A checkpoint as a signed note: its frozen form, or with every signature known
/// by now. `None` where nobody has signed.
///
/// # Errors
/// [`Corruption`] when a key of it is gone.
pub fn note(
    read: &impl Read,
    cluster: &ClusterRecord,
    record: &CheckpointRecord,
    signatures: Signatures,
) -> Result<Option<String>, Corruption> {
    let shown = match (signatures, record.frozen) {
        (Signatures::Frozen, None) => 0,
        (Signatures::Frozen, Some(frozen)) => usize::try_from(frozen).unwrap_or(usize::MAX),
        (Signatures::All, _) => record.cosignatures.len(),
    };
    let origin = cluster.origin();
    let text = record.claim.checkpoint(origin.clone()).to_text();
    let mut lines = Vec::new();
    for signed in record.cosignatures.iter().take(shown) {
        lines.push(line(read, &origin, signed.key, &signed.signature)?);
        if let Some((key, bytes)) = &signed.rsa {
            lines.push(line(read, &origin, *key, bytes)?);
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    Ok(Some(ledger::Note { text, signatures: lines }.to_string()))
}

/// Which signatures of a checkpoint are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Those that made it final: the same on every node, for ever.
    Frozen,
    /// All that are known by now.
    All,
}

fn line(
    read: &impl Read,
    origin: &str,
    key: types::KeyId,
    bytes: &[u8],
) -> Result<ledger::note::Line, Corruption> {
    let gone = || Corruption::new("key", format!("`{key}`, which signed a checkpoint, is gone"));
    let key = view::key(read, key)?.ok_or_else(gone)?;
    match &key.material {
        KeyMaterial::Ed25519(public) => {
            let bytes = bytes.try_into();
            let bytes = bytes.map_err(|_| Corruption::new("checkpoint", "no signature"))?;
            Ok(ledger::checkpoint::ed25519_line(origin, public, bytes))
        }
        KeyMaterial::Rsa { n, e } => {
            let public = RsaPublic::new(n.clone(), e.clone());
            let public = public.ok_or_else(|| Corruption::new("key", "no RSA key"))?;
            Ok(ledger::checkpoint::rsa_line(origin, &public.spki_der(), bytes))
        }
    }
}
