//! What may vary in a request about one actor and one action, and the values of
//! it that make a difference to what either policy asks.
//!
//! A list of data classes is judged class by class: it is denied when one of it
//! is, and whether a human decides does not depend on it. So where the answers
//! to a list differ, they differ the same way for one class of it, and lists of
//! one are enough. The same holds for the entries of a history.

use std::collections::BTreeMap;

use types::{DecisionId, Json, Micros, Timestamp, Ulid};

use super::classes::{Class, Classes};
use super::example::{Example, put};
use super::relevant::{Reader, Relevant};
use super::side::test_text;
use crate::compile::Clause;
use crate::condition::Test;
use crate::condition::probe::Answer;
use crate::meter::Meter;
use crate::request::{Allowed, RISK_CRITICAL};
use crate::witness::{Witnesses, witnesses};
use crate::words::{Mode, Op};

/// Keys of the context that are varied; the others are left out.
const KEYS_MAX: usize = 64;
/// Instants that others are tried around.
const ANCHORS_MAX: usize = 64;
/// When a request is made where no policy says more: a Friday.
const USUAL: Timestamp = Timestamp(1_798_761_600_000_000 + 12 * HOUR);
const HOUR: u64 = 3_600_000_000;
const DAY: u64 = 24 * HOUR;
/// Days on either side of an anchor: every weekday, and a day to leave it.
const DAYS_AROUND: u64 = 8;

/// One way in which a request may vary.
#[derive(Debug)]
pub(super) enum Choice {
    Actors(Vec<String>),
    Actions(Vec<String>),
    Modes(Vec<Option<Mode>>),
    Times(Vec<Timestamp>),
    Scores(Vec<u32>),
    Tools(Vec<Option<String>>),
    /// A word and the class it shows.
    Resources(Vec<Option<(String, usize)>>),
    Data(Vec<Option<(String, usize)>>),
    Past(Vec<Option<String>>),
    Key(String, Vec<Option<Json>>),
}

/// All that may vary.
#[derive(Debug)]
pub(super) struct Choices {
    pub(super) all: Vec<Choice>,
    /// Whether nothing else makes a difference.
    pub(super) is_exhaustive: bool,
}

/// A request put together, and the classes of what it is about.
#[derive(Debug)]
pub(super) struct Situation {
    pub(super) example: Example,
    pub(super) data: Option<usize>,
    pub(super) resource: Option<usize>,
}

/// Values that were found for the same tests before.
pub(super) type Known = BTreeMap<(String, Vec<String>), Witnesses>;

impl Choice {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Actors(words) | Self::Actions(words) => words.len(),
            Self::Modes(modes) => modes.len(),
            Self::Times(times) => times.len(),
            Self::Scores(scores) => scores.len(),
            Self::Tools(words) | Self::Past(words) => words.len(),
            Self::Resources(words) | Self::Data(words) => words.len(),
            Self::Key(_, values) => values.len(),
        }
    }

    /// Makes one choice; `None` where it cannot be made beside the others.
    fn make(&self, at: usize, situation: &mut Situation) -> Option<()> {
        let example = &mut situation.example;
        match self {
            Self::Actors(words) => example.actor.clone_from(words.get(at)?),
            Self::Actions(words) => example.action.clone_from(words.get(at)?),
            Self::Modes(modes) => example.mode = *modes.get(at)?,
            Self::Times(times) => example.at = *times.get(at)?,
            Self::Scores(scores) => example.risk_score = *scores.get(at)?,
            Self::Tools(words) => example.tool.clone_from(words.get(at)?),
            Self::Resources(words) => {
                let chosen = words.get(at)?.as_ref();
                example.resource = chosen.map(|(word, _)| word.clone());
                situation.resource = chosen.map(|(_, class)| *class);
            }
            Self::Data(words) => {
                let chosen = words.get(at)?.as_ref();
                example.data_classes = chosen.map(|(word, _)| word.clone()).into_iter().collect();
                situation.data = chosen.map(|(_, class)| *class);
            }
            Self::Past(words) => {
                example.history = words.get(at)?.as_deref().map(allowed).into_iter().collect()
            }
            Self::Key(key, values) => {
                if let Some(value) = values.get(at)? {
                    return put(&mut example.context, key, value).then_some(());
                }
            }
        }
        Some(())
    }
}

impl Choices {
    pub(super) fn situation(&self, chosen: &[usize]) -> Option<Situation> {
        let mut situation = Situation { example: usual(), data: None, resource: None };
        for (choice, at) in self.all.iter().zip(chosen) {
            choice.make(*at, &mut situation)?;
        }
        Some(situation)
    }
}

/// An earlier decision that names no resource: it conflicts with any.
fn allowed(action: &str) -> Allowed {
    Allowed { action: action.to_owned(), resource: None, decision: DecisionId(Ulid(1)) }
}

fn usual() -> Example {
    Example {
        actor: String::new(),
        action: String::new(),
        resource: None,
        tool: None,
        data_classes: Vec::new(),
        context: types::Object::new(),
        risk_score: 1,
        mode: None,
        at: USUAL,
        history: Vec::new(),
    }
}

