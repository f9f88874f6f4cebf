//! Proofs against the definitions of RFC 6962, section 2.1, and every small
//! change of a proof against the verifiers.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::hash::entry_hash;
use crate::merkle::Frontier;

/// All nodes whose height is a multiple of 8, and which tiles were asked for.
struct Memory {
    levels: Vec<Vec<Digest>>,
    asked: RefCell<Vec<TileId>>,
}

impl Memory {
    fn of(size: u64) -> Self {
        let mut levels = vec![(0..size).map(leaf).collect::<Vec<_>>()];
        while let Some(level) = levels.last()
            && 256 <= level.len()
        {
            let above = level.chunks_exact(256).map(subtree_root).collect();
            levels.push(above);
        }
        Self { levels, asked: RefCell::default() }
    }
}

impl Tiles for Memory {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Infallible> {
        self.asked.borrow_mut().push(id);
        let start = usize::try_from(id.index).unwrap() * 256;
        Ok(self.levels[usize::from(id.level)][start..start + usize::from(id.width)].to_vec())
    }
}

fn leaf(index: u64) -> Digest {
    entry_hash(&index.to_be_bytes())
}

/// The definitions of the standard, word by word, over the leaves `a..b`. Only
/// the hashes are remembered, so that all small trees can be tried.
#[derive(Default)]
struct Definition(BTreeMap<(u64, u64), Digest>);

impl Definition {
    fn split(a: u64, b: u64) -> u64 {
        a + (b - a).next_power_of_two() / 2
    }

    fn tree(&mut self, a: u64, b: u64) -> Digest {
        if let Some(hash) = self.0.get(&(a, b)) {
            return *hash;
        }
        let hash = match b - a {
            0 => sha256(b""),
            1 => leaf(a),
            _ => {
                let k = Self::split(a, b);
                node_hash(self.tree(a, k), self.tree(k, b))
            }
        };
        self.0.insert((a, b), hash);
        hash
    }

    fn path(&mut self, m: u64, a: u64, b: u64) -> Vec<Digest> {
        if b - a == 1 {
            return Vec::new();
        }
        let k = Self::split(a, b);
        let (mut path, sibling) = if m < k {
            (self.path(m, a, k), self.tree(k, b))
        } else {
            (self.path(m, k, b), self.tree(a, k))
        };
        path.push(sibling);
        path
    }

    fn subproof(&mut self, m: u64, a: u64, b: u64) -> Vec<Digest> {
        if m == b {
            return if a == 0 { Vec::new() } else { vec![self.tree(a, b)] };
        }
        let k = Self::split(a, b);
        let (mut proof, sibling) = if m <= k {
            (self.subproof(m, a, k), self.tree(k, b))
        } else {
            (self.subproof(m, k, b), self.tree(a, k))
        };
        proof.push(sibling);
        proof
    }
}

fn check_inclusion(definition: &mut Definition, memory: &Memory, index: u64, size: u64) {
    let hashes = inclusion(memory, index, size).unwrap();
    assert_eq!(hashes, definition.path(index, 0, size), "leaf {index} of {size}");
    let root = definition.tree(0, size);
    assert!(verify_inclusion(leaf(index), index, size, &hashes, root), "leaf {index} of {size}");
}

fn check_consistency(definition: &mut Definition, memory: &Memory, from: u64, to: u64) {
    let hashes = consistency(memory, from, to).unwrap();
    assert_eq!(hashes, definition.subproof(from, 0, to), "{from} to {to}");
    let (older, newer) = (definition.tree(0, from), definition.tree(0, to));
    assert!(verify_consistency(from, to, older, newer, &hashes), "{from} to {to}");
}

#[test]
fn every_leaf_of_every_small_tree_has_the_path_of_the_definition() {
    let (memory, mut definition) = (Memory::of(300), Definition::default());
    for size in 1..=300 {
        for index in 0..size {
            check_inclusion(&mut definition, &memory, index, size);
        }
    }
}

#[test]
fn any_two_small_trees_have_the_proof_of_the_definition() {
    let (memory, mut definition) = (Memory::of(150), Definition::default());
    for to in 1..=150 {
        for from in 1..=to {
            check_consistency(&mut definition, &memory, from, to);
        }
    }
}

#[test]
fn trees_around_a_full_tile_have_the_proofs_of_the_definition() {
    let (memory, mut definition) = (Memory::of(66_000), Definition::default());
    let edges = [1, 2, 128, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_281, 65_535, 65_536];
    for size in [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793, 66_000] {
        assert_eq!(root(&memory, size), Ok(definition.tree(0, size)));
        for edge in edges.into_iter().filter(|edge| *edge <= size) {
            check_inclusion(&mut definition, &memory, edge - 1, size);
            check_consistency(&mut definition, &memory, edge, size);
        }
    }
}

#[test]
fn the_root_from_tiles_is_that_of_appending() {
    let (memory, mut frontier) = (Memory::of(600), Frontier::default());
    for size in 0..=600 {
        assert_eq!(root(&memory, size), Ok(frontier.root()), "{size}");
        frontier.append(leaf(size));
    }
}

#[test]
fn a_proof_reads_two_tiles_of_a_level_at_most_and_each_once() {
    let memory = Memory::of(70_000);
    let ask = |proof: &dyn Fn()| {
        memory.asked.borrow_mut().clear();
        proof();
        let asked = memory.asked.borrow();
        assert!(asked.len() <= 6, "{asked:?}");
        assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), asked.len(), "{asked:?}");
        assert!(asked.iter().all(|tile| crate::tile::exists(*tile, 70_000)), "{asked:?}");
    };
    for at in [0, 1, 255, 256, 40_000, 65_535, 65_536, 69_887, 69_888, 69_999] {
        ask(&|| assert!(inclusion(&memory, at, 70_000).is_ok()));
        ask(&|| assert!(consistency(&memory, at + 1, 70_000).is_ok()));
    }
}

