//! Lifting an emergency stop.

use governance::command::{Command, LiftStop};
use types::{Object, StopId};

use super::intervention::REASON;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::Field;
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, integer, text};
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording;

/// Body of `POST /compliance/eu-ai-act/article-14/stops/{stop_id}/lift`.
pub(crate) const LIFT: &[Field] = &[
    Field::required("reason", REASON, "Why it ends."),
    Field::optional("lifted_by", HUMAN_ID, "Who lifts it; required where nobody authenticates."),
];

/// Reply of `POST /compliance/eu-ai-act/article-14/stops/{stop_id}/lift`.
pub(crate) const REPLY: &[Member] = &[
    text("stop_id", "The stop."),
    text("status", "`lifted`"),
    integer("ledger_entry_id", "The ledger entry that says so."),
];

/// `POST /compliance/eu-ai-act/article-14/stops/{stop_id}/lift`.
pub(crate) async fn lift<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let unknown = |_| Problem::new(Code::UNKNOWN_STOP, "no such stop is recorded");
    let stop: StopId = path.parse().map_err(unknown)?;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| {
        let path = format!("/compliance/eu-ai-act/article-14/stops/{stop}/lift");
        idempotency::record(&principal, key, &path, body.members())
    });
    let principal = named::required(app, principal, &body, "lifted_by")?;
    let reason = body.text("reason").unwrap_or_default();
    let command = Command::LiftStop(LiftStop { stop, reason });
    let recording = recording::record(app, &principal, idempotency, command).await?;
    let data = recording::data(app, recording.entry)?;
    let stop: StopId = recording::id(&data, "stop_id")?;
    let mut reply = Object::new();
    reply.insert("stop_id", stop.to_string());
    reply.insert("status", "lifted");
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}
