//! What of a policy a request reaches: for those who test policies.
//!
//! Not how a request is judged: an evaluation stops at the first constraint of
//! each effect, and a reply lists only so many relations.

use super::subject::Subject;
use super::walk::{Held, Walk};
use super::{History, examine};
use crate::compile::Compiled;
use crate::meter::{Meter, Spent};
use crate::request::Request;

/// The rules that apply to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Ids of the relations that apply, in order.
    pub relations: Vec<String>,
    /// Names of the constraints that hold, in order.
    pub constraints: Vec<String>,
}

/// Every rule that applies to a request, whichever decides. A request that
/// takes too many steps reaches none.
pub fn reach<H: History>(
    policy: &Compiled,
    request: &Request<'_>,
    history: &H,
) -> Result<Reach, H::Error> {
    let (_, findings) = examine(policy, request, history)?;
    let applying = findings.hits.iter().filter(|hit| hit.applies);
    let relations = applying.filter_map(|hit| policy.relation(hit.rule));
    let mut relations: Vec<String> = relations.map(|(relation, _)| relation.id.clone()).collect();
    // A kind is noted once for each word that led through it.
    relations.dedup();
    let constraints = constraints(policy, request).unwrap_or_else(|Spent| Vec::new());
    Ok(Reach { relations, constraints })
}

fn constraints(policy: &Compiled, request: &Request<'_>) -> Result<Vec<String>, Spent> {
    let mut meter = Meter::new(request.steps_max);
    let mut walk = Walk { policy, request, meter: &mut meter };
    let actor = Subject::find(request.actor, &mut walk)?;
    let action = Subject::find(request.action, &mut walk)?;
    let mut found = Vec::new();
    for (limit, constraint) in policy.limits.iter().zip(&policy.document().constraints) {
        let is_about = limit.actor.is_none_or(|node| actor.may_be(node))
            && limit.action.is_none_or(|node| action.may_be(node));
        if is_about && walk.hold(&limit.clauses, Held::Possibly)? {
            found.push(constraint.name.clone());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use types::{Object, Timestamp};

    use super::*;
    use crate::document::Document;
    use crate::request::{NoHistory, STEPS_MAX};
    use crate::words::Engine;

    const POLICY: &str = r#"{
        "terms":[{"id":"actor:bot","type":"actor"},{"id":"action:read","type":"action"}],
        "relations":[
            {"relation_id":"one","type":"permits","subject":"actor:bot","action":"action:read"},
            {"relation_id":"two","type":"forbids","subject":"actor:bot","action":"action:read",
             "conditions":[{"night":true}]}],
        "constraints":[
            {"name":"first","condition":{"amount":1},"action":"deny"},
            {"name":"other","condition":{"amount":2},"action":"deny","applies_to":{"action":"a:*"}},
            {"name":"second","condition":{"amount":1},"action":"deny"}]}"#;

    fn check(context: &str, steps_max: u32, relations: &[&str], constraints: &[&str]) {
        let (document, _) = Document::parse(&serde_json::from_str(POLICY).unwrap()).unwrap();
        let policy = Compiled::new(&document).unwrap();
        let context: Object =
            serde_json::from_str::<types::Json>(context).unwrap().as_object().unwrap().clone();
        let request = Request {
            actor: "bot",
            action: "read",
            resource: None,
            tool: None,
            data_classes: &[],
            context: &context,
            risk_score: 1,
            risk_level: "low",
            mode: None,
            at: Timestamp(0),
            steps_max,
            engine: Engine::NEWEST,
        };
        let Ok(reached) = reach(&policy, &request, &NoHistory);
        assert_eq!(reached.relations, relations);
        assert_eq!(reached.constraints, constraints);
    }

    #[test]
    fn every_rule_that_applies_is_reached_and_not_only_the_first() {
        check(r#"{"night":false,"amount":1}"#, STEPS_MAX, &["one"], &["first", "second"]);
        check(r#"{"night":true,"amount":2}"#, STEPS_MAX, &["one", "two"], &[]);
    }

    #[test]
    fn what_cannot_be_excluded_is_reached() {
        check("{}", STEPS_MAX, &["one", "two"], &["first", "second"]);
    }

    #[test]
    fn a_request_that_takes_too_long_reaches_nothing() {
        check(r#"{"night":true}"#, 1, &[], &[]);
    }
}
