//! Entities as terms, and who belongs to whom.
//!
//! INVARIANT: two entities never become one term, and a relation on an entity
//! or a type reaches nobody Cedar would not reach, unless it forbids.

use std::collections::{BTreeMap, BTreeSet};

use types::{Json, Object};

use super::super::report::Report;
use super::syntax::{Effect, Entity};

/// The place of an entity in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Principal,
    Action,
    Resource,
}

impl Role {
    fn prefix(self) -> &'static str {
        match self {
            Self::Principal => "actor",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }

    /// Which is also what its terms are called.
    fn term_type(self) -> &'static str {
        self.prefix()
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }
}

/// A line of the policies; 0 is the file of entities.
fn place(line: usize) -> String {
    if line == 0 { "entities".to_owned() } else { format!("line {line}") }
}

/// Someone a policy speaks of.
#[derive(Debug)]
struct Use {
    line: usize,
    effect: Effect,
    role: Role,
}

/// The words of all policies of a file.
#[derive(Debug, Default)]
pub(super) struct Words {
    terms: BTreeMap<String, (Role, Entity)>,
    /// Types as they are written, by how they are written here.
    types: BTreeMap<String, String>,
    equal: Vec<(Use, Entity)>,
    groups: Vec<(Use, Entity)>,
    patterns: Vec<(Use, String)>,
}

/// An entity and what it belongs to.
type Membership = (Entity, Vec<Entity>);

impl Words {
    /// The term of an entity.
    pub(super) fn term(
        &mut self,
        entity: &Entity,
        role: Role,
        line: usize,
        report: &mut Report,
    ) -> String {
        let place = place(line);
        let kind = self.type_name(&entity.kind, line, report);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.@:/".contains(c);
        if entity.id.is_empty() || !entity.id.chars().all(allowed) {
            let detail = format!("the id \"{}\" has characters that no term has", entity.id);
            report.refuse(&place, "entity_id", detail);
        }
        let prefix = role.prefix();
        let space = kind.strip_suffix("action").filter(|s| s.is_empty() || s.ends_with(':'));
        let id = match (role, space) {
            (Role::Action, Some(space)) => format!("{prefix}:{space}{}", entity.id),
            (Role::Action, None) => {
                let detail = format!("`{}` is no type of actions", entity.kind);
                report.refuse(&place, "action_type", detail);
                String::new()
            }
            (Role::Principal | Role::Resource, _) => format!("{prefix}:{kind}:{}", entity.id),
        };
        let known = self.terms.entry(id.clone()).or_insert_with(|| (role, entity.clone()));
        if known.1 != *entity {
            let detail = format!("two entities would both be `{id}`");
            report.refuse(&place, "entity_clash", detail);
        }
        id
    }

    /// A type as it is written here; two never become one.
    fn type_name(&mut self, kind: &str, line: usize, report: &mut Report) -> String {
        let name = kind.to_ascii_lowercase().replace("::", ":");
        let known = self.types.entry(name.clone()).or_insert_with(|| kind.to_owned());
        if known != kind {
            let detail = format!("the types `{known}` and `{kind}` would both be `{name}`");
            report.refuse(&place(line), "type_clash", detail);
        }
        name
    }

    pub(super) fn equals(
        &mut self,
        entity: &Entity,
        role: Role,
        (line, effect): (usize, Effect),
        report: &mut Report,
    ) -> String {
        self.equal.push((Use { line, effect, role }, entity.clone()));
        self.term(entity, role, line, report)
    }

    pub(super) fn group(
        &mut self,
        entity: &Entity,
        role: Role,
        (line, effect): (usize, Effect),
        report: &mut Report,
    ) -> String {
        self.groups.push((Use { line, effect, role }, entity.clone()));
        self.term(entity, role, line, report)
    }

    pub(super) fn pattern(
        &mut self,
        kind: &str,
        role: Role,
        (line, effect): (usize, Effect),
        report: &mut Report,
    ) -> String {
        self.patterns.push((Use { line, effect, role }, kind.to_owned()));
        format!("{}:{}:*", role.prefix(), self.type_name(kind, line, report))
    }

    /// What tells who belongs to the groups: `implies` from member to group.
    pub(super) fn memberships(
        &mut self,
        entities: Option<&Json>,
        report: &mut Report,
    ) -> Vec<Object> {
        let Some(entities) = entities else {
            self.note_unknown_members(report);
            self.check_patterns(&[], report);
            return Vec::new();
        };
        let known = read(entities, report);
        for (entity, _) in &known {
            self.type_name(&entity.kind, 0, report);
        }
        let mut edges = Vec::new();
        for role in [Role::Principal, Role::Action, Role::Resource] {
            let groups = self.groups.iter().filter(|(used, _)| used.role == role);
            let groups: BTreeSet<Entity> = groups.map(|(_, group)| group.clone()).collect();
            let found = below(groups, &known).into_iter();
            edges.extend(found.map(|(member, group)| (role, member, group)));
        }
        self.check_equals(&edges, report);
        self.check_patterns(&edges, report);
        let relations = edges.iter().map(|(role, member, group)| {
            let mut relation = Object::new();
            relation.insert("relation_type", "implies");
            relation.insert("source", self.term(member, *role, 0, report));
            relation.insert("target", self.term(group, *role, 0, report));
            relation
        });
        relations.collect()
    }

