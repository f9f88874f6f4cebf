//! The answer of a query, in the form of the register's query contract.
//!
//! An empty population shows nothing, and nothing that is not recorded can be
//! shown: both are inconclusive, and the completeness statement says which.

use register::{Query, QueryOutcome};
use sha2::{Digest as _, Sha256};
use types::{Digest, EntryId, Json, Object, Timestamp};

use super::facts::Span;

/// Which meaning of the queries this is; a change of what one looks at or when
/// it passes is another one.
pub const QUERIES_VERSION: u32 = 1;

/// What a query found, up to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResult {
    /// Which.
    pub query: Query,
    /// Which meaning of it.
    pub version: u32,
    /// How many are as they have to be.
    pub count: u64,
    /// Of how many.
    pub population: u64,
    /// How many have to be.
    pub threshold: u64,
    /// What follows.
    pub result: QueryOutcome,
    /// What was looked for, and how far back.
    pub parameters: Json,
    /// First and last entry that was counted, and what the ledger does not tell.
    pub completeness: Json,
    /// SHA-256 of all of this as canonical JSON, with the entry up to which.
    pub digest: Digest,
    /// The time of the last entry that was counted.
    pub last_at: Option<Timestamp>,
}

impl QueryResult {
    /// Whether there is as much as there has to be.
    pub fn is_satisfied(&self) -> bool {
        self.result == QueryOutcome::Pass
    }

    /// The same where one thing more has to be so, and is not.
    pub(super) fn lacking(&self, as_of: EntryId, wanted: (&str, Json), gap: String) -> Self {
        let mut lacking = Self {
            population: self.population.saturating_add(1),
            threshold: self.threshold.saturating_add(1),
            result: QueryOutcome::Fail,
            ..self.clone()
        };
        if let Json::Object(parameters) = &mut lacking.parameters {
            parameters.insert(wanted.0, wanted.1);
        }
        if let Json::Object(completeness) = &mut lacking.completeness {
            let gaps = completeness.get("gaps").and_then(Json::as_array).unwrap_or_default();
            let gaps = gaps.iter().cloned().chain([gap.into()]).collect();
            completeness.insert("gaps", Json::Array(gaps));
        }
        lacking.digest = lacking.digested(as_of);
        lacking
    }

    /// The digest of all the rest of it.
    fn digested(&self, as_of: EntryId) -> Digest {
        let whole = Json::object([
            ("as_of_index", as_of.0.into()),
            ("completeness", self.completeness.clone()),
            ("count", self.count.into()),
            ("parameters", self.parameters.clone()),
            ("population", self.population.into()),
            ("query", self.query.as_str().into()),
            ("result", self.result.as_str().into()),
            ("threshold", self.threshold.into()),
            ("version", self.version.into()),
        ]);
        Digest(Sha256::digest(whole.to_canonical().as_bytes()).into())
    }
}

/// A result in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    population: u64,
    count: u64,
    threshold: u64,
    is_open: bool,
    parameters: Object,
    span: Span,
    gaps: Vec<String>,
}

impl Answer {
    /// There are facts of this kind, and one is enough.
    pub(super) fn any(span: Span) -> Self {
        Self { population: span.count, count: span.count, threshold: 1, span, ..Self::default() }
    }

    /// So many of these are as all of them have to be.
    pub(super) fn all(span: Span, conforming: u64) -> Self {
        let population = span.count;
        let count = conforming.min(population);
        Self { population, count, threshold: population, span, ..Self::default() }
    }

    /// So many have to be, of things that are not entries.
    pub(super) fn counted(population: u64, count: u64, threshold: u64) -> Self {
        Self { population, count, threshold, ..Self::default() }
    }

    /// The ledger records nothing that would tell.
    pub(super) fn untold(why: &str) -> Self {
        Self { threshold: 1, ..Self::default() }.open(why)
    }

    pub(super) fn over(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.parameters.insert(name, value);
        self
    }

    /// Something the reader must know, and that changes nothing.
    pub(super) fn gap(mut self, gap: impl Into<String>) -> Self {
        self.gaps.push(gap.into());
        self
    }

    /// Something without which it cannot be told that all is as it has to be.
    pub(super) fn open(mut self, gap: impl Into<String>) -> Self {
        self.is_open = true;
        self.gap(gap)
    }

    /// The same where there is such a thing.
    pub(super) fn open_if(self, is_so: bool, gap: impl Into<String>) -> Self {
        if is_so { self.open(gap) } else { self }
    }

    pub(super) fn last(&self) -> Option<EntryId> {
        self.span.last
    }

    fn result(&self) -> QueryOutcome {
        if self.population == 0 {
            QueryOutcome::Inconclusive
        } else if self.count < self.threshold {
            QueryOutcome::Fail
        } else if self.is_open {
            QueryOutcome::Inconclusive
        } else {
            QueryOutcome::Pass
        }
    }

    /// The result of a query up to an entry.
    pub(super) fn finish(
        self,
        query: Query,
        as_of: EntryId,
        last_at: Option<Timestamp>,
    ) -> QueryResult {
        let result = self.result();
        let id = |id: Option<EntryId>| Json::from(id.map(|id| id.0));
        let completeness = Json::object([
            ("first", id(self.span.first)),
            ("last", id(self.span.last)),
            ("gaps", self.gaps.into()),
        ]);
        let finished = QueryResult {
            query,
            version: QUERIES_VERSION,
            count: self.count,
            population: self.population,
            threshold: self.threshold,
            result,
            parameters: Json::Object(self.parameters),
            completeness,
            digest: Digest::default(),
            last_at,
        };
        QueryResult { digest: finished.digested(as_of), ..finished }
    }
}
