//! Texts that some tests tell apart.
//!
//! Everything but endings is an interval in the order of bytes: what equals a
//! text, what lies within bounds, what begins with a text. So the texts a test
//! names cut the line into points and gaps, and each gap needs one text for each
//! ending. A gap mostly holds some text with all its continuations, to which any
//! ending can be added; a gap that does not holds only beginnings of its end.

use types::Json;

use super::domain::{Domain, dates_around, ends_of_time, some_year};
use super::{LITERAL_BYTES_MAX, address, pattern};
use crate::condition::Test;
use crate::words::Op;

/// Texts that lie in a gap without any continuations.
const BEGINNINGS_MAX: usize = 64;
/// Texts of one set, and their bytes.
const TEXTS_MAX: usize = 10_000;
const TEXT_BYTES_MAX: usize = 4 << 20;

/// What is worth asking.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) values: Vec<String>,
    bytes: usize,
    pub(super) is_exact: bool,
    pub(super) combinations: Option<usize>,
}

impl Texts {
    fn push(&mut self, text: String) {
        self.bytes = self.bytes.saturating_add(text.len());
        self.values.push(text);
    }

    fn are_many(&self) -> bool {
        TEXTS_MAX < self.values.len() || TEXT_BYTES_MAX < self.bytes
    }
}

/// The texts that tests name, by their part in them.
#[derive(Debug, Default)]
struct Named<'a> {
    /// Where an interval begins or ends, sorted.
    points: Vec<String>,
    /// What a text may equal.
    equals: Vec<&'a str>,
    suffixes: Vec<&'a str>,
    networks: Vec<&'a str>,
    patterns: Vec<&'a str>,
    /// Whether anything but equality cuts through texts.
    has_intervals: bool,
}

pub(super) fn candidates(domain: &Domain, tests: &[&Test]) -> Texts {
    let named = Named::of(tests);
    if *domain == Domain::Dates {
        return dates(&named);
    }
    let mut texts = Texts { values: Vec::new(), bytes: 0, is_exact: true, combinations: None };
    for point in &named.points {
        texts.push(point.clone());
    }
    let points = short(named.points.iter().map(String::as_str));
    let suffixes = short(named.suffixes.iter().copied());
    texts.is_exact &= points.len() == named.points.len() && suffixes.len() == named.suffixes.len();
    let other = unused(domain, &suffixes);
    texts.is_exact &= other.is_some() || suffixes.is_empty();
    let ends = points.iter().copied().skip(1).map(Some).chain([None]);
    for (low, high) in points.iter().copied().zip(ends) {
        let gap = Gap { domain, low, high };
        gap.fill(&suffixes, other, &mut texts);
        if texts.are_many() {
            texts.is_exact = false;
            break;
        }
    }
    add_addresses(domain, &named, &mut texts);
    add_matches(domain, &named, &mut texts);
    texts
}

/// Those that are not too long to make others around them.
fn short<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    texts.filter(|text| text.len() <= LITERAL_BYTES_MAX).collect()
}

impl<'a> Named<'a> {
    fn of(tests: &[&'a Test]) -> Self {
        let mut named = Self::default();
        named.points.push(String::new());
        for test in tests {
            named.add(test);
        }
        named.points.extend(named.equals.iter().map(|text| (*text).to_owned()));
        named.points.sort_unstable();
        named.points.dedup();
        named.patterns.sort_unstable();
        named.patterns.dedup();
        named
    }

    fn add(&mut self, test: &'a Test) {
        let text = test.value.as_str();
        let items = || test.value.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
        match test.op {
            Op::Eq | Op::Ne => self.equals.extend(text),
            Op::In | Op::NotIn => self.equals.extend(items()),
            Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::Between => {
                let before = self.points.len();
                self.points.extend(items().chain(text).map(str::to_owned));
                self.has_intervals |= before < self.points.len();
            }
            Op::Prefix => {
                self.has_intervals = true;
                self.points.extend(text.map(str::to_owned));
                self.points.extend(text.and_then(after));
            }
            Op::Suffix => self.suffixes.extend(text),
            Op::Cidr => self.networks.extend(text),
            Op::Matches => self.patterns.extend(text),
            Op::Contains | Op::Exists => (),
        }
    }
}

/// The first text after all that begin so.
fn after(prefix: &str) -> Option<String> {
    let mut text: Vec<char> = prefix.chars().collect();
    while let Some(last) = text.pop() {
        if let Some(next) = (last..).nth(1) {
            text.push(next);
            return Some(text.into_iter().collect());
        }
    }
    None
}

/// A character that no ending has, so that it ends every match of a longer one.
fn unused(domain: &Domain, suffixes: &[&str]) -> Option<char> {
    let is_free = |character: &char| !suffixes.iter().any(|text| text.contains(*character));
    let plain = ('a'..='z').chain('0'..='9').chain('A'..='Z').chain(['_', '-']);
    let rare = ['\u{e000}'..='\u{efff}'].into_iter().flatten();
    plain.chain(rare).filter(|character| domain.has(*character)).find(is_free)
}

/// What lies between two neighbouring points.
#[derive(Debug)]
struct Gap<'a> {
    domain: &'a Domain,
    low: &'a str,
    high: Option<&'a str>,
}

