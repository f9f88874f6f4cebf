//! The tree over a range of leaves that begins anywhere: the roots of the
//! largest perfect subtrees that lie within it.
//!
//! [`crate::Frontier`] is the same for a range that begins at leaf 0. Ranges
//! that were hashed apart are joined here without hashing a leaf again, so a
//! check can use every core.

use types::Digest;

use crate::hash::{node_hash, sha256};

/// See the module.
///
/// INVARIANT: `peaks` cover `first..end` from the left, each a subtree whose
/// first leaf is a multiple of its size, and no two neighbors are the halves of
/// a larger one; `push` alone adds to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtrees {
    first: u64,
    end: u64,
    peaks: Vec<Peak>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Peak {
    height: u32,
    root: Digest,
}

impl Subtrees {
    /// No leaves yet; the next one is `first`.
    pub fn from(first: u64) -> Self {
        Self { first, end: first, peaks: Vec::new() }
    }

    /// Adds a leaf by its hash.
    pub fn append(&mut self, leaf: Digest) {
        self.push(Peak { height: 0, root: leaf });
    }

    /// Adds the leaves of a range that follows, and says whether it does:
    /// `false`, and nothing changes, where it begins elsewhere.
    pub fn join(&mut self, next: &Self) -> bool {
        if next.first != self.end {
            return false;
        }
        for peak in &next.peaks {
            self.push(*peak);
        }
        true
    }

    /// Root of the tree; `None` where the range does not begin at leaf 0.
    pub fn root(&self) -> Option<Digest> {
        if self.first != 0 {
            return None;
        }
        let mut peaks = self.peaks.iter().rev();
        Some(match peaks.next() {
            None => sha256(b""),
            Some(last) => peaks.fold(last.root, |right, left| node_hash(left.root, right)),
        })
    }

    /// Adds a subtree that begins at `end`, joined with as many on its left as
    /// are of its size and the left half of something.
    fn push(&mut self, peak: Peak) {
        let mut peak = peak;
        let mut start = self.end;
        self.end = start.saturating_add(leaves(peak.height));
        while let Some(left) = self.peaks.last().copied() {
            let is_right_half = start & leaves(peak.height) != 0;
            if left.height != peak.height || !is_right_half {
                break;
            }
            self.peaks.pop();
            start = start.saturating_sub(leaves(peak.height));
            let height = peak.height.saturating_add(1);
            peak = Peak { height, root: node_hash(left.root, peak.root) };
        }
        self.peaks.push(peak);
    }
}

fn leaves(height: u32) -> u64 {
    1_u64.checked_shl(height).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::entry_hash;
    use crate::merkle::Frontier;

    fn range(first: u8, end: u8) -> Subtrees {
        let mut subtrees = Subtrees::from(first.into());
        (first..end).for_each(|n| subtrees.append(entry_hash(&[n])));
        subtrees
    }

    #[test]
    fn a_range_from_the_first_leaf_has_the_root_of_the_tree() {
        let mut frontier = Frontier::default();
        for end in 0..70 {
            assert_eq!(range(0, end).root(), Some(frontier.root()), "{end} leaves");
            frontier.append(entry_hash(&[end]));
        }
        assert_eq!(range(1, 8).root(), None);
    }

    #[test]
    fn ranges_joined_are_the_range_over_both() {
        for first in 0..20 {
            for middle in first..40 {
                for end in middle..40 {
                    let mut joined = range(first, middle);
                    assert!(joined.join(&range(middle, end)));
                    assert_eq!(joined, range(first, end), "{first} {middle} {end}");
                }
            }
        }
    }

    #[test]
    fn a_range_that_does_not_follow_is_not_joined() {
        let mut subtrees = range(0, 5);
        assert!(!subtrees.join(&range(6, 8)));
        assert!(!subtrees.join(&range(4, 8)));
        assert_eq!(subtrees, range(0, 5));
    }
}
