//! The state as ordered bytes. `storage` keeps it in RocksDB; tests keep it in
//! [`MemStore`].
//!
//! What the bytes mean, and the digest over them, is the business of the typed
//! tables alone, so that two stores cannot differ.

mod ahead;

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::outcome::Corruption;

pub(crate) use ahead::{Ahead, Asked};

/// A table of the state. The number is part of the state digest and of the
/// keys on disk: never renumber, only append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// Bookkeeping that follows from the other tables; outside the digest.
    Meta = 0,
    /// Entry id -> canonical header bytes.
    Header = 1,
    /// Entry id -> salt (32 bytes), then canonical `data`. Erasable.
    Data = 2,
    /// Entry id -> salt (32 bytes), then canonical `personal`. Erasable.
    Personal = 3,
    /// Scope and request id of a decision -> entry id and body digest.
    Request = 4,
    /// Decision id -> entry id, and the row of its request id.
    Decision = 5,
    /// Entry type, type_seq -> entry id.
    EntryByType = 6,
    /// Actor, actor_seq -> entry id.
    EntryByActor = 7,
    /// Policy version -> policy record.
    Policy = 8,
    /// Node name -> node record.
    Node = 9,
    /// Key id -> key record.
    Key = 10,
    /// Join nonce -> node name.
    JoinNonce = 11,
    /// Actor, action, resource -> the first decision that allowed it.
    Allowed = 12,
    /// Scope and idempotency key of a command -> what it made.
    CommandKey = 13,
    /// Time of expiry, scope and key of such a record.
    CommandKeyExpiry = 14,
    /// What the cluster is: one record.
    Cluster = 15,
    /// Level and index -> the hashes of a tile. At level 0 full tiles alone:
    /// what is not full yet follows from the headers.
    Tile = 16,
    /// Tree size -> checkpoint record.
    Checkpoint = 17,
    /// Entry id -> which part was erased, and by which run.
    Erased = 18,
    /// Digest of an actor -> its last `actor_seq`, once erasure took the index
    /// row that said so.
    ActorCount = 19,
    /// Raft id -> the last incident of that node.
    Incident = 20,
    /// Place in the log -> content digests of the state there.
    Scrub = 21,
    /// Raft id -> the last erasure whose bytes are gone from that node.
    Forgotten = 22,
    /// Token id -> the entry that granted it, its end, and its revocation.
    Token = 23,
    /// Actor, entry id of a decision about it -> nothing. Erasable.
    DecisionByActor = 24,
    /// Action, entry id of a decision on it -> nothing. Erasable.
    DecisionByAction = 25,
    /// Outcome, entry id of a decision that had it -> nothing. Erasable.
    DecisionByOutcome = 26,
    /// Risk id -> where it is recorded.
    Risk = 30,
    /// Decision id and version -> risk id.
    RiskByDecision = 31,
    /// 100 less the score, entry id -> risk id; of the latest version alone.
    RiskByScore = 32,
    /// Score -> how many rows the table before has of it.
    RiskCount = 33,
    /// Escalation id -> how it stands.
    Escalation = 34,
    /// Decision id and entry id -> escalation id.
    EscalationByDecision = 35,
    /// Status, priority and entry id -> escalation id.
    EscalationByState = 36,
    /// Status and priority -> how many rows the table before has of them.
    EscalationCount = 37,
    /// Deadline and entry id -> an escalation that is open, or expired.
    EscalationByDeadline = 38,
    /// Override id -> how it stands.
    Override = 40,
    /// Decision id and entry id -> override id.
    OverrideByDecision = 41,
    /// Time by which it must be reviewed, entry id -> override id; of those that
    /// nobody has reviewed alone.
    OverrideUnreviewed = 42,
    /// Decision id and entry id -> a token that was issued for it later.
    TokenByDecision = 43,
    /// Intervention id -> its entry.
    Intervention = 45,
    /// Stop id -> the entries that set and lifted it.
    Stop = 46,
    /// Stop id -> what it stops; until it is lifted.
    StopInForce = 47,
    /// Number of an intervention -> what that many before it, and it, count: see
    /// `intervention/tally.rs`. Erasable.
    InterventionTally = 48,
    /// Number of an intervention -> how long the human took. Erasable.
    InterventionTime = 49,
    /// Entry id -> who it says answers for a decision, and counts up to it.
    Responsibility = 50,
    /// Id of such a record -> entry id.
    ResponsibilityById = 51,
    /// Decision id and entry id -> which record of the decision that is.
    ResponsibilityByDecision = 52,
    /// Party and entry id -> which record of the party that is. Erasable.
    ResponsibilityByParty = 53,
    /// Entry id of a record that waits for a review -> nothing.
    ResponsibilityPending = 54,
    /// Id of a record -> the entry of its review.
    ResponsibilityReview = 55,
    /// Artifact id -> where it is recorded, and what it holds.
    Artifact = 60,
    /// Decision id, entry id of an artifact about it -> artifact id.
    ArtifactByDecision = 61,
    /// Kind, control or digest of a source, entry id of an artifact -> nothing.
    /// Erasable.
    ArtifactByText = 62,
    /// Entry id -> the artifact it registered.
    ArtifactByEntry = 63,
    /// Artifact id, then entry id of a link -> decision id, or key id of a signer
    /// -> entry id of the signature.
    ArtifactLater = 64,
    /// First half of the id of an upload in progress -> upload record.
    Upload = 65,
    /// What is counted -> how much of it there is.
    EvidenceCount = 66,
    /// Digest of a content -> where its chunks are, and how many artifacts have it.
    Content = 67,
    /// Where chunks are, and number -> bytes of a content or an upload. Erasable.
    Chunk = 68,
    /// Key id of a signer -> signer record, and public key -> key id.
    Signer = 69,
    /// Time, kind and id of something that ends by itself then.
    Deadline = 70,
    /// Entry id -> a notice of it that is to be delivered.
    Effect = 71,
    /// User id -> account.
    User = 72,
    /// Kind (name or e-mail), that in lower case -> user id.
    UserByName = 73,
    /// Session id -> session.
    Session = 74,
    /// SHA-256 of its credential -> session id.
    SessionByHash = 75,
    /// User id, session id -> nothing.
    SessionByUser = 76,
    /// SHA-256 of its credential -> a login that waits for a second factor.
    Challenge = 77,
    /// Digest of an account's name and an address -> failed logins.
    LoginPair = 78,
    /// Time of the last failure, such a digest -> nothing.
    LoginPairByAge = 79,
    /// Key id -> API key.
    ApiKey = 80,
    /// SHA-256 of the key -> key id.
    ApiKeyByHash = 81,
    /// Provider and subject -> user id.
    OidcLink = 82,
    /// SHA-256 of a token with which a node may join -> its end.
    JoinToken = 83,
    /// How the cluster is accessed: one record; and how many failed logins are kept.
    Access = 84,
    /// User id, end and SHA-256 of a challenge -> nothing.
    ChallengeByUser = 85,
    /// What is counted, and a number -> the entry that is the so-manieth of it. Erasable.
    Tally = 86,
    /// System id -> AI system.
    System = 87,
    /// Name of a system, in lower case of ASCII -> system id.
    SystemByName = 88,
    /// What the organisation is: one record.
    Profile = 89,
    /// Which regulatory data is in force: one record.
    Register = 90,
    /// Control or duty, artifact id, entry id -> the entry that linked them.
    ControlLink = 91,
    /// Control or duty, entry id -> what was attested.
    ControlAttestation = 92,
    /// Hold id -> legal hold.
    Hold = 93,
    /// Hold id -> what it freezes; until it is released.
    HoldInForce = 94,
    /// How far retention has been carried out: one record.
    Retention = 95,
    /// System id, section, entry id -> nothing: that entry says what is in it, or
    /// did until it was erased.
    AnnexIv = 96,
    /// Incident id -> serious incident of an AI system.
    AiIncident = 97,
    /// System id, entry id of a version of it, erased or not -> nothing.
    SystemVersion = 98,
    /// Export id -> export.
    Export = 99,
    /// Status, format and entry id of an export -> export id.
    ExportByState = 100,
    /// Number of a block of 1,024 entries -> how many of them have a part erased,
    /// how many both, and how many have a personal part.
    EntryBlock = 109,
    /// Entry id -> scope and key of the command other than a decision that made
    /// it, for as long as that key is kept.
    CommandKeyByEntry = 110,
}

