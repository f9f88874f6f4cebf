//! Values as they lie on the disk: plain, or sealed with AES-256-GCM.
//!
//! ```text
//! 01..df, e2..ff ..                             plain, as it is
//! (nothing)                                     an empty value, which says nothing
//! e0 value                                      plain, where it begins with e0 or e1
//! e1 key:u64 nonce:12 ciphertext.. tag:16       sealed
//! ```
//!
//! Values of the state machine and of raft begin with a format byte below `e0`,
//! so that a directory from before there was encryption reads as what it is, and
//! one without encryption pays nothing.
//!
//! Associated data is where the value lies: a value that was moved to another
//! row is not opened there.

use std::borrow::Cow;
use std::io;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, Nonce, Tag};

const ESCAPED: u8 = 0xe0;
const SEALED: u8 = 0xe1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const HEAD_BYTES: usize = 1 + 8 + NONCE_BYTES;

/// A value that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored<'a> {
    Plain(&'a [u8]),
    Sealed(Sealed<'a>),
}

/// A value that was sealed, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    pub key: u64,
    nonce: [u8; NONCE_BYTES],
    body: &'a [u8],
    tag: [u8; TAG_BYTES],
}

/// Takes apart what lies on the disk; `None` when it is too short for what it
/// says it is.
pub(crate) fn parse(stored: &[u8]) -> Option<Stored<'_>> {
    match stored.split_first() {
        Some((&ESCAPED, value)) => Some(Stored::Plain(value)),
        Some((&SEALED, rest)) => {
            let (key, rest) = rest.split_first_chunk()?;
            let (nonce, rest) = rest.split_first_chunk()?;
            let (body, tag) = rest.split_last_chunk()?;
            let key = u64::from_be_bytes(*key);
            Some(Stored::Sealed(Sealed { key, nonce: *nonce, body, tag: *tag }))
        }
        Some(_) | None => Some(Stored::Plain(stored)),
    }
}

/// A value as it is stored without a key.
pub(crate) fn plain(value: &[u8]) -> Cow<'_, [u8]> {
    match value.first() {
        Some(&(ESCAPED | SEALED)) => Cow::Owned([&[ESCAPED], value].concat()),
        Some(_) | None => Cow::Borrowed(value),
    }
}

/// Seals a value for one place.
pub(crate) fn seal(
    (key, cipher): (u64, &Aes256Gcm),
    nonces: &mut Nonces,
    place: &[u8],
    value: &[u8],
) -> io::Result<Vec<u8>> {
    let nonce = nonces.draw()?;
    let mut stored = Vec::with_capacity(HEAD_BYTES + value.len() + TAG_BYTES);
    stored.push(SEALED);
    stored.extend_from_slice(&key.to_be_bytes());
    stored.extend_from_slice(&nonce);
    stored.extend_from_slice(value);
    let body = stored.get_mut(HEAD_BYTES..).unwrap_or_default();
    let tag = cipher.encrypt_inout_detached(&Nonce::from(nonce), place, body.into());
    let tag = tag.map_err(|_| io::Error::other("a value is too long to be sealed"))?;
    stored.extend_from_slice(&tag);
    Ok(stored)
}

/// Opens a value where it lies; `false` when it is not what was sealed there.
pub(crate) fn open(
    cipher: &Aes256Gcm,
    place: &[u8],
    sealed: Sealed<'_>,
    into: &mut Vec<u8>,
) -> bool {
    into.clear();
    into.extend_from_slice(sealed.body);
    let (nonce, tag) = (Nonce::from(sealed.nonce), Tag::from(sealed.tag));
    cipher.decrypt_inout_detached(&nonce, place, into.as_mut_slice().into(), &tag).is_ok()
}

/// Random nonces, drawn for many values at a time: a call of the system for each
/// would cost more than the sealing. No two are ever the same bytes of the draw.
pub(crate) struct Nonces {
    drawn: [u8; NONCE_BYTES * 32],
    used: usize,
}

impl Nonces {
    pub(crate) fn new() -> Self {
        let drawn = [0; NONCE_BYTES * 32];
        Self { drawn, used: drawn.len() }
    }

    fn draw(&mut self) -> io::Result<[u8; NONCE_BYTES]> {
        if let Some(nonce) = self.drawn.get(self.used..).and_then(<[u8]>::first_chunk) {
            self.used += NONCE_BYTES;
            return Ok(*nonce);
        }
        getrandom::fill(&mut self.drawn).map_err(io::Error::other)?;
        self.used = NONCE_BYTES;
        self.drawn.first_chunk().copied().ok_or_else(|| io::Error::other("no nonce was drawn"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aes_gcm::KeyInit as _;
    use proptest::prelude::*;

    use super::*;

    fn cipher() -> Aes256Gcm {
        Aes256Gcm::new(&[3; 32].into())
    }

    fn opened(place: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
        match parse(stored)? {
            Stored::Plain(value) => Some(value.to_vec()),
            Stored::Sealed(sealed) => {
                let mut value = Vec::new();
                (sealed.key == 9 && open(&cipher(), place, sealed, &mut value)).then_some(value)
            }
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back_plain_and_sealed(value: Vec<u8>, place: Vec<u8>) {
            prop_assert_eq!(opened(&place, &plain(&value)), Some(value.clone()));
            let sealed = seal((9, &cipher()), &mut Nonces::new(), &place, &value).unwrap();
            prop_assert_eq!(sealed.len(), value.len() + HEAD_BYTES + TAG_BYTES);
            prop_assert_eq!(opened(&place, &sealed), Some(value));
        }
    }

    #[test]
    fn a_plain_value_that_looks_sealed_stays_what_it_is() {
        for first in 0..=u8::MAX {
            let value = [&[first], [7; 60].as_slice()].concat();
            let stored = plain(&value);
            assert_eq!(stored.len() - value.len(), usize::from(matches!(first, 0xe0 | 0xe1)));
            assert_eq!(parse(&stored), Some(Stored::Plain(&value)));
        }
    }

    #[test]
    fn any_other_place_or_byte_is_refused() {
        let sealed = seal((9, &cipher()), &mut Nonces::new(), b"here", b"value").unwrap();
        assert_eq!(opened(b"there", &sealed), None);
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_ne!(opened(b"here", &changed).as_deref(), Some(b"value".as_slice()), "{place}");
        }
        assert!((1..HEAD_BYTES + TAG_BYTES).all(|cut| parse(&sealed[..cut]).is_none()));
    }

    #[test]
    fn no_nonce_comes_twice() {
        let mut nonces = Nonces::new();
        let drawn: BTreeSet<_> = (0..1_000).map(|_| nonces.draw().unwrap()).collect();
        assert_eq!(drawn.len(), 1_000);
        assert!(!drawn.contains(&[0; 12]));
    }
}
