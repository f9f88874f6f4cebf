//! Entries, one or a page of them, verified or proved on request.

use governance::view::{self, EntryQuery};
use governance::{Direction, Read};
use ledger::{Checker, EntryType, Fault as ChainFault, FaultReason, StoredEntry};
use types::{EntryId, Json, Object};

use super::checkpoint::last_note;
use super::erasures::Erasures;
use super::gaps::{self, GAP};
use super::proof::Prover;
use super::{ENTRY, ID_MAX, PROOF, entry_json, plain_number};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, integer, list, text};
use crate::rest::decision::reply::{legible_parts, parts};
use crate::verified::Verified;

/// Entries verified within one request beyond those verified before.
const CATCH_UP_MAX: u64 = 10_000;
/// A page ends early, with `next`, once its parts are as large as this.
const PAGE_BYTES_MAX: usize = 16 << 20;
/// Entries read at once: few at first, since each may be megabytes.
const CHUNK_MIN: usize = 8;
const CHUNK_MAX: usize = 256;
const CHUNK_BYTES: usize = 1 << 20;

const LIMIT_DEFAULT: usize = 100;
const ID: Kind = Kind::Integer { min: 0, max: ID_MAX };

/// How many.
pub(crate) const LIMIT: Field =
    Field::optional("limit", Kind::Integer { min: 1, max: 1000 }, "Most items of the page.")
        .default("100");

/// Query of `GET /ledger/entries`.
pub(crate) const ENTRIES_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "verify",
        Kind::Bool,
        "Hash stored bytes of the page again, and of what lies before it as far as not done yet.",
    )
    .default("false"),
    Field::optional("after", ID, "Entries past this id in the order asked for."),
    Field::optional("before", ID, "Entries below this id."),
    Field::optional(
        "entry_type",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "Entries of this type.",
    )
    .or("event_type"),
    Field::optional("actor", Kind::Text(Text::any(512)), "Entries about this actor."),
    Field::optional("from", Kind::Time, "Not earlier than this."),
    Field::optional("to", Kind::Time, "Earlier than this."),
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Order of ids.").default("\"asc\""),
    PROOF,
];

/// Reply of `GET /ledger/entries`.
pub(crate) const ENTRIES_REPLY: &[Member] = &[
    list("entries", ENTRY, "The page; with `proof=true` each has its `proof` too."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
    flag("chain_valid", "Whether the chain holds up to the end of the page; null unless asked.")
        .or_null(),
    integer("verified_through", "This node has verified everything up to this entry.").or_null(),
    text("checkpoint", "The last final checkpoint.").or_null(),
    list(
        "gaps",
        GAP,
        "With `actor` alone and `proof=true`: the erased entries whose numbers are missing between \
         the entries of the page and before its first, the first 1,000 of them; else null.",
    )
    .or_null(),
    integer("gaps_total", "How many numbers are missing there; null as `gaps`.").or_null(),
];

/// `GET /ledger/entries/{id}`.
pub(crate) async fn entry<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_ENTRY, "there is no such entry");
    let id = plain_number(&call.path).map(EntryId).ok_or_else(unknown)?;
    let with_proof = call.query.flag("proof");
    let read = app.backend.view()?;
    let work = move || {
        let entry = view::entry(&read, id)?.ok_or_else(unknown)?;
        let mut json = entry_json(&read, &entry, parts(&entry)?)?;
        let proof = match with_proof {
            true => Prover::covering(&read, Some(id))?.proof(id, entry.hash())?,
            false => Json::Null,
        };
        json.insert("proof", proof);
        Ok(Answer::json(json).showing([&entry]))
    };
    app.blocking(work).await
}