impl Gap<'_> {
    fn fill(&self, suffixes: &[&str], other: Option<char>, texts: &mut Texts) {
        let Some(base) = self.base() else {
            let beginnings = self.beginnings();
            texts.is_exact &= beginnings.len() < BEGINNINGS_MAX;
            for text in beginnings {
                texts.push(text);
            }
            return;
        };
        let closed = other.map_or_else(|| base.clone(), |other| format!("{base}{other}"));
        // A text that a key is too short for may be all there is of its kind.
        texts.is_exact &= self.domain.admits(&closed);
        for suffix in suffixes {
            let ending = format!("{closed}{suffix}");
            texts.is_exact &= self.domain.admits(&ending) || !self.could_end(suffix);
            texts.push(ending);
        }
        texts.push(base);
        texts.push(closed);
    }

    /// Whether any text of the domain ends so.
    fn could_end(&self, suffix: &str) -> bool {
        suffix.chars().all(|character| self.domain.has(character))
            && (!suffix.ends_with(' ') || self.domain.is_anything())
    }

    /// A text in the gap with whatever may follow it.
    fn base(&self) -> Option<String> {
        let low: Vec<char> = self.low.chars().collect();
        for at in (0..=low.len()).rev() {
            let from = low.get(at).copied();
            let start: String = low.iter().take(at).collect();
            let nice = ['a', 'x', '0'].into_iter();
            let nice = nice.filter(|nice| from.is_none_or(|from| from < *nice));
            let next = nice.chain(self.domain.above(from, at == 0));
            let found = next.map(|next| format!("{start}{next}")).find(|base| self.has_all(base));
            if found.is_some() {
                return found;
            }
        }
        let high: Vec<char> = self.high.unwrap_or_default().chars().collect();
        let mut start = String::new();
        for (at, character) in high.into_iter().enumerate() {
            if let Some(below) = self.domain.below(character, at == 0) {
                let base = format!("{start}{below}");
                if self.has_all(&base) {
                    return Some(base);
                }
            }
            start.push(character);
        }
        None
    }

    fn has_all(&self, base: &str) -> bool {
        let is_low = self.high.is_none_or(|high| base < high && !high.starts_with(base));
        self.low < base && is_low && base.chars().all(|character| self.domain.has(character))
    }

    /// What the gap holds where it holds no continuations.
    fn beginnings(&self) -> Vec<String> {
        let high = self.high.unwrap_or_default();
        let starts = high.char_indices().filter_map(|(at, _)| high.get(..at));
        starts.filter(|start| self.low < *start).take(BEGINNINGS_MAX).map(str::to_owned).collect()
    }
}

/// One address for each part of the networks, in a spelling of its own where the
/// usual one is compared with.
fn add_addresses(domain: &Domain, named: &Named<'_>, texts: &mut Texts) {
    if named.networks.is_empty() {
        return;
    }
    texts.is_exact &=
        !named.has_intervals && named.suffixes.is_empty() && named.patterns.is_empty();
    for spellings in address::parts(&named.networks) {
        let is_new = |text: &&String| domain.admits(text) && !named.equals.contains(&text.as_str());
        texts.is_exact &= spellings.iter().any(|text| is_new(&text));
        texts.values.extend(spellings);
    }
}

fn add_matches(domain: &Domain, named: &Named<'_>, texts: &mut Texts) {
    if named.patterns.is_empty() {
        return;
    }
    let Some(of_domain) = domain.pattern() else {
        texts.is_exact = false;
        return;
    };
    let found = pattern::combinations(of_domain, &named.patterns);
    texts.is_exact &= found.is_whole;
    texts.combinations = Some(found.texts.len());
    texts.values.extend(found.texts);
}

/// Days on, before and after each point. Endings and patterns of dates are tried
/// on the days of one year and no more.
fn dates(named: &Named<'_>) -> Texts {
    let mut values: Vec<String> =
        named.points.iter().flat_map(|point| dates_around(point)).collect();
    values.extend(ends_of_time());
    let is_exact = named.suffixes.is_empty() && named.patterns.is_empty();
    if !is_exact {
        values.extend(some_year());
    }
    Texts { values, bytes: 0, is_exact: is_exact && named.networks.is_empty(), combinations: None }
}
