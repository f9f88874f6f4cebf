//! Nobody answers their own question: neither who raised an escalation nor who is
//! behind the decision it is about.
//!
//! Only where people are authenticated. In open mode an id is a claim, and two
//! claims say nothing of whether there are two people.

use types::{EntryId, Json, Object};

use crate::apply::{Context, Stop};
use crate::command::PrincipalKind;
use crate::decision::RecordedDecision;
use crate::outcome::{Corruption, Rejection};
use crate::oversight::Human;
use crate::record::EscalationRecord;
use crate::store::{Read, Store};
use crate::view;

pub(super) fn check<S: Store>(
    context: &Context<'_, S>,
    escalation: &EscalationRecord,
    decision: &RecordedDecision,
    human: &Human<'_>,
) -> Result<(), Stop> {
    if context.envelope.principal.kind != PrincipalKind::User {
        return Ok(());
    }
    let read = context.tables.read();
    // What comes by itself was raised by nobody.
    let raised_by = if escalation.auto { None } else { by(read, escalation.entry_id)? };
    let asked_by = decision.data.get("by").and_then(Json::as_str).map(str::to_owned);
    let mut is_own = human.is(&decision.request.actor);
    for by in [raised_by, asked_by].into_iter().flatten() {
        is_own |= human.is(&by) || is_key_of(read, &by, human)?;
    }
    if is_own { Err(Rejection::SamePerson.into()) } else { Ok(()) }
}

/// Who asked for what an entry records, while it says so.
fn by(read: &impl Read, entry: EntryId) -> Result<Option<String>, Corruption> {
    let data = view::entry(read, entry)?.and_then(|entry| entry.data);
    let data = data.and_then(|data| serde_json::from_str::<Object>(&data.text).ok());
    Ok(data.and_then(|data| data.get("by").and_then(Json::as_str).map(str::to_owned)))
}

/// Whether it is a key of a program that this person made.
fn is_key_of(read: &impl Read, by: &str, human: &Human<'_>) -> Result<bool, Corruption> {
    let Ok(key) = by.parse() else { return Ok(false) };
    Ok(view::api_key(read, key)?.is_some_and(|key| key.owner == human.id))
}
