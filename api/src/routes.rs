//! The table of routes. The router, `/openapi.json` and `endpoints{}` of `/`
//! are made from it, so none of them can name a path the others do not.
//!
//! A new route is a row here and an arm of [`crate::rest::answer`], which the
//! compiler asks for.

use crate::call::Form;
use crate::consistency;
use crate::fields::Field;
use crate::problem::Code;
use crate::reply::Member;
use crate::rest::{access, cluster, decision, keys, ledger, policy, risk, system, token};

/// Every operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Decide,
    DecideBatch,
    DecideVerify,
    Decision,
    Decisions,
    Receipt,
    Evaluation,
    Evaluations,
    Replay,
    TokenVerify,
    Token,
    TokenRevoke,
    RiskAssess,
    Risk,
    RiskOfDecision,
    Risks,
    Policies,
    PolicyLoad,
    PolicyValidate,
    PolicyExplain,
    PolicyImpact,
    PolicyRollback,
    Policy,
    PolicyActive,
    Entries,
    Entry,
    LedgerVerify,
    LedgerCheckpoint,
    Checkpoints,
    Inclusion,
    Consistency,
    Checkpoint,
    Tile,
    Keys,
    KeyRotate,
    KeyRetire,
    Health,
    Live,
    Ready,
    Startup,
    Status,
    Metrics,
    ClusterStatus,
    Divergence,
    Nodes,
    NodeAdd,
    NodePromote,
    NodeDemote,
    NodeRemove,
    TransferLeader,
    Snapshot,
    OpenApi,
    Docs,
    Root,
}

/// HTTP methods that routes have; HEAD follows GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What a route does to the state, which decides how it is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Answers from this node alone, even when it is overloaded.
    Probe,
    /// Describes the interface.
    Static,
    /// Reads the state: takes the parameters of consistency.
    Read,
    /// Reads a lot of it: takes those too, and more time.
    Audit,
    /// Computes without recording.
    Compute,
    /// Records: takes `Idempotency-Key`.
    Write,
}

/// What a body may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// There is none.
    None,
    /// An object with these members.
    Fields(&'static [Field]),
    /// An object with these members and others, which are ignored.
    Open(&'static [Field]),
    /// A policy document, or these members with the document in `policy`.
    Policy(&'static [Field]),
    /// An object with one set of members where it has `key`, else with another.
    Either {
        /// The member that tells.
        key: &'static str,
        /// Members where it is there.
        with: &'static [Field],
        /// Members where it is not.
        without: &'static [Field],
    },
    /// The reply to a decision, as it is or in `decision_response`.
    Decision,
}

/// What an answer is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    /// An object with these members, all of them always.
    Members(&'static [Member]),
    /// Another media type.
    Media(&'static str),
    /// Either of the two.
    Either {
        /// The members.
        members: &'static [Member],
        /// The other media type.
        media: &'static str,
        /// What a caller gets who takes both.
        first: Form,
    },
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) op: Op,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) query: &'static [Field],
    pub(crate) shape: Shape,
    pub(crate) body_bytes_max: usize,
    pub(crate) reply: Reply,
    pub(crate) codes: &'static [Code],
}

const MIB: usize = 1 << 20;

impl Route {
    const fn new(op: Op, method: Method, path: &'static str, summary: &'static str) -> Self {
        Self {
            op,
            method,
            path,
            tag: "System",
            summary,
            access: Access::Read,
            query: &[],
            shape: Shape::None,
            body_bytes_max: MIB,
            reply: Reply::Media("application/json"),
            codes: &[],
        }
    }

    const fn get(op: Op, path: &'static str, summary: &'static str) -> Self {
        Self::new(op, Method::Get, path, summary)
    }

    const fn post(op: Op, path: &'static str, summary: &'static str) -> Self {
        let mut route = Self::new(op, Method::Post, path, summary);
        route.access = Access::Write;
        route
    }

    const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    const fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    const fn query(mut self, query: &'static [Field]) -> Self {
        self.query = query;
        self
    }

    const fn body(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    const fn bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    const fn replies(mut self, members: &'static [Member]) -> Self {
        self.reply = Reply::Members(members);
        self
    }

    const fn media(mut self, media: &'static str) -> Self {
        self.reply = Reply::Media(media);
        self
    }

    /// As another media type too, or by preference.
    const fn or_media(mut self, media: &'static str, first: Form) -> Self {
        if let Reply::Members(members) = self.reply {
            self.reply = Reply::Either { members, media, first };
        }
        self
    }

    const fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    /// Tables of the parameters its query takes.
    pub(crate) fn parameters(&self) -> [&'static [Field]; 2] {
        match self.access {
            Access::Read | Access::Audit => [self.query, consistency::READ],
            Access::Probe | Access::Static | Access::Compute | Access::Write => [self.query, &[]],
        }
    }

    /// Whether its path has a parameter, and which.
    pub(crate) fn path_parameter(&self) -> Option<&'static str> {
        let (_, rest) = self.path.split_once('{')?;
        rest.split_once('}').map(|(name, _)| name.trim_start_matches('*'))
    }
}

/// The row of an operation.
pub(crate) fn route(op: Op) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.op == op)
}

