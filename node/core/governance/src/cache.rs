//! What `apply` would otherwise read again for every command. Derived from the
//! store alone: an empty cache gives the same bytes, only slower.
//!
//! Invariants
//! - Whoever replaces or rolls back the store below drops the cache.

use std::collections::BTreeMap;
use std::sync::Arc;

use ledger::EntryType;
use policy::{Compiled, Document};
use types::Digest;

use crate::outcome::Corruption;
use crate::record::{Head, PolicyRecord};
use crate::stop::Stops;
use crate::store::{Read, Table};
use crate::tables::last_number;
use crate::{codec, erasure, keys, view};

/// Actors whose last `actor_seq` is remembered.
const ACTORS_MAX: usize = 16_384;

/// The policy in force, compiled.
#[derive(Debug)]
pub struct ActivePolicy {
    /// Its version.
    pub version: u64,
    /// Hash of its document.
    pub hash: Digest,
    /// The form that evaluates.
    pub compiled: Compiled,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Cache {
    pub(crate) head: Option<Head>,
    /// Leaves of the tile of level 0 that is filling up.
    pub(crate) leaves: Option<Vec<Digest>>,
    policy: Option<Arc<ActivePolicy>>,
    feature_level: Option<u32>,
    stops: Option<Arc<Stops>>,
    type_seq: BTreeMap<EntryType, u64>,
    actor_seq: BTreeMap<String, u64>,
    tallies: BTreeMap<String, u64>,
}

impl Cache {
    pub(crate) fn head(&mut self, read: &impl Read) -> Result<&mut Head, Corruption> {
        let head = match self.head.take() {
            Some(head) => head,
            None => view::head(read)?,
        };
        Ok(self.head.insert(head))
    }

    pub(crate) fn policy(&mut self, read: &impl Read) -> Result<Arc<ActivePolicy>, Corruption> {
        if let Some(policy) = &self.policy {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(compile(&view::active_policy(read)?)?);
        self.policy = Some(Arc::clone(&policy));
        Ok(policy)
    }

    /// The meanings of commands in force.
    pub(crate) fn feature_level(&mut self, read: &impl Read) -> Result<u32, Corruption> {
        let level = match self.feature_level {
            Some(level) => level,
            None => feature_level(read)?,
        };
        Ok(*self.feature_level.insert(level))
    }

    pub(crate) fn forget_policy(&mut self) {
        self.policy = None;
    }

    /// What is stopped now: every decision asks.
    pub(crate) fn stops(&mut self, read: &impl Read) -> Result<Arc<Stops>, Corruption> {
        if let Some(stops) = &self.stops {
            return Ok(Arc::clone(stops));
        }
        let stops = Arc::new(Stops::load(read)?);
        self.stops = Some(Arc::clone(&stops));
        Ok(stops)
    }

    pub(crate) fn forget_stops(&mut self) {
        self.stops = None;
    }

    /// The number of the next entry of this type, counted at once.
    pub(crate) fn next_of_type(
        &mut self,
        read: &impl Read,
        entry_type: EntryType,
    ) -> Result<u64, Corruption> {
        let last = match self.type_seq.get(&entry_type) {
            Some(last) => *last,
            None => last_number(read, Table::EntryByType, entry_type.as_str())?,
        };
        let next = last.saturating_add(1);
        self.type_seq.insert(entry_type, next);
        Ok(next)
    }

    /// The number of the next entry that is counted under this name, counted at
    /// once. Names are few: each is a constant of a service.
    pub(crate) fn next_of_tally(
        &mut self,
        read: &impl Read,
        name: &str,
    ) -> Result<u64, Corruption> {
        if let Some(last) = self.tallies.get_mut(name) {
            *last = last.saturating_add(1);
            return Ok(*last);
        }
        let next = last_number(read, Table::Tally, name)?.saturating_add(1);
        self.tallies.insert(name.to_owned(), next);
        Ok(next)
    }

    /// The number of the next entry about this actor, counted at once.
    pub(crate) fn next_of_actor(
        &mut self,
        read: &impl Read,
        actor: &str,
    ) -> Result<u64, Corruption> {
        if let Some(last) = self.actor_seq.get_mut(actor) {
            *last = last.saturating_add(1);
            return Ok(*last);
        }
        let next = erasure::last_of_actor(read, actor)?.saturating_add(1);
        if ACTORS_MAX <= self.actor_seq.len() {
            self.actor_seq.clear();
        }
        self.actor_seq.insert(actor.to_owned(), next);
        Ok(next)
    }
}

/// The meanings of commands in force in this state.
pub(crate) fn feature_level(read: &impl Read) -> Result<u32, Corruption> {
    Ok(view::cluster(read)?.map_or(0, |cluster| cluster.feature_level))
}

/// Compiles a policy that was checked when it was loaded.
pub(crate) fn compile(record: &PolicyRecord) -> Result<ActivePolicy, Corruption> {
    let damaged =
        |what: &str| Corruption::new("policy", format!("version {} {what}", record.version));
    let (document, _) =
        Document::parse(&record.document).map_err(|_| damaged("is no valid document"))?;
    if document.hash() != record.policy_hash {
        return Err(damaged("has another hash"));
    }
    let compiled = Compiled::new(&document).map_err(|_| damaged("does not compile"))?;
    Ok(ActivePolicy { version: record.version, hash: record.policy_hash, compiled })
}

/// The ledger's end, kept in [`Table::Meta`].
pub(crate) fn load_head(read: &impl Read) -> Result<Head, Corruption> {
    match read.get(Table::Meta, keys::ONLY)? {
        Some(bytes) => codec::decode("meta", &bytes),
        None => Ok(Head::default()),
    }
}
