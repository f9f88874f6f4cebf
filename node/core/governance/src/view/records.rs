//! How the records stand: how many there are of each class and in each status, up
//! to an entry, and the holds.
//!
//! The first status that fits: `anonymized`, a part is erased; `legal_hold`, a hold
//! keeps it; `archived`, older than personal parts are kept, and whole, because it
//! is of high risk, or never erased, or lives; `expiring`, that old within
//! [`EXPIRING_DAYS`]; else `active`. Every figure is found from indexes.

use ledger::EntryType;
use types::{EntryId, Json, Micros, Object, Timestamp};

use super::entries::{count_of_type, ids_between, numbers_of};
use crate::command::RetentionDays;
use crate::keys;
use crate::outcome::Corruption;
use crate::record::HoldRecord;
use crate::retention::blocks::{self, Figure};
use crate::retention::class::Class;
use crate::retention::hold::Holds;
use crate::retention::{self, held};
use crate::store::{Read, Table};
use crate::{tables, tally};

/// A record expires that many days before its personal part is due.
pub const EXPIRING_DAYS: u64 = 30;

const DAY: Micros = Micros(24 * 3600 * 1_000_000);

/// Changes of the settings that are looked at for those in force at an entry.
const CHANGES_MAX: usize = 1_000;

/// How the records stand up to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordStanding {
    /// The last entry counted.
    pub as_of: EntryId,
    /// Entries.
    pub total: u64,
    /// By [`Class`], in its order. They come to the total.
    pub by_class: [u64; 3],
    /// Younger than the others.
    pub active: u64,
    /// Will be as old as personal parts are kept, within [`EXPIRING_DAYS`].
    pub expiring: u64,
    /// Kept by a hold.
    pub legal_hold: u64,
    /// A part is erased.
    pub anonymized: u64,
    /// That old, and whole.
    pub archived: u64,
    /// Holds in force at that entry.
    pub holds: u64,
    /// How long things are kept.
    pub days: RetentionDays,
    /// Time of the first entry.
    pub oldest: Timestamp,
    /// Time of the last one.
    pub newest: Timestamp,
}

/// How the records stand up to an entry, with the time of that as the time asked
/// about.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn record_standing(read: &impl Read, as_of: EntryId) -> Result<RecordStanding, Corruption> {
    let newest = time_of(read, as_of)?;
    let total = as_of.0.saturating_add(1);
    let days = days_at(read, as_of)?;
    let [old, soon] = boundaries(read, days, newest)?.map(|id| id.min(total));
    let holds = Holds::load_as_of(read, as_of)?;
    let of = |ids: std::ops::Range<u64>| -> Result<(u64, u64, u64), Corruption> {
        let gone = blocks::count(read, Figure::Erased, &ids)?;
        let held = held::count(read, &holds, &ids)?;
        let rest = ids.end.saturating_sub(ids.start).saturating_sub(gone).saturating_sub(held);
        Ok((gone, held, rest))
    };
    let (gone, kept, archived) = of(0..old)?;
    let (gone_soon, held_soon, expiring) = of(old..soon)?;
    let (gone_late, held_late, active) = of(soon..total)?;
    let high = count_of_class(read, Class::HighRisk, as_of)?;
    let gdpr = count_of_class(read, Class::GdprIntersect, as_of)?;
    let standard = total.saturating_sub(high).saturating_sub(gdpr);
    let applied = count_of_type(read, EntryType::LegalHoldApplied, &(0..total))?;
    let released = count_of_type(read, EntryType::LegalHoldReleased, &(0..total))?;
    Ok(RecordStanding {
        as_of,
        total,
        by_class: [high, gdpr, standard],
        active,
        expiring,
        legal_hold: kept.saturating_add(held_soon).saturating_add(held_late),
        anonymized: gone.saturating_add(gone_soon).saturating_add(gone_late),
        archived,
        holds: applied.saturating_sub(released),
        days,
        oldest: time_of(read, EntryId(0))?,
        newest,
    })
}

fn time_of(read: &impl Read, id: EntryId) -> Result<Timestamp, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    Ok(super::entry(read, id)?.ok_or_else(missing)?.header.timestamp)
}

