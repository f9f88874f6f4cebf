//! Logging in at a provider of OpenID Connect.
//!
//! A server binds such a login to whoever began it by a cookie. What a browser
//! would keep and send back is [`OidcLogin::binding`] here.

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::login::Login;
use super::{secret, unquoted};
use crate::call::{Call, Effect};
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Somebody who vouches for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Provider {
    /// In the paths of its logins.
    pub name: String,
    /// Who vouches.
    pub issuer: Option<String>,
}

/// Those who vouch for people.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Providers {
    /// By name.
    pub providers: Vec<Provider>,
}

/// A login that has begun.
#[derive(Clone, Debug, Deserialize)]
pub struct OidcLogin {
    /// Where the person goes.
    pub authorization_url: String,
    /// What the provider gives back.
    #[serde(deserialize_with = "secret")]
    pub state: SecretString,
    /// What whoever began it gives back.
    #[serde(skip)]
    pub binding: Option<SecretString>,
    /// By when.
    pub expires_at: Option<String>,
}

/// What the provider sent the person back with.
#[derive(Clone, Debug)]
pub struct OidcReturn {
    /// The code to be exchanged.
    pub code: SecretString,
    /// The state of the login.
    pub state: SecretString,
    /// The binding of the login.
    pub binding: Option<SecretString>,
}

impl Client {
    /// Those who vouch for people.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn oidc_providers(&self) -> Result<Reply<Providers>, Error> {
        self.call(&Call::get(["auth", "oidc", "providers"])).await
    }

    /// Begins a login at a provider.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn oidc_login(&self, provider: &str) -> Result<Reply<OidcLogin>, Error> {
        let mut answer = self.send(&Call::get(["auth", "oidc", "login", provider])).await?;
        let binding = answer.binding.take();
        let mut reply: Reply<OidcLogin> = answer.into_reply().map_err(unquoted)?;
        reply.value.binding = binding;
        Ok(reply)
    }

    /// Ends it with what the provider sent the person back with.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn oidc_callback(
        &self,
        provider: &str,
        back: &OidcReturn,
    ) -> Result<Reply<Login>, Error> {
        // The provider takes a code once, so this is sent once.
        let call = Call::get(["auth", "oidc", "callback", provider])
            .query("code", Some(back.code.expose_secret()))
            .query("state", Some(back.state.expose_secret()))
            .effect(Effect::Write);
        let cookie = back.binding.as_ref().map(|binding| {
            let mut value = HeaderValue::from_str(binding.expose_secret())
                .map_err(|_| Error::Misused("the binding is not printable text".to_owned()))?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        });
        self.call_secret(&call.cookie(cookie.transpose()?)).await
    }
}
