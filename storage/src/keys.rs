//! Every key on disk. Integers are big-endian, so that byte order is number
//! order. Each key begins with its group, so that a second group needs no new
//! format: `group` below is one length byte and the group's name.
//!
//! Instance `log/`, column family `default`:
//!
//! | key | value |
//! |---|---|
//! | `group 00 00` | number of the last write batch: u64 |
//! | `group 00 01` | vote: number of its batch u64, then raft's bytes |
//! | `group 00 02` | commit marker: raft's bytes |
//! | `group 00 03` | base: first index u64, chain hash 32, bytes before u64, then `01` and raft's purged id, or `00` |
//! | `group 00 04` | number of the batch that last cut the end off: u64 |
//! | `group 10 index:u64` | record: chain hash 32, bytes up to and with it u64, raft's bytes |
//!
//! Instance `state/<n>/`:
//!
//! | column family | key | value |
//! |---|---|---|
//! | `header` | `group 01 key` | table 1: entry headers |
//! | `data` | `group 02 key` | table 2: erasable |
//! | `personal` | `group 03 key` | table 3: erasable |
//! | `default` | `group table key` | every other table, by its number below `ff` |
//! | `default` | `group ff` | applied: raft's bytes |
//!
//! Raft's bytes of a record, and the value of every row of a table, are *stored*
//! plain or sealed, as `keyring/value.rs` says; the chain hash, digests and sizes
//! are of what was there before. Places for sealing are `4c` and the key of the
//! record, `53` and the key of the row. Keys, and the values of all else, are
//! plain: raft's ids and the members.
//!
//! Outside RocksDB: `witness` (two blocks, `log/witness.rs`), `state/current`
//! (the name of the state directory in force), `format` (a decimal number),
//! `keyring` (`keyring/file.rs`).

use governance::Table;

/// Which Raft group a key belongs to. One group runs today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    prefix: Vec<u8>,
}

impl Group {
    /// A group by its name of 1 to 64 bytes.
    pub fn new(name: &str) -> Option<Self> {
        let length = u8::try_from(name.len()).ok().filter(|length| (1..=64).contains(length))?;
        let mut prefix = vec![length];
        prefix.extend_from_slice(name.as_bytes());
        Some(Self { prefix })
    }

    /// The group every cluster has.
    pub fn main() -> Self {
        Self { prefix: b"\x04main".to_vec() }
    }

    fn key(&self, parts: &[&[u8]]) -> Vec<u8> {
        let length = self.prefix.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut key = Vec::with_capacity(length);
        key.extend_from_slice(&self.prefix);
        for part in parts {
            key.extend_from_slice(part);
        }
        key
    }

    pub(crate) fn number(&self) -> Vec<u8> {
        self.key(&[&[META, 0]])
    }

    pub(crate) fn vote(&self) -> Vec<u8> {
        self.key(&[&[META, 1]])
    }

    pub(crate) fn committed(&self) -> Vec<u8> {
        self.key(&[&[META, 2]])
    }

    pub(crate) fn base(&self) -> Vec<u8> {
        self.key(&[&[META, 3]])
    }

    pub(crate) fn cut(&self) -> Vec<u8> {
        self.key(&[&[META, 4]])
    }

    pub(crate) fn record(&self, index: u64) -> Vec<u8> {
        self.key(&[&[RECORD], &index.to_be_bytes()])
    }

    /// The end of all records, exclusive.
    pub(crate) fn records_end(&self) -> Vec<u8> {
        self.key(&[&[RECORD + 1]])
    }

    /// The index in a record's key.
    pub(crate) fn index_of(&self, key: &[u8]) -> Option<u64> {
        let rest = key.strip_prefix(self.prefix.as_slice())?.strip_prefix(&[RECORD])?;
        rest.try_into().ok().map(u64::from_be_bytes)
    }

    pub(crate) fn row(&self, table: Table, key: &[u8]) -> Vec<u8> {
        self.key(&[&[table.number()], key])
    }

