//! The tiles of a growing tree, each written when it is full, and what is left
//! at the end as partial ones.

use std::fs;
use std::path::{Path, PathBuf};

use ::ledger::StoredEntry;
use ::ledger::tile::{self, Resource, TileId, WIDTH};
use types::Digest;

use super::Error;

/// The tiles that are not full yet, one of each level, and the bundle.
#[derive(Debug, Default)]
pub(super) struct Tiles {
    dir: PathBuf,
    /// Hashes of the last tile of each level, and how many full ones there are.
    levels: Vec<(Vec<Digest>, u64)>,
    bundle: Vec<u8>,
}

impl Tiles {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.join("tile"), ..Self::default() }
    }

    /// Adds an entry.
    pub(super) fn append(&mut self, entry: &StoredEntry) -> Result<(), Error> {
        if !tile::append_bundle(&mut self.bundle, entry.header_text.as_bytes()) {
            return Err(Error::Malformed { what: format!("entry {}", entry.header.id) });
        }
        self.push(entry.hash())
    }

    fn push(&mut self, leaf: Digest) -> Result<(), Error> {
        let mut node = leaf;
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.levels.len() == at {
                self.levels.push((Vec::new(), 0));
            }
            let Some((hashes, _)) = self.levels.get_mut(at) else { break };
            hashes.push(node);
            if (hashes.len() as u64) < WIDTH {
                break;
            }
            node = tile::subtree_root(hashes);
            self.write(level)?;
        }
        Ok(())
    }

    /// Writes the last tile of a level as it is, and begins the next one.
    fn write(&mut self, level: u8) -> Result<(), Error> {
        let Some((hashes, index)) = self.levels.get_mut(usize::from(level)) else {
            return Ok(());
        };
        let Ok(width) = u16::try_from(hashes.len()) else { return Ok(()) };
        let id = TileId { level, index: *index, width };
        let bytes = tile::to_bytes(hashes);
        hashes.clear();
        *index += 1;
        put(&self.dir, &Resource::Hashes(id), &bytes)?;
        if level == 0 {
            let bundle = std::mem::take(&mut self.bundle);
            put(&self.dir, &Resource::Entries { index: id.index, width }, &bundle)?;
        }
        Ok(())
    }

    /// Writes what is not full.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        for level in 0_u8.. {
            match self.levels.get(usize::from(level)) {
                Some((hashes, _)) if hashes.is_empty() => (),
                Some(_) => self.write(level)?,
                None => break,
            }
        }
        Ok(())
    }
}

fn put(dir: &Path, resource: &Resource, bytes: &[u8]) -> Result<(), Error> {
    let path = dir.join(resource.path());
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).map_err(Error::write(above))?;
    }
    fs::write(&path, bytes).map_err(Error::write(&path))
}

#[cfg(test)]
mod tests {
    use ::ledger::{EntryType, Header};
    use types::{EntryId, Timestamp};

    use super::*;

    fn entry(id: u64) -> StoredEntry {
        let header = Header {
            id: EntryId(id),
            entry_type: EntryType::Decision,
            timestamp: Timestamp(0),
            actor_seq: 0,
            type_seq: id,
            data_hash: Digest::ZERO,
            personal_hash: None,
            previous_hash: Digest::ZERO,
        };
        let header_text = header.to_canonical();
        StoredEntry { header, header_text, data: None, personal: None }
    }

    #[test]
    fn there_is_every_tile_of_the_tree_and_no_other() {
        for size in [1, 255, 256, 257, 600] {
            let dir = tempfile::tempdir().unwrap();
            let dir = dir.path();
            let mut tiles = Tiles::new(dir);
            for id in 0..size {
                tiles.append(&entry(id)).unwrap();
            }
            tiles.finish().unwrap();
            let mut expected: Vec<String> = tile::tiles(size).map(TileId::path).collect();
            let bundle = |(index, width)| Resource::Entries { index, width }.path();
            expected.extend(tile::bundles(size).map(bundle));
            let mut found = Vec::new();
            files(&dir.join("tile"), "", &mut found);
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{size}");
            let last = fs::read(dir.join("tile").join(TileId::of_tree(0, 0, size).unwrap().path()));
            let hashes = tile::from_bytes(&last.unwrap()).unwrap();
            assert_eq!(hashes.first(), Some(&entry(0).hash()));
        }
    }

    fn files(dir: &Path, below: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            match entry.path().is_dir() {
                true => files(&entry.path(), &format!("{name}/"), found),
                false => found.push(name),
            }
        }
    }
}
