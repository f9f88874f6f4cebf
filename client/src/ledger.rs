//! Reading and verifying the ledger.

use std::collections::VecDeque;
use std::fmt;

use serde::Deserialize;
use types::Json;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// Which entries to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntriesQuery {
    /// Entries of a page, 1..1000.
    pub limit: Option<u32>,
    /// Entry id where the page begins, exclusive.
    pub after: Option<u64>,
    /// Entry id where the list ends, exclusive.
    pub before: Option<u64>,
    /// Of this type alone.
    pub entry_type: Option<String>,
    /// About this actor alone.
    pub actor: Option<String>,
    /// Not before this time.
    pub from: Option<String>,
    /// Before this time.
    pub to: Option<String>,
    /// Re-hash the page and what is before it.
    pub verify: bool,
    /// In which order; `after` follows it.
    pub order: Order,
}

/// Order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        })
    }
}

/// One page of entries.
#[derive(Clone, Debug, Deserialize)]
pub struct Page {
    /// In the order asked for.
    pub entries: Vec<Entry>,
    /// How many match.
    pub total: u64,
    /// Whether `total` was counted to the end.
    #[serde(default)]
    pub total_exact: Option<bool>,
    /// Where the next page begins; none at the end.
    pub next: Option<u64>,
    /// Whether the chain holds; none where that was not asked or not finished.
    pub chain_valid: Option<bool>,
    /// The entry up to which it was verified.
    pub verified_through: Option<u64>,
    /// The last final checkpoint.
    pub checkpoint: Option<String>,
}

/// One entry.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// 0 is genesis.
    pub id: u64,
    /// What it records.
    pub entry_type: String,
    /// When it was applied.
    pub timestamp: String,
    /// Whom it is about.
    pub actor: Option<String>,
    /// What makes the record a record; none once erased.
    pub data: Option<Json>,
    /// What is free-form or personal; none once erased.
    pub personal: Option<Json>,
    /// Commitment to `data`.
    pub data_hash: String,
    /// Commitment to `personal`.
    pub personal_hash: Option<String>,
    /// Hash of the entry before.
    pub previous_hash: String,
    /// Its own hash.
    pub current_hash: String,
    /// The n-th of its type.
    pub type_seq: u64,
    /// The n-th about its actor.
    pub actor_seq: u64,
    /// What of it was erased.
    pub erased: Option<Json>,
}

/// Which entries to verify; both ends count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyRange {
    /// The first.
    pub from: Option<u64>,
    /// The last.
    pub to: Option<u64>,
}

/// Reply to a verification.
#[derive(Clone, Debug, Deserialize)]
pub struct LedgerVerification {
    /// Whether every check held.
    pub valid: bool,
    /// How many entries were re-hashed.
    pub entries_checked: u64,
    /// How many of them have an erased part.
    pub entries_erased: u64,
    /// Where the first check failed.
    pub first_invalid: Option<InvalidEntry>,
    /// The last entry.
    pub head: Head,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// Its root.
    pub root_hash: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// An entry that failed a check.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InvalidEntry {
    /// The entry.
    pub id: u64,
    /// The check.
    pub reason: String,
}

/// The last entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Head {
    /// Its id.
    pub id: u64,
    /// Its hash.
    pub hash: String,
}

impl Client {
    /// One page.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn entries(&self, query: &EntriesQuery) -> Result<Reply<Page>, Error> {
        let call = Call::get(["ledger", "entries"])
            .query("limit", query.limit)
            .query("after", query.after)
            .query("before", query.before)
            .query("entry_type", query.entry_type.as_ref())
            .query("actor", query.actor.as_ref())
            .query("from", query.from.as_ref())
            .query("to", query.to.as_ref())
            .query("verify", query.verify.then_some(true))
            .query("order", (query.order != Order::Ascending).then_some(query.order));
        self.call(&call).await
    }

    /// Every entry that matches, page by page as it is asked for.
    pub fn entries_from(&self, query: EntriesQuery) -> Entries {
        Entries { client: self.clone(), query, page: VecDeque::new(), is_over: false }
    }

    /// One entry.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn entry(&self, id: u64) -> Result<Reply<Entry>, Error> {
        self.call(&Call::get(["ledger", "entries", &id.to_string()])).await
    }

    /// Has the node re-hash what it stores. Takes as long as the range is.
    ///
    /// # Errors
    /// Any [`Error`]; a ledger that is not valid is none.
    pub async fn ledger_verify(
        &self,
        range: VerifyRange,
    ) -> Result<Reply<LedgerVerification>, Error> {
        let call = Call::get(["ledger", "verify"]).query("from", range.from).query("to", range.to);
        self.call(&call.long()).await
    }
}

/// The entries of a query, one after the other. Holds one page at a time.
#[derive(Debug)]
pub struct Entries {
    client: Client,
    query: EntriesQuery,
    page: VecDeque<Entry>,
    is_over: bool,
}

impl Entries {
    /// The next entry, or none at the end. After an error the same page is
    /// asked for again.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn next(&mut self) -> Result<Option<Entry>, Error> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                return Ok(Some(entry));
            }
            if self.is_over {
                return Ok(None);
            }
            self.turn().await?;
        }
    }

    async fn turn(&mut self) -> Result<(), Error> {
        let page = self.client.entries(&self.query).await?.value;
        if page.next.is_some_and(|next| !self.advances(next)) {
            // A cursor that does not move would be followed for ever.
            return Err(Error::NotUnderstood {
                url: "/ledger/entries".to_owned(),
                status: 200,
                why: "`next` is not past `after`".to_owned(),
            });
        }
        self.is_over = page.next.is_none();
        self.query.after = page.next.or(self.query.after);
        self.page = page.entries.into();
        Ok(())
    }

    fn advances(&self, next: u64) -> bool {
        match (self.query.after, self.query.order) {
            (None, Order::Ascending | Order::Descending) => true,
            (Some(after), Order::Ascending) => after < next,
            (Some(after), Order::Descending) => next < after,
        }
    }
}
