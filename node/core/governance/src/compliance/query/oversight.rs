//! What people did: escalations, interventions, stops, who answers for what.

use std::collections::BTreeMap;

use ::ledger::EntryType;

use super::{NOT_COUNTED, by_people, of_period};
use crate::command::InterventionType;
use crate::compliance::answer::Answer;
use crate::compliance::controls::Controls;
use crate::compliance::counted;
use crate::compliance::facts::{Facts, Span};
use crate::intervention::tally as interventions_tally;
use crate::outcome::Corruption;
use crate::record::Tally;
use crate::store::Read;

const BY_HUMANS: [EntryType; 4] = [
    EntryType::EscalationResolved,
    EntryType::Intervention,
    EntryType::OverrideExecuted,
    EntryType::OverrideReviewed,
];

/// An answer that comes too late is refused, so those that are recorded were in
/// time; those that are not there expired.
pub(super) fn escalation_sla(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let resolved = facts.span(&[EntryType::EscalationResolved], &facts.period)?;
    let expired = facts.span(&[EntryType::EscalationExpired], &facts.period)?;
    Ok(of_period(Answer::all(resolved.and(expired), resolved.count)).with("expired", expired.count))
}

/// Who may stop something is checked by the role of the account; in which role
/// somebody intervenes otherwise, nobody but that person says.
pub(super) fn interventions(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let (_, tally) = tally(facts)?;
    let kinds = InterventionType::ALL.into_iter().zip(tally.by_type);
    let claimed = kinds.filter(|(kind, _)| *kind != InterventionType::EmergencyStop);
    let claimed: u64 = claimed.map(|(_, count)| count).sum();
    Ok(by_people(facts, &BY_HUMANS)?
        .with("roles_as_given", claimed)
        .open_if(0 < claimed, "the role of an intervention is as the person gave it"))
}

fn tally(facts: &Facts<'_, impl Read>) -> Result<(Span, Tally), Corruption> {
    let span = facts.span(&[EntryType::Intervention], &facts.period)?;
    let numbers = facts.numbers(EntryType::Intervention, &facts.period)?;
    let up_to = |end: u64| interventions_tally::first(facts.read, end.saturating_sub(1));
    Ok((span, up_to(numbers.end)?.less(up_to(numbers.start)?)))
}

/// There is no threshold that holds everywhere: the figures are there to be
/// compared with what the risk file planned.
pub(super) fn effectiveness(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let (span, tally) = tally(facts)?;
    let compared = tally.overrides.saturating_add(tally.approvals);
    Ok(of_period(Answer::counted(compared, compared, 0).over(span))
        .with("approvals", tally.approvals)
        .with("overrides", tally.overrides)
        .gap("figures only: no threshold is applied"))
}

/// A stop did something where a decision was denied because of it.
pub(super) fn stop_events(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let stops = facts.tallied(counted::STOPS, &facts.period)?;
    let denied = facts.tally(counted::STOPPED, &facts.period)?;
    let lifted = facts.span(&[EntryType::EmergencyStopLifted], &facts.period)?.count;
    Ok(of_period(Answer::any(stops))
        .with("decisions_denied", denied)
        .with("lifted", lifted)
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED)
        .open_if(denied == 0, "no decision was denied by a stop, so that its effect is not shown"))
}

/// Whoever loads a policy, overrides, resolves or records is named and checked;
/// every decision rests on such a policy.
pub(super) fn responsibility_chain(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    by_people(
        facts,
        &[
            EntryType::EscalationResolved,
            EntryType::OverrideExecuted,
            EntryType::PolicyLoaded,
            EntryType::PolicyRolledBack,
            EntryType::ResponsibilityRecorded,
        ],
    )
}

/// Reviews of overrides and of records by whom they are about are refused, and so
/// are not recorded; what can be recorded is vouching for one's own.
pub(super) fn separation_of_duties(
    facts: &Facts<'_, impl Read>,
    controls: &Controls,
) -> Result<Answer, Corruption> {
    let reviews = [EntryType::OverrideReviewed, EntryType::ResponsibilityReviewed];
    let reviews = facts.span(&reviews, &facts.period)?;
    let attested = || controls.each().flat_map(|(_, _, brought)| &brought.attestations);
    let span = reviews.and(Span::of(attested().map(|attested| attested.entry_id)));
    let own = attested().filter(|attested| attested.is_own).count() as u64;
    let exports = Exports::load(facts)?;
    let span = span.and(exports.approved);
    let conflicts = own.saturating_add(exports.own);
    Ok(of_period(Answer::all(span, span.count.saturating_sub(conflicts)))
        .with("own_artifacts_attested", own)
        .with("own_exports_approved", exports.own)
        .open_if(0 < exports.untold, "of exports that were approved, who asked is not told"))
}

/// Approvals of exports.
struct Exports {
    approved: Span,
    /// By whoever asked.
    own: u64,
    /// Of which nothing is left that says who asked.
    untold: u64,
}

impl Exports {
    fn load(facts: &Facts<'_, impl Read>) -> Result<Self, Corruption> {
        let asked = facts.told(EntryType::AuditExportRequested, &facts.whole())?;
        let approved = facts.told(EntryType::AuditExportApproved, &facts.period)?;
        let asked: BTreeMap<&str, Option<&str>> = asked
            .entries
            .iter()
            .filter_map(|asked| Some((asked.text("export_id")?, asked.text("by"))))
            .collect();
        let (mut own, mut untold) = (0_u64, 0_u64);
        for approval in &approved.entries {
            match approval.text("export_id").and_then(|id| asked.get(id)) {
                Some(Some(by)) if approval.text("by") == Some(by) => own = own.saturating_add(1),
                Some(_) => (),
                None => untold = untold.saturating_add(1),
            }
        }
        Ok(Self { approved: approved.span(), own, untold })
    }
}
