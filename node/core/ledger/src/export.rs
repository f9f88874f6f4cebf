//! Verifying a whole export, in one pass and in bounded memory.
//!
//! Nothing here reads files: a caller feeds lines or bundles to [`Stretch`]es,
//! which know nothing of each other and so can run side by side, and joins them
//! in order to an [`ExportCheck`], which sees to what hangs together. However
//! the work was divided, the first fault is the one that a single pass would
//! have named.
//!
//! Reading order: [`ExportCheck`], [`stretch`], [`tiles`].
//!
//! Invariants
//! - Memory is bounded by a line and by what the ledger says of keys, voters,
//!   actors and erasures, never by its length.

pub mod stretch;
pub mod tiles;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use types::{Digest, EntryId};

use crate::actors::{ActorCheck, ActorTag, Followed};
use crate::chain::Checker;
use crate::checkpoint::Checkpoint;
use crate::directory::Directory;
use crate::document::{Against, Document, Ledger};
use crate::entry::StoredEntry;
use crate::entry_type::EntryType;
use crate::fault::{Fault, FaultReason};
use crate::keys::{Keys, Kid, Listing};
use crate::note::Note;

pub use stretch::{ENTRIES_MAX, Stretch};
pub use tiles::TileSource;

use stretch::Stop;
use tiles::Upper;

/// The first fault of an export, and the entry where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportFault {
    /// What is wrong.
    pub reason: FaultReason,
    /// With which entry.
    pub entry: Option<EntryId>,
}

impl From<FaultReason> for ExportFault {
    fn from(reason: FaultReason) -> Self {
        Self { reason, entry: None }
    }
}

impl From<Fault> for ExportFault {
    fn from(Fault { id, reason }: Fault) -> Self {
        Self { reason, entry: Some(id) }
    }
}

impl fmt::Display for ExportFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(id) => write!(f, "entry {id}: {}", self.reason),
            None => write!(f, "{}", self.reason),
        }
    }
}

impl std::error::Error for ExportFault {}

/// The files of an export that are read whole, and what is asked of it.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// Bytes of `checkpoint`.
    pub checkpoint: &'a [u8],
    /// Bytes of `keys.json`.
    pub keys: &'a [u8],
    /// Whether there is an `entries.jsonl`; without it there are bundles alone.
    pub has_parts: bool,
    /// Documents that lie beside the entries, in the order in which they are
    /// checked.
    pub beside: Vec<Document>,
    /// A document from elsewhere that will be checked against this ledger.
    pub asked: Option<&'a Document>,
    /// Keys that the verifier knows from elsewhere.
    pub trusted: Option<&'a Keys>,
    /// An actor that is to be told of.
    pub actor: Option<&'a str>,
}

/// What every stretch must know.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Entries that the checkpoint says there are.
    pub(crate) size: u64,
    pub(crate) has_parts: bool,
    /// Entries of which documents name the hash.
    pub(crate) ids: BTreeSet<EntryId>,
    /// Sizes at which documents have a checkpoint.
    pub(crate) sizes: BTreeSet<u64>,
}

/// The check of an export that has come so far.
#[derive(Debug)]
pub struct ExportCheck {
    plan: Arc<Plan>,
    note: Note,
    checkpoint: Checkpoint,
    listing: Listing,
    trusted: Option<Keys>,
    beside: Vec<Document>,
    checker: Checker,
    actors: ActorCheck,
    ledger: Ledger,
    upper: Upper,
}

/// What a check that found no fault can say.
#[derive(Clone, Debug)]
pub struct Verified {
    /// For further documents.
    pub ledger: Ledger,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The keys that made it final.
    pub signers: Vec<Kid>,
    /// Entries with an erased part.
    pub entries_erased: u64,
    /// Missing numbers of actors that erased headers explain.
    pub gaps_explained: u64,
    /// Entries about actors that were not followed.
    pub entries_unfollowed: u64,
    /// What was seen of the actor that was asked for.
    pub actor: Option<Followed>,
    types: BTreeMap<EntryType, u64>,
}

