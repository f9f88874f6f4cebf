//! Assessments of the risk of a decision: the one a decision brings itself, and
//! those made of it later.
//!
//! Invariants
//! - Versions of one decision count from 1 without gaps; only the latest can be
//!   superseded.
//! - [`Table::RiskByScore`] has the latest version of each decision while its
//!   entry is whole, and [`Table::RiskCount`] counts its rows.

use ledger::EntryType;
use types::{DecisionId, EntryId, Json, Object, RiskId};

use super::{Score, input_json};
use crate::apply::{Context, Stop};
use crate::command::{AssessRisk, Decide};
use crate::decision;
use crate::escalation;
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{RiskRecord, Trigger};
use crate::store::{Store, Table};
use crate::view;

/// Assessments of one decision.
const VERSIONS_MAX: u64 = 1_000;

pub(crate) fn assess<S: Store>(
    context: &mut Context<'_, S>,
    assess: &AssessRisk,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let recorded = decision::known(context.tables.read(), assess.decision)?;
    let version = next_version(context, assess)?;
    let score = Score::of(Some(&assess.dimensions), None);
    let escalation = escalation::of_assessment(context, assess.decision, score.score)?;
    let id = RiskId(context.fresh("rsk", Table::Risk)?);
    let actor = recorded.request.actor.as_str();
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("decision_id", assess.decision.to_string());
    data.insert("dimensions", input_json(&assess.dimensions));
    data.insert("escalation_id", escalation.map(|id| id.to_string()));
    data.insert("impact", assess.impact.map(u32::from));
    data.insert("likelihood", assess.likelihood.map(u32::from));
    data.insert("mitigations", assess.mitigations.clone());
    data.insert("overall_score", score.score);
    data.insert("risk_id", id.to_string());
    data.insert("risk_level", score.level());
    data.insert("supersedes", assess.supersedes.map(|id| id.to_string()));
    data.insert("version", version);
    let mut personal = Object::new();
    personal.insert("metadata", assess.metadata.clone().map(Json::Object));
    let recorded = context.record_about(EntryType::RiskAssessed, Some(actor), data, personal)?;
    let entry_id = recorded.entry_id;
    let record =
        RiskRecord { entry_id, decision: assess.decision, version, score: Some(score.byte()) };
    keep(context, id, &record)?;
    if let Some(escalation) = escalation {
        let (decision, trigger) = (assess.decision, Trigger::RiskThreshold);
        let cause = escalation::Cause { decision, risk: Some(id), trigger };
        escalation::announce(context, escalation, cause, entry_id)?;
    }
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// One more than the latest version, if that is the one to be superseded.
fn next_version<S: Store>(context: &Context<'_, S>, assess: &AssessRisk) -> Result<u64, Stop> {
    let latest = view::latest_risk(context.tables.read(), assess.decision)?;
    let versions = match (latest, assess.supersedes) {
        (None, None) => 0,
        (Some(_), None) => return Err(Rejection::AlreadyAssessed.into()),
        (Some((id, record)), Some(superseded)) if id == superseded => record.version,
        (Some(_) | None, Some(risk)) => return Err(Rejection::NotLatest { risk }.into()),
    };
    if VERSIONS_MAX <= versions {
        return Err(
            Rejection::TooMany { things: "assessments of this decision", there: versions }.into()
        );
    }
    Ok(versions.saturating_add(1))
}

/// The id of the record that a decision makes: none where it tells no risk.
pub(crate) fn of_decision<S: Store>(
    context: &mut Context<'_, S>,
    decide: &Decide,
) -> Result<Option<RiskId>, Corruption> {
    if decide.risk.is_none() && decide.risk_level.is_none() {
        return Ok(None);
    }
    context.fresh("rsk", Table::Risk).map(|id| Some(RiskId(id)))
}

/// The rows by which an assessment is found again, in place of the one before.
pub(crate) fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: RiskId,
    record: &RiskRecord,
) -> Result<(), Corruption> {
    if let Some((_, before)) = view::latest_risk(context.tables.read(), record.decision)? {
        unlist(context, &before)?;
    }
    context.tables.put_record(Table::Risk, &id.0.key(), record)?;
    let by_decision = keys::under(record.decision.0, record.version);
    context.tables.put_record(Table::RiskByDecision, &by_decision, &id)?;
    if let Some(score) = record.score {
        let by_score = keys::scored(score, record.entry_id);
        context.tables.put_record(Table::RiskByScore, &by_score, &id)?;
        let count = count(context, score)?.saturating_add(1);
        context.tables.put_record(Table::RiskCount, &[score], &count)?;
    }
    Ok(())
}

fn unlist<S: Store>(context: &mut Context<'_, S>, record: &RiskRecord) -> Result<(), Corruption> {
    let Some(score) = record.score else {
        return Ok(());
    };
    context.tables.delete(Table::RiskByScore, &keys::scored(score, record.entry_id));
    match count(context, score)?.saturating_sub(1) {
        0 => context.tables.delete(Table::RiskCount, &[score]),
        count => context.tables.put_record(Table::RiskCount, &[score], &count)?,
    }
    Ok(())
}

fn count<S: Store>(context: &Context<'_, S>, score: u8) -> Result<u64, Corruption> {
    Ok(context.tables.record(Table::RiskCount, &[score])?.unwrap_or(0))
}

/// Takes away what can be told of an assessment whose entry is erased whole.
/// That there was one stays known, as it does of a decision.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    entry: EntryId,
) -> Result<(), Corruption> {
    let id = data.get("risk_id").and_then(Json::as_str).and_then(|id| id.parse::<RiskId>().ok());
    let Some(id) = id else { return Ok(()) };
    let record: Option<RiskRecord> = context.tables.record(Table::Risk, &id.0.key())?;
    // What follows an assessment names it too, and is not where it is recorded.
    let Some(record) = record.filter(|record| record.entry_id == entry) else {
        return Ok(());
    };
    if is_latest(context, record.decision, id)? {
        unlist(context, &record)?;
    }
    context.tables.put_record(Table::Risk, &id.0.key(), &RiskRecord { score: None, ..record })
}

fn is_latest<S: Store>(
    context: &Context<'_, S>,
    decision: DecisionId,
    id: RiskId,
) -> Result<bool, Corruption> {
    let latest = view::latest_risk(context.tables.read(), decision)?;
    Ok(latest.is_some_and(|(latest, _)| latest == id))
}
