//! What a verifier reads of a ledger, file by file and as a whole: nothing has
//! two spellings, and nothing that was changed is accepted.

#![no_main]

use fuzz::ledgers::{self, Export, KNOWN, WHOLE, agree_however_cut};
use fuzz::seeds::{self, selecting};
use fuzz::tampering;
use ledger::document::Against;
use ledger::erasure::Run;
use ledger::line::{self, Line};
use ledger::signature::{self, RsaPublic};
use ledger::tile::{self, Resource};
use ledger::{canonical, token};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use types::{EntryId, Json};

const PATH: u8 = 0;
const TILE: u8 = 1;
const BUNDLE: u8 = 2;
const TOKEN: u8 = 3;
const SPKI: u8 = 4;
const LINE: u8 = 5;
const JSON: u8 = 6;
const DOCUMENT: u8 = 7;
const FILES: u8 = 8;
const ENTRIES: u8 = 9;

fuzz_target!(init: seeds::plant(inputs()), |bytes: &[u8]| {
    let Some((selector, rest)) = bytes.split_first() else {
        return;
    };
    let mut input = Unstructured::new(rest);
    match *selector {
        PATH => check_path(rest),
        TILE => check_tile(rest),
        BUNDLE => check_bundle(rest),
        TOKEN => check_token(rest),
        SPKI => check_spki(rest),
        LINE => check_line(rest),
        JSON => check_json(rest),
        DOCUMENT => check_document(rest),
        // What an input that ends too soon has changed is changed all the same.
        FILES => check_tampered(&mut input, tampering::change_files),
        ENTRIES => check_tampered(&mut input, tampering::change_entries),
        _ => {}
    }
});

/// A path has one spelling, and a tree has what it lists and no more.
fn check_path(bytes: &[u8]) {
    let Some(resource) = std::str::from_utf8(bytes).ok().and_then(Resource::parse) else {
        return;
    };
    assert_eq!(resource.path().as_bytes(), bytes);
    for size in [0, 1, 255, 256, 257, 66_000] {
        let exists = tile::exists(resource, size);
        let is_listed = match resource {
            Resource::Hashes(id) => tile::tiles(size).any(|tile| {
                (tile.level, tile.index) == (id.level, id.index) && id.width <= tile.width
            }),
            Resource::Entries { index, width } => {
                tile::bundles(size).any(|(at, widest)| at == index && width <= widest)
            }
        };
        assert_eq!(exists, is_listed, "{resource:?} of {size}");
    }
    tile::exists(resource, u64::MAX);
}

fn check_tile(bytes: &[u8]) {
    if let Some(hashes) = tile::from_bytes(bytes) {
        assert_eq!(tile::to_bytes(&hashes), bytes);
        assert!((1..=256).contains(&hashes.len()));
        let mut frontier = ledger::Frontier::default();
        hashes.iter().for_each(|hash| frontier.append(*hash));
        assert_eq!(tile::subtree_root(&hashes), frontier.root());
    }
}

fn check_bundle(bytes: &[u8]) {
    let Some(headers) = tile::bundle(bytes) else {
        return;
    };
    assert!((1..=256).contains(&headers.len()));
    let mut written = Vec::new();
    for header in headers {
        assert!(tile::append_bundle(&mut written, header));
    }
    assert_eq!(written, bytes);
}

/// Nobody signed what the engine wrote.
fn check_token(bytes: &[u8]) {
    let Some(parsed) = std::str::from_utf8(bytes).ok().and_then(token::parse) else {
        return;
    };
    assert_eq!(token::text(parsed.signing_input, &parsed.signature).as_bytes(), bytes);
    let key = parsed.signature.first_chunk().copied().unwrap_or([9; 32]);
    signature::verify(&key, parsed.signing_input.as_bytes(), &parsed.signature);
}

fn check_spki(bytes: &[u8]) {
    if let Some(key) = RsaPublic::from_spki(bytes) {
        assert_eq!(key.spki_der(), bytes);
        assert_eq!(RsaPublic::new(key.n().to_vec(), key.e().to_vec()), Some(key));
    }
}

fn check_line(bytes: &[u8]) {
    let Some(Line { entry, .. }) = Line::parse(bytes) else {
        return;
    };
    assert_eq!(line::write(&entry).as_bytes(), bytes);
    assert_eq!(entry.header.to_canonical(), entry.header_text);
    if let Some(data) = &entry.data {
        assert!(data.text.starts_with('{'));
        Run::parse(&data.text, EntryId(u64::MAX));
    }
}

/// A text is canonical exactly if reading and writing it gives the same bytes.
fn check_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let scan = canonical::scan(text);
    if scan.is_some() {
        // Nesting is the one thing of which readers may take less.
        let read = serde_json::from_str::<serde_json::Value>(text);
        assert!(read.is_ok() || 100 < nesting(text), "canonical, but no JSON: {read:?}");
    }
    let Ok(json) = serde_json::from_str::<Json>(text) else {
        return;
    };
    assert_eq!(scan.is_some(), json.to_canonical() == text);
    if let Some(scan) = scan {
        assert_eq!(scan.is_object, json.as_object().is_some());
        let actor = json.as_object().and_then(|members| members.get("actor"));
        let actor = actor.and_then(Json::as_str).map(canonical::escaped);
        assert_eq!(scan.actor, actor.as_deref());
    }
}

