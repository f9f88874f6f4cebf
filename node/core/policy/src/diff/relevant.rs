//! Everything either policy says about an actor and an action.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::{Class, Classes};
use super::side::{Side, test_text};
use crate::compile::{Clause, RuleId, Target, TargetKind};
use crate::names::Node;

/// What is asked about a pair.
#[derive(Debug, Default)]
pub(super) struct Relevant<'a> {
    /// The conditions by their text: equal ones are asked once.
    pub(super) clauses: BTreeMap<String, &'a Clause>,
    /// Classes of data, the first of which is no class a rule knows.
    pub(super) data: Vec<usize>,
    /// The same of resources.
    pub(super) resources: Vec<usize>,
    /// Classes of actions that conflict with this one.
    pub(super) past: Vec<usize>,
}

/// The parts that a pair is compared by.
pub(super) struct Reader<'s, 'a> {
    pub(super) sides: &'s [Side<'a>; 2],
    pub(super) actions: &'s Classes,
    pub(super) objects: &'s Classes,
}

/// By side: what the rules of a pair are about.
#[derive(Debug, Default)]
struct Ends {
    data: [BTreeSet<Node>; 2],
    resources: [BTreeSet<Node>; 2],
    past: [BTreeSet<Node>; 2],
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn relevant(&self, actor: &Class, action: &Class) -> Relevant<'a> {
        let mut relevant = Relevant::default();
        let mut ends = Ends::default();
        let [data, resources, past] = [&mut ends.data, &mut ends.resources, &mut ends.past];
        let ends_by_side = data.iter_mut().zip(resources).zip(past);
        let reaches = actor.reach.iter().zip(&action.reach);
        let sides = self.sides.iter().zip(reaches).zip(ends_by_side);
        for ((side, (actor, action)), ((data, resources), past)) in sides {
            for rule in rules_between(side, actor, action) {
                relevant.add_rule(side, rule);
                let object = side.policy.relation(rule).and_then(|(_, rule)| rule.object);
                if let Some(Target { node, of }) = object {
                    data.extend((of != TargetKind::Resource).then_some(node));
                    resources.extend((of != TargetKind::DataClasses).then_some(node));
                }
            }
            for conflict in action.iter().flat_map(|node| side.conflicts_of(*node)) {
                relevant.add_rule(side, conflict.rule);
                past.insert(conflict.target);
            }
            relevant.add_limits(side, actor, action);
            relevant.add_kinds(side, actor);
            relevant.add_kinds(side, action);
        }
        relevant.data = self.with_unknown(&ends.data);
        relevant.resources = self.with_unknown(&ends.resources);
        relevant.past = self.distinct(self.actions, &ends.past);
        self.add_kinds_of(&mut relevant);
        relevant
    }

    /// The classes after the one that no rule knows; none where no rule asks.
    fn with_unknown(&self, ends: &[BTreeSet<Node>; 2]) -> Vec<usize> {
        if ends.iter().all(BTreeSet::is_empty) {
            return Vec::new();
        }
        let unknown = self.objects.unknown;
        let known = self.distinct(self.objects, ends);
        let known = known.into_iter().filter(|class| *class != unknown);
        std::iter::once(unknown).chain(known).collect()
    }

    /// One class for each way to be about these nodes: classes differ by nodes
    /// that only other pairs ask for.
    fn distinct(&self, classes: &Classes, ends: &[BTreeSet<Node>; 2]) -> Vec<usize> {
        let mut candidates = BTreeSet::new();
        for (at, nodes) in ends.iter().enumerate() {
            candidates.extend(nodes.iter().flat_map(|node| classes.of(at, *node)).copied());
        }
        let leading: Vec<BTreeSet<Node>> = self
            .sides
            .iter()
            .zip(ends)
            .map(|(side, nodes)| side.leading_to(nodes.iter().copied()))
            .collect();
        let mut seen = BTreeSet::new();
        candidates.retain(|at| {
            let meaning = classes.get(*at).map(|class| {
                let sides = class.meaning.iter().zip(&leading);
                sides.map(|(base, leading)| base.among(leading)).collect::<Vec<_>>()
            });
            meaning.is_some_and(|meaning| seen.insert(meaning))
        });
        candidates.into_iter().collect()
    }

    fn add_kinds_of(&self, relevant: &mut Relevant<'a>) {
        let objects: BTreeSet<usize> =
            relevant.data.iter().chain(&relevant.resources).copied().collect();
        let objects = objects.into_iter().filter_map(|at| self.objects.get(at));
        let past: Vec<usize> = relevant.past.clone();
        let past = past.into_iter().filter_map(|at| self.actions.get(at));
        for class in objects.chain(past) {
            for (side, reach) in self.sides.iter().zip(&class.reach) {
                relevant.add_kinds(side, reach);
            }
        }
    }
}

impl<'a> Relevant<'a> {
    fn add_rule(&mut self, side: &Side<'a>, rule: RuleId) {
        if let Some((_, rule)) = side.policy.relation(rule) {
            self.add_clauses(&rule.clauses);
        }
    }

    fn add_limits(&mut self, side: &Side<'a>, actor: &[Node], action: &[Node]) {
        let is_for = |node: Option<Node>, reach: &[Node]| {
            node.is_none_or(|node| reach.binary_search(&node).is_ok())
        };
        let limits = side.policy.limits.iter();
        for limit in
            limits.filter(|limit| is_for(limit.actor, actor) && is_for(limit.action, action))
        {
            self.add_clauses(&limit.clauses);
        }
    }

    /// The conditions on which these nodes are kinds of others.
    fn add_kinds(&mut self, side: &Side<'a>, reach: &[Node]) {
        let kinds = reach.iter().flat_map(|node| side.kinds_of(*node));
        let kinds = kinds.filter(|kind| reach.binary_search(&kind.to).is_ok());
        for rule in kinds.filter_map(|kind| kind.by) {
            self.add_rule(side, rule);
        }
    }

    fn add_clauses(&mut self, clauses: &'a [Clause]) {
        for clause in clauses {
            self.clauses.entry(test_text(&clause.test)).or_insert(clause);
        }
    }
}

fn rules_between(side: &Side<'_>, actor: &[Node], action: &[Node]) -> Vec<RuleId> {
    let ends = actor.iter().flat_map(|source| action.iter().map(move |target| (*source, *target)));
    ends.flat_map(|(source, target)| side.between(source, target)).collect()
}
