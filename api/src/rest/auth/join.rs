//! Tokens with which nodes join.

use governance::command::{Command, IssueJoinToken};
use governance::view;
use secrecy::ExposeSecret as _;
use types::{EntryId, Micros, Object, Timestamp};

use super::replayed;
use crate::app::App;
use crate::auth::credential::Kind as CredentialKind;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::idempotency;
use crate::problem::Problem;
use crate::reply::{Member, integer, text, time};
use crate::rest::recording::{Recording, record};
use crate::secrets::Credential;

const PATH: &str = "/cluster/join-tokens";
const LIFE_SECONDS_MAX: u32 = 3600;

/// Body of `POST /cluster/join-tokens`.
pub(crate) const ISSUE: &[Field] = &[Field::optional(
    "expires_in",
    Kind::Integer { min: 1, max: 3600 },
    "Seconds in which a node may join by it.",
)
.default("3600")];

/// Its reply.
pub(crate) const REPLY: &[Member] = &[
    text("join_token", "For one node, shown once; null when a repeated request is replayed.")
        .or_null(),
    time("expires_at", "From then on it is not taken."),
    integer("ledger_entry_id", "The ledger entry that says so."),
];

/// `POST /cluster/join-tokens`.
pub(crate) async fn issue<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let body = body.into_fields();
    let expires_in_seconds = body.integer("expires_in").unwrap_or(LIFE_SECONDS_MAX);
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    if let Some(entry) = replayed(app, idempotency.as_ref())? {
        return issued(app, Recording::repeated(app, entry), expires_in_seconds, None);
    }
    let drawn = Credential::draw(CredentialKind::JoinToken)?;
    let issue = IssueJoinToken { token_hash: drawn.hash(), expires_in_seconds };
    let command = Command::IssueJoinToken(issue);
    let recording = record(app, &principal, idempotency, command).await?;
    let text = drawn.text().expose_secret();
    let text = Some(text).filter(|_| !recording.is_replayed());
    issued(app, recording, expires_in_seconds, text)
}

fn issued<B: Backend>(
    app: &App<B>,
    recording: Recording,
    seconds: u32,
    text: Option<&str>,
) -> Result<Answer, Problem> {
    let at = time_of(app, recording.entry)?;
    let end = at.checked_add(Micros::from_seconds(seconds.into())).unwrap_or(Timestamp::MAX);
    let mut reply = Object::new();
    reply.insert("join_token", text);
    reply.insert("expires_at", end.to_string());
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

fn time_of<B: Backend>(app: &App<B>, entry: EntryId) -> Result<Timestamp, Problem> {
    let entry = view::entry(&app.backend.view()?, entry)?.ok_or_else(Problem::internal)?;
    Ok(entry.header.timestamp)
}
