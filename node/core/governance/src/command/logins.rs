//! Commands about sessions: logging in, second factors, and what goes wrong.
//!
//! Passwords and codes are checked where the request came in, which takes long;
//! `apply` sees to it that what was checked is still so, and that nothing of it
//! is used twice.

use serde::{Deserialize, Serialize};
use types::{ApiKeyId, Digest, SessionId, Timestamp, UserId};

/// A password was right, and a second factor is to come. No entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenChallenge {
    /// Whose password.
    pub user: UserId,
    /// [`crate::record::UserRecord::password_version`] that was checked.
    pub password_version: u32,
    /// SHA-256 of the challenge's text.
    pub challenge_hash: Digest,
    /// Digest of the pair, as in [`FailLogin`].
    pub pair: Digest,
    /// Where the request came from.
    pub address: String,
}

/// What showed who logs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginProof {
    /// A password alone, of an account without second factor.
    Password {
        /// The version of the password that was checked.
        version: u32,
    },
    /// A code of RFC 6238 after a password.
    Totp {
        /// SHA-256 of the challenge.
        challenge_hash: Digest,
        /// The time step of the code: later than any that was used.
        step: u64,
    },
    /// A backup code after a password.
    BackupCode {
        /// SHA-256 of the challenge.
        challenge_hash: Digest,
        /// SHA-256 of the code.
        code_hash: Digest,
    },
    /// A provider of OpenID Connect.
    Oidc {
        /// Its name in the configuration.
        provider: String,
        /// `sub` of its token.
        subject: String,
    },
}

/// A session begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// Whose.
    pub user: UserId,
    /// What showed it.
    pub proof: LoginProof,
    /// SHA-256 of the session's text.
    pub session_hash: Digest,
    /// Digest of the pair, as in [`FailLogin`]: its failures are forgotten.
    pub pair: Digest,
    /// Where the request came from.
    pub address: String,
}

/// A login that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailLogin {
    /// The account, if there is one of that name.
    pub user: Option<UserId>,
    /// SHA-256 of the name in lower case, a zero byte and the address: which
    /// pair is locked, for names that nobody has as well, so that being locked
    /// tells nothing about a name.
    pub pair: Digest,
    /// Where the request came from.
    pub address: String,
    /// SHA-256 of the challenge, where a second factor was wrong.
    pub challenge_hash: Option<Digest>,
}

/// A session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeSession {
    /// The session.
    pub session: SessionId,
}

/// Credentials that were used lately, as one node saw it. No entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchCredentials {
    /// Sessions and when they were used last, at most 1,000.
    pub sessions: Vec<(SessionId, Timestamp)>,
    /// API keys and when they were used last, at most 1,000.
    pub keys: Vec<(ApiKeyId, Timestamp)>,
}

/// A new password for one's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The account: that of the principal.
    pub user: UserId,
    /// The version of the password that was checked.
    pub version: u32,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// A secret for codes of RFC 6238, until it is confirmed. No entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollMfa {
    /// The account: that of the principal.
    pub user: UserId,
    /// The secret, sealed with the key of the cluster.
    pub sealed_secret: Vec<u8>,
}

/// The first code of such a secret was right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmMfa {
    /// The account: that of the principal.
    pub user: UserId,
    /// The sealed secret whose code it was.
    pub sealed_secret: Vec<u8>,
    /// The time step of the code.
    pub step: u64,
    /// SHA-256 of each backup code: ten.
    pub backup_code_hashes: Vec<Digest>,
}

/// New backup codes in the place of the old ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewBackupCodes {
    /// The account: that of the principal.
    pub user: UserId,
    /// The time step of the code that was checked.
    pub step: u64,
    /// SHA-256 of each backup code: ten.
    pub backup_code_hashes: Vec<Digest>,
}

/// Whose account a person of a provider gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OidcAccount {
    /// One that there is, of the same e-mail, which the provider has verified.
    Existing(UserId),
    /// A new one without password.
    New {
        /// As in [`super::CreateUser`].
        username: String,
        /// As in [`super::CreateUser`].
        email: String,
        /// As in [`super::CreateUser`].
        full_name: Option<String>,
        /// `viewer`, unless the configuration gives a claim another role.
        role: crate::access::AccountRole,
    },
}

/// A person of a provider of OpenID Connect gets an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOidc {
    /// The provider's name in the configuration.
    pub provider: String,
    /// `sub` of its token: 1..255 characters.
    pub subject: String,
    /// Which account.
    pub account: OidcAccount,
}
