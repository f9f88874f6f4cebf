//! What questions to the ledger find: populations that an auditor can have made
//! again, each with a digest.

use governance::compliance::QueryResult;
use register::Query;
use types::{Json, Object};

use super::Assessed;
use super::framework::AS_OF;
use crate::call::Call;
use crate::problem::{Code, Problem};
use crate::reply::{Member, Value, flag, free, hash, integer, list, text};

const RESULT: [Member; 11] = [
    text("query", "The question."),
    integer("version", "Which meaning of it."),
    integer("count", "How many are as they have to be."),
    integer("population", "Of how many."),
    integer("threshold", "How many have to be."),
    text("result", "`pass`, `fail`, or `inconclusive` where nothing can be told."),
    flag("satisfied", "Whether it passes."),
    free("parameters", "What was looked for, and how far back."),
    free("completeness", "First and last entry counted, and what the ledger does not tell."),
    hash("digest", "SHA-256 of all of this and the entry, as canonical JSON."),
    Member::new("last_evidence_at", Value::Time, "The time of the last entry counted.").or_null(),
];

/// Reply of `GET /compliance/queries`.
pub(crate) const ALL_REPLY: &[Member] =
    &[list("queries", &RESULT, "Every question, in the order of the register."), AS_OF];

/// Reply of `GET /compliance/queries/{query}`.
pub(crate) const REPLY: &[Member] = &with_as_of();

const fn with_as_of() -> [Member; 12] {
    let mut members = [AS_OF; 12];
    let mut at = 0;
    while at < RESULT.len() {
        members[at] = RESULT[at];
        at += 1;
    }
    members
}

/// `GET /compliance/queries`.
pub(super) fn all(assessed: &Assessed, _: &Call) -> Result<Object, Problem> {
    let shown = assessed.whole.results.iter().map(shown).map(Json::Object);
    let mut members = Object::new();
    members.insert("queries", Json::Array(shown.collect()));
    Ok(members)
}

/// `GET /compliance/queries/{query}`.
pub(super) fn one(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let query = asked(call)?;
    let mut results = assessed.whole.results.iter();
    let found = results.find(|found| found.query == query).ok_or_else(Problem::internal)?;
    Ok(shown(found))
}

/// The question that the path names.
pub(super) fn asked(call: &Call) -> Result<Query, Problem> {
    let unknown = |_| Problem::new(Code::UNKNOWN_QUERY, "the register has no such question");
    call.path.to_ascii_lowercase().parse().map_err(unknown)
}

fn shown(found: &QueryResult) -> Object {
    let mut members = Object::new();
    members.insert("query", found.query.as_str());
    members.insert("version", found.version);
    members.insert("count", found.count);
    members.insert("population", found.population);
    members.insert("threshold", found.threshold);
    members.insert("result", found.result.as_str());
    members.insert("satisfied", found.is_satisfied());
    members.insert("parameters", found.parameters.clone());
    members.insert("completeness", found.completeness.clone());
    members.insert("digest", found.digest.to_string());
    members.insert("last_evidence_at", found.last_at.map(|at| at.to_string()));
    members
}
