//! Logins.

use crate::apply::{Context, Stop};
use crate::command::{FailLogin, LinkOidc, OpenChallenge};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn challenge<S: Store>(
    _context: &mut Context<'_, S>,
    _open: &OpenChallenge,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn fail<S: Store>(
    _context: &mut Context<'_, S>,
    _fail: &FailLogin,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn link<S: Store>(
    _context: &mut Context<'_, S>,
    _link: &LinkOidc,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
