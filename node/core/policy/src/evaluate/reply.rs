//! Wording a judgement: the reason, the relations it rests on, the obligations.
//!
//! A reply is recorded, so it is bounded here whatever the policy: what decided
//! comes first, what applies next, the rest is counted.

use std::cell::RefCell;

use types::{Digest, Json};

use sha2::Digest as _;

use super::{Findings, Hit, Judgement, Unmet};
use crate::compile::{Clause, Compiled, Rule, RuleId};
use crate::condition::probe::Answer;
use crate::document::Relation;
use crate::meter::Meter;
use crate::request::{Evaluation, Matched, MatchedCondition, Obligation, Request};
use crate::words::{Engine, ReasonCode, RelationType};

/// Relations a reply lists.
pub(crate) const MATCHED_MAX: usize = 256;
/// About how many bytes they may take; the first is listed in any case.
pub(crate) const MATCHED_BYTES_MAX: usize = 192 << 10;
/// Obligations a reply lists.
const OBLIGATIONS_MAX: usize = 256;
/// Bytes of an actual value that are shown; a longer one is in the context.
const ACTUAL_BYTES_MAX: usize = 1024;
/// Steps that showing a reply may take.
const SHOWN_STEPS_MAX: u32 = 100_000;
/// What an obligation without conditions asks for.
const APPROVAL: &str = "approval";

pub(super) fn evaluation(
    policy: &Compiled,
    request: &Request<'_>,
    judgement: &Judgement,
    findings: Findings,
) -> Evaluation {
    let steps_max = match request.engine {
        Engine::V1 => u32::MAX,
        Engine::V2 => SHOWN_STEPS_MAX,
    };
    let meter = RefCell::new(Meter::new(steps_max));
    let reply = Reply { policy, request, judgement, findings: &findings, meter };
    let (matched, matched_omitted) = reply.matched();
    Evaluation {
        outcome: judgement.outcome,
        reason_code: judgement.reason_code,
        reason: reply.reason(),
        mode: judgement.mode,
        matched,
        matched_omitted,
        obligations: reply.obligations(),
        escalate: judgement.escalate,
        steps: judgement.steps,
        asked_context: judgement.asked_context,
        shows_context: reply.shows_context(),
        conflicting: findings.conflicting,
    }
}

struct Reply<'a> {
    policy: &'a Compiled,
    request: &'a Request<'a>,
    judgement: &'a Judgement,
    findings: &'a Findings,
    /// What showing costs, apart from what deciding did.
    meter: RefCell<Meter>,
}

