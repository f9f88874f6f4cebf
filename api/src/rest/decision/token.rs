//! A token for what a decision has come to after it was made.

use governance::command::{Command, IssueToken};
use governance::view;
use types::{DecisionId, Json};

use super::reply::{Recorded, parts, place, token_text};
use super::{DEFAULT_LIFE_SECONDS, actor_of_entry};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, integer, text, time};
use crate::rest::recording::{self, record};

/// Body of `POST /decisions/{decision_id}/token`.
pub(crate) const ISSUE: &[Field] = &[Field::optional(
    "expires_in",
    Kind::Integer { min: 1, max: 86_400 },
    "Life of the token in seconds; it never outlives the override it rests on.",
)
.default("300")];

/// Reply of `POST /decisions/{decision_id}/token`.
pub(crate) const ISSUE_REPLY: &[Member] = &[
    text("capability_token", "The token's text, minted by the answering node."),
    text("token_id", "The token."),
    time("token_expires_at", "When it ends by itself."),
    text("decision_id", "What it permits is what this decision was about."),
    text("basis", "What it rests on: `decision`, `escalation` or `override`."),
    text("basis_id", "Which one."),
    integer("ledger_entry_id", "The entry that grants it."),
];

/// `POST /decisions/{decision_id}/token`.
pub(crate) async fn issue<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { route, path, body, key, principal, authority, .. } = call;
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let decision: DecisionId = path.parse().map_err(|_| unknown())?;
    let actor = {
        let read = app.backend.view()?;
        let entry = view::decision_entry(&read, decision)?.ok_or_else(unknown)?;
        actor_of_entry(&read, entry)?
    };
    authority.permits(route.who, actor.as_deref())?;
    let body = body.into_fields();
    let idempotency = key.map(|key| {
        let path = format!("/decisions/{decision}/token");
        idempotency::record(&principal, key, &path, body.members())
    });
    let expires_in_seconds = body.integer("expires_in").unwrap_or(DEFAULT_LIFE_SECONDS);
    let command = Command::IssueToken(IssueToken { decision, expires_in_seconds });
    let recording = record(app, &principal, idempotency, command).await?;
    let granted = granted(app, &recording)?;
    let text = token_text(app, &granted)?.ok_or_else(Problem::internal)?;
    let mut reply = types::Object::new();
    for name in ["token_id", "token_expires_at", "decision_id", "basis", "basis_id"] {
        reply.insert(name, granted.data.get(name).cloned().unwrap_or_default());
    }
    reply.insert("capability_token", Json::String(text));
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

/// The grant as the ledger has it, for the text is kept nowhere.
fn granted<B: Backend>(
    app: &App<B>,
    recording: &recording::Recording,
) -> Result<Recorded, Problem> {
    let entry = view::entry(&app.backend.view()?, recording.entry)?;
    let entry = entry.ok_or_else(Problem::internal)?;
    let erased = || Problem::new(Code::ERASED, "what this request recorded has been erased");
    let data = parts(&entry)?.data.ok_or_else(erased)?;
    Ok(Recorded { place: place(&entry), data, personal: None, replayed: false })
}
