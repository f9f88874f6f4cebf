//! A request with some of its keys changed.

use types::{Json, Object};

use crate::request::{RISK_CRITICAL, Request};

/// What a context may hold (api.md, section 2.2).
const CONTEXT_KEYS_MAX: usize = 100;
const CONTEXT_DEPTH_MAX: usize = 5;
/// The lowest scores of two levels.
pub(super) const RISK_HIGH: u32 = 60;
pub(super) const RISK_MEDIUM: u32 = 30;

/// A part of the request that can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Context(Vec<String>),
    /// The score, from which the level follows.
    Risk,
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
    /// `None` for what is no part of the request: time, and who does what.
    pub(super) fn of(key: &str) -> Option<Self> {
        match key {
            "decision.risk_score" => Some(Self::Risk),
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
                // The rest of the context is as deep as before, and is not measured again.
                let below = value.map_or(0, Json::depth);
                (path.len().saturating_add(below) <= CONTEXT_DEPTH_MAX).then_some(())?;
                place(&mut self.context, path, value)?;
                (self.context.len() <= CONTEXT_KEYS_MAX).then_some(())?;
            }
            Part::Risk => {
                self.risk_score = u32::try_from(value?.as_u64()?).ok()?;
                level_of(self.risk_score).clone_into(&mut self.risk_level);
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

/// The level that the node derives from a score (api.md, section 2.2).
fn level_of(score: u32) -> &'static str {
    match score {
        RISK_CRITICAL.. => "critical",
        RISK_HIGH.. => "high",
        RISK_MEDIUM.. => "medium",
        _ => "low",
    }
}

/// Whether [`Changed::set`] would accept the value in the request as it is,
/// without a copy of the request.
pub(super) fn is_possible(request: &Request<'_>, part: &Part, value: Option<&Json>) -> bool {
    let Part::Context(path) = part else {
        let nothing = Object::new();
        let bare = Request { context: &nothing, data_classes: &[], ..*request };
        return Changed::new(&bare).set(part, value).is_some();
    };
    let Some((last, above)) = path.split_last() else {
        return false;
    };
    let mut at = Some(request.context);
    for segment in above {
        at = match at.and_then(|at| at.get(segment)) {
            Some(inner) if inner.as_object().is_none() => return false,
            inner => inner.and_then(Json::as_object),
        };
    }
    let is_new = request.context.get(path.first().unwrap_or(last)).is_none();
    let is_full = is_new && value.is_some() && CONTEXT_KEYS_MAX <= request.context.len();
    let depth = path.len().saturating_add(value.map_or(0, Json::depth));
    !is_full && depth <= CONTEXT_DEPTH_MAX
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
        None if value.is_none() => return Some(()),
        None => Object::new(),
    };
    place(&mut inner, rest, value)?;
    object.insert(first.as_str(), inner);
    Some(())
}
