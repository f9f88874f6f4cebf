//! What a format must be able to do: write an export as a stream.
//!
//! Order of calls, always the same:
//! 1. [`Sink::begin`], once.
//! 2. For every entry from genesis to `ledger_size - 1`: [`Sink::record`] for each
//!    record that it made, kinds in the order of
//!    [`governance::export::Scope::kinds`], then [`Sink::entry`]. A kind without
//!    records has no call: that its list is there, and empty, follows from the
//!    scope.
//! 3. [`Sink::compliance`], once, if the scope has it
//!    ([`governance::export::Scope::has_compliance`]).
//! 4. [`Sink::end`], once. Nothing comes after it.
//!
//! Invariants
//! - The same calls give the same bytes: no clock, no chance, no name of a node, no
//!   id of an export, and nothing that depends on a hash map's order.
//! - A sink keeps nothing whose size grows with the ledger in memory. What must
//!   come later in the file than it comes here goes into a
//!   [`crate::exports::output::Spool`].

use std::io;

use governance::export::{ExportFormat, Exported, RecordKind, Scope};
use types::{EntryId, Json, Object, Timestamp};

/// What is exported. All of it is a function of what was asked for and of the
/// ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct About {
    /// Which records.
    pub(crate) scope: Scope,
    /// Which format.
    pub(crate) format: ExportFormat,
    /// Records of entries not earlier than this.
    pub(crate) from: Option<Timestamp>,
    /// Records of entries earlier than this.
    pub(crate) to: Option<Timestamp>,
    /// Entries there are.
    pub(crate) ledger_size: u64,
    /// The last run of erasure that touched these entries.
    pub(crate) erasures_through: Option<EntryId>,
    /// Timestamp of the last entry: the *now* of every record.
    pub(crate) now: Timestamp,
    /// `clu_…`
    pub(crate) cluster_id: String,
    /// First line of the ledger's checkpoints.
    pub(crate) origin: String,
}

impl About {
    /// The member `export` of every format.
    pub(crate) fn to_json(&self) -> Json {
        Json::object([
            ("scope", self.scope.as_str().into()),
            ("format", self.format.as_str().into()),
            ("from", self.from.map(|from| from.to_string()).into()),
            ("to", self.to.map(|to| to.to_string()).into()),
            ("ledger_size", self.ledger_size.into()),
            ("erasures_through", self.erasures_through.map(|run| run.0).into()),
        ])
    }
}

/// What is known at the end.
pub(crate) struct Closing<'a> {
    /// The first final checkpoint that covers the entries, and for a package the
    /// last erasure of them too; frozen: a signed note.
    pub(crate) checkpoint: &'a str,
    /// Entries it covers, `ledger_size` or more.
    pub(crate) checkpoint_size: u64,
    /// That the tree of `ledger_size` is the beginning of the checkpoint's:
    /// `from`, `to`, `from_root`, `to_root`, `hashes[]`.
    pub(crate) consistency: &'a Json,
    /// Keys as `GET /keys` shows them, as they stood at the checkpoint: `keys[]`,
    /// `rsa_keys[]`.
    pub(crate) keys: &'a Json,
    /// The last version of the policy among the entries; 0 is the built-in one.
    pub(crate) policy_last: u64,
    /// Counts of what the file has.
    pub(crate) statistics: &'a Json,
    /// What nobody should take the file to show, one sentence each.
    pub(crate) does_not_establish: &'static [&'static str],
    /// For what only some formats have.
    pub(crate) source: &'a dyn Source,
}

/// What a sink may ask for at the end, one piece at a time.
pub(crate) trait Source {
    /// An entry as [`Sink::entry`] gets it, from `ledger_size` to before the
    /// checkpoint's size: without those nobody could check the checkpoint.
    fn entry(&self, id: EntryId) -> io::Result<Exported>;

    /// A version of the policy as a record of [`RecordKind::Policy`], its
    /// `document` among it, whatever the scope.
    fn policy(&self, version: u64) -> io::Result<Object>;
}

/// Writes one file as a stream.
pub(crate) trait Sink {
    /// Begins the file.
    fn begin(&mut self, about: &About) -> io::Result<()>;

    /// Writes a record.
    fn record(&mut self, kind: RecordKind, record: &Object) -> io::Result<()>;

    /// Writes how duties and controls stand.
    fn compliance(&mut self, compliance: &Json) -> io::Result<()>;

    /// Writes a ledger entry. Its records have been written.
    fn entry(&mut self, entry: Exported) -> io::Result<()>;

    /// Ends the file.
    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()>;
}
