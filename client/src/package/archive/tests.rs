//! Archives that somebody made to do harm.

use super::record::{Member, tail};
use super::*;

/// An archive of these members, whatever they are called.
fn archive(members: &[(&str, &[u8], u64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut listed = Vec::new();
    for (name, content, size) in members {
        let mut crc = Crc::new();
        crc.update(content);
        let offset = bytes.len() as u64;
        let name = (*name).to_owned();
        let member = Member { name, size: *size, crc: crc.finalize(), offset };
        bytes.extend(member.local());
        bytes.extend(*content);
        listed.push(member);
    }
    let offset = bytes.len() as u64;
    bytes.extend(tail(&listed, offset));
    bytes
}

/// What comes of unpacking, and the files that were written.
fn unpacking(bytes: &[u8]) -> (Result<(), String>, usize) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.zip");
    fs::write(&path, bytes).unwrap();
    let inner = place.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let unpacked = unpack(&path, &inner).map_err(|error| match error {
        PackageError::Fault(fault) => format!("{} {}", fault.reason.code(), fault.path),
        error @ PackageError::Io { .. } => error.to_string(),
    });
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "something was written outside");
    (unpacked, Inventory::of(&inner, &|| ()).unwrap().iter().count())
}

#[test]
fn what_was_packed_is_unpacked() {
    let bytes = archive(&[("a", b"one", 3), ("b/c", b"", 0)]);
    assert_eq!(unpacking(&bytes), (Ok(()), 2));
}

#[test]
fn names_that_lead_outside_are_refused() {
    for name in ["../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil", ""] {
        let (refused, files) = unpacking(&archive(&[("a", b"one", 3), (name, b"x", 1)]));
        assert_eq!((refused, files), (Err(format!("path_refused {name}")), 1), "{name}");
    }
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let twice = archive(&[("a", b"one", 3), ("a", b"two", 3)]);
    assert_eq!(unpacking(&twice).0, Err("path_refused a".to_owned()));
    // A file where a folder is, which no archive packed from files has.
    let both = archive(&[("a", b"one", 3), ("a/b", b"two", 3)]);
    assert_eq!(unpacking(&both).0, Err("path_refused a/b".to_owned()));
    let apart = archive(&[("a", b"one", 3), ("a-b", b"two", 3), ("a/b", b"two", 3)]);
    assert_eq!(unpacking(&apart).0, Err("path_refused a/b".to_owned()));
    let unordered = archive(&[("b", b"one", 3), ("a", b"two", 3)]);
    assert_eq!(unpacking(&unordered).0, Err("archive_malformed a".to_owned()));
}

#[test]
fn a_member_is_never_longer_than_the_archive() {
    for size in [4, 1 << 20, u64::from(u32::MAX) + 1, u64::MAX] {
        let refused = unpacking(&archive(&[("a", b"one", size)])).0;
        assert!(refused.is_err(), "{size}");
    }
}

#[test]
fn compressed_members_and_what_others_pack_are_refused() {
    let mut bytes = archive(&[("a", b"one", 3)]);
    bytes[8] = 8;
    assert_eq!(unpacking(&bytes).0, Err("archive_malformed a".to_owned()));
    let malformed = Err("archive_malformed ".to_owned());
    for bytes in [&b""[..], b"PK", b"no zip at all", &archive(&[("a", b"one", 3)])[..20]] {
        assert_eq!(unpacking(bytes).0, malformed);
    }
    let good = archive(&[("a", b"one", 3)]);
    assert_eq!(unpacking(&[good.as_slice(), b"x"].concat()).0, malformed);
    assert_eq!(unpacking(&good[..good.len() - 1]).0, malformed);
    assert_eq!(unpacking(&[b"x", good.as_slice()].concat()).0, malformed);
}

#[test]
fn the_checksum_is_that_of_the_standard() {
    // The check value of CRC-32 (ISO 3309).
    let mut crc = Crc::new();
    crc.update(b"1234");
    crc.update(b"56789");
    assert_eq!(crc.finalize(), 0xCBF4_3926);
}
