//! The policy as Cedar has it: one policy for each relation, agents in teams.

use std::collections::HashSet;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::model::{self, Ask, Effect, Rule, Who};

/// Everything Cedar is asked with.
#[derive(Debug)]
pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
}

impl Cedar {
    /// Policies and entities, read.
    pub fn new(rules: &[Rule]) -> Self {
        let policies = rules.iter().map(policy).collect::<String>();
        let agents = (0..model::agents(rules.len())).map(|at| {
            let team = uid("Team", &model::team(at % model::TEAMS));
            Entity::new_no_attrs(uid("Agent", &model::agent(at)), HashSet::from([team]))
        });
        let teams = (0..model::TEAMS)
            .map(|at| Entity::new_no_attrs(uid("Team", &model::team(at)), HashSet::new()));
        Self {
            authorizer: Authorizer::new(),
            policies: policies.parse().expect("the policies parse"),
            entities: Entities::from_entities(agents.chain(teams), None)
                .expect("the entities hold together"),
        }
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&self, request: &Request) -> bool {
        let response = self.authorizer.is_authorized(request, &self.policies, &self.entities);
        response.decision() == Decision::Allow
    }
}

/// The request in Cedar's terms.
pub fn request(ask: &Ask) -> Request {
    let context = [("channel", "phone"), ("purpose", ask.facts.purpose())]
        .map(|(key, value)| (key.to_owned(), RestrictedExpression::new_string(value.to_owned())));
    Request::new(
        uid("Agent", &model::agent(ask.agent)),
        uid("Action", &model::action(ask.action)),
        uid("Resource", "none"),
        Context::from_pairs(context).expect("no key twice"),
        None,
    )
    .expect("without a schema every request is one")
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(
        kind.parse().expect("a type's name"),
        id.parse().expect("any text is an id"),
    )
}

fn policy(rule: &Rule) -> String {
    let who = match rule.who {
        Who::Agent(at) => format!("principal == Agent::\"{}\"", model::agent(at)),
        Who::Team(at) => format!("principal in Team::\"{}\"", model::team(at)),
    };
    let action = model::action(rule.action);
    let (effect, condition) = match rule.effect {
        Effect::Permit => {
            ("permit", "when { context has purpose && context.purpose == \"triage\" }")
        }
        Effect::Forbid => ("forbid", "when { !(context has blocked) || context.blocked == true }"),
        Effect::Require => ("forbid", "unless { context has logged && context.logged == true }"),
    };
    format!("{effect}({who}, action == Action::\"{action}\", resource) {condition};\n")
}
