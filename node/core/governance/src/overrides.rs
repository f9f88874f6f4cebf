//! Overrides: a human's decision in the place of the policy's.
//!
//! One is active until it expires, is used up, is taken back or is not reviewed
//! in time; while it is, its decision comes to `allowed`
//! ([`crate::effective`]).
//!
//! Invariants
//! - Whoever makes one and whoever reviews it are two humans with an oversight
//!   role.
//! - [`Table::OverrideUnreviewed`] has those
//!   that nobody has reviewed, lapsed ones too, while their entry is whole.
//! - Nothing revives an override that has ended, and with one that is taken back
//!   or lapses the token it yielded ends.

mod execute;
mod review;

use types::{EntryId, Json, Object, OverrideId};

use crate::apply::Context;
use crate::deadline::{self, Due};
use crate::keys;
use crate::outcome::Corruption;
use crate::record::OverrideRecord;
use crate::store::{Store, Table};
use crate::token;

pub(crate) use execute::execute;
pub(crate) use review::{lapse, review};

/// An override is found again by its own id, its decision and what it waits for.
fn keep<S: Store>(
    context: &mut Context<'_, S>,
    id: OverrideId,
    record: &OverrideRecord,
) -> Result<(), Corruption> {
    context.tables.put_record(Table::Override, &id.0.key(), record)
}

/// Takes away what can be told of an override whose entry is erased whole. It has
/// no effect any more: what it was for is known no more.
pub(crate) fn forget<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    entry: EntryId,
    by: EntryId,
) -> Result<(), Corruption> {
    let id = data.get("override_id").and_then(Json::as_str);
    let Some(id) = id.and_then(|id| id.parse::<OverrideId>().ok()) else { return Ok(()) };
    let record: Option<OverrideRecord> = context.tables.record(Table::Override, &id.0.key())?;
    // Its review names it too, and is not where it is recorded.
    let Some(record) = record.filter(|record| record.entry_id == entry) else {
        return Ok(());
    };
    deadline::clear(context, record.review_by, Due::Override(id));
    context.tables.delete(Table::OverrideUnreviewed, &keys::timed(record.review_by, entry));
    let at = context.applied.at;
    let expires_at = Some(record.expires_at.map_or(at, |expires_at| expires_at.min(at)));
    // What it yielded goes with it: nobody could take it back any more.
    token::end_issued(context, record.decision, id, by)?;
    let record = OverrideRecord { authorized_by: String::new(), expires_at, ..record };
    keep(context, id, &record)
}
