//! Public keys: what each is for, from when to when it counts, and whether it
//! signed a note.
//!
//! Which entries make a key known and end it is for [`crate::directory`]; a
//! list of keys that came from elsewhere is read by [`listing`].
//!
//! Invariants
//! - A key ends once, and never lives longer than was said before.
//! - RSA keys are of 4096 bits and sign checkpoints alone.

pub mod listing;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use types::{EntryId, Json, Object};

use crate::fault::FaultReason;
use crate::note::{self, Line, Note};
use crate::signature::{self, RsaPublic};

pub use listing::Listing;

const RSA_BYTES: usize = 512;

/// Id of a key: `key_` and 26 digits or capitals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kid(String);

/// Text that is no key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key id")]
pub struct KidError;

impl Kid {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Kid {
    type Err = KidError;

    fn from_str(text: &str) -> Result<Self, KidError> {
        let is_kid = text.strip_prefix("key_").is_some_and(|id| {
            id.len() == 26
                && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        });
        if is_kid { Ok(Self(text.to_owned())) } else { Err(KidError) }
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Replies to decisions.
    Decision,
    /// Capability tokens.
    Token,
    /// Checkpoints.
    Checkpoint,
    /// Exports.
    Export,
}

impl Usage {
    /// The word in entries and in `keys.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Token => "token",
            Self::Checkpoint => "checkpoint",
            Self::Export => "export",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all = [Self::Decision, Self::Token, Self::Checkpoint, Self::Export];
        all.into_iter().find(|usage| usage.as_str() == word)
    }
}

/// The key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// Its 32 bytes.
    Ed25519([u8; 32]),
    /// Modulus and exponent.
    Rsa(RsaPublic),
}

impl Material {
    /// Reads the members that carry the key: `x`, or `n` and `e`.
    fn parse(members: &Object) -> Option<Self> {
        let bytes = |name: &str| signature::from_text(members.get(name)?.as_str()?);
        if members.get("n").is_none() {
            return Some(Self::Ed25519(bytes("x")?.try_into().ok()?));
        }
        let (n, e) = (bytes("n")?, bytes("e")?);
        let is_large = n.len() == RSA_BYTES && n.first().is_some_and(|first| 128 <= *first);
        // An even exponent, and 1, make no key.
        let is_exponent = e.last().is_some_and(|last| last & 1 == 1) && e != [1];
        RsaPublic::new(n, e).filter(|_| is_large && is_exponent).map(Self::Rsa)
    }
}

/// A key and when it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub kid: Kid,
    /// What it signs.
    pub usage: Usage,
    /// The key itself.
    pub material: Material,
    /// Whose it is; of a key from a list that does not say, `None`.
    pub owner: Option<Owner>,
    /// The entry that made it known.
    pub from: EntryId,
    /// The entry that ended it.
    pub until: Option<EntryId>,
    /// Whether it was given up as compromised, and so never proves anything.
    pub is_compromised: bool,
}

/// A node as keys name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name, which another node may take over.
    pub node_id: String,
    /// Its Raft id, which is never reused.
    pub raft_id: u64,
}

impl Key {
    /// Reads a key as entries carry it, with its own members and no others.
    pub(crate) fn parse(value: &Json, owner: &Owner, from: EntryId) -> Option<Self> {
        let members = value.as_object()?;
        let is_rsa = members.get("n").is_some();
        let key = Self::of(members, members.get("use")?.as_str()?, from)?;
        (members.len() == if is_rsa { 4 } else { 3 })
            .then(|| Self { owner: Some(owner.clone()), ..key })
    }

    fn of(members: &Object, usage: &str, from: EntryId) -> Option<Self> {
        let usage = Usage::parse(usage)?;
        let material = Material::parse(members)?;
        let fits = usage == Usage::Checkpoint || matches!(material, Material::Ed25519(_));
        let kid = members.get("kid")?.as_str()?.parse().ok()?;
        let key =
            Self { kid, usage, material, owner: None, from, until: None, is_compromised: false };
        fits.then_some(key)
    }

    /// Ends it with this entry, unless it ended before.
    pub(crate) fn end(&mut self, entry: EntryId) {
        self.until.get_or_insert(entry);
    }

    /// Whether its signature on a checkpoint of this size counts.
    pub fn counts_at(&self, size: u64) -> bool {
        self.is_known_at(size) && !self.is_compromised
    }

    /// Whether it was known and had not ended at this size, whatever became of
    /// it later.
    pub fn is_known_at(&self, size: u64) -> bool {
        self.from.0 < size && self.until.is_none_or(|until| size <= until.0)
    }

