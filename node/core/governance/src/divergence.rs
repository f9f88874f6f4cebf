//! Nodes that are not what the others are: found, recorded, rebuilt.
//!
//! Invariants
//! - A node has one open incident at most; the next one begins after it was
//!   rebuilt.
//! - What a checkpoint proves is recorded only if the checkpoint proves it.

use std::collections::BTreeSet;

use ledger::EntryType;
use types::{Digest, Json, Object, RaftId};

use crate::apply::{Context, Stop};
use crate::checkpoint::is_majority;
use crate::command::{Claim, Finding, Place, RecordDivergence, RecordRecovery, ReportContent};
use crate::keys;
use crate::node;
use crate::outcome::{ContentReported, Corruption, Outcome, Rejection};
use crate::record::{CheckpointRecord, IncidentRecord, NodeRecord, ScrubRecord};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::view;

/// Scrubs whose digests are kept.
const SCRUBS_KEPT: usize = 4;

pub(crate) fn record<S: Store>(
    context: &mut Context<'_, S>,
    divergence: &RecordDivergence,
) -> Result<Outcome, Stop> {
    let row = keys::node(divergence.raft_id);
    let before: Option<IncidentRecord> = context.tables.record(Table::Incident, &row)?;
    if before.is_some_and(|before| before.recovered.is_none()) {
        return Err(Rejection::AlreadyRecorded.into());
    }
    let node = bearer(context, divergence.raft_id)?;
    let mut data = base(context, &node);
    describe(context, divergence, before, &mut data)?;
    let recorded = context.record(EntryType::DivergenceDetected, data)?;
    let rebuilt_through = before.and_then(|before| before.rebuilt_through);
    let entry = recorded.entry_id;
    let incident = IncidentRecord { entry, recovered: None, rebuilt_through };
    context.tables.put_record(Table::Incident, &row, &incident)?;
    Ok(Outcome::Recorded(recorded))
}

fn bearer<S: Store>(context: &Context<'_, S>, id: RaftId) -> Result<NodeRecord, Stop> {
    let nodes = view::nodes(context.tables.read())?;
    let node = nodes.into_iter().find(|node| node.raft_id == id);
    node.ok_or_else(|| Rejection::NotAVoter { raft_id: id }.into())
}

fn base<S>(context: &Context<'_, S>, node: &NodeRecord) -> Object {
    let mut data = context.asked();
    data.insert("node_id", node.name.as_str());
    data.insert("raft_id", node.raft_id.0);
    data
}

/// What was found, if it is so.
fn describe<S: Store>(
    context: &Context<'_, S>,
    divergence: &RecordDivergence,
    before: Option<IncidentRecord>,
    data: &mut Object,
) -> Result<(), Stop> {
    let (mut entry_id, mut size, mut claims, mut place_of) = (None, None, None, None);
    let (found, field) = match &divergence.finding {
        Finding::Checkpoint { size: of } => {
            let (record, dissent) = dissent(context, divergence.raft_id, *of)?;
            if before.is_some_and(|before| of <= &before.entry.0) {
                return Err(Rejection::AlreadyRecorded.into());
            }
            size = Some(*of);
            let field = first_difference(&record.claim, &dissent).to_owned();
            claims = Some((record.claim, dissent));
            ("checkpoint", field)
        }
        Finding::Content { place } => {
            let through = before.and_then(|before| before.rebuilt_through);
            if through.is_some_and(|through| place.index <= through) {
                return Err(Rejection::AlreadyRecorded.into());
            }
            if !is_outvoted(context, divergence.raft_id, *place)? {
                return Err(Rejection::NotProven.into());
            }
            place_of = Some(place.index.0);
            ("content", "content_digest".to_owned())
        }
        Finding::Damage { entry, reason } => {
            node::speaking(context, divergence.raft_id)?;
            entry_id = entry.map(|entry| entry.0);
            ("scrub", reason.clone())
        }
    };
    let shown = |claim: &Claim| {
        Json::object([
            ("membership_hash", claim.membership_hash.to_string().into()),
            ("policy_hash", claim.policy_hash.to_string().into()),
            ("root_hash", claim.root.to_string().into()),
            ("size", claim.size.into()),
            ("state_hash", claim.state_hash.to_string().into()),
        ])
    };
    data.insert("checkpoint_size", size);
    data.insert("claimed", claims.as_ref().map(|(_, claimed)| shown(claimed)));
    data.insert("entry_id", entry_id);
    data.insert("expected", claims.as_ref().map(|(expected, _)| shown(expected)));
    data.insert("field", field);
    data.insert("found_by", found);
    data.insert("log_index", place_of);
    Ok(())
}

/// The final checkpoint of this size, and what the node signed instead.
fn dissent<S: Store>(
    context: &Context<'_, S>,
    id: RaftId,
    size: u64,
) -> Result<(CheckpointRecord, Claim), Stop> {
    let record = view::checkpoint(context.tables.read(), size)?;
    let record = record.filter(CheckpointRecord::is_final).ok_or(Rejection::NotProven)?;
    let dissent = record.dissents.iter().find(|dissent| dissent.raft_id == id);
    let claimed = dissent.map(|dissent| dissent.claim.clone()).ok_or(Rejection::NotProven)?;
    Ok((record, claimed))
}

