//! Relations that another one makes redundant.

use std::collections::BTreeMap;

use super::cover::Cover;
use crate::compile::{Clause, Compiled, Rule, RuleId, TargetKind};
use crate::document::Relation;
use crate::meter::{Meter, Spent};
use crate::names::Node;
use crate::words::RelationType;

/// Relations between two nodes that others are compared with, per type: those
/// with the fewest conditions, which say the most.
const COMPARED_MAX: usize = 8;
/// Comparisons and look-ups of one analysis.
const STEPS_MAX: u32 = 3_000_000;

/// What another relation does to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    /// It forbids what this permits, in the same words.
    Contradicted(RuleId),
    /// It forbids all that this permits.
    Forbidden(RuleId),
    /// It says the same or more.
    Shadowed(RuleId),
}

type Ends = (Node, Node, RelationType);

#[derive(Debug)]
pub(super) struct Overlaps<'a> {
    policy: &'a Compiled,
    cover: Cover<'a>,
    /// By rule; none for relations that are not between an actor and an action.
    ends: Vec<Option<(Node, Node)>>,
    /// The strongest relations between two nodes.
    strongest: BTreeMap<Ends, Vec<RuleId>>,
    meter: Meter,
}

impl<'a> Overlaps<'a> {
    /// What is dead already makes nothing else redundant.
    pub(super) fn new(
        policy: &'a Compiled,
        cover: Cover<'a>,
        is_dead: &dyn Fn(RuleId) -> bool,
    ) -> Self {
        let mut strongest: BTreeMap<Ends, Vec<RuleId>> = BTreeMap::new();
        for pair in policy.pairs.iter().filter(|pair| !is_dead(pair.rule)) {
            if let Some((_, rule)) = policy.relation(pair.rule) {
                let ends = (pair.source, pair.target, rule.kind);
                strongest.entry(ends).or_default().push(pair.rule);
            }
        }
        for ((_, _, kind), rules) in &mut strongest {
            rules.sort_by_key(|id| {
                let rule = policy.relation(*id).map(|(_, rule)| rule);
                let clauses = rule.map_or(0, |rule| rule.clauses.len());
                let is_narrow = rule.is_some_and(|rule| rule.object.is_some());
                // Of obligations the most say the most.
                let clauses = if *kind == RelationType::Requires {
                    usize::MAX.abs_diff(clauses)
                } else {
                    clauses
                };
                (is_narrow, clauses, *id)
            });
            rules.truncate(COMPARED_MAX);
        }
        let mut ends = vec![None; policy.rules.len()];
        for pair in &policy.pairs {
            let at = usize::try_from(pair.rule.0).ok().and_then(|at| ends.get_mut(at));
            if let Some(ends) = at {
                *ends = Some((pair.source, pair.target));
            }
        }
        Self { policy, cover, ends, strongest, meter: Meter::new(STEPS_MAX) }
    }

    pub(super) fn find(&mut self, id: RuleId) -> Option<Overlap> {
        let (relation, rule) = self.policy.relation(id)?;
        let this = One { id, relation, rule };
        match rule.kind {
            RelationType::Permits => self
                .covering(this, RelationType::Forbids)
                .map(|by| self.denied(this, by))
                .or_else(|| self.covering(this, RelationType::Permits).map(Overlap::Shadowed)),
            kind @ (RelationType::Forbids | RelationType::Requires) => {
                self.covering(this, kind).map(Overlap::Shadowed)
            }
            RelationType::Implies | RelationType::Conflicts => None,
        }
    }

    fn denied(&self, this: One<'_>, by: RuleId) -> Overlap {
        let is_same = self.policy.relation(by).is_some_and(|(relation, _)| {
            relation.source == this.relation.source
                && relation.target == this.relation.target
                && relation.object == this.relation.object
                && relation.conditions == this.relation.conditions
        });
        if is_same { Overlap::Contradicted(by) } else { Overlap::Forbidden(by) }
    }

