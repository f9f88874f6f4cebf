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
use crate::login::pairs;
use crate::outcome::{Corruption, Rejection};
use crate::oversight;
use crate::record::{AccessRecord, UserRecord};
use crate::store::{Store, Table};
use crate::view;

/// Whether an account may be called so and reached so.
pub(crate) fn check_names<S: Store>(
    context: &Context<'_, S>,
    username: &str,
    email: &str,
) -> Result<(), Stop> {
    if username.is_empty() || oversight::is_reserved(username) {
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

/// Takes away who the person was, and what they showed that with.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    id: UserId,
    before: &UserRecord,
) -> Result<(), Corruption> {
    for (kind, text) in names(before) {
        context.tables.delete(Table::UserByName, &keys::user_name(kind, text));
    }
    pairs::forget(context, id)?;
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
