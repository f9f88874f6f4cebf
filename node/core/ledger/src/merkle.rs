//! The Merkle tree of RFC 6962, section 2.1, as far as appending and its root
//! need it: the roots of its perfect subtrees from the left.

use serde::{Deserialize, Serialize};
use types::Digest;

use crate::hash::{node_hash, sha256};

/// The right edge of a tree of `size` leaves.
///
/// INVARIANT: `peaks` has one root for each bit set in `size`, the largest
/// subtree first; [`Frontier::append`] and [`Frontier::append_subtree`] alone
/// change either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash.
    pub fn append(&mut self, leaf: Digest) {
        // Each trailing one of the old size is a subtree as large as the new one.
        self.push(leaf, self.size.trailing_ones());
        self.size = self.size.saturating_add(1);
    }

    /// Height and root of each perfect subtree, from the left.
    pub fn peaks(&self) -> impl Iterator<Item = (u8, Digest)> {
        let is_set = |height: &u8| self.size.checked_shr((*height).into()).unwrap_or(0) & 1 == 1;
        (0..64_u8).rev().filter(is_set).zip(self.peaks.iter().copied())
    }

    /// Adds the `2^height` leaves under this node at once, and says whether it
    /// could: `false`, and nothing changes, unless the size is a multiple of as
    /// many. So threads can each hash an aligned range of leaves into a tree of
    /// its own, whose [`Frontier::peaks`] are then added in order.
    pub fn append_subtree(&mut self, height: u8, root: Digest) -> bool {
        let height = u32::from(height);
        let Some(leaves) = 1_u64.checked_shl(height) else {
            return false;
        };
        let Some(size) = self.size.checked_add(leaves) else {
            return false;
        };
        if !self.size.is_multiple_of(leaves) {
            return false;
        }
        let before = self.size.checked_shr(height).unwrap_or(0);
        self.push(root, before.trailing_ones());
        self.size = size;
        true
    }

    /// Adds a peak, first joined with as many on its left as are of its size.
    fn push(&mut self, node: Digest, joins: u32) {
        let mut node = node;
        for _ in 0..joins {
            if let Some(left) = self.peaks.pop() {
                node = node_hash(left, node);
            }
        }
        self.peaks.push(node);
    }

    /// Root of the tree; of the empty tree, the hash of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => sha256(b""),
            Some(last) => peaks.fold(*last, |right, left| node_hash(*left, right)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, word by word: split at the largest power of two below n.
    fn by_definition(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => sha256(b""),
            [leaf] => *leaf,
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                node_hash(by_definition(&leaves[..left]), by_definition(&leaves[left..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let mut frontier = Frontier::default();
        let mut leaves = Vec::new();
        for n in 0..130_u8 {
            assert_eq!(frontier.root(), by_definition(&leaves), "{n} leaves");
            let leaf = crate::hash::entry_hash(&[n]);
            frontier.append(leaf);
            leaves.push(leaf);
        }
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        // Test data of the reference implementation named by RFC 6962.
        let inputs: [&[u8]; 3] = [b"", b"\x00", b"\x10"];
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root().to_string()];
        for input in inputs {
            frontier.append(crate::hash::entry_hash(input));
            roots.push(frontier.root().to_string());
        }
        assert_eq!(
            roots,
            [
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            ]
        );
    }

    #[test]
    fn a_subtree_is_as_good_as_its_leaves() {
        let leaves: Vec<Digest> = (0..64_u8).map(|n| crate::hash::entry_hash(&[n])).collect();
        let tree_of = |leaves: &[Digest]| {
            let mut frontier = Frontier::default();
            for leaf in leaves {
                frontier.append(*leaf);
            }
            frontier
        };
        for size in 0..=48_usize {
            for height in 0..5_u8 {
                let mut frontier = tree_of(&leaves[..size]);
                let end = size + (1 << height);
                let root = tree_of(&leaves[size..end.min(64)]).root();
                let aligned = size % (1 << height) == 0;
                assert_eq!(frontier.append_subtree(height, root), aligned, "{size} {height}");
                let expected = if aligned { end } else { size };
                assert_eq!(frontier, tree_of(&leaves[..expected]), "{size} {height}");
            }
        }
    }

    #[test]
    fn a_subtree_past_the_end_of_counting_is_refused() {
        let mut frontier = Frontier::default();
        assert!(!frontier.append_subtree(64, Digest::ZERO));
        assert!(frontier.append_subtree(63, Digest::ZERO));
        assert!(!frontier.append_subtree(63, Digest::ZERO));
        assert_eq!(frontier.size(), 1 << 63);
    }

    #[test]
    fn ranges_hashed_apart_are_joined_by_their_peaks() {
        let leaves: Vec<Digest> = (0..61_u8).map(|n| crate::hash::entry_hash(&[n])).collect();
        let (mut whole, mut joined) = (Frontier::default(), Frontier::default());
        for range in leaves.chunks(16) {
            let mut part = Frontier::default();
            for leaf in range {
                part.append(*leaf);
                whole.append(*leaf);
            }
            for (height, root) in part.peaks() {
                assert!(joined.append_subtree(height, root));
            }
        }
        assert_eq!(joined, whole);
    }
}