    /// The end of a table, exclusive. No table has the number `ff`, so the sum
    /// does not wrap.
    pub(crate) fn table_end(&self, table: Table) -> Vec<u8> {
        self.key(&[&[table.number().saturating_add(1)]])
    }

    /// How many bytes of a row's key come before the table's own key.
    pub(crate) fn row_prefix_bytes(&self) -> usize {
        self.prefix.len() + 1
    }

    /// Where a value is sealed for, given the key it lies under.
    pub(crate) fn record_place(key: &[u8]) -> Vec<u8> {
        [b"L", key].concat()
    }

    /// The same in the state: no key of the log may be one of the state.
    pub(crate) fn row_place(key: &[u8]) -> Vec<u8> {
        [b"S", key].concat()
    }

    pub(crate) fn applied(&self) -> Vec<u8> {
        self.key(&[&[APPLIED]])
    }
}

const META: u8 = 0x00;
const RECORD: u8 = 0x10;
const APPLIED: u8 = 0xff;

/// Column families of the state besides `default`.
pub(crate) const HEADER: &str = "header";
pub(crate) const DATA: &str = "data";
pub(crate) const PERSONAL: &str = "personal";

macro_rules! families {
    ($($family:path: $($table:ident)+;)+) => {
        /// The column family a table lives in. Only what is big or erasable has its
        /// own: each family costs a write buffer.
        pub(crate) fn family(table: Table) -> &'static str {
            match table {
                $($(Table::$table)|+ => $family,)+
            }
        }
    };
}

families! {
    HEADER: Header;
    DATA: Data;
    PERSONAL: Personal;
    rocksdb::DEFAULT_COLUMN_FAMILY_NAME:
        Meta Request Decision EntryByType EntryByActor Policy Node Key JoinNonce Allowed
        CommandKey CommandKeyExpiry Cluster Tile Checkpoint Erased ActorCount Incident Scrub
        Forgotten Token DecisionByActor DecisionByAction DecisionByOutcome Risk RiskByDecision
        RiskByScore RiskCount Escalation EscalationByDecision EscalationByState EscalationCount
        EscalationByDeadline Override OverrideByDecision OverrideUnreviewed TokenByDecision
        Responsibility ResponsibilityById ResponsibilityByDecision ResponsibilityByParty
        ResponsibilityPending ResponsibilityReview Intervention Stop StopInForce
        InterventionTally InterventionTime Deadline Effect User UserByName Session
        SessionByHash SessionByUser Challenge LoginPair LoginPairByAge ApiKey ApiKeyByHash
        OidcLink JoinToken Access ChallengeByUser Artifact ArtifactByDecision ArtifactByText
        ArtifactByEntry ArtifactLater Upload EvidenceCount Content Signer Chunk Tally System
        SystemByName Profile Register ControlLink ControlAttestation Hold HoldInForce Retention
        AnnexIv AiIncident SystemVersion Export ExportByState EntryBlock CommandKeyByEntry;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_is_the_beginning_of_another() {
        let (short, long) = (Group::new("ma").unwrap(), Group::main());
        assert!(!long.applied().starts_with(&short.prefix));
        assert_eq!(Group::new("main"), Some(Group::main()));
        assert_eq!(Group::new(""), None);
        assert_eq!(Group::new(&"g".repeat(65)), None);
    }

    #[test]
    fn records_sort_by_index_between_their_bounds() {
        let group = Group::main();
        let keys = [group.cut(), group.record(0), group.record(255), group.record(256)];
        assert!(keys.is_sorted());
        assert!(group.record(u64::MAX) < group.records_end());
        assert_eq!(group.index_of(&group.record(7)), Some(7));
        assert_eq!(group.index_of(&group.cut()), None);
    }

    #[test]
    fn tables_do_not_touch() {
        let group = Group::main();
        for table in Table::ALL {
            assert!(group.row(table, &[0xff; 40]) < group.table_end(table));
            assert!(group.table_end(table) < group.applied());
        }
    }
}
