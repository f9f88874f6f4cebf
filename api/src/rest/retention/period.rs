//! The period that a package is about, and the form it is wanted in.

use std::ops::Range;

use governance::{Read, view};
use types::{EntryId, Json, Timestamp};

use crate::call::{Call, Form};
use crate::fields::{Field, Kind, Text};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, time};

/// Records of one package: what a reply may hold. A longer period is asked for in
/// pieces.
pub(super) const RECORDS_MAX: u64 = 10_000;

/// Query of a package, less `as_of`.
pub(super) const FORMAT: Field = Field::optional(
    "format",
    Kind::Text(Text::any(16)),
    "The form; unless it is told, what the caller accepts, else `json`.",
);
pub(super) const FROM: Field = Field::optional("from", Kind::Time, "Not earlier than this.");
pub(super) const TO: Field = Field::optional("to", Kind::Time, "Earlier than this.");

/// Members of `period`.
pub(super) const PERIOD: &[Member] = &[
    time("from", "Not earlier; null from the first entry on.").or_null(),
    time("to", "Earlier; null up to the last entry.").or_null(),
];

/// A form of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Markdown,
    Csv,
}

impl Format {
    /// The form that a call wants, of those that there are.
    pub(super) fn of(call: &Call, formats: &[Self]) -> Result<Self, Problem> {
        let Some(word) = call.query.word("format").map(str::to_ascii_lowercase) else {
            return Ok(match call.form {
                Form::Json => Self::Json,
                Form::Media => Self::Markdown,
            });
        };
        let found = formats.iter().find(|format| format.as_str() == word);
        found.copied().ok_or_else(|| {
            let names: Vec<String> =
                formats.iter().map(|format| format!("`{}`", format.as_str())).collect();
            let detail = format!("`format` may be {}", names.join(" or "));
            Problem::new(Code::UNSUPPORTED_FORMAT, detail)
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
        }
    }
}

/// A span of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

impl Period {
    /// That of a call, which must not end before it begins.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let (from, to) = (call.query.time("from"), call.query.time("to"));
        if from.zip(to).is_some_and(|(from, to)| to <= from) {
            let fault = Fault::parameter("to", "out_of_range", "must be later than `from`");
            return Err(Problem::fault(fault));
        }
        Ok(Self { from, to })
    }

    /// Ids of its entries up to one.
    pub(super) fn ids(self, read: &impl Read, last: EntryId) -> Result<Range<u64>, Problem> {
        let ids = view::ids_between(read, self.from, self.to)?;
        let end = ids.end.min(last.0.saturating_add(1));
        Ok(ids.start.min(end)..end)
    }

    pub(super) fn to_json(self) -> Json {
        Json::object([
            ("from", self.from.map(|from| from.to_string()).into()),
            ("to", self.to.map(|to| to.to_string()).into()),
        ])
    }

    pub(super) fn to_text(self) -> String {
        let or = |at: Option<Timestamp>, none: &str| {
            at.map_or_else(|| none.to_owned(), |at| at.to_string())
        };
        format!("{} to {}", or(self.from, "the first entry"), or(self.to, "the last entry"))
    }
}

/// Bytes of the entries of one package.
const BYTES_MAX: usize = 32 << 20;

/// How much of what one reply may hold is taken.
#[derive(Debug, Default)]
pub(super) struct Room(usize);

impl Room {
    /// Takes what an entry needs.
    pub(super) fn take(&mut self, entry: &ledger::StoredEntry) -> Result<(), Problem> {
        let size = |part: &Option<ledger::Part>| part.as_ref().map_or(0, |part| part.text.len());
        self.0 = self.0.saturating_add(size(&entry.data)).saturating_add(size(&entry.personal));
        if self.0 <= BYTES_MAX {
            return Ok(());
        }
        let detail =
            "the records of the period are too large for one package: ask for it in pieces";
        Err(Problem::fault(Fault::parameter("from", "out_of_range", detail)))
    }
}

/// Refuses a period with more than one reply holds.
pub(super) fn check_size(count: u64, of: &str) -> Result<(), Problem> {
    if count <= RECORDS_MAX {
        return Ok(());
    }
    let detail = format!(
        "the period has {count} {of}, and one package holds {RECORDS_MAX}: ask for it in pieces"
    );
    Err(Problem::fault(Fault::parameter("from", "out_of_range", detail)))
}
