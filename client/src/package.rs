//! The evidence package: records, the ledger they are projections of, and what
//! checks both, in one archive that needs nobody.
//!
//! A node fills a folder with [`Builder`] and packs it; an auditor checks it
//! with [`verify`], or with the second verifier that lies in the package.
//!
//! What is checked, in this order: the archive, the manifest, the ledger, then
//! that every record is of an entry that made it, that no entry is without or has
//! two, and that the two say the same, as far as a record takes over from one
//! entry. Tables, the report and what is said of duties are held by the
//! manifest alone, and the manifest by the signature over the archive, for which
//! there is [`check_status`]: a pass without does not say who packed it.
//!
//! Reading order: [`Builder`], [`verify`], then `archive`, `inventory`, `records`.
//!
//! Invariants
//! - The same files give the same bytes.
//! - Memory is bounded by the number of files and by a line, never by the
//!   length of the ledger.

mod about;
mod archive;
mod fault;
mod inventory;
mod records;
mod signed;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ::ledger::FaultReason;
use ::ledger::export::{ExportFault, Verified};
use types::Digest;

use crate::offline::{ExportError, Question, verify_export};

pub use about::EXPORT;
pub use fault::{Fault, PackageError, Reason};
pub use signed::check_status;

use inventory::{Inventory, MANIFEST};

/// The folder of the ledger, which is an export directory.
pub const LEDGER: &str = "ledger";

/// The folder of records, one file per kind.
pub const RECORDS: &str = "records";

/// The second verifier, as it lies in a package.
const SECOND_VERIFIER: &str = include_str!("../verifiers/verify.py");

const README: &str = include_str!("package/README.txt");

/// A package that is being filled.
#[derive(Debug)]
pub struct Builder {
    dir: PathBuf,
}

impl Builder {
    /// Begins a package in an empty folder.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub fn new(dir: &Path) -> io::Result<Self> {
        fs::create_dir(dir.join(LEDGER))?;
        fs::create_dir(dir.join(RECORDS))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Where a file goes; the folders above it are made.
    ///
    /// # Errors
    /// Where the name would lead elsewhere, or a folder cannot be made.
    pub fn path(&self, name: &str) -> io::Result<PathBuf> {
        if !inventory::is_name(name) {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let path = self.dir.join(name);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        Ok(path)
    }

    /// Writes a whole file.
    ///
    /// # Errors
    /// As [`Builder::path`], and where it cannot be written.
    pub fn put(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.path(name)?, text)
    }

    /// Adds what every package has, and writes the archive. Before that every file
    /// is read; `goes_on` is called for each piece of it.
    ///
    /// # Errors
    /// Where a file cannot be read, or `out` takes no bytes.
    pub fn pack(self, out: &mut impl Write, goes_on: &dyn Fn()) -> io::Result<()> {
        self.put("README.txt", README)?;
        self.put("verify.py", SECOND_VERIFIER)?;
        let mut files = Inventory::of(&self.dir, goes_on).map_err(io::Error::other)?;
        self.put(MANIFEST, &files.manifest())?;
        files.add(&self.dir, MANIFEST)?;
        archive::pack(&self.dir, &files, out)
    }
}

/// What a package that holds can say.
#[derive(Clone, Debug)]
pub struct VerifiedPackage {
    /// The ledger in it.
    pub ledger: Verified,
    /// Which records were asked for.
    pub scope: String,
    /// Entries that the records are projections of; the ledger may have more.
    pub ledger_size: u64,
    /// Files beside the manifest.
    pub files: u64,
    /// Records of each kind.
    pub records: BTreeMap<String, u64>,
    /// Hash of the archive, which is what the node signed; none of a folder.
    pub sha256: Option<Digest>,
}

/// Whether a folder is an unpacked package, or was one before its manifest was
/// taken out.
pub fn is_package(dir: &Path) -> bool {
    let is_there = |name| dir.join(name).is_file();
    is_there(MANIFEST) || (is_there(EXPORT) && dir.join(LEDGER).is_dir())
}

/// Checks a package: the archive, or the folder that it was unpacked to. An
/// archive is unpacked beside it all, and what was unpacked is removed again.
///
/// # Errors
/// The first [`Fault`], or a file that cannot be read or written.
pub fn verify(path: &Path, question: &Question<'_>) -> Result<VerifiedPackage, PackageError> {
    if path.is_dir() {
        return verify_folder(path, question);
    }
    let place = std::env::temp_dir();
    let place = tempfile::tempdir_in(&place).map_err(PackageError::io(&place))?;
    archive::unpack(path, place.path())?;
    let mut verified = verify_folder(place.path(), question)?;
    verified.sha256 = Some(inventory::sha256(path)?);
    Ok(verified)
}

fn verify_folder(dir: &Path, question: &Question<'_>) -> Result<VerifiedPackage, PackageError> {
    let files = Inventory::of(dir, &|| ())?;
    files.check(dir)?;
    let about = about::About::read(&dir.join(EXPORT))?;
    let ledger = verify_export(&dir.join(LEDGER), question).map_err(of_ledger)?;
    if !about.is_of(&ledger) {
        return Err(Fault::of(EXPORT, Reason::ExportMalformed).into());
    }
    let names = files.iter().map(|(name, _)| name);
    let records = records::check(dir, &about, names)?;
    let count = files.iter().filter(|(name, _)| *name != MANIFEST).count() as u64;
    Ok(VerifiedPackage {
        ledger,
        scope: about.scope,
        ledger_size: about.ledger_size,
        files: count,
        records,
        sha256: None,
    })
}

/// A fault of the ledger, with the file where it shows.
fn of_ledger(error: ExportError) -> PackageError {
    match error {
        ExportError::Unreadable { path, source } => PackageError::Io { path, source },
        ExportError::Fault(fault) => {
            let path = format!("{LEDGER}{}", file_of(fault));
            Fault { path, reason: Reason::Ledger(fault), entry: fault.entry }.into()
        }
    }
}

fn file_of(fault: ExportFault) -> &'static str {
    use FaultReason as R;
    match fault.reason {
        R::KeysMismatch => "/keys.json",
        R::TileMismatch => "/tile",
        R::RootMismatch
        | R::CheckpointSignatureInvalid
        | R::TooFewSignatures
        | R::KeyNotValidAtSize
        | R::MembershipMismatch
        | R::KeyUnknown => "/checkpoint",
        R::Malformed
        | R::WrongOrigin
        | R::Missing
        | R::CheckpointReplayed
        | R::BrokenLink
        | R::SequenceGap
        | R::DataHashMismatch
        | R::PersonalHashMismatch
        | R::ErasureNotAllowed
        | R::UnrecordedErasure
        | R::HashMismatch
        | R::InclusionFailed
        | R::ConsistencyFailed
        | R::KeyNotValidAtIndex
        | R::SignatureInvalid => match fault.entry {
            Some(_) => "/entries.jsonl",
            None => "",
        },
    }
}

#[cfg(test)]
mod tests;
