//! Certificates of a cluster under test, made as an operator makes them: by the
//! product's own command.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::binary;
use crate::failure::Failure;

/// What a node shows to clients and to other nodes, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// Its certificate, for both.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority of nodes.
    pub peer_ca: PathBuf,
    /// Whom it believes when it asks to be let in.
    pub ca: PathBuf,
}

impl Certificates {
    pub(super) fn arguments(&self) -> Vec<String> {
        let flags = [
            ("--tls-cert-file", &self.cert),
            ("--tls-key-file", &self.key),
            ("--tls-peer-cert-file", &self.cert),
            ("--tls-peer-key-file", &self.key),
            ("--tls-peer-ca-file", &self.peer_ca),
            ("--tls-ca-file", &self.ca),
        ];
        let flags = flags.into_iter().map(|(flag, path)| [flag.into(), path.display().to_string()]);
        flags.flatten().collect()
    }
}

/// A private authority.
#[derive(Clone, Debug)]
pub struct Authority {
    dir: PathBuf,
    client: Arc<ClientConfig>,
}

impl Authority {
    /// Makes one in a directory.
    ///
    /// # Errors
    /// [`Failure`] if the command fails.
    pub fn make(dir: &Path) -> Result<Self, Failure> {
        certs(&["init", "--dir", &dir.display().to_string()])?;
        let dir = dir.to_owned();
        let path = dir.join("ca.crt");
        let unusable =
            |why: String| Failure::Refused { asked: path.display().to_string(), said: why };
        let root = CertificateDer::from_pem_file(&path);
        let mut roots = RootCertStore::empty();
        let added = roots.add(root.map_err(|error| unusable(error.to_string()))?);
        added.map_err(|error| unusable(error.to_string()))?;
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let client = client.with_safe_default_protocol_versions();
        let client = client.map_err(|error| unusable(error.to_string()))?;
        let client = client.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { dir, client: Arc::new(client) })
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("ca.crt")
    }

    /// What a client is made with that believes it alone.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }

    /// Signs the certificate of a node, in the place of one it had.
    ///
    /// # Errors
    /// [`Failure`] if the command fails.
    pub fn sign(&self, name: &str) -> Result<Certificates, Failure> {
        certs(&["node", name, "--dir", &self.dir.display().to_string(), "--force"])?;
        Ok(Certificates {
            cert: self.dir.join(format!("node-{name}.crt")),
            key: self.dir.join(format!("node-{name}.key")),
            peer_ca: self.certificate(),
            ca: self.certificate(),
        })
    }
}

/// Runs `lexecon certs`.
fn certs(arguments: &[&str]) -> Result<(), Failure> {
    let program = binary::lexecon()?;
    let run = Command::new(&program).arg("certs").args(arguments).output();
    let output = run.map_err(|source| Failure::Run { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::Refused { asked: format!("lexecon certs {}", arguments.join(" ")), said })
}
