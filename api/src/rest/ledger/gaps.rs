//! What lies between the entries about one actor: numbers that no entry one can
//! read has, because whom it was about is erased. A header with just that number
//! explains one; with its proof, nobody can make it up.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::view::{self, EntryQuery};
use governance::{Direction, Read, Scan, Table};
use ledger::StoredEntry;
use types::{EntryId, Json};

use super::proof::{PROOF, Prover};
use crate::problem::Problem;
use crate::reply::{Member, integer, object, text};

/// Gaps of a page that are shown.
const SHOWN_MAX: usize = 1000;
/// Erased entries that are looked at for one page.
const LOOKS_MAX: usize = 100_000;
/// Erased entries that are read at once.
const CHUNK: usize = 256;

/// Members of a gap.
pub(crate) const GAP: &[Member] = &[
    integer("seq", "The `actor_seq` that no entry of the page has."),
    integer("id", "The erased entry with that number; null where none was found.").or_null(),
    text("header", "Its header, base64.").or_null(),
    object("proof", PROOF, "Its inclusion in the same tree.").or_null(),
];

/// The gaps below the entries of a page.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    pub(crate) rows: Vec<Json>,
    /// How many there are, shown or not.
    pub(crate) total: u64,
}

/// An entry about the actor.
#[derive(Clone, Copy)]
struct Seen {
    /// Id of the next entry.
    next: u64,
    seq: u64,
}

/// Finds what explains each gap between the last entry about `actor` before the
/// page and the last one on it.
pub(crate) fn find<R: Read>(
    read: &R,
    actor: &str,
    page: &[StoredEntry],
    prover: &Prover<'_, R>,
) -> Result<Gaps, Problem> {
    let mut of_page: Vec<(u64, u64)> =
        page.iter().map(|entry| (entry.header.id.0, entry.header.actor_seq)).collect();
    of_page.sort_unstable();
    let mut gaps = Gaps::default();
    let Some((first, _)) = of_page.first().copied() else {
        return Ok(gaps);
    };
    let mut last = before(read, actor, EntryId(first))?;
    let mut looks = LOOKS_MAX;
    for (id, seq) in of_page {
        gaps.total += seq.saturating_sub(last.seq).saturating_sub(1);
        let mut missing = last.seq + 1..seq;
        let shown = SHOWN_MAX.saturating_sub(gaps.rows.len());
        missing.end = missing.end.min(missing.start.saturating_add(shown as u64));
        if !missing.is_empty() {
            explain(read, (last.next, id), missing, &mut looks, prover, &mut gaps.rows)?;
        }
        last = Seen { next: id + 1, seq };
    }
    Ok(gaps)
}

fn before(read: &impl Read, actor: &str, first: EntryId) -> Result<Seen, Problem> {
    let query = EntryQuery {
        after: None,
        before: Some(first),
        entry_type: None,
        actor: Some(actor.to_owned()),
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    let page = view::entries(read, &query)?;
    let last = page.entries.first().map(|entry| &entry.header);
    Ok(last
        .map_or(Seen { next: 0, seq: 0 }, |last| Seen { next: last.id.0 + 1, seq: last.actor_seq }))
}

/// Adds a row for each missing number, from erased entries between two ids.
fn explain<R: Read>(
    read: &R,
    (mut from, to): (u64, u64),
    missing: std::ops::Range<u64>,
    looks: &mut usize,
    prover: &Prover<'_, R>,
    rows: &mut Vec<Json>,
) -> Result<(), Problem> {
    let mut found: BTreeMap<u64, StoredEntry> = BTreeMap::new();
    let wanted = missing.end - missing.start;
    while from < to && 0 < *looks && (found.len() as u64) < wanted {
        let ids = erased_ids(read, from, to, CHUNK.min(*looks))?;
        *looks -= ids.len();
        let Some(last) = ids.last() else { break };
        from = last.0 + 1;
        for id in ids {
            let entry = view::entry(read, id)?;
            let entry = entry.filter(|entry| entry.data.is_none());
            if let Some(entry) = entry.filter(|entry| missing.contains(&entry.header.actor_seq)) {
                found.entry(entry.header.actor_seq).or_insert(entry);
            }
        }
    }
    for seq in missing {
        rows.push(row(seq, found.get(&seq), prover)?);
    }
    Ok(())
}

/// Entries of which something was erased. The key of a row is the entry's id.
fn erased_ids(
    read: &impl Read,
    from: u64,
    to: u64,
    rows_max: usize,
) -> Result<Vec<EntryId>, Problem> {
    let rows = read.scan(Scan {
        table: Table::Erased,
        from: &from.to_be_bytes(),
        to: Some(&to.to_be_bytes()),
        direction: Direction::Ascending,
        rows_max,
    })?;
    let id = |key: &[u8]| Some(EntryId(u64::from_be_bytes(key.try_into().ok()?)));
    Ok(rows.iter().filter_map(|(key, _)| id(key)).collect())
}

fn row<R: Read>(
    seq: u64,
    entry: Option<&StoredEntry>,
    prover: &Prover<'_, R>,
) -> Result<Json, Problem> {
    let proof = entry.map(|entry| prover.proof(entry.header.id, entry.hash())).transpose()?;
    Ok(Json::object([
        ("seq", seq.into()),
        ("id", entry.map(|entry| entry.header.id.0).into()),
        ("header", entry.map(|entry| STANDARD.encode(&entry.header_text)).into()),
        ("proof", proof.unwrap_or_default()),
    ]))
}
