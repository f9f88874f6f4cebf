//! Accounts of people.

use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use types::Object;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// An account; no hash and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Its id.
    pub user_id: String,
    /// What the person logs in as.
    pub username: String,
    /// As it was given.
    pub email: String,
    /// As it was given.
    pub full_name: Option<String>,
    /// `viewer`, `auditor`, `compliance_officer` or `admin`.
    pub role: String,
    /// What the role may do.
    pub permissions: Vec<String>,
    /// In which roles the person oversees.
    pub oversight_roles: Vec<String>,
    /// Whether there is a second factor.
    pub mfa_enabled: bool,
    /// The last login that succeeded.
    pub last_login: Option<String>,
    /// When the password must be changed; `None` where there is none.
    pub password_expires_at: Option<String>,
    /// `active` or `disabled`.
    pub status: Option<String>,
    /// When it was made.
    pub created_at: Option<String>,
    /// The entry that made it; after a change, the entry of that.
    pub ledger_entry_id: Option<u64>,
}

/// Whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Me {
    /// The account.
    pub user: User,
}

/// Accounts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Users {
    /// Oldest first.
    pub users: Vec<User>,
    /// How many there are on all pages.
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What the person is to log in as.
    pub username: String,
    /// An address of e-mail.
    pub email: String,
    /// The first password.
    pub password: SecretString,
    /// `viewer`, `auditor`, `compliance_officer` or `admin`.
    pub role: String,
    /// For people.
    pub full_name: Option<String>,
    /// In which roles the person is to oversee.
    pub oversight_roles: Vec<String>,
}

/// What is changed of an account. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserUpdate {
    /// Another role.
    pub role: Option<String>,
    /// Another name.
    pub full_name: Option<String>,
    /// Other roles of oversight.
    pub oversight_roles: Option<Vec<String>>,
}

/// What is done to an account, for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// Nothing can be done with it until it is enabled; its sessions end.
    Disable,
    /// It can be used again.
    Enable,
    /// Failed logins are forgotten.
    Unlock,
    /// It has no second factor any more; its sessions end.
    ResetMfa,
}

impl UserChange {
    fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Unlock => "unlock",
            Self::ResetMfa => "reset-mfa",
        }
    }
}

impl Client {
    /// The account of whoever asks.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn me(&self) -> Result<Reply<Me>, Error> {
        self.call(&Call::get(["auth", "me"])).await
    }

    /// Makes an account. It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn user_create(&self, user: &NewUser) -> Result<Reply<User>, Error> {
        let mut body = Object::new();
        body.insert("username", user.username.as_str());
        body.insert("email", user.email.as_str());
        body.insert("password", user.password.expose_secret());
        body.insert("role", user.role.as_str());
        if let Some(name) = &user.full_name {
            body.insert("full_name", name.as_str());
        }
        if !user.oversight_roles.is_empty() {
            body.insert("oversight_roles", user.oversight_roles.clone());
        }
        let call = Call::write(Method::POST, ["auth", "users"]);
        self.call(&call.body(&body.into())).await
    }

    /// A page of accounts, oldest first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn users(
        &self,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Reply<Users>, Error> {
        let call = Call::get(["auth", "users"]).query("after", after).query("limit", limit);
        self.call(&call).await
    }

    /// An account.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn user(&self, user_id: &str) -> Result<Reply<User>, Error> {
        self.call(&Call::get(["auth", "users", user_id])).await
    }

    /// Changes what an account is for.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn user_update(
        &self,
        user_id: &str,
        update: &UserUpdate,
    ) -> Result<Reply<User>, Error> {
        let mut body = Object::new();
        if let Some(role) = &update.role {
            body.insert("role", role.as_str());
        }
        if let Some(name) = &update.full_name {
            body.insert("full_name", name.as_str());
        }
        if let Some(roles) = &update.oversight_roles {
            body.insert("oversight_roles", roles.clone());
        }
        let call = Call::write(Method::PATCH, ["auth", "users", user_id]);
        self.call(&call.body(&body.into())).await
    }

    /// Disables, enables or unlocks an account, or takes its second factor away.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn user_change(
        &self,
        user_id: &str,
        change: UserChange,
        reason: &str,
    ) -> Result<Reply<User>, Error> {
        let mut body = Object::new();
        body.insert("reason", reason);
        let call = Call::write(Method::POST, ["auth", "users", user_id, change.as_str()]);
        self.call(&call.body(&body.into())).await
    }

    /// Disables an account for good. Entries name it, so it stays.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn user_delete(&self, user_id: &str) -> Result<Reply<User>, Error> {
        self.call(&Call::write(Method::DELETE, ["auth", "users", user_id])).await
    }
}
