//! Frameworks: their controls, what is missing, and counts.

use governance::compliance::Item;
use governance::shown;
use register::{EU_AI_ACT, Framework, Status, register};
use sha2::{Digest as _, Sha256};
use types::{Json, Object, ReportId, Ulid};

use super::item::{DETAIL, EVIDENCE_LIST, MISSING, STATUS};
use super::{Assessed, ByStatus, control, known_framework, path_parts};
use crate::call::Call;
use crate::fields::{Field, Kind, Text};
use crate::problem::Problem;
use crate::reply::{Member, integer, list, object, text, time};
use crate::rest::as_of;

/// Words of a status.
pub(crate) const STATUSES: Kind = Kind::Word(&[
    "evidence_sufficient",
    "partial",
    "needs_human_evidence",
    "insufficient",
    "not_applicable",
]);

/// Query of `GET /compliance/{framework}/controls`.
pub(crate) const CONTROLS_QUERY: &[Field] = &[
    Field::optional("status", STATUSES, "Controls with this status."),
    Field::optional("category", Kind::Text(Text::any(256)), "Controls of this category."),
    as_of::AS_OF,
];

pub(super) const BY_STATUS: &[Member] = &[
    integer("evidence_sufficient", "How many."),
    integer("partial", "How many."),
    integer("needs_human_evidence", "How many."),
    integer("insufficient", "How many."),
    integer("not_applicable", "How many."),
];

pub(super) const AS_OF: Member = integer("as_of_index", "The last entry counted.");
pub(super) const VERSION: Member =
    text("register_version", "The day the regulatory data were made.");

const FRAMEWORK: Member = text("framework", "Its id.");
const TOTAL: Member = integer("total_controls", "How many controls it has.");
const STATUS_COUNTS: Member = object("by_status", BY_STATUS, "Controls by status.");
const PERCENT: Member = integer(
    "coverage_percent",
    "Of a hundred controls that apply, how many have sufficient evidence, rounded down; for \
     machines.",
);

const OF_FRAMEWORK: &[Member] = &[FRAMEWORK, TOTAL, STATUS_COUNTS];

/// Reply of `GET /compliance/statistics`.
pub(crate) const STATISTICS_REPLY: &[Member] = &[
    integer("frameworks_tracked", "How many frameworks there are."),
    list("frameworks", OF_FRAMEWORK, "Each of them."),
    integer("total_controls", "Controls of all of them."),
    STATUS_COUNTS,
    integer(
        "overall_coverage_percent",
        "Of a hundred controls that apply, how many have sufficient evidence, rounded down; for \
         machines.",
    ),
    object(
        "obligations",
        &[object("by_status", BY_STATUS, "Duties by status.")],
        "Duties of the EU AI Act.",
    ),
    VERSION,
    AS_OF,
];

const FILTERS: &[Member] =
    &[text("status", "As asked for.").or_null(), text("category", "As asked for.").or_null()];

/// Reply of `GET /compliance/{framework}/controls`.
pub(crate) const CONTROLS_REPLY: &[Member] = &[
    FRAMEWORK,
    integer("count", "How many follow."),
    object("filters", FILTERS, "What was asked for."),
    list("controls", control::MEMBERS, "In the order of the framework."),
    AS_OF,
];

const GAP: &[Member] = &[
    text("control_id", "The control."),
    text("title", "What it is about."),
    STATUS,
    DETAIL,
    MISSING,
];
const GAPS: Member = list("gaps", GAP, "Controls that apply and have not sufficient evidence.");

/// Reply of `GET /compliance/{framework}/gaps`.
pub(crate) const GAPS_REPLY: &[Member] =
    &[FRAMEWORK, integer("count", "How many follow."), GAPS, AS_OF];

const TOTALS: &[Member] = &[TOTAL, STATUS_COUNTS, PERCENT];

/// Reply of `GET /compliance/{framework}/report`.
pub(crate) const REPORT_REPLY: &[Member] = &[
    text("report_id", "Follows from what is reported, so that every node says the same."),
    FRAMEWORK,
    text("name", "What it is called."),
    text("framework_version", "Which version of it."),
    time("as_of", "The time of the last entry counted, which is *now* in the report."),
    object("totals", TOTALS, "As numbers."),
    GAPS,
    EVIDENCE_LIST,
    text("limits", "What a report does not say."),
    VERSION,
    AS_OF,
];

const OF_CATEGORY: &[Member] = &[text("category", "The category."), TOTAL, STATUS_COUNTS];

/// Reply of `GET /compliance/{framework}/coverage`.
pub(crate) const COVERAGE_REPLY: &[Member] = &[
    FRAMEWORK,
    TOTAL,
    STATUS_COUNTS,
    list("by_category", OF_CATEGORY, "The same by category, in the order of the framework."),
    PERCENT,
    AS_OF,
];

const LIMITS: &str = "Statuses say which evidence is recorded here as of the entry named. They are \
    no audit opinion, and say nothing of what this ledger does not see.";

/// `GET /compliance/statistics`.
pub(super) fn statistics(assessed: &Assessed, _: &Call) -> Result<Object, Problem> {
    let frameworks = register().frameworks();
    let mut all = ByStatus::default();
    let mut shown = Vec::with_capacity(frameworks.len());
    for framework in frameworks {
        let counts = counts(assessed, framework.id());
        all = all.plus(counts);
        shown.push(Json::object([
            ("framework", framework.id().into()),
            ("total_controls", counts.total().into()),
            ("by_status", counts.to_json()),
        ]));
    }
    let duties = Json::object([("by_status", counts(assessed, EU_AI_ACT).to_json())]);
    let mut members = Object::new();
    members.insert("frameworks_tracked", shown.len() as u64);
    members.insert("frameworks", Json::Array(shown));
    members.insert("total_controls", all.total());
    members.insert("by_status", all.to_json());
    members.insert("overall_coverage_percent", all.percent());
    members.insert("obligations", duties);
    members.insert("register_version", register().version());
    Ok(members)
}

