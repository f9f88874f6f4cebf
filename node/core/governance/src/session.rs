//! Sessions.

use crate::apply::{Context, Stop};
use crate::command::{OpenSession, RevokeSession, TouchCredentials};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn open<S: Store>(
    _context: &mut Context<'_, S>,
    _open: &OpenSession,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn revoke<S: Store>(
    _context: &mut Context<'_, S>,
    _revoke: &RevokeSession,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn touch<S: Store>(
    _context: &mut Context<'_, S>,
    _touch: &TouchCredentials,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
