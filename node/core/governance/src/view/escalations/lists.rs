//! Pages of escalations.

use types::{DecisionId, EntryId, EscalationId, Timestamp};

use super::{Escalation, shown};
use crate::deadline;
use crate::effective;
use crate::escalation::state;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, EscalationStatus, Priority};
use crate::store::{Direction, Read, Scan, Table};
use crate::view::TOTAL_MAX;
use crate::{codec, keys, tables};

/// Escalations whose time is over and that are not swept yet, looked at for one
/// list. The sweep ends a hundred in a moment, so that there are more only on a
/// node that is cut off for long.
const OVERDUE_MAX: usize = 10_000;

/// Which escalations are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscalationQuery {
    /// That are so now.
    pub status: Option<EscalationStatus>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Of this decision.
    pub decision: Option<DecisionId>,
    /// Past this entry in the order asked for.
    pub after: Option<EntryId>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
    /// What time it is.
    pub now: Timestamp,
}

/// A page of escalations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationPage {
    /// The escalations, in the order asked for.
    pub escalations: Vec<Escalation>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// A place in the order of deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViolationPlace {
    /// The deadline.
    pub deadline: Timestamp,
    /// The entry among those of the same deadline.
    pub entry: EntryId,
}

/// A page of escalations that nobody answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViolationPage {
    /// The escalations, oldest deadline first.
    pub violations: Vec<Escalation>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<ViolationPlace>,
    /// How many there are on all pages.
    pub count: u64,
}

/// An escalation by what lists are made of.
type Row = (EntryId, EscalationId);

/// Escalations that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn escalations(
    read: &impl Read,
    query: &EscalationQuery,
) -> Result<EscalationPage, Corruption> {
    let (rows, total) = match query.decision {
        Some(decision) => of_decision(read, decision, query)?,
        None => of_states(read, query)?,
    };
    let next = rows.get(query.limit).and_then(|_| rows.get(query.limit.checked_sub(1)?));
    let next = next.map(|(entry, _)| *entry);
    let found = rows.iter().take(query.limit).map(|(_, id)| found(read, *id, query.now));
    Ok(EscalationPage {
        escalations: found.collect::<Result<_, _>>()?,
        next,
        total: total.min(TOTAL_MAX),
        total_exact: total <= TOTAL_MAX,
    })
}

/// Those of one decision, of which there is a bounded number.
fn of_decision(
    read: &impl Read,
    decision: DecisionId,
    query: &EscalationQuery,
) -> Result<(Vec<Row>, u64), Corruption> {
    let there = effective::escalations(read, decision)?;
    let matches = |record: &EscalationRecord| {
        query.status.is_none_or(|status| record.status(query.now) == status)
            && query.priority.is_none_or(|priority| record.priority == priority)
    };
    let there = there.into_iter().filter(|(_, record)| matches(record));
    let rows: Vec<Row> = there.map(|(id, record)| (record.entry_id, id)).collect();
    let total = count(rows.len());
    Ok((page(rows, query), total))
}

/// Those of every state that is asked for: from each its first rows, of which
/// the first together are the page.
fn of_states(read: &impl Read, query: &EscalationQuery) -> Result<(Vec<Row>, u64), Corruption> {
    let overdue = overdue(read, query.now)?;
    let (mut rows, mut total) = (Vec::new(), 0_u64);
    for status in EscalationStatus::ALL {
        let is_asked = query.status.is_none_or(|asked| asked == status);
        for priority in Priority::ALL {
            if !is_asked || query.priority.is_some_and(|asked| asked != priority) {
                continue;
            }
            let state = state(status, priority);
            let counted: Option<u64> = tables::record(read, Table::EscalationCount, &state)?;
            total = total.saturating_add(counted.unwrap_or(0));
            rows.extend(of_state(read, state, query, overdue.len())?);
        }
    }
    // Recorded as open and over by now.
    let over = overdue
        .into_iter()
        .filter(|(_, record)| query.priority.is_none_or(|asked| asked == record.priority));
    for (id, record) in over {
        let row = (record.entry_id, id);
        match query.status {
            Some(EscalationStatus::Expired) => {
                rows.push(row);
                total = total.saturating_add(1);
            }
            Some(asked) if asked == record.status => {
                rows.retain(|there| *there != row);
                total = total.saturating_sub(1);
            }
            Some(_) | None => (),
        }
    }
    Ok((page(rows, query), total))
}

