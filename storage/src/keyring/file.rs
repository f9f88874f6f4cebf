//! The file of the data keys: lines of text, for its owner alone.
//!
//! ```text
//! lexecon keyring 1
//! salt 00112233445566778899aabbccddeeff
//! active 0011223344556677
//! rewritten none
//! replaced no
//! key 0011223344556677 1790000000 1048576 sealed <nonce, key and tag in hex>
//! ```
//!
//! A key is sealed with the master key of the directory; its id and when it was
//! made are associated data. Where the directory has no master key, keys that
//! came with the values of others are there as they are: `open <key in hex>`.

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use types::digest::{from_hex, to_hex};
use zeroize::Zeroizing;

use super::master::{Salt, random};

const FIRST: &str = "lexecon keyring 1";
const PURPOSE: &[u8] = b"lexecon/data-key/v1";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub salt: Salt,
    pub active: Option<u64>,
    /// The key under which everything was at the end of the last rewriting.
    pub rewritten: Option<u64>,
    /// Whether the state came from elsewhere since.
    pub replaced: bool,
    pub keys: Vec<Entry>,
}

/// One data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub id: u64,
    /// Seconds since 1970.
    pub made_at: u64,
    /// Up to how many messages it may have sealed.
    pub reserved: u64,
    pub body: Body,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Body {
    Sealed(Vec<u8>),
    Open(Zeroizing<[u8; 32]>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sealed(_) => "Sealed(..)",
            Self::Open(_) => "Open(..)",
        })
    }
}

impl File {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST) {
            return None;
        }
        let salt = from_hex(lines.next()?.strip_prefix("salt ")?)?.try_into().ok()?;
        let active = optional(lines.next()?.strip_prefix("active ")?)?;
        let rewritten = optional(lines.next()?.strip_prefix("rewritten ")?)?;
        let replaced = match lines.next()?.strip_prefix("replaced ")? {
            "yes" => true,
            "no" => false,
            _ => return None,
        };
        let keys: Vec<Entry> = lines.map(Entry::parse).collect::<Option<_>>()?;
        let has = |id: u64| keys.iter().any(|key| key.id == id);
        active.is_none_or(has).then_some(Self { salt, active, rewritten, replaced, keys })
    }

    pub(super) fn show(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(256 + 256 * self.keys.len()));
        for part in [
            FIRST,
            "\nsalt ",
            &to_hex(&self.salt),
            "\nactive ",
            &shown(self.active),
            "\nrewritten ",
            &shown(self.rewritten),
            "\nreplaced ",
            if self.replaced { "yes\n" } else { "no\n" },
        ] {
            text.push_str(part);
        }
        for Entry { id, made_at, reserved, body } in &self.keys {
            let (how, bytes) = match body {
                Body::Sealed(bytes) => ("sealed", bytes.as_slice()),
                Body::Open(bytes) => ("open", bytes.as_slice()),
            };
            text.push_str(&format!("key {id:016x} {made_at} {reserved} {how} "));
            text.push_str(&Zeroizing::new(to_hex(bytes)));
            text.push('\n');
        }
        text
    }

    /// Whether no master key is needed to read it.
    pub(super) fn is_open(&self) -> bool {
        self.keys.iter().all(|key| matches!(key.body, Body::Open(_)))
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("key ")?.split(' ');
        let id = number(words.next()?)?;
        let made_at = words.next()?.parse().ok()?;
        let reserved = words.next()?.parse().ok()?;
        let how = words.next()?;
        let bytes = Zeroizing::new(from_hex(words.next()?)?);
        let body = match how {
            "sealed" => Body::Sealed(bytes.to_vec()),
            "open" => Body::Open(Zeroizing::new(bytes.as_slice().try_into().ok()?)),
            _ => return None,
        };
        words.next().is_none().then_some(Self { id, made_at, reserved, body })
    }

    /// The key itself; `None` where the master key is not the one.
    pub(super) fn open(&self, master: Option<&Aes256Gcm>) -> Option<Zeroizing<[u8; 32]>> {
        match &self.body {
            Body::Open(bytes) => Some(bytes.clone()),
            Body::Sealed(sealed) => {
                let (nonce, body) = sealed.split_first_chunk::<12>()?;
                let aad = associated(self.id, self.made_at);
                let payload = Payload { msg: body, aad: &aad };
                let opened = master?.decrypt(&Nonce::from(*nonce), payload).ok()?;
                let opened = Zeroizing::new(opened);
                Some(Zeroizing::new(opened.as_slice().try_into().ok()?))
            }
        }
    }
}

