//! Building an export: what it has, in the order of [`Sink`]'s calls.
//!
//! Invariants
//! - One state of the ledger is read from beginning to end, and only what is below
//!   the export's size, the checkpoint that covers it and what is erased says
//!   anything: the same on any node.
//! - A few entries are held at a time, whatever the size.

use std::collections::BTreeMap;
use std::io;

use governance::checkpoint::{self, Signatures};
use governance::command::BuiltExport;
use governance::export::{self, ExportFormat, Exported, Scope, Selection};
use governance::record::CheckpointRecord;
use governance::{Corruption, Read, Tree, shown, view};
use ledger::{StoredEntry, proof};
use types::{EntryId, Json, Object};

use super::csv::Csv;
use super::html::Html;
use super::json::Document;
use super::markdown::Markdown;
use super::oscal::Oscal;
use super::output::Output;
use super::report::Report;
use super::room::Room;
use super::sink::{About, Closing, Sink, Source};
use super::zip::Zip;

/// Entries between two looks at whether to go on.
const LOOK_EVERY: u64 = 256;

/// How much of a build is done once everything is read, of a hundred.
const READ_PERCENT: u8 = 90;

/// Which form files have. It is one more whenever any file would have other bytes
/// than before: `golden.rs` tells when.
pub(crate) const FORM: u32 = 1;

/// What nobody should take an export to show.
pub(crate) const DOES_NOT_ESTABLISH: &[&str] = &[
    "That what a record says is true: it shows what was recorded and when, and that nothing of it \
     was changed since.",
    "That everything that happened was recorded: what did not reach this service is not here.",
    "That a duty or a control is fulfilled: how evidence stands is no legal judgement.",
    "Who a person is beyond the credential that was shown; where `authn` is `none`, nobody was \
     asked for one.",
    "What erased parts said: of these only the hashes are left.",
    "How anything stands later: records stand as of the last entry below `ledger_size`.",
];

/// Why a file was not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The file cannot be written.
    #[error("the file cannot be written: {0}")]
    File(#[from] io::Error),
    /// The state is damaged.
    #[error(transparent)]
    Damaged(#[from] Corruption),
    /// No checkpoint is final yet.
    #[error("no final checkpoint covers the entries yet")]
    NotFinal,
    /// The node stops, or the state has changed under it.
    #[error("it is not to be built any more")]
    Stopped,
}

/// What is to be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) selection: Selection,
    pub(crate) format: ExportFormat,
    /// The last erasure that touched the entries.
    pub(crate) erasures_through: Option<EntryId>,
}

impl Plan {
    /// The last entry that its checkpoint covers. A package has the entries up to
    /// there, and none of them may be erased by a run that is not among them; what
    /// the ledger names is the first checkpoint nevertheless.
    pub(crate) fn covered(&self) -> EntryId {
        let last = EntryId(self.selection.ledger_size.saturating_sub(1));
        match self.format {
            ExportFormat::Zip => self.erasures_through.map_or(last, |run| run.max(last)),
            ExportFormat::Json
            | ExportFormat::Csv
            | ExportFormat::Markdown
            | ExportFormat::Html
            | ExportFormat::Oscal => last,
        }
    }
}

/// Writes an export to the end of `output`, and says what it has; the size and the
/// digest are for whoever ends the file. `goes_on` is asked now and then.
pub(crate) fn build(
    read: &impl Read,
    plan: &Plan,
    output: &mut Output,
    goes_on: &dyn Fn() -> bool,
) -> Result<BuiltExport, BuildError> {
    let last = EntryId(plan.selection.ledger_size.saturating_sub(1));
    let first = view::first_final(read, last)?.ok_or(BuildError::NotFinal)?;
    let record = view::first_final(read, plan.covered())?.ok_or(BuildError::NotFinal)?;
    let about = about(read, plan, last)?;
    let going =
        Going { on: goes_on, room: output.room().clone(), size: plan.selection.ledger_size };
    let mut sink = sink(plan.format, output)?;
    sink.begin(&about)?;
    let mut counts = Counts::of(plan.selection.scope);
    entries(read, &plan.selection, (&mut *sink, &mut counts), &going)?;
    if plan.selection.scope.has_compliance() {
        sink.compliance(&export::compliance_of(read, last)?)?;
    }
    going.room.is_at(READ_PERCENT);
    end(read, &record, &about, (&mut *sink, &counts))?;
    drop(sink);
    Ok(BuiltExport {
        record_count: counts.records.values().sum(),
        size_bytes: output.bytes(),
        sha256: types::Digest([0; 32]),
        checkpoint_size: first.claim.size,
        erasures_through: plan.erasures_through,
        form: FORM,
    })
}

