//! The authority: making it, opening it, signing with it.
//!
//! Invariants
//! - A key that is there is never written over unless that was asked for.
//! - What it signs ends no later than it does itself.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, DnsName};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::files::{self, Pair};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the authority itself holds.
const AUTHORITY_DAYS: u32 = 3650;
/// Clocks differ: a certificate holds a little before it was made.
const BACKDATED: Duration = Duration::from_secs(5 * 60);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a key or a certificate, and nobody said that it may go.
    #[error("`{}` is there already: --force writes over it", path.display())]
    Occupied {
        /// Which file.
        path: PathBuf,
    },
    /// A file was not written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no authority in the directory.
    #[error("cannot use `{}`: `lexecon certs init` makes an authority: {why}", path.display())]
    NoAuthority {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Unmade(String),
}

/// Whether what is there may be written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is made.
    Keep,
    /// It goes.
    Replace,
}

/// A host of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// By name.
    Dns(String),
    /// By number.
    Ip(IpAddr),
}

impl Address {
    /// Reads a host name or an IP address.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self::Ip(ip));
        }
        DnsName::try_from(text).ok().map(|name| Self::Dns(name.as_ref().to_owned()))
    }

    fn to_san(&self) -> Result<SanType, rcgen::Error> {
        match self {
            Self::Dns(name) => Ok(SanType::DnsName(name.as_str().try_into()?)),
            Self::Ip(ip) => Ok(SanType::IpAddress(*ip)),
        }
    }
}

/// Whom a certificate is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A node: `lexecon:node:<name>`, as server and as client.
    Node {
        /// As `--node-id` has it.
        name: String,
        /// Where clients reach it, this machine aside.
        addresses: Vec<Address>,
    },
    /// A client: `lexecon:client:<name>`, as client alone.
    Client {
        /// What it is called.
        name: String,
    },
}

/// How long a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From now.
    pub days: u32,
}

/// Where a certificate and its key lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// PEM.
    pub certificate: PathBuf,
    /// PEM, for its owner alone.
    pub key: PathBuf,
}

/// An authority that can sign.
pub struct Authority {
    dir: PathBuf,
    params: CertificateParams,
    key: KeyPair,
    ends: SystemTime,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one in a directory, which is made too.
    ///
    /// # Errors
    /// [`Error`] when there is one already, or it cannot be written.
    pub fn create(dir: &Path, existing: Existing) -> Result<(Self, Issued), Error> {
        fs::create_dir_all(dir).map_err(|source| Error::Write { path: dir.to_owned(), source })?;
        let place = Self::place(dir);
        files::check_free(&place, existing)?;
        let key = new_key()?;
        let digits: String = key
            .public_key_raw()
            .iter()
            .skip(1)
            .take(4)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let params = params(&format!("Lexecon authority {digits}"));
        let ends = SystemTime::now() + DAY * AUTHORITY_DAYS;
        let signed = valid(params.clone(), ends).self_signed(&key).map_err(unmade)?;
        files::write(&place, &Pair { certificate: signed.pem(), key: key.serialize_pem() })?;
        Ok((Self { dir: dir.to_owned(), params, key, ends }, place))
    }

    /// Opens the one in a directory.
    ///
    /// # Errors
    /// [`Error`] when there is none that can sign.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let Issued { certificate, key } = Self::place(dir);
        let none = |path: &Path, why: &dyn std::fmt::Display| Error::NoAuthority {
            path: path.to_owned(),
            why: why.to_string(),
        };
        let pem = fs::read_to_string(&key).map_err(|error| none(&key, &error))?;
        let pair = KeyPair::from_pem(&pem).map_err(|error| none(&key, &error))?;
        let der = CertificateDer::from_pem_file(&certificate);
        let der = der.map_err(|error| none(&certificate, &error))?;
        let parsed = X509Certificate::from_der(&der);
        let (_, parsed) = parsed.map_err(|error| none(&certificate, &error))?;
        if !parsed.is_ca() {
            return Err(none(&certificate, &"it is no authority's"));
        }
        let public = &*parsed.public_key().subject_public_key.data;
        if public != pair.public_key_raw() {
            return Err(none(&certificate, &"`ca.key` is another's"));
        }
        let name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        let name = name.ok_or_else(|| none(&certificate, &"it has no name"))?;
        let ends = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
        let ends = UNIX_EPOCH + Duration::from_secs(ends);
        Ok(Self { dir: dir.to_owned(), params: params(name), key: pair, ends })
    }

    fn place(dir: &Path) -> Issued {
        Issued { certificate: dir.join("ca.crt"), key: dir.join("ca.key") }
    }

    /// Signs a certificate with a key of its own.
    ///
    /// # Errors
    /// [`Error`] when it cannot be made or written.
    pub fn issue(
        &self,
        subject: &Subject,
        validity: Validity,
        existing: Existing,
    ) -> Result<Issued, Error> {
        let (kind, name) = match subject {
            Subject::Node { name, .. } => ("node", name),
            Subject::Client { name } => ("client", name),
        };
        let file = |end: &str| self.dir.join(format!("{kind}-{name}.{end}"));
        let place = Issued { certificate: file("crt"), key: file("key") };
        files::check_free(&place, existing)?;
        let ends = self.ends.min(SystemTime::now() + DAY * validity.days);
        let key = new_key()?;
        let wanted = valid(leaf(subject).map_err(unmade)?, ends);
        let issuer = Issuer::from_params(&self.params, &self.key);
        let signed = wanted.signed_by(&key, &issuer).map_err(unmade)?;
        files::write(&place, &Pair { certificate: signed.pem(), key: key.serialize_pem() })?;
        Ok(place)
    }
}

fn unmade(error: rcgen::Error) -> Error {
    Error::Unmade(error.to_string())
}

fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(unmade)
}

/// What makes an authority of this name. It signs certificates of ends alone,
/// not of other authorities.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn leaf(subject: &Subject) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    match subject {
        Subject::Node { name, addresses } => {
            params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
            params.distinguished_name = named(name);
            params.subject_alt_names =
                vec![SanType::URI(format!("lexecon:node:{name}").try_into()?)];
            for address in here().iter().chain(addresses) {
                let san = address.to_san()?;
                if !params.subject_alt_names.contains(&san) {
                    params.subject_alt_names.push(san);
                }
            }
        }
        Subject::Client { name } => {
            params.distinguished_name = named(name);
            params.subject_alt_names =
                vec![SanType::URI(format!("lexecon:client:{name}").try_into()?)];
        }
    }
    Ok(params)
}

/// By what a node is reached from its own machine, as a probe of it does.
fn here() -> [Address; 3] {
    [
        Address::Dns("localhost".to_owned()),
        Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Address::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ]
}

fn valid(mut params: CertificateParams, ends: SystemTime) -> CertificateParams {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since(SystemTime::now() - BACKDATED);
    params.not_after = epoch + since(ends);
    params
}
