//! Erasing parts of entries, with all that follows from them.
//!
//! The header stays, and with it chain, tree and every proof; the run's own
//! entry says what was erased, so that an erasure nobody recorded stands out.
//! Whether something may go already, or is held, is found out in `retention`
//! before: nothing here knows classes or times.
//!
//! Invariants
//! - What verification or replay needs is never erased: [`EntryType::is_erasable`].
//! - What was erased has a row in [`Table::Erased`] that names the run.

mod sought;

use ledger::EntryType;
use sha2::{Digest as _, Sha256};
use types::{Digest, EntryId, Json, Object, Timestamp, UserId};

use crate::access;
use crate::account;
use crate::apply::{Context, Stop};
use crate::command::{EntryRange, Erase, ErasedPart, ErasureCause, ReportForgotten};
use crate::decision;
use crate::escalation;
use crate::evidence;
use crate::export;
use crate::idempotency;
use crate::intervention;
use crate::keys;
use crate::node;
use crate::outcome::{Corruption, Erased, Outcome, Rejection};
use crate::overrides;
use crate::record::{AllowedRecord, DecisionRecord, ErasedRecord, RequestRecord, TokenRecord};
use crate::responsibility;
use crate::retention::class::{self, Side};
use crate::retention::end::{self, End};
use crate::retention::{anonymize, blocks};
use crate::risk;
use crate::store::{Direction, Read, Scan, Store, Table};
use crate::tables;
use crate::token;
use crate::view;
use crate::{ai_incident, annex_iv, system};

pub(crate) use sought::Sought;

/// Entries that one command may erase.
pub const ENTRIES_MAX: u64 = 1_000;

/// Entries of an actor that are looked at for another decision like one that
/// goes. Each look is part of applying, so there is an end to it: a decision that
/// is further back than that, and of which only this one was remembered, is no
/// longer one that a later decision can conflict with.
const LOOKED_AT_MAX: usize = 256;

pub(crate) fn erase<S: Store>(
    context: &mut Context<'_, S>,
    erase: &Erase,
) -> Result<Outcome, Stop> {
    let ids = check(context, erase)?;
    let (part, cause) = (erase.part, erase.cause);
    // What had nothing left to erase is not among what was erased.
    let run = Run { part, cause, ranges: &anonymize::compress(&ids), count: ids.len() as u64 };
    let recorded = context.record(EntryType::AnonymizationRun, run.data(context.asked()))?;
    let by = ErasedRecord::of(part, recorded.entry_id, context.applied.at);
    let (mut entries, mut sought) = (0_u64, Sought::default());
    for id in ids {
        if let Some(gone) = erase_one(context, id, by, cause)? {
            entries = entries.saturating_add(1);
            sought.add(gone);
        }
    }
    sought.forget(context)?;
    Ok(Outcome::Erased(Erased { recorded, entries }))
}

/// Every id that the ranges name.
pub(crate) fn ids<S: Store>(
    context: &mut Context<'_, S>,
    ranges: &[EntryRange],
) -> Result<Vec<EntryId>, Stop> {
    let size = context.cache.head(context.tables.read())?.size();
    let mut next = 0;
    let mut ids = Vec::new();
    for EntryRange { from, to } in ranges {
        let length = to.0.saturating_sub(from.0).saturating_add(1);
        let total = length.saturating_add(ids.len() as u64);
        if from.0 < next || to < from || size <= to.0 || ENTRIES_MAX < total {
            return Err(Rejection::RangesInvalid.into());
        }
        ids.extend((from.0..=to.0).map(EntryId));
        next = to.0.saturating_add(1);
    }
    Ok(ids)
}

/// Those ids that the ranges name of which there is something to erase, if all of
/// them may be erased.
fn check<S: Store>(context: &mut Context<'_, S>, erase: &Erase) -> Result<Vec<EntryId>, Stop> {
    let ids = ids(context, &erase.ranges)?;
    let mut left = Vec::new();
    for id in &ids {
        let entry = stored(context.tables.read(), *id)?;
        if !entry.header.entry_type.is_erasable() {
            return Err(Rejection::NotErasable { entry: *id }.into());
        }
        anonymize::refuse(context, *id, &entry)?;
        if is_held(context.tables.read(), &entry, erase, context.applied.at)? {
            return Err(Rejection::NotErasable { entry: *id }.into());
        }
        let is_left = match erase.part {
            ErasedPart::Personal => entry.personal.is_some(),
            ErasedPart::All => entry.personal.is_some() || entry.data.is_some(),
        };
        left.extend(is_left.then_some(*id));
    }
    if left.is_empty() { Err(Rejection::NothingToErase.into()) } else { Ok(left) }
}