fn nesting(text: &str) -> usize {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count()
}

/// What keys or a ledger vouch for, somebody with keys has made.
fn check_document(bytes: &[u8]) {
    let Some((document, text)) = ledgers::document(bytes) else {
        return;
    };
    let itself = document.check(&Against::Itself);
    let keys = document.check(&Against::Keys(KNOWN.listing.keys()));
    if keys.is_ok() {
        assert!(KNOWN.has(&document, text), "keys vouch for what nobody made");
    }
    if itself.is_err() && keys.is_err() {
        return;
    }
    let Ok(verified) = KNOWN.exports[0].verify(Some(&document), WHOLE) else {
        panic!("what is asked for changes the verdict on the ledger");
    };
    if document.check(&Against::Ledger(&verified.ledger)).is_ok() {
        assert!(keys.is_ok(), "the ledger vouches for what its keys do not");
        assert!(KNOWN.has(&document, text), "the ledger vouches for what nobody made");
    }
}

/// Whether a ledger is tampered with as a tile directory.
const HAS_NO_PARTS: u8 = 0x80;

/// Few inputs are spent on the wide ledger, which takes ten times as long.
fn which(how: u8) -> usize {
    match how & !HAS_NO_PARTS {
        0..8 => 3,
        rest => usize::from(rest % 3),
    }
}

/// A ledger that was changed is refused, or says what it said before.
fn check_tampered(
    input: &mut Unstructured<'_>,
    change: fn(&mut Export, &mut Unstructured<'_>) -> Result<()>,
) {
    let Ok(how) = input.arbitrary::<u8>() else {
        return;
    };
    let original = &KNOWN.exports[which(how)];
    let mut export = original.clone();
    if how & HAS_NO_PARTS != 0 {
        export.0.remove("entries.jsonl");
    }
    let _ = change(&mut export, input);
    let verdict = export.verify(None, WHOLE);
    agree_however_cut(&export, &verdict);
    if verdict.is_err() {
        return;
    }
    assert_eq!(export.checkpoint_text(), original.checkpoint_text());
    for (path, bytes) in original.0.iter().filter(|(path, _)| path.starts_with("tile/")) {
        assert_eq!(export.file(path), bytes, "{path}");
    }
    if export.0.contains_key("entries.jsonl") {
        assert_same_entries(&export, original);
    }
}

fn assert_same_entries(export: &Export, original: &Export) {
    let (entries, originals) = (export.entries(), original.entries());
    assert_eq!(entries.len(), originals.len());
    for (entry, original) in entries.iter().zip(originals) {
        assert_eq!(entry.header_text, original.header_text);
        // A part may go only where a run says that it went.
        assert!(entry.data == original.data || entry.data.is_none());
        assert!(entry.personal == original.personal || entry.personal.is_none());
    }
}

fn inputs() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for path in ["0/000", "0/001.p/44", "entries/x001/x234/067.p/1", "63/x999/999", "1/000.p/255"] {
        seeds.push(selecting(PATH, path.as_bytes()));
    }
    for file in seeds::files() {
        let is_document = ["/receipts/", "/decisions/", ".tlog-proof"];
        if let Some((_, path)) = file.path.split_once("/tile/") {
            seeds.push(selecting(PATH, path.as_bytes()));
            let kind = if path.starts_with("entries/") { BUNDLE } else { TILE };
            seeds.push(selecting(kind, &file.bytes));
        } else if is_document.iter().any(|part| file.path.contains(part)) {
            seeds.push(selecting(DOCUMENT, &file.bytes));
        } else if file.path == "token.json" {
            let read: serde_json::Value = serde_json::from_slice(&file.bytes).unwrap_or_default();
            seeds.extend(read["token"].as_str().map(|token| selecting(TOKEN, token.as_bytes())));
        } else if file.path.ends_with("/entries.jsonl") && !file.path.contains("/wide/") {
            seeds.extend(
                file.bytes.split_inclusive(|byte| *byte == b'\n').map(|line| selecting(LINE, line)),
            );
        }
    }
    for export in &KNOWN.exports[..3] {
        let parts = export.entries().into_iter().flat_map(|entry| [entry.data, entry.personal]);
        seeds.extend(parts.flatten().map(|part| selecting(JSON, part.text.as_bytes())));
    }
    seeds.extend(KNOWN.listing.keys().iter().filter_map(|key| match &key.material {
        ledger::keys::Material::Rsa(key) => Some(selecting(SPKI, &key.spki_der())),
        ledger::keys::Material::Ed25519(_) => None,
    }));
    for how in [0, 8, 9, 10, 0x80, 0x88, 0x89, 0x8a] {
        seeds.push(selecting(FILES, &[how]));
        for at in 0..30 {
            seeds.push(selecting(FILES, &[how, at, at, 3, 1, 1, at]));
            let changes: Vec<u8> = (0..10).flat_map(|change| [at, change, 0, 0, 0, 0]).collect();
            seeds.push(selecting(ENTRIES, &[&[how][..], &changes].concat()));
        }
    }
    seeds.sort();
    seeds.dedup();
    seeds
}
