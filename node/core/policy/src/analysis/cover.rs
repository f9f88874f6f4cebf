//! Which nodes are certainly wider than a node: whoever a relation about the node
//! is about, one about the wider node is about too.
//!
//! A term answers to several names, and a pattern that covers one of them does
//! not cover the term. And a node may be reached by `implies` alone, so nothing
//! counts but the node, patterns over all its names, and what those are always
//! a kind of.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Compiled, RuleId, TargetKind, nodes};
use crate::evaluate::kinds_of;
use crate::meter::{Meter, Spent};
use crate::names::{Node, is_pattern, without_kind};
use crate::witness::can_hold;
use crate::words::RelationType;

/// What is wider than a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Wider {
    /// The node itself first.
    pub(super) nodes: Vec<Node>,
    /// Whether there may be others.
    pub(super) is_cut: bool,
}

/// How a node came to be wider, as `evaluate::subject` tells for permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Named,
    Kind,
}

/// Nodes that are wider than one; the nearest are found first.
const COVER_MAX: usize = 32;
/// Look-ups of one analysis; what would take more is only as wide as itself.
const STEPS_MAX: u32 = 1_000_000;
/// Stands for whatever a pattern goes on with: no term has it in its name.
const ANY: char = '\u{1}';

/// The nodes of a policy and their names.
#[derive(Debug)]
pub(super) struct Cover<'a> {
    policy: &'a Compiled,
    /// By node.
    ids: Vec<&'a str>,
    labels: BTreeMap<&'a str, &'a str>,
    by_id: BTreeMap<&'a str, Node>,
    known: BTreeMap<(Node, bool), Wider>,
    meter: Meter,
    /// Whether a request can name this here.
    named: BTreeMap<(&'static str, &'a str), bool>,
    /// What something is a kind of.
    reached: BTreeSet<Node>,
}

impl<'a> Cover<'a> {
    pub(super) fn new(policy: &'a Compiled) -> Self {
        let by_id = nodes(policy.document());
        let terms = policy.document().terms.iter();
        Self {
            policy,
            ids: by_id.keys().copied().collect(),
            labels: terms.map(|term| (&*term.id, &*term.label)).collect(),
            by_id,
            known: BTreeMap::new(),
            meter: Meter::new(STEPS_MAX),
            named: BTreeMap::new(),
            reached: policy.kinds.iter().map(|kind| kind.to).collect(),
        }
    }

    fn node(&self, id: &str) -> Option<Node> {
        self.by_id.get(id).copied()
    }

    /// Why no request can have the words a relation is about.
    pub(super) fn beyond_reach(&mut self, id: RuleId) -> Option<String> {
        let (relation, rule) = self.policy.relation(id)?;
        let words = match relation.kind {
            RelationType::Permits | RelationType::Forbids | RelationType::Requires => {
                [("decision.actor", &relation.source), ("decision.action", &relation.target)]
            }
            RelationType::Implies | RelationType::Conflicts => return None,
        };
        // A restriction also counts where no resource is named.
        let resource = rule.object.filter(|object| {
            relation.kind == RelationType::Permits && object.of == TargetKind::Resource
        });
        let resource = resource.and(relation.object.as_ref()).map(|id| ("decision.resource", id));
        let mut words = words.into_iter().chain(resource);
        let beyond = words.find(|(key, id)| !self.can_name(key, id))?;
        Some(format!("no `{}` can be `{}`", beyond.0, beyond.1))
    }

    fn can_name(&mut self, key: &'static str, id: &'a str) -> bool {
        if let Some(known) = self.named.get(&(key, id)) {
            return *known;
        }
        let can_be = self.can_be(key, id);
        self.named.insert((key, id), can_be);
        can_be
    }

    fn can_be(&self, key: &str, id: &str) -> bool {
        if self.node(id).is_none_or(|node| self.reached.contains(&node)) {
            return true;
        }
        let mut names = self.names(id);
        names.any(|name| can_hold(key, &name.replace(ANY, "a")))
    }

    /// Everything a node answers to, with [`ANY`] for the rest of a pattern.
    fn names<'s>(&'s self, id: &'s str) -> impl Iterator<Item = String> + 's {
        let ids = [Some(id), without_kind(id)].into_iter().flatten();
        let spelled = ids.map(|text| match text.strip_suffix('*').filter(|_| is_pattern(text)) {
            Some(start) => format!("{start}{ANY}"),
            None => text.to_owned(),
        });
        let label = self.labels.get(id).filter(|label| !label.is_empty());
        spelled.chain(label.map(|label| (*label).to_owned()))
    }

    /// The node itself and wider ones, nearest first, for relations of a type.
    pub(super) fn of(&mut self, node: Node, kind: RelationType) -> Wider {
        let is_permit = kind == RelationType::Permits;
        if let Some(known) = self.known.get(&(node, is_permit)) {
            return known.clone();
        }
        let mut wider = Wider { nodes: vec![node], is_cut: false };
        // A permit follows a pattern over an id only after an `implies`: a word
        // that is a label is not what the pattern covers.
        let named = if is_permit { Way::Named } else { Way::Kind };
        wider.is_cut = self.find(node, named, &mut wider.nodes) == Err(Spent);
        self.known.insert((node, is_permit), wider.clone());
        wider
    }

    /// Fails where there may be more.
    fn find(&mut self, node: Node, named: Way, found: &mut Vec<Node>) -> Result<(), Spent> {
        let id = self.id(node);
        let mut over: Option<Vec<Node>> = None;
        let names: Vec<String> = self.names(id).collect();
        for name in names {
            let mut answering = Vec::new();
            self.policy.names.find(&name, &mut answering, &mut self.meter)?;
            answering.retain(|other| *other != node && is_pattern(self.id(*other)));
            over = Some(match over {
                Some(over) => {
                    let answering: BTreeSet<Node> = answering.into_iter().collect();
                    over.into_iter().filter(|one| answering.contains(one)).collect()
                }
                None => answering,
            });
        }
        found.extend(over.unwrap_or_default());
        if COVER_MAX < found.len() {
            found.truncate(COVER_MAX);
            return Err(Spent);
        }
        self.follow(named, found)
    }

    /// Adds what these nodes are always a kind of.
    fn follow(&mut self, named: Way, found: &mut Vec<Node>) -> Result<(), Spent> {
        let mut ways = vec![named; found.len()];
        let mut at = 0;
        while let Some((node, way)) = found.get(at).copied().zip(ways.get(at).copied()) {
            for kind in kinds_of(&self.policy.kinds, node) {
                self.meter.spend(1)?;
                let rule = kind.by.and_then(|rule| self.policy.relation(rule));
                let is_certain = match rule {
                    Some((_, rule)) => rule.clauses.is_empty(),
                    None => way == Way::Kind,
                };
                if !is_certain || found.contains(&kind.to) {
                    continue;
                }
                if COVER_MAX <= found.len() {
                    return Err(Spent);
                }
                found.push(kind.to);
                ways.push(if kind.by.is_some() { Way::Kind } else { named });
            }
            at = at.saturating_add(1);
        }
        Ok(())
    }

    fn id(&self, node: Node) -> &'a str {
        let at = usize::try_from(node.0).unwrap_or(usize::MAX);
        self.ids.get(at).copied().unwrap_or_default()
    }
}
