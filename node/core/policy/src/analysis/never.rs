//! Conditions of one relation that cannot hold together.

use std::collections::BTreeMap;

use types::Json;

use crate::compile::{Compiled, RuleId};
use crate::condition::Test;
use crate::condition::pattern::Patterns;
use crate::condition::probe::{Answer, Probe};
use crate::meter::{Meter, Spent};
use crate::witness::{Witnesses, witnesses};
use crate::words::{Op, RelationType};

/// What all sets of values together may cost, and what one may.
const COST_MAX: u32 = 150_000;
const COST_OF_ONE_MAX: usize = 20_000;
/// Bytes of text that cost as much as a value.
const BYTES_PER_COST: usize = 16;
/// The cost of the smallest set.
const COST_MIN: usize = 50;

/// How sure the conditions must be for a relation to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Certainly,
    Possibly,
}

/// Remembers what it was asked: policies repeat themselves.
#[derive(Debug)]
pub(super) struct Never {
    known: BTreeMap<(Held, String), bool>,
    meter: Meter,
}

impl Default for Never {
    fn default() -> Self {
        Self { known: BTreeMap::new(), meter: Meter::new(COST_MAX) }
    }
}

impl Never {
    /// Why the conditions of a relation hold for no request, if that is certain.
    pub(super) fn holds(&mut self, policy: &Compiled, id: RuleId) -> Option<String> {
        let (_, rule) = policy.relation(id)?;
        let held = match rule.kind {
            RelationType::Permits => Held::Certainly,
            RelationType::Forbids | RelationType::Implies | RelationType::Conflicts => {
                Held::Possibly
            }
            // They are what it asks for, not when it applies.
            RelationType::Requires => return None,
        };
        let mut by_key: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
        for clause in &rule.clauses {
            by_key.entry(&clause.test.key).or_default().push(&clause.test);
        }
        let never = by_key.iter().find(|(key, tests)| self.is_never(held, key, tests))?;
        Some(format!("no value of `{}` meets its conditions", never.0))
    }

    fn is_never(&mut self, held: Held, key: &str, tests: &[&Test]) -> bool {
        let has_domain = key.starts_with("decision.") || key.starts_with("time.");
        // Alone, a test of the context has some value that meets it, but for a
        // few odd bounds; a pattern takes too long for what it tells.
        let is_worth_it = has_domain || 1 < tests.len();
        if !is_worth_it || tests.iter().any(|test| test.op == Op::Matches) {
            return false;
        }
        let literals: usize = tests.iter().map(|test| size(&test.value)).sum();
        let cost = tests.len().saturating_mul(literals).saturating_add(COST_MIN);
        if COST_OF_ONE_MAX < cost {
            return false;
        }
        let name =
            tests.iter().map(|test| format!("{} {} {}\n", key, test.op, test.value.to_canonical()));
        let name = (held, name.collect::<String>());
        if let Some(known) = self.known.get(&name) {
            return *known;
        }
        if self.meter.spend(u32::try_from(cost).unwrap_or(u32::MAX)) == Err(Spent) {
            return false;
        }
        let found = is_never(held, &witnesses(key, tests), tests);
        self.known.insert(name, found);
        found
    }
}

/// How many values a test compares with, and more where they are long.
fn size(value: &Json) -> usize {
    let items = value.as_array().unwrap_or_default();
    let texts = items.iter().chain([value]).filter_map(Json::as_str);
    let bytes = texts.map(str::len).sum::<usize>().checked_div(BYTES_PER_COST);
    items.len().max(1).saturating_add(bytes.unwrap_or(0))
}

fn is_never(held: Held, witnesses: &Witnesses, tests: &[&Test]) -> bool {
    let mut patterns = Patterns::default();
    let probes = tests.iter().map(|test| Probe::new(test, &mut patterns));
    let Ok(probes) = probes.collect::<Result<Vec<Probe>, _>>() else {
        return false;
    };
    let holds = |value: &Option<Json>| {
        probes.iter().all(|probe| match probe.ask_of(value.as_ref(), &mut Meter::new(u32::MAX)) {
            Ok(Answer::Met) => true,
            Ok(Answer::Missing | Answer::Incomparable) => held == Held::Possibly,
            Ok(Answer::Unmet) => false,
            Err(Spent) => true,
        })
    };
    witnesses.is_exhaustive && !witnesses.values.iter().any(holds)
}
