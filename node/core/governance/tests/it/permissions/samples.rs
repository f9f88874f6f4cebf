//! One of every command, in the order in which they are declared.

use super::Subject;
use crate::people::{change, create, creating, new_key, new_user, revoking, update, updating};
use crate::support::{EXECUTIVE, decide, erase, found, intervene, load, node, policy, stop};
use crate::systems::{close, incident, register, report, section, update as update_system};
use governance::access::AccountRole;
use governance::command::*;
use governance::export::{ExportFormat, Scope};
use governance::record::{
    ArtifactKind, DecisionMaker, OverrideKind, Resolution, ResponsibilityLevel, ReviewOutcome,
    ReviewVerdict, Trigger,
};
use types::{
    ApiKeyId, ArtifactId, Digest, EntryId, EscalationId, ExportId, KeyId, LogIndex, OverrideId,
    RaftId, ResponsibilityId, SessionId, StopId, Timestamp, Ulid, UserId,
};
use types::{IncidentId, SystemId};

/// Every variant by its name: one that is added breaks the build here.
macro_rules! commands {
    ($($variant:ident)*) => {
        pub(super) const NAMES: &[&str] = &[$(stringify!($variant)),*];

        pub(super) fn name(command: &Command) -> &'static str {
            match command {
                $(Command::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

commands! {
    Found Decide LoadPolicy RegisterNode Tick Checkpoint Cosign AddKey RetireKey Erase
    ReportForgotten RecordDivergence RecordRecovery Scrub ReportContent RollbackPolicy
    LoadGatedPolicy RevokeToken AssessRisk EffectsDone CreateEscalation AcknowledgeEscalation
    ResolveEscalation RecordResponsibility ReviewResponsibility ExecuteOverride ReviewOverride
    IssueToken UploadChunk RegisterEvidence LinkEvidence SignEvidence RegisterSigner RevokeSigner
    Intervene LiftStop CreateUser UpdateUser ChangeUser ChangePassword EnrollMfa ConfirmMfa
    RenewBackupCodes OpenChallenge OpenSession FailLogin RevokeSession TouchCredentials
    CreateApiKey RevokeApiKey LinkOidc IssueJoinToken RegisterNodeByToken RecordPersonalReads
    ApplyHold ReleaseHold Anonymize SetRetention
    RequestExport AnswerExport ClaimExport CompleteExport FailExport
    RegisterSystem UpdateSystem RecordIncident ReportIncident CloseIncident UpdateAnnexIv
    SetProfile UpdateRegister LinkControl AttestControl
}

/// What a command is called in the table.
pub(super) fn describe(command: &Command) -> String {
    match command {
        Command::Intervene(intervene) => format!("Intervene {}", intervene.kind.as_str()),
        Command::Anonymize(anonymize) => format!("Anonymize {}", anonymize.cause.as_str()),
        other => name(other).to_owned(),
    }
}

const ID: Ulid = Ulid(7);
const HASH: Digest = Digest([7; 32]);
const USER: UserId = UserId(ID);

fn text() -> String {
    "the patient cannot wait any longer".to_owned()
}

pub(super) fn all(subject: Subject) -> Vec<Command> {
    let mut all = system();
    all.extend(oversight(subject));
    all.extend(evidence(subject));
    all.extend(interventions());
    all.extend(accounts());
    all.extend(retention());
    all.extend(exports());
    all.extend(systems());
    let place = |command: &Command| NAMES.iter().position(|known| *known == name(command));
    all.extend(policies(subject));
    all.extend(controls());
    all.sort_by_key(place);
    all
}

/// What is said of the organisation, and of controls.
fn controls() -> Vec<Command> {
    let profile = SetProfile {
        organisation_name: text(),
        roles: vec!["deployer".to_owned()],
        risk_routes: vec!["minimal".to_owned()],
        jurisdictions: Vec::new(),
        frameworks: Vec::new(),
        reason: text(),
    };
    let (framework, control_id) = ("soc2".to_owned(), "CC6.1".to_owned());
    let link = LinkControl {
        framework: framework.clone(),
        control_id: control_id.clone(),
        artifact: ArtifactId(ID),
        evidence_types: Vec::new(),
    };
    let attest = AttestControl {
        framework,
        control_id,
        artifacts: vec![ArtifactId(ID)],
        statement: text(),
        valid_until: None,
    };
    vec![
        Command::SetProfile(Box::new(profile)),
        Command::UpdateRegister(Box::new(UpdateRegister { version: text(), digest: HASH })),
        Command::LinkControl(Box::new(link)),
        Command::AttestControl(Box::new(attest)),
    ]
}

fn register_node() -> RegisterNode {
    RegisterNode { node: node("n9"), nonce: "nonce".to_owned(), lost_bearer: None }
}

fn system() -> Vec<Command> {
    let raft_id = RaftId(1);
    let place = Place { index: LogIndex(1), sub_index: 0 };
    let claim = Claim {
        size: 1,
        root: HASH,
        feature_level: 4,
        membership_hash: HASH,
        policy_hash: HASH,
        state_hash: HASH,
        at: Timestamp(1),
    };
    let cosign = Cosign { place, claim, key: KeyId(ID), signature: vec![7], rsa: None };
    let add = AddKey {
        raft_id,
        id: KeyId(ID),
        usage: KeyUsage::Export,
        material: KeyMaterial::Ed25519([7; 32]),
        replaces: None,
    };
    let finding = Finding::Content { place };
    let snapshot_index = LogIndex(1);
    vec![
        found(),
        Command::RegisterNode(register_node()),
        Command::Tick,
        Command::Checkpoint,
        Command::Cosign(Box::new(cosign)),
        Command::AddKey(Box::new(add)),
        Command::RetireKey(RetireKey { id: KeyId(ID), compromised: false, reason: text() }),
        erase(ErasedPart::Personal, EntryId(2)),
        Command::ReportForgotten(ReportForgotten { raft_id, through: EntryId(1) }),
        Command::RecordDivergence(Box::new(RecordDivergence { raft_id, finding })),
        Command::RecordRecovery(RecordRecovery { raft_id, first_difference: None, snapshot_index }),
        Command::Scrub,
        Command::ReportContent(ReportContent { raft_id, place, digest: HASH }),
        Command::EffectsDone(Vec::new()),
    ]
}

fn policies(subject: Subject) -> Vec<Command> {
    let Command::LoadPolicy(gated) = load(policy()) else { panic!("no policy") };
    let impact = ImpactFound {
        active_version: 1,
        candidate_hash: HASH,
        from_entry: None,
        to_entry: None,
        decisions_replayed: 0,
        allowed_to_denied: 0,
        denied_to_allowed: 0,
        other_changes: 0,
        unreplayable: 0,
    };
    let Subject { decision, token } = subject;
    vec![
        decide("ai:a", "read"),
        load(policy()),
        Command::RollbackPolicy(Box::new(RollbackPolicy { version: 0, reason: text() })),
        Command::LoadGatedPolicy(Box::new(LoadGatedPolicy { load: *gated, impact })),
        Command::RevokeToken(RevokeToken { token, reason: text() }),
        Command::IssueToken(IssueToken { decision, expires_in_seconds: 60 }),
    ]
}

fn oversight(Subject { decision, .. }: Subject) -> Vec<Command> {
    let (escalation, record, notes) = (EscalationId(ID), ResponsibilityId(ID), text());
    let create = CreateEscalation {
        decision,
        trigger: Trigger::ActorRequest,
        recipients: vec![EXECUTIVE.to_owned()],
        priority: None,
        summary: None,
        metadata: None,
    };
    let assess = AssessRisk {
        decision,
        dimensions: RiskInput { security: Some(7), ..RiskInput::default() },
        likelihood: None,
        impact: None,
        mitigations: Vec::new(),
        supersedes: None,
        metadata: None,
    };
    let said = RecordResponsibility {
        decision,
        maker: DecisionMaker::HumanOperator,
        party: EXECUTIVE.to_owned(),
        role: text(),
        reasoning: text(),
        level: ResponsibilityLevel::Full,
        confidence: None,
        delegated_from: None,
        review_required: false,
    };
    let execute = ExecuteOverride {
        decision,
        kind: OverrideKind::RiskAccepted,
        justification: text(),
        original: None,
        is_conditional: false,
        expires_at: None,
        scope: OverrideScope::default(),
        evidence: Vec::new(),
        metadata: None,
    };
    let (outcome, resolution) = (ReviewOutcome::Accepted, Resolution::Denied);
    let resolve = ResolveEscalation { escalation, resolution, notes: text() };
    let review = ReviewResponsibility { record, outcome, notes: text() };
    let second = ReviewOverride { id: OverrideId(ID), verdict: ReviewVerdict::Upheld, notes };
    vec![
        Command::AssessRisk(Box::new(assess)),
        Command::CreateEscalation(Box::new(create)),
        Command::AcknowledgeEscalation(AcknowledgeEscalation { escalation }),
        Command::ResolveEscalation(Box::new(resolve)),
        Command::RecordResponsibility(Box::new(said)),
        Command::ReviewResponsibility(Box::new(review)),
        Command::ExecuteOverride(Box::new(execute)),
        Command::ReviewOverride(Box::new(second)),
    ]
}

fn evidence(Subject { decision, .. }: Subject) -> Vec<Command> {
    let (artifact, key) = (ArtifactId(ID), KeyId(ID));
    let register = RegisterEvidence {
        kind: ArtifactKind::AuditTrail,
        content: EvidenceContent::Inline(vec![7]),
        content_type: None,
        source: text(),
        decisions: Vec::new(),
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    };
    let chunk = UploadChunk { upload: HASH, number: 0, bytes: vec![7] };
    let sign = SignEvidence { artifact, key, signature: vec![7] };
    let signer = RegisterSigner { name: text(), public_key: [7; 32] };
    vec![
        Command::UploadChunk(Box::new(chunk)),
        Command::RegisterEvidence(Box::new(register)),
        Command::LinkEvidence(Box::new(LinkEvidence { artifact, decision, note: None })),
        Command::SignEvidence(Box::new(sign)),
        Command::RegisterSigner(Box::new(signer)),
        Command::RevokeSigner(Box::new(RevokeSigner { key, reason: text() })),
    ]
}

fn interventions() -> Vec<Command> {
    let review = intervene(InterventionType::ManualReview, "pay", "hold");
    vec![
        Command::Intervene(Box::new(review)),
        stop(None, None),
        Command::LiftStop(LiftStop { stop: StopId(ID), reason: text() }),
    ]
}

fn exports() -> Vec<Command> {
    let export = ExportId(ID);
    let request = RequestExport {
        scope: Scope::All,
        format: ExportFormat::Json,
        from: None,
        to: None,
        ledger_size: None,
        purpose: None,
    };
    let answer = AnswerExport { export, answer: ExportAnswer::Approve, notes: None };
    let built = BuiltExport {
        record_count: 7,
        size_bytes: 7,
        sha256: HASH,
        checkpoint_size: 7,
        erasures_through: None,
        form: 1,
    };
    vec![
        Command::RequestExport(Box::new(request)),
        Command::AnswerExport(Box::new(answer)),
        Command::ClaimExport(ClaimExport { export, worked: 0, percent: 0 }),
        Command::CompleteExport(Box::new(CompleteExport { export, built })),
        Command::FailExport(Box::new(FailExport { export, error: text() })),
    ]
}

fn accounts() -> Vec<Command> {
    let (user, pair, address) = (USER, HASH, "192.0.2.7".to_owned());
    let codes = vec![HASH; 10];
    let password = ChangePassword { user, version: 1, password_hash: text() };
    let confirm =
        ConfirmMfa { user, sealed_secret: vec![7], step: 7, backup_code_hashes: codes.clone() };
    let renew = RenewBackupCodes { user, step: 7, backup_code_hashes: codes };
    let challenge = OpenChallenge {
        user,
        password_version: 1,
        challenge_hash: HASH,
        pair,
        address: address.clone(),
    };
    let proof = LoginProof::Password { version: 1 };
    let session = OpenSession { user, proof, session_hash: HASH, pair, address: address.clone() };
    let fail = FailLogin { user: None, pair, address, challenge_hash: None };
    let account = OidcAccount::Existing(user);
    let link = LinkOidc { provider: text(), subject: text(), account };
    let reads = PersonalReads {
        kind: PrincipalKind::User,
        id: user.to_string(),
        authn: "password".to_owned(),
        from: Timestamp(1),
        to: Timestamp(2),
        replies: 1,
        entries: None,
    };
    let register = RegisterNodeByToken { register: register_node(), token_hash: HASH };
    let issue = IssueJoinToken { token_hash: HASH, expires_in_seconds: 60 };
    vec![
        create(new_user("new", AccountRole::Viewer, &[])),
        updating(update(user)),
        change(user, UserChange::Disable),
        Command::ChangePassword(Box::new(password)),
        Command::EnrollMfa(Box::new(EnrollMfa { user, sealed_secret: vec![7] })),
        Command::ConfirmMfa(Box::new(confirm)),
        Command::RenewBackupCodes(Box::new(renew)),
        Command::OpenChallenge(Box::new(challenge)),
        Command::OpenSession(Box::new(session)),
        Command::FailLogin(Box::new(fail)),
        Command::RevokeSession(RevokeSession { session: SessionId(ID) }),
        Command::TouchCredentials(Box::default()),
        creating(new_key(9, &["ai:b"], &[])),
        revoking(ApiKeyId(ID)),
        Command::LinkOidc(Box::new(link)),
        Command::IssueJoinToken(issue),
        Command::RegisterNodeByToken(Box::new(register)),
        Command::RecordPersonalReads(Box::new(reads)),
    ]
}

/// How long records are kept.
fn retention() -> Vec<Command> {
    let anonymize = |cause| {
        let next = Some(EntryId(0)).filter(|_| cause == ErasureCause::Retention);
        let before = Anonymized::default();
        let (part, ranges, subject) = (ErasedPart::Personal, Vec::new(), None);
        let (candidates, not_looked_at) = (0, 0);
        let anonymize =
            Anonymize { part, ranges, cause, subject, next, before, candidates, not_looked_at };
        Command::Anonymize(Box::new(anonymize))
    };
    let days = RetentionDays { personal: 200, ..RetentionDays::DEFAULT };
    let hold = ApplyHold { hold: None, reason: text(), scope: HoldScope::All };
    vec![
        Command::ApplyHold(Box::new(hold)),
        Command::ReleaseHold(ReleaseHold { hold: "none".to_owned(), reason: text() }),
        anonymize(ErasureCause::Request),
        anonymize(ErasureCause::Retention),
        Command::SetRetention(days),
    ]
}

fn systems() -> Vec<Command> {
    let (system, id) = (SystemId(ID), IncidentId(ID));
    vec![
        register("triage"),
        update_system(system, |_| ()),
        incident(IncidentCategory::Death, 1),
        report(id),
        close(id),
        section(None, 3, r#"{"text":"x"}"#),
    ]
}
