//! Names under which entries are counted for the queries, since no other index
//! tells how many of them there are up to an entry.

use ledger::EntryType;
use policy::Verdict;
use types::{EntryId, Json};

use crate::access;
use crate::apply::Context;
use crate::outcome::Corruption;
use crate::store::Store;
use crate::tally;

/// Decisions that an emergency stop made.
pub(crate) const STOPPED: &str = "reason:emergency_stop";

/// Decisions on what the policy in force marks as personal, whatever came of them:
/// the classes of retention count each entry once, as the first that fits.
pub(crate) const PERSONAL: &str = "personal:decision";

/// Interventions that stopped something.
pub(crate) const STOPS: &str = "intervention:emergency_stop";

/// Decisions that came to this.
pub(crate) fn outcome(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "outcome:allowed",
        Verdict::Denied => "outcome:denied",
        Verdict::Escalated => "outcome:escalated",
    }
}

/// Entries of this type by somebody whose identity nobody checked.
pub(super) fn unchecked_name(entry_type: EntryType) -> String {
    format!("unchecked:{entry_type}")
}

/// Whether it is counted that nobody checked who asked for this. Of what machines
/// ask for by themselves nothing is to be told.
pub(crate) fn is_unchecked(entry_type: EntryType, data: &Json) -> bool {
    let authn = data.as_object().and_then(|data| data.get("authn")).and_then(Json::as_str);
    authn == Some("none") && is_by_people(entry_type)
}

fn is_by_people(entry_type: EntryType) -> bool {
    matches!(
        entry_type,
        EntryType::AnonymizationRun
            | EntryType::AuditExportApproved
            | EntryType::AuditExportRequested
            | EntryType::ConfigChanged
            | EntryType::EscalationResolved
            | EntryType::FeatureLevelChanged
            | EntryType::Intervention
            | EntryType::OverrideExecuted
            | EntryType::OverrideReviewed
            | EntryType::PersonalDataRead
            | EntryType::PolicyLoaded
            | EntryType::PolicyRolledBack
            | EntryType::ResponsibilityRecorded
            | EntryType::ResponsibilityReviewed
            | EntryType::UserCreated
            | EntryType::UserUpdated
    )
}

/// Counts such an entry, in a cluster that knows of it.
pub(crate) fn unchecked<S: Store>(
    context: &mut Context<'_, S>,
    entry_type: EntryType,
    entry: EntryId,
) -> Result<(), Corruption> {
    if context.cache.feature_level(context.tables.read())? < access::EVIDENCE {
        return Ok(());
    }
    let name = unchecked_name(entry_type);
    tally::append(&mut context.tables, context.cache, &name, entry)
}
