//! Whether the entries about each actor count without gaps, so that none was
//! left out.
//!
//! Where `data` of an entry is erased nobody can tell whom it was about, but its
//! header still has its number. A gap is legal if erased headers between its
//! ends have the numbers that are missing, each for one gap. Gaps are met in the
//! order of their ends, and a missing number takes the least free header: that
//! explains all gaps if any choice does, since whoever ends later can do with
//! whatever headers are left.
//!
//! Invariants
//! - Entries are seen in the order of their ids.
//! - No more than [`ACTORS_MAX`] actors are followed; entries about others are
//!   counted.

use std::collections::{BTreeMap, BTreeSet};

use types::EntryId;

use crate::canonical;
use crate::fault::{Fault, FaultReason};
use crate::hash::sha256;
use crate::header::Header;

/// Most actors that are followed, which bounds the memory of a check.
pub const ACTORS_MAX: usize = 1 << 20;

/// What one entry says of actors: small, and found apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    id: EntryId,
    actor_seq: u64,
    whom: Whom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    Actor(ActorTag),
    Nobody,
    Erased,
}

/// Stands for an actor's name, however long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActorTag([u8; 16]);

impl ActorTag {
    /// The tag of a name.
    pub fn of(name: &str) -> Self {
        Self::of_escaped(&canonical::escaped(name))
    }

    /// The tag of a name as canonical JSON spells it.
    fn of_escaped(name: &str) -> Self {
        let mut tag = [0; 16];
        for (to, from) in tag.iter_mut().zip(sha256(name.as_bytes()).0) {
            *to = from;
        }
        Self(tag)
    }
}

impl Sighting {
    /// What an entry says, of which `data` is given unless it is erased.
    pub fn new(header: &Header, data: Option<&str>) -> Self {
        let scanned = data.map(|data| canonical::scan(data).and_then(|scan| scan.actor));
        Self::of(header, scanned)
    }

    /// The same where `data` was scanned already.
    pub(crate) fn of(header: &Header, actor: Option<Option<&str>>) -> Self {
        let whom = match actor {
            None => Whom::Erased,
            Some(None) => Whom::Nobody,
            Some(Some(name)) => Whom::Actor(ActorTag::of_escaped(name)),
        };
        Self { id: header.id, actor_seq: header.actor_seq, whom }
    }
}

/// A check of all actors that has come so far.
#[derive(Clone, Debug)]
pub struct ActorCheck {
    last: BTreeMap<ActorTag, Last>,
    actors_max: usize,
    /// Numbers and ids of erased headers that explain no gap yet.
    free: BTreeSet<(u64, EntryId)>,
    gaps_explained: u64,
    entries_unfollowed: u64,
    watched: Option<(ActorTag, Followed)>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    number: u64,
    id: EntryId,
}

/// What was seen of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// Entries of which `data` could be read.
    pub entries: u64,
    /// The number of the first of them.
    pub first: u64,
    /// The number of the last of them.
    pub last: u64,
    /// Numbers between them that erased headers explain.
    pub gaps_explained: u64,
}

impl Default for ActorCheck {
    fn default() -> Self {
        Self {
            last: BTreeMap::new(),
            actors_max: ACTORS_MAX,
            free: BTreeSet::new(),
            gaps_explained: 0,
            entries_unfollowed: 0,
            watched: None,
            fault: None,
        }
    }
}

impl ActorCheck {
    /// A check that also tells of one actor what it saw.
    pub fn watching(actor: ActorTag) -> Self {
        let watched = Some((actor, Followed::default()));
        Self { watched, ..Self::default() }
    }

    /// Takes the next entry in, of which `data` is given unless it is erased.
    pub fn check(&mut self, header: &Header, data: Option<&str>) {
        self.see(&Sighting::new(header, data));
    }

    /// The same of an entry that was looked at before.
    pub fn see(&mut self, sighting: &Sighting) {
        // The first fault is that of the least id, and stays.
        if self.fault.is_some() {
            return;
        }
        let Sighting { id, actor_seq, whom } = *sighting;
        let follows = match whom {
            Whom::Nobody => actor_seq == 0,
            Whom::Actor(actor) => self.follows(actor, Last { number: actor_seq, id }),
            Whom::Erased => {
                if actor_seq != 0 {
                    self.free.insert((actor_seq, id));
                }
                true
            }
        };
        if !follows {
            self.fault = Some(Fault { id, reason: FaultReason::SequenceGap });
        }
    }

    fn follows(&mut self, actor: ActorTag, this: Last) -> bool {
        let before = self.last.get(&actor).copied();
        let is_watched = self.watched.is_some_and(|(watched, _)| watched == actor);
        if before.is_none() && self.actors_max <= self.last.len() && !is_watched {
            self.entries_unfollowed = self.entries_unfollowed.saturating_add(1);
            return true;
        }
        self.last.insert(actor, this);
        let expected = before.map_or(0, |before| before.number).saturating_add(1);
        if this.number < expected {
            return false;
        }
        let after = before.map_or(EntryId(0), |before| EntryId(before.id.0.saturating_add(1)));
        // It stops at the first number that nothing explains, so no gap takes
        // longer than there are erased headers.
        if !(expected..this.number).all(|number| self.explain(number, after)) {
            return false;
        }
        self.watch(actor, this.number, this.number.saturating_sub(expected));
        true
    }

    /// Takes the least free header from `after` on that has the number.
    fn explain(&mut self, number: u64, after: EntryId) -> bool {
        let mut free = self.free.range((number, after)..=(number, EntryId(u64::MAX)));
        let Some(header) = free.next().copied() else {
            return false;
        };
        self.free.remove(&header);
        self.gaps_explained = self.gaps_explained.saturating_add(1);
        true
    }

    fn watch(&mut self, actor: ActorTag, number: u64, gaps: u64) {
        if let Some((watched, followed)) = &mut self.watched
            && *watched == actor
        {
            if followed.entries == 0 {
                followed.first = number;
            }
            followed.last = number;
            followed.entries = followed.entries.saturating_add(1);
            followed.gaps_explained = followed.gaps_explained.saturating_add(gaps);
        }
    }

    /// The verdict, once no more entries come.
    ///
    /// # Errors
    /// The first entry that does not follow the one before about its actor.
    pub fn finish(&self) -> Result<(), Fault> {
        self.fault.map_or(Ok(()), Err)
    }

    /// Missing numbers that erased headers explain.
    pub fn gaps_explained(&self) -> u64 {
        self.gaps_explained
    }

    /// Entries about actors that were not followed, for there were too many.
    pub fn entries_unfollowed(&self) -> u64 {
        self.entries_unfollowed
    }

    /// What was seen of the actor that was watched.
    pub fn watched(&self) -> Option<Followed> {
        self.watched.map(|(_, followed)| followed)
    }
}

#[cfg(test)]
mod tests;
