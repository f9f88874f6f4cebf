//! Logins whose password was right and that wait for a second factor.
//!
//! Invariants
//! - A challenge takes three wrong codes and no more, lives for five minutes, and
//!   is gone with the session it opened.
//! - An account has at most [`OF_USER_MAX`] of them, so that whoever knows one
//!   password takes the room of nobody else. The oldest gives way.

use types::{Digest, Micros, Timestamp, Ulid, UserId};

use super::{pairs, usable};
use crate::access::check_level;
use crate::apply::{Context, Stop};
use crate::command::OpenChallenge;
use crate::deadline::{self, Due};
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{ChallengeRecord, UserRecord};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, keys, tables, view};

/// How long a challenge waits.
const LIFE: Micros = Micros(5 * 60 * 1_000_000);

/// Wrong codes that a challenge takes.
const FAILURES_MAX: u8 = 3;

/// Challenges of one account.
const OF_USER_MAX: usize = 10;

pub(crate) fn open<S: Store>(
    context: &mut Context<'_, S>,
    open: &OpenChallenge,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    let user = usable(context.tables.read(), open.user)?;
    if !has_password(&user, open.password_version) || user.mfa.is_none() {
        return Err(Rejection::InvalidCredentials.into());
    }
    pairs::check(context, &open.pair)?;
    let hash = &open.challenge_hash;
    if let Some(known) = view::challenge(context.tables.read(), hash)? {
        // Proposed twice, since its sender did not hear of it: wrong codes stay
        // counted.
        let is_same = known.user == open.user && known.password_version == open.password_version;
        return if is_same { Ok(Outcome::Noted) } else { Err(Rejection::ChallengeExpired.into()) };
    }
    make_room(context, open.user)?;
    let expires_at = context.applied.at.checked_add(LIFE).unwrap_or(Timestamp::MAX);
    let (user, password_version) = (open.user, open.password_version);
    let record = ChallengeRecord { user, password_version, expires_at, failures: 0 };
    context.tables.put_record(Table::Challenge, &hash.0, &record)?;
    let row = keys::challenge_of(user.0, expires_at, hash);
    context.tables.put_bytes(Table::ChallengeByUser, &row, &[]);
    deadline::set(context, expires_at, Due::Challenge(keys::half(hash)));
    Ok(Outcome::Noted)
}

/// Whether a password of this version is the one in force.
pub(crate) fn has_password(user: &UserRecord, version: u32) -> bool {
    !user.password_hashes.is_empty() && user.password_version == version
}

fn make_room<S: Store>(context: &mut Context<'_, S>, user: UserId) -> Result<(), Corruption> {
    let (from, to) = keys::beginning_with(user.0);
    let rows = context.tables.scan(Scan {
        table: Table::ChallengeByUser,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: OF_USER_MAX,
    })?;
    let Some((oldest, _)) = rows.first().filter(|_| OF_USER_MAX <= rows.len()) else {
        return Ok(());
    };
    let hash = keys::last_digest(oldest).ok_or_else(unreadable)?;
    let record = view::challenge(context.tables.read(), &hash)?.ok_or_else(unreadable)?;
    consume(context, &hash, &record);
    Ok(())
}

/// A challenge of an account that takes another code.
pub(crate) fn live<S: Store>(
    context: &Context<'_, S>,
    hash: &Digest,
    user: UserId,
) -> Result<ChallengeRecord, Stop> {
    let record = view::challenge(context.tables.read(), hash)?;
    let is_live =
        |record: &ChallengeRecord| record.user == user && context.applied.at < record.expires_at;
    let record = record.filter(is_live).ok_or(Rejection::ChallengeExpired)?;
    if FAILURES_MAX <= record.failures {
        return Err(Rejection::ChallengeExhausted.into());
    }
    Ok(record)
}

/// Counts a wrong code.
pub(super) fn fail<S: Store>(
    context: &mut Context<'_, S>,
    hash: &Digest,
    user: UserId,
) -> Result<(), Stop> {
    let record = live(context, hash, user)?;
    let record = ChallengeRecord { failures: record.failures.saturating_add(1), ..record };
    context.tables.put_record(Table::Challenge, &hash.0, &record)?;
    Ok(())
}

/// Takes a challenge away.
pub(crate) fn consume<S: Store>(
    context: &mut Context<'_, S>,
    hash: &Digest,
    record: &ChallengeRecord,
) {
    deadline::clear(context, record.expires_at, Due::Challenge(keys::half(hash)));
    let row = keys::challenge_of(record.user.0, record.expires_at, hash);
    context.tables.delete(Table::ChallengeByUser, &row);
    context.tables.delete(Table::Challenge, &hash.0);
}

/// Takes away those that nobody answered, of which the first half of the hash is
/// known: one, unless somebody found two digests that begin alike.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>, half: Ulid) -> Result<(), Corruption> {
    for (hash, record) in beginning_with(context.tables.read(), half)? {
        if record.expires_at <= context.applied.at {
            consume(context, &hash, &record);
        }
    }
    Ok(())
}

fn beginning_with(
    read: &impl Read,
    half: Ulid,
) -> Result<Vec<(Digest, ChallengeRecord)>, Corruption> {
    let (from, to) = keys::beginning_with(half);
    let rows = read.scan(Scan {
        table: Table::Challenge,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: OF_USER_MAX,
    })?;
    let record = |(key, value): (Vec<u8>, Vec<u8>)| {
        let hash = keys::last_digest(&key).ok_or_else(unreadable)?;
        Ok((hash, codec::decode(tables::name(Table::Challenge), &value)?))
    };
    rows.into_iter().map(record).collect()
}

fn unreadable() -> Corruption {
    Corruption::new("challenge", "a row that names nothing")
}
