//! The table of routes. The router, `/openapi.json` and `endpoints{}` of `/`
//! are made from it, so none of them can name a path the others do not.
//!
//! A new route is a row of its area below and an arm of
//! [`crate::rest::answer`], which a test asks for.

mod auth;
mod cluster;
mod decisions;
mod escalations;
mod evidence;
mod exports;
mod keys;
mod ledger;
mod overrides;
mod oversight;
mod policies;
mod responsibility;
mod retention;
mod risks;
mod system;
mod systems;
mod tokens;

mod compliance;

use governance::access::Right;

use crate::call::Form;
use crate::consistency;
use crate::fields::Field;
use crate::problem::Code;
use crate::reply::Member;

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
    TokenIssue,
    TokenVerify,
    Token,
    TokenRevoke,
    RiskAssess,
    Risk,
    RiskOfDecision,
    Risks,
    EscalationCreate,
    EscalationAcknowledge,
    EscalationResolve,
    Escalation,
    Escalations,
    EscalationViolations,
    ResponsibilityChain,
    ResponsibilityParty,
    ResponsibilityLegal,
    ResponsibilityReport,
    ResponsibilityPending,
    ResponsibilityRecord,
    ResponsibilityReview,
    OverrideExecute,
    OverrideReview,
    Override,
    OverridesOfDecision,
    OverrideActive,
    OverridesPending,
    ArtifactRegister,
    ArtifactLink,
    Artifact,
    ArtifactContent,
    ArtifactVerify,
    ArtifactSign,
    ArtifactsOfDecision,
    ArtifactLineage,
    Artifacts,
    ArtifactStatistics,
    Intervene,
    InterventionVerify,
    StopLift,
    Effectiveness,
    Policies,
    PolicyLoad,
    PolicyValidate,
    PolicyExplain,
    PolicyImpact,
    PolicyRollback,
    Policy,
    PolicyActive,
    Login,
    MfaVerify,
    MfaEnroll,
    MfaConfirm,
    MfaBackupCodes,
    Logout,
    Me,
    PasswordChange,
    PasswordPolicy,
    Sessions,
    SessionRevoke,
    UserCreate,
    Users,
    User,
    UserUpdate,
    UserDelete,
    UserDisable,
    UserEnable,
    UserUnlock,
    UserResetMfa,
    ApiKeyCreate,
    ApiKeys,
    ApiKeyRevoke,
    OidcProviders,
    OidcLogin,
    OidcCallback,
    JoinToken,
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
    SignerRegister,
    Signers,
    SignerRevoke,
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
    HoldApply,
    Holds,
    HoldRelease,
    Anonymize,
    RecordStatus,
    RegulatoryPackage,
    OversightPackage,
    ExportRequest,
    ExportStatus,
    ExportApprove,
    ExportReject,
    Exports,
    ExportDownload,
    SystemRegister,
    Systems,
    System,
    SystemUpdate,
    IncidentRecord,
    Incidents,
    Incident,
    IncidentReport,
    IncidentClose,
    AnnexIv,
    AnnexIvUpdate,
    AnnexIvPackage,
    Article11Document,
    ArticleDocument,
    Profile,
    ProfileSet,
    ComplianceStatistics,
    Timeline,
    Queries,
    Query,
    Register,
    RegisterArticle,
    Controls,
    Gaps,
    ComplianceReport,
    Coverage,
    Control,
    ControlLink,
    ControlAttest,
}

/// HTTP methods that routes have; HEAD follows GET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
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
    /// One of two such objects: what was done, or what would be.
    DoneOrPlanned(&'static [Member], &'static [Member]),
    /// Another media type: one of these.
    Media(&'static [&'static str]),
    /// Either of the two.
    Either {
        /// The members.
        members: &'static [Member],
        /// The other media types, of which the answer has one.
        media: &'static [&'static str],
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
    /// Who may.
    pub(crate) who: Right,
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
            // Nobody who comes through this interface: a row says who may.
            who: Right::Node,
            query: &[],
            shape: Shape::None,
            body_bytes_max: MIB,
            reply: Reply::Media(&["application/json"]),
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

    const fn who(mut self, who: Right) -> Self {
        self.who = who;
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

    /// As well, where the query asks for no more than a plan.
    const fn or_plan(mut self, plan: &'static [Member]) -> Self {
        if let Reply::Members(members) = self.reply {
            self.reply = Reply::DoneOrPlanned(members, plan);
        }
        self
    }

    const fn media(mut self, media: &'static [&'static str]) -> Self {
        self.reply = Reply::Media(media);
        self
    }

    /// As another media type too, or by preference.
    const fn or_media(mut self, media: &'static [&'static str], first: Form) -> Self {
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

    /// The parameters of its path, in their order.
    pub(crate) fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        let parts = self.path.split('{').skip(1).filter_map(|part| part.split_once('}'));
        parts.map(|(name, _)| name.trim_start_matches('*'))
    }
}

/// The row of an operation.
pub(crate) fn route(op: Op) -> Option<&'static Route> {
    all().find(|route| route.op == op)
}

/// Every route, by area.
const AREAS: &[&[Route]] = &[
    decisions::ROUTES,
    tokens::ROUTES,
    policies::ROUTES,
    risks::ROUTES,
    escalations::ROUTES,
    responsibility::ROUTES,
    overrides::ROUTES,
    evidence::ROUTES,
    oversight::ROUTES,
    ledger::ROUTES,
    auth::ROUTES,
    keys::ROUTES,
    cluster::ROUTES,
    system::ROUTES,
    retention::ROUTES,
    exports::ROUTES,
    systems::ROUTES,
    compliance::ROUTES,
];

/// Every route.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    AREAS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_says_who_may() {
        for route in all() {
            assert_ne!(route.who, Right::Node, "{}", route.path);
        }
    }
}
