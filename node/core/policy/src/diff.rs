//! Which requests two policies answer differently, each shown by an example.
//!
//! The policies are finite graphs, so the words of requests fall into finitely
//! many classes, and the values of each key into finitely many that its
//! conditions tell apart. Pairs of an actor and an action of which both policies
//! say the same are left out; the rest is tried. What is true of a request is
//! said by [`judge`] alone.
//!
//! Reading order: this file, `side` (what is compared), `classes` (words),
//! `touched` (which pairs), `relevant` and `choices` (what is tried).
//!
//! Invariants
//! - Every example is answered as its change says.
//! - A difference that calls itself exhaustive leaves out no pair whose answers
//!   differ.

mod choices;
mod classes;
mod combine;
mod example;
mod relevant;
mod side;
mod touched;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

pub use self::example::Example;
use crate::compile::{Clause, Compiled};
use crate::condition::Test;
use crate::diff::choices::{Choice, Finder, Known, Situation};
use crate::diff::classes::{Class, Classes, classes};
use crate::diff::combine::combine;
use crate::diff::relevant::Reader;
use crate::diff::side::{Contents, Side};
use crate::diff::touched::touched;
use crate::evaluate::judge;
use crate::meter::Meter;
use crate::witness::witnesses;
use crate::words::{ReasonCode, Verdict};

/// Steps of all answers of one search, and the least that a pair may take.
const STEPS_MAX: u32 = 20_000_000;
const STEPS_OF_PAIR_MIN: u32 = 10_000;

/// How far a difference is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiffBounds {
    /// Changes that are listed; more are counted.
    pub changes_max: usize,
    /// Requests that are tried.
    pub evaluations_max: u32,
}

impl Default for DiffBounds {
    fn default() -> Self {
        Self { changes_max: 1000, evaluations_max: 200_000 }
    }
}

/// What changes from one policy to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// At most as many as the bounds say.
    pub changes: Vec<Change>,
    /// How many changes were found from denied to allowed.
    pub widened: u32,
    /// How many were found from allowed to denied.
    pub narrowed: u32,
    /// How many were found to or from escalated.
    pub other: u32,
    /// Whether no other change of an outcome is possible, but for requests that
    /// take more steps than they may: those are refused for their size.
    pub is_exhaustive: bool,
    /// Requests that were tried.
    pub evaluations: u32,
}

/// Requests that are answered differently, all alike. A change of the reason
/// alone is none, and what changes at a critical risk is one only where it does
/// not change the same way at a lower risk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose requests: the id of a term, or a pattern over what is no term.
    pub actor: String,
    /// About which action, in the same way.
    pub action: String,
    /// The class of data that is touched, in the same way.
    pub data_class: Option<String>,
    /// What it is done to, in the same way.
    pub resource: Option<String>,
    /// How they were answered.
    pub was: (Verdict, ReasonCode),
    /// How they would be answered.
    pub would_be: (Verdict, ReasonCode),
    /// One of them.
    pub request: Example,
}

/// Compares two policies.
pub fn diff(before: &Compiled, after: &Compiled, bounds: DiffBounds) -> Difference {
    let mut search = Search {
        before,
        after,
        bounds,
        gists: BTreeSet::new(),
        steps: STEPS_MAX,
        found: Difference {
            changes: Vec::new(),
            widened: 0,
            narrowed: 0,
            other: 0,
            is_exhaustive: true,
            evaluations: 0,
        },
    };
    if before.hash() != after.hash() {
        search.run();
    }
    search.found
}

struct Search<'a> {
    before: &'a Compiled,
    after: &'a Compiled,
    bounds: DiffBounds,
    gists: BTreeSet<Gist>,
    /// What answers may still cost.
    steps: u32,
    found: Difference,
}

/// What the search of one pair may cost.
struct Share {
    evaluations: u32,
    steps: Meter,
}

type Answer = (Verdict, ReasonCode);

/// What the changes of one pair are told apart by.
type Seen = BTreeSet<(Option<usize>, Option<usize>, Answer, Answer)>;

/// What a change says beyond its words and its risk: four classes, each by its
/// twin, and two outcomes.
type Gist = ([Option<usize>; 4], Verdict, Verdict);

