//! Opening the log: every record is verified, and the whole is held against the
//! witness before anyone may read it.
//!
//! Why a number and not a length decides. Each write batch stores its own
//! number, one more than the last, and RocksDB recovers whole batches, in order,
//! up to the first damage. So a log whose number is at least the witness's still
//! has every batch the witness saw synced, and one whose number is less has lost
//! some. The length alone could not tell: a truncation lowers it, and a crash
//! just after one would make a healthy log look short unless the witness were
//! lowered first, with an fsync of its own in the path of every truncation. As
//! it is, a truncation and its number are one atomic batch, and at no moment of
//! a crash can the two disagree. Length and chain hash at the witnessed index
//! are compared as well, whenever nothing was cut off since.

use std::io;
use std::path::Path;

use bytes::Bytes;
use rocksdb::{ErrorKind, WriteBatch, WriteOptions};

use super::Config;
use super::chain::{Base, Link};
use super::disk::Disk;
use super::memory::Memory;
use super::witness::{Blocks, Claim};
use crate::data_dir::DataDir;
use crate::error::Error;
use crate::keyring::Keyring;
use crate::keys::Group;
use crate::rocks::io_error;

/// A log that is what it promised to be.
pub(crate) struct Recovered {
    pub disk: Disk,
    pub blocks: Blocks,
    pub memory: Memory,
    pub found: Found,
}

/// What the instance says of itself.
pub(crate) struct Found {
    pub number: u64,
    pub base: Base,
    /// Index of the next record.
    pub next: u64,
    /// The chain before it.
    pub link: Link,
    pub vote: Option<(u64, Bytes)>,
    /// The batch that last cut the end off; 0 when none did.
    pub cut: u64,
}

impl Found {
    pub(crate) fn claim(&self) -> Claim {
        let vote = self.vote.as_ref().map(|(_, vote)| vote.clone());
        Claim { number: self.number, next: self.next, hash: self.link.hash, vote }
    }
}

pub(crate) fn recover(dir: &DataDir, config: &Config) -> Result<Recovered, Error> {
    let path = dir.log_dir();
    let cannot_open = |source| Error::Open { path: path.clone(), source };
    // First: a directory that is locked says so, whatever else is wrong with it.
    let keyring = dir.keyring()?;
    let opened = Blocks::open(&dir.witness_path()).map_err(cannot_open)?;
    let (blocks, claim) =
        opened.ok_or_else(|| lost(&path, "neither block of its witness is whole"))?;
    let disk = open(&path, (config.group.clone(), keyring), &claim)?;
    let (mut found, memory) = read(&disk, config).map_err(|error| fault(&path, error))?;
    check(&claim, &found, &disk).map_err(|what| lost(&path, what))?;
    let mut recovered = blocks;
    settle(&disk, &mut recovered, &mut found).map_err(cannot_open)?;
    Ok(Recovered { disk, blocks: recovered, memory, found })
}

/// A log the witness has seen written is never made anew.
fn open(path: &Path, keys: (Group, Keyring), claim: &Claim) -> Result<Disk, Error> {
    let create = claim.number == 0;
    if !create && !path.join("CURRENT").is_file() {
        let what = format!("it is gone, and write {} was on disk", claim.number);
        return Err(lost(path, what));
    }
    Disk::open(path, keys, create).map_err(|error| {
        let gone = error.as_ref().contains("No such file");
        match error.kind() {
            ErrorKind::Corruption => lost(path, error.to_string()),
            ErrorKind::IOError if gone => lost(path, error.to_string()),
            _ => Error::Open { path: path.to_owned(), source: io_error(error) },
        }
    })
}

fn read(disk: &Disk, config: &Config) -> io::Result<(Found, Memory)> {
    let base = disk.base()?.unwrap_or(Base::START);
    let mut memory = Memory::new(base.first, base.first, base.purged.clone());
    let end = disk.verify(&base, |record| {
        memory.keep(record);
        memory.evict(config.tail_bytes_max);
    })?;
    let found = Found {
        number: disk.number(&disk.keys.number())?.unwrap_or(0),
        next: end.next,
        link: end.link,
        vote: disk.vote()?,
        cut: disk.number(&disk.keys.cut())?.unwrap_or(0),
        base,
    };
    memory.vote = found.vote.as_ref().map(|(_, vote)| vote.clone());
    memory.committed = disk.get(&disk.keys.committed())?;
    Ok((found, memory))
}

/// Whether the log has what the witness saw; else what it lacks.
fn check(claim: &Claim, found: &Found, disk: &Disk) -> Result<(), String> {
    if found.number < claim.number {
        return Err(format!(
            "its last write is number {} and ends before record {}, but number {} was on disk, \
             before record {}",
            found.number, found.next, claim.number, claim.next
        ));
    }
    let vote_changed = found.vote.as_ref().is_some_and(|(number, _)| *number > claim.number);
    if !vote_changed && found.vote.as_ref().map(|(_, vote)| vote) != claim.vote.as_ref() {
        return Err("its vote is not the one its witness saw".to_owned());
    }
    if found.cut > claim.number {
        return Ok(());
    }
    if found.next < claim.next {
        return Err(format!("it ends before record {}, not {}", found.next, claim.next));
    }
    if claim.next < found.base.first {
        return Ok(());
    }
    let link = disk.link_before(&found.base, claim.next).map_err(|error| error.to_string())?;
    if link.hash != claim.hash {
        return Err(format!(
            "the chain hash before record {} is not the one its witness saw",
            claim.next
        ));
    }
    Ok(())
}

/// Makes durable what was found, then witnesses it, before anyone relies on
/// it: after the crash of a process alone, the end of what was read may never
/// have been synced.
fn settle(disk: &Disk, blocks: &mut Blocks, found: &mut Found) -> io::Result<()> {
    found.number += 1;
    let mut batch = WriteBatch::default();
    batch.put(disk.keys.number(), found.number.to_be_bytes());
    let mut options = WriteOptions::default();
    options.set_sync(true);
    disk.db.write_opt(batch, &options).map_err(io_error)?;
    blocks.write(&found.claim())
}

fn fault(path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::InvalidData {
        return lost(path, error.to_string());
    }
    Error::Open { path: path.to_owned(), source: error }
}

fn lost(path: &Path, what: impl Into<String>) -> Error {
    Error::LogLost { path: path.to_owned(), what: what.into() }
}
