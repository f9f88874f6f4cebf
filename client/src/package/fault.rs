//! What is wrong with a package: one code, and the path that it is about.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ::ledger::export::ExportFault;
use types::EntryId;

/// What does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The archive is not as a package is packed.
    ArchiveMalformed,
    /// A name leads elsewhere, occurs twice, or is of no plain file.
    PathRefused,
    /// `manifest.json` is none.
    ManifestMalformed,
    /// A file that the manifest names is not there.
    FileMissing,
    /// A file is there that the manifest does not name.
    FileAdded,
    /// A file is not what the manifest says.
    FileChanged,
    /// `export.json` is none, or is of another ledger than the one beside it.
    ExportMalformed,
    /// A line of records is none.
    RecordMalformed,
    /// A record names an entry that is not there, or none of those exported.
    RecordUnfounded,
    /// A record says something else than its entry.
    RecordMismatch,
    /// An entry that has a record has none here.
    RecordMissing,
    /// The ledger does not hold.
    Ledger(ExportFault),
    /// The status of the export is none, or has no signature.
    StatusMalformed,
    /// The status is of another file.
    StatusOfAnother,
    /// The status is signed with a key that nobody knows for exports.
    StatusKeyUnknown,
    /// The signature of the status does not fit.
    StatusSignatureInvalid,
}

impl Reason {
    /// The word that programs read.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ArchiveMalformed => "archive_malformed",
            Self::PathRefused => "path_refused",
            Self::ManifestMalformed => "manifest_malformed",
            Self::FileMissing => "file_missing",
            Self::FileAdded => "file_added",
            Self::FileChanged => "file_changed",
            Self::ExportMalformed => "export_malformed",
            Self::RecordMalformed => "record_malformed",
            Self::RecordUnfounded => "record_unfounded",
            Self::RecordMismatch => "record_mismatch",
            Self::RecordMissing => "record_missing",
            Self::Ledger(fault) => fault.reason.as_str(),
            Self::StatusMalformed => "status_malformed",
            Self::StatusOfAnother => "sha256_mismatch",
            Self::StatusKeyUnknown => "key_unknown",
            Self::StatusSignatureInvalid => "signature_invalid",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ArchiveMalformed => {
                "the archive is not as a package is packed: fetch it again, or unpack it and verify \
                 the folder"
            }
            Self::PathRefused => "the name leads elsewhere, occurs twice, or is of no plain file",
            Self::ManifestMalformed => "the manifest is not of its form",
            Self::FileMissing => "the manifest names it, and it is not there",
            Self::FileAdded => "it is there, and the manifest does not name it",
            Self::FileChanged => "its bytes are not those that the manifest names",
            Self::ExportMalformed => "it is not of its form, or is of another ledger",
            Self::RecordMalformed => "a line of it is no record, or not in the order of entries",
            Self::RecordUnfounded => "a record names an entry that it cannot be of",
            Self::RecordMismatch => "a record says something else than its entry",
            Self::RecordMissing => "an entry of this kind has no record",
            Self::Ledger(fault) => return fmt::Display::fmt(fault, f),
            Self::StatusMalformed => "the status is not of an export that is completed and signed",
            Self::StatusOfAnother => "the status is of another file: its `sha256` is not that of this one",
            Self::StatusKeyUnknown => {
                "the key that signed the status is not one of this ledger for exports, nor one you gave"
            }
            Self::StatusSignatureInvalid => "the signature of the status is not over its `sha256`",
        })
    }
}

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which file; empty for the archive as a whole.
    pub path: String,
    /// What is wrong with it.
    pub reason: Reason,
    /// With which entry.
    pub entry: Option<EntryId>,
}

impl Fault {
    pub(super) fn of(path: &str, reason: Reason) -> Self {
        Self { path: path.to_owned(), reason, entry: None }
    }

    pub(super) fn archive() -> Self {
        Self::of("", Reason::ArchiveMalformed)
    }

    pub(super) fn at(self, entry: u64) -> Self {
        Self { entry: Some(EntryId(entry)), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.reason),
            path => write!(f, "`{path}`: {}", self.reason),
        }
    }
}

impl std::error::Error for Fault {}

/// Why a package is not said to hold.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file gave no bytes, or there is no room to unpack.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It does not hold.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl PackageError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