impl Reply<'_> {
    fn reason(&self) -> String {
        let findings = self.findings;
        match self.judgement.reason_code {
            ReasonCode::Permitted | ReasonCode::PermissiveDefault => {
                self.justified(RelationType::Permits).unwrap_or_else(|| {
                    format!("Permitted by {} rule(s), no conflicts", findings.permits)
                })
            }
            ReasonCode::NoPermit => "Action not explicitly permitted".to_owned(),
            ReasonCode::Forbidden => self
                .justified(RelationType::Forbids)
                .unwrap_or_else(|| format!("Denied by {} prohibition(s)", findings.forbids)),
            ReasonCode::Conflict => self
                .justified(RelationType::Conflicts)
                .unwrap_or_else(|| "Conflicts with an earlier action of the same actor".to_owned()),
            ReasonCode::ConstraintDenied if findings.is_spent => {
                format!("Evaluation took more than {} steps", self.request.steps_max)
            }
            ReasonCode::ConstraintDenied => self.of_constraint(findings.deny, "Denied by"),
            ReasonCode::ObligationUnmet => self.of_obligation(),
            ReasonCode::Paranoid => "Paranoid mode denies every request".to_owned(),
            ReasonCode::EmergencyStop => "Emergency stop in force".to_owned(),
            ReasonCode::RiskCritical => {
                format!("Risk score {} requires human approval", self.request.risk_score)
            }
            ReasonCode::ConstraintEscalated => {
                self.of_constraint(findings.escalate, "Human approval required by")
            }
        }
    }

    /// Whether a relation that is about the request has a condition on the context.
    fn shows_context(&self) -> bool {
        let rules = self.findings.hits.iter().filter_map(|hit| self.policy.relation(hit.rule));
        let mut clauses = rules.flat_map(|(_, rule)| &rule.clauses);
        clauses.any(|clause| clause.probe.is_about_context())
    }

    /// The justification of the first relation of this type that applies and
    /// has one.
    fn justified(&self, kind: RelationType) -> Option<String> {
        let applying = self.findings.hits.iter().filter(|hit| hit.applies);
        let relations = applying.filter_map(|hit| self.policy.relation(hit.rule));
        relations
            .filter(|(relation, _)| relation.kind == kind)
            .find_map(|(relation, _)| relation.justification.clone())
    }

    fn of_constraint(&self, at: Option<usize>, verb: &str) -> String {
        let constraint = at.and_then(|at| self.policy.document().constraints.get(at));
        match constraint {
            Some(constraint) => constraint
                .justification
                .clone()
                .unwrap_or_else(|| format!("{verb} constraint `{}`", constraint.name)),
            None => format!("{verb} a constraint"),
        }
    }

    fn of_obligation(&self) -> String {
        let Some(Unmet { rule, clause }) = self.findings.unmet else {
            return format!("Unmet obligation: {APPROVAL}");
        };
        let Some((relation, rule)) = self.policy.relation(rule) else {
            return format!("Unmet obligation: {APPROVAL}");
        };
        let clause = clause.and_then(|at| rule.clauses.get(at));
        let name = clause.map_or(APPROVAL, |clause| clause.name.as_str());
        relation.justification.clone().unwrap_or_else(|| format!("Unmet obligation: {name}"))
    }

    /// What decided, then what applies, then the rest, as far as there is room;
    /// shown by relation id. And how many were left out.
    fn matched(&self) -> (Vec<Matched>, u32) {
        let mut ranked: Vec<&Hit> = self.findings.hits.iter().collect();
        ranked.sort_by_key(|hit| self.rank(hit));
        let mut room = MATCHED_BYTES_MAX;
        let mut listed: Vec<(RuleId, Matched)> = Vec::new();
        for hit in ranked.iter().take(MATCHED_MAX) {
            let Some((relation, rule)) = self.policy.relation(hit.rule) else {
                continue;
            };
            let matched = self.matched_one(hit, relation, rule);
            let bytes = matched.bytes();
            if (room < bytes || self.is_spent()) && !listed.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes);
            listed.push((hit.rule, matched));
        }
        let omitted = ranked.len().saturating_sub(listed.len());
        listed.sort_by_key(|(rule, _)| *rule);
        let matched = listed.into_iter().map(|(_, matched)| matched).collect();
        (matched, u32::try_from(omitted).unwrap_or(u32::MAX))
    }

    fn rank(&self, hit: &Hit) -> (u8, RuleId) {
        let deciding = match self.judgement.reason_code {
            ReasonCode::Permitted => Some(RelationType::Permits),
            ReasonCode::Forbidden => Some(RelationType::Forbids),
            ReasonCode::Conflict => Some(RelationType::Conflicts),
            ReasonCode::ObligationUnmet => Some(RelationType::Requires),
            ReasonCode::PermissiveDefault
            | ReasonCode::NoPermit
            | ReasonCode::ConstraintDenied
            | ReasonCode::Paranoid
            | ReasonCode::EmergencyStop
            | ReasonCode::RiskCritical
            | ReasonCode::ConstraintEscalated => None,
        };
        let kind = self.policy.relation(hit.rule).map(|(relation, _)| relation.kind);
        let is_unmet = self.findings.unmet.is_some_and(|unmet| unmet.rule == hit.rule);
        let rank = match hit.applies {
            true if deciding == Some(RelationType::Requires) && is_unmet => 0,
            true if deciding.is_some() && deciding == kind => 1,
            true => 2,
            false => 3,
        };
        (rank, hit.rule)
    }

    fn matched_one(&self, hit: &Hit, relation: &Relation, rule: &Rule) -> Matched {
        Matched {
            relation_id: relation.id.clone(),
            kind: relation.kind,
            source: relation.source.clone(),
            target: relation.target.clone(),
            object: relation.object.clone(),
            applies: hit.applies,
            conditions: rule.clauses.iter().map(|clause| self.condition(clause)).collect(),
        }
    }

    fn condition(&self, clause: &Clause) -> MatchedCondition {
        let actual = clause.probe.actual(self.request);
        MatchedCondition {
            key: clause.test.key.clone(),
            op: clause.test.op,
            expected: clause.test.value.clone(),
            actual: actual.map(|value| shown(&value)),
            met: self.is_met(clause),
        }
    }

    /// Asked once more: what is shown is not part of the cost of deciding, but it
    /// is bounded too. Beyond the bound nothing is said to be met.
    fn is_met(&self, clause: &Clause) -> bool {
        clause.probe.ask(self.request, &mut self.meter.borrow_mut()) == Ok(Answer::Met)
    }

    fn is_spent(&self) -> bool {
        self.meter.borrow().is_spent()
    }

    /// The one that decided among the first, so that it has room; shown in the
    /// order of their relations.
    fn obligations(&self) -> Vec<Obligation> {
        let mut applying: Vec<&Hit> = self.findings.hits.iter().filter(|hit| hit.applies).collect();
        applying.sort_by_key(|hit| self.rank(hit));
        let requires = applying
            .into_iter()
            .filter_map(|hit| Some((hit.rule, self.policy.relation(hit.rule)?)))
            .filter(|(_, (relation, _))| relation.kind == RelationType::Requires);
        let mut listed: Vec<(RuleId, Obligation)> = requires
            .flat_map(|(id, (relation, rule))| {
                self.obligations_of(relation, rule).into_iter().map(move |asked| (id, asked))
            })
            .take(OBLIGATIONS_MAX)
            .collect();
        listed.sort_by_key(|(rule, _)| *rule);
        listed.into_iter().map(|(_, obligation)| obligation).collect()
    }

    fn obligations_of(&self, relation: &Relation, rule: &Rule) -> Vec<Obligation> {
        let obligation = |name: &str, satisfied: bool| Obligation {
            obligation: name.to_owned(),
            relation_id: relation.id.clone(),
            satisfied,
            by: satisfied.then_some("context"),
        };
        if rule.clauses.is_empty() {
            return vec![obligation(APPROVAL, false)];
        }
        rule.clauses.iter().map(|clause| obligation(&clause.name, self.is_met(clause))).collect()
    }
}

