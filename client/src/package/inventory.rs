//! The files of a package with their hashes, and the manifest that says them.
//!
//! Invariants
//! - `manifest.json` names every file but itself, and nothing else.
//! - Links and other things that are no plain files are refused, never followed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use crc32fast::Hasher as Crc;
use sha2::{Digest as _, Sha256};
use types::{Digest, Json, Object};

use super::archive::MEMBERS_MAX;
use super::fault::{Fault, PackageError, Reason};

/// The file that names the others.
pub(super) const MANIFEST: &str = "manifest.json";

/// Longest manifest that is read.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;
const NAME_BYTES_MAX: usize = 255;
const FOLDERS_MAX: usize = 8;
const BUFFER_BYTES: usize = 256 << 10;

/// One file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) sha256: Digest,
    pub(super) size: u64,
    pub(super) crc: u32,
}

/// Files by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Inventory(BTreeMap<String, Listed>);

/// Whether a name leads nowhere else on any machine, and needs no quoting.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        !part.is_empty() && !matches!(part, "." | "..") && part.bytes().all(is_plain)
    };
    name.len() <= NAME_BYTES_MAX
        && name.split('/').count() <= FOLDERS_MAX
        && name.split('/').all(is_part)
}

impl Inventory {
    /// Reads every file below a folder; `goes_on` is called for each piece.
    pub(super) fn of(dir: &Path, goes_on: &dyn Fn()) -> Result<Self, PackageError> {
        let mut files = Self::default();
        files.walk(dir, "", goes_on)?;
        Ok(files)
    }

    fn walk(&mut self, dir: &Path, below: &str, goes_on: &dyn Fn()) -> Result<(), PackageError> {
        for entry in fs::read_dir(dir).map_err(PackageError::io(dir))? {
            let entry = entry.map_err(PackageError::io(dir))?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let path = entry.path();
            let kind = entry.file_type().map_err(PackageError::io(&path))?;
            let is_known = kind.is_dir() || kind.is_file();
            if !is_known || !is_name(&name) || self.0.len() == MEMBERS_MAX {
                return Err(Fault::of(&name, Reason::PathRefused).into());
            }
            if kind.is_dir() {
                self.walk(&path, &format!("{name}/"), goes_on)?;
            } else {
                self.0.insert(name, listed(&path, goes_on).map_err(PackageError::io(&path))?);
            }
        }
        Ok(())
    }

    /// Files in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.0.iter().map(|(name, listed)| (name.as_str(), listed))
    }

    /// Looks at a file again.
    pub(super) fn add(&mut self, dir: &Path, name: &str) -> io::Result<()> {
        self.0.insert(name.to_owned(), listed(&dir.join(name), &|| ())?);
        Ok(())
    }

    /// The text of the manifest, whose order is that of names.
    pub(super) fn manifest(&self) -> String {
        let mut members = Object::new();
        for (name, file) in self.iter().filter(|(name, _)| *name != MANIFEST) {
            let row = Json::object([
                ("sha256", file.sha256.to_string().into()),
                ("size", file.size.into()),
            ]);
            members.insert(name, row);
        }
        format!("{}\n", Json::Object(members).to_canonical())
    }

    /// Compares the files with what the manifest says, in the order of names.
    pub(super) fn check(&self, dir: &Path) -> Result<(), PackageError> {
        let named = read_manifest(&dir.join(MANIFEST))?;
        let mut names: Vec<&str> = self.0.keys().chain(named.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.into_iter().filter(|name| *name != MANIFEST) {
            let reason = match (self.0.get(name), named.get(name)) {
                (None, _) => Some(Reason::FileMissing),
                (_, None) => Some(Reason::FileAdded),
                (Some(found), Some((sha256, size))) => {
                    let is_same = found.sha256 == *sha256 && found.size == *size;
                    (!is_same).then_some(Reason::FileChanged)
                }
            };
            if let Some(reason) = reason {
                return Err(Fault::of(name, reason).into());
            }
        }
        Ok(())
    }
}

/// Hash of one file.
pub(super) fn sha256(path: &Path) -> Result<Digest, PackageError> {
    Ok(listed(path, &|| ()).map_err(PackageError::io(path))?.sha256)
}

/// Hash, size and checksum of a file.
fn listed(path: &Path, goes_on: &dyn Fn()) -> io::Result<Listed> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut sha256, mut crc, mut size) = (Sha256::new(), Crc::new(), 0);
    loop {
        let read = file.read(&mut buffer)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Listed {
                sha256: Digest(sha256.finalize().into()),
                size,
                crc: crc.finalize(),
            });
        }
        goes_on();
        sha256.update(bytes);
        crc.update(bytes);
        size += bytes.len() as u64;
    }
}

fn read_manifest(path: &Path) -> Result<BTreeMap<String, (Digest, u64)>, PackageError> {
    let malformed = || Fault::of(MANIFEST, Reason::ManifestMalformed);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Fault::of(MANIFEST, Reason::FileMissing).into());
        }
        file => file.map_err(PackageError::io(path))?,
    };
    let mut text = Vec::new();
    let read = file.take(MANIFEST_BYTES_MAX + 1).read_to_end(&mut text);
    read.map_err(PackageError::io(path))?;
    if MANIFEST_BYTES_MAX < text.len() as u64 {
        return Err(malformed().into());
    }
    let json: Json = serde_json::from_slice(&text).map_err(|_| malformed())?;
    let rows = json.as_object().ok_or_else(malformed)?;
    let row = |(name, row): (&str, &Json)| {
        let row = row.as_object().filter(|row| row.len() == 2 && is_name(name))?;
        let sha256 = row.get("sha256")?.as_str()?.parse().ok()?;
        Some((name.to_owned(), (sha256, row.get("size")?.as_u64()?)))
    };
    Ok(rows.iter().map(row).collect::<Option<_>>().ok_or_else(malformed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["a", "ledger/tile/0/x001/234.p/17", "records/decisions.ndjson", "a..b"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "/a", "a/", "../a", "a/../b", "./a", "a\\b", "C:/a", "a\0b", "ä", "a b"] {
            assert!(!is_name(name), "{name}");
        }
        assert!(!is_name("1/2/3/4/5/6/7/8/9"));
        assert!(!is_name(&"a".repeat(256)));
    }
}
