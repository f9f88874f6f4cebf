//! The search for the smallest change of a request that gives another outcome.
//!
//! All changes of one key are tried, then of two, then of three, with values
//! that show everything the conditions of those keys can tell apart. So the
//! first that is found is the smallest, as far as the keys that were looked at
//! go; when the bound is reached before, nothing is claimed.

use std::collections::BTreeMap;

use types::{Json, Number};

use super::change::{Changed, Part};
use super::{Flip, FlipChange, Recalled};
use crate::compile::{Clause, Compiled, RuleId, TargetKind};
use crate::condition::Test;
use crate::condition::pattern::Patterns;
use crate::condition::probe::{Answer, Probe};
use crate::evaluate::judge;
use crate::meter::{Meter, Spent};
use crate::request::{RISK_CRITICAL, Request};
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
/// Evaluations of one search, and the steps they may take together.
const EVALUATIONS_MAX: u32 = 4000;
const STEPS_MAX: u32 = 4_000_000;

/// A key and what it may be changed to.
#[derive(Debug)]
struct Lever {
    key: String,
    part: Part,
    /// None where the values are names that stand for themselves.
    tests: Vec<Test>,
    /// Of which the first [`SETTINGS_MAX`] are tried.
    settings: Vec<Option<Json>>,
}

/// One change: a lever and one of its settings.
#[derive(Clone, Copy, Debug)]
struct Pick {
    lever: usize,
    setting: usize,
}

/// Finds the smallest change; `rules` are those it may be about, the most
/// promising first.
pub(super) fn find(
    policy: &Compiled,
    request: &Request<'_>,
    history: &Recalled,
    rules: &[RuleId],
) -> Option<Flip> {
    if policy.mode().max(request.mode.unwrap_or(Mode::Permissive)) == Mode::Paranoid {
        return None;
    }
    let levers = Levers::new(policy, request).collect(rules);
    let Ok(now) = judge(policy, request, history);
    let mut search = Search {
        policy,
        request,
        history,
        levers,
        now: now.outcome,
        evaluations: EVALUATIONS_MAX,
        context_steps: context_steps(request),
        meter: Meter::new(STEPS_MAX),
    };
    for count in 1..=CHANGES_MAX {
        let mut picks = Vec::new();
        match search.descend(0, count, &mut picks) {
            Ok(Some(outcome)) => return Some(search.flip(&picks, outcome)),
            Ok(None) => (),
            Err(Spent) => return None,
        }
    }
    None
}

fn context_steps(request: &Request<'_>) -> u32 {
    const BYTES_PER_STEP: usize = 8;
    let bytes = Json::Object(request.context.clone()).to_canonical().len();
    u32::try_from(bytes / BYTES_PER_STEP).unwrap_or(u32::MAX)
}

struct Search<'a> {
    policy: &'a Compiled,
    request: &'a Request<'a>,
    history: &'a Recalled,
    levers: Vec<Lever>,
    now: Verdict,
    evaluations: u32,
    /// What copying the context costs, every time.
    context_steps: u32,
    meter: Meter,
}

