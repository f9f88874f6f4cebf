//! Answers about evidence, for people.

use client::evidence::{Artifact, Artifacts, Lineages, Linked, Signed, Statistics, Verified};

use crate::table::{cell, fields, short, table};

pub(super) fn artifact(artifact: &Artifact) -> String {
    let list = |items: &[String]| Some(items.join(", ")).filter(|items| !items.is_empty());
    let signers = artifact.signatures.iter().map(|signed| match &signed.signer {
        Some(signer) => format!("{signer} ({})", signed.key_id),
        None => signed.key_id.clone(),
    });
    let signers: Vec<String> = signers.collect();
    fields([
        ("artifact", Some(artifact.artifact_id.clone())),
        ("type", Some(artifact.artifact_type.clone())),
        ("sha256", artifact.sha256_hash.clone()),
        ("bytes", artifact.size_bytes.map(|size| size.to_string())),
        ("media type", artifact.content_type.clone()),
        ("source", artifact.source.clone()),
        ("kept at", artifact.storage_uri.clone()),
        ("decisions", list(&artifact.related_decision_ids)),
        ("controls", list(&artifact.related_control_ids)),
        ("signed by", list(&signers)),
        ("registered by", artifact.registered_by.clone()),
        ("time", Some(artifact.created_at.clone())),
        ("kept until", artifact.retention_until.clone()),
        ("entry", Some(artifact.ledger_entry_id.to_string())),
    ])
}

pub(super) fn rows(artifacts: &[Artifact]) -> String {
    let rows = artifacts.iter().map(|artifact| {
        [
            artifact.artifact_id.clone(),
            artifact.artifact_type.clone(),
            cell(artifact.sha256_hash.as_deref().map(short)),
            cell(artifact.size_bytes),
            cell(artifact.source.as_ref()),
            artifact.signatures.len().to_string(),
            artifact.created_at.clone(),
        ]
    });
    let header = ["ARTIFACT", "TYPE", "SHA256", "BYTES", "SOURCE", "SIGNED", "TIME"];
    table(header, rows.collect())
}

pub(super) fn list(list: &Artifacts) -> String {
    let mut text = rows(&list.artifacts);
    if let Some(next) = list.next {
        text.push_str(&format!("more with --after {next}\n"));
    }
    text
}

pub(super) fn linked(linked: &Linked) -> String {
    let state = if linked.already_linked { "linked before" } else { "linked" };
    fields([
        ("artifact", Some(linked.artifact_id.clone())),
        ("decision", Some(linked.decision_id.clone())),
        ("state", Some(state.to_owned())),
        ("decisions", Some(linked.related_decision_ids.join(", "))),
        ("entry", linked.ledger_entry_id.map(|entry| entry.to_string())),
    ])
}

pub(super) fn verified(verified: &Verified) -> String {
    let state = if verified.is_valid { "same" } else { "different" };
    fields([
        ("artifact", Some(verified.artifact_id.clone())),
        ("state", Some(state.to_owned())),
        ("registered", Some(verified.stored_hash.clone())),
        ("compared", verified.computed_hash.clone()),
    ])
}

pub(super) fn signed(signed: &Signed) -> String {
    fields([
        ("artifact", Some(signed.artifact_id.clone())),
        ("key", Some(signed.key_id.clone())),
        ("signer", signed.signer.clone()),
        ("time", Some(signed.signed_at.clone())),
        ("entry", Some(signed.ledger_entry_id.to_string())),
    ])
}

pub(super) fn lineages(lineages: &Lineages) -> String {
    let rows = lineages.artifacts.iter().flat_map(|lineage| {
        lineage.entries.iter().map(|entry| {
            [
                lineage.artifact.artifact_id.clone(),
                entry.id.to_string(),
                entry.entry_type.clone(),
                short(&entry.current_hash),
                entry.timestamp.clone(),
            ]
        })
    });
    table(["ARTIFACT", "ENTRY", "RECORDS", "HASH", "TIME"], rows.collect())
}

pub(super) fn statistics(counted: &Statistics) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (name, count) in &counted.artifact_types {
        let bytes = counted.size_bytes_by_type.get(name);
        rows.push([name.clone(), count.to_string(), cell(bytes)]);
    }
    let (count, bytes) = (counted.total_artifacts, counted.total_size_bytes);
    rows.push(["all".to_owned(), count.to_string(), bytes.to_string()]);
    let counts = fields([
        ("signed", Some(counted.signed_artifacts.to_string())),
        ("decisions with evidence", Some(counted.decisions_with_evidence.to_string())),
        ("controls with evidence", Some(counted.controls_with_evidence.to_string())),
    ]);
    format!("{}\n{counts}", table(["TYPE", "COUNT", "BYTES"], rows))
}
