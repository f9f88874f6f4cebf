//! Interventions: what humans did about what a machine proposed.
//!
//! They are records of what was done elsewhere. One of them does something by
//! itself: an emergency stop, see [`crate::stop`].
//!
//! Invariants
//! - An intervention is one entry; a stop is set by the entry that records it.
//! - What is counted of interventions is what their entries still say: an
//!   erasure takes out what it erases, see `intervention/tally.rs`.

pub(crate) mod tally;

use ledger::{EntryType, StoredEntry};
use types::{Digest, EntryId, InterventionId, Json, Object, StopId};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::{
    ErasedPart, HumanRole, Intervene, InterventionType, PrincipalKind, StopScope,
};
use crate::compliance::counted::STOPS;
use crate::decision;
use crate::idempotency;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::oversight;
use crate::record::Tally;
use crate::store::{Store, Table};
use crate::{stop, tables};

pub(crate) fn intervene<S: Store>(
    context: &mut Context<'_, S>,
    intervene: &Intervene,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let scope = stopped(context, intervene)?;
    let actor = match intervene.decision {
        Some(id) => Some(decision::known(context.tables.read(), id)?.request.actor),
        None => None,
    };
    let id = InterventionId(context.fresh("int", Table::Intervention)?);
    let stop = match &scope {
        Some(_) => Some(StopId(context.fresh("stop", Table::Stop)?)),
        None => None,
    };
    let ids = Ids { id, stop };
    let data = data(context, intervene, actor.as_deref(), ids, scope.as_ref());
    let personal = personal(intervene);
    let one = counted(&data, Some(&personal));
    let recorded =
        context.record_about(EntryType::Intervention, actor.as_deref(), data, personal)?;
    let entry_id = recorded.entry_id;
    context.tables.put_record(Table::Intervention, &id.0.key(), &entry_id)?;
    if let (Some(id), Some(scope)) = (stop, &scope) {
        stop::set(context, id, entry_id, scope)?;
        count_stop(context, entry_id)?;
    }
    count(context, intervene, one)?;
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

#[derive(Clone, Copy)]
struct Ids {
    id: InterventionId,
    stop: Option<StopId>,
}

/// What is to be stopped, if who asks may stop it. Anybody else who asks must be
/// a human; where nobody authenticates, one who is not named.
fn stopped<S: Store>(
    context: &mut Context<'_, S>,
    intervene: &Intervene,
) -> Result<Option<StopScope>, Stop> {
    if intervene.kind == InterventionType::EmergencyStop {
        let human = oversight::human(context)?;
        if human.role.is_none() && !human.is_administrator {
            return Err(Rejection::NotAuthorised.into());
        }
        stop::check_room(context)?;
        return Ok(Some(intervene.stop.clone().unwrap_or_default()));
    }
    if intervene.stop.is_some() {
        return Err(Rejection::NoStop.into());
    }
    let principal = &context.envelope.principal;
    if principal.kind != PrincipalKind::Nobody || !principal.id.is_empty() {
        oversight::human(context)?;
    }
    Ok(None)
}

fn data<S: Store>(
    context: &Context<'_, S>,
    intervene: &Intervene,
    actor: Option<&str>,
    ids: Ids,
    scope: Option<&StopScope>,
) -> Object {
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("decision_id", intervene.decision.map(|id| id.to_string()));
    data.insert("display_digest", intervene.display_digest.map(|digest| digest.to_string()));
    data.insert("human_role", intervene.role.as_str());
    data.insert("intervention_id", ids.id.to_string());
    data.insert("intervention_type", intervene.kind.as_str());
    data.insert("response_time_ms", intervene.response_time_ms);
    data.insert("stop", scope.map(stop::to_json));
    data.insert("stop_id", ids.stop.map(|id| id.to_string()));
    data
}

fn personal(intervene: &Intervene) -> Object {
    let mut personal = Object::new();
    personal.insert("ai_recommendation", intervene.ai_recommendation.clone());
    personal.insert("human_decision", intervene.human_decision.clone());
    personal.insert("reason", intervene.reason.as_str());
    personal.insert("request_context", intervene.request_context.clone().map(Json::Object));
    personal
}

/// Counts the intervention that was just recorded.
fn count<S: Store>(
    context: &mut Context<'_, S>,
    intervene: &Intervene,
    one: Tally,
) -> Result<(), Corruption> {
    let number = last(context)?;
    tally::append(&mut context.tables, number, one)?;
    if let Some(time) = intervene.response_time_ms {
        context.tables.put_record(Table::InterventionTime, &number.to_be_bytes(), &time)?;
    }
    Ok(())
}

/// Counts what stops something, for those who ask how many up to an entry.
fn count_stop<S: Store>(context: &mut Context<'_, S>, entry: EntryId) -> Result<(), Corruption> {
    if context.cache.feature_level(context.tables.read())? < access::EVIDENCE {
        return Ok(());
    }
    crate::tally::append(&mut context.tables, context.cache, STOPS, entry)
}

/// Number of the last intervention.
fn last<S: Store>(context: &Context<'_, S>) -> Result<u64, Corruption> {
    let entry_type = EntryType::Intervention.as_str();
    tables::last_number(context.tables.read(), Table::EntryByType, entry_type)
}

/// What an intervention counts, from what its entry says.
fn counted(data: &Object, personal: Option<&Object>) -> Tally {
    let word = |name: &str| data.get(name).and_then(Json::as_str);
    let time = data.get("response_time_ms").and_then(Json::as_u64);
    let mut one = personal.map(agreement).unwrap_or_default();
    let kind = word("intervention_type").and_then(InterventionType::parse);
    let role = word("human_role").and_then(HumanRole::parse);
    for (count, of) in one.by_type.iter_mut().zip(InterventionType::ALL) {
        *count = u64::from(kind == Some(of));
    }
    for (count, of) in one.by_role.iter_mut().zip(HumanRole::ALL) {
        *count = u64::from(role == Some(of));
    }
    one.unauthenticated = u64::from(word("authn") == Some("none"));
    one.timed = u64::from(time.is_some());
    one.time_total_ms = time.map_or(0, u128::from);
    one
}

/// Whether the human decided what the machine proposed, where both say so.
fn agreement(personal: &Object) -> Tally {
    let decision = |of: &str| {
        let said = personal.get(of).and_then(Json::as_object)?.get("decision")?;
        Some(said).filter(|said| !said.is_null() && said.as_str().map(str::trim) != Some(""))
    };
    match (decision("ai_recommendation"), decision("human_decision")) {
        (Some(proposed), Some(decided)) if proposed == decided => {
            Tally { approvals: 1, ..Tally::default() }
        }
        (Some(_), Some(_)) => Tally { overrides: 1, ..Tally::default() },
        (None, _) | (_, None) => Tally::default(),
    }
}

/// Takes out of the counts what an erasure takes from an entry.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    if entry.header.entry_type != EntryType::Intervention {
        return Ok(());
    }
    let personal = entry.personal.as_ref().map(|part| serde_json::from_str(&part.text));
    let personal: Option<Object> = personal.transpose().map_err(|_| damaged(entry.header.id))?;
    let gone = match part {
        ErasedPart::Personal => personal.as_ref().map(agreement).unwrap_or_default(),
        ErasedPart::All => counted(data, personal.as_ref()),
    };
    let number = entry.header.type_seq;
    let last = last(context)?;
    tally::remove(&mut context.tables, number, last, gone)?;
    if part == ErasedPart::All && data.get("response_time_ms").is_some_and(|it| !it.is_null()) {
        context.tables.delete(Table::InterventionTime, &number.to_be_bytes());
    }
    Ok(())
}

fn damaged(id: EntryId) -> Corruption {
    Corruption::new("personal", format!("entry {id} is no object"))
}

/// What a node signs of an intervention: which one, and the entry that has it.
pub fn signed_bytes(id: InterventionId, entry_hash: Digest) -> Vec<u8> {
    format!("lexecon/intervention/v1\n{id}\n{entry_hash}\n").into_bytes()
}
