//! Scripts of entries: which keys count then, and which checkpoints are final.

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::checkpoint::ed25519_line;
use crate::entry::Part;
use crate::header::Header;

const ORIGIN: &str = "ledger.example/clu_1";

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn kid(seed: u8) -> String {
    format!("key_{seed:026}")
}

/// A key that is drawn from a seed, as entries carry it.
fn key(seed: u8, usage: &str) -> Json {
    let public = signing_key(seed).verifying_key().to_bytes();
    let x = crate::signature::to_text(&public);
    Json::object([("kid", kid(seed).into()), ("use", usage.into()), ("x", x.into())])
}

fn checkpoint_keys(seeds: &[u8]) -> Json {
    Json::Array(seeds.iter().map(|seed| key(*seed, "checkpoint")).collect())
}

fn joined(node_id: &str, raft_id: u64, keys: Json) -> Json {
    Json::object([("keys", keys), ("node_id", node_id.into()), ("raft_id", raft_id.into())])
}

/// Node `n<id>` with a key of the seed `id`.
fn node(raft_id: u8) -> Json {
    joined(&format!("n{raft_id}"), raft_id.into(), checkpoint_keys(&[raft_id]))
}

fn genesis() -> Json {
    let Json::Object(mut data) = node(1) else { panic!("an object") };
    data.insert("origin", ORIGIN);
    data.insert("feature_level", 1_u32);
    data.into()
}

fn voters(ids: &[u64]) -> Json {
    let voter = |id: &u64| Json::object([("raft_id", (*id).into())]);
    Json::Array(ids.iter().map(voter).collect())
}

fn members(ids: &[u64], outgoing: Option<&[u64]>) -> Json {
    let outgoing = outgoing.map(voters).unwrap_or_default();
    Json::object([("voters", voters(ids)), ("voters_outgoing", outgoing)])
}

fn added(seed: u8, raft_id: u64, replaces: Option<u8>) -> Json {
    Json::object([
        ("key", key(seed, "checkpoint")),
        ("node_id", format!("n{raft_id}").into()),
        ("raft_id", raft_id.into()),
        ("replaces", replaces.map(kid).into()),
    ])
}

fn retired(seed: u8, is_compromised: bool) -> Json {
    Json::object([("compromised", is_compromised.into()), ("kid", kid(seed).into())])
}

fn entry(id: u64, entry_type: EntryType, data: &Json) -> StoredEntry {
    let data = Part::new([0; 32], data);
    let header = Header {
        id: EntryId(id),
        entry_type,
        timestamp: Timestamp(id),
        actor_seq: 0,
        type_seq: 1,
        data_hash: data.hash(),
        personal_hash: None,
        previous_hash: Digest::ZERO,
    };
    let header_text = header.to_canonical();
    StoredEntry { header, header_text, data: Some(data), personal: None }
}

/// A directory of three voters over entries 0 to 3, and what comes after.
fn directory(more: &[(EntryType, Json)]) -> Result<Directory, Fault> {
    use EntryType as T;
    let trio = [
        (T::Genesis, genesis()),
        (T::NodeJoined, node(2)),
        (T::NodeJoined, node(3)),
        (T::MembershipChanged, members(&[1, 2, 3], None)),
    ];
    let mut directory = Directory::default();
    for (id, (entry_type, data)) in (0..).zip(trio.iter().chain(more)) {
        directory.apply(&entry(id, *entry_type, data))?;
    }
    Ok(directory)
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size,
        root: Digest::ZERO,
        feature_level: 1,
        membership_hash: Digest::ZERO,
        policy_hash: Digest::ZERO,
        state_hash: Digest::ZERO,
        timestamp: Timestamp(size),
    }
}

/// The note of a checkpoint of this size that keys of these seeds signed.
fn note(size: u64, seeds: &[u8]) -> Note {
    let text = checkpoint(size).to_text();
    let line = |seed: &u8| {
        let key = signing_key(*seed);
        let signature = key.sign(text.as_bytes()).to_bytes();
        ed25519_line(ORIGIN, &key.verifying_key().to_bytes(), &signature)
    };
    let signatures = seeds.iter().map(line).collect();
    Note { text, signatures }
}

#[track_caller]
fn check(more: &[(EntryType, Json)], size: u64, seeds: &[u8], expect: &str) {
    let directory = directory(more).unwrap();
    let found = match directory.finality(&note(size, seeds), &checkpoint(size)) {
        Ok(signers) => format!("{:?}", signers.voters),
        Err(NoteFault::KeyNotValid { is_lost_to_compromise: true, .. }) => "compromised".to_owned(),
        Err(fault) => fault.reason().to_string(),
    };
    assert_eq!(found, expect, "{seeds:?} at {size}");
}

#[test]
fn a_majority_of_the_voters_makes_a_checkpoint_final() {
    check(&[], 4, &[1, 2], "{1, 2}");
    check(&[], 4, &[1, 2, 3], "{1, 2, 3}");
    check(&[], 4, &[1], "too_few_signatures");
    check(&[], 4, &[1, 1], "too_few_signatures");
    check(&[], 4, &[1, 9], "too_few_signatures");
    // Below entry 3 there is one voter.
    check(&[], 3, &[1], "{1}");
    check(&[], 3, &[2], "too_few_signatures");
}

