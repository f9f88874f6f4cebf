//! Who may do what: decided by pure functions over the state, asked at the edge
//! to refuse early and in `apply` to decide.
//!
//! Reading order: [`Right`] is what a request needs, [`Authority`] is what a
//! principal has, [`Authority::permits`] compares the two.
//!
//! Invariants
//! - What is not granted is refused. A principal whose credential is unknown,
//!   over or revoked has no authority at all.
//! - From the first administrator on nobody is served without a credential.

mod command;
mod lookup;

use serde::{Deserialize, Serialize};

use crate::oversight::Role;

pub use command::right_of;
pub(crate) use command::{EVIDENCE, admit, check_level, need_level};
pub(crate) use lookup::access;
pub use lookup::{
    PASSWORD_MAX, SESSION_IDLE, SESSION_MAX, authority, is_closed, is_key_alive, is_session_alive,
    session_end,
};

/// What a person or a program may do to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Permission {
    /// See what is in force and how it stands.
    ViewDashboard,
    /// See what is recorded.
    ViewAuditLogs,
    /// Ask for an export.
    RequestAuditPacket,
    /// Let one go out, and settle what auditors ask.
    ApproveAuditPacket,
    /// Take exports away.
    ExportData,
    /// Put policies in force.
    ManagePolicies,
    /// Manage accounts and keys of programs.
    ManageUsers,
}

impl Permission {
    /// Every permission there is.
    pub const ALL: [Self; 7] = [
        Self::ViewDashboard,
        Self::ViewAuditLogs,
        Self::RequestAuditPacket,
        Self::ApproveAuditPacket,
        Self::ExportData,
        Self::ManagePolicies,
        Self::ManageUsers,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewDashboard => "view_dashboard",
            Self::ViewAuditLogs => "view_audit_logs",
            Self::RequestAuditPacket => "request_audit_packet",
            Self::ApproveAuditPacket => "approve_audit_packet",
            Self::ExportData => "export_data",
            Self::ManagePolicies => "manage_policies",
            Self::ManageUsers => "manage_users",
        }
    }

    /// The permission of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == word)
    }

    fn bit(self) -> u16 {
        match self {
            Self::ViewDashboard => 1,
            Self::ViewAuditLogs => 2,
            Self::RequestAuditPacket => 4,
            Self::ApproveAuditPacket => 8,
            Self::ExportData => 16,
            Self::ManagePolicies => 32,
            Self::ManageUsers => 64,
        }
    }
}

/// Some permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions(u16);

impl Permissions {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These.
    pub fn of(permissions: &[Permission]) -> Self {
        Self(permissions.iter().fold(0, |bits, permission| bits | permission.bit()))
    }

    /// All of them.
    pub fn all() -> Self {
        Self::of(&Permission::ALL)
    }

    /// Whether this one is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether all of these are among them.
    pub fn cover(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    /// One by one, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.has(*permission))
    }
}

/// What an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AccountRole {
    /// Sees how things stand.
    Viewer,
    /// Sees what is recorded, and asks for exports.
    Auditor,
    /// Settles what auditors ask, and puts policies in force.
    ComplianceOfficer,
    /// Manages accounts and the cluster too.
    Admin,
}

impl AccountRole {
    /// Every role there is.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Auditor, Self::ComplianceOfficer, Self::Admin];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::ComplianceOfficer => "compliance_officer",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What it may do: the table of api.md, section 14.
    pub fn permissions(self) -> Permissions {
        use Permission::{
            ApproveAuditPacket, ExportData, ManagePolicies, RequestAuditPacket, ViewAuditLogs,
            ViewDashboard,
        };
        match self {
            Self::Viewer => Permissions::of(&[ViewDashboard]),
            Self::Auditor => Permissions::of(&[ViewDashboard, ViewAuditLogs, RequestAuditPacket]),
            Self::ComplianceOfficer => Permissions::of(&[
                ViewDashboard,
                ViewAuditLogs,
                RequestAuditPacket,
                ApproveAuditPacket,
                ExportData,
                ManagePolicies,
            ]),
            Self::Admin => Permissions::all(),
        }
    }
}

/// What a request needs: the column "Who" of api.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing.
    Public,
    /// An authenticated principal, also one that must first change its password
    /// or enroll a second factor: what is about its own account.
    Own,
    /// An authenticated principal.
    Any,
    /// A permission.
    Holds(Permission),
    /// To act as the actor of the request.
    Actor,
    /// That, or a permission.
    ActorOr(Permission),
    /// To be a person.
    Human,
    /// To be a person; whether it oversees or is asked, the service finds out.
    Oversight,
    /// A role of oversight.
    OversightRole,
    /// A role of oversight, or a permission.
    OversightOr(Permission),
    /// To run the cluster: an administrator with a second factor, or the socket
    /// of the node.
    Operator,
    /// That, or to be a node, which vouches for who joins by its certificate.
    OperatorOrNode,
    /// To be a node of the cluster, on its own account.
    Node,
}

impl Right {
    /// As the golden table of rights says it.
    pub fn describe(self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::Own => "own".to_owned(),
            Self::Any => "any".to_owned(),
            Self::Holds(permission) => permission.as_str().to_owned(),
            Self::Actor => "actor".to_owned(),
            Self::ActorOr(permission) => format!("actor or {}", permission.as_str()),
            Self::Human => "human".to_owned(),
            Self::Oversight => "oversight".to_owned(),
            Self::OversightRole => "oversight role".to_owned(),
            Self::OversightOr(permission) => format!("oversight role or {}", permission.as_str()),
            Self::Operator => "operator".to_owned(),
            Self::OperatorOrNode => "operator or node".to_owned(),
            Self::Node => "node".to_owned(),
        }
    }
}