/// The first rows of a state after the page before: as many as are asked for,
/// and those that turn out to be over.
fn of_state(
    read: &impl Read,
    state: [u8; 2],
    query: &EscalationQuery,
    overdue: usize,
) -> Result<Vec<Row>, Corruption> {
    let (from, to) = match (query.direction, query.after) {
        (Direction::Ascending, Some(after)) => (after.0.saturating_add(1), u64::MAX),
        (Direction::Descending, Some(after)) => (0, after.0),
        (_, None) => (0, u64::MAX),
    };
    let (from, to) = (keys::stated(state, EntryId(from)), keys::stated(state, EntryId(to)));
    let rows = read.scan(Scan {
        table: Table::EscalationByState,
        from: &from,
        to: Some(&to),
        direction: query.direction,
        rows_max: query.limit.saturating_add(1).saturating_add(overdue),
    })?;
    let rows = rows.iter().map(|(key, value)| {
        let short = || Corruption::new("escalation_by_state", "key too short");
        let entry = keys::last_number(key).map(EntryId).ok_or_else(short)?;
        Ok((entry, codec::decode("escalation_by_state", value)?))
    });
    rows.collect()
}

/// The rows past the page before, in the order asked for, and one more than the
/// page has room for.
fn page(mut rows: Vec<Row>, query: &EscalationQuery) -> Vec<Row> {
    rows.retain(|(entry, _)| match (query.direction, query.after) {
        (_, None) => true,
        (Direction::Ascending, Some(after)) => after < *entry,
        (Direction::Descending, Some(after)) => *entry < after,
    });
    rows.sort_unstable();
    if query.direction == Direction::Descending {
        rows.reverse();
    }
    rows.truncate(query.limit.saturating_add(1));
    rows
}

/// Escalations that nobody answered in time, swept or not, past a place.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn violations(
    read: &impl Read,
    after: Option<ViolationPlace>,
    limit: usize,
    now: Timestamp,
) -> Result<ViolationPage, Corruption> {
    let from = after.map_or_else(Vec::new, |after| {
        keys::timed(after.deadline, EntryId(after.entry.0.saturating_add(1))).to_vec()
    });
    let rows = read.scan(Scan {
        table: Table::EscalationViolation,
        from: &from,
        to: None,
        direction: Direction::Ascending,
        rows_max: limit.saturating_add(1),
    })?;
    let mut places = Vec::new();
    for (key, value) in &rows {
        let short = || Corruption::new("escalation_violation", "key too short");
        let (at, entry) = key.split_first_chunk::<8>().ok_or_else(short)?;
        let deadline = Timestamp(u64::from_be_bytes(*at));
        let entry = keys::last_number(entry).map(EntryId).ok_or_else(short)?;
        let id: EscalationId = codec::decode("escalation_violation", value)?;
        places.push((ViolationPlace { deadline, entry }, id));
    }
    let overdue = overdue(read, now)?;
    let mut count = count(overdue.len());
    for (id, record) in overdue {
        let place = ViolationPlace { deadline: record.deadline, entry: record.entry_id };
        if after.is_none_or(|after| after < place) {
            places.push((place, id));
        }
    }
    places.sort_unstable_by_key(|(place, _)| *place);
    for priority in Priority::ALL {
        let state = state(EscalationStatus::Expired, priority);
        let counted: Option<u64> = tables::record(read, Table::EscalationCount, &state)?;
        count = count.saturating_add(counted.unwrap_or(0));
    }
    let next = places.get(limit).and_then(|_| places.get(limit.checked_sub(1)?));
    let next = next.map(|(place, _)| *place);
    let violations = places.iter().take(limit).map(|(_, id)| found(read, *id, now));
    Ok(ViolationPage { violations: violations.collect::<Result<_, _>>()?, next, count })
}

/// Escalations whose time is over at `now` and that are not swept.
fn overdue(
    read: &impl Read,
    now: Timestamp,
) -> Result<Vec<(EscalationId, EscalationRecord)>, Corruption> {
    let mut found = Vec::new();
    for id in deadline::overdue_escalations(read, now, OVERDUE_MAX)? {
        let record: Option<EscalationRecord> =
            tables::record(read, Table::Escalation, &id.0.key())?;
        found.extend(record.filter(|record| record.status.is_open()).map(|record| (id, record)));
    }
    Ok(found)
}

fn found(read: &impl Read, id: EscalationId, now: Timestamp) -> Result<Escalation, Corruption> {
    let record: Option<EscalationRecord> = tables::record(read, Table::Escalation, &id.0.key())?;
    let missing = || Corruption::new("escalation", format!("{id} is listed and not kept"));
    shown(read, id, record.ok_or_else(missing)?, now)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
