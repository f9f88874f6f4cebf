//! Accounts, sessions and keys of programs, as they are now.

use types::{ApiKeyId, Digest, SessionId, UserId};

use super::TOTAL_MAX;
use crate::access;
use crate::codec;
use crate::keys::{self, UserName};
use crate::outcome::Corruption;
use crate::record::{
    AccessRecord, ApiKeyRecord, ChallengeRecord, FoundSession, JoinTokenRecord, LoginPairRecord,
    SessionRecord, UserRecord,
};
use crate::store::{Direction, Read, Scan, Table};
use crate::tables;

/// An account.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn user(read: &impl Read, id: UserId) -> Result<Option<UserRecord>, Corruption> {
    tables::record(read, Table::User, &id.0.key())
}

/// The account of a name, in any letter case.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn user_by_username(
    read: &impl Read,
    username: &str,
) -> Result<Option<(UserId, UserRecord)>, Corruption> {
    by_name(read, UserName::Username, username)
}

/// The account of an e-mail, in any letter case.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn user_by_email(
    read: &impl Read,
    email: &str,
) -> Result<Option<(UserId, UserRecord)>, Corruption> {
    by_name(read, UserName::Email, email)
}

fn by_name(
    read: &impl Read,
    kind: UserName,
    text: &str,
) -> Result<Option<(UserId, UserRecord)>, Corruption> {
    let id = tables::record(read, Table::UserByName, &keys::user_name(kind, text))?;
    owned(read, id)
}

/// The account of a person of a provider.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn user_of_oidc(
    read: &impl Read,
    provider: &str,
    subject: &str,
) -> Result<Option<(UserId, UserRecord)>, Corruption> {
    let id = tables::record(read, Table::OidcLink, &keys::oidc(provider, subject))?;
    owned(read, id)
}

fn owned(read: &impl Read, id: Option<UserId>) -> Result<Option<(UserId, UserRecord)>, Corruption> {
    let Some(id) = id else { return Ok(None) };
    let record = user(read, id)?;
    let gone = || Corruption::new("user", format!("`{id}` is named and not there"));
    Ok(Some((id, record.ok_or_else(gone)?)))
}

/// Accounts, oldest first.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn users(
    read: &impl Read,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<(UserId, UserRecord)>, Corruption> {
    page(read, Table::User, after.map(|id| id.0), limit)?
        .into_iter()
        .map(|(id, value)| Ok((UserId(id), codec::decode("user", &value)?)))
        .collect()
}

/// How many accounts there are, up to [`TOTAL_MAX`], and whether that is exact.
///
/// # Errors
/// [`Corruption`] when they cannot be counted.
pub fn users_total(read: &impl Read) -> Result<(u64, bool), Corruption> {
    total(read, Table::User)
}

/// How many keys of programs there are, those that ended among them, up to
/// [`TOTAL_MAX`], and whether that is exact.
///
/// # Errors
/// [`Corruption`] when they cannot be counted.
pub fn api_keys_total(read: &impl Read) -> Result<(u64, bool), Corruption> {
    total(read, Table::ApiKey)
}

fn total(read: &impl Read, table: Table) -> Result<(u64, bool), Corruption> {
    let mut total = 0_u64;
    let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
    let scan = Scan { table, from: &[], to: None, direction: Direction::Ascending, rows_max };
    read.visit(scan, &mut |_, _| total = total.saturating_add(1))?;
    Ok((total.min(TOTAL_MAX), total <= TOTAL_MAX))
}

/// A token with which a node may join, by the digest of its text.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn join_token(read: &impl Read, hash: &Digest) -> Result<Option<JoinTokenRecord>, Corruption> {
    tables::record(read, Table::JoinToken, &hash.0)
}

/// How the cluster is accessed.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn access_record(read: &impl Read) -> Result<AccessRecord, Corruption> {
    access::access(read)
}

/// A session.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn session(read: &impl Read, id: SessionId) -> Result<Option<SessionRecord>, Corruption> {
    tables::record(read, Table::Session, &id.0.key())
}

