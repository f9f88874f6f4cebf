//! The ledger itself: what its checkpoints prove of it, as far as it knows.
//!
//! Nothing is hashed again here: a voter signs a checkpoint for what it found by
//! executing the log itself, and whoever wants proof runs a verifier.

use ::ledger::EntryType;
use types::Json;

use crate::checkpoint::ENTRIES_MAX;
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span};
use crate::outcome::Corruption;
use crate::store::Read;
use types::EntryId;

/// Entries whose members are looked at.
const SAMPLED: u64 = 64;

/// What every entry of a decision says, and of what is not a machine's alone.
const MEMBERS: [&str; 12] = [
    "action",
    "actor",
    "authn",
    "by",
    "decision_id",
    "facts",
    "outcome",
    "policy_hash",
    "policy_version",
    "reason",
    "reason_code",
    "request_id",
];

fn entries(facts: &Facts<'_, impl Read>) -> Span {
    let count = facts.whole().end;
    Span { count, first: Some(EntryId(0)), last: Some(facts.as_of) }
}

/// Entries under the newest final checkpoint, if no node found something else.
fn covered(facts: &Facts<'_, impl Read>) -> Answer {
    let span = entries(facts);
    let size = facts.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim.size);
    let threshold = if facts.diverged == 0 { size } else { span.count.saturating_add(1) };
    let answer = Answer::counted(span.count, size, threshold)
        .over(span)
        .with("checkpoint_size", size)
        .with("open_divergences", facts.diverged)
        .open_if(size == 0, "no checkpoint of these entries is final");
    let uncovered = span.count.saturating_sub(size);
    match uncovered {
        0 => answer,
        uncovered => {
            answer.gap(format!("the last {uncovered} entries are under no checkpoint yet"))
        }
    }
}

pub(super) fn verify(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    Ok(covered(facts).gap("the majority of voters found these hashes by executing the log"))
}

/// Numbers have no gaps and times never fall by the way entries are made; that
/// nobody took one out is what a checkpoint over them says.
pub(super) fn gap_check(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let restored = [EntryType::Recovery, EntryType::SnapshotRestored];
    let restored = facts.span(&restored, &facts.whole())?.count;
    Ok(covered(facts).with("restored", restored))
}

pub(super) fn checkpoints(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let span = entries(facts);
    let none = "no checkpoint of these entries is final";
    let Some(checkpoint) = &facts.checkpoint else {
        return Ok(Answer::counted(span.count, 0, 0).over(span).open(none));
    };
    let behind = span.count.saturating_sub(checkpoint.claim.size);
    let is_timely = u64::from(behind < ENTRIES_MAX && facts.diverged == 0);
    let signed: Json = checkpoint.frozen.unwrap_or_default().into();
    Ok(Answer::counted(1, is_timely, 1)
        .over(span)
        .with("checkpoint_size", checkpoint.claim.size)
        .with("entries_behind", behind)
        .with("entries_behind_max", ENTRIES_MAX)
        .with("signed_by", signed)
        .gap("signed by voters of the cluster; no outside witness is recorded"))
}

/// The newest decisions have every member that one must have.
pub(super) fn completeness(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let newest = facts.newest(EntryType::Decision, &facts.period, SAMPLED)?;
    let is_whole = |telling: &&crate::compliance::facts::Telling| {
        MEMBERS.iter().all(|member| telling.data.get(member).is_some())
    };
    let whole = newest.entries.iter().filter(is_whole).count() as u64;
    let answer = super::of_period(Answer::all(newest.span(), whole)).with("sample", SAMPLED);
    Ok(match newest.erased {
        0 => answer,
        erased => answer.gap(format!("{erased} of the sample are erased")),
    })
}
