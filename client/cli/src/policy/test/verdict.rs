//! Judging a case: what the policy says, and where that differs from what was
//! expected.

use std::convert::Infallible;

use policy::{
    Allowed, Compiled, Engine, Evaluation, History, Matched, Reach, Request, STEPS_MAX, evaluate,
    reach,
};
use types::Json;

use super::case::{Asked, Case, Expect};
use crate::console::printable;

/// What came of a case.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) case: &'a Case,
    /// Empty where the case passed.
    pub(super) differences: Vec<Difference>,
    pub(super) evaluation: Evaluation,
    pub(super) reach: Reach,
}

/// Something that is not as expected.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) what: &'static str,
    pub(super) expected: String,
    pub(super) actual: String,
}

/// What the actor of a case was allowed before.
struct Past<'a>(&'a [Allowed]);

impl History for Past<'_> {
    type Error = Infallible;

    fn allowed(&self, _: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        Ok((self.0.len() <= pairs_max).then(|| self.0.to_vec()))
    }
}

pub(crate) fn request<'a>(asked: &'a Asked, at: types::Timestamp) -> Request<'a> {
    Request {
        actor: &asked.actor,
        action: &asked.action,
        resource: asked.resource.as_deref(),
        tool: asked.tool.as_deref(),
        data_classes: &asked.data_classes,
        context: &asked.context,
        risk_score: asked.score.score,
        risk_level: asked.score.level(),
        mode: asked.mode,
        at,
        steps_max: STEPS_MAX,
        engine: Engine::NEWEST,
    }
}

pub(super) fn judge<'a>(policy: &Compiled, case: &'a Case) -> Judged<'a> {
    let request = request(&case.asked, case.at);
    let Ok(evaluation) = evaluate(policy, &request, &Past(&case.history));
    let Ok(reach) = reach(policy, &request, &Past(&case.history));
    let mut differences = compare(&case.expect, &evaluation, &reach);
    // A node refuses such a request, so no outcome of it is worth anything.
    if case.asked.mode.is_some_and(|asked| asked < policy.mode()) {
        differences.push(Difference {
            what: "policy_mode",
            expected: format!("`{}` or tighter", policy.mode()),
            actual: "looser: a node refuses the request".to_owned(),
        });
    }
    Judged { case, differences, evaluation, reach }
}

fn compare(expect: &Expect, evaluation: &Evaluation, reach: &Reach) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differs = |what, expected: String, actual: String| {
        if expected != actual {
            differences.push(Difference { what, expected, actual });
        }
    };
    differs("outcome", expect.outcome.to_string(), evaluation.outcome.to_string());
    if let Some(expected) = expect.reason_code {
        differs("reason_code", expected.to_string(), evaluation.reason_code.to_string());
    }
    if let Some(expected) = &expect.reason {
        differs("reason", quoted(expected), quoted(&evaluation.reason));
    }
    if let Some(expected) = &expect.applies {
        let is_as_expected = if expected.is_empty() {
            reach.relations.is_empty()
        } else {
            expected.iter().all(|id| reach.relations.contains(id))
        };
        if !is_as_expected {
            differs("applies", listed(expected), listed(&reach.relations));
        }
    }
    if let Some(expected) = &expect.obligations_unmet {
        let unmet = unmet(evaluation);
        differs("obligations_unmet", listed(expected), listed(&unmet));
    }
    differences
}

/// Names of what is asked for and not there, sorted and each once.
pub(super) fn unmet(evaluation: &Evaluation) -> Vec<String> {
    let unmet = evaluation.obligations.iter().filter(|obligation| !obligation.satisfied);
    let mut names: Vec<String> = unmet.map(|obligation| obligation.obligation.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| quoted(name)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Judged<'_> {
    pub(super) fn passed(&self) -> bool {
        self.differences.is_empty()
    }

    /// What differs, and what the outcome rests on, one a line.
    pub(super) fn explanation(&self) -> String {
        let mut text = String::new();
        for Difference { what, expected, actual } in &self.differences {
            text.push_str(&format!("  {what}: expected {expected}, got {actual}\n"));
        }
        let Evaluation { outcome, reason_code, reason, .. } = &self.evaluation;
        text.push_str(&format!("  {outcome} ({reason_code}): {reason}\n"));
        for matched in &self.evaluation.matched {
            text.push_str(&explained(matched));
        }
        for name in &self.reach.constraints {
            text.push_str(&format!("  constraint `{name}` holds\n"));
        }
        text.lines().map(|line| format!("{}\n", printable(line))).collect()
    }

    pub(super) fn to_json(&self, file: &str) -> Json {
        let evaluation = &self.evaluation;
        let differences = self.differences.iter().map(|difference| {
            Json::object([
                ("member", difference.what.into()),
                ("expected", difference.expected.as_str().into()),
                ("actual", difference.actual.as_str().into()),
            ])
        });
        Json::object([
            ("file", file.into()),
            ("name", self.case.name.as_str().into()),
            ("passed", self.passed().into()),
            ("differences", differences.collect::<Vec<_>>().into()),
            ("outcome", evaluation.outcome.as_str().into()),
            ("reason_code", evaluation.reason_code.as_str().into()),
            ("reason", evaluation.reason.as_str().into()),
            ("applies", self.reach.relations.clone().into()),
            ("constraints", self.reach.constraints.clone().into()),
            ("obligations_unmet", unmet(evaluation).into()),
            ("matched", evaluation.matched.iter().map(Matched::to_json).collect::<Vec<_>>().into()),
            ("steps", evaluation.steps.into()),
        ])
    }
}

/// A relation and its conditions, one a line.
pub(crate) fn explained(matched: &Matched) -> String {
    let applies = if matched.applies { "applies" } else { "does not apply" };
    let mut text = format!("  {} `{}` {applies}\n", matched.kind, matched.relation_id);
    for condition in &matched.conditions {
        let actual = condition
            .actual
            .as_ref()
            .map_or_else(|| "missing".to_owned(), |actual| actual.to_canonical());
        let met = if condition.met { "met" } else { "not met" };
        text.push_str(&format!(
            "    {} {} {}: {actual}, {met}\n",
            condition.key,
            condition.op,
            condition.expected.to_canonical()
        ));
    }
    text
}
