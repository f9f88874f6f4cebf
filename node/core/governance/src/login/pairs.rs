//! Logins that failed, by account and address.
//!
//! Two things are kept of a pair: failures, of which the fifth within half an
//! hour locks it, and what the ledger has to be told, once in five minutes.
//! Names that nobody has are locked as accounts are, each with its address, so
//! that being locked tells nothing about a name; to the ledger they are one pair
//! per address, since whoever tries names would fill it, and no name is kept,
//! since people type passwords in its place.
//!
//! Invariants
//! - At most [`PAIRS_MAX`] pairs are kept; the one whose last failure is longest
//!   ago gives way, and what the ledger was not told of it is recorded first.
//! - A pair has one row in order of age and one deadline, both of which follow
//!   from its record.

use std::collections::BTreeSet;

use ledger::EntryType;
use sha2::{Digest as _, Sha256};
use types::{Digest, Micros, Object, Timestamp, Ulid, UserId};

use super::{about, personal};
use crate::apply::{Context, Stop};
use crate::command::FailLogin;
use crate::deadline::{self, Due};
use crate::outcome::{Corruption, Recorded, Rejection};
use crate::record::{LoginPairRecord, Unreported};
use crate::store::{Direction, Read, Row, Scan, Store, Table};
use crate::{codec, keys, tables, view};

/// Failures within it count together.
const WINDOW: Micros = Micros(30 * 60 * 1_000_000);

/// How many of them lock a pair.
const FAILURES_MAX: usize = 5;

/// For how long.
const LOCK: Micros = Micros(30 * 60 * 1_000_000);

/// The ledger is told of a pair once in that time.
const REPORT: Micros = Micros(5 * 60 * 1_000_000);

/// Pairs that are kept.
const PAIRS_MAX: u64 = 10_000;

/// Pairs whose digests begin alike: nobody meets two by chance.
const ALIKE_MAX: usize = 16;

