//! Logins: those that wait for a second factor, those that failed, and accounts
//! that a provider of OpenID Connect vouches for.
//!
//! A password or a code is compared where the request comes in. Here it is seen
//! to that what was compared is still in force and was not used before, on
//! whichever nodes it was compared at once.
//!
//! Reading order: [`challenges`], [`pairs`], [`oidc`]; sessions begin in
//! [`crate::session`].

pub(crate) mod challenges;
pub(crate) mod oidc;
pub(crate) mod pairs;

use types::{Object, UserId};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::FailLogin;
use crate::outcome::{Outcome, Rejection};
use crate::record::UserRecord;
use crate::store::{Read, Store};
use crate::view;

pub(crate) use challenges::open as challenge;
pub(crate) use oidc::link;

/// An account that can log in. Which other there is, nobody is told.
pub(crate) fn usable(read: &impl Read, user: UserId) -> Result<UserRecord, Stop> {
    let record = view::user(read, user)?.filter(|record| !record.is_disabled);
    record.ok_or_else(|| Rejection::InvalidCredentials.into())
}

/// `data` of an entry about an account.
pub(crate) fn about<S: Store>(context: &Context<'_, S>, user: UserId) -> Object {
    let user = user.to_string();
    let mut data = context.asked();
    data.insert("actor", user.as_str());
    data.insert("user_id", user);
    data
}

/// The personal part of an entry about a login.
pub(crate) fn personal(username: Option<&str>, address: &str) -> Object {
    let mut personal = Object::new();
    personal.insert("address", address);
    personal.insert("email", None::<&str>);
    personal.insert("full_name", None::<&str>);
    personal.insert("username", username);
    personal
}

/// Counts a login that failed. The answer is [`Outcome::Recorded`] when it locked
/// the pair.
pub(crate) fn fail<S: Store>(
    context: &mut Context<'_, S>,
    fail: &FailLogin,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    pairs::check(context, &fail.pair)?;
    if let Some(hash) = &fail.challenge_hash {
        let user = fail.user.ok_or(Rejection::ChallengeExpired)?;
        challenges::fail(context, hash, user)?;
    }
    let locked = pairs::fail(context, fail)?;
    Ok(locked.map_or(Outcome::Noted, Outcome::Recorded))
}

#[cfg(test)]
pub(crate) mod fixture;

#[cfg(test)]
mod tests;
