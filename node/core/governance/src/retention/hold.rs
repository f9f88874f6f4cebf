//! Legal holds: what must be kept, however old it is and whoever asks for it to
//! be erased.
//!
//! A hold names entries, or what they must be, or all. One that names what they
//! must be freezes those too that come later and fit.
//!
//! Invariants
//! - [`Table::HoldInForce`] has the scopes of the holds that are in force, and
//!   nothing else. At most [`IN_FORCE_MAX`] of them.
//! - A hold holds something when it is applied, and is released once.

use ledger::EntryType;
use types::{EntryId, HoldId, Json, Object, Timestamp};

use crate::apply::{Context, Stop};
use crate::command::{ApplyHold, EntryFilter, HoldScope, ReleaseHold};
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::record::HoldRecord;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::{access, codec, idempotency, keys, tables, view};

/// Holds that are in force at once. Each erasure looks at all of them.
pub const IN_FORCE_MAX: usize = 1_000;

/// Entries that one hold names.
pub const ENTRIES_MAX: usize = 1_000;

/// Characters of the id of a hold.
pub const ID_CHARS_MAX: usize = 64;

/// What is frozen now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(Vec<HoldScope>);

/// What a hold is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The entry.
    pub id: EntryId,
    /// Its type.
    pub entry_type: EntryType,
    /// Its time.
    pub at: Timestamp,
    /// Whom it is about; `None` for nobody, and where that is erased.
    pub actor: Option<&'a str>,
}

impl Holds {
    /// The holds that are in force.
    ///
    /// # Errors
    /// [`Corruption`] when one cannot be read.
    pub fn load(read: &impl Read) -> Result<Self, Corruption> {
        let rows = read.scan(Scan {
            table: Table::HoldInForce,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: IN_FORCE_MAX,
        })?;
        let scopes = rows.iter().map(|(_, value)| codec::decode("hold_in_force", value));
        scopes.collect::<Result<_, _>>().map(Self)
    }

    /// The holds that were in force at an entry.
    ///
    /// # Errors
    /// [`Corruption`] when one cannot be read.
    pub fn load_as_of(read: &impl Read, as_of: EntryId) -> Result<Self, Corruption> {
        let scan = Scan {
            table: Table::Hold,
            from: &[],
            to: None,
            direction: Direction::Ascending,
            rows_max: usize::MAX,
        };
        let mut scopes = Ok(Vec::new());
        read.visit(scan, &mut |_, value| {
            let Ok(found) = &mut scopes else { return };
            match codec::decode::<HoldRecord>("hold", value) {
                Ok(record) if is_in_force(&record, as_of) => found.push(record.scope),
                Ok(_) => (),
                Err(error) => scopes = Err(error),
            }
        })?;
        scopes.map(Self)
    }

    /// What each of them freezes.
    pub fn scopes(&self) -> &[HoldScope] {
        &self.0
    }

    /// Whether one of them freezes an entry.
    pub fn cover(&self, entry: Held<'_>) -> bool {
        self.0.iter().any(|scope| covers(scope, entry))
    }
}

fn is_in_force(record: &HoldRecord, as_of: EntryId) -> bool {
    record.entry_id <= as_of && record.released.is_none_or(|released| as_of < released)
}

fn covers(scope: &HoldScope, entry: Held<'_>) -> bool {
    match scope {
        HoldScope::All => true,
        HoldScope::Entries(ids) => ids.binary_search(&entry.id).is_ok(),
        HoldScope::Filter(filter) => fits(filter, entry),
    }
}

/// Whether an entry is what a filter asks for.
pub fn fits(filter: &EntryFilter, entry: Held<'_>) -> bool {
    filter.entry_type.is_none_or(|entry_type| entry_type == entry.entry_type)
        && filter.from.is_none_or(|from| from <= entry.at)
        && filter.to.is_none_or(|to| entry.at < to)
        && filter.actor.as_deref().is_none_or(|actor| entry.actor == Some(actor))
}

