//! Requests that come twice.
//!
//! Invariants
//! - Only what was recorded leaves a key behind; a refused command is judged
//!   afresh.
//! - The key of a decision lives as long as the decision, any other for 24
//!   hours of ledger time. None is dropped by count.

use types::{Digest, EntryId, Micros, Timestamp};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::Idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{CommandKeyRecord, RequestRecord};
use crate::store::{Direction, Scan, Store, Table};

/// How long the key of a command other than a decision is kept.
const LIFE: Micros = Micros(24 * 3600 * 1_000_000);

/// Expired keys swept by a command that adds one: more than it adds, so that
/// the table shrinks to what is alive.
const SWEPT_MAX: usize = 8;

/// Row of a key.
pub(crate) fn row(key: &Idempotency) -> Vec<u8> {
    keys::texts(&[&key.scope, &key.key])
}

/// What a decision with this key was answered, if it was recorded before.
pub(crate) fn decided<S: Store>(
    context: &Context<'_, S>,
    key: &Idempotency,
) -> Result<Option<Outcome>, Stop> {
    let row = row(key);
    let Some(known) = context.tables.record::<RequestRecord>(Table::Request, &row)? else {
        return Ok(None);
    };
    let Some(body_digest) = known.body_digest else {
        return Err(Rejection::Erased.into());
    };
    answer(key, known.entry_id, body_digest == key.body_digest).map(Some)
}

/// What another command with this key was answered, if it was recorded in the
/// last 24 hours.
pub(crate) fn done<S: Store>(context: &Context<'_, S>) -> Result<Option<Outcome>, Stop> {
    let Some(key) = &context.envelope.idempotency else {
        return Ok(None);
    };
    let row = row(key);
    match context.tables.record::<CommandKeyRecord>(Table::CommandKey, &row)? {
        Some(known) if context.applied.at < known.expires_at => {
            if is_forgotten(known.body_digest) {
                return Err(Rejection::Erased.into());
            }
            answer(key, known.entry_id, known.body_digest == key.body_digest).map(Some)
        }
        Some(_) | None => Ok(None),
    }
}

fn answer(key: &Idempotency, entry: EntryId, same_body: bool) -> Result<Outcome, Stop> {
    if same_body {
        return Ok(Outcome::Replayed(entry));
    }
    Err(Rejection::IdempotencyConflict { key: key.key.clone() }.into())
}

/// Keeps the key of a decision.
pub(crate) fn keep_decision<S: Store>(
    context: &mut Context<'_, S>,
    key: &Idempotency,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let row = row(key);
    let record = RequestRecord { entry_id, body_digest: Some(key.body_digest) };
    context.tables.put_record(Table::Request, &row, &record)
}

/// Keeps the key of another command, and sweeps some that have expired.
pub(crate) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let Some(key) = &context.envelope.idempotency else {
        return Ok(());
    };
    let at = context.applied.at;
    sweep(context, at)?;
    let row = row(key);
    let is_found = access::EVIDENCE <= context.cache.feature_level(context.tables.read())?;
    if let Some(old) = context.tables.record::<CommandKeyRecord>(Table::CommandKey, &row)? {
        context.tables.delete(Table::CommandKeyExpiry, &keys::expiry(old.expires_at, &row));
        if is_found {
            context.tables.delete(Table::CommandKeyByEntry, &keys::entry(old.entry_id));
        }
    }
    if is_found {
        context.tables.put_record(Table::CommandKeyByEntry, &keys::entry(entry_id), &row)?;
    }
    let expires_at = at.checked_add(LIFE).unwrap_or(Timestamp::MAX);
    let record = CommandKeyRecord { entry_id, body_digest: key.body_digest, expires_at };
    context.tables.put_record(Table::CommandKey, &row, &record)?;
    context.tables.put_bytes(Table::CommandKeyExpiry, &keys::expiry(expires_at, &row), &[]);
    Ok(())
}

fn sweep<S: Store>(context: &mut Context<'_, S>, at: Timestamp) -> Result<(), Corruption> {
    let to = at.0.to_be_bytes();
    let is_found = access::EVIDENCE <= context.cache.feature_level(context.tables.read())?;
    let expired = context.tables.scan(Scan {
        table: Table::CommandKeyExpiry,
        from: &[],
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: SWEPT_MAX,
    })?;
    for (expiry, _) in expired {
        let Some((_, row)) = expiry.split_first_chunk::<8>() else {
            return Err(Corruption::new("command_key_expiry", "key too short"));
        };
        if is_found
            && let Some(old) = context.tables.record::<CommandKeyRecord>(Table::CommandKey, row)?
        {
            context.tables.delete(Table::CommandKeyByEntry, &keys::entry(old.entry_id));
        }
        context.tables.delete(Table::CommandKey, row);
        context.tables.delete(Table::CommandKeyExpiry, &expiry);
    }
    Ok(())
}

/// What is left of the digest of a body that is erased: no body has it.
const NO_BODY: Digest = Digest([0; 32]);

/// Whether an erasure took the digest of a body.
pub(crate) fn is_forgotten(body_digest: Digest) -> bool {
    body_digest == NO_BODY
}

/// Takes away the digest of the body that made an entry which is erased: it tells
/// what was asked to whoever can guess it. The key itself stays for its day, so
/// that the same request is told that what it recorded is gone.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: EntryId,
) -> Result<(), Corruption> {
    let by_entry = keys::entry(entry);
    let row: Option<Vec<u8>> = context.tables.record(Table::CommandKeyByEntry, &by_entry)?;
    let Some(row) = row else { return Ok(()) };
    let known: Option<CommandKeyRecord> = context.tables.record(Table::CommandKey, &row)?;
    let Some(known) = known.filter(|known| known.entry_id == entry) else { return Ok(()) };
    let known = CommandKeyRecord { body_digest: NO_BODY, ..known };
    context.tables.put_record(Table::CommandKey, &row, &known)
}
