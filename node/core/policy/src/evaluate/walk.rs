//! One pass over what the policy says about a request.
//!
//! Work follows what is found, not what the policy holds: rules are looked up
//! by pairs of nodes, data classes are resolved only for rules with an object,
//! and the history is read only when a conflict is about the action.

use super::subject::{Subject, kinds_of};
use super::{Findings, Hit, Stop, Unmet};
use crate::compile::{Clause, Compiled, Pair, RuleId, Target, TargetKind};
use crate::condition::probe::Answer;
use crate::meter::{Meter, Spent};
use crate::names::Node;
use crate::request::{History, Request};
use crate::words::{Engine, RelationType};

/// How sure a condition must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It is met.
    Certainly,
    /// It is met, or nobody can say.
    Possibly,
}

/// What a pass carries along.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) policy: &'a Compiled,
    pub(super) request: &'a Request<'a>,
    pub(super) meter: &'a mut Meter,
}

/// The words of the request, resolved.
#[derive(Debug)]
struct Subjects {
    actor: Subject,
    action: Subject,
    /// Not resolved while no rule asks: `None`.
    objects: Option<Objects>,
}

#[derive(Debug)]
struct Objects {
    resource: Option<Subject>,
    classes: Vec<Subject>,
    /// Which classes a permit covers.
    covered: Vec<bool>,
}

/// Whether the object of a rule is what the request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Everything,
    Matching,
    Not,
}

pub(super) fn walk<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
    meter: &mut Meter,
) -> Result<Findings, Stop<H::Error>> {
    let mut walk = Walk { policy, request, meter };
    let mut subjects = Subjects {
        actor: Subject::find(request.actor, &mut walk)?,
        action: Subject::find(request.action, &mut walk)?,
        objects: None,
    };
    let mut findings = Findings::default();
    for rule in walk.rules_between(&subjects)? {
        walk.weigh(rule, &mut subjects, &mut findings)?;
    }
    walk.settle_coverage(&subjects, &mut findings);
    walk.note_kinds(&subjects, &mut findings)?;
    walk.weigh_constraints(&subjects, &mut findings)?;
    walk.weigh_conflicts(history, &subjects.action, &mut findings)?;
    findings.hits.sort_unstable_by_key(|hit| hit.rule);
    Ok(findings)
}

