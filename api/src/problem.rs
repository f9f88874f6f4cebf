//! What went wrong, for programs and people: RFC 9457.
//!
//! Every refusal of the interface is a [`Problem`] with a [`Code`] of the table
//! below, and nothing else is. Texts from inside (storage, panics, paths) have
//! no way in: an internal failure has one fixed text.
//!
//! Invariants
//! - A code is never removed and never changes its meaning or status.

use std::fmt;

use axum::http::StatusCode;
use governance::access::Denied;
use governance::{Corruption, Rejection};
use types::{Json, Object};

use crate::backend::{ChangeRefused, Unavailable};

/// Faults beyond this many are counted, not listed: one per line helps nobody
/// any more.
const FAULTS_MAX: usize = 100;

/// A stable name for one kind of refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// On the wire.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    /// The same for people.
    pub title: &'static str,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} {})", self.status, self.name)
    }
}

macro_rules! codes {
    ($($constant:ident = $status:literal $name:literal $title:literal;)*) => {
        impl Code {
            $(#[doc = $title] pub const $constant: Self =
                Self { name: $name, status: $status, title: $title };)*

            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$constant,)*];
        }
    };
}

codes! {
    MISSING_LEDGER_ENTRY_HASH = 400 "missing_ledger_entry_hash" "The decision names no ledger entry";
    POLICY_INVALID = 400 "policy_invalid" "The policy is not valid";
    POLICY_MODE_LOOSENS = 400 "policy_mode_loosens" "A request may only tighten the policy mode";
    UNSUPPORTED_FORMAT = 400 "unsupported_format" "There is no such format";
    TENANT_UNSUPPORTED = 400 "tenant_unsupported" "This cluster serves one organisation";
    JOIN_REFUSED = 401 "join_refused" "The node shows nothing that lets it join";
    SESSION_EXPIRED = 401 "session_expired" "The session is over";
    SESSION_REVOKED = 401 "session_revoked" "The session was ended";
    UNAUTHENTICATED = 401 "unauthenticated" "The credential is not valid";
    INVALID_CREDENTIALS = 401 "invalid_credentials" "The name or the password is not right";
    INVALID_CODE = 401 "invalid_code" "The code is not right";
    CHALLENGE_EXPIRED = 401 "challenge_expired" "The login is over";
    ACTOR_NOT_COVERED = 403 "actor_not_covered" "The principal may not act as this actor";
    CSRF_REQUIRED = 403 "csrf_required" "The request does not show that it was meant";
    MFA_REQUIRED = 403 "mfa_required" "A second factor must be enrolled first";
    PASSWORD_EXPIRED = 403 "password_expired" "The password must be changed first";
    PERMISSION_DENIED = 403 "permission_denied" "This is not granted to the principal";
    NOT_AUTHORISED = 403 "not_authorised" "Who asks is not one who may do this";
    SAME_PERSON = 403 "same_person" "This takes a second person";
    PRINCIPAL_MISMATCH = 403 "principal_mismatch" "The body names somebody else";
    NOT_FOUND = 404 "not_found" "There is nothing at this path";
    METRICS_DISABLED = 404 "metrics_disabled" "Metrics are switched off";
    UNKNOWN_DECISION = 404 "unknown_decision" "No such decision is recorded";
    UNKNOWN_ENTRY = 404 "unknown_entry" "No such ledger entry";
    UNKNOWN_CHECKPOINT = 404 "unknown_checkpoint" "No final checkpoint of that size";
    UNKNOWN_KEY = 404 "unknown_key" "No such key";
    UNKNOWN_ESCALATION = 404 "unknown_escalation" "No such escalation";
    UNKNOWN_NODE = 404 "unknown_node" "No such node";
    UNKNOWN_POLICY = 404 "unknown_policy" "No such policy version";
    UNKNOWN_TOKEN = 404 "unknown_token" "No such token is recorded";
    UNKNOWN_OVERRIDE = 404 "unknown_override" "No such override";
    UNKNOWN_ARTIFACT = 404 "unknown_artifact" "No such piece of evidence";
    UNKNOWN_CONTROL = 404 "unknown_control" "No such control";
    UNKNOWN_INTERVENTION = 404 "unknown_intervention" "No such intervention is recorded";
    UNKNOWN_STOP = 404 "unknown_stop" "No such stop is recorded";
    UNKNOWN_EXPORT = 404 "unknown_export" "No such export is recorded";
    UNKNOWN_RISK = 404 "unknown_risk" "No such assessment of risk";
    UNKNOWN_USER = 404 "unknown_user" "No such account";
    UNKNOWN_SESSION = 404 "unknown_session" "No such session";
    UNKNOWN_PROVIDER = 404 "unknown_provider" "No such provider of logins";
    UNKNOWN_ARTICLE = 404 "unknown_article" "There is nothing about such an article";
    UNKNOWN_SYSTEM = 404 "unknown_system" "No such AI system is registered";
    UNKNOWN_INCIDENT = 404 "unknown_incident" "No such incident is recorded";
    UNKNOWN_RECORD = 404 "unknown_record" "No such record of responsibility";
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "The path does not take this method";
    NOT_ACCEPTABLE = 406 "not_acceptable" "The answer has no form the request accepts";
    REQUEST_TIMEOUT = 408 "request_timeout" "The request did not arrive in time";
    ALREADY_ACKNOWLEDGED = 409 "already_acknowledged" "Somebody looks already";
    ALREADY_ACTIVE = 409 "already_active" "This policy is in force already";
    ALREADY_ASSESSED = 409 "already_assessed" "The risk of this decision is assessed already";
    ALREADY_ENROLLED = 409 "already_enrolled" "The account has a second factor";
    ALREADY_EXISTS = 409 "already_exists" "This exists already";
    ALREADY_RESOLVED = 409 "already_resolved" "This has its answer";
    EXPORT_NOT_READY = 409 "not_ready" "The file is not there yet";
    RANGE_NOT_SATISFIABLE = 416 "range_not_satisfiable" "The file has no such piece";
    ALREADY_REVIEWED = 409 "already_reviewed" "This is reviewed already";
    UNKNOWN_HOLD = 404 "unknown_hold" "No such legal hold is recorded";
    ALREADY_RELEASED = 409 "already_released" "The legal hold was released already";
    UNDER_HOLD = 409 "under_hold" "A legal hold keeps this";
    ALREADY_LIFTED = 409 "already_lifted" "The stop was lifted already";
    ALREADY_REVOKED = 409 "already_revoked" "This has ended already";
    ANNEX_IV_INCOMPLETE = 409 "annex_iv_incomplete" "The technical documentation is not complete";
    ALREADY_REPORTED = 409 "already_reported" "The incident was reported already";
    ALREADY_CLOSED = 409 "already_closed" "The incident was closed already";
    ALREADY_SIGNED = 409 "already_signed" "This is signed already";
    APPROVAL_CONSUMED = 409 "approval_consumed" "The approval has yielded its token";
    EXPIRED = 409 "expired" "Its time is over";
    IDEMPOTENCY_CONFLICT = 409 "idempotency_conflict" "The key was used for a different request";
    IMPACT_NOT_ACKNOWLEDGED = 409 "impact_not_acknowledged" "The policy would allow what was denied";
    LAST_ADMIN = 409 "last_admin" "This is the last administrator";
    NOT_ALLOWED = 409 "not_allowed" "Not allowed in the recorded state";
    NOT_CAUGHT_UP = 409 "not_caught_up" "The node has not caught up";
    NOT_LATEST = 409 "not_latest" "Only the latest assessment can be superseded";
    NOTHING_TO_OVERRIDE = 409 "nothing_to_override" "The decision is allowed already";
    ORIGINAL_OUTCOME_MISMATCH = 409 "original_outcome_mismatch" "The decision comes to something else";
    OVERRIDE_CONSUMED = 409 "override_consumed" "The override has yielded its token";
    POLICY_VERSION_CONFLICT = 409 "policy_version_conflict" "Another policy version is active";
    TOKEN_ACTIVE = 409 "token_active" "A token of this decision is active";
    UNSAFE_MEMBERSHIP_CHANGE = 409 "unsafe_membership_change" "The change would endanger the cluster";
    ERASED = 410 "erased" "What was recorded has been erased";
    CONTENT_TOO_LARGE = 413 "content_too_large" "The content is too large";
    CONTEXT_TOO_LARGE = 413 "context_too_large" "The context is too large";
    PAYLOAD_TOO_LARGE = 413 "payload_too_large" "The request is too large";
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The body must be JSON";
    DUPLICATE_KEY = 422 "duplicate_key" "An object has a key twice";
    MALFORMED_JSON = 422 "malformed_json" "The body is not JSON";
    NUMBER_NOT_CANONICAL = 422 "number_not_canonical" "A number would not keep its value";
    PASSWORD_POLICY = 422 "password_policy" "The password is too easy to guess";
    PASSWORD_REUSED = 422 "password_reused" "The password was used before";
    SIGNATURE_INVALID = 422 "signature_invalid" "The signature does not verify";
    UNKNOWN_FIELD = 422 "unknown_field" "The body has a field that is not known";
    UNKNOWN_PARAMETER = 422 "unknown_parameter" "The query has a parameter that is not known";
    VALIDATION_FAILED = 422 "validation_failed" "Request validation failed";
    ACCOUNT_LOCKED = 423 "account_locked" "Too many logins failed";
    OVERLOADED = 429 "overloaded" "The node has as much work as it can take";
    RATE_LIMITED = 429 "rate_limited" "The sender asks more often than it may";
    INTERNAL = 500 "internal" "The node failed to answer";
    MIN_INDEX_TIMEOUT = 503 "min_index_timeout" "The node has not applied that index in time";
    NO_LEADER = 503 "no_leader" "No leader took the request in time";
    NODE_QUARANTINED = 503 "node_quarantined" "The node has stopped serving";
    NOT_FINAL = 503 "not_final" "No final checkpoint covers this yet";
    NOT_READY = 503 "not_ready" "The node is not ready";
    OUTCOME_UNKNOWN = 503 "outcome_unknown" "The request may have been recorded";
    PROVIDER_UNAVAILABLE = 503 "provider_unavailable" "The provider of logins does not answer";
    READ_TIMEOUT = 503 "read_timeout" "The answer was not ready in time";
    STARTING = 503 "starting" "The node is starting";
    UNKNOWN_FRAMEWORK = 404 "unknown_framework" "No such framework";
    UNKNOWN_QUERY = 404 "unknown_query" "The register has no such question";
    EVIDENCE_NOT_LINKED = 409 "evidence_not_linked" "The evidence is not linked to this control";
    ARTIFACT_DOES_NOT_FIT = 422 "artifact_does_not_fit" "The evidence does not stand for this";
    TOO_STALE = 503 "too_stale" "The node cannot show a state as fresh as asked";
}

