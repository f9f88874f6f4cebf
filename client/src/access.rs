//! Decisions in the words of OpenID AuthZEN Authorization API 1.0.
//!
//! As a question to [`Client::decide`], an evaluation always has an idempotency
//! key, the client's own or one made here, so it may be sent again until an
//! answer comes.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::{Call, Effect};
use crate::decision::new_request_id;
use crate::error::{Error, Problem};
use crate::reply::Reply;
use crate::transport::Client;

/// A subject or a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// What kind of thing it is.
    pub kind: String,
    /// Which of that kind.
    pub id: String,
    /// Facts about it, which the policy sees in the context.
    pub properties: Object,
}

impl Entity {
    /// An entity of which no more is known.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self { kind: kind.into(), id: id.into(), properties: Object::new() }
    }

    fn to_object(&self) -> Object {
        let mut entity = Object::new();
        entity.insert("type", self.kind.as_str());
        entity.insert("id", self.id.as_str());
        put_properties(&mut entity, &self.properties);
        entity
    }
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Facts about it, which the policy sees in the context.
    pub properties: Object,
}

impl Action {
    /// An action of which no more is known.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), properties: Object::new() }
    }

    fn to_object(&self) -> Object {
        let mut action = Object::new();
        action.insert("name", self.name.as_str());
        put_properties(&mut action, &self.properties);
        action
    }
}

fn put_properties(body: &mut Object, properties: &Object) {
    if !properties.is_empty() {
        body.insert("properties", properties.clone());
    }
}

/// A question. Among many, what is `None` is taken from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Who wants to act.
    pub subject: Option<Entity>,
    /// What it wants to do.
    pub action: Option<Action>,
    /// On what.
    pub resource: Option<Entity>,
    /// What the policy may look at.
    pub context: Option<Object>,
}

impl Evaluation {
    /// May `subject` do `action` to `resource`?
    pub fn new(subject: Entity, action: Action, resource: Entity) -> Self {
        Self {
            subject: Some(subject),
            action: Some(action),
            resource: Some(resource),
            context: None,
        }
    }

    /// The body that asks it.
    pub fn to_object(&self) -> Object {
        let mut body = Object::new();
        for (name, entity) in [("subject", &self.subject), ("resource", &self.resource)] {
            if let Some(entity) = entity {
                body.insert(name, entity.to_object());
            }
        }
        if let Some(action) = &self.action {
            body.insert("action", action.to_object());
        }
        if let Some(context) = &self.context {
            body.insert("context", context.clone());
        }
        body
    }
}

/// After which evaluations no further one is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantic {
    /// None: all are.
    #[default]
    ExecuteAll,
    /// The first that is denied or not valid.
    DenyOnFirstDeny,
    /// The first that is permitted.
    PermitOnFirstPermit,
}

impl Semantic {
    fn as_str(self) -> &'static str {
        match self {
            Self::ExecuteAll => "execute_all",
            Self::DenyOnFirstDeny => "deny_on_first_deny",
            Self::PermitOnFirstPermit => "permit_on_first_permit",
        }
    }
}

/// Many questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluations {
    /// What questions have that have none of their own.
    pub defaults: Evaluation,
    /// 1..1000 of them, in order.
    pub evaluations: Vec<Evaluation>,
    /// Where to end.
    pub semantic: Semantic,
    /// Whether to send the whole replies under one signature over all.
    pub sign_together: bool,
}

impl Evaluations {
    /// The body that asks them.
    pub fn to_object(&self) -> Object {
        let mut body = self.defaults.to_object();
        let items: Vec<Object> = self.evaluations.iter().map(Evaluation::to_object).collect();
        body.insert("evaluations", items);
        let semantic = self.semantic.as_str().into();
        body.insert("options", Json::object([("evaluations_semantic", semantic)]));
        body
    }
}

/// Reply to one question.
#[derive(Clone, Debug, Deserialize)]
pub struct Evaluated {
    /// Whether it is permitted.
    pub decision: bool,
    /// Why, and where that is recorded.
    pub context: Context,
}

/// What comes with a decision.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Context {
    /// Not valid; among many, the others stand.
    Refused {
        /// The problem document.
        problem: Json,
    },
    /// Decided.
    Decided(Box<Decided>),
}

impl Context {
    /// Why it was refused, if it was.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Refused { problem } => Problem::of_item(problem),
            Self::Decided(_) => None,
        }
    }

    /// What was decided, if it was.
    pub fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Refused { .. } => None,
            Self::Decided(decided) => Some(decided),
        }
    }
}

/// A recorded decision.
#[derive(Clone, Debug, Deserialize)]
pub struct Decided {
    /// `allowed`, `denied` or `escalated`.
    pub outcome: String,
    /// Why, in words.
    pub reason: String,
    /// Why, for programs.
    pub reason_code: String,
    /// Its id.
    pub decision_id: String,
    /// The permission as text. A secret.
    pub capability_token: Option<String>,
    /// Its id.
    pub token_id: Option<String>,
    /// The escalation it made.
    pub escalation_id: Option<String>,
    /// The entry that records it.
    pub ledger_entry_id: u64,
    /// Its hash.
    pub ledger_entry_hash: String,
    /// The whole reply, where all were to be signed together: what
    /// [`crate::offline::verify_reply`] takes.
    pub signed: Option<Json>,
}

/// Replies to many questions.
#[derive(Clone, Debug, Deserialize)]
pub struct EvaluatedAll {
    /// In the order asked, up to where the semantic ended it.
    pub evaluations: Vec<Evaluated>,
}

impl Client {
    /// Asks. Sent again until answered, under one key.
    ///
    /// # Errors
    /// Any [`Error`]; a denial is none.
    pub async fn evaluation(&self, evaluation: &Evaluation) -> Result<Reply<Evaluated>, Error> {
        let path = ["access", "v1", "evaluation"];
        let call = Call::write(Method::POST, path).body(&evaluation.to_object().into());
        self.with_any_key()?.call(&call.effect(Effect::Keyed)).await
    }

    /// Asks many, recorded in order. Sent again until answered, under one key.
    ///
    /// # Errors
    /// [`Error::Misused`] where there are none: that would be one question, with
    /// another reply. Any other [`Error`]; an item that is refused is none.
    pub async fn evaluations(&self, asked: &Evaluations) -> Result<Reply<EvaluatedAll>, Error> {
        if asked.evaluations.is_empty() {
            return Err(Error::Misused("there is nothing to evaluate".to_owned()));
        }
        let call = Call::write(Method::POST, ["access", "v1", "evaluations"])
            .effect(Effect::Keyed)
            .query("signature", asked.sign_together.then_some("batch"))
            .body(&asked.to_object().into());
        self.with_any_key()?.call(&call).await
    }

    /// A client whose next write has a key.
    fn with_any_key(&self) -> Result<Self, Error> {
        if self.has_key() { Ok(self.clone()) } else { self.with_key(&new_request_id()?) }
    }
}
