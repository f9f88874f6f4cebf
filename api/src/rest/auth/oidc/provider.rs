//! What providers are asked, and how what they say is verified: the document
//! that describes one (OpenID Connect Discovery 1.0), its keys, the exchange of
//! the code, the ID token (OpenID Connect Core 1.0, section 3.1.3.7).
//!
//! Invariants
//! - A token counts only with a signature of a key that the provider publishes,
//!   by an algorithm with a private key: never `none`, never a shared secret.
//! - Every address of a provider is `https`, or its issuer is on loopback.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AsyncHttpClient as _, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse as _,
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use types::Timestamp;

use super::http::Http;
use super::not_vouched;
use super::pending::Pending;
use crate::app::App;
use crate::backend::Backend;
use crate::config::OidcProvider;
use crate::problem::{Code, Problem};

/// How long what a provider says of itself is kept.
const KEPT: Duration = Duration::from_secs(600);
/// Logins that were finished here and have not run out.
const TAKEN_MAX: usize = 10_000;
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Algorithms with a private key that the verifier knows.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What logins at providers share at this node.
#[derive(Debug, Default)]
pub(crate) struct Oidc {
    http: Http,
    known: Mutex<BTreeMap<&'static str, Arc<Known>>>,
    /// Nonces of logins that were finished, oldest first, and when they run out.
    taken: Mutex<VecDeque<(Timestamp, String)>>,
}

/// What a provider says of itself.
#[derive(Debug)]
struct Known {
    metadata: CoreProviderMetadata,
    keys: CoreJsonWebKeySet,
    fetched: Instant,
}

impl Oidc {
    /// Whether a login is finished for the first time at this node.
    ///
    /// # Errors
    /// When more are finished than are remembered.
    pub(super) fn take(&self, pending: &Pending, now: Timestamp) -> Result<bool, Problem> {
        let mut taken = locked(&self.taken);
        taken.retain(|(end, _)| now < *end);
        if taken.iter().any(|(_, nonce)| *nonce == pending.nonce) {
            return Ok(false);
        }
        if TAKEN_MAX <= taken.len() {
            let detail = "as many logins at providers as this node takes were finished lately";
            return Err(Problem::new(Code::RATE_LIMITED, detail).retry_in(60));
        }
        taken.push_back((pending.expires_at, pending.nonce.clone()));
        Ok(true)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A person, as a provider that was verified says.
#[derive(Debug)]
pub(super) struct Person {
    /// For ever the same at this provider.
    pub(super) subject: String,
    /// If the provider has verified it.
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
    /// Values of the claim that roles are looked up by.
    pub(super) roles: Vec<String>,
}

/// A provider as it is configured, at one request.
#[derive(Debug)]
pub(super) struct Provider<'a> {
    pub(super) config: &'a OidcProvider,
    oidc: &'a Oidc,
    redirect: RedirectUrl,
}

impl<'a> Provider<'a> {
    /// The provider of a name.
    pub(super) fn of<B: Backend>(app: &'a App<B>, name: &str) -> Result<Self, Problem> {
        let unknown = || Problem::new(Code::UNKNOWN_PROVIDER, "no such provider is configured");
        let config = app.config.oidc.iter().find(|config| config.name == name);
        let config = config.ok_or_else(unknown)?;
        let base = app.config.base_url.as_deref().unwrap_or_default();
        let redirect = RedirectUrl::new(format!("{base}/auth/oidc/callback/{}", config.name));
        let redirect = redirect.map_err(|error| {
            tracing::error!(%error, "providers of logins are configured, and no base URL is");
            Problem::internal()
        })?;
        Ok(Self { config, oidc: &app.shared.oidc, redirect })
    }

