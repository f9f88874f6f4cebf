//! The node's own keys: an Ed25519 key for each use, made at first start, and an
//! RSA key for checkpoints, made once the node serves.
//!
//! They lie in `keys/node.json`, readable by nobody else, and sealed with the
//! master key if there is one. Which of them is used
//! is not said there: it is whichever the ledger lists as in force, so that a
//! rotation that broke off half way leaves nothing in doubt.
//!
//! Invariants
//! - A private key leaves this file only as a signature.
//! - Nothing is signed by a key that is not in force in the ledger.

mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::{KeyMaterial, KeyUsage, PublicKey};
use governance::record::KeyRecord;
use rsa::pss::SigningKey as PssKey;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{PrivateKey, PublicKey as RsaPublic};
use sha2::Sha256;
use storage::DataDir;
use types::{KeyId, Timestamp, Ulid};

pub use file::KeyError;
use file::Read;

use crate::sealing::Sealing;

/// Bits of a key that is to be trusted for decades.
const RSA_BITS: usize = 4096;

/// One private key.
pub(crate) struct Key {
    id: KeyId,
    usage: KeyUsage,
    private: Private,
}

enum Private {
    Ed25519(Box<SigningKey>),
    Rsa(Box<PrivateKey>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id).finish()
    }
}

impl Key {
    /// A new key. RSA takes seconds of one processor.
    pub(crate) fn make(usage: KeyUsage, kind: Kind, now: Timestamp) -> Result<Self, KeyError> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(KeyError::Random)?;
        let id = KeyId(Ulid::from_parts(now.millis(), random));
        let private = match kind {
            Kind::Ed25519 => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed).map_err(KeyError::Random)?;
                Private::Ed25519(Box::new(SigningKey::from_bytes(&seed)))
            }
            Kind::Rsa => {
                // A system without randomness ends the process: the calls above
                // would have failed first.
                let mut random = getrandom::rand_core::UnwrapErr(getrandom::SysRng);
                let made = PrivateKey::new(&mut random, RSA_BITS);
                Private::Rsa(Box::new(made.map_err(|err| KeyError::Rsa(err.to_string()))?))
            }
        };
        Ok(Self { id, usage, private })
    }

    pub(crate) fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn usage(&self) -> KeyUsage {
        self.usage
    }

    fn kind(&self) -> Kind {
        match self.private {
            Private::Ed25519(_) => Kind::Ed25519,
            Private::Rsa(_) => Kind::Rsa,
        }
    }

    /// The public half.
    pub(crate) fn material(&self) -> KeyMaterial {
        match &self.private {
            Private::Ed25519(key) => KeyMaterial::Ed25519(key.verifying_key().to_bytes()),
            Private::Rsa(key) => {
                let public = RsaPublic::from(key.as_ref());
                KeyMaterial::Rsa { n: public.n_bytes().into(), e: public.e_bytes().into() }
            }
        }
    }

    /// Signs; an RSA key takes tens of milliseconds.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.private {
            Private::Ed25519(key) => Some(key.sign(message).to_bytes().to_vec()),
            Private::Rsa(key) => {
                // Always blinded: RUSTSEC-2023-0071 reads keys from the time of others.
                let signing = PssKey::<Sha256>::new(key.as_ref().clone());
                let signed = signing.try_sign_with_rng(&mut getrandom::SysRng, message);
                signed.ok().map(|signature| signature.to_vec())
            }
        }
    }

    fn sign_ed25519(&self, message: &[u8]) -> Option<[u8; 64]> {
        match &self.private {
            Private::Ed25519(key) => Some(key.sign(message).to_bytes()),
            Private::Rsa(_) => None,
        }
    }
}

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Ed25519,
    Rsa,
}

/// The keys that the ledger lists as in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct InForce(BTreeMap<(KeyUsage, Kind), Arc<Key>>);

impl InForce {
    pub(crate) fn get(&self, usage: KeyUsage, kind: Kind) -> Option<&Arc<Key>> {
        self.0.get(&(usage, kind))
    }

    /// Whether there is one for every use.
    pub(crate) fn is_complete(&self) -> bool {
        KeyUsage::ALL.into_iter().all(|usage| self.get(usage, Kind::Ed25519).is_some())
    }
}

/// Every key of this node.
pub struct NodeKeys {
    path: PathBuf,
    sealing: Sealing,
    keys: Mutex<Vec<Arc<Key>>>,
    /// What was found last, until the list may have changed.
    in_force: RwLock<Option<Arc<InForce>>>,
    /// Counts the changes, so that what was read before one is not kept after.
    changes: AtomicU64,
}

impl fmt::Debug for NodeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().iter().map(|key| key.id)).finish()
    }
}

