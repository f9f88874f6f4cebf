//! Which parts are gone, and whether a later entry says that they were erased.
//!
//! A part may go only if a run of anonymization with a higher id names its
//! entry. A run may be far from what it names, so both are remembered until
//! they meet: what is gone as intervals, and of a range that begins past
//! genesis also the runs that reach before it.

use types::{EntryId, Json, Object};

use crate::entry::StoredEntry;
use crate::entry_type::EntryType;
use crate::fault::FaultReason;
use crate::intervals::Intervals;

/// Most ids that a run may name.
pub const RUN_IDS_MAX: u64 = 1000;

/// A run of anonymization: what its entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Whether `data` went too, or the personal part alone.
    pub covers_data: bool,
    /// First and last id of each range; ascending and disjoint.
    pub ranges: Vec<(u64, u64)>,
}

impl Run {
    /// Reads `data` of the run with this id; `None` where it has not the form.
    pub fn parse(data: &str, id: EntryId) -> Option<Self> {
        let data: Object = serde_json::from_str(data).ok()?;
        let covers_data = match data.get("part")?.as_str()? {
            "personal" => false,
            "all" => true,
            _ => return None,
        };
        data.get("count")?.as_u64()?;
        if !matches!(data.get("cause")?.as_str()?, "request" | "retention") {
            return None;
        }
        let ranges = data.get("ranges")?.as_array()?.iter().map(range);
        let ranges: Vec<(u64, u64)> = ranges.collect::<Option<_>>()?;
        are_ranges(&ranges, id).then_some(Self { covers_data, ranges })
    }
}

fn range(range: &Json) -> Option<(u64, u64)> {
    let range = range.as_object().filter(|range| range.len() == 2)?;
    Some((range.get("from")?.as_u64()?, range.get("to")?.as_u64()?))
}

/// Whether they ascend, are disjoint, end below the run and name not too many.
fn are_ranges(ranges: &[(u64, u64)], id: EntryId) -> bool {
    let (mut least, mut count) = (0, 0_u64);
    for (from, to) in ranges {
        if *from < least || *to < *from || id.0 <= *to {
            return false;
        }
        least = to.saturating_add(1);
        count = count.saturating_add(least.saturating_sub(*from));
    }
    count <= RUN_IDS_MAX
}

/// A range of a run that lies before the range of entries that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Early {
    run: EntryId,
    covers_data: bool,
    from: u64,
    to: u64,
}

/// What of a range of entries is gone and not accounted for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Erasures {
    data: Intervals,
    personal: Intervals,
    /// Entries that are never erased, and so may not be named either.
    lasting: Intervals,
    early: Vec<Early>,
}

impl Erasures {
    /// Takes an entry in, which is the next of a range from `first`.
    pub(crate) fn take(&mut self, entry: &StoredEntry, first: EntryId) -> Result<(), FaultReason> {
        let header = &entry.header;
        if header.entry_type == EntryType::AnonymizationRun {
            let data = entry.data.as_ref().ok_or(FaultReason::ErasureNotAllowed)?;
            let run = Run::parse(&data.text, header.id).ok_or(FaultReason::Malformed)?;
            self.run(header.id, &run, first)?;
        }
        if !header.entry_type.is_erasable() {
            self.lasting.push(header.id.0);
        }
        if entry.data.is_none() {
            self.data.push(header.id.0);
        }
        if entry.personal.is_none() && header.personal_hash.is_some() {
            self.personal.push(header.id.0);
        }
        Ok(())
    }

    fn run(&mut self, id: EntryId, run: &Run, first: EntryId) -> Result<(), FaultReason> {
        for (from, to) in run.ranges.iter().copied() {
            self.account(Early { run: id, covers_data: run.covers_data, from, to }, first)?;
        }
        Ok(())
    }

    /// Takes what a run names off what is gone, and keeps what lies before.
    fn account(&mut self, named: Early, first: EntryId) -> Result<(), FaultReason> {
        let Early { covers_data, from, to, .. } = named;
        if self.lasting.meets(from, to) {
            return Err(FaultReason::ErasureNotAllowed);
        }
        self.personal.remove(from, to);
        if covers_data {
            self.data.remove(from, to);
        }
        if let Some(below) = first.0.checked_sub(1).filter(|below| from <= *below) {
            self.early.push(Early { to: to.min(below), ..named });
        }
        Ok(())
    }

    /// Adds what is known of the range after this one, which itself begins at
    /// `first`. At fault may be a run there that reaches back into this one.
    pub(crate) fn join(
        &mut self,
        next: Self,
        first: EntryId,
    ) -> Result<(), (EntryId, FaultReason)> {
        for named in next.early {
            self.account(named, first).map_err(|reason| (named.run, reason))?;
        }
        self.data.join(next.data);
        self.personal.join(next.personal);
        self.lasting.join(next.lasting);
        Ok(())
    }

    /// The first entry of which a part is gone that no run names.
    pub(crate) fn unrecorded(&self) -> Option<EntryId> {
        self.data.first().into_iter().chain(self.personal.first()).min().map(EntryId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(part: &str, cause: &str, ranges: &str) -> String {
        format!(
            "{{\"authn\":\"api_key\",\"by\":\"user_dpo\",\"cause\":\"{cause}\",\"count\":3,\
             \"part\":\"{part}\",\"ranges\":{ranges}}}"
        )
    }

    #[test]
    fn a_run_says_what_it_covers() {
        let text = data("all", "request", "[{\"from\":1,\"to\":3},{\"from\":5,\"to\":5}]");
        let run = Run { covers_data: true, ranges: vec![(1, 3), (5, 5)] };
        assert_eq!(Run::parse(&text, EntryId(6)), Some(run));
        assert_eq!(Run::parse(&text, EntryId(5)), None);
        let run = Run { covers_data: false, ranges: Vec::new() };
        assert_eq!(Run::parse(&data("personal", "retention", "[]"), EntryId(6)), Some(run));
    }

    #[test]
    fn a_run_of_another_form_is_none() {
        let of = |ranges: &str| Run::parse(&data("all", "request", ranges), EntryId(9000));
        assert!(of("[{\"from\":0,\"to\":999}]").is_some());
        for refused in [
            "[{\"from\":0,\"to\":1000}]",
            "[{\"from\":0,\"to\":998},{\"from\":2000,\"to\":2001}]",
            "[{\"from\":3,\"to\":2}]",
            "[{\"from\":1,\"to\":3},{\"from\":3,\"to\":4}]",
            "[{\"from\":5,\"to\":6},{\"from\":1,\"to\":2}]",
            "[{\"from\":1}]",
            "[{\"from\":1,\"to\":2,\"by\":\"x\"}]",
            "[{\"from\":-1,\"to\":2}]",
            "[1]",
            "{}",
        ] {
            assert_eq!(of(refused), None, "{refused}");
        }
        assert_eq!(Run::parse(&data("some", "request", "[]"), EntryId(9)), None);
        assert_eq!(Run::parse(&data("all", "whim", "[]"), EntryId(9)), None);
        assert_eq!(Run::parse("[]", EntryId(9)), None);
    }
}
