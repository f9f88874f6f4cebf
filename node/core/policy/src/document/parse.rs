//! Reading a document member by member, in the order terms, relations,
//! constraints: what comes later refers to what came before.

use std::collections::{BTreeMap, BTreeSet};

use types::{Json, Timestamp};

use super::check::{self, Draft};
use super::conditions::{Reader, Wording};
use super::read::{Faulted, Field, Members, TEXT_CHARS_MAX, required};
use super::{Constraint, Document, Relation, Term, VERSION_DEFAULT};
use crate::condition::pattern::Patterns;
use crate::condition::{Condition, Test};
use crate::fault::{Fault, Findings, Warning};
use crate::names::{is_pattern, is_term_id};
use crate::words::{Effect, Mode, RelationType, TermType};

const TERMS_MAX: usize = 50_000;
const RELATIONS_MAX: usize = 50_000;
/// Every evaluation looks at every constraint.
const CONSTRAINTS_MAX: usize = 1000;
const FRAMEWORKS_MAX: usize = 100;
/// Characters of descriptions and justifications.
const LONG_TEXT_CHARS_MAX: usize = 10_000;
/// A default id holds a type and two term ids.
const RELATION_ID_CHARS_MAX: usize = 1100;

const DOCUMENT_KEYS: [&str; 12] = [
    "policy_id",
    "name",
    "version",
    "description",
    "metadata",
    "compliance_frameworks",
    "mode",
    "effective_from",
    "effective_until",
    "terms",
    "relations",
    "constraints",
];
const TERM_KEYS: [&str; 11] = [
    "term_id",
    "id",
    "term_type",
    "type",
    "label",
    "name",
    "description",
    "metadata",
    "key",
    "op",
    "value",
];
const RELATION_KEYS: [&str; 12] = [
    "relation_id",
    "relation_type",
    "type",
    "source",
    "subject",
    "target",
    "action",
    "object",
    "conditions",
    "condition",
    "justification",
    "metadata",
];
const CONSTRAINT_KEYS: [&str; 5] = ["name", "condition", "action", "applies_to", "justification"];

pub(super) fn parse(json: &Json) -> Result<(Document, Vec<Warning>), Vec<Fault>> {
    let mut parser = Parser::default();
    let root = Field { pointer: String::new(), value: json };
    let document = match Members::open(&root, &DOCUMENT_KEYS, &mut parser.findings) {
        Some(members) => parser.document(&members),
        None => Document::empty(),
    };
    parser.findings.conclude(document)
}

#[derive(Debug, Default)]
struct Parser {
    findings: Findings,
    patterns: Patterns,
    /// Ids that may be referred to; without a type where that was faulted.
    terms: BTreeMap<String, Option<TermType>>,
    /// And the bytes of what each tests.
    constraint_terms: BTreeMap<String, usize>,
}

impl Parser {
    fn document(&mut self, members: &Members<'_>) -> Document {
        if members.get("terms").is_none() && members.get("relations").is_none() {
            let detail = "at least one of `terms` and `relations` is required";
            self.findings.fault("", "missing", detail);
        }
        let (effective_from, effective_until) = self.window(members);
        let terms = self.all_terms(members);
        let relations = self.all_relations(members);
        Document {
            policy_id: members.text("policy_id", TEXT_CHARS_MAX, &mut self.findings),
            name: members.text("name", TEXT_CHARS_MAX, &mut self.findings),
            version: members
                .text("version", TEXT_CHARS_MAX, &mut self.findings)
                .unwrap_or_else(|| VERSION_DEFAULT.to_owned()),
            description: members.text("description", LONG_TEXT_CHARS_MAX, &mut self.findings),
            metadata: members.metadata(&mut self.findings),
            compliance_frameworks: self.frameworks(members),
            mode: self.mode(members),
            effective_from,
            effective_until,
            terms,
            relations,
            constraints: self.all_constraints(members),
        }
    }

    fn mode(&mut self, members: &Members<'_>) -> Mode {
        let word = members.get("mode").map(|field| field.word::<Mode>(&mut self.findings));
        word.and_then(Result::ok).flatten().unwrap_or(Mode::Strict)
    }