fn count_of_class(read: &impl Read, class: Class, as_of: EntryId) -> Result<u64, Corruption> {
    class.tally().map_or(Ok(0), |name| tally::count_up_to(read, name, as_of))
}

/// The first id whose personal part is not due at a time, and the first that is
/// not within [`EXPIRING_DAYS`] after it.
fn boundaries(
    read: &impl Read,
    days: RetentionDays,
    now: Timestamp,
) -> Result<[u64; 2], Corruption> {
    let span = u64::from(days.personal).saturating_mul(DAY.0);
    let soon = span.saturating_sub(EXPIRING_DAYS.saturating_mul(DAY.0));
    let first_after = |span: u64| {
        let Some(due) = now.0.checked_sub(span) else { return Ok(0) };
        Ok(ids_between(read, None, Some(Timestamp(due.saturating_add(1))))?.end)
    };
    Ok([first_after(span)?, first_after(soon)?])
}

/// How long things were kept at an entry.
fn days_at(read: &impl Read, as_of: EntryId) -> Result<RetentionDays, Corruption> {
    let record = retention::record(read)?;
    match (record.days, record.days_entry) {
        (Some(days), Some(entry)) if entry <= as_of => return Ok(days),
        (None, _) => return Ok(RetentionDays::DEFAULT),
        (Some(_), _) => (),
    }
    let ids = 0..as_of.0.saturating_add(1);
    // The last ones first: of many changes the first say nothing of this moment.
    let numbers = numbers_of(read, EntryType::ConfigChanged, ids)?;
    for number in numbers.rev().take(CHANGES_MAX) {
        let row = keys::text_and_number(EntryType::ConfigChanged.as_str(), number);
        let id: Option<EntryId> = tables::record(read, Table::EntryByType, &row)?;
        let Some(id) = id else { continue };
        let data = super::entry(read, id)?.and_then(|entry| entry.data);
        let data = data.and_then(|part| serde_json::from_str::<Object>(&part.text).ok());
        let days = data.as_ref().and_then(|data| data.get("retention")).and_then(Json::as_object);
        if let Some(days) = days {
            let of = |name: &str, default: u32| {
                let days = days.get(name).and_then(Json::as_u64);
                days.and_then(|days| u32::try_from(days).ok()).unwrap_or(default)
            };
            let RetentionDays { personal, high_risk, other } = RetentionDays::DEFAULT;
            return Ok(RetentionDays {
                personal: of("personal_days", personal),
                high_risk: of("high_risk_days", high_risk),
                other: of("days", other),
            });
        }
    }
    Ok(RetentionDays::DEFAULT)
}

/// How one entry stands at the time of another, and in which class it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneStanding {
    /// Its class.
    pub class: Class,
    /// Its status, by its word.
    pub status: &'static str,
}

/// Tells how entries stand one by one, in ascending order of their ids.
#[derive(Debug)]
pub struct Standings {
    /// How long things were kept at that entry.
    pub days: RetentionDays,
    holds: Holds,
    old: u64,
    soon: u64,
    counted: [Vec<EntryId>; 2],
}

impl Standings {
    /// For entries of a span, as of an entry.
    ///
    /// # Errors
    /// [`Corruption`] when something cannot be read.
    pub fn of(
        read: &impl Read,
        ids: &std::ops::Range<u64>,
        as_of: EntryId,
    ) -> Result<Self, Corruption> {
        let days = days_at(read, as_of)?;
        let [old, soon] = boundaries(read, days, time_of(read, as_of)?)?;
        let holds = Holds::load_as_of(read, as_of)?;
        let of = |class: Class| match class.tally() {
            Some(name) => tally::ids(read, name, ids),
            None => Ok(Vec::new()),
        };
        let counted = [of(Class::HighRisk)?, of(Class::GdprIntersect)?];
        Ok(Self { days, holds, old, soon, counted })
    }

    /// How many holds were in force at that entry.
    pub fn holds(&self) -> u64 {
        self.holds.scopes().len() as u64
    }

