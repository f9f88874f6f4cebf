//! A tree with tiles of three levels, in memory.

use std::sync::LazyLock;

use ledger::Frontier;
use ledger::hash::{entry_hash, node_hash};
use ledger::tile::{TileId, Tiles, WIDTH};
use types::Digest;

/// Leaves of the tree: more than 256 * 256, so that a third level begins.
pub const SIZE: u64 = 66_000;

/// The tree that all inputs share.
pub static TREE: LazyLock<Tree> = LazyLock::new(Tree::grow);

/// Hashes of every level of tiles, and the root at every size.
#[derive(Debug)]
pub struct Tree {
    levels: Vec<Vec<Digest>>,
    roots: Vec<Digest>,
}

impl Tree {
    fn grow() -> Self {
        let leaves: Vec<Digest> = (0..SIZE).map(|at| entry_hash(&at.to_be_bytes())).collect();
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root()];
        for leaf in &leaves {
            frontier.append(*leaf);
            roots.push(frontier.root());
        }
        let mut levels = vec![leaves];
        while let Some(last) = levels.last().filter(|last| 256 <= last.len()) {
            let next = last.chunks_exact(256).map(perfect).collect();
            levels.push(next);
        }
        Self { levels, roots }
    }

    /// Hash of a leaf.
    pub fn leaf(&self, index: u64) -> Digest {
        self.levels[0][place(index)]
    }

    /// Root of the first `size` leaves, as appending tells it.
    pub fn root(&self, size: u64) -> Digest {
        self.roots[place(size)]
    }
}

impl Tiles for Tree {
    type Error = ();

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, ()> {
        let level = self.levels.get(usize::from(id.level)).ok_or(())?;
        let start = place(id.index.checked_mul(WIDTH).ok_or(())?);
        let end = start.checked_add(usize::from(id.width)).ok_or(())?;
        level.get(start..end).map(<[Digest]>::to_vec).ok_or(())
    }
}

fn perfect(nodes: &[Digest]) -> Digest {
    match nodes {
        [node] => *node,
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            node_hash(perfect(left), perfect(right))
        }
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
