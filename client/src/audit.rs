//! Exports for auditors: asking for one, letting it go out, and taking it away.

use std::io::Write;
use std::time::Duration;

use ledger::hash::Pieces;
use reqwest::Method;
use serde::Deserialize;
use tokio::time::Instant;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Bytes of a file that are asked for at once, and held.
const PIECE: u64 = 8 << 20;

/// Pause before a node is asked again that is still building the file.
const PAUSE: Duration = Duration::from_millis(500);

/// An export to ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportAsk {
    /// `all`, `risk_only`, `escalation_only`, `override_only`, `evidence_only`,
    /// `compliance_only` or `decision_log_only`.
    pub scope: String,
    /// `json`, `csv`, `markdown`, `html`, `oscal` or `zip`.
    pub format: String,
    /// Records not earlier than this.
    pub from: Option<String>,
    /// Records earlier than this.
    pub to: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// Entries there are for it; all there are now when absent.
    pub ledger_size: Option<u64>,
    /// Who asks, where nobody authenticates.
    pub requester: Option<String>,
}

/// An export that is accepted.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportAccepted {
    /// Its id.
    pub export_id: String,
    /// `pending`, or `awaiting_approval`.
    pub status: String,
    /// Which records.
    pub scope: String,
    /// As what file.
    pub format: String,
    /// Entries there are for it.
    pub ledger_size: u64,
    /// Where it is said how it stands.
    pub status_url: String,
}

/// How an export stands.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportStatus {
    /// Its id.
    pub export_id: String,
    /// `awaiting_approval`, `pending`, `running`, `completed` or `failed`.
    pub status: String,
    /// Which records.
    pub scope: String,
    /// As what file.
    pub format: String,
    /// Records not earlier than this.
    pub from: Option<String>,
    /// Records earlier than this.
    pub to: Option<String>,
    /// What for; `None` once erased.
    pub purpose: Option<String>,
    /// Entries there are for it.
    pub ledger_size: u64,
    /// Records in it.
    pub record_count: Option<u64>,
    /// How much of it is built, of a hundred; `None` if it failed.
    pub progress_percent: Option<u64>,
    /// Its size; `None` until it is built, and after an erasure built anew.
    pub size_bytes: Option<u64>,
    /// Its digest in hex; `None` as `size_bytes`.
    pub sha256: Option<String>,
    /// By the answering node, over the digest: what `lexecon verify --status` checks.
    pub signature: Option<Json>,
    /// The last erasure of its entries that it shows.
    pub erasures_through: Option<u64>,
    /// Where it is, once it is built.
    pub download_url: Option<String>,
    /// Who asked.
    pub requested_by: Option<String>,
    /// When.
    pub requested_at: String,
    /// When it was built.
    pub completed_at: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
}

impl ExportStatus {
    /// Whether a node still has something to do.
    pub fn is_in_progress(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "running")
    }
}

/// Which exports to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// That stand so.
    pub status: Option<String>,
    /// Of this format.
    pub format: Option<String>,
    /// `next` of the page before.
    pub after: Option<u64>,
    /// At most so many; 100 when absent.
    pub limit: Option<u32>,
    /// `asc` or `desc`.
    pub order: Option<String>,
}

/// A page of exports.
#[derive(Clone, Debug, Deserialize)]
pub struct Exports {
    /// The page.
    pub exports: Vec<ExportStatus>,
    /// Matches on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<u64>,
}

/// A file that was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// Its size.
    pub size_bytes: u64,
    /// Its digest in hex: that which the cluster names.
    pub sha256: String,
}