/// A data key as the file holds it.
pub(super) fn wrap(
    (id, made_at): (u64, u64),
    key: &[u8; 32],
    master: Option<&Aes256Gcm>,
) -> std::io::Result<Body> {
    let Some(master) = master else { return Ok(Body::Open(Zeroizing::new(*key))) };
    let nonce: [u8; 12] = random()?;
    let aad = associated(id, made_at);
    let payload = Payload { msg: key.as_slice(), aad: &aad };
    let sealed = master.encrypt(&Nonce::from(nonce), payload);
    let sealed = sealed.map_err(|_| std::io::Error::other("cannot seal a data key"))?;
    Ok(Body::Sealed([nonce.as_slice(), &sealed].concat()))
}

fn associated(id: u64, made_at: u64) -> Vec<u8> {
    [PURPOSE, &id.to_be_bytes(), &made_at.to_be_bytes()].concat()
}

fn number(text: &str) -> Option<u64> {
    let bytes: [u8; 8] = from_hex(text)?.try_into().ok()?;
    Some(u64::from_be_bytes(bytes))
}

fn optional(text: &str) -> Option<Option<u64>> {
    if text == "none" { Some(None) } else { number(text).map(Some) }
}

fn shown(id: Option<u64>) -> String {
    id.map_or_else(|| "none".to_owned(), |id| format!("{id:016x}"))
}

#[cfg(test)]
mod tests {
    use aes_gcm::KeyInit as _;

    use super::*;

    fn master(byte: u8) -> Aes256Gcm {
        Aes256Gcm::new(&[byte; 32].into())
    }

    fn entry(id: u64, master: Option<&Aes256Gcm>) -> Entry {
        Entry { id, made_at: 5, reserved: 6, body: wrap((id, 5), &[9; 32], master).unwrap() }
    }

    #[test]
    fn a_file_survives_its_text() {
        let keys = vec![entry(1, Some(&master(1))), entry(u64::MAX, None)];
        let file = File { salt: [7; 16], active: Some(1), rewritten: None, replaced: true, keys };
        assert_eq!(File::parse(&file.show()), Some(file.clone()));
        assert!(!file.is_open());
        assert_eq!(File::parse(&File::default().show()), Some(File::default()));
    }

    #[test]
    fn a_text_that_is_none_is_refused() {
        let whole = File { keys: vec![entry(1, None)], active: Some(1), ..File::default() }.show();
        for (from, to) in [
            ("keyring 1", "keyring 2"),
            ("salt 00", "salt 0"),
            ("active 0000000000000001", "active 0000000000000002"),
            ("replaced no", "replaced perhaps"),
            (" open ", " closed "),
            ("key ", "kex "),
        ] {
            let text = whole.replacen(from, to, 1);
            assert_ne!(text, *whole);
            assert_eq!(File::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_sealed_key_is_bound_to_its_id_and_master() {
        let sealed = entry(1, Some(&master(1)));
        assert_eq!(sealed.open(Some(&master(1))).unwrap().as_slice(), [9; 32]);
        assert!(sealed.open(Some(&master(2))).is_none());
        assert!(sealed.open(None).is_none());
        assert!(Entry { id: 2, ..sealed.clone() }.open(Some(&master(1))).is_none());
        assert!(Entry { made_at: 6, ..sealed }.open(Some(&master(1))).is_none());
    }
}
