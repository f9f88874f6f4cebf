//! Certificates and keys in files: PEM, and what tells that one has changed.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::PairFiles;

/// That who is neither owner nor group may read.
const OF_OTHERS: u32 = 0o004;

/// What changes with a file, whether it is written in place or another is put
/// in its place, behind a link too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    file: (u64, u64),
    size: u64,
}

impl Stamp {
    /// None where there is no file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            modified: (found.mtime(), found.mtime_nsec()),
            file: (found.dev(), found.ino()),
            size: found.size(),
        })
    }
}

/// A chain and the key of its first certificate.
pub(super) fn pair(
    files: &PairFiles,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let chain = certificates(&files.cert)?;
    let is_open = fs::metadata(&files.key).is_ok_and(|found| found.mode() & OF_OTHERS != 0);
    if is_open {
        tracing::warn!(file = %files.key.display(), "every user of this machine can read a key");
    }
    let key = PrivateKeyDer::from_pem_file(&files.key);
    let key = key.map_err(|error| format!("no key in `{}`: {error}", files.key.display()))?;
    Ok((chain, key))
}

/// All certificates of a file, of which there is one at least.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> =
        read.map_err(|error| format!("no certificate in `{}`: {error}", path.display()))?;
    match read.is_empty() {
        false => Ok(read),
        true => Err(format!("no certificate in `{}`", path.display())),
    }
}

/// The second in which the first of them ends.
pub(super) fn ends(certificates: &[CertificateDer<'_>]) -> Result<i64, String> {
    let mut first = i64::MAX;
    for certificate in certificates {
        let read = X509Certificate::from_der(certificate);
        let (_, read) = read.map_err(|error| format!("what is in the file is none: {error}"))?;
        first = first.min(read.validity().not_after.timestamp());
    }
    Ok(first)
}