impl Table {
    /// Every table, in the order of its number.
    pub const ALL: [Self; 94] = [
        Self::Meta,
        Self::Header,
        Self::Data,
        Self::Personal,
        Self::Request,
        Self::Decision,
        Self::EntryByType,
        Self::EntryByActor,
        Self::Policy,
        Self::Node,
        Self::Key,
        Self::JoinNonce,
        Self::Allowed,
        Self::CommandKey,
        Self::CommandKeyExpiry,
        Self::Cluster,
        Self::Tile,
        Self::Checkpoint,
        Self::Erased,
        Self::ActorCount,
        Self::Incident,
        Self::Scrub,
        Self::Forgotten,
        Self::Token,
        Self::DecisionByActor,
        Self::DecisionByAction,
        Self::DecisionByOutcome,
        Self::Risk,
        Self::RiskByDecision,
        Self::RiskByScore,
        Self::RiskCount,
        Self::Escalation,
        Self::EscalationByDecision,
        Self::EscalationByState,
        Self::EscalationCount,
        Self::EscalationByDeadline,
        Self::Override,
        Self::OverrideByDecision,
        Self::OverrideUnreviewed,
        Self::TokenByDecision,
        Self::Intervention,
        Self::Stop,
        Self::StopInForce,
        Self::InterventionTally,
        Self::InterventionTime,
        Self::Responsibility,
        Self::ResponsibilityById,
        Self::ResponsibilityByDecision,
        Self::ResponsibilityByParty,
        Self::ResponsibilityPending,
        Self::ResponsibilityReview,
        Self::Artifact,
        Self::ArtifactByDecision,
        Self::ArtifactByText,
        Self::ArtifactByEntry,
        Self::ArtifactLater,
        Self::Upload,
        Self::EvidenceCount,
        Self::Content,
        Self::Chunk,
        Self::Signer,
        Self::Deadline,
        Self::Effect,
        Self::User,
        Self::UserByName,
        Self::Session,
        Self::SessionByHash,
        Self::SessionByUser,
        Self::Challenge,
        Self::LoginPair,
        Self::LoginPairByAge,
        Self::ApiKey,
        Self::ApiKeyByHash,
        Self::OidcLink,
        Self::JoinToken,
        Self::Access,
        Self::ChallengeByUser,
        Self::Tally,
        Self::System,
        Self::SystemByName,
        Self::Profile,
        Self::Register,
        Self::ControlLink,
        Self::ControlAttestation,
        Self::Hold,
        Self::HoldInForce,
        Self::Retention,
        Self::AnnexIv,
        Self::AiIncident,
        Self::SystemVersion,
        Self::Export,
        Self::ExportByState,
        Self::EntryBlock,
        Self::CommandKeyByEntry,
    ];

