//! Logging in, in one step or two, and logging out.

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use types::Object;

use super::user::User;
use super::{Done, maybe_secret};
use crate::call::Call;
use crate::error::Error;
use crate::options::Credential;
use crate::reply::Reply;
use crate::transport::Client;

/// What a login came to.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Wire")]
pub enum Login {
    /// There is a session.
    Begun(Box<Session>),
    /// A second factor must follow: [`Client::login_code`].
    CodeWanted(Challenge),
}

/// A session that has begun.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Session {
    /// The credential, told once.
    pub session_id: SecretString,
    /// What a browser sends beside its cookie.
    pub csrf_token: Option<SecretString>,
    /// When it ends unless it is used.
    pub expires_at: String,
    /// Who logged in.
    pub user: User,
    /// Whether nothing can be done before the password is changed.
    pub password_expired: bool,
    /// Whether nothing can be done before a second factor is enrolled.
    pub mfa_enrollment_required: bool,
}

impl Session {
    /// What a client sends on behalf of whoever logged in.
    pub fn credential(&self) -> Credential {
        Credential::new(self.session_id.clone())
    }
}

/// A login whose second factor is to follow.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// Goes along with the code.
    pub challenge_id: SecretString,
    /// By when.
    pub expires_at: String,
}

/// A second factor.
#[derive(Clone, Debug)]
pub enum Factor {
    /// Six digits that an authenticator shows.
    Code(SecretString),
    /// A backup code, which that uses up.
    BackupCode(SecretString),
}

impl Factor {
    /// Six digits are a code, anything else is meant as a backup code.
    pub fn of(text: SecretString) -> Self {
        let is_digit = |byte: u8| byte.is_ascii_digit();
        let plain = text.expose_secret();
        match plain.len() == 6 && plain.bytes().all(is_digit) {
            true => Self::Code(text),
            false => Self::BackupCode(text),
        }
    }
}

/// The reply as it travels.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "maybe_secret")]
    session_id: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_secret")]
    csrf_token: Option<SecretString>,
    #[serde(default, deserialize_with = "maybe_secret")]
    challenge_id: Option<SecretString>,
    expires_at: String,
    user: Option<User>,
    #[serde(default)]
    password_expired: bool,
    #[serde(default)]
    mfa_enrollment_required: bool,
}

impl TryFrom<Wire> for Login {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let Wire { csrf_token, expires_at, password_expired, mfa_enrollment_required, .. } = wire;
        match (wire.session_id, wire.user, wire.challenge_id) {
            (Some(session_id), Some(user), _) => Ok(Self::Begun(Box::new(Session {
                session_id,
                csrf_token,
                expires_at,
                user,
                password_expired,
                mfa_enrollment_required,
            }))),
            (_, _, Some(challenge_id)) => {
                Ok(Self::CodeWanted(Challenge { challenge_id, expires_at }))
            }
            (_, _, None) => Err("neither a session nor a challenge"),
        }
    }
}

impl TryFrom<Wire> for Session {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match Login::try_from(wire)? {
            Login::Begun(session) => Ok(*session),
            Login::CodeWanted(_) => Err("no session"),
        }
    }
}

impl Client {
    /// Logs in by name and password. Every login is another one, so it is sent
    /// once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn login(
        &self,
        username: &str,
        password: &SecretString,
    ) -> Result<Reply<Login>, Error> {
        let mut body = Object::new();
        body.insert("username", username);
        body.insert("password", password.expose_secret());
        let call = Call::write(Method::POST, ["auth", "login"]).body(&body.into());
        self.call_secret(&call).await
    }

    /// Ends a login with its second factor.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn login_code(
        &self,
        challenge: &Challenge,
        factor: &Factor,
    ) -> Result<Reply<Session>, Error> {
        let (name, code) = match factor {
            Factor::Code(code) => ("code", code),
            Factor::BackupCode(code) => ("backup_code", code),
        };
        let mut body = Object::new();
        body.insert("challenge_id", challenge.challenge_id.expose_secret());
        body.insert(name, code.expose_secret());
        let call = Call::write(Method::POST, ["auth", "mfa", "verify"]).body(&body.into());
        self.call_secret(&call).await
    }

    /// Ends the session that asks.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn logout(&self) -> Result<Reply<Done>, Error> {
        let call = Call::write(Method::POST, ["auth", "logout"]);
        self.call(&call.body(&Object::new().into())).await
    }
}
