//! Asking about the past: the parameter `as_of` of sections 11 and 12.

use governance::Read;
use governance::view::{self, AsOf};
use types::{EntryId, Timestamp};

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

fn beyond() -> Problem {
    let detail = "there is no such entry yet, or none so early";
    Problem::fault(Fault::parameter("as_of", "out_of_range", detail))
}
