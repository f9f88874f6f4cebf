//! A request with some of its keys changed.

use types::{Json, Object};

use crate::request::Request;

/// What a context may hold (api.md, section 2.2).
const CONTEXT_KEYS_MAX: usize = 100;
const CONTEXT_DEPTH_MAX: usize = 5;

/// A part of the request that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Context(Vec<String>),
    RiskScore,
    Resource,
    Tool,
    DataClasses,
}

/// What the parts of a request are changed to.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    context: Object,
    data_classes: Vec<String>,
    resource: Option<String>,
    tool: Option<String>,
    risk_score: u32,
    risk_level: String,
}

impl Part {
    /// `None` for what is no part of the request: time, who does what, and the
    /// level of a risk, which follows from its score.
    pub(super) fn of(key: &str) -> Option<Self> {
        match key {
            "decision.risk_score" => Some(Self::RiskScore),
            "decision.resource" => Some(Self::Resource),
            "decision.tool" => Some(Self::Tool),
            _ if key.starts_with("decision.") || key.starts_with("time.") => None,
            _ => Some(Self::Context(key.split('.').map(str::to_owned).collect())),
        }
    }
}

impl Changed {
    pub(super) fn new(request: &Request<'_>) -> Self {
        Self {
            context: request.context.clone(),
            data_classes: request.data_classes.to_vec(),
            resource: request.resource.map(str::to_owned),
            tool: request.tool.map(str::to_owned),
            risk_score: request.risk_score,
            risk_level: request.risk_level.to_owned(),
        }
    }

    /// `None` where no request has this value there.
    pub(super) fn set(&mut self, part: &Part, value: Option<&Json>) -> Option<()> {
        let text = |value: Option<&Json>| match value {
            Some(value) => value.as_str().map(|text| Some(text.to_owned())),
            None => Some(None),
        };
        match part {
            Part::Context(path) => {
                place(&mut self.context, path, value)?;
                let is_small = self.context.len() <= CONTEXT_KEYS_MAX;
                let depth = Json::Object(self.context.clone()).depth();
                (is_small && depth <= CONTEXT_DEPTH_MAX).then_some(())?;
            }
            Part::RiskScore => {
                self.risk_score = u32::try_from(value?.as_u64()?).ok()?;
                self.risk_level = level(self.risk_score).to_owned();
            }
            Part::Resource => self.resource = text(value)?,
            Part::Tool => self.tool = text(value)?,
            Part::DataClasses => {
                let classes = value?.as_array()?.iter();
                self.data_classes = classes
                    .map(|class| class.as_str().map(str::to_owned))
                    .collect::<Option<_>>()?;
            }
        }
        Some(())
    }

    pub(super) fn request<'a>(&'a self, request: &Request<'a>) -> Request<'a> {
        Request {
            context: &self.context,
            data_classes: &self.data_classes,
            resource: self.resource.as_deref(),
            tool: self.tool.as_deref(),
            risk_score: self.risk_score,
            risk_level: &self.risk_level,
            ..*request
        }
    }
}

/// The level that a score is of (api.md, section 4).
fn level(score: u32) -> &'static str {
    match score {
        80.. => "critical",
        60.. => "high",
        30.. => "medium",
        _ => "low",
    }
}

/// Sets or takes out a member of a member. Something else that stands in the way
/// stays, and the change is refused.
fn place(object: &mut Object, path: &[String], value: Option<&Json>) -> Option<()> {
    let (first, rest) = path.split_first()?;
    if rest.is_empty() {
        match value {
            Some(value) => object.insert(first.as_str(), value.clone()),
            None => object.remove(first),
        };
        return Some(());
    }
    let mut inner = match object.get(first) {
        Some(inner) => inner.as_object()?.clone(),
        None => Object::new(),
    };
    place(&mut inner, rest, value)?;
    object.insert(first.as_str(), inner);
    Some(())
}
