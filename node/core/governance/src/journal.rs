//! Appending to the ledger: the only place that makes an entry.
//!
//! Invariants
//! - Ids have no gaps, each entry links to the one before, counts per type and
//!   per actor start at 1 and have no gaps.
//! - Header, parts and index rows of an entry are written together.

use ledger::{EntryType, Header, Part};
use types::{Digest, EntryId, Json, Timestamp};

use crate::cache::Cache;
use crate::keys;
use crate::outcome::{Corruption, Recorded};
use crate::retention::{blocks, class};
use crate::store::{Store, Table};
use crate::tables::Tables;
use crate::tree;

/// What is to be recorded.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) entry_type: EntryType,
    /// Whom the entry is about; also `data.actor`.
    pub(crate) actor: Option<&'a str>,
    pub(crate) data: &'a Json,
    pub(crate) salt: [u8; 32],
    pub(crate) personal: Option<(&'a Json, [u8; 32])>,
}

/// The ledger, for appending.
#[derive(Debug)]
pub(crate) struct Journal<'a, 'b, S> {
    pub(crate) tables: &'a mut Tables<'b, S>,
    cache: &'a mut Cache,
    at: Timestamp,
}

impl<'a, 'b, S: Store> Journal<'a, 'b, S> {
    pub(crate) fn new(tables: &'a mut Tables<'b, S>, cache: &'a mut Cache, at: Timestamp) -> Self {
        Self { tables, cache, at }
    }

    pub(crate) fn append(&mut self, draft: &Draft<'_>) -> Result<Recorded, Corruption> {
        let data = Part::new(draft.salt, draft.data);
        let personal = draft.personal.map(|(value, salt)| Part::new(salt, value));
        let header = self.header(draft, &data, personal.as_ref())?;
        let text = header.to_canonical();
        let hash = ledger::hash::entry_hash(text.as_bytes());
        self.write(&header, &text, &data, personal.as_ref());
        self.index(&header, draft.actor)?;
        class::count(self.tables, self.cache, draft, header.id)?;
        if personal.is_some() {
            blocks::append(self.tables, self.cache, header.id)?;
        }
        self.advance(header.id, hash)?;
        Ok(Recorded { entry_id: header.id, entry_hash: hash, at: self.at })
    }

    fn header(
        &mut self,
        draft: &Draft<'_>,
        data: &Part,
        personal: Option<&Part>,
    ) -> Result<Header, Corruption> {
        let read = self.tables.read();
        let type_seq = self.cache.next_of_type(read, draft.entry_type)?;
        let actor_seq = match draft.actor {
            Some(actor) => self.cache.next_of_actor(read, actor)?,
            None => 0,
        };
        let head = self.cache.head(read)?;
        Ok(Header {
            id: EntryId(head.size()),
            entry_type: draft.entry_type,
            timestamp: self.at,
            actor_seq,
            type_seq,
            data_hash: data.hash(),
            personal_hash: personal.map(Part::hash),
            previous_hash: head.hash,
        })
    }

    fn write(&mut self, header: &Header, text: &str, data: &Part, personal: Option<&Part>) {
        let key = keys::entry(header.id);
        self.tables.put_bytes(Table::Header, &key, &[text.as_bytes()]);
        self.tables.put_bytes(Table::Data, &key, &[&data.salt, data.text.as_bytes()]);
        if let Some(part) = personal {
            self.tables.put_bytes(Table::Personal, &key, &[&part.salt, part.text.as_bytes()]);
        }
    }

    fn index(&mut self, header: &Header, actor: Option<&str>) -> Result<(), Corruption> {
        let by_type = keys::text_and_number(header.entry_type.as_str(), header.type_seq);
        self.tables.put_record(Table::EntryByType, &by_type, &header.id)?;
        if let Some(actor) = actor {
            let by_actor = keys::text_and_number(actor, header.actor_seq);
            self.tables.put_record(Table::EntryByActor, &by_actor, &header.id)?;
        }
        Ok(())
    }

    fn advance(&mut self, id: EntryId, hash: Digest) -> Result<(), Corruption> {
        let head = self.cache.head(self.tables.read())?;
        head.hash = hash;
        head.tree.append(hash);
        tree::append(self.tables, self.cache, id, hash)
    }
}