    /// Where the browser is to go.
    pub(super) async fn authorization_url(
        &self,
        pending: &Pending,
        state: &str,
    ) -> Result<String, Problem> {
        let known = self.known().await?;
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            None,
        );
        let client = client.set_redirect_uri(self.redirect.clone());
        let verifier = PkceCodeVerifier::new(pending.verifier.expose_secret().to_owned());
        let (state, nonce) = (state.to_owned(), pending.nonce.clone());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, _, _) = request.url();
        Ok(url.to_string())
    }

    /// Who logged in, by a code of this login.
    pub(super) async fn person(
        &self,
        code: String,
        pending: &Pending,
        now: Timestamp,
    ) -> Result<Person, Problem> {
        let known = self.known().await?;
        let token = self.exchange(&known, code, pending).await?;
        let claims = match self.verify(&known, &token, pending, now) {
            // The provider may have new keys since it was asked.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let known = self.fetch().await?;
                self.verify(&known, &token, pending, now)
            }
            other => other,
        };
        let claims = claims.map_err(|error| {
            tracing::warn!(provider = self.config.name, %error, "an ID token was refused");
            not_vouched()
        })?;
        Ok(self.read(&claims, &token))
    }

    /// The ID token for a code.
    async fn exchange(
        &self,
        known: &Known,
        code: String,
        pending: &Pending,
    ) -> Result<CoreIdToken, Problem> {
        let secret = self.config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client = CoreClient::from_provider_metadata(
            known.metadata.clone(),
            ClientId::new(self.config.client_id.clone()),
            secret,
        );
        let client = client.set_redirect_uri(self.redirect.clone()).set_auth_type(auth_type(known));
        let verifier = PkceCodeVerifier::new(pending.verifier.expose_secret().to_owned());
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(|error| {
            tracing::error!(provider = self.config.name, %error, "a provider exchanges no codes");
            self.unavailable()
        })?;
        let answer = request.set_pkce_verifier(verifier).request_async(&self.oidc.http).await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(_, _) => {
                tracing::warn!(provider = self.config.name, "a provider took a code for none");
                not_vouched()
            }
            RequestTokenError::Request(error) => {
                tracing::warn!(provider = self.config.name, %error, "a provider did not answer");
                self.unavailable()
            }
            RequestTokenError::Other(_) => self.unavailable(),
        })?;
        answer.id_token().cloned().ok_or_else(not_vouched)
    }

    fn verify(
        &self,
        known: &Known,
        token: &CoreIdToken,
        pending: &Pending,
        now: Timestamp,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_micros(now.0);
        let client_id = ClientId::new(self.config.client_id.clone());
        let issuer = known.metadata.issuer().clone();
        let verifier =
            CoreIdTokenVerifier::new_public_client(client_id, issuer, known.keys.clone())
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || now.into());
        token.claims(&verifier, &Nonce::new(pending.nonce.clone())).cloned()
    }

    fn read(&self, claims: &CoreIdTokenClaims, token: &CoreIdToken) -> Person {
        let email = claims.email().filter(|_| claims.email_verified() == Some(true));
        let name = claims.name().and_then(|names| names.get(None));
        let name = name.map(|name| name.as_str().trim().chars().take(255).collect::<String>());
        let roles = self.config.role_claim.as_deref();
        Person {
            subject: claims.subject().as_str().to_owned(),
            email: email.map(|email| email.as_str().to_owned()),
            name: name.filter(|name| !name.is_empty()),
            roles: roles.map(|claim| values(&token.to_string(), claim)).unwrap_or_default(),
        }
    }

    /// What the provider says of itself, at most ten minutes ago.
    async fn known(&self) -> Result<Arc<Known>, Problem> {
        let known = locked(&self.oidc.known).get(self.config.name).cloned();
        match known.filter(|known| known.fetched.elapsed() < KEPT) {
            Some(known) => Ok(known),
            None => self.fetch().await,
        }
    }

    async fn fetch(&self) -> Result<Arc<Known>, Problem> {
        let issuer = self.config.issuer.as_str();
        self.check_address(issuer)?;
        let document = self.get(&format!("{}{WELL_KNOWN}", issuer.trim_end_matches('/'))).await?;
        let metadata: CoreProviderMetadata =
            serde_json::from_slice(&document).map_err(|error| self.nonsense(&error))?;
        // Else a provider could speak for another.
        if metadata.issuer()
            != &IssuerUrl::new(issuer.to_owned()).map_err(|_| self.unavailable())?
        {
            tracing::warn!(provider = self.config.name, "a provider calls itself something else");
            return Err(self.unavailable());
        }
        let token = metadata.token_endpoint().ok_or_else(|| self.unavailable())?;
        for address in [
            metadata.authorization_endpoint().as_str(),
            token.as_str(),
            metadata.jwks_uri().as_str(),
        ] {
            self.check_address(address)?;
        }
        let keys = self.get(metadata.jwks_uri().as_str()).await?;
        let keys = serde_json::from_slice(&keys).map_err(|error| self.nonsense(&error))?;
        let known = Arc::new(Known { metadata, keys, fetched: Instant::now() });
        locked(&self.oidc.known).insert(self.config.name, Arc::clone(&known));
        Ok(known)
    }

    fn nonsense(&self, error: &serde_json::Error) -> Problem {
        tracing::warn!(provider = self.config.name, %error, "a provider makes no sense");
        self.unavailable()
    }

    async fn get(&self, address: &str) -> Result<Vec<u8>, Problem> {
        let request = Request::builder().method(Method::GET).uri(address);
        let request = request.header("accept", "application/json").body(Vec::new());
        let request = request.map_err(|_| self.unavailable())?;
        let answer = self.oidc.http.call(request).await.map_err(|error| {
            tracing::warn!(provider = self.config.name, %error, "a provider did not answer");
            self.unavailable()
        })?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            tracing::warn!(provider = self.config.name, status, "a provider did not answer");
            return Err(self.unavailable());
        }
        Ok(answer.into_body())
    }

    /// Whether an address may be used: what is asked there decides who logs in.
    fn check_address(&self, address: &str) -> Result<(), Problem> {
        let is_local = is_loopback(&self.config.issuer) && is_loopback(address);
        if address.starts_with("https://") || is_local {
            return Ok(());
        }
        tracing::warn!(provider = self.config.name, "a provider has an address that is not https");
        Err(self.unavailable())
    }

    fn unavailable(&self) -> Problem {
        let detail = format!("the provider `{}` does not answer", self.config.name);
        Problem::new(Code::PROVIDER_UNAVAILABLE, detail)
    }
}

