//! The data keys of one directory: what log, state and snapshots are sealed and
//! opened with.
//!
//! One key is active and seals; the others only open what was sealed before, or
//! by another node whose snapshot came here. They lie in the file `keyring`,
//! sealed with a master key that lies elsewhere ([`master`]). A directory without
//! a master key seals nothing; keys in its keyring came with the values of others.
//!
//! Invariants
//! - A key is on the disk before anything is sealed with it, and goes from it
//!   only once nothing is left that it sealed: [`Keyring::finish`].
//! - No key seals more than 2^32 values: nonces are random.
//! - A keyring that cannot be opened is not changed.
//! - A key that came with the values of others stays until those are in force, or
//!   were given up: [`Keyring::import`], [`Keyring::give_up`].
//!
//! Reading order: `value` (what a sealed value looks like), `file`, this file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aes_gcm::{Aes256Gcm, KeyInit as _};
use secrecy::{ExposeSecret as _, SecretBox, SecretSlice};
use zeroize::Zeroizing;

use crate::durable::write_durably;
use crate::error::Error;
use file::{Entry, File};
use master::{MasterKey, Salt, random};
use value::{Nonces, Stored};

mod file;
pub mod master;
pub(crate) mod value;

#[cfg(test)]
mod tests;

/// The variable that gives the master key of a directory, for errors to name.
pub const VARIABLE: &str = "DB_ENCRYPTION_KEY";

/// How many values one key seals: beyond it two random nonces may be the same.
const MESSAGES_MAX: u64 = 1 << 32;
/// How many of them are noted down at a time. A start that seals little loses so
/// many, which makes a rotation due after four thousand starts.
const RESERVED: u64 = 1 << 20;
/// More keys than this come from a mistake, or from somebody who means harm.
const KEYS_MAX: usize = 1024;

/// The keys of a data directory. Clones share them.
#[derive(Clone)]
pub struct Keyring {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// The cipher of the master key, and the salt that went into it.
    master: Option<(Aes256Gcm, Salt)>,
    ring: RwLock<Arc<Ring>>,
    /// Held while the file is changed.
    changing: Mutex<()>,
    /// Counts what may have brought values that are not sealed with the active
    /// key: see [`Pass`].
    generation: AtomicU64,
    rewritten: AtomicU64,
}

#[derive(Clone, Default)]
struct Ring {
    keys: BTreeMap<u64, Arc<DataKey>>,
    active: Option<Arc<DataKey>>,
    rewritten: Option<u64>,
    replaced: bool,
    /// Keys of values that came and are not in force yet, and whether each was here
    /// before. In memory alone: after a start they come anew.
    arriving: BTreeMap<u64, bool>,
}

struct DataKey {
    id: u64,
    made_at: u64,
    secret: SecretBox<[u8; 32]>,
    cipher: Aes256Gcm,
    reserved: AtomicU64,
    /// How many of the reserved messages are not sealed yet.
    left: AtomicI64,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring();
        let ids: Vec<String> = ring.keys.keys().map(|id| format!("{id:016x}")).collect();
        let active = ring.active.as_ref().map(|key| format!("{:016x}", key.id));
        f.debug_struct("Keyring").field("keys", &ids).field("active", &active).finish()
    }
}

/// What a keyring says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether what is written is sealed.
    pub seals: bool,
    /// How many keys there are.
    pub keys: usize,
    /// Whether values may be left that are not as they would be written now.
    pub is_pending: bool,
    /// How many rows were written anew since it was opened.
    pub rewritten: u64,
}

/// One rewriting of everything, from its begin to [`Keyring::finish`].
#[derive(Clone, Debug)]
pub struct Pass {
    generation: u64,
    active: Option<u64>,
    /// The keys that nothing is sealed with at its end.
    others: Vec<u64>,
    /// Whether only the state came from elsewhere: what else is on the disk is
    /// sealed with the active key.
    pub state_only: bool,
}

