//! Overrides: a human's decision in the place of the policy's.

use types::OverrideId;

use crate::apply::{Context, Stop};
use crate::store::Store;

pub(crate) fn lapse<S: Store>(_: &mut Context<'_, S>, _: OverrideId) -> Result<(), Stop> {
    Ok(())
}