pub(crate) fn apply<S: Store>(
    context: &mut Context<'_, S>,
    apply: &ApplyHold,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let (affected, is_exact) = affected(context, &apply.scope)?;
    let id = match &apply.hold {
        Some(id) => named(context, id)?,
        None => drawn(context)?,
    };
    let (reason, scope) = (apply.reason.clone(), apply.scope.clone());
    let recorded = place(context, &NewHold { id, reason, scope, affected, is_exact })?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// A hold that was found to be one there can be.
pub(crate) struct NewHold {
    /// One that no hold has.
    pub(crate) id: String,
    pub(crate) reason: String,
    /// What it freezes: it holds something, and its list is in order.
    pub(crate) scope: HoldScope,
    /// How many entries that are.
    pub(crate) affected: u64,
    /// Whether there are no more.
    pub(crate) is_exact: bool,
}

/// Records a hold and puts it in force. Whether there is room for it is checked
/// before: [`room`].
pub(crate) fn place<S: Store>(
    context: &mut Context<'_, S>,
    hold: &NewHold,
) -> Result<Recorded, Corruption> {
    let mut data = context.asked();
    data.insert("hold_id", hold.id.as_str());
    data.insert("reason", hold.reason.as_str());
    data.insert("records_affected", hold.affected);
    data.insert("records_affected_exact", hold.is_exact);
    data.insert("scope", scope_json(&hold.scope));
    let recorded = context.record(EntryType::LegalHoldApplied, data)?;
    let key = keys::texts(&[&hold.id]);
    let (entry_id, scope) = (recorded.entry_id, hold.scope.clone());
    context.tables.put_record(Table::HoldInForce, &key, &scope)?;
    let record = HoldRecord { entry_id, scope, released: None };
    context.tables.put_record(Table::Hold, &key, &record)?;
    context.cache.forget_holds();
    Ok(recorded)
}

/// Whether another hold may be in force beside fewer than so many.
pub(crate) fn room<S: Store>(context: &mut Context<'_, S>, most: usize) -> Result<(), Stop> {
    let holds = context.cache.holds(context.tables.read())?;
    if most <= holds.scopes().len() {
        let there = most as u64;
        return Err(Rejection::TooMany { things: "holds in force", there }.into());
    }
    Ok(())
}

/// How many entries a new hold freezes now, and whether there are no more, if there
/// is room for it and it freezes anything.
fn affected<S: Store>(
    context: &mut Context<'_, S>,
    scope: &HoldScope,
) -> Result<(u64, bool), Stop> {
    room(context, IN_FORCE_MAX)?;
    let size = context.cache.head(context.tables.read())?.size();
    let (affected, is_exact) = match scope {
        HoldScope::All => (size, true),
        HoldScope::Filter(filter) => {
            let is_empty_span = matches!((filter.from, filter.to), (Some(a), Some(b)) if b <= a);
            if is_empty_span {
                return Err(Rejection::HoldEmpty { member: "filter" }.into());
            }
            // A key takes no text with a zero byte in it, and no actor has one.
            if filter.actor.as_deref().is_some_and(|actor| actor.contains('\0')) {
                return Err(Rejection::OutOfBounds { member: "filter" }.into());
            }
            view::fitting(context.tables.read(), filter)?
        }
        HoldScope::Entries(ids) => {
            let is_list = ids.is_sorted_by(|a, b| a < b) && ids.len() <= ENTRIES_MAX;
            if !is_list || ids.last().is_some_and(|last| size <= last.0) {
                return Err(Rejection::OutOfBounds { member: "entry_ids" }.into());
            }
            (ids.len() as u64, true)
        }
    };
    // Among those that were not counted there may be some that it freezes.
    if affected == 0 && is_exact {
        let member = match scope {
            HoldScope::Entries(_) => "entry_ids",
            HoldScope::Filter(_) | HoldScope::All => "filter",
        };
        return Err(Rejection::HoldEmpty { member }.into());
    }
    Ok((affected, is_exact))
}

/// An id that the caller gives. It stays taken after the hold is released: an
/// auditor who looks for it must find one hold.
fn named<S: Store>(context: &Context<'_, S>, id: &str) -> Result<String, Stop> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if id.is_empty() || ID_CHARS_MAX < id.len() || !id.chars().all(is_name) {
        return Err(Rejection::OutOfBounds { member: "hold_id" }.into());
    }
    if context.tables.has(Table::Hold, &keys::texts(&[id]))? {
        return Err(Rejection::HoldExists { hold: id.to_owned() }.into());
    }
    Ok(id.to_owned())
}

/// An id that no hold has.
pub(crate) fn drawn<S: Store>(context: &mut Context<'_, S>) -> Result<String, Corruption> {
    const DRAWS_MAX: u32 = 16;
    let mut id = HoldId(context.draw.ulid("hold")).to_string();
    for _ in 0..DRAWS_MAX {
        if !context.tables.has(Table::Hold, &keys::texts(&[&id]))? {
            break;
        }
        id = HoldId(context.draw.ulid("hold")).to_string();
    }
    Ok(id)
}

pub(crate) fn release<S: Store>(
    context: &mut Context<'_, S>,
    release: &ReleaseHold,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let ReleaseHold { hold, reason } = release;
    let known = record(context.tables.read(), hold)?;
    let known = known.ok_or_else(|| Rejection::UnknownHold { hold: hold.clone() })?;
    if known.released.is_some() {
        return Err(Rejection::HoldReleased { hold: hold.clone() }.into());
    }
    let mut data = context.asked();
    data.insert("hold_id", hold.as_str());
    data.insert("reason", reason.as_str());
    let recorded = context.record(EntryType::LegalHoldReleased, data)?;
    let key = keys::texts(&[hold]);
    let released = Some(recorded.entry_id);
    context.tables.put_record(Table::Hold, &key, &HoldRecord { released, ..known })?;
    context.tables.delete(Table::HoldInForce, &key);
    context.cache.forget_holds();
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// A hold; `None` where there never was one of this id.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn record(read: &impl Read, id: &str) -> Result<Option<HoldRecord>, Corruption> {
    // No id has a zero byte, and no key may have one within.
    if id.contains('\0') {
        return Ok(None);
    }
    tables::record(read, Table::Hold, &keys::texts(&[id]))
}

/// A scope as entries and replies tell it.
pub fn scope_json(scope: &HoldScope) -> Json {
    let mut json = Object::new();
    match scope {
        HoldScope::All => drop(json.insert("kind", "all")),
        HoldScope::Entries(ids) => {
            json.insert("entry_ids", Json::Array(ids.iter().map(|id| id.0.into()).collect()));
            json.insert("kind", "entries");
        }
        HoldScope::Filter(filter) => {
            json.insert("filter", filter_json(filter));
            json.insert("kind", "filter");
        }
    }
    Json::Object(json)
}

fn filter_json(filter: &EntryFilter) -> Json {
    Json::object([
        ("actor", filter.actor.as_deref().into()),
        ("entry_type", filter.entry_type.map(EntryType::as_str).into()),
        ("from", filter.from.map(|from| from.to_string()).into()),
        ("to", filter.to.map(|to| to.to_string()).into()),
    ])
}
