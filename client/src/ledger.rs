//! Reading and verifying the ledger.

use std::collections::VecDeque;
use std::fmt;

use ::ledger::{Header, Part, StoredEntry};
use serde::Deserialize;
use types::{EntryId, Json};

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
    /// With the proof of each entry.
    pub proof: bool,
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
    /// With proofs, of the entries of one actor: what explains the numbers that
    /// are missing between them.
    #[serde(default)]
    pub gaps: Option<Vec<Gap>>,
    /// How many are missing.
    #[serde(default)]
    pub gaps_total: Option<u64>,
}

/// A number of an actor that no entry one can read has.
#[derive(Clone, Debug, Deserialize)]
pub struct Gap {
    /// The number.
    pub seq: u64,
    /// The erased entry that has it; none where nothing explains it.
    pub id: Option<u64>,
    /// Base64 of its header's bytes.
    pub header: Option<String>,
    /// Its inclusion in the tree.
    pub proof: Option<Proof>,
}

/// Inclusion of an entry in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Proof {
    /// The entry.
    pub leaf_index: u64,
    /// Entries of the tree.
    pub tree_size: u64,
    /// Its root.
    pub root_hash: String,
    /// From the leaf towards the root.
    pub hashes: Vec<String>,
    /// The final checkpoint of that size, if there is one.
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
    /// Key of its commitment.
    #[serde(default)]
    pub salt: Option<String>,
    /// What is free-form or personal; none once erased.
    pub personal: Option<Json>,
    /// Key of its commitment.
    #[serde(default)]
    pub personal_salt: Option<String>,
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
    /// Its inclusion in the tree, where that was asked for.
    #[serde(default)]
    pub proof: Option<Proof>,
}

impl Entry {
    /// The entry as it is stored, from which everything can be hashed again;
    /// `None` where its members do not make one that has its hash.
    pub fn stored(&self) -> Option<StoredEntry> {
        let header = Header {
            id: EntryId(self.id),
            entry_type: self.entry_type.parse().ok()?,
            timestamp: self.timestamp.parse().ok()?,
            actor_seq: self.actor_seq,
            type_seq: self.type_seq,
            data_hash: self.data_hash.parse().ok()?,
            personal_hash: self.personal_hash.as_ref().map(|hash| hash.parse()).transpose().ok()?,
            previous_hash: self.previous_hash.parse().ok()?,
        };
        let entry = StoredEntry {
            header_text: header.to_canonical(),
            header,
            data: part(self.data.as_ref(), self.salt.as_deref())?,
            personal: part(self.personal.as_ref(), self.personal_salt.as_deref())?,
        };
        (entry.hash().to_string() == self.current_hash).then_some(entry)
    }

    /// The run that erased something of it.
    pub fn erased_by(&self) -> Option<u64> {
        self.erased.as_ref()?.as_object()?.get("by_entry_id")?.as_u64()
    }
}

/// A part and its salt, which are there or gone together. Writing what was
/// read again gives the bytes that were hashed.
fn part(value: Option<&Json>, salt: Option<&str>) -> Option<Option<Part>> {
    match (value, salt) {
        (Some(value), Some(salt)) => {
            let salt = types::digest::from_hex(salt)?.try_into().ok()?;
            Some(Some(Part::new(salt, value)))
        }
        (None, None) => Some(None),
        (Some(_), None) | (None, Some(_)) => None,
    }
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
    /// The last final checkpoint.
    #[serde(default)]
    pub checkpoint: Option<String>,
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
            .query("proof", query.proof.then_some(true))
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

    /// One entry with its inclusion in the tree.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn entry_with_proof(&self, id: u64) -> Result<Reply<Entry>, Error> {
        let call = Call::get(["ledger", "entries", &id.to_string()]);
        self.call(&call.query("proof", Some(true))).await
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