impl Walk<'_> {
    /// Whether all conditions of a rule hold.
    pub(super) fn holds(&mut self, rule: RuleId, held: Held) -> Result<bool, Spent> {
        match self.policy.relation(rule) {
            Some((_, rule)) => self.hold(&rule.clauses, held),
            None => Ok(false),
        }
    }

    pub(super) fn hold(&mut self, clauses: &[Clause], held: Held) -> Result<bool, Spent> {
        for clause in clauses {
            let holds = match clause.probe.ask(self.request, self.meter)? {
                Answer::Met => true,
                Answer::Unmet => false,
                Answer::Missing => held == Held::Possibly,
                Answer::Incomparable => held == Held::Possibly && Engine::V2 <= self.request.engine,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Rules whose ends are the actor and the action, in order.
    fn rules_between(&mut self, subjects: &Subjects) -> Result<Vec<RuleId>, Spent> {
        let mut rules = Vec::new();
        for source in subjects.actor.wide() {
            let pairs = from_source(&self.policy.pairs, *source);
            for target in subjects.action.wide() {
                if pairs.is_empty() {
                    break;
                }
                self.meter.spend(1)?;
                let from = pairs.partition_point(|pair| pair.target < *target);
                let pairs = pairs.get(from..).unwrap_or_default().iter();
                let pairs = pairs.take_while(|pair| pair.target == *target);
                rules.extend(pairs.filter(|pair| self.is_about(pair, subjects)).map(|p| p.rule));
            }
        }
        rules.sort_unstable();
        Ok(rules)
    }

    /// A permit must be about the words as given.
    fn is_about(&self, pair: &Pair, subjects: &Subjects) -> bool {
        match self.policy.relation(pair.rule).map(|(_, rule)| rule.kind) {
            Some(RelationType::Permits) => {
                subjects.actor.is(pair.source) && subjects.action.is(pair.target)
            }
            Some(
                RelationType::Forbids
                | RelationType::Requires
                | RelationType::Implies
                | RelationType::Conflicts,
            ) => true,
            None => false,
        }
    }

    fn weigh(
        &mut self,
        id: RuleId,
        subjects: &mut Subjects,
        findings: &mut Findings,
    ) -> Result<(), Spent> {
        self.meter.spend(1)?;
        let policy = self.policy;
        let Some((_, rule)) = policy.relation(id) else {
            return Ok(());
        };
        let fit = match rule.object {
            Some(object) => self.fit(rule.kind, object, subjects)?,
            None => Fit::Everything,
        };
        if fit == Fit::Not {
            findings.misfits.extend((rule.kind == RelationType::Permits).then_some(id));
            return Ok(());
        }
        let held =
            if rule.kind == RelationType::Permits { Held::Certainly } else { Held::Possibly };
        let is_effective = policy.is_effective(self.request.at);
        // What is required is asked below, clause by clause.
        let clauses: &[Clause] =
            if rule.kind == RelationType::Requires { &[] } else { &rule.clauses };
        let applies = is_effective && self.hold(clauses, held)?;
        findings.hits.push(Hit { rule: id, applies });
        if !applies {
            return Ok(());
        }
        match rule.kind {
            RelationType::Permits => {
                findings.permits = findings.permits.saturating_add(1);
                self.cover(rule.object, subjects, findings)?;
            }
            RelationType::Forbids => findings.forbids = findings.forbids.saturating_add(1),
            RelationType::Requires => {
                let unmet = self.first_unmet(id, &rule.clauses)?;
                findings.unmet = findings.unmet.or(unmet);
            }
            RelationType::Implies | RelationType::Conflicts => (),
        }
        Ok(())
    }

    /// An obligation is met by the context and never by an approval: one given
    /// to this decision comes after it.
    fn first_unmet(&mut self, rule: RuleId, clauses: &[Clause]) -> Result<Option<Unmet>, Spent> {
        if clauses.is_empty() {
            return Ok(Some(Unmet { rule, clause: None }));
        }
        for (at, clause) in clauses.iter().enumerate() {
            if clause.probe.ask(self.request, self.meter)? != Answer::Met {
                return Ok(Some(Unmet { rule, clause: Some(at) }));
            }
        }
        Ok(None)
    }

    fn fit(
        &mut self,
        kind: RelationType,
        object: Target,
        subjects: &mut Subjects,
    ) -> Result<Fit, Spent> {
        let objects = self.objects(subjects)?;
        self.meter.spend(u32::try_from(objects.classes.len()).unwrap_or(u32::MAX))?;
        let matches = match kind {
            RelationType::Permits => objects.matches(object, Subject::is),
            RelationType::Forbids
            | RelationType::Requires
            | RelationType::Implies
            | RelationType::Conflicts => {
                objects.matches(object, Subject::may_be) || objects.lacks(object.of)
            }
        };
        Ok(if matches { Fit::Matching } else { Fit::Not })
    }

    fn objects<'s>(&mut self, subjects: &'s mut Subjects) -> Result<&'s mut Objects, Spent> {
        if subjects.objects.is_none() {
            subjects.objects = Some(Objects::find(self)?);
        }
        Ok(subjects.objects.get_or_insert_with(Objects::none))
    }

    /// Marks the data classes that a permit covers.
    fn cover(
        &mut self,
        object: Option<Target>,
        subjects: &mut Subjects,
        findings: &mut Findings,
    ) -> Result<(), Spent> {
        let Some(object) = object else {
            findings.is_covered = true;
            return Ok(());
        };
        let objects = self.objects(subjects)?;
        if object.of != TargetKind::Resource {
            for (covered, class) in objects.covered.iter_mut().zip(&objects.classes) {
                *covered |= class.is(object.node);
            }
        }
        Ok(())
    }

    /// Without every class covered, no permit applies.
    fn settle_coverage(&self, subjects: &Subjects, findings: &mut Findings) {
        let classes = subjects.objects.as_ref().map(|objects| objects.covered.as_slice());
        let by_parts = match classes {
            Some(covered) => covered.iter().all(|covered| *covered),
            None => self.request.data_classes.is_empty(),
        };
        findings.is_covered |= by_parts;
        if findings.is_covered {
            return;
        }
        findings.permits = 0;
        for hit in &mut findings.hits {
            let kind = self.policy.relation(hit.rule).map(|(_, rule)| rule.kind);
            hit.applies &= kind != Some(RelationType::Permits);
        }
    }

    /// The `implies` that led from the words of the request to its rules.
    fn note_kinds(&mut self, subjects: &Subjects, findings: &mut Findings) -> Result<(), Spent> {
        if self.policy.kinds.is_empty() {
            return Ok(());
        }
        let objects = subjects.objects.as_ref();
        let named = [Some(&subjects.actor), Some(&subjects.action)]
            .into_iter()
            .chain([objects.and_then(|objects| objects.resource.as_ref())])
            .chain(objects.into_iter().flat_map(|objects| objects.classes.iter().map(Some)));
        let mut rules: Vec<RuleId> = Vec::new();
        for subject in named.flatten() {
            for node in subject.wide() {
                for kind in kinds_of(&self.policy.kinds, *node) {
                    self.meter.spend(1)?;
                    rules.extend(kind.by.filter(|_| subject.may_be(kind.to)));
                }
            }
        }
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let applies = self.holds(rule, Held::Possibly)?;
            findings.hits.push(Hit { rule, applies });
        }
        Ok(())
    }

    fn weigh_constraints(
        &mut self,
        subjects: &Subjects,
        findings: &mut Findings,
    ) -> Result<(), Spent> {
        for (at, limit) in self.policy.limits.iter().enumerate() {
            self.meter.spend(1)?;
            let is_for = |subject: &Subject, node: Option<Node>| {
                node.is_none_or(|node| subject.may_be(node))
            };
            if !is_for(&subjects.actor, limit.actor) || !is_for(&subjects.action, limit.action) {
                continue;
            }
            if findings.first(limit.effect).is_none()
                && self.hold(&limit.clauses, Held::Possibly)?
            {
                *findings.first(limit.effect) = Some(at);
            }
        }
        Ok(())
    }
}

