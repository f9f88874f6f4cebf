//! Names, sizes and bytes of tiles, each refusal beside its success.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use super::*;
use crate::hash::entry_hash;

fn tile(level: u8, index: u64, width: u16) -> TileId {
    TileId { level, index, width }
}

#[test]
fn a_path_reads_back_as_it_was_written() {
    for (resource, path) in [
        (Resource::Hashes(tile(0, 0, 256)), "0/000"),
        (Resource::Hashes(tile(0, 1_234_067, 3)), "0/x001/x234/067.p/3"),
        (Resource::Hashes(tile(63, 999, 255)), "63/999.p/255"),
        (Resource::Hashes(tile(1, 1000, 256)), "1/x001/000"),
        (Resource::Hashes(tile(0, u64::MAX, 1)), "0/x018/x446/x744/x073/x709/x551/615.p/1"),
        (Resource::Entries { index: 70, width: 256 }, "entries/070"),
        (Resource::Entries { index: 1070, width: 1 }, "entries/x001/070.p/1"),
    ] {
        assert_eq!(resource.path(), path);
        assert_eq!(Resource::parse(path), Some(resource));
    }
}

#[test]
fn another_spelling_of_a_path_is_no_path() {
    for refused in [
        "",
        "/",
        "0",
        "0/",
        "0/0",
        "0/00",
        "0/0000",
        "00/000",
        "+0/000",
        "-1/000",
        "64/000",
        "256/000",
        "0/+00",
        "0/1000",
        "0/x000/000",
        "0/001/000",
        "0/x001",
        "0/x001/x000",
        "0/X001/000",
        "0/x001/000/",
        "0/x001//000",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/+1",
        "0/000.p/256",
        "0/000.p/257",
        "0/000.p/65537",
        "0/000.p/1/",
        "0/000.p/1.p/1",
        "0/ 00",
        "0/000 ",
        "0/0é0",
        "entries",
        "entries/",
        "entries/0",
        "Entries/000",
        "entries/000.p/0",
        "tile/0/000",
        "../0/000",
        "0/x018/x446/x744/x073/x709/x551/616",
        "0/x001/x018/x446/x744/x073/x709/x551/615",
    ] {
        assert_eq!(Resource::parse(refused), None, "{refused}");
    }
}

/// How many full tiles each level has, and the width of its partial one.
fn shape(size: u64) -> Vec<(usize, u16)> {
    let mut shape: Vec<(usize, u16)> = Vec::new();
    for tile in tiles(size) {
        shape.resize(usize::from(tile.level) + 1, (0, 0));
        let level = shape.last_mut().unwrap();
        match tile.width {
            256 => level.0 += 1,
            width => level.1 = width,
        }
    }
    shape
}

#[test]
fn a_tree_has_the_tiles_that_the_specification_counts() {
    assert_eq!(shape(0), []);
    assert_eq!(shape(1), [(0, 1)]);
    assert_eq!(shape(255), [(0, 255)]);
    assert_eq!(shape(256), [(1, 0), (0, 1)]);
    assert_eq!(shape(257), [(1, 1), (0, 1)]);
    assert_eq!(shape(70_000), [(273, 112), (1, 17), (0, 1)]);
    assert_eq!(bundles(513).collect::<Vec<_>>(), [(0, 256), (1, 256), (2, 1)]);
    assert_eq!(bundles(0).count(), 0);
}

#[test]
fn the_largest_tree_has_tiles_up_to_level_seven() {
    assert_eq!(TileId::of_tree(7, 0, u64::MAX), Some(tile(7, 0, 255)));
    assert_eq!(TileId::of_tree(8, 0, u64::MAX), None);
    assert_eq!(TileId::of_tree(0, u64::MAX / 256, u64::MAX), Some(tile(0, u64::MAX / 256, 255)));
    assert_eq!(TileId::of_tree(0, u64::MAX, u64::MAX), None);
}

#[test]
fn a_tree_has_each_of_its_tiles_and_the_narrower_ones() {
    for size in [1, 255, 256, 257, 511, 512, 65_535, 65_536, 70_000] {
        for tile in tiles(size) {
            assert!(exists(tile, size), "{tile} of {size}");
            assert!(exists(TileId { width: 1, ..tile }, size));
            assert!(!exists(TileId { width: 0, ..tile }, size));
            assert!(!exists(TileId { width: tile.width + 1, ..tile }, size), "{tile} of {size}");
        }
    }
    for (index, width, there) in [(0, 256, true), (1, 1, true), (1, 2, false), (2, 1, false)] {
        let bundle = Resource::Entries { index, width };
        assert_eq!(exists(bundle, 257), there, "{bundle:?}");
    }
    assert!(!exists(tile(1, 0, 1), 255));
    assert!(!exists(tile(63, 0, 1), u64::MAX));
    assert!(!exists(tile(0, u64::MAX, 1), u64::MAX));
}

#[test]
fn the_root_of_a_subtree_is_that_of_appending_its_nodes() {
    let hashes: Vec<Digest> = (0..=255_u8).map(|at| entry_hash(&[at])).collect();
    for width in 0..=256 {
        let mut frontier = Frontier::default();
        for hash in &hashes[..width] {
            frontier.append(*hash);
        }
        assert_eq!(subtree_root(&hashes[..width]), frontier.root(), "{width}");
    }
}

#[test]
fn the_bytes_of_a_tile_are_whole_hashes() {
    let hashes = vec![Digest([7; 32]); 256];
    assert_eq!(from_bytes(&to_bytes(&hashes)), Some(hashes));
    assert_eq!(from_bytes(&[7; 32]), Some(vec![Digest([7; 32])]));
    for refused in [0, 1, 31, 33, 63, 257 * 32] {
        assert_eq!(from_bytes(&vec![7; refused]), None, "{refused} bytes");
    }
}

#[test]
fn a_bundle_comes_apart_as_it_was_put_together() {
    let longest = vec![b'a'; 65_535];
    let headers: [&[u8]; 3] = [b"{}", b"", &longest];
    let mut bytes = Vec::new();
    for header in headers {
        assert!(append_bundle(&mut bytes, header));
    }
    assert_eq!(bytes[..4], [0, 2, b'{', b'}']);
    assert_eq!(bundle(&bytes), Some(headers.to_vec()));
}

#[test]
fn a_header_too_long_for_a_bundle_is_not_added() {
    let mut bytes = Vec::new();
    assert!(!append_bundle(&mut bytes, &vec![0; 65_536]));
    assert!(bytes.is_empty());
}

#[test]
fn bytes_that_are_no_bundle_are_refused() {
    for refused in [&b""[..], b"\0", b"\0\x02a", b"\0\x01ab", b"\0\x01a\0"] {
        assert_eq!(bundle(refused), None, "{refused:?}");
    }
    assert_eq!(bundle(&[0; 2 * 256]).map(|headers| headers.len()), Some(256));
    assert_eq!(bundle(&[0; 2 * 257]), None);
}
