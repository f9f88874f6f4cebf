//! The archive of a package: a zip with one form, so that the same files give
//! the same bytes whoever packs them, and no two archives mean the same.
//!
//! Members are stored, not deflated: a deflated stream is whatever the library,
//! its version and the processor make of it, and the hash of a package is
//! signed. It also leaves nothing to inflate, so an archive never unpacks to
//! more than its own size. Whoever wants it smaller compresses the whole.
//!
//! Not here: reading zips of others. What is read is compared with what would
//! have been written, byte for byte, headers and directory included.
//!
//! Invariants
//! - Names are relative, plain, unique and in their order; nothing is written
//!   outside of the folder that is unpacked into.
//! - Memory holds the names, never the files.

mod record;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use crc32fast::Hasher as Crc;

use super::fault::{Fault, PackageError, Reason};
use super::inventory::{Inventory, is_name};
use record::{Fixed, LOCAL, Member, SIGNATURE_BYTES, tail};

/// Most members of an archive: tiles of a ledger of a hundred million entries.
pub(super) const MEMBERS_MAX: usize = 1 << 20;

const BUFFER_BYTES: usize = 256 << 10;

/// Writes the files of a folder, in the order of their names.
///
/// # Errors
/// Where a file cannot be read or was changed since the inventory was made, or
/// `out` takes no bytes.
pub(super) fn pack(dir: &Path, files: &Inventory, out: &mut impl Write) -> io::Result<()> {
    let mut members = Vec::new();
    let mut offset = 0;
    for (name, file) in files.iter() {
        let member = Member { name: name.to_owned(), size: file.size, crc: file.crc, offset };
        let header = member.local();
        out.write_all(&header)?;
        let copied = copy(&dir.join(name), file.size, out)?;
        if copied != file.crc {
            let why = format!("`{name}` was changed while it was packed");
            return Err(io::Error::other(why));
        }
        offset += header.len() as u64 + file.size;
        members.push(member);
    }
    out.write_all(&tail(&members, offset))?;
    out.flush()
}

/// Copies so many bytes, and says their checksum.
fn copy(path: &Path, size: u64, out: &mut impl Write) -> io::Result<u32> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(path)?).take(size);
    let mut sum = Summed { out, crc: Crc::new() };
    let copied = io::copy(&mut reader, &mut sum)?;
    if copied != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(sum.crc.finalize())
}

/// Passes bytes on and sums them up.
struct Summed<'a, W> {
    out: &'a mut W,
    crc: Crc,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Unpacks an archive into an empty folder.
///
/// # Errors
/// The first [`Fault`] of an archive that was not written by [`pack`], or a
/// file that cannot be read or written.
pub(super) fn unpack(archive: &Path, dir: &Path) -> Result<(), PackageError> {
    let file = File::open(archive).map_err(PackageError::io(archive))?;
    let size = file.metadata().map_err(PackageError::io(archive))?.len();
    let mut reader = Reader { inner: BufReader::with_capacity(BUFFER_BYTES, file), left: size };
    let mut members: Vec<Member> = Vec::new();
    let mut names = BTreeSet::new();
    let mut offset = 0;
    loop {
        let signature = reader.array::<SIGNATURE_BYTES>(archive)?;
        if signature != LOCAL {
            return end(&mut reader, archive, signature, &tail(&members, offset));
        }
        let (member, header_bytes) = reader.member(archive, offset)?;
        let last = members.last().map_or("", |last| &last.name);
        let is_below = folders_of(&member.name).any(|folder| names.contains(folder));
        if member.name == last || is_below || members.len() == MEMBERS_MAX {
            return Err(Fault::of(&member.name, Reason::PathRefused).into());
        }
        if member.name.as_str() < last {
            return Err(Fault::of(&member.name, Reason::ArchiveMalformed).into());
        }
        names.insert(member.name.clone());
        reader.extract(archive, &member, dir)?;
        offset += header_bytes + member.size;
        members.push(member);
    }
}

/// Every folder that a name is below, as it would be called if it were a file.
fn folders_of(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').filter_map(|(at, _)| name.get(..at))
}

/// Compares what follows the members with what has to.
fn end(
    reader: &mut Reader,
    archive: &Path,
    read: [u8; SIGNATURE_BYTES],
    expected: &[u8],
) -> Result<(), PackageError> {
    let rest = expected.len() - SIGNATURE_BYTES.min(expected.len());
    if !expected.starts_with(&read) || reader.left != rest as u64 {
        return Err(Fault::archive().into());
    }
    let mut found = vec![0; rest];
    reader.exact(archive, &mut found)?;
    let is_same = expected.get(SIGNATURE_BYTES..) == Some(&found);
    if is_same { Ok(()) } else { Err(Fault::archive().into()) }
}

/// Reads no more than the file is long.
struct Reader {
    inner: BufReader<File>,
    left: u64,
}

impl Reader {
    fn exact(&mut self, archive: &Path, bytes: &mut [u8]) -> Result<(), PackageError> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or(Fault::archive())?;
        self.inner.read_exact(bytes).map_err(PackageError::io(archive))
    }

    fn array<const N: usize>(&mut self, archive: &Path) -> Result<[u8; N], PackageError> {
        let mut bytes = [0; N];
        self.exact(archive, &mut bytes)?;
        Ok(bytes)
    }

    /// The header of a member after its signature, and the length of it all.
    fn member(&mut self, archive: &Path, offset: u64) -> Result<(Member, u64), PackageError> {
        let fixed = Fixed::read(&self.array(archive)?);
        let mut name = vec![0; usize::from(fixed.name_bytes)];
        self.exact(archive, &mut name)?;
        let mut extra = vec![0; usize::from(fixed.extra_bytes)];
        self.exact(archive, &mut extra)?;
        let name = String::from_utf8(name).map_err(|_| Fault::archive())?;
        if !is_name(&name) {
            return Err(Fault::of(&name, Reason::PathRefused).into());
        }
        let size = fixed.size(&extra).ok_or(Fault::archive())?;
        let member = Member { name, size, crc: fixed.crc, offset };
        let header = member.local();
        if !fixed.is_of(&header) || !header.ends_with(&extra) {
            return Err(Fault::of(&member.name, Reason::ArchiveMalformed).into());
        }
        Ok((member, header.len() as u64))
    }

    fn extract(&mut self, archive: &Path, member: &Member, dir: &Path) -> Result<(), PackageError> {
        let cut = Fault::of(&member.name, Reason::ArchiveMalformed);
        self.left = self.left.checked_sub(member.size).ok_or(cut)?;
        let path = dir.join(&member.name);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(PackageError::io(above))?;
        }
        let file = File::create_new(&path).map_err(PackageError::io(&path))?;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
        let mut sum = Summed { out: &mut out, crc: Crc::new() };
        let mut from = self.inner.by_ref().take(member.size);
        let copied = io::copy(&mut from, &mut sum).map_err(PackageError::io(archive))?;
        let crc = sum.crc.finalize();
        out.flush().map_err(PackageError::io(&path))?;
        if copied != member.size || crc != member.crc {
            return Err(Fault::of(&member.name, Reason::FileChanged).into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
