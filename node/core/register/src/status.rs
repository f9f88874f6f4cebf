//! The status model: from plain facts about one duty or control to its status.
//!
//! Nothing is known here of the ledger. Statuses are computed whenever somebody
//! asks, and never kept.

use crate::words::{Coverage, Detail};

/// Whether a duty or control is one for this organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It is.
    Now,
    /// It will be.
    NotYet,
    /// It is not.
    Never,
}

/// What the ledger's own checks say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// Hashes, gaps and checkpoints were looked at, and hold.
    Verified,
    /// Something that has to hold cannot be told yet.
    Unverified,
    /// Something does not hold.
    Broken,
}

/// The answer of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueryOutcome {
    /// What it looks for is as it has to be.
    Pass,
    /// It is not.
    Fail,
    /// There is nothing to tell by.
    Inconclusive,
}

impl QueryOutcome {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// How a kind of evidence that people must bring stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is there, and somebody who did not bring it says it holds.
    Valid,
    /// It was so once, and that is over.
    Stale,
    /// It is there, and nobody else says it holds.
    Unapproved,
    /// It is not there.
    Missing,
}

/// What is known of one duty or control.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Whether it is one for us.
    pub applies: Applies,
    /// How much the ledger can show.
    pub coverage: Coverage,
    /// Whether the ledger itself holds.
    pub integrity: Integrity,
    /// What each query for it says.
    pub queries: &'a [QueryOutcome],
    /// How each kind of evidence stands that people must bring.
    pub human: &'a [Standing],
}

impl Judged<'_> {
    fn has_query(&self, outcome: QueryOutcome) -> bool {
        self.queries.contains(&outcome)
    }

    fn has_human(&self, standing: Standing) -> bool {
        self.human.contains(&standing)
    }

    fn is_all_valid(&self) -> bool {
        self.human.iter().all(|standing| *standing == Standing::Valid)
    }

    /// The ledger shows nothing of it that would do without people.
    fn rests_on_people(&self) -> bool {
        match self.coverage {
            Coverage::None => !self.is_all_valid(),
            Coverage::Supporting => !self.has_human(Standing::Valid),
            Coverage::Full | Coverage::Partial => false,
        }
    }
}

/// The status that fits first, in the order of the data.
///
/// What people brought is known by the ledger alone, as all the rest is: one whose
/// integrity cannot be told yet shows nothing, whatever the coverage. That is
/// inconclusive and not failing, since nothing is known to be wrong.
pub fn judge(of: &Judged<'_>) -> Detail {
    match of.applies {
        Applies::Never => return Detail::NotApplicable,
        Applies::NotYet => return Detail::NotYetApplicable,
        Applies::Now => (),
    }
    if of.integrity == Integrity::Broken || of.has_query(QueryOutcome::Fail) {
        return Detail::Failing;
    }
    let is_blind = of.integrity == Integrity::Unverified;
    if of.has_query(QueryOutcome::Inconclusive) || is_blind {
        return Detail::Inconclusive;
    }
    if of.has_human(Standing::Stale) {
        return Detail::Stale;
    }
    if of.coverage == Coverage::None && of.human.is_empty() {
        return Detail::NotCovered;
    }
    // Only what the ledger shows in full does without people.
    let is_silent = of.coverage != Coverage::Full && of.human.is_empty();
    if of.rests_on_people() || is_silent {
        return Detail::NeedsHumanEvidence;
    }
    if !of.is_all_valid() {
        return Detail::SystemEvidencePresentHumanEvidenceMissing;
    }
    match of.human.is_empty() {
        false => Detail::EvidenceOnFile,
        true => Detail::ImplementedBySystem,
    }
}

#[cfg(test)]
mod tests;
