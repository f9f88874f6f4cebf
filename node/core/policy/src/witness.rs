//! Values that show everything some tests of one key can tell apart.
//!
//! For every combination of answers that a value of the key could give, one
//! value that gives it. So a question about all requests becomes a question
//! about a few. Not a solver over several keys: that is the caller's search.
//!
//! Exact for every comparison but two: texts that are addresses or match a
//! pattern, where other comparisons cut through them. The set says so.
//!
//! Reading order: this file, then `domain` (which values a key can hold), then
//! one file per kind of value.

mod address;
mod domain;
mod number;
mod pattern;
mod text;

use std::collections::BTreeSet;

use types::{Json, Object};

use crate::condition::Test;
use crate::condition::pattern::Patterns;
use crate::condition::probe::{Answer, Probe};
use crate::meter::{Meter, Spent};
use crate::words::Op;
use domain::Domain;

/// Values of one set.
const VALUES_MAX: usize = 256;
/// Tests that are told apart; more are not looked at.
const TESTS_MAX: usize = 128;
/// Values that they compare with.
const LITERALS_MAX: usize = 4000;
/// The longest text that other texts are made around or longer than.
const LITERAL_BYTES_MAX: usize = 1024;
/// Steps of asking that one set may cost.
const STEPS_MAX: u32 = 1_000_000;
/// Items of which every choice is tried in a list: 2^6 lists.
const CHOICES_MAX: usize = 6;

/// Values of one key; `None` stands for the key that is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Witnesses {
    /// One for each combination of answers, the missing key first.
    pub(crate) values: Vec<Option<Json>>,
    /// Whether no other combination of answers is possible.
    pub(crate) is_exhaustive: bool,
}

/// Whether a request can have this text at one of its own words.
pub(crate) fn can_hold(key: &str, text: &str) -> bool {
    Domain::of(key).admits(text)
}

/// Finds values for tests of this one key.
pub(crate) fn witnesses(key: &str, tests: &[&Test]) -> Witnesses {
    let domain = Domain::of(key);
    let looked_at = first_few(tests);
    let candidates = candidates(&domain, looked_at);
    let is_exact = candidates.is_exact && looked_at.len() == tests.len();
    let mut patterns = Patterns::default();
    let probes = looked_at.iter().map(|test| Probe::new(test, &mut patterns));
    let Ok(probes) = probes.collect::<Result<Vec<Probe>, _>>() else {
        return Witnesses { values: Vec::new(), is_exhaustive: false };
    };
    let mut sieve = Sieve::new(&probes);
    let is_whole = sieve.fill(&domain, candidates.values).is_ok();
    let is_crossed = candidates.combinations.is_none_or(|count| sieve.crosses(looked_at, count));
    Witnesses { values: sieve.kept, is_exhaustive: is_exact && is_whole && is_crossed }
}

fn first_few<'a, 'b>(tests: &'b [&'a Test]) -> &'b [&'a Test] {
    let mut room = LITERALS_MAX;
    let fits = |test: &&Test| {
        let literals = test.value.as_array().map_or(1, <[Json]>::len);
        room.checked_sub(literals).inspect(|left| room = *left).is_some()
    };
    let count = tests.iter().take(TESTS_MAX).copied().take_while(fits).count();
    tests.get(..count).unwrap_or_default()
}

/// What is worth asking.
#[derive(Debug)]
struct Candidates {
    values: Vec<Option<Json>>,
    /// Whether some value gives each combination of answers, patterns aside.
    is_exact: bool,
    /// How many ways texts can answer the patterns, where there are any.
    combinations: Option<usize>,
}

fn candidates(domain: &Domain, tests: &[&Test]) -> Candidates {
    let mut values = Vec::new();
    if domain.can_miss() {
        values.push(None);
    }
    if let Some(all) = domain.values() {
        values.extend(all.into_iter().map(Some));
        return Candidates { values, is_exact: true, combinations: None };
    }
    let texts = text::candidates(domain, tests);
    values.extend(texts.values.into_iter().map(|text| Some(Json::from(text))));
    let mut is_new = true;
    if domain.is_anything() {
        let literals = literals(tests);
        let other = unheard_of(&literals);
        is_new = other.is_new;
        let others = number::candidates(&literals)
            .into_iter()
            .chain([Json::Bool(true), Json::Bool(false)])
            .chain(lists(tests, &literals, &other.text))
            .chain(objects(&literals, &other.text));
        values.extend(others.map(Some));
    }
    let contained = tests.iter().filter(|test| test.op == Op::Contains).count();
    let is_exact = texts.is_exact && is_new && contained <= CHOICES_MAX;
    Candidates { values, is_exact, combinations: texts.combinations }
}

/// Every value that a test compares with.
fn literals<'a>(tests: &[&'a Test]) -> Vec<&'a Json> {
    let mut found = Vec::new();
    for test in tests {
        match test.op {
            Op::In | Op::NotIn | Op::Between => {
                found.extend(test.value.as_array().unwrap_or_default());
            }
            Op::Eq
            | Op::Ne
            | Op::Lt
            | Op::Lte
            | Op::Gt
            | Op::Gte
            | Op::Prefix
            | Op::Suffix
            | Op::Contains
            | Op::Exists
            | Op::Cidr
            | Op::Matches => found.push(&test.value),
        }
    }
    found
}

