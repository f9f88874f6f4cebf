//! A test made ready: its key split, its value parsed, its pattern compiled.
//!
//! Different types never compare equal and never compare at all: such a test is
//! not met. That, and a key that is not there, is told apart from a test that is
//! plainly unmet, because a prohibition must then apply. A `null` inside the
//! context counts as not there.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use regex_automata::meta::Regex;
use types::{Decimal, Json, Number};

use super::Test;
use super::network::Network;
use super::pattern::{PatternError, Patterns};
use crate::meter::{Meter, Spent};
use crate::request::Request;
use crate::words::{Engine, Op};

/// Characters of a key.
pub(crate) const KEY_CHARS_MAX: usize = 512;
/// Segments of a key; a context is not deeper.
const KEY_SEGMENTS_MAX: usize = 8;
/// Items of a list to compare with.
const ITEMS_MAX: usize = 1000;
/// Bytes of text a step of matching a pattern pays for, by engine 1.
const MATCH_BYTES_PER_STEP: usize = 16;
/// Bytes of a value that one step compares.
const VALUE_BYTES_PER_STEP: usize = 64;

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Met,
    Unmet,
    /// The key is not there.
    Missing,
    /// What is there is nothing this test can say anything about.
    Incomparable,
}

impl Answer {
    /// The position of the answer, for telling combinations apart.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Unmet => 1,
            Self::Missing => 2,
            Self::Incomparable => 3,
        }
    }
}

/// A test ready to be asked.
#[derive(Debug)]
pub(crate) struct Probe {
    place: Place,
    check: Check,
    /// Steps beyond the first that comparing with the value takes.
    weight: u32,
}

/// Why a test cannot be asked, and which of its members is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) member: &'static str,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

#[derive(Debug)]
enum Place {
    Context(Vec<String>),
    RiskScore,
    RiskLevel,
    Actor,
    Action,
    Resource,
    Tool,
    HourUtc,
    WeekdayUtc,
    DateUtc,
}

/// What can be told from others by a word; see [`Place::parse`].
const KNOWN: [(&str, Place); 9] = [
    ("decision.risk_score", Place::RiskScore),
    ("decision.risk_level", Place::RiskLevel),
    ("decision.actor", Place::Actor),
    ("decision.action", Place::Action),
    ("decision.resource", Place::Resource),
    ("decision.tool", Place::Tool),
    ("time.hour_utc", Place::HourUtc),
    ("time.weekday_utc", Place::WeekdayUtc),
    ("time.date_utc", Place::DateUtc),
];

#[derive(Debug)]
enum Check {
    Eq(Json),
    Ne(Json),
    In(Vec<Json>),
    NotIn(Vec<Json>),
    Within { low: Option<Bound>, high: Option<Bound> },
    Prefix(String),
    Suffix(String),
    Contains(Json),
    Exists(bool),
    Cidr(Network),
    Matches(Arc<Regex>),
}

#[derive(Debug)]
struct Bound {
    limit: Limit,
    included: bool,
}

#[derive(Debug)]
enum Limit {
    /// The integer beside the decimal spares most comparisons the long way.
    Number(Option<i64>, Decimal),
    Text(String),
}

impl Probe {
    pub(crate) fn new(test: &Test, patterns: &mut Patterns) -> Result<Self, Flaw> {
        let place = Place::parse(&test.key)?;
        let check = Check::parse(test.op, &test.value, patterns)?;
        check.suits(&place)?;
        let weight = test.value.to_canonical().len() / VALUE_BYTES_PER_STEP;
        Ok(Self { place, check, weight: u32::try_from(weight).unwrap_or(u32::MAX) })
    }

    /// What is there, or `None` when the key is missing.
    pub(crate) fn actual<'a>(&self, request: &Request<'a>) -> Option<Cow<'a, Json>> {
        self.place.find(request)
    }

    /// Whether the answer is in the context.
    pub(crate) fn is_about_context(&self) -> bool {
        matches!(self.place, Place::Context(_))
    }

    pub(crate) fn ask(&self, request: &Request<'_>, meter: &mut Meter) -> Result<Answer, Spent> {
        if self.is_about_context() {
            meter.note_context();
        }
        let actual = self.place.find(request);
        let cost = |actual: &Json| match request.engine {
            Engine::V1 => self.check.cost(actual),
            Engine::V2 => self.check.full_cost(actual, self.weight),
        };
        self.answer(actual.as_deref(), cost, meter)
    }

    /// Asks of a value as if it were what is there.
    pub(crate) fn ask_of(&self, actual: Option<&Json>, meter: &mut Meter) -> Result<Answer, Spent> {
        self.answer(actual, |actual| self.check.full_cost(actual, self.weight), meter)
    }

    fn answer(
        &self,
        actual: Option<&Json>,
        cost: impl FnOnce(&Json) -> u32,
        meter: &mut Meter,
    ) -> Result<Answer, Spent> {
        if let Check::Exists(wanted) = self.check {
            // The question is about the key itself, so it is answered either way.
            meter.spend(1)?;
            return Ok(answer(actual.is_some() == wanted));
        }
        let Some(actual) = actual else {
            meter.spend(1)?;
            return Ok(Answer::Missing);
        };
        meter.spend(cost(actual))?;
        Ok(self.check.holds(actual).map_or(Answer::Incomparable, answer))
    }
}