impl Search<'_> {
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
            for setting in 0..settings.min(SETTINGS_MAX) {
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
        // Counted before it is tried: a change that is refused costs as much.
        self.evaluations = self.evaluations.checked_sub(1).ok_or(Spent)?;
        self.meter.spend(self.context_steps)?;
        let mut changed = Changed::new(self.request);
        for pick in picks {
            let set = self.levers.get(pick.lever).and_then(|lever| {
                changed.set(&lever.part, lever.settings.get(pick.setting)?.as_ref())
            });
            if set.is_none() {
                return Ok(None);
            }
        }
        let Ok(judged) = judge(self.policy, &changed.request(self.request), self.history);
        self.meter.spend(judged.steps)?;
        let is_other = (judged.outcome == Verdict::Allowed) != (self.now == Verdict::Allowed);
        Ok(is_other.then_some(judged.outcome))
    }

    fn flip(&mut self, picks: &[Pick], outcome: Verdict) -> Flip {
        let changes = (0..picks.len()).filter_map(|at| self.change(picks, at)).collect();
        Flip { changes, outcome }
    }

    /// Whether every test of the key is known. Another object brings rules that
    /// were not looked at, and of many tests some are left out: then only the
    /// value that was tried is sure.
    fn is_all_known(&self, picks: &[Pick], lever: &Lever) -> bool {
        let mut levers = picks.iter().filter_map(|pick| self.levers.get(pick.lever));
        lever.tests.len() < TESTS_MAX
            && levers.all(|lever| !matches!(lever.part, Part::DataClasses | Part::Resource))
    }

    /// The widest condition known for a change under which it flips, while the
    /// other changes stay as they are.
    fn change(&mut self, picks: &[Pick], at: usize) -> Option<FlipChange> {
        let pick = *picks.get(at)?;
        let lever = self.levers.get(pick.lever)?;
        let (key, value) = (lever.key.clone(), lever.settings.get(pick.setting)?.clone());
        let found = match self.is_all_known(picks, lever) {
            true => conditions(lever, value.as_ref()),
            false => Vec::new(),
        };
        let found = found.into_iter().find(|test| self.is_enough(picks, at, test) == Ok(true));
        let (op, value) = match (found, value) {
            (Some(test), _) => (test.op, test.value),
            (None, Some(value)) => (Op::Eq, value),
            (None, None) => (Op::Exists, Json::Bool(false)),
        };
        Some(FlipChange { key, op, value })
    }

    /// Whether whatever meets the test flips the outcome.
    fn is_enough(&mut self, picks: &[Pick], at: usize, test: &Test) -> Result<bool, Spent> {
        let Some(pick) = picks.get(at).copied() else {
            return Ok(false);
        };
        let Ok(probe) = Probe::new(test, &mut Patterns::default()) else {
            return Ok(false);
        };
        let settings = self.levers.get(pick.lever).map_or(&[][..], |lever| &lever.settings);
        let meets = |value: &Option<Json>| {
            probe.ask_of(value.as_ref(), &mut Meter::new(u32::MAX)) == Ok(Answer::Met)
        };
        let meeting = settings.iter().enumerate().filter(|(_, value)| meets(value));
        let meeting: Vec<usize> = meeting.map(|(setting, _)| setting).collect();
        let mut picks = picks.to_vec();
        for setting in meeting {
            if let Some(pick) = picks.get_mut(at) {
                pick.setting = setting;
            }
            if self.outcome(&picks)?.is_none() {
                return Ok(false);
            }
        }
        // What holds already would be no change.
        Ok(probe.ask(self.request, &mut Meter::new(u32::MAX)) != Ok(Answer::Met))
    }
}

