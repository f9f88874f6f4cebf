//! How much of the ledger this node has hashed again since it started, so that
//! "everything before this page holds" need not begin at genesis every time.
//!
//! It is no substitute for `/ledger/verify`, which never looks here: bytes that
//! rot after they were verified are found by that, or by the check of the page
//! they are on.

use std::sync::{Mutex, PoisonError};

use governance::{Read, view};
use ledger::{Checker, Fault, FaultReason};
use types::EntryId;

use crate::problem::Problem;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Verified(Mutex<Option<State>>);

#[derive(Debug)]
enum State {
    Sound(Box<Checker>),
    /// The first fault stays: what comes after it proves nothing.
    Faulty(Fault),
}

/// What is known of the beginning of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Everything up to this entry was verified.
    pub(crate) through: Option<EntryId>,
    /// The first fault.
    pub(crate) fault: Option<Fault>,
}

impl Verified {
    /// What is known now.
    pub(crate) fn progress(&self) -> Progress {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.as_ref().map_or(Progress { through: None, fault: None }, State::progress)
    }

    /// Verifies up to `entries_max` more entries, up to `target`. It blocks,
    /// and one caller at a time does the work for all.
    pub(crate) fn advance(
        &self,
        read: &impl Read,
        target: EntryId,
        entries_max: u64,
    ) -> Result<Progress, Problem> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state.get_or_insert_with(|| State::Sound(Box::new(Checker::from_genesis())));
        for _ in 0..entries_max {
            let State::Sound(checker) = state else { break };
            let id = checker.next_id();
            if target < id {
                break;
            }
            let checked = match view::entry(read, id) {
                Ok(Some(entry)) => checker.check(&entry),
                Ok(None) | Err(_) => Err(Fault { id, reason: FaultReason::Missing }),
            };
            if let Err(fault) = checked {
                tracing::error!(
                    entry = fault.id.0,
                    reason = fault.reason.as_str(),
                    "ledger is damaged"
                );
                *state = State::Faulty(fault);
            }
        }
        Ok(state.progress())
    }
}

impl State {
    fn progress(&self) -> Progress {
        match self {
            Self::Sound(checker) => {
                let through = checker.next_id().0.checked_sub(1).map(EntryId);
                Progress { through, fault: None }
            }
            Self::Faulty(fault) => {
                let through = fault.id.0.checked_sub(1).map(EntryId);
                Progress { through, fault: Some(*fault) }
            }
        }
    }
}
