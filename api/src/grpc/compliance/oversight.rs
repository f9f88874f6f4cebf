//! Human oversight: article 14.

use std::collections::HashMap;

use proto::governance::v1::{
    EscalationFigures, LiftStopReply, LiftStopRequest, OversightEffectivenessReply,
    OversightEffectivenessRequest, RecordInterventionReply, RecordInterventionRequest,
    ResponseTimes, VerifyInterventionReply, VerifyInterventionRequest,
};
use types::{Json, Object};

use crate::edge::intake::json_problem;
use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::{put, put_integer, signature_members, signature_message};
use crate::grpc::members::Members;
use crate::grpc::risks::metadata;
use crate::json_text;
use crate::problem::{Fault, Problem};
use crate::routes::Op;

pub(super) fn record(message: RecordInterventionRequest) -> Result<Input, Problem> {
    let free = |text: String| metadata(Some(text).filter(|text| !text.is_empty()), Op::Intervene);
    let mut members = Object::new();
    members.insert("intervention_type", message.intervention_type);
    put(&mut members, "ai_recommendation", free(message.ai_recommendation_json)?);
    put(&mut members, "human_decision", free(message.human_decision_json)?);
    members.insert("human_role", message.human_role);
    members.insert("reason", message.reason);
    put(&mut members, "human_id", message.human_id);
    put(&mut members, "decision_id", message.decision_id);
    let context = metadata(message.request_context_json, Op::Intervene)?;
    put(&mut members, "request_context", context);
    put_integer(&mut members, "response_time_ms", message.response_time_ms)?;
    put(&mut members, "display_digest", message.display_digest);
    if let Some(scope) = message.stop {
        let mut stop = Object::new();
        put(&mut stop, "actor", scope.actor);
        put(&mut stop, "action", scope.action);
        members.insert("stop", stop);
    }
    Ok(Input::with_body(Op::Intervene, members))
}

pub(super) fn verify(message: VerifyInterventionRequest) -> Result<Input, Problem> {
    let text = message.members_json.unwrap_or_else(|| "{}".to_owned());
    let members = json_text::read(text.as_bytes())
        .map_err(|fault| json_problem(Op::InterventionVerify, fault))?;
    let Json::Object(mut members) = members else {
        return Err(Problem::fault(Fault::at("/members_json", "wrong_type", "must be an object")));
    };
    members.insert("intervention_id", message.intervention_id);
    put(&mut members, "signature", message.signature.map(signature_members));
    Ok(Input::with_body(Op::InterventionVerify, members))
}

pub(super) fn lift(message: LiftStopRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("reason", message.reason);
    put(&mut members, "lifted_by", message.lifted_by);
    Ok(Input { path: message.stop_id, ..Input::with_body(Op::StopLift, members) })
}

pub(super) fn period(message: OversightEffectivenessRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("period_days", message.period_days)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Effectiveness) })
}

pub(super) fn recorded(mut reply: Members) -> RecordInterventionReply {
    RecordInterventionReply {
        status: reply.word("status"),
        intervention_id: reply.word("intervention_id"),
        stop_id: reply.text("stop_id"),
        timestamp: reply.word("timestamp"),
        signature: reply.object("signature", signature_message),
        ledger_entry_id: reply.count("ledger_entry_id"),
        ledger_entry_hash: reply.word("ledger_entry_hash"),
    }
}

pub(super) fn verified(mut reply: Members) -> VerifyInterventionReply {
    VerifyInterventionReply {
        verified: reply.fact("verified"),
        intervention_id: reply.word("intervention_id"),
        mismatched_fields: reply.texts("mismatched_fields"),
        erased_fields: reply.texts("erased_fields"),
        signature_valid: reply.fact("signature_valid"),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}

pub(super) fn lifted(mut reply: Members) -> LiftStopReply {
    LiftStopReply {
        stop_id: reply.word("stop_id"),
        status: reply.word("status"),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}

/// Counts by name.
pub(super) fn counts(counts: Members) -> HashMap<String, u64> {
    counts.0.into_iter().map(|(name, count)| (name, count.as_u64().unwrap_or_default())).collect()
}

pub(super) fn effectiveness(mut reply: Members) -> OversightEffectivenessReply {
    let by = reply.object("intervention_breakdown", |mut by| {
        (by.object("by_type", counts), by.object("by_role", counts))
    });
    let (by_type, by_role) = by.unwrap_or_default();
    OversightEffectivenessReply {
        period_days: reply.count("period_days"),
        total_interventions: reply.count("total_interventions"),
        by_type: by_type.unwrap_or_default(),
        by_role: by_role.unwrap_or_default(),
        overrides: reply.count("overrides"),
        approvals: reply.count("approvals"),
        override_rate_percent: reply.number("override_rate_percent"),
        response_time_ms: reply.object("response_time_ms", |times| ResponseTimes {
            average: times.number("average"),
            minimum: times.number("minimum"),
            maximum: times.number("maximum"),
        }),
        escalations: reply.object("escalations", |figures| EscalationFigures {
            created: figures.count("created"),
            resolved: figures.count("resolved"),
            expired: figures.count("expired"),
            within_sla_percent: figures.number("within_sla_percent"),
        }),
        resolution_outcomes: reply.object("resolution_outcomes", counts).unwrap_or_default(),
        status: reply.word("status"),
        status_detail: reply.word("status_detail"),
        findings: reply.texts("findings"),
        as_of_index: reply.count("as_of_index"),
    }
}