/// Whether an address is `http` on this machine.
fn is_loopback(address: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(address) else { return false };
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "http" && is_here
}

/// How the provider wants to be shown who we are.
fn auth_type(known: &Known) -> AuthType {
    let methods = known.metadata.token_endpoint_auth_methods_supported();
    // Without a word about it, it is the header: section 3 of Discovery.
    let takes_header =
        methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    if takes_header { AuthType::BasicAuth } else { AuthType::RequestBody }
}

/// Values of a claim of a token that was verified: a text or a list of texts,
/// under its name or under a path of names with dots.
fn values(token: &str, claim: &str) -> Vec<String> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    let payload: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let by_path = || claim.split('.').try_fold(&payload, |value, name| value.get(name));
    match payload.get(claim).or_else(by_path) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_found_by_name_or_by_path() {
        let payload = r#"{"role":"ops","groups":["a","b",3],"realm":{"roles":["c"]}}"#;
        let token = format!("x.{}.y", URL_SAFE_NO_PAD.encode(payload));
        for (claim, expect) in
            [("role", vec!["ops"]), ("groups", vec!["a", "b"]), ("realm.roles", vec!["c"])]
        {
            assert_eq!(values(&token, claim), expect, "{claim}");
        }
        assert!(values(&token, "none").is_empty());
        assert!(values("nonsense", "role").is_empty());
    }

    #[test]
    fn loopback_is_told_from_what_looks_like_it() {
        for (address, expect) in [
            ("http://127.0.0.1:8080/x", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("https://127.0.0.1", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost@example.com", false),
        ] {
            assert_eq!(is_loopback(address), expect, "{address}");
        }
    }
}
