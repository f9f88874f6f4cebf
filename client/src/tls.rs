//! Whom a client believes over `https`, and what it shows of itself.
//!
//! Cryptography is ring's, named here wherever a library would otherwise look
//! for a default of the process that nobody may have set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};

use crate::error::Error;

/// A certificate of the client, for servers that ask for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM: the certificate, then those between it and its authority.
    pub cert_file: PathBuf,
    /// PEM: its key.
    pub key_file: PathBuf,
}

/// Whom to believe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// PEM: the authorities whose certificates count, and no others do. Without
    /// it those of the system.
    pub ca_file: Option<PathBuf>,
    /// What is shown to a server that asks for it.
    pub identity: Option<Identity>,
}

/// Whether a client has any use for TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// It asks without; the authorities of the system need not be read.
    Http,
    /// It asks with TLS, or perhaps.
    Https,
}

impl Trust {
    /// Sets up an HTTP client with it.
    ///
    /// # Errors
    /// [`Error::Misused`] where a file has not what it should.
    pub fn apply(
        &self,
        builder: reqwest::ClientBuilder,
        scheme: Scheme,
    ) -> Result<reqwest::ClientBuilder, Error> {
        match (&self.ca_file, scheme) {
            (Some(path), Scheme::Https) => {
                let config = self.config(roots(path)?)?;
                Ok(builder.tls_backend_preconfigured(config))
            }
            (_, Scheme::Http) => {
                let config = Self::default().config(RootCertStore::empty())?;
                Ok(builder.tls_backend_preconfigured(config))
            }
            (None, Scheme::Https) => self.apply_system(builder),
        }
    }

    /// The authorities of the system are read by reqwest, which takes its
    /// cryptography from the process: so it is put there first. Somebody may
    /// have put theirs, which is as well.
    fn apply_system(
        &self,
        builder: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, Error> {
        let _ = ring::default_provider().install_default();
        let builder = builder.tls_backend_rustls();
        let Some(Identity { cert_file, key_file }) = &self.identity else { return Ok(builder) };
        let mut pem = Vec::new();
        for path in [key_file, cert_file] {
            pem.extend(std::fs::read(path).map_err(|error| unusable(path, &error))?);
            pem.push(b'\n');
        }
        let identity = reqwest::Identity::from_pem(&pem);
        Ok(builder.identity(identity.map_err(|error| unusable(cert_file, &error))?))
    }

    fn config(&self, roots: RootCertStore) -> Result<ClientConfig, Error> {
        let misused = |error: rustls::Error| Error::Misused(format!("cannot set up TLS: {error}"));
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(misused)?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some(Identity { cert_file, key_file }) => {
                let key = PrivateKeyDer::from_pem_file(key_file);
                let key = key.map_err(|error| unusable(key_file, &error))?;
                let shown = config.with_client_auth_cert(certificates(cert_file)?, key);
                shown.map_err(|error| unusable(cert_file, &error))?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

fn roots(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let read: Vec<_> = read.map_err(|error| unusable(path, &error))?;
    match read.is_empty() {
        false => Ok(read),
        true => Err(unusable(path, &"there is no certificate in it")),
    }
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Misused(format!("cannot use `{}`: {why}", path.display()))
}
