//! Policies: which there were, and which one is in force.

use ::ledger::EntryType;

use super::of_period;
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, Span};
use crate::outcome::Corruption;
use crate::store::Read;

const LOADS: [EntryType; 2] = [EntryType::PolicyLoaded, EntryType::PolicyRolledBack];

fn loaded(facts: &Facts<'_, impl Read>) -> Result<Span, Corruption> {
    facts.span(&LOADS, &facts.whole())
}

/// Each load ends the version before it, so versions neither overlap nor leave
/// a time without one.
pub(super) fn history(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    Ok(Answer::any(loaded(facts)?))
}

pub(super) fn approvals(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let unchecked = facts.unchecked(&LOADS, &facts.period)?;
    let span = facts.span(&LOADS, &facts.period)?;
    Ok(of_period(Answer::all(span, span.count.saturating_sub(unchecked)))
        .open("who loaded a policy is recorded, and not whether somebody else approved it"))
}

/// One is in force at any time; until the first is loaded, the built-in one, which
/// permits nothing and shows nothing.
pub(super) fn effective_at(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let span = loaded(facts)?;
    let in_force = Span::of(span.last);
    Ok(Answer::any(in_force).with("version", span.count))
}
