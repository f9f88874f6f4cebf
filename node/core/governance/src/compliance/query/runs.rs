//! What was erased, as the entries of the runs say it.
//!
//! A run names its entries as ranges, hundreds of them where what is kept longer
//! stands between: so runs are read once, and no more of them than is needed.

use std::ops::RangeInclusive;

use ::ledger::EntryType;
use serde::Deserialize;
use types::{EntryId, Timestamp};

use crate::command::ErasedPart;
use crate::compliance::facts::{Facts, Span};
use crate::outcome::Corruption;
use crate::store::Read;

/// Runs that are looked at.
pub(super) const RUNS: u64 = 1_000;

/// An erasure.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) id: EntryId,
    pub(super) at: Timestamp,
    pub(super) is_by_time: bool,
    pub(super) is_asked_for: bool,
    pub(super) part: ErasedPart,
    /// Entries it names, ascending.
    pub(super) ranges: Vec<RangeInclusive<u64>>,
}

impl Run {
    /// From the first entry it names to the last.
    pub(super) fn bounds(&self) -> Option<RangeInclusive<u64>> {
        Some(*self.ranges.first()?.start()..=*self.ranges.last()?.end())
    }

    /// Whether it names one of these, which are ascending.
    pub(super) fn has_any(&self, ids: &[u64]) -> bool {
        let of_bounds = self.bounds().is_some_and(|bounds| {
            let first = ids.partition_point(|id| id < bounds.start());
            ids.get(first).is_some_and(|id| bounds.contains(id))
        });
        if !of_bounds {
            return false;
        }
        if ids.len() < self.ranges.len() {
            return ids.iter().any(|id| self.has(*id));
        }
        self.ranges.iter().any(|range| {
            let first = ids.partition_point(|id| id < range.start());
            ids.get(first).is_some_and(|id| range.contains(id))
        })
    }

    /// Whether it names this entry.
    pub(super) fn has(&self, id: u64) -> bool {
        let after = self.ranges.partition_point(|range| *range.start() <= id);
        let range = after.checked_sub(1).and_then(|at| self.ranges.get(at));
        range.is_some_and(|range| range.contains(&id))
    }
}

/// The newest runs of a span of entries, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    pub(super) all: Vec<Run>,
    /// There are older ones that were not read.
    pub(super) is_cut: bool,
}

impl Runs {
    pub(super) fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let ids = facts.newest_ids(EntryType::AnonymizationRun, &facts.whole(), RUNS)?;
        let is_cut = ids.is_cut;
        let runs = ids.ids.into_iter().map(|id| run(facts, id));
        Ok(Self { all: runs.collect::<Result<_, _>>()?, is_cut })
    }

    /// Those of the period.
    pub(super) fn of_period(&self, facts: &Facts<'_, impl Read>) -> Self {
        let start = EntryId(facts.period.start);
        let all: Vec<Run> = self.all.iter().filter(|run| start <= run.id).cloned().collect();
        let is_cut = self.is_cut && all.len() == self.all.len();
        Self { all, is_cut }
    }

    pub(super) fn span(&self) -> Span {
        Span::of(self.all.iter().map(|run| run.id))
    }
}

/// What the entry of a run says.
#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    part: String,
    #[serde(default)]
    ranges: Vec<Bounds>,
}

#[derive(Debug, Deserialize)]
struct Bounds {
    from: u64,
    to: u64,
}

fn run(facts: &Facts<'_, impl Read>, id: EntryId) -> Result<Run, Corruption> {
    let damaged = || Corruption::new("data", format!("entry {id} is none of a run"));
    // Never erased: else nobody could tell what was.
    let said = facts.text(id)?.ok_or_else(damaged)?;
    let said: Said = serde_json::from_slice(&said).map_err(|_| damaged())?;
    let mut ranges: Vec<_> = said.ranges.iter().map(|range| range.from..=range.to).collect();
    ranges.sort_unstable_by_key(|range| *range.start());
    Ok(Run {
        id,
        at: facts.time(id)?,
        is_by_time: said.cause == "retention",
        is_asked_for: said.cause == "request",
        part: if said.part == "all" { ErasedPart::All } else { ErasedPart::Personal },
        ranges,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_run_names_one_of_several_entries_is_found_from_either_side() {
        let ranges = vec![2..=3, 7..=7, 10..=20];
        let run = Run {
            id: EntryId(30),
            at: Timestamp(0),
            is_by_time: true,
            is_asked_for: false,
            part: ErasedPart::All,
            ranges: ranges.clone(),
        };
        for ids in [vec![], vec![0], vec![3], vec![4, 5, 6], vec![1, 7, 9], vec![8, 21], vec![20]] {
            let expect = ids.iter().any(|id| ranges.iter().any(|range| range.contains(id)));
            assert_eq!(run.has_any(&ids), expect, "{ids:?}");
            let many: Vec<u64> = ids.iter().copied().chain(100..200).collect();
            assert_eq!(run.has_any(&many), expect, "{ids:?} among others");
        }
    }
}
