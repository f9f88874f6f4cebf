//! The evidence package: records, the ledger they are of, and both verifiers.
//!
//! Everything is written into a folder beside the export first, since an archive
//! has one file after the other and records come before what they go with; then
//! `client::package` packs it. The ledger is checked as it is written: a package
//! that would not verify is not made.
//!
//! Invariants
//! - The ledger goes up to the checkpoint, which may be beyond `ledger_size`:
//!   without those entries nobody could check the checkpoint. Records do not.
//! - Memory holds a line, a tile of each level, how controls stand, and a buffer for
//!   each file.

use std::fs::File;
use std::io::{self, Write};

use client::export::Writer;
use client::package::{Builder, EXPORT, LEDGER, RECORDS};
use governance::export::{Exported, RecordKind};
use tempfile::TempDir;
use types::{EntryId, Json, Object};

use crate::exports::csv::Csv;
use crate::exports::files::PART;
use crate::exports::html::Html;
use crate::exports::oscal::{Gathered, checkpoint, pretty};
use crate::exports::output::{Spool, Spools};
use crate::exports::report::{Report, described};
use crate::exports::room::Room;
use crate::exports::sink::{About, Closing, Sink};

/// A package into any writer.
pub(crate) struct Zip<W> {
    out: W,
    /// Where the folder is made, which takes room, and reports put off what they must.
    spools: Spools,
    filling: Option<Filling>,
}

/// The folder while it is filled.
struct Filling {
    builder: Builder,
    about: Object,
    ledger_size: u64,
    records: Vec<Records>,
    csv: Report<Csv, Spool>,
    html: Report<Html, Spool>,
    oscal: Gathered,
    has_compliance: bool,
    /// None only while an entry is added.
    ledger: Option<Writer>,
    /// The folder; gone with this.
    place: TempDir,
}

/// The records of one kind.
struct Records {
    kind: RecordKind,
    file: Spool,
    count: u64,
}

impl<W: Write> Zip<W> {
    /// Nothing is written yet; the folder will be beside this one's files.
    pub(crate) fn new(out: W, spools: Spools) -> Self {
        Self { out, spools, filling: None }
    }

    fn filling(&mut self) -> io::Result<&mut Filling> {
        self.filling.as_mut().ok_or_else(not_begun)
    }
}

fn not_begun() -> io::Error {
    io::Error::other("an export was not begun")
}

fn create(builder: &Builder, name: &str, spools: &Spools) -> io::Result<Spool> {
    Ok(spools.over(File::create_new(builder.path(name)?)?))
}

impl Filling {
    fn new(about: &About, spools: &Spools) -> io::Result<Self> {
        // What a node leaves behind that is killed is removed as it starts.
        let mut place = tempfile::Builder::new();
        let place = place.prefix("package.").suffix(PART).tempdir_in(&spools.directory)?;
        let builder = Builder::new(place.path())?;
        let records = about.scope.kinds().iter().map(|kind| {
            let file = create(&builder, &format!("{RECORDS}/{}.ndjson", kind.as_str()), spools)?;
            Ok(Records { kind: *kind, file, count: 0 })
        });
        let records = records.collect::<io::Result<_>>()?;
        let ledger = Writer::new(&place.path().join(LEDGER)).map_err(io::Error::other)?;
        let csv = create(&builder, "records.csv", spools)?;
        let html = create(&builder, "report.html", spools)?;
        let mut csv = Report::new(Csv::default(), csv, spools.clone());
        let mut html = Report::new(Html, html, spools.clone());
        csv.begin(about)?;
        html.begin(about)?;
        Ok(Self {
            builder,
            about: described(about),
            ledger_size: about.ledger_size,
            records,
            csv,
            html,
            oscal: Gathered::new(about),
            has_compliance: false,
            ledger: Some(ledger),
            place,
        })
    }

    /// Adds the next entry to the ledger.
    fn append(&mut self, entry: Exported, room: &Room) -> io::Result<()> {
        let erased_by = entry.erased.map(|run| run.by.0);
        let ledger = self.ledger.take().ok_or_else(not_begun)?;
        let before = ledger.bytes();
        let ledger = ledger.append(&[(entry.entry, erased_by)]).map_err(io::Error::other)?;
        let written = ledger.bytes().saturating_sub(before);
        self.ledger = Some(ledger);
        room.take(usize::try_from(written).unwrap_or(usize::MAX))
    }

    /// The entries up to the checkpoint, and what makes them a ledger.
    fn end_ledger(&mut self, closing: &Closing<'_>, room: &Room) -> io::Result<()> {
        for id in self.ledger_size..closing.checkpoint_size {
            self.append(closing.source.entry(EntryId(id))?, room)?;
        }
        let (note, checkpoint) = checkpoint(closing)?;
        let ledger = self.ledger.take().ok_or_else(not_begun)?;
        ledger.finish(&note, &checkpoint, closing.keys).map_err(io::Error::other)?;
        Ok(())
    }

    /// The files that are not records.
    fn end_files(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let mut counts = Object::new();
        for records in &mut self.records {
            records.file.flush()?;
            counts.insert(records.kind.as_str(), records.count);
        }
        for version in 0..=closing.policy_last {
            let policy = closing.source.policy(version)?;
            let name = format!("policies/{version}.json");
            self.builder.put(&name, &pretty(&Json::Object(policy))?)?;
        }
        if self.has_compliance {
            let document = self.oscal.document(closing)?;
            self.builder.put("oscal/assessment-results.json", &document)?;
        }
        let limits = closing.does_not_establish.iter().map(|limit| (*limit).into()).collect();
        let export = Json::object([
            ("consistency", closing.consistency.clone()),
            ("does_not_establish", Json::Array(limits)),
            ("export", Json::Object(self.about.clone())),
            ("package", "lexecon/package/v1".into()),
            ("records", Json::Object(counts)),
            ("statistics", closing.statistics.clone()),
        ]);
        self.builder.put(EXPORT, &pretty(&export)?)
    }
}

impl<W: Write> Sink for Zip<W> {
    fn begin(&mut self, about: &About) -> io::Result<()> {
        self.filling = Some(Filling::new(about, &self.spools)?);
        Ok(())
    }

    fn record(&mut self, kind: RecordKind, record: &Object) -> io::Result<()> {
        let filling = self.filling()?;
        let of_kind = filling.records.iter_mut().find(|records| records.kind == kind);
        let records =
            of_kind.ok_or_else(|| io::Error::other("a record is of no kind asked for"))?;
        records.count += 1;
        let mut line = String::new();
        record.write_canonical(&mut line);
        line.push('\n');
        records.file.write_all(line.as_bytes())?;
        filling.csv.record(kind, record)?;
        filling.html.record(kind, record)
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        let filling = self.filling()?;
        filling.has_compliance = true;
        filling.builder.put("compliance.json", &pretty(compliance)?)?;
        filling.oscal.compliance(compliance);
        filling.csv.compliance(compliance)?;
        filling.html.compliance(compliance)
    }

    fn entry(&mut self, entry: Exported) -> io::Result<()> {
        let room = self.spools.room.clone();
        let filling = self.filling()?;
        filling.oscal.entry(&entry.entry);
        filling.append(entry, &room)
    }

    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let mut filling = self.filling.take().ok_or_else(not_begun)?;
        filling.csv.end(closing)?;
        filling.html.end(closing)?;
        filling.end_ledger(closing, &self.spools.room)?;
        filling.end_files(closing)?;
        let Filling { builder, place, .. } = filling;
        let room = &self.spools.room;
        builder.pack(&mut self.out, &|| room.goes_on())?;
        place.close()?;
        self.out.flush()
    }
}