#[test]
fn a_joint_configuration_takes_both_sides() {
    let joint = [(EntryType::MembershipChanged, members(&[3], Some(&[1, 2, 3])))];
    check(&joint, 5, &[1, 3], "{1, 3}");
    check(&joint, 5, &[3], "too_few_signatures");
    check(&joint, 5, &[1, 2], "too_few_signatures");
}

#[test]
fn a_key_counts_from_its_entry_to_its_end() {
    let rotated = [(EntryType::KeyAdded, added(7, 2, Some(2)))];
    check(&rotated, 4, &[1, 2], "{1, 2}");
    check(&rotated, 4, &[1, 7], "key_not_valid_at_size");
    check(&rotated, 5, &[1, 7], "{1, 2}");
    check(&rotated, 5, &[1, 2], "key_not_valid_at_size");
}

#[test]
fn two_keys_of_a_voter_are_one_voter() {
    check(&[(EntryType::KeyAdded, added(7, 1, None))], 5, &[1, 7], "too_few_signatures");
}

#[test]
fn a_compromised_key_never_proves_anything() {
    let given_up = [(EntryType::KeyRetired, retired(2, true))];
    check(&given_up, 4, &[1, 2], "compromised");
    check(&given_up, 4, &[1, 2, 3], "{1, 3}");
    // Where it had ended before, it is not the compromise that lost it.
    check(&given_up, 5, &[1, 2], "key_not_valid_at_size");
    let later =
        [(EntryType::KeyRetired, retired(2, false)), (EntryType::KeyRetired, retired(2, true))];
    check(&later, 4, &[1, 2], "compromised");
    let ended = directory(&later).unwrap().keys().get(&kid(2)).unwrap().clone();
    assert_eq!((ended.until, ended.status()), (Some(EntryId(4)), "revoked"));
}

#[test]
fn a_name_that_is_taken_over_ends_the_keys_of_its_bearer() {
    let taken = [(EntryType::NodeJoined, joined("n2", 4, checkpoint_keys(&[8])))];
    check(&taken, 5, &[1, 2], "key_not_valid_at_size");
    check(&taken, 4, &[1, 2], "{1, 2}");
}

#[test]
fn a_signature_that_is_not_its_keys_condemns_the_note() {
    let directory = directory(&[]).unwrap();
    let mut note = note(4, &[1, 2, 3]);
    note.signatures[2].signature[0] ^= 1;
    let fault = directory.finality(&note, &checkpoint(4)).unwrap_err();
    assert_eq!(fault, NoteFault::SignatureInvalid { kid: kid(3).parse().unwrap() });
    // Under another name it is nobody we know.
    note.signatures[2].name = "witness.example".to_owned();
    assert!(directory.finality(&note, &checkpoint(4)).is_ok());
}

#[test]
fn a_key_signs_for_entries_older_than_itself_and_not_past_its_end() {
    let rotated = [(EntryType::KeyAdded, added(7, 2, Some(2)))];
    let directory = directory(&rotated).unwrap();
    let counts = |seed, entry| directory.keys().get(&kid(seed)).unwrap().counts_for(EntryId(entry));
    assert!(counts(7, 0));
    assert!(counts(2, 3));
    assert!(!counts(2, 4));
}

#[test]
fn the_lines_of_a_checkpoint_agree_with_the_entries() {
    let directory = directory(&[]).unwrap();
    let hash = directory.membership_at(4).unwrap().hash;
    let told = Checkpoint { membership_hash: hash, ..checkpoint(4) };
    assert!(directory.agrees(&told, Timestamp(4)));
    assert!(!directory.agrees(&told, Timestamp(5)));
    assert!(!directory.agrees(&checkpoint(4), Timestamp(3)));
    let level = Checkpoint { feature_level: 2, ..told };
    assert!(!directory.agrees(&level, Timestamp(3)));
}

#[test]
fn entries_that_do_not_say_it_well_are_malformed() {
    use EntryType as T;
    let two_keys = joined("n4", 4, Json::Array(vec![key(9, "token"), key(9, "export")]));
    for (entry_type, data) in [
        (T::NodeJoined, joined("n4", 4, Json::Array(vec![key(9, "evidence")]))),
        (T::NodeJoined, two_keys),
        (T::NodeJoined, joined("n4", 4, Json::Null)),
        (T::KeyAdded, added(2, 1, None)),
        (T::KeyAdded, added(9, 1, Some(8))),
        (T::KeyRetired, retired(9, false)),
        (T::MembershipChanged, members(&[], None)),
        (T::MembershipChanged, members(&[1, 1], None)),
        (T::MembershipChanged, members(&[1], Some(&[]))),
        (T::MembershipChanged, Json::object([("voters", voters(&[1]))])),
        (T::FeatureLevelChanged, Json::object([("level", 2_u32.into())])),
    ] {
        let fault = directory(&[(entry_type, data.clone())]).unwrap_err();
        let expected = Fault { id: EntryId(4), reason: FaultReason::Malformed };
        assert_eq!(fault, expected, "{entry_type}: {}", data.to_canonical());
    }
    // A node may name its own key again, until it has ended.
    assert!(directory(&[(T::KeyAdded, added(2, 2, None))]).is_ok());
    let ended = [(T::KeyRetired, retired(2, false)), (T::KeyAdded, added(2, 2, None))];
    assert_eq!(directory(&ended).unwrap_err().id, EntryId(5));
}