#[test]
fn a_proof_of_what_is_not_in_the_tree_is_refused() {
    let memory = Memory::of(10);
    assert_eq!(inclusion(&memory, 10, 10), Err(ProofError::Range));
    assert_eq!(inclusion(&memory, 0, 0), Err(ProofError::Range));
    assert_eq!(consistency(&memory, 0, 10), Err(ProofError::Range));
    assert_eq!(consistency(&memory, 10, 9), Err(ProofError::Range));
    assert_eq!(consistency(&memory, 10, 10), Ok(Vec::new()));
    assert_eq!(*memory.asked.borrow(), []);
}

/// Answers with one hash, whatever is asked, or not at all.
struct Broken(Option<Digest>);

impl Tiles for Broken {
    type Error = &'static str;

    fn tile(&self, _: TileId) -> Result<Vec<Digest>, &'static str> {
        self.0.map(|hash| vec![hash]).ok_or("gone")
    }
}

#[test]
fn a_source_that_fails_or_falls_short_is_named() {
    assert_eq!(inclusion(&Broken(None), 0, 2), Err(ProofError::Tiles("gone")));
    assert_eq!(inclusion(&Broken(Some(Digest::ZERO)), 0, 2), Err(ProofError::Short));
    assert_eq!(root(&Broken(Some(Digest::ZERO)), 1), Ok(Digest::ZERO));
}

/// Every node is the same, so a tree of any size can be asked for.
struct Endless;

impl Tiles for Endless {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Infallible> {
        Ok(vec![Digest::ZERO; usize::from(id.width)])
    }
}

#[test]
fn the_largest_trees_have_proofs() {
    for size in [1 << 63, u64::MAX - 1, u64::MAX] {
        for index in [0, 1, size / 2, size - 1] {
            assert!(inclusion(&Endless, index, size).unwrap().len() <= 64, "{index} {size}");
            assert!(consistency(&Endless, index + 1, size).unwrap().len() <= 65);
        }
    }
}

#[test]
fn nothing_is_shown_of_an_empty_tree_or_a_later_one() {
    let root = sha256(b"");
    assert!(!verify_inclusion(root, 0, 0, &[], root));
    assert!(!verify_inclusion(root, 1, 1, &[], root));
    assert!(verify_inclusion(root, 0, 1, &[], root));
    assert!(!verify_consistency(0, 0, root, root, &[]));
    assert!(!verify_consistency(0, 1, root, root, &[]));
    assert!(!verify_consistency(2, 1, root, root, &[]));
    assert!(!verify_consistency(1, 2, root, root, &[]));
    assert!(!verify_consistency(3, 3, root, root, &[root]));
    assert!(!verify_consistency(3, 3, root, leaf(0), &[]));
    assert!(verify_consistency(3, 3, root, root, &[]));
}

/// Every change of one bit, one place or the length that alters the hashes.
fn changes(hashes: &[Digest], bit: u8) -> Vec<Vec<Digest>> {
    let mut changes = Vec::new();
    for at in 0..hashes.len() {
        let mut flipped = hashes.to_vec();
        flipped[at].0[usize::from(bit / 8)] ^= 1 << (bit % 8);
        let mut removed = hashes.to_vec();
        removed.remove(at);
        let mut doubled = hashes.to_vec();
        doubled.insert(at, hashes[at]);
        let mut swapped = hashes.to_vec();
        swapped.swap(at, hashes.len() - 1 - at);
        changes.extend([flipped, removed, doubled, swapped]);
    }
    changes.push([hashes, &[Digest::ZERO]].concat());
    changes.push([&[Digest::ZERO], hashes].concat());
    changes.retain(|changed| changed != hashes);
    changes
}

fn flip(digest: Digest, bit: u8) -> Digest {
    changes(&[digest], bit)[0][0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_inclusion_proof_does_not_verify(
        size in 1..600_u64, at in any::<u64>(), other in any::<u64>(), bit in any::<u8>()
    ) {
        let (memory, index, other) = (Memory::of(size), at % size, other % (size + 1));
        let hashes = inclusion(&memory, index, size).unwrap();
        let (leaf, root) = (leaf(index), root(&memory, size).unwrap());
        prop_assert!(verify_inclusion(leaf, index, size, &hashes, root));
        prop_assert!(!verify_inclusion(flip(leaf, bit), index, size, &hashes, root));
        prop_assert!(!verify_inclusion(leaf, index, size, &hashes, flip(root, bit)));
        prop_assert!(other == index || !verify_inclusion(leaf, other, size, &hashes, root));
        for changed in changes(&hashes, bit) {
            prop_assert!(!verify_inclusion(leaf, index, size, &changed, root));
        }
    }

    #[test]
    fn a_changed_consistency_proof_does_not_verify(
        to in 1..600_u64, at in any::<u64>(), bit in any::<u8>()
    ) {
        let (memory, from) = (Memory::of(to), at % to + 1);
        let hashes = consistency(&memory, from, to).unwrap();
        let (older, newer) = (root(&memory, from).unwrap(), root(&memory, to).unwrap());
        prop_assert!(verify_consistency(from, to, older, newer, &hashes));
        prop_assert!(!verify_consistency(from, to, flip(older, bit), newer, &hashes));
        prop_assert!(!verify_consistency(from, to, older, flip(newer, bit), &hashes));
        prop_assert!(!verify_consistency(to + 1, to, older, newer, &hashes));
        for changed in changes(&hashes, bit) {
            prop_assert!(!verify_consistency(from, to, older, newer, &changed));
        }
    }
}