/// Whether what is to be erased of an entry stays, because of something that is
/// not over: an account or a key that can be used, a question to humans, a stop, a
/// system in use, an incident. Nothing but a wish takes what says itself for how
/// long it counts.
pub(crate) fn is_held(
    read: &impl Read,
    entry: &ledger::StoredEntry,
    erase: &Erase,
    now: Timestamp,
) -> Result<bool, Corruption> {
    if system::is_held(read, entry, erase, now)?
        || ai_incident::is_held(read, entry, erase)?
        || annex_iv::is_held(read, entry, erase, now)?
    {
        return Ok(true);
    }
    let entry_type = entry.header.entry_type;
    let data = class::object(entry, Side::Data)?.unwrap_or_default();
    let is_by_time = (erase.part, erase.cause) == (ErasedPart::All, ErasureCause::Retention);
    if is_by_time && !end::is_over(entry_type, &data, now) {
        return Ok(true);
    }
    // What there is of a system or an incident to keep was asked for above.
    Ok(!end::is_of_thing(entry_type) && end::end(read, entry, &data, now)? == End::Open)
}

fn stored(read: &impl Read, id: EntryId) -> Result<ledger::StoredEntry, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    view::entry(read, id)?.ok_or_else(missing)
}

/// What the entry of a run says.
pub(crate) struct Run<'a> {
    pub(crate) part: ErasedPart,
    pub(crate) cause: ErasureCause,
    pub(crate) ranges: &'a [EntryRange],
    pub(crate) count: u64,
}

impl Run<'_> {
    /// `data` of the entry, from who asked.
    pub(crate) fn data(&self, asked: Object) -> Object {
        let ranges = self
            .ranges
            .iter()
            .map(|range| Json::object([("from", range.from.0.into()), ("to", range.to.0.into())]));
        let mut data = asked;
        data.insert("cause", self.cause.as_str());
        data.insert("count", self.count);
        data.insert("part", self.part.as_str());
        data.insert("ranges", Json::Array(ranges.collect()));
        data
    }
}

/// What went with an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gone {
    /// The account that it made.
    pub(crate) account: Option<UserId>,
    /// Of which account it told that this provider vouches for it.
    pub(crate) link: Option<(String, UserId)>,
}

/// What there was left of the entry to erase, if anything.
pub(crate) fn erase_one<S: Store>(
    context: &mut Context<'_, S>,
    id: EntryId,
    by: ErasedRecord,
    cause: ErasureCause,
) -> Result<Option<Gone>, Corruption> {
    let entry = stored(context.tables.read(), id)?;
    let row = keys::entry(id);
    let data = entry.data.as_ref().map(|part| &part.text);
    let gone = match by.part {
        ErasedPart::Personal => entry.personal.is_some(),
        ErasedPart::All => entry.personal.is_some() || entry.data.is_some(),
    };
    if !gone {
        return Ok(None);
    }
    let gone = match data {
        Some(data) => forget_derived(context, &entry, data, by)?,
        None => Gone::default(),
    };
    if access::EVIDENCE <= context.cache.feature_level(context.tables.read())? {
        forget_more(context, &entry, by.part, cause)?;
    }
    if entry.personal.is_some() {
        context.tables.delete(Table::Personal, &row);
    }
    if by.part == ErasedPart::All && entry.data.is_some() {
        context.tables.delete(Table::Data, &row);
    }
    let before: Option<ErasedRecord> = context.tables.record(Table::Erased, &row)?;
    let personal_by = before.map_or(by.by, |before| before.personal_by);
    context.tables.put_record(Table::Erased, &row, &ErasedRecord { personal_by, ..by })?;
    Ok(Some(gone))
}

/// What else goes from feature level 5 on.
fn forget_more<S: Store>(
    context: &mut Context<'_, S>,
    entry: &ledger::StoredEntry,
    part: ErasedPart,
    cause: ErasureCause,
) -> Result<(), Corruption> {
    let id = entry.header.id;
    let before: Option<ErasedRecord> = context.tables.record(Table::Erased, &keys::entry(id))?;
    let (before, had_personal) = (before.map(|before| before.part), entry.personal.is_some());
    blocks::erase(&mut context.tables, &blocks::Gone { id, before, part, had_personal })?;
    idempotency::forget(context, id)?;
    if entry.header.entry_type == EntryType::Decision {
        evidence::forget_of_decision(context, entry, cause)?;
    }
    Ok(())
}

