//! What each command needs, so that nothing is recorded for a principal that
//! lost its right before the command in the order of the log.

use super::{Denied, Permission, Right, authority};
use crate::apply::{Context, Stop};
use crate::command::{Command, ErasureCause, InterventionType, IssueToken, PrincipalKind};
use crate::decision;
use crate::outcome::Rejection;
use crate::store::Store;
use crate::token;

/// What a command needs.
#[rustfmt::skip] // one word a line would fill two screens
pub fn right_of(command: &Command) -> Right {
    use Permission::{ApproveAuditPacket, ManagePolicies, ManageUsers, RequestAuditPacket};
    match command {
        Command::Found(_) | Command::Tick | Command::Checkpoint | Command::Cosign(_)
        | Command::AddKey(_) | Command::Erase(_) | Command::ReportForgotten(_)
        | Command::RecordDivergence(_) | Command::RecordRecovery(_) | Command::Scrub
        | Command::ReportContent(_) | Command::EffectsDone(_) | Command::OpenChallenge(_)
        | Command::OpenSession(_) | Command::FailLogin(_) | Command::TouchCredentials(_)
        | Command::LinkOidc(_) | Command::RecordPersonalReads(_) | Command::RegisterNodeByToken(_)
        | Command::ClaimExport(_) | Command::CompleteExport(_) | Command::FailExport(_) => Right::Node,
        Command::Decide(_) | Command::IssueToken(_) => Right::Actor,
        Command::RevokeToken(_) => Right::ActorOr(ApproveAuditPacket),
        Command::LoadPolicy(_) | Command::RollbackPolicy(_) | Command::LoadGatedPolicy(_) => {
            Right::Holds(ManagePolicies)
        }
        Command::RegisterSystem(_) | Command::UpdateSystem(_) | Command::UpdateAnnexIv(_) => {
            Right::Holds(ManagePolicies)
        }
        Command::RecordIncident(_) => Right::Any,
        Command::ReportIncident(_) | Command::CloseIncident(_) => Right::Holds(ApproveAuditPacket),
        Command::RegisterNode(_) => Right::OperatorOrNode,
        Command::RetireKey(_) | Command::IssueJoinToken(_) => Right::Operator,
        Command::AssessRisk(_) | Command::CreateEscalation(_) | Command::RecordResponsibility(_)
        | Command::UploadChunk(_) | Command::RegisterEvidence(_) | Command::LinkEvidence(_)
        | Command::SignEvidence(_) | Command::RegisterSigner(_) => Right::Any,
        Command::AcknowledgeEscalation(_) | Command::ResolveEscalation(_) => Right::Oversight,
        Command::ExecuteOverride(_) | Command::ReviewOverride(_) | Command::LiftStop(_) => {
            Right::OversightRole
        }
        Command::ReviewResponsibility(_) => Right::OversightOr(ApproveAuditPacket),
        Command::Intervene(intervene) => match intervene.kind {
            InterventionType::EmergencyStop => Right::OversightOr(ManageUsers),
            InterventionType::Approval
            | InterventionType::Override
            | InterventionType::Escalation
            | InterventionType::PolicyException
            | InterventionType::ManualReview => Right::Human,
        },
        Command::ApplyHold(_) | Command::ReleaseHold(_) => Right::Holds(ApproveAuditPacket),
        Command::Anonymize(anonymize) => match anonymize.cause {
            ErasureCause::Request => Right::Holds(ApproveAuditPacket),
            ErasureCause::Retention => Right::Node,
        },
        Command::SetRetention(_) => Right::Node,
        Command::RevokeSigner(_) | Command::CreateUser(_) | Command::UpdateUser(_)
        | Command::ChangeUser(_) | Command::CreateApiKey(_) | Command::RevokeApiKey(_) => Right::Holds(ManageUsers),
        Command::RevokeSession(_) | Command::ChangePassword(_) | Command::EnrollMfa(_)
        | Command::ConfirmMfa(_) | Command::RenewBackupCodes(_) => Right::Own,
        Command::RequestExport(_) => Right::Holds(RequestAuditPacket),
        Command::AnswerExport(_) => Right::Holds(ApproveAuditPacket),
        Command::UpdateRegister(_) => Right::Node,
        Command::LinkControl(_) => Right::Any,
        Command::SetProfile(_) => Right::Holds(ManagePolicies),
        Command::AttestControl(_) => Right::Holds(ApproveAuditPacket),
    }
}

