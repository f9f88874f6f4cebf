//! Decisions: may this actor do this, now?
//!
//! A request to decide always has an idempotency key, so it may be sent again
//! until an answer comes: the caller's `request_id`, or one made here.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object, RequestUlid, Ulid};

use crate::call::{Call, Effect};
use crate::error::{Error, Problem};
use crate::ledger::Order;
use crate::reply::Reply;
use crate::transport::Client;

/// A question. What is `None` or empty is left to the node's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// Who wants to act.
    pub actor: String,
    /// What it wants to do.
    pub action: String,
    /// What the policy may look at.
    pub context: Object,
    /// Idempotency key; made here where there is none.
    pub request_id: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// With what.
    pub tool: Option<String>,
    /// What the user asked for.
    pub user_intent: Option<String>,
    /// Classes of the data concerned.
    pub data_classes: Vec<String>,
    /// Points 0..100 by dimension.
    pub risk: Option<Object>,
    /// 1..5.
    pub risk_level: Option<u32>,
    /// Judge more strictly than the policy in force.
    pub policy_mode: Option<String>,
    /// Life of the token in seconds.
    pub expires_in: Option<u32>,
    /// Evaluate and record nothing.
    pub dry_run: bool,
}

impl Question {
    /// May `actor` do `action`?
    pub fn new(actor: impl Into<String>, action: impl Into<String>) -> Self {
        Self { actor: actor.into(), action: action.into(), ..Self::default() }
    }

    /// The body that asks it.
    pub fn to_object(&self) -> Object {
        let mut body = Object::new();
        body.insert("actor", self.actor.as_str());
        body.insert("action", self.action.as_str());
        body.insert("context", self.context.clone());
        let texts = [
            ("request_id", &self.request_id),
            ("resource", &self.resource),
            ("tool", &self.tool),
            ("user_intent", &self.user_intent),
            ("policy_mode", &self.policy_mode),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name, text.as_str());
            }
        }
        for (name, number) in [("risk_level", self.risk_level), ("expires_in", self.expires_in)] {
            if let Some(number) = number {
                body.insert(name, number);
            }
        }
        if !self.data_classes.is_empty() {
            body.insert("data_classes", self.data_classes.clone());
        }
        if let Some(risk) = &self.risk {
            body.insert("risk", risk.clone());
        }
        if self.dry_run {
            body.insert("dry_run", true);
        }
        body
    }
}

/// Reply to a question. The ids are `None` in a dry run.
#[derive(Clone, Debug, Deserialize)]
pub struct Decision {
    /// `allowed`, `denied` or `escalated`.
    pub outcome: String,
    /// Whether the outcome is `allowed`.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// Why, for programs.
    pub reason_code: String,
    /// Its id.
    pub decision_id: Option<String>,
    /// The idempotency key.
    pub request_id: Option<String>,
    /// Who wanted to act.
    pub actor: String,
    /// What it wanted to do.
    pub action: String,
    /// The permission as text. A secret.
    pub capability_token: Option<String>,
    /// Its id.
    pub token_id: Option<String>,
    /// When it ends.
    pub token_expires_at: Option<String>,
    /// The entry that records the decision.
    pub ledger_entry_id: Option<u64>,
    /// Its hash.
    pub ledger_entry_hash: Option<String>,
    /// The policy it was judged by.
    pub policy_version: u64,
    /// Its hash.
    pub policy_hash: String,
    /// The mode it was judged by.
    pub policy_mode: String,
    /// The risk it was judged to be.
    pub risk: Risk,
    /// The escalation it made.
    pub escalation_id: Option<String>,
    /// When it was decided.
    pub timestamp: String,
    /// Whether nothing was recorded.
    pub dry_run: bool,
}

/// How risky an action was judged to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Risk {
    /// 1..100.
    pub score: u32,
    /// `low`, `medium`, `high` or `critical`.
    pub level: String,
    /// What it was computed from.
    pub basis: String,
}

/// Reply to a batch.
#[derive(Clone, Debug, Deserialize)]
pub struct Batch {
    /// How many results.
    pub count: u64,
    /// In the order asked.
    pub results: Vec<BatchItem>,
}

