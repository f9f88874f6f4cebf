//! A range of the ledger cut into pieces that threads check side by side, since
//! hashing is what a verification waits for, and put together again as if one
//! thread had seen all.
//!
//! Memory holds what is known of each piece, never its entries.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use governance::{Read, view};
use ledger::directory::Directory;
use ledger::{Checker, Fault, FaultReason, StoredEntry};
use types::{Digest, EntryId, Timestamp};

use super::Range;
use crate::problem::{Code, Problem};
use crate::rest::ledger::erasures::Erasures;

/// Entries of a piece.
const PIECE: u64 = 8192;
/// Threads of one verification; more would only be felt elsewhere.
const THREADS_MAX: usize = 8;

/// What is known of a piece, up to its first fault.
#[derive(Debug)]
struct Known {
    checker: Checker,
    fault: Option<Fault>,
    /// The first entry of which a part is gone for no recorded reason.
    unrecorded: Option<EntryId>,
    /// Entries that say who votes and with which keys.
    spoken: Vec<StoredEntry>,
}

/// What is known of the whole range, up to its first fault.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) checker: Checker,
    pub(super) fault: Option<Fault>,
    pub(super) unrecorded: Option<EntryId>,
    pub(super) spoken: Vec<StoredEntry>,
    /// Root of the tree, and time of the last entry, where the range was cut.
    pub(super) at_cut: Option<(Digest, Timestamp)>,
}

/// Checks a range. `cut` is a size within it at which the root is wanted.
pub(super) fn check<R: Read + Sync>(
    read: &R,
    range: Range,
    cut: Option<u64>,
    cancelled: &AtomicBool,
) -> Result<Whole, Problem> {
    let pieces = cut_up(range, cut);
    let before = match range.from.0.checked_sub(1).map(EntryId) {
        None => None,
        Some(before) => {
            view::entry(read, before)?.map(|entry| (entry.hash(), entry.header.timestamp))
        }
    };
    let shared = Shared {
        read,
        pieces: &pieces,
        before,
        cancelled,
        next: AtomicUsize::new(0),
        faulty: AtomicUsize::new(usize::MAX),
        known: Mutex::new(pieces.iter().map(|_| None).collect()),
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(THREADS_MAX).min(pieces.len());
    std::thread::scope(|scope| {
        // The thread that waits works too.
        for _ in 1..threads {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    if cancelled.load(Ordering::Relaxed) {
        return Err(Problem::new(Code::READ_TIMEOUT, "nobody waits for the answer any more"));
    }
    let known = shared.known.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(put_together(read, known.into_iter().map_while(|known| known), (range, before), cut))
}

/// First id of each piece, and the id after its last.
fn cut_up(range: Range, cut: Option<u64>) -> Vec<(u64, u64)> {
    let end = range.to.0.saturating_add(1);
    let mut pieces = Vec::new();
    let mut first = range.from.0;
    while first < end {
        let next = first.saturating_add(PIECE).min(end);
        let next = cut.filter(|cut| first < *cut && *cut < next).unwrap_or(next);
        pieces.push((first, next));
        first = next;
    }
    pieces
}

/// What the threads share.
struct Shared<'a, R> {
    read: &'a R,
    pieces: &'a [(u64, u64)],
    /// Hash and time of the entry before the range.
    before: Option<(Digest, Timestamp)>,
    cancelled: &'a AtomicBool,
    /// The next piece that nobody has taken.
    next: AtomicUsize,
    /// The first piece known to have a fault; those after it prove nothing.
    faulty: AtomicUsize,
    known: Mutex<Vec<Option<Known>>>,
}

impl<R: Read> Shared<'_, R> {
    fn work(&self) {
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = self.pieces.get(at) else { break };
            if self.is_over(at) {
                break;
            }
            let known = self.check(at, *piece);
            if known.fault.is_some() {
                self.faulty.fetch_min(at, Ordering::Relaxed);
            }
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(slot) = all.get_mut(at) {
                *slot = Some(known);
            }
        }
    }

    fn is_over(&self, at: usize) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.faulty.load(Ordering::Relaxed) < at
    }

    fn check(&self, at: usize, (first, end): (u64, u64)) -> Known {
        let before = self.before.filter(|_| at == 0);
        let mut known = Known {
            checker: Checker::from(EntryId(first), before),
            fault: None,
            unrecorded: None,
            spoken: Vec::new(),
        };
        let mut erasures = Erasures::new(self.read);
        while known.checker.next_id().0 < end && known.fault.is_none() && !self.is_over(at) {
            known.fault = step(self.read, &mut known, &mut erasures).err();
        }
        known
    }
}

/// Checks the next entry of a piece.
fn step<R: Read>(read: &R, known: &mut Known, erasures: &mut Erasures<'_, R>) -> Result<(), Fault> {
    let id = known.checker.next_id();
    let missing = Fault { id, reason: FaultReason::Missing };
    let entry = view::entry(read, id).ok().flatten().ok_or(missing)?;
    known.checker.check(&entry)?;
    if known.unrecorded.is_none() && !erasures.are_recorded(&entry).unwrap_or(false) {
        known.unrecorded = Some(id);
    }
    if Directory::reads(entry.header.entry_type) {
        known.spoken.push(entry);
    }
    Ok(())
}

/// Joins pieces in order, up to the first fault.
fn put_together(
    read: &impl Read,
    pieces: impl Iterator<Item = Known>,
    (range, before): (Range, Option<(Digest, Timestamp)>),
    cut: Option<u64>,
) -> Whole {
    let mut whole = Whole {
        checker: Checker::from(range.from, before),
        fault: None,
        unrecorded: None,
        spoken: Vec::new(),
        at_cut: None,
    };
    for piece in pieces {
        // Kept, since what is joined is used up.
        let so_far = whole.checker.clone();
        whole.checker = match whole.checker.join(piece.checker) {
            Ok(joined) => joined,
            Err(fault) => {
                whole.checker = so_far;
                whole.fault = Some(fault);
                break;
            }
        };
        whole.unrecorded = whole.unrecorded.or(piece.unrecorded);
        whole.spoken.extend(piece.spoken);
        if let Some(fault) = piece.fault {
            whole.fault = Some(judge(read, &mut whole.checker, fault));
            break;
        }
        if cut == Some(whole.checker.next_id().0) {
            let at = whole.checker.last().map(|(_, at)| at);
            whole.at_cut = whole.checker.root().zip(at);
        }
    }
    whole
}

/// The first fault of the entry at which a piece ended, which may be one that
/// only what lies before the piece can tell.
fn judge(read: &impl Read, checker: &mut Checker, fault: Fault) -> Fault {
    let entry = view::entry(read, fault.id).ok().flatten();
    entry.and_then(|entry| checker.check(&entry).err()).unwrap_or(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_range_and_are_cut_where_a_root_is_wanted() {
        let range = |from, to| Range { from: EntryId(from), to: EntryId(to) };
        let two = PIECE * 2;
        for (range, cut, expect) in [
            (range(0, 0), None, vec![(0, 1)]),
            (range(0, 9), Some(10), vec![(0, 10)]),
            (range(0, 9), Some(4), vec![(0, 4), (4, 10)]),
            (range(3, 9), Some(3), vec![(3, 10)]),
            (range(0, two - 1), None, vec![(0, PIECE), (PIECE, two)]),
            (
                range(0, two - 1),
                Some(PIECE + 1),
                vec![(0, PIECE), (PIECE, PIECE + 1), (PIECE + 1, two)],
            ),
        ] {
            assert_eq!(cut_up(range, cut), expect, "{range:?} {cut:?}");
        }
    }
}
