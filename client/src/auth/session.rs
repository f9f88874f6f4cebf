//! Sessions that have not ended.

use reqwest::Method;
use serde::Deserialize;

use super::Ended;
use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// A session, by a handle that is no credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SessionShown {
    /// The handle.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// When it began.
    pub created_at: String,
    /// When it was last used, to the minute.
    pub last_used_at: String,
    /// When it ends unless it is used.
    pub expires_at: String,
    /// Where the login came from.
    pub address: Option<String>,
    /// How the person logged in.
    pub authn: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Sessions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sessions {
    /// Oldest first.
    pub sessions: Vec<SessionShown>,
    /// How many there are on all pages.
    pub total: Option<u64>,
    /// Whether `total` is all of them.
    pub total_exact: Option<bool>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// Whose sessions are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose<'a> {
    /// One's own.
    #[default]
    Own,
    /// Those of an account.
    User(&'a str),
    /// Everybody's.
    All,
}

impl Client {
    /// A page of sessions, oldest first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn sessions(
        &self,
        whose: Whose<'_>,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<Sessions>, Error> {
        let call = Call::get(["auth", "sessions"]);
        let call = match whose {
            Whose::Own => call,
            Whose::User(user_id) => call.query("user_id", Some(user_id)),
            Whose::All => call.query("all", Some(true)),
        };
        self.call(&call.query("after", after).query("limit", limit)).await
    }

    /// Ends a session, by its handle.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn revoke_session(&self, id: &str) -> Result<Reply<Ended>, Error> {
        self.call(&Call::write(Method::DELETE, ["auth", "sessions", id])).await
    }
}