/// One result of a batch.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum BatchItem {
    /// Refused; the others stand.
    Refused {
        /// The problem document.
        problem: Json,
    },
    /// Decided.
    Decided(Box<Decision>),
}

impl BatchItem {
    /// Why it was refused, if it was.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Refused { problem } => Problem::of_item(problem),
            Self::Decided(_) => None,
        }
    }
}

/// How a batch is signed and what it carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchOptions {
    /// One signature over all, with a path in each reply.
    pub sign_together: bool,
    /// Leave the token texts out; repeating an item gives its text.
    pub tokens_later: bool,
}

/// Reply to the verification of a decision reply.
#[derive(Clone, Debug, Deserialize)]
pub struct Verification {
    /// Whether no check failed.
    pub verified: bool,
    /// The first that failed, or `ok`.
    pub reason_code: String,
    /// Members that differ from what is recorded.
    pub mismatched_fields: Vec<String>,
}

/// A recorded decision and its present effect.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedDecision {
    /// Its id.
    pub decision_id: String,
    /// What was decided.
    pub outcome: String,
    /// What holds now.
    pub effective_outcome: String,
    /// Why that holds: `decision`, `escalation` or `override`.
    pub effective_basis: String,
    /// Its overrides, oldest first.
    #[serde(default)]
    pub override_ids: Vec<String>,
    /// Why, in words.
    pub reason: String,
    /// Who wanted to act.
    pub actor: String,
    /// What it wanted to do.
    pub action: String,
    /// The entry that records it.
    pub ledger_entry_id: u64,
    /// When it was decided.
    pub timestamp: String,
}

/// Which decisions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecisionsQuery {
    /// Decisions of a page, 1..1000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<u64>,
    /// About this actor alone.
    pub actor: Option<String>,
    /// On this action alone.
    pub action: Option<String>,
    /// `allowed`, `denied` or `escalated` alone.
    pub outcome: Option<String>,
    /// Not before this time.
    pub from: Option<String>,
    /// Before this time.
    pub to: Option<String>,
    /// In which order; `after` follows it.
    pub order: Order,
}

/// One page of decisions.
#[derive(Clone, Debug, Deserialize)]
pub struct Decisions {
    /// In the order asked for; those that are erased as a whole are not there.
    pub decisions: Vec<RecordedDecision>,
    /// How many match.
    pub total: u64,
    /// Whether `total` was counted to the end.
    pub total_exact: bool,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
}

/// Reply to a request to judge a recorded decision again.
#[derive(Clone, Debug, Deserialize)]
pub struct Replay {
    /// Which decision.
    pub decision_id: String,
    /// Whether it comes out as recorded; `None` where that cannot be told.
    pub identical: Option<bool>,
    /// Why it cannot be told.
    pub unreplayable: Option<String>,
    /// The policy it was judged by.
    pub policy_version: u64,
    /// Its hash.
    pub policy_hash: String,
    /// What the language meant then.
    pub engine_version: u64,
    /// What is recorded.
    pub recorded: Judgement,
    /// What came of it now.
    pub replayed: Option<Judgement>,
    /// What differs.
    pub differences: Vec<Json>,
}

/// A token for what a decision has come to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Issued {
    /// The permission as text. A secret.
    pub capability_token: String,
    /// Its id.
    pub token_id: String,
    /// When it ends.
    pub token_expires_at: String,
    /// The decision.
    pub decision_id: String,
    /// What it rests on: `decision`, `escalation` or `override`.
    pub basis: String,
    /// Which one.
    pub basis_id: String,
    /// The entry that grants it.
    pub ledger_entry_id: u64,
}

/// An outcome and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Judgement {
    /// `allowed`, `denied` or `escalated`.
    pub outcome: String,
    /// Why, for programs.
    pub reason_code: String,
}

impl Client {
    /// Asks. Sent again until answered, under one request id.
    ///
    /// # Errors
    /// Any [`Error`]; a denial is none.
    pub async fn decide(&self, question: &Question) -> Result<Reply<Decision>, Error> {
        self.decide_body(question.to_object()).await
    }

