//! Duties of the EU AI Act, and how they stand.

use governance::compliance::Item;
use governance::shown;
use register::{Article, EU_AI_ACT, register};
use types::{Json, Object};

use super::framework::{AS_OF, BY_STATUS, STATUSES, VERSION};
use super::item::{
    ARTIFACTS, ATTESTATIONS, DETAIL, EVIDENCE_LIST, HUMAN, LAST, MISSING, PRIMITIVES, STATUS,
};
use super::{Assessed, ByStatus};
use crate::call::Call;
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, Value, list, object, text};
use crate::rest::as_of;

/// Query of `GET /compliance/eu-ai-act`.
pub(crate) const QUERY: &[Field] = &[
    Field::optional("status", STATUSES, "Duties with this status."),
    Field::optional(
        "article",
        Kind::Text(Text::of(Alphabet::Name, 32)),
        "Duties of this article, such as `9`.",
    ),
    as_of::AS_OF,
];

const DUTY: &[Member] = &[
    text("id", "By which evidence is linked to it: `AIA-9.1`."),
    text("ref", "Where it stands: `9(1)`."),
    text("article", "The article: `9`, or `28-39` where several are told together."),
    text("title", "What is to be done, in our words."),
    STATUS,
    DETAIL,
    Member::new(
        "applicable_from",
        Value::Time,
        "The day from which it applies to what the profile says; null where it never does.",
    )
    .or_null(),
    EVIDENCE_LIST,
    HUMAN,
    ARTIFACTS,
    ATTESTATIONS,
    PRIMITIVES,
    MISSING,
    LAST,
];

const OBLIGATIONS: Member = list("obligations", DUTY, "In the order of the act.");
const SUMMARY: Member = object(
    "summary",
    &[object("by_status", BY_STATUS, "Duties by status.")],
    "Of the duties that follow.",
);

/// Reply of `GET /compliance/eu-ai-act`.
pub(crate) const REPLY: &[Member] = &[OBLIGATIONS, SUMMARY, VERSION, AS_OF];

/// Reply of `GET /compliance/eu-ai-act/{article}`.
pub(crate) const ARTICLE_REPLY: &[Member] = &[
    text("article", "The article, or several that are told together."),
    text("title", "Its heading, in our words."),
    text("part", "Chapter and section."),
    OBLIGATIONS,
    SUMMARY,
    VERSION,
    AS_OF,
];

/// `GET /compliance/eu-ai-act`.
pub(super) fn register_of(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let status = call.query.word("status");
    let article = asked(call)?;
    let items = assessed.whole.items(EU_AI_ACT).filter(|item| {
        status.is_none_or(|status| item.status.as_str() == status)
            && article.is_none_or(|article| is_of(item, article))
    });
    Ok(answered(items, Object::new()))
}

/// The article to whose duties a call keeps, if to one.
pub(super) fn asked(call: &Call) -> Result<Option<&'static Article>, Problem> {
    let article = call.query.word("article").map(|name| {
        let number = name.to_ascii_lowercase();
        let number = number.strip_prefix("article-").unwrap_or(&number);
        register().article(number).ok_or_else(unknown)
    });
    article.transpose()
}

/// The article that a path names, and which of its duties, if one.
pub(super) fn named(call: &Call) -> Result<(&'static Article, Option<&'static str>), Problem> {
    let name = call.path.as_str();
    let number = name.to_ascii_lowercase();
    let found = match number.strip_prefix("article-") {
        Some(number) => register().article(number).map(|article| (article, None)),
        None => register().duty(name).map(|(article, duty)| (article, Some(duty.id.as_str()))),
    };
    found.ok_or_else(unknown)
}

/// `GET /compliance/eu-ai-act/{article}`.
pub(super) fn article(assessed: &Assessed, call: &Call) -> Result<Object, Problem> {
    let (article, duty) = named(call)?;
    let items = assessed.whole.items(EU_AI_ACT);
    let items =
        items.filter(|item| is_of(item, article) && duty.is_none_or(|duty| item.id == duty));
    let mut members = Object::new();
    members.insert("article", article.article.as_str());
    members.insert("title", article.title.as_str());
    members.insert("part", article.part.as_str());
    Ok(answered(items, members))
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_ARTICLE, "the register has no such article")
}

fn is_of(item: &Item<'_>, article: &Article) -> bool {
    article.duties.iter().any(|duty| duty.id == item.id)
}

fn answered<'a>(items: impl Iterator<Item = Item<'a>>, mut members: Object) -> Object {
    let items: Vec<Item<'a>> = items.collect();
    let counts = ByStatus::of(items.iter().map(|item| item.status));
    let shown = items.iter().filter_map(shown::duty).map(Json::Object);
    members.insert("obligations", Json::Array(shown.collect()));
    members.insert("summary", Json::object([("by_status", counts.to_json())]));
    members.insert("register_version", register().version());
    members
}
