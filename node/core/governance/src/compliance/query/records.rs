//! What is erased and handed over.

use ::ledger::EntryType;
use types::Json;

use super::runs::Runs;
use super::{CUT, by_people, of_period};
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span, Telling};
use crate::outcome::Corruption;
use crate::store::Read;

pub(super) fn disposal_events(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let answer = by_people(facts, &[EntryType::AnonymizationRun])?;
    Ok(answer.open_if(0 < facts.diverged, "a node is not what the others are"))
}

/// An export that was completed says the digest of its file.
pub(super) fn exports_issued(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let issued = facts.told(EntryType::AuditExportCompleted, &facts.period)?;
    let is_bound = |telling: &&Telling| {
        let sha256 = telling.text("sha256");
        let size = telling.data.get("checkpoint_size").and_then(Json::as_u64);
        sha256.is_some_and(|sha256| sha256.parse::<types::Digest>().is_ok()) && size.is_some()
    };
    let bound = issued.entries.iter().filter(is_bound).count() as u64;
    let failed = facts.span(&[EntryType::AuditExportFailed], &facts.period)?;
    let answer = of_period(Answer::all(issued.span(), bound))
        .with("failed", failed.count)
        .gap("whoever receives a package verifies it: that they did is not recorded")
        .open_if(issued.is_cut, CUT);
    Ok(match issued.erased {
        0 => answer,
        erased => answer.gap(format!("{erased} of the period are erased, and not counted")),
    })
}

pub(super) fn subject_requests(facts: &Facts<'_, impl Read>, runs: &Runs) -> Answer {
    let runs = runs.of_period(facts);
    let asked = runs.all.iter().filter(|run| run.is_asked_for);
    of_period(Answer::any(Span::of(asked.map(|run| run.id))))
        .open("when a person asked is not recorded, so that nothing shows an answer in time")
}
