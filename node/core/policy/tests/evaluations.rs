//! What policies say, as it was recorded: whole answers, for each engine.
//!
//! A change of these expectations changes what recorded decisions mean: replay
//! evaluates them again by the engine they name. A new meaning is a new engine.
//!
//! `EVALUATIONS=add` writes the answers of cases that have none yet, and of
//! engines that a case does not name; what is there it never touches. To take
//! an answer back, its lines are deleted by hand, for a reviewer to see.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;
use std::path::Path;

use policy::{
    Allowed, Compiled, Document, Engine, Evaluation, History, Matched, MatchedCondition, Mode,
    Obligation, Request, STEPS_MAX, evaluate,
};
use types::{DecisionId, Json, Object, Timestamp, Ulid};

const EVALUATIONS: &str = include_str!("evaluations.json");
const ENGINES: [Engine; 2] = [Engine::V1, Engine::V2];

struct Past(Vec<Allowed>);

impl History for Past {
    type Error = Infallible;

    fn allowed(&self, _: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        Ok((self.0.len() <= pairs_max).then(|| self.0.clone()))
    }
}

impl Past {
    /// A list of action and resource, or how many actions of no consequence.
    fn read(history: Option<&Json>) -> Self {
        let pairs: Vec<(String, Option<String>)> = match history {
            None => Vec::new(),
            Some(Json::Number(count)) => {
                let count = count.as_i64().unwrap();
                (0..count).map(|at| ("read".to_owned(), Some(format!("file:{at}")))).collect()
            }
            Some(listed) => listed.as_array().unwrap().iter().map(pair).collect(),
        };
        let allowed = pairs.into_iter().zip(1..).map(|((action, resource), id)| Allowed {
            action,
            resource,
            decision: DecisionId(Ulid(id)),
        });
        Self(allowed.collect())
    }
}

fn pair(pair: &Json) -> (String, Option<String>) {
    let [action, resource] = pair.as_array().unwrap() else {
        panic!("not an action and a resource: {pair:?}");
    };
    (action.as_str().unwrap().to_owned(), resource.as_str().map(str::to_owned))
}

fn answer(policy: &Compiled, case: &Object, engine: Engine) -> Json {
    let request = case.get("request").unwrap().as_object().unwrap();
    let text = |key| request.get(key).and_then(Json::as_str);
    let number = |key, default| {
        request.get(key).and_then(Json::as_u64).map_or(default, |value| value.try_into().unwrap())
    };
    let classes = request.get("data_classes").and_then(Json::as_array).unwrap_or_default();
    let classes: Vec<String> =
        classes.iter().map(|class| class.as_str().unwrap().to_owned()).collect();
    let none = Object::new();
    let asked = Request {
        actor: text("actor").unwrap(),
        action: text("action").unwrap(),
        resource: text("resource"),
        tool: text("tool"),
        data_classes: &classes,
        context: request.get("context").and_then(Json::as_object).unwrap_or(&none),
        risk_score: number("risk_score", 1),
        risk_level: text("risk_level").unwrap_or("low"),
        mode: text("mode").map(|mode| Mode::parse(mode).unwrap()),
        at: text("at").unwrap_or("2027-03-04T05:06:07Z").parse::<Timestamp>().unwrap(),
        steps_max: number("steps_max", STEPS_MAX),
        engine,
    };
    let Ok(evaluation) = evaluate(policy, &asked, &Past::read(case.get("history")));
    written(&evaluation)
}

fn written(evaluation: &Evaluation) -> Json {
    let conflicting = evaluation.conflicting.iter().map(DecisionId::to_string);
    Json::object([
        ("outcome", evaluation.outcome.as_str().into()),
        ("reason_code", evaluation.reason_code.as_str().into()),
        ("reason", evaluation.reason.as_str().into()),
        ("mode", evaluation.mode.as_str().into()),
        ("matched", Json::Array(evaluation.matched.iter().map(matched).collect())),
        ("matched_omitted", evaluation.matched_omitted.into()),
        ("obligations", Json::Array(evaluation.obligations.iter().map(obligation).collect())),
        ("conflicting", conflicting.collect::<Vec<String>>().into()),
        ("escalate", evaluation.escalate.into()),
        ("steps", evaluation.steps.into()),
    ])
}