impl Search<'_> {
    fn run(&mut self) {
        let mut contents = Contents::default();
        let sides = [self.before, self.after].map(|policy| Side::new(policy, &mut contents));
        let named = named_words(&sides);
        let classes = classes(&sides, &named.words);
        self.found.is_exhaustive &= named.is_whole && classes.iter().all(|one| one.is_complete);
        let pairs_max = usize::try_from(self.bounds.evaluations_max).unwrap_or(usize::MAX);
        let touched = touched(&sides, &classes, pairs_max);
        self.found.is_exhaustive &= touched.is_complete && !are_resources_renamed(&sides);
        let [actors, actions, objects] = &classes;
        let reader = Reader { sides: &sides, actions, objects };
        let mut known = Known::new();
        let mut left = u32::try_from(touched.pairs.len()).unwrap_or(u32::MAX);
        for (actor, action) in &touched.pairs {
            let Some(pair) = actors.get(*actor).zip(actions.get(*action)) else {
                continue;
            };
            let budget = self.bounds.evaluations_max.saturating_sub(self.found.evaluations);
            let steps = self.steps.checked_div(left).unwrap_or(0).max(STEPS_OF_PAIR_MIN);
            let share = Share {
                evaluations: budget.checked_div(left).unwrap_or(0),
                steps: Meter::new(steps.min(self.steps)),
            };
            left = left.saturating_sub(1);
            self.compare(&reader, &mut known, pair, share);
        }
    }

    /// Tries the requests of one pair, as many as its share allows.
    fn compare(
        &mut self,
        reader: &Reader<'_, '_>,
        known: &mut Known,
        (actor, action): (&Class, &Class),
        mut share: Share,
    ) {
        let relevant = reader.relevant(actor, action);
        let finder = Finder { reader, relevant: &relevant, known, is_exhaustive: true };
        let choices = finder.choices(actor, action);
        let counts: Vec<usize> = choices.all.iter().map(Choice::count).collect();
        let mut seen = Seen::new();
        let end = combine(&counts, &mut |chosen| {
            // What cannot be put together counts too: there may be as much of it.
            let Some(rest) = share.evaluations.checked_sub(1) else {
                return ControlFlow::Break(());
            };
            share.evaluations = rest;
            if let Some(situation) = choices.situation(chosen) {
                let steps = self.try_out(reader.objects, (actor, action), situation, &mut seen);
                if share.steps.spend(steps).is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        self.steps = self.steps.saturating_sub(share.steps.steps());
        self.found.is_exhaustive &= choices.is_exhaustive && end.is_continue();
    }

    /// Answers one request twice, and gives what that cost.
    fn try_out(
        &mut self,
        objects: &Classes,
        (actor, action): (&Class, &Class),
        situation: Situation,
        seen: &mut Seen,
    ) -> u32 {
        let Situation { example, data, resource } = situation;
        self.found.evaluations = self.found.evaluations.saturating_add(1);
        let [(was, cost), (would_be, more)] =
            [self.before, self.after].map(|policy| answer(policy, &example));
        let steps = cost.saturating_add(more).saturating_add(1);
        if was.0 == would_be.0 || !seen.insert((data, resource, was, would_be)) {
            return steps;
        }
        let [data, resource] = [data, resource].map(|at| objects.get(at?));
        if self.is_echo([Some(actor), Some(action), data, resource], was, would_be) {
            return steps;
        }
        self.found.count(was.0, would_be.0);
        if self.bounds.changes_max <= self.found.changes.len() {
            return steps;
        }
        let name = |class: Option<&Class>| class.map(|class| class.name.clone());
        self.found.changes.push(Change {
            actor: actor.name.clone(),
            action: action.name.clone(),
            data_class: name(data),
            resource: name(resource),
            was,
            would_be,
            request: example,
        });
        steps
    }

    /// Whether a change says what another said before: of words that nobody
    /// would write, or of a critical risk what is so of a lower one.
    fn is_echo(&mut self, classes: [Option<&Class>; 4], was: Answer, would_be: Answer) -> bool {
        let is_critical = |answer: Answer| answer.1 == ReasonCode::RiskCritical;
        let lowered = |answer| if is_critical(answer) { Verdict::Allowed } else { answer.0 };
        let twins = classes.map(|class| class.map(|class| class.twin));
        let is_new = self.gists.insert((twins, lowered(was), lowered(would_be)));
        let is_odd = classes.into_iter().flatten().any(|class| class.is_odd);
        !is_new && (is_odd || is_critical(was) || is_critical(would_be))
    }
}

impl Difference {
    fn count(&mut self, was: Verdict, would_be: Verdict) {
        let count = match (was, would_be) {
            (Verdict::Denied, Verdict::Allowed) => &mut self.widened,
            (Verdict::Allowed, Verdict::Denied) => &mut self.narrowed,
            (Verdict::Allowed | Verdict::Denied | Verdict::Escalated, Verdict::Escalated)
            | (Verdict::Escalated, Verdict::Allowed | Verdict::Denied)
            | (Verdict::Allowed, Verdict::Allowed)
            | (Verdict::Denied, Verdict::Denied) => &mut self.other,
        };
        *count = count.saturating_add(1);
    }
}

/// An answer and its steps.
fn answer(policy: &Compiled, example: &Example) -> (Answer, u32) {
    let Ok(judgement) = judge(policy, &example.request(), example);
    ((judgement.outcome, judgement.reason_code), judgement.steps)
}

#[derive(Debug)]
struct NamedWords {
    words: Vec<String>,
    /// Whether no condition tells others apart.
    is_whole: bool,
}

/// Words that some condition on the actor, the action or the resource tells from
/// others, sorted.
fn named_words(sides: &[Side<'_>; 2]) -> NamedWords {
    let clauses = || sides.iter().flat_map(|side| clauses(side.policy));
    let mut words = Vec::new();
    let mut is_whole = true;
    for key in ["decision.actor", "decision.action", "decision.resource"] {
        let tests: Vec<&Test> =
            clauses().map(|clause| &clause.test).filter(|test| test.key == key).collect();
        if !tests.is_empty() {
            let found = witnesses(key, &tests);
            is_whole &= found.is_exhaustive;
            let values = found.values.into_iter().flatten();
            words.extend(values.filter_map(|value| value.as_str().map(str::to_owned)));
        }
    }
    words.sort_unstable();
    words.dedup();
    NamedWords { words, is_whole }
}

fn clauses(policy: &Compiled) -> impl Iterator<Item = &Clause> {
    let rules = policy.rules.iter().flat_map(|rule| &rule.clauses);
    rules.chain(policy.limits.iter().flat_map(|limit| &limit.clauses))
}

/// Whether two words may be one resource to one policy alone. Conflicts compare
/// the resources of two requests, which no example here does: they name none in
/// the past, and that conflicts with any.
fn are_resources_renamed(sides: &[Side<'_>; 2]) -> bool {
    let [before, after] = sides.each_ref().map(|side| {
        let terms = side.policy.document().terms.iter().filter(|term| !term.label.is_empty());
        terms.map(|term| (term.id.as_str(), term.label.as_str())).collect::<BTreeSet<_>>()
    });
    let is_compared = sides.iter().all(|side| !side.policy.conflicts.is_empty());
    is_compared && before != after
}

#[cfg(test)]
mod tests;