impl Keyring {
    /// Opens the keyring at `path`. With a master key there is an active key
    /// afterwards; `is_new` says that nothing was ever written here.
    pub(crate) fn open(
        path: PathBuf,
        master: Option<&MasterKey>,
        previous: Option<&MasterKey>,
        is_new: bool,
    ) -> Result<Self, Error> {
        let found = read(&path)?;
        let unusable = |source| Error::Open { path: path.clone(), source };
        let Some(master) = master else {
            let file = found.unwrap_or_default();
            if !file.is_open() {
                return Err(Error::KeyNeeded { path });
            }
            let ring = ring_of(&path, &file, None)?;
            return Ok(Self::new(path, None, ring));
        };
        let mut file = found.unwrap_or_default();
        if file.is_open() {
            file.salt = random().map_err(unusable)?;
        }
        let cipher = master.cipher(&file.salt).map_err(unusable)?;
        let (ring, is_ours) = match ring_of(&path, &file, Some(&cipher)) {
            Ok(ring) => (ring, true),
            Err(error) => (opened_by_previous(&path, &file, (master, previous), error)?, false),
        };
        let keyring = Self::new(path.clone(), Some((cipher, file.salt)), ring);
        if keyring.ring().active.is_none() {
            keyring.begin(is_new).map_err(unusable)?;
        } else if !is_ours {
            tracing::info!(key = master.name(), "sealing the data keys with this key from now on");
            keyring.change(|_| Ok(())).map_err(unusable)?;
        } else if let Some(previous) = previous {
            tracing::info!(key = previous.name(), "this key is no longer needed");
        }
        Ok(keyring)
    }

