//! What a principal has, found in the state.

use types::{ApiKeyId, Micros, SessionId, Timestamp, UserId};

use super::{AccountRole, Actors, Authority, Denied, Permission, Restriction};
use crate::command::{ADMIN_SOCKET, Principal, PrincipalKind};
use crate::keys;
use crate::outcome::Corruption;
use crate::record::{AccessRecord, ApiKeyRecord, SessionRecord, UserRecord};
use crate::store::{Read, Table};
use crate::tables;

/// A session ends when it is not used for so long.
pub const SESSION_IDLE: Micros = Micros(15 * 60 * 1_000_000);

/// A session ends after so long, however it is used.
pub const SESSION_MAX: Micros = Micros(12 * 3600 * 1_000_000);

/// Passwords are changed when they are older.
pub const PASSWORD_MAX: Micros = Micros(90 * 24 * 3600 * 1_000_000);

/// Whether nobody is served without a credential, in whatever mode a node runs.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn is_closed(read: &impl Read) -> Result<bool, Corruption> {
    Ok(access(read)?.is_closed)
}

/// How the cluster is accessed.
pub(crate) fn access(read: &impl Read) -> Result<AccessRecord, Corruption> {
    let record: Option<AccessRecord> = tables::record(read, Table::Access, keys::ONLY)?;
    Ok(record.unwrap_or_default())
}

/// Whether a session has not ended by itself at `now`.
pub fn is_session_alive(session: &SessionRecord, now: Timestamp) -> bool {
    now < session_end(session)
}

/// When a session ends if it is not used again.
pub fn session_end(session: &SessionRecord) -> Timestamp {
    let end = |from: Timestamp, life| from.checked_add(life).unwrap_or(Timestamp::MAX);
    end(session.touched_at, SESSION_IDLE).min(end(session.created_at, SESSION_MAX))
}

/// Whether an API key counts at `now`.
pub fn is_key_alive(key: &ApiKeyRecord, now: Timestamp) -> bool {
    key.revoked.is_none() && key.expires_at.is_none_or(|end| now < end)
}

/// What a principal has at `now`, or why it has nothing.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn authority(
    read: &impl Read,
    principal: &Principal,
    now: Timestamp,
) -> Result<Result<Authority, Denied>, Corruption> {
    match principal.kind {
        PrincipalKind::Node if principal.authn == ADMIN_SOCKET => Ok(Ok(Authority::socket())),
        PrincipalKind::Node => Ok(Ok(Authority::node())),
        PrincipalKind::Nobody if is_closed(read)? => Ok(Err(Denied::Unauthenticated)),
        PrincipalKind::Nobody => Ok(Ok(Authority::open())),
        PrincipalKind::User => of_user(read, principal, now),
        PrincipalKind::ApiKey => of_key(read, principal, now),
    }
}

fn of_user(
    read: &impl Read,
    principal: &Principal,
    now: Timestamp,
) -> Result<Result<Authority, Denied>, Corruption> {
    let session = principal.credential_id.as_deref().and_then(|id| id.parse().ok());
    let user: Option<UserId> = principal.id.parse().ok();
    let (Some(session), Some(user)) = (session, user) else {
        return Ok(Err(Denied::Unauthenticated));
    };
    let SessionId(id) = session;
    let session: Option<SessionRecord> = tables::record(read, Table::Session, &id.key())?;
    let Some(session) = session.filter(|session| session.user == user) else {
        return Ok(Err(Denied::SessionRevoked));
    };
    if !is_session_alive(&session, now) {
        return Ok(Err(Denied::SessionExpired));
    }
    let record: Option<UserRecord> = tables::record(read, Table::User, &user.0.key())?;
    Ok(match record {
        Some(record) if !record.is_disabled => Ok(of_account(&record, &session, now)),
        Some(_) | None => Err(Denied::SessionRevoked),
    })
}

/// What an account has in a session of it.
fn of_account(user: &UserRecord, session: &SessionRecord, now: Timestamp) -> Authority {
    let is_admin = user.role == AccountRole::Admin;
    // A provider vouches for how its people log in.
    let by_provider = session.authn == "oidc";
    let needs_mfa = (is_admin || !user.oversight.is_empty()) && !by_provider;
    let is_old = user.password_set_at.checked_add(PASSWORD_MAX).is_some_and(|end| end <= now);
    let restriction = if !by_provider && is_old {
        Some(Restriction::PasswordExpired)
    } else if needs_mfa && user.mfa.is_none() {
        Some(Restriction::MfaRequired)
    } else {
        None
    };
    let permissions = user.role.permissions();
    let acts = permissions.has(Permission::ManagePolicies);
    Authority {
        permissions,
        oversight: user.oversight.clone(),
        actors: if acts { Actors::All } else { Actors::Prefixes(Vec::new()) },
        is_human: true,
        is_operator: is_admin,
        is_node: false,
        restriction,
    }
}

fn of_key(
    read: &impl Read,
    principal: &Principal,
    now: Timestamp,
) -> Result<Result<Authority, Denied>, Corruption> {
    let Ok(ApiKeyId(id)) = principal.id.parse() else {
        return Ok(Err(Denied::Unauthenticated));
    };
    let key: Option<ApiKeyRecord> = tables::record(read, Table::ApiKey, &id.key())?;
    let Some(key) = key.filter(|key| is_key_alive(key, now)) else {
        return Ok(Err(Denied::Unauthenticated));
    };
    if !is_owner_there(read, &key)? {
        return Ok(Err(Denied::Unauthenticated));
    }
    Ok(Ok(Authority {
        permissions: key.permissions,
        oversight: Vec::new(),
        actors: Actors::Prefixes(key.actor_prefixes),
        is_human: false,
        is_operator: false,
        is_node: false,
        restriction: None,
    }))
}

/// Whether the person behind a key still has an account that counts. Behind one
/// that was made over the socket of a node is nobody who could lose theirs.
fn is_owner_there(read: &impl Read, key: &ApiKeyRecord) -> Result<bool, Corruption> {
    let Ok(UserId(owner)) = key.owner.parse() else { return Ok(true) };
    let owner: Option<UserRecord> = tables::record(read, Table::User, &owner.key())?;
    Ok(owner.is_some_and(|owner| !owner.is_disabled))
}
