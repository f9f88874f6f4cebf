//! A document made ready to be asked: names interned, relations indexed by
//! their two ends, conditions parsed, patterns compiled.
//!
//! Nothing is decided here. What is built is immutable and shared by all who
//! ask.
//!
//! INVARIANT: rules have the order of the document's relations, which is by
//! relation id; whatever is collected by rule index is in that order.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use types::{Digest, Object, Timestamp};

use crate::condition::pattern::Patterns;
use crate::condition::probe::{Flaw, Probe};
use crate::condition::{Condition, Test};
use crate::document::{Constraint, Document, Relation};
use crate::fault::{Fault, item};
use crate::names::{Names, Node, is_pattern};
use crate::personal::Personal;
use crate::words::{Effect, Mode, RelationType, TermType};

/// A policy ready to be asked.
#[derive(Debug)]
pub struct Compiled {
    document: Document,
    hash: Digest,
    pub(crate) names: Names,
    pub(crate) rules: Vec<Rule>,
    /// Rules of `permits`, `forbids` and `requires` by their ends, sorted.
    pub(crate) pairs: Vec<Pair>,
    /// What each node is a kind of, sorted.
    pub(crate) kinds: Vec<Kind>,
    /// The patterns over each term that has a label, sorted: a request that
    /// names the term by its label is matched by none of them.
    pub(crate) labelled: Vec<Kind>,
    /// Both directions of every `conflicts`, sorted.
    pub(crate) conflicts: Vec<Pair>,
    pub(crate) limits: Vec<Limit>,
    personal: Personal,
}

/// The position of a rule, and of its relation in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleId(pub(crate) u32);

/// What a relation asks beyond its ends.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) kind: RelationType,
    pub(crate) object: Option<Target>,
    pub(crate) clauses: Vec<Clause>,
}

/// The object of a relation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) node: Node,
    pub(crate) of: TargetKind,
}

/// What an object is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TargetKind {
    DataClasses,
    Resource,
    /// A pattern that does not tell, such as `pii:*`.
    Either,
}

/// One condition. Shared by all that name the same constraint term: a document
/// can name one a million times.
#[derive(Clone, Debug)]
pub(crate) struct Clause(Arc<Asked>);

impl Deref for Clause {
    type Target = Asked;

    fn deref(&self) -> &Asked {
        &self.0
    }
}

/// How a condition is shown and how it is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    /// What it is called as an obligation.
    pub(crate) name: String,
    pub(crate) test: Test,
    pub(crate) probe: Probe,
}

/// Two nodes and the rule between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pair {
    pub(crate) source: Node,
    pub(crate) target: Node,
    pub(crate) rule: RuleId,
}

/// `from` is a kind of `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) from: Node,
    pub(crate) to: Node,
    /// The rule that says so; none where a pattern covers a term by its text.
    pub(crate) by: Option<RuleId>,
}

/// A constraint.
#[derive(Debug)]
pub(crate) struct Limit {
    pub(crate) effect: Effect,
    pub(crate) actor: Option<Node>,
    pub(crate) action: Option<Node>,
    pub(crate) clauses: Vec<Clause>,
}

impl Compiled {
    /// Makes a document ready. What [`Document::parse`] gives always is.
    pub fn new(document: &Document) -> Result<Compiled, Vec<Fault>> {
        let mut compiler = Compiler::new(document);
        let relations = document.relations.iter().enumerate();
        let rules = relations.filter_map(|(at, relation)| compiler.rule(at, relation)).collect();
        let constraints = document.constraints.iter().enumerate();
        let limits = constraints.filter_map(|(at, limit)| compiler.limit(at, limit)).collect();
        if !compiler.faults.is_empty() {
            return Err(compiler.faults);
        }
        let mut compiled = Compiled {
            document: document.clone(),
            hash: document.hash(),
            names: compiler.names,
            rules,
            pairs: compiler.pairs,
            kinds: compiler.kinds,
            labelled: Vec::new(),
            conflicts: compiler.conflicts,
            limits,
            personal: Personal::of(document),
        };
        compiled.names.seal();
        compiled.pairs.sort_unstable();
        compiled.conflicts.sort_unstable();
        compiled.conflicts.dedup();
        compiled.add_covering_patterns();
        compiled.cover_labels(&compiler.nodes);
        Ok(compiled)
    }

