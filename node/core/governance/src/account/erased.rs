//! Erasing who has an account or a key.
//!
//! For what lives the time counts from its end: while an account can be used, what
//! says whose it is stays, and while a key counts, what it may do. After that the
//! erasure of the entry takes the texts out of the record too.

use std::collections::BTreeSet;

use ledger::{EntryType, StoredEntry};
use types::{ApiKeyId, Json, Object, Timestamp, UserId};

use super::kept;
use crate::access;
use crate::api_key;
use crate::apply::Context;
use crate::command::ErasedPart;
use crate::erasure::Gone;
use crate::outcome::Corruption;
use crate::record::UserRecord;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{codec, keys, tables, view};

/// Whether an entry says who has an account, or what a key may do, that can be
/// used still.
pub(crate) fn is_alive(
    read: &impl Read,
    entry: &StoredEntry,
    now: Timestamp,
) -> Result<bool, Corruption> {
    let Some(data) = entry.data.as_ref().filter(|_| tells(entry.header.entry_type)) else {
        return Ok(false);
    };
    let data: Object = serde_json::from_str(&data.text)
        .map_err(|_| Corruption::new("data", format!("entry {} is no object", entry.header.id)))?;
    if let Some(user) = user_of(entry.header.entry_type, &data) {
        return Ok(view::user(read, user)?.is_some_and(|user| !user.is_disabled));
    }
    match key_of(entry.header.entry_type, &data) {
        Some(key) => {
            let key = view::api_key(read, key)?;
            Ok(key.is_some_and(|key| access::is_key_alive(&key, now)))
        }
        None => Ok(false),
    }
}

/// Takes away what is kept of the erased part. Says which account is gone by it,
/// whose failed logins are left to be forgotten, and whom a provider need not know
/// any more.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    entry: &StoredEntry,
    data: &Object,
    part: ErasedPart,
) -> Result<Gone, Corruption> {
    let entry_type = entry.header.entry_type;
    let mut gone = Gone::default();
    if let Some(id) = user_of(entry_type, data)
        && let Some(user) = view::user(context.tables.read(), id)?
    {
        if user.entry_id == entry.header.id {
            kept::forget(context, id, &user)?;
            gone.account = Some(id);
        } else if !user.is_erased() {
            let after = UserRecord { full_name: None, ..user.clone() };
            kept::change(context, id, &user, &after)?;
        }
    }
    if entry_type == EntryType::OidcLinked {
        let provider = data.get("provider").and_then(Json::as_str);
        gone.link = provider.map(str::to_owned).zip(user_of(entry_type, data));
    }
    match key_of(entry_type, data) {
        Some(id) if part == ErasedPart::All => api_key::forget(context, id)?,
        Some(_) | None => (),
    }
    Ok(gone)
}

/// Takes away by which names a provider knows these persons. Their entries do not
/// tell them, so they are looked for among all that the provider vouches for.
pub(crate) fn forget_links<S: Store>(
    context: &mut Context<'_, S>,
    provider: &str,
    users: &BTreeSet<UserId>,
) -> Result<(), Corruption> {
    let scan = Scan {
        table: Table::OidcLink,
        from: &keys::texts(&[provider]),
        to: Some(&keys::after_texts(&[provider])),
        direction: Direction::Ascending,
        rows_max: usize::MAX,
    };
    let name = tables::name(Table::OidcLink);
    let (mut links, mut damage) = (Vec::new(), None);
    context.tables.read().visit(
        scan,
        &mut |key, value| match codec::decode::<UserId>(name, value) {
            Ok(user) if users.contains(&user) => links.push(key.to_vec()),
            Ok(_) => (),
            Err(error) => damage = Some(error),
        },
    )?;
    if let Some(error) = damage {
        return Err(error);
    }
    for link in links {
        context.tables.delete(Table::OidcLink, &link);
    }
    Ok(())
}

/// Whether such an entry tells of an account or a key what counts while it can be
/// used.
fn tells(entry_type: EntryType) -> bool {
    tells_of_user(entry_type) || entry_type == EntryType::ApiKeyCreated
}

/// Whose the account is, what it may do, and that it has a second factor.
fn tells_of_user(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::UserCreated
            | EntryType::UserUpdated
            | EntryType::OidcLinked
            | EntryType::MfaEnrolled
            | EntryType::MfaReset
    )
}

/// The account that such an entry tells of.
fn user_of(entry_type: EntryType, data: &Object) -> Option<UserId> {
    let actor = data.get("actor").filter(|_| tells_of_user(entry_type));
    actor.and_then(Json::as_str)?.parse().ok()
}

/// The key that such an entry made.
fn key_of(entry_type: EntryType, data: &Object) -> Option<ApiKeyId> {
    let actor = data.get("actor").filter(|_| entry_type == EntryType::ApiKeyCreated);
    actor.and_then(Json::as_str)?.parse().ok()
}

#[cfg(test)]
mod tests;
