//! Accounts: who may ask, and for what.
//!
//! Passwords are hashed and compared where the request comes in; here a hash is
//! kept, and counted by version, so that what was compared is still in force.
//!
//! Invariants
//! - Nobody manages an account that may do more than they may themselves, nor
//!   makes one. Who oversees is a person: to programs that is more, whatever they
//!   may do.
//! - Nobody sets another's password.
//! - Sessions end with what they were opened for: another role, other roles of
//!   oversight, a second factor taken away, another password, the account.
//! - No hash is in an entry, and no name is in `data`.

pub(crate) mod erased;
pub(crate) mod kept;

use std::collections::BTreeSet;

use ledger::EntryType;
use types::{Object, SessionId, UserId};

use crate::access::{self, AccountRole, Denied, Permissions};
use crate::apply::{Context, Stop};
use crate::command::{
    ChangePassword, ChangeUser, CreateUser, Principal, PrincipalKind, UpdateUser, UserChange,
};
use crate::login::pairs;
use crate::outcome::{Outcome, Rejection};
use crate::oversight::Role;
use crate::record::UserRecord;
use crate::store::{Store, Table};
use crate::{idempotency, session, view};

/// Hashes of passwords that are kept: the contract refuses the last five.
const PASSWORDS_MAX: usize = 5;

