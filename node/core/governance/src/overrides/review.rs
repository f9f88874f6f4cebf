//! The end of an override before its time: a second person takes it back, or
//! nobody looks at it.

use ledger::EntryType;
use types::{Json, Object, OverrideId};

use super::keep;
use crate::apply::{Context, Stop};
use crate::command::ReviewOverride;
use crate::deadline::{self, Due};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::{OverrideRecord, ReviewVerdict};
use crate::store::{Read, Store, Table};
use crate::token;
use crate::view;

pub(crate) fn review<S: Store>(
    context: &mut Context<'_, S>,
    review: &ReviewOverride,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let reviewer = oversight::human(context)?;
    reviewer.role.ok_or(Rejection::NotAuthorised)?;
    let id = review.id;
    let record: Option<OverrideRecord> = context.tables.record(Table::Override, &id.0.key())?;
    let record = record.ok_or(Rejection::UnknownOverride { id })?;
    let executed = executed(context.tables.read(), &record)?.ok_or(Rejection::OverrideErased)?;
    if reviewer.is(&record.authorized_by) {
        return Err(Rejection::SamePerson.into());
    }
    if record.review.is_some() {
        return Err(Rejection::AlreadyReviewed.into());
    }
    let actor = executed.get("actor").and_then(Json::as_str);
    let mut data = about(context, id, &record, actor);
    data.insert("verdict", review.verdict.as_str());
    let mut personal = Object::new();
    personal.insert("notes", review.notes.as_str());
    let recorded = context.record_about(EntryType::OverrideReviewed, actor, data, personal)?;
    let entry_id = recorded.entry_id;
    deadline::clear(context, record.review_by, Due::Override(id));
    let unreviewed = keys::timed(record.review_by, record.entry_id);
    context.tables.delete(Table::OverrideUnreviewed, &unreviewed);
    // Between the time that a review was due and the sweep that says so, one may
    // still come. It is recorded, and the override has lapsed all the same.
    let is_late = record.review_by <= context.applied.at;
    let lapsed = record.lapsed.or_else(|| is_late.then_some(entry_id));
    if review.verdict == ReviewVerdict::Reversed || lapsed.is_some() {
        token::end_issued(context, record.decision, id, entry_id)?;
    }
    let record = OverrideRecord { review: Some((review.verdict, entry_id)), lapsed, ..record };
    keep(context, id, &record)?;
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Nobody reviewed it in time. It stays among those to be reviewed: whether it
/// was right is still to be said.
pub(crate) fn lapse<S: Store>(context: &mut Context<'_, S>, id: OverrideId) -> Result<(), Stop> {
    let missing = || Corruption::new("override", format!("{id} is due and not recorded"));
    let record: Option<OverrideRecord> = context.tables.record(Table::Override, &id.0.key())?;
    let record = record.ok_or_else(missing)?;
    let executed = executed(context.tables.read(), &record)?.unwrap_or_default();
    let actor = executed.get("actor").and_then(Json::as_str);
    let mut data = about(context, id, &record, actor);
    data.insert("review_required_by", record.review_by.to_string());
    let recorded = context.record_about(EntryType::OverrideLapsed, actor, data, Object::new())?;
    token::end_issued(context, record.decision, id, recorded.entry_id)?;
    keep(context, id, &OverrideRecord { lapsed: Some(recorded.entry_id), ..record })?;
    Ok(())
}

/// `data` of the entry of an override, while it is there.
fn executed(read: &impl Read, record: &OverrideRecord) -> Result<Option<Object>, Corruption> {
    let id = record.entry_id;
    let damaged = || Corruption::new("override", format!("entry {id} is none of an override"));
    let entry = view::entry(read, id)?.ok_or_else(damaged)?;
    let data = entry.data.map(|data| serde_json::from_str(&data.text));
    data.transpose().map_err(|_| damaged())
}

fn about<S: Store>(
    context: &Context<'_, S>,
    id: OverrideId,
    record: &OverrideRecord,
    actor: Option<&str>,
) -> Object {
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("decision_id", record.decision.to_string());
    data.insert("override_id", id.to_string());
    data
}