/// The lists that are compared with, and each choice of what a list may have to
/// contain beside an item that nothing asks for.
fn lists(tests: &[&Test], literals: &[&Json], other: &Json) -> Vec<Json> {
    let mut lists: Vec<Json> =
        literals.iter().filter(|value| value.as_array().is_some()).map(|v| (*v).clone()).collect();
    let mut asked: Vec<&Json> = Vec::new();
    for test in tests.iter().filter(|test| test.op == Op::Contains) {
        if !asked.contains(&&test.value) {
            asked.push(&test.value);
        }
    }
    let mut choices = vec![vec![other.clone()]];
    for item in asked.iter().take(CHOICES_MAX) {
        let with: Vec<Vec<Json>> =
            choices.iter().map(|choice| [choice.as_slice(), &[(*item).clone()]].concat()).collect();
        choices.extend(with);
    }
    // What is left out of the choices still appears alone and with all others.
    choices.extend(asked.iter().skip(CHOICES_MAX).map(|item| vec![other.clone(), (*item).clone()]));
    choices.push(asked.into_iter().cloned().chain([other.clone()]).collect());
    lists.extend(choices.into_iter().map(Json::Array));
    lists
}

fn objects(literals: &[&Json], text: &Json) -> Vec<Json> {
    let known = literals.iter().filter(|value| value.as_object().is_some());
    let mut objects: Vec<Json> = known.map(|value| (*value).clone()).collect();
    let mut other = Object::new();
    other.insert("other", text.clone());
    objects.push(Json::Object(other));
    objects
}

/// A text that no literal is or has in it.
#[derive(Debug)]
struct Unheard {
    text: Json,
    /// Whether that is certain: one longer than very long texts is not made.
    is_new: bool,
}

/// The usual word, or a text longer than the longest.
fn unheard_of(literals: &[&Json]) -> Unheard {
    fn longest(value: &Json) -> usize {
        match value {
            Json::Null | Json::Bool(_) | Json::Number(_) => 0,
            Json::String(text) => text.len(),
            Json::Array(items) => items.iter().map(longest).max().unwrap_or(0),
            Json::Object(members) => {
                members.iter().map(|(_, value)| longest(value)).max().unwrap_or(0)
            }
        }
    }
    const SHORT: usize = 5;
    let text = "other";
    let is_known = |value: &&Json| value.to_canonical().contains(text);
    if !literals.iter().any(is_known) {
        return Unheard { text: Json::from(text), is_new: true };
    }
    let longest = literals.iter().map(|value| longest(value)).max().unwrap_or(0);
    let length = longest.min(LITERAL_BYTES_MAX).saturating_add(1).max(SHORT);
    Unheard { text: Json::from("x".repeat(length)), is_new: longest < length }
}

/// Keeps the first value of each combination of answers.
#[derive(Debug)]
struct Sieve<'a> {
    probes: &'a [Probe],
    meter: Meter,
    seen: BTreeSet<Vec<u8>>,
    /// The combinations that texts gave.
    of_texts: Vec<Vec<u8>>,
    kept: Vec<Option<Json>>,
}

impl<'a> Sieve<'a> {
    fn new(probes: &'a [Probe]) -> Self {
        Self {
            probes,
            meter: Meter::new(STEPS_MAX),
            seen: BTreeSet::new(),
            of_texts: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Fails where there is no room for another combination or no time to ask.
    fn fill(&mut self, domain: &Domain, values: Vec<Option<Json>>) -> Result<(), Spent> {
        for value in values {
            if value.as_ref().and_then(Json::as_str).is_some_and(|text| !domain.admits(text)) {
                continue;
            }
            let answers = self.answers(value.as_ref())?;
            if self.seen.contains(&answers) {
                continue;
            }
            if self.kept.len() == VALUES_MAX {
                return Err(Spent);
            }
            if value.as_ref().is_some_and(|value| value.as_str().is_some()) {
                self.of_texts.push(answers.clone());
            }
            self.seen.insert(answers);
            self.kept.push(value);
        }
        Ok(())
    }

    fn answers(&mut self, value: Option<&Json>) -> Result<Vec<u8>, Spent> {
        // Nothing asked costs something too, so that no list of candidates is free.
        self.meter.spend(1)?;
        let meter = &mut self.meter;
        let ask = |probe: &Probe| probe.ask_of(value, meter).map(|answer| answer.rank());
        self.probes.iter().map(ask).collect()
    }

    /// Whether each way to answer the other tests was seen with each of the
    /// `count` ways to answer the patterns. What equals a given text can answer
    /// them in one way only.
    fn crosses(&self, tests: &[&Test], count: usize) -> bool {
        let rest = |answers: &Vec<u8>| -> Vec<u8> {
            let others = answers.iter().zip(tests).filter(|(_, test)| test.op != Op::Matches);
            others.map(|(answer, _)| *answer).collect()
        };
        let mut groups: Vec<(Vec<u8>, bool)> = self
            .of_texts
            .iter()
            .map(|answers| (rest(answers), is_single(answers, tests)))
            .collect();
        groups.sort_unstable();
        groups.chunk_by(|a, b| a.0 == b.0).all(|group| {
            group.len() == count || group.first().is_some_and(|(_, is_single)| *is_single)
        })
    }
}

/// Whether these answers say which text it is.
fn is_single(answers: &[u8], tests: &[&Test]) -> bool {
    answers.iter().zip(tests).any(|(answer, test)| {
        let telling = match test.op {
            Op::Eq => Answer::Met,
            Op::Ne => Answer::Unmet,
            Op::In
            | Op::NotIn
            | Op::Lt
            | Op::Lte
            | Op::Gt
            | Op::Gte
            | Op::Between
            | Op::Prefix
            | Op::Suffix
            | Op::Contains
            | Op::Exists
            | Op::Cidr
            | Op::Matches => return false,
        };
        test.value.as_str().is_some() && *answer == telling.rank()
    })
}

#[cfg(test)]
mod tests;
