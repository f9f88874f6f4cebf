//! Serious incidents: article 73.

use proto::governance::v1::{
    CloseIncidentRequest, GetIncidentRequest, Incident, ListIncidentsReply, ListIncidentsRequest,
    RecordIncidentRequest, ReportIncidentRequest,
};
use types::Object;

use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::{put, put_list};
use crate::grpc::members::Members;
use crate::problem::Problem;
use crate::routes::Op;

pub(super) fn record(message: RecordIncidentRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("title", message.title);
    members.insert("description", message.description);
    members.insert("category", message.category);
    put_list(&mut members, "other_categories", message.other_categories);
    members.insert("aware_at", message.aware_at);
    put(&mut members, "provider_aware_at", message.provider_aware_at);
    put(&mut members, "deployer_aware_at", message.deployer_aware_at);
    put(&mut members, "causal_link_at", message.causal_link_at);
    put(&mut members, "occurred_at", message.occurred_at);
    put(&mut members, "system_id", message.system_id);
    put_list(&mut members, "decision_ids", message.decision_ids);
    Ok(Input::with_body(Op::IncidentRecord, members))
}

pub(super) fn of_list(message: ListIncidentsRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("limit", message.limit)
        .put("after", message.after)
        .put("status", message.status)
        .put("order", message.order)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Incidents) })
}

pub(super) fn get(message: GetIncidentRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { path: message.incident_id, query, ..Input::of(Op::Incident) })
}

pub(super) fn report(message: ReportIncidentRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("authority", message.authority);
    members.insert("reference", message.reference);
    Ok(Input { path: message.incident_id, ..Input::with_body(Op::IncidentReport, members) })
}

pub(super) fn close(message: CloseIncidentRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("notes", message.notes);
    Ok(Input { path: message.incident_id, ..Input::with_body(Op::IncidentClose, members) })
}

pub(super) fn shown(mut incident: Members) -> Incident {
    Incident {
        incident_id: incident.word("incident_id"),
        category: incident.word("category"),
        other_categories: incident.texts("other_categories"),
        clock_days: incident.count("clock_days"),
        report_due_at: incident.word("report_due_at"),
        status: incident.word("status"),
        overdue: incident.flag("overdue"),
        title: incident.text("title"),
        description: incident.text("description"),
        aware_at: incident.text("aware_at"),
        provider_aware_at: incident.text("provider_aware_at"),
        deployer_aware_at: incident.text("deployer_aware_at"),
        causal_link_at: incident.text("causal_link_at"),
        occurred_at: incident.text("occurred_at"),
        system_id: incident.text("system_id"),
        decision_ids: incident.texts("decision_ids"),
        hold_id: incident.text("hold_id"),
        recorded_at: incident.word("recorded_at"),
        authority: incident.text("authority"),
        reference: incident.text("reference"),
        reported_at: incident.text("reported_at"),
        notes: incident.text("notes"),
        closed_at: incident.text("closed_at"),
        ledger_entry_id: incident.count("ledger_entry_id"),
        as_of_index: incident.number("as_of_index"),
    }
}

pub(super) fn list(mut reply: Members) -> ListIncidentsReply {
    ListIncidentsReply {
        incidents: reply.list("incidents", shown),
        total: reply.count("total"),
        total_exact: reply.flag("total_exact"),
        next: reply.text("next"),
        as_of_index: reply.count("as_of_index"),
    }
}
