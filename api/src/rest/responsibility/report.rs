//! Who answered for how much in a span of time, as numbers.

use governance::record::{DecisionMaker, ResponsibilityLevel};
use governance::view::{self, ResponsibilityReport};
use types::{Json, Object, Timestamp};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::Problem;
use crate::reply::{Member, integer, list, object, text, time};

/// Query of `GET /responsibility/report`.
pub(crate) const REPORT_QUERY: &[Field] = &[
    Field::optional("from", Kind::Time, "Not earlier than this."),
    Field::optional("to", Kind::Time, "Earlier than this."),
];

const PERIOD: &[Member] = &[
    time("from", "As asked for; null is the beginning.").or_null(),
    time("to", "As asked for; null is now.").or_null(),
];

const BY_MAKER: &[Member] = &[
    integer("ai_system", "The service itself: every decision."),
    integer("human_operator", "People who work with it."),
    integer("human_supervisor", "People who watch over it."),
    integer("human_executive", "People who answer for the organisation."),
    integer("delegated", "Somebody in the place of another."),
    integer("emergency_override", "People for whom there was no time to ask."),
];

const BY_LEVEL: &[Member] = &[
    integer("full", "All of it."),
    integer("shared", "Some of it."),
    integer("supervised", "They answered what the service asked."),
    integer("automated", "Nobody looked."),
];

const SUMMARY: &[Member] = &[
    integer("total_decisions", "Decisions of the period."),
    object("by_decision_maker", BY_MAKER, "Records of the period, those of decisions among them."),
    object("by_responsibility_level", BY_LEVEL, "The same records."),
    integer("ai_overrides", "Overrides of the period."),
    integer("override_rate_percent", "Overrides for a hundred decisions, rounded down."),
    integer(
        "pending_reviews",
        "Records of the period that still wait for a review, counted up to 100,000.",
    ),
];

const PARTY: &[Member] =
    &[text("party", "Who."), integer("decision_count", "Records of the period that name them.")];

/// Reply of `GET /responsibility/report`.
pub(crate) const REPORT_REPLY: &[Member] = &[
    object("period", PERIOD, "The time that is reported; what was erased since is still counted."),
    object("summary", SUMMARY, "As numbers."),
    list(
        "top_responsible_parties",
        PARTY,
        "At most 10, those who are named most first. `system` and the first 10,000 parties in the \
         order of their names are compared.",
    ),
];

/// `GET /responsibility/report`.
pub(crate) async fn report<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (from, to) = (call.query.time("from"), call.query.time("to"));
    let read = app.backend.view()?;
    let work = move || {
        let report = view::responsibility_report(&read, from, to)?;
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string()).into();
        let period = Json::object([("from", text(from)), ("to", text(to))]);
        let top = report.top.iter().map(|(party, count)| {
            Json::object([("party", party.as_str().into()), ("decision_count", (*count).into())])
        });
        Ok(Answer::members([
            ("period", period),
            ("summary", summary(&report)),
            ("top_responsible_parties", Json::Array(top.collect())),
        ]))
    };
    app.blocking(work).await
}

fn summary(report: &ResponsibilityReport) -> Json {
    let makers = DecisionMaker::ALL.map(DecisionMaker::as_str);
    let levels = ResponsibilityLevel::ALL.map(ResponsibilityLevel::as_str);
    let rate = report.overrides.saturating_mul(100).checked_div(report.decisions);
    Json::object([
        ("total_decisions", report.decisions.into()),
        ("by_decision_maker", by_word(makers, report.counts.by_maker)),
        ("by_responsibility_level", by_word(levels, report.counts.by_level)),
        ("ai_overrides", report.overrides.into()),
        ("override_rate_percent", rate.unwrap_or(0).into()),
        ("pending_reviews", report.pending.into()),
    ])
}

fn by_word<const N: usize>(words: [&'static str; N], counts: [u64; N]) -> Json {
    let mut members = Object::new();
    for (word, count) in words.into_iter().zip(counts) {
        members.insert(word, count);
    }
    Json::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(decisions: u64, overrides: u64, expect: u64) {
        let (counts, pending, top) = (Default::default(), 0, Vec::new());
        let report = ResponsibilityReport { decisions, counts, overrides, pending, top };
        let summary = summary(&report);
        let rate = summary.as_object().unwrap().get("override_rate_percent").cloned();
        assert_eq!(rate.unwrap().as_u64(), Some(expect));
    }

    #[test]
    fn the_rate_of_overrides_is_rounded_down() {
        check(3, 2, 66);
        check(0, 0, 0);
        check(0, 1, 0);
        check(1, 2, 200);
    }
}