    /// The policy's own mode.
    pub fn mode(&self) -> Mode {
        self.document.mode
    }

    /// The hash of the document.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// Whether a request with these data classes and this context brings what the
    /// policy marks as personal data.
    pub fn is_personal(&self, data_classes: &[String], context: &Object) -> bool {
        self.personal.is_named(data_classes, context)
    }

    /// The document this was made from.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The relation a rule was made from.
    pub(crate) fn relation(&self, rule: RuleId) -> Option<(&Relation, &Rule)> {
        let at = usize::try_from(rule.0).ok()?;
        Some((self.document.relations.get(at)?, self.rules.get(at)?))
    }

    /// From inclusive, until exclusive.
    pub(crate) fn is_effective(&self, at: Timestamp) -> bool {
        self.document.effective_from.is_none_or(|from| from <= at)
            && self.document.effective_until.is_none_or(|until| at < until)
    }

    /// Who is a kind of a term is also what the patterns over that term mean.
    fn add_covering_patterns(&mut self) {
        let ids: BTreeMap<Node, &str> =
            nodes(&self.document).into_iter().map(|(id, node)| (node, id)).collect();
        let mut targets: Vec<Node> = self.kinds.iter().map(|kind| kind.to).collect();
        targets.sort_unstable();
        targets.dedup();
        for from in targets {
            let mut over = Vec::new();
            self.names.patterns_over(ids.get(&from).copied().unwrap_or_default(), &mut over);
            let over = over.into_iter().filter(|to| *to != from);
            self.kinds.extend(over.map(|to| Kind { from, to, by: None }));
        }
        self.kinds.sort_unstable();
        self.kinds.dedup();
    }

    fn cover_labels(&mut self, nodes: &BTreeMap<&str, Node>) {
        let mut over = Vec::new();
        for term in self.document.terms.iter().filter(|term| !term.label.is_empty()) {
            let Some(from) = nodes.get(term.id.as_str()).copied() else {
                continue;
            };
            over.clear();
            self.names.patterns_over(&term.id, &mut over);
            let over = over.iter().copied();
            let over = over.filter(|to| *to != from && !self.names.is_everything(*to));
            self.labelled.extend(over.map(|to| Kind { from, to, by: None }));
        }
        self.labelled.sort_unstable();
        self.labelled.dedup();
    }
}

/// Every term, and every pattern that a relation or constraint uses, in the
/// order of their ids.
pub(crate) fn nodes(document: &Document) -> BTreeMap<&str, Node> {
    let ends = document.relations.iter().flat_map(|relation| {
        [Some(&relation.source), Some(&relation.target), relation.object.as_ref()]
    });
    let limits =
        document.constraints.iter().flat_map(|limit| [limit.actor.as_ref(), limit.action.as_ref()]);
    let used = ends.chain(limits).flatten().filter(|id| is_pattern(id)).map(String::as_str);
    let terms = document.terms.iter().map(|term| term.id.as_str());
    let mut nodes: BTreeMap<&str, Node> = terms.chain(used).map(|id| (id, Node(0))).collect();
    for (node, at) in nodes.values_mut().zip(0..) {
        *node = Node(at);
    }
    nodes
}

struct Compiler<'a> {
    nodes: BTreeMap<&'a str, Node>,
    kinds_of_terms: BTreeMap<&'a str, TermType>,
    tests: BTreeMap<&'a str, &'a Test>,
    patterns: Patterns,
    /// Clauses by the constraint term they are made from.
    named: BTreeMap<String, Clause>,
    faults: Vec<Fault>,
    names: Names,
    pairs: Vec<Pair>,
    kinds: Vec<Kind>,
    conflicts: Vec<Pair>,
}

impl<'a> Compiler<'a> {
    fn new(document: &'a Document) -> Self {
        let nodes = nodes(document);
        let mut names = Names::default();
        let labels: BTreeMap<&str, &str> =
            document.terms.iter().map(|term| (&*term.id, &*term.label)).collect();
        for (id, node) in &nodes {
            names.add(*node, id, labels.get(id).copied().unwrap_or_default());
        }
        let terms = document.terms.iter();
        Self {
            nodes,
            kinds_of_terms: terms.clone().map(|term| (&*term.id, term.kind)).collect(),
            tests: terms.filter_map(|term| Some((&*term.id, term.test.as_ref()?))).collect(),
            patterns: Patterns::default(),
            named: BTreeMap::new(),
            faults: Vec::new(),
            names,
            pairs: Vec::new(),
            kinds: Vec::new(),
            conflicts: Vec::new(),
        }
    }