    /// A relation of this type that counts whenever this one does.
    fn covering(&mut self, this: One<'_>, kind: RelationType) -> Option<RuleId> {
        let (source, target) = self.ends(this.id)?;
        let sources = self.cover.of(source, kind).nodes;
        let targets = self.cover.of(target, kind).nodes;
        for source in sources {
            for target in &targets {
                self.meter.spend(1).ok()?;
                let Some(others) = self.strongest.get(&(source, *target, kind)) else {
                    continue;
                };
                let others = others.clone();
                for other in others {
                    match self.makes_redundant(other, this) {
                        Ok(true) => return Some(other),
                        Ok(false) => (),
                        Err(Spent) => return None,
                    }
                }
            }
        }
        None
    }

    /// The ends are known to be as wide.
    fn makes_redundant(&mut self, by: RuleId, this: One<'_>) -> Result<bool, Spent> {
        let Some((relation, rule)) = self.policy.relation(by) else {
            return Ok(false);
        };
        if by == this.id {
            return Ok(false);
        }
        let by = One { id: by, relation, rule };
        if !self.says_as_much(by, this)? {
            return Ok(false);
        }
        // Of two that say the same, the first stays, also where nobody looked far
        // enough to tell: else each may make the other redundant.
        let is_equal = by.rule.kind == this.rule.kind
            && (self.is_cut(by)
                || (self.has_ends_as_wide(this, by) && self.says_as_much(this, by)?));
        Ok(!is_equal || by.id < this.id)
    }

    fn is_cut(&mut self, one: One<'_>) -> bool {
        let ends = self.ends(one.id).map(|(source, target)| [source, target]);
        let object = one.rule.object.map(|object| object.node);
        let nodes = ends.into_iter().flatten().chain(object);
        nodes.into_iter().any(|node| self.cover.of(node, one.rule.kind).is_cut)
    }

    fn has_ends_as_wide(&mut self, wide: One<'_>, narrow: One<'_>) -> bool {
        let kind = wide.rule.kind;
        let (Some(wide), Some(narrow)) = (self.ends(wide.id), self.ends(narrow.id)) else {
            return false;
        };
        self.cover.of(narrow.0, kind).nodes.contains(&wide.0)
            && self.cover.of(narrow.1, kind).nodes.contains(&wide.1)
    }

    fn ends(&self, id: RuleId) -> Option<(Node, Node)> {
        let at = usize::try_from(id.0).ok()?;
        self.ends.get(at).copied().flatten()
    }

    fn says_as_much(&mut self, strong: One<'_>, weak: One<'_>) -> Result<bool, Spent> {
        if !self.covers_object(strong.rule, weak.rule) {
            return Ok(false);
        }
        let (few, many) = match strong.rule.kind {
            RelationType::Requires => (weak, strong),
            RelationType::Permits
            | RelationType::Forbids
            | RelationType::Implies
            | RelationType::Conflicts => (strong, weak),
        };
        let (few, many) = (&few.rule.clauses, &many.rule.clauses);
        if strong.rule.kind == RelationType::Requires && few.is_empty() != many.is_empty() {
            // Without conditions it asks for an approval, which is another thing.
            return Ok(false);
        }
        let pairs = few.len().saturating_mul(many.len()).saturating_add(1);
        self.meter.spend(u32::try_from(pairs).unwrap_or(u32::MAX))?;
        let has = |clause: &Clause| many.iter().any(|other| other.test == clause.test);
        Ok(few.len() <= many.len() && few.iter().all(has))
    }

    fn covers_object(&mut self, wide: &Rule, narrow: &Rule) -> bool {
        let kind = wide.kind;
        let (wide, narrow) = match (wide.object, narrow.object) {
            (None, _) => return true,
            (Some(_), None) => return false,
            (Some(wide), Some(narrow)) => (wide, narrow),
        };
        let is_of = wide.of == narrow.of || wide.of == TargetKind::Either;
        is_of && self.cover.of(narrow.node, kind).nodes.contains(&wide.node)
    }
}

/// A relation that is compared.
#[derive(Clone, Copy, Debug)]
struct One<'a> {
    id: RuleId,
    relation: &'a Relation,
    rule: &'a Rule,
}
