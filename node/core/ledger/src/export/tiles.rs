//! Comparing the tiles of an export with its entries, as they pass.
//!
//! Only the tiles that are filling up are kept. The first difference is kept
//! too: it is named in its turn, after what is wrong with entries.

use types::{Digest, EntryId};

use crate::fault::FaultReason;
use crate::tile::{self, Resource, TileId, WIDTH, subtree_root};

/// Where the tiles of an export are.
pub trait TileSource: Sync {
    /// The bytes of a tile or a bundle, or `None` where it is not there.
    fn read(&self, resource: Resource) -> Option<Vec<u8>>;
}

/// The tiles of level 0 and the bundles over a stretch.
#[derive(Debug)]
pub(super) struct Row {
    index: u64,
    leaves: Vec<Digest>,
    bundle: Vec<u8>,
    nodes: Vec<Digest>,
    fault: Option<FaultReason>,
}

impl Row {
    /// The row that begins at this entry, where a tile begins.
    pub(super) fn from(first: EntryId) -> Self {
        Self {
            index: first.0 / WIDTH,
            leaves: Vec::new(),
            bundle: Vec::new(),
            nodes: Vec::new(),
            fault: None,
        }
    }

    pub(super) fn push(&mut self, header: &str, leaf: Digest, tiles: &dyn TileSource) {
        self.leaves.push(leaf);
        if !tile::append_bundle(&mut self.bundle, header.as_bytes()) {
            // No header is so long, and a bundle could not hold it.
            self.fault.get_or_insert(FaultReason::Malformed);
        }
        if is_full(&self.leaves) {
            self.nodes.push(subtree_root(&self.leaves));
            self.compare(tiles);
        }
    }

    /// The last tile and bundle, if they are partial.
    pub(super) fn finish(&mut self, tiles: &dyn TileSource) {
        if !self.leaves.is_empty() {
            self.compare(tiles);
        }
    }

    fn compare(&mut self, tiles: &dyn TileSource) {
        let fault = compare_tile(0, self.index, &self.leaves, tiles);
        let fault = fault.or_else(|| self.compare_bundle(tiles));
        self.fault = self.fault.or(fault);
        self.leaves.clear();
        self.bundle.clear();
        self.index = self.index.saturating_add(1);
    }

    fn compare_bundle(&self, tiles: &dyn TileSource) -> Option<FaultReason> {
        let width = width(&self.leaves)?;
        let Some(found) = tiles.read(Resource::Entries { index: self.index, width }) else {
            return Some(FaultReason::TileMismatch);
        };
        if found == self.bundle {
            return None;
        }
        let is_bundle =
            tile::bundle(&found).is_some_and(|headers| headers.len() == self.leaves.len());
        Some(if is_bundle { FaultReason::TileMismatch } else { FaultReason::Malformed })
    }

    pub(super) fn into_found(self) -> (Vec<Digest>, Option<FaultReason>) {
        (self.nodes, self.fault)
    }
}

/// The tiles above level 0, over all stretches.
#[derive(Debug, Default)]
pub(super) struct Upper {
    /// Of each level from 1: place of the tile that is filling up, and what is
    /// in it.
    levels: Vec<(u64, Vec<Digest>)>,
    fault: Option<FaultReason>,
}

impl Upper {
    /// Adds the root of a full tile of level 0.
    pub(super) fn push(&mut self, node: Digest, tiles: &dyn TileSource) {
        let mut node = Some(node);
        let mut level = 0_usize;
        while let Some(root) = node.take() {
            if self.levels.len() <= level {
                self.levels.push((0, Vec::new()));
            }
            let Some((index, hashes)) = self.levels.get_mut(level) else { return };
            hashes.push(root);
            level = level.saturating_add(1);
            if is_full(hashes) {
                let fault = compare_level(level, *index, hashes, tiles);
                self.fault = self.fault.or(fault);
                node = Some(subtree_root(hashes));
                hashes.clear();
                *index = index.saturating_add(1);
            }
        }
    }

    /// Keeps a fault of the row below, if it is the first.
    pub(super) fn note(&mut self, fault: Option<FaultReason>) {
        self.fault = self.fault.or(fault);
    }

    /// The partial tiles, then the verdict.
    pub(super) fn finish(&mut self, tiles: &dyn TileSource) -> Result<(), FaultReason> {
        for (level, (index, hashes)) in (1..).zip(&self.levels) {
            if self.fault.is_none() && !hashes.is_empty() {
                self.fault = compare_level(level, *index, hashes, tiles);
            }
        }
        self.fault.map_or(Ok(()), Err)
    }
}

fn compare_level(
    level: usize,
    index: u64,
    hashes: &[Digest],
    tiles: &dyn TileSource,
) -> Option<FaultReason> {
    compare_tile(u8::try_from(level).ok()?, index, hashes, tiles)
}

fn compare_tile(
    level: u8,
    index: u64,
    hashes: &[Digest],
    tiles: &dyn TileSource,
) -> Option<FaultReason> {
    let id = TileId { level, index, width: width(hashes)? };
    let expected = tile::to_bytes(hashes);
    match tiles.read(id.into()) {
        None => Some(FaultReason::TileMismatch),
        Some(found) if found.len() != expected.len() => Some(FaultReason::Malformed),
        Some(found) => (found != expected).then_some(FaultReason::TileMismatch),
    }
}

fn is_full(hashes: &[Digest]) -> bool {
    width(hashes).is_some_and(|width| WIDTH <= u64::from(width))
}

fn width(hashes: &[Digest]) -> Option<u16> {
    u16::try_from(hashes.len()).ok()
}
