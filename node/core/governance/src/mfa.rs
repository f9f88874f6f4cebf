//! Second factors.

use crate::apply::{Context, Stop};
use crate::command::{ConfirmMfa, EnrollMfa, RenewBackupCodes};
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn enroll<S: Store>(
    _context: &mut Context<'_, S>,
    _enroll: &EnrollMfa,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn confirm<S: Store>(
    _context: &mut Context<'_, S>,
    _confirm: &ConfirmMfa,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}

pub(crate) fn renew<S: Store>(
    _context: &mut Context<'_, S>,
    _renew: &RenewBackupCodes,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
