//! The search for the smallest change of a request that gives another outcome.
//!
//! All changes of one key are tried, then of two, then of three, with values
//! that show everything the conditions of those keys can tell apart. So the
//! first that is found is the smallest, as far as the keys that were looked at
//! go; when the bound is reached before, nothing is claimed. Where not all could
//! be looked at, only a change of one key is claimed to be the smallest, and only
//! with the value that was tried.

use std::collections::{BTreeMap, BTreeSet};

use types::Json;

use super::change::{Changed, Part, RISK_HIGH, RISK_MEDIUM, is_possible};
use super::{Flip, FlipChange, Recalled};
use crate::compile::{Clause, Compiled, RuleId, TargetKind};
use crate::condition::Test;
use crate::condition::pattern::Patterns;
use crate::condition::probe::{Answer, Probe};
use crate::evaluate::{judge, size};
use crate::meter::{Meter, Spent};
use crate::request::{History, RISK_CRITICAL, Request};
use crate::witness::witnesses;
use crate::words::{Mode, Op, Verdict};

/// Keys that are changed together.
const CHANGES_MAX: usize = 3;
/// Keys that are tried.
const KEYS_MAX: usize = 24;
/// Tests of one key, and rules whose tests are looked at.
const TESTS_MAX: usize = 32;
const RULES_MAX: usize = 1000;
/// Values of one key that are tried.
const SETTINGS_MAX: usize = 24;
/// Levers with patterns whose values are sought; finding them is dear.
const PATTERN_LEVERS_MAX: usize = 4;
/// Bytes of a copied request that a step pays for.
const COPIED_BYTES_PER_STEP: usize = 16;
/// Evaluations of one search, and the steps they may take together.
const EVALUATIONS_MAX: u32 = 4000;
const STEPS_MAX: u32 = 4_000_000;
const RISK_SCORE: &str = "decision.risk_score";
const RISK_LEVEL: &str = "decision.risk_level";

/// A key and what it may be changed to.
#[derive(Debug)]
struct Lever {
    key: String,
    part: Part,
    /// None where the values are names that stand for themselves.
    tests: Vec<Test>,
    /// At most [`SETTINGS_MAX`].
    settings: Vec<Option<Json>>,
    /// Whether the settings show everything the policy can tell apart there.
    is_whole: bool,
}

/// One change: a lever and one of its settings.
#[derive(Clone, Copy, Debug)]
struct Pick {
    lever: usize,
    setting: usize,
}

/// Finds the smallest change, from an outcome and the rules it may be about, the
/// most promising first.
pub(super) fn find<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &Recalled<'_, H>,
    (now, rules): (Verdict, &[RuleId]),
) -> Option<Flip> {
    if policy.mode().max(request.mode.unwrap_or(Mode::Permissive)) == Mode::Paranoid {
        return None;
    }
    let mut meter = Meter::new(STEPS_MAX);
    let (levers, is_whole) = Levers::new(policy, request).collect(rules, &mut meter);
    let copy_steps = copy_steps(request);
    let evaluations = EVALUATIONS_MAX;
    let mut search =
        Search { policy, request, history, levers, is_whole, now, copy_steps, evaluations, meter };
    for count in 1..=CHANGES_MAX {
        let mut picks = Vec::new();
        match search.descend(0, count, &mut picks) {
            Ok(Some(outcome)) => return Some(search.flip(&picks, outcome)),
            // A larger change might not be the smallest.
            Ok(None) if !search.is_whole => return None,
            Ok(None) => (),
            Err(Spent) => return None,
        }
    }
    None
}

/// What a copy of the request costs.
fn copy_steps(request: &Request<'_>) -> u32 {
    /// Of what stands around a value.
    const SMALL: usize = 16;
    let members = request.context.iter().map(|(key, value)| key.len().saturating_add(size(value)));
    let classes = request.data_classes.iter().map(|class| class.len().saturating_add(SMALL));
    let bytes = members.chain(classes).fold(SMALL, usize::saturating_add);
    u32::try_from(bytes / COPIED_BYTES_PER_STEP).unwrap_or(u32::MAX)
}

struct Search<'a, H> {
    policy: &'a Compiled,
    request: &'a Request<'a>,
    history: &'a Recalled<'a, H>,
    levers: Vec<Lever>,
    /// Whether everything that could be changed was looked at.
    is_whole: bool,
    now: Verdict,
    copy_steps: u32,
    evaluations: u32,
    meter: Meter,
}