pub(crate) fn create<S: Store>(
    context: &mut Context<'_, S>,
    create: &CreateUser,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    check_hash(&create.password_hash)?;
    check_may_have(context, create.role, &create.oversight)?;
    kept::check_names(context, &create.username, &create.email)?;
    let id = UserId(context.fresh("user", Table::User)?);
    let mut data = about(context, id);
    let (oversight, full_name) = (ascending(&create.oversight), given(&create.full_name));
    data.insert("oversight_roles", words(&oversight));
    data.insert("role", create.role.as_str());
    let personal = personal(&Told {
        username: Some(&create.username),
        email: Some(&create.email),
        full_name: full_name.as_deref(),
    });
    let actor = id.to_string();
    let recorded = context.record_about(EntryType::UserCreated, Some(&actor), data, personal)?;
    let at = context.applied.at;
    let user = UserRecord {
        entry_id: recorded.entry_id,
        username: create.username.clone(),
        email: create.email.clone(),
        full_name,
        role: create.role,
        oversight,
        password_hashes: vec![create.password_hash.clone()],
        password_version: 1,
        password_set_at: at,
        is_disabled: false,
        disabled_by: None,
        mfa: None,
        pending_mfa: None,
        last_login_at: None,
        created_at: at,
    };
    kept::add(context, id, &user)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

pub(crate) fn update<S: Store>(
    context: &mut Context<'_, S>,
    update: &UpdateUser,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = update.user;
    let before = known(context, id)?;
    let after = updated(&before, update);
    check_may_manage(context, &before)?;
    check_may_have(context, after.role, &after.oversight)?;
    kept::check_change(context, &before, &after)?;
    let mut data = about(context, id);
    data.insert("oversight_roles", update.oversight.as_ref().map(|_| words(&after.oversight)));
    data.insert("role", update.role.map(AccountRole::as_str));
    let full_name = update.full_name.as_deref();
    let personal = personal(&Told { full_name, ..Told::default() });
    let actor = id.to_string();
    let recorded = context.record_about(EntryType::UserUpdated, Some(&actor), data, personal)?;
    kept::change(context, id, &before, &after)?;
    if before.role != after.role || before.oversight != after.oversight {
        session::end_all(context, id, None)?;
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn updated(before: &UserRecord, update: &UpdateUser) -> UserRecord {
    let full_name = match &update.full_name {
        Some(_) => given(&update.full_name),
        None => before.full_name.clone(),
    };
    UserRecord {
        role: update.role.unwrap_or(before.role),
        oversight: ascending(update.oversight.as_ref().unwrap_or(&before.oversight)),
        full_name,
        ..before.clone()
    }
}

pub(crate) fn change<S: Store>(
    context: &mut Context<'_, S>,
    change: &ChangeUser,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = change.user;
    let before = known(context, id)?;
    check_may_manage(context, &before)?;
    let (entry_type, mut after) = changed(&before, change.change)?;
    kept::check_change(context, &before, &after)?;
    let mut data = about(context, id);
    data.insert("reason", change.reason.as_str());
    let actor = id.to_string();
    let recorded = context.record_about(entry_type, Some(&actor), data, Object::new())?;
    if change.change == UserChange::Disable {
        after.disabled_by = Some(recorded.entry_id);
    }
    kept::change(context, id, &before, &after)?;
    match change.change {
        UserChange::Disable | UserChange::ResetMfa => session::end_all(context, id, None)?,
        UserChange::Unlock => pairs::forget(context, &BTreeSet::from([id]))?,
        UserChange::Enable => (),
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn changed(before: &UserRecord, change: UserChange) -> Result<(EntryType, UserRecord), Rejection> {
    let after = before.clone();
    match change {
        UserChange::Disable if before.is_disabled => {
            Err(Rejection::UserUnchanged { state: "disabled" })
        }
        UserChange::Disable => {
            Ok((EntryType::UserDisabled, UserRecord { is_disabled: true, ..after }))
        }
        UserChange::Enable if !before.is_disabled => {
            Err(Rejection::UserUnchanged { state: "enabled" })
        }
        UserChange::Enable => {
            let after = UserRecord { is_disabled: false, disabled_by: None, ..after };
            Ok((EntryType::UserEnabled, after))
        }
        UserChange::Unlock => Ok((EntryType::UserUnlocked, after)),
        UserChange::ResetMfa if before.mfa.is_none() && before.pending_mfa.is_none() => {
            Err(Rejection::NoMfa)
        }
        UserChange::ResetMfa => {
            Ok((EntryType::MfaReset, UserRecord { mfa: None, pending_mfa: None, ..after }))
        }
    }
}

pub(crate) fn change_password<S: Store>(
    context: &mut Context<'_, S>,
    change: &ChangePassword,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = change.user;
    let principal = &context.envelope.principal;
    if principal.kind != PrincipalKind::User || principal.id != id.to_string() {
        return Err(Rejection::NotAuthorised.into());
    }
    let before = known(context, id)?;
    check_hash(&change.password_hash)?;
    // What was compared has been replaced since, or there is nothing to compare.
    if before.password_hashes.is_empty() || before.password_version != change.version {
        return Err(Rejection::InvalidCredentials.into());
    }
    let hashes = [&change.password_hash].into_iter().chain(&before.password_hashes);
    let after = UserRecord {
        password_hashes: hashes.take(PASSWORDS_MAX).cloned().collect(),
        password_version: before.password_version.saturating_add(1),
        password_set_at: context.applied.at,
        ..before.clone()
    };
    let asking: Option<SessionId> =
        principal.credential_id.as_deref().and_then(|session| session.parse().ok());
    let data = about(context, id);
    let actor = id.to_string();
    let entry_type = EntryType::PasswordChanged;
    let recorded = context.record_about(entry_type, Some(&actor), data, Object::new())?;
    kept::change(context, id, &before, &after)?;
    session::end_all(context, id, asking)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// An account that can still be changed.
fn known<S: Store>(context: &Context<'_, S>, id: UserId) -> Result<UserRecord, Stop> {
    let user = view::user(context.tables.read(), id)?.ok_or(Rejection::UnknownUser)?;
    if user.is_erased() { Err(Rejection::Erased.into()) } else { Ok(user) }
}

/// Whether who asks may do itself what it would let others do: else a key that
/// manages accounts could make whatever it is not.
pub(crate) fn check_may_give<S: Store>(
    context: &Context<'_, S>,
    given: Permissions,
) -> Result<(), Stop> {
    let principal: &Principal = &context.envelope.principal;
    let read = context.tables.read();
    let authority = access::authority(read, principal, context.applied.at)?;
    let own = authority.map_err(Rejection::Denied)?.permissions;
    if own.cover(given) { Ok(()) } else { Err(Rejection::Denied(Denied::PermissionDenied).into()) }
}

fn check_may_manage<S: Store>(context: &Context<'_, S>, user: &UserRecord) -> Result<(), Stop> {
    check_may_have(context, user.role, &user.oversight)
}

/// Whether who asks may make somebody this, or take it away. What people oversee
/// is given to no program, which could make itself the human it has to ask.
fn check_may_have<S: Store>(
    context: &Context<'_, S>,
    role: AccountRole,
    oversight: &[Role],
) -> Result<(), Stop> {
    let is_program = context.envelope.principal.kind == PrincipalKind::ApiKey;
    if is_program && !oversight.is_empty() {
        return Err(Rejection::Denied(Denied::PermissionDenied).into());
    }
    check_may_give(context, role.permissions())
}

/// What the entries of an account have in common.
fn about<S: Store>(context: &Context<'_, S>, id: UserId) -> Object {
    let id = id.to_string();
    let mut data = context.asked();
    data.insert("actor", id.as_str());
    data.insert("user_id", id);
    data
}

/// What is kept of a password must not be the password, whoever proposed it.
fn check_hash(hash: &str) -> Result<(), Rejection> {
    if hash.starts_with("$argon2id$") {
        return Ok(());
    }
    Err(Rejection::OutOfBounds { member: "password" })
}

/// A text that takes nothing away.
fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

/// Each role once.
fn ascending(roles: &[Role]) -> Vec<Role> {
    roles.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

fn words(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}

/// What is told of a person.
#[derive(Clone, Copy, Debug, Default)]
struct Told<'a> {
    username: Option<&'a str>,
    email: Option<&'a str>,
    full_name: Option<&'a str>,
}

fn personal(told: &Told<'_>) -> Object {
    let mut personal = Object::new();
    personal.insert("address", None::<&str>);
    personal.insert("email", told.email);
    personal.insert("full_name", told.full_name);
    personal.insert("username", told.username);
    personal
}
