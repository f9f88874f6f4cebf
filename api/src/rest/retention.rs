//! Records as article 12 has it: how they stand, what holds keep, what is erased,
//! and what regulators are given of them.

pub(crate) mod anonymize;
pub(crate) mod hold;
pub(crate) mod oversight;
pub(crate) mod package;
pub(crate) mod status;

mod period;
mod table;

use governance::view::{self, AsOf};
use governance::{Read, Rejection};
use types::EntryId;

pub(crate) use super::as_of::AS_OF;
use super::as_of::{asked, settled};
use super::ledger::checkpoint::{frozen, last_note};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::Problem;
use crate::reply::{Member, flag, integer, text};
use crate::routes::Op;

/// Answers what is about records.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::HoldApply => hold::apply(app, call).await,
        Op::Holds => hold::list_holds(app, &call).await,
        Op::HoldRelease => hold::release(app, call).await,
        Op::Anonymize => anonymize::anonymize(app, call).await,
        Op::RecordStatus => status::status(app, &call).await,
        Op::RegulatoryPackage => package::package(app, &call).await,
        Op::OversightPackage => oversight::package(app, &call).await,
        _ => Err(Problem::internal()),
    }
}

/// Members that say whether the ledger holds.
pub(crate) const INTEGRITY: &[Member] = &[
    flag("valid", "Whether every entry up to there holds; null while not all were hashed again.")
        .or_null(),
    integer("verified_through", "The node asked has hashed everything up to this entry again.")
        .or_null(),
    text(
        "checkpoint",
        "With `as_of` the first final checkpoint that covers that entry, else the last; frozen.",
    )
    .or_null(),
];

/// Entries that are hashed again within one request that names none.
const CATCH_UP_MAX: u64 = 1_000;

/// Whether the ledger holds up to an entry.
#[derive(Clone, Debug)]
struct Integrity {
    valid: Option<bool>,
    verified_through: Option<EntryId>,
    checkpoint: Option<String>,
}

impl Integrity {
    /// For an entry that a call names everything up to it is hashed, so that the
    /// answer is the same on every node; else as much as one request takes.
    fn of(
        read: &impl Read,
        verified: &crate::verified::Verified,
        last: EntryId,
        asked: AsOf,
    ) -> Result<Self, Problem> {
        let is_named = asked != AsOf::Head;
        let entries_max = if is_named { u64::MAX } else { CATCH_UP_MAX };
        let progress = verified.advance(read, last, entries_max)?;
        let valid = match progress.fault {
            Some(fault) if fault.id <= last => Some(false),
            Some(_) | None => progress.through.filter(|through| last <= *through).map(|_| true),
        };
        let checkpoint = match is_named {
            true => {
                view::first_final(read, last)?.map(|record| frozen(read, &record)).transpose()?
            }
            false => last_note(read)?,
        };
        let verified_through = match is_named && valid == Some(true) {
            true => Some(last),
            false => progress.through,
        };
        Ok(Self { valid, verified_through, checkpoint })
    }

    fn to_json(&self) -> types::Json {
        types::Json::object([
            ("valid", self.valid.into()),
            ("verified_through", self.verified_through.map(|id| id.0).into()),
            ("checkpoint", self.checkpoint.clone().into()),
        ])
    }
}

/// A refusal that the log gave.
fn refused(why: Rejection) -> Problem {
    why.into()
}
