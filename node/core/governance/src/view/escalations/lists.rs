//! Pages of escalations.
//!
//! Escalations are indexed by the state that is recorded, and asked for by the
//! one they are in now. The two differ in what is over and not swept yet. In one
//! state those come first: its deadlines follow its entries, since applied time
//! never runs backwards and a priority has one time to answer. So a list is made
//! of spans of states, and where one is cut is found by halving.

use types::{DecisionId, EntryId, EscalationId, Timestamp};

use super::{Escalation, shown};
use crate::effective;
use crate::escalation::state;
use crate::outcome::Corruption;
use crate::record::{EscalationRecord, EscalationStatus, Priority};
use crate::store::{Direction, Read, Scan, Table};
use crate::view::TOTAL_MAX;
use crate::{codec, keys, tables};

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
    /// How many there are on all pages, up to [`TOTAL_MAX`].
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
        !record.is_erased()
            && query.status.is_none_or(|status| record.status(query.now) == status)
            && query.priority.is_none_or(|priority| record.priority == priority)
    };
    let there = there.into_iter().filter(|(_, record)| matches(record));
    let rows: Vec<Row> = there.map(|(id, record)| (record.entry_id, id)).collect();
    let total = count(rows.len());
    Ok((page(rows, query), total))
}

/// Those of every span that is asked for: from each its first rows, of which the
/// first together are the page.
fn of_states(read: &impl Read, query: &EscalationQuery) -> Result<(Vec<Row>, u64), Corruption> {
    let (mut rows, mut total) = (Vec::new(), 0_u64);
    for span in spans(read, query.status, query.priority, query.now)? {
        total = total.saturating_add(span.count(read)?);
        rows.extend(span.rows(read, query)?);
    }
    Ok((page(rows, query), total))
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

/// Entries of one state that are recorded so.
#[derive(Clone, Copy, Debug)]
struct Span {
    state: [u8; 2],
    part: Part,
}

/// Which entries of a state.
#[derive(Clone, Copy, Debug)]
enum Part {
    Whole,
    /// Before this one: their time is over.
    Over(u64),
    /// From this one on.
    InTime(u64),
}

/// The spans of what is in a state now.
fn spans(
    read: &impl Read,
    status: Option<EscalationStatus>,
    priority: Option<Priority>,
    now: Timestamp,
) -> Result<Vec<Span>, Corruption> {
    let mut spans = Vec::new();
    let asked = Priority::ALL.into_iter().filter(|it| priority.is_none_or(|asked| asked == *it));
    for priority in asked {
        for recorded in EscalationStatus::ALL {
            let state = state(recorded, priority);
            let part = match status {
                None => Part::Whole,
                Some(status) if recorded.is_open() && status == recorded => {
                    Part::InTime(cut(read, state, now)?)
                }
                Some(EscalationStatus::Expired) if recorded.is_open() => {
                    Part::Over(cut(read, state, now)?)
                }
                Some(status) if status == recorded => Part::Whole,
                Some(_) => continue,
            };
            spans.push(Span { state, part });
        }
    }
    Ok(spans)
}

impl Span {
    /// Entries, the end exclusive.
    fn bounds(self) -> (u64, u64) {
        match self.part {
            Part::Whole => (0, u64::MAX),
            Part::Over(cut) => (0, cut),
            Part::InTime(cut) => (cut, u64::MAX),
        }
    }

    /// Its first rows past the page before, one more than a page has.
    fn rows(self, read: &impl Read, query: &EscalationQuery) -> Result<Vec<Row>, Corruption> {
        let (from, to) = self.bounds();
        let (from, to) = match (query.direction, query.after) {
            (Direction::Ascending, Some(after)) => (from.max(after.0.saturating_add(1)), to),
            (Direction::Descending, Some(after)) => (from, to.min(after.0)),
            (Direction::Ascending | Direction::Descending, None) => (from, to),
        };
        rows(read, self.state, (from, to), query.direction, query.limit.saturating_add(1))
    }

    /// How many rows it has. Those whose time is over are counted one by one, up
    /// to one more than totals go: the sweep leaves few.
    fn count(self, read: &impl Read) -> Result<u64, Corruption> {
        let counted: Option<u64> = tables::record(read, Table::EscalationCount, &self.state)?;
        let all = counted.unwrap_or(0);
        Ok(match self.part {
            Part::Whole => all,
            Part::Over(cut) => over(read, self.state, cut)?,
            Part::InTime(cut) => all.saturating_sub(over(read, self.state, cut)?),
        })
    }
}

/// How many rows of a state come before an entry.
fn over(read: &impl Read, state: [u8; 2], cut: u64) -> Result<u64, Corruption> {
    if cut == 0 {
        return Ok(0);
    }
    let mut rows = 0_u64;
    let (from, to) = (keys::stated(state, EntryId(0)), keys::stated(state, EntryId(cut)));
    let scan = Scan {
        table: Table::EscalationByState,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1),
    };
    read.visit(scan, &mut |_, _| rows = rows.saturating_add(1))?;
    Ok(rows)
}

