//! Human oversight: interventions, emergency stops, and how it all went.

pub(crate) mod effectiveness;
pub(crate) mod intervention;
pub(crate) mod stop;
pub(crate) mod verify;
