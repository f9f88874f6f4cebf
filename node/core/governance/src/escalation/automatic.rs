//! Escalations that come by themselves, within the command that brings them and
//! recorded by its entry.

use policy::Evaluation;
use types::{DecisionId, EntryId, EscalationId, RiskId, Timestamp};

use super::{GOVERNANCE_TEAM, open, room};
use crate::apply::{Context, Stop};
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, EscalationStatus, Trigger};
use crate::risk;
use crate::store::{Store, Table};

/// What brings one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The decision it is about.
    pub(crate) decision: DecisionId,
    /// The assessment whose score is critical.
    pub(crate) risk: Option<RiskId>,
    /// Why.
    pub(crate) trigger: Trigger,
}

/// The id of the escalation that a decision brings: where its score is critical,
/// whatever was decided, or where a constraint asks for a human.
pub(crate) fn of_decision<S: Store>(
    context: &mut Context<'_, S>,
    evaluation: &Evaluation,
    score: u32,
) -> Result<Option<(EscalationId, Trigger)>, Corruption> {
    let trigger = if risk::CRITICAL <= score {
        Trigger::RiskThreshold
    } else if evaluation.outcome == policy::Verdict::Escalated {
        Trigger::ExplicitRule
    } else {
        return Ok(None);
    };
    let id = EscalationId(context.fresh("esc", Table::Escalation)?);
    Ok(Some((id, trigger)))
}

/// The id of the escalation that an assessment brings. There must be room for it
/// under the decision.
pub(crate) fn of_assessment<S: Store>(
    context: &mut Context<'_, S>,
    decision: DecisionId,
    score: u32,
) -> Result<Option<EscalationId>, Stop> {
    if score < risk::CRITICAL {
        return Ok(None);
    }
    room(context, decision)?;
    Ok(Some(EscalationId(context.fresh("esc", Table::Escalation)?)))
}

/// Keeps such an escalation with the entry that brought it.
pub(crate) fn announce<S: Store>(
    context: &mut Context<'_, S>,
    id: EscalationId,
    cause: Cause,
    entry_id: EntryId,
) -> Result<(), Corruption> {
    let priority = cause.trigger.priority();
    let at = context.applied.at;
    let record = EscalationRecord {
        entry_id,
        decision: cause.decision,
        risk: cause.risk,
        trigger: cause.trigger,
        priority,
        auto: true,
        status: EscalationStatus::Pending,
        recipients: vec![GOVERNANCE_TEAM.to_owned()],
        created_at: at,
        deadline: at.checked_add(priority.time()).unwrap_or(Timestamp::MAX),
        acknowledged: None,
        ended: None,
        resolution: None,
        consumed: None,
    };
    open(context, id, &record)
}
