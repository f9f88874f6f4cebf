//! What each operation does, one file per noun, over a [`Call`] that was
//! checked. gRPC comes through here too.

pub(crate) mod access;
pub(crate) mod ai_incidents;
pub(crate) mod annex_iv;
pub(crate) mod as_of;
pub(crate) mod auth;
pub(crate) mod cluster;
pub(crate) mod decision;
pub(crate) mod document;
pub(crate) mod escalation;
pub(crate) mod evidence;
pub(crate) mod exports;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod named;
pub(crate) mod overrides;
pub(crate) mod oversight;
pub(crate) mod policy;
pub(crate) mod recording;
pub(crate) mod responsibility;
pub(crate) mod retention;
pub(crate) mod risk;
pub(crate) mod signers;
pub(crate) mod system;
pub(crate) mod systems;
pub(crate) mod token;

pub(crate) mod compliance;

use governance::command::{Principal, PrincipalKind};
use types::EntryId;

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::consistency;
use crate::problem::Problem;
use crate::routes::{Access, Op};

/// Answers a call. A test asks for every operation.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.access {
        Access::Read | Access::Audit | Access::Compute => consistency::settle(app, &call).await?,
        Access::Probe | Access::Static | Access::Write => (),
    }
    let principal = call.principal.clone();
    let answer = carry_out(app, call).await?;
    if let Some(entries) = answer.personal {
        note_read(app, &principal, entries);
    }
    Ok(answer)
}

/// Notes who was shown personal parts. Nodes and those without credential are
/// no one whose curiosity a record could show.
fn note_read<B: Backend>(app: &App<B>, principal: &Principal, entries: (EntryId, EntryId)) {
    match principal.kind {
        PrincipalKind::User | PrincipalKind::ApiKey => {
            app.backend.note_personal_read(principal, Some(entries));
        }
        PrincipalKind::Node | PrincipalKind::Nobody => (),
    }
}

async fn carry_out<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::Decide => decision::decide(app, call).await,
        Op::DecideBatch => decision::batch::decide(app, call).await,
        Op::DecideVerify => decision::verify::verify(app, call).await,
        Op::Decision => decision::record::get(app, &call),
        Op::Decisions => decision::list::list_decisions(app, call).await,
        Op::Receipt => decision::receipt::receipt(app, &call).await,
        Op::Evaluation => access::evaluate(app, call).await,
        Op::Evaluations => access::evaluations::evaluate(app, call).await,
        Op::Replay => decision::replay::replay(app, &call).await,
        Op::TokenIssue => decision::token::issue(app, call).await,
        Op::TokenVerify => token::verify(app, call),
        Op::Token => token::get(app, &call),
        Op::TokenRevoke => token::revoke(app, call).await,
        Op::Policies => policy::list_versions(app, &call).await,
        Op::PolicyLoad => policy::load::load(app, call).await,
        Op::PolicyValidate => policy::load::validate(app, call).await,
        Op::PolicyExplain => policy::explain::explain(app, call).await,
        Op::PolicyImpact => policy::impact::impact(app, call).await,
        Op::PolicyRollback => policy::load::rollback(app, call).await,
        Op::Policy => policy::get(app, &call),
        Op::PolicyActive => policy::active(app),
        Op::Entries => ledger::entries::list_entries(app, call).await,
        Op::Entry => ledger::entries::entry(app, &call).await,
        Op::LedgerVerify => ledger::verify::verify(app, &call).await,
        Op::LedgerCheckpoint => ledger::checkpoint::last(app, &call).await,
        Op::Checkpoints => ledger::checkpoint::list_final(app, &call).await,
        Op::Inclusion => ledger::proof::inclusion(app, &call).await,
        Op::Consistency => ledger::proof::consistency(app, &call).await,
        Op::Checkpoint => ledger::checkpoint::note(app),
        Op::Tile => ledger::tile::tile(app, &call).await,
        Op::Keys => keys::list_keys(app),
        Op::KeyRotate => keys::rotate(app, call).await,
        Op::KeyRetire => keys::retire(app, call).await,
        Op::Health => system::health(app),
        Op::Live => Ok(system::live()),
        Op::Ready => system::ready(app, &call),
        Op::Startup => system::startup(app),
        Op::Status => system::status(app),
        Op::Metrics => system::metrics(app).await,
        Op::ClusterStatus => cluster::status(app),
        Op::Divergence => cluster::divergence::compare(app, &call),
        Op::Nodes => cluster::nodes(app),
        Op::NodeAdd => cluster::change::add(app, call).await,
        Op::NodePromote | Op::NodeDemote | Op::NodeRemove => {
            cluster::change::member(app, call).await
        }
        Op::TransferLeader => cluster::change::transfer(app, call).await,
        Op::Snapshot => cluster::snapshot(app).await,
        Op::OpenApi => Ok(Answer::bytes("application/json", app.shared.openapi.clone())),
        Op::Docs => system::docs::page(&call.path),
        Op::Root => Ok(system::root(app)),
        _ => govern(app, call).await,
    }
}

