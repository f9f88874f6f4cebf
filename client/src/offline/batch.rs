//! Signatures made over many replies at once: the signed text is the root of a
//! tree in which this reply is a leaf.

use ::ledger::hash::{entry_hash, node_hash};
use types::{Digest, Json, Object};

/// A tree of `u64` leaves is no higher.
const PATH_MAX: usize = 64;

/// What was signed if `signed` is the leaf that the signature says: `None`
/// where it says nothing of the kind, `Some(None)` where the path leads nowhere.
pub(super) fn message(signature: &Object, signed: &[u8]) -> Option<Option<String>> {
    let index = signature.get("leaf_index").and_then(Json::as_u64)?;
    let size = signature.get("tree_size").and_then(Json::as_u64)?;
    let path = signature.get("path").and_then(Json::as_array)?;
    let path = path.iter().map(|node| node.as_str()?.parse::<Digest>().ok());
    let path: Vec<Digest> = path.collect::<Option<_>>()?;
    // The leaf hash of RFC 6962 is that of a ledger entry.
    let root = root(entry_hash(signed), index, size, &path);
    Some(root.map(|root| format!("lexecon/batch/v1\n{root}\n")))
}

/// The root that an inclusion path leads to: RFC 9162, section 2.1.3.2.
fn root(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if size <= index || PATH_MAX < path.len() {
        return None;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut node = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            node = node_hash(*sibling, node);
            // On the right edge, levels without a sibling are passed over.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            node = node_hash(node, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(leaves: &[Digest]) -> Digest {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let left = leaves.len().next_power_of_two() / 2;
                node_hash(tree(&leaves[..left]), tree(&leaves[left..]))
            }
        }
    }

    /// PATH of RFC 6962, section 2.1.1.
    fn path(at: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut below, beside) = match at < left.len() {
            true => (path(at, left), tree(right)),
            false => (path(at - left.len(), right), tree(left)),
        };
        below.push(beside);
        below
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_does() {
        for size in 1..20_u8 {
            let leaves: Vec<Digest> = (0..size).map(|n| entry_hash(&[n])).collect();
            for at in 0..size {
                let path = path(usize::from(at), &leaves);
                let leaf = leaves[usize::from(at)];
                let found = |index: u64, path: &[Digest]| root(leaf, index, size.into(), path);
                assert_eq!(found(at.into(), &path), Some(tree(&leaves)), "{at} of {size}");
                assert_eq!(found(size.into(), &path), None);
                let mut longer = path.clone();
                longer.push(leaf);
                assert_eq!(found(at.into(), &longer), None, "{at} of {size}");
                if let Some((_, shorter)) = path.split_last() {
                    assert_ne!(found(at.into(), shorter), Some(tree(&leaves)));
                }
                let other = u64::from((at + 1) % size);
                if 1 < size {
                    assert_ne!(found(other, &path), Some(tree(&leaves)), "{at} of {size}");
                }
            }
        }
    }
}
