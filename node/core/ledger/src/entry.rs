//! An entry as a store gives it back.

use types::{Digest, Json};

use crate::hash;
use crate::header::Header;

/// One of the two erasable parts of an entry, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Key of the commitment in the header.
    pub salt: [u8; 32],
    /// Canonical JSON.
    pub text: String,
}

impl Part {
    /// A part of these members under this salt.
    pub fn new(salt: [u8; 32], value: &Json) -> Self {
        Self { salt, text: value.to_canonical() }
    }

    /// The commitment that the header carries.
    pub fn hash(&self) -> Digest {
        hash::part_hash(&self.salt, self.text.as_bytes())
    }
}

/// An entry as stored, with nothing checked yet but that the header can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// What the header says.
    pub header: Header,
    /// The header as stored: what gets hashed.
    pub header_text: String,
    /// `None` once erased.
    pub data: Option<Part>,
    /// `None` once erased, or where there never was one.
    pub personal: Option<Part>,
}

impl StoredEntry {
    /// `current_hash`, computed from the stored bytes.
    pub fn hash(&self) -> Digest {
        hash::entry_hash(self.header_text.as_bytes())
    }

    /// Whether a part that the header commits to is gone.
    pub fn is_erased(&self) -> bool {
        self.data.is_none() || (self.personal.is_none() && self.header.personal_hash.is_some())
    }
}
