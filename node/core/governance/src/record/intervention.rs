//! What is kept of interventions and stops beside their entries.

use serde::{Deserialize, Serialize};
use types::EntryId;

/// A stop. What it stops is kept apart, while it is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopRecord {
    /// The intervention that set it.
    pub entry_id: EntryId,
    /// The entry that lifted it.
    pub lifted: Option<EntryId>,
}

/// What interventions come to, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// By [`crate::command::InterventionType`], in its order.
    pub by_type: [u64; 6],
    /// By [`crate::command::HumanRole`], in its order.
    pub by_role: [u64; 6],
    /// Where the human decided otherwise than the machine proposed.
    pub overrides: u64,
    /// Where it was the same.
    pub approvals: u64,
    /// Where nobody checked who it was.
    pub unauthenticated: u64,
    /// Where the time is told that the human took.
    pub timed: u64,
    /// Those times, in milliseconds. The sum of all there can be has room here.
    pub time_total_ms: u128,
}