impl Objects {
    fn none() -> Self {
        Self { resource: None, classes: Vec::new(), covered: Vec::new() }
    }

    fn find(walk: &mut Walk<'_>) -> Result<Self, Spent> {
        let request = walk.request;
        let resource = request.resource.map(|word| Subject::find(word, walk)).transpose()?;
        let classes = request.data_classes.iter().map(|word| Subject::find(word, walk));
        let classes: Vec<Subject> = classes.collect::<Result<_, _>>()?;
        let covered = vec![false; classes.len()];
        Ok(Self { resource, classes, covered })
    }

    fn matches(&self, object: Target, is: fn(&Subject, Node) -> bool) -> bool {
        let class = || self.classes.iter().any(|class| is(class, object.node));
        let resource = || self.resource.as_ref().is_some_and(|named| is(named, object.node));
        match object.of {
            TargetKind::DataClasses => class(),
            TargetKind::Resource => resource(),
            TargetKind::Either => class() || resource(),
        }
    }

    /// Whether the request leaves out what the object would be compared with.
    fn lacks(&self, of: TargetKind) -> bool {
        match of {
            TargetKind::DataClasses => self.classes.is_empty(),
            TargetKind::Resource => self.resource.is_none(),
            TargetKind::Either => self.classes.is_empty() || self.resource.is_none(),
        }
    }
}

/// The pairs that begin at a node.
pub(super) fn from_source(pairs: &[Pair], source: Node) -> &[Pair] {
    let from = pairs.partition_point(|pair| pair.source < source);
    let rest = pairs.get(from..).unwrap_or_default();
    let until = rest.partition_point(|pair| pair.source == source);
    rest.get(..until).unwrap_or_default()
}
