//! What of the EU AI Act begins when: for everybody, and for what the profile
//! says the organisation is.

use std::collections::BTreeMap;

use register::{EU_AI_ACT, register};
use types::{Json, Object, Timestamp};

use super::Assessed;
use super::framework::{AS_OF, VERSION};
use crate::call::Call;
use crate::problem::Problem;
use crate::reply::{Member, flag, integer, list, texts, time};

const DAY: &[Member] = &[
    time("date", "The day."),
    flag("is_past", "Whether it has come, as of the entry."),
    texts("what", "What of the act begins, for whoever it is about; empty on other days."),
    integer("duties", "How many duties begin to apply to the organisation."),
    texts("articles", "Of which articles."),
];

/// Reply of `GET /compliance/timeline`.
pub(crate) const REPLY: &[Member] = &[
    list("days", DAY, "In the order of time."),
    integer("duties_never", "Duties that never apply to what the profile says."),
    VERSION,
    AS_OF,
];

#[derive(Default)]
struct Day {
    what: Vec<&'static str>,
    duties: u64,
    articles: Vec<&'static str>,
}

/// `GET /compliance/timeline`.
pub(super) fn timeline(assessed: &Assessed, _: &Call) -> Result<Object, Problem> {
    let mut days: BTreeMap<Timestamp, Day> = BTreeMap::new();
    for milestone in register().timeline() {
        days.entry(milestone.date).or_default().what.push(&milestone.what);
    }
    let mut never = 0_u64;
    for item in assessed.whole.items(EU_AI_ACT) {
        let (Some(from), Some((article, _))) = (item.applicable_from, register().duty(item.id))
        else {
            never = never.saturating_add(1);
            continue;
        };
        let day = days.entry(from).or_default();
        day.duties = day.duties.saturating_add(1);
        // They come in the order of the act.
        if day.articles.last() != Some(&article.article.as_str()) {
            day.articles.push(&article.article);
        }
    }
    let shown = days.into_iter().map(|(date, day)| {
        Json::object([
            ("date", date.to_string().into()),
            ("is_past", (date <= assessed.whole.now).into()),
            ("what", day.what.into()),
            ("duties", day.duties.into()),
            ("articles", day.articles.into()),
        ])
    });
    let mut members = Object::new();
    members.insert("days", Json::Array(shown.collect()));
    members.insert("duties_never", never);
    members.insert("register_version", register().version());
    Ok(members)
}
