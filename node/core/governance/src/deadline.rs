//! What ends by itself when its time has come, and the sweep that ends it.
//!
//! Invariants
//! - What has a deadline has one row here until it ends, by the sweep or before.
//! - The sweep runs within a [`crate::Command::Tick`] by applied time, records
//!   one entry for each thing it ends that anybody could see, and never approves
//!   anything.

use types::{EscalationId, ExportId, OverrideId, SessionId, Timestamp, Ulid};

use crate::apply::{Context, Stop};
use crate::outcome::{Corruption, Outcome};
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{escalation, evidence, export, login, overrides, session};

/// Things that one tick ends; what is left is due at the next.
const SWEPT_MAX: usize = 100;

/// Something that ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nobody answers it in time.
    Escalation(EscalationId),
    /// Nobody reviews it in time.
    Override(OverrideId),
    /// Nobody registers it in time.
    Upload(Ulid),
    /// A session ends, however it is used.
    Session(SessionId),
    /// Nobody brings its second factor in time: the first half of its hash.
    Challenge(Ulid),
    /// Failed logins are recorded, or forgotten: the first half of their pair.
    LoginPair(Ulid),
    /// Another node takes it over.
    Export(ExportId),
}

impl Due {
    /// Kind and id, as they stand in a key: never renumber, only append.
    fn parts(self) -> (u8, Ulid) {
        match self {
            Self::Escalation(id) => (1, id.0),
            Self::Override(id) => (2, id.0),
            Self::Upload(id) => (3, id),
            Self::Session(id) => (4, id.0),
            Self::Challenge(half) => (5, half),
            Self::LoginPair(half) => (6, half),
            Self::Export(id) => (10, id.0),
        }
    }

    fn key(self, at: Timestamp) -> Vec<u8> {
        let (kind, id) = self.parts();
        let mut key = at.0.to_be_bytes().to_vec();
        key.push(kind);
        key.extend_from_slice(&id.key());
        key
    }

    fn read(key: &[u8]) -> Option<(Timestamp, Self)> {
        let (at, rest) = key.split_first_chunk::<8>()?;
        let (kind, id) = rest.split_first()?;
        let id = Ulid(u128::from_be_bytes(id.try_into().ok()?));
        let due = match kind {
            1 => Self::Escalation(EscalationId(id)),
            2 => Self::Override(OverrideId(id)),
            3 => Self::Upload(id),
            4 => Self::Session(SessionId(id)),
            5 => Self::Challenge(id),
            6 => Self::LoginPair(id),
            10 => Self::Export(ExportId(id)),
            _ => return None,
        };
        Some((Timestamp(u64::from_be_bytes(*at)), due))
    }
}

/// Has the sweep end something.
pub(crate) fn set<S: Store>(context: &mut Context<'_, S>, at: Timestamp, due: Due) {
    context.tables.put_bytes(Table::Deadline, &due.key(at), &[]);
}

/// It has ended otherwise.
pub(crate) fn clear<S: Store>(context: &mut Context<'_, S>, at: Timestamp, due: Due) {
    context.tables.delete(Table::Deadline, &due.key(at));
}

/// Ends what is due, oldest deadline first.
pub(crate) fn sweep<S: Store>(context: &mut Context<'_, S>) -> Result<Outcome, Stop> {
    let at = context.applied.at;
    let to = Timestamp(at.0.saturating_add(1)).0.to_be_bytes();
    let rows = context.tables.scan(Scan {
        table: Table::Deadline,
        from: &[],
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: SWEPT_MAX,
    })?;
    for (key, _) in &rows {
        let (deadline, due) = Due::read(key).ok_or_else(unreadable)?;
        clear(context, deadline, due);
        match due {
            Due::Escalation(id) => escalation::expire(context, id)?,
            Due::Override(id) => overrides::lapse(context, id)?,
            Due::Upload(id) => evidence::sweep(context, id)?,
            Due::Session(id) => session::sweep(context, id)?,
            Due::Challenge(half) => login::challenges::sweep(context, half)?,
            Due::LoginPair(half) => login::pairs::sweep(context, half)?,
            Due::Export(id) => export::build::sweep(context, id)?,
        }
    }
    Ok(Outcome::Ticked)
}

fn unreadable() -> Corruption {
    Corruption::new("deadline", "a key that names nothing")
}

/// When the next thing is due.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn next(read: &impl Read) -> Result<Option<Timestamp>, Corruption> {
    let rows = read.scan(Scan {
        table: Table::Deadline,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: 1,
    })?;
    let Some((key, _)) = rows.first() else { return Ok(None) };
    Due::read(key).map(|(at, _)| Some(at)).ok_or_else(unreadable)
}
