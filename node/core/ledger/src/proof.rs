//! Inclusion and consistency proofs of RFC 9162, section 2.1: made from tiles
//! for a tree of any size that the tiles cover, and verified from hashes alone.
//!
//! Making a proof reads at most two tiles of each level, each once. Making
//! checks nothing: hashes of a wrong tile give a proof that does not verify.
//!
//! Reading order: [`inclusion`], [`consistency`], then how a `Reader` finds a
//! node; the two verifiers stand for themselves.

use std::collections::BTreeMap;

use types::Digest;

use crate::hash::{node_hash, sha256};
use crate::tile::{HEIGHT, TileId, Tiles, WIDTH, subtree_root};

/// Why a proof could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError<E> {
    /// There is no such proof: the leaf or the older tree is not in the tree.
    #[error("the leaf or the older tree is not in the tree")]
    Range,
    /// The source of tiles failed.
    #[error("cannot read a tile")]
    Tiles(#[source] E),
    /// The source of tiles gave too few or too many hashes.
    #[error("a tile has not the width that was asked for")]
    Short,
}

/// Root of the tree of this size; of the empty tree, the hash of nothing.
///
/// # Errors
/// [`ProofError`] when a tile cannot be read.
pub fn root<T: Tiles>(tiles: &T, size: u64) -> Result<Digest, ProofError<T::Error>> {
    Reader::new(tiles, size).root(Span { first: 0, end: size })
}

/// The inclusion path of a leaf, from the leaf towards the root.
///
/// # Errors
/// [`ProofError::Range`] when the tree has no such leaf, or what the tiles say.
pub fn inclusion<T: Tiles>(
    tiles: &T,
    index: u64,
    size: u64,
) -> Result<Vec<Digest>, ProofError<T::Error>> {
    if size <= index {
        return Err(ProofError::Range);
    }
    let mut siblings = Vec::new();
    let mut span = Span { first: 0, end: size };
    while let Some((left, right)) = span.split() {
        let (next, sibling) = if index < right.first { (left, right) } else { (right, left) };
        siblings.push(sibling);
        span = next;
    }
    Reader::new(tiles, size).roots(siblings)
}

/// The proof that the tree of size `from` is the beginning of that of size
/// `to`, from the leaves towards the root. Between equal sizes it is empty.
///
/// # Errors
/// [`ProofError::Range`] when `from` is 0, of which nothing can be proved, or
/// above `to`; or what the tiles say.
pub fn consistency<T: Tiles>(
    tiles: &T,
    from: u64,
    to: u64,
) -> Result<Vec<Digest>, ProofError<T::Error>> {
    if from == 0 || to < from {
        return Err(ProofError::Range);
    }
    let mut siblings = Vec::new();
    let mut span = Span { first: 0, end: to };
    while span.end != from {
        let Some((left, right)) = span.split() else { break };
        let (next, sibling) = if from <= right.first { (left, right) } else { (right, left) };
        siblings.push(sibling);
        span = next;
    }
    // A subtree at the very left is the older tree, whose root is known.
    if span.first != 0 {
        siblings.push(span);
    }
    Reader::new(tiles, to).roots(siblings)
}

/// Consecutive leaves under one node.
///
/// INVARIANT: `first` is a multiple of the least power of two that holds all
/// leaves; spans begin at 0, and [`Span::split`] keeps it.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u64,
    end: u64,
}

impl Span {
    /// The two children: RFC 6962 splits n leaves at the largest power of two
    /// below n. One leaf has none.
    fn split(self) -> Option<(Self, Self)> {
        let last = self.end.checked_sub(self.first)?.checked_sub(1)?;
        let leaves = 1_u64.checked_shl(last.checked_ilog2()?)?;
        let middle = self.first.checked_add(leaves)?;
        Some((Self { end: middle, ..self }, Self { first: middle, ..self }))
    }
}

/// Reads nodes of the tree of one size, each tile once.
#[derive(Debug)]
struct Reader<'a, T> {
    tiles: &'a T,
    size: u64,
    /// At most two tiles of each level, since a reader serves one proof.
    read: BTreeMap<TileId, Vec<Digest>>,
}

impl<'a, T: Tiles> Reader<'a, T> {
    fn new(tiles: &'a T, size: u64) -> Self {
        Self { tiles, size, read: BTreeMap::new() }
    }

    /// Roots of spans that were gathered on the way down, in the order of proofs.
    fn roots(&mut self, spans: Vec<Span>) -> Result<Vec<Digest>, ProofError<T::Error>> {
        spans.into_iter().rev().map(|span| self.root(span)).collect()
    }