/// What governs decisions: risk, escalations, overrides, responsibility, evidence
/// and the oversight of humans.
async fn govern<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::RiskAssess => risk::assess(app, call).await,
        Op::Risk => risk::get(app, &call),
        Op::RiskOfDecision => risk::of_decision(app, &call).await,
        Op::Risks => risk::list_risks(app, &call).await,
        Op::EscalationCreate => escalation::create(app, call).await,
        Op::EscalationAcknowledge => escalation::acknowledge(app, call).await,
        Op::EscalationResolve => escalation::resolve(app, call).await,
        Op::Escalation => escalation::get(app, &call),
        Op::Escalations => escalation::escalations(app, &call).await,
        Op::EscalationViolations => escalation::violations(app, &call).await,
        Op::ResponsibilityChain => responsibility::chain(app, &call).await,
        Op::ResponsibilityParty => responsibility::party(app, &call).await,
        Op::ResponsibilityLegal => responsibility::legal(app, &call).await,
        Op::ResponsibilityReport => responsibility::report(app, &call).await,
        Op::ResponsibilityPending => responsibility::pending(app, &call).await,
        Op::ResponsibilityRecord => responsibility::record(app, call).await,
        Op::ResponsibilityReview => responsibility::review(app, call).await,
        Op::OverrideExecute => overrides::execute(app, call).await,
        Op::OverrideReview => overrides::review(app, call).await,
        Op::Override => overrides::get(app, &call),
        Op::OverridesOfDecision => overrides::of_decision(app, &call).await,
        Op::OverrideActive => overrides::active(app, &call),
        Op::OverridesPending => overrides::pending(app, &call).await,
        Op::ArtifactRegister
        | Op::ArtifactLink
        | Op::Artifact
        | Op::ArtifactContent
        | Op::ArtifactVerify
        | Op::ArtifactSign
        | Op::ArtifactsOfDecision
        | Op::ArtifactLineage
        | Op::Artifacts
        | Op::ArtifactStatistics => evidence::answer(app, call).await,
        Op::Intervene => oversight::intervention::record(app, call).await,
        Op::InterventionVerify => oversight::verify::verify(app, call),
        Op::StopLift => oversight::stop::lift(app, call).await,
        Op::Effectiveness => oversight::effectiveness::report(app, &call).await,
        Op::SignerRegister | Op::Signers | Op::SignerRevoke => signers::answer(app, call).await,
        _ => account_for(app, call).await,
    }
}

/// What regulators and auditors ask for.
async fn account_for<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::Profile
        | Op::ProfileSet
        | Op::ComplianceStatistics
        | Op::Timeline
        | Op::Queries
        | Op::Query
        | Op::Register
        | Op::RegisterArticle
        | Op::Controls
        | Op::Gaps
        | Op::ComplianceReport
        | Op::Coverage
        | Op::Control
        | Op::ControlLink
        | Op::ControlAttest => compliance::answer(app, call).await,
        Op::HoldApply
        | Op::Holds
        | Op::HoldRelease
        | Op::Anonymize
        | Op::RecordStatus
        | Op::RegulatoryPackage
        | Op::OversightPackage => retention::answer(app, call).await,
        Op::ExportRequest
        | Op::ExportStatus
        | Op::ExportApprove
        | Op::ExportReject
        | Op::Exports
        | Op::ExportDownload => exports::answer(app, call).await,
        Op::SystemRegister | Op::Systems | Op::System | Op::SystemUpdate => {
            systems::answer(app, call).await
        }
        Op::IncidentRecord
        | Op::Incidents
        | Op::Incident
        | Op::IncidentReport
        | Op::IncidentClose => ai_incidents::answer(app, call).await,
        Op::AnnexIv | Op::AnnexIvUpdate => annex_iv::answer(app, call).await,
        Op::Article11Document | Op::ArticleDocument | Op::AnnexIvPackage => {
            document::answer(app, &call).await
        }
        _ => auth::answer(app, call).await,
    }
}
