//! The last assessments of the organisation, by the entry up to which they are.
//!
//! Nothing is true because it is here: an assessment follows from the entries up
//! to one, less what was erased of them since, and from the last checkpoint of
//! them that is final. So it is kept under all three.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use governance::compliance::{self, Assessment};
use governance::view::{self, EntryQuery};
use governance::{Corruption, Direction, Read};
use ledger::EntryType;
use types::EntryId;

/// Assessments that are kept: megabytes, if each duty has much evidence.
const KEPT_MAX: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    as_of: EntryId,
    /// The last erasure.
    erased_by: Option<EntryId>,
    /// The size of the last final checkpoint; one that covers the entry is as
    /// good as any later one.
    sealed: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Assessments(Mutex<VecDeque<(Key, Arc<Assessment>)>>);

impl Assessments {
    /// How everything stands as of an entry.
    pub(crate) fn of(
        &self,
        read: &impl Read,
        as_of: EntryId,
    ) -> Result<Arc<Assessment>, Corruption> {
        let sealed = view::last_final(read)?.map_or(0, |last| last.claim.size);
        let sealed = sealed.min(as_of.0.saturating_add(2));
        let key = Key { as_of, erased_by: last_erasure(read)?, sealed };
        if let Some(known) = self.known(key) {
            return Ok(known);
        }
        // Two who ask at once find the same; neither waits for the other.
        let made = Arc::new(compliance::assess(read, as_of)?);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((key, Arc::clone(&made)));
        Ok(made)
    }

    fn known(&self, key: Key) -> Option<Arc<Assessment>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| *known == key)?;
        let found = kept.remove(at)?;
        let known = Arc::clone(&found.1);
        kept.push_back(found);
        Some(known)
    }
}

fn last_erasure(read: &impl Read) -> Result<Option<EntryId>, Corruption> {
    let query = EntryQuery {
        after: None,
        before: None,
        entry_type: Some(EntryType::AnonymizationRun),
        actor: None,
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    let page = view::entries(read, &query)?;
    Ok(page.entries.first().map(|entry| entry.header.id))
}
