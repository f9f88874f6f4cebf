//! Who answers for a decision: saying so, judging what was said, and finding it
//! again.

mod chain;
mod lists;
mod record;
mod report;

use governance::shown;
use governance::view::Responsibility;
use types::{DecisionId, Json};

use crate::call::Call;
use crate::fields::{Alphabet, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, integer, list, object, text, time};

pub(crate) use chain::{LEGAL_REPLY, chain, legal};
pub(crate) use lists::{PAGE_QUERY, PARTY_REPLY, PENDING_REPLY, party, pending};
pub(crate) use record::{RECORD, REVIEW, record, review};
pub(crate) use report::{REPORT_QUERY, REPORT_REPLY, report};

const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
/// A party or a role: one line of text.
const NAME: Kind = Kind::Text(Text::of(Alphabet::Line, 255));
/// Long texts: api.md, section 18.
const LONG: Kind = Kind::Text(Text::any(10_000));

/// `decision_maker`.
const MAKERS: &[&str] = &[
    "ai_system",
    "human_operator",
    "human_supervisor",
    "human_executive",
    "delegated",
    "emergency_override",
];

/// `responsibility_level`.
const LEVELS: &[&str] = &["full", "shared", "supervised", "automated"];

const REVIEW_MEMBERS: &[Member] = &[
    text("outcome", "`accepted` or `rejected`; null once erased.").or_null(),
    text("notes", "Why; null once erased.").or_null(),
    text("reviewed_by", "Who; null once erased.").or_null(),
    time("reviewed_at", "Cluster time of the review's ledger entry."),
    integer("ledger_entry_id", "The ledger entry that has it."),
];

const RECORD_ID: Member =
    text("record_id", "The record; that of a decision has its id under another prefix.");
const DECISION_ID: Member = text("decision_id", "For what.");
const DECISION_MAKER: Member = text(
    "decision_maker",
    "`ai_system`, `human_operator`, `human_supervisor`, `human_executive`, `delegated` or \
     `emergency_override`.",
);
const LEVEL: Member =
    text("responsibility_level", "`full`, `shared`, `supervised` or `automated`.");

/// A record, wherever one is shown.
pub(crate) const REPLY: &[Member] = &[
    RECORD_ID,
    DECISION_ID,
    DECISION_MAKER,
    text("responsible_party", "Who; `system` is the service itself."),
    text("role", "In which role."),
    text("reasoning", "Why; null once erased.").or_null(),
    LEVEL,
    integer("confidence_percent", "How sure they were.").or_null(),
    text("delegated_from", "In whose place.").or_null(),
    text("escalation_id", "The escalation that was answered.").or_null(),
    text("override_id", "The override.").or_null(),
    flag("review_required", "Whether somebody else must look at it."),
    object("review", REVIEW_MEMBERS, "What somebody else said of it.").or_null(),
    time("timestamp", "Cluster time of the ledger entry."),
    integer("ledger_entry_id", "The ledger entry that has it."),
];

/// Reply of `GET /responsibility/chain/{decision_id}`.
pub(crate) const CHAIN_REPLY: &[Member] = &[
    text("decision_id", "The decision."),
    integer("chain_length", "Records there are."),
    list("records", REPLY, "The service first, then people, oldest first."),
];

fn unknown_decision() -> Problem {
    Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
}

fn unknown_record() -> Problem {
    Problem::new(Code::UNKNOWN_RECORD, "there is no such record of responsibility")
}

/// The decision in the path.
fn decision(call: &Call) -> Result<DecisionId, Problem> {
    call.path.parse().map_err(|_| unknown_decision())
}

fn shown_list(records: &[Responsibility]) -> Json {
    Json::Array(records.iter().map(|record| Json::Object(shown::responsibility(record))).collect())
}

#[cfg(test)]
mod tests {
    use governance::record::{DecisionMaker, ResponsibilityLevel};

    use super::*;

    #[test]
    fn the_words_are_those_of_the_records() {
        assert_eq!(MAKERS, DecisionMaker::ALL.map(DecisionMaker::as_str));
        assert_eq!(LEVELS, ResponsibilityLevel::ALL.map(ResponsibilityLevel::as_str));
    }
}