impl Verified {
    /// Entries of a type.
    pub fn count(&self, entry_type: EntryType) -> u64 {
        self.types.get(&entry_type).copied().unwrap_or(0)
    }
}

impl ExportCheck {
    /// Reads the files that are read whole.
    ///
    /// # Errors
    /// [`FaultReason::Malformed`].
    pub fn new(opening: Opening<'_>) -> Result<Self, ExportFault> {
        let (note, checkpoint) =
            read_checkpoint(opening.checkpoint).ok_or(FaultReason::Malformed)?;
        let listing = std::str::from_utf8(opening.keys).ok().and_then(Listing::parse);
        let listing = listing.ok_or(FaultReason::Malformed)?;
        let documents = || opening.beside.iter().chain(opening.asked);
        let plan = Plan {
            size: checkpoint.size,
            has_parts: opening.has_parts,
            ids: documents().map(Document::entry).collect(),
            sizes: documents().filter_map(Document::size).collect(),
        };
        let directory = if opening.has_parts {
            Directory::default()
        } else {
            Directory::listed(&checkpoint.origin, listing.keys().clone())
        };
        let ledger = Ledger {
            directory,
            has_parts: opening.has_parts,
            size: checkpoint.size,
            hashes: BTreeMap::new(),
            roots: BTreeMap::new(),
        };
        let watching = |actor: &str| ActorCheck::watching(ActorTag::of(actor));
        Ok(Self {
            plan: Arc::new(plan),
            note,
            checkpoint,
            listing,
            trusted: opening.trusted.cloned(),
            beside: opening.beside,
            checker: Checker::from_genesis(),
            actors: opening.actor.map(watching).unwrap_or_default(),
            ledger,
            upper: Upper::default(),
        })
    }

    /// Entries that the checkpoint says there are.
    pub fn size(&self) -> u64 {
        self.plan.size
    }

    /// A check of the entries from this id on, where a tile begins; every
    /// stretch but the last ends where one does.
    pub fn stretch(&self, first: EntryId) -> Stretch {
        Stretch::new(first, Arc::clone(&self.plan))
    }

    /// Adds the stretch that follows what was joined so far.
    ///
    /// # Errors
    /// The first fault; the check is then over.
    pub fn join(&mut self, stretch: Stretch, tiles: &dyn TileSource) -> Result<(), ExportFault> {
        let found = stretch.into_found();
        // What documents ask for is told apart from the tree before it grows.
        for (size, tree, at) in &found.roots {
            let mut whole = self.checker.tree().clone();
            whole.join(tree);
            if let Some(root) = whole.root() {
                self.ledger.roots.insert(*size, (root, *at));
            }
        }
        self.ledger.hashes.extend(found.hashes);
        let said = self.hear(&found.spoken);
        let before = std::mem::replace(&mut self.checker, Checker::from_genesis());
        let joined = before.join(found.checker);
        let seam = joined.as_ref().err().copied();
        // Within one entry what `data` says is read last.
        let faults =
            seam.map(|fault| (fault, false)).into_iter().chain(said.map(|said| (said, true)));
        if let Some((fault, _)) = faults.min_by_key(|(fault, is_said)| (fault.id, *is_said)) {
            return Err(fault.into());
        }
        self.checker = joined?;
        for sighting in &found.sightings {
            self.actors.see(sighting);
        }
        for node in found.nodes {
            self.upper.push(node, tiles);
        }
        self.upper.note(found.tile_fault);
        match found.stop {
            Some(stop) => Err(self.stopped(stop).into()),
            None => Ok(()),
        }
    }

    /// Takes in what entries say, up to the first that does not say it well.
    fn hear(&mut self, spoken: &[StoredEntry]) -> Option<Fault> {
        for entry in spoken {
            let id = entry.header.id;
            if !self.plan.has_parts {
                self.ledger.directory.apply_header(entry);
            } else if let Err(fault) = self.ledger.directory.apply(entry) {
                return Some(fault);
            }
            if self.ledger.directory.origin() != Some(&self.checkpoint.origin) {
                return Some(Fault { id, reason: FaultReason::WrongOrigin });
            }
        }
        None
    }

