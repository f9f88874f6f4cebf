//! What is kept of those who ask: accounts, sessions, failed logins, keys of
//! programs. No secret is in them: a password as argon2id, a credential as
//! SHA-256 of 32 random bytes, a TOTP secret sealed with a key that is not in
//! the state.

use serde::{Deserialize, Serialize};
use types::{Digest, EntryId, SessionId, Timestamp, UserId};

use crate::access::{AccountRole, Permissions};
use crate::oversight::Role;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The entry that made it.
    pub entry_id: EntryId,
    /// As it was given.
    pub username: String,
    /// As it was given.
    pub email: String,
    /// As it was given.
    pub full_name: Option<String>,
    /// What the person may do to the service.
    pub role: AccountRole,
    /// In which roles the person oversees, ascending.
    pub oversight: Vec<Role>,
    /// Argon2id in PHC form, newest first, at most five; none for an account
    /// that a provider vouches for.
    pub password_hashes: Vec<String>,
    /// Counts changes of the password, from 1.
    pub password_version: u32,
    /// When the password was set.
    pub password_set_at: Timestamp,
    /// Whether it can be used.
    pub is_disabled: bool,
    /// The entry that disabled it, while it cannot be used.
    pub disabled_by: Option<EntryId>,
    /// The second factor.
    pub mfa: Option<MfaRecord>,
    /// A secret that waits for its first code.
    pub pending_mfa: Option<Vec<u8>>,
    /// The last login that succeeded.
    pub last_login_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl UserRecord {
    /// Whether the entry that made it is erased: nothing of it comes back.
    pub fn is_erased(&self) -> bool {
        self.username.is_empty()
    }

    /// Whether it counts among those who can manage accounts.
    pub fn is_administrator(&self) -> bool {
        self.role == AccountRole::Admin && !self.is_disabled
    }
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaRecord {
    /// The secret of RFC 6238, sealed with the key of the cluster.
    pub sealed_secret: Vec<u8>,
    /// The last time step of which a code was used.
    pub last_step: u64,
    /// SHA-256 of the backup codes that were not used.
    pub backup_code_hashes: Vec<Digest>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Whose.
    pub user: UserId,
    /// SHA-256 of the credential.
    pub hash: Digest,
    /// `password`, `password+totp`, `password+backup_code` or `oidc`.
    pub authn: String,
    /// Where the login came from.
    pub address: String,
    /// The entry of the login.
    pub entry_id: EntryId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, as far as that was reported.
    pub touched_at: Timestamp,
}

/// A login that waits for its second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeRecord {
    /// Whose.
    pub user: UserId,
    /// The version of the password that was right.
    pub password_version: u32,
    /// Five minutes after it was made.
    pub expires_at: Timestamp,
    /// Wrong codes: after three it takes none.
    pub failures: u8,
}

/// Failed logins of one account from one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginPairRecord {
    /// The account, if there is one of that name.
    pub user: Option<UserId>,
    /// The address.
    pub address: String,
    /// Failures that count towards the next lock, oldest first, at most four.
    pub failed_at: Vec<Timestamp>,
    /// Until then the pair is locked.
    pub locked_until: Option<Timestamp>,
    /// The last failure.
    pub last_at: Timestamp,
    /// What the ledger is not told yet.
    pub unreported: Option<Unreported>,
}

/// Failed logins that the ledger is not told of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreported {
    /// The first of them.
    pub since: Timestamp,
    /// How many.
    pub count: u64,
    /// Whether one of them locked a pair, and that is recorded.
    pub is_lock_recorded: bool,
}

/// A key with which a program authenticates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    /// The entry that made it.
    pub entry_id: EntryId,
    /// The person who made it, or made the key that made it: what is done with it
    /// is as if that person did it. A node, where its socket was used.
    pub owner: String,
    /// For people.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: Digest,
    /// Actors it may act as.
    pub actor_prefixes: Vec<String>,
    /// What else it may do.
    pub permissions: Permissions,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is not valid.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as that was reported.
    pub last_used_at: Option<Timestamp>,
    /// The entry that ended it.
    pub revoked: Option<EntryId>,
}

/// How the cluster is accessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRecord {
    /// Whether there is an administrator: from then on nobody is served without
    /// a credential, whatever the mode of the node that is asked.
    pub is_closed: bool,
    /// Administrators that are not disabled.
    pub administrators: u64,
    /// Keys of programs that were not revoked.
    pub api_keys: u64,
}

/// A token with which a node may join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinTokenRecord {
    /// From then on it is not valid.
    pub expires_at: Timestamp,
    /// The nonce of the node that used it up: that node may ask again.
    pub used_by: Option<String>,
}

/// A session as it is found by its credential.
pub type FoundSession = (SessionId, SessionRecord);
