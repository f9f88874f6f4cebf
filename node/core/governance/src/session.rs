//! Sessions: what an account does is done in one.
//!
//! Invariants
//! - A session begins with one proof, and no proof begins two: a challenge is
//!   gone with it, a time step is followed by later ones alone, a backup code is
//!   struck out.
//! - What has ended never lives again. By itself a session ends when it is not
//!   used, or after twelve hours; then its rows go too.
//! - An account has at most [`OF_USER_MAX`]; the oldest gives way.

mod proof;

use ledger::EntryType;
use types::{Object, SessionId, Timestamp, UserId};

use crate::access::{self, Permission, Right, SESSION_MAX, check_level, is_session_alive};
use crate::apply::{Context, Stop};
use crate::command::{OpenSession, PrincipalKind, RevokeSession, TouchCredentials};
use crate::deadline::{self, Due};
use crate::login::{self, about, challenges, pairs};
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::record::{ApiKeyRecord, FoundSession, SessionRecord, UserRecord};
use crate::store::{Store, Table};
use crate::{idempotency, keys, view};
use proof::Shown;

/// Sessions of one account.
const OF_USER_MAX: usize = 100;

/// Credentials of a kind whose use one command reports.
const TOUCHED_MAX: usize = 1000;

pub(crate) fn open<S: Store>(
    context: &mut Context<'_, S>,
    open: &OpenSession,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    if let Some((_, known)) = view::session_by_hash(context.tables.read(), &open.session_hash)? {
        // Proposed twice, since its sender did not hear of it.
        return match known.user == open.user {
            true => Ok(Outcome::Replayed(known.entry_id)),
            false => Err(Rejection::InvalidCredentials.into()),
        };
    }
    let user = login::usable(context.tables.read(), open.user)?;
    pairs::check(context, &open.pair)?;
    let shown = proof::check(context, &user, open)?;
    let id = SessionId(context.fresh("sess", Table::Session)?);
    let recorded = record_login(context, &user, open, (id, shown.authn))?;
    make_room(context, open.user)?;
    keep(context, open, id, (&shown, recorded))?;
    pairs::succeed(context, &open.pair)?;
    let Shown { authn: _, mfa, challenge } = shown;
    if let Some((hash, challenge)) = challenge {
        challenges::consume(context, &hash, &challenge);
    }
    let user = UserRecord { mfa, last_login_at: Some(context.applied.at), ..user };
    context.tables.put_record(Table::User, &open.user.0.key(), &user)?;
    Ok(Outcome::Recorded(recorded))
}

fn record_login<S: Store>(
    context: &mut Context<'_, S>,
    user: &UserRecord,
    open: &OpenSession,
    (id, authn): (SessionId, &str),
) -> Result<Recorded, Corruption> {
    let actor = open.user.to_string();
    let mut data = Object::new();
    data.insert("actor", actor.as_str());
    data.insert("authn", authn);
    data.insert("by", actor.as_str());
    data.insert("session_id", id.to_string());
    data.insert("user_id", actor.as_str());
    let personal = login::personal(Some(&user.username), &open.address);
    context.record_about(EntryType::LoginSucceeded, Some(&actor), data, personal)
}

fn keep<S: Store>(
    context: &mut Context<'_, S>,
    open: &OpenSession,
    id: SessionId,
    (shown, recorded): (&Shown, Recorded),
) -> Result<(), Corruption> {
    let record = SessionRecord {
        user: open.user,
        hash: open.session_hash,
        authn: shown.authn.to_owned(),
        address: open.address.clone(),
        entry_id: recorded.entry_id,
        created_at: context.applied.at,
        touched_at: context.applied.at,
    };
    context.tables.put_record(Table::Session, &id.0.key(), &record)?;
    context.tables.put_record(Table::SessionByHash, &record.hash.0, &id)?;
    let row = keys::session_of(open.user.0, id.0);
    context.tables.put_bytes(Table::SessionByUser, &row, &[]);
    deadline::set(context, ends_at(&record), Due::Session(id));
    Ok(())
}

/// When a session ends however it is used.
fn ends_at(session: &SessionRecord) -> Timestamp {
    session.created_at.checked_add(SESSION_MAX).unwrap_or(Timestamp::MAX)
}