    /// As [`Client::decide`], with a body made elsewhere.
    ///
    /// # Errors
    /// Any [`Error`]; a denial is none.
    pub async fn decide_body(&self, body: Object) -> Result<Reply<Decision>, Error> {
        let body = self.keyed(body)?;
        let effect = if records_nothing(&body) { Effect::Read } else { Effect::Keyed };
        let call = Call::write(Method::POST, ["decide"]).body(&body.into());
        self.call(&call.effect(effect)).await
    }

    /// Asks up to 1000 questions, recorded in order.
    ///
    /// # Errors
    /// Any [`Error`]; an item that is refused is none.
    pub async fn decide_batch(
        &self,
        questions: &[Question],
        options: BatchOptions,
    ) -> Result<Reply<Batch>, Error> {
        let items = questions.iter().map(|question| self.keyed(question.to_object()));
        let items: Vec<Object> = items.collect::<Result<_, _>>()?;
        let body = Json::object([("requests", items.into())]);
        let call = Call::write(Method::POST, ["decide", "batch"])
            .effect(Effect::Keyed)
            .query("signature", options.sign_together.then_some("batch"))
            .query("tokens", options.tokens_later.then_some("later"))
            .body(&body);
        self.call(&call).await
    }

    /// Has a node compare a decision reply with what is recorded. Without
    /// trusting any: [`crate::offline::verify_reply`].
    ///
    /// # Errors
    /// Any [`Error`]; a reply that is not genuine is none.
    pub async fn decide_verify(&self, reply: &Json) -> Result<Reply<Verification>, Error> {
        self.call(&Call::ask(["decide", "verify"], reply)).await
    }

    /// A recorded decision.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn decision(&self, decision_id: &str) -> Result<Reply<RecordedDecision>, Error> {
        self.call(&Call::get(["decisions", decision_id])).await
    }

    /// One page of recorded decisions.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn decisions(&self, query: &DecisionsQuery) -> Result<Reply<Decisions>, Error> {
        let call = Call::get(["decisions"])
            .query("limit", query.limit)
            .query("after", query.after)
            .query("actor", query.actor.as_ref())
            .query("action", query.action.as_ref())
            .query("outcome", query.outcome.as_ref())
            .query("from", query.from.as_ref())
            .query("to", query.to.as_ref())
            .query("order", (query.order != Order::Ascending).then_some(query.order));
        self.call(&call).await
    }

    /// Judges a recorded decision again, by the policy it was judged by.
    ///
    /// # Errors
    /// Any [`Error`]; another outcome is none.
    pub async fn decision_replay(&self, decision_id: &str) -> Result<Reply<Replay>, Error> {
        self.call(&Call::get(["decisions", decision_id, "replay"])).await
    }

    /// A token for what a decision has come to, for so many seconds (300 when
    /// absent). It is sent once unless the client has a key.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn decision_token(
        &self,
        decision_id: &str,
        expires_in: Option<u32>,
    ) -> Result<Reply<Issued>, Error> {
        let mut body = Object::new();
        if let Some(expires_in) = expires_in {
            body.insert("expires_in", expires_in);
        }
        let call = Call::write(Method::POST, ["decisions", decision_id, "token"]);
        self.call(&call.body(&body.into())).await
    }

    /// The body with a request id. The caller's key, where the client has one,
    /// is the key; a second one made here would make each repetition differ.
    fn keyed(&self, mut body: Object) -> Result<Object, Error> {
        let has_id = body.get("request_id").is_some_and(|id| !id.is_null());
        if !has_id && !self.has_key() {
            body.insert("request_id", new_request_id()?);
        }
        Ok(body)
    }
}

fn records_nothing(body: &Object) -> bool {
    body.get("dry_run").and_then(Json::as_bool) == Some(true)
}

/// An id as a node makes them, unique without asking one.
pub(crate) fn new_request_id() -> Result<String, Error> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Misused(format!("cannot draw a request id: {error}")))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    Ok(RequestUlid(Ulid::from_parts(millis, random)).to_string())
}