/// Whether somebody must answer for a command even in open mode: an account that
/// nobody made would be worth nothing once the cluster is closed.
#[rustfmt::skip] // one word a line would fill two screens
fn needs_somebody(command: &Command) -> bool {
    match command {
        Command::CreateUser(_) | Command::UpdateUser(_) | Command::ChangeUser(_)
        | Command::ChangePassword(_) | Command::EnrollMfa(_) | Command::ConfirmMfa(_)
        | Command::RenewBackupCodes(_) | Command::OpenChallenge(_) | Command::OpenSession(_)
        | Command::FailLogin(_) | Command::RevokeSession(_) | Command::TouchCredentials(_)
        | Command::CreateApiKey(_) | Command::RevokeApiKey(_) | Command::LinkOidc(_)
        | Command::RecordPersonalReads(_) => true,
        Command::Found(_) | Command::Decide(_) | Command::LoadPolicy(_) | Command::RegisterNode(_)
        | Command::Tick | Command::Checkpoint | Command::Cosign(_) | Command::AddKey(_)
        | Command::RetireKey(_) | Command::Erase(_) | Command::ReportForgotten(_)
        | Command::RecordDivergence(_) | Command::RecordRecovery(_) | Command::Scrub
        | Command::ReportContent(_) | Command::RollbackPolicy(_) | Command::LoadGatedPolicy(_)
        | Command::RevokeToken(_) | Command::AssessRisk(_) | Command::EffectsDone(_)
        | Command::CreateEscalation(_) | Command::AcknowledgeEscalation(_)
        | Command::ResolveEscalation(_) | Command::RecordResponsibility(_)
        | Command::ReviewResponsibility(_) | Command::ExecuteOverride(_)
        | Command::ReviewOverride(_) | Command::IssueToken(_) | Command::UploadChunk(_)
        | Command::RegisterEvidence(_) | Command::LinkEvidence(_) | Command::SignEvidence(_)
        | Command::RegisterSigner(_) | Command::RevokeSigner(_) | Command::Intervene(_)
        | Command::LiftStop(_) | Command::IssueJoinToken(_) | Command::RegisterNodeByToken(_)
        | Command::ApplyHold(_) | Command::ReleaseHold(_) | Command::Anonymize(_)
        | Command::SetRetention(_) | Command::RequestExport(_) | Command::AnswerExport(_)
        | Command::ClaimExport(_) | Command::CompleteExport(_) | Command::FailExport(_)
        | Command::RegisterSystem(_) | Command::UpdateSystem(_) | Command::RecordIncident(_)
        | Command::ReportIncident(_) | Command::CloseIncident(_) | Command::UpdateAnnexIv(_)
        | Command::SetProfile(_) | Command::UpdateRegister(_) | Command::LinkControl(_)
        | Command::AttestControl(_) => false,
    }
}

/// From this feature level on there are accounts.
const ACCOUNTS: u32 = 4;

/// From this feature level on there is what regulators and auditors ask for.
pub(crate) const EVIDENCE: u32 = 5;

/// Refuses what is about accounts where they do not exist yet.
pub(crate) fn check_level<S: Store>(context: &mut Context<'_, S>) -> Result<(), Stop> {
    need_level(context, ACCOUNTS)
}

/// Refuses what a cluster of a lower feature level does not know.
pub(crate) fn need_level<S: Store>(context: &mut Context<'_, S>, needed: u32) -> Result<(), Stop> {
    let level = context.cache.feature_level(context.tables.read())?;
    if level < needed {
        return Err(Rejection::FeatureLevelTooLow { level, needed }.into());
    }
    Ok(())
}

/// Refuses a command whose principal has not the right to it, now.
pub(crate) fn admit<S: Store>(context: &Context<'_, S>) -> Result<(), Stop> {
    let envelope = context.envelope;
    if envelope.principal.kind == PrincipalKind::Nobody && needs_somebody(&envelope.command) {
        return Err(Rejection::Denied(Denied::PermissionDenied).into());
    }
    let right = right_of(&envelope.command);
    let read = context.tables.read();
    let authority = match authority(read, &envelope.principal, context.applied.at)? {
        Ok(authority) => authority,
        Err(denied) => return Err(Rejection::Denied(denied).into()),
    };
    let actor = actor_of(context)?;
    authority.permits(right, actor.as_deref()).map_err(|why| Rejection::Denied(why).into())
}

/// Whom a command is about, where its right depends on that.
fn actor_of<S: Store>(context: &Context<'_, S>) -> Result<Option<String>, Stop> {
    let command = &context.envelope.command;
    if let Command::Decide(decide) = command {
        return Ok(Some(decide.actor.clone()));
    }
    if let Command::RevokeToken(revoke) = command {
        return token::actor_of(context, revoke.token);
    }
    let Command::IssueToken(IssueToken { decision, .. }) = command else { return Ok(None) };
    // What is not recorded, or is erased, is for the service to say.
    match decision::known(context.tables.read(), *decision) {
        Ok(known) => Ok(Some(known.request.actor)),
        Err(Stop::Rejected(_)) => Ok(None),
        Err(corrupt @ Stop::Corrupt(_)) => Err(corrupt),
    }
}
