//! The policy as Rego has it: a few rules over relations in the data, which are
//! found by actor and action.

use regorus::{Engine, Value};
use serde_json::{Map, Value as Json, json};

use crate::model::{self, Ask, Effect, Rule, Who};

const RULES: &str = r#"
package peers

default allow := false

allow if {
    permitted
    not forbidden
    not unmet
}

permitted if {
    some condition in data.permits[input.actor][input.action]
    input.context[condition.key] == condition.value
}

forbidden if {
    some condition in data.forbids[input.actor][input.action]
    not is_clear(condition)
}

unmet if {
    some condition in data.requires[input.team][input.action]
    not is_met(condition)
}

is_clear(condition) if input.context[condition.key] != condition.value

is_met(condition) if input.context[condition.key] == condition.value
"#;

const ALLOW: &str = "data.peers.allow";

/// An engine with policy and data, which one question after the other is put to.
#[derive(Debug)]
pub struct Rego(Engine);

impl Rego {
    /// Policy and data, read.
    pub fn new(rules: &[Rule]) -> Self {
        let mut engine = Engine::new();
        engine.add_policy("peers.rego".to_owned(), RULES.to_owned()).expect("the rules parse");
        engine.add_data(data(rules)).expect("the data is one document");
        Self(engine)
    }

    /// Whether the request is allowed.
    pub fn is_allowed(&mut self, input: &Value) -> bool {
        self.0.set_input(input.clone());
        let allow = self.0.eval_rule(ALLOW.to_owned()).expect("the rule evaluates");
        allow == Value::from(true)
    }
}

/// The request in Rego's terms.
pub fn input(ask: &Ask) -> Value {
    value(&json!({
        "actor": model::agent(ask.agent),
        "team": model::team(ask.agent % model::TEAMS),
        "action": model::action(ask.action),
        "context": {"channel": "phone", "purpose": ask.facts.purpose()},
    }))
}

fn data(rules: &[Rule]) -> Value {
    let mut data = json!({"permits": {}, "forbids": {}, "requires": {}});
    for rule in rules {
        let (list, condition) = match rule.effect {
            Effect::Permit => ("permits", json!({"key": "purpose", "value": "triage"})),
            Effect::Forbid => ("forbids", json!({"key": "blocked", "value": true})),
            Effect::Require => ("requires", json!({"key": "logged", "value": true})),
        };
        let who = match rule.who {
            Who::Agent(at) => model::agent(at),
            Who::Team(at) => model::team(at),
        };
        let of_list = data[list].as_object_mut().expect("made above");
        let of_who = of_list.entry(who).or_insert_with(|| Json::Object(Map::new()));
        of_who[model::action(rule.action)] = json!([condition]);
    }
    value(&data)
}

fn value(json: &Json) -> Value {
    Value::from_json_str(&json.to_string()).expect("JSON is JSON")
}
