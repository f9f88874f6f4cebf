//! Pages of decisions, from the indexes by actor, action and outcome: see
//! [`super::walk`]. A decision that is erased as a whole is in no index.

use ledger::StoredEntry;
use policy::Verdict;
use types::{EntryId, Timestamp};

use super::entries::ids_between;
use super::entry;
use super::walk::{Under, Walk, after};
use crate::outcome::Corruption;
use crate::store::{Direction, Read, Table};

/// Every outcome there is; together they have every decision.
const OUTCOMES: [Verdict; 3] = [Verdict::Allowed, Verdict::Denied, Verdict::Escalated];

/// Which decisions are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionQuery {
    /// Entries past this one in the order asked for.
    pub after: Option<EntryId>,
    /// About this actor.
    pub actor: Option<String>,
    /// On this action.
    pub action: Option<String>,
    /// That came out so.
    pub outcome: Option<Verdict>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
    /// The page ends once what is left of its entries is as large as this.
    pub bytes_max: usize,
}

/// A page of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionPage {
    /// Their entries, each of which has its `data`.
    pub entries: Vec<StoredEntry>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`super::TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// Decisions that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn decisions(read: &impl Read, query: &DecisionQuery) -> Result<DecisionPage, Corruption> {
    let whole = ids_between(read, query.from, query.to)?;
    let walk = Walk::of(read, named(query), &OUTCOMES.map(by_outcome), &whole)?;
    let (total, total_exact) = walk.count(read, &whole)?;
    let page = after(query.after, query.direction, whole);
    let ids = walk.ids(read, page, query.direction, query.limit.saturating_add(1))?;
    let (mut entries, mut bytes, mut next) = (Vec::new(), 0_usize, None);
    for id in ids {
        if entries.len() == query.limit || query.bytes_max <= bytes {
            next = entries.last().map(|last: &StoredEntry| last.header.id);
            break;
        }
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let found = entry(read, id)?.ok_or_else(missing)?;
        for part in [&found.data, &found.personal].into_iter().flatten() {
            bytes = bytes.saturating_add(part.text.len());
        }
        entries.push(found);
    }
    Ok(DecisionPage { entries, next, total, total_exact })
}

/// The indexes that a query names.
fn named(query: &DecisionQuery) -> Vec<Under<'_>> {
    let by = |table, text| Under { table, text };
    let named = [
        query.actor.as_deref().map(|actor| by(Table::DecisionByActor, actor)),
        query.action.as_deref().map(|action| by(Table::DecisionByAction, action)),
        query.outcome.map(by_outcome),
    ];
    named.into_iter().flatten().collect()
}

fn by_outcome(outcome: Verdict) -> Under<'static> {
    Under { table: Table::DecisionByOutcome, text: outcome.as_str() }
}
