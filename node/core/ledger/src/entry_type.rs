//! What an entry records. The words are part of the format: append-only, never
//! renamed.

use std::fmt;
use std::str::FromStr;

macro_rules! entry_types {
    ($($name:ident = $word:literal,)*) => {
        /// What an entry records, by its word in the header.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EntryType {
            $(#[doc = concat!("`", $word, "`")] $name,)*
        }

        impl EntryType {
            /// Every type there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the header.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// A comparison with each word of the same length: verifiers ask this
            /// of every entry.
            fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

entry_types! {
    Genesis = "genesis",
    NodeJoined = "node_joined",
    MembershipChanged = "membership_changed",
    LeaderTransferred = "leader_transferred",
    SnapshotRestored = "snapshot_restored",
    Recovery = "recovery",
    FeatureLevelChanged = "feature_level_changed",
    KeyAdded = "key_added",
    KeyRetired = "key_retired",
    DivergenceDetected = "divergence_detected",
    ConfigChanged = "config_changed",
    BackupCreated = "backup_created",
    PolicyLoaded = "policy_loaded",
    PolicyRolledBack = "policy_rolled_back",
    Decision = "decision",
    TokenIssued = "token_issued",
    TokenRevoked = "token_revoked",
    RiskAssessed = "risk_assessed",
    EscalationCreated = "escalation_created",
    EscalationAcknowledged = "escalation_acknowledged",
    EscalationResolved = "escalation_resolved",
    EscalationExpired = "escalation_expired",
    OverrideExecuted = "override_executed",
    OverrideReviewed = "override_reviewed",
    OverrideLapsed = "override_lapsed",
    Intervention = "intervention",
    EmergencyStopLifted = "emergency_stop_lifted",
    EvidenceRegistered = "evidence_registered",
    EvidenceLinked = "evidence_linked",
    EvidenceSigned = "evidence_signed",
    SignerRegistered = "signer_registered",
    SignerRevoked = "signer_revoked",
    ResponsibilityRecorded = "responsibility_recorded",
    ResponsibilityReviewed = "responsibility_reviewed",
    ControlEvidenceLinked = "control_evidence_linked",
    ControlAttested = "control_attested",
    LegalHoldApplied = "legal_hold_applied",
    LegalHoldReleased = "legal_hold_released",
    AnonymizationRun = "anonymization_run",
    IncidentRecorded = "incident_recorded",
    IncidentReported = "incident_reported",
    IncidentClosed = "incident_closed",
    AnnexIvUpdated = "annex_iv_updated",
    SystemRegistered = "system_registered",
    SystemUpdated = "system_updated",
    ProfileUpdated = "profile_updated",
    RegisterUpdated = "register_updated",
    AuditExportRequested = "audit_export_requested",
    AuditExportApproved = "audit_export_approved",
    AuditExportRejected = "audit_export_rejected",
    AuditExportCompleted = "audit_export_completed",
    AuditExportFailed = "audit_export_failed",
    UserCreated = "user_created",
    UserUpdated = "user_updated",
    UserDisabled = "user_disabled",
    UserEnabled = "user_enabled",
    UserUnlocked = "user_unlocked",
    PasswordChanged = "password_changed",
    MfaEnrolled = "mfa_enrolled",
    MfaReset = "mfa_reset",
    BackupCodesRenewed = "backup_codes_renewed",
    LoginSucceeded = "login_succeeded",
    LoginFailed = "login_failed",
    AccountLocked = "account_locked",
    SessionRevoked = "session_revoked",
    ApiKeyCreated = "api_key_created",
    ApiKeyRevoked = "api_key_revoked",
    OidcLinked = "oidc_linked",
    PersonalDataRead = "personal_data_read",
}

impl EntryType {
    /// Whether a part of such an entry may ever be erased. Never where other
    /// entries could not be verified or replayed without it.
    pub fn is_erasable(self) -> bool {
        !matches!(
            self,
            Self::Genesis
                | Self::NodeJoined
                | Self::MembershipChanged
                | Self::Recovery
                | Self::FeatureLevelChanged
                | Self::KeyAdded
                | Self::KeyRetired
                | Self::DivergenceDetected
                | Self::PolicyLoaded
                | Self::PolicyRolledBack
                | Self::LegalHoldApplied
                | Self::LegalHoldReleased
                | Self::AnonymizationRun
        )
    }
}

impl fmt::Display for EntryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no entry type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entry type")]
pub struct EntryTypeError;

impl FromStr for EntryType {
    type Err = EntryTypeError;

    fn from_str(word: &str) -> Result<Self, EntryTypeError> {
        Self::of(word).ok_or(EntryTypeError)
    }
}
