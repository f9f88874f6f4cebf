//! The vectors of whole exports, receipts, proofs and replies, which were made
//! by another implementation: each must get exactly its code and its entry.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ledger::document::{Against, Document};
use ledger::export::{ExportCheck, ExportFault, Opening, TileSource, Verified};
use ledger::keys::Listing;
use ledger::tile::{self, Resource};
use ledger::{FaultReason, line};
use types::{EntryId, Json, Object};

/// The files of a directory by their paths.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, PathBuf>);

impl Files {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|file| fs::read(file).unwrap())
    }

    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = Vec<u8>> + 'a {
        let json = move |path: &str| path.starts_with(folder) && path.ends_with(".json");
        self.0.iter().filter(move |(path, _)| json(path)).map(|(_, file)| fs::read(file).unwrap())
    }
}

impl TileSource for Files {
    fn read(&self, resource: Resource) -> Option<Vec<u8>> {
        self.read(&format!("tile/{}", resource.path()))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/exports")
}

fn walk(folder: &Path, below: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, below, files);
        } else {
            let name = path.strip_prefix(below).unwrap().to_str().unwrap().to_owned();
            files.0.insert(name, path);
        }
    }
}

fn text<'a>(row: &'a Object, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Json::as_str)
}

/// A vector's directory: its own, or another's with files replaced and removed.
fn files(rows: &BTreeMap<&str, &Object>, name: &str) -> Files {
    let row = rows[name];
    let Some(base) = text(row, "base") else {
        let (mut files, folder) = (Files::default(), root().join(text(row, "path").unwrap()));
        walk(&folder, &folder, &mut files);
        return files;
    };
    let mut files = files(rows, base);
    for path in row.get("remove").unwrap().as_array().unwrap() {
        files.0.remove(path.as_str().unwrap()).unwrap();
    }
    for (path, from) in row.get("replace").unwrap().as_object().unwrap().iter() {
        files.0.insert(path.to_owned(), root().join(from.as_str().unwrap()));
    }
    files
}

/// The files in which a vector differs from its base.
fn files_of(row: &Object) -> impl Iterator<Item = &str> {
    let replaced = row.get("replace").and_then(Json::as_object);
    replaced.into_iter().flat_map(|files| files.iter().map(|(path, _)| path))
}

fn parse(bytes: &[u8], is_proof: bool) -> Result<Document, ExportFault> {
    let text = std::str::from_utf8(bytes).ok();
    let read = if is_proof { Document::parse_proof } else { Document::parse };
    text.and_then(read).ok_or(FaultReason::Malformed.into())
}

fn listing(path: &str) -> Listing {
    Listing::parse(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

/// Lines with the newlines that end them.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

fn verify(
    files: &Files,
    asked: Option<&Document>,
    trusted: Option<&Listing>,
    cut: usize,
) -> Result<Verified, ExportFault> {
    let checkpoint = files.read("checkpoint").unwrap();
    let beside = files.below("decisions/").chain(files.below("receipts/"));
    let entries = files.read("entries.jsonl");
    let mut check = ExportCheck::new(Opening {
        checkpoint: &checkpoint,
        keys: &files.read("keys.json").unwrap(),
        has_parts: entries.is_some(),
        beside: beside.map(|bytes| parse(&bytes, false)).collect::<Result<_, _>>()?,
        asked,
        trusted: trusted.map(Listing::keys),
        actor: None,
    })?;
    match entries {
        Some(entries) => {
            let lines: Vec<&[u8]> = lines(&entries).collect();
            for (at, chunk) in (0_u64..).zip(lines.chunks(cut)) {
                let mut stretch = check.stretch(EntryId(at * cut as u64));
                chunk.iter().for_each(|line| stretch.line(line, files));
                stretch.end(files);
                check.join(stretch, files)?;
            }
        }
        None => {
            let mut stretch = check.stretch(EntryId(0));
            for (index, width) in tile::bundles(check.size()) {
                let bundle = TileSource::read(files, Resource::Entries { index, width });
                stretch.bundle(bundle.as_deref(), width, files);
            }
            stretch.end(files);
            check.join(stretch, files)?;
        }
    }
    check.finish(files)
}

fn judge(rows: &BTreeMap<&str, &Object>, name: &str, cut: usize) -> Result<(), ExportFault> {
    let row = rows[name];
    let trusted = text(row, "keys").map(listing);
    if matches!(text(row, "kind").unwrap(), "export" | "tiles") {
        return verify(&files(rows, name), None, trusted.as_ref(), cut).map(drop);
    }
    let path = text(row, "path").unwrap();
    let document = parse(&fs::read(root().join(path)).unwrap(), path.ends_with(".tlog-proof"))?;
    let fault = |reason| ExportFault { reason, entry: Some(document.entry()) };
    let ledger = match text(row, "export") {
        Some(export) => Some(verify(&files(rows, export), Some(&document), None, cut)?.ledger),
        None => None,
    };
    let against = match (&ledger, &trusted) {
        (Some(ledger), _) => Against::Ledger(ledger),
        (None, Some(trusted)) => Against::Keys(trusted.keys()),
        (None, None) => Against::Itself,
    };
    document.check(&against).map(drop).map_err(fault)
}

#[test]
fn every_vector_gets_its_code_and_its_entry() {
    let vectors: Json = serde_json::from_str(include_str!("vectors/exports.json")).unwrap();
    let listed = vectors.as_array().unwrap().iter().map(|row| row.as_object().unwrap());
    let rows: BTreeMap<&str, &Object> =
        listed.map(|row| (text(row, "name").unwrap(), row)).collect();
    assert!(200 < rows.len());
    let mut wrong = Vec::new();
    for (name, row) in &rows {
        let expected = text(row, "code").map(|code| {
            let entry = row.get("entry").unwrap().as_u64();
            entry.map_or_else(|| code.to_owned(), |id| format!("entry {id}: {code}"))
        });
        // Faults of entries come before those of tiles, so there stretches may
        // be cut within a tile.
        let is_file = |folder| files_of(row).any(|path| path.starts_with(folder));
        let is_of_entries = text(row, "kind") == Some("export")
            && row.get("entry").unwrap().as_u64().is_some()
            && !["decisions/", "receipts/"].iter().any(is_file);
        let cuts: &[usize] = if is_of_entries { &[1, 7, 256] } else { &[256, 8192] };
        for cut in cuts.iter().copied() {
            let found = judge(&rows, name, cut).err().map(|fault| fault.to_string());
            if found != expected {
                wrong.push(format!("{name}: {found:?} and not {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_line_is_written_as_it_was_read() {
    let entries = fs::read(root().join("good/entries.jsonl")).unwrap();
    for text in lines(&entries) {
        let line = line::Line::parse(text).unwrap();
        assert_eq!(line::write(&line.entry).as_bytes(), text);
    }
}
