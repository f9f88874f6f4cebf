//! What people brought.

use std::collections::BTreeMap;

use ::ledger::EntryType;
use register::Standing;
use types::ArtifactId;

use super::of_period;
use crate::compliance::answer::Answer;
use crate::compliance::controls::{Attested, Controls};
use crate::compliance::facts::{Facts, Span};
use crate::evidence;
use crate::outcome::Corruption;
use crate::record::ArtifactRecord;
use crate::store::{Read, Table};
use crate::tables;

/// Artifacts that are hashed again, and bytes of all of them.
const HASHED: u64 = 16;
const HASHED_BYTES: u64 = 1 << 20;

/// Controls and duties that anything is linked to, and for how many of them
/// something stands.
pub(super) fn by_controls(controls: &Controls) -> Answer {
    let linked = || controls.each().filter(|(_, _, brought)| !brought.artifacts.is_empty());
    let stands = linked().filter(|(_, _, brought)| {
        brought.artifacts.iter().any(|linked| linked.standing == Standing::Valid)
    });
    let span = linked().fold(Span::default(), |sum, (_, _, brought)| sum.and(brought.span()));
    Answer::counted(linked().count() as u64, stands.count() as u64, 1).over(span)
}

/// Of each control the last statement of each person must hold still.
pub(super) fn attestations_valid(controls: &Controls) -> Answer {
    let mut last: BTreeMap<_, &Attested> = BTreeMap::new();
    for (framework, id, brought) in controls.each() {
        for attested in &brought.attestations {
            last.insert((framework, id, attested.by.as_deref()), attested);
        }
    }
    let span = Span::of(last.values().map(|attested| attested.entry_id));
    let valid = last.values().filter(|attested| !attested.is_over).count() as u64;
    Answer::all(span, valid)
}

/// The newest artifacts, hashed again as they are stored.
pub(super) fn hash_verify(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let newest = facts.newest(EntryType::EvidenceRegistered, &facts.period, HASHED)?;
    let (mut hashed, mut equal, mut bytes) = (Vec::new(), 0_u64, 0_u64);
    for telling in newest.entries.iter().rev() {
        let id: Option<ArtifactId> = telling.text("artifact_id").and_then(|id| id.parse().ok());
        let Some(id) = id else { continue };
        let record: Option<ArtifactRecord> =
            tables::record(facts.read, Table::Artifact, &id.0.key())?;
        let Some(place) = record.and_then(|record| record.content) else { continue };
        // One that is too large is not to hide those that are not.
        let sum = bytes.saturating_add(place.size);
        if HASHED_BYTES < sum {
            continue;
        }
        bytes = sum;
        if let Some(digest) = evidence::rehash(facts.read, &place)? {
            hashed.push(telling.id);
            equal = equal.saturating_add(u64::from(digest == place.sha256));
        }
    }
    Ok(of_period(Answer::all(Span::of(hashed), equal))
        .with("sample", HASHED)
        .with("sample_bytes", HASHED_BYTES)
        .gap("contents are hashed again in full by the scrub of each node"))
}
