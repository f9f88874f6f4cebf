//! Who asks: logging in, second factors, accounts, sessions, keys of programs.
//!
//! Not here: which credential a client sends ([`crate::Options`] and
//! [`Client::with_credential`]).
//!
//! Reading order: [`login`], then any noun.
//!
//! Invariants
//! - A secret is a [`SecretString`] in what is typed. It is in the body of a
//!   reply too, which is for whoever must hand it on and is in no `Debug`.
//! - No error says what a secret reply had in it.

pub mod api_key;
pub mod login;
pub mod mfa;
pub mod oidc;
pub mod session;
pub mod user;

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use types::Object;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Reply of what only succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Done {
    /// Whether it was done.
    pub success: bool,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

/// Reply of what ends something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ended {
    /// Whether it has ended.
    pub revoked: bool,
    /// The entry that says so.
    pub ledger_entry_id: Option<u64>,
}

/// What a password must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PasswordPolicy {
    /// Least number of characters.
    pub min_length: u32,
    /// Greatest number of characters.
    pub max_length: Option<u32>,
    /// Least number of different characters.
    pub min_distinct: Option<u32>,
    /// After so many days it must be changed.
    pub max_age_days: u32,
    /// So many of the last passwords are refused.
    pub history_count: u32,
    /// Whether an upper-case letter is needed.
    #[serde(default)]
    pub require_uppercase: bool,
    /// Whether a lower-case letter is needed.
    #[serde(default)]
    pub require_lowercase: bool,
    /// Whether a digit is needed.
    #[serde(default)]
    pub require_digit: bool,
    /// Whether another character is needed.
    #[serde(default)]
    pub require_special: bool,
}

impl Client {
    /// Changes one's own password. All other sessions end.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn change_password(
        &self,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<Reply<Done>, Error> {
        let mut body = Object::new();
        body.insert("old_password", old.expose_secret());
        body.insert("new_password", new.expose_secret());
        let call = Call::write(Method::POST, ["auth", "change-password"]);
        self.call(&call.body(&body.into())).await
    }

    /// What a password must be.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn password_policy(&self) -> Result<Reply<PasswordPolicy>, Error> {
        self.call(&Call::get(["auth", "password-policy"])).await
    }

    /// As any call. What a library says of a reply that it cannot read may quote
    /// it, so that is not passed on.
    pub(crate) async fn call_secret<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<Reply<T>, Error> {
        self.check_private()?;
        self.call(call).await.map_err(unquoted)
    }
}

fn unquoted(error: Error) -> Error {
    match error {
        Error::NotUnderstood { url, status, .. } => {
            let why = "a member is missing, or of another kind".to_owned();
            Error::NotUnderstood { url, status, why }
        }
        other => other,
    }
}

pub(crate) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

pub(crate) fn maybe_secret<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(SecretString::from))
}

fn maybe_secrets<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<SecretString>>, D::Error> {
    let texts = Option::<Vec<String>>::deserialize(from)?;
    Ok(texts.map(|texts| texts.into_iter().map(SecretString::from).collect()))
}
