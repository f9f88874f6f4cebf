//! One of two policies, laid out so that it can be compared with the other:
//! by ids and contents, since nodes and rule ids are a policy's own.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Clause, Compiled, Limit, Pair, RuleId, TargetKind, nodes};
use crate::condition::{Condition, Test};
use crate::names::Node;
use crate::words::{Effect, RelationType};

/// The place of a request that a word stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Actor,
    Action,
    /// A data class or a resource.
    Object,
}

/// A policy and what its nodes and rules are called in common with the other.
#[derive(Debug)]
pub(super) struct Side<'a> {
    pub(super) policy: &'a Compiled,
    /// By node.
    ids: Vec<&'a str>,
    /// By rule: two rules of the same number say the same.
    contents: Vec<u32>,
    /// What is a kind of a node, sorted by that node.
    back: Vec<(Node, Node)>,
    /// Of what anything is said in this role, and the kinds of it.
    actors: BTreeSet<Node>,
    actions: BTreeSet<Node>,
    objects: BTreeSet<Node>,
}

/// What a relation says, without what it is called and why it is there.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Content<'a> {
    kind: RelationType,
    source: &'a str,
    target: &'a str,
    object: Option<(&'a str, TargetKind)>,
    tests: Vec<String>,
}

/// What a constraint says, without its name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LimitContent<'a> {
    effect: Effect,
    actor: Option<&'a str>,
    action: Option<&'a str>,
    tests: Vec<String>,
}

/// Numbers for the contents of both policies.
#[derive(Debug, Default)]
pub(super) struct Contents<'a>(BTreeMap<Content<'a>, u32>);

/// The text two equal tests share.
pub(super) fn test_text(test: &Test) -> String {
    Condition::Test(test.clone()).to_json().to_canonical()
}

