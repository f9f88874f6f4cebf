//! What this node shows the others, and whom it believes: one certificate
//! authority, and certificates that say which node they are of.
//!
//! A node is named by a URI in its certificate, `lexecon:node:<name>`, and not
//! by DNS: names of nodes may have what DNS may not, and where a node is says
//! nothing of who it is. TLS 1.3 alone, and no resumption: every connection is
//! judged anew, by the certificates of that moment.
//!
//! INVARIANT: certificate, key and authority are replaced together or not at
//! all, and only by what would be believed itself.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// What the URI of a node's certificate begins with.
const NODE: &str = "lexecon:node:";
/// What connections between nodes speak.
const ALPN: &[u8] = b"h2";
/// Of one kind of refusal, one in so long is logged; all are counted.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// A certificate, its key, and whom to believe.
pub struct Credentials {
    /// This node's certificate, then those between it and the authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: PrivateKeyDer<'static>,
    /// The authorities that certificates of nodes come from.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

/// Why credentials are of no use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key is not the certificate's, or something is no certificate.
    #[error("the certificate, its key or the authority cannot be used: {0}")]
    Unusable(String),
    /// Nobody who trusts the same authority would believe it.
    #[error("the certificate would not be believed by other nodes: {0}")]
    Unbelieved(String),
    /// It is not this node's.
    #[error("the certificate is of {found}, and this node is `{wanted}`")]
    OfAnother {
        /// Whom it names, for people.
        found: String,
        /// Who this node is.
        wanted: String,
    },
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A connection of somebody who showed no certificate that counts.
    Handshake,
    /// A call whose sender is not the node of the certificate.
    Sender,
    /// A connection to somebody who is not the node that was meant.
    Dialled,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Handshake, Self::Sender, Self::Dialled];

    /// As metrics have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Sender => "sender",
            Self::Dialled => "dialled",
        }
    }
}

/// The certificates of connections between nodes. Cheap to clone; clones share
/// what is in force.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    current: ArcSwap<Current>,
    tallies: [Tally; 3],
}

#[derive(Default)]
struct Tally {
    count: AtomicU64,
    said: Mutex<Option<Instant>>,
}

/// What is in force.
struct Current {
    server: Arc<ServerConfig>,
    own: Arc<SingleCertAndKey>,
    roots: Arc<RootCertStore>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// Takes the credentials of the node `name`.
    ///
    /// # Errors
    /// [`TlsError`] when another node that has the same authority would not
    /// believe them.
    pub fn new(name: &str, credentials: Credentials) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(current(name, credentials)?);
        let shared = Shared { name: name.to_owned(), current, tallies: Default::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Puts others in force, for connections made from now on.
    ///
    /// # Errors
    /// [`TlsError`] as of [`Tls::new`]; those in force stay.
    pub fn replace(&self, credentials: Credentials) -> Result<(), TlsError> {
        let current = current(&self.shared.name, credentials)?;
        self.shared.current.store(Arc::new(current));
        Ok(())
    }

    /// How often something was refused since start.
    pub fn refusals(&self, of: Refusal) -> u64 {
        self.tally(of).count.load(Ordering::Relaxed)
    }

    fn tally(&self, of: Refusal) -> &Tally {
        let [handshake, sender, dialled] = &self.shared.tallies;
        match of {
            Refusal::Handshake => handshake,
            Refusal::Sender => sender,
            Refusal::Dialled => dialled,
        }
    }

    /// Counts a refusal, and logs it unless one was logged a moment ago: who
    /// is refused tries again many times a second.
    pub(crate) fn refused(&self, what: Refusal, why: &str) {
        let tally = self.tally(what);
        let count = tally.count.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let mut said = tally.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| SAY_EVERY <= at.elapsed()) {
            *said = Some(Instant::now());
            let what = what.as_str();
            tracing::warn!(what, why, count, "refused what is not another node's");
        }
    }

    /// What the listener speaks.
    pub(crate) fn for_serving(&self) -> Arc<ServerConfig> {
        self.shared.current.load().server.clone()
    }

    /// What a connection to the node `name` is made with; an empty name is that
    /// of any node.
    pub(crate) fn for_dialling(&self, name: &str) -> Result<Arc<ClientConfig>, Error> {
        let current = self.shared.current.load();
        let provider = provider();
        let is_node = IsNode {
            roots: current.roots.clone(),
            name: name.to_owned(),
            algorithms: provider.signature_verification_algorithms,
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(is_node))
            .with_client_cert_resolver(current.own.clone());
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn current(name: &str, credentials: Credentials) -> Result<Current, TlsError> {
    let Credentials { chain, key, authorities } = credentials;
    let unusable = |error: Error| TlsError::Unusable(error.to_string());
    let provider = provider();
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(unusable)?;
    }
    let roots = Arc::new(roots);
    let own = CertifiedKey::from_der(chain, key, &provider).map_err(unusable)?;
    check_own(name, &own, &roots, &provider.signature_verification_algorithms)?;
    let own = Arc::new(SingleCertAndKey::from(own));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
    let verifier = verifier.build().map_err(|error| TlsError::Unusable(error.to_string()))?;
    let server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(unusable)?
        .with_client_cert_verifier(verifier);
    let mut server = server.with_cert_resolver(own.clone());
    server.alpn_protocols = vec![ALPN.to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Current { server: Arc::new(server), own, roots })
}

/// A node that nobody would believe says so before it is one.
fn check_own(
    name: &str,
    own: &CertifiedKey,
    roots: &RootCertStore,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), TlsError> {
    let (end, between) = own
        .cert
        .split_first()
        .ok_or_else(|| TlsError::Unusable("there is no certificate in the file".to_owned()))?;
    let found = node_name(end);
    if found.as_deref() != Some(name) {
        let found = found.map_or("no node".to_owned(), |found| format!("`{found}`"));
        return Err(TlsError::OfAnother { found, wanted: name.to_owned() });
    }
    let is_believed = is_from(end, between, roots, UnixTime::now(), algorithms);
    is_believed.map_err(|error| TlsError::Unbelieved(error.to_string()))
}

fn is_from(
    end: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    roots: &RootCertStore,
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(end)?;
    verify_server_cert_signed_by_trust_anchor(&parsed, roots, between, now, algorithms.all)
}

/// The node that a certificate names, if it names exactly one.
pub fn node_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let mut nodes = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(NODE),
        _ => None,
    });
    let name = nodes.next().filter(|name| !name.is_empty())?;
    nodes.next().is_none().then(|| name.to_owned())
}

/// Believes the certificate of one node.
#[derive(Debug)]
struct IsNode {
    roots: Arc<RootCertStore>,
    /// Empty for any node.
    name: String,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for IsNode {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        is_from(end, between, &self.roots, now, &self.algorithms)?;
        match node_name(end) {
            Some(found) if self.name.is_empty() || found == self.name => {
                Ok(ServerCertVerified::assertion())
            }
            Some(found) => Err(Error::General(format!("it is the node `{found}`"))),
            None => Err(Error::General("it is no node".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("nodes speak TLS 1.3 alone".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}
