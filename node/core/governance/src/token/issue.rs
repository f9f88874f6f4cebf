//! Tokens for what a decision has come to after it was made.
//!
//! What such a token permits is what the entry of the decision says, word for
//! word: whoever approved, or overrode, did so for that.
//!
//! Invariants
//! - Of one decision one token is active at a time, so that of those issued only
//!   the last can be.
//! - An approval, or an override for one time, yields one token.
//! - A token that was revoked is never replaced on the ground of the decision
//!   alone: who revoked it meant that actor and that action. Where a human has
//!   answered since, or answers for it still, another may be had.
//! - A token does not outlive the override that yields it.

use ledger::EntryType;
use policy::Verdict;
use types::{DecisionId, EntryId, Json, Micros, Object, OverrideId, Timestamp, TokenId};

use super::{Status, keep};
use crate::apply::{Context, Stop};
use crate::command::IssueToken;
use crate::decision::{self, RecordedDecision};
use crate::effective::{self, Basis, effective};
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{EscalationRecord, IssuedRecord, OverrideRecord, OverrideStatus, TokenRecord};
use crate::stop;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::view;
use crate::{codec, keys};

/// Tokens issued for one decision.
const TOKENS_MAX: usize = 1_000;

pub(crate) fn issue<S: Store>(
    context: &mut Context<'_, S>,
    issue: &IssueToken,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let recorded = decision::known(context.tables.read(), issue.decision)?;
    let basis = basis(context, issue.decision, &recorded)?;
    let expires_at = end(context.applied.at, issue.expires_in_seconds, &basis)?;
    let token = TokenId(context.fresh("tok", Table::Token)?);
    let data = data(context, &recorded, &basis, (token, expires_at));
    let actor = Some(recorded.request.actor.as_str());
    let granted = context.record_about(EntryType::TokenIssued, actor, data, Object::new())?;
    let entry_id = granted.entry_id;
    keep(context, token, TokenRecord { entry_id, expires_at, revoked: None })?;
    let of = match &basis {
        Basis::Override(id, _) => Some(*id),
        Basis::Decision | Basis::Escalation(..) => None,
    };
    let row = keys::under(issue.decision.0, entry_id.0);
    let issued = IssuedRecord { token: Some(token), of };
    context.tables.put_record(Table::TokenByDecision, &row, &issued)?;
    consume(context, basis, entry_id)?;
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(granted))
}

/// On what a token may rest now, in the contract's order of refusals.
fn basis<S: Store>(
    context: &Context<'_, S>,
    decision: DecisionId,
    recorded: &RecordedDecision,
) -> Result<Basis, Stop> {
    let (read, at) = (context.tables.read(), context.applied.at);
    let effective = effective(read, decision, recorded.outcome, at)?;
    if effective.outcome != Verdict::Allowed {
        return Err(refused(read, decision, effective.outcome, at)?.into());
    }
    let request = &recorded.request;
    if stop::in_force(read, &request.actor, &request.action)?.is_some() {
        return Err(Rejection::EmergencyStop.into());
    }
    let last = Last::of(read, decision, recorded, at)?;
    match &effective.basis {
        Basis::Decision => match last {
            Last::TakenBack => return Err(Rejection::TokenTakenBack.into()),
            // What another policy says now is to be asked anew.
            Last::Over if recorded.policy_hash != view::active_policy(read)?.policy_hash => {
                return Err(
                    Rejection::NotAllowed { effective: "allowed under another policy" }.into()
                );
            }
            Last::Active(..) | Last::Over => (),
        },
        Basis::Escalation(id, EscalationRecord { consumed: Some(_), .. }) => {
            return Err(Rejection::ApprovalConsumed { id: *id }.into());
        }
        Basis::Escalation(..) | Basis::Override(..) => (),
    }
    if let Last::Active(token, until) = last {
        return Err(Rejection::TokenActive { token, until }.into());
    }
    let tokens = count(read, decision)?;
    if TOKENS_MAX <= tokens {
        let there = tokens as u64;
        return Err(Rejection::TooMany { things: "tokens of this decision", there }.into());
    }
    Ok(effective.basis)
}

/// Why there is no token: an override that was used up is named, since without
/// that there would be one.
fn refused(
    read: &impl Read,
    decision: DecisionId,
    outcome: Verdict,
    at: Timestamp,
) -> Result<Rejection, Corruption> {
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= at);
    let used_up = |record: &OverrideRecord| {
        record.status(at) == OverrideStatus::Consumed && !is_over(record.expires_at)
    };
    Ok(match effective::newest_override(read, decision, used_up)? {
        Some((id, _)) => Rejection::OverrideConsumed { id },
        None => Rejection::NotAllowed { effective: outcome.as_str() },
    })
}

/// What became of the last token of a decision.
enum Last {
    /// There is none, or its time is over.
    Over,
    /// It permits something.
    Active(TokenId, Timestamp),
    /// It was revoked, or its grant is erased, which ends it as well.
    TakenBack,
}

impl Last {
    fn of(
        read: &impl Read,
        decision: DecisionId,
        recorded: &RecordedDecision,
        at: Timestamp,
    ) -> Result<Self, Corruption> {
        let own = recorded.data.get("token_id").and_then(Json::as_str);
        let token = match last_issued(read, decision)? {
            Some((_, IssuedRecord { token, .. })) => token,
            None if own.is_none() => return Ok(Self::Over),
            None => own.and_then(|id| id.parse().ok()),
        };
        let Some(token) = token else { return Ok(Self::TakenBack) };
        let Some(record) = view::token(read, token)? else { return Ok(Self::TakenBack) };
        Ok(match record.status(at) {
            Status::Active => Self::Active(token, record.expires_at),
            Status::Expired => Self::Over,
            Status::Revoked => Self::TakenBack,
        })
    }
}

