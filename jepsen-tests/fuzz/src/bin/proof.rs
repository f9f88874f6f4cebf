//! Proofs: the text is written back byte for byte; verifiers agree with the
//! definition on any hashes; a proof that was made holds for its leaf, its
//! place and its roots, and for no others.

#![no_main]

use fuzz::definition::{HASHES_MAX, root_of_path, roots_of_proof};
use fuzz::seeds::{self, selecting};
use fuzz::tree::{self, TREE};
use ledger::proof::{self, inclusion_root, verify_consistency, verify_inclusion};
use ledger::receipt::TlogProof;
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use types::Digest;

const TEXT: u8 = 0;
const INCLUSION: u8 = 1;
const CONSISTENCY: u8 = 2;
const MADE: u8 = 3;

fuzz_target!(init: seeds::plant(proofs()), |bytes: &[u8]| {
    let Some((selector, rest)) = bytes.split_first() else {
        return;
    };
    let mut input = Unstructured::new(rest);
    // An input that ends too soon is none.
    let _ = match *selector {
        TEXT => {
            check_text(rest);
            Ok(())
        }
        INCLUSION => check_inclusion(&mut input),
        CONSISTENCY => check_consistency(&mut input),
        MADE => check_made(&mut input),
        _ => Ok(()),
    };
});

fn check_text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(read) = TlogProof::parse(text) else {
        return;
    };
    assert_eq!(read.to_string(), text);
    let leaf = ledger::hash::entry_hash(read.extra.as_deref().unwrap_or_default());
    for size in [read.index, read.index.saturating_add(1), u64::MAX] {
        agree_on_inclusion(leaf, read.index, size, &read.hashes, Digest::ZERO);
    }
}

fn check_inclusion(input: &mut Unstructured<'_>) -> Result<()> {
    let (index, size) = (input.arbitrary()?, input.arbitrary()?);
    let (leaf, root) = (digest(input)?, digest(input)?);
    agree_on_inclusion(leaf, index, size, &digests(input)?, root);
    Ok(())
}

/// Any hashes lead to some root or to none, and to no second one.
fn agree_on_inclusion(leaf: Digest, index: u64, size: u64, hashes: &[Digest], other: Digest) {
    let root = root_of_path(leaf, index, size, hashes);
    assert_eq!(inclusion_root(leaf, index, size, hashes), root);
    let shown = |root| verify_inclusion(leaf, index, size, hashes, root);
    assert_eq!(root.is_some(), shown(root.unwrap_or(other)));
    assert_eq!(root == Some(other), shown(other));
}

fn check_consistency(input: &mut Unstructured<'_>) -> Result<()> {
    let (from, to) = (input.arbitrary()?, input.arbitrary()?);
    let (known, other) = (digest(input)?, digest(input)?);
    let hashes = digests(input)?;
    let roots = roots_of_proof(from, to, known, &hashes);
    let shown = |older, newer| verify_consistency(from, to, older, newer, &hashes);
    let (older, newer) = roots.unwrap_or((known, other));
    assert_eq!(roots.is_some(), shown(older, newer));
    assert_eq!(roots == Some((older, other)), shown(older, other));
    // Where the older root is not part of the proof it is what it is said to be.
    let is_said = roots_of_proof(from, to, other, &hashes) == Some((other, newer));
    assert_eq!(is_said, shown(other, newer));
    Ok(())
}

fn check_made(input: &mut Unstructured<'_>) -> Result<()> {
    let size = input.int_in_range(1..=tree::SIZE)?;
    let index = input.int_in_range(0..=size - 1)?;
    let other = input.int_in_range(0..=size - 1)?;
    let (at, bit) = (input.arbitrary()?, input.arbitrary()?);
    let (leaf, root) = (TREE.leaf(index), TREE.root(size));
    assert_eq!(proof::root(&*TREE, size), Ok(root));
    let path = proof::inclusion(&*TREE, index, size).expect("the tree has the leaf");
    assert!(verify_inclusion(leaf, index, size, &path, root));
    if other != index {
        assert!(!verify_inclusion(TREE.leaf(other), index, size, &path, root));
        assert!(!verify_inclusion(leaf, other, size, &path, root));
        assert!(!verify_inclusion(TREE.leaf(other), other, size, &path, root));
    }
    for changed in changes(&path, at, bit) {
        assert!(!verify_inclusion(leaf, index, size, &changed, root));
    }
    let from = index + 1;
    let older = TREE.root(from);
    let grown = proof::consistency(&*TREE, from, size).expect("the tree has grown");
    assert!(verify_consistency(from, size, older, root, &grown));
    let stranger = TREE.root(other + 1);
    if other != index {
        assert!(!verify_consistency(from, size, stranger, root, &grown));
    }
    if other + 1 != size {
        assert!(!verify_consistency(from, size, older, stranger, &grown));
    }
    for changed in changes(&grown, at, bit) {
        assert!(!verify_consistency(from, size, older, root, &changed));
    }
    Ok(())
}

/// A proof with a bit flipped, a hash less, a hash more and two hashes swapped.
fn changes(hashes: &[Digest], at: usize, bit: u8) -> Vec<Vec<Digest>> {
    let mut longer = hashes.to_vec();
    longer.insert(at % (hashes.len() + 1), Digest([bit; 32]));
    let mut changes = vec![longer];
    if hashes.is_empty() {
        return changes;
    }
    let at = at % hashes.len();
    let mut flipped = hashes.to_vec();
    flipped[at].0[usize::from(bit / 8)] ^= 1 << (bit % 8);
    let mut shorter = hashes.to_vec();
    shorter.remove(at);
    let mut swapped = hashes.to_vec();
    swapped.swap(at, 0);
    changes.extend([flipped, shorter]);
    changes.extend(Some(swapped).filter(|swapped| swapped != hashes));
    changes
}

fn digest(input: &mut Unstructured<'_>) -> Result<Digest> {
    input.arbitrary().map(Digest)
}

fn digests(input: &mut Unstructured<'_>) -> Result<Vec<Digest>> {
    let mut hashes = Vec::new();
    while !input.is_empty() && hashes.len() <= HASHES_MAX {
        hashes.push(digest(input)?);
    }
    Ok(hashes)
}

fn proofs() -> Vec<Vec<u8>> {
    let texts = seeds::files().into_iter().filter(|file| file.path.ends_with(".tlog-proof"));
    let mut seeds: Vec<Vec<u8>> = texts.map(|file| selecting(TEXT, &file.bytes)).collect();
    let pairs =
        [(0, 1), (0, 3), (6, 7), (7, 7), (255, 300), (1 << 40, (1 << 53) - 1), (1, u64::MAX)];
    for (index, size) in pairs {
        let sizes = [u64::to_le_bytes(index), u64::to_le_bytes(size)].concat();
        // Proofs of each length there is are found by growing these.
        for hashes in [0, 1, 2, 9, 64] {
            let bytes = [sizes.clone(), vec![7; 64], vec![1; 32 * hashes]].concat();
            seeds.push(selecting(INCLUSION, &bytes));
            seeds.push(selecting(CONSISTENCY, &bytes));
        }
    }
    let made = [[0_u8; 24], [7; 24], [0xff; 24]].concat();
    seeds.extend(made.chunks(12).map(|bytes| selecting(MADE, bytes)));
    seeds
}
