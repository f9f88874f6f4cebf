//! The tree cut into tiles, as C2SP `tlog-tiles` names and packs them.
//!
//! A hash tile of level `L` holds up to 256 consecutive nodes of height `8 * L`;
//! an entry bundle holds the headers under a tile of level 0. This file knows
//! names, sizes and bytes. It stores nothing: whoever keeps hashes implements
//! [`Tiles`], and [`crate::proof`] reads through it.
//!
//! Invariants
//! - A path has one spelling; any other text is no path.
//! - No tile is empty, and none is wider than [`WIDTH`].

use std::fmt;

use types::Digest;

use crate::hash::node_hash;
use crate::merkle::Frontier;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;

/// [`WIDTH`] as widths are counted.
const FULL: u16 = 256;

/// Highest level that a path may name.
const LEVEL_MAX: u8 = 63;

/// Height of a tile: how many levels of the tree lie between two levels of tiles.
pub(crate) const HEIGHT: u32 = 8;

const HASH_BYTES: usize = 32;

/// Which hash tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// Its hashes are nodes of height `8 * level`.
    pub level: u8,
    /// Place within the level, from 0.
    pub index: u64,
    /// Number of hashes, 1..=256; 256 is a full tile.
    pub width: u16,
}

impl TileId {
    /// The tile at this place, as wide as a tree of `size` has it; `None` where
    /// such a tree has none.
    pub fn of_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        let width = width_at(index, nodes(level, size))?;
        Some(Self { level, index, width })
    }

    /// The path below `tile/`.
    pub fn path(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, place_path(self.index, self.width))
    }
}

/// What a path below `tile/` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// A tile of hashes.
    Hashes(TileId),
    /// A bundle of entries.
    Entries {
        /// Place among the bundles, from 0.
        index: u64,
        /// Number of entries, 1..=256.
        width: u16,
    },
}

impl Resource {
    /// Reads a path below `tile/`, or `None` for any other text.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, place) = path.split_once('/')?;
        let (index, width) = parse_place(place)?;
        let resource = if kind == "entries" {
            Self::Entries { index, width }
        } else {
            let level = kind.parse().ok().filter(|level| *level <= LEVEL_MAX)?;
            Self::Hashes(TileId { level, index, width })
        };
        // Signs, superfluous zeros and groups end here: one tile has one name.
        (resource.path() == path).then_some(resource)
    }

    /// The path below `tile/`.
    pub fn path(&self) -> String {
        match self {
            Self::Hashes(tile) => tile.path(),
            Self::Entries { index, width } => format!("entries/{}", place_path(*index, *width)),
        }
    }
}

impl From<TileId> for Resource {
    fn from(tile: TileId) -> Self {
        Self::Hashes(tile)
    }
}

impl From<&Resource> for Resource {
    fn from(resource: &Resource) -> Self {
        *resource
    }
}

fn place_path(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest != 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width != FULL {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

fn parse_place(place: &str) -> Option<(u64, u16)> {
    let (groups, width) = match place.split_once(".p/") {
        Some((groups, width)) => {
            (groups, width.parse().ok().filter(|width| (1..FULL).contains(width))?)
        }
        None => (place, FULL),
    };
    let mut index = 0_u64;
    for group in groups.split('/') {
        let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    Some((index, width))
}

/// Every hash tile of a tree of this size, by level, then index; the last of a
/// level may be partial.
pub fn tiles(size: u64) -> impl Iterator<Item = TileId> {
    (0..=LEVEL_MAX).flat_map(move |level| {
        row(nodes(level, size)).map(move |(index, width)| TileId { level, index, width })
    })
}

/// Index and width of every entry bundle of a tree of this size.
pub fn bundles(size: u64) -> impl Iterator<Item = (u64, u16)> {
    row(size)
}

/// Whether a tree of this size has it. A partial tile stays when the tree grows
/// past it, so any width exists up to what is there.
pub fn exists(resource: impl Into<Resource>, size: u64) -> bool {
    let (level, index, width) = match resource.into() {
        Resource::Hashes(tile) => (tile.level, tile.index, tile.width),
        Resource::Entries { index, width } => (0, index, width),
    };
    let there = width_at(index, nodes(level, size)).unwrap_or(0);
    (1..=there).contains(&width)
}

/// How many nodes of height `8 * level` a tree of this size has.
fn nodes(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level).saturating_mul(HEIGHT)).unwrap_or(0)
}

fn row(nodes: u64) -> impl Iterator<Item = (u64, u16)> {
    (0..nodes.div_ceil(WIDTH)).filter_map(move |index| Some((index, width_at(index, nodes)?)))
}

fn width_at(index: u64, nodes: u64) -> Option<u16> {
    let there = nodes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
    u16::try_from(there).ok().filter(|width| *width != 0)
}

/// Where hash tiles come from.
pub trait Tiles {
    /// Why a tile could not be read.
    type Error;

    /// The hashes of a tile, exactly `width` of them.
    ///
    /// # Errors
    /// Whatever keeps the source from answering.
    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Self::Error>;
}

/// Root over these nodes of one height: the Merkle Tree Hash of RFC 6962, with
/// the nodes in the place of leaf hashes.
pub fn subtree_root(hashes: &[Digest]) -> Digest {
    if !hashes.len().is_power_of_two() {
        let mut frontier = Frontier::default();
        for hash in hashes {
            frontier.append(*hash);
        }
        return frontier.root();
    }
    // A perfect subtree, which is what proofs ask for, folds level by level.
    let mut level = hashes.to_vec();
    while 1 < level.len() {
        level = level
            .chunks_exact(2)
            .filter_map(|pair| Some(node_hash(*pair.first()?, *pair.last()?)))
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

/// The bytes of a tile.
pub fn to_bytes(hashes: &[Digest]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile's bytes: 1..=256 of 32 bytes and nothing else.
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<Digest>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    let fits = (1..=usize::from(FULL)).contains(&hashes.len()) && rest.is_empty();
    fits.then(|| hashes.iter().map(|hash| Digest(*hash)).collect())
}

/// Adds an entry's header to the bytes of a bundle. A header of more than
/// 65,535 bytes, which the format cannot express, is not added: `false`.
pub fn append_bundle(bundle: &mut Vec<u8>, header: &[u8]) -> bool {
    let Ok(length) = u16::try_from(header.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(header);
    true
}

/// The headers in the bytes of a bundle: 1..=256 of them and nothing else.
pub fn bundle(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut headers = Vec::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (header, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        if headers.len() == usize::from(FULL) {
            return None;
        }
        headers.push(header);
        rest = after;
    }
    (rest.is_empty() && !headers.is_empty()).then_some(headers)
}

#[cfg(test)]
mod tests;
