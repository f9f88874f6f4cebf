//! What the voters found at a final checkpoint, each by executing the log
//! itself.

use std::collections::BTreeMap;

use governance::command::Claim;
use governance::divergence::first_difference;
use governance::record::{CheckpointRecord, Dissent};
use governance::{Read, view};
use types::{EntryId, Json, KeyId, Object, RaftId};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, hash, integer, list, object, text};
use crate::rest::decision::reply::parts;
use crate::rest::ledger::ID_MAX;

/// Query of `GET /cluster/divergence`.
pub(crate) const DIVERGENCE_QUERY: &[Field] = &[Field::optional(
    "size",
    Kind::Integer { min: 1, max: ID_MAX },
    "Size of a final checkpoint; the last one by default.",
)];

const NODE: &[Member] = &[
    text("node_id", "Name of the voter."),
    hash("root_hash", "Root of its tree; null while it has not signed.").or_null(),
    hash("state_hash", "Running digest over its writes; null while it has not signed.").or_null(),
    hash("policy_hash", "Its policy in force; null while it has not signed.").or_null(),
];

/// Reply of `GET /cluster/divergence`.
pub(crate) const DIVERGENCE_REPLY: &[Member] = &[
    flag("consistent", "Whether all who signed found the same."),
    integer("size", "Size of the checkpoint."),
    list("nodes", NODE, "What each voter found there, in order of Raft id."),
    object(
        "first_difference",
        &[
            integer("entry_id", "The first entry that differs, once the node was rebuilt.")
                .or_null(),
            text("node_id", "The voter that found something else."),
            text("field", "The first line of the checkpoint that differs."),
        ],
        "Where the first of them differs.",
    )
    .or_null(),
];

/// Whether all who signed found the same.
pub(super) fn is_consistent(record: &CheckpointRecord) -> bool {
    record.dissents.is_empty()
}

/// `GET /cluster/divergence`.
pub(crate) fn compare<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let record = find(&read, call.query.integer("size"))?;
    let names = Names::read(&read)?;
    let mut rows: BTreeMap<RaftId, (String, Option<&Claim>)> = BTreeMap::new();
    for voter in record.voters.iter().flatten() {
        rows.insert(*voter, (names.of(*voter, None), None));
    }
    for signed in &record.cosignatures {
        let name = names.of(signed.raft_id, Some(signed.key));
        rows.insert(signed.raft_id, (name, Some(&record.claim)));
    }
    for dissent in &record.dissents {
        let name = names.of(dissent.raft_id, Some(dissent.key));
        rows.insert(dissent.raft_id, (name, Some(&dissent.claim)));
    }
    let rows = rows.into_values().map(|(name, claim)| Json::Object(row(name, claim)));
    let rows: Vec<Json> = rows.collect();
    let first = record.dissents.iter().min_by_key(|dissent| dissent.raft_id);
    let first = first.map(|dissent| difference(&read, &names, &record, dissent)).transpose()?;
    Ok(Answer::members([
        ("consistent", is_consistent(&record).into()),
        ("size", record.claim.size.into()),
        ("nodes", Json::Array(rows)),
        ("first_difference", first.into()),
    ]))
}

fn find(read: &impl Read, size: Option<u64>) -> Result<CheckpointRecord, Problem> {
    let Some(size) = size else {
        let none = || Problem::new(Code::NOT_FINAL, "no checkpoint is final yet");
        return view::last_final(read)?.ok_or_else(none);
    };
    let now = view::head(read)?.size();
    if now < size {
        let detail = format!("there are {now} entries");
        return Err(Problem::fault(Fault::parameter("size", "out_of_range", detail)));
    }
    let record = view::checkpoint(read, size)?.filter(CheckpointRecord::is_final);
    record.ok_or_else(|| {
        let detail = format!("no final checkpoint has the size {size}");
        Problem::new(Code::UNKNOWN_CHECKPOINT, detail)
    })
}

/// Names of nodes. A key names its node even when that is no member any more.
struct Names {
    nodes: BTreeMap<RaftId, String>,
    keys: BTreeMap<KeyId, String>,
}

impl Names {
    fn read(read: &impl Read) -> Result<Self, Problem> {
        let nodes = view::nodes(read)?.into_iter().map(|node| (node.raft_id, node.name));
        let keys = view::keys(read)?.into_iter().map(|key| (key.id, key.node));
        Ok(Self { nodes: nodes.collect(), keys: keys.collect() })
    }

    fn of(&self, id: RaftId, key: Option<KeyId>) -> String {
        let by_key = key.and_then(|key| self.keys.get(&key));
        let name = by_key.or_else(|| self.nodes.get(&id)).cloned();
        name.unwrap_or_else(|| format!("raft:{id}"))
    }
}

fn row(name: String, claim: Option<&Claim>) -> Object {
    let mut row = Object::new();
    row.insert("node_id", name);
    row.insert("root_hash", claim.map(|claim| claim.root.to_string()));
    row.insert("state_hash", claim.map(|claim| claim.state_hash.to_string()));
    row.insert("policy_hash", claim.map(|claim| claim.policy_hash.to_string()));
    row
}

fn difference(
    read: &impl Read,
    names: &Names,
    record: &CheckpointRecord,
    dissent: &Dissent,
) -> Result<Object, Problem> {
    let entry = first_entry(read, dissent.raft_id, record.claim.size)?;
    let mut difference = Object::new();
    difference.insert("entry_id", entry);
    difference.insert("node_id", names.of(dissent.raft_id, Some(dissent.key)));
    difference.insert("field", first_difference(&record.claim, &dissent.claim));
    Ok(difference)
}

/// The first entry in which a node differed: found when it was rebuilt, and in
/// the ledger since.
fn first_entry(read: &impl Read, id: RaftId, size: u64) -> Result<Option<u64>, Problem> {
    let incidents = view::incidents(read)?;
    let incident = incidents.into_iter().find(|(of, _)| *of == id).map(|(_, incident)| incident);
    let Some((found, Some(recovered))) =
        incident.map(|incident| (incident.entry, incident.recovered))
    else {
        return Ok(None);
    };
    let number = |entry: EntryId, name: &str| -> Result<Option<u64>, Problem> {
        let Some(entry) = view::entry(read, entry)? else {
            return Ok(None);
        };
        let data = parts(&entry)?.data;
        Ok(data.and_then(|data| data.get(name).and_then(Json::as_u64)))
    };
    match number(found, "checkpoint_size")? {
        Some(of) if of == size => number(recovered, "first_difference"),
        Some(_) | None => Ok(None),
    }
}
