//! Checkpoints as nodes serve them: which is final by when, and that what was
//! served once is served for ever and everywhere.

use std::time::Duration;

use types::{Json, Object};

use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::http::Client;
use crate::wait;

/// What `/ledger/checkpoint` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
    /// Digest of the state it was made over.
    pub state_hash: String,
}

/// The last final checkpoint of a node, or why there is none.
///
/// # Errors
/// What it said instead.
pub async fn last(client: &mut Client) -> Result<Checkpoint, String> {
    let reply = client.get("/ledger/checkpoint?signatures=frozen").await;
    let note = reply.map_err(|lost| lost.to_string())?;
    if note.status != 200 {
        return Err(note.quoted());
    }
    let note = String::from_utf8_lossy(&note.body).into_owned();
    let mut lines = note.lines();
    let size = lines.nth(1).and_then(|line| line.parse().ok()).ok_or("no size")?;
    let state = note.lines().find_map(|line| line.strip_prefix("state_hash "));
    let state_hash = state.ok_or("no state hash")?.to_owned();
    Ok(Checkpoint { size, note, state_hash })
}

/// Waits until a node serves a final checkpoint that covers so many entries.
///
/// # Errors
/// [`Failure::TooLate`] if it does not in time.
pub async fn covering(
    cluster: &Cluster,
    at: usize,
    size: u64,
    patience: Duration,
) -> Result<Checkpoint, Failure> {
    let mut client = cluster.client(at);
    let what = format!("a final checkpoint of at least {size} entries on node {at}");
    wait::until(&what, patience, async || match last(&mut client).await {
        Ok(found) if size <= found.size => Ok(found),
        Ok(found) => Err(format!("the last one covers {}", found.size)),
        Err(why) => Err(why),
    })
    .await
}

/// Every final checkpoint that a node lists, by size.
///
/// # Errors
/// [`Failure`] if it does not answer as api.md says.
pub async fn all(client: &mut Client) -> Result<Vec<(u64, String)>, Failure> {
    let reply = client.get_json("/ledger/checkpoints?limit=1000").await?;
    let rows = reply.as_object().and_then(|reply| reply.get("checkpoints")?.as_array());
    let row = |row: &Json| {
        let row: &Object = row.as_object()?;
        Some((row.get("size")?.as_u64()?, row.get("checkpoint")?.as_str()?.to_owned()))
    };
    rows.and_then(|rows| rows.iter().map(row).collect::<Option<Vec<_>>>()).ok_or_else(|| {
        Failure::Reply {
            path: "/ledger/checkpoints".to_owned(),
            status: 200,
            body: reply.to_canonical(),
            wanted: "checkpoints with size and note".to_owned(),
        }
    })
}
