//! Who oversees: humans, and the roles in which they may.
//!
//! In open mode a caller says itself who it is, and the entry says that nobody
//! checked (`"authn":"none"`); a role is claimed by the second segment of the
//! id, exactly: `act_human_user:executive` or `act_human_user:executive:jane`,
//! while `act_human_user:executive_assistant` is no executive.

use serde::{Deserialize, Serialize};

use crate::apply::Context;
use crate::command::{Principal, PrincipalKind};
use crate::outcome::Rejection;

/// What the id of a human begins with.
pub const HUMAN: &str = "act_human_user:";

/// Attributes of a person, apart from what the person may do to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Answers for the organisation.
    Executive,
    /// Answers for how it governs.
    GovernanceLead,
    /// Answers for its security.
    SecurityOfficer,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 3] = [Self::Executive, Self::GovernanceLead, Self::SecurityOfficer];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Executive => "executive",
            Self::GovernanceLead => "governance_lead",
            Self::SecurityOfficer => "security_officer",
        }
    }
}

/// A human who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Human<'a> {
    /// Who.
    pub(crate) id: &'a str,
    /// In which role, if in any.
    pub(crate) role: Option<Role>,
}

/// The human who asks for a command: nobody else may decide in the place of one.
pub(crate) fn human<'a, S>(context: &Context<'a, S>) -> Result<Human<'a>, Rejection> {
    let principal: &'a Principal = &context.envelope.principal;
    match principal.kind {
        PrincipalKind::Nobody => {
            let name = principal.id.strip_prefix(HUMAN).ok_or(Rejection::NotAuthorised)?;
            let segment = name.split(':').next().unwrap_or_default();
            let role = Role::ALL.into_iter().find(|role| role.as_str() == segment);
            Ok(Human { id: &principal.id, role })
        }
        PrincipalKind::User => Ok(Human { id: &principal.id, role: None }),
        PrincipalKind::ApiKey | PrincipalKind::Node => Err(Rejection::NotAuthorised),
    }
}
