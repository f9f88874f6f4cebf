//! Records: how they stand, what holds keep, and what is erased (article 12).

use proto::governance::v1::{
    AnonymizeReply, AnonymizeRequest, ApplyHoldReply, ApplyHoldRequest, ClassCounts, EntryFilter,
    LedgerIntegrity, LegalHold, ListHoldsReply, ListHoldsRequest, RecordCounts, RecordStatus,
    RecordStatusRequest, ReleaseHoldReply, ReleaseHoldRequest,
};
use types::{Json, Number, Object};

use crate::grpc::caller::{Input, Query};
use crate::grpc::decisions::put;
use crate::grpc::members::Members;
use crate::problem::{Fault, Problem};
use crate::routes::Op;

pub(super) fn of_status(message: RecordStatusRequest) -> Result<Input, Problem> {
    let query = Query::default().put("as_of", message.as_of).read(message.read);
    Ok(Input { query, ..Input::of(Op::RecordStatus) })
}

pub(super) fn apply(message: ApplyHoldRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    members.insert("reason", message.reason);
    put(&mut members, "hold_id", message.hold_id);
    if !message.entry_ids.is_empty() {
        members.insert("entry_ids", entry_ids(&message.entry_ids)?);
    }
    put(&mut members, "filter", message.filter.map(filter));
    put(&mut members, "all", message.all);
    put(&mut members, "requester", message.requester);
    Ok(Input::with_body(Op::HoldApply, members))
}

fn entry_ids(ids: &[i64]) -> Result<Json, Problem> {
    let number = |(at, id): (usize, &i64)| {
        Number::from_i64(*id).map(Json::Number).map_err(|error| {
            let place = format!("/entry_ids/{at}");
            Problem::fault(Fault::at(place, "out_of_range", error.to_string()))
        })
    };
    Ok(Json::Array(ids.iter().enumerate().map(number).collect::<Result<_, _>>()?))
}

fn filter(given: EntryFilter) -> Object {
    let mut filter = Object::new();
    put(&mut filter, "actor", given.actor);
    put(&mut filter, "entry_type", given.entry_type);
    put(&mut filter, "from", given.from);
    put(&mut filter, "to", given.to);
    filter
}

pub(super) fn of_holds(message: ListHoldsRequest) -> Result<Input, Problem> {
    let query = Query::default()
        .put("status", message.status)
        .put("limit", message.limit)
        .put("after", message.after)
        .put("as_of", message.as_of)
        .read(message.read);
    Ok(Input { query, ..Input::of(Op::Holds) })
}

pub(super) fn release(message: ReleaseHoldRequest) -> Result<Input, Problem> {
    let query = Query::default().put("reason", Some(message.reason));
    Ok(Input { path: message.hold_id, query, ..Input::of(Op::HoldRelease) })
}

pub(super) fn anonymize(message: AnonymizeRequest) -> Result<Input, Problem> {
    let mut members = Object::new();
    put(&mut members, "dry_run", message.dry_run);
    put(&mut members, "part", message.part);
    put(&mut members, "subject", message.subject);
    put(&mut members, "before", message.before);
    Ok(Input::with_body(Op::Anonymize, members))
}

pub(super) fn status(mut reply: Members) -> RecordStatus {
    RecordStatus {
        total_records: reply.count("total_records"),
        by_classification: reply.object("by_classification", by_class),
        by_status: reply.object("by_status", by_status),
        expiring_within_30_days: reply.count("expiring_within_30_days"),
        legal_holds_active: reply.count("legal_holds_active"),
        retention_days: reply.object("retention_days", by_class),
        personal_retention_days: reply.count("personal_retention_days"),
        oldest_record: reply.word("oldest_record"),
        newest_record: reply.word("newest_record"),
        integrity: reply.object("integrity", integrity),
        status: reply.word("status"),
        status_detail: reply.word("status_detail"),
        as_of_index: reply.count("as_of_index"),
    }
}

/// A number for each class.
pub(super) fn by_class(counts: Members) -> ClassCounts {
    ClassCounts {
        high_risk: counts.count("high_risk"),
        standard: counts.count("standard"),
        gdpr_intersect: counts.count("gdpr_intersect"),
    }
}

/// Records by status.
pub(super) fn by_status(counts: Members) -> RecordCounts {
    RecordCounts {
        active: counts.count("active"),
        expiring: counts.count("expiring"),
        legal_hold: counts.count("legal_hold"),
        anonymized: counts.count("anonymized"),
        archived: counts.count("archived"),
    }
}

/// Whether the ledger holds.
pub(super) fn integrity(mut of: Members) -> LedgerIntegrity {
    LedgerIntegrity {
        valid: of.fact("valid"),
        verified_through: of.number("verified_through"),
        checkpoint: of.text("checkpoint"),
    }
}

pub(super) fn applied(mut reply: Members) -> ApplyHoldReply {
    ApplyHoldReply {
        hold_id: reply.word("hold_id"),
        status: reply.word("status"),
        records_affected: reply.count("records_affected"),
        records_affected_exact: reply.flag("records_affected_exact"),
        applied_at: reply.word("applied_at"),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}

pub(super) fn holds(mut reply: Members) -> ListHoldsReply {
    ListHoldsReply {
        holds: reply.list("holds", hold),
        count: reply.count("count"),
        total: reply.count("total"),
        total_exact: reply.flag("total_exact"),
        next: reply.number("next"),
        as_of_index: reply.count("as_of_index"),
    }
}

fn hold(mut hold: Members) -> LegalHold {
    LegalHold {
        hold_id: hold.word("hold_id"),
        status: hold.word("status"),
        reason: hold.word("reason"),
        scope_json: hold.json("scope"),
        records_affected: hold.count("records_affected"),
        records_affected_exact: hold.flag("records_affected_exact"),
        applied_by: hold.text("applied_by"),
        applied_at: hold.word("applied_at"),
        ledger_entry_id: hold.count("ledger_entry_id"),
        released_by: hold.text("released_by"),
        released_at: hold.text("released_at"),
        release_reason: hold.text("release_reason"),
        release_entry_id: hold.number("release_entry_id"),
    }
}

pub(super) fn released(mut reply: Members) -> ReleaseHoldReply {
    ReleaseHoldReply {
        hold_id: reply.word("hold_id"),
        status: reply.word("status"),
        released_at: reply.word("released_at"),
        ledger_entry_id: reply.count("ledger_entry_id"),
    }
}

pub(super) fn anonymized(mut reply: Members) -> AnonymizeReply {
    AnonymizeReply {
        dry_run: reply.flag("dry_run"),
        part: reply.word("part"),
        candidates: reply.count("candidates"),
        anonymized: reply.count("anonymized"),
        skipped_under_hold: reply.count("skipped_under_hold"),
        skipped_in_retention: reply.count("skipped_in_retention"),
        not_looked_at: reply.count("not_looked_at"),
        ledger_entry_id: reply.number("ledger_entry_id"),
    }
}
