//! What only the whole document shows: shared ids, shared names, ends of the
//! wrong type, and kinds that are kinds of themselves.

use std::collections::{BTreeMap, BTreeSet};

use types::Json;

use super::read::Members;
use super::{Relation, Term, digest};
use crate::fault::Findings;
use crate::names::{Names, Node};
use crate::words::{RelationType, TermType};

/// Cycles that are told apart before the reading stops looking.
const CYCLES_MAX: usize = 100;
/// Terms of a cycle that its fault names.
const CYCLE_TERMS_SHOWN: usize = 8;

/// A relation on its way to an id, and where it stands.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) pointer: String,
    /// Its id is empty where the document gives none.
    pub(super) relation: Relation,
}

/// Gives every relation its id and reports ids given twice.
pub(super) fn name_relations(drafts: &mut [Draft], findings: &mut Findings) {
    let mut uses: BTreeMap<String, u32> = BTreeMap::new();
    for Draft { relation, .. } in drafts.iter_mut() {
        if relation.id.is_empty() {
            relation.id = default_id(relation);
        }
        let count = uses.entry(relation.id.clone()).or_default();
        *count = count.saturating_add(1);
    }
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for Draft { pointer, relation } in drafts {
        // An id spelled out that is the default is no different from the default.
        let is_shared = uses.get(&relation.id).is_some_and(|count| 1 < *count);
        if is_shared && relation.id == default_id(relation) {
            let content = digest(&Json::Object(relation.content())).to_string();
            relation.id = format!("{}~{}", relation.id, content.get(..8).unwrap_or_default());
        }
        if let Some(first) = known.get(&relation.id) {
            let detail = format!("`{}` is already the relation at `{first}`", relation.id);
            findings.fault(pointer, "duplicate_relation", detail);
        } else {
            known.insert(relation.id.clone(), pointer.clone());
        }
    }
}

fn default_id(relation: &Relation) -> String {
    format!("{}:{}:{}", relation.kind, relation.source, relation.target)
}

/// Names that two terms answer to. Both are meant then, which is rarely so.
pub(super) fn warn_of_shared_names(terms: &[Term], findings: &mut Findings) {
    let mut names = Names::default();
    for (at, term) in (0..).map(Node).zip(terms) {
        names.add(at, &term.id, &term.label);
    }
    names.seal();
    let id = |node: Node| {
        let at = usize::try_from(node.0).unwrap_or(usize::MAX);
        terms.get(at).map_or("", |term| term.id.as_str())
    };
    for (text, first, second) in names.shared() {
        let detail = format!("`{text}` means both `{}` and `{}`", id(first), id(second));
        findings.warn("/terms", "ambiguous_name", detail);
    }
}

/// Ends whose type is known and not that of their place.
pub(super) fn term_types(
    relation: &Relation,
    terms: &BTreeMap<String, Option<TermType>>,
    members: &Members<'_>,
    findings: &mut Findings,
) {
    let source = End {
        pointer: members.pointer_to_either("source", "subject"),
        kind: terms.get(&relation.source).copied().flatten(),
    };
    let target = End {
        pointer: members.pointer_to_either("target", "action"),
        kind: terms.get(&relation.target).copied().flatten(),
    };
    match relation.kind {
        RelationType::Permits | RelationType::Forbids | RelationType::Requires => {
            for (end, expect) in [(source, TermType::Actor), (target, TermType::Action)] {
                if let Some(kind) = end.kind.filter(|kind| *kind != expect) {
                    let detail = format!("is of type {kind}; requests have an {expect} here");
                    findings.warn(&end.pointer, "wrong_term_type", detail);
                }
            }
        }
        RelationType::Conflicts => {
            for end in [source, target] {
                if let Some(kind) = end.kind.filter(|kind| *kind != TermType::Action) {
                    let detail = format!("is of type {kind}; `conflicts` is between actions");
                    findings.fault(&end.pointer, "wrong_term_type", detail);
                }
            }
        }
        RelationType::Implies => kinds_agree(&source, &target, findings),
    }
}

/// One end of a relation: where it is spelled, and its type where it is a term.
#[derive(Debug)]
struct End {
    pointer: String,
    kind: Option<TermType>,
}

fn kinds_agree(source: &End, target: &End, findings: &mut Findings) {
    for end in [source, target] {
        if let Some(kind @ (TermType::Context | TermType::Constraint)) = end.kind {
            let detail = format!("is of type {kind}, which has no kinds");
            findings.fault(&end.pointer, "wrong_term_type", detail);
        }
    }
    if let (Some(from), Some(to)) = (source.kind, target.kind)
        && from != to
    {
        let detail = format!("the source is of type {from}, the target of type {to}");
        findings.fault(&target.pointer, "wrong_term_type", detail);
    }
}

/// Reports each chain of `implies` that comes back to where it began.
pub(super) fn refuse_cycles(drafts: &[Draft], findings: &mut Findings) {
    let mut edges: Vec<&Draft> =
        drafts.iter().filter(|draft| draft.relation.kind == RelationType::Implies).collect();
    for _ in 0..CYCLES_MAX {
        trim(&mut edges);
        let Some(cycle) = walk(&edges) else {
            return;
        };
        let shown: Vec<&str> = cycle
            .iter()
            .take(CYCLE_TERMS_SHOWN)
            .map(|draft| draft.relation.source.as_str())
            .collect();
        let more = if CYCLE_TERMS_SHOWN < cycle.len() { " → …" } else { "" };
        let first = shown.first().copied().unwrap_or_default();
        let detail = format!("a kind of itself: {}{more} → {first}", shown.join(" → "));
        let pointer = cycle.first().map_or("", |draft| draft.pointer.as_str());
        findings.fault(pointer, "implies_cycle", detail);
        let closed: BTreeSet<&str> =
            cycle.iter().map(|draft| draft.relation.source.as_str()).collect();
        edges.retain(|draft| !closed.contains(draft.relation.source.as_str()));
    }
}

/// Drops what leads to no cycle: edges into a term that implies nothing more,
/// over and over.
fn trim(edges: &mut Vec<&Draft>) {
    let mut out: BTreeMap<&str, u32> = BTreeMap::new();
    let mut into: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for Draft { relation, .. } in edges.iter() {
        let count = out.entry(&relation.source).or_default();
        *count = count.saturating_add(1);
        out.entry(&relation.target).or_default();
        into.entry(&relation.target).or_default().push(&relation.source);
    }
    let mut ends: Vec<&str> =
        out.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(end) = ends.pop() {
        for source in into.get(end).into_iter().flatten() {
            if let Some(count) = out.get_mut(source) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ends.push(source);
                }
            }
        }
    }
    edges.retain(|draft| out.get(draft.relation.target.as_str()).is_some_and(|count| 0 < *count));
}

/// After trimming every target is a source, so a walk must come back.
fn walk<'a>(edges: &[&'a Draft]) -> Option<Vec<&'a Draft>> {
    let mut next: BTreeMap<&str, &Draft> = BTreeMap::new();
    for draft in edges {
        next.entry(&draft.relation.source).or_insert(draft);
    }
    let mut path: Vec<&Draft> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut at = *edges.first()?;
    loop {
        if let Some(from) = seen.get(at.relation.source.as_str()) {
            return Some(path.split_off(*from));
        }
        seen.insert(&at.relation.source, path.len());
        path.push(at);
        at = next.get(at.relation.target.as_str())?;
    }
}