/// The conditions a value meets, by the tests of its key: each test or its
/// opposite.
fn conditions(lever: &Lever, value: Option<&Json>) -> Vec<Test> {
    if lever.tests.is_empty() {
        return Vec::new();
    }
    let mut patterns = Patterns::default();
    let mut met = |test: &Test| {
        let probe = Probe::new(test, &mut patterns);
        let answer = probe.map(|probe| probe.ask_of(value, &mut Meter::new(u32::MAX)));
        answer == Ok(Ok(Answer::Met))
    };
    let both = lever.tests.iter();
    let both = both.flat_map(|test| std::iter::once(test.clone()).chain(opposites(test)));
    let both = both.chain(ranges(&lever.tests));
    let presence =
        Test { key: lever.key.clone(), op: Op::Exists, value: Json::Bool(value.is_some()) };
    both.chain([presence]).filter(|test| met(test)).collect()
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
        }
    }

    fn collect(mut self, rules: &[RuleId]) -> Vec<Lever> {
        let policy = self.policy;
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
        let critical = Test {
            key: "decision.risk_score".to_owned(),
            op: Op::Lt,
            value: Json::Number(Number::from_u64(u64::from(RISK_CRITICAL))),
        };
        self.finish(&critical)
    }

    fn add_tests(&mut self, clauses: &'a [Clause]) {
        for clause in clauses {
            let test = &clause.test;
            let is_known = self.tests.contains_key(test.key.as_str());
            if !is_known && self.keys.len() == KEYS_MAX {
                continue;
            }
            if !is_known {
                self.keys.push(&test.key);
            }
            let tests = self.tests.entry(&test.key).or_default();
            if tests.len() < TESTS_MAX && !tests.contains(&test) {
                tests.push(test);
            }
        }
    }

    /// Something the object covers: the term, or one that its pattern does.
    fn add_object(&mut self, of: TargetKind, object: &str) {
        let name = object.strip_suffix('*').map(|start| format!("{start}any"));
        let name = Json::from(name.unwrap_or_else(|| object.to_owned()));
        let (classes, resources) = (&mut self.classes, &mut self.resources);
        let add = |found: &mut Vec<Json>| {
            if found.len() < SETTINGS_MAX && !found.contains(&name) {
                found.push(name.clone());
            }
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

    fn finish(mut self, critical: &'a Test) -> Vec<Lever> {
        let mut keys = std::mem::take(&mut self.keys);
        let score = critical.key.as_str();
        self.tests.entry(score).or_default().push(critical);
        if !self.resources.is_empty() && !keys.contains(&"decision.resource") {
            keys.push("decision.resource");
        }
        let mut levers: Vec<Lever> = keys.iter().filter_map(|key| self.lever(key)).collect();
        levers.extend(self.data_classes());
        // Every request has a score, so what the policy speaks of comes first.
        if !keys.contains(&score) {
            levers.extend(self.lever(score));
        }
        levers
    }

    fn lever(&self, key: &str) -> Option<Lever> {
        let part = Part::of(key)?;
        let tests = self.tests.get(key).map_or(&[][..], Vec::as_slice);
        let witnesses = witnesses(key, tests).values;
        let mut tests: Vec<Test> = tests.iter().map(|test| (*test).clone()).collect();
        let mut settings = settings(&tests, witnesses, self.request);
        if part == Part::Resource && !self.resources.is_empty() {
            let named = self.resources.iter().cloned().map(Some).chain([None]);
            settings.splice(0..0, named);
            tests.clear();
        }
        Some(Lever { key: key.to_owned(), part, tests, settings })
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
        let settings = without
            .take(SETTINGS_MAX)
            .chain(alone.take(SETTINGS_MAX))
            .chain([Vec::new()])
            .filter(|classes| *classes != now)
            .map(|classes| Some(Json::Array(classes)))
            .collect();
        let key = "data_classes".to_owned();
        Some(Lever { key, part: Part::DataClasses, tests: Vec::new(), settings })
    }
}

/// The values that answer otherwise than what is there now; those the tests can
/// compare first, then none at all.
fn settings(tests: &[Test], values: Vec<Option<Json>>, request: &Request<'_>) -> Vec<Option<Json>> {
    let mut patterns = Patterns::default();
    let probes = tests.iter().filter_map(|test| Probe::new(test, &mut patterns).ok());
    let probes: Vec<Probe> = probes.collect();
    let mut meter = Meter::new(u32::MAX);
    let now: Vec<_> = probes.iter().map(|probe| probe.ask(request, &mut meter)).collect();
    let mut ranked: Vec<(u8, Option<Json>)> = Vec::new();
    for value in values {
        let answers: Vec<_> =
            probes.iter().map(|probe| probe.ask_of(value.as_ref(), &mut meter)).collect();
        if !probes.is_empty() && answers == now {
            continue;
        }
        let rank =
            if answers.contains(&Ok(Answer::Incomparable)) { 2 } else { u8::from(value.is_none()) };
        ranked.push((rank, value));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, value)| value).collect()
}