    fn new(path: PathBuf, master: Option<(Aes256Gcm, Salt)>, ring: Ring) -> Self {
        let inner = Inner {
            path,
            master,
            ring: RwLock::new(Arc::new(ring)),
            changing: Mutex::new(()),
            generation: AtomicU64::new(0),
            rewritten: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Makes the first active key.
    fn begin(&self, is_new: bool) -> io::Result<()> {
        let key = Arc::new(DataKey::draw()?);
        tracing::info!(key = %id_text(key.id), "values are sealed from now on");
        self.change(|ring| {
            ring.rewritten = is_new.then_some(key.id);
            ring.activate(key)
        })
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        let ring = self.ring();
        Status {
            seals: ring.active.is_some(),
            keys: ring.keys.len(),
            is_pending: ring.is_pending(),
            rewritten: self.inner.rewritten.load(Ordering::Relaxed),
        }
    }

    /// Makes another key the active one, if this one is as old.
    ///
    /// # Errors
    /// When it cannot be written down; the old one is active then.
    pub fn rotate_after(&self, age: Duration) -> io::Result<bool> {
        let ring = self.ring();
        let Some(active) = &ring.active else { return Ok(false) };
        if now().saturating_sub(active.made_at) < age.as_secs() {
            return Ok(false);
        }
        self.rotate(active.id)?;
        Ok(true)
    }

    /// Makes another key the active one, unless that has happened.
    fn rotate(&self, from: u64) -> io::Result<()> {
        let key = Arc::new(DataKey::draw()?);
        self.change(|ring| {
            if ring.active.as_ref().is_none_or(|active| active.id != from) {
                return Ok(());
            }
            tracing::info!(key = %id_text(key.id), "another data key is active");
            self.inner.generation.fetch_add(1, Ordering::SeqCst);
            ring.activate(key)
        })
    }

    /// The keys that open what this node has sealed, for whoever is given its
    /// snapshot; empty where there are none. For a channel that nobody else reads.
    pub fn export(&self) -> SecretSlice<u8> {
        let mut bytes = Vec::new();
        for key in self.ring().keys.values() {
            // Never grown: that would leave a copy behind.
            if bytes.capacity() == 0 {
                bytes.reserve_exact(1 + KEYS_MAX * EXPORTED_BYTES);
                bytes.push(EXPORT_VERSION);
            }
            bytes.extend_from_slice(&key.id.to_be_bytes());
            bytes.extend_from_slice(&key.made_at.to_be_bytes());
            bytes.extend_from_slice(key.secret.expose_secret());
        }
        bytes.into()
    }

    /// Takes in what another node exported, durably, so that its values can be
    /// read here. They stay until the state is replaced, or they are given up.
    ///
    /// # Errors
    /// When the bytes are no keys, contradict those that are here, or cannot be
    /// written down.
    pub fn import(&self, exported: &[u8]) -> io::Result<()> {
        let keys = exported_keys(exported).ok_or_else(|| refused("these are no data keys"))?;
        // What is here is looked at where nobody changes it: a pass that ends
        // before has dropped what is missed here, and one that ends after sees that
        // it has to begin anew, also when nothing is new.
        self.change_if(|ring| {
            self.inner.generation.fetch_add(1, Ordering::SeqCst);
            let mut is_new = false;
            for key in keys {
                let known = ring.keys.get(&key.id);
                let is_same = |known: &Arc<DataKey>| {
                    known.secret.expose_secret() == key.secret.expose_secret()
                };
                if !known.is_none_or(is_same) {
                    let what = format!("data key {} is another one here", id_text(key.id));
                    return Err(refused(what));
                }
                ring.arriving.entry(key.id).or_insert(known.is_some());
                if known.is_none() {
                    ring.add(Arc::new(key))?;
                    is_new = true;
                }
            }
            Ok(is_new)
        })
    }

    /// Lets go of the keys that came for values which will not be in force.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn give_up(&self) -> io::Result<()> {
        self.change_if(|ring| {
            let before = ring.keys.len();
            for (id, was_here) in std::mem::take(&mut ring.arriving) {
                let is_active = ring.active.as_ref().is_some_and(|active| active.id == id);
                if !was_here && !is_active {
                    ring.keys.remove(&id);
                }
            }
            Ok(ring.keys.len() < before)
        })
    }

    /// Notes down, before it is in force, that the state is one from elsewhere.
    pub(crate) fn note_replaced(&self) -> io::Result<()> {
        self.change_if(|ring| {
            self.inner.generation.fetch_add(1, Ordering::SeqCst);
            ring.arriving.clear();
            if ring.replaced || (ring.active.is_none() && ring.keys.is_empty()) {
                return Ok(false);
            }
            ring.replaced = true;
            Ok(true)
        })
    }

    /// What is to be rewritten, if anything.
    pub fn pass(&self) -> Option<Pass> {
        // First, so that what happens in between counts.
        let generation = self.inner.generation.load(Ordering::SeqCst);
        let ring = self.ring();
        let active = ring.active.as_ref().map(|key| key.id);
        let others = ring.keys.keys().copied().filter(|id| Some(*id) != active).collect();
        // Where no key can be added, those must go that only evidence needs.
        let state_only = active.is_some() && ring.rewritten == active && !ring.is_full();
        ring.is_pending().then_some(Pass { generation, active, others, state_only })
    }

    /// Whether what a pass began with still holds.
    pub fn is_current(&self, pass: &Pass) -> bool {
        self.inner.generation.load(Ordering::SeqCst) == pass.generation
    }

    /// Ends a pass: everything that can be read is as it would be written now.
    /// With `is_physical` nothing else is left on the disk either, and the other
    /// keys are destroyed. `false` when it has to be done again.
    ///
    /// # Errors
    /// When the keyring cannot be written.
    pub fn finish(&self, pass: &Pass, is_physical: bool) -> io::Result<bool> {
        let mut is_done = false;
        self.change(|ring| {
            is_done = self.is_current(pass);
            if !is_done {
                return Ok(());
            }
            ring.replaced = false;
            if is_physical {
                ring.rewritten = pass.active;
                let arriving = &ring.arriving;
                ring.keys.retain(|id, _| !pass.others.contains(id) || arriving.contains_key(id));
            }
            Ok(())
        })?;
        Ok(is_done)
    }

    /// A value as it is to be stored at a place.
    pub(crate) fn seal<'a>(
        &self,
        nonces: &mut Nonces,
        place: &[u8],
        value: &'a [u8],
    ) -> io::Result<Cow<'a, [u8]>> {
        if value.is_empty() {
            return Ok(Cow::Borrowed(value));
        }
        let Some(key) = self.sealing_key()? else { return Ok(value::plain(value)) };
        value::seal((key.id, &key.cipher), nonces, place, value).map(Cow::Owned)
    }

    /// The active key, with one message of it taken.
    fn sealing_key(&self) -> io::Result<Option<Arc<DataKey>>> {
        loop {
            let Some(key) = self.ring().active.clone() else { return Ok(None) };
            if 0 < key.left.fetch_sub(1, Ordering::Relaxed) {
                return Ok(Some(key));
            }
            self.reserve(&key)?;
        }
    }

    /// Notes down that a key seals more, or makes another where it may not.
    fn reserve(&self, key: &DataKey) -> io::Result<()> {
        if MESSAGES_MAX < key.reserved.load(Ordering::SeqCst).saturating_add(RESERVED) {
            return self.rotate(key.id);
        }
        self.change(|_| {
            // Another may have been here first.
            if key.left.load(Ordering::SeqCst) <= 0 {
                key.reserved.fetch_add(RESERVED, Ordering::SeqCst);
            }
            Ok(())
        })?;
        // Only now: what is sealed is never more than what is written down.
        let _one_at_a_time = self.changing();
        if key.left.load(Ordering::SeqCst) <= 0 {
            key.left.store(i64::try_from(RESERVED).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
        Ok(())
    }

    /// What a stored value holds; `buffer` takes what had to be opened.
    pub(crate) fn open_value<'a>(
        &self,
        place: impl FnOnce() -> Vec<u8>,
        stored: &'a [u8],
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], String> {
        let sealed = match value::parse(stored) {
            Some(Stored::Plain(value)) => return Ok(value),
            Some(Stored::Sealed(sealed)) => sealed,
            None => return Err("its value is too short for a sealed one".to_owned()),
        };
        let ring = self.ring();
        let Some(key) = ring.keys.get(&sealed.key) else {
            let key = id_text(sealed.key);
            return Err(format!("its value is sealed with data key {key}, which is not here"));
        };
        if value::open(&key.cipher, &place(), sealed, buffer) {
            return Ok(buffer);
        }
        Err("its value is not what was sealed there".to_owned())
    }

    /// The same of a value that is one's own.
    pub(crate) fn open_owned(
        &self,
        place: impl FnOnce() -> Vec<u8>,
        mut stored: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        let mut buffer = Vec::new();
        let length = self.open_value(place, &stored, &mut buffer)?.len();
        // Nothing that is sealed is empty.
        if !buffer.is_empty() {
            return Ok(buffer);
        }
        stored.drain(..stored.len().saturating_sub(length));
        Ok(stored)
    }

    /// Whether a stored value is as it would be written now.
    pub(crate) fn is_as_written(&self, stored: &[u8]) -> bool {
        let active = self.ring().active.as_ref().map(|key| key.id);
        match value::parse(stored) {
            Some(Stored::Plain(value)) => active.is_none() || value.is_empty(),
            Some(Stored::Sealed(sealed)) => active == Some(sealed.key),
            None => false,
        }
    }

    pub(crate) fn count_rewritten(&self, rows: u64) {
        self.inner.rewritten.fetch_add(rows, Ordering::Relaxed);
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.inner.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.inner.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ring, on the disk first.
    fn change(&self, change: impl FnOnce(&mut Ring) -> io::Result<()>) -> io::Result<()> {
        self.change_if(|ring| change(ring).map(|()| true))
    }

    /// The same, which says whether there is something to write down.
    fn change_if(&self, change: impl FnOnce(&mut Ring) -> io::Result<bool>) -> io::Result<()> {
        let _one_at_a_time = self.changing();
        let mut ring = Ring::clone(&self.ring());
        if change(&mut ring)? {
            self.write(&ring)?;
        }
        *self.inner.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    fn write(&self, ring: &Ring) -> io::Result<()> {
        let master = self.inner.master.as_ref();
        let cipher = master.map(|(cipher, _)| cipher);
        let mut keys = Vec::with_capacity(ring.keys.len());
        for DataKey { id, made_at, secret, reserved, .. } in ring.keys.values().map(AsRef::as_ref) {
            let body = file::wrap((*id, *made_at), secret.expose_secret(), cipher)?;
            let reserved = reserved.load(Ordering::SeqCst);
            keys.push(Entry { id: *id, made_at: *made_at, reserved, body });
        }
        let file = File {
            salt: master.map_or([0; 16], |(_, salt)| *salt),
            active: ring.active.as_ref().map(|key| key.id),
            rewritten: ring.rewritten,
            replaced: ring.replaced,
            keys,
        };
        write_durably(&self.inner.path, file.show().as_bytes())
    }
}

impl Ring {
    fn is_pending(&self) -> bool {
        let active = self.active.as_ref().map(|key| key.id);
        self.replaced || self.rewritten != active || (active.is_some() && self.is_full())
    }

    fn is_full(&self) -> bool {
        KEYS_MAX <= self.keys.len()
    }

    fn add(&mut self, key: Arc<DataKey>) -> io::Result<()> {
        if self.is_full() {
            return Err(refused(format!("there are {KEYS_MAX} data keys already")));
        }
        self.keys.insert(key.id, key);
        Ok(())
    }

    fn activate(&mut self, key: Arc<DataKey>) -> io::Result<()> {
        self.active = Some(Arc::clone(&key));
        self.add(key)
    }
}

impl DataKey {
    fn new(id: u64, made_at: u64, secret: &[u8; 32]) -> Self {
        Self {
            id,
            made_at,
            secret: SecretBox::new(Box::new(*secret)),
            cipher: Aes256Gcm::new(secret.into()),
            reserved: AtomicU64::new(0),
            left: AtomicI64::new(0),
        }
    }

    fn draw() -> io::Result<Self> {
        let secret = Zeroizing::new(random::<32>()?);
        Ok(Self::new(u64::from_be_bytes(random()?), now(), &secret))
    }
}

const EXPORT_VERSION: u8 = 1;
const EXPORTED_BYTES: usize = 8 + 8 + 32;

fn exported_keys(exported: &[u8]) -> Option<Vec<DataKey>> {
    let Some((version, rest)) = exported.split_first() else { return Some(Vec::new()) };
    let (keys, rest) = rest.as_chunks::<EXPORTED_BYTES>();
    if *version != EXPORT_VERSION || !rest.is_empty() || KEYS_MAX < keys.len() {
        return None;
    }
    keys.iter().map(|key| exported_key(key)).collect()
}

fn exported_key(bytes: &[u8]) -> Option<DataKey> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (made_at, secret) = rest.split_first_chunk()?;
    let (id, made_at) = (u64::from_be_bytes(*id), u64::from_be_bytes(*made_at));
    Some(DataKey::new(id, made_at, secret.try_into().ok()?))
}

fn read(path: &Path) -> Result<Option<File>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged(path)),
        Err(source) => return Err(Error::Open { path: path.to_owned(), source }),
    };
    File::parse(&text).map(Some).ok_or_else(|| damaged(path))
}

