//! Exports in pages, from the rows by state: a page costs what it returns.

use types::{EntryId, ExportId};

use super::{ExportFormat, rows};
use crate::outcome::Corruption;
use crate::record::{ExportRecord, ExportStatus};
use crate::store::{Direction, Read, Scan, Table};
use crate::view::TOTAL_MAX;
use crate::{codec, keys};

/// Which exports are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportQuery {
    /// That stand so.
    pub status: Option<ExportStatus>,
    /// Of this format.
    pub format: Option<ExportFormat>,
    /// Requested by an entry past this one, in the order asked for.
    pub after: Option<EntryId>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
}

/// A page of exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportPage {
    /// The exports, in the order of their requests.
    pub exports: Vec<(ExportId, ExportRecord)>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// Exports that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn exports(read: &impl Read, query: &ExportQuery) -> Result<ExportPage, Corruption> {
    let (mut found, mut total) = (Vec::new(), 0_u64);
    for status in ExportStatus::ALL {
        if query.status.is_some_and(|wanted| wanted != status) {
            continue;
        }
        for format in ExportFormat::ALL {
            if query.format.is_some_and(|wanted| wanted != format) {
                continue;
            }
            found.extend(of_state(read, query, (status, format))?);
            total = total.saturating_add(count(read, (status, format))?);
        }
    }
    match query.direction {
        Direction::Ascending => found.sort_unstable_by_key(|(entry, _)| *entry),
        Direction::Descending => found.sort_unstable_by(|one, other| other.cmp(one)),
    }
    let is_last = found.len() <= query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| !is_last).map(|(entry, _)| *entry);
    let mut exports = Vec::with_capacity(found.len());
    for (_, id) in found {
        let missing = || Corruption::new("export", format!("{id} is listed and not recorded"));
        exports.push((id, super::export(read, id)?.ok_or_else(missing)?));
    }
    let total_exact = total <= TOTAL_MAX;
    Ok(ExportPage { exports, next, total: total.min(TOTAL_MAX), total_exact })
}

/// One more than a page of those of one state.
fn of_state(
    read: &impl Read,
    query: &ExportQuery,
    (status, format): (ExportStatus, ExportFormat),
) -> Result<Vec<(EntryId, ExportId)>, Corruption> {
    let (mut from, mut to) = rows::of_state(status, format);
    let state = rows::state(status, format);
    match (query.after, query.direction) {
        (None, _) => (),
        (Some(after), Direction::Ascending) => {
            from = keys::stated(state, EntryId(after.0.saturating_add(1)));
        }
        (Some(after), Direction::Descending) => to = keys::stated(state, after),
    }
    let rows = read.scan(Scan {
        table: Table::ExportByState,
        from: &from,
        to: Some(&to),
        direction: query.direction,
        rows_max: query.limit.saturating_add(1),
    })?;
    let rows = rows.iter().map(|(key, id)| {
        let short = || Corruption::new("export_by_state", "key too short");
        let entry = keys::last_number(key).map(EntryId).ok_or_else(short)?;
        Ok((entry, codec::decode("export_by_state", id)?))
    });
    rows.collect()
}

fn count(
    read: &impl Read,
    (status, format): (ExportStatus, ExportFormat),
) -> Result<u64, Corruption> {
    let (from, to) = rows::of_state(status, format);
    let scan = Scan {
        table: Table::ExportByState,
        from: &from,
        to: Some(&to),
        direction: Direction::Ascending,
        rows_max: usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1),
    };
    let mut total = 0_u64;
    read.visit(scan, &mut |_, _| total = total.saturating_add(1))?;
    Ok(total)
}

/// Exports that a node is to build, oldest first, at most so many.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn waiting(
    read: &impl Read,
    exports_max: usize,
) -> Result<Vec<(ExportId, ExportRecord)>, Corruption> {
    let query = ExportQuery {
        status: Some(ExportStatus::Pending),
        format: None,
        after: None,
        direction: Direction::Ascending,
        limit: exports_max,
    };
    Ok(exports(read, &query)?.exports)
}
