//! How human oversight went, as `GET /article-14/effectiveness` shows it.

use governance::command::{HumanRole, InterventionType};
use governance::view::{self, Effectiveness};
use types::Json;

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::Problem;
use crate::reply::{Member, integer, object, text, texts};
use crate::rest::as_of::{self, AS_OF};

const PERIOD_DAYS: u32 = 30;

/// Query of `GET /compliance/eu-ai-act/article-14/effectiveness`.
pub(crate) const QUERY: &[Field] = &[
    Field::optional(
        "period_days",
        Kind::Integer { min: 1, max: 3650 },
        "How many days back, by ledger time.",
    )
    .default("30"),
    AS_OF,
];

const BY_TYPE: &[Member] = &[
    integer("approval", "How many."),
    integer("override", "How many."),
    integer("escalation", "How many."),
    integer("emergency_stop", "How many."),
    integer("policy_exception", "How many."),
    integer("manual_review", "How many."),
];

const BY_ROLE: &[Member] = &[
    integer("compliance_officer", "How many."),
    integer("security_lead", "How many."),
    integer("legal_counsel", "How many."),
    integer("risk_manager", "How many."),
    integer("executive", "How many."),
    integer("soc_analyst", "How many."),
];

const BREAKDOWN: &[Member] =
    &[object("by_type", BY_TYPE, "By what it was."), object("by_role", BY_ROLE, "By role.")];

const TIMES: &[Member] = &[
    integer("average", "Mean, rounded down.").or_null(),
    integer("minimum", "Least.").or_null(),
    integer("maximum", "Greatest.").or_null(),
];

const ESCALATIONS: &[Member] = &[
    integer("created", "Made in the period."),
    integer("resolved", "Answered in the period."),
    integer("expired", "Ended in the period without an answer."),
    integer("within_sla_percent", "Of those that ended, answered in time; null where none ended.")
        .or_null(),
];

const OUTCOMES: &[Member] = &[
    integer("approved", "How many answers."),
    integer("denied", "How many answers."),
    integer("deferred", "How many answers."),
];

/// Reply of `GET /compliance/eu-ai-act/article-14/effectiveness`.
pub(crate) const REPLY: &[Member] = &[
    integer("period_days", "Days counted."),
    integer("total_interventions", "Interventions, erased ones among them."),
    object("intervention_breakdown", BREAKDOWN, "Of those that are not erased."),
    integer("overrides", "Where the human decided otherwise than the machine proposed."),
    integer("approvals", "Where the human decided the same."),
    integer("override_rate_percent", "Of both together; null where there is neither.").or_null(),
    object("response_time_ms", TIMES, "How long humans took, where that is told."),
    object("escalations", ESCALATIONS, "What became of questions to humans."),
    object("resolution_outcomes", OUTCOMES, "What was answered."),
    text("status", "`partial`, `needs_human_evidence` or `insufficient`, from these figures."),
    text("status_detail", "The finer name."),
    texts("findings", "What a reader of the figures must know."),
    integer("as_of_index", "The last entry counted."),
];

/// `GET /compliance/eu-ai-act/article-14/effectiveness`.
pub(crate) async fn report<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let days = call.query.integer("period_days").unwrap_or(PERIOD_DAYS);
    let read = app.backend.view()?;
    let last = as_of::last(&read, as_of::asked(call)?)?;
    let work = move || {
        let found = view::effectiveness(&read, last, days)?;
        Ok(shown(&found, days))
    };
    app.audit(work).await
}

pub(crate) fn shown(found: &Effectiveness, days: u32) -> Answer {
    let Effectiveness { tally, escalations, .. } = found;
    let by_type = InterventionType::ALL.map(InterventionType::as_str).into_iter();
    let by_role = HumanRole::ALL.map(HumanRole::as_str).into_iter();
    let counts = |names: &mut dyn Iterator<Item = &'static str>, counts: [u64; 6]| {
        let members = names.zip(counts).map(|(name, count)| (name.to_owned(), count.into()));
        // The names differ.
        Json::Object(types::Object::from_members(members.collect()).unwrap_or_default())
    };
    let breakdown = Json::object([
        ("by_type", counts(&mut { by_type }, tally.by_type)),
        ("by_role", counts(&mut { by_role }, tally.by_role)),
    ]);
    let times = Json::object([
        ("average", found.average_ms().into()),
        ("minimum", found.times_ms.map(|(least, _)| least).into()),
        ("maximum", found.times_ms.map(|(_, greatest)| greatest).into()),
    ]);
    let standing = found.standing();
    Answer::members([
        ("period_days", days.into()),
        ("total_interventions", found.interventions.into()),
        ("intervention_breakdown", breakdown),
        ("overrides", tally.overrides.into()),
        ("approvals", tally.approvals.into()),
        ("override_rate_percent", found.override_rate_percent().into()),
        ("response_time_ms", times),
        (
            "escalations",
            Json::object([
                ("created", escalations.created.into()),
                ("resolved", escalations.resolved.into()),
                ("expired", escalations.expired.into()),
                ("within_sla_percent", escalations.within_sla_percent().into()),
            ]),
        ),
        (
            "resolution_outcomes",
            Json::object([
                ("approved", escalations.approved.into()),
                ("denied", escalations.denied.into()),
                ("deferred", escalations.deferred.into()),
            ]),
        ),
        ("status", standing.as_str().into()),
        ("status_detail", standing.detail().into()),
        ("findings", found.findings().into()),
        ("as_of_index", found.as_of.0.into()),
    ])
}
