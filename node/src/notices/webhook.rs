//! Notices as HTTP calls that the receiver can check: Standard Webhooks 1.0.
//!
//! `webhook-id` is the same at every try, so that a receiver knows a repeated
//! one; `webhook-signature` is HMAC-SHA256 over id, time of the try and body.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::tls::{Scheme, Trust};
use governance::record::EffectRecord;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use sha2::Sha256;
use types::{EntryId, Json, Timestamp};

/// Longest a receiver may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Shorter ones can be guessed; longer ones are not what the file is for.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// What both sides know. Never shown.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Reads `whsec_` and base64 of 24..64 bytes from a file.
    ///
    /// # Errors
    /// A sentence that does not show what is in the file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let encoded = text.trim().strip_prefix("whsec_").unwrap_or_default();
        let bytes = STANDARD.decode(encoded).unwrap_or_default();
        if !SECRET_BYTES.contains(&bytes.len()) {
            let path = path.display();
            return Err(format!("`{path}` must hold `whsec_` and base64 of 24 to 64 bytes"));
        }
        Ok(Self(bytes))
    }
}

/// Where notices go.
#[derive(Clone, Debug)]
pub struct Target {
    /// With `https`, or of this machine: what is sent is signed, which hides
    /// nothing.
    pub url: Url,
    /// Signs what is sent.
    pub secret: Secret,
    /// Authorities (PEM) to believe of the receiver; else those of the system.
    pub ca_file: Option<PathBuf>,
}

/// A connection to it.
#[derive(Debug)]
pub struct Webhook {
    http: reqwest::Client,
    target: Target,
}

impl Webhook {
    /// Connects when there is something to send.
    ///
    /// # Errors
    /// When no client can be made, in one sentence.
    pub fn connect(target: &Target) -> Result<Self, String> {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let is_secure = target.url.scheme() == "https";
        let scheme = if is_secure { Scheme::Https } else { Scheme::Http };
        let trust = Trust { ca_file: target.ca_file.clone(), identity: None };
        let http = trust.apply(http, scheme).map_err(|error| error.to_string())?.build();
        let http = http.map_err(|error| format!("cannot make a client of the webhook: {error}"))?;
        Ok(Self { http, target: target.clone() })
    }

    /// Whether the receiver took it: any status 2xx. The answer's body is not
    /// read.
    pub(super) async fn send(&self, id: &str, now: Timestamp, body: String) -> Result<(), String> {
        let seconds = now.0 / 1_000_000;
        let request = self
            .http
            .post(self.target.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", sign(&self.target.secret, id, seconds, &body))
            .body(body);
        // What reqwest says names the URL, which may have a password in it.
        let answer = request.send().await.map_err(|error| with_cause(&error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the receiver answered {status}")),
        }
    }
}

/// An error with what is at the bottom of it: that a certificate is not believed
/// is what an operator has to know.
fn with_cause(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// `v1,` and base64 of the HMAC over `<id>.<seconds>.<body>`.
fn sign(secret: &Secret, id: &str, seconds: u64, body: &str) -> String {
    // A secret is at most one block, so the constructor that cannot fail serves.
    let mut key = [0_u8; 64];
    key[..secret.0.len()].copy_from_slice(&secret.0);
    let mut mac = Hmac::<Sha256>::new(&key.into());
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// What is sent: ids and states, and nothing that a person wrote.
pub(super) fn body(cluster: &str, entry: EntryId, notice: &EffectRecord) -> String {
    let data = Json::object([
        ("cluster_id", cluster.into()),
        ("ledger_entry_id", entry.0.into()),
        ("subject", notice.subject.as_str().into()),
    ]);
    let body = Json::object([
        ("data", data),
        ("timestamp", notice.at.to_string().into()),
        ("type", notice.event.as_str().into()),
    ]);
    body.to_canonical()
}

#[cfg(test)]
mod tests;
