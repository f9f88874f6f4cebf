//! Words every crate shares: identifiers, time, digests, numbers, canonical JSON.
//!
//! Nothing here knows what governance is. A type moves here only when two
//! crates that do not depend on each other both need it.
//!
//! Reading order: [`json`] (what is hashed), [`id`], [`time`], [`digest`].

pub mod decimal;
pub mod digest;
pub mod id;
pub mod json;
pub mod time;

pub use decimal::Decimal;
pub use digest::Digest;
pub use id::{
    ApiKeyId, ArtifactId, ClusterId, DecisionId, EffectId, EntryId, EscalationId, IdError,
    InterventionId, KeyId, LogIndex, OverrideId, RaftId, RequestUlid, ResponsibilityId, RiskId,
    SessionId, StopId, TokenId, Ulid, UserId,
};
pub use id::{AttestationId, ReportId};
pub use json::{Json, Number, NumberError, Object};
pub use time::{Micros, Timestamp};
