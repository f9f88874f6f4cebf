//! What regulators are given in one piece: records of a period, and what humans
//! did in it.

use std::collections::HashMap;

use proto::governance::v1::{
    FormattedText, GetOversightPackageRequest, GetRegulatoryPackageRequest, OversightPackage,
    OversightPackageReply, PackagedIntervention, PackagedRecord, Period, RecordSummary,
    RegulatoryPackage, RegulatoryPackageReply,
};
use types::Json;

use super::oversight::{counts, effectiveness};
use super::records::{by_class, by_status, integrity};
use crate::call::Content;
use crate::grpc::caller::{Input, Query};
use crate::grpc::escalations::escalation;
use crate::grpc::members::Members;
use crate::grpc::overrides;
use crate::problem::Problem;
use crate::routes::Op;

/// What may be asked for in more than one form.
pub(super) enum Form<T> {
    /// Members.
    Members(T),
    /// A text, for those who read.
    Text(FormattedText),
}

/// The form in which a document came.
pub(super) fn form<T>(
    content: Content,
    members: impl FnOnce(Members) -> T,
) -> Result<Form<T>, Problem> {
    match content {
        Content::Json(object) => Ok(Form::Members(members(Members(object)))),
        Content::Bytes { media, bytes } => {
            let text = String::from_utf8(bytes.into()).map_err(|_| Problem::internal())?;
            Ok(Form::Text(FormattedText { content_type: media.to_owned(), text }))
        }
        Content::File { .. } | Content::Download { .. } => Err(Problem::internal()),
    }
}

pub(super) fn of_records(message: GetRegulatoryPackageRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("format", message.format)
        .put("from", message.from)
        .put("to", message.to)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::RegulatoryPackage) })
}

pub(super) fn of_oversight(message: GetOversightPackageRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("format", message.format)
        .put("from", message.from)
        .put("to", message.to)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::OversightPackage) })
}

pub(super) fn records(content: Content) -> Result<RegulatoryPackageReply, Problem> {
    Ok(match form(content, regulatory)? {
        Form::Members(package) => RegulatoryPackageReply { package: Some(package), text: None },
        Form::Text(text) => RegulatoryPackageReply { package: None, text: Some(text) },
    })
}

pub(super) fn oversight(content: Content) -> Result<OversightPackageReply, Problem> {
    Ok(match form(content, of_humans)? {
        Form::Members(package) => OversightPackageReply { package: Some(package), text: None },
        Form::Text(text) => OversightPackageReply { package: None, text: Some(text) },
    })
}

fn regulatory(mut reply: Members) -> RegulatoryPackage {
    RegulatoryPackage {
        package_type: reply.word("package_type"),
        period: reply.object("period", period),
        summary: reply.object("summary", summary),
        integrity_verification: reply.object("integrity_verification", integrity),
        records: reply.list("records", record),
        statuses: reply.object("statuses", meanings).unwrap_or_default(),
        as_of_index: reply.count("as_of_index"),
    }
}

fn period(mut period: Members) -> Period {
    Period { from: period.text("from"), to: period.text("to") }
}

fn summary(mut summary: Members) -> RecordSummary {
    RecordSummary {
        total_records: summary.count("total_records"),
        by_classification: summary.object("by_classification", by_class),
        by_status: summary.object("by_status", by_status),
        by_entry_type: summary.object("by_entry_type", counts).unwrap_or_default(),
        legal_holds_active: summary.count("legal_holds_active"),
        retention_days: summary.object("retention_days", by_class),
        personal_retention_days: summary.count("personal_retention_days"),
    }
}

/// What each status means.
fn meanings(statuses: Members) -> HashMap<String, String> {
    let text = |meaning: Json| meaning.as_str().unwrap_or_default().to_owned();
    statuses.0.into_iter().map(|(status, meaning)| (status, text(meaning))).collect()
}

fn record(mut record: Members) -> PackagedRecord {
    PackagedRecord {
        entry_id: record.count("entry_id"),
        entry_type: record.word("entry_type"),
        timestamp: record.word("timestamp"),
        actor: record.text("actor"),
        classification: record.word("classification"),
        status: record.word("status"),
        data_json: record.json_or_none("data"),
        erased_json: record.json_or_none("erased"),
        data_hash: record.word("data_hash"),
        personal_hash: record.text("personal_hash"),
        current_hash: record.word("current_hash"),
    }
}

fn of_humans(mut reply: Members) -> OversightPackage {
    OversightPackage {
        package_type: reply.word("package_type"),
        period: reply.object("period", period),
        interventions: reply.list("interventions", intervention),
        escalations: reply.list("escalations", escalation),
        overrides: reply.list("overrides", overrides::shown),
        erased: reply.count("erased"),
        metrics: reply.object("metrics", effectiveness),
        checkpoint: reply.text("checkpoint"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn intervention(mut it: Members) -> PackagedIntervention {
    PackagedIntervention {
        intervention_id: it.text("intervention_id"),
        intervention_type: it.text("intervention_type"),
        human_role: it.text("human_role"),
        by: it.text("by"),
        authn: it.text("authn"),
        decision_id: it.text("decision_id"),
        response_time_ms: it.number("response_time_ms"),
        stop_id: it.text("stop_id"),
        ai_recommendation_json: it.json_or_none("ai_recommendation"),
        human_decision_json: it.json_or_none("human_decision"),
        reason: it.text("reason"),
        timestamp: it.word("timestamp"),
        ledger_entry_id: it.count("ledger_entry_id"),
        ledger_entry_hash: it.word("ledger_entry_hash"),
        erased_json: it.json_or_none("erased"),
    }
}
