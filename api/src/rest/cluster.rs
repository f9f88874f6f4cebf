//! The cluster: who is in it, how it stands, and changing that.

pub(crate) mod change;
pub(crate) mod divergence;

use governance::view;
use types::{EntryId, Json, Object, RaftId};

use crate::app::App;
use crate::backend::{Backend, Member as Node, Role, Status};
use crate::call::Answer;
use crate::problem::{Code, Problem};
use crate::reply::{Member, Value, flag, hash, integer, list, object, text, texts};
pub(crate) use change::{
    DRY_RUN, JOIN_REPLY, NODE, NODE_REPLY, PLAN_REPLY, REMOVE_REPLY, SNAPSHOT_REPLY, TRANSFER,
    TRANSFER_REPLY,
};
pub(crate) use divergence::{DIVERGENCE_QUERY, DIVERGENCE_REPLY};

/// Reply of `GET /cluster/status`.
pub(crate) const STATUS_REPLY: &[Member] = &[
    text("cluster_id", "The cluster."),
    text("node_id", "Name of this node."),
    text("role", "`leader`, `follower`, `learner` or `candidate`."),
    text("leader_id", "Name of the leader this node knows.").or_null(),
    integer("term", "Raft term."),
    integer("commit_index", "Committed, as far as this node knows."),
    integer("applied_index", "Applied here."),
    integer("ledger_size", "Entries of the ledger."),
    hash("root_hash", "Root of the tree over them."),
    hash("state_hash", "Running digest over every write."),
    hash("policy_hash", "The policy in force."),
    texts("voters", "Names of the voters."),
    texts("learners", "Names of those without a vote."),
    integer("feature_level", "Which meanings of commands are in force."),
    object(
        "divergence",
        &[
            flag("consistent", "Whether all who signed the last final checkpoint found the same.")
                .or_null(),
            integer("checked_at_size", "Its size.").or_null(),
        ],
        "Comparison of the replicas.",
    ),
];

/// Members of a node.
pub(crate) const ROW: &[Member] = &[
    text("node_id", "Its name."),
    integer("raft_id", "Its Raft id."),
    text("address", "Its public interface."),
    text("peer_address", "What other nodes dial."),
    text("region", "Where it stands.").or_null(),
    text("zone", "Its failure domain.").or_null(),
    text("role", "`leader`, `follower`, `learner` or `candidate`."),
    flag("voter", "Whether it votes."),
    flag("reachable", "Whether it answered lately; null where this node cannot tell.").or_null(),
    integer("applied_index", "Highest log index known to be on it.").or_null(),
    integer("lag_entries", "Log entries it is behind.").or_null(),
    integer("erased_through_entry_id", "The last run of erasure of which it has no bytes left.")
        .or_null(),
    text("version", "Its release; null where this node cannot tell.").or_null(),
    integer("last_contact_ms", "Time since it last answered.").or_null(),
    flag("quarantined", "Whether it is not what the others are and waits to be rebuilt.").or_null(),
];

/// Reply of `GET /cluster/nodes`.
pub(crate) const NODES_REPLY: &[Member] = &[
    list("nodes", ROW, "Members, in order of Raft id."),
    integer("total", "Members there are."),
    flag("total_exact", "Whether `total` is all of them."),
    Member::new("next", Value::Integer, "Always null: the list is whole.").or_null(),
];

/// `GET /cluster/status`.
pub(crate) fn status<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let Some(cluster) = view::cluster(&read)? else {
        return Err(Problem::new(Code::STARTING, "the cluster has no genesis yet"));
    };
    let head = view::head(&read)?;
    let status = app.backend.status();
    let named = |voter: bool| {
        let members = status.members.iter().filter(move |member| member.voter == voter);
        members.map(|member| member.node_id.clone()).collect::<Vec<String>>()
    };
    let checked = view::last_final(&read)?;
    let divergence = Json::object([
        ("consistent", checked.as_ref().map(divergence::is_consistent).into()),
        ("checked_at_size", checked.map(|record| record.claim.size).into()),
    ]);
    Ok(Answer::members([
        ("cluster_id", cluster.id.to_string().into()),
        ("node_id", status.node_id.as_str().into()),
        ("role", status.role.as_str().into()),
        ("leader_id", status.leader_id.as_deref().into()),
        ("term", status.term.into()),
        ("commit_index", status.commit_index.into()),
        ("applied_index", status.applied_index.into()),
        ("ledger_size", head.size().into()),
        ("root_hash", head.root().to_string().into()),
        ("state_hash", head.state_digest.to_string().into()),
        ("policy_hash", app.shared.policies.active(&read)?.hash.to_string().into()),
        ("voters", named(true).into()),
        ("learners", named(false).into()),
        ("feature_level", cluster.feature_level.into()),
        ("divergence", divergence),
    ]))
}

