//! Every format, written by the same calls from the small package of
//! `client/tests/package`, against what it wrote when somebody last looked.
//!
//! `UPDATE_GOLDEN=1` writes the files of `exports/golden` anew.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use client::offline::Question;
use client::package::verify;
use governance::export::{ExportFormat, Exported, RecordKind, Scope};
use ledger::line::Line;
use types::{EntryId, Json, Object, Timestamp};

use super::build::{DOES_NOT_ESTABLISH, FORM};
use super::csv::Csv;
use super::html::Html;
use super::markdown::Markdown;
use super::oscal::Oscal;
use super::output::Spools;
use super::report::{Layout, Report};
use super::room::Room;
use super::sink::{About, Closing, Sink, Source};
use super::zip::Zip;

const ORIGIN: &str = "lexecon.local/clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/tests/package")
}

fn json(name: &str) -> Json {
    serde_json::from_slice(&fs::read(fixture().join(name)).unwrap()).unwrap()
}

/// The entries, which have no records here.
fn entries() -> Vec<Exported> {
    let text = fs::read_to_string(fixture().join("ledger/entries.jsonl")).unwrap();
    text.split_inclusive('\n').map(|line| exported(Line::parse(line.as_bytes()).unwrap())).collect()
}

fn exported(line: Line) -> Exported {
    let parts = governance::shown::parts(&line.entry).unwrap();
    Exported { entry: line.entry, parts, erased: None, records: Vec::new() }
}

/// What a node has at hand.
struct Store(Vec<Exported>);

impl Source for Store {
    fn entry(&self, id: EntryId) -> io::Result<Exported> {
        Ok(self.0[usize::try_from(id.0).unwrap()].clone())
    }

    fn policy(&self, version: u64) -> io::Result<Object> {
        let mut policy = Object::new();
        policy.insert("version", version);
        Ok(policy)
    }
}

fn about(scope: Scope) -> About {
    About {
        scope,
        format: ExportFormat::Zip,
        from: None,
        to: None,
        ledger_size: 10,
        erasures_through: None,
        now: Timestamp::from_canonical("2027-03-04T05:06:18.373456Z").unwrap(),
        cluster_id: "clu_01K1R0C9N5T8Z4W2Y6V3Q7M1HD".to_owned(),
        origin: ORIGIN.to_owned(),
    }
}

/// The calls that a node makes.
fn write(sink: &mut dyn Sink, scope: Scope) -> io::Result<()> {
    sink.begin(&about(scope))?;
    let records = json("records.json");
    let entries = entries();
    for entry in &entries[..10] {
        for kind in scope.kinds() {
            let list = records.as_object().unwrap().get(kind.as_str()).unwrap();
            for record in list.as_array().unwrap().iter().map(|it| it.as_object().unwrap()) {
                if record.get("ledger_entry_id").unwrap().as_u64() == Some(entry.entry.header.id.0)
                {
                    sink.record(*kind, record)?;
                }
            }
        }
        sink.entry(entry.clone())?;
    }
    if scope.has_compliance() {
        sink.compliance(&json("compliance.json"))?;
    }
    sink.end(&Closing {
        checkpoint: &fs::read_to_string(fixture().join("ledger/checkpoint")).unwrap(),
        checkpoint_size: 11,
        consistency: &Json::object([("from", 10_u32.into()), ("to", 11_u32.into())]),
        keys: &json("ledger/keys.json"),
        policy_last: 1,
        statistics: &Json::object([("decisions", 2_u32.into())]),
        does_not_establish: &["That what was recorded is <true>.", "That nobody went past | it."],
        source: &Store(entries),
    })
}

/// Spools in a directory, with room for anything.
fn spools(directory: &Path) -> Spools {
    let room = Room::new(directory, 1 << 30).unwrap();
    Spools { directory: directory.to_owned(), room }
}

fn golden(name: &str, written: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/exports/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, written).unwrap();
    }
    let expected = fs::read(&path).unwrap();
    let is_same = expected == written;
    assert!(is_same, "`{name}` is written otherwise: UPDATE_GOLDEN=1 writes it, then look at it");
}

/// What a format writes.
fn written(sink: impl FnOnce(&mut Vec<u8>) -> Box<dyn Sink + '_>, scope: Scope) -> Vec<u8> {
    let mut out = Vec::new();
    write(sink(&mut out).as_mut(), scope).unwrap();
    out
}