    /// Nobody is known to belong to a group: a permit reaches fewer, and a
    /// prohibition too.
    fn note_unknown_members(&self, report: &mut Report) {
        for (used, group) in &self.groups {
            let place = format!("line {}", used.line);
            let shown = format!("{}::\"{}\"", group.kind, group.id);
            match (used.effect, used.role) {
                (Effect::Forbid, Role::Principal | Role::Resource) => {
                    let detail = format!(
                        "`{} in {shown}` would forbid the group itself and none of its members: \
                         give --entities",
                        used.role.variable()
                    );
                    report.refuse(&place, "members_unknown", detail);
                }
                (Effect::Permit | Effect::Forbid, _) => {
                    let detail =
                        format!("whoever belongs to `{shown}` is not known: give --entities");
                    report.note(&place, "members_unknown", detail);
                }
            }
        }
    }

    /// Here a rule about a group is one about its members too.
    fn check_equals(&self, edges: &[(Role, Entity, Entity)], report: &mut Report) {
        for (used, entity) in &self.equal {
            let has_members =
                edges.iter().any(|(role, _, group)| *role == used.role && group == entity);
            if !has_members {
                continue;
            }
            let shown = format!("`== {}::\"{}\"`", entity.kind, entity.id);
            reaches_more(
                used,
                &format!("{shown} would reach the members of the group too"),
                report,
            );
        }
    }

    /// Here `t:*` also covers what belongs to a `t:x`, and `t:u:x`.
    fn check_patterns(&self, edges: &[(Role, Entity, Entity)], report: &mut Report) {
        for (used, kind) in &self.patterns {
            let name = kind.to_ascii_lowercase().replace("::", ":");
            let other = edges.iter().find(|(role, member, group)| {
                *role == used.role && group.kind == *kind && member.kind != *kind
            });
            if let Some((_, member, _)) = other {
                let detail =
                    format!("`is {kind}` would reach `{}` too, which belong to one", member.kind);
                reaches_more(used, &detail, report);
            }
            let inner = self.types.iter().find(|(other, _)| other.starts_with(&format!("{name}:")));
            if let Some((_, inner)) = inner {
                reaches_more(used, &format!("`is {kind}` would reach `{inner}` too"), report);
            }
        }
    }

    /// Every entity that is spoken of.
    pub(super) fn terms(&self) -> Vec<Json> {
        let terms = self.terms.iter().map(|(id, (role, _))| {
            Json::object([("term_id", id.as_str().into()), ("term_type", role.term_type().into())])
        });
        terms.collect()
    }
}

fn reaches_more(used: &Use, detail: &str, report: &mut Report) {
    let place = format!("line {}", used.line);
    match used.effect {
        Effect::Permit => report.refuse(&place, "reaches_more", detail),
        Effect::Forbid => report.note(&place, "reaches_more", detail),
    }
}

/// Members of the groups, and members of those, each with what it belongs to.
fn below(mut open: BTreeSet<Entity>, known: &[Membership]) -> BTreeSet<(Entity, Entity)> {
    let mut edges = BTreeSet::new();
    loop {
        let before = edges.len();
        for (member, parents) in known {
            for parent in parents.iter().filter(|parent| open.contains(parent)) {
                edges.insert((member.clone(), parent.clone()));
            }
        }
        open.extend(edges.iter().map(|(member, _): &(Entity, Entity)| member.clone()));
        if edges.len() == before {
            return edges;
        }
    }
}

/// Cedar's JSON of entities: `[{"uid": .., "parents": [..]}]`.
fn read(json: &Json, report: &mut Report) -> Vec<Membership> {
    let Some(items) = json.as_array() else {
        report.refuse("entities", "wrong_type", "must be a list of entities");
        return Vec::new();
    };
    let mut found = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let item = item.as_object();
        let uid = item.and_then(|item| entity(item.get("uid")?));
        let parents = item.and_then(|item| item.get("parents")?.as_array()).unwrap_or_default();
        let parents: Option<Vec<Entity>> = parents.iter().map(entity).collect();
        match (uid, parents) {
            (Some(uid), Some(parents)) => found.push((uid, parents)),
            _ => report.refuse(
                &format!("entities /{at}"),
                "wrong_type",
                "must be an entity with `uid` and `parents`",
            ),
        }
    }
    found
}

/// `{"type": .., "id": ..}`, alone or within `__entity`.
fn entity(json: &Json) -> Option<Entity> {
    let object = json.as_object()?;
    let object = object.get("__entity").and_then(Json::as_object).unwrap_or(object);
    let text = |name: &str| object.get(name)?.as_str().map(str::to_owned);
    Some(Entity { kind: text("type")?, id: text("id")? })
}
