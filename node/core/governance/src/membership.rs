//! Who votes, as the ledger says it: written when Raft's own membership
//! entry is applied, so that ledger and Raft never name different voters.

use std::collections::BTreeSet;

use ledger::EntryType;
use sha2::{Digest as _, Sha256};
use types::{Json, LogIndex, RaftId};

use crate::journal::{Draft, Journal};
use crate::keys;
use crate::node::keys::of_checkpoints;
use crate::outcome::{Corruption, Recorded};
use crate::record::{ClusterRecord, KeyRecord, NodeRecord};
use crate::store::{Store, Table};
use crate::view;

pub(crate) fn change<S: Store>(
    journal: &mut Journal<'_, '_, S>,
    index: LogIndex,
    voters: &[Vec<RaftId>],
    learners: &[RaftId],
) -> Result<Recorded, Corruption> {
    let nodes = view::nodes(journal.tables.read())?;
    let keys = view::keys(journal.tables.read())?;
    let named =
        |ids: &[RaftId]| Json::Array(ids.iter().map(|id| member(*id, &nodes, &keys)).collect());
    // The set that is to stay comes last; before it, in a joint configuration,
    // the one that is on its way out.
    let (outgoing, incoming) = match voters {
        [only] => (None, only.as_slice()),
        [outgoing, incoming, ..] => (Some(outgoing.as_slice()), incoming.as_slice()),
        [] => (None, [].as_slice()),
    };
    let data = Json::object([
        ("authn", "node".into()),
        ("by", Json::Null),
        ("learners", named(learners)),
        ("log_index", index.0.into()),
        ("voters", named(incoming)),
        ("voters_outgoing", outgoing.map(named).unwrap_or_default()),
    ]);
    let recorded = journal.append(&Draft {
        entry_type: EntryType::MembershipChanged,
        actor: None,
        data: &data,
        salt: system_salt(index),
        personal: None,
    })?;
    let cluster: Option<ClusterRecord> = journal.tables.record(Table::Cluster, keys::ONLY)?;
    let cluster = cluster.ok_or_else(|| Corruption::new("cluster", "no record after genesis"))?;
    let changed =
        ClusterRecord { voters: voters.to_vec(), learners: learners.to_vec(), ..cluster.clone() };
    let (before, after) = (members(&cluster), members(&changed));
    for node in nodes {
        if before.contains(&node.raft_id) && !after.contains(&node.raft_id) {
            let left = NodeRecord { left_entry: Some(recorded.entry_id), ..node };
            journal.tables.put_record(Table::Node, left.name.as_bytes(), &left)?;
        }
    }
    journal.tables.put_record(Table::Cluster, keys::ONLY, &changed)?;
    Ok(recorded)
}

fn members(cluster: &ClusterRecord) -> BTreeSet<RaftId> {
    cluster.voters.iter().flatten().chain(&cluster.learners).copied().collect()
}

/// A member by name and by the key that signs its checkpoints. One whose name
/// was taken over is known by its keys alone.
fn member(id: RaftId, nodes: &[NodeRecord], keys: &[KeyRecord]) -> Json {
    let key = of_checkpoints(keys, id);
    let name = nodes.iter().find(|node| node.raft_id == id).map(|node| node.name.as_str());
    let name = name.or_else(|| key.map(|key| key.node.as_str()));
    Json::object([
        ("checkpoint_key_id", key.map(|key| key.id.to_string()).into()),
        ("node_id", name.into()),
        ("raft_id", id.0.into()),
    ])
}

/// There is no command and so no seed to draw from; nothing in this entry needs
/// hiding, and every node must come to the same bytes.
fn system_salt(index: LogIndex) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"lexecon/system-salt/v1");
    hash.update(index.0.to_be_bytes());
    hash.finalize().into()
}
