//! Checkpoints: what a majority of the voters signed of the ledger, and the
//! tiles of its tree.

use std::time::Duration;

use ::ledger::Note;
use ::ledger::tile::Resource;
use serde::Deserialize;
use tokio::time::Instant;

use crate::call::Call;
use crate::error::{Error, Problem};
use crate::reply::Reply;
use crate::transport::Client;

/// Between looks for a checkpoint: one becomes final about once a second.
const PAUSE: Duration = Duration::from_millis(250);

/// Which signatures of a checkpoint are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signatures {
    /// Those that made it final: the same on every node, for ever.
    #[default]
    Frozen,
    /// All that are known by now.
    All,
}

impl Signatures {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Frozen => None,
            Self::All => Some("all"),
        }
    }
}

/// A final checkpoint.
#[derive(Clone, Debug, Deserialize)]
pub struct Checkpoint {
    /// The signed note.
    pub checkpoint: String,
    /// Which ledger.
    pub origin: String,
    /// Entries it covers.
    pub size: u64,
    /// Root of the tree over them.
    pub root_hash: String,
    /// The lines of the note.
    pub signatures: Vec<NoteSignature>,
    /// Digest of the whole state.
    pub state_hash: String,
    /// The policy in force.
    pub policy_hash: String,
    /// When it was made.
    pub timestamp: String,
}

/// A line of a signed note.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// Its id in notes, 8 hex digits.
    pub key_id: String,
    /// 1 is Ed25519, 255 RSASSA-PSS.
    #[serde(rename = "type")]
    pub algorithm: u8,
    /// Whether the node that answered found it valid.
    pub valid: bool,
}

/// A page of checkpoints.
#[derive(Clone, Debug, Deserialize)]
pub struct Checkpoints {
    /// Smallest first.
    pub checkpoints: Vec<FinalCheckpoint>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// A checkpoint of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct FinalCheckpoint {
    /// Entries it covers.
    pub size: u64,
    /// Root of the tree over them.
    pub root_hash: String,
    /// When it was made.
    pub timestamp: String,
    /// The signed note, frozen.
    pub checkpoint: String,
}

impl Client {
    /// The last final checkpoint.
    ///
    /// # Errors
    /// Any [`Error`]; a problem `not_final` before there is one.
    pub async fn checkpoint(&self, signatures: Signatures) -> Result<Reply<Checkpoint>, Error> {
        let call = Call::get(["ledger", "checkpoint"]).query("signatures", signatures.word());
        let reply: Reply<Checkpoint> = self.call(&call.accept("application/json")).await?;
        if Note::parse(&reply.value.checkpoint).is_err() {
            return Err(not_of_the_form("/ledger/checkpoint", "it is no signed note"));
        }
        Ok(reply)
    }

    /// The last final checkpoint once it covers this many entries.
    ///
    /// # Errors
    /// Any [`Error`]; a problem `not_final` when there is none in this time.
    pub async fn checkpoint_of(
        &self,
        size: u64,
        at_most: Duration,
    ) -> Result<Reply<Checkpoint>, Error> {
        let deadline = Instant::now() + at_most;
        loop {
            let refused = match self.checkpoint(Signatures::Frozen).await {
                Ok(reply) if size <= reply.value.size => return Ok(reply),
                Ok(reply) => {
                    let last = reply.value.size;
                    let detail =
                        format!("the last final checkpoint covers {last} entries of {size}");
                    Error::Problem(Box::new(Problem::not_final(&detail)))
                }
                Err(Error::Problem(problem)) if problem.code == "not_final" => {
                    Error::Problem(problem)
                }
                Err(error) => return Err(error),
            };
            if deadline <= Instant::now() + PAUSE {
                return Err(refused);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Final checkpoints of more than `after` entries.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn checkpoints(
        &self,
        after: Option<u64>,
        limit: Option<u32>,
    ) -> Result<Reply<Checkpoints>, Error> {
        let call = Call::get(["ledger", "checkpoints"]).query("after", after);
        self.call(&call.query("limit", limit)).await
    }

    /// The bytes of a tile or an entry bundle, by its path below `/tile/`.
    ///
    /// # Errors
    /// [`Error::Misused`] where the path names neither, or any other [`Error`].
    pub async fn tile(&self, path: &str) -> Result<Vec<u8>, Error> {
        if Resource::parse(path).is_none() {
            return Err(Error::Misused(format!("`{path}` names no tile")));
        }
        let mut call = Call::get(["tile"]);
        call.path.extend(path.split('/').map(str::to_owned));
        Ok(self.send(&call).await?.bytes)
    }
}

/// An answer that is not of the contract.
pub(crate) fn not_of_the_form(url: &str, why: &str) -> Error {
    Error::NotUnderstood { url: url.to_owned(), status: 200, why: why.to_owned() }
}
