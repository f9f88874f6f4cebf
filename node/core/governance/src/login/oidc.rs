//! Accounts that a provider of OpenID Connect vouches for.
//!
//! Which claims make whom is the business of the node that asked the provider;
//! here a subject gets one account, for ever.

use ledger::EntryType;
use types::{Object, UserId};

use super::about;
use crate::access::check_level;
use crate::account::kept;
use crate::apply::{Context, Stop};
use crate::command::{LinkOidc, OidcAccount};
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::record::UserRecord;
use crate::store::{Store, Table};
use crate::{keys, view};

/// OpenID Connect Core 1.0, section 2, on `sub`.
const SUBJECT_CHARS_MAX: usize = 255;

pub(crate) fn link<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkOidc,
) -> Result<Outcome, Stop> {
    check_level(context)?;
    // The subject is whatever the provider says, and becomes a key.
    if link.subject.is_empty() || SUBJECT_CHARS_MAX < link.subject.chars().count() {
        return Err(Rejection::NotProven.into());
    }
    let row = keys::oidc(&link.provider, &link.subject);
    let linked = context.tables.record::<UserId>(Table::OidcLink, &row)?;
    if let Some(linked) = linked {
        return match link.account {
            OidcAccount::Existing(user) if user != linked => {
                Err(Rejection::UserExists { what: "subject" }.into())
            }
            // Logged in for the first time twice at once: one account is enough.
            OidcAccount::Existing(_) | OidcAccount::New { .. } => Ok(Outcome::Noted),
        };
    }
    let (user, recorded) = match &link.account {
        OidcAccount::Existing(user) => (*user, existing(context, link, *user)?),
        OidcAccount::New { .. } => create(context, link)?,
    };
    context.tables.put_record(Table::OidcLink, &row, &user)?;
    Ok(Outcome::Recorded(recorded))
}

fn existing<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkOidc,
    user: UserId,
) -> Result<Recorded, Stop> {
    let record = view::user(context.tables.read(), user)?.ok_or(Rejection::UnknownUser)?;
    if record.is_disabled {
        return Err(Rejection::InvalidCredentials.into());
    }
    Ok(record_link(context, link, user, &record)?)
}

fn create<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkOidc,
) -> Result<(UserId, Recorded), Stop> {
    let OidcAccount::New { username, email, full_name, role } = &link.account else {
        return Err(Rejection::UnknownUser.into());
    };
    kept::check_names(context, username, email)?;
    let user = UserId(context.fresh("user", Table::User)?);
    let at = context.applied.at;
    let mut record = UserRecord {
        entry_id: types::EntryId(0),
        username: username.clone(),
        email: email.clone(),
        full_name: full_name.clone(),
        role: *role,
        oversight: Vec::new(),
        password_hashes: Vec::new(),
        password_version: 0,
        password_set_at: at,
        is_disabled: false,
        disabled_by: None,
        mfa: None,
        pending_mfa: None,
        last_login_at: None,
        created_at: at,
    };
    let recorded = record_link(context, link, user, &record)?;
    record.entry_id = recorded.entry_id;
    kept::add(context, user, &record)?;
    Ok((user, recorded))
}

/// The subject is in no part of the entry: it is a name of a person that the
/// contract has no place for.
fn record_link<S: Store>(
    context: &mut Context<'_, S>,
    link: &LinkOidc,
    user: UserId,
    record: &UserRecord,
) -> Result<Recorded, Corruption> {
    let is_new = matches!(link.account, OidcAccount::New { .. });
    let mut data = about(context, user);
    data.insert("created", is_new);
    data.insert("provider", link.provider.as_str());
    data.insert("role", record.role.as_str());
    let mut personal = Object::new();
    let given = |text| Some(text).filter(|_| is_new);
    personal.insert("address", None::<&str>);
    personal.insert("email", given(record.email.as_str()));
    personal.insert("full_name", record.full_name.as_deref().and_then(given));
    personal.insert("username", given(record.username.as_str()));
    let actor = user.to_string();
    context.record_about(EntryType::OidcLinked, Some(&actor), data, personal)
}
