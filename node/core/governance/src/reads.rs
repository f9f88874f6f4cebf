//! Reads of personal parts.

use crate::apply::{Context, Stop};
use crate::command::PersonalReads;
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn record<S: Store>(
    _context: &mut Context<'_, S>,
    _reads: &PersonalReads,
) -> Result<Outcome, Stop> {
    Err(Rejection::NotAuthorised.into())
}
