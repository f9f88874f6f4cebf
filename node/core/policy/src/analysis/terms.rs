//! Terms that nothing refers to.
//!
//! Not every unnamed term is idle: a personal class of data is looked for by the
//! compliance classes of a decision, and conflicts tell by a resource or a
//! label that two names are one thing.

use std::collections::BTreeSet;

use types::Json;

use crate::compile::{Compiled, nodes};
use crate::condition::{Condition, Test};
use crate::document::{Document, Term};
use crate::names::{Node, is_pattern, without_kind};
use crate::words::{RelationType, TermType};

/// The ids of the terms that nothing refers to, in order.
pub(super) fn unused(policy: &Compiled) -> Vec<&str> {
    let document = policy.document();
    let used = Used::of(document);
    let by_id = nodes(document);
    let patterns = used.patterns.iter();
    let patterns: BTreeSet<(TermType, Node)> =
        patterns.filter_map(|(kind, id)| Some((*kind, *by_id.get(id)?))).collect();
    let is_covered = |term: &Term| {
        let mut over = Vec::new();
        policy.names.patterns_over(&term.id, &mut over);
        over.iter().any(|node| patterns.contains(&(term.kind, *node)))
    };
    let idle = document
        .terms
        .iter()
        .filter(|term| !used.names(term) && !speaks_otherwise(term, policy) && !is_covered(term));
    idle.map(|term| term.id.as_str()).collect()
}

fn speaks_otherwise(term: &Term, policy: &Compiled) -> bool {
    let is_personal = term.metadata.get("personal").is_some();
    let is_one_thing = term.kind == TermType::Resource || !term.label.is_empty();
    is_personal || (is_one_thing && !policy.conflicts.is_empty())
}

/// What the two ends of a relation name.
fn places(kind: RelationType) -> (&'static [TermType], &'static [TermType]) {
    const ANY: &[TermType] =
        &[TermType::Actor, TermType::Action, TermType::DataClass, TermType::Resource];
    match kind {
        RelationType::Permits | RelationType::Forbids | RelationType::Requires => {
            (&[TermType::Actor], &[TermType::Action])
        }
        RelationType::Implies => (ANY, ANY),
        RelationType::Conflicts => (&[TermType::Action], &[TermType::Action]),
    }
}

/// What relations, constraints and conditions name.
#[derive(Debug, Default)]
struct Used<'a> {
    /// Ids of terms and patterns.
    ends: BTreeSet<&'a str>,
    /// Patterns, and the type of what is named in their place.
    patterns: BTreeSet<(TermType, &'a str)>,
    /// Keys of conditions with all that they begin with, and what they compare
    /// with.
    words: BTreeSet<&'a str>,
}

impl<'a> Used<'a> {
    fn of(document: &'a Document) -> Self {
        let mut used = Self::default();
        for relation in &document.relations {
            let (sources, targets) = places(relation.kind);
            used.add_end(Some(&relation.source), sources);
            used.add_end(Some(&relation.target), targets);
            used.add_end(relation.object.as_ref(), &[TermType::DataClass, TermType::Resource]);
            used.add_conditions(&relation.conditions);
        }
        for constraint in &document.constraints {
            used.add_end(constraint.actor.as_ref(), &[TermType::Actor]);
            used.add_end(constraint.action.as_ref(), &[TermType::Action]);
            used.add_conditions(&constraint.conditions);
        }
        for test in document.terms.iter().filter_map(|term| term.test.as_ref()) {
            used.add_test(test);
        }
        used
    }

    fn add_end(&mut self, id: Option<&'a String>, place: &[TermType]) {
        let Some(id) = id else {
            return;
        };
        self.ends.insert(id);
        if is_pattern(id) {
            self.patterns.extend(place.iter().map(|kind| (*kind, id.as_str())));
        }
    }

    fn add_conditions(&mut self, conditions: &'a [Condition]) {
        for condition in conditions {
            match condition {
                Condition::Named(name) => {
                    self.ends.insert(name);
                }
                Condition::Test(test) => self.add_test(test),
            }
        }
    }

    fn add_test(&mut self, test: &'a Test) {
        let dots = test.key.match_indices('.').filter_map(|(at, _)| test.key.get(..at));
        self.words.extend(dots.chain([test.key.as_str()]));
        let items = test.value.as_array().unwrap_or_default().iter();
        self.words.extend(items.chain([&test.value]).filter_map(Json::as_str));
    }

    fn names(&self, term: &Term) -> bool {
        let bare = without_kind(&term.id);
        let names = [Some(term.id.as_str()), bare, Some(term.label.as_str())];
        self.ends.contains(term.id.as_str())
            || names.into_iter().flatten().any(|name| self.words.contains(name))
    }
}