    /// Folds the perfect subtrees of a span, the last and smallest first: there
    /// is one for each bit set in the number of leaves.
    fn root(&mut self, span: Span) -> Result<Digest, ProofError<T::Error>> {
        let mut end = span.end;
        let mut root = None;
        while span.first < end {
            let height = end.saturating_sub(span.first).trailing_zeros();
            end = end.saturating_sub(1_u64.checked_shl(height).unwrap_or(0));
            let left = self.subtree(height, end)?;
            root = Some(root.map_or(left, |right| node_hash(left, right)));
        }
        Ok(root.unwrap_or_else(|| sha256(b"")))
    }

    /// The node over the 2^`height` leaves from `first`, which is a multiple.
    fn subtree(&mut self, height: u32, first: u64) -> Result<Digest, ProofError<T::Error>> {
        let level = height / HEIGHT;
        let node = first.checked_shr(level.saturating_mul(HEIGHT)).unwrap_or(0);
        let level = u8::try_from(level).map_err(|_| ProofError::Range)?;
        let id = TileId::of_tree(level, node / WIDTH, self.size).ok_or(ProofError::Range)?;
        let start = usize::try_from(node % WIDTH).map_err(|_| ProofError::Range)?;
        let end = start.saturating_add(1_usize.checked_shl(height % HEIGHT).unwrap_or(0));
        let hashes = self.tile(id)?.get(start..end).ok_or(ProofError::Short)?;
        Ok(subtree_root(hashes))
    }

    fn tile(&mut self, id: TileId) -> Result<&[Digest], ProofError<T::Error>> {
        if !self.read.contains_key(&id) {
            let hashes = self.tiles.tile(id).map_err(ProofError::Tiles)?;
            if hashes.len() != usize::from(id.width) {
                return Err(ProofError::Short);
            }
            self.read.insert(id, hashes);
        }
        self.read.get(&id).map(Vec::as_slice).ok_or(ProofError::Short)
    }
}

/// Whether the hashes lead from this leaf to the root.
pub fn verify_inclusion(
    leaf: Digest,
    index: u64,
    size: u64,
    hashes: &[Digest],
    root: Digest,
) -> bool {
    inclusion_root(leaf, index, size, hashes) == Some(root)
}

/// The root that the hashes lead to from this leaf: RFC 9162, section 2.1.3.2.
/// `None` where they are too many or too few, or there is no such leaf.
pub fn inclusion_root(leaf: Digest, index: u64, size: u64, hashes: &[Digest]) -> Option<Digest> {
    let last = size.checked_sub(1).filter(|last| index <= *last)?;
    let mut climb = Climb { node: index, last };
    let mut hash = leaf;
    for sibling in hashes {
        hash = match climb.step()? {
            Side::Left => node_hash(*sibling, hash),
            Side::Right => node_hash(hash, *sibling),
        };
    }
    (climb.last == 0).then_some(hash)
}

/// Whether the hashes show the tree of size `from` to be the beginning of that
/// of size `to`: RFC 9162, section 2.1.4.2. Of the empty tree nothing is shown.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: Digest,
    to_root: Digest,
    hashes: &[Digest],
) -> bool {
    let (Some(node), Some(last)) = (from.checked_sub(1), to.checked_sub(1)) else {
        return false;
    };
    if to <= from {
        return from == to && hashes.is_empty() && from_root == to_root;
    }
    // A perfect older tree is itself a node of the newer, and left out.
    let (start, hashes) = match hashes.split_first() {
        Some(_) if from.is_power_of_two() => (from_root, hashes),
        Some((first, rest)) => (*first, rest),
        None => return false,
    };
    let up = node.trailing_ones();
    let mut climb = Climb { node, last }.up(up);
    let (mut older, mut newer) = (start, start);
    for hash in hashes {
        match climb.step() {
            Some(Side::Left) => {
                older = node_hash(*hash, older);
                newer = node_hash(*hash, newer);
            }
            Some(Side::Right) => newer = node_hash(newer, *hash),
            None => return false,
        }
    }
    climb.last == 0 && older == from_root && newer == to_root
}

/// On which side of the node its sibling is.
#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

/// A node on its way up, and the last node of its level (`fn` and `sn` of the
/// standard).
#[derive(Clone, Copy, Debug)]
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    /// Where the next hash of the proof stands; `None` above the root.
    fn step(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let is_right_child = self.node & 1 == 1;
        let side = if is_right_child || self.node == self.last { Side::Left } else { Side::Right };
        if !is_right_child && self.node == self.last {
            // The last node has no sibling until it is a right child.
            *self = self.up(self.node.trailing_zeros());
        }
        *self = self.up(1);
        Some(side)
    }

    fn up(self, levels: u32) -> Self {
        let up = |node: u64| node.checked_shr(levels).unwrap_or(0);
        Self { node: up(self.node), last: up(self.last) }
    }
}

#[cfg(test)]
mod tests;
