//! Genesis: the entry that says which cluster this is and who votes first.

use ledger::EntryType;
use types::Object;

use crate::apply::{Context, Stop};
use crate::command::Found;
use crate::keys;
use crate::node::{self, Introduction};
use crate::outcome::Outcome;
use crate::record::ClusterRecord;
use crate::store::{Store, Table};

/// The meanings of commands that a new cluster begins with. Level 2: a value that
/// cannot be compared does not keep a restriction from applying
/// (`policy::Engine::V2`). Level 3: a decision that tells its risk keeps it as a
/// risk record. Level 4: accounts. Level 5: what regulators and auditors ask for. A cluster
/// founded at a lower level stays there.
const FEATURE_LEVEL: u32 = 5;

pub(crate) fn found<S: Store>(
    context: &mut Context<'_, S>,
    found: &Found,
) -> Result<Outcome, Stop> {
    let cluster = found.cluster_id.to_string();
    let mut data = Object::new();
    data.insert("authn", context.envelope.principal.authn.as_str());
    data.insert("by", found.node.name.as_str());
    data.insert("cluster_id", cluster.as_str());
    data.insert("feature_level", FEATURE_LEVEL);
    data.insert("format", ledger::header::FORMAT);
    data.insert("keys", node::keys_json(&found.node.keys));
    data.insert("node_id", found.node.name.as_str());
    data.insert("origin", format!("{}/{cluster}", found.log_name));
    data.insert("raft_id", found.raft_id.0);
    let recorded = context.record(EntryType::Genesis, data)?;
    let cluster = ClusterRecord {
        id: found.cluster_id,
        log_name: found.log_name.clone(),
        feature_level: FEATURE_LEVEL,
        voters: vec![vec![found.raft_id]],
        learners: Vec::new(),
    };
    context.tables.put_record(Table::Cluster, keys::ONLY, &cluster)?;
    let introduction = Introduction {
        node: &found.node,
        raft_id: found.raft_id,
        incarnation: 1,
        entry: recorded.entry_id,
    };
    node::introduce(&mut context.tables, &introduction)?;
    Ok(Outcome::Founded(recorded))
}
