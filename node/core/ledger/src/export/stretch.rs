//! A stretch of consecutive entries of an export, checked apart from all others.
//!
//! It keeps what a check of the whole needs to know: how the range begins and
//! ends, whom each entry is about, what entries say of keys and voters, and the
//! roots of its tiles.

use std::sync::Arc;

use types::{EntryId, Timestamp};

use super::tiles::{Row, TileSource};
use super::{Hashed, Plan};
use crate::actors::Sighting;
use crate::chain::Checker;
use crate::directory::Directory;
use crate::entry::StoredEntry;
use crate::fault::{Fault, FaultReason};
use crate::header::Header;
use crate::line::Line;
use crate::subtrees::Subtrees;
use crate::tile;

/// Entries of a stretch: a multiple of the width of a tile, so that stretches
/// share none.
pub const ENTRIES_MAX: u64 = 8192;

/// See the module.
#[derive(Debug)]
pub struct Stretch {
    plan: Arc<Plan>,
    found: Found,
    row: Row,
    entries: u64,
}

/// What a stretch found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) checker: Checker,
    pub(super) sightings: Vec<Sighting>,
    /// Entries that say something of keys or voters.
    pub(super) spoken: Vec<StoredEntry>,
    pub(super) hashes: Vec<Hashed>,
    /// At sizes that are asked for: the tree of the range, and the last time.
    pub(super) roots: Vec<(u64, Subtrees, Timestamp)>,
    /// Roots of full tiles.
    pub(super) nodes: Vec<types::Digest>,
    pub(super) tile_fault: Option<FaultReason>,
    pub(super) stop: Option<Stop>,
}

/// Why a stretch ended early.
#[derive(Debug)]
pub(super) struct Stop {
    /// The fault, as far as it shows within the range.
    pub(super) fault: Fault,
    /// The entry, unless it could not be read.
    pub(super) entry: Option<StoredEntry>,
}

impl Stretch {
    pub(super) fn new(first: EntryId, plan: Arc<Plan>) -> Self {
        let found = Found {
            checker: Checker::from(first, None),
            sightings: Vec::new(),
            spoken: Vec::new(),
            hashes: Vec::new(),
            roots: Vec::new(),
            nodes: Vec::new(),
            tile_fault: None,
            stop: None,
        };
        Self { plan, found, row: Row::from(first), entries: 0 }
    }

    /// Whether there is no more to feed: it is full, or a fault was found.
    pub fn is_over(&self) -> bool {
        self.found.stop.is_some() || ENTRIES_MAX <= self.entries
    }

    /// Takes the next line of `entries.jsonl`, with its newline.
    pub fn line(&mut self, line: &[u8], tiles: &dyn TileSource) {
        if self.is_over() {
            return;
        }
        let Some(Line { entry, sighting }) = Line::parse(line) else {
            return self.stop(FaultReason::Malformed, None);
        };
        if self.take(entry, tiles) {
            self.found.sightings.push(sighting);
        }
    }

    /// Takes the next bundle of a ledger without parts, of so many entries;
    /// `None` where the file is not there.
    pub fn bundle(&mut self, bundle: Option<&[u8]>, width: u16, tiles: &dyn TileSource) {
        if self.is_over() {
            return;
        }
        let Some(bundle) = bundle else {
            return self.stop(FaultReason::Missing, None);
        };
        let headers = tile::bundle(bundle).filter(|headers| headers.len() == usize::from(width));
        let Some(headers) = headers else {
            return self.stop(FaultReason::Malformed, None);
        };
        for bytes in headers {
            let text = std::str::from_utf8(bytes).ok();
            let read = text.and_then(|text| Some((Header::parse(bytes).ok()?, text)));
            let Some((header, text)) = read else {
                return self.stop(FaultReason::Malformed, None);
            };
            let header_text = text.to_owned();
            let entry = StoredEntry { header, header_text, data: None, personal: None };
            if !self.take(entry, tiles) {
                return;
            }
        }
    }

    /// Checks an entry, and says whether it holds so far.
    fn take(&mut self, entry: StoredEntry, tiles: &dyn TileSource) -> bool {
        let Found { checker, spoken, hashes, roots, .. } = &mut self.found;
        if let Err(fault) = self.plan.judge(checker, &entry) {
            self.found.stop = Some(Stop { fault, entry: Some(entry) });
            return false;
        }
        let Some((hash, at)) = checker.last() else { return false };
        if self.plan.wants(entry.header.id) {
            hashes.push((entry.header.id, hash));
        }
        let size = checker.next_id().0;
        if self.plan.sizes.contains(&size) {
            roots.push((size, checker.tree().clone(), at));
        }
        self.row.push(&entry.header_text, hash, tiles);
        self.entries = self.entries.saturating_add(1);
        if Directory::reads(entry.header.entry_type) {
            spoken.push(entry);
        }
        true
    }

    fn stop(&mut self, reason: FaultReason, entry: Option<StoredEntry>) {
        let fault = Fault { id: self.found.checker.next_id(), reason };
        self.found.stop = Some(Stop { fault, entry });
    }

    /// No more entries come: the last tile is as wide as it is.
    pub fn end(&mut self, tiles: &dyn TileSource) {
        if self.found.stop.is_none() {
            self.row.finish(tiles);
        }
    }

    pub(super) fn into_found(mut self) -> Found {
        (self.found.nodes, self.found.tile_fault) = self.row.into_found();
        self.found
    }
}