/// The last token that was issued for a decision, with its row.
fn last_issued(
    read: &impl Read,
    decision: DecisionId,
) -> Result<Option<(Vec<u8>, IssuedRecord)>, Corruption> {
    let rows = issued(read, decision, Direction::Descending, 1)?;
    let last = rows.into_iter().next();
    last.map(|(key, value)| Ok((key, codec::decode("token_by_decision", &value)?))).transpose()
}

fn count(read: &impl Read, decision: DecisionId) -> Result<usize, Corruption> {
    Ok(issued(read, decision, Direction::Ascending, TOKENS_MAX)?.len())
}

fn issued(
    read: &impl Read,
    decision: DecisionId,
    direction: Direction,
    rows_max: usize,
) -> Result<Vec<crate::store::Row>, Corruption> {
    let (from, to) = keys::all_under(decision.0);
    read.scan(Scan {
        table: Table::TokenByDecision,
        from: &from,
        to: Some(&to),
        direction,
        rows_max,
    })
}

/// When the token ends: as asked, and not later than what it rests on.
fn end(at: Timestamp, seconds: u32, basis: &Basis) -> Result<Timestamp, Rejection> {
    let asked = at
        .checked_add(Micros::from_seconds(u64::from(seconds)))
        .ok_or(Rejection::LifetimeTooLong)?;
    let until = match basis {
        // Unreviewed it ends with the time to review it, swept or not.
        Basis::Override(_, record) => {
            let review_by = record.review.is_none().then_some(record.review_by);
            record.expires_at.into_iter().chain(review_by).min()
        }
        Basis::Decision | Basis::Escalation(..) => None,
    };
    Ok(until.map_or(asked, |until| asked.min(until)))
}

/// `data` of the entry: what the decision said, and why it holds now.
fn data<S: Store>(
    context: &Context<'_, S>,
    recorded: &RecordedDecision,
    basis: &Basis,
    (token, expires_at): (TokenId, Timestamp),
) -> Object {
    let basis_id = match basis {
        Basis::Decision => recorded.decision_id.to_string(),
        Basis::Escalation(id, _) => id.to_string(),
        Basis::Override(id, _) => id.to_string(),
    };
    let request = &recorded.request;
    let mut data = context.asked();
    data.insert("action", request.action.as_str());
    data.insert("actor", request.actor.as_str());
    data.insert("basis", basis.as_str());
    data.insert("basis_id", basis_id);
    data.insert("decision_id", recorded.decision_id.to_string());
    data.insert("policy_hash", recorded.policy_hash.to_string());
    data.insert("resource", request.resource.as_deref());
    data.insert("token_expires_at", expires_at.to_string());
    data.insert("token_id", token.to_string());
    data.insert("tool", request.tool.as_deref());
    data
}

/// What yields one token has yielded it.
fn consume<S: Store>(
    context: &mut Context<'_, S>,
    basis: Basis,
    entry: EntryId,
) -> Result<(), Corruption> {
    match basis {
        Basis::Escalation(id, record) => {
            let record = EscalationRecord { consumed: Some(entry), ..record };
            context.tables.put_record(Table::Escalation, &id.0.key(), &record)
        }
        Basis::Override(id, record) if record.is_one_time => {
            let record = OverrideRecord { consumed: Some(entry), ..record };
            context.tables.put_record(Table::Override, &id.0.key(), &record)
        }
        Basis::Decision | Basis::Override(..) => Ok(()),
    }
}

/// Ends the active token that an override yielded, if there is one.
pub(crate) fn end_issued<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    of: OverrideId,
    by: EntryId,
) -> Result<(), Corruption> {
    let last = last_issued(context.tables.read(), decision)?;
    let Some((_, IssuedRecord { token: Some(token), of: Some(yielded_by) })) = last else {
        return Ok(());
    };
    let record = view::token(context.tables.read(), token)?;
    let record = record.filter(|record| record.status(context.applied.at) == Status::Active);
    match record.filter(|_| yielded_by == of) {
        Some(record) => keep(context, token, TokenRecord { revoked: Some(by), ..record }),
        None => Ok(()),
    }
}

/// Ends the token of a decision that permits something still, if there is one:
/// its own, or the last that was issued for it. `by` is the entry that says so.
pub(crate) fn end_of_decision<S: Store>(
    context: &mut Context<'_, S>,
    decision: &RecordedDecision,
    by: EntryId,
) -> Result<(), Corruption> {
    let read = context.tables.read();
    let at = context.applied.at;
    if let Last::Active(token, _) = Last::of(read, decision.decision_id, decision, at)?
        && let Some(record) = view::token(read, token)?
    {
        keep(context, token, TokenRecord { revoked: Some(by), ..record })?;
    }
    Ok(())
}

/// The entry that granted a token is erased. That there was one stays known.
pub(crate) fn forget_issued<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    entry: EntryId,
) -> Result<(), Corruption> {
    let row = keys::under(decision.0, entry.0);
    let known: Option<IssuedRecord> = context.tables.record(Table::TokenByDecision, &row)?;
    match known {
        Some(known) => {
            let known = IssuedRecord { token: None, ..known };
            context.tables.put_record(Table::TokenByDecision, &row, &known)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
