//! Section 2.2 of the contract: the order of the rules, and the answer.
//!
//! Every relation is looked at, every time. Steps are not counted here: they
//! are the engine's own.

use policy::{
    Allowed, Effect, Evaluation, Matched, MatchedCondition, Mode, Obligation, ReasonCode,
    RelationType, Request, Verdict,
};
use sha2::Digest as _;
use types::{DecisionId, Digest, Json, Timestamp};

use super::conditions::{Answer, InDoubt, actual, answer, hold};
use super::reading::{Condition, Constraint, Policy, Relation};
use super::words::{Word, bare, named};

/// Distinct (action, resource) pairs of an actor that are looked at.
const PAIRS_MAX: usize = 1000;
/// From here on a human decides.
const RISK_CRITICAL: u32 = 80;
/// Longer values are named by their hash.
const ACTUAL_BYTES_MAX: usize = 1024;

/// A request and the words of it.
struct Asked<'p, 'r> {
    policy: &'p Policy<'p>,
    request: &'r Request<'r>,
    actor: Word<'p>,
    action: Word<'p>,
    resource: Option<Word<'p>>,
    classes: Vec<Word<'p>>,
}

/// A relation about the request, and whether it counts.
struct Hit<'p> {
    relation: &'p Relation<'p>,
    applies: bool,
}

/// What a conflict found in the past.
#[derive(Default)]
struct Conflicts {
    applies: bool,
    decisions: Vec<DecisionId>,
}

pub(crate) fn evaluate<'p>(
    policy: &'p Policy<'p>,
    request: &Request<'_>,
    past: &[Allowed],
) -> Evaluation {
    let word = |word| Word::read(policy, word, request);
    let asked = Asked {
        policy,
        request,
        actor: word(request.actor),
        action: word(request.action),
        resource: request.resource.map(word),
        classes: request.data_classes.iter().map(|class| word(class)).collect(),
    };
    let (conflict_hits, conflicts) = asked.conflicts(past);
    let mut hits = asked.hits();
    asked.require_coverage(&mut hits);
    // Objects are words of the request only where a relation asks for one.
    let asks_for_objects = asked.between_ends().any(|relation| relation.object.is_some());
    hits.extend(asked.kinds(asks_for_objects));
    hits.extend(conflict_hits);
    hits.sort_by_key(|hit| hit.relation.id);
    asked.conclude(&hits, conflicts)
}

