//! Accounts.

use crate::apply::{Context, Stop};
use crate::command::{ChangePassword, ChangeUser, CreateUser, UpdateUser};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn create<S: Store>(
    _context: &mut Context<'_, S>,
    _create: &CreateUser,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn update<S: Store>(
    _context: &mut Context<'_, S>,
    _update: &UpdateUser,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn change<S: Store>(
    _context: &mut Context<'_, S>,
    _change: &ChangeUser,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn change_password<S: Store>(
    _context: &mut Context<'_, S>,
    _change: &ChangePassword,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
