//! OSCAL, the form in which tools of auditors take assessments (NIST, version
//! 1.2): results of what the ledger shows, and what the product offers.
//!
//! Both are pure functions of plain JSON, as `GET /compliance/...` gives it, so
//! that a node that exports and a command that prints make the same bytes. No
//! catalog is carried: controls are named by their ids.
//!
//! Reading order: [`results()`], [`component_definition`], then `token`, which says how ids
//! are spelled.
//!
//! Invariants
//! - `satisfied` is said only of what the system implements or has evidence of
//!   on file; everything else is `not-satisfied` with our own status beside it,
//!   and what does not apply has no finding.
//! - Ids are UUIDs of version 5 over the checkpoint, how much of the ledger below it
//!   was looked at, and what they are of: the same ledger gives the same document.

mod component;
mod results;
mod token;
mod uuid;

use types::Json;

pub use component::component_definition;
pub use results::{Assessed, results};

use token::line;

/// The version of OSCAL that is written.
pub const VERSION: &str = "1.2.1";

/// Whose names the properties are.
const NAMESPACE: &str = "urn:lexecon:oscal";

/// A property of ours, unless its value is blank.
fn property(name: &str, value: &str) -> Option<Json> {
    let value = line(value);
    (!value.is_empty()).then(|| {
        Json::object([("name", name.into()), ("ns", NAMESPACE.into()), ("value", value.into())])
    })
}

fn properties<const N: usize>(named: [(&str, &str); N]) -> Json {
    Json::Array(named.iter().filter_map(|(name, value)| property(name, value)).collect())
}