/// `GET /ledger/entries`.
pub(crate) async fn list_entries<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let verify = call.query.flag("verify");
    let proof = call.query.flag("proof");
    let query = query(call.query)?;
    // Whom entries of one type are about has no numbers of its own.
    let gaps_of = query.actor.clone().filter(|_| proof && query.entry_type.is_none());
    let is_audit = verify || gaps_of.is_some();
    let shared = std::sync::Arc::clone(&app.shared);
    let work = move || {
        let page = page(&read, query)?;
        let (chain_valid, through) = match verify {
            true => verify_page(&read, &shared.verified, &page.entries)?,
            false => (None, shared.verified.progress().through),
        };
        let last = page.entries.iter().map(|entry| entry.header.id).max();
        let prover = proof.then(|| Prover::covering(&read, last)).transpose()?;
        let found = match (&prover, gaps_of) {
            (Some(prover), Some(actor)) => Some(gaps::find(&read, &actor, &page.entries, prover)?),
            (_, _) => None,
        };
        let mut reply = answer(&read, &page, prover.as_ref(), chain_valid)?;
        reply.insert("verified_through", through.map(|through| through.0));
        reply.insert("checkpoint", last_note(&read)?);
        reply.insert("gaps_total", found.as_ref().map(|found| found.total));
        reply.insert("gaps", found.map(|found| Json::Array(found.rows)));
        Ok(Answer::json(reply).showing(&page.entries))
    };
    if is_audit { app.audit(work).await } else { app.blocking(work).await }
}

fn query(mut query: Checked) -> Result<EntryQuery, Problem> {
    let entry_type = match query.word("entry_type").map(str::to_ascii_lowercase) {
        None => None,
        Some(word) => Some(word.parse::<EntryType>().map_err(|error| {
            Problem::fault(Fault::parameter("entry_type", "not_one_of", error.to_string()))
        })?),
    };
    let direction = match query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    };
    Ok(EntryQuery {
        after: query.integer("after").map(EntryId),
        before: query.integer("before").map(EntryId),
        entry_type,
        actor: query.text("actor"),
        from: query.time("from"),
        to: query.time("to"),
        direction,
        limit: query.integer("limit").unwrap_or(LIMIT_DEFAULT),
    })
}

struct Page {
    entries: Vec<StoredEntry>,
    next: Option<EntryId>,
    total: u64,
    total_exact: bool,
}

/// A page, read in pieces so that its size in memory is bounded whatever its
/// entries hold.
fn page(read: &impl Read, query: EntryQuery) -> Result<Page, Problem> {
    let limit = query.limit;
    let mut piece = EntryQuery { limit: limit.min(CHUNK_MIN), ..query };
    let first = view::entries(read, &piece)?;
    let (total, total_exact) = (first.total, first.total_exact);
    let (mut entries, mut next) = (first.entries, first.next);
    let mut bytes = size(&entries);
    let mut chunk = CHUNK_MIN;
    while let Some(after) = next.filter(|_| entries.len() < limit && bytes < PAGE_BYTES_MAX) {
        piece.after = Some(after);
        piece.limit = chunk.min(limit - entries.len());
        let more = view::entries(read, &piece)?;
        let read_bytes = size(&more.entries);
        if read_bytes < CHUNK_BYTES {
            chunk = (chunk * 2).min(CHUNK_MAX);
        }
        bytes += read_bytes;
        next = more.next;
        entries.extend(more.entries);
    }
    Ok(Page { entries, next, total, total_exact })
}

fn size(entries: &[StoredEntry]) -> usize {
    let part = |part: &Option<ledger::Part>| part.as_ref().map_or(0, |part| part.text.len());
    entries.iter().map(|entry| part(&entry.data) + part(&entry.personal)).sum()
}

/// Whether entries are in the tree of the last final checkpoint that covers
/// them. Tiles that cannot be read prove nothing.
fn are_included(read: &impl Read, entries: &[StoredEntry]) -> Result<bool, Problem> {
    let Some(record) = view::last_final(read)? else {
        return Ok(true);
    };
    let prover = Prover::of(read, &record)?;
    let mut covered = entries.iter().filter(|entry| entry.header.id.0 < record.claim.size);
    Ok(covered.all(|entry| prover.hashes(entry.header.id, entry.hash()).is_ok()))
}