    /// How an entry of the span stands.
    pub fn one(&self, entry: &ledger::StoredEntry, data: Option<&Object>) -> OneStanding {
        let id = entry.header.id;
        let [high, gdpr] = &self.counted;
        let class = match (high.binary_search(&id), gdpr.binary_search(&id)) {
            (Ok(_), _) => Class::HighRisk,
            (Err(_), Ok(_)) => Class::GdprIntersect,
            (Err(_), Err(_)) => Class::Standard,
        };
        let nothing = Object::new();
        let held = retention::anonymize::held(id, entry, data.unwrap_or(&nothing));
        let status = if entry.is_erased() {
            "anonymized"
        } else if self.holds.cover(held) {
            "legal_hold"
        } else if id.0 < self.old {
            "archived"
        } else if id.0 < self.soon {
            "expiring"
        } else {
            "active"
        };
        OneStanding { class, status }
    }
}

/// A hold as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// What it freezes, and by which entries it came and went.
    pub record: HoldRecord,
    /// `data` of the entry that applied it.
    pub applied: Object,
    /// When.
    pub applied_at: Timestamp,
    /// `data` of the entry that released it, and when.
    pub released: Option<(Object, Timestamp)>,
}

/// Which holds are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldQuery {
    /// In force, or not any more; both when absent.
    pub is_active: Option<bool>,
    /// Applied by an entry after this one.
    pub after: Option<EntryId>,
    /// As they stood at this entry: nothing later exists.
    pub as_of: EntryId,
    /// At most so many.
    pub limit: usize,
}

/// A page of holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldPage {
    /// The holds, oldest first.
    pub holds: Vec<Hold>,
    /// How many match on all pages.
    pub count: u64,
    /// Where the next page begins.
    pub next: Option<EntryId>,
}

/// Holds that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn holds(read: &impl Read, query: &HoldQuery) -> Result<HoldPage, Corruption> {
    let size = super::head(read)?.size().min(query.as_of.0.saturating_add(1));
    let all = count_of_type(read, EntryType::LegalHoldApplied, &(0..size))?;
    let released = count_of_type(read, EntryType::LegalHoldReleased, &(0..size))?;
    let count = match query.is_active {
        None => all,
        Some(true) => all.saturating_sub(released),
        Some(false) => released,
    };
    let from = query.after.map_or(0, |after| after.0.saturating_add(1));
    let numbers = numbers_of(read, EntryType::LegalHoldApplied, from..size)?;
    let (mut holds, mut next) = (Vec::<Hold>::new(), None);
    for number in numbers {
        let row = keys::text_and_number(EntryType::LegalHoldApplied.as_str(), number);
        let entry: Option<EntryId> = tables::record(read, Table::EntryByType, &row)?;
        let missing = || Corruption::new("entry_by_type", format!("hold {number} is missing"));
        let hold = hold_of(read, entry.ok_or_else(missing)?, query.as_of)?;
        if query.is_active.is_some_and(|is_active| is_active == hold.released.is_some()) {
            continue;
        }
        if holds.len() == query.limit {
            next = holds.last().map(|last| last.record.entry_id);
            break;
        }
        holds.push(hold);
    }
    Ok(HoldPage { holds, count, next })
}

/// The hold that an entry applied, as it stood at another.
fn hold_of(read: &impl Read, entry: EntryId, as_of: EntryId) -> Result<Hold, Corruption> {
    let (applied, applied_at) = told(read, entry)?;
    let missing = || Corruption::new("hold", format!("that of entry {entry} is missing"));
    let id = applied.get("hold_id").and_then(Json::as_str).ok_or_else(missing)?.to_owned();
    let mut record = retention::hold::record(read, &id)?.ok_or_else(missing)?;
    record.released = record.released.filter(|released| *released <= as_of);
    let released = record.released.map(|entry| told(read, entry)).transpose()?;
    Ok(Hold { id, record, applied, applied_at, released })
}

/// `data` of an entry about a hold, which is never erased, and its time.
fn told(read: &impl Read, id: EntryId) -> Result<(Object, Timestamp), Corruption> {
    let missing = || Corruption::new("data", format!("entry {id} does not tell of a hold"));
    let entry = super::entry(read, id)?.ok_or_else(missing)?;
    let data = entry.data.as_ref().ok_or_else(missing)?;
    let data = serde_json::from_str(&data.text).map_err(|_| missing())?;
    Ok((data, entry.header.timestamp))
}