/// `GET /cluster/nodes`.
pub(crate) fn nodes<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let status = app.backend.status();
    let kept = Kept::read(app)?;
    let rows = status.members.iter().map(|member| Json::Object(row(app, &kept, &status, member)));
    let rows: Vec<Json> = rows.collect();
    let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    Ok(Answer::members([
        ("nodes", Json::Array(rows)),
        ("total", total.into()),
        ("total_exact", true.into()),
        ("next", Json::Null),
    ]))
}

/// What the state says of nodes; nothing on a node that shows no state.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Nodes that are not what the others are.
    quarantined: Option<Vec<RaftId>>,
    forgotten: Vec<(RaftId, EntryId)>,
}

impl Kept {
    pub(crate) fn read<B: Backend>(app: &App<B>) -> Result<Self, Problem> {
        let Ok(read) = app.backend.view() else {
            return Ok(Self::default());
        };
        let incidents = view::incidents(&read)?.into_iter();
        let open = incidents.filter(|(_, incident)| incident.recovered.is_none());
        let quarantined = Some(open.map(|(id, _)| id).collect());
        Ok(Self { quarantined, forgotten: view::forgotten(&read)? })
    }

    fn is_quarantined(&self, status: &Status, id: RaftId) -> Option<bool> {
        let stopped = status.failed.is_some() || status.quarantine.is_some();
        if id == status.raft_id && stopped {
            return Some(true);
        }
        self.quarantined.as_ref().map(|quarantined| quarantined.contains(&id))
    }

    fn erased_through(&self, id: RaftId) -> Option<u64> {
        let of_node = self.forgotten.iter().find(|(of, _)| *of == id);
        of_node.map(|(_, through)| through.0)
    }
}

/// A member as this node sees it. What only the node itself knows is null for
/// the others.
pub(crate) fn row<B: Backend>(app: &App<B>, kept: &Kept, status: &Status, member: &Node) -> Object {
    let is_self = member.raft_id == status.raft_id;
    let applied = if is_self { Some(status.applied_index) } else { member.matched_index };
    let lag = applied.map(|applied| status.commit_index.saturating_sub(applied));
    let contact = member.last_contact.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX));
    let mut row = Object::new();
    row.insert("node_id", member.node_id.as_str());
    row.insert("raft_id", member.raft_id.0);
    row.insert("address", member.address.as_str());
    row.insert("peer_address", member.peer_address.as_str());
    row.insert("region", member.region.as_deref());
    row.insert("zone", member.zone.as_deref());
    row.insert("role", role(status, member, is_self).as_str());
    row.insert("voter", member.voter);
    row.insert("reachable", if is_self { Some(true) } else { member.reachable });
    row.insert("applied_index", applied);
    row.insert("lag_entries", lag);
    row.insert("erased_through_entry_id", kept.erased_through(member.raft_id));
    row.insert("version", Some(app.config.version).filter(|_| is_self));
    row.insert("last_contact_ms", contact);
    row.insert("quarantined", kept.is_quarantined(status, member.raft_id));
    row
}

fn role(status: &Status, member: &Node, is_self: bool) -> Role {
    match member {
        Node { .. } if is_self => status.role,
        Node { leader: true, .. } => Role::Leader,
        Node { voter: true, .. } => Role::Follower,
        Node { .. } => Role::Learner,
    }
}

/// `POST /cluster/snapshot`.
pub(crate) async fn snapshot<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let taken = app.backend.snapshot().await?;
    Ok(Answer::members([
        ("snapshot_id", taken.id.into()),
        ("index", taken.index.0.into()),
        ("size_bytes", taken.size_bytes.into()),
    ]))
}
