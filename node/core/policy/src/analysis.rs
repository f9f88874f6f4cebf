//! What a sound policy says in vain, found without any request.
//!
//! A warning is true: whoever deletes what it calls redundant or unreachable
//! changes no outcome. Not a proof that all else matters: work is bounded, and
//! what would take long is not looked at.
//!
//! Pointers lead to the list, since relations and terms are in another order
//! here than in the document that was sent; the text names the one that is meant.
//!
//! Reading order: this file, then `never` (conditions that cannot hold), `cover`
//! (which nodes are wider than a node), `overlap` (relations that another one
//! makes redundant), `terms`.

mod cover;
mod never;
mod overlap;
mod terms;

use crate::compile::{Compiled, RuleId};
use crate::fault::Warning;
use crate::names::without_kind;
use crate::words::{Mode, RelationType};
use cover::Cover;
use never::Never;
use overlap::{Overlap, Overlaps};

/// Warnings of one analysis; one more says that there are others.
const WARNINGS_MAX: usize = 1000;

/// Finds what a policy says in vain.
pub fn analyze(policy: &Compiled) -> Vec<Warning> {
    let mut warnings = Warnings::default();
    warn_of_mode(policy, &mut warnings);
    warn_of_relations(policy, &mut warnings);
    let unused = if warnings.is_full() { Vec::new() } else { terms::unused(policy) };
    for id in unused {
        let detail =
            format!("nothing refers to the term `{id}`, and no pattern in its place covers it");
        warnings.add("/terms", "unused_term", detail);
    }
    warnings.list
}

/// Collects up to a bound, and then says so.
#[derive(Debug, Default)]
struct Warnings {
    list: Vec<Warning>,
}

impl Warnings {
    fn is_full(&self) -> bool {
        WARNINGS_MAX < self.list.len()
    }

    fn add(&mut self, pointer: &str, code: &'static str, detail: String) {
        if self.list.len() < WARNINGS_MAX {
            self.list.push(Warning { pointer: pointer.to_owned(), code, detail });
        } else if self.list.len() == WARNINGS_MAX {
            self.list.push(Warning {
                pointer: String::new(),
                code: "too_many_warnings",
                detail: format!("more than {WARNINGS_MAX} warnings: the rest is not listed"),
            });
        }
    }
}

/// A request may ask for a tighter mode only, so this one is not left.
fn warn_of_mode(policy: &Compiled, warnings: &mut Warnings) {
    let relations = policy.document().relations.iter();
    let permits = relations.filter(|relation| relation.kind == RelationType::Permits).count();
    if policy.mode() == Mode::Paranoid && 0 < permits {
        let detail =
            format!("mode `paranoid` denies every request: {permits} permit(s) do nothing");
        warnings.add("/mode", "mode_ignores_permits", detail);
    }
}

fn warn_of_relations(policy: &Compiled, warnings: &mut Warnings) {
    let mut cover = Cover::new(policy);
    let mut never = Never::default();
    let dead: Vec<Option<String>> = rules(policy)
        .map(|id| cover.beyond_reach(id).or_else(|| never.holds(policy, id)))
        .collect();
    let is_dead = |id: RuleId| {
        let at = usize::try_from(id.0).unwrap_or(usize::MAX);
        dead.get(at).is_some_and(Option::is_some)
    };
    let mut overlaps = Overlaps::new(policy, cover, &is_dead);
    for (id, why) in rules(policy).zip(&dead) {
        let Some((relation, _)) = policy.relation(id).filter(|_| !warnings.is_full()) else {
            break;
        };
        let name = &relation.id;
        if let Some(why) = why {
            let code = match relation.kind {
                RelationType::Forbids => "forbid_never_applies",
                RelationType::Permits
                | RelationType::Requires
                | RelationType::Implies
                | RelationType::Conflicts => "unreachable_relation",
            };
            warnings.add("/relations", code, format!("`{name}` can never apply: {why}"));
            continue;
        }
        if let Some((code, detail)) = overlaps.find(id).map(|found| worded(policy, name, found)) {
            warnings.add("/relations", code, detail);
        } else if let Some(who) = opened(policy, id) {
            let detail = format!("`{name}` permits {who} without a condition");
            warnings.add("/relations", "open_permit", detail);
        }
    }
}

fn rules(policy: &Compiled) -> impl Iterator<Item = RuleId> {
    (0..).zip(&policy.rules).map(|(at, _)| RuleId(at))
}

fn worded(policy: &Compiled, name: &str, found: Overlap) -> (&'static str, String) {
    let id_of = |rule| policy.relation(rule).map_or("", |(relation, _)| relation.id.as_str());
    match found {
        Overlap::Contradicted(by) => {
            let by = id_of(by);
            ("contradiction", format!("`{name}` permits what `{by}` forbids in the same words"))
        }
        Overlap::Forbidden(by) => {
            let by = id_of(by);
            (
                "unreachable_relation",
                format!("`{name}` permits nothing that `{by}` does not forbid"),
            )
        }
        Overlap::Shadowed(by) => {
            let by = id_of(by);
            (
                "shadowed_relation",
                format!("`{name}` adds nothing to `{by}`, which says the same or more"),
            )
        }
    }
}

/// What an unconditional permit opens to everyone or for everything.
fn opened(policy: &Compiled, id: RuleId) -> Option<&'static str> {
    let (relation, rule) = policy.relation(id)?;
    let is_all = |id: &str| id == "*" || without_kind(id) == Some("*");
    let is_narrow = relation.object.as_deref().is_some_and(|object| !is_all(object));
    if relation.kind != RelationType::Permits || !rule.clauses.is_empty() || is_narrow {
        return None;
    }
    match (is_all(&relation.source), is_all(&relation.target)) {
        (true, true) => Some("every actor every action"),
        (true, false) => Some("its action to every actor"),
        (false, true) => Some("its actor every action"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests;