impl<H: History> Search<'_, H> {
    /// Tries every choice of `count` more levers from here on.
    fn descend(
        &mut self,
        from: usize,
        count: usize,
        picks: &mut Vec<Pick>,
    ) -> Result<Option<Verdict>, Spent> {
        let Some(left) = count.checked_sub(1) else {
            return self.outcome(picks);
        };
        for lever in from..self.levers.len() {
            let settings = self.levers.get(lever).map_or(0, |lever| lever.settings.len());
            for setting in 0..settings {
                picks.push(Pick { lever, setting });
                let found = self.descend(lever.saturating_add(1), left, picks)?;
                if found.is_some() {
                    return Ok(found);
                }
                picks.pop();
            }
        }
        Ok(None)
    }

    /// The other outcome, if these changes give one.
    fn outcome(&mut self, picks: &[Pick]) -> Result<Option<Verdict>, Spent> {
        // Before anything is copied: what is refused costs as much.
        self.evaluations = self.evaluations.checked_sub(1).ok_or(Spent)?;
        self.meter.spend(self.copy_steps)?;
        let mut changed = Changed::new(self.request);
        for pick in picks {
            let set = self.levers.get(pick.lever).and_then(|lever| {
                changed.set(&lever.part, lever.settings.get(pick.setting)?.as_ref())
            });
            if set.is_none() {
                return Ok(None);
            }
        }
        let Ok(judged) = judge(self.policy, &changed.request(self.request), self.history) else {
            // The history is asked about this change only, and cannot be read.
            self.is_whole = false;
            return Ok(None);
        };
        self.meter.spend(judged.steps)?;
        let is_other = (judged.outcome == Verdict::Allowed) != (self.now == Verdict::Allowed);
        Ok(is_other.then_some(judged.outcome))
    }

    /// The change in words: each key with the widest condition known to flip,
    /// whatever the others hold within theirs.
    fn flip(&mut self, picks: &[Pick], outcome: Verdict) -> Flip {
        let mut held: Vec<Vec<Pick>> = picks.iter().map(|pick| vec![*pick]).collect();
        let can_widen = self.can_widen(picks);
        let mut changes = Vec::new();
        for (at, pick) in picks.iter().enumerate() {
            let Some(lever) = self.levers.get(pick.lever) else {
                continue;
            };
            let (key, tests) = (lever.key.clone(), lever.tests.clone());
            let value = lever.settings.get(pick.setting).cloned().flatten();
            let tests =
                if can_widen { conditions(&key, &tests, value.is_some()) } else { Vec::new() };
            let found =
                tests.into_iter().find(|test| self.widen(&mut held, at, *pick, test) == Ok(true));
            let (op, value) = match (found, value) {
                (Some(test), _) => (test.op, test.value),
                (None, Some(value)) => (Op::Eq, value),
                (None, None) => (Op::Exists, Json::Bool(false)),
            };
            changes.push(FlipChange { key, op, value });
        }
        Flip { changes, outcome }
    }

    /// Whether all rules that tell values of these keys apart were looked at.
    /// Other classes and resources are about other rules.
    fn can_widen(&self, picks: &[Pick]) -> bool {
        let mut levers = picks.iter().filter_map(|pick| self.levers.get(pick.lever));
        self.is_whole
            && levers.all(|lever| {
                let is_about_rules = matches!(lever.part, Part::DataClasses | Part::Resource);
                lever.is_whole && !is_about_rules && !leads_elsewhere(self.policy, lever)
            })
    }

    /// Whether whatever meets the test flips the outcome, with all that the other
    /// changes may hold; if so, that is what is held.
    fn widen(
        &mut self,
        held: &mut [Vec<Pick>],
        at: usize,
        pick: Pick,
        test: &Test,
    ) -> Result<bool, Spent> {
        let Ok(probe) = Probe::new(test, &mut Patterns::default()) else {
            return Ok(false);
        };
        // What holds already would be no change.
        if probe.ask(self.request, &mut self.meter)? == Answer::Met {
            return Ok(false);
        }
        let settings = self.levers.get(pick.lever).map_or(&[][..], |lever| &lever.settings);
        let mut meeting = Vec::new();
        for (setting, value) in settings.iter().enumerate() {
            if probe.ask_of(value.as_ref(), &mut self.meter)? == Answer::Met {
                meeting.push(Pick { setting, ..pick });
            }
        }
        if !meeting.iter().any(|met| met.setting == pick.setting) {
            return Ok(false);
        }
        let mut wider = held.to_vec();
        if let Some(picks) = wider.get_mut(at) {
            *picks = meeting;
        }
        let is_enough = self.all_flip(&wider, &mut Vec::new())?;
        if let (true, Some(held), Some(wider)) = (is_enough, held.get_mut(at), wider.get_mut(at)) {
            *held = std::mem::take(wider);
        }
        Ok(is_enough)
    }

    /// Whether every choice of one pick of each flips the outcome.
    fn all_flip(&mut self, held: &[Vec<Pick>], picks: &mut Vec<Pick>) -> Result<bool, Spent> {
        let Some((first, rest)) = held.split_first() else {
            return Ok(self.outcome(picks)?.is_some());
        };
        for pick in first {
            picks.push(*pick);
            let flips = self.all_flip(rest, picks)?;
            picks.pop();
            if !flips {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a test of the key that was not looked at decides which rules the
/// request is about: a conditional `implies`, or a conflict.
fn leads_elsewhere(policy: &Compiled, lever: &Lever) -> bool {
    let kinds = policy.kinds.iter().chain(&policy.labelled).filter_map(|kind| kind.by);
    let conflicts = policy.conflicts.iter().map(|pair| pair.rule);
    let mut rules = kinds.chain(conflicts).filter_map(|rule| policy.relation(rule));
    rules.any(|(_, rule)| {
        let mut tests = rule.clauses.iter().map(|clause| &clause.test);
        tests.any(|test| {
            let is_level = test.key == RISK_LEVEL && lever.part == Part::Risk;
            is_level || (test.key == lever.key && !lever.tests.contains(test))
        })
    })
}

/// What can be said of a key in the words of its tests: each or its opposite.
fn conditions(key: &str, tests: &[Test], is_there: bool) -> Vec<Test> {
    if tests.is_empty() {
        return Vec::new();
    }
    let both = tests.iter();
    let both = both.flat_map(|test| std::iter::once(test.clone()).chain(opposites(test)));
    let presence = Test { key: key.to_owned(), op: Op::Exists, value: Json::Bool(is_there) };
    both.chain(ranges(tests)).chain([presence]).collect()
}

/// What two bounds of one key say together.
fn ranges(tests: &[Test]) -> Vec<Test> {
    let bounds = |op| tests.iter().filter(move |test| test.op == op);
    let pairs = bounds(Op::Gte).flat_map(|low| bounds(Op::Lte).map(move |high| (low, high)));
    pairs
        .map(|(low, high)| Test {
            key: low.key.clone(),
            op: Op::Between,
            value: Json::Array(vec![low.value.clone(), high.value.clone()]),
        })
        .collect()
}

/// The tests one of which is met where this one is not, by a value of the type.
fn opposites(test: &Test) -> Vec<Test> {
    let of = |op, value: &Json| Test { key: test.key.clone(), op, value: value.clone() };
    let value = &test.value;
    match test.op {
        Op::Eq => vec![of(Op::Ne, value)],
        Op::Ne => vec![of(Op::Eq, value)],
        Op::In => vec![of(Op::NotIn, value)],
        Op::NotIn => vec![of(Op::In, value)],
        Op::Lt => vec![of(Op::Gte, value)],
        Op::Lte => vec![of(Op::Gt, value)],
        Op::Gt => vec![of(Op::Lte, value)],
        Op::Gte => vec![of(Op::Lt, value)],
        Op::Between => match value.as_array() {
            Some([low, high]) => vec![of(Op::Lt, low), of(Op::Gt, high)],
            Some(_) | None => Vec::new(),
        },
        Op::Exists => {
            vec![of(Op::Exists, &Json::Bool(value.as_bool() == Some(false)))]
        }
        Op::Prefix | Op::Suffix | Op::Contains | Op::Cidr | Op::Matches => Vec::new(),
    }
}

/// Collects what can be changed.
struct Levers<'a> {
    policy: &'a Compiled,
    request: &'a Request<'a>,
    /// Keys in the order they were found, each with its tests.
    keys: Vec<&'a str>,
    tests: BTreeMap<&'a str, Vec<&'a Test>>,
    resources: Vec<Json>,
    classes: Vec<Json>,
    /// Keys some tests of which were not taken.
    cut: BTreeSet<&'a str>,
    /// Whether a level is asked for, which scores then stand for.
    asks_level: bool,
    /// Levers with patterns so far.
    patterned: usize,
    is_whole: bool,
}

impl<'a> Levers<'a> {
    fn new(policy: &'a Compiled, request: &'a Request<'a>) -> Self {
        Self {
            policy,
            request,
            keys: Vec::new(),
            tests: BTreeMap::new(),
            resources: Vec::new(),
            classes: Vec::new(),
            cut: BTreeSet::new(),
            asks_level: false,
            patterned: 0,
            is_whole: true,
        }
    }

    /// What can be changed, and whether that is all there is.
    fn collect(mut self, rules: &[RuleId], meter: &mut Meter) -> (Vec<Lever>, bool) {
        let policy = self.policy;
        self.is_whole = rules.len() <= RULES_MAX;
        for id in rules.iter().take(RULES_MAX) {
            let Some((relation, rule)) = policy.relation(*id) else {
                continue;
            };
            self.add_tests(&rule.clauses);
            if let (Some(target), Some(object)) = (rule.object, &relation.object) {
                self.add_object(target.of, object);
            }
        }
        for limit in &policy.limits {
            self.add_tests(&limit.clauses);
        }
        let bounds = [RISK_CRITICAL, RISK_HIGH, RISK_MEDIUM].map(|score| Test {
            key: RISK_SCORE.to_owned(),
            op: Op::Lt,
            value: Json::from(score),
        });
        let levels =
            [(RISK_HIGH, RISK_CRITICAL), (RISK_MEDIUM, RISK_HIGH)].map(|(low, next)| Test {
                key: RISK_SCORE.to_owned(),
                op: Op::Between,
                value: Json::Array(vec![Json::from(low), Json::from(next.saturating_sub(1))]),
            });
        self.finish(&bounds, &levels, meter)
    }

    fn add_tests(&mut self, clauses: &'a [Clause]) {
        for clause in clauses {
            let test = &clause.test;
            // The level follows from the score, so that a score is what is changed.
            let is_level = test.key == RISK_LEVEL;
            let key = if is_level { RISK_SCORE } else { test.key.as_str() };
            if Part::of(key).is_none() {
                continue;
            }
            let is_known = self.tests.contains_key(key);
            if !is_known && self.keys.len() == KEYS_MAX {
                self.is_whole = false;
                continue;
            }
            if !is_known {
                self.keys.push(key);
            }
            let tests = self.tests.entry(key).or_default();
            self.asks_level |= is_level;
            if is_level || tests.contains(&test) {
                continue;
            }
            if tests.len() == TESTS_MAX {
                self.cut.insert(key);
                continue;
            }
            tests.push(test);
        }
    }

    /// Something the object covers: the term, or one that its pattern does.
    fn add_object(&mut self, of: TargetKind, object: &str) {
        let name = object.strip_suffix('*').map(|start| format!("{start}any"));
        let name = Json::from(name.unwrap_or_else(|| object.to_owned()));
        let (classes, resources) = (&mut self.classes, &mut self.resources);
        let is_whole = &mut self.is_whole;
        let mut add = |found: &mut Vec<Json>| {
            if found.contains(&name) {
                return;
            }
            if found.len() == SETTINGS_MAX {
                *is_whole = false;
                return;
            }
            found.push(name.clone());
        };
        match of {
            TargetKind::DataClasses => add(classes),
            TargetKind::Resource => add(resources),
            TargetKind::Either => {
                add(classes);
                add(resources);
            }
        }
    }

    fn finish<'b>(
        mut self,
        bounds: &'b [Test],
        levels: &'b [Test],
        meter: &mut Meter,
    ) -> (Vec<Lever>, bool)
    where
        'a: 'b,
    {
        let mut keys = std::mem::take(&mut self.keys);
        let mut tests: BTreeMap<&'b str, Vec<&'b Test>> = std::mem::take(&mut self.tests);
        let of_score = tests.entry(RISK_SCORE).or_default();
        // Every request has a score, so what the policy speaks of comes first.
        let is_last = !keys.contains(&RISK_SCORE);
        match self.asks_level {
            true => of_score.extend(bounds.iter().chain(levels)),
            false => of_score.extend(bounds.first()),
        }
        if !self.resources.is_empty() && !keys.contains(&"decision.resource") {
            keys.push("decision.resource");
        }
        let mut levers = Vec::new();
        for key in keys {
            let tests = tests.get(key).map_or(&[][..], Vec::as_slice);
            levers.extend(self.lever(key, tests, meter));
        }
        levers.extend(self.data_classes());
        if is_last {
            let tests = tests.get(RISK_SCORE).map_or(&[][..], Vec::as_slice);
            levers.extend(self.lever(RISK_SCORE, tests, meter));
        }
        let is_whole = self.is_whole && levers.iter().all(|lever| lever.is_whole);
        (levers, is_whole)
    }

    fn lever(&mut self, key: &str, tests: &[&Test], meter: &mut Meter) -> Option<Lever> {
        let part = Part::of(key)?;
        let is_patterned = tests.iter().any(|test| test.op == Op::Matches);
        if is_patterned && self.patterned == PATTERN_LEVERS_MAX {
            self.is_whole = false;
            return None;
        }
        self.patterned = self.patterned.saturating_add(usize::from(is_patterned));
        let witnesses = witnesses(key, tests);
        let mut tests: Vec<Test> = tests.iter().map(|test| (*test).clone()).collect();
        let values = witnesses.values.into_iter();
        let values = values.filter(|value| is_possible(self.request, &part, value.as_ref()));
        let Ok(mut settings) = settings(&tests, values.collect(), self.request, meter) else {
            self.is_whole = false;
            return None;
        };
        if part == Part::Resource && !self.resources.is_empty() {
            let named = self.resources.iter().cloned().map(Some).chain([None]);
            settings.splice(0..0, named);
            tests.clear();
        }
        let is_cut = self.cut.contains(key) || SETTINGS_MAX < settings.len();
        settings.truncate(SETTINGS_MAX);
        let is_whole = witnesses.is_exhaustive && !is_cut;
        Some(Lever { key: key.to_owned(), part, tests, settings, is_whole })
    }

    /// None at all, each that an object covers, and fewer of those there are.
    fn data_classes(&self) -> Option<Lever> {
        let now: Vec<Json> =
            self.request.data_classes.iter().map(|class| Json::from(class.as_str())).collect();
        if self.classes.is_empty() {
            return None;
        }
        let without = (0..now.len()).map(|at| {
            let rest = now.iter().enumerate().filter(|(other, _)| *other != at);
            rest.map(|(_, class)| class.clone()).collect::<Vec<Json>>()
        });
        let alone = now.iter().chain(&self.classes).map(|class| vec![class.clone()]);
        let all = without.chain(alone).chain([Vec::new()]).filter(|classes| *classes != now);
        let mut settings: Vec<Option<Json>> =
            all.take(SETTINGS_MAX.saturating_add(1)).map(|c| Some(Json::Array(c))).collect();
        let is_whole = settings.len() <= SETTINGS_MAX;
        settings.truncate(SETTINGS_MAX);
        let (key, part) = ("data_classes".to_owned(), Part::DataClasses);
        Some(Lever { key, part, tests: Vec::new(), settings, is_whole })
    }
}

/// The values that answer otherwise than what is there now; those the tests can
/// compare first, then none at all. Where there are more than are tried, the
/// first is one that no test names, then none at all.
fn settings(
    tests: &[Test],
    values: Vec<Option<Json>>,
    request: &Request<'_>,
    meter: &mut Meter,
) -> Result<Vec<Option<Json>>, Spent> {
    let mut patterns = Patterns::default();
    let probes = tests.iter().filter_map(|test| Probe::new(test, &mut patterns).ok());
    let probes: Vec<Probe> = probes.collect();
    let now: Vec<Answer> =
        probes.iter().map(|probe| probe.ask(request, meter)).collect::<Result<_, _>>()?;
    let mut ranked: Vec<(u8, Option<Json>)> = Vec::new();
    for value in values {
        let answers: Vec<Answer> = probes
            .iter()
            .map(|probe| probe.ask_of(value.as_ref(), meter))
            .collect::<Result<_, _>>()?;
        if !probes.is_empty() && answers == now {
            continue;
        }
        let rank =
            if answers.contains(&Answer::Incomparable) { 2 } else { u8::from(value.is_none()) };
        ranked.push((rank, value));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    if SETTINGS_MAX < ranked.len() {
        let stranger = ranked.iter().position(|(_, value)| {
            value.as_ref().is_some_and(|value| !tests.iter().any(|test| names(test, value)))
        });
        if let Some(at) = stranger {
            ranked.get_mut(..=at).unwrap_or_default().rotate_right(1);
        }
        // A stable sort: the missing key is second, behind the stranger.
        let behind = ranked.get_mut(1..).unwrap_or_default();
        behind.sort_by_key(|(_, value)| value.is_some());
    }
    Ok(ranked.into_iter().map(|(_, value)| value).collect())
}

/// Whether the test compares with this very value.
fn names(test: &Test, value: &Json) -> bool {
    let has = |items: &[Json]| items.contains(value);
    test.value == *value || test.value.as_array().is_some_and(has)
}
