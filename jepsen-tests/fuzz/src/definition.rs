//! What a proof is, by the definition: RFC 6962, sections 2.1.1 and 2.1.2,
//! split at the largest power of two, from the root downwards. The crate under
//! test climbs by the loops of RFC 9162, so the two can only agree on the truth.

use ledger::hash::node_hash;
use types::Digest;

/// Most hashes of a proof in a tree of 2^64 leaves.
pub const HASHES_MAX: usize = 64;

/// The root to which a path leads from this leaf; `None` if the tree has no
/// such leaf, or the leaf a path of another length.
pub fn root_of_path(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if size <= index {
        return None;
    }
    let Some(left) = split(size) else {
        return path.is_empty().then_some(leaf);
    };
    let (sibling, path) = path.split_last()?;
    if index < left {
        Some(node_hash(root_of_path(leaf, index, left, path)?, *sibling))
    } else {
        let right = root_of_path(leaf, index.checked_sub(left)?, size.checked_sub(left)?, path)?;
        Some(node_hash(*sibling, right))
    }
}

/// The older and the newer root that a consistency proof shows. Where the older
/// tree is a subtree of the newer its root is not in the proof: it is `known`.
pub fn roots_of_proof(
    from: u64,
    to: u64,
    known: Digest,
    proof: &[Digest],
) -> Option<(Digest, Digest)> {
    if from == 0 || to < from {
        return None;
    }
    subproof(from, to, known, proof, true)
}

fn subproof(
    from: u64,
    to: u64,
    known: Digest,
    proof: &[Digest],
    is_whole: bool,
) -> Option<(Digest, Digest)> {
    if from == to {
        return match proof {
            [] if is_whole => Some((known, known)),
            [root] if !is_whole => Some((*root, *root)),
            _ => None,
        };
    }
    let left = split(to)?;
    let (sibling, proof) = proof.split_last()?;
    if from <= left {
        let (older, newer) = subproof(from, left, known, proof, is_whole)?;
        return Some((older, node_hash(newer, *sibling)));
    }
    let right = (from.checked_sub(left)?, to.checked_sub(left)?);
    let (older, newer) = subproof(right.0, right.1, known, proof, false)?;
    Some((node_hash(*sibling, older), node_hash(*sibling, newer)))
}

/// The largest power of two below `size`; `None` where there is none.
fn split(size: u64) -> Option<u64> {
    let last = size.checked_sub(1)?;
    last.checked_ilog2().map(|height| 1 << height)
}
