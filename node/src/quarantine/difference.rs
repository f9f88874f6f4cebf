//! Finds the first entry in which two ledgers differ, by walking their trees
//! from the top: a few tiles, however long the ledgers are.

use client::Client;
use governance::{Tree, view};
use ledger::tile::{self, TileId, Tiles as _};
use types::{Digest, EntryId};

use crate::run::Running;

/// The first entry that differs from that of a member that answers; `None` where
/// none does, or nobody answers.
pub(super) async fn find(running: &Running) -> Option<EntryId> {
    let state = running.handle.view().ok()?;
    let nodes = view::nodes(&state).ok()?;
    let own = view::head(&state).ok()?.size();
    for node in nodes.iter().filter(|node| node.raft_id != running.identity.raft_id) {
        let Ok(client) = Client::new([node.api_address.clone()]) else { continue };
        match compare(&state, own, &client).await {
            Ok(found) => return found,
            Err(why) => tracing::info!(node = %node.name, why, "cannot compare with this node"),
        }
    }
    None
}

async fn compare(
    state: &storage::View,
    own: u64,
    client: &Client,
) -> Result<Option<EntryId>, String> {
    let status = client.cluster_status().await.map_err(|error| error.to_string())?;
    let size = own.min(status.value.ledger_size);
    let mut level = top(size);
    let mut index = 0;
    // At each level the tile under the first hash that differs above, or else
    // the one after the last that a hash above stands for.
    loop {
        let Some(id) = TileId::of_tree(level, index, size) else {
            match level.checked_sub(1) {
                None => return Ok((size < own).then_some(EntryId(size))),
                Some(below) => {
                    (level, index) = (below, index.saturating_mul(tile::WIDTH));
                    continue;
                }
            }
        };
        let ours = Tree(state).tile(id).map_err(|error| error.to_string())?;
        let theirs = fetch(client, id).await?;
        let place = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        let place = place.unwrap_or(ours.len()) as u64;
        let next = index.saturating_mul(tile::WIDTH).saturating_add(place);
        match level.checked_sub(1) {
            None if place < ours.len() as u64 => return Ok(Some(EntryId(next))),
            None => return Ok((size < own).then_some(EntryId(size))),
            Some(below) => (level, index) = (below, next),
        }
    }
}

/// The level whose one tile has a hash for every full tile below it.
fn top(size: u64) -> u8 {
    let mut level = 0;
    let mut tiles = size / tile::WIDTH;
    while 0 < tiles {
        level += 1;
        tiles /= tile::WIDTH;
    }
    level
}

async fn fetch(client: &Client, id: TileId) -> Result<Vec<Digest>, String> {
    let bytes = client.tile(&id.path()).await.map_err(|error| error.to_string())?;
    let hashes = tile::from_bytes(&bytes).filter(|hashes| hashes.len() == usize::from(id.width));
    hashes.ok_or_else(|| format!("tile {id} is no row of {} hashes", id.width))
}
