//! Escalations: questions to humans about a decision.

use types::EscalationId;

use crate::apply::{Context, Stop};
use crate::store::Store;

pub(crate) fn expire<S: Store>(_: &mut Context<'_, S>, _: EscalationId) -> Result<(), Stop> {
    Ok(())
}