    fn window(&mut self, members: &Members<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
        let from = members.time("effective_from", &mut self.findings);
        let until = members.time("effective_until", &mut self.findings);
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            let pointer = members.pointer_to("effective_until");
            self.findings.fault(&pointer, "out_of_range", "must be later than `effective_from`");
        }
        (from, until)
    }

    fn frameworks(&mut self, members: &Members<'_>) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(field) = members.get("compliance_frameworks") {
            for item in field.items(FRAMEWORKS_MAX, &mut self.findings) {
                let text = Some(item.text(TEXT_CHARS_MAX, &mut self.findings));
                let text = required(text, item.pointer.clone(), &mut self.findings);
                found.extend(text.map(|text| text.to_ascii_lowercase()));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn all_terms(&mut self, members: &Members<'_>) -> Vec<Term> {
        let Some(field) = members.get("terms") else {
            return Vec::new();
        };
        let items = field.items(TERMS_MAX, &mut self.findings);
        let mut terms: Vec<Term> = items.iter().filter_map(|item| self.term(item)).collect();
        terms.sort_by(|a, b| a.id.cmp(&b.id));
        check::warn_of_shared_names(&terms, &mut self.findings);
        terms
    }

    fn term(&mut self, field: &Field<'_>) -> Option<Term> {
        let members = Members::open(field, &TERM_KEYS, &mut self.findings)?;
        let id = self.term_id(&members);
        let kind = members.either("term_type", "type", &mut self.findings);
        let kind = kind.map(|field| field.word::<TermType>(&mut self.findings));
        let kind = required(kind, members.pointer_to("term_type"), &mut self.findings);
        if let Some(id) = &id {
            self.terms.insert(id.clone(), kind);
        }
        let label = members.either("label", "name", &mut self.findings);
        let label = label.and_then(|field| field.text(TEXT_CHARS_MAX, &mut self.findings).ok());
        let description = members.text("description", LONG_TEXT_CHARS_MAX, &mut self.findings);
        let metadata = members.metadata(&mut self.findings);
        let test = self.term_test(&members, kind);
        if let (Some(id), Some(TermType::Constraint)) = (&id, kind) {
            let bytes = test.as_ref().map_or(0, Test::bytes);
            self.constraint_terms.insert(id.clone(), bytes);
        }
        Some(Term {
            id: id?,
            kind: kind?,
            label: label.flatten().unwrap_or_default(),
            description,
            metadata,
            test,
        })
    }

    fn term_id(&mut self, members: &Members<'_>) -> Option<String> {
        let field = members.either("term_id", "id", &mut self.findings);
        let pointer = field
            .as_ref()
            .map_or_else(|| members.pointer_to("term_id"), |field| field.pointer.clone());
        let text = field.map(|field| field.text(TEXT_CHARS_MAX, &mut self.findings));
        let id = required(text, pointer.clone(), &mut self.findings)?;
        if !is_term_id(&id) {
            self.findings.fault(&pointer, "bad_format", TERM_ID_RULE);
            return None;
        }
        if self.terms.contains_key(&id) {
            let detail = format!("`{id}` is already a term");
            self.findings.fault(&pointer, "duplicate_term", detail);
            return None;
        }
        Some(id)
    }

    fn term_test(&mut self, members: &Members<'_>, kind: Option<TermType>) -> Option<Test> {
        if kind == Some(TermType::Constraint) {
            return self.reader().test(members);
        }
        for key in ["key", "op", "value"].iter().filter(|_| kind.is_some()) {
            members.refuse(key, "only a constraint term has it", &mut self.findings);
        }
        None
    }

    fn all_relations(&mut self, members: &Members<'_>) -> Vec<Relation> {
        let Some(field) = members.get("relations") else {
            return Vec::new();
        };
        let items = field.items(RELATIONS_MAX, &mut self.findings);
        let drafts = items.iter().filter_map(|item| {
            let relation = self.relation(item)?;
            Some(Draft { pointer: item.pointer.clone(), relation })
        });
        let mut drafts: Vec<Draft> = drafts.collect();
        check::name_relations(&mut drafts, &mut self.findings);
        check::refuse_cycles(&drafts, &mut self.findings);
        drafts.sort_by(|a, b| a.relation.id.cmp(&b.relation.id));
        drafts.into_iter().map(|draft| draft.relation).collect()
    }

    fn relation(&mut self, field: &Field<'_>) -> Option<Relation> {
        let members = Members::open(field, &RELATION_KEYS, &mut self.findings)?;
        let kind = members.either("relation_type", "type", &mut self.findings);
        let kind = kind.map(|field| field.word::<RelationType>(&mut self.findings));
        let kind = required(kind, members.pointer_to("relation_type"), &mut self.findings);
        let id = members.text("relation_id", RELATION_ID_CHARS_MAX, &mut self.findings);
        let ends = self.ends(&members);
        let object = self.object(&members, kind);
        let conditions = members.either("conditions", "condition", &mut self.findings);
        let conditions = self.conditions(conditions.as_ref(), Wording::TermsAndFlags);
        let justification = members.text("justification", LONG_TEXT_CHARS_MAX, &mut self.findings);
        let metadata = members.metadata(&mut self.findings);
        let (source, target) = ends?;
        let relation = Relation {
            id: id.unwrap_or_default(),
            kind: kind?,
            source,
            target,
            object,
            conditions,
            justification,
            metadata,
        };
        check::term_types(&relation, &self.terms, &members, &mut self.findings);
        Some(relation)
    }

    /// Source and target; a missing one copies the other.
    fn ends(&mut self, members: &Members<'_>) -> Option<(String, String)> {
        let source = members.either("source", "subject", &mut self.findings);
        let target = members.either("target", "action", &mut self.findings);
        let source = source.map(|field| self.reference(&field));
        let target = target.map(|field| self.reference(&field));
        match (source.and_then(Result::transpose), target.and_then(Result::transpose)) {
            (Some(source), Some(target)) => Some((source.ok()?, target.ok()?)),
            (Some(Ok(end)), None) | (None, Some(Ok(end))) => Some((end.clone(), end)),
            (Some(Err(Faulted)), None) | (None, Some(Err(Faulted))) => None,
            (None, None) => {
                let pointer = members.pointer_to("source");
                self.findings.fault(&pointer, "missing", "`source` or `target` is required");
                None
            }
        }
    }

    fn object(&mut self, members: &Members<'_>, kind: Option<RelationType>) -> Option<String> {
        if matches!(kind, Some(RelationType::Implies | RelationType::Conflicts)) {
            let why = "`implies` and `conflicts` are about their two ends alone";
            members.refuse("object", why, &mut self.findings);
            return None;
        }
        let field = members.get("object")?;
        let object = self.reference(&field).ok().flatten()?;
        match self.terms.get(&object).copied().flatten() {
            None | Some(TermType::DataClass | TermType::Resource) => Some(object),
            Some(
                kind @ (TermType::Actor
                | TermType::Action
                | TermType::Context
                | TermType::Constraint),
            ) => {
                let detail = format!("`{object}` is of type {kind}, not data_class or resource");
                self.findings.fault(&field.pointer, "wrong_term_type", detail);
                None
            }
        }
    }

    /// The id of a term, or a pattern.
    fn reference(&mut self, field: &Field<'_>) -> Result<Option<String>, Faulted> {
        let Some(id) = field.text(TEXT_CHARS_MAX, &mut self.findings)? else {
            return Ok(None);
        };
        if self.terms.contains_key(&id) || (is_pattern(&id) && is_term_id(&id)) {
            return Ok(Some(id));
        }
        let near = ["actor:", "action:", "data:", "resource:", "context:"]
            .iter()
            .map(|kind| format!("{kind}{id}"))
            .find(|near| self.terms.contains_key(near))
            .or_else(|| crate::names::without_kind(&id).map(str::to_owned))
            .filter(|near| self.terms.contains_key(near))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let detail = format!("`{id}` is neither a term nor a pattern{near}");
        self.findings.fault(&field.pointer, "dangling_reference", detail);
        Err(Faulted)
    }

    fn all_constraints(&mut self, members: &Members<'_>) -> Vec<Constraint> {
        let Some(field) = members.get("constraints") else {
            return Vec::new();
        };
        let items = field.items(CONSTRAINTS_MAX, &mut self.findings);
        let mut names = BTreeSet::new();
        let mut constraints: Vec<Constraint> = Vec::new();
        for item in &items {
            let Some(constraint) = self.constraint(item) else {
                continue;
            };
            if !names.insert(constraint.name.clone()) {
                let detail = format!("`{}` is already a constraint", constraint.name);
                self.findings.fault(&item.pointer, "duplicate_constraint", detail);
            }
            constraints.push(constraint);
        }
        constraints.sort_by(|a, b| a.name.cmp(&b.name));
        constraints
    }

    fn constraint(&mut self, field: &Field<'_>) -> Option<Constraint> {
        let members = Members::open(field, &CONSTRAINT_KEYS, &mut self.findings)?;
        let name = members.get("name");
        let name = name.map(|field| field.text(TEXT_CHARS_MAX, &mut self.findings));
        let name = required(name, members.pointer_to("name"), &mut self.findings);
        let effect = members.get("action").map(|field| field.word::<Effect>(&mut self.findings));
        let effect = required(effect, members.pointer_to("action"), &mut self.findings);
        let condition = members.get("condition");
        let empty = |field: &Field<'_>| field.value.as_array().is_some_and(<[Json]>::is_empty);
        if condition.as_ref().is_none_or(empty) {
            self.findings.fault(&members.pointer_to("condition"), "missing", "is required");
        }
        let conditions = self.conditions(condition.as_ref(), Wording::Terms);
        let (actor, action) = self.applies_to(&members);
        let justification = members.text("justification", LONG_TEXT_CHARS_MAX, &mut self.findings);
        Some(Constraint { name: name?, conditions, effect: effect?, actor, action, justification })
    }

    fn applies_to(&mut self, members: &Members<'_>) -> (Option<String>, Option<String>) {
        let members = members
            .get("applies_to")
            .and_then(|field| Members::open(&field, &["actor", "action"], &mut self.findings));
        let Some(members) = members else {
            return (None, None);
        };
        let mut end = |key| {
            let field = members.get(key)?;
            self.reference(&field).ok().flatten()
        };
        (end("actor"), end("action"))
    }

    fn conditions(&mut self, field: Option<&Field<'_>>, wording: Wording) -> Vec<Condition> {
        field.map_or_else(Vec::new, |field| self.reader().conditions(field, wording))
    }

    fn reader(&mut self) -> Reader<'_> {
        Reader {
            constraint_terms: &self.constraint_terms,
            patterns: &mut self.patterns,
            findings: &mut self.findings,
        }
    }
}

const TERM_ID_RULE: &str = "must be letters, digits and `_ - . @ : /`, or `*`, or end in `:*`";
