//! Section 3.2 of the contract: what a word of a request stands for.
//!
//! Everything is a set of ids. Ids are those of terms and of the patterns that
//! relations and constraints use.

use std::collections::BTreeSet;

use policy::{Engine, RelationType, Request};

use super::conditions::{InDoubt, hold};
use super::reading::Policy;

pub(crate) type Ids<'a> = BTreeSet<&'a str>;

/// A word, read in two ways.
pub(crate) struct Word<'a> {
    /// As a permit reads it: as it is written, and what is certain.
    pub(crate) certain: Ids<'a>,
    /// As a restriction reads it: also without the kind in front of it, and
    /// what cannot be excluded.
    pub(crate) possible: Ids<'a>,
}

impl<'a> Word<'a> {
    pub(crate) fn read(policy: &Policy<'a>, word: &str, request: &Request<'_>) -> Self {
        let certain = answering(policy, word);
        let mut possible = certain.clone();
        possible.extend(answering(policy, bare(word)));
        Self {
            certain: with_kinds(policy, certain, request, InDoubt::No),
            possible: with_kinds(policy, possible, request, InDoubt::Yes),
        }
    }
}

/// An id without the kind in front of it.
pub(crate) fn bare(id: &str) -> &str {
    let kinds = ["actor:", "action:", "data:", "resource:", "context:"];
    let rest = kinds.iter().find_map(|kind| id.strip_prefix(kind));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(id)
}

/// All ids that can be meant.
fn ids<'a>(policy: &Policy<'a>) -> Ids<'a> {
    let mut ids: Ids<'a> = policy.terms.iter().map(|term| term.id).collect();
    for relation in &policy.relations {
        ids.extend([relation.source, relation.target].into_iter().chain(relation.object));
    }
    for constraint in &policy.constraints {
        ids.extend(constraint.actor.into_iter().chain(constraint.action));
    }
    ids
}

/// Who answers to a word: by id, by bare id, by label, or by pattern.
fn answering<'a>(policy: &Policy<'a>, word: &str) -> Ids<'a> {
    let by_id = ids(policy)
        .into_iter()
        .filter(|id| [*id, bare(id)].iter().any(|spelling| matches(spelling, word)));
    let by_label = policy.terms.iter().filter(|term| !term.label.is_empty() && term.label == word);
    by_id.chain(by_label.map(|term| term.id)).collect()
}

/// Which terms a word names as such, patterns left out.
pub(crate) fn named<'a>(policy: &Policy<'a>, word: &str) -> Ids<'a> {
    let terms = policy.terms.iter().filter(|term| {
        let is_spelled = [term.id, bare(term.id)].contains(&word) && !is_pattern(term.id);
        is_spelled || (!term.label.is_empty() && term.label == word)
    });
    terms.map(|term| term.id).collect()
}

pub(crate) fn is_pattern(id: &str) -> bool {
    id == "*" || id.ends_with(":*")
}

/// `*` matches everything, `x:*` what has at least one more segment after `x:`.
fn matches(spelling: &str, word: &str) -> bool {
    match spelling.strip_suffix('*') {
        Some("") => true,
        Some(start) if start.ends_with(':') => start.len() < word.len() && word.starts_with(start),
        _ => spelling == word,
    }
}

/// Adds what the ids are kinds of, until there is nothing to add: a relation on
/// the target of an `implies` covers its source, and so does one on a pattern
/// over that target.
fn with_kinds<'a>(
    policy: &Policy<'a>,
    start: Ids<'a>,
    request: &Request<'_>,
    in_doubt: InDoubt,
) -> Ids<'a> {
    let implies = || policy.relations.iter().filter(|it| it.kind == RelationType::Implies);
    let mut known = start.clone();
    let mut entered: Ids<'a> = BTreeSet::new();
    // A restriction looks at the patterns over such a target also when the
    // request names it, by whatever name. Engine 1 did so for permits too.
    if in_doubt == InDoubt::Yes || request.engine == Engine::V1 {
        entered.extend(implies().map(|it| it.target).filter(|target| start.contains(target)));
    }
    // Nor does a name that a pattern does not match lead past a restriction on
    // that pattern.
    if in_doubt == InDoubt::Yes && request.engine == Engine::V2 {
        entered.extend(&start);
    }
    loop {
        let before = (known.len(), entered.len());
        for relation in implies() {
            if known.contains(relation.source)
                && hold(policy, &relation.conditions, request, in_doubt)
            {
                known.insert(relation.target);
                entered.insert(relation.target);
            }
        }
        for target in &entered {
            known.extend(ids(policy).into_iter().filter(|id| is_over(id, target)));
        }
        if in_doubt == InDoubt::Yes || request.engine == Engine::V1 {
            let targets = implies().map(|it| it.target);
            entered.extend(targets.filter(|target| known.contains(target)));
        }
        if before == (known.len(), entered.len()) {
            return known;
        }
    }
}

/// Whether a pattern covers another id as a whole.
fn is_over(pattern: &str, id: &str) -> bool {
    is_pattern(pattern)
        && [pattern, bare(pattern)]
            .iter()
            .any(|pattern| matches(pattern, id) || matches(pattern, bare(id)))
}