/// Which line of a checkpoint differs first.
pub fn first_difference(expected: &Claim, claimed: &Claim) -> &'static str {
    let differs = [
        ("size", expected.size != claimed.size),
        ("root_hash", expected.root != claimed.root),
        ("state_hash", expected.state_hash != claimed.state_hash),
        ("policy_hash", expected.policy_hash != claimed.policy_hash),
        ("membership_hash", expected.membership_hash != claimed.membership_hash),
        ("feature_level", expected.feature_level != claimed.feature_level),
    ];
    differs.iter().find(|(_, differs)| *differs).map_or("timestamp", |(name, _)| name)
}

pub(crate) fn recover<S: Store>(
    context: &mut Context<'_, S>,
    recovery: &RecordRecovery,
) -> Result<Outcome, Stop> {
    let row = keys::node(recovery.raft_id);
    let incident: Option<IncidentRecord> = context.tables.record(Table::Incident, &row)?;
    let node = node::speaking(context, recovery.raft_id)?;
    let open = incident.filter(|incident| incident.recovered.is_none());
    let open = open.ok_or(Rejection::NotProven)?;
    let mut data = base(context, &node);
    data.insert("cause", "divergence");
    data.insert("divergence_entry_id", open.entry.0);
    data.insert("first_difference", recovery.first_difference.map(|entry| entry.0));
    data.insert("snapshot_index", recovery.snapshot_index.0);
    let recorded = context.record(EntryType::Recovery, data)?;
    let closed = IncidentRecord {
        recovered: Some(recorded.entry_id),
        rebuilt_through: Some(recovery.snapshot_index),
        ..open
    };
    context.tables.put_record(Table::Incident, &row, &closed)?;
    Ok(Outcome::Recorded(recorded))
}

/// Opens a scrub: the digests are of the state as it is after the log entry
/// that this command came with.
pub(crate) fn scrub<S: Store>(context: &mut Context<'_, S>) -> Result<Outcome, Stop> {
    let place = Place { index: context.applied.index, sub_index: context.applied.sub_index };
    let rows = context.tables.scan(Scan {
        table: Table::Scrub,
        from: &[],
        to: None,
        direction: Direction::Descending,
        rows_max: SCRUBS_KEPT,
    })?;
    if let Some((key, _)) = rows.last().filter(|_| SCRUBS_KEPT <= rows.len()) {
        context.tables.delete(Table::Scrub, key);
    }
    let record = ScrubRecord { at: context.applied.at, reports: Vec::new() };
    context.tables.put_record(Table::Scrub, &keys::place(place), &record)?;
    Ok(Outcome::ScrubOpened(place))
}

pub(crate) fn report<S: Store>(
    context: &mut Context<'_, S>,
    report: &ReportContent,
) -> Result<Outcome, Stop> {
    let key = keys::place(report.place);
    let record: Option<ScrubRecord> = context.tables.record(Table::Scrub, &key)?;
    let mut record = record.ok_or(Rejection::CheckpointGone)?;
    if record.reports.iter().any(|(id, _)| *id == report.raft_id) {
        return Err(Rejection::AlreadySigned.into());
    }
    node::speaking(context, report.raft_id)?;
    let read = context.tables.read();
    let before = outvoted(read, &record)?;
    record.reports.push((report.raft_id, report.digest));
    let mut newly = outvoted(read, &record)?;
    newly.retain(|id| !before.contains(id));
    // What was said before a node was rebuilt is not about the state it has now.
    for (id, incident) in view::incidents(read)? {
        let is_past = incident.rebuilt_through.is_some_and(|at| report.place.index <= at);
        newly.retain(|newly| !is_past || *newly != id);
    }
    context.tables.put_record(Table::Scrub, &key, &record)?;
    let reported = ContentReported { place: report.place, outvoted: newly };
    Ok(Outcome::ContentReported(reported))
}

/// Nodes whose state has another digest than that of the majority.
///
/// # Errors
/// [`Corruption`] when the voters cannot be read.
pub fn outvoted(read: &impl Read, record: &ScrubRecord) -> Result<Vec<RaftId>, Corruption> {
    let majority = majority(read, record)?;
    let differs = |digest: &Digest| majority.is_some_and(|majority| majority != *digest);
    let outvoted = record.reports.iter().filter(|(_, digest)| differs(digest));
    Ok(outvoted.map(|(id, _)| *id).collect())
}

fn majority(read: &impl Read, record: &ScrubRecord) -> Result<Option<Digest>, Corruption> {
    let cluster = view::cluster(read)?;
    let voters = cluster.map(|cluster| cluster.voters).unwrap_or_default();
    Ok(record.reports.iter().map(|(_, digest)| *digest).find(|digest| {
        let same = record.reports.iter().filter(|(_, other)| other == digest);
        let same: BTreeSet<RaftId> = same.map(|(id, _)| *id).collect();
        is_majority(&voters, &same)
    }))
}

fn is_outvoted<S: Store>(
    context: &Context<'_, S>,
    id: RaftId,
    place: Place,
) -> Result<bool, Corruption> {
    let record: Option<ScrubRecord> = context.tables.record(Table::Scrub, &keys::place(place))?;
    let record = record.map(|record| outvoted(context.tables.read(), &record)).transpose()?;
    Ok(record.is_some_and(|outvoted| outvoted.contains(&id)))
}
