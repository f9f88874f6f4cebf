//! Whether the stored tiles are those of the entries, found while these pass by.

use ledger::tile::{self, TileId};
use types::Digest;

use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Scan, Table};
use crate::tree;

/// The tiles that are filling up, one a level.
#[derive(Debug, Default)]
pub(super) struct TileCheck {
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    index: u64,
    hashes: Vec<Digest>,
}

impl TileCheck {
    /// Takes the next leaf, and compares every tile that it fills.
    pub(super) fn push(&mut self, read: &impl Read, leaf: Digest) -> Result<(), Corruption> {
        let mut hash = leaf;
        for level in 0..=u8::MAX {
            let place = usize::from(level);
            if self.levels.len() <= place {
                self.levels.push(Level::default());
            }
            let Some(filling) = self.levels.get_mut(place) else { break };
            filling.hashes.push(hash);
            if (filling.hashes.len() as u64) < tile::WIDTH {
                break;
            }
            compare(read, level, filling)?;
            hash = tile::subtree_root(&filling.hashes);
            filling.hashes.clear();
            filling.index = filling.index.saturating_add(1);
        }
        Ok(())
    }

    /// Compares the tiles that are not full, and looks for any past the end.
    pub(super) fn finish(&self, read: &impl Read) -> Result<(), Corruption> {
        for (level, filling) in (0_u8..).zip(&self.levels) {
            if is_stored(level, filling) {
                compare(read, level, filling)?;
            }
        }
        let rows = read.scan(Scan {
            table: Table::Tile,
            from: &[],
            to: None,
            direction: Direction::Descending,
            rows_max: 1,
        })?;
        let last = rows.into_iter().next().map(|(key, _)| key);
        if last == self.last_key() {
            return Ok(());
        }
        Err(Corruption::new("tile", "there are more or fewer than the entries fill"))
    }

    /// Key of the last tile there should be.
    fn last_key(&self) -> Option<Vec<u8>> {
        let mut levels = (0_u8..).zip(&self.levels).collect::<Vec<_>>().into_iter().rev();
        levels.find_map(|(level, filling)| {
            let last = match is_stored(level, filling) {
                true => Some(filling.index),
                false => filling.index.checked_sub(1),
            };
            last.map(|last| keys::tile(level, last).to_vec())
        })
    }
}

/// What is not full at level 0 follows from the headers instead.
fn is_stored(level: u8, filling: &Level) -> bool {
    level != 0 && !filling.hashes.is_empty()
}

fn compare(read: &impl Read, level: u8, filling: &Level) -> Result<(), Corruption> {
    let width = u16::try_from(filling.hashes.len()).unwrap_or(u16::MAX);
    let id = TileId { level, index: filling.index, width };
    match tree::stored(read, level, filling.index)? {
        Some(hashes) if hashes == filling.hashes => Ok(()),
        Some(_) => Err(Corruption::new("tile", format!("tile {id} is not that of the entries"))),
        None => Err(Corruption::new("tile", format!("tile {id} is missing"))),
    }
}
