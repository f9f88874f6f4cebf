//! Why a call gave no answer: nobody was reached, a node refused, or what came
//! back is not the contract's.

use std::fmt;
use std::time::Duration;

use types::{Json, Object};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made from these options, or the call from these
    /// arguments. Nothing was sent.
    #[error("{0}")]
    Misused(String),
    /// No node gave an answer.
    #[error("{}", unreachable_text(tried, *maybe_done))]
    Unreachable {
        /// What was tried, in order.
        tried: Vec<Attempt>,
        /// Whether a node may have carried out the call all the same.
        maybe_done: bool,
    },
    /// A node refused.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// A node refused because the session of whoever asks has ended. Log in again
    /// and ask once more: nothing else helps, and nothing was done.
    #[error("the session has ended, log in again: {0}")]
    SessionOver(Box<Problem>),
    /// An answer came that this client does not understand.
    #[error("`{url}` gave an answer that is not of the contract (status {status}): {why}")]
    NotUnderstood {
        /// The node asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// What is wrong with the answer.
        why: String,
    },
}

impl Error {
    pub(crate) fn of_refusal(problem: Box<Problem>) -> Self {
        const OVER: [&str; 2] = ["session_expired", "session_revoked"];
        match problem.status == 401 && OVER.contains(&problem.code.as_str()) {
            true => Self::SessionOver(problem),
            false => Self::Problem(problem),
        }
    }
}

/// One try that gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The node asked.
    pub url: String,
    /// What happened.
    pub why: String,
}

fn unreachable_text(tried: &[Attempt], maybe_done: bool) -> String {
    let mut shown: Vec<String> = Vec::new();
    for Attempt { url, why } in tried {
        let line = format!("`{url}`: {why}");
        if !shown.contains(&line) {
            shown.push(line);
        }
    }
    let what = match maybe_done {
        true => "no answer, and the request may have been carried out",
        false => "no node could be reached",
    };
    format!("{what} ({})", shown.join("; "))
}

/// A refusal (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable name of the kind of refusal.
    pub code: String,
    /// What is wrong, in words.
    pub detail: String,
    /// What is wrong, one by one.
    pub errors: Vec<FieldFault>,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// The body as it came.
    pub raw: Json,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// A JSON pointer into the body, or the name of a parameter or header.
    pub place: String,
    /// What kind of fault.
    pub code: String,
    /// What is wrong, in words.
    pub detail: String,
}

impl Problem {
    /// Reads the body of a refusal, or `None` where it is none.
    pub fn read(status: u16, retry_after: Option<Duration>, raw: Json) -> Option<Self> {
        let body = raw.as_object()?;
        let code = text(body, "code")?;
        let detail = text(body, "detail").or_else(|| text(body, "title")).unwrap_or_default();
        let errors = body.get("errors").and_then(Json::as_array).unwrap_or_default();
        let errors = errors.iter().filter_map(Json::as_object).map(FieldFault::read).collect();
        Some(Self { status, code, detail, errors, retry_after, raw })
    }

    /// The problem of one item among others, which says its status itself.
    pub(crate) fn of_item(problem: &Json) -> Option<Self> {
        let status = problem.as_object().and_then(|problem| problem.get("status"));
        let status = status.and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
        Self::read(status.unwrap_or(0), None, problem.clone())
    }

    /// What a node would say that has no final checkpoint as was asked for.
    pub(crate) fn not_final(detail: &str) -> Self {
        let raw = Json::object([
            ("type", "urn:lexecon:problem:not_final".into()),
            ("title", "No final checkpoint covers this yet".into()),
            ("status", 503_u64.into()),
            ("code", "not_final".into()),
            ("detail", detail.into()),
        ]);
        Self {
            status: 503,
            code: "not_final".to_owned(),
            detail: detail.to_owned(),
            errors: Vec::new(),
            retry_after: None,
            raw,
        }
    }

    /// Whether a node said that it cannot answer now and another one might.
    pub(crate) fn is_for_another_node(&self) -> bool {
        const CODES: [&str; 5] =
            ["no_leader", "outcome_unknown", "starting", "not_ready", "node_quarantined"];
        self.status == 503 && CODES.contains(&self.code.as_str())
    }

    /// Whether the refused write may be recorded all the same.
    pub(crate) fn leaves_outcome_open(&self) -> bool {
        self.code == "outcome_unknown"
    }
}

impl FieldFault {
    fn read(fault: &Object) -> Self {
        let place = ["pointer", "parameter", "header"].iter().find_map(|name| text(fault, name));
        Self {
            place: place.unwrap_or_default(),
            code: text(fault, "code").unwrap_or_default(),
            detail: text(fault, "detail").unwrap_or_default(),
        }
    }
}

fn text(object: &Object, name: &str) -> Option<String> {
    object.get(name).and_then(Json::as_str).map(str::to_owned)
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, status {})", self.detail, self.code, self.status)
    }
}
