//! Whether what is gone was erased, as the ledger itself records it.
//!
//! The row that names the run is not believed: the run must be an entry, later
//! than what it names, that names it and the part that is gone.

use governance::{Corruption, Read, view};
use ledger::erasure::Run;
use ledger::{EntryType, StoredEntry};
use types::EntryId;

/// Looks runs up; entries that one run erased often lie together.
pub(crate) struct Erasures<'a, R> {
    read: &'a R,
    last: Option<(EntryId, Option<Run>)>,
}

impl<'a, R: Read> Erasures<'a, R> {
    pub(crate) fn new(read: &'a R) -> Self {
        Self { read, last: None }
    }

    /// Whether every part that is gone from the entry was erased by a run.
    pub(crate) fn are_recorded(&mut self, entry: &StoredEntry) -> Result<bool, Corruption> {
        if !entry.is_erased() {
            return Ok(true);
        }
        let id = entry.header.id;
        let Some(erased) = view::erased(self.read, id)?.filter(|erased| id < erased.by) else {
            return Ok(false);
        };
        let Some(run) = self.run(erased.by)? else {
            return Ok(false);
        };
        let names = run.ranges.iter().any(|(from, to)| (*from..=*to).contains(&id.0));
        Ok(names && (entry.data.is_some() || run.covers_data))
    }

    fn run(&mut self, id: EntryId) -> Result<Option<&Run>, Corruption> {
        if self.last.as_ref().is_none_or(|(known, _)| *known != id) {
            let entry = view::entry(self.read, id)?;
            let entry =
                entry.filter(|entry| entry.header.entry_type == EntryType::AnonymizationRun);
            let data = entry.and_then(|entry| entry.data);
            self.last = Some((id, data.and_then(|data| Run::parse(&data.text, id))));
        }
        Ok(self.last.as_ref().and_then(|(_, run)| run.as_ref()))
    }
}