/// Where in a request a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// JSON pointer into the body (RFC 6901).
    Pointer(String),
    /// Name of a query or path parameter.
    Parameter(String),
    /// Name of a header.
    Header(&'static str),
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What kind of fault.
    pub code: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

impl Fault {
    /// A fault in the body.
    pub fn at(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { place: Place::Pointer(pointer.into()), code, detail: detail.into() }
    }

    /// A fault in the query or the path.
    pub fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { place: Place::Parameter(name.to_owned()), code, detail: detail.into() }
    }

    /// A fault in a header.
    pub fn header(name: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { place: Place::Header(name), code, detail: detail.into() }
    }

    fn to_json(&self) -> Json {
        let (name, value) = match &self.place {
            Place::Pointer(pointer) => ("pointer", pointer.as_str()),
            Place::Parameter(parameter) => ("parameter", parameter.as_str()),
            Place::Header(header) => ("header", *header),
        };
        Json::object([
            (name, value.into()),
            ("code", self.code.into()),
            ("detail", self.detail.as_str().into()),
        ])
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    code: Code,
    detail: String,
    faults: Option<Vec<Fault>>,
    omitted: usize,
    allow: Option<String>,
    /// Seconds after which asking again makes sense.
    retry_after: Option<u64>,
    /// Bytes there are, where a piece was asked for that is none.
    whole: Option<u64>,
    extra: Object,
}

impl Problem {
    /// A refusal of this kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            detail: detail.into(),
            faults: None,
            omitted: 0,
            allow: None,
            retry_after: (code.status == 429).then_some(1),
            whole: None,
            extra: Object::new(),
        }))
    }

    /// 500. The cause goes to the log of the node, never to the caller.
    pub fn internal() -> Self {
        Self::new(Code::INTERNAL, "the node could not answer; its log says why")
    }

    /// 405 with the methods that are taken.
    pub fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(Code::METHOD_NOT_ALLOWED, format!("allowed: {allow}"));
        problem.0.allow = Some(allow);
        problem
    }

    /// 429 of a limit, with the time until one more request fits in it.
    pub fn rate_limited(limit: &str, seconds: u64) -> Self {
        let detail = format!("the limit `{limit}` is reached: ask again in {seconds} s");
        let mut problem = Self::new(Code::RATE_LIMITED, detail);
        problem.0.retry_after = Some(seconds);
        problem
    }

    /// 422 with every fault. `unknown_field` and `unknown_parameter` are the
    /// code of the whole where nothing else is wrong.
    pub fn faults(faults: Vec<Fault>) -> Self {
        let only = |code: Code| faults.iter().all(|fault| fault.code == code.name);
        let code = [Code::UNKNOWN_FIELD, Code::UNKNOWN_PARAMETER].into_iter().find(|c| only(*c));
        Self::listed(code.unwrap_or(Code::VALIDATION_FAILED), faults)
    }

    /// 422 with one fault.
    pub fn fault(fault: Fault) -> Self {
        Self::faults(vec![fault])
    }

    fn listed(code: Code, mut faults: Vec<Fault>) -> Self {
        let count = faults.len();
        let detail = match count {
            1 => "1 field is not valid".to_owned(),
            _ => format!("{count} fields are not valid"),
        };
        let mut problem = Self::new(code, detail);
        problem.0.omitted = count.saturating_sub(FAULTS_MAX);
        faults.truncate(FAULTS_MAX);
        problem.0.faults = Some(faults);
        problem
    }

    /// 400 with what is wrong in a policy, under `prefix` of the body.
    pub fn policy_invalid(faults: &[policy::Fault], prefix: &str) -> Self {
        let faults = faults.iter().map(|fault| {
            let pointer = format!("{prefix}{}", fault.pointer);
            Fault::at(pointer, fault.code, fault.detail.as_str())
        });
        let mut problem = Self::listed(Code::POLICY_INVALID, faults.collect());
        problem.0.detail = "the policy in force stays in force".to_owned();
        problem
    }

    /// 409 with examples of recorded denials that a policy would allow.
    pub fn impact_not_acknowledged(count: u64, examples: Vec<Fault>) -> Self {
        let mut problem = Self::listed(Code::IMPACT_NOT_ACKNOWLEDGED, examples);
        problem.0.detail = format!(
            "{count} decisions that were denied lately would be allowed; load it with \
             `acknowledge_widening` if that is meant"
        );
        problem
    }

    /// 422 with every rule that a new password breaks.
    pub fn password_policy(faults: Vec<Fault>) -> Self {
        Self::listed(Code::PASSWORD_POLICY, faults)
    }

    /// Says when it is worth trying again.
    #[must_use]
    pub fn retry_in(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Adds a member beside those of the standard.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.extra.insert(name, value);
        self
    }

    /// What kind of refusal it is.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// What is wrong, one by one.
    pub fn listed_faults(&self) -> &[Fault] {
        self.0.faults.as_deref().unwrap_or_default()
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Methods for the `Allow` header.
    pub fn allow(&self) -> Option<&str> {
        self.0.allow.as_deref()
    }

    /// The piece asked for is none of a file of so many bytes.
    pub(crate) fn outside(bytes: u64) -> Self {
        let detail = format!("the file has {bytes} bytes");
        let mut problem = Self::new(Code::RANGE_NOT_SATISFIABLE, detail);
        problem.0.whole = Some(bytes);
        problem
    }

    /// Bytes for the `Content-Range` header.
    pub(crate) fn whole(&self) -> Option<u64> {
        self.0.whole
    }

    /// Seconds for the `Retry-After` header.
    pub fn retry_after(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// The members of the body; `instance` is the request id.
    pub fn to_json(&self, instance: &str) -> Json {
        let Inner { code, detail, faults, omitted, extra, .. } = &*self.0;
        let mut body = extra.clone();
        body.insert("type", format!("urn:lexecon:problem:{}", code.name));
        body.insert("title", code.title);
        body.insert("status", u64::from(code.status));
        body.insert("code", code.name);
        body.insert("detail", detail.as_str());
        body.insert("instance", instance);
        if let Some(faults) = faults {
            body.insert("errors", Json::Array(faults.iter().map(Fault::to_json).collect()));
        }
        if 0 < *omitted {
            body.insert("errors_omitted", u64::try_from(*omitted).unwrap_or(u64::MAX));
        }
        Json::Object(body)
    }
}

impl From<Unavailable> for Problem {
    fn from(why: Unavailable) -> Self {
        let code = match why {
            Unavailable::NoLeader => Code::NO_LEADER,
            Unavailable::OutcomeUnknown => Code::OUTCOME_UNKNOWN,
            Unavailable::Overloaded => Code::OVERLOADED,
            Unavailable::TooLarge => Code::PAYLOAD_TOO_LARGE,
            Unavailable::Starting => Code::STARTING,
            Unavailable::Quarantined => Code::NODE_QUARANTINED,
        };
        Self::new(code, why.to_string())
    }
}

impl From<Corruption> for Problem {
    fn from(found: Corruption) -> Self {
        tracing::error!(table = found.table, detail = %found.detail, "stored state is damaged");
        Self::new(Code::NODE_QUARANTINED, "this node found damage in its own state")
    }
}

impl From<Rejection> for Problem {
    fn from(why: Rejection) -> Self {
        let fault = |pointer: &str| Self::fault(Fault::at(pointer, why.code(), why.to_string()));
        match &why {
            Rejection::PolicyInvalid { faults } => Self::policy_invalid(faults, ""),
            Rejection::LifetimeTooLong => fault("/expires_in"),
            Rejection::StockJustification { .. } | Rejection::JustificationTooShort { .. } => {
                fault("/justification")
            }
            Rejection::ExpiryOutOfRange => fault("/expires_at"),
            Rejection::ScopeMismatch { member } => fault(&format!("/scope/{member}")),
            Rejection::RangesInvalid => fault("/ranges"),
            Rejection::NoStop => fault("/stop"),
            Rejection::OutOfBounds { member } | Rejection::HoldEmpty { member } => {
                fault(&format!("/{member}"))
            }
            // A name is that of one code; a test looks for those there are.
            _ => {
                let known = Code::ALL.iter().find(|code| code.name == why.code());
                known.map_or_else(Self::internal, |code| Self::new(*code, why.to_string()))
            }
        }
    }
}

impl From<Denied> for Problem {
    fn from(why: Denied) -> Self {
        let code = match why {
            Denied::Unauthenticated => Code::UNAUTHENTICATED,
            Denied::SessionExpired => Code::SESSION_EXPIRED,
            Denied::SessionRevoked => Code::SESSION_REVOKED,
            Denied::PasswordExpired => Code::PASSWORD_EXPIRED,
            Denied::MfaRequired => Code::MFA_REQUIRED,
            Denied::PermissionDenied => Code::PERMISSION_DENIED,
            Denied::ActorNotCovered => Code::ACTOR_NOT_COVERED,
            Denied::NotAuthorised => Code::NOT_AUTHORISED,
        };
        Self::new(code, why.detail())
    }
}

impl From<ChangeRefused> for Problem {
    fn from(why: ChangeRefused) -> Self {
        let code = match &why {
            ChangeRefused::Unknown(_) => Code::UNKNOWN_NODE,
            ChangeRefused::Unsafe(_) => Code::UNSAFE_MEMBERSHIP_CHANGE,
            ChangeRefused::NotCaughtUp { .. } => Code::NOT_CAUGHT_UP,
            ChangeRefused::JoinRefused => Code::JOIN_REFUSED,
            ChangeRefused::NameInUse(_) => Code::ALREADY_EXISTS,
            ChangeRefused::Unavailable(unavailable) => return unavailable.clone().into(),
        };
        Self::new(code, why.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_listed_up_to_a_bound() {
        let fault = || Fault::at("/x", "unknown_field", "is not known");
        let two = Problem::faults(vec![fault(), Fault::at("/y", "missing", "is required")]);
        assert_eq!(two.code(), Code::VALIDATION_FAILED);
        assert_eq!(two.listed_faults().len(), 2);
        let many = Problem::faults(vec![fault(); FAULTS_MAX + 7]);
        assert_eq!(many.code(), Code::UNKNOWN_FIELD);
        let body = many.to_json("req_1");
        let body = body.as_object().unwrap();
        assert_eq!(body.get("errors_omitted").and_then(Json::as_u64), Some(7));
        assert_eq!(body.get("instance").and_then(Json::as_str), Some("req_1"));
    }

    #[test]
    fn codes_are_unique() {
        for (at, code) in Code::ALL.iter().enumerate() {
            // A file that is not there yet, and a node that is not: the state decides.
            let is_same = |other: &&Code| (other.name, other.status) == (code.name, code.status);
            assert!(Code::ALL[at + 1..].iter().find(is_same).is_none(), "{code:?}");
        }
    }

    #[track_caller]
    fn check_codes<const N: usize>(rejections: [Rejection; N]) {
        for rejection in rejections {
            let name = rejection.code();
            assert_eq!(Problem::from(rejection).code().name, name);
        }
    }

    #[test]
    fn a_rejection_keeps_its_code() {
        let token = types::TokenId(types::Ulid(1));
        check_codes([
            Rejection::IdempotencyConflict { key: "k".to_owned() },
            Rejection::Erased,
            Rejection::NotFounded,
            Rejection::AlreadyFounded,
            Rejection::PolicyModeLoosens { asked: "strict", active: "paranoid" },
            Rejection::PolicyInvalid { faults: Vec::new() },
            Rejection::PolicyVersionConflict { expected: 1, active: 2 },
            Rejection::UnknownPolicy { version: 7 },
            Rejection::AlreadyActive,
            Rejection::ImpactNotAcknowledged { denied_to_allowed: 3 },
            Rejection::NodeNameInUse { name: "n".to_owned() },
            Rejection::NothingToSeal,
            Rejection::CheckpointGone,
            Rejection::NotAVoter { raft_id: types::RaftId(1) },
            Rejection::UnknownKey { id: types::KeyId(types::Ulid(1)) },
            Rejection::AlreadyRevoked,
            Rejection::AlreadySigned,
            Rejection::SignatureInvalid,
            Rejection::AlreadyRecorded,
            Rejection::NotProven,
            Rejection::NotErasable { entry: types::EntryId(0) },
            Rejection::NothingToErase,
            Rejection::UnknownToken { token },
            Rejection::TokenRevoked { token },
            Rejection::TokenExpired { token, at: types::Timestamp(1) },
            Rejection::NotAuthorised,
            Rejection::UnknownEscalation { id: types::EscalationId(types::Ulid(1)) },
            Rejection::AlreadyAcknowledged,
            Rejection::AlreadyResolved,
            Rejection::EscalationExpired,
        ]);
    }

    #[test]
    fn a_rejection_of_what_governs_decisions_keeps_its_code() {
        let token = types::TokenId(types::Ulid(1));
        check_codes([
            Rejection::UnknownDecision,
            Rejection::DecisionErased,
            Rejection::AlreadyAssessed,
            Rejection::NotLatest { risk: types::RiskId(types::Ulid(1)) },
            Rejection::UnknownRecord,
            Rejection::RecordErased,
            Rejection::UnknownOverride { id: types::OverrideId(types::Ulid(1)) },
            Rejection::OverrideErased,
            Rejection::NothingToOverride,
            Rejection::OriginalOutcomeMismatch { effective: "denied" },
            Rejection::SamePerson,
            Rejection::AlreadyReviewed,
            Rejection::NotAllowed { effective: "denied" },
            Rejection::EmergencyStop,
            Rejection::TokenTakenBack,
            Rejection::ApprovalConsumed { id: types::EscalationId(types::Ulid(1)) },
            Rejection::OverrideConsumed { id: types::OverrideId(types::Ulid(1)) },
            Rejection::TokenActive { token, until: types::Timestamp(1) },
            Rejection::UnknownArtifact { artifact: types::ArtifactId(types::Ulid(1)) },
            Rejection::ArtifactErased,
            Rejection::UnknownControl { control: "soc2:CC99".to_owned() },
            Rejection::TooMuchEvidence { subject: String::new(), count: 1000, things: "links" },
            Rejection::UploadsBusy,
            Rejection::ChunkRefused { number: 1 },
            Rejection::UploadIncomplete,
            Rejection::ContentMismatch,
            Rejection::ArtifactSigned { key: types::KeyId(types::Ulid(1)) },
            Rejection::SignerRevoked { key: types::KeyId(types::Ulid(1)) },
            Rejection::SignerExists { key: types::KeyId(types::Ulid(1)) },
            Rejection::UnknownStop { stop: types::StopId(types::Ulid(1)) },
            Rejection::AlreadyLifted { stop: types::StopId(types::Ulid(1)) },
            Rejection::TooMany { things: "stops in force", there: 1000 },
            Rejection::FeatureLevelTooLow { level: 2, needed: 3 },
            Rejection::NameReserved { name: "executive".to_owned() },
            Rejection::UnderHold { entry: types::EntryId(1) },
            Rejection::HoldExists { hold: "h".to_owned() },
            Rejection::UnknownHold { hold: "h".to_owned() },
            Rejection::HoldReleased { hold: "h".to_owned() },
            Rejection::UnknownExport { id: types::ExportId(types::Ulid(1)) },
            Rejection::ExportAnswered,
        ]);
    }

    #[test]
    fn a_denial_keeps_its_code() {
        for denied in [
            Denied::Unauthenticated,
            Denied::SessionExpired,
            Denied::SessionRevoked,
            Denied::PasswordExpired,
            Denied::MfaRequired,
            Denied::PermissionDenied,
            Denied::ActorNotCovered,
            Denied::NotAuthorised,
        ] {
            assert_eq!(Problem::from(denied).code().name, denied.code());
            let late = Problem::from(Rejection::Denied(denied));
            assert_eq!(late.code(), Problem::from(denied).code());
        }
    }

    #[test]
    fn a_rejection_about_accounts_keeps_its_code() {
        check_codes(
            [
                Denied::Unauthenticated,
                Denied::SessionExpired,
                Denied::SessionRevoked,
                Denied::PasswordExpired,
                Denied::MfaRequired,
                Denied::PermissionDenied,
                Denied::ActorNotCovered,
                Denied::NotAuthorised,
            ]
            .map(Rejection::Denied),
        );
        check_codes([
            Rejection::UnknownUser,
            Rejection::UserExists { what: "username" },
            Rejection::LastAdmin,
            Rejection::UserUnchanged { state: "disabled" },
            Rejection::InvalidCredentials,
            Rejection::AccountLocked { until: types::Timestamp(1) },
            Rejection::InvalidCode,
            Rejection::ChallengeExpired,
            Rejection::ChallengeExhausted,
            Rejection::MfaEnrolled,
            Rejection::NoMfa,
            Rejection::UnknownSession,
            Rejection::UnknownApiKey,
            Rejection::JoinRefused,
            Rejection::ArtifactDoesNotFit { kind: "decision_log" },
            Rejection::EvidenceNotLinked { artifact: types::ArtifactId(types::Ulid(1)) },
        ]);
    }

    #[test]
    fn a_rejection_about_systems_keeps_its_code() {
        let system = types::SystemId(types::Ulid(1));
        let incident = types::IncidentId(types::Ulid(1));
        check_codes([
            Rejection::UnknownSystem { system },
            Rejection::SystemExists { system },
            Rejection::UnknownIncident { incident },
            Rejection::IncidentReported { incident },
            Rejection::IncidentClosed { incident },
        ]);
    }

    #[test]
    fn a_rejection_of_a_field_names_it() {
        for rejection in [
            Rejection::LifetimeTooLong,
            Rejection::RangesInvalid,
            Rejection::StockJustification { phrase: "override needed", chars_min: 50 },
            Rejection::JustificationTooShort { chars_min: 20 },
            Rejection::ExpiryOutOfRange,
            Rejection::ScopeMismatch { member: "is_one_time" },
            Rejection::NoStop,
            Rejection::OutOfBounds { member: "actor_prefixes" },
            Rejection::HoldEmpty { member: "filter" },
        ] {
            let name = rejection.code();
            assert_eq!(Problem::from(rejection).listed_faults()[0].code, name);
        }
    }
}
