//! What `lexecon demo --tls` makes before its nodes start: an authority in the
//! demo's own directory, and a certificate of each node.

use std::path::{Path, PathBuf};

use cli::certs::Existing;
use cli::certs::authority::{Authority, Error, Subject, Validity};

use super::{DemoError, Plan};

/// Longer than a demo lives; one that is resumed has new ones.
const VALIDITY: Validity = Validity { days: 30 };

/// An authority and its certificates.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// Makes a certificate of each node, and the authority if there is none.
    pub(super) fn make(dir: &Path, nodes: u16) -> Result<Self, DemoError> {
        let failed = |error: Error| DemoError::new("cannot make certificates", &error);
        let authority = match dir.join("ca.key").exists() {
            true => Authority::open(dir),
            false => Authority::create(dir, Existing::Keep).map(|(authority, _)| authority),
        };
        let authority = authority.map_err(failed)?;
        for number in 0..nodes {
            let subject = Subject::Node { name: Plan::name(number), addresses: Vec::new() };
            authority.issue(&subject, VALIDITY, Existing::Replace).map_err(failed)?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// Whom clients are to believe.
    pub(super) fn authority(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// What a node is started with.
    pub(super) fn arguments(&self, name: &str) -> Vec<String> {
        let file = |name: &str| self.dir.join(name).display().to_string();
        let (cert, key) = (file(&format!("node-{name}.crt")), file(&format!("node-{name}.key")));
        let flags = [
            ("--tls-cert-file", cert.clone()),
            ("--tls-key-file", key.clone()),
            ("--tls-peer-cert-file", cert),
            ("--tls-peer-key-file", key),
            ("--tls-peer-ca-file", file("ca.crt")),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}