/// Every route.
pub(crate) const ROUTES: &[Route] = &[
    Route::post(Op::Decide, "/decide", "Evaluate a request, record the decision, issue a token")
        .tag("Decisions")
        .body(Shape::Fields(decision::DECIDE))
        .replies(decision::REPLY)
        .codes(&[
            Code::POLICY_MODE_LOOSENS,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
            Code::CONTEXT_TOO_LARGE,
        ]),
    Route::post(Op::DecideBatch, "/decide/batch", "Decide up to 1000 requests, in order")
        .tag("Decisions")
        .query(decision::BATCH_QUERY)
        .body(Shape::Fields(decision::BATCH))
        .bytes_max(16 * MIB)
        .replies(decision::BATCH_REPLY)
        .codes(&[Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::DecideVerify, "/decide/verify", "Verify the reply to a decision")
        .tag("Decisions")
        .access(Access::Compute)
        .body(Shape::Decision)
        .replies(decision::VERIFY_REPLY)
        .codes(&[Code::MISSING_LEDGER_ENTRY_HASH, Code::UNKNOWN_DECISION]),
    Route::get(Op::Decision, "/decisions/{decision_id}", "A recorded decision and its effect")
        .tag("Decisions")
        .replies(decision::RECORD_REPLY)
        .codes(&[Code::UNKNOWN_DECISION, Code::ERASED]),
    Route::get(Op::Decisions, "/decisions", "Recorded decisions")
        .tag("Decisions")
        .query(decision::list::QUERY)
        .replies(decision::LIST_REPLY),
    Route::get(
        Op::Receipt,
        "/decisions/{decision_id}/receipt",
        "Offline proof that a decision is in the ledger",
    )
    .tag("Decisions")
    .query(decision::RECEIPT_QUERY)
    .replies(decision::RECEIPT_REPLY)
    .or_media("text/plain", Form::Json)
    .codes(&[Code::UNSUPPORTED_FORMAT, Code::UNKNOWN_DECISION, Code::ERASED, Code::NOT_FINAL]),
    Route::get(
        Op::Replay,
        "/decisions/{decision_id}/replay",
        "Evaluate a recorded decision again from what was recorded",
    )
    .tag("Decisions")
    .replies(decision::replay::REPLY)
    .codes(&[Code::UNKNOWN_DECISION, Code::ERASED]),
    Route::post(Op::TokenVerify, "/tokens/verify", "Whether a token permits something now")
        .tag("Tokens")
        .access(Access::Compute)
        .body(Shape::Fields(token::VERIFY))
        .replies(token::VERIFY_REPLY),
    Route::get(Op::Token, "/tokens/{token_id}", "What a token permits and what became of it")
        .tag("Tokens")
        .replies(token::TOKEN_REPLY)
        .codes(&[Code::UNKNOWN_TOKEN]),
    Route::post(Op::TokenRevoke, "/tokens/{token_id}/revoke", "End a token before its time")
        .tag("Tokens")
        .body(Shape::Fields(token::REVOKE))
        .replies(token::REVOKE_REPLY)
        .codes(&[
            Code::UNKNOWN_TOKEN,
            Code::ALREADY_REVOKED,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::get(Op::Policies, "/policies", "Every version of the policy, oldest first")
        .tag("Policies")
        .query(policy::LIST_QUERY)
        .replies(policy::LIST_REPLY),
    Route::post(Op::PolicyLoad, "/policies/load", "Put another policy in force")
        .tag("Policies")
        .body(Shape::Policy(policy::load::LOAD))
        .bytes_max(4 * MIB)
        .replies(policy::load::LOAD_REPLY)
        .codes(&[
            Code::POLICY_INVALID,
            Code::POLICY_VERSION_CONFLICT,
            Code::IMPACT_NOT_ACKNOWLEDGED,
            Code::IDEMPOTENCY_CONFLICT,
        ]),
    Route::post(Op::PolicyValidate, "/policies/validate", "Check a policy without loading it")
        .tag("Policies")
        .access(Access::Compute)
        .body(Shape::Policy(policy::load::LOAD))
        .bytes_max(4 * MIB)
        .replies(policy::load::VALIDATE_REPLY),
    Route::post(
        Op::PolicyExplain,
        "/policies/explain",
        "Why a request or a recorded decision is answered as it is",
    )
    .tag("Policies")
    .access(Access::Compute)
    .body(Shape::Either {
        key: policy::explain::DECISION_ID,
        with: policy::explain::RECORDED,
        without: policy::explain::REQUEST,
    })
    .bytes_max(5 * MIB)
    .replies(policy::explain::REPLY)
    .codes(&[
        Code::POLICY_INVALID,
        Code::POLICY_MODE_LOOSENS,
        Code::CONTEXT_TOO_LARGE,
        Code::UNKNOWN_DECISION,
        Code::ERASED,
    ]),
    Route::post(
        Op::PolicyImpact,
        "/policies/impact",
        "What a policy would do to the decisions that were recorded",
    )
    .tag("Policies")
    .access(Access::Audit)
    .body(Shape::Fields(policy::impact::BODY))
    .bytes_max(4 * MIB)
    .replies(policy::impact::REPLY)
    .codes(&[Code::POLICY_INVALID]),
    Route::post(
        Op::PolicyRollback,
        "/policies/rollback",
        "Put the document of an older version in force, as a new version",
    )
    .tag("Policies")
    .body(Shape::Fields(policy::load::ROLLBACK))
    .replies(policy::load::LOAD_REPLY)
    .codes(&[Code::UNKNOWN_POLICY, Code::ALREADY_ACTIVE, Code::IDEMPOTENCY_CONFLICT]),
    Route::get(Op::PolicyActive, "/policies/active", "The policy in force, with its document")
        .tag("Policies")
        .replies(policy::RECORD_REPLY),
    Route::get(Op::Policy, "/policies/{version}", "A version of the policy, with its document")
        .tag("Policies")
        .replies(policy::RECORD_REPLY)
        .codes(&[Code::UNKNOWN_POLICY]),
    Route::post(Op::Evaluation, "/access/v1/evaluation", "Decide as OpenID AuthZEN asks")
        .tag("Policies")
        .body(Shape::Open(access::EVALUATION))
        .replies(access::EVALUATION_REPLY)
        .codes(&[Code::IDEMPOTENCY_CONFLICT, Code::ERASED, Code::CONTEXT_TOO_LARGE]),
    Route::post(
        Op::Evaluations,
        "/access/v1/evaluations",
        "Decide up to 1000 times as OpenID AuthZEN asks",
    )
    .tag("Policies")
    .query(access::EVALUATIONS_QUERY)
    .body(Shape::Open(access::EVALUATIONS))
    .bytes_max(16 * MIB)
    .replies(access::EVALUATIONS_REPLY)
    .codes(&[Code::IDEMPOTENCY_CONFLICT, Code::ERASED, Code::CONTEXT_TOO_LARGE]),
    Route::post(Op::RiskAssess, "/risks/assess", "Assess the risk of a recorded decision")
        .tag("Risks")
        .body(Shape::Fields(risk::ASSESS))
        .replies(risk::REPLY)
        .codes(&[
            Code::UNKNOWN_DECISION,
            Code::ALREADY_ASSESSED,
            Code::NOT_LATEST,
            Code::NOT_ALLOWED,
            Code::IDEMPOTENCY_CONFLICT,
            Code::ERASED,
        ]),
    Route::get(Op::Risks, "/risks", "The latest assessment of each decision, highest score first")
        .tag("Risks")
        .query(risk::LIST_QUERY)
        .replies(risk::LIST_REPLY),
    Route::get(Op::Risk, "/risks/{risk_id}", "An assessment of risk")
        .tag("Risks")
        .replies(risk::REPLY)
        .codes(&[Code::UNKNOWN_RISK, Code::ERASED]),
    Route::get(
        Op::RiskOfDecision,
        "/risks/decision/{decision_id}",
        "The latest assessment of a decision, with every version",
    )
    .tag("Risks")
    .replies(risk::OF_DECISION_REPLY)
    .codes(&[Code::UNKNOWN_DECISION, Code::UNKNOWN_RISK, Code::ERASED]),
    Route::get(Op::Entries, "/ledger/entries", "Entries of the ledger")
        .tag("Ledger")
        .access(Access::Audit)
        .query(ledger::ENTRIES_QUERY)
        .replies(ledger::ENTRIES_REPLY),
    Route::get(Op::Entry, "/ledger/entries/{id}", "An entry of the ledger")
        .tag("Ledger")
        .query(ledger::ENTRY_QUERY)
        .replies(ledger::ENTRY_WITH_PROOF)
        .codes(&[Code::UNKNOWN_ENTRY]),
    Route::get(
        Op::LedgerVerify,
        "/ledger/verify",
        "Hash stored entries again and follow the chain",
    )
    .tag("Ledger")
    .access(Access::Audit)
    .query(ledger::VERIFY_QUERY)
    .replies(ledger::VERIFY_REPLY)
    .codes(&[Code::OVERLOADED]),
    Route::get(Op::LedgerCheckpoint, "/ledger/checkpoint", "The last final checkpoint")
        .tag("Ledger")
        .query(ledger::CHECKPOINT_QUERY)
        .replies(ledger::CHECKPOINT_REPLY)
        .or_media("text/plain", Form::Media)
        .codes(&[Code::NOT_FINAL]),
    Route::get(Op::Checkpoints, "/ledger/checkpoints", "Final checkpoints, smallest first")
        .tag("Ledger")
        .query(ledger::CHECKPOINTS_QUERY)
        .replies(ledger::CHECKPOINTS_REPLY),
    Route::get(
        Op::Inclusion,
        "/ledger/proof/inclusion",
        "Proof that an entry is in the tree of a size",
    )
    .tag("Ledger")
    .query(ledger::INCLUSION_QUERY)
    .replies(ledger::INCLUSION_REPLY)
    .codes(&[Code::UNKNOWN_ENTRY]),
    Route::get(
        Op::Consistency,
        "/ledger/proof/consistency",
        "Proof that one tree is the beginning of another",
    )
    .tag("Ledger")
    .query(ledger::CONSISTENCY_QUERY)
    .replies(ledger::CONSISTENCY_REPLY),
    Route::get(Op::Checkpoint, "/checkpoint", "The last final checkpoint, as C2SP tlog-tiles")
        .tag("Ledger")
        .media("text/plain")
        .codes(&[Code::NOT_FINAL]),
    Route::get(
        Op::Tile,
        "/tile/{path}",
        "A tile `<L>/<N>[.p/<W>]` or a bundle `entries/<N>[.p/<W>]`, as C2SP tlog-tiles",
    )
    .tag("Ledger")
    .media("application/octet-stream")
    .codes(&[Code::NOT_FOUND]),
    Route::get(Op::Keys, "/keys", "Public keys of the nodes").tag("Keys").replies(keys::KEYS_REPLY),
    Route::post(Op::KeyRotate, "/keys/rotate", "Give the node that is asked a new key")
        .tag("Keys")
        .body(Shape::Fields(keys::ROTATE))
        .replies(keys::ROTATE_REPLY),
    Route::post(Op::KeyRetire, "/keys/{kid}/retire", "End a key")
        .tag("Keys")
        .body(Shape::Fields(keys::RETIRE))
        .replies(keys::RETIRE_REPLY)
        .codes(&[Code::UNKNOWN_KEY, Code::ALREADY_REVOKED, Code::IDEMPOTENCY_CONFLICT]),
    Route::get(Op::ClusterStatus, "/cluster/status", "Where this node and its cluster stand")
        .tag("Cluster")
        .replies(cluster::STATUS_REPLY),
    Route::get(
        Op::Divergence,
        "/cluster/divergence",
        "What the voters found at a final checkpoint, each by itself",
    )
    .tag("Cluster")
    .query(cluster::DIVERGENCE_QUERY)
    .replies(cluster::DIVERGENCE_REPLY)
    .codes(&[Code::UNKNOWN_CHECKPOINT, Code::NOT_FINAL]),
    Route::get(Op::Nodes, "/cluster/nodes", "Members of the cluster")
        .tag("Cluster")
        .replies(cluster::NODES_REPLY),
    Route::post(Op::NodeAdd, "/cluster/nodes", "Register a node that wants to join")
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .body(Shape::Fields(cluster::NODE))
        .replies(cluster::JOIN_REPLY)
        .codes(&[Code::ALREADY_EXISTS, Code::IDEMPOTENCY_CONFLICT]),
    Route::post(Op::NodePromote, "/cluster/nodes/{id}/promote", "Give a learner a vote")
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::NODE_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE, Code::NOT_CAUGHT_UP]),
    Route::post(Op::NodeDemote, "/cluster/nodes/{id}/demote", "Take a voter's vote")
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::NODE_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE]),
    Route::new(Op::NodeRemove, Method::Delete, "/cluster/nodes/{id}", "Take a node out")
        .access(Access::Write)
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .replies(cluster::REMOVE_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE]),
    Route::post(Op::TransferLeader, "/cluster/transfer-leader", "Hand leadership over")
        .tag("Cluster")
        .query(cluster::DRY_RUN)
        .body(Shape::Fields(cluster::TRANSFER))
        .replies(cluster::TRANSFER_REPLY)
        .codes(&[Code::UNKNOWN_NODE, Code::UNSAFE_MEMBERSHIP_CHANGE, Code::NOT_CAUGHT_UP]),
    Route::post(Op::Snapshot, "/cluster/snapshot", "Take a snapshot of this node's state")
        .tag("Cluster")
        .replies(cluster::SNAPSHOT_REPLY),
    Route::get(Op::Health, "/health", "Whether this node is well")
        .access(Access::Probe)
        .replies(system::HEALTH_REPLY)
        .codes(&[Code::NODE_QUARANTINED]),
    Route::get(Op::Live, "/health/live", "Whether the process answers")
        .access(Access::Probe)
        .replies(system::PROBE_REPLY),
    Route::get(Op::Ready, "/health/ready", "Whether this node should get requests")
        .access(Access::Probe)
        .query(system::READY_QUERY)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Startup, "/health/startup", "Whether this node has started")
        .access(Access::Probe)
        .replies(system::PROBE_REPLY)
        .codes(&[Code::NOT_READY]),
    Route::get(Op::Status, "/status", "What is in force and how much is recorded")
        .replies(system::STATUS_REPLY),
    Route::get(Op::Metrics, "/metrics", "Metrics for Prometheus")
        .access(Access::Probe)
        .media("text/plain")
        .codes(&[Code::METRICS_DISABLED]),
    Route::get(Op::OpenApi, "/openapi.json", "This description").access(Access::Static),
    Route::get(Op::Docs, "/docs", "This description, to read and try")
        .access(Access::Static)
        .media("text/html"),
    Route::get(Op::Root, "/", "What this service is and where its paths are")
        .access(Access::Static)
        .replies(system::ROOT_REPLY),
];
