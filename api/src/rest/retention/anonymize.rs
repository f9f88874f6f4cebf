//! Erasing what need not be kept any more, and what somebody wants gone.
//!
//! What may go is found here and judged again when it is applied. One request
//! carries out so many commands, of 1,000 entries each; what is left over is left
//! for the next one, and the counts of the answer say so.

use std::time::{Duration, Instant};

use governance::Outcome;
use governance::command::{Anonymize, Anonymized, Command, EntryRange, ErasedPart, ErasureCause};
use governance::command::{Idempotency, Principal};
use governance::erasure::ENTRIES_MAX;
use governance::retention::{self, Candidates, Wanted};
use governance::view;
use types::{EntryId, IncidentId, LogIndex, Object, SystemId, Timestamp};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Checked, Field, Kind};
use crate::idempotency;
use crate::problem::{Fault, Problem};
use crate::reply::{Member, flag, integer, text};
use crate::rest::decision::{ACTOR, envelope_of};
use crate::rest::recording;

pub(crate) const PATH: &str = "/compliance/eu-ai-act/article-12/anonymize";

/// Commands of one request.
const COMMANDS_MAX: u64 = 50;

/// Entries that are judged one by one for one request.
const LOOKED_AT_MAX: usize = 100_000;

/// How long a request goes on to begin commands.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Body of `POST /compliance/eu-ai-act/article-12/anonymize`.
pub(crate) const BODY: &[Field] = &[
    Field::optional("dry_run", Kind::Bool, "Count, and erase nothing.").default("false"),
    Field::optional(
        "part",
        Kind::Word(&["personal", "all"]),
        "What is erased of each record: the personal part, or both parts.",
    )
    .default("\"personal\""),
    Field::optional(
        "subject",
        Kind::Text(ACTOR),
        "Records about this actor alone, at once: how long they would be kept does not count. Or \
         the id of an AI system or of an incident: personal parts of the records about it go, \
         also while it is in use or open.",
    ),
    Field::optional("before", Kind::Time, "Records earlier than this alone."),
];

/// Reply of `POST /compliance/eu-ai-act/article-12/anonymize`.
pub(crate) const REPLY: &[Member] = &[
    flag("dry_run", "Whether nothing was erased."),
    text("part", "`personal` or `all`."),
    integer("candidates", "Records with something to erase."),
    integer(
        "anonymized",
        "Of these, erased; with `dry_run` those that would be. One request erases 50,000 at most: \
         where it is less than the candidates without those skipped, ask again.",
    ),
    integer("skipped_under_hold", "Kept by a legal hold."),
    integer("skipped_in_retention", "Not old enough, or about what lives still."),
    integer(
        "not_looked_at",
        "Records with such a part past the 100,000 that one request looks at: no candidates, and \
         in no other count. What retention erases by itself needs no further request.",
    ),
    integer("ledger_entry_id", "The last ledger entry that names what was erased; null for none.")
        .or_null(),
];

/// `POST /compliance/eu-ai-act/article-12/anonymize`.
pub(crate) async fn anonymize<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let key = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let asked = asked(app, &mut body)?;
    if let Some(entry) = before(app, key.as_ref(), asked.dry_run)? {
        return replayed(app, entry);
    }
    let (read, wanted) = (app.backend.view()?, asked.clone());
    let found = app.audit(move || find(&read, &wanted)).await?;
    if asked.dry_run {
        return Ok(Answer::json(shown(&asked, &found, found.counts, None)));
    }
    let done = Run { app, principal, key, asked: &asked, found: &found }.carry_out().await?;
    if let Some(entry) = done.replayed {
        return replayed(app, entry);
    }
    let mut answer = Answer::json(shown(&asked, &found, done.counts, done.entry));
    answer.index = done.index;
    Ok(answer)
}

/// What is asked for.
#[derive(Clone, Debug)]
struct Asked {
    dry_run: bool,
    part: ErasedPart,
    subject: Option<String>,
    before: Option<Timestamp>,
    now: Timestamp,
}

fn asked<B: Backend>(app: &App<B>, body: &mut Checked) -> Result<Asked, Problem> {
    let now = view::head(&app.backend.view()?)?.at;
    let before = body.time("before");
    if before.is_some_and(|before| now.max(app.backend.now()) < before) {
        let detail = "must not be in the future";
        return Err(Problem::fault(Fault::at("/before", "out_of_range", detail)));
    }
    let part = match body.word("part") {
        Some("all") => ErasedPart::All,
        Some(_) | None => ErasedPart::Personal,
    };
    let subject = body.text("subject");
    let is_thing = |subject: &String| {
        subject.parse::<SystemId>().is_ok() || subject.parse::<IncidentId>().is_ok()
    };
    if part == ErasedPart::All && subject.as_ref().is_some_and(is_thing) {
        let detail = "must be `personal` where `subject` is an AI system or an incident: the rest \
                      of its records is kept for as long as the law wants";
        return Err(Problem::fault(Fault::at("/part", "conflicting_values", detail)));
    }
    Ok(Asked { dry_run: body.flag("dry_run"), part, subject, before, now })
}

fn find(read: &impl governance::Read, asked: &Asked) -> Result<Candidates, Problem> {
    let ids_max = usize::try_from(COMMANDS_MAX.saturating_mul(ENTRIES_MAX)).unwrap_or(usize::MAX);
    let wanted = Wanted {
        part: asked.part,
        subject: asked.subject.as_deref(),
        before: asked.before,
        now: asked.now,
        ids_max,
        looked_at_max: LOOKED_AT_MAX,
    };
    Ok(retention::candidates(read, &wanted)?)
}

