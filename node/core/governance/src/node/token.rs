//! Tokens with which nodes join.

use crate::apply::{Context, Stop};
use crate::command::{IssueJoinToken, RegisterNodeByToken};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn issue<S: Store>(
    _context: &mut Context<'_, S>,
    _issue: &IssueJoinToken,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn register<S: Store>(
    _context: &mut Context<'_, S>,
    _register: &RegisterNodeByToken,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