fn answer(is_met: bool) -> Answer {
    if is_met { Answer::Met } else { Answer::Unmet }
}

impl Place {
    fn parse(key: &str) -> Result<Self, Flaw> {
        let flaw = |code, detail: String| Flaw { member: "key", code, detail };
        if let Some((_, place)) = KNOWN.into_iter().find(|(word, _)| *word == key) {
            return Ok(place);
        }
        if key.starts_with("decision.") || key.starts_with("time.") {
            let words: Vec<&str> = KNOWN.iter().map(|(word, _)| *word).collect();
            return Err(flaw("not_one_of", format!("must be one of {}", words.join(", "))));
        }
        if KEY_CHARS_MAX < key.chars().count() || KEY_SEGMENTS_MAX < key.split('.').count() {
            let detail = format!(
                "must be at most {KEY_CHARS_MAX} characters in {KEY_SEGMENTS_MAX} segments"
            );
            return Err(flaw("too_long", detail));
        }
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err(flaw("bad_format", format!("`{key}` has an empty segment")));
        }
        Ok(Self::Context(path))
    }

    fn find<'a>(&self, request: &Request<'a>) -> Option<Cow<'a, Json>> {
        let civil = || request.at.civil();
        match self {
            Self::Context(path) => at_path(request, path).map(Cow::Borrowed),
            Self::RiskScore => Some(integer(request.risk_score)),
            Self::RiskLevel => Some(text(request.risk_level)),
            Self::Actor => Some(text(request.actor)),
            Self::Action => Some(text(request.action)),
            Self::Resource => request.resource.map(text),
            Self::Tool => request.tool.map(text),
            Self::HourUtc => Some(integer(u32::from(civil().hour))),
            Self::WeekdayUtc => Some(integer(u32::from(civil().weekday))),
            Self::DateUtc => {
                let types::time::Civil { year, month, day, .. } = civil();
                Some(text(&format!("{year:04}-{month:02}-{day:02}")))
            }
        }
    }

    /// The type of what is there, where the key alone tells it.
    fn example(&self) -> Option<Json> {
        match self {
            Self::Context(_) => None,
            Self::RiskScore | Self::HourUtc | Self::WeekdayUtc => Some(Json::from(0_u32)),
            Self::RiskLevel
            | Self::Actor
            | Self::Action
            | Self::Resource
            | Self::Tool
            | Self::DateUtc => Some(Json::from("")),
        }
    }
}

fn at_path<'a>(request: &Request<'a>, path: &[String]) -> Option<&'a Json> {
    let (first, rest) = path.split_first()?;
    let mut at = request.context.get(first)?;
    for segment in rest {
        at = at.as_object()?.get(segment)?;
    }
    Some(at).filter(|value| !value.is_null())
}

fn integer(value: u32) -> Cow<'static, Json> {
    Cow::Owned(Json::from(value))
}

fn text(value: &str) -> Cow<'static, Json> {
    Cow::Owned(Json::from(value))
}

impl Check {
    fn parse(op: Op, value: &Json, patterns: &mut Patterns) -> Result<Self, Flaw> {
        if value.is_null() {
            return Err(flaw("missing", "is required"));
        }
        Ok(match op {
            Op::Eq => Self::Eq(value.clone()),
            Op::Ne => Self::Ne(value.clone()),
            Op::In => Self::In(items(value)?),
            Op::NotIn => Self::NotIn(items(value)?),
            Op::Lt => Self::Within { low: None, high: Some(bound(value, false)?) },
            Op::Lte => Self::Within { low: None, high: Some(bound(value, true)?) },
            Op::Gt => Self::Within { low: Some(bound(value, false)?), high: None },
            Op::Gte => Self::Within { low: Some(bound(value, true)?), high: None },
            Op::Between => between(value)?,
            Op::Prefix => Self::Prefix(string(value)?),
            Op::Suffix => Self::Suffix(string(value)?),
            Op::Contains => Self::Contains(value.clone()),
            Op::Exists => Self::Exists(
                value.as_bool().ok_or_else(|| flaw("wrong_type", "must be a boolean"))?,
            ),
            Op::Cidr => Self::Cidr(network(&string(value)?)?),
            Op::Matches => Self::Matches(patterns.compile(&string(value)?).map_err(refused)?),
        })
    }