/// The value, or what stands for one that is too long to repeat.
pub(crate) fn shown(value: &Json) -> Json {
    if size(value) <= ACTUAL_BYTES_MAX {
        return value.clone();
    }
    let text = value.to_canonical();
    let digest = Digest(sha2::Sha256::digest(&text).into());
    Json::String(format!("{} bytes, sha256 {digest}", text.len()))
}

impl Matched {
    /// About how many bytes this takes in a record.
    fn bytes(&self) -> usize {
        let texts = [&self.relation_id, &self.source, &self.target];
        let texts = texts.into_iter().chain(&self.object).map(String::len);
        let conditions = self.conditions.iter().flat_map(|condition| {
            [
                condition.key.len(),
                size(&condition.expected),
                condition.actual.as_ref().map_or(0, size),
            ]
        });
        texts.chain(conditions).fold(0, usize::saturating_add)
    }
}

/// About how many bytes a value takes.
pub(crate) fn size(value: &Json) -> usize {
    /// Of a number, or of what stands around a value.
    const SMALL: usize = 16;
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => SMALL,
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(size).fold(SMALL, usize::saturating_add),
        Json::Object(members) => members
            .iter()
            .map(|(key, value)| key.len().saturating_add(size(value)))
            .fold(SMALL, usize::saturating_add),
    }
}