fn after(at: Timestamp, span: Micros) -> Timestamp {
    at.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The pair under which the ledger is told of names that nobody has. No digest of
/// a name begins with this byte, which no text holds.
fn unknown(address: &str) -> Digest {
    Digest(Sha256::new_with_prefix([0xff]).chain_update(address.as_bytes()).finalize().into())
}

/// Refuses a pair that is locked.
pub(crate) fn check<S: Store>(context: &Context<'_, S>, pair: &Digest) -> Result<(), Stop> {
    let record = view::login_pair(context.tables.read(), pair)?;
    match record.and_then(|record| record.locked_until) {
        Some(until) if context.applied.at < until => Err(Rejection::AccountLocked { until }.into()),
        Some(_) | None => Ok(()),
    }
}

/// Counts a failure of a pair that is not locked, and says where it is recorded
/// that this locked it.
pub(super) fn fail<S: Store>(
    context: &mut Context<'_, S>,
    fail: &FailLogin,
) -> Result<Option<Recorded>, Stop> {
    let at = context.applied.at;
    let user = match fail.user {
        Some(user) => view::user(context.tables.read(), user)?.map(|_| user),
        None => None,
    };
    let before = view::login_pair(context.tables.read(), &fail.pair)?;
    let mut failed = before.clone().unwrap_or_else(|| untouched(user, &fail.address, at));
    // It may have been tried before there was an account.
    failed.user = user.or(failed.user);
    failed.last_at = at;
    failed.failed_at.retain(|failed_at| at < after(*failed_at, WINDOW));
    failed.failed_at.push(at);
    let count = failed.failed_at.len();
    failed.locked_until = (FAILURES_MAX <= count).then(|| after(at, LOCK));
    if failed.locked_until.is_some() {
        failed.failed_at.clear();
    }
    let locked = failed.locked_until.map(|until| Locked { until, count });
    if user.is_some() {
        let (unreported, recorded) = tell(context, &failed, locked)?;
        failed.unreported = Some(unreported);
        replace(context, &fail.pair, before.as_ref(), Some(&failed))?;
        return Ok(recorded);
    }
    replace(context, &fail.pair, before.as_ref(), Some(&failed))?;
    let told = unknown(&fail.address);
    let before = view::login_pair(context.tables.read(), &told)?;
    let mut gathered = before.clone().unwrap_or_else(|| untouched(None, &fail.address, at));
    gathered.last_at = at;
    let (unreported, recorded) = tell(context, &gathered, locked)?;
    gathered.unreported = Some(unreported);
    replace(context, &told, before.as_ref(), Some(&gathered))?;
    Ok(recorded)
}

/// A lock that begins.
#[derive(Clone, Copy, Debug)]
struct Locked {
    until: Timestamp,
    count: usize,
}

fn untouched(user: Option<UserId>, address: &str, at: Timestamp) -> LoginPairRecord {
    LoginPairRecord {
        user,
        address: address.to_owned(),
        failed_at: Vec::new(),
        locked_until: None,
        last_at: at,
        unreported: None,
    }
}

/// One failure more to tell of. A lock is recorded at once: of names that nobody
/// has, the first that an address locks in the time of a report.
fn tell<S: Store>(
    context: &mut Context<'_, S>,
    pair: &LoginPairRecord,
    locked: Option<Locked>,
) -> Result<(Unreported, Option<Recorded>), Corruption> {
    let first = Unreported { since: context.applied.at, count: 0, is_lock_recorded: false };
    let before = pair.unreported.unwrap_or(first);
    let locked = locked.filter(|_| pair.user.is_some() || !before.is_lock_recorded);
    let recorded = match locked {
        Some(locked) => Some(record_lock(context, pair, locked)?),
        None => None,
    };
    let is_lock_recorded = before.is_lock_recorded || recorded.is_some();
    let count = before.count.saturating_add(1);
    Ok((Unreported { count, is_lock_recorded, ..before }, recorded))
}

fn record_lock<S: Store>(
    context: &mut Context<'_, S>,
    pair: &LoginPairRecord,
    locked: Locked,
) -> Result<Recorded, Corruption> {
    let mut data = of_pair(context, pair);
    data.insert("count", locked.count as u64);
    data.insert("locked_until", locked.until.to_string());
    record(context, EntryType::AccountLocked, pair, data)
}

/// Records what the ledger was not told of a pair.
fn report<S: Store>(
    context: &mut Context<'_, S>,
    pair: &LoginPairRecord,
) -> Result<(), Corruption> {
    let Some(unreported) = pair.unreported else { return Ok(()) };
    let mut data = of_pair(context, pair);
    data.insert("count", unreported.count);
    data.insert("from", unreported.since.to_string());
    data.insert("to", pair.last_at.to_string());
    record(context, EntryType::LoginFailed, pair, data)?;
    Ok(())
}

fn of_pair<S: Store>(context: &Context<'_, S>, pair: &LoginPairRecord) -> Object {
    match pair.user {
        Some(user) => about(context, user),
        None => {
            let mut data = context.asked();
            data.insert("user_id", None::<&str>);
            data
        }
    }
}

fn record<S: Store>(
    context: &mut Context<'_, S>,
    entry_type: EntryType,
    pair: &LoginPairRecord,
    data: Object,
) -> Result<Recorded, Corruption> {
    let user = match pair.user {
        Some(user) => view::user(context.tables.read(), user)?,
        None => None,
    };
    let name = user.map(|user| user.username).filter(|name| !name.is_empty());
    let actor = pair.user.map(|user| user.to_string());
    let personal = personal(name.as_deref(), &pair.address);
    context.record_about(entry_type, actor.as_deref(), data, personal)
}

/// Forgets failures of a pair whose login succeeded. What the ledger is to be
/// told of them stays.
pub(crate) fn succeed<S: Store>(
    context: &mut Context<'_, S>,
    pair: &Digest,
) -> Result<(), Corruption> {
    let Some(before) = view::login_pair(context.tables.read(), pair)? else { return Ok(()) };
    let kept = before.unreported.is_some().then(|| forgiven(&before));
    replace(context, pair, Some(&before), kept.as_ref())
}

/// Forgets failures of these accounts from wherever they came: an administrator
/// asks for it, or they are gone. Reads every pair, whatever their number.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    users: &BTreeSet<UserId>,
) -> Result<(), Corruption> {
    if users.is_empty() {
        return Ok(());
    }
    let rows = context.tables.scan(Scan {
        table: Table::LoginPair,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    for row in rows {
        let (pair, before) = read_row(row)?;
        if before.user.is_some_and(|user| users.contains(&user)) {
            let kept = before.unreported.is_some().then(|| forgiven(&before));
            replace(context, &pair, Some(&before), kept.as_ref())?;
        }
    }
    Ok(())
}

fn forgiven(pair: &LoginPairRecord) -> LoginPairRecord {
    LoginPairRecord { failed_at: Vec::new(), locked_until: None, ..pair.clone() }
}

/// Records what is due of a pair, and forgets one that says nothing any more.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>, half: Ulid) -> Result<(), Corruption> {
    let at = context.applied.at;
    let (from, to) = keys::beginning_with(half);
    let rows = context.tables.scan(Scan {
        table: Table::LoginPair,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: ALIKE_MAX,
    })?;
    for row in rows {
        let (pair, before) = read_row(row)?;
        if at < due_at(&before) {
            continue;
        }
        report(context, &before)?;
        let told = LoginPairRecord { unreported: None, ..before.clone() };
        let kept = Some(&told).filter(|told| at < due_at(told));
        replace(context, &pair, Some(&before), kept)?;
    }
    Ok(())
}

/// When something of a pair is due: its report, and after that its end.
fn due_at(pair: &LoginPairRecord) -> Timestamp {
    if let Some(unreported) = pair.unreported {
        return after(unreported.since, REPORT);
    }
    let counted = pair.failed_at.last().map(|last| after(*last, WINDOW));
    counted.max(pair.locked_until).unwrap_or(pair.last_at)
}

fn read_row((key, value): Row) -> Result<(Digest, LoginPairRecord), Corruption> {
    let pair = keys::last_digest(&key).ok_or_else(unreadable)?;
    Ok((pair, codec::decode(tables::name(Table::LoginPair), &value)?))
}

/// The only place that writes a pair and its rows.
fn replace<S: Store>(
    context: &mut Context<'_, S>,
    pair: &Digest,
    before: Option<&LoginPairRecord>,
    after: Option<&LoginPairRecord>,
) -> Result<(), Corruption> {
    if before.is_none() && after.is_some() {
        make_room(context)?;
    }
    let due = Due::LoginPair(keys::half(pair));
    if let Some(before) = before {
        context.tables.delete(Table::LoginPairByAge, &keys::expiry(before.last_at, &pair.0));
        deadline::clear(context, due_at(before), due);
    }
    match after {
        Some(after) => {
            context.tables.put_record(Table::LoginPair, &pair.0, after)?;
            let age = keys::expiry(after.last_at, &pair.0);
            context.tables.put_bytes(Table::LoginPairByAge, &age, &[]);
            deadline::set(context, due_at(after), due);
        }
        None => context.tables.delete(Table::LoginPair, &pair.0),
    }
    let kept = kept(context.tables.read())?;
    let now = match (before, after) {
        (None, Some(_)) => kept.saturating_add(1),
        (Some(_), None) => kept.saturating_sub(1),
        (Some(_), Some(_)) | (None, None) => return Ok(()),
    };
    context.tables.put_record(Table::Access, keys::LOGIN_PAIRS, &now)
}

fn kept(read: &impl Read) -> Result<u64, Corruption> {
    let kept: Option<u64> = tables::record(read, Table::Access, keys::LOGIN_PAIRS)?;
    Ok(kept.unwrap_or(0))
}

fn make_room<S: Store>(context: &mut Context<'_, S>) -> Result<(), Corruption> {
    if kept(context.tables.read())? < PAIRS_MAX {
        return Ok(());
    }
    let rows = context.tables.scan(Scan {
        table: Table::LoginPairByAge,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: 1,
    })?;
    let (age, _) = rows.first().ok_or_else(unreadable)?;
    let pair = keys::last_digest(age).ok_or_else(unreadable)?;
    let oldest = view::login_pair(context.tables.read(), &pair)?.ok_or_else(unreadable)?;
    report(context, &oldest)?;
    replace(context, &pair, Some(&oldest), None)
}

fn unreadable() -> Corruption {
    Corruption::new("login_pair", "a row that names nothing")
}