/// Why a principal may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no credential, or none that counts.
    Unauthenticated,
    /// The session is over.
    SessionExpired,
    /// The session was ended, by its owner or with its account.
    SessionRevoked,
    /// The password must be changed first.
    PasswordExpired,
    /// A second factor must be enrolled first.
    MfaRequired,
    /// It is not granted.
    PermissionDenied,
    /// It may not act as this actor.
    ActorNotCovered,
    /// It takes a person who oversees.
    NotAuthorised,
}

impl Denied {
    /// The stable code of api.md, section 1.2.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::SessionExpired => "session_expired",
            Self::SessionRevoked => "session_revoked",
            Self::PasswordExpired => "password_expired",
            Self::MfaRequired => "mfa_required",
            Self::PermissionDenied => "permission_denied",
            Self::ActorNotCovered => "actor_not_covered",
            Self::NotAuthorised => "not_authorised",
        }
    }

    /// The same for people.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Unauthenticated => "a valid credential is needed",
            Self::SessionExpired => "the session is over: log in again",
            Self::SessionRevoked => "the session was ended: log in again",
            Self::PasswordExpired => "the password must be changed first",
            Self::MfaRequired => "this account must enroll a second factor first",
            Self::PermissionDenied => "this is not granted to the principal",
            Self::ActorNotCovered => "the principal may not act as this actor",
            Self::NotAuthorised => "who asks is not one who may do this",
        }
    }
}

/// As which actors a principal may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actors {
    /// As any.
    All,
    /// As those that these cover.
    Prefixes(Vec<String>),
}

impl Actors {
    /// Whether an actor is covered: by its own name, by a beginning of it that
    /// ends where a segment ends, or by `*`.
    pub fn cover(&self, actor: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| covers(prefix, actor)),
        }
    }
}

fn covers(prefix: &str, actor: &str) -> bool {
    if prefix == "*" {
        return true;
    }
    match actor.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || prefix.ends_with(':') || rest.starts_with(':'),
        None => false,
    }
}

/// What keeps a principal from everything but its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Its password is too old.
    PasswordExpired,
    /// Its role needs a second factor, and it has none.
    MfaRequired,
}

/// What a principal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// What it may do to the service.
    pub permissions: Permissions,
    /// In which roles it oversees.
    pub oversight: Vec<Role>,
    /// As which actors it may act.
    pub actors: Actors,
    /// Whether it is a person.
    pub is_human: bool,
    /// Whether it may run the cluster.
    pub is_operator: bool,
    /// Whether it is a node on its own account.
    pub is_node: bool,
    /// What keeps it from all that.
    pub restriction: Option<Restriction>,
}

impl Authority {
    /// That of everybody in open mode, where the body says who asks.
    pub fn open() -> Self {
        Self {
            permissions: Permissions::all(),
            oversight: Role::ALL.to_vec(),
            actors: Actors::All,
            is_human: true,
            is_operator: true,
            is_node: true,
            restriction: None,
        }
    }

    /// That of a node on its own account: what keeps the cluster going, and
    /// nothing that a person or a program asks for.
    pub fn node() -> Self {
        Self {
            permissions: Permissions::NONE,
            oversight: Vec::new(),
            actors: Actors::Prefixes(Vec::new()),
            is_human: false,
            is_operator: false,
            is_node: true,
            restriction: None,
        }
    }

    /// That of whoever holds the socket of a node: it runs the cluster, and makes
    /// the first account. It oversees nothing and acts for nobody.
    pub fn socket() -> Self {
        Self { permissions: Permissions::all(), is_operator: true, is_node: false, ..Self::node() }
    }

    /// Whether it has a right. `actor` is whom the request is about.
    ///
    /// # Errors
    /// [`Denied`] when it has not.
    pub fn permits(&self, right: Right, actor: Option<&str>) -> Result<(), Denied> {
        if matches!(right, Right::Public | Right::Own) {
            return Ok(());
        }
        match self.restriction {
            Some(Restriction::PasswordExpired) => return Err(Denied::PasswordExpired),
            Some(Restriction::MfaRequired) => return Err(Denied::MfaRequired),
            None => (),
        }
        let holds = |permission| self.permissions.has(permission);
        let acts = || match actor {
            Some(actor) => self.actors.cover(actor),
            // What is about nobody, or about what is not there.
            None => self.actors == Actors::All,
        };
        let oversees = !self.oversight.is_empty();
        let (is_granted, otherwise) = match right {
            Right::Public | Right::Own | Right::Any => (true, Denied::PermissionDenied),
            Right::Holds(permission) => (holds(permission), Denied::PermissionDenied),
            Right::Actor => (acts(), Denied::ActorNotCovered),
            Right::ActorOr(permission) => (holds(permission) || acts(), Denied::PermissionDenied),
            Right::Human | Right::Oversight => (self.is_human, Denied::NotAuthorised),
            Right::OversightRole => (oversees, Denied::NotAuthorised),
            Right::OversightOr(permission) => {
                (oversees || holds(permission), Denied::PermissionDenied)
            }
            Right::Operator => (self.is_operator, Denied::PermissionDenied),
            Right::OperatorOrNode => (self.is_operator || self.is_node, Denied::PermissionDenied),
            Right::Node => (self.is_node, Denied::PermissionDenied),
        };
        if is_granted { Ok(()) } else { Err(otherwise) }
    }
}

#[cfg(test)]
mod tests;