fn test_texts(clauses: &[Clause]) -> Vec<String> {
    let mut texts: Vec<String> = clauses.iter().map(|clause| test_text(&clause.test)).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

impl<'a> Side<'a> {
    pub(super) fn new(policy: &'a Compiled, contents: &mut Contents<'a>) -> Self {
        let mut back: Vec<(Node, Node)> =
            policy.kinds.iter().chain(&policy.labelled).map(|kind| (kind.to, kind.from)).collect();
        back.sort_unstable();
        let mut side = Self {
            policy,
            ids: nodes(policy.document()).into_keys().collect(),
            contents: Vec::new(),
            back,
            actors: BTreeSet::new(),
            actions: BTreeSet::new(),
            objects: BTreeSet::new(),
        };
        side.contents = side.rules().map(|rule| contents.number(side.content(rule))).collect();
        let limits = || policy.limits.iter();
        let sources = policy.pairs.iter().map(|pair| pair.source);
        side.actors = side.leading_to(sources.chain(limits().filter_map(|limit| limit.actor)));
        let targets = policy.pairs.iter().map(|pair| pair.target);
        let targets = targets.chain(policy.conflicts.iter().map(|pair| pair.source));
        side.actions = side.leading_to(targets.chain(limits().filter_map(|limit| limit.action)));
        let objects = policy.rules.iter().filter_map(|rule| Some(rule.object?.node));
        side.objects = side.leading_to(objects);
        side
    }

    /// Every term and pattern, in order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &'a str> {
        self.ids.iter().copied()
    }

    /// What terms answer to beside their ids.
    pub(super) fn labels(&self) -> impl Iterator<Item = &'a str> {
        let terms = self.policy.document().terms.iter();
        terms.map(|term| term.label.as_str()).filter(|label| !label.is_empty())
    }

    /// Ids and labels.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.ids().chain(self.labels())
    }

    pub(super) fn id(&self, node: Node) -> &'a str {
        let at = usize::try_from(node.0).ok();
        at.and_then(|at| self.ids.get(at)).copied().unwrap_or_default()
    }

    /// The number of what a rule says.
    pub(super) fn number(&self, rule: RuleId) -> Option<u32> {
        self.contents.get(usize::try_from(rule.0).ok()?).copied()
    }

    /// The numbers of everything this policy says.
    pub(super) fn numbers(&self) -> BTreeSet<u32> {
        self.contents.iter().copied().collect()
    }

    pub(super) fn is_active(&self, node: Node, role: Role) -> bool {
        match role {
            Role::Actor => self.actors.contains(&node),
            Role::Action => self.actions.contains(&node),
            Role::Object => self.objects.contains(&node),
        }
    }

    /// The ids of what something is said of in a role.
    pub(super) fn active_ids(&self, role: Role) -> BTreeSet<&'a str> {
        let nodes = (0..).map(Node).zip(&self.ids);
        nodes.filter(|(node, _)| self.is_active(*node, role)).map(|(_, id)| *id).collect()
    }

    /// Everything that may be meant where these nodes are: what is a kind of
    /// what under no matter which conditions.
    pub(super) fn reach(&self, from: &[Node], role: Role) -> Vec<Node> {
        let mut reached: BTreeSet<Node> = from.iter().copied().collect();
        let mut open = from.to_vec();
        while let Some(node) = open.pop() {
            for kind in self.kinds_of(node).filter(|kind| self.is_active(kind.to, role)) {
                if reached.insert(kind.to) {
                    open.push(kind.to);
                }
            }
        }
        reached.into_iter().collect()
    }

    pub(super) fn kinds_of(&self, node: Node) -> impl Iterator<Item = &'a crate::compile::Kind> {
        let from_node = move |kinds: &'a [crate::compile::Kind]| {
            let from = kinds.partition_point(|kind| kind.from < node);
            kinds.get(from..).unwrap_or_default().iter().take_while(move |kind| kind.from == node)
        };
        from_node(&self.policy.kinds).chain(from_node(&self.policy.labelled))
    }

    /// The rules between two nodes.
    pub(super) fn between(&self, source: Node, target: Node) -> impl Iterator<Item = RuleId> {
        let is_here = move |pair: &&Pair| pair.source == source && pair.target == target;
        let pairs = &self.policy.pairs;
        let from = pairs.partition_point(|pair| (pair.source, pair.target) < (source, target));
        let rest = pairs.get(from..).unwrap_or_default().iter();
        rest.take_while(is_here).map(|pair| pair.rule)
    }

    /// The conflicts with one side at a node.
    pub(super) fn conflicts_of(&self, node: Node) -> impl Iterator<Item = &'a Pair> {
        let pairs = &self.policy.conflicts;
        let from = pairs.partition_point(|pair| pair.source < node);
        let rest = pairs.get(from..).unwrap_or_default().iter();
        rest.take_while(move |pair| pair.source == node)
    }

    pub(super) fn limit_content(&self, limit: &Limit) -> LimitContent<'a> {
        LimitContent {
            effect: limit.effect,
            actor: limit.actor.map(|node| self.id(node)),
            action: limit.action.map(|node| self.id(node)),
            tests: test_texts(&limit.clauses),
        }
    }

    fn rules(&self) -> impl Iterator<Item = RuleId> + use<'a> {
        (0..).map(RuleId).zip(&self.policy.rules).map(|(id, _)| id)
    }

    fn content(&self, rule: RuleId) -> Option<Content<'a>> {
        let (relation, rule) = self.policy.relation(rule)?;
        let (mut source, mut target) = (relation.source.as_str(), relation.target.as_str());
        if rule.kind == RelationType::Conflicts && target < source {
            std::mem::swap(&mut source, &mut target);
        }
        let object = rule.object.map(|object| (self.id(object.node), object.of));
        Some(Content { kind: rule.kind, source, target, object, tests: test_texts(&rule.clauses) })
    }

    /// These nodes and the kinds of them.
    pub(super) fn leading_to(&self, ends: impl IntoIterator<Item = Node>) -> BTreeSet<Node> {
        let mut leading: BTreeSet<Node> = BTreeSet::new();
        let mut open: Vec<Node> = ends.into_iter().collect();
        while let Some(node) = open.pop() {
            if leading.insert(node) {
                let from = self.back.partition_point(|(to, _)| *to < node);
                let kinds = self.back.get(from..).unwrap_or_default().iter();
                open.extend(kinds.take_while(|(to, _)| *to == node).map(|(_, kind)| *kind));
            }
        }
        leading
    }
}

impl<'a> Contents<'a> {
    fn number(&mut self, content: Option<Content<'a>>) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        content.map_or(u32::MAX, |content| *self.0.entry(content).or_insert(next))
    }
}