    /// Refuses what could never be met because the key's type is known.
    fn suits(&self, place: &Place) -> Result<(), Flaw> {
        let Some(example) = place.example() else {
            return Ok(());
        };
        let same = |value: &Json| is_same_type(value, &example);
        let can_be_met = match self {
            Self::Eq(value) | Self::Ne(value) => same(value),
            Self::In(values) | Self::NotIn(values) => values.iter().all(same),
            Self::Within { low, high } => {
                [low, high].into_iter().flatten().all(|bound| bound.limit.is_for(&example))
            }
            Self::Prefix(_) | Self::Suffix(_) | Self::Cidr(_) | Self::Matches(_) => {
                example.as_str().is_some()
            }
            Self::Contains(_) => false,
            Self::Exists(_) => true,
        };
        // As text, `critical` would come before `high`.
        let has_order = !matches!((place, self), (Place::RiskLevel, Self::Within { .. }));
        if can_be_met && has_order {
            return Ok(());
        }
        let kind = if example.as_str().is_some() { "text" } else { "an integer" };
        Err(flaw("wrong_type", format!("can never be met: this key holds {kind}")))
    }

    /// As engine 1 counts, which sees neither how long a value is nor how slow a
    /// pattern can be.
    fn cost(&self, actual: &Json) -> u32 {
        let extra = match self {
            Self::In(values) | Self::NotIn(values) => values.len(),
            Self::Contains(_) => actual.as_array().map_or(0, <[Json]>::len),
            Self::Matches(_) => actual.as_str().map_or(0, str::len) / MATCH_BYTES_PER_STEP,
            Self::Eq(_)
            | Self::Ne(_)
            | Self::Within { .. }
            | Self::Prefix(_)
            | Self::Suffix(_)
            | Self::Exists(_)
            | Self::Cidr(_) => 0,
        };
        u32::try_from(extra).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// A step for each value or character that may be looked at.
    fn full_cost(&self, actual: &Json, weight: u32) -> u32 {
        let extra = match self {
            Self::In(values) | Self::NotIn(values) => values.len(),
            Self::Contains(_) => {
                let each = usize::try_from(weight).unwrap_or(usize::MAX).saturating_add(1);
                actual.as_array().map_or(0, <[Json]>::len).saturating_mul(each)
            }
            Self::Matches(_) => actual.as_str().map_or(0, str::len),
            Self::Eq(_)
            | Self::Ne(_)
            | Self::Within { .. }
            | Self::Prefix(_)
            | Self::Suffix(_)
            | Self::Exists(_)
            | Self::Cidr(_) => 0,
        };
        u32::try_from(extra).unwrap_or(u32::MAX).saturating_add(weight).saturating_add(1)
    }

    /// Whether the test is met; `None` where `actual` is nothing it can say
    /// anything about.
    fn holds(&self, actual: &Json) -> Option<bool> {
        match self {
            Self::Eq(value) => is_same_type(actual, value).then(|| actual == value),
            Self::Ne(value) => is_same_type(actual, value).then(|| actual != value),
            Self::In(values) => is_among(actual, values),
            Self::NotIn(values) => is_among(actual, values).and_then(|is_among| {
                let comparable = is_among || values.iter().all(|value| is_same_type(actual, value));
                comparable.then_some(!is_among)
            }),
            Self::Within { low, high } => {
                let above = low.as_ref().map(|low| low.admits(actual, Ordering::Greater));
                let below = high.as_ref().map(|high| high.admits(actual, Ordering::Less));
                Some(above.unwrap_or(Some(true))? && below.unwrap_or(Some(true))?)
            }
            Self::Prefix(prefix) => Some(actual.as_str()?.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => Some(actual.as_str()?.ends_with(suffix.as_str())),
            Self::Contains(value) => Some(actual.as_array()?.contains(value)),
            Self::Cidr(network) => network.holds(actual.as_str()?),
            Self::Matches(regex) => Some(regex.is_match(actual.as_str()?)),
            Self::Exists(wanted) => Some(*wanted),
        }
    }
}

/// Whether `actual` is one of these; `None` where it is of the type of none.
fn is_among(actual: &Json, values: &[Json]) -> Option<bool> {
    let is_among = values.contains(actual);
    (is_among || values.iter().any(|value| is_same_type(actual, value))).then_some(is_among)
}

fn flaw(code: &'static str, detail: impl Into<String>) -> Flaw {
    Flaw { member: "value", code, detail: detail.into() }
}

fn string(value: &Json) -> Result<String, Flaw> {
    value.as_str().map(str::to_owned).ok_or_else(|| flaw("wrong_type", "must be a string"))
}

fn items(value: &Json) -> Result<Vec<Json>, Flaw> {
    let items = value.as_array().ok_or_else(|| flaw("wrong_type", "must be a list"))?;
    if items.is_empty() || ITEMS_MAX < items.len() {
        return Err(flaw("out_of_range", format!("must have 1..{ITEMS_MAX} items")));
    }
    if items.iter().any(Json::is_null) {
        return Err(flaw("wrong_type", "nothing is ever equal to null: use `exists`"));
    }
    Ok(items.to_vec())
}

fn network(text: &str) -> Result<Network, Flaw> {
    Network::parse(text).ok_or_else(|| {
        flaw(
            "bad_format",
            format!("`{text}` is no network such as `10.0.0.0/8` or `2001:db8::/32`"),
        )
    })
}

fn refused(err: PatternError) -> Flaw {
    match err {
        PatternError::TooLong => flaw("too_long", "the pattern is too long"),
        PatternError::Syntax(what) => flaw("bad_format", format!("not a pattern: {what}")),
        PatternError::TooLarge => flaw("regex_too_large", "the compiled pattern is too large"),
        PatternError::TotalTooLarge => {
            flaw("regex_too_large", "the compiled patterns of this policy are too large together")
        }
    }
}

fn bound(value: &Json, included: bool) -> Result<Bound, Flaw> {
    let limit =
        Limit::new(value).ok_or_else(|| flaw("wrong_type", "must be a number or a string"))?;
    Ok(Bound { limit, included })
}

fn between(value: &Json) -> Result<Check, Flaw> {
    let Some([first, second]) = value.as_array() else {
        return Err(flaw("wrong_type", "must be a list `[low, high]`"));
    };
    let (low, high) = (bound(first, true)?, bound(second, true)?);
    match high.limit.compare(first) {
        Some(Ordering::Less | Ordering::Equal) => {
            Ok(Check::Within { low: Some(low), high: Some(high) })
        }
        Some(Ordering::Greater) => Err(flaw("out_of_range", "the low bound is above the high one")),
        None => Err(flaw("wrong_type", "both bounds must be numbers or both strings")),
    }
}

impl Bound {
    /// Whether `actual` lies on the given side of the bound; `None` across types.
    fn admits(&self, actual: &Json, side: Ordering) -> Option<bool> {
        let order = self.limit.compare(actual)?;
        Some(order == side || (self.included && order == Ordering::Equal))
    }
}

impl Limit {
    fn new(value: &Json) -> Option<Self> {
        match value {
            Json::Number(number) => Some(Self::Number(number.as_i64(), decimal(number)?)),
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
        }
    }

    fn is_for(&self, example: &Json) -> bool {
        self.compare(example).is_some()
    }

    /// How `actual` compares with the limit; `None` across types.
    fn compare(&self, actual: &Json) -> Option<Ordering> {
        match (self, actual) {
            (Self::Number(small, exact), Json::Number(number)) => match (number.as_i64(), small) {
                (Some(actual), Some(small)) => Some(actual.cmp(small)),
                (Some(_) | None, Some(_) | None) => Some(decimal(number)?.cmp(exact)),
            },
            (Self::Text(limit), Json::String(text)) => Some(text.as_bytes().cmp(limit.as_bytes())),
            (
                Self::Number(..) | Self::Text(_),
                Json::Null
                | Json::Bool(_)
                | Json::Number(_)
                | Json::String(_)
                | Json::Array(_)
                | Json::Object(_),
            ) => None,
        }
    }
}

fn decimal(number: &Number) -> Option<Decimal> {
    Decimal::parse(&number.to_string())
}

fn is_same_type(a: &Json, b: &Json) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

#[cfg(test)]
mod tests;