    /// The first fault of the entry that ended a stretch, which only what comes
    /// before can tell.
    fn stopped(&mut self, stop: Stop) -> Fault {
        let Stop { fault, entry } = stop;
        let judged = entry.map(|entry| self.plan.judge(&mut self.checker, &entry));
        judged.and_then(Result::err).unwrap_or(fault)
    }

    /// The verdict, once no more entries come.
    ///
    /// # Errors
    /// The first fault.
    pub fn finish(mut self, tiles: &dyn TileSource) -> Result<Verified, ExportFault> {
        let next = self.checker.next_id();
        if next.0 < self.plan.size {
            return Err(Fault { id: next, reason: FaultReason::Missing }.into());
        }
        self.actors.finish()?;
        self.checker.finish()?;
        if self.checker.root() != Some(self.checkpoint.root) {
            return Err(FaultReason::RootMismatch.into());
        }
        self.upper.finish(tiles)?;
        let signers = self.check_checkpoint()?;
        for document in &self.beside {
            let fault = |reason| ExportFault { reason, entry: Some(document.entry()) };
            document.check(&Against::Ledger(&self.ledger)).map_err(fault)?;
        }
        let count = |entry_type: &EntryType| (*entry_type, self.checker.type_seq(*entry_type));
        Ok(Verified {
            types: EntryType::ALL.iter().map(count).collect(),
            entries_erased: self.checker.erased(),
            gaps_explained: self.actors.gaps_explained(),
            entries_unfollowed: self.actors.entries_unfollowed(),
            actor: self.actors.watched(),
            ledger: self.ledger,
            checkpoint: self.checkpoint,
            signers,
        })
    }

    /// Who signed it, what it says, and whether the list of keys agrees.
    fn check_checkpoint(&self) -> Result<Vec<Kid>, ExportFault> {
        let signers = self.ledger.signers(&self.note, &self.checkpoint)?;
        let directory = &self.ledger.directory;
        let agrees =
            self.checker.last().is_some_and(|(_, at)| directory.agrees(&self.checkpoint, at));
        if !agrees {
            return Err(FaultReason::MembershipMismatch.into());
        }
        let origin = &self.checkpoint.origin;
        if self.plan.has_parts && !self.listing.agrees(directory.keys(), origin) {
            return Err(FaultReason::KeysMismatch.into());
        }
        let is_trusted = self.trusted.as_ref().is_none_or(|trusted| {
            let mut signing = signers.iter().filter_map(|kid| directory.keys().get(kid.as_str()));
            signing.any(|key| trusted.anchors(key, self.checkpoint.size))
        });
        if is_trusted { Ok(signers) } else { Err(FaultReason::KeyUnknown.into()) }
    }
}

fn read_checkpoint(bytes: &[u8]) -> Option<(Note, Checkpoint)> {
    let note = Note::parse(std::str::from_utf8(bytes).ok()?).ok()?;
    let checkpoint = Checkpoint::parse(&note.text).ok()?;
    Some((note, checkpoint))
}

impl Plan {
    /// Checks an entry as the next one of a range: what comes past the end that
    /// the checkpoint says is found before its link is looked at.
    pub(crate) fn judge(&self, checker: &mut Checker, entry: &StoredEntry) -> Result<(), Fault> {
        let id = checker.next_id();
        if entry.header.id == id && self.size <= id.0 {
            return Err(Fault { id, reason: FaultReason::CheckpointReplayed });
        }
        if self.has_parts { checker.check(entry) } else { checker.check_header(entry) }
    }

    /// A digest is not kept of every entry, but of those that are asked for.
    pub(crate) fn wants(&self, id: EntryId) -> bool {
        self.ids.contains(&id)
    }
}

/// Hash of an entry that a document names.
pub(crate) type Hashed = (EntryId, Digest);
