//! Frameworks and their controls.

use proto::governance::v1::{
    AttestControlRequest, CategoryCounts, ComplianceStatistics, ComplianceStatisticsRequest,
    Control, ControlFilters, ControlGap, FrameworkCounts, FrameworkCoverage, FrameworkReport,
    FrameworkRequest, FrameworkTotals, GetControlRequest, LinkControlReply, LinkControlRequest,
    ListControlsReply, ListControlsRequest, ListGapsReply,
};
use types::Object;

use super::duties::{attestation, counts, evidence, summary};
use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::put;
use crate::grpc::members::Members;
use crate::problem::Problem;
use crate::routes::Op;

pub(super) fn of_statistics(message: ComplianceStatisticsRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { query, ..Input::of(Op::ComplianceStatistics) })
}

pub(super) fn of_controls(message: ListControlsRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("status", message.status)
        .put("category", message.category)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { path: message.framework, query, ..Input::of(Op::Controls) })
}

pub(super) fn of_control(message: GetControlRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    let path = path(&message.framework, &message.control_id);
    Ok(Input { path, query, ..Input::of(Op::Control) })
}

pub(super) fn of_gaps(message: FrameworkRequest) -> Result<Input, Problem> {
    Ok(of_framework(Op::Gaps, message))
}

pub(super) fn of_report(message: FrameworkRequest) -> Result<Input, Problem> {
    Ok(of_framework(Op::ComplianceReport, message))
}

pub(super) fn of_coverage(message: FrameworkRequest) -> Result<Input, Problem> {
    Ok(of_framework(Op::Coverage, message))
}

fn of_framework(op: Op, message: FrameworkRequest) -> Input {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Input { path: message.framework, query, ..Input::of(op) }
}

/// Both parameters of a path, as the routes give them.
fn path(framework: &str, control_id: &str) -> String {
    format!("{framework}/{control_id}")
}

pub(super) fn link(message: LinkControlRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("artifact_id", message.artifact_id);
    put(&mut members, "evidence_type", message.evidence_type);
    let path = path(&message.framework, &message.control_id);
    Ok(Input { path, ..Input::with_body(Op::ControlLink, members) })
}

pub(super) fn attest(message: AttestControlRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("statement", message.statement);
    members.insert("artifact_ids", message.artifact_ids);
    put(&mut members, "valid_until", message.valid_until);
    put(&mut members, "attested_by", message.attested_by);
    let path = path(&message.framework, &message.control_id);
    Ok(Input { path, ..Input::with_body(Op::ControlAttest, members) })
}

pub(super) fn statistics(mut reply: Members) -> ComplianceStatistics {
    ComplianceStatistics {
        frameworks_tracked: reply.count("frameworks_tracked"),
        frameworks: reply.list("frameworks", framework),
        total_controls: reply.count("total_controls"),
        by_status: reply.object("by_status", counts),
        overall_coverage_percent: reply.count("overall_coverage_percent"),
        obligations: reply.object("obligations", summary),
        register_version: reply.word("register_version"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn framework(mut of: Members) -> FrameworkCounts {
    FrameworkCounts {
        framework: of.word("framework"),
        total_controls: of.count("total_controls"),
        by_status: of.object("by_status", counts),
    }
}

pub(super) fn list(mut reply: Members) -> ListControlsReply {
    ListControlsReply {
        framework: reply.word("framework"),
        count: reply.count("count"),
        filters: reply.object("filters", filters),
        controls: reply.list("controls", control),
        as_of_index: reply.count("as_of_index"),
    }
}

fn filters(mut asked: Members) -> ControlFilters {
    ControlFilters { status: asked.text("status"), category: asked.text("category") }
}

pub(super) fn control(mut control: Members) -> Control {
    Control {
        control_id: control.word("control_id"),
        framework: control.word("framework"),
        title: control.word("title"),
        category: control.word("category"),
        status: control.word("status"),
        status_detail: control.word("status_detail"),
        evidence: control.list("evidence", evidence),
        human_evidence_required: control.texts("human_evidence_required"),
        evidence_artifact_ids: control.texts("evidence_artifact_ids"),
        attestations: control.list("attestations", attestation),
        primitives: control.texts("primitives"),
        missing: control.texts("missing"),
        last_evidence_at: control.text("last_evidence_at"),
        as_of_index: control.number("as_of_index"),
    }
}

pub(super) fn gaps(mut reply: Members) -> ListGapsReply {
    ListGapsReply {
        framework: reply.word("framework"),
        count: reply.count("count"),
        gaps: reply.list("gaps", gap),
        as_of_index: reply.count("as_of_index"),
    }
}

fn gap(mut gap: Members) -> ControlGap {
    ControlGap {
        control_id: gap.word("control_id"),
        title: gap.word("title"),
        status: gap.word("status"),
        status_detail: gap.word("status_detail"),
        missing: gap.texts("missing"),
    }
}

pub(super) fn report(mut reply: Members) -> FrameworkReport {
    FrameworkReport {
        report_id: reply.word("report_id"),
        framework: reply.word("framework"),
        name: reply.word("name"),
        framework_version: reply.word("framework_version"),
        as_of: reply.word("as_of"),
        totals: reply.object("totals", totals),
        gaps: reply.list("gaps", gap),
        evidence: reply.list("evidence", evidence),
        limits: reply.word("limits"),
        register_version: reply.word("register_version"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn totals(mut totals: Members) -> FrameworkTotals {
    FrameworkTotals {
        total_controls: totals.count("total_controls"),
        by_status: totals.object("by_status", counts),
        coverage_percent: totals.count("coverage_percent"),
    }
}

pub(super) fn coverage(mut reply: Members) -> FrameworkCoverage {
    FrameworkCoverage {
        framework: reply.word("framework"),
        total_controls: reply.count("total_controls"),
        by_status: reply.object("by_status", counts),
        by_category: reply.list("by_category", category),
        coverage_percent: reply.count("coverage_percent"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn category(mut of: Members) -> CategoryCounts {
    CategoryCounts {
        category: of.word("category"),
        total_controls: of.count("total_controls"),
        by_status: of.object("by_status", counts),
    }
}

pub(super) fn linked(mut reply: Members) -> LinkControlReply {
    LinkControlReply {
        framework: reply.word("framework"),
        control_id: reply.word("control_id"),
        artifact_id: reply.word("artifact_id"),
        evidence_types: reply.texts("evidence_types"),
        already_linked: reply.flag("already_linked"),
        total_evidence_artifacts: reply.count("total_evidence_artifacts"),
        ledger_entry_id: reply.number("ledger_entry_id"),
    }
}
