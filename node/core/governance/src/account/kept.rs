//! The rows of an account, written here alone: the record, the names by which it
//! is found, and the count of administrators.
//!
//! Invariants
//! - [`crate::record::AccessRecord::administrators`] counts the records for which
//!   [`UserRecord::is_administrator`] holds; once it was one it is never zero.
//! - A name or an e-mail, in any letter case, leads to one account.

use types::UserId;

use crate::access;
use crate::apply::{Context, Stop};
use crate::keys::{self, UserName};
use crate::outcome::{Corruption, Rejection};
use crate::oversight;
use crate::record::{AccessRecord, UserRecord};
use crate::store::{Store, Table};
use crate::view;

const USERNAME_CHARS_MAX: usize = 64;

const EMAIL_CHARS_MAX: usize = 254;

/// Whether a name can be kept: it becomes a key, and part of what names a human.
fn is_username(text: &str) -> bool {
    let is_one = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !text.is_empty() && text.len() <= USERNAME_CHARS_MAX && text.chars().all(is_one)
}

fn is_email(text: &str) -> bool {
    let is_one = |c: char| !c.is_control() && !c.is_whitespace();
    let parts = text.split_once('@').filter(|(_, domain)| !domain.contains('@'));
    let is_whole = parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    is_whole && text.chars().count() <= EMAIL_CHARS_MAX && text.chars().all(is_one)
}

/// Whether an account may be called so and reached so.
pub(crate) fn check_names<S: Store>(
    context: &Context<'_, S>,
    username: &str,
    email: &str,
) -> Result<(), Stop> {
    if !is_username(username) {
        return Err(Rejection::OutOfBounds { member: "username" }.into());
    }
    if !is_email(email) {
        return Err(Rejection::OutOfBounds { member: "email" }.into());
    }
    if oversight::is_reserved(username) {
        return Err(Rejection::NameReserved { name: username.to_owned() }.into());
    }
    for (what, text) in [("username", username), ("email", email)] {
        // Whichever it is given as: who logs in may give either.
        for kind in [UserName::Username, UserName::Email] {
            if context.tables.has(Table::UserByName, &keys::user_name(kind, text))? {
                return Err(Rejection::UserExists { what }.into());
            }
        }
    }
    Ok(())
}

/// Whether an account may come to be this: there is always somebody who manages
/// accounts, from the first one on.
pub(crate) fn check_change<S: Store>(
    context: &Context<'_, S>,
    before: &UserRecord,
    after: &UserRecord,
) -> Result<(), Stop> {
    let is_last = access::access(context.tables.read())?.administrators <= 1;
    if before.is_administrator() && !after.is_administrator() && is_last {
        return Err(Rejection::LastAdmin.into());
    }
    Ok(())
}

/// Keeps a new account.
pub(crate) fn add<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    user: &UserRecord,
) -> Result<(), Corruption> {
    for (kind, text) in names(user) {
        context.tables.put_record(Table::UserByName, &keys::user_name(kind, text), &id)?;
    }
    settle(context, false, user.is_administrator())?;
    keep(context, id, user)
}

/// Keeps what an account has become. Its names stay.
pub(crate) fn change<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    before: &UserRecord,
    after: &UserRecord,
) -> Result<(), Corruption> {
    settle(context, before.is_administrator(), after.is_administrator())?;
    keep(context, id, after)
}

/// Takes away who the person was, and what they showed that with. Failed logins
/// are for the caller to forget.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    before: &UserRecord,
) -> Result<(), Corruption> {
    for (kind, text) in names(before) {
        context.tables.delete(Table::UserByName, &keys::user_name(kind, text));
    }
    let after = UserRecord {
        username: String::new(),
        email: String::new(),
        full_name: None,
        password_hashes: Vec::new(),
        mfa: None,
        pending_mfa: None,
        ..before.clone()
    };
    change(context, id, before, &after)
}

/// What an account is found by; nothing once it is erased.
fn names(user: &UserRecord) -> impl Iterator<Item = (UserName, &str)> {
    let names = [(UserName::Username, &user.username), (UserName::Email, &user.email)];
    names.into_iter().filter(|(_, text)| !text.is_empty()).map(|(kind, text)| (kind, text.as_str()))
}

fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    user: &UserRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::User, &id.0.key(), user)
}

/// Counts administrators. The first closes the cluster, and nothing opens it.
fn settle<S: Store>(context: &mut Context<'_, S>, was: bool, is: bool) -> Result<(), Corruption> {
    let before = view::access_record(context.tables.read())?;
    let after = match (was, is) {
        (false, true) => AccessRecord {
            is_closed: true,
            administrators: before.administrators.saturating_add(1),
            ..before
        },
        (true, false) => {
            AccessRecord { administrators: before.administrators.saturating_sub(1), ..before }
        }
        (true, true) | (false, false) => return Ok(()),
    };
    context.tables.put_record(Table::Access, keys::ONLY, &after)
}
