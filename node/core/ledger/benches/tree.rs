//! What a proof costs in a tree of ten million entries whose tiles are at hand,
//! and what it costs to verify: each is to stay under a millisecond.
//!
//! Hashes of level 0 are made of their index when a tile is asked for, so the
//! benchmark needs little memory; that is measured along with the proof. The
//! levels above are hashed once, before anything is measured.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ledger::proof::{consistency, inclusion, root, verify_consistency, verify_inclusion};
use ledger::tile::{TileId, Tiles, subtree_root};
use types::Digest;

const SIZE: u64 = 10_000_000;

/// A place whose path is full length, with right siblings at many heights.
const INDEX: u64 = 5_555_555;

fn leaf(index: u64) -> Digest {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&index.to_be_bytes());
    Digest(bytes)
}

/// The levels above 0, from which level 0 is left out.
struct Simulated {
    upper: Vec<Vec<Digest>>,
}

impl Simulated {
    fn new() -> Self {
        let tile = |index: u64| (0..256).map(|at| leaf(index * 256 + at)).collect::<Vec<_>>();
        let mut upper = vec![(0..SIZE / 256).map(|at| subtree_root(&tile(at))).collect::<Vec<_>>()];
        while let Some(level) = upper.last()
            && 256 <= level.len()
        {
            let above = level.chunks_exact(256).map(subtree_root).collect();
            upper.push(above);
        }
        Self { upper }
    }
}

impl Tiles for Simulated {
    type Error = Infallible;

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Infallible> {
        let (start, width) = (id.index * 256, u64::from(id.width));
        let Some(level) = usize::from(id.level).checked_sub(1) else {
            return Ok((start..start + width).map(leaf).collect());
        };
        let start = usize::try_from(start).unwrap();
        Ok(self.upper[level][start..start + usize::from(id.width)].to_vec())
    }
}

fn proofs(c: &mut Criterion) {
    let tiles = Simulated::new();
    c.bench_function("inclusion in 10 million", |b| {
        b.iter(|| inclusion(&tiles, black_box(INDEX), SIZE).unwrap());
    });
    c.bench_function("consistency to 10 million", |b| {
        b.iter(|| consistency(&tiles, black_box(INDEX), SIZE).unwrap());
    });
    c.bench_function("root of 10 million", |b| {
        b.iter(|| root(&tiles, black_box(SIZE)).unwrap());
    });

    let (older, newer) = (root(&tiles, INDEX).unwrap(), root(&tiles, SIZE).unwrap());
    let path = inclusion(&tiles, INDEX, SIZE).unwrap();
    assert!(verify_inclusion(leaf(INDEX), INDEX, SIZE, &path, newer));
    c.bench_function("verify inclusion in 10 million", |b| {
        b.iter(|| verify_inclusion(leaf(INDEX), black_box(INDEX), SIZE, &path, newer));
    });
    let path = consistency(&tiles, INDEX, SIZE).unwrap();
    assert!(verify_consistency(INDEX, SIZE, older, newer, &path));
    c.bench_function("verify consistency to 10 million", |b| {
        b.iter(|| verify_consistency(black_box(INDEX), SIZE, older, newer, &path));
    });
}

criterion_group!(benches, proofs);
criterion_main!(benches);
