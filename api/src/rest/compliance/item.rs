//! A control or a duty as answers show it.

use governance::compliance::{Attested, Item, QueryResult};
use register::Standing;
use types::{ArtifactId, Json, Object};

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
        "Whether it does: it is in time, somebody checked who it was, and nobody vouches for what \
         they registered themselves.",
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

/// Members that controls and duties share.
pub(super) fn put(members: &mut Object, item: &Item<'_>) {
    members.insert("status", item.status.as_str());
    members.insert("status_detail", item.detail.as_str());
    members.insert("evidence", evidence(&item.evidence));
    let human: Vec<&str> = item.human_required.iter().map(|kind| kind.as_str()).collect();
    members.insert("human_evidence_required", human);
    members.insert("evidence_artifact_ids", artifacts(item));
    let attestations = item.attestations.iter().map(attestation);
    members.insert("attestations", Json::Array(attestations.collect()));
    let primitives: Vec<&str> = item.primitives.iter().map(|word| word.as_str()).collect();
    members.insert("primitives", primitives);
    members.insert("missing", item.missing.to_vec());
    members.insert("last_evidence_at", item.last_evidence_at.map(|at| at.to_string()));
}

pub(super) fn evidence(results: &[&QueryResult]) -> Json {
    let shown = results.iter().map(|found| {
        Json::object([
            ("query", found.query.as_str().into()),
            ("version", found.version.into()),
            ("count", found.count.into()),
            ("population", found.population.into()),
            ("threshold", found.threshold.into()),
            ("result", found.result.as_str().into()),
            ("satisfied", found.is_satisfied().into()),
            ("digest", found.digest.to_string().into()),
        ])
    });
    Json::Array(shown.collect())
}

/// Each once, however many kinds it stands for; erased ones are no more.
fn artifacts(item: &Item<'_>) -> Vec<String> {
    let mut seen: Vec<ArtifactId> = Vec::new();
    for linked in item.artifacts.iter().filter(|linked| linked.standing != Standing::Missing) {
        if !seen.contains(&linked.artifact) {
            seen.push(linked.artifact);
        }
    }
    seen.iter().map(ArtifactId::to_string).collect()
}

fn attestation(attested: &Attested) -> Json {
    let artifacts: Vec<String> = attested.artifacts.iter().map(ArtifactId::to_string).collect();
    let counts = attested.is_checked && !attested.is_own && !attested.is_over;
    Json::object([
        ("attestation_id", attested.attestation.map(|id| id.to_string()).into()),
        ("attested_by", attested.by.clone().into()),
        ("artifact_ids", artifacts.into()),
        ("attested_at", attested.at.to_string().into()),
        ("valid_until", attested.valid_until.map(|until| until.to_string()).into()),
        ("counts", counts.into()),
        ("ledger_entry_id", attested.entry_id.0.into()),
    ])
}
