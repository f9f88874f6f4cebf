//! The policy as Lexecon has it.

use policy::{Compiled, Document, Engine, Evaluation, Judgement, NoHistory, Request, STEPS_MAX};
use types::{Json, Object, Timestamp};

use crate::model::{self, ACTIONS, Ask, Effect, Rule, Who};

/// The document of these rules.
pub fn source(rules: &[Rule]) -> Json {
    let term = |id: String, kind: &str| Json::object([("id", id.into()), ("type", kind.into())]);
    let agents = (0..model::agents(rules.len()))
        .map(|at| term(format!("actor:{}", model::agent(at)), "actor"));
    let actions = (0..ACTIONS).map(|at| term(format!("action:{}", model::action(at)), "action"));
    Json::object([
        ("terms", Json::Array(agents.chain(actions).collect())),
        ("relations", Json::Array(rules.iter().map(relation).collect())),
    ])
}

fn relation(rule: &Rule) -> Json {
    let source = match rule.who {
        Who::Agent(at) => format!("actor:{}", model::agent(at)),
        Who::Team(at) => format!("actor:{}:*", model::team(at)),
    };
    let (kind, key, value) = match rule.effect {
        Effect::Permit => ("permits", "purpose", Json::from("triage")),
        Effect::Forbid => ("forbids", "blocked", Json::Bool(true)),
        Effect::Require => ("requires", "logged", Json::Bool(true)),
    };
    Json::object([
        ("type", kind.into()),
        ("source", source.into()),
        ("target", format!("action:{}", model::action(rule.action)).into()),
        ("conditions", Json::object([(key, value)])),
    ])
}

/// Reads and compiles: what a load costs.
pub fn load(source: &Json) -> Compiled {
    let (document, _) = Document::parse(source).expect("the document parses");
    Compiled::new(&document).expect("a document that parses compiles")
}

/// A request with what it borrows.
#[derive(Debug)]
pub struct Asked {
    actor: String,
    action: String,
    context: Object,
}

impl Asked {
    /// The request in our terms.
    pub fn new(ask: &Ask) -> Self {
        let context = [("channel", "phone"), ("purpose", ask.facts.purpose())];
        let members = context.map(|(key, value)| (key.to_owned(), Json::from(value)));
        Self {
            actor: model::agent(ask.agent),
            action: model::action(ask.action),
            context: Object::from_members(members.to_vec()).expect("no key twice"),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: &self.action,
            resource: None,
            tool: None,
            data_classes: &[],
            context: &self.context,
            risk_score: 1,
            risk_level: "low",
            mode: None,
            at: Timestamp(1_800_000_000_000_000),
            steps_max: STEPS_MAX,
            engine: Engine::NEWEST,
        }
    }

    /// The answer alone.
    pub fn judge(&self, policy: &Compiled) -> Judgement {
        let Ok(judgement) = policy::judge(policy, &self.request(), &NoHistory);
        judgement
    }

    /// The answer with all it rests on.
    pub fn evaluate(&self, policy: &Compiled) -> Evaluation {
        let Ok(evaluation) = policy::evaluate(policy, &self.request(), &NoHistory);
        evaluation
    }
}
