//! Relations that would have changed the answer, had their conditions held.

use types::Json;

use super::{FailedCondition, NearMiss};
use crate::compile::{Clause, Compiled, Rule, RuleId, Target, TargetKind};
use crate::condition::probe::Answer;
use crate::document::Relation;
use crate::evaluate::{Hit, Inspected, MATCHED_BYTES_MAX, MATCHED_MAX, shown, size};
use crate::meter::{Meter, Spent};
use crate::request::{Evaluation, Request};
use crate::words::{Engine, Op, ReasonCode, RelationType};

/// Steps of asking every condition of what is near, which deciding need not.
const STEPS_MAX: u32 = 1_000_000;

/// What was found.
#[derive(Debug)]
pub(super) struct Near {
    pub(super) listed: Vec<NearMiss>,
    pub(super) omitted: u32,
    /// The rules whose conditions a change of the answer must touch, the most
    /// promising first: what restricts now, what nearly counts, and the rest.
    pub(super) order: Vec<RuleId>,
}

/// Why a rule does not count.
#[derive(Clone, Copy, Debug)]
struct Miss {
    failed: usize,
    rule: RuleId,
    by: Cause,
}

/// What besides conditions is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Conditions,
    /// The permit is about another object.
    Object,
    /// The permit does not cover every data class, nor do others with it.
    Coverage,
}

pub(super) fn find(
    policy: &Compiled,
    request: &Request<'_>,
    evaluation: &Evaluation,
    inspected: &Inspected,
) -> Near {
    let mut search = Search { policy, request, meter: Meter::new(STEPS_MAX) };
    let (misses, unasked) = search.misses(evaluation, inspected);
    let (listed, unlisted) = search.list(&misses);
    let omitted = unasked.saturating_add(unlisted);
    let order = search.order(&misses, inspected);
    Near { listed, omitted: u32::try_from(omitted).unwrap_or(u32::MAX), order }
}

struct Search<'a> {
    policy: &'a Compiled,
    request: &'a Request<'a>,
    meter: Meter,
}