/// Finds what may vary for a pair.
pub(super) struct Finder<'f, 's, 'a> {
    pub(super) reader: &'f Reader<'s, 'a>,
    pub(super) relevant: &'f Relevant<'a>,
    pub(super) known: &'f mut Known,
    pub(super) is_exhaustive: bool,
}

impl<'a> Finder<'_, '_, 'a> {
    pub(super) fn choices(mut self, actor: &Class, action: &Class) -> Choices {
        let actors = self.spellings("decision.actor", actor, |example, word| example.actor = word);
        let actions =
            self.spellings("decision.action", action, |example, word| example.action = word);
        let mut all = vec![
            Choice::Data(self.data()),
            Choice::Resources(self.resources()),
            Choice::Actors(actors),
            Choice::Actions(actions),
            Choice::Times(self.times()),
            Choice::Past(self.past()),
            Choice::Tools(self.tools()),
        ];
        all.extend(self.keys());
        all.push(Choice::Scores(self.scores()));
        all.push(Choice::Modes(self.modes()));
        Choices { all, is_exhaustive: self.is_exhaustive }
    }

    fn clauses(&self, is_asked: impl Fn(&str) -> bool) -> Vec<&'a Clause> {
        let clauses = self.relevant.clauses.values().copied();
        clauses.filter(|clause| is_asked(&clause.test.key)).collect()
    }

    /// The spellings of a class that conditions on the word tell apart.
    fn spellings(
        &mut self,
        key: &str,
        class: &Class,
        set: impl Fn(&mut Example, String),
    ) -> Vec<String> {
        let clauses = self.clauses(|asked| asked == key);
        if clauses.is_empty() {
            return vec![class.word().to_owned()];
        }
        self.is_exhaustive &= clauses.iter().all(|clause| is_about_whole_words(&clause.test));
        distinct(class.spellings.iter().cloned(), &clauses, |example, word| {
            set(example, word.clone())
        })
    }

    fn data(&self) -> Vec<Option<(String, usize)>> {
        let words = self
            .relevant
            .data
            .iter()
            .filter_map(|at| Some((self.reader.objects.get(*at)?.word().to_owned(), *at)));
        std::iter::once(None).chain(words.map(Some)).collect()
    }

    fn resources(&mut self) -> Vec<Option<(String, usize)>> {
        let objects: &Classes = self.reader.objects;
        let mut classes = self.relevant.resources.clone();
        let is_asked = !self.clauses(|key| key == "decision.resource").is_empty();
        if is_asked && classes.is_empty() {
            classes.push(objects.unknown);
        }
        let mut words = vec![None];
        for at in classes {
            let Some(class) = objects.get(at) else {
                continue;
            };
            let spellings = self.spellings("decision.resource", class, |example, word| {
                example.resource = Some(word);
            });
            words.extend(spellings.into_iter().map(|word| Some((word, at))));
        }
        words
    }

    fn past(&self) -> Vec<Option<String>> {
        let actions = self.relevant.past.iter().filter_map(|at| self.reader.actions.get(*at));
        std::iter::once(None).chain(actions.map(|class| Some(class.word().to_owned()))).collect()
    }

    fn tools(&mut self) -> Vec<Option<String>> {
        let clauses = self.clauses(|key| key == "decision.tool");
        let values = self.values("decision.tool", &clauses);
        let words =
            values.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned));
        std::iter::once(None).chain(words.map(Some)).collect()
    }

    fn keys(&mut self) -> Vec<Choice> {
        let is_context = |key: &str| !key.starts_with("decision.") && !key.starts_with("time.");
        let mut by_key: BTreeMap<&str, Vec<&Clause>> = BTreeMap::new();
        for clause in self.clauses(is_context) {
            by_key.entry(&clause.test.key).or_default().push(clause);
        }
        self.is_exhaustive &= by_key.len() <= KEYS_MAX && !are_nested(by_key.keys().copied());
        let keys = by_key.into_iter().take(KEYS_MAX);
        keys.map(|(key, clauses)| {
            let values = self.values(key, &clauses);
            Choice::Key(
                key.to_owned(),
                std::iter::once(None).chain(values.into_iter().flatten().map(Some)).collect(),
            )
        })
        .collect()
    }

    /// Scores that conditions tell apart, and whether a human must look.
    fn scores(&self) -> Vec<u32> {
        let clauses =
            self.clauses(|key| key == "decision.risk_score" || key == "decision.risk_level");
        let [low, critical] = [1..RISK_CRITICAL, RISK_CRITICAL..101]
            .map(|scores| distinct(scores, &clauses, |example, score| example.risk_score = *score));
        low.into_iter().chain(critical).collect()
    }

    /// A request may ask for a tighter mode than a policy has.
    fn modes(&self) -> Vec<Option<Mode>> {
        let is_loose = self.reader.sides.iter().any(|side| side.policy.mode() == Mode::Permissive);
        if is_loose { vec![None, Some(Mode::Strict)] } else { vec![None] }
    }

    fn times(&mut self) -> Vec<Timestamp> {
        let clauses = self.clauses(|key| key.starts_with("time."));
        let candidates = self.instants(&clauses);
        let [before, after] = self.reader.sides.each_ref().map(|side| side.policy);
        let mut seen = Vec::new();
        let mut kept = Vec::new();
        for at in candidates {
            let example = Example { at, ..usual() };
            let sign =
                (before.is_effective(at), after.is_effective(at), answers(&example, &clauses));
            if !seen.contains(&sign) {
                seen.push(sign);
                kept.push(at);
            }
        }
        kept
    }

    /// Instants around everything that a date or a window names.
    fn instants(&mut self, clauses: &[&Clause]) -> Vec<Timestamp> {
        let is_asked = |key| clauses.iter().any(|clause| clause.test.key == key);
        let (hours, weekdays, dates) =
            (is_asked("time.hour_utc"), is_asked("time.weekday_utc"), is_asked("time.date_utc"));
        let days = if weekdays { DAYS_AROUND } else { u64::from(dates) };
        let mut instants = Vec::new();
        for anchor in self.anchors(clauses) {
            instants.push(anchor);
            for day in around(anchor, days, DAY) {
                instants.extend(around(day, if hours { 23 } else { 0 }, HOUR));
            }
        }
        instants
    }

    fn anchors(&mut self, clauses: &[&Clause]) -> Vec<Timestamp> {
        let mut anchors = vec![USUAL];
        for side in self.reader.sides {
            let document = side.policy.document();
            let ends = [document.effective_from, document.effective_until].into_iter().flatten();
            for end in ends {
                anchors.extend([end, Timestamp(end.0.saturating_sub(1))]);
            }
        }
        let dates: Vec<&Clause> =
            clauses.iter().copied().filter(|clause| clause.test.key == "time.date_utc").collect();
        for date in self.values("time.date_utc", &dates).into_iter().flatten() {
            anchors.extend(date.as_str().and_then(|date| date.parse::<Timestamp>().ok()));
        }
        self.is_exhaustive &= anchors.len() <= ANCHORS_MAX;
        anchors.truncate(ANCHORS_MAX);
        anchors
    }

    /// Values of a key that these conditions tell apart.
    fn values(&mut self, key: &str, clauses: &[&Clause]) -> Vec<Option<Json>> {
        if clauses.is_empty() {
            return Vec::new();
        }
        let tests: Vec<&Test> = clauses.iter().map(|clause| &clause.test).collect();
        let texts = tests.iter().map(|test| test_text(test)).collect();
        let found = self.known.entry((key.to_owned(), texts));
        let found = found.or_insert_with(|| witnesses(key, &tests));
        self.is_exhaustive &= found.is_exhaustive;
        found.values.clone()
    }
}