    fn rule(&mut self, at: usize, relation: &Relation) -> Option<Rule> {
        let pointer = item("/relations", at);
        let source = self.node(&relation.source, &pointer)?;
        let target = self.node(&relation.target, &pointer)?;
        let object = match &relation.object {
            Some(id) => Some(Target { node: self.node(id, &pointer)?, of: self.target_kind(id) }),
            None => None,
        };
        let clauses = self.clauses(&relation.conditions, &pointer)?;
        let rule = RuleId(u32::try_from(at).ok()?);
        match relation.kind {
            RelationType::Permits | RelationType::Forbids | RelationType::Requires => {
                self.pairs.push(Pair { source, target, rule });
            }
            RelationType::Implies => {
                self.kinds.push(Kind { from: source, to: target, by: Some(rule) });
            }
            RelationType::Conflicts => {
                self.conflicts.push(Pair { source, target, rule });
                self.conflicts.push(Pair { source: target, target: source, rule });
            }
        }
        Some(Rule { kind: relation.kind, object, clauses })
    }

    fn limit(&mut self, at: usize, constraint: &Constraint) -> Option<Limit> {
        let pointer = item("/constraints", at);
        let actor = match &constraint.actor {
            Some(id) => Some(self.node(id, &pointer)?),
            None => None,
        };
        let action = match &constraint.action {
            Some(id) => Some(self.node(id, &pointer)?),
            None => None,
        };
        let clauses = self.clauses(&constraint.conditions, &pointer)?;
        Some(Limit { effect: constraint.effect, actor, action, clauses })
    }

    fn target_kind(&self, id: &str) -> TargetKind {
        match self.kinds_of_terms.get(id) {
            Some(TermType::DataClass) => TargetKind::DataClasses,
            Some(TermType::Resource) => TargetKind::Resource,
            Some(TermType::Actor | TermType::Action | TermType::Context | TermType::Constraint) => {
                TargetKind::Either
            }
            None if id.starts_with("data:") => TargetKind::DataClasses,
            None if id.starts_with("resource:") => TargetKind::Resource,
            None => TargetKind::Either,
        }
    }

    fn node(&mut self, id: &str, pointer: &str) -> Option<Node> {
        let node = self.nodes.get(id).copied();
        if node.is_none() {
            let detail = format!("`{id}` is neither a term nor a pattern");
            self.fault(pointer, "dangling_reference", detail);
        }
        node
    }

    fn clauses(&mut self, conditions: &[Condition], pointer: &str) -> Option<Vec<Clause>> {
        conditions.iter().map(|condition| self.clause(condition, pointer)).collect()
    }

    fn clause(&mut self, condition: &Condition, pointer: &str) -> Option<Clause> {
        if let Condition::Named(name) = condition
            && let Some(known) = self.named.get(name)
        {
            return Some(known.clone());
        }
        let clause = self.new_clause(condition, pointer)?;
        if let Condition::Named(name) = condition {
            self.named.insert(name.clone(), clause.clone());
        }
        Some(clause)
    }

    fn new_clause(&mut self, condition: &Condition, pointer: &str) -> Option<Clause> {
        let test = match condition {
            Condition::Test(test) => test,
            Condition::Named(name) => match self.tests.get(name.as_str()) {
                Some(test) => test,
                None => {
                    let detail = format!("`{name}` is no constraint term");
                    self.fault(pointer, "dangling_reference", detail);
                    return None;
                }
            },
        };
        match Probe::new(test, &mut self.patterns) {
            Ok(probe) => {
                let asked = Asked { name: condition.name(), test: test.clone(), probe };
                Some(Clause(Arc::new(asked)))
            }
            Err(Flaw { code, detail, .. }) => {
                self.fault(pointer, code, detail);
                None
            }
        }
    }

    fn fault(&mut self, pointer: &str, code: &'static str, detail: String) {
        self.faults.push(Fault { pointer: pointer.to_owned(), code, detail });
    }
}
