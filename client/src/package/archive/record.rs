//! The headers of an archive (PKWARE APPNOTE 6.3.9, sections 4.3 and 4.5.3),
//! each as the bytes it has and no other.

/// Bytes of a signature.
pub(super) const SIGNATURE_BYTES: usize = 4;

/// What a member begins with.
pub(super) const LOCAL: [u8; SIGNATURE_BYTES] = *b"PK\x03\x04";

const CENTRAL: [u8; SIGNATURE_BYTES] = *b"PK\x01\x02";
const END: [u8; SIGNATURE_BYTES] = *b"PK\x05\x06";
const END_64: [u8; SIGNATURE_BYTES] = *b"PK\x06\x06";
const LOCATOR_64: [u8; SIGNATURE_BYTES] = *b"PK\x06\x07";

/// Bytes of a member's header between its signature and its name.
pub(super) const FIXED_BYTES: usize = 26;

const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Made on Unix, which is what makes the mode below count.
const UNIX: u16 = 3 << 8;
/// A plain file that everybody may read.
const MODE: u32 = 0o100_644 << 16;
/// 1980-01-01, the first day there is; the time is 0.
const DATE: u16 = 1 << 5 | 1;
/// Says that the number is in the extra field.
const IN_EXTRA: u32 = u32::MAX;
const EXTRA_64: u16 = 1;

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) crc: u32,
    /// Where its header begins.
    pub(super) offset: u64,
}

impl Member {
    /// What stands before its bytes.
    pub(super) fn local(&self) -> Vec<u8> {
        let mut bytes = LOCAL.to_vec();
        let is_large = narrow(self.size) == IN_EXTRA;
        bytes.extend(version(is_large).to_le_bytes());
        self.common(&mut bytes);
        let extra = if is_large { extra(&[self.size, self.size]) } else { Vec::new() };
        bytes.extend(length(extra.len()).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra);
        bytes
    }

    /// From the flags to the length of the name, which both headers have.
    fn common(&self, bytes: &mut Vec<u8>) {
        for number in [0, 0, 0, DATE] {
            bytes.extend(u16::to_le_bytes(number));
        }
        for number in [self.crc, narrow(self.size), narrow(self.size)] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(length(self.name.len()).to_le_bytes());
    }

    /// Its line of the directory.
    fn central(&self, bytes: &mut Vec<u8>) {
        let mut large = Vec::new();
        if narrow(self.size) == IN_EXTRA {
            large.extend([self.size, self.size]);
        }
        if narrow(self.offset) == IN_EXTRA {
            large.push(self.offset);
        }
        let extra = if large.is_empty() { Vec::new() } else { extra(&large) };
        let version = version(!large.is_empty());
        bytes.extend(CENTRAL);
        bytes.extend((UNIX | version).to_le_bytes());
        bytes.extend(version.to_le_bytes());
        self.common(bytes);
        bytes.extend(length(extra.len()).to_le_bytes());
        // No comment, the first disk, no attribute of MS-DOS.
        bytes.extend([0; 6]);
        bytes.extend(MODE.to_le_bytes());
        bytes.extend(narrow(self.offset).to_le_bytes());
        bytes.extend(self.name.as_bytes());
        bytes.extend(extra);
    }
}

/// The directory and the end of an archive whose members end at `offset`.
pub(super) fn tail(members: &[Member], offset: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for member in members {
        member.central(&mut bytes);
    }
    let (count, size) = (members.len() as u64, bytes.len() as u64);
    let count_short = u16::try_from(count).unwrap_or(u16::MAX);
    if count_short == u16::MAX || narrow(offset) == IN_EXTRA || narrow(size) == IN_EXTRA {
        end_64(&mut bytes, count, offset);
    }
    bytes.extend(END);
    bytes.extend([0; 4]);
    bytes.extend(count_short.to_le_bytes());
    bytes.extend(count_short.to_le_bytes());
    bytes.extend(narrow(size).to_le_bytes());
    bytes.extend(narrow(offset).to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn end_64(bytes: &mut Vec<u8>, count: u64, offset: u64) {
    let size = bytes.len() as u64;
    bytes.extend(END_64);
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend((UNIX | VERSION_64).to_le_bytes());
    bytes.extend(VERSION_64.to_le_bytes());
    bytes.extend([0; 8]);
    for number in [count, count, size, offset] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(LOCATOR_64);
    bytes.extend([0; 4]);
    bytes.extend((offset + size).to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
}

fn extra(numbers: &[u64]) -> Vec<u8> {
    let mut bytes = EXTRA_64.to_le_bytes().to_vec();
    bytes.extend(length(numbers.len() * 8).to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

fn version(is_large: bool) -> u16 {
    if is_large { VERSION_64 } else { VERSION }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(IN_EXTRA)
}

/// Names and extra fields are short; what was not is caught by whoever compares
/// the header.
fn length(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(u16::MAX)
}

/// The part of a member's header that is always as long, as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    bytes: [u8; FIXED_BYTES],
    pub(super) crc: u32,
    size: u32,
    pub(super) name_bytes: u16,
    pub(super) extra_bytes: u16,
}

impl Fixed {
    pub(super) fn read(bytes: &[u8; FIXED_BYTES]) -> Self {
        let [.., c0, c1, c2, c3, _, _, _, _, s0, s1, s2, s3, n0, n1, e0, e1] = *bytes;
        Self {
            bytes: *bytes,
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
            size: u32::from_le_bytes([s0, s1, s2, s3]),
            name_bytes: u16::from_le_bytes([n0, n1]),
            extra_bytes: u16::from_le_bytes([e0, e1]),
        }
    }

    /// How many bytes follow the header.
    pub(super) fn size(&self, extra: &[u8]) -> Option<u64> {
        if self.size != IN_EXTRA {
            return Some(u64::from(self.size));
        }
        let number: [u8; 8] = extra.get(4..12)?.try_into().ok()?;
        Some(u64::from_le_bytes(number))
    }

    /// Whether it is that of this header.
    pub(super) fn is_of(&self, header: &[u8]) -> bool {
        header.get(SIGNATURE_BYTES..SIGNATURE_BYTES + FIXED_BYTES) == Some(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_member_has_its_size_and_place_in_extra_fields() {
        let size = u64::from(u32::MAX) + 5;
        let member = Member { name: "a".to_owned(), size, crc: 7, offset: size };
        let header = member.local();
        let fixed = Fixed::read(header[4..30].try_into().unwrap());
        assert_eq!(fixed.size(&header[31..]), Some(size));
        assert!(fixed.is_of(&header));
        let tail = tail(&[member], size + size);
        assert_eq!(tail.len(), 46 + 1 + 4 + 24 + 56 + 20 + 22);
    }

    #[test]
    fn a_small_archive_has_the_headers_every_tool_knows() {
        let member = Member { name: "a".to_owned(), size: 3, crc: 7, offset: 0 };
        assert_eq!(member.local().len(), 31);
        assert_eq!(tail(&[member], 34).len(), 46 + 1 + 22);
    }
}