/// What asks for one of some words, and not for a part of them.
fn is_about_whole_words(test: &Test) -> bool {
    match test.op {
        Op::Eq | Op::Ne | Op::In | Op::NotIn | Op::Exists => true,
        Op::Lt
        | Op::Lte
        | Op::Gt
        | Op::Gte
        | Op::Between
        | Op::Prefix
        | Op::Suffix
        | Op::Contains
        | Op::Cidr
        | Op::Matches => false,
    }
}

/// Whether one key lies below another: their values are then no free choice.
fn are_nested<'k>(keys: impl Iterator<Item = &'k str> + Clone) -> bool {
    let mut below = keys.clone();
    below.any(|low| {
        keys.clone().any(|high| low.strip_prefix(high).is_some_and(|rest| rest.starts_with('.')))
    })
}

/// The first of the candidates for each way to answer the conditions.
fn distinct<T: Clone>(
    candidates: impl IntoIterator<Item = T>,
    clauses: &[&Clause],
    set: impl Fn(&mut Example, &T),
) -> Vec<T> {
    let mut seen: Vec<Vec<Answer>> = Vec::new();
    let mut kept = Vec::new();
    for candidate in candidates {
        let mut example = usual();
        set(&mut example, &candidate);
        let answers = answers(&example, clauses);
        if !seen.contains(&answers) {
            seen.push(answers);
            kept.push(candidate);
        }
    }
    kept
}

fn answers(example: &Example, clauses: &[&Clause]) -> Vec<Answer> {
    let request = example.request();
    let mut meter = Meter::new(u32::MAX);
    // A meter that is spent says nothing, as does a key that is missing.
    let ask = |clause: &&Clause| clause.probe.ask(&request, &mut meter).unwrap_or(Answer::Missing);
    clauses.iter().map(ask).collect()
}

/// So many steps to either side, those of the years that have a text.
fn around(anchor: Timestamp, steps: u64, step: u64) -> Vec<Timestamp> {
    let ahead =
        (0..=steps).filter_map(|steps| anchor.checked_add(Micros(steps.saturating_mul(step))));
    let back = (1..=steps)
        .filter_map(|steps| anchor.0.checked_sub(steps.saturating_mul(step)).map(Timestamp));
    ahead.chain(back).collect()
}
