//! Escalations: questions to humans about a decision, and their answers.
//!
//! Invariants
//! - `pending`, then perhaps `acknowledged`, then `resolved` or `expired`, which
//!   are final. After its deadline an escalation takes no answer any more, swept
//!   or not; expiry approves nothing.
//! - An entry makes at most one escalation, so its id is the place of the
//!   escalation in every list.
//! - [`Table::EscalationByState`] has each escalation once, under the state that
//!   is recorded, and [`Table::EscalationCount`] counts its rows.
//! - The record outlives an erasure, without names: an answer keeps its effect.

mod answer;
mod automatic;
mod digest;
mod independent;
mod rows;

use ledger::EntryType;
use types::{EscalationId, Json, Micros, Object};

use crate::apply::{Context, Stop};
use crate::command::CreateEscalation;
use crate::deadline::{self, Due};
use crate::decision;
use crate::effect;
use crate::idempotency;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::{EscalationRecord, EscalationStatus, Priority, Trigger};
use crate::store::{Direction, Scan, Store, Table};

pub(crate) use answer::{acknowledge, expire, resolve};
pub(crate) use automatic::{Cause, announce, of_assessment, of_decision};
pub(crate) use digest::action_digest;
pub(crate) use rows::{forget, state};

/// Whom an escalation asks that comes by itself.
pub const GOVERNANCE_TEAM: &str = "act_human_user:governance_team";

/// Escalations of one decision.
const OF_DECISION_MAX: usize = 1_000;

const HOUR: u64 = 3_600;

impl Priority {
    /// Every priority there is, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// How long there is to answer.
    pub fn time(self) -> Micros {
        Micros::from_seconds(match self {
            Self::Low => 72 * HOUR,
            Self::Medium => 24 * HOUR,
            Self::High => 8 * HOUR,
            Self::Critical => 2 * HOUR,
        })
    }
}

impl Trigger {
    /// Every trigger there is.
    pub const ALL: [Self; 5] = [
        Self::RiskThreshold,
        Self::PolicyConflict,
        Self::ExplicitRule,
        Self::ActorRequest,
        Self::AnomalyDetected,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RiskThreshold => "risk_threshold",
            Self::PolicyConflict => "policy_conflict",
            Self::ExplicitRule => "explicit_rule",
            Self::ActorRequest => "actor_request",
            Self::AnomalyDetected => "anomaly_detected",
        }
    }

    /// How soon an answer is wanted where nothing is said.
    pub fn priority(self) -> Priority {
        match self {
            Self::RiskThreshold => Priority::Critical,
            Self::PolicyConflict | Self::AnomalyDetected => Priority::High,
            Self::ExplicitRule | Self::ActorRequest => Priority::Medium,
        }
    }
}

impl EscalationStatus {
    /// Every status there is.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Acknowledged, Self::Resolved, Self::Expired];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Expired => "expired",
        }
    }

    /// Whether an answer is still wanted.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::Acknowledged => true,
            Self::Resolved | Self::Expired => false,
        }
    }
}

impl EscalationRecord {
    /// Where it is at `now`: its time may be over before that is recorded.
    pub fn status(&self, now: types::Timestamp) -> EscalationStatus {
        if self.status.is_open() && self.deadline <= now {
            return EscalationStatus::Expired;
        }
        self.status
    }

    /// Whether the entry that made it is erased whole: then nothing is left to
    /// show. There is always somebody who is asked.
    pub fn is_erased(&self) -> bool {
        self.recipients.is_empty()
    }
}

pub(crate) fn create<S: Store>(
    context: &mut Context<'_, S>,
    create: &CreateEscalation,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let decision = decision::known(context.tables.read(), create.decision)?;
    room(context, create.decision)?;
    let priority = create.priority.unwrap_or_else(|| create.trigger.priority());
    let id = EscalationId(context.fresh("esc", Table::Escalation)?);
    let at = context.applied.at;
    let deadline = at.checked_add(priority.time()).ok_or(Rejection::LifetimeTooLong)?;
    let actor = decision.request.actor.as_str();
    let mut data = context.asked();
    data.insert("actor", actor);
    data.insert("decision_id", create.decision.to_string());
    data.insert("escalated_to", create.recipients.clone());
    data.insert("escalation_id", id.to_string());
    data.insert("policy_hash", decision.policy_hash.to_string());
    data.insert("priority", priority.as_str());
    data.insert("sla_deadline", deadline.to_string());
    data.insert("trigger", create.trigger.as_str());
    let mut personal = Object::new();
    personal.insert("action_digest", action_digest(&decision).map(|it| it.to_string()));
    personal.insert("context_summary", create.summary.clone());
    personal.insert("metadata", create.metadata.clone().map(Json::Object));
    personal.insert("notes", Json::Null);
    let entry_type = EntryType::EscalationCreated;
    let recorded = context.record_about(entry_type, Some(actor), data, personal)?;
    let record = EscalationRecord {
        entry_id: recorded.entry_id,
        decision: create.decision,
        risk: None,
        trigger: create.trigger,
        priority,
        auto: false,
        status: EscalationStatus::Pending,
        recipients: create.recipients.clone(),
        created_at: at,
        deadline,
        acknowledged: None,
        ended: None,
        resolution: None,
        consumed: None,
    };
    open(context, id, &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// One decision must not have escalations without end.
fn room<S: Store>(context: &Context<'_, S>, decision: types::DecisionId) -> Result<(), Stop> {
    let (from, to) = keys::all_under(decision.0);
    let rows = context.tables.scan(Scan {
        table: Table::EscalationByDecision,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: OF_DECISION_MAX,
    })?;
    let there = rows.len();
    if OF_DECISION_MAX <= there {
        let there = there as u64;
        return Err(Rejection::TooMany { things: "escalations of this decision", there }.into());
    }
    Ok(())
}

/// Keeps a new escalation, has it end by itself, and tells of it.
fn open<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    record: &EscalationRecord,
) -> Result<(), Corruption> {
    rows::keep(context, id, record)?;
    deadline::set(context, record.deadline, Due::Escalation(id));
    effect::emit(context, "escalation.created", &id.to_string(), record.entry_id)
}
