//! The regulatory register: what the EU AI Act and twelve frameworks ask for, as
//! data, and the rules by which a status follows from facts.
//!
//! The data are two YAML files in `data/`, with what may stand in them in the
//! two `.shape` files beside. `build.rs` holds one to the other, and a fault
//! ends the build with its path; here the text is only read. Identifiers are
//! facts; all else is in our own words and no legal advice.
//!
//! There is no state here, no clock and no ledger: `governance::compliance`
//! answers the queries.
//!
//! Reading order: [`words`], [`model`], [`status`], then [`Register`].

#![deny(clippy::float_arithmetic, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]
#![deny(clippy::arithmetic_side_effects, clippy::wildcard_enum_match_arm)]

pub mod model;
pub mod status;
pub mod words;

mod register;

pub use model::{
    Application, Article, Control, DateGroup, Duty, Framework, Milestone, RouteDate, SystemEvidence,
};
pub use register::{EU_AI_ACT, Register, register};
pub use status::{Applies, Integrity, Judged, QueryOutcome, Standing, judge};
pub use words::{
    Coverage, DateGroupId, DateRoute, DateStatus, Detail, EvidenceKind, Primitive, Query,
    Relevance, RiskRoute, Role, Status, UnknownWord,
};