/// False for a fault, true when everything up to the end of the page holds,
/// none when that is too much for one request.
fn verify_page(
    read: &impl Read,
    verified: &Verified,
    entries: &[StoredEntry],
) -> Result<(Option<bool>, Option<EntryId>), Problem> {
    for entry in entries {
        if let Some(fault) = fault_of(read, entry)? {
            tracing::error!(
                entry = fault.id.0,
                reason = fault.reason.as_str(),
                "ledger is damaged"
            );
            return Ok((Some(false), verified.progress().through));
        }
    }
    let mut erasures = Erasures::new(read);
    for entry in entries {
        if !erasures.are_recorded(entry)? {
            tracing::error!(entry = entry.header.id.0, "a part is gone that no run erased");
            return Ok((Some(false), verified.progress().through));
        }
    }
    if !are_included(read, entries)? {
        tracing::error!("entries are not in the tree of the last final checkpoint");
        return Ok((Some(false), verified.progress().through));
    }
    let head = view::head(read)?;
    let last = entries.iter().map(|entry| entry.header.id).max();
    let Some(target) = last.or_else(|| head.size().checked_sub(1).map(EntryId)) else {
        return Ok((Some(true), None));
    };
    let progress = verified.advance(read, target, CATCH_UP_MAX)?;
    let valid = match progress.fault {
        // What comes before the page is at fault; a fault after it is not.
        Some(fault) if fault.id <= target => Some(false),
        Some(_) | None => progress.through.filter(|through| target <= *through).map(|_| true),
    };
    Ok((valid, progress.through))
}

/// An entry's own bytes, and its links to both neighbors.
fn fault_of(read: &impl Read, entry: &StoredEntry) -> Result<Option<ChainFault>, Problem> {
    let id = entry.header.id;
    let fault = |id, reason| Ok(Some(ChainFault { id, reason }));
    let before = match id.0.checked_sub(1).map(EntryId) {
        None => None,
        Some(before) => match view::entry(read, before)? {
            Some(entry) => Some((entry.hash(), entry.header.timestamp)),
            None => return fault(before, FaultReason::Missing),
        },
    };
    if let Err(fault) = Checker::from(id, before).check(entry) {
        return Ok(Some(fault));
    }
    let next = EntryId(id.0.saturating_add(1));
    let head = view::head(read)?;
    let named = match view::entry(read, next)? {
        Some(entry) => entry.header.previous_hash,
        None if head.size() == next.0 => head.hash,
        None => return fault(next, FaultReason::Missing),
    };
    if named == entry.hash() { Ok(None) } else { fault(id, FaultReason::HashMismatch) }
}

fn answer<R: Read>(
    read: &R,
    page: &Page,
    prover: Option<&Prover<'_, R>>,
    chain_valid: Option<bool>,
) -> Result<Object, Problem> {
    let mut rows = Vec::with_capacity(page.entries.len());
    for entry in &page.entries {
        // In a page that was found damaged, what cannot be read is null.
        let parts = match chain_valid {
            Some(false) => legible_parts(entry),
            Some(true) | None => parts(entry)?,
        };
        let mut json = entry_json(read, entry, parts)?;
        if let Some(prover) = prover {
            let proof = prover.proof(entry.header.id, entry.hash());
            json.insert(
                "proof",
                if chain_valid == Some(false) { proof.unwrap_or_default() } else { proof? },
            );
        }
        rows.push(Json::Object(json));
    }
    let mut reply = Object::new();
    reply.insert("entries", Json::Array(rows));
    reply.insert("total", page.total);
    reply.insert("total_exact", page.total_exact);
    reply.insert("next", page.next.map(|next| next.0));
    reply.insert("chain_valid", chain_valid);
    Ok(reply)
}