/// Whether a build goes on, and where it is: the ledger is gone through once.
struct Going<'a> {
    on: &'a dyn Fn() -> bool,
    room: Room,
    size: u64,
}

impl Going<'_> {
    fn goes_on(&self, id: EntryId) -> bool {
        let percent = id.0.saturating_mul(READ_PERCENT.into()) / self.size.max(1);
        self.room.is_at(u8::try_from(percent).unwrap_or(READ_PERCENT));
        (self.on)()
    }
}

/// The writer of a format.
fn sink<'a>(
    format: ExportFormat,
    output: &'a mut Output,
) -> Result<Box<dyn Sink + 'a>, BuildError> {
    let spools = output.spools();
    match format {
        ExportFormat::Json => Ok(Box::new(Document::new(output)?)),
        ExportFormat::Csv => Ok(Box::new(Report::new(Csv::default(), output, spools))),
        ExportFormat::Markdown => Ok(Box::new(Report::new(Markdown, output, spools))),
        ExportFormat::Html => Ok(Box::new(Report::new(Html, output, spools))),
        ExportFormat::Oscal => Ok(Box::new(Oscal::new(output))),
        ExportFormat::Zip => Ok(Box::new(Zip::new(output, spools))),
    }
}

fn about(read: &impl Read, plan: &Plan, last: EntryId) -> Result<About, BuildError> {
    let founded = || Corruption::new("cluster", "a ledger without genesis");
    let cluster = view::cluster(read)?.ok_or_else(founded)?;
    let missing = || Corruption::new("header", format!("entry {last} is missing"));
    let now = view::entry(read, last)?.ok_or_else(missing)?.header.timestamp;
    Ok(About {
        scope: plan.selection.scope,
        format: plan.format,
        from: plan.selection.from,
        to: plan.selection.to,
        ledger_size: plan.selection.ledger_size,
        erasures_through: plan.erasures_through,
        now,
        cluster_id: cluster.id.to_string(),
        origin: cluster.origin(),
    })
}

/// What a file has, counted as it is written.
#[derive(Debug, Default)]
struct Counts {
    records: BTreeMap<&'static str, u64>,
    entries: u64,
    entry_types: BTreeMap<&'static str, u64>,
    erased_personal: u64,
    erased_all: u64,
    first_at: Option<String>,
}

impl Counts {
    fn of(scope: Scope) -> Self {
        let records = scope.kinds().iter().map(|kind| (kind.as_str(), 0)).collect();
        Self { records, ..Self::default() }
    }

    fn entry(&mut self, entry: &StoredEntry) {
        self.entries += 1;
        *self.entry_types.entry(entry.header.entry_type.as_str()).or_default() += 1;
        if entry.is_erased() {
            let is_all = entry.data.is_none();
            self.erased_all += u64::from(is_all);
            self.erased_personal += u64::from(!is_all);
        }
        if self.first_at.is_none() {
            self.first_at = Some(entry.header.timestamp.to_string());
        }
    }
}

