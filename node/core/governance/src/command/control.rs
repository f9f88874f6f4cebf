//! What an organisation says of itself, and what humans add to what the ledger
//! shows of a control or a duty.
//!
//! Controls and the kinds of evidence they take are texts here: the regulatory
//! data belongs to a release of the program, and replicas of two releases must
//! come to the same state. What they mean is judged where a request is asked.

use serde::{Deserialize, Serialize};
use types::{ArtifactId, Digest, Timestamp};

/// Says what the organisation is, from which it follows what applies to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetProfile {
    /// Its name.
    pub organisation_name: String,
    /// What it is to AI systems, such as `deployer`.
    pub roles: Vec<String>,
    /// Which systems it has, such as `annex_iii`.
    pub risk_routes: Vec<String>,
    /// Where it works.
    pub jurisdictions: Vec<String>,
    /// Frameworks it answers to; none is all of them.
    pub frameworks: Vec<String>,
    /// Why it is said now.
    pub reason: String,
}

/// A node has newer regulatory data than the ledger names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateRegister {
    /// Version of the data: texts in the order of time.
    pub version: String,
    /// Digest of the data.
    pub digest: Digest,
}

/// Says that a piece of evidence stands for what a control asks of humans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkControl {
    /// A framework, or `eu_ai_act`.
    pub framework: String,
    /// A control of it, or a duty.
    pub control_id: String,
    /// The evidence.
    pub artifact: ArtifactId,
    /// Kinds of evidence that it stands for.
    pub evidence_types: Vec<String>,
}

/// Vouches for what was linked to a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttestControl {
    /// A framework, or `eu_ai_act`.
    pub framework: String,
    /// A control of it, or a duty.
    pub control_id: String,
    /// The evidence it rests on.
    pub artifacts: Vec<ArtifactId>,
    /// What is vouched for.
    pub statement: String,
    /// Until when; without end where nobody says.
    pub valid_until: Option<Timestamp>,
}
