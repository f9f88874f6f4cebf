//! The ledger itself: what its checkpoints prove of it, as far as it knows.
//!
//! Nothing is hashed again here: a voter signs a checkpoint for what it found by
//! executing the log itself, and whoever wants proof runs a verifier.

use ::ledger::EntryType;
use types::{EntryId, Json, Timestamp};

use crate::checkpoint::ENTRIES_MAX;
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span, Telling};
use crate::outcome::Corruption;
use crate::store::Read;

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

/// Entries after the newest final checkpoint, and how long they have been there.
#[derive(Clone, Copy, Debug, Default)]
struct Behind {
    entries: u64,
    seconds: u64,
}

impl Behind {
    /// From here on it is no burst and no pause: nothing signs any more. A voter
    /// signs every second or after [`ENTRIES_MAX`] entries.
    const ENTRIES_MAX: u64 = 10 * ENTRIES_MAX;
    const SECONDS_MAX: u64 = 600;

    fn of(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let size = facts.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim.size);
        let entries = facts.whole().end.saturating_sub(size);
        if entries == 0 {
            return Ok(Self::default());
        }
        let since = facts.now.0.saturating_sub(facts.time(EntryId(size))?.0);
        Ok(Self { entries, seconds: Timestamp(since).seconds() })
    }

    fn is_late(self) -> bool {
        Self::ENTRIES_MAX < self.entries || Self::SECONDS_MAX < self.seconds
    }

    /// Tells an answer how far behind, and from where on that is too far.
    fn tell(self, answer: Answer) -> Answer {
        answer
            .with("entries_behind", self.entries)
            .with("entries_behind_max", Self::ENTRIES_MAX)
            .with("seconds_behind", self.seconds)
            .with("seconds_behind_max", Self::SECONDS_MAX)
    }
}

/// Entries under the newest final checkpoint, if no node found something else.
/// What comes after it is not told yet, and that must not be much.
fn covered(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let behind = Behind::of(facts)?;
    let span = entries(facts);
    let size = facts.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim.size);
    let threshold = if facts.diverged == 0 { size } else { span.count.saturating_add(1) };
    let answer = Answer::counted(span.count, size, threshold)
        .over(span)
        .with("checkpoint_size", size)
        .with("open_divergences", facts.diverged)
        .open_if(size == 0, "no checkpoint of these entries is final")
        .open_if(0 < size && behind.is_late(), "the newest final checkpoint is too far behind");
    let answer = behind.tell(answer);
    Ok(match behind.entries {
        0 => answer,
        entries => answer.gap(format!("the last {entries} entries are under no checkpoint yet")),
    })
}

pub(super) fn verify(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    Ok(covered(facts)?.gap("the majority of voters found these hashes by executing the log"))
}

/// Numbers have no gaps and times never fall by the way entries are made; that
/// nobody took one out is what a checkpoint over them says.
pub(super) fn gap_check(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let restored = [EntryType::Recovery, EntryType::SnapshotRestored];
    let restored = facts.span(&restored, &facts.whole())?.count;
    Ok(covered(facts)?.with("restored", restored))
}

pub(super) fn checkpoints(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let span = entries(facts);
    let none = "no checkpoint of these entries is final";
    let Some(checkpoint) = &facts.checkpoint else {
        return Ok(Answer::counted(span.count, 0, 0).over(span).open(none));
    };
    let behind = Behind::of(facts)?;
    let is_timely = u64::from(!behind.is_late() && facts.diverged == 0);
    let signed: Json = checkpoint.frozen.unwrap_or_default().into();
    Ok(behind
        .tell(Answer::counted(1, is_timely, 1).over(span))
        .with("checkpoint_size", checkpoint.claim.size)
        .with("signed_by", signed)
        .gap("signed by voters of the cluster; no outside witness is recorded"))
}

/// The newest decisions say every thing that one must say, and who asked.
pub(super) fn completeness(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let newest = facts.newest(EntryType::Decision, &facts.period, SAMPLED)?;
    // Nobody is named where nobody was checked, whatever was claimed.
    let is_whole = |telling: &&Telling| {
        let is_told = |member: &&str| telling.data.get(member).is_some_and(|it| !it.is_null());
        MEMBERS.iter().all(is_told) && telling.text("authn") != Some("none")
    };
    let whole = newest.entries.iter().filter(is_whole).count() as u64;
    let answer = super::of_period(Answer::all(newest.span(), whole)).with("sample", SAMPLED);
    Ok(match newest.erased {
        0 => answer,
        erased => answer.gap(format!("{erased} of the sample are erased")),
    })
}
