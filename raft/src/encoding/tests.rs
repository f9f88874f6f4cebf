//! Golden bytes of what is stored and sent, and hostile bytes.

use proptest::prelude::*;

use super::*;

fn member(name: &str) -> Member {
    Member {
        name: name.to_owned(),
        peer_address: "h:1".to_owned(),
        api_address: "a".to_owned(),
        region: Some("r".to_owned()),
        zone: None,
    }
}

fn joint() -> Membership {
    let nodes = BTreeMap::from([(1, member("x")), (2, member("y")), (7, member("z"))]);
    Membership::new(vec![BTreeSet::from([1]), BTreeSet::from([1, 2])], nodes).unwrap()
}

#[track_caller]
fn check(bytes: &[u8], golden: &str) {
    assert_eq!(types::digest::to_hex(bytes), golden.replace([' ', '\n'], ""));
}

#[test]
fn a_vote_has_these_bytes() {
    let vote = Vote { leader_id: LeaderId { term: 3, voted_for: 2 }, committed: true };
    check(&encode_vote(&vote), "01 0000000000000003 0000000000000002 01");
    assert_eq!(decode_vote(&encode_vote(&vote)), Ok(vote));
}

#[test]
fn a_log_id_has_these_bytes() {
    check(&encode_log_id(&log_id(3, 9)), "01 0000000000000003 0000000000000009");
    assert_eq!(decode_optional_log_id(&[]), Ok(None));
}

#[test]
fn a_normal_entry_has_these_bytes() {
    let payload = EntryPayload::Normal(Payload(Bytes::from_static(b"\xaa\xbb")));
    let entry = Entry { log_id: log_id(1, 2), payload };
    check(&encode_entry(&entry), "01 0000000000000001 0000000000000002 01 aabb");
    assert_eq!(decode_entry(&encode_entry(&entry)), Ok(entry));
}

#[test]
fn a_membership_entry_has_these_bytes() {
    let entry = Entry { log_id: log_id(1, 2), payload: EntryPayload::Membership(joint()) };
    let golden = "01 0000000000000001 0000000000000002 02
        00000002
          00000001 0000000000000001
          00000002 0000000000000001 0000000000000002
        00000003
          0000000000000001 00000001 78 00000003 683a31 00000001 61 01 00000001 72 00
          0000000000000002 00000001 79 00000003 683a31 00000001 61 01 00000001 72 00
          0000000000000007 00000001 7a 00000003 683a31 00000001 61 01 00000001 72 00";
    check(&encode_entry(&entry), golden);
    assert_eq!(decode_entry(&encode_entry(&entry)), Ok(entry));
}

#[test]
fn an_applied_state_has_these_bytes() {
    let applied = AppliedState {
        last: Some(log_id(4, 5)),
        membership: StoredMembership::default(),
        at: Timestamp(6),
    };
    let golden = "01 01 0000000000000004 0000000000000005 00 00000000 00000000 0000000000000006";
    check(&encode_applied(&applied), golden);
    assert_eq!(decode_applied(&encode_applied(&applied)), Ok(applied));
}

#[test]
fn a_snapshot_meta_reads_back() {
    let meta = SnapshotMeta {
        last_log_id: Some(log_id(2, 8)),
        last_membership: StoredMembership::new(Some(log_id(1, 3)), joint()),
    };
    assert_eq!(decode_meta(&encode_meta(&meta)), Ok(meta));
}

#[test]
fn another_version_and_trailing_bytes_are_refused() {
    let mut bytes = encode_log_id(&log_id(1, 1)).to_vec();
    bytes.push(0);
    assert!(decode_log_id(&bytes).is_err());
    bytes.pop();
    bytes[0] = 2;
    assert!(decode_log_id(&bytes).is_err());
}

#[test]
fn a_voter_without_a_node_is_refused() {
    let mut out = vec![VERSION];
    put_log_id(&mut out, &log_id(1, 1));
    out.push(MEMBERSHIP);
    put_count(&mut out, 1);
    put_count(&mut out, 1);
    put_u64(&mut out, 5);
    put_count(&mut out, 0);
    assert!(decode_entry(&out.into()).is_err());
}

proptest! {
    #[test]
    fn decoding_arbitrary_bytes_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut versioned = vec![VERSION];
        versioned.extend_from_slice(&bytes);
        for bytes in [bytes, versioned] {
            let _ = decode_vote(&bytes);
            let _ = decode_optional_log_id(&bytes);
            let _ = decode_applied(&bytes);
            let _ = decode_meta(&bytes);
            let _ = crate::batch::Batch::decode(&Bytes::from(bytes.clone()));
            if let Ok(entry) = decode_entry(&Bytes::from(bytes.clone())) {
                prop_assert_eq!(encode_entry(&entry).to_vec(), bytes);
            }
        }
    }

    #[test]
    fn what_is_cut_short_is_refused(cut in 0_usize..60) {
        let entry = Entry { log_id: log_id(1, 2), payload: EntryPayload::Membership(joint()) };
        let bytes = encode_entry(&entry);
        prop_assert!(decode_entry(&bytes.slice(..cut)).is_err());
    }
}
