//! Records as everybody is shown them, member by member: replies and exports have
//! the same.
//!
//! Nothing here reads the state or knows who may see what.

mod compliance;
mod decision;
mod entry;
mod intervention;
mod keys;
mod oversight;
mod policy;

use types::{EntryId, Json, Object};

use crate::risk;
use crate::view::{Artifact, Assessment, Responsibility, ResponsibilityReview, Signed};

pub use compliance::{assessment, control, duty, evidence};
pub use decision::{Decision, decision};
pub use entry::{Parts, entry, erased, parts};
pub(crate) use entry::{entry_of, erasure};
pub use intervention::intervention;
pub use keys::keys;
pub use oversight::{escalation, override_of};
pub use policy::{policy, policy_with_document};

/// An assessment of risk.
pub fn risk(assessment: &Assessment) -> Object {
    let given = risk::weighted(&assessment.dimensions);
    let by_dimension = given.map(|(name, _, value)| (name, value.map(u32::from).into()));
    let factors = given.into_iter().filter_map(|(name, weight, value)| {
        let value = u32::from(value?);
        let name = format!("{name}_risk");
        Some(Json::object([
            ("name", name.into()),
            ("weight", weight.into()),
            ("value", value.into()),
        ]))
    });
    let mut shown = Object::new();
    shown.insert("risk_id", assessment.id.to_string());
    shown.insert("decision_id", assessment.decision.to_string());
    shown.insert("version", assessment.version);
    shown.insert("supersedes", assessment.supersedes.map(|id| id.to_string()));
    shown.insert("overall_score", assessment.score);
    shown.insert("risk_level", risk::level(assessment.score));
    shown.insert("dimensions", Json::object(by_dimension));
    shown.insert("factors", Json::Array(factors.collect()));
    shown.insert("escalation_id", assessment.escalation.map(|id| id.to_string()));
    shown.insert("timestamp", assessment.at.to_string());
    shown.insert("ledger_entry_id", assessment.entry_id.0);
    shown
}

/// One of `risk_versions` of a decision.
pub fn risk_version(assessment: &Assessment) -> Json {
    Json::object([
        ("risk_id", assessment.id.to_string().into()),
        ("version", assessment.version.into()),
        ("overall_score", assessment.score.into()),
        ("risk_level", risk::level(assessment.score).into()),
        ("timestamp", assessment.at.to_string().into()),
    ])
}

/// An artifact as it was when an entry was recorded: what was added later is not
/// shown.
pub fn artifact(artifact: &Artifact, as_of: EntryId) -> Object {
    let links = artifact.links.iter().filter(|link| link.entry_id <= as_of);
    let decisions = artifact.decisions.iter().chain(links.map(|link| &link.decision));
    let decisions: Vec<String> = decisions.map(ToString::to_string).collect();
    let signatures = artifact.signatures.iter().filter(|signed| signed.entry_id <= as_of);
    let signatures = signatures.map(signature).collect();
    let mut shown = Object::new();
    shown.insert("artifact_id", artifact.id.to_string());
    shown.insert("artifact_type", artifact.kind.as_str());
    shown.insert("sha256_hash", artifact.content.map(|content| content.sha256.to_string()));
    shown.insert("size_bytes", artifact.content.map(|content| content.size));
    shown.insert("content_type", artifact.content_type.clone());
    shown.insert("source", artifact.source.clone());
    shown.insert("created_at", artifact.at.to_string());
    shown.insert("retention_until", artifact.retention_until.map(|until| until.to_string()));
    shown.insert("is_immutable", true);
    shown.insert("storage_uri", artifact.storage_uri.clone());
    shown.insert("related_decision_ids", decisions);
    shown.insert("related_control_ids", artifact.controls.clone());
    shown.insert("signatures", Json::Array(signatures));
    shown.insert("content_url", format!("/evidence/{}/content", artifact.id));
    shown.insert("registered_by", artifact.registered_by.clone());
    shown.insert("metadata", artifact.metadata.clone().map(Json::Object));
    shown.insert("ledger_entry_id", artifact.entry_id.0);
    shown
}

fn signature(signed: &Signed) -> Json {
    Json::object([
        ("key_id", signed.key.to_string().into()),
        ("signer", signed.signer.clone().into()),
        ("algorithm", "Ed25519".into()),
        ("signature", signed.signature.as_str().into()),
        ("signed_at", signed.at.to_string().into()),
    ])
}

/// Somebody who answers for a decision.
pub fn responsibility(record: &Responsibility) -> Object {
    let mut shown = Object::new();
    shown.insert("record_id", record.id.to_string());
    shown.insert("decision_id", record.decision.to_string());
    shown.insert("decision_maker", record.maker.as_str());
    shown.insert("responsible_party", record.party.as_str());
    shown.insert("role", record.role.as_str());
    shown.insert("reasoning", record.reasoning.as_deref());
    shown.insert("responsibility_level", record.level.as_str());
    shown.insert("confidence_percent", record.confidence);
    shown.insert("delegated_from", record.delegated_from.as_deref());
    shown.insert("escalation_id", record.escalation().map(|id| id.to_string()));
    shown.insert("override_id", record.overridden_by().map(|id| id.to_string()));
    shown.insert("review_required", record.review_required);
    shown.insert("review", record.review.as_ref().map(review));
    shown.insert("timestamp", record.at.to_string());
    shown.insert("ledger_entry_id", record.entry_id.0);
    shown
}

fn review(review: &ResponsibilityReview) -> Json {
    Json::object([
        ("outcome", review.outcome.map(|outcome| outcome.as_str()).into()),
        ("notes", review.notes.as_deref().into()),
        ("reviewed_by", review.by.as_deref().into()),
        ("reviewed_at", review.at.to_string().into()),
        ("ledger_entry_id", review.entry_id.0.into()),
    ])
}
