//! Which rules of a policy its cases reach.

use std::collections::BTreeSet;

use policy::{Compiled, Reach};
use types::Json;

/// What was reached and what never was.
#[derive(Debug)]
pub(super) struct Coverage {
    total: usize,
    relations_missed: Vec<String>,
    constraints_missed: Vec<String>,
}

impl Coverage {
    pub(super) fn of<'a>(policy: &Compiled, reached: impl Iterator<Item = &'a Reach>) -> Self {
        let (mut relations, mut constraints) = (BTreeSet::new(), BTreeSet::new());
        for reach in reached {
            relations.extend(reach.relations.iter().map(String::as_str));
            constraints.extend(reach.constraints.iter().map(String::as_str));
        }
        let document = policy.document().to_json();
        let names = |list: &str, name: &str| -> Vec<String> {
            let items = document.as_object().and_then(|document| document.get(list)?.as_array());
            let names = items.unwrap_or_default().iter();
            names
                .filter_map(|item| Some(item.as_object()?.get(name)?.as_str()?.to_owned()))
                .collect()
        };
        let (mut relations_missed, mut constraints_missed) =
            (names("relations", "relation_id"), names("constraints", "name"));
        let total = relations_missed.len() + constraints_missed.len();
        relations_missed.retain(|id| !relations.contains(id.as_str()));
        constraints_missed.retain(|name| !constraints.contains(name.as_str()));
        Self { total, relations_missed, constraints_missed }
    }

    fn covered(&self) -> usize {
        self.total - self.relations_missed.len() - self.constraints_missed.len()
    }

    /// Rounded down, so that 100 means all; a policy without rules is covered.
    pub(super) fn percent(&self) -> u64 {
        let percent = (self.covered() * 100).checked_div(self.total).unwrap_or(100);
        u64::try_from(percent).unwrap_or(0)
    }

    pub(super) fn to_text(&self) -> String {
        let (percent, covered, total) = (self.percent(), self.covered(), self.total);
        let mut text = format!("coverage {percent} % ({covered} of {total} rules)\n");
        for id in &self.relations_missed {
            text.push_str(&format!("  relation `{id}` never applied\n"));
        }
        for name in &self.constraints_missed {
            text.push_str(&format!("  constraint `{name}` never held\n"));
        }
        text
    }

    pub(super) fn to_json(&self) -> Json {
        let count = |count: usize| Json::from(u64::try_from(count).unwrap_or(u64::MAX));
        Json::object([
            ("percent", self.percent().into()),
            ("covered", count(self.covered())),
            ("total", count(self.total)),
            ("relations_never_applied", self.relations_missed.clone().into()),
            ("constraints_never_held", self.constraints_missed.clone().into()),
        ])
    }
}