fn matched(matched: &Matched) -> Json {
    Json::object([
        ("relation_id", matched.relation_id.as_str().into()),
        ("type", matched.kind.as_str().into()),
        ("source", matched.source.as_str().into()),
        ("target", matched.target.as_str().into()),
        ("object", matched.object.clone().into()),
        ("applies", matched.applies.into()),
        ("conditions", Json::Array(matched.conditions.iter().map(condition).collect())),
    ])
}

fn condition(condition: &MatchedCondition) -> Json {
    Json::object([
        ("key", condition.key.as_str().into()),
        ("op", condition.op.as_str().into()),
        ("expected", condition.expected.clone()),
        ("actual", condition.actual.clone().into()),
        ("met", condition.met.into()),
    ])
}

fn obligation(obligation: &Obligation) -> Json {
    Json::object([
        ("obligation", obligation.obligation.as_str().into()),
        ("relation_id", obligation.relation_id.as_str().into()),
        ("satisfied", obligation.satisfied.into()),
        ("by", obligation.by.map(str::to_owned).into()),
    ])
}

/// The case with what `expect` lacks, and what in it is not so.
fn settle(policies: &Object, case: &Json) -> (Object, Vec<String>) {
    let mut case = case.as_object().unwrap().clone();
    let named = |key| case.get(key).unwrap().as_str().unwrap().to_owned();
    let (name, policy) = (named("name"), named("policy"));
    let (document, _) = Document::parse(policies.get(&policy).unwrap()).unwrap();
    let compiled = Compiled::new(&document).unwrap();
    let mut expect = case.get("expect").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    for engine in ENGINES {
        let (number, said) = (engine.number().to_string(), answer(&compiled, &case, engine));
        match expect.get(&number) {
            Some(recorded) if *recorded == said => (),
            Some(recorded) => wrong.push(format!(
                "{name}, engine {number}\nrecorded {}\nsaid     {}",
                recorded.to_canonical(),
                said.to_canonical()
            )),
            None => {
                wrong.push(format!("{name}, engine {number}: not recorded (EVALUATIONS=add)"));
                expect.insert(number, said);
            }
        }
    }
    case.insert("expect", expect);
    (case, wrong)
}

/// A line for each policy and each case.
fn layout<'a>(policies: &Object, cases: impl Iterator<Item = &'a Object>) -> String {
    let policies = policies.iter().map(|(name, policy)| {
        format!("{}:{}", Json::from(name).to_canonical(), policy.to_canonical())
    });
    let policies: Vec<String> = policies.collect();
    let cases: Vec<String> = cases.map(|case| Json::Object(case.clone()).to_canonical()).collect();
    let (policies, cases) = (policies.join(",\n"), cases.join(",\n"));
    format!("{{\"policies\":{{\n{policies}\n}},\"cases\":[\n{cases}\n]}}\n")
}

#[test]
fn recorded_evaluations_mean_what_they_meant() {
    let file: Object = serde_json::from_str(EVALUATIONS).unwrap();
    let policies = file.get("policies").unwrap().as_object().unwrap();
    let cases = file.get("cases").unwrap().as_array().unwrap();
    assert!(!cases.is_empty());
    let settled: Vec<(Object, Vec<String>)> =
        cases.iter().map(|case| settle(policies, case)).collect();
    let wrong: Vec<&str> =
        settled.iter().flat_map(|(_, wrong)| wrong).map(String::as_str).collect();
    if std::env::var("EVALUATIONS").is_ok_and(|value| value == "add") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluations.json");
        std::fs::write(path, layout(policies, settled.iter().map(|(case, _)| case))).unwrap();
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
