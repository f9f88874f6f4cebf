//! One spelling of a header is read, each other refused.

#![expect(clippy::arithmetic_side_effects, reason = "a test may overflow, and then fails")]

use proptest::prelude::*;

use super::*;

fn header() -> Header {
    Header {
        id: EntryId(118),
        entry_type: EntryType::Decision,
        timestamp: "2027-03-04T05:06:07.123456Z".parse().unwrap(),
        actor_seq: 14,
        type_seq: 61,
        data_hash: Digest([0x77; 32]),
        personal_hash: None,
        previous_hash: Digest([0x2f; 32]),
    }
}

#[test]
fn a_header_reads_back_as_it_was_written() {
    for personal_hash in [None, Some(Digest([0x4f; 32]))] {
        let header = Header { personal_hash, ..header() };
        assert_eq!(Header::parse(header.to_canonical().as_bytes()), Ok(header));
    }
}

#[test]
fn another_spelling_of_the_same_header_is_refused() {
    let text = header().to_canonical();
    for (from, to) in [
        ("\"id\":118", "\"id\": 118"),
        ("\"id\":118", "\"id\":0118"),
        ("\"id\":118", "\"id\":+118"),
        ("\"format\":1", "\"format\":2"),
        ("7777", "777Z"),
        ("2f2f", "2F2F"),
        ("07.123456Z", "07.12345600Z"),
        ("}", ",\"x\":1}"),
        ("\"type_seq\":61", "\"type_seq\":61,"),
        ("decision", "decided"),
        ("{\"actor_seq\":14,", "{"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(Header::parse(changed.as_bytes()), Err(HeaderError), "{changed}");
    }
    assert_eq!(Header::parse(b""), Err(HeaderError));
    assert_eq!(Header::parse(&[0xff, 0xfe]), Err(HeaderError));
}

#[test]
fn integers_end_where_readers_of_json_disagree() {
    let text = header().to_canonical();
    let with = |id: &str| Header::parse(text.replacen("118", id, 1).as_bytes());
    assert_eq!(with("9007199254740991").unwrap().id, EntryId(9_007_199_254_740_991));
    assert_eq!(with("0").unwrap().id, EntryId(0));
    for refused in ["9007199254740992", "10000000000000000", "18446744073709551616", "00", "", "-1"]
    {
        assert_eq!(with(refused), Err(HeaderError), "{refused}");
    }
}

/// The rule by which headers were read at first: read somehow, write again,
/// compare. It is slow and cannot be wrong.
fn by_writing_again(bytes: &[u8]) -> Option<Header> {
    let text = std::str::from_utf8(bytes).ok()?;
    let json: types::Json = serde_json::from_str(text).ok()?;
    let members = json.as_object()?;
    let word = |name: &str| members.get(name)?.as_str();
    let integer = |name: &str| members.get(name)?.as_u64();
    let digest = |name: &str| word(name)?.parse::<Digest>().ok();
    let header = Header {
        id: EntryId(integer("id")?),
        entry_type: word("entry_type")?.parse().ok()?,
        timestamp: word("timestamp")?.parse().ok()?,
        actor_seq: integer("actor_seq")?,
        type_seq: integer("type_seq")?,
        data_hash: digest("data_hash")?,
        personal_hash: digest("personal_hash"),
        previous_hash: digest("previous_hash")?,
    };
    (header.to_canonical() == text).then_some(header)
}

fn any_header() -> impl Strategy<Value = Header> {
    let integer = || prop_oneof![0..20_u64, 0..=INTEGER_MAX];
    let digest = || any::<[u8; 32]>().prop_map(Digest);
    let numbers = (integer(), integer(), integer(), 0..=Timestamp::MAX.0);
    let hashes = (digest(), proptest::option::of(digest()), digest());
    (0..EntryType::ALL.len(), numbers, hashes).prop_map(|(entry_type, numbers, hashes)| Header {
        id: EntryId(numbers.0),
        entry_type: EntryType::ALL[entry_type],
        timestamp: Timestamp(numbers.3),
        actor_seq: numbers.1,
        type_seq: numbers.2,
        data_hash: hashes.0,
        personal_hash: hashes.1,
        previous_hash: hashes.2,
    })
}

proptest! {
    #[test]
    fn any_header_reads_back(header in any_header()) {
        prop_assert_eq!(Header::parse(header.to_canonical().as_bytes()), Ok(header));
    }

    #[test]
    fn bytes_are_read_as_if_they_were_written_again(
        header in any_header(),
        at in any::<prop::sample::Index>(),
        cut in 0..3_usize,
        put in prop_oneof!["[0-9a-fA-FnulTZ\",:{}. -]{0,3}", ".{0,2}"],
    ) {
        let mut bytes = header.to_canonical().into_bytes();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + cut).min(bytes.len()), put.into_bytes());
        prop_assert_eq!(Header::parse(&bytes).ok(), by_writing_again(&bytes));
    }
}