/// Takes away what can be told of the erased part elsewhere.
fn forget_derived<S: Store>(
    context: &mut Context<'_, S>,
    entry: &ledger::StoredEntry,
    data: &str,
    by: ErasedRecord,
) -> Result<Gone, Corruption> {
    let part = by.part;
    let id = entry.header.id;
    let data: Object = serde_json::from_str(data)
        .map_err(|_| Corruption::new("data", format!("entry {id} is no object")))?;
    if entry.header.entry_type == EntryType::Decision {
        forget_request(context, &data, part)?;
    }
    intervention::forget(context, entry, &data, part)?;
    let gone = account::erased::forget(context, entry, &data, part)?;
    export::build::forget(context, entry, &data, part)?;
    system::forget(context, entry, &data, part)?;
    ai_incident::forget(context, entry, &data, part);
    if part == ErasedPart::All
        && let Some(actor) = data.get("actor").and_then(Json::as_str)
    {
        forget_actor(context, actor, entry.header.actor_seq)?;
        if entry.header.entry_type == EntryType::Decision {
            forget_allowed(context, actor, &data)?;
            forget_index(context, actor, &data, id);
        }
        forget_token(context, &data, id)?;
    }
    if part == ErasedPart::All {
        risk::forget(context, &data, id)?;
        escalation::forget(context, &data, id)?;
        responsibility::forget(context, id)?;
        overrides::forget(context, &data, id, by.by)?;
    }
    crate::control::forget(context, entry, &data, part)?;
    evidence::forget(context, entry, &data, part)?;
    Ok(gone)
}

/// The digest of a request tells what was asked to whoever can guess it; its key
/// is the caller's own text and goes with the last of the entry.
fn forget_request<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    part: ErasedPart,
) -> Result<(), Corruption> {
    let id = data.get("decision_id").and_then(Json::as_str);
    let Some(id) = id.and_then(|id| id.parse::<types::DecisionId>().ok()) else {
        return Ok(());
    };
    let record: Option<DecisionRecord> = context.tables.record(Table::Decision, &id.0.key())?;
    let Some(record) = record else { return Ok(()) };
    let Some(row) = &record.request else { return Ok(()) };
    if part == ErasedPart::All {
        context.tables.delete(Table::Request, row);
        let record = DecisionRecord { request: None, ..record };
        return context.tables.put_record(Table::Decision, &id.0.key(), &record);
    }
    let known: Option<RequestRecord> = context.tables.record(Table::Request, row)?;
    if let Some(known) = known.filter(|known| known.body_digest.is_some()) {
        let known = RequestRecord { body_digest: None, ..known };
        context.tables.put_record(Table::Request, row, &known)?;
    }
    Ok(())
}

/// Takes an entry out of its actor's index. The count goes on: a number given
/// twice would hide an entry.
fn forget_actor<S: Store>(
    context: &mut Context<'_, S>,
    actor: &str,
    number: u64,
) -> Result<(), Corruption> {
    let last = last_of_actor(context.tables.read(), actor)?;
    context.tables.delete(Table::EntryByActor, &keys::text_and_number(actor, number));
    if number == last {
        context.tables.put_record(Table::ActorCount, &actor_digest(actor).0, &last)?;
    }
    Ok(())
}

/// The last number given to an entry about this actor; 0 where there is none.
pub(crate) fn last_of_actor(read: &impl Read, actor: &str) -> Result<u64, Corruption> {
    let listed = tables::last_number(read, Table::EntryByActor, actor)?;
    let kept: Option<u64> = tables::record(read, Table::ActorCount, &actor_digest(actor).0)?;
    Ok(listed.max(kept.unwrap_or(0)))
}

fn actor_digest(actor: &str) -> Digest {
    let mut hash = Sha256::new();
    hash.update(b"lexecon/actor/v1\n");
    hash.update(actor.as_bytes());
    Digest(hash.finalize().into())
}

