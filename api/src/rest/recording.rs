//! Putting a command in the log whose reply is made from the entry it records.

use governance::command::{Command, Idempotency, Principal};
use governance::{Outcome, view};
use types::{EntryId, Json, LogIndex, Object};

use super::decision::envelope_of;
use super::decision::reply::parts;
use crate::app::App;
use crate::backend::Backend;
use crate::call::Answer;
use crate::problem::{Code, Problem};

/// Where a command was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recording {
    /// The entry.
    pub(crate) entry: EntryId,
    index: LogIndex,
    replayed: bool,
}

impl Recording {
    /// What an earlier request recorded, as this node shows it.
    pub(crate) fn repeated<B: Backend>(app: &App<B>, entry: EntryId) -> Self {
        Self { entry, index: app.backend.applied_index(), replayed: true }
    }

    /// Whether an earlier request recorded it.
    pub(crate) fn is_replayed(self) -> bool {
        self.replayed
    }

    /// The answer with where it was recorded.
    pub(crate) fn answer(self, members: Object) -> Answer {
        let mut answer = Answer::json(members).at(self.index);
        answer.replayed = self.replayed;
        answer
    }
}

/// Puts a command in the log that is recorded in one entry.
pub(crate) async fn record<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    idempotency: Option<Idempotency>,
    command: Command,
) -> Result<Recording, Problem> {
    record_or_note(app, principal, idempotency, command).await?.map_err(|_| {
        tracing::error!("a command that is recorded was noted");
        Problem::internal()
    })
}

/// The same of one that says nothing new at times: then the index at which that
/// was found.
pub(crate) async fn record_or_note<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    idempotency: Option<Idempotency>,
    command: Command,
) -> Result<Result<Recording, LogIndex>, Problem> {
    let envelope = envelope_of(app, principal, idempotency, command)?;
    let committed = app.backend.submit(envelope).await?;
    let (entry, replayed) = match committed.outcome {
        Outcome::Recorded(recorded) => (recorded.entry_id, false),
        Outcome::Replayed(entry) => (entry, true),
        Outcome::Noted => return Ok(Err(committed.index)),
        Outcome::Rejected(why) => return Err(why.into()),
        other @ (Outcome::Founded(_)
        | Outcome::Decided(_)
        | Outcome::PolicyLoaded(_)
        | Outcome::NodeRegistered(_)
        | Outcome::Ticked
        | Outcome::Erased(_)
        | Outcome::Sealed(_)
        | Outcome::Cosigned(_)
        | Outcome::ScrubOpened(_)
        | Outcome::ContentReported(_)
        | Outcome::Anonymized(_)) => {
            tracing::error!(?other, "a command had an outcome that is none of its own");
            return Err(Problem::internal());
        }
    };
    Ok(Ok(Recording { entry, index: committed.index, replayed }))
}

/// `data` of an entry that was recorded now or before: whole, or not at all.
pub(crate) fn data<B: Backend>(app: &App<B>, id: EntryId) -> Result<Object, Problem> {
    let entry = view::entry(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    let erased = || Problem::new(Code::ERASED, "what this request recorded has been erased");
    match parts(&entry)?.data.filter(|_| !entry.is_erased()) {
        Some(data) => Ok(data),
        None => Err(erased()),
    }
}

/// An id that `data` of an entry has.
pub(crate) fn id<T: std::str::FromStr>(data: &Object, name: &str) -> Result<T, Problem> {
    let text = data.get(name).and_then(Json::as_str);
    text.and_then(|text| text.parse().ok()).ok_or_else(Problem::internal)
}