/// Rows of a state between two entries, the end exclusive.
fn rows(
    read: &impl Read,
    state: [u8; 2],
    (from, to): (u64, u64),
    direction: Direction,
    rows_max: usize,
) -> Result<Vec<Row>, Corruption> {
    let (from, to) = (keys::stated(state, EntryId(from)), keys::stated(state, EntryId(to)));
    if to <= from {
        return Ok(Vec::new());
    }
    let rows = read.scan(Scan {
        table: Table::EscalationByState,
        from: &from,
        to: Some(&to),
        direction,
        rows_max,
    })?;
    let rows = rows.iter().map(|(key, value)| {
        let short = || Corruption::new("escalation_by_state", "key too short");
        let entry = keys::last_number(key).map(EntryId).ok_or_else(short)?;
        Ok((entry, codec::decode("escalation_by_state", value)?))
    });
    rows.collect()
}

/// Where an open state is cut at `now`: before it every row is over, and from it
/// on none is. Mostly nothing is over, which the first look tells.
fn cut(read: &impl Read, state: [u8; 2], now: Timestamp) -> Result<u64, Corruption> {
    let end =
        |bounds: (u64, u64), direction: Direction| -> Result<Option<(u64, bool)>, Corruption> {
            let Some((entry, id)) = rows(read, state, bounds, direction, 1)?.pop() else {
                return Ok(None);
            };
            Ok(Some((entry.0, kept(read, id)?.deadline <= now)))
        };
    let mut from = match end((0, u64::MAX), Direction::Ascending)? {
        Some((first, true)) => first.saturating_add(1),
        Some((_, false)) | None => return Ok(0),
    };
    let mut to = match end((from, u64::MAX), Direction::Descending)? {
        Some((last, false)) => last,
        Some((last, true)) => return Ok(last.saturating_add(1)),
        None => return Ok(from),
    };
    while from < to {
        let middle = from.midpoint(to);
        match end((middle, u64::MAX), Direction::Ascending)? {
            Some((entry, true)) => from = entry.saturating_add(1),
            Some((_, false)) | None => to = middle,
        }
    }
    Ok(from)
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
    let to = keys::timed(Timestamp(now.0.saturating_add(1)), EntryId(0)).to_vec();
    let rows = match from < to {
        true => read.scan(Scan {
            table: Table::EscalationByDeadline,
            from: &from,
            to: Some(&to),
            direction: Direction::Ascending,
            rows_max: limit.saturating_add(1),
        })?,
        false => Vec::new(),
    };
    let mut violations = Vec::new();
    for (_, value) in rows.iter().take(limit) {
        violations.push(found(read, codec::decode("escalation_by_deadline", value)?, now)?);
    }
    let last = violations.last().filter(|_| limit < rows.len());
    let next =
        last.map(|it| ViolationPlace { deadline: it.record.deadline, entry: it.record.entry_id });
    let mut count = 0_u64;
    for span in spans(read, Some(EscalationStatus::Expired), None, now)? {
        count = count.saturating_add(span.count(read)?);
    }
    Ok(ViolationPage { violations, next, count: count.min(TOTAL_MAX) })
}

fn found(read: &impl Read, id: EscalationId, now: Timestamp) -> Result<Escalation, Corruption> {
    shown(read, id, kept(read, id)?, now)
}

/// The record of an escalation that is listed.
fn kept(read: &impl Read, id: EscalationId) -> Result<EscalationRecord, Corruption> {
    let record: Option<EscalationRecord> = tables::record(read, Table::Escalation, &id.0.key())?;
    record.ok_or_else(|| Corruption::new("escalation", format!("{id} is listed and not kept")))
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