/// The entry of an earlier request under the same key. Nothing is counted again:
/// what it erased is no candidate any more.
fn before<B: Backend>(
    app: &App<B>,
    key: Option<&Idempotency>,
    dry_run: bool,
) -> Result<Option<EntryId>, Problem> {
    let Some(key) = key.filter(|_| !dry_run) else { return Ok(None) };
    let read = app.backend.view()?;
    let now = view::head(&read)?.at;
    match view::command(&read, key, now)? {
        Some((entry, digest)) if digest == key.body_digest => Ok(Some(entry)),
        Some(_) => {
            let key = key.key.clone();
            Err(governance::Rejection::IdempotencyConflict { key }.into())
        }
        None => Ok(None),
    }
}

/// The answer of an earlier request, as its last run tells it.
fn replayed<B: Backend>(app: &App<B>, entry: EntryId) -> Result<Answer, Problem> {
    let data = recording::data(app, entry)?;
    let mut reply = Object::new();
    reply.insert("dry_run", false);
    for name in [
        "part",
        "candidates",
        "anonymized",
        "skipped_under_hold",
        "skipped_in_retention",
        "not_looked_at",
    ] {
        reply.insert(name, data.get(name).cloned().unwrap_or_default());
    }
    reply.insert("ledger_entry_id", entry.0);
    let mut answer = Answer::json(reply).at(app.backend.applied_index());
    answer.replayed = true;
    Ok(answer)
}

/// One request, command by command.
struct Run<'a, B: Backend> {
    app: &'a App<B>,
    principal: Principal,
    key: Option<Idempotency>,
    asked: &'a Asked,
    found: &'a Candidates,
}

/// What came of it.
#[derive(Debug, Default)]
struct Done {
    counts: Anonymized,
    entry: Option<EntryId>,
    index: Option<LogIndex>,
    /// The same request was recorded meanwhile.
    replayed: Option<EntryId>,
}

impl<B: Backend> Run<'_, B> {
    async fn carry_out(self) -> Result<Done, Problem> {
        let size = usize::try_from(ENTRIES_MAX).unwrap_or(usize::MAX);
        let pieces: Vec<&[EntryId]> = self.found.ids.chunks(size).collect();
        // What was skipped is known from the start; the commands count what goes.
        let skipped = Anonymized { anonymized: 0, ..self.found.counts };
        let mut done = Done { counts: skipped, ..Done::default() };
        let begun = Instant::now();
        for (at, piece) in pieces.iter().enumerate() {
            let is_last = at.saturating_add(1) == pieces.len() || TIME_MAX <= begun.elapsed();
            // The key belongs to the last run, whose entry tells what it all came to.
            let key = self.key.clone().filter(|_| is_last);
            self.step(piece, key, &mut done).await?;
            if is_last || done.replayed.is_some() {
                break;
            }
        }
        Ok(done)
    }

    async fn step(
        &self,
        ids: &[EntryId],
        key: Option<Idempotency>,
        done: &mut Done,
    ) -> Result<(), Problem> {
        let command = Command::Anonymize(Box::new(Anonymize {
            part: self.asked.part,
            ranges: ranges(ids),
            cause: ErasureCause::Request,
            subject: self.asked.subject.clone(),
            next: None,
            before: done.counts,
            candidates: self.found.counts.candidates(),
            not_looked_at: self.found.not_looked_at,
        }));
        let envelope = envelope_of(self.app, &self.principal, key, command)?;
        let committed = self.app.backend.submit(envelope).await?;
        done.index = Some(committed.index);
        match committed.outcome {
            Outcome::Anonymized(run) => {
                done.counts = done.counts.plus(run.counts);
                done.entry = run.recorded.map(|recorded| recorded.entry_id).or(done.entry);
                Ok(())
            }
            Outcome::Replayed(entry) => {
                done.replayed = Some(entry);
                Ok(())
            }
            Outcome::Rejected(why) => Err(why.into()),
            other => {
                tracing::error!(?other, "an erasure had an outcome that is none of its own");
                Err(Problem::internal())
            }
        }
    }
}

/// Ids as ranges.
fn ranges(ids: &[EntryId]) -> Vec<EntryRange> {
    let mut ranges: Vec<EntryRange> = Vec::new();
    for id in ids {
        match ranges.last_mut() {
            Some(last) if last.to.0.saturating_add(1) == id.0 => last.to = *id,
            Some(_) | None => ranges.push(EntryRange { from: *id, to: *id }),
        }
    }
    ranges
}

fn shown(asked: &Asked, found: &Candidates, counts: Anonymized, entry: Option<EntryId>) -> Object {
    let candidates = found.counts.candidates().max(counts.candidates());
    let mut reply = Object::new();
    reply.insert("dry_run", asked.dry_run);
    reply.insert("part", asked.part.as_str());
    reply.insert("candidates", candidates);
    reply.insert("anonymized", counts.anonymized);
    reply.insert("skipped_under_hold", counts.skipped_under_hold);
    reply.insert("skipped_in_retention", counts.skipped_in_retention);
    reply.insert("not_looked_at", found.not_looked_at);
    reply.insert("ledger_entry_id", entry.map(|entry| entry.0));
    reply
}