/// What the actor was allowed, if it is this decision that is remembered for it.
/// Another one that stands takes its place: a conflict must not go unseen.
fn forget_allowed<S: Store>(
    context: &mut Context<'_, S>,
    actor: &str,
    data: &Object,
) -> Result<(), Corruption> {
    let text = |name: &str| data.get(name).and_then(Json::as_str);
    let Some(action) = text("action") else {
        return Ok(());
    };
    let row = keys::allowed(actor, action, text("resource"));
    let known: Option<AllowedRecord> = context.tables.record(Table::Allowed, &row)?;
    let Some(known) = known else { return Ok(()) };
    if Some(known.decision.to_string().as_str()) != text("decision_id") {
        return Ok(());
    }
    match another_allowed(context.tables.read(), actor, &known)? {
        Some(decision) => {
            let record = AllowedRecord { decision, ..known };
            context.tables.put_record(Table::Allowed, &row, &record)
        }
        None => {
            context.tables.delete(Table::Allowed, &row);
            Ok(())
        }
    }
}

/// Takes a decision out of the indexes by which decisions are listed: nothing of
/// it is left to show, and where it stood would tell what it said.
fn forget_index<S: Store>(context: &mut Context<'_, S>, actor: &str, data: &Object, id: EntryId) {
    let text = |name: &str| data.get(name).and_then(Json::as_str).unwrap_or_default();
    for (table, text) in decision::indexed(actor, text("action"), text("outcome")) {
        context.tables.delete(table, &keys::text_and_number(text, id.0));
    }
}

/// A token goes with the entry that granted it, which alone knows what it
/// permits. Nobody knows it then, so that it permits nothing, revoked or not.
fn forget_token<S: Store>(
    context: &mut Context<'_, S>,
    data: &Object,
    id: EntryId,
) -> Result<(), Corruption> {
    let token_id = data.get("token_id").and_then(Json::as_str);
    let Some(token) = token_id.and_then(|id| id.parse::<types::TokenId>().ok()) else {
        return Ok(());
    };
    let known: Option<TokenRecord> = context.tables.record(Table::Token, &token.0.key())?;
    if known.is_none_or(|known| known.entry_id != id) {
        return Ok(());
    }
    context.tables.delete(Table::Token, &token.0.key());
    let decision = data.get("decision_id").and_then(Json::as_str);
    match decision.and_then(|id| id.parse::<types::DecisionId>().ok()) {
        Some(decision) => token::forget_issued(context, decision, id),
        None => Ok(()),
    }
}

/// The newest other decision that allowed the actor the same, among its last
/// entries.
fn another_allowed(
    read: &impl Read,
    actor: &str,
    known: &AllowedRecord,
) -> Result<Option<types::DecisionId>, Corruption> {
    let rows = read.scan(Scan {
        table: Table::EntryByActor,
        from: &keys::texts(&[actor]),
        to: Some(&keys::after_texts(&[actor])),
        direction: Direction::Descending,
        rows_max: LOOKED_AT_MAX,
    })?;
    for (_, value) in &rows {
        let entry = stored(read, crate::codec::decode("entry_by_actor", value)?)?;
        let data = entry.data.filter(|_| entry.header.entry_type == EntryType::Decision);
        let data = data.and_then(|data| serde_json::from_str::<Object>(&data.text).ok());
        let Some(data) = data else { continue };
        let text = |name: &str| data.get(name).and_then(Json::as_str);
        let is_same = text("outcome") == Some("allowed")
            && text("action") == Some(&known.action)
            && text("resource") == known.resource.as_deref();
        let decision = text("decision_id").and_then(|id| id.parse().ok());
        if let Some(decision) = decision.filter(|id| is_same && *id != known.decision) {
            return Ok(Some(decision));
        }
    }
    Ok(None)
}

/// A node has no bytes left of what was erased up to a run.
pub(crate) fn forgotten<S: Store>(
    context: &mut Context<'_, S>,
    report: &ReportForgotten,
) -> Result<Outcome, Stop> {
    node::speaking(context, report.raft_id)?;
    let row = keys::node(report.raft_id);
    let before: Option<EntryId> = context.tables.record(Table::Forgotten, &row)?;
    let run = view::entry(context.tables.read(), report.through)?;
    let is_run = run.is_some_and(|run| run.header.entry_type == EntryType::AnonymizationRun);
    if !is_run {
        return Err(Rejection::NotProven.into());
    }
    if before.is_some_and(|before| report.through <= before) {
        return Err(Rejection::AlreadyRecorded.into());
    }
    context.tables.put_record(Table::Forgotten, &row, &report.through)?;
    Ok(Outcome::Noted)
}
