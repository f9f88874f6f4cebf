//! A request of its own, with all that was recorded of its actor.

use std::convert::Infallible;

use types::{Json, Object, Timestamp};

use crate::request::{Allowed, History, RISK_CRITICAL, Request, STEPS_MAX};
use crate::words::{Engine, Mode};

/// A request that shows a change, and the history its actor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Who asks.
    pub actor: String,
    /// What the actor wants to do.
    pub action: String,
    /// What it is to be done to.
    pub resource: Option<String>,
    /// By which tool.
    pub tool: Option<String>,
    /// The classes of data that would be touched.
    pub data_classes: Vec<String>,
    /// What conditions are tested against.
    pub context: Object,
    /// 1..=100
    pub risk_score: u32,
    /// The mode asked for.
    pub mode: Option<Mode>,
    /// When it is asked.
    pub at: Timestamp,
    /// What the actor was allowed before.
    pub history: Vec<Allowed>,
}

impl Example {
    /// The request as it is evaluated; [`Example`] itself is the history.
    pub fn request(&self) -> Request<'_> {
        Request {
            actor: &self.actor,
            action: &self.action,
            resource: self.resource.as_deref(),
            tool: self.tool.as_deref(),
            data_classes: &self.data_classes,
            context: &self.context,
            risk_score: self.risk_score,
            risk_level: risk_level(self.risk_score),
            mode: self.mode,
            at: self.at,
            steps_max: STEPS_MAX,
            engine: Engine::NEWEST,
        }
    }
}

impl History for Example {
    type Error = Infallible;

    fn allowed(&self, _: &str, pairs_max: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
        Ok((self.history.len() <= pairs_max).then(|| self.history.clone()))
    }
}

/// As the scores of requests are read.
fn risk_level(score: u32) -> &'static str {
    match score {
        RISK_CRITICAL.. => "critical",
        60.. => "high",
        30.. => "medium",
        0.. => "low",
    }
}

/// Puts a value at a dotted path; false where something on the way is no object
/// or the place is taken.
pub(super) fn put(context: &mut Object, path: &str, value: &Json) -> bool {
    let Some((first, rest)) = path.split_once('.') else {
        return context.get(path).is_none() && context.insert(path, value.clone()).is_none();
    };
    let mut inner = match context.get(first) {
        None => Object::new(),
        Some(known) => match known.as_object() {
            Some(object) => object.clone(),
            None => return false,
        },
    };
    let is_put = put(&mut inner, rest, value);
    if is_put {
        context.insert(first, inner);
    }
    is_put
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(paths: &[&str], expect: Option<&str>) {
        let mut context = Object::new();
        let is_put = paths.iter().all(|path| put(&mut context, path, &Json::from(1_u32)));
        let text = is_put.then(|| Json::Object(context).to_canonical());
        assert_eq!(text.as_deref(), expect, "{paths:?}");
    }

    #[test]
    fn values_are_put_where_their_paths_lead() {
        check(&["a"], Some(r#"{"a":1}"#));
        check(&["a.b.c", "a.d", "e"], Some(r#"{"a":{"b":{"c":1},"d":1},"e":1}"#));
    }

    #[test]
    fn no_two_values_are_put_in_one_place() {
        check(&["a", "a.b"], None);
        check(&["a.b", "a"], None);
        check(&["a.b", "a.b.c"], None);
    }
}