    /// The table's number.
    pub fn number(self) -> u8 {
        self as u8
    }
}

/// One key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key of the range up.
    Ascending,
    /// From the greatest key of the range down.
    Descending,
}

/// A range of keys of one table, and how much of it to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// The table.
    pub table: Table,
    /// The least key, inclusive.
    pub from: &'a [u8],
    /// The end, exclusive; `None` is the end of the table.
    pub to: Option<&'a [u8]>,
    /// Which end to begin at.
    pub direction: Direction,
    /// At most so many rows come back.
    pub rows_max: usize,
}

/// Reading the state at one point in time.
pub trait Read {
    /// The value of a key.
    ///
    /// # Errors
    /// [`Corruption`] when the bytes cannot be read back as they were written.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption>;

    /// Rows of a range in the order asked for.
    ///
    /// # Errors
    /// [`Corruption`] when the range cannot be read to its end: a scan never
    /// stops early without saying so.
    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption>;

    /// Shows these rows one by one, for readers that keep little of many. A
    /// store that can do so without copying them says how.
    ///
    /// # Errors
    /// [`Corruption`], as [`Read::scan`].
    fn visit(&self, scan: Scan<'_>, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Corruption> {
        self.scan(scan)?.iter().for_each(|(key, value)| see(key, value));
        Ok(())
    }
}

/// Reading and writing the state. A read sees the writes before it.
pub trait Store: Read {
    /// Sets the value of a key.
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]);
    /// Takes a key out.
    fn delete(&mut self, table: Table, key: &[u8]);
}

impl<R: Read + ?Sized> Read for &R {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        (**self).get(table, key)
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        (**self).scan(scan)
    }

    fn visit(&self, scan: Scan<'_>, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Corruption> {
        (**self).visit(scan, see)
    }
}

/// The state in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemStore {
    rows: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
}

impl MemStore {
    /// Every row, by table and key.
    pub fn rows(&self) -> impl Iterator<Item = (Table, &[u8], &[u8])> {
        self.rows.iter().map(|((table, key), value)| (*table, key.as_slice(), value.as_slice()))
    }

    /// The rows of a range, which can be read from both ends.
    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        let end = match to {
            Some(to) => Bound::Excluded((table, to.to_vec())),
            None => match Table::ALL.into_iter().find(|other| table < *other) {
                Some(next) => Bound::Excluded((next, Vec::new())),
                None => Bound::Unbounded,
            },
        };
        let from_on = Bound::Included((table, from.to_vec()));
        // A map refuses to be asked for a range that ends before it begins.
        let is_range = to.is_none_or(|to| from < to);
        let rows = is_range.then(|| self.rows.range((from_on, end)));
        rows.into_iter().flatten().map(|((_, key), value)| (key.as_slice(), value.as_slice()))
    }
}

impl Read for MemStore {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Corruption> {
        Ok(self.rows.get(&(table, key.to_vec())).cloned())
    }

    fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        let Scan { table, from, to, direction, rows_max } = scan;
        let rows = self.range(table, from, to);
        let copied = |(key, value): (&[u8], &[u8])| (key.to_vec(), value.to_vec());
        Ok(match direction {
            Direction::Ascending => rows.map(copied).take(rows_max).collect(),
            Direction::Descending => rows.rev().map(copied).take(rows_max).collect(),
        })
    }

    fn visit(&self, scan: Scan<'_>, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), Corruption> {
        let Scan { table, from, to, direction, rows_max } = scan;
        let rows = self.range(table, from, to);
        match direction {
            Direction::Ascending => rows.take(rows_max).for_each(|(key, value)| see(key, value)),
            Direction::Descending => {
                rows.rev().take(rows_max).for_each(|(key, value)| see(key, value));
            }
        }
        Ok(())
    }
}

impl Store for MemStore {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.rows.insert((table, key.to_vec()), value.to_vec());
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.rows.remove(&(table, key.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scan to the end of a table ends where the next number begins.
    #[test]
    fn tables_are_listed_in_the_order_of_their_numbers() {
        assert!(Table::ALL.is_sorted());
    }
}