/// Takes away what of an account has ended by itself, and the oldest of what
/// lives when there is no room for one more.
fn make_room<S: Store>(context: &mut Context<'_, S>, user: UserId) -> Result<(), Corruption> {
    let at = context.applied.at;
    let sessions = view::sessions_of(context.tables.read(), user)?;
    let (live, over): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|(_, session)| is_session_alive(session, at));
    let most = OF_USER_MAX.saturating_sub(1);
    let oldest = live.len().saturating_sub(most);
    for found in over.iter().chain(live.iter().take(oldest)) {
        end(context, found);
    }
    Ok(())
}

/// Takes away a session and every row by which it is found.
pub(crate) fn end<S: Store>(context: &mut Context<'_, S>, (id, session): &FoundSession) {
    deadline::clear(context, ends_at(session), Due::Session(*id));
    context.tables.delete(Table::Session, &id.0.key());
    context.tables.delete(Table::SessionByHash, &session.hash.0);
    context.tables.delete(Table::SessionByUser, &keys::session_of(session.user.0, id.0));
}

/// Ends the sessions of an account, all or all but one.
pub(crate) fn end_all<S: Store>(
    context: &mut Context<'_, S>,
    user: UserId,
    except: Option<SessionId>,
) -> Result<(), Corruption> {
    for found in view::sessions_of(context.tables.read(), user)? {
        if except != Some(found.0) {
            end(context, &found);
        }
    }
    Ok(())
}

/// A session that has ended however it was used; one that was not used goes with
/// the next login of its account, or then.
pub(crate) fn sweep<S: Store>(
    context: &mut Context<'_, S>,
    id: SessionId,
) -> Result<(), Corruption> {
    if let Some(session) = view::session(context.tables.read(), id)? {
        end(context, &(id, session));
    }
    Ok(())
}

pub(crate) fn revoke<S: Store>(
    context: &mut Context<'_, S>,
    revoke: &RevokeSession,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let session = view::session(context.tables.read(), revoke.session)?;
    let is_alive = |session: &SessionRecord| is_session_alive(session, context.applied.at);
    let session = session.filter(is_alive).ok_or(Rejection::UnknownSession)?;
    if !may_end(context, session.user)? {
        return Err(Rejection::UnknownSession.into());
    }
    let mut data = about(context, session.user);
    data.insert("session_id", revoke.session.to_string());
    let actor = session.user.to_string();
    let entry_type = EntryType::SessionRevoked;
    let recorded = context.record_about(entry_type, Some(&actor), data, Object::new())?;
    end(context, &(revoke.session, session));
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Whether who asks may end sessions of this account.
fn may_end<S: Store>(context: &Context<'_, S>, user: UserId) -> Result<bool, Stop> {
    let principal = &context.envelope.principal;
    if principal.kind == PrincipalKind::User && principal.id == user.to_string() {
        return Ok(true);
    }
    let read = context.tables.read();
    let authority = access::authority(read, principal, context.applied.at)?;
    let right = Right::Holds(Permission::ManageUsers);
    Ok(authority.is_ok_and(|authority| authority.permits(right, None).is_ok()))
}

pub(crate) fn touch<S: Store>(
    context: &mut Context<'_, S>,
    touch: &TouchCredentials,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    if TOUCHED_MAX < touch.sessions.len().max(touch.keys.len()) {
        let there = TOUCHED_MAX as u64;
        return Err(Rejection::TooMany { things: "credentials in a report", there }.into());
    }
    let at = context.applied.at;
    for (id, used_at) in &touch.sessions {
        let session = view::session(context.tables.read(), *id)?;
        let is_alive = |session: &SessionRecord| is_session_alive(session, at);
        let Some(session) = session.filter(is_alive) else { continue };
        // A node whose clock is ahead prolongs nothing.
        let touched_at = session.touched_at.max((*used_at).min(at));
        if touched_at != session.touched_at {
            let session = SessionRecord { touched_at, ..session };
            context.tables.put_record(Table::Session, &id.0.key(), &session)?;
        }
    }
    for (id, used_at) in &touch.keys {
        let Some(key) = view::api_key(context.tables.read(), *id)? else { continue };
        let last_used_at = key.last_used_at.max(Some((*used_at).min(at)));
        if last_used_at != key.last_used_at {
            let key = ApiKeyRecord { last_used_at, ..key };
            context.tables.put_record(Table::ApiKey, &id.0.key(), &key)?;
        }
    }
    Ok(Outcome::Noted)
}

#[cfg(test)]
mod tests;
