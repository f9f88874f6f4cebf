//! Who oversees: humans, and the roles in which they may.
//!
//! In open mode a caller says itself who it is, and the entry says that nobody
//! checked (`"authn":"none"`); a role is claimed by the second segment of the
//! id, exactly: `act_human_user:executive` or `act_human_user:executive:jane`,
//! while `act_human_user:executive_assistant` is no executive. Who was
//! authenticated is a person with an account, whose roles are attributes of it.

use serde::{Deserialize, Serialize};

use crate::apply::{Context, Stop};
use crate::command::{Principal, PrincipalKind};
use crate::escalation::GOVERNANCE_TEAM;
use crate::outcome::{Corruption, Rejection};
use crate::store::{Read, Store};
use crate::view;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Human<'a> {
    /// Who.
    pub(crate) id: &'a str,
    /// In which role, if in any: the one that may most, which is that of an
    /// executive for who has it.
    pub(crate) role: Option<Role>,
    /// In all of which roles.
    pub(crate) roles: Vec<Role>,
    /// Whether it is an administrator, who may stop things and no more.
    pub(crate) is_administrator: bool,
    /// What the account is called, if there is one.
    username: Option<String>,
}

impl<'a> Human<'a> {
    /// Somebody whom nobody checked.
    fn claimed(id: &'a str) -> Option<Self> {
        let segment = id.strip_prefix(HUMAN)?.split(':').next()?;
        let role = Role::ALL.into_iter().find(|role| role.as_str() == segment);
        let roles = role.into_iter().collect();
        Some(Self { id, role, roles, is_administrator: false, username: None })
    }

    /// Whether an escalation that asks `recipient` asks this person: by the id,
    /// or by the name of the account.
    pub(crate) fn is_asked_as(&self, recipient: &str) -> bool {
        let name = recipient.strip_prefix(HUMAN);
        recipient == self.id || name.is_some_and(|name| self.is_called(name))
    }

    /// Whether this id means the person at all, as whom it may also have been
    /// named in open mode: nobody judges what they did before there were accounts.
    pub(crate) fn is(&self, id: &str) -> bool {
        let of_role = id.strip_prefix(HUMAN).and_then(|name| {
            let (role, name) = name.split_once(':')?;
            Role::ALL.into_iter().any(|known| known.as_str() == role).then_some(name)
        });
        self.is_asked_as(id) || of_role.is_some_and(|name| self.is_called(name))
    }

    fn is_called(&self, name: &str) -> bool {
        let username = self.username.as_ref();
        username.is_some_and(|username| username.to_lowercase() == name.to_lowercase())
    }
}

/// Whether a name cannot be that of an account, because it means others where
/// humans are named.
pub(crate) fn is_reserved(username: &str) -> bool {
    let name = username.to_lowercase();
    GOVERNANCE_TEAM.strip_prefix(HUMAN) == Some(name.as_str())
        || Role::ALL.into_iter().any(|role| role.as_str() == name)
}

/// The human who asks for a command: nobody else may decide in the place of one.
pub(crate) fn human<'a, S: Store>(context: &Context<'a, S>) -> Result<Human<'a>, Stop> {
    let principal: &'a Principal = &context.envelope.principal;
    let human = match principal.kind {
        PrincipalKind::Nobody => Human::claimed(&principal.id),
        PrincipalKind::User => with_account(context.tables.read(), &principal.id)?,
        PrincipalKind::ApiKey | PrincipalKind::Node => None,
    };
    human.ok_or_else(|| Rejection::NotAuthorised.into())
}

/// Somebody who was authenticated.
fn with_account<'a>(read: &impl Read, id: &'a str) -> Result<Option<Human<'a>>, Corruption> {
    let Ok(user) = id.parse() else { return Ok(None) };
    let account = view::user(read, user)?.filter(|account| !account.is_disabled);
    Ok(account.map(|account| Human {
        id,
        role: account.oversight.iter().copied().min(),
        is_administrator: account.is_administrator(),
        roles: account.oversight,
        username: Some(account.username),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maria() -> Human<'static> {
        let username = Some("Maria".to_owned());
        Human { id: "user_1", role: None, roles: Vec::new(), is_administrator: false, username }
    }

    #[test]
    fn a_recipient_is_an_id_or_the_name_of_an_account() {
        for (recipient, expect) in [
            ("user_1", true),
            ("act_human_user:maria", true),
            ("act_human_user:Maria", true),
            ("act_human_user:mari", false),
            ("act_human_user:maria:x", false),
            ("act_human_user:executive:maria", false),
            ("maria", false),
            ("user_2", false),
        ] {
            assert_eq!(maria().is_asked_as(recipient), expect, "{recipient}");
        }
    }

    #[test]
    fn a_person_is_known_again_under_the_name_claimed_in_open_mode() {
        for (id, expect) in [
            ("act_human_user:executive:maria", true),
            ("act_human_user:maria", true),
            ("user_1", true),
            ("act_human_user:team:maria", false),
            ("act_human_user:executive", false),
        ] {
            assert_eq!(maria().is(id), expect, "{id}");
        }
    }

    #[test]
    fn a_claimed_id_is_nobody_elses() {
        let claimed = Human::claimed("act_human_user:executive:jane").unwrap();
        assert_eq!(
            (claimed.role, claimed.roles.clone()),
            (Some(Role::Executive), vec![Role::Executive])
        );
        assert!(claimed.is("act_human_user:executive:jane"));
        assert!(!claimed.is("act_human_user:jane"));
        assert_eq!(Human::claimed("ai:a"), None);
    }

    #[test]
    fn names_of_roles_and_of_the_team_are_reserved() {
        for (name, expect) in
            [("Executive", true), ("governance_team", true), ("executive_assistant", false)]
        {
            assert_eq!(is_reserved(name), expect, "{name}");
        }
    }
}
