//! The questions of the register to the ledger: each answered once, from what is
//! recorded up to an entry.
//!
//! Two kinds of rule. Of things that are as they have to be by the way they are
//! recorded, one is enough; of things that may be otherwise, all must be as they
//! have to be. What passes is in the register, as `passes_when`; where the ledger
//! has nothing that would show it, the answer is inconclusive and says why.

mod access;
mod decisions;
mod evidence;
mod holds;
mod ledger;
mod operations;
mod oversight;
mod policies;
mod records;
mod retention;
mod risks;
mod runs;

use ::ledger::EntryType;
use register::{Query, Standing};

use super::answer::{Answer, QueryResult};
use super::controls::{Brought, Controls};
use super::facts::{Facts, PERIOD_DAYS};
use crate::outcome::Corruption;
use crate::store::Read;
pub(super) use retention::DAYS as KEPT_DAYS;
use runs::Runs;

/// The answer of every query, in the order of the register.
pub(super) fn all(
    facts: &Facts<'_, impl Read>,
    controls: &Controls,
) -> Result<Vec<QueryResult>, Corruption> {
    let runs = Runs::load(facts)?;
    let each = Query::ALL.iter().map(|query| {
        let answer = answer(*query, facts, controls, &runs)?;
        let last_at = answer.last().map(|id| facts.time(id)).transpose()?;
        Ok(answer.finish(*query, facts.as_of, last_at))
    });
    each.collect()
}

fn answer(
    query: Query,
    facts: &Facts<'_, impl Read>,
    controls: &Controls,
    runs: &Runs,
) -> Result<Answer, Corruption> {
    match query {
        Query::DecisionsInWindow => decisions::in_window(facts),
        Query::DecisionsDenied => decisions::denied(facts),
        Query::DecisionsBySubject => decisions::by_subject(facts),
        Query::DecisionExplanation => decisions::explanation(facts),
        Query::LedgerVerify => ledger::verify(facts),
        Query::LedgerGapCheck => ledger::gap_check(facts),
        Query::CheckpointsPublished => ledger::checkpoints(facts),
        Query::RecordCompleteness => ledger::completeness(facts),
        Query::PolicyHistory => policies::history(facts),
        Query::PolicyApprovals => policies::approvals(facts),
        Query::PolicyEffectiveAt => policies::effective_at(facts),
        Query::RiskRegister => risks::register(facts),
        Query::RiskReviewAge => risks::review_age(facts),
        Query::RiskTreatmentTrace => risks::treatment_trace(facts),
        Query::EscalationSla => oversight::escalation_sla(facts),
        Query::OversightInterventions => oversight::interventions(facts),
        Query::OversightEffectiveness => oversight::effectiveness(facts),
        Query::StopEvents => oversight::stop_events(facts),
        Query::ResponsibilityChain => oversight::responsibility_chain(facts),
        Query::SeparationOfDuties => oversight::separation_of_duties(facts, controls),
        Query::EvidenceByControl => Ok(evidence::by_controls(controls)),
        Query::EvidenceHashVerify => evidence::hash_verify(facts),
        Query::TokensIssued => decisions::tokens_issued(facts),
        Query::TokensRevokedExpired => decisions::tokens_revoked(facts),
        Query::TokenScopeExcess => decisions::token_scope(facts),
        Query::AuthFailures => access::auth_failures(facts),
        Query::MfaCoverage => access::mfa_coverage(facts),
        Query::UserLifecycle => access::user_lifecycle(facts),
        Query::PrivilegedGrants => access::privileged_grants(facts, controls),
        Query::AccessReviews => access::reviews(facts, controls),
        Query::SessionControls => access::session_controls(facts),
        Query::LogAccess => access::log_access(facts),
        Query::RetentionStatus => retention::status(facts, runs),
        Query::LegalHolds => holds::legal_holds(facts, runs),
        Query::DisposalEvents => records::disposal_events(facts),
        Query::ExportsIssued => records::exports_issued(facts),
        Query::MetricsWindow => decisions::metrics(facts),
        Query::IncidentTimeline => operations::incident_timeline(facts),
        Query::IncidentDeadlines => operations::incident_deadlines(facts),
        Query::KeyEvents => operations::key_events(facts),
        Query::ConfigChanges => operations::config_changes(facts),
        Query::ClockHealth => Ok(operations::clock_health()),
        Query::AttestationsValid => Ok(evidence::attestations_valid(controls)),
        Query::SystemRegistryView => operations::system_registry(facts),
        Query::AlertsHandled => operations::alerts_handled(facts),
        Query::RestoreVerification => operations::restore_verification(facts),
        Query::TenantIsolation => Ok(operations::tenant_isolation()),
        Query::SoftwareProvenance => operations::software_provenance(facts),
        Query::SubjectRequests => Ok(records::subject_requests(facts, runs)),
    }
}

/// What was linked to one control or duty: one artifact that stands is enough.
pub(super) fn by_control(brought: &Brought) -> Answer {
    let standing = |wanted: Standing| {
        brought.artifacts.iter().filter(|linked| linked.standing == wanted).count() as u64
    };
    let valid = standing(Standing::Valid);
    let kept = (brought.artifacts.len() as u64).saturating_sub(standing(Standing::Missing));
    let answer = Answer::counted(kept, valid, 1).over(brought.span());
    match standing(Standing::Missing) {
        0 => answer,
        erased => answer.gap(format!("{erased} linked artifacts are erased")),
    }
}

/// Entries of the period by people: whose identity somebody must have checked.
fn by_people(facts: &Facts<'_, impl Read>, types: &[EntryType]) -> Result<Answer, Corruption> {
    let span = facts.span(types, &facts.period)?;
    let unchecked = facts.unchecked(types, &facts.period)?;
    Ok(of_period(Answer::all(span, span.count.saturating_sub(unchecked)))
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED))
}

/// Says how far back an answer looks.
fn of_period(answer: Answer) -> Answer {
    answer.with("period_days", PERIOD_DAYS)
}

const NOT_COUNTED: &str =
    "the ledger counts outcomes and unchecked identities only from a later entry on";

const CUT: &str = "there are more entries than are read one by one, and the oldest were not";