impl NodeKeys {
    /// Whether the keys, if there are any, can be read. Changes nothing.
    ///
    /// # Errors
    /// [`KeyError`] as [`Self::open`].
    pub fn check(dir: &DataDir, sealing: &Sealing) -> Result<(), KeyError> {
        file::read(&path_in(dir), sealing).map(drop)
    }

    /// Reads the keys, or makes them where there are none.
    ///
    /// # Errors
    /// [`KeyError`] when they cannot be read, are readable by others, or cannot
    /// be made.
    pub fn open(dir: &DataDir, sealing: Sealing, now: Timestamp) -> Result<Self, KeyError> {
        let path = path_in(dir);
        let keys = match file::read(&path, &sealing)? {
            Some(Read { keys, is_stale }) => {
                if is_stale {
                    file::write(&path, &keys.iter().collect::<Vec<_>>(), &sealing)?;
                    tracing::info!("the keys of this node are sealed with the master key");
                }
                keys
            }
            None => {
                let made = KeyUsage::ALL.map(|usage| Key::make(usage, Kind::Ed25519, now));
                let made: Vec<Key> = made.into_iter().collect::<Result<_, _>>()?;
                file::make(&path, &made.iter().collect::<Vec<_>>(), &sealing)?;
                made
            }
        };
        Ok(Self {
            path,
            sealing,
            keys: Mutex::new(keys.into_iter().map(Arc::new).collect()),
            in_force: RwLock::default(),
            changes: AtomicU64::new(0),
        })
    }

    fn all(&self) -> Vec<Arc<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps another key, durably. It signs once the ledger lists it.
    pub(crate) fn add(&self, key: Key) -> Result<Arc<Key>, KeyError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Arc::new(key);
        let mut longer = keys.clone();
        longer.push(Arc::clone(&key));
        file::write(
            &self.path,
            &longer.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            &self.sealing,
        )?;
        *keys = longer;
        Ok(key)
    }

    /// Destroys a key that has ended.
    pub(crate) fn destroy(&self, id: KeyId) -> Result<(), KeyError> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fewer = keys.clone();
        fewer.retain(|key| key.id != id);
        file::write(
            &self.path,
            &fewer.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
            &self.sealing,
        )?;
        *keys = fewer;
        drop(keys);
        self.forget();
        Ok(())
    }

    /// The public halves, as a node introduces itself: one for each use.
    pub fn public(&self) -> Vec<PublicKey> {
        let all = self.all();
        let of_use =
            |usage| all.iter().find(|key| key.usage == usage && key.kind() == Kind::Ed25519);
        let public =
            KeyUsage::ALL.into_iter().filter_map(of_use).filter_map(|key| match key.material() {
                KeyMaterial::Ed25519(bytes) => {
                    Some(PublicKey { id: key.id, usage: key.usage, bytes })
                }
                KeyMaterial::Rsa { .. } => None,
            });
        public.collect()
    }

    /// A key of this kind that the node has, whether or not the ledger lists it.
    pub(crate) fn any(&self, usage: KeyUsage, kind: Kind) -> Option<Arc<Key>> {
        self.all().into_iter().rev().find(|key| key.usage == usage && key.kind() == kind)
    }

    /// What the ledger lists may have changed.
    pub(crate) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The keys in force; `list` reads what the ledger lists of a key.
    pub(crate) fn in_force(&self, list: impl Fn(KeyId) -> Option<KeyRecord>) -> Arc<InForce> {
        let known = self.in_force.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return known;
        }
        let before = self.changes.load(Ordering::Acquire);
        let mut found = InForce::default();
        for key in self.all() {
            let listed = list(key.id);
            let is_listed = listed
                .is_some_and(|listed| listed.is_active() && listed.material == key.material());
            if is_listed {
                found.0.insert((key.usage, key.kind()), key);
            }
        }
        let found = Arc::new(found);
        // Before its keys are listed a node asks each time.
        if found.is_complete() {
            let mut kept = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
            if self.changes.load(Ordering::Acquire) == before {
                *kept = Some(Arc::clone(&found));
            }
        }
        found
    }
}

fn path_in(dir: &DataDir) -> PathBuf {
    dir.path().join("keys").join("node.json")
}

impl InForce {
    /// The id of the key for a use.
    pub(crate) fn id(&self, usage: KeyUsage) -> Option<KeyId> {
        self.get(usage, Kind::Ed25519).map(|key| key.id)
    }

    /// Signs with the key for a use.
    pub(crate) fn sign(&self, usage: KeyUsage, message: &[u8]) -> Option<(KeyId, [u8; 64])> {
        let key = self.get(usage, Kind::Ed25519)?;
        Some((key.id, key.sign_ed25519(message)?))
    }
}

#[cfg(test)]
mod tests;
