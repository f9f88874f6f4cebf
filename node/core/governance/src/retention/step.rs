//! What retention does next: found by the leader, and judged again when it is
//! applied.
//!
//! A round goes from the first entry to the last whose time can be up, a part of
//! the way at a step. What is skipped on the way, because a hold keeps it or
//! because it lives, is looked at again in the next round.

use types::{EntryId, Micros, Timestamp};

use super::anonymize::{Basis, Judge, Verdict, compress};
use crate::command::{Anonymize, Anonymized, ErasedPart, ErasureCause};
use crate::erasure::ENTRIES_MAX;
use crate::outcome::Corruption;
use crate::record::RetentionRecord;
use crate::store::{Direction, Read, Scan, Table};

/// Rows that a step looks at.
const LOOKED_AT_MAX: usize = 2_000;

/// From the beginning of one round to that of the next.
pub const ROUND: Micros = Micros(24 * 3600 * 1_000_000);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Propose this.
    Anonymize(Box<Anonymize>),
    /// Nothing until some time has passed.
    Rest,
}

/// To which the time is rounded down. Where entries come all the time, there is
/// always one more whose time is up: a round that went on to the last of them
/// would never be over, and what it skipped never looked at again.
const GRAIN: u64 = 3600 * 1_000_000;

/// The next step at `now`. Both parts take turns, so that neither waits for a
/// round of the other.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn step(read: &impl Read, now: Timestamp) -> Result<Step, Corruption> {
    let now = Timestamp(now.0.saturating_sub(now.0 % GRAIN));
    let record = super::record(read)?;
    let turns = match record.last {
        Some(ErasedPart::Personal) => [ErasedPart::All, ErasedPart::Personal],
        Some(ErasedPart::All) | None => [ErasedPart::Personal, ErasedPart::All],
    };
    for part in turns {
        if let Some(step) = of_part(read, &record, part, now)? {
            return Ok(Step::Anonymize(Box::new(step)));
        }
    }
    Ok(Step::Rest)
}

fn of_part(
    read: &impl Read,
    record: &RetentionRecord,
    part: ErasedPart,
    now: Timestamp,
) -> Result<Option<Anonymize>, Corruption> {
    let (next, began, table) = match part {
        ErasedPart::Personal => (record.personal_next, record.personal_began, Table::Personal),
        ErasedPart::All => (record.all_next, record.all_began, Table::Data),
    };
    let judge = Judge::new(read, Basis::Retention, part, now)?;
    let end = EntryId(judge.oldest_kept(read)?);
    let command = |ranges, next| Anonymize {
        part,
        ranges,
        cause: ErasureCause::Retention,
        subject: None,
        next: Some(next),
        before: Anonymized::default(),
        candidates: 0,
        not_looked_at: 0,
    };
    if end <= next {
        let is_over = EntryId(0) < next && began.checked_add(ROUND).is_some_and(|at| at <= now);
        return Ok(is_over.then(|| command(Vec::new(), EntryId(0))));
    }
    let rows = read.scan(Scan {
        table,
        from: &next.key(),
        to: Some(&end.key()),
        direction: Direction::Ascending,
        rows_max: LOOKED_AT_MAX,
    })?;
    let (mut up, mut after) = (Vec::new(), end);
    for (at, (key, _)) in rows.iter().enumerate() {
        let id = crate::keys::last_number(key).map(EntryId);
        let id = id.ok_or_else(|| Corruption::new("data", "key too short"))?;
        if judge.judge(read, id)? == Verdict::Erase {
            up.push(id);
        }
        let is_full = ENTRIES_MAX <= up.len() as u64 || at.saturating_add(1) == LOOKED_AT_MAX;
        if is_full {
            after = EntryId(id.0.saturating_add(1));
            break;
        }
    }
    Ok(Some(command(compress(&up), after)))
}