/// What a report writes in a layout.
fn report(layout: impl Layout, scope: Scope) -> Vec<u8> {
    let beside = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    write(&mut Report::new(layout, &mut out, spools(beside.path())), scope).unwrap();
    out
}

fn packed(scope: Scope) -> Vec<u8> {
    let beside = tempfile::tempdir().unwrap();
    let out = written(|out| Box::new(Zip::new(out, spools(beside.path()))), scope);
    assert_eq!(fs::read_dir(beside.path()).unwrap().count(), 0, "the folder is still there");
    out
}

#[test]
fn csv_is_that_of_the_golden_file() {
    golden("all.csv", &report(Csv::default(), Scope::All));
    let risks = report(Csv::default(), Scope::RiskOnly);
    golden("risks.csv", &risks);
}

#[test]
fn markdown_is_that_of_the_golden_file() {
    golden("all.md", &report(Markdown, Scope::All));
}

#[test]
fn html_is_that_of_the_golden_file() {
    let html = report(Html, Scope::All);
    golden("all.html", &html);
    let html = String::from_utf8(html).unwrap();
    for forbidden in
        ["<script", "http://evil.example\"", " onload", "url(", "@import", "<a href=\"http"]
    {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn oscal_is_that_of_the_golden_file() {
    golden("all.oscal.json", &written(|out| Box::new(Oscal::new(out)), Scope::All));
}

#[test]
fn a_package_has_every_record_and_verifies_with_nothing_else_at_hand() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("package.zip");
    fs::write(&path, packed(Scope::All)).unwrap();
    let verified = verify(&path, &Question::default()).unwrap();
    assert_eq!((verified.scope.as_str(), verified.ledger_size), ("all", 10));
    assert_eq!(verified.ledger.checkpoint.size, 11);
    assert_eq!(verified.records.len(), RecordKind::ALL.len());
    assert_eq!(verified.records.values().sum::<u64>(), 14);
}

#[test]
fn the_same_calls_give_the_same_bytes() {
    for scope in Scope::ALL {
        assert_eq!(packed(scope), packed(scope), "{scope:?}");
    }
}

/// A node that is asked for a file which another program built can build it again
/// only if both make the same bytes. So whenever this fails [`FORM`] has to be one
/// more than in any release, before `UPDATE_GOLDEN=1`.
#[test]
fn files_of_one_form_are_made_of_the_same() {
    let markdown = report(Markdown, Scope::All);
    let all = [
        packed(Scope::All),
        markdown,
        DOES_NOT_ESTABLISH.join("\n").into_bytes(),
        register::register().digest().to_string().into_bytes(),
    ];
    let digest = ledger::hash::sha256(&all.concat());
    golden("form", format!("{FORM} {digest}\n").as_bytes());
}

#[test]
fn every_scope_makes_a_package_that_verifies() {
    for scope in Scope::ALL {
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("package.zip");
        fs::write(&path, packed(scope)).unwrap();
        let verified = verify(&path, &Question::default()).unwrap();
        assert_eq!(verified.scope, scope.as_str());
        assert_eq!(verified.records.len(), scope.kinds().len(), "{scope:?}");
    }
}

#[test]
fn a_ledger_that_does_not_hold_makes_no_package() {
    let beside = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let mut zip = Zip::new(&mut out, spools(beside.path()));
    zip.begin(&about(Scope::All)).unwrap();
    let mut entries = entries();
    entries.swap(1, 2);
    zip.entry(entries[0].clone()).unwrap();
    assert!(zip.entry(entries[1].clone()).is_err());
    drop(zip);
    assert_eq!((out.len(), fs::read_dir(beside.path()).unwrap().count()), (0, 0));
}

#[test]
fn what_cannot_be_written_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let beside = tempfile::tempdir().unwrap();
    let mut sinks: [Box<dyn Sink>; 5] = [
        Box::new(Report::new(Csv::default(), Full, spools(beside.path()))),
        Box::new(Report::new(Markdown, Full, spools(beside.path()))),
        Box::new(Report::new(Html, Full, spools(beside.path()))),
        Box::new(Oscal::new(Full)),
        Box::new(Zip::new(Full, spools(beside.path()))),
    ];
    for sink in &mut sinks {
        assert!(write(sink.as_mut(), Scope::All).is_err());
    }
    drop(sinks);
    assert_eq!(fs::read_dir(beside.path()).unwrap().count(), 0);
}
