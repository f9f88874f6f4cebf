//! Asking about the past: the parameter `as_of` of sections 11 and 12.

use std::time::{Duration, Instant};

use governance::view::{self, AsOf};
use governance::{Corruption, Read};
use types::{EntryId, LogIndex, Timestamp};

use crate::app::App;
use crate::backend::Backend;
use crate::call::Call;
use crate::fields::{Field, Kind, Text};
use crate::problem::{Code, Fault, Problem};

/// The parameter.
pub(crate) const AS_OF: Field = Field::optional(
    "as_of",
    Kind::Text(Text::any(64)),
    "An entry id, or a time: answers from the entries up to it, or up to the last one not later.",
);

/// Up to where a call asks.
pub(crate) fn asked(call: &Call) -> Result<AsOf, Problem> {
    Ok(call.query.word("as_of").map(parse).transpose()?.unwrap_or(AsOf::Head))
}

/// An entry id in digits, else a time.
fn parse(text: &str) -> Result<AsOf, Problem> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(|id| AsOf::Entry(EntryId(id))).map_err(|_| beyond());
    }
    let wrong = |_| {
        let fault = Fault::parameter("as_of", "bad_format", "must be an entry id or a time");
        Problem::fault(fault)
    };
    text.parse::<Timestamp>().map(AsOf::Time).map_err(wrong)
}

/// The last entry that counts.
pub(crate) fn last(read: &impl Read, asked: AsOf) -> Result<EntryId, Problem> {
    view::as_of(read, asked)?.ok_or_else(|| match asked {
        AsOf::Head => Problem::new(Code::STARTING, "the cluster has no genesis yet"),
        AsOf::Entry(_) | AsOf::Time(_) => beyond(),
    })
}

/// When what is asked as of an entry is asked.
pub(crate) fn time_of(read: &impl Read, entry: EntryId) -> Result<Timestamp, Problem> {
    let missing = || Corruption::new("header", format!("entry {entry} is missing"));
    Ok(view::entry(read, entry)?.ok_or_else(missing)?.header.timestamp)
}

/// How long a checkpoint is waited for, and how often it is looked for.
const WAIT_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// Left for the answer itself.
const MARGIN: Duration = Duration::from_millis(500);

/// Waits until a final checkpoint covers the entry that a call names, if it names
/// one. Which one a time means is found once: that of a time to come would move on
/// with every entry, and the checkpoint behind it.
pub(crate) async fn settled<B: Backend>(app: &App<B>, asked: AsOf) -> Result<EntryId, Problem> {
    let limit = WAIT_MAX.min(app.config.request_timeout.saturating_sub(MARGIN));
    let deadline = Instant::now() + limit;
    let entry = last(&app.backend.view()?, asked)?;
    if asked == AsOf::Head {
        return Ok(entry);
    }
    loop {
        let applied = app.backend.applied_index();
        if view::first_final(&app.backend.view()?, entry)?.is_some() {
            return Ok(entry);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Problem::new(Code::NOT_FINAL, "no final checkpoint covers this entry yet"));
        }
        app.backend.wait_applied(LogIndex(applied.0.saturating_add(1)), left).await;
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}

fn beyond() -> Problem {
    let detail = "there is no such entry yet, or none so early";
    Problem::fault(Fault::parameter("as_of", "out_of_range", detail))
}