/// How many controls of a framework, or duties, come to which status.
pub(super) fn counts(assessed: &Assessed, framework: &str) -> ByStatus {
    ByStatus::of(assessed.whole.items(framework).map(|item| item.status))
}

/// The framework that the path names.
pub(super) fn asked(call: &Call) -> Result<&'static Framework, Problem> {
    known_framework(path_parts(&call.path).0)
}

/// `GET /compliance/{framework}/controls`.
pub(super) fn controls(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let framework = asked(call)?;
    let (status, category) = (call.query.word("status"), call.query.word("category"));
    let matches = |item: &Item<'_>| {
        status.is_none_or(|status| item.status.as_str() == status)
            && category.is_none_or(|category| item.category.eq_ignore_ascii_case(category))
    };
    let items = assessed.whole.items(framework.id()).filter(matches);
    let shown: Vec<Json> = items.map(|item| Json::Object(shown::control(&item))).collect();
    let filters = Json::object([("status", status.into()), ("category", category.into())]);
    let mut members = Object::new();
    members.insert("framework", framework.id());
    members.insert("count", shown.len() as u64);
    members.insert("filters", filters);
    members.insert("controls", Json::Array(shown));
    Ok(members)
}

fn gaps_of(assessed: &Assessed, framework: &Framework) -> Vec<Json> {
    let is_gap = |item: &Item<'_>| match item.status {
        Status::Partial | Status::NeedsHumanEvidence | Status::Insufficient => true,
        Status::EvidenceSufficient | Status::NotApplicable => false,
    };
    let items = assessed.whole.items(framework.id()).filter(is_gap);
    let shown = items.map(|item| {
        Json::object([
            ("control_id", item.id.into()),
            ("title", item.title.into()),
            ("status", item.status.as_str().into()),
            ("status_detail", item.detail.as_str().into()),
            ("missing", item.missing.to_vec().into()),
        ])
    });
    shown.collect()
}

/// `GET /compliance/{framework}/gaps`.
pub(super) fn gaps(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let framework = asked(call)?;
    let gaps = gaps_of(assessed, framework);
    let mut members = Object::new();
    members.insert("framework", framework.id());
    members.insert("count", gaps.len() as u64);
    members.insert("gaps", Json::Array(gaps));
    Ok(members)
}

/// `GET /compliance/{framework}/report`.
pub(super) fn report(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let framework = asked(call)?;
    let counts = counts(assessed, framework.id());
    let totals = Json::object([
        ("total_controls", counts.total().into()),
        ("by_status", counts.to_json()),
        ("coverage_percent", counts.percent().into()),
    ]);
    let used = assessed.whole.results.iter().filter(|found| {
        framework.controls.iter().any(|control| control.queries.contains(&found.query))
    });
    let evidence: Vec<_> = used.collect();
    let mut members = Object::new();
    members.insert("framework", framework.id());
    members.insert("name", framework.name.as_str());
    members.insert("framework_version", framework.version.as_str());
    members.insert("as_of", assessed.whole.now.to_string());
    members.insert("totals", totals);
    members.insert("gaps", Json::Array(gaps_of(assessed, framework)));
    members.insert("evidence", shown::evidence(&evidence));
    members.insert("limits", LIMITS);
    members.insert("register_version", register().version());
    let report_id = report_id(assessed, &members);
    members.insert("report_id", report_id.to_string());
    Ok(members)
}

/// The same for the same report, whichever node makes it, and another one for any
/// other: as of one entry there are several, where a checkpoint became final or
/// something was erased since.
fn report_id(assessed: &Assessed, members: &Object) -> ReportId {
    let mut hash = Sha256::new();
    hash.update(b"lexecon/report/v1\n");
    for part in [&assessed.cluster, &assessed.as_of.to_string()] {
        hash.update(part.as_bytes());
        hash.update(b"\n");
    }
    hash.update(register().digest().0);
    hash.update(Json::Object(members.clone()).to_canonical().as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let random = digest.first_chunk::<10>().copied().unwrap_or_default();
    ReportId(Ulid::from_parts(assessed.whole.now.millis(), random))
}

/// `GET /compliance/{framework}/coverage`.
pub(super) fn coverage(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let framework = asked(call)?;
    let mut categories: Vec<(&str, ByStatus)> = Vec::new();
    for item in assessed.whole.items(framework.id()) {
        let one = ByStatus::of([item.status].into_iter());
        match categories.iter_mut().find(|(name, _)| *name == item.category) {
            Some((_, counts)) => *counts = counts.plus(one),
            None => categories.push((item.category, one)),
        }
    }
    let by_category = categories.iter().map(|(name, counts)| {
        Json::object([
            ("category", (*name).into()),
            ("total_controls", counts.total().into()),
            ("by_status", counts.to_json()),
        ])
    });
    let counts = counts(assessed, framework.id());
    let mut members = Object::new();
    members.insert("framework", framework.id());
    members.insert("total_controls", counts.total());
    members.insert("by_status", counts.to_json());
    members.insert("by_category", Json::Array(by_category.collect()));
    members.insert("coverage_percent", counts.percent());
    Ok(members)
}
