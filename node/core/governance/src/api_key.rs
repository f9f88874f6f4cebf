//! Keys of programs: as which actors a program may act, and what else it may do.
//!
//! Invariants
//! - A key may do nothing that its maker may not, and a key that makes another
//!   one gives it no actor that it has not itself, and no later end than its own.
//! - A key has one end. It counts for nothing while the account of who is behind it
//!   is disabled or gone.
//! - [`crate::record::AccessRecord::api_keys`] counts the records without one.

use ledger::EntryType;
use types::{ApiKeyId, Object};

use crate::access::{self, Actors, Denied};
use crate::account;
use crate::apply::{Context, Stop};
use crate::command::{CreateApiKey, PrincipalKind, RevokeApiKey};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{AccessRecord, ApiKeyRecord};
use crate::store::{Store, Table};
use crate::view;

/// Keys that were not revoked.
const KEYS_MAX: u64 = 10_000;

/// Actors that a key may act as, each with all that it covers.
const PREFIXES_MAX: usize = 100;

const PREFIX_CHARS_MAX: usize = 255;

pub(crate) fn create<S: Store>(
    context: &mut Context<'_, S>,
    create: &CreateApiKey,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    check_given(context, create)?;
    let maker = maker(context)?;
    check_actors(context, create)?;
    check_end(maker.as_ref(), create)?;
    account::check_may_give(context, create.permissions)?;
    let there = view::access_record(context.tables.read())?.api_keys;
    if KEYS_MAX <= there {
        return Err(Rejection::TooMany { things: "API keys that are not revoked", there }.into());
    }
    if context.tables.has(Table::ApiKeyByHash, &create.key_hash.0)? {
        return Err(Rejection::AlreadyRecorded.into());
    }
    // The person behind who asks.
    let owner = maker.map_or_else(|| context.envelope.principal.id.clone(), |maker| maker.owner);
    let id = ApiKeyId(context.fresh("apik", Table::ApiKey)?);
    let actor = id.to_string();
    let permissions: Vec<String> =
        create.permissions.iter().map(|permission| permission.as_str().to_owned()).collect();
    let mut data = about(context, id);
    data.insert("actor_prefixes", create.actor_prefixes.clone());
    data.insert("expires_at", create.expires_at.map(|at| at.to_string()));
    data.insert("name", create.name.as_str());
    data.insert("permissions", permissions);
    let entry_type = EntryType::ApiKeyCreated;
    let recorded = context.record_about(entry_type, Some(&actor), data, Object::new())?;
    let key = ApiKeyRecord {
        entry_id: recorded.entry_id,
        owner,
        name: create.name.clone(),
        hash: create.key_hash,
        actor_prefixes: create.actor_prefixes.clone(),
        permissions: create.permissions,
        created_at: context.applied.at,
        expires_at: create.expires_at,
        last_used_at: None,
        revoked: None,
    };
    context.tables.put_record(Table::ApiKey, &id.0.key(), &key)?;
    context.tables.put_record(Table::ApiKeyByHash, &create.key_hash.0, &id)?;
    count(context, 1)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn check_given<S>(context: &Context<'_, S>, create: &CreateApiKey) -> Result<(), Rejection> {
    let prefixes = &create.actor_prefixes;
    let is_one = |prefix: &String| (1..=PREFIX_CHARS_MAX).contains(&prefix.chars().count());
    if !(1..=PREFIXES_MAX).contains(&prefixes.len()) || !prefixes.iter().all(is_one) {
        return Err(Rejection::OutOfBounds { member: "actor_prefixes" });
    }
    if create.expires_at.is_some_and(|end| end <= context.applied.at) {
        return Err(Rejection::OutOfBounds { member: "expires_at" });
    }
    Ok(())
}

/// A program gives away no actor that it has not. A person who manages keys says
/// as whom programs act, without acting so.
fn check_actors<S: Store>(context: &Context<'_, S>, create: &CreateApiKey) -> Result<(), Stop> {
    let principal = &context.envelope.principal;
    if principal.kind != PrincipalKind::ApiKey {
        return Ok(());
    }
    let authority = access::authority(context.tables.read(), principal, context.applied.at)?;
    let own: Actors = authority.map_err(Rejection::Denied)?.actors;
    if create.actor_prefixes.iter().all(|prefix| own.cover(prefix)) {
        return Ok(());
    }
    Err(Rejection::Denied(Denied::ActorNotCovered).into())
}

/// The key that asks, if one does.
fn maker<S: Store>(context: &Context<'_, S>) -> Result<Option<ApiKeyRecord>, Corruption> {
    let principal = &context.envelope.principal;
    let key: Option<ApiKeyId> = principal.id.parse().ok();
    match key.filter(|_| principal.kind == PrincipalKind::ApiKey) {
        Some(key) => view::api_key(context.tables.read(), key),
        None => Ok(None),
    }
}

/// A key that ends would live on in one that does not, or not so soon.
fn check_end(maker: Option<&ApiKeyRecord>, create: &CreateApiKey) -> Result<(), Rejection> {
    match maker.and_then(|maker| maker.expires_at) {
        Some(last) if create.expires_at.is_none_or(|end| last < end) => {
            Err(Rejection::OutOfBounds { member: "expires_at" })
        }
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn revoke<S: Store>(
    context: &mut Context<'_, S>,
    revoke: &RevokeApiKey,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let id = revoke.key;
    let key = view::api_key(context.tables.read(), id)?.ok_or(Rejection::UnknownApiKey)?;
    if key.revoked.is_some() {
        return Err(Rejection::AlreadyRevoked.into());
    }
    let (actor, data) = (id.to_string(), about(context, id));
    let entry_type = EntryType::ApiKeyRevoked;
    let recorded = context.record_about(entry_type, Some(&actor), data, Object::new())?;
    let key = ApiKeyRecord { revoked: Some(recorded.entry_id), ..key };
    context.tables.put_record(Table::ApiKey, &id.0.key(), &key)?;
    count(context, -1)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Takes a key out of the state whose entry is erased whole: it has ended, and
/// nobody authenticates by what is not there.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    id: ApiKeyId,
) -> Result<(), Corruption> {
    let Some(key) = view::api_key(context.tables.read(), id)? else { return Ok(()) };
    context.tables.delete(Table::ApiKey, &id.0.key());
    context.tables.delete(Table::ApiKeyByHash, &key.hash.0);
    if key.revoked.is_none() { count(context, -1) } else { Ok(()) }
}

fn count<S: Store>(context: &mut Context<'_, S>, by: i64) -> Result<(), Corruption> {
    let before = view::access_record(context.tables.read())?;
    let api_keys = before.api_keys.saturating_add_signed(by);
    context.tables.put_record(Table::Access, keys::ONLY, &AccessRecord { api_keys, ..before })
}

/// What the entries of a key have in common.
fn about<S>(context: &Context<'_, S>, id: ApiKeyId) -> Object {
    let id = id.to_string();
    let mut data = context.asked();
    data.insert("actor", id.as_str());
    data.insert("key_id", id);
    data
}
