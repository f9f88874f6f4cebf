//! How much evidence there is, counted as it comes and goes.

use crate::apply::Context;
use crate::outcome::Corruption;
use crate::record::{ArtifactKind, EvidenceCount};
use crate::store::{Store, Table};

/// Decisions with evidence.
pub(crate) const DECISIONS: &str = "decisions";

/// Controls with evidence.
pub(crate) const CONTROLS: &str = "controls";

/// What a kind is counted under.
pub(crate) fn of_kind(kind: ArtifactKind) -> String {
    format!("kind:{}", kind.as_str())
}

/// Changes what is counted under `name`, and drops it with the last of it.
pub(super) fn change<S: Store>(
    context: &mut Context<'_, S>,
    name: &str,
    change: impl FnOnce(EvidenceCount) -> EvidenceCount,
) -> Result<(), Corruption> {
    let key = name.as_bytes();
    let before: Option<EvidenceCount> = context.tables.record(Table::EvidenceCount, key)?;
    let after = change(before.unwrap_or_default());
    if after == EvidenceCount::default() {
        context.tables.delete(Table::EvidenceCount, key);
        return Ok(());
    }
    context.tables.put_record(Table::EvidenceCount, key, &after)
}

/// One more.
pub(super) fn more<S: Store>(context: &mut Context<'_, S>, name: &str) -> Result<(), Corruption> {
    change(context, name, |count| EvidenceCount {
        artifacts: count.artifacts.saturating_add(1),
        ..count
    })
}

/// One less.
pub(super) fn less<S: Store>(context: &mut Context<'_, S>, name: &str) -> Result<(), Corruption> {
    change(context, name, |count| EvidenceCount {
        artifacts: count.artifacts.saturating_sub(1),
        ..count
    })
}
