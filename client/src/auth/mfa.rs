//! One's own second factor.

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use types::Object;

use super::{maybe_secrets, secret};
use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// A secret that does not count yet.
#[derive(Clone, Debug, Deserialize)]
pub struct Enrollment {
    /// Base32; what an authenticator takes by hand.
    #[serde(deserialize_with = "secret")]
    pub secret: SecretString,
    /// The same for a QR code.
    #[serde(deserialize_with = "secret")]
    pub otpauth_uri: SecretString,
}

/// A second factor that counts from now on.
#[derive(Clone, Debug, Deserialize)]
pub struct Enrolled {
    /// Whether there is one.
    pub enabled: bool,
    /// Each for one login, told once; `None` where the request was repeated.
    #[serde(default, deserialize_with = "maybe_secrets")]
    pub backup_codes: Option<Vec<SecretString>>,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

/// Codes in the place of the old ones.
#[derive(Clone, Debug, Deserialize)]
pub struct BackupCodes {
    /// Each for one login, told once; `None` where the request was repeated.
    #[serde(default, deserialize_with = "maybe_secrets")]
    pub backup_codes: Option<Vec<SecretString>>,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

impl Client {
    /// Draws a secret for a second factor, which [`Client::mfa_confirm`] has
    /// count. Each request draws another, and the last one is confirmed.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn mfa_enroll(&self) -> Result<Reply<Enrollment>, Error> {
        let call = Call::write(Method::POST, ["auth", "mfa", "enroll"]);
        self.call_secret(&call.body(&Object::new().into())).await
    }

    /// Confirms the secret by its first code.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn mfa_confirm(&self, code: &SecretString) -> Result<Reply<Enrolled>, Error> {
        self.call_secret(&with_code("confirm", code)).await
    }

    /// Draws backup codes anew; the old ones are void.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn mfa_backup_codes(&self, code: &SecretString) -> Result<Reply<BackupCodes>, Error> {
        self.call_secret(&with_code("backup-codes", code)).await
    }
}

fn with_code(what: &str, code: &SecretString) -> Call {
    let mut body = Object::new();
    body.insert("code", code.expose_secret());
    Call::write(Method::POST, ["auth", "mfa", what]).body(&body.into())
}