/// Why an export was not taken away.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The cluster gave no answer.
    #[error(transparent)]
    Client(#[from] Error),
    /// What came cannot be written.
    #[error("cannot write the file")]
    Write(#[from] std::io::Error),
    /// What came is not what the cluster names.
    #[error("what came has the digest {found}, and the export has {named}")]
    Differs {
        /// Digest of what came.
        found: String,
        /// Digest that the cluster names.
        named: String,
    },
    /// It has failed, or nobody let it go out yet.
    #[error("the export is `{status}`{}", .error.as_ref().map_or(String::new(), |error| format!(": {error}")))]
    NotThere {
        /// How it stands.
        status: String,
        /// Why it failed.
        error: Option<String>,
    },
    /// It was not there in time.
    #[error("the file was not there within {} s", .0.as_secs())]
    NotReady(Duration),
}

impl Client {
    /// Asks for an export. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn export_request(&self, ask: &ExportAsk) -> Result<Reply<ExportAccepted>, Error> {
        self.call(&Call::write(Method::POST, ["audit", "export"]).body(&body(ask))).await
    }

    /// How an export stands.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn export_status(&self, export_id: &str) -> Result<Reply<ExportStatus>, Error> {
        self.call(&Call::get(["audit", "status", export_id])).await
    }

    /// Exports, in the order of their requests.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn exports(&self, filter: &ExportFilter) -> Result<Reply<Exports>, Error> {
        let call = Call::get(["audit", "exports"])
            .query("status", filter.status.as_ref())
            .query("format", filter.format.as_ref())
            .query("after", filter.after)
            .query("limit", filter.limit)
            .query("order", filter.order.as_ref());
        self.call(&call).await
    }

    /// Lets somebody else's export go out. It is sent once unless the client has a
    /// key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn export_approve(
        &self,
        export_id: &str,
        notes: Option<&str>,
    ) -> Result<Reply<ExportStatus>, Error> {
        self.settle(export_id, "approve", notes).await
    }

    /// Refuses somebody else's export. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn export_reject(
        &self,
        export_id: &str,
        notes: Option<&str>,
    ) -> Result<Reply<ExportStatus>, Error> {
        self.settle(export_id, "reject", notes).await
    }

    async fn settle(
        &self,
        export_id: &str,
        verb: &str,
        notes: Option<&str>,
    ) -> Result<Reply<ExportStatus>, Error> {
        let mut body = Object::new();
        if let Some(notes) = notes {
            body.insert("notes", notes);
        }
        let call = Call::write(Method::POST, ["audit", "exports", export_id, verb]);
        self.call(&call.body(&Json::Object(body))).await
    }

    /// Waits until no node has anything to do for an export any more, or for so
    /// long.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn export_wait(
        &self,
        export_id: &str,
        at_most: Duration,
    ) -> Result<Reply<ExportStatus>, Error> {
        let deadline = Instant::now() + at_most;
        loop {
            let status = self.export_status(export_id).await?;
            if !status.value.is_in_progress() || deadline <= Instant::now() + PAUSE {
                return Ok(status);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes the file of a completed export away, piece by piece, from whichever
    /// nodes answer: every one has the same bytes. A node that has to build it first
    /// is waited for.
    ///
    /// # Errors
    /// [`DownloadError`]; what was written by then is not the file.
    pub async fn export_download(
        &self,
        export_id: &str,
        into: &mut (dyn Write + Send),
        at_most: Duration,
    ) -> Result<Downloaded, DownloadError> {
        let deadline = Instant::now() + at_most;
        let (mut hash, mut at) = (Pieces::default(), 0);
        let mut named = None;
        loop {
            let piece = match self.piece(export_id, at, named.as_ref()).await {
                Err(Error::Problem(problem)) if problem.code == "not_ready" => {
                    let status = self.export_status(export_id).await?.value;
                    if !status.is_in_progress() && status.status != "completed" {
                        let (status, error) = (status.status, status.error);
                        return Err(DownloadError::NotThere { status, error });
                    }
                    if deadline <= Instant::now() + PAUSE {
                        return Err(DownloadError::NotReady(at_most));
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                other => other?,
            };
            if named.is_none() {
                let status = self.export_status(export_id).await?;
                let known = status.value.size_bytes.zip(status.value.sha256.clone());
                let Some((size_bytes, sha256)) = known else {
                    // An erasure came between: it is built anew.
                    if deadline <= Instant::now() + PAUSE {
                        return Err(DownloadError::NotReady(at_most));
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                named = Some(Downloaded { size_bytes, sha256 });
            }
            into.write_all(&piece)?;
            hash.add(&piece);
            at += piece.len() as u64;
            if let Some(named) = named.as_ref().filter(|named| named.size_bytes <= at) {
                let found = hash.digest().to_string();
                if found == named.sha256 {
                    return Ok(named.clone());
                }
                let named = named.sha256.clone();
                return Err(DownloadError::Differs { found, named });
            }
        }
    }

    /// The next piece. Once it is known which file it is, a piece of another one
    /// is refused.
    async fn piece(
        &self,
        export_id: &str,
        from: u64,
        of: Option<&Downloaded>,
    ) -> Result<Vec<u8>, Error> {
        let call = Call::get(["audit", "exports", export_id, "download"])
            .range(format!("bytes={from}-{}", from + PIECE - 1))
            .only_of(of.map(|of| format!("\"{}\"", of.sha256)));
        let answer = self.send(&call.long()).await?;
        if answer.status != 206 {
            return Err(answer.not_understood(&"it is another file by now: begin again"));
        }
        Ok(answer.bytes)
    }
}

fn body(ask: &ExportAsk) -> Json {
    let mut body = Object::new();
    body.insert("scope", ask.scope.as_str());
    body.insert("format", ask.format.as_str());
    for (name, value) in [
        ("from", &ask.from),
        ("to", &ask.to),
        ("purpose", &ask.purpose),
        ("requester", &ask.requester),
    ] {
        if let Some(value) = value {
            body.insert(name, value.as_str());
        }
    }
    if let Some(ledger_size) = ask.ledger_size {
        body.insert("ledger_size", ledger_size);
    }
    Json::Object(body)
}
