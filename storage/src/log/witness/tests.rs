//! The two blocks of the witness: which one counts, and what damage shows.

use super::*;

fn claim(number: u64) -> Claim {
    Claim { number, next: number * 10, hash: [7; 32], vote: Some(Bytes::from_static(b"vote")) }
}

fn newest(path: &Path) -> Option<Claim> {
    Blocks::open(path).unwrap().map(|(_, claim)| claim)
}

#[test]
fn the_newest_claim_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    create(&path).unwrap();
    assert_eq!(newest(&path), Some(Claim::nothing()));
    for number in 1..=5 {
        let (mut blocks, _) = Blocks::open(&path).unwrap().unwrap();
        blocks.write(&claim(number)).unwrap();
        assert_eq!(newest(&path), Some(claim(number)));
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 8192);
}

#[test]
fn a_torn_write_leaves_the_claim_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    create(&path).unwrap();
    let (mut blocks, _) = Blocks::open(&path).unwrap().unwrap();
    blocks.write(&claim(1)).unwrap();
    let torn = blocks.turn;
    blocks.write(&claim(2)).unwrap();
    blocks.file.write_all_at(&[0xaa; 512], offset(torn) + 10).unwrap();
    assert_eq!(newest(&path), Some(claim(1)));
    // The next write goes over the torn block, not over the whole one.
    let (mut blocks, _) = Blocks::open(&path).unwrap().unwrap();
    blocks.write(&claim(3)).unwrap();
    assert_eq!(newest(&path), Some(claim(3)));
}

#[test]
fn any_flipped_byte_spoils_a_block() {
    let block = claim(3).encode();
    for at in (0..BLOCK_BYTES).step_by(17) {
        let mut flipped = block;
        flipped[at] ^= 1;
        assert_eq!(Claim::decode(&flipped), None, "byte {at}");
    }
}

#[test]
fn two_spoiled_blocks_are_no_witness() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    for contents in [vec![0; 8192], Vec::new()] {
        std::fs::write(&path, contents).unwrap();
        assert_eq!(newest(&path), None);
    }
}

#[test]
fn the_longest_vote_fits() {
    let vote = Some(Bytes::from(vec![9; VOTE_BYTES_MAX]));
    let long = Claim { vote, ..claim(1) };
    assert_eq!(Claim::decode(&long.encode()), Some(long));
}

#[test]
fn the_last_claim_handed_over_is_durable_when_the_thread_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    create(&path).unwrap();
    let witness = Witness::start(Blocks::open(&path).unwrap().unwrap().0).unwrap();
    for number in 1..=20 {
        witness.record(claim(number)).unwrap();
    }
    drop(witness);
    assert_eq!(newest(&path), Some(claim(20)));
}

#[test]
fn a_witness_that_cannot_be_written_says_so_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    create(&path).unwrap();
    let (mut blocks, _) = Blocks::open(&path).unwrap().unwrap();
    blocks.file = File::open(&path).unwrap();
    let witness = Witness::start(blocks).unwrap();
    witness.record(claim(1)).unwrap();
    for number in 2..5 {
        let error = witness.record(claim(number)).unwrap_err();
        assert!(error.to_string().contains("cannot write the witness"), "{error}");
    }
}