/// Every key, or the sealed ones that the cipher does not open.
fn ring_of(path: &Path, file: &File, cipher: Option<&Aes256Gcm>) -> Result<Ring, Error> {
    let mut ring = Ring { rewritten: file.rewritten, replaced: file.replaced, ..Ring::default() };
    for entry in &file.keys {
        let secret = entry.open(cipher).ok_or_else(|| damaged(path))?;
        let key = Arc::new(DataKey::new(entry.id, entry.made_at, &secret));
        key.reserved.store(entry.reserved, Ordering::SeqCst);
        if file.active == Some(entry.id) {
            ring.active = Some(Arc::clone(&key));
        }
        ring.add(key).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    }
    Ok(ring)
}

fn opened_by_previous(
    path: &Path,
    file: &File,
    (master, previous): (&MasterKey, Option<&MasterKey>),
    error: Error,
) -> Result<Ring, Error> {
    let wrong = || Error::WrongKey { path: path.to_owned(), key: master.name().to_owned() };
    let Error::KeyringDamaged { .. } = &error else { return Err(error) };
    let previous = previous.ok_or_else(wrong)?;
    let cipher = previous.cipher(&file.salt);
    let cipher = cipher.map_err(|source| Error::Open { path: path.to_owned(), source })?;
    ring_of(path, file, Some(&cipher)).map_err(|_| wrong())
}

fn damaged(path: &Path) -> Error {
    Error::KeyringDamaged { path: path.to_owned() }
}

fn refused(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what.into())
}

fn id_text(id: u64) -> String {
    format!("{id:016x}")
}

/// Seconds since 1970. A clock that stands before them makes keys old, which
/// only has them replaced.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
