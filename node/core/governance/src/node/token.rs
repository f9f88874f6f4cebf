//! Tokens with which nodes join: each for one node, and for an hour at most.
//!
//! Invariants
//! - A token lets one node in. That node may ask again with the same nonce, since
//!   an answer may have been lost; nobody else may.

use ledger::EntryType;
use types::Micros;

use crate::access;
use crate::apply::{Context, Stop};
use crate::codec;
use crate::command::{IssueJoinToken, RegisterNodeByToken};
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::JoinTokenRecord;
use crate::store::{Direction, Scan, Store, Table};
use crate::{tables, view};

/// Tokens that wait for a node, or whose node may still ask again.
const TOKENS_MAX: usize = 1_000;

/// The longest life of a token, in seconds.
const LIFE_MAX: u32 = 3_600;

pub(crate) fn issue<S: Store>(
    context: &mut Context<'_, S>,
    issue: &IssueJoinToken,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    if !(1..=LIFE_MAX).contains(&issue.expires_in_seconds) {
        return Err(Rejection::OutOfBounds { member: "expires_in" }.into());
    }
    if context.tables.has(Table::JoinToken, &issue.token_hash.0)? {
        return Err(Rejection::AlreadyRecorded.into());
    }
    let (over, there) = standing(context)?;
    if TOKENS_MAX <= there {
        let there = there as u64;
        return Err(Rejection::TooMany { things: "join tokens", there }.into());
    }
    let life = Micros::from_seconds(u64::from(issue.expires_in_seconds));
    let expires_at = context.applied.at.checked_add(life).ok_or(Rejection::LifetimeTooLong)?;
    let mut data = context.asked();
    data.insert("expires_at", expires_at.to_string());
    data.insert("setting", "join_token");
    let recorded = context.record(EntryType::ConfigChanged, data)?;
    for key in over {
        context.tables.delete(Table::JoinToken, &key);
    }
    let record = JoinTokenRecord { expires_at, used_by: None };
    context.tables.put_record(Table::JoinToken, &issue.token_hash.0, &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Keys of the tokens that are over, and how many are not.
fn standing<S: Store>(context: &Context<'_, S>) -> Result<(Vec<Vec<u8>>, usize), Corruption> {
    let rows = context.tables.scan(Scan {
        table: Table::JoinToken,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: TOKENS_MAX,
    })?;
    let (mut over, mut there) = (Vec::new(), 0_usize);
    for (key, value) in rows {
        let record: JoinTokenRecord = codec::decode(tables::name(Table::JoinToken), &value)?;
        if record.expires_at <= context.applied.at {
            over.push(key);
        } else {
            there = there.saturating_add(1);
        }
    }
    Ok((over, there))
}

pub(crate) fn register<S: Store>(
    context: &mut Context<'_, S>,
    register: &RegisterNodeByToken,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    let key = &register.token_hash.0;
    let token = view::join_token(context.tables.read(), &register.token_hash)?;
    let token = token.filter(|token| context.applied.at < token.expires_at);
    let token = token.ok_or(Rejection::JoinRefused)?;
    let nonce = &register.register.nonce;
    if token.used_by.as_ref().is_some_and(|used_by| used_by != nonce) {
        return Err(Rejection::JoinRefused.into());
    }
    let outcome = super::register(context, &register.register)?;
    if token.used_by.is_none() {
        let used = JoinTokenRecord { used_by: Some(nonce.clone()), ..token };
        context.tables.put_record(Table::JoinToken, key, &used)?;
    }
    Ok(outcome)
}
