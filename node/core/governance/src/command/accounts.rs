//! Commands about who may ask: accounts, keys of programs, the tokens of nodes
//! that join.
//!
//! None carries a secret: what a credential is compared with later is its hash,
//! made where the request came in.

use serde::{Deserialize, Serialize};
use types::{ApiKeyId, Digest, EntryId, Timestamp, UserId};

use super::{PrincipalKind, RegisterNode};
use crate::access::{AccountRole, Permissions};
use crate::oversight::Role;

/// A new account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// 1..64 characters: letters, digits, `_ - .`; taken in any letter case once.
    pub username: String,
    /// 3..254 characters with one `@`; taken in any letter case once.
    pub email: String,
    /// 1..255 characters.
    pub full_name: Option<String>,
    /// What the person may do to the service.
    pub role: AccountRole,
    /// In which roles the person oversees, ascending.
    pub oversight: Vec<Role>,
    /// Argon2id in PHC form; the password itself never travels.
    pub password_hash: String,
}

/// What is changed of an account. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateUser {
    /// The account.
    pub user: UserId,
    /// A new role: ends the sessions of the account.
    pub role: Option<AccountRole>,
    /// A new name; the empty text takes it away.
    pub full_name: Option<String>,
    /// New roles of oversight, ascending: ends the sessions of the account.
    pub oversight: Option<Vec<Role>>,
}

/// What an administrator does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Does that, and says why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeUser {
    /// The account.
    pub user: UserId,
    /// What is done.
    pub change: UserChange,
    /// Why, 1..2048 characters.
    pub reason: String,
}

/// A new key for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateApiKey {
    /// 1..255 characters.
    pub name: String,
    /// SHA-256 of the key's text.
    pub key_hash: Digest,
    /// Actors it may act as: 1..100, each 1..255 characters.
    pub actor_prefixes: Vec<String>,
    /// What else it may do.
    pub permissions: Permissions,
    /// From then on it is not valid.
    pub expires_at: Option<Timestamp>,
}

/// Ends such a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeApiKey {
    /// The key.
    pub key: ApiKeyId,
}

/// A token with which one node may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueJoinToken {
    /// SHA-256 of the token's text.
    pub token_hash: Digest,
    /// Its life, 1..=3,600.
    pub expires_in_seconds: u32,
}

/// A node that joins by such a token, which that uses up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterNodeByToken {
    /// The node.
    pub register: RegisterNode,
    /// SHA-256 of the token's text.
    pub token_hash: Digest,
}

/// Reads of the personal parts of entries by one principal, gathered by the node
/// that answered them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalReads {
    /// What kind of principal read.
    pub kind: PrincipalKind,
    /// Who.
    pub id: String,
    /// How it was authenticated.
    pub authn: String,
    /// When the first of these reads was answered, by the clock of the node.
    pub from: Timestamp,
    /// When the last one was.
    pub to: Timestamp,
    /// How many replies had personal parts.
    pub replies: u64,
    /// The least and the greatest entry among them, where they are entries.
    pub entries: Option<(EntryId, EntryId)>,
}