    /// Whether any other signature of it counts that concerns this entry. It
    /// may be made for entries older than the key: the node that is asked
    /// signs, and it may have joined yesterday.
    pub fn counts_for(&self, entry: EntryId) -> bool {
        self.until.is_none_or(|until| entry < until) && !self.is_compromised
    }

    /// Whether this is an RSA key, which is verified and never counted.
    pub fn is_rsa(&self) -> bool {
        matches!(self.material, Material::Rsa(_))
    }

    /// The word of `keys.json`.
    pub fn status(&self) -> &'static str {
        match self.until {
            Some(_) | None if self.is_compromised => "revoked",
            Some(_) => "retired",
            None => "active",
        }
    }

    /// Its key id in notes of this origin.
    pub fn note_key_id(&self, origin: &str) -> [u8; 4] {
        match &self.material {
            Material::Ed25519(key) => note::key_id(origin, &[note::ED25519], key),
            Material::Rsa(key) => note::key_id(origin, note::RSA_PSS, &key.spki_der()),
        }
    }

    /// Whether an Ed25519 signature of this message is its own.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        match &self.material {
            Material::Ed25519(key) => signature::verify(key, message, signature),
            Material::Rsa(_) => false,
        }
    }

    fn signed_line(&self, line: &Line, text: &str) -> bool {
        match &self.material {
            Material::Ed25519(key) => note::verify_ed25519(key, line, text),
            Material::Rsa(key) => key.verify_pss(text.as_bytes(), &line.signature),
        }
    }
}

/// Keys by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<Kid, Key>);

impl Keys {
    /// The key of that id.
    pub fn get(&self, kid: &str) -> Option<&Key> {
        self.0.get(&kid.parse().ok()?)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.0.values()
    }

    pub(crate) fn get_mut(&mut self, kid: &Kid) -> Option<&mut Key> {
        self.0.get_mut(kid)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Key> {
        self.0.values_mut()
    }

    /// Adds a key; `false` where one of its id is there.
    pub(crate) fn insert(&mut self, key: Key) -> bool {
        let is_new = !self.0.contains_key(&key.kid);
        if is_new {
            self.0.insert(key.kid.clone(), key);
        }
        is_new
    }

    /// Whether a checkpoint of this size that this key signed is anchored in these
    /// keys: one of the same material is for checkpoints and counts there. What
    /// was given up, or was never for checkpoints, anchors nothing.
    pub fn anchors(&self, of: &Key, size: u64) -> bool {
        self.iter().any(|key| {
            let is_same = !key.is_rsa() && key.material == of.material;
            is_same && key.usage == Usage::Checkpoint && key.counts_at(size)
        })
    }

    /// The keys of these that signed a note of this origin, each once. Lines
    /// under other names and of unknown keys are no concern of ours.
    ///
    /// # Errors
    /// The key whose signature it claims to be where a line does not verify.
    pub fn signers(&self, note: &Note, origin: &str) -> Result<Vec<&Key>, Kid> {
        let signing = || self.iter().filter(|key| key.usage == Usage::Checkpoint);
        let known: Vec<([u8; 4], &Key)> =
            signing().map(|key| (key.note_key_id(origin), key)).collect();
        let mut signers: Vec<&Key> = Vec::new();
        for line in note.signatures.iter().filter(|line| line.name == origin) {
            let claimed: Vec<&Key> = known
                .iter()
                .filter(|(key_id, _)| *key_id == line.key_id)
                .map(|(_, key)| *key)
                .collect();
            let Some(first) = claimed.first() else { continue };
            let signed = claimed.iter().filter(|key| key.signed_line(line, &note.text));
            let before = signers.len();
            signers.extend(signed);
            if signers.len() == before {
                return Err(first.kid.clone());
            }
        }
        signers.sort_by(|a, b| a.kid.cmp(&b.kid));
        signers.dedup_by(|a, b| a.kid == b.kid);
        Ok(signers)
    }

    /// The Ed25519 keys of these that signed and count at this size: one is
    /// demanded where the voters are not known.
    ///
    /// # Errors
    /// What a checkpoint without such a signature is, and `unsigned` where none
    /// of these keys signed it.
    pub fn vouching(
        &self,
        note: &Note,
        origin: &str,
        size: u64,
        unsigned: FaultReason,
    ) -> Result<Vec<&Key>, FaultReason> {
        let signers = self.signers(note, origin);
        let mut signers = signers.map_err(|_| FaultReason::CheckpointSignatureInvalid)?;
        signers.retain(|key| !key.is_rsa());
        if signers.is_empty() {
            return Err(unsigned);
        }
        signers.retain(|key| key.counts_at(size));
        if signers.is_empty() {
            return Err(FaultReason::KeyNotValidAtSize);
        }
        Ok(signers)
    }
}
