//! How long records are kept: in which class an entry is, when its time is up,
//! what a legal hold keeps all the same, and erasing the rest.
//!
//! Reading order: [`class`] is what an entry is, `end` when its parts may go,
//! [`hold`] what freezes it, `anonymize` the command that erases.
//!
//! Invariants
//! - Nothing under a hold is erased, whoever asks and why: a hold wins.
//! - Nothing is erased before its time but on the request of whom it is about.
//! - A time to keep things is never shorter than the law has it: see
//!   [`RetentionDays::DEFAULT`].

pub(crate) mod anonymize;
mod candidates;
pub mod class;
pub(crate) mod end;
pub mod hold;

pub(crate) mod blocks;
pub(crate) mod held;

mod progress;
mod step;

use ledger::EntryType;
use types::{Json, Micros};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::RetentionDays;
use crate::keys;
use crate::outcome::{Corruption, Outcome, Rejection};
use crate::record::RetentionRecord;
use crate::store::{Read, Store, Table};
use crate::tables;

pub use candidates::{Candidates, Wanted, candidates};
pub use step::{ROUND, Step, step};

const DAY_SECONDS: u64 = 24 * 3600;

/// Days that can be told: a hundred years, which a time of the ledger has room for.
const DAYS_MAX: u32 = 36_500;

impl RetentionDays {
    /// How long things are kept where nobody says otherwise, and the least that
    /// can be set: six months, the least that the law has for logs of systems of
    /// high risk, and ten years, for which it wants their records at hand.
    pub const DEFAULT: Self = Self { personal: 183, high_risk: 3_650, other: 183 };

    /// The member that is out of bounds, if one is.
    pub fn fault(&self) -> Option<&'static str> {
        let of = |days: &Self| [days.personal, days.high_risk, days.other];
        let names = ["personal_days", "high_risk_days", "days"];
        let bounds = of(self).into_iter().zip(of(&Self::DEFAULT)).zip(names);
        let mut wrong = bounds.filter(|((days, least), _)| !(*least..=DAYS_MAX).contains(days));
        wrong.next().map(|(_, name)| name)
    }

    /// The same as times. Both parts never go before the personal one would.
    pub(crate) fn spans(self) -> Spans {
        let span = |days: u32| Micros::from_seconds(u64::from(days).saturating_mul(DAY_SECONDS));
        Spans {
            personal: span(self.personal),
            high_risk: span(self.high_risk.max(self.personal)),
            other: span(self.other.max(self.personal)),
        }
    }
}

/// How long parts of entries are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    pub(crate) personal: Micros,
    pub(crate) high_risk: Micros,
    pub(crate) other: Micros,
}

/// How far retention has come, and by which times.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn record(read: &impl Read) -> Result<RetentionRecord, Corruption> {
    Ok(tables::record(read, Table::Retention, keys::ONLY)?.unwrap_or_default())
}

/// How long things are kept.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn days(read: &impl Read) -> Result<RetentionDays, Corruption> {
    Ok(record(read)?.days.unwrap_or(RetentionDays::DEFAULT))
}

/// Sets how long things are kept, for the whole cluster.
pub(crate) fn set_days<S: Store>(
    context: &mut Context<'_, S>,
    days: &RetentionDays,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(member) = days.fault() {
        return Err(Rejection::OutOfBounds { member }.into());
    }
    let known = record(context.tables.read())?;
    if known.days.unwrap_or(RetentionDays::DEFAULT) == *days {
        return Ok(Outcome::Noted);
    }
    let before = known.days.unwrap_or(RetentionDays::DEFAULT);
    let told = |days: &RetentionDays| {
        Json::object([
            ("personal_days", days.personal.into()),
            ("high_risk_days", days.high_risk.into()),
            ("days", days.other.into()),
        ])
    };
    let mut data = context.asked();
    data.insert("before", told(&before));
    data.insert("retention", told(days));
    let recorded = context.record(EntryType::ConfigChanged, data)?;
    let record =
        RetentionRecord { days: Some(*days), days_entry: Some(recorded.entry_id), ..known };
    context.tables.put_record(Table::Retention, keys::ONLY, &record)?;
    Ok(Outcome::Recorded(recorded))
}
