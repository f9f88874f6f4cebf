//! Who answers for a decision: the service itself, and the people who answered,
//! overrode or said so.
//!
//! A decision's own record follows from its entry and costs deciding nothing:
//! its id is that of the decision under another prefix. That of a resolution or
//! an override has the id of the escalation or the override in the same way, so
//! that the record exists with the entry or not at all. Only what somebody says
//! through [`RecordResponsibility`] draws an id.
//!
//! Invariants
//! - Nothing is edited: a review is an entry of its own, one for each record.
//! - [`Table::Responsibility`] has a row for each entry that names somebody, in
//!   the order of the ledger, with the counts of all up to it.
//! - A name is in no row once its entry is erased whole.

mod human;

#[cfg(test)]
mod tests;

use ledger::EntryType;
use types::{DecisionId, Object, ResponsibilityId};

use crate::apply::{Context, Stop};
use crate::command::{RecordResponsibility, ReviewResponsibility};
use crate::decision;
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::{DecisionMaker, DecisionRecord, ResponsibilityOrigin, ResponsibilityRecord};
use crate::store::{Read, Store, Table};
use crate::{tables, view};

pub(crate) use human::{HumanRecord, forget, keep_human};

/// Who answers for what nobody else does.
pub const SYSTEM: &str = "system";

/// Records of one decision. Answers and overrides beyond are kept all the same:
/// they have bounds of their own, and nobody may be kept from denying.
const RECORDS_MAX: u64 = 1_000;

/// A new id that is taken already is drawn again; by chance that never happens
/// even once.
const DRAWS_MAX: u32 = 16;

pub(crate) fn record<S: Store>(
    context: &mut Context<'_, S>,
    asked: &RecordResponsibility,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let about = decision::known(context.tables.read(), asked.decision)?;
    // The decision's own is one of them.
    let records = human::count(context.tables.read(), asked.decision)?.saturating_add(1);
    if RECORDS_MAX <= records {
        return Err(
            Rejection::TooMany { things: "records of this decision", there: records }.into()
        );
    }
    let id = fresh(context)?;
    let actor = about.request.actor.as_str();
    let data = data(context, asked, id, actor);
    let mut personal = Object::new();
    personal.insert("reasoning", asked.reasoning.as_str());
    let entry_type = EntryType::ResponsibilityRecorded;
    let recorded = context.record_about(entry_type, Some(actor), data, personal)?;
    let kept = HumanRecord {
        id,
        entry_id: recorded.entry_id,
        decision: asked.decision,
        origin: ResponsibilityOrigin::Recorded,
        maker: asked.maker,
        level: asked.level,
        party: asked.party.clone(),
        decides: asked.maker != DecisionMaker::AiSystem,
        review_required: asked.review_required,
    };
    keep_human(context, kept)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn data<S: Store>(
    context: &Context<'_, S>,
    asked: &RecordResponsibility,
    id: ResponsibilityId,
    actor: &str,
) -> Object {
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("confidence_percent", asked.confidence.map(u32::from));
    data.insert("decision_id", asked.decision.to_string());
    data.insert("decision_maker", asked.maker.as_str());
    data.insert("delegated_from", asked.delegated_from.as_deref());
    data.insert("responsibility_id", id.to_string());
    data.insert("responsibility_level", asked.level.as_str());
    data.insert("responsible_party", asked.party.as_str());
    data.insert("review_required", asked.review_required);
    data.insert("role", asked.role.as_str());
    data
}

/// An id that no record has, whatever it comes from.
fn fresh<S: Store>(context: &mut Context<'_, S>) -> Result<ResponsibilityId, Corruption> {
    let mut id = context.draw.ulid("resp");
    for _ in 0..DRAWS_MAX {
        let mut is_taken = false;
        for table in
            [Table::ResponsibilityById, Table::Decision, Table::Escalation, Table::Override]
        {
            is_taken |= context.tables.has(table, &id.key())?;
        }
        if !is_taken {
            break;
        }
        id = context.draw.ulid("resp");
    }
    Ok(ResponsibilityId(id))
}

pub(crate) fn review<S: Store>(
    context: &mut Context<'_, S>,
    asked: &ReviewResponsibility,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let (decision, party) = subject(context.tables.read(), asked.record)?;
    let reviewer = oversight::human(context)?;
    if reviewer.is(&party) {
        return Err(Rejection::SamePerson.into());
    }
    let row = asked.record.0.key();
    if context.tables.has(Table::ResponsibilityReview, &row)? {
        return Err(Rejection::AlreadyReviewed.into());
    }
    let about = decision::known(context.tables.read(), decision)?;
    let actor = about.request.actor.as_str();
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("decision_id", decision.to_string());
    data.insert("outcome", asked.outcome.as_str());
    data.insert("responsibility_id", asked.record.to_string());
    let mut personal = Object::new();
    personal.insert("notes", asked.notes.as_str());
    let entry_type = EntryType::ResponsibilityReviewed;
    let recorded = context.record_about(entry_type, Some(actor), data, personal)?;
    context.tables.put_record(Table::ResponsibilityReview, &row, &recorded.entry_id)?;
    if let Some(of) = view::responsibility_entry(context.tables.read(), asked.record)? {
        context.tables.delete(Table::ResponsibilityPending, &keys::entry(of));
    }
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Which decision a record is about, and who answers for it.
fn subject(read: &impl Read, id: ResponsibilityId) -> Result<(DecisionId, String), Stop> {
    if let Some(entry) = view::responsibility_entry(read, id)? {
        let row: Option<ResponsibilityRecord> =
            tables::record(read, Table::Responsibility, &keys::entry(entry))?;
        let missing = || Corruption::new("responsibility", format!("{id} leads to nothing"));
        let row = row.ok_or_else(missing)?;
        let party = row.party.ok_or(Rejection::RecordErased)?;
        return Ok((row.decision, party));
    }
    let own: Option<DecisionRecord> = tables::record(read, Table::Decision, &id.0.key())?;
    own.ok_or(Rejection::UnknownRecord)?;
    Ok((DecisionId(id.0), SYSTEM.to_owned()))
}
