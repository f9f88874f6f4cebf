//! Members of a control or a duty that answers describe.

use crate::reply::{Member, Value, flag, hash, integer, list, text, texts, time};

/// What a question to the ledger found, where it is evidence.
const EVIDENCE: &[Member] = &[
    text("query", "The question: `GET /compliance/queries/{query}` says all of it."),
    integer("version", "Which meaning of the question."),
    integer("count", "How many are as they have to be."),
    integer("population", "Of how many."),
    integer("threshold", "How many have to be."),
    text("result", "`pass`, `fail`, or `inconclusive` where nothing can be told."),
    flag("satisfied", "Whether it passes."),
    hash("digest", "SHA-256 of what was asked and found."),
];

const ATTESTATION: &[Member] = &[
    text("attestation_id", "Its id.").or_null(),
    text("attested_by", "Who vouched.").or_null(),
    texts("artifact_ids", "For what."),
    time("attested_at", "When."),
    time("valid_until", "Until when; null is without end.").or_null(),
    flag(
        "counts",
        "Whether it does: it is in time, somebody checked who it was, and who registered the \
         evidence is known, and somebody else.",
    ),
    integer("ledger_entry_id", "The entry that says so; the statement is in its personal part."),
];

pub(super) const STATUS: Member = text(
    "status",
    "`evidence_sufficient`, `partial`, `needs_human_evidence`, `insufficient` or \
     `not_applicable`; computed as of the entry, and never kept.",
);
pub(super) const DETAIL: Member = text("status_detail", "The finer name.");
pub(super) const EVIDENCE_LIST: Member =
    list("evidence", EVIDENCE, "What questions to the ledger found.");
pub(super) const HUMAN: Member =
    texts("human_evidence_required", "Kinds of evidence that people must bring.");
pub(super) const ARTIFACTS: Member = texts("evidence_artifact_ids", "Evidence that was linked.");
pub(super) const ATTESTATIONS: Member =
    list("attestations", ATTESTATION, "Who vouched for it, oldest first.");
pub(super) const PRIMITIVES: Member =
    texts("primitives", "What of the ledger it is shown by, in the words of the register.");
pub(super) const MISSING: Member =
    texts("missing", "Questions that do not pass, and kinds of evidence that are not valid.");
pub(super) const LAST: Member =
    Member::new("last_evidence_at", Value::Time, "When anything was last recorded for it.")
        .or_null();
