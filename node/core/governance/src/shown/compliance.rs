//! How duties and controls stand.

use register::{EU_AI_ACT, Standing, register};
use types::{ArtifactId, Json, Object};

use crate::compliance::{Assessment, Attested, Item, QueryResult};

/// Everything as of an entry: the member `compliance` of exports.
pub fn assessment(of: &Assessment) -> Json {
    let duties = of.items(EU_AI_ACT).filter_map(|item| duty(&item)).map(Json::Object);
    let frameworks = register().frameworks().iter().map(|framework| {
        let controls = of.items(framework.id()).map(|item| Json::Object(control(&item)));
        Json::object([
            ("framework", framework.id().into()),
            ("controls", Json::Array(controls.collect())),
        ])
    });
    Json::object([
        ("as_of_index", of.as_of.0.into()),
        ("frameworks", Json::Array(frameworks.collect())),
        ("obligations", Json::Array(duties.collect())),
        ("register_version", register().version().into()),
    ])
}

/// A duty of the act; `None` for what is none.
pub fn duty(of: &Item<'_>) -> Option<Object> {
    let (article, duty) = register().duty(of.id)?;
    let mut members = Object::new();
    members.insert("id", of.id);
    members.insert("ref", duty.reference.as_str());
    members.insert("article", article.article.as_str());
    members.insert("title", duty.text.as_str());
    members.insert("applicable_from", of.applicable_from.map(|at| at.to_string()));
    put(&mut members, of);
    Some(members)
}

/// A control of a framework.
pub fn control(of: &Item<'_>) -> Object {
    let mut members = Object::new();
    members.insert("control_id", of.id);
    members.insert("framework", of.framework);
    members.insert("title", of.title);
    members.insert("category", of.category);
    put(&mut members, of);
    members
}

/// Members that controls and duties share.
fn put(members: &mut Object, item: &Item<'_>) {
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

/// What questions to the ledger found.
pub fn evidence(results: &[&QueryResult]) -> Json {
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
    let is_by_another = attested.is_about_known && !attested.is_own;
    let counts = attested.is_checked && is_by_another && !attested.is_over;
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
