//! Keys of programs.

use crate::apply::{Context, Stop};
use crate::command::{CreateApiKey, RevokeApiKey};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn create<S: Store>(
    _context: &mut Context<'_, S>,
    _create: &CreateApiKey,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn revoke<S: Store>(
    _context: &mut Context<'_, S>,
    _revoke: &RevokeApiKey,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