impl Search<'_> {
    /// What is near, the nearest first, and how much there was no time to ask.
    fn misses(&mut self, evaluation: &Evaluation, inspected: &Inspected) -> (Vec<Miss>, usize) {
        let kinds = sought(evaluation.reason_code);
        if kinds.is_empty() || !self.policy.is_effective(self.request.at) {
            return (Vec::new(), 0);
        }
        let missed = inspected.hits.iter().filter(|hit| !hit.applies).map(|hit| hit.rule);
        let missed = missed.map(|rule| (rule, Cause::Conditions));
        let misfits = inspected.misfits.iter().map(|rule| (*rule, Cause::Object));
        let all = missed.chain(misfits).filter(|(rule, _)| {
            self.policy.relation(*rule).is_some_and(|(_, rule)| kinds.contains(&rule.kind))
        });
        let all: Vec<(RuleId, Cause)> = all.collect();
        let mut misses = Vec::new();
        let mut asked: usize = 0;
        for (rule, cause) in &all {
            match self.miss(*rule, *cause) {
                Ok(miss) => misses.extend(miss),
                Err(Spent) => break,
            }
            asked = asked.saturating_add(1);
        }
        misses.sort_by_key(|miss| (miss.failed, miss.rule));
        (misses, all.len().saturating_sub(asked))
    }

    fn miss(&mut self, id: RuleId, cause: Cause) -> Result<Option<Miss>, Spent> {
        let Some((_, rule)) = self.policy.relation(id) else {
            return Ok(None);
        };
        let mut failed: usize = usize::from(cause == Cause::Object);
        for clause in &rule.clauses {
            if self.fails(rule.kind, clause)? {
                failed = failed.saturating_add(1);
            }
        }
        Ok(match (failed, rule.kind) {
            // All holds, and it still does not count.
            (0, RelationType::Permits) => Some(Miss { failed: 1, rule: id, by: Cause::Coverage }),
            (0, _) => None,
            (_, _) => Some(Miss { failed, rule: id, by: cause }),
        })
    }

    fn fails(&mut self, kind: RelationType, clause: &Clause) -> Result<bool, Spent> {
        let answer = clause.probe.ask(self.request, &mut self.meter)?;
        if kind == RelationType::Permits {
            return Ok(answer != Answer::Met);
        }
        Ok(match answer {
            Answer::Met | Answer::Missing => false,
            Answer::Unmet => true,
            Answer::Incomparable => self.request.engine < Engine::V2,
        })
    }

    fn list(&mut self, misses: &[Miss]) -> (Vec<NearMiss>, usize) {
        // Only what was asked before is asked again, and only to be shown.
        self.meter = Meter::new(STEPS_MAX);
        let mut room = MATCHED_BYTES_MAX;
        let mut listed: Vec<NearMiss> = Vec::new();
        for miss in misses.iter().take(MATCHED_MAX) {
            let Some((relation, rule)) = self.policy.relation(miss.rule) else {
                continue;
            };
            let Ok(near) = self.near(miss, relation, rule) else {
                break;
            };
            let bytes = near.bytes();
            if room < bytes && !listed.is_empty() {
                break;
            }
            room = room.saturating_sub(bytes);
            listed.push(near);
        }
        let omitted = misses.len().saturating_sub(listed.len());
        (listed, omitted)
    }

    fn near(&mut self, miss: &Miss, relation: &Relation, rule: &Rule) -> Result<NearMiss, Spent> {
        let mut failed = Vec::new();
        for clause in &rule.clauses {
            if self.fails(rule.kind, clause)? {
                let actual = clause.probe.actual(self.request).map(|value| shown(&value));
                failed.push(FailedCondition {
                    key: clause.test.key.clone(),
                    op: clause.test.op,
                    expected: clause.test.value.clone(),
                    is_missing: actual.is_none(),
                    actual,
                });
            }
        }
        if let (Some(target), Some(object)) = (rule.object, &relation.object) {
            failed.extend(self.by_object(miss.by, target, object));
        }
        Ok(NearMiss { relation_id: relation.id.clone(), kind: relation.kind, failed })
    }

    fn by_object(&self, cause: Cause, target: Target, object: &str) -> Option<FailedCondition> {
        let one_of = || Json::Array(vec![Json::from(object)]);
        let (key, op, expected) = match (cause, target.of) {
            (Cause::Conditions, _) => return None,
            (Cause::Object, TargetKind::Resource) => ("decision.resource", Op::In, one_of()),
            (Cause::Object, TargetKind::DataClasses | TargetKind::Either) => {
                ("data_classes", Op::Contains, Json::from(object))
            }
            (Cause::Coverage, _) => ("data_classes", Op::In, one_of()),
        };
        let classes = || Json::from(self.request.data_classes.to_vec());
        let actual = match key {
            "decision.resource" => self.request.resource.map(Json::from),
            _ => (!self.request.data_classes.is_empty()).then(|| shown(&classes())),
        };
        let is_missing = actual.is_none();
        Some(FailedCondition { key: key.to_owned(), op, expected, actual, is_missing })
    }

    fn order(&self, misses: &[Miss], inspected: &Inspected) -> Vec<RuleId> {
        let restricts = |hit: &&Hit| {
            let rule = self.policy.relation(hit.rule).map(|(_, rule)| rule);
            hit.applies && rule.is_some_and(|rule| rule.kind != RelationType::Permits)
        };
        let restricting = inspected.hits.iter().filter(restricts).map(|hit| hit.rule);
        let near = misses.iter().map(|miss| miss.rule);
        let rest = inspected.hits.iter().map(|hit| hit.rule);
        restricting.chain(near).chain(rest).chain(inspected.misfits.iter().copied()).collect()
    }
}

/// Relations of which types would have changed an answer given for this reason.
fn sought(reason: ReasonCode) -> &'static [RelationType] {
    match reason {
        ReasonCode::NoPermit => &[RelationType::Permits],
        ReasonCode::Permitted
        | ReasonCode::PermissiveDefault
        | ReasonCode::RiskCritical
        | ReasonCode::ConstraintEscalated => &[RelationType::Forbids, RelationType::Conflicts],
        ReasonCode::Forbidden
        | ReasonCode::Conflict
        | ReasonCode::ConstraintDenied
        | ReasonCode::ObligationUnmet
        | ReasonCode::Paranoid
        | ReasonCode::EmergencyStop => &[],
    }
}

impl NearMiss {
    /// About how many bytes this takes in a reply.
    fn bytes(&self) -> usize {
        let failed = self.failed.iter().flat_map(|failed| {
            let actual = failed.actual.as_ref().map_or(0, size);
            [failed.key.len(), size(&failed.expected), actual]
        });
        failed.fold(self.relation_id.len(), usize::saturating_add)
    }
}