impl<'p> Asked<'p, '_> {
    fn conclude(&self, hits: &[Hit<'p>], conflicts: Conflicts) -> Evaluation {
        let own = Mode::parse(self.policy.mode).unwrap();
        let mode = self.request.mode.map_or(own, |asked| asked.max(own));
        let (reason_code, reason) = self.decide(mode, hits, &conflicts);
        let outcome = match reason_code {
            ReasonCode::Permitted | ReasonCode::PermissiveDefault => Verdict::Allowed,
            ReasonCode::RiskCritical | ReasonCode::ConstraintEscalated => Verdict::Escalated,
            _ => Verdict::Denied,
        };
        let required = applying(hits, RelationType::Requires);
        Evaluation {
            outcome,
            reason_code,
            reason,
            mode,
            matched: hits.iter().map(|hit| self.shown(hit)).collect(),
            matched_omitted: 0,
            obligations: required.flat_map(|relation| self.obligations(relation)).collect(),
            conflicting: conflicts.decisions,
            escalate: RISK_CRITICAL <= self.request.risk_score || outcome == Verdict::Escalated,
            steps: 0,
            asked_context: false,
            shows_context: false,
        }
    }

    /// The first rule that applies, and the reason in words.
    fn decide(&self, mode: Mode, hits: &[Hit<'p>], conflicts: &Conflicts) -> (ReasonCode, String) {
        let count = |kind| applying(hits, kind).count();
        let (permits, forbids) = (count(RelationType::Permits), count(RelationType::Forbids));
        let justified = |kind, text: String| {
            let first = applying(hits, kind).find_map(|relation| relation.justification);
            first.map_or(text, str::to_owned)
        };
        let mut requires = applying(hits, RelationType::Requires);
        let risk = self.request.risk_score;
        if mode == Mode::Paranoid {
            return (ReasonCode::Paranoid, "Paranoid mode denies every request".to_owned());
        }
        if 0 < forbids {
            let text = format!("Denied by {forbids} prohibition(s)");
            return (ReasonCode::Forbidden, justified(RelationType::Forbids, text));
        }
        if conflicts.applies {
            let text = "Conflicts with an earlier action of the same actor".to_owned();
            return (ReasonCode::Conflict, justified(RelationType::Conflicts, text));
        }
        if let Some(reason) = self.constraint(Effect::Deny, "Denied by") {
            return (ReasonCode::ConstraintDenied, reason);
        }
        if mode == Mode::Strict && permits == 0 {
            return (ReasonCode::NoPermit, "Action not explicitly permitted".to_owned());
        }
        if let Some(reason) = requires.find_map(|relation| self.unmet(relation)) {
            return (ReasonCode::ObligationUnmet, reason);
        }
        if RISK_CRITICAL <= risk {
            let text = format!("Risk score {risk} requires human approval");
            return (ReasonCode::RiskCritical, text);
        }
        if let Some(reason) = self.constraint(Effect::Escalate, "Human approval required by") {
            return (ReasonCode::ConstraintEscalated, reason);
        }
        let text = format!("Permitted by {permits} rule(s), no conflicts");
        let code = if 0 < permits { ReasonCode::Permitted } else { ReasonCode::PermissiveDefault };
        (code, justified(RelationType::Permits, text))
    }

    fn is_effective(&self) -> bool {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        self.policy.effective_from.is_none_or(|from| time(from) <= self.request.at)
            && self.policy.effective_until.is_none_or(|until| self.request.at < time(until))
    }

    fn hold(&self, conditions: &[Condition<'_>], in_doubt: InDoubt) -> bool {
        hold(self.policy, conditions, self.request, in_doubt)
    }

    fn is_met(&self, condition: &Condition<'_>) -> bool {
        answer(self.policy, condition, self.request) == Answer::Met
    }

    /// Permits, prohibitions and requirements whose ends are actor and action.
    fn between_ends(&self) -> impl Iterator<Item = &'p Relation<'p>> {
        self.policy.relations.iter().filter(|relation| {
            let (source, target) = (relation.source, relation.target);
            match relation.kind {
                RelationType::Permits => {
                    self.actor.certain.contains(source) && self.action.certain.contains(target)
                }
                RelationType::Forbids | RelationType::Requires => {
                    self.actor.possible.contains(source) && self.action.possible.contains(target)
                }
                RelationType::Implies | RelationType::Conflicts => false,
            }
        })
    }

    /// Those of them that are about the object too.
    fn hits(&self) -> Vec<Hit<'p>> {
        let about = self.between_ends().filter(|relation| self.is_about_object(relation));
        let hits = about.map(|relation| {
            let holds = match relation.kind {
                RelationType::Permits => self.hold(&relation.conditions, InDoubt::No),
                RelationType::Forbids => self.hold(&relation.conditions, InDoubt::Yes),
                // Its conditions are what is required.
                _ => true,
            };
            Hit { relation, applies: self.is_effective() && holds }
        });
        hits.collect()
    }

    fn is_about_object(&self, relation: &Relation<'p>) -> bool {
        let Some(object) = relation.object else {
            return true;
        };
        let (asks_classes, asks_resource) = self.object_kind(object);
        let of = |word: &Word<'p>| match relation.kind {
            RelationType::Permits => word.certain.contains(object),
            _ => word.possible.contains(object),
        };
        let class = asks_classes && self.classes.iter().any(of);
        let resource = asks_resource && self.resource.as_ref().is_some_and(of);
        let is_left_out =
            (asks_classes && self.classes.is_empty()) || (asks_resource && self.resource.is_none());
        class || resource || (is_left_out && relation.kind != RelationType::Permits)
    }

    /// Whether an object is compared with the data classes, and whether with
    /// the resource: by the type of its term, else by its prefix, else both.
    fn object_kind(&self, object: &str) -> (bool, bool) {
        let term = self.policy.terms.iter().find(|term| term.id == object);
        match term.map(|term| term.kind) {
            Some("data_class") => (true, false),
            Some("resource") => (false, true),
            _ if object.starts_with("data:") => (true, false),
            _ if object.starts_with("resource:") => (false, true),
            _ => (true, true),
        }
    }

    /// Permits apply only if every data class is covered by one of them.
    fn require_coverage(&self, hits: &mut [Hit<'p>]) {
        let permits: Vec<&Relation<'p>> = hits
            .iter()
            .filter(|hit| hit.applies && hit.relation.kind == RelationType::Permits)
            .map(|hit| hit.relation)
            .collect();
        let covers = |permit: &Relation<'p>, class: &Word<'p>| match permit.object {
            None => true,
            Some(object) => self.object_kind(object).0 && class.certain.contains(object),
        };
        let is_covered =
            self.classes.iter().all(|class| permits.iter().any(|permit| covers(permit, class)));
        for hit in hits.iter_mut().filter(|hit| hit.relation.kind == RelationType::Permits) {
            hit.applies &= is_covered;
        }
    }

    /// The `implies` between two ids that a word stands for. They say what a
    /// word means, which has no dates: constraints have none either.
    fn kinds(&self, asks_for_objects: bool) -> Vec<Hit<'p>> {
        let mut words = vec![&self.actor, &self.action];
        if asks_for_objects {
            words.extend(self.resource.iter().chain(&self.classes));
        }
        let implies = self.policy.relations.iter().filter(|relation| {
            let led = |word: &&Word<'p>| {
                word.possible.contains(relation.source) && word.possible.contains(relation.target)
            };
            relation.kind == RelationType::Implies && words.iter().any(led)
        });
        let hits = implies.map(|relation| Hit {
            relation,
            applies: self.hold(&relation.conditions, InDoubt::Yes),
        });
        hits.collect()
    }

    /// The reason of the first constraint of this effect that applies, by name.
    fn constraint(&self, effect: Effect, verb: &str) -> Option<String> {
        let is_for = |constraint: &&Constraint<'p>| {
            constraint.actor.is_none_or(|actor| self.actor.possible.contains(actor))
                && constraint.action.is_none_or(|action| self.action.possible.contains(action))
        };
        let of_effect = self.policy.constraints.iter().filter(|it| it.effect == effect);
        let mut applying =
            of_effect.filter(is_for).filter(|it| self.hold(&it.conditions, InDoubt::Yes));
        let first = applying.next()?;
        let text = format!("{verb} constraint `{}`", first.name);
        Some(first.justification.map_or(text, str::to_owned))
    }

    /// Why a requirement is not met, if it is not.
    fn unmet(&self, relation: &Relation<'_>) -> Option<String> {
        let unmet = self.obligations(relation).into_iter().find(|asked| !asked.satisfied)?;
        let text = format!("Unmet obligation: {}", unmet.obligation);
        Some(relation.justification.map_or(text, str::to_owned))
    }

    fn obligations(&self, relation: &Relation<'_>) -> Vec<Obligation> {
        let obligation = |name: &str, satisfied: bool| Obligation {
            obligation: name.to_owned(),
            relation_id: relation.id.to_owned(),
            satisfied,
            by: if satisfied { Some("context") } else { None },
        };
        if relation.conditions.is_empty() {
            return vec![obligation("approval", false)];
        }
        let conditions = relation.conditions.iter();
        conditions.map(|condition| obligation(&condition.name, self.is_met(condition))).collect()
    }

    fn conflicts(&self, past: &[Allowed]) -> (Vec<Hit<'p>>, Conflicts) {
        let touched = self.policy.relations.iter().filter(|relation| {
            relation.kind == RelationType::Conflicts && !self.other_sides(relation).is_empty()
        });
        let mut found = Conflicts::default();
        let mut hits = Vec::new();
        for relation in touched {
            let is_in_force = self.is_effective() && self.hold(&relation.conditions, InDoubt::Yes);
            let too_many = PAIRS_MAX < past.len();
            let with: Vec<DecisionId> = past
                .iter()
                .filter(|allowed| is_in_force && !too_many && self.is_other(relation, allowed))
                .map(|allowed| allowed.decision)
                .collect();
            let applies = is_in_force && (too_many || !with.is_empty());
            found.applies |= applies;
            found.decisions.extend(with);
            hits.push(Hit { relation, applies });
        }
        found.decisions.sort();
        found.decisions.dedup();
        (hits, found)
    }

    /// What the action may not be done beside; nothing where it is no side.
    fn other_sides(&self, relation: &Relation<'p>) -> Vec<&'p str> {
        let sides = [(relation.source, relation.target), (relation.target, relation.source)];
        let touched = sides.into_iter().filter(|(side, _)| self.action.possible.contains(side));
        touched.map(|(_, other)| other).collect()
    }

    fn is_other(&self, relation: &Relation<'p>, allowed: &Allowed) -> bool {
        let action = Word::read(self.policy, &allowed.action, self.request);
        self.is_same_resource(allowed.resource.as_deref())
            && self.other_sides(relation).iter().any(|other| action.possible.contains(other))
    }

    /// A side without a resource is about any. Otherwise they are the same by
    /// their bare text, or name the same term.
    fn is_same_resource(&self, past: Option<&str>) -> bool {
        let (Some(past), Some(asked)) = (past, self.request.resource) else {
            return true;
        };
        let terms = |word: &str| {
            let mut terms = named(self.policy, word);
            terms.extend(named(self.policy, bare(word)));
            terms
        };
        bare(past) == bare(asked) || !terms(past).is_disjoint(&terms(asked))
    }

    fn shown(&self, hit: &Hit<'_>) -> Matched {
        let relation = hit.relation;
        let conditions = relation.conditions.iter().map(|condition| MatchedCondition {
            key: condition.key.to_owned(),
            op: condition.op,
            expected: condition.value.clone(),
            actual: actual(condition.key, self.request).map(|value| shortened(&value)),
            met: self.is_met(condition),
        });
        Matched {
            relation_id: relation.id.to_owned(),
            kind: relation.kind,
            source: relation.source.to_owned(),
            target: relation.target.to_owned(),
            object: relation.object.map(str::to_owned),
            applies: hit.applies,
            conditions: conditions.collect(),
        }
    }
}

/// The relations of this type that count.
fn applying<'h, 'p>(
    hits: &'h [Hit<'p>],
    kind: RelationType,
) -> impl Iterator<Item = &'p Relation<'p>> + use<'h, 'p> {
    let applying = hits.iter().filter(move |hit| hit.applies && hit.relation.kind == kind);
    applying.map(|hit| hit.relation)
}

fn shortened(value: &Json) -> Json {
    match value {
        Json::String(text) if ACTUAL_BYTES_MAX < text.len() => {
            let text = value.to_canonical();
            let digest = Digest(sha2::Sha256::digest(&text).into());
            Json::from(format!("{} bytes, sha256 {digest}", text.len()))
        }
        _ => value.clone(),
    }
}
