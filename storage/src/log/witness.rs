//! The tail witness: what the log has promised, kept where the damage that
//! shortens a write-ahead log does not reach.
//!
//! RocksDB opens a log whose write-ahead log is cut, flipped or gone as if the
//! rest had never been. The witness is one preallocated file of two blocks,
//! written in turn, so that a torn write leaves the other one.
//!
//! Invariants
//! - Never ahead of the log: a claim is handed over after its batch was synced.
//! - Never awaited by an acknowledgement: the claim of batch n is synced by a
//!   thread of its own while the log syncs batch n+1. That batch's successor
//!   waits for it, so at most the last batch before a power loss is outside.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::chain::Hash;
use super::memory::Fault;
use crate::durable::write_durably;

/// The longest vote a block holds.
pub(crate) const VOTE_BYTES_MAX: usize = 1024;

const BLOCK_BYTES: usize = 4096;
const CHECKSUM_AT: usize = BLOCK_BYTES - 32;
const MAGIC: &[u8; 8] = b"lexwit\x00\x01";

/// What the log held when its batch `number` had been synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Number of the last synced batch.
    pub number: u64,
    /// The index after the last record.
    pub next: u64,
    /// The chain hash at the last record.
    pub hash: Hash,
    /// The vote in force.
    pub vote: Option<Bytes>,
}

impl Claim {
    /// Of a log that never wrote anything.
    pub(crate) fn nothing() -> Self {
        Self { number: 0, next: 0, hash: [0; 32], vote: None }
    }

    fn encode(&self) -> [u8; BLOCK_BYTES] {
        let mut text = Vec::with_capacity(BLOCK_BYTES);
        text.extend_from_slice(MAGIC);
        text.extend_from_slice(&self.number.to_be_bytes());
        text.extend_from_slice(&self.next.to_be_bytes());
        text.extend_from_slice(&self.hash);
        if let Some(vote) = &self.vote {
            text.push(1);
            text.extend_from_slice(&u32::try_from(vote.len()).unwrap_or(u32::MAX).to_be_bytes());
            text.extend_from_slice(vote);
        }
        text.resize(CHECKSUM_AT, 0);
        text.extend_from_slice(&Sha256::digest(&text));
        let mut block = [0; BLOCK_BYTES];
        block.copy_from_slice(&text);
        block
    }

    fn decode(block: &[u8]) -> Option<Self> {
        let (text, checksum) = block.split_at_checked(CHECKSUM_AT)?;
        if Sha256::digest(text).as_slice() != checksum {
            return None;
        }
        let rest = text.strip_prefix(MAGIC)?;
        let (number, rest) = rest.split_first_chunk()?;
        let (next, rest) = rest.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        let (has_vote, rest) = rest.split_first()?;
        let vote = match has_vote {
            0 => None,
            _ => {
                let (length, rest) = rest.split_first_chunk()?;
                let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                Some(Bytes::copy_from_slice(rest.get(..length)?))
            }
        };
        let (number, next) = (u64::from_be_bytes(*number), u64::from_be_bytes(*next));
        Some(Self { number, next, hash: *hash, vote })
    }
}

/// Makes the witness of a log that has not been written.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    let block = Claim::nothing().encode();
    write_durably(path, &[block, block].concat())
}

/// The file and whose turn it is.
#[derive(Debug)]
pub(crate) struct Blocks {
    file: File,
    path: PathBuf,
    turn: u64,
}

impl Blocks {
    /// Opens the witness and reads its newest claim. `None` when no block is
    /// whole, which no torn write explains.
    pub(crate) fn open(path: &Path) -> io::Result<Option<(Self, Claim)>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut claims = [None, None];
        for (turn, claim) in (0..).zip(&mut claims) {
            let mut block = [0; BLOCK_BYTES];
            match file.read_exact_at(&mut block, offset(turn)) {
                Ok(()) => *claim = Claim::decode(&block),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                Err(error) => return Err(error),
            }
        }
        let blocks = |turn| Self { file, path: path.to_owned(), turn };
        Ok(match claims {
            [None, None] => None,
            [Some(first), Some(second)] if second.number > first.number => {
                Some((blocks(0), second))
            }
            [Some(first), _] => Some((blocks(1), first)),
            [None, Some(second)] => Some((blocks(0), second)),
        })
    }

    /// Writes a claim over the older block, durably.
    pub(crate) fn write(&mut self, claim: &Claim) -> io::Result<()> {
        self.file.write_all_at(&claim.encode(), offset(self.turn))?;
        self.file.sync_data()?;
        self.turn = 1 - self.turn;
        Ok(())
    }
}

fn offset(turn: u64) -> u64 {
    turn * 4096
}

/// The thread that writes claims.
#[derive(Debug)]
pub(crate) struct Witness {
    claims: Option<SyncSender<Claim>>,
    fault: Arc<OnceLock<Fault>>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    pub(crate) fn start(blocks: Blocks) -> io::Result<Self> {
        // Without a buffer a hand-over waits until the claim before is durable.
        let (claims, received) = sync_channel(0);
        let fault = Arc::new(OnceLock::new());
        let theirs = Arc::clone(&fault);
        let thread = thread::Builder::new()
            .name("log-witness".to_owned())
            .spawn(move || record_all(blocks, &received, &theirs))?;
        Ok(Self { claims: Some(claims), fault, thread: Some(thread) })
    }

    /// Hands a claim over, once the one before it is durable.
    pub(crate) fn record(&self, claim: Claim) -> io::Result<()> {
        let sent = self.claims.as_ref().is_some_and(|claims| claims.send(claim).is_ok());
        if sent {
            return Ok(());
        }
        Err(self.fault.get().map_or_else(
            || io::Error::other("the witness of the log has stopped"),
            Fault::to_error,
        ))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.claims = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the witness of the log has panicked");
        }
    }
}

fn record_all(mut blocks: Blocks, claims: &Receiver<Claim>, fault: &OnceLock<Fault>) {
    for claim in claims {
        if let Err(error) = blocks.write(&claim) {
            tracing::error!(path = %blocks.path.display(), %error, "cannot write the witness");
            // Set once: the thread ends here and no one else sets it.
            drop(fault.set(Fault::new("cannot write the witness of the log", &error)));
            return;
        }
    }
}

#[cfg(test)]
mod tests;
