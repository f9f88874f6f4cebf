//! Capability tokens: permission for one actor, for a while, with one end.
//!
//! A token is granted by the entry of a decision, or issued later by an entry of
//! its own (`token/issue.rs`), which has all that it claims; the row kept here
//! leads there. Its text is minted and signed at the edge, by
//! whichever node is asked, and is kept nowhere.
//!
//! Invariants
//! - Each life has one end: a token is revoked once, and not after it expired.
//! - A revoked token never permits anything again. Where its grant is erased the
//!   row goes, and a token nobody knows permits nothing either.

mod issue;

use ledger::EntryType;
use types::{Json, Object, Timestamp, TokenId};

use crate::apply::{Context, Stop};
use crate::command::RevokeToken;
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::TokenRecord;
use crate::store::{Store, Table};
use crate::view;

pub(crate) use issue::{end_issued, end_of_decision, forget_issued, issue};

/// Where a token is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It permits what it says.
    Active,
    /// Its time is over.
    Expired,
    /// It was ended before its time.
    Revoked,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl TokenRecord {
    /// Where it is at `now`: the later of applied time and the clock of whoever
    /// is asked. A revocation came before the end, so it stays what was said.
    pub fn status(&self, now: Timestamp) -> Status {
        match self.revoked {
            Some(_) => Status::Revoked,
            None if self.expires_at <= now => Status::Expired,
            None => Status::Active,
        }
    }
}

/// Keeps a token with the entry that grants it.
pub(crate) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: TokenId,
    record: TokenRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::Token, &id.0.key(), &record)
}

pub(crate) fn revoke<S: Store>(
    context: &mut Context<'_, S>,
    revoke: &RevokeToken,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let token = revoke.token;
    let record = view::token(context.tables.read(), token)?;
    let record = record.ok_or(Rejection::UnknownToken { token })?;
    // Auditors read the first end, so a second revocation, or one after expiry,
    // is refused rather than written over it.
    match record.status(context.applied.at) {
        Status::Revoked => return Err(Rejection::TokenRevoked { token }.into()),
        Status::Expired => {
            return Err(Rejection::TokenExpired { token, at: record.expires_at }.into());
        }
        Status::Active => (),
    }
    let grant = grant(context, token, record)?;
    let actor = grant.get("actor").and_then(Json::as_str);
    let data = revoked(context, revoke, &grant);
    let recorded = context.record_about(EntryType::TokenRevoked, actor, data, Object::new())?;
    keep(context, token, TokenRecord { revoked: Some(recorded.entry_id), ..record })?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// `data` of the entry that grants a token, which is there as long as the token.
fn grant<S: Store>(
    context: &Context<'_, S>,
    token: TokenId,
    record: TokenRecord,
) -> Result<Object, Corruption> {
    let damaged = || Corruption::new("token", format!("`{token}` has no entry that grants it"));
    let entry = view::entry(context.tables.read(), record.entry_id)?.ok_or_else(damaged)?;
    let data = entry.data.ok_or_else(damaged)?;
    serde_json::from_str(&data.text).map_err(|_| damaged())
}

/// Whom a token is for; nobody where there is no such token.
pub(crate) fn actor_of<S: Store>(
    context: &Context<'_, S>,
    token: TokenId,
) -> Result<Option<String>, Stop> {
    let Some(record) = view::token(context.tables.read(), token)? else {
        return Ok(None);
    };
    let grant = grant(context, token, record)?;
    Ok(grant.get("actor").and_then(Json::as_str).map(str::to_owned))
}

fn revoked<S: Store>(context: &Context<'_, S>, revoke: &RevokeToken, grant: &Object) -> Object {
    let granted = |name: &str| grant.get(name).cloned().unwrap_or_default();
    let mut data = context.asked();
    data.insert("actor", granted("actor"));
    data.insert("decision_id", granted("decision_id"));
    data.insert("reason", revoke.reason.as_str());
    data.insert("token_id", revoke.token.to_string());
    data
}