/// The entries, each after the records that it made.
fn entries(
    read: &impl Read,
    selection: &Selection,
    (sink, counts): (&mut dyn Sink, &mut Counts),
    going: &Going<'_>,
) -> Result<(), BuildError> {
    let mut walk = export::Walk::begin(read, selection)?;
    while let Some(mut exported) = walk.next_entry()? {
        let id = exported.entry.header.id;
        if id.0 % LOOK_EVERY == 0 && !going.goes_on(id) {
            return Err(BuildError::Stopped);
        }
        for (kind, record) in std::mem::take(&mut exported.records) {
            sink.record(kind, &record)?;
            *counts.records.entry(kind.as_str()).or_default() += 1;
        }
        counts.entry(&exported.entry);
        sink.entry(exported)?;
    }
    Ok(())
}

fn end(
    read: &impl Read,
    record: &CheckpointRecord,
    about: &About,
    (sink, counts): (&mut dyn Sink, &Counts),
) -> Result<(), BuildError> {
    let founded = || Corruption::new("cluster", "a ledger without genesis");
    let cluster = view::cluster(read)?.ok_or_else(founded)?;
    let note = checkpoint::note(read, &cluster, record, Signatures::Frozen)?;
    let unsigned = || Corruption::new("checkpoint", "a final checkpoint that nobody signed");
    let size = record.claim.size;
    let keys = export::keys_as_of(read, size)?;
    let policy_last = export::policy_last(read, about.ledger_size)?;
    let closing = Closing {
        checkpoint: &note.ok_or_else(unsigned)?,
        checkpoint_size: size,
        consistency: &consistency(read, about.ledger_size, record)?,
        keys: &Json::Object(shown::keys(&keys, &about.origin)),
        policy_last,
        statistics: &statistics(counts, about),
        does_not_establish: DOES_NOT_ESTABLISH,
        source: &Stored { read, policy_last },
    };
    Ok(sink.end(&closing)?)
}

/// That the tree of the export is the beginning of the checkpoint's.
fn consistency(read: &impl Read, from: u64, record: &CheckpointRecord) -> Result<Json, Corruption> {
    let damaged = |what: String| Corruption::new("tile", what);
    let (tree, to) = (Tree(read), record.claim.size);
    let from_root = proof::root(&tree, from).map_err(|error| damaged(error.to_string()))?;
    let hashes = proof::consistency(&tree, from, to).map_err(|error| damaged(error.to_string()))?;
    if !proof::verify_consistency(from, to, from_root, record.claim.root, &hashes) {
        let what = format!("the tree of size {from} is not the beginning of that of size {to}");
        return Err(damaged(what));
    }
    let hashes = hashes.iter().map(|hash| hash.to_string().into()).collect();
    Ok(Json::object([
        ("from", from.into()),
        ("to", to.into()),
        ("from_root", from_root.to_string().into()),
        ("to_root", record.claim.root.to_string().into()),
        ("hashes", Json::Array(hashes)),
    ]))
}

fn statistics(counts: &Counts, about: &About) -> Json {
    let object = |counts: &BTreeMap<&'static str, u64>| {
        let mut object = Object::new();
        for (name, count) in counts {
            object.insert(*name, *count);
        }
        Json::Object(object)
    };
    Json::object([
        ("record_count", counts.records.values().sum::<u64>().into()),
        ("records", object(&counts.records)),
        ("ledger_entries", counts.entries.into()),
        ("entry_types", object(&counts.entry_types)),
        ("entries_erased_personal", counts.erased_personal.into()),
        ("entries_erased_all", counts.erased_all.into()),
        ("first_entry_timestamp", counts.first_at.clone().into()),
        ("last_entry_timestamp", about.now.to_string().into()),
    ])
}

/// What only some formats have, read when it is asked for.
struct Stored<'a, R> {
    read: &'a R,
    policy_last: u64,
}

impl<R: Read> Source for Stored<'_, R> {
    fn entry(&self, id: EntryId) -> io::Result<Exported> {
        Exported::read(self.read, id).map_err(io::Error::other)
    }

    fn policy(&self, version: u64) -> io::Result<Object> {
        let found = export::policy_record(self.read, version, self.policy_last);
        let missing = || io::Error::other(format!("version {version} of the policy is missing"));
        found.map_err(io::Error::other)?.ok_or_else(missing)
    }
}
