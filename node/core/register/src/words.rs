//! The words of the register, each an enum: what its data may name.
//!
//! `build.rs` compiles this file too and refuses data whose vocabulary is not
//! exactly this, so a word that one of them lacks never reaches a program.
//! What the words mean is in the data, and not here.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A word that is none of those asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// What kind of word was asked for.
    pub kind: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no word for a {}", self.kind)
    }
}

impl std::error::Error for UnknownWord {}

macro_rules! words {
    ($($(#[$doc:meta])* $kind:ident { $($name:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {
            $(#[doc = concat!("`", $word, "`")] $name,)+
        }

        impl $kind {
            /// Every one, in the order of the data.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in the data and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$name),)+
                    _ => Err(UnknownWord { kind: stringify!($kind) }),
                }
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                word.parse().map_err(|_| {
                    D::Error::custom(format!("`{word}` is no word for a {}", stringify!($kind)))
                })
            }
        }
    )+};
}

words! {
    /// What a governance ledger is made of, as the data name it.
    Primitive {
        DecisionLog = "decision_log",
        LedgerChain = "ledger_chain",
        LedgerCheckpoint = "ledger_checkpoint",
        PolicyVersion = "policy_version",
        RiskAssessment = "risk_assessment",
        Escalation = "escalation",
        HumanIntervention = "human_intervention",
        ResponsibilityRecord = "responsibility_record",
        EvidenceArtifact = "evidence_artifact",
        CapabilityToken = "capability_token",
        AccessControl = "access_control",
        AuthEvent = "auth_event",
        RetentionSchedule = "retention_schedule",
        LegalHold = "legal_hold",
        ExportPackage = "export_package",
        Metric = "metric",
        SystemRegistry = "system_registry",
        IncidentRecord = "incident_record",
        KeyEvent = "key_event",
        ConfigChange = "config_change",
        AccessReview = "access_review",
        Attestation = "attestation",
        VerificationRun = "verification_run",
        TimeHealth = "time_health",
        DataSubjectRequest = "data_subject_request",
    }

    /// A question to the ledger whose answer is evidence.
    Query {
        DecisionsInWindow = "decisions_in_window",
        DecisionsDenied = "decisions_denied",
        DecisionsBySubject = "decisions_by_subject",
        DecisionExplanation = "decision_explanation",
        LedgerVerify = "ledger_verify",
        LedgerGapCheck = "ledger_gap_check",
        CheckpointsPublished = "checkpoints_published",
        RecordCompleteness = "record_completeness",
        PolicyHistory = "policy_history",
        PolicyApprovals = "policy_approvals",
        PolicyEffectiveAt = "policy_effective_at",
        RiskRegister = "risk_register",
        RiskReviewAge = "risk_review_age",
        RiskTreatmentTrace = "risk_treatment_trace",
        EscalationSla = "escalation_sla",
        OversightInterventions = "oversight_interventions",
        OversightEffectiveness = "oversight_effectiveness",
        StopEvents = "stop_events",
        ResponsibilityChain = "responsibility_chain",
        SeparationOfDuties = "separation_of_duties",
        EvidenceByControl = "evidence_by_control",
        EvidenceHashVerify = "evidence_hash_verify",
        TokensIssued = "tokens_issued",
        TokensRevokedExpired = "tokens_revoked_expired",
        TokenScopeExcess = "token_scope_excess",
        AuthFailures = "auth_failures",
        MfaCoverage = "mfa_coverage",
        UserLifecycle = "user_lifecycle",
        PrivilegedGrants = "privileged_grants",
        AccessReviews = "access_reviews",
        SessionControls = "session_controls",
        LogAccess = "log_access",
        RetentionStatus = "retention_status",
        LegalHolds = "legal_holds",
        DisposalEvents = "disposal_events",
        ExportsIssued = "exports_issued",
        MetricsWindow = "metrics_window",
        IncidentTimeline = "incident_timeline",
        IncidentDeadlines = "incident_deadlines",
        KeyEvents = "key_events",
        ConfigChanges = "config_changes",
        ClockHealth = "clock_health",
        AttestationsValid = "attestations_valid",
        SystemRegistryView = "system_registry_view",
        AlertsHandled = "alerts_handled",
        RestoreVerification = "restore_verification",
        TenantIsolation = "tenant_isolation",
        SoftwareProvenance = "software_provenance",
        SubjectRequests = "subject_requests",
    }

    /// What only people can bring: kinds of documents and statements.
    EvidenceKind {
        PolicyDocument = "policy_document",
        Procedure = "procedure",
        SignedAttestation = "signed_attestation",
        RiskManagementFile = "risk_management_file",
        DatasetDocumentation = "dataset_documentation",
        SignedTestReport = "signed_test_report",
        InstructionsForUse = "instructions_for_use",
        TechnicalDocumentation = "technical_documentation",
        DeclarationOfConformity = "declaration_of_conformity",
        Certificate = "certificate",
        RegistrationConfirmation = "registration_confirmation",
        AuthoritySubmission = "authority_submission",
        Fria = "fria",
        Dpia = "dpia",
        TrainingRecord = "training_record",
        HrRecord = "hr_record",
        OrgChartRoles = "org_chart_roles",
        Minutes = "minutes",
        Contract = "contract",
        VendorAssurance = "vendor_assurance",
        PhysicalSecurityEvidence = "physical_security_evidence",
        InfrastructureConfiguration = "infrastructure_configuration",
        VulnerabilityReport = "vulnerability_report",
        PenetrationTestReport = "penetration_test_report",
        ContinuityPlanAndTest = "continuity_plan_and_test",
        IncidentPlanAndExercise = "incident_plan_and_exercise",
        AssetInventory = "asset_inventory",
        NoticeOrConsent = "notice_or_consent",
        SdlcEvidence = "sdlc_evidence",
        InternalAuditReport = "internal_audit_report",
        PostMarketPlan = "post_market_plan",
        LegalAnalysis = "legal_analysis",
        BusinessImpactAnalysis = "business_impact_analysis",
        BackupEvidence = "backup_evidence",
    }

    /// How much of a duty the ledger can show at all.
    Coverage {
        Full = "full",
        Partial = "partial",
        Supporting = "supporting",
        None = "none",
    }

    /// Whom the act obliges.
    Role {
        Provider = "provider",
        Deployer = "deployer",
        Importer = "importer",
        Distributor = "distributor",
        AuthorisedRepresentative = "authorised_representative",
        ProductManufacturer = "product_manufacturer",
        ThirdPartySupplier = "third_party_supplier",
        GpaiModelProvider = "gpai_model_provider",
        GpaiSystemicRiskProvider = "gpai_systemic_risk_provider",
        NotifiedBody = "notified_body",
        PublicAuthorityOrCommission = "public_authority_or_commission",
    }

    /// Why, or that not, a system is one of high risk.
    RiskRoute {
        AnnexI = "annex_i",
        AnnexIii = "annex_iii",
        Transparency = "transparency",
        Minimal = "minimal",
        Prohibited = "prohibited",
    }

    /// Which systems a date of application is for.
    DateRoute {
        All = "all",
        AnnexIii = "annex_iii",
        AnnexI = "annex_i",
    }

    /// Parts of the act that share their dates.
    DateGroupId {
        Sections123 = "S123",
        Section4 = "S4",
        Section5 = "S5",
        ChapterIv = "CIV",
        ChapterV = "CV",
        ChapterVi = "CVI",
        ChapterVii = "CVII",
        General = "GEN",
        ChaptersIAndIi = "CI",
    }

    /// How settled a date is.
    DateStatus {
        Settled = "settled",
        SettledInForce = "settled_in_force",
        UnresolvedInterpretation = "unresolved_interpretation",
    }

    /// How near an article is to what a governance ledger does.
    Relevance {
        Core = "core",
        Supporting = "supporting",
        Adjacent = "adjacent",
        Context = "context",
    }

    /// The finer status, in the order in which it is looked for: the first that fits.
    Detail {
        NotApplicable = "not_applicable",
        NotYetApplicable = "not_yet_applicable",
        Failing = "failing",
        Inconclusive = "inconclusive",
        Stale = "stale",
        NotCovered = "not_covered",
        NeedsHumanEvidence = "needs_human_evidence",
        SystemEvidencePresentHumanEvidenceMissing = "system_evidence_present_human_evidence_missing",
        EvidenceOnFile = "evidence_on_file",
        ImplementedBySystem = "implemented_by_system",
    }

    /// The status on the wire.
    Status {
        EvidenceSufficient = "evidence_sufficient",
        Partial = "partial",
        NeedsHumanEvidence = "needs_human_evidence",
        Insufficient = "insufficient",
        NotApplicable = "not_applicable",
    }
}

impl Role {
    /// Roles that an organisation can have of itself in its profile.
    pub const DECLARED: [Self; 5] = [
        Self::Provider,
        Self::Deployer,
        Self::Importer,
        Self::Distributor,
        Self::AuthorisedRepresentative,
    ];
}

impl DateRoute {
    /// Whether a date of this route is one for systems of that one.
    pub fn is_for(self, route: RiskRoute) -> bool {
        match self {
            Self::All => true,
            Self::AnnexIii => route == RiskRoute::AnnexIii,
            Self::AnnexI => route == RiskRoute::AnnexI,
        }
    }
}

impl Detail {
    /// The status on the wire that this is a finer name of.
    pub fn status(self) -> Status {
        match self {
            Self::ImplementedBySystem | Self::EvidenceOnFile => Status::EvidenceSufficient,
            Self::SystemEvidencePresentHumanEvidenceMissing => Status::Partial,
            Self::NeedsHumanEvidence => Status::NeedsHumanEvidence,
            Self::Failing | Self::Stale | Self::NotCovered | Self::Inconclusive => {
                Status::Insufficient
            }
            Self::NotApplicable | Self::NotYetApplicable => Status::NotApplicable,
        }
    }
}
