//! Routes of the area `cluster`.

use governance::access::Permission::ViewDashboard;
use governance::access::Right;

use super::{Access, Method, Op, Route, Shape};
use crate::problem::Code;
use crate::rest::{auth, cluster};

pub(super) const ROUTES: &[Route] = &[
    Route::get(Op::ClusterStatus, "/cluster/status", "Where this node and its cluster stand")
        .who(Right::Holds(ViewDashboard))
        .tag("Cluster")
        .replies(cluster::STATUS_REPLY),
    Route::get(
        Op::Divergence,
        "/cluster/divergence",
        "What the voters found at a final checkpoint, each by itself",
    )
    .who(Right::Holds(ViewDashboard))
    .tag("Cluster")
    .query(cluster::DIVERGENCE_QUERY)
    .replies(cluster::DIVERGENCE_REPLY)
    .codes(&[Code::UNKNOWN_CHECKPOINT, Code::NOT_FINAL]),
    Route::get(Op::Nodes, "/cluster/nodes", "Members of the cluster")
        .who(Right::Holds(ViewDashboard))
        .tag("Cluster")
        .replies(cluster::NODES_REPLY),
    Route::post(Op::NodeAdd, "/cluster/nodes", "Register a node that wants to join")
        .who(Right::Public)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .body(Shape::Fields(cluster::NODE))
        .replies(cluster::JOIN_REPLY)
        .or_plan(cluster::PLAN_REPLY)
        .codes(&[Code::ALREADY_EXISTS, Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::NodePromote, "/cluster/nodes/{id}/promote", "Give a learner a vote")
        .who(Right::Operator)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::NODE_REPLY)
        .or_plan(cluster::PLAN_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE, Code::NOT_CAUGHT_UP]),
    Route::post(Op::NodeDemote, "/cluster/nodes/{id}/demote", "Take a voter's vote")
        .who(Right::Operator)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::NODE_REPLY)
        .or_plan(cluster::PLAN_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE]),
    Route::new(Op::NodeRemove, Method::Delete, "/cluster/nodes/{id}", "Take a node out")
        .who(Right::Operator)
        .access(Access::Write)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::REMOVE_REPLY)
        .or_plan(cluster::PLAN_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE]),
    Route::post(Op::TransferLeader, "/cluster/transfer-leader", "Hand leadership over")
        .who(Right::Operator)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .body(Shape::Fields(cluster::TRANSFER))
        .replies(cluster::TRANSFER_REPLY)
        .or_plan(cluster::PLAN_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE, Code::NOT_CAUGHT_UP]),
    Route::post(Op::JoinToken, "/cluster/join-tokens", "A token with which one node may join")
        .tag("Cluster")
        .who(Right::Operator)
        .body(Shape::Fields(auth::join::ISSUE))
        .replies(auth::join::REPLY)
        .codes(&[
            Code::PERMISSION_DENIED,
            Code::MFA_REQUIRED,
            Code::NOT_AUTHORISED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::post(Op::Snapshot, "/cluster/snapshot", "Take a snapshot of this node's state")
        .who(Right::Operator)
        .tag("Cluster")
        .replies(cluster::SNAPSHOT_REPLY),
];
