//! Running the system: incidents, keys, changes, the inventory of AI systems.

use std::collections::BTreeMap;

use ::ledger::EntryType;
use types::{EntryId, Json, Timestamp};

use super::{CUT, by_people, of_period};
use crate::compliance::answer::Answer;
use crate::compliance::facts::{Facts, PERIOD_DAYS, Span, Telling, days};
use crate::outcome::Corruption;
use crate::store::Read;
use crate::view;

/// How old a key may be that signs.
const KEY_DAYS: u64 = 730;

/// An incident as its entries have it.
struct Incident {
    recorded: EntryId,
    due_at: Option<Timestamp>,
    reported_at: Option<Timestamp>,
    is_closed: bool,
}

/// Incidents by id, and whether some of their entries were not read.
fn incidents(
    facts: &Facts<'_, impl Read>,
) -> Result<(BTreeMap<String, Incident>, bool), Corruption> {
    let told = |entry_type| facts.told(entry_type, &facts.whole());
    let recorded = told(EntryType::IncidentRecorded)?;
    let (reported, closed) = (told(EntryType::IncidentReported)?, told(EntryType::IncidentClosed)?);
    let is_cut = recorded.is_cut || reported.is_cut || closed.is_cut;
    let mut by_id = BTreeMap::new();
    for telling in &recorded.entries {
        let (recorded, due_at) = (telling.id, telling.time("report_due_at"));
        let incident = Incident { recorded, due_at, reported_at: None, is_closed: false };
        if let Some(id) = telling.text("incident_id") {
            by_id.insert(id.to_owned(), incident);
        }
    }
    for telling in &reported.entries {
        if let Some(incident) = telling.text("incident_id").and_then(|id| by_id.get_mut(id)) {
            incident.reported_at.get_or_insert(telling.at);
        }
    }
    for telling in &closed.entries {
        if let Some(incident) = telling.text("incident_id").and_then(|id| by_id.get_mut(id)) {
            incident.is_closed = true;
        }
    }
    Ok((by_id, is_cut))
}

fn of_incidents(
    facts: &Facts<'_, impl Read>,
    is_right: impl Fn(&Incident) -> bool,
) -> Result<Answer, Corruption> {
    let (incidents, is_cut) = incidents(facts)?;
    let span = Span::of(incidents.values().map(|incident| incident.recorded));
    let right = incidents.values().filter(|incident| is_right(incident)).count() as u64;
    Ok(Answer::all(span, right)
        .gap("that nothing was recorded does not show that nothing happened")
        .open_if(is_cut, CUT))
}

/// None was closed that was not reported.
pub(super) fn incident_timeline(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    of_incidents(facts, |incident| !incident.is_closed || incident.reported_at.is_some())
}

/// Each was reported by its day, or that is still to come.
pub(super) fn incident_deadlines(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    of_incidents(facts, |incident| {
        let at = incident.reported_at.unwrap_or(facts.now);
        incident.due_at.is_some_and(|due_at| at <= due_at)
    })
}

/// Keys that sign are young enough.
pub(super) fn key_events(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let end = facts.whole().end;
    let mut young = 0_u64;
    let mut ids = Vec::new();
    for key in view::keys(facts.read)? {
        let is_ours = key.valid_from.0 < end;
        let ended = key.valid_until.is_some_and(|until| until.0 < end);
        if !is_ours || ended {
            continue;
        }
        let age = facts.now.0.saturating_sub(facts.time(key.valid_from)?.0);
        young = young.saturating_add(u64::from(age <= days(KEY_DAYS).0));
        ids.push(key.valid_from);
    }
    let changes = [EntryType::KeyAdded, EntryType::KeyRetired];
    let changes = facts.span(&changes, &facts.whole())?;
    Ok(Answer::all(Span::of(ids), young)
        .with("added_or_retired", changes.count)
        .with("age_days_max", KEY_DAYS))
}

/// Changes name who made them. That somebody else looked before is not recorded.
pub(super) fn config_changes(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let types = [
        EntryType::ConfigChanged,
        EntryType::FeatureLevelChanged,
        EntryType::PolicyLoaded,
        EntryType::PolicyRolledBack,
    ];
    let nodes = [EntryType::MembershipChanged, EntryType::NodeJoined];
    let nodes = facts.span(&nodes, &facts.period)?;
    Ok(by_people(facts, &types)?
        .with("of_nodes", nodes.count)
        .open("that a change was tested and approved before is not recorded"))
}

pub(super) fn clock_health() -> Answer {
    Answer::untold("how far the clocks of the nodes were off is not recorded in the ledger")
}

pub(super) fn tenant_isolation() -> Answer {
    Answer::untold("a cluster serves one organisation: no attempt across any border is recorded")
}

pub(super) fn software_provenance(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let levels = facts.span(&[EntryType::FeatureLevelChanged], &facts.whole())?;
    Ok(Answer::any(levels)
        .open("which build a node runs is not recorded, and so not compared with an approved one"))
}

/// Each system that is in use has a role and a route, and somebody looked at its
/// record within the period.
pub(super) fn system_registry(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let made = facts.told(EntryType::SystemRegistered, &facts.whole())?;
    let told = made.and(facts.told(EntryType::SystemUpdated, &facts.whole())?);
    let mut systems: BTreeMap<&str, &Telling> = BTreeMap::new();
    for telling in &told.entries {
        if let Some(id) = telling.text("system_id") {
            systems.insert(id, telling);
        }
    }
    let is_retired =
        |telling: &Telling| telling.time("retired").is_some_and(|retired| retired <= facts.now);
    systems.retain(|_, telling| !is_retired(telling));
    let is_whole = |telling: &&&Telling| {
        let named = ["by", "role", "risk_route"].iter().all(|name| telling.text(name).is_some());
        named && facts.period.contains(&telling.id.0)
    };
    let whole = systems.values().filter(is_whole).count() as u64;
    let span = Span::of(systems.values().map(|telling| telling.id));
    Ok(Answer::all(span, whole).with("reviewed_within_days", PERIOD_DAYS).open_if(told.is_cut, CUT))
}

/// What the ledger knows of as an alert: a node that is not what the others are,
/// a lock, a question to a human. The first must be rebuilt, the last answered.
pub(super) fn alerts_handled(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let of = |entry_type| facts.span(&[entry_type], &facts.period);
    let expired = of(EntryType::EscalationExpired)?;
    let span = of(EntryType::DivergenceDetected)?
        .and(of(EntryType::AccountLocked)?)
        .and(of(EntryType::EscalationResolved)?)
        .and(expired);
    let open = expired.count.saturating_add(facts.diverged);
    Ok(of_period(Answer::all(span, span.count.saturating_sub(open)))
        .gap("alerts of monitoring outside the cluster are not recorded"))
}

/// A node was given the state again, and a checkpoint after it is final.
pub(super) fn restore_verification(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let types = [EntryType::Recovery, EntryType::SnapshotRestored];
    let span = facts.span(&types, &facts.period)?;
    let size = facts.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.claim.size);
    let is_covered = span.last.is_some_and(|last| last.0 < size);
    let backups = facts.span(&[EntryType::BackupCreated], &facts.period)?;
    let unproven = span.count != 0 && !is_covered;
    Ok(of_period(Answer::any(span))
        .with("backups", Json::from(backups.count))
        .open_if(unproven, "no checkpoint after the last one is final"))
}