/// The session of a credential.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn session_by_hash(
    read: &impl Read,
    hash: &Digest,
) -> Result<Option<FoundSession>, Corruption> {
    let id: Option<SessionId> = tables::record(read, Table::SessionByHash, &hash.0)?;
    let Some(id) = id else { return Ok(None) };
    let gone = || Corruption::new("session", format!("`{id}` is named and not there"));
    Ok(Some((id, session(read, id)?.ok_or_else(gone)?)))
}

/// The sessions of an account, oldest first; those that are over may be among
/// them.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn sessions_of(read: &impl Read, user: UserId) -> Result<Vec<FoundSession>, Corruption> {
    let (from, to) = keys::sessions_of(user.0);
    let rows = read.scan(Scan {
        table: Table::SessionByUser,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    })?;
    let unreadable = || Corruption::new("session_by_user", "a key that names nothing");
    let mut found = Vec::new();
    for (key, _) in &rows {
        let id = SessionId(keys::last_ulid(key).ok_or_else(unreadable)?);
        found.push((id, session(read, id)?.ok_or_else(unreadable)?));
    }
    Ok(found)
}

/// Sessions of everybody, oldest first; those that are over may be among them.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn sessions(
    read: &impl Read,
    after: Option<SessionId>,
    limit: usize,
) -> Result<Vec<FoundSession>, Corruption> {
    page(read, Table::Session, after.map(|id| id.0), limit)?
        .into_iter()
        .map(|(id, value)| Ok((SessionId(id), codec::decode("session", &value)?)))
        .collect()
}

/// A login that waits for its second factor, by the digest of its credential.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn challenge(read: &impl Read, hash: &Digest) -> Result<Option<ChallengeRecord>, Corruption> {
    tables::record(read, Table::Challenge, &hash.0)
}

/// Failed logins of a pair of account and address.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn login_pair(read: &impl Read, pair: &Digest) -> Result<Option<LoginPairRecord>, Corruption> {
    tables::record(read, Table::LoginPair, &pair.0)
}

/// A key of a program.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn api_key(read: &impl Read, id: ApiKeyId) -> Result<Option<ApiKeyRecord>, Corruption> {
    tables::record(read, Table::ApiKey, &id.0.key())
}

/// The key of a program with this hash.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn api_key_by_hash(
    read: &impl Read,
    hash: &Digest,
) -> Result<Option<(ApiKeyId, ApiKeyRecord)>, Corruption> {
    let id: Option<ApiKeyId> = tables::record(read, Table::ApiKeyByHash, &hash.0)?;
    let Some(id) = id else { return Ok(None) };
    let gone = || Corruption::new("api_key", format!("`{id}` is named and not there"));
    Ok(Some((id, api_key(read, id)?.ok_or_else(gone)?)))
}

/// Keys of programs, oldest first, those that ended among them.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn api_keys(
    read: &impl Read,
    after: Option<ApiKeyId>,
    limit: usize,
) -> Result<Vec<(ApiKeyId, ApiKeyRecord)>, Corruption> {
    page(read, Table::ApiKey, after.map(|id| id.0), limit)?
        .into_iter()
        .map(|(id, value)| Ok((ApiKeyId(id), codec::decode("api_key", &value)?)))
        .collect()
}

fn page(
    read: &impl Read,
    table: Table,
    after: Option<types::Ulid>,
    limit: usize,
) -> Result<Vec<(types::Ulid, Vec<u8>)>, Corruption> {
    let from = after.map_or(0, |after| after.0.saturating_add(1)).to_be_bytes();
    let scan =
        Scan { table, from: &from, to: None, direction: Direction::Ascending, rows_max: limit };
    let unreadable = || Corruption::new(tables::name(table), "a key that names nothing");
    let rows = read.scan(scan)?.into_iter();
    rows.map(|(key, value)| Ok((keys::last_ulid(&key).ok_or_else(unreadable)?, value))).collect()
}
