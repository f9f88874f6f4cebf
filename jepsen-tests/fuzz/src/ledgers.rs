//! Whole ledgers in memory: those of the vectors, verified as an auditor would,
//! and what nobody can make without a key of theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use ledger::document::{Against, Document};
use ledger::export::{ExportCheck, ExportFault, Opening, TileSource, Verified};
use ledger::keys::Listing;
use ledger::line::Line;
use ledger::tile::{self, Resource};
use ledger::{FaultReason, Note, StoredEntry, reply};
use types::{Digest, EntryId, Object};

use crate::seeds;

/// Ledgers that are tampered with; the last is wider than a tile.
pub const NAMES: [&str; 4] = ["good", "one_node", "joint", "wide"];

/// Entries of a stretch when all are checked in one.
pub const WHOLE: usize = 8192;

/// Made once, when an engine starts.
pub static KNOWN: LazyLock<Known> = LazyLock::new(Known::gather);

/// The files of an export by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export(pub BTreeMap<String, Vec<u8>>);

impl TileSource for Export {
    fn read(&self, resource: Resource) -> Option<Vec<u8>> {
        self.0.get(&format!("tile/{}", resource.path())).cloned()
    }
}

impl Export {
    fn load(name: &str) -> Self {
        let below = format!("exports/{name}/");
        let files = seeds::files().into_iter();
        let files =
            files.filter_map(|file| Some((file.path.strip_prefix(&below)?.to_owned(), file.bytes)));
        Self(files.collect())
    }

    /// A file; one that is not there is empty.
    pub fn file(&self, path: &str) -> &[u8] {
        self.0.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// The note's text, if it is a note.
    pub fn checkpoint_text(&self) -> Option<String> {
        let note = std::str::from_utf8(self.file("checkpoint")).ok()?;
        Note::parse(note).ok().map(|note| note.text)
    }

    /// The entries that can be read.
    pub fn entries(&self) -> Vec<StoredEntry> {
        let lines = lines(self.file("entries.jsonl")).filter_map(Line::parse);
        lines.map(|line| line.entry).collect()
    }

    /// Verifies it in stretches of so many entries. Without `entries.jsonl` it
    /// is a tile directory.
    ///
    /// # Errors
    /// The first fault.
    pub fn verify(&self, asked: Option<&Document>, cut: usize) -> Result<Verified, ExportFault> {
        let entries = self.0.get("entries.jsonl");
        let mut check = ExportCheck::new(Opening {
            checkpoint: self.file("checkpoint"),
            keys: self.file("keys.json"),
            has_parts: entries.is_some(),
            beside: Vec::new(),
            asked,
            trusted: None,
            actor: Some("ai_agent:claims_triage"),
        })?;
        if let Some(entries) = entries {
            let lines: Vec<&[u8]> = lines(entries).collect();
            for (at, chunk) in lines.chunks(cut).enumerate() {
                let mut stretch = check.stretch(EntryId((at * cut) as u64));
                chunk.iter().for_each(|line| stretch.line(line, self));
                stretch.end(self);
                check.join(stretch, self)?;
            }
        } else {
            let mut stretch = check.stretch(EntryId(0));
            for (index, width) in tile::bundles(check.size()).take(WHOLE / 256) {
                let bundle = TileSource::read(self, Resource::Entries { index, width });
                stretch.bundle(bundle.as_deref(), width, self);
                if stretch.is_over() {
                    break;
                }
            }
            stretch.end(self);
            check.join(stretch, self)?;
        }
        check.finish(self)
    }
}

/// Lines with the newlines that end them.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n')
}

/// What keys that no engine has were used for.
#[derive(Debug)]
pub struct Known {
    /// In the order of [`NAMES`].
    pub exports: Vec<Export>,
    /// The keys of the first one.
    pub listing: Listing,
    texts: BTreeSet<String>,
    hashes: BTreeSet<Digest>,
    replies: BTreeSet<String>,
    tokens: BTreeSet<String>,
}

impl Known {
    fn gather() -> Self {
        let exports: Vec<Export> = NAMES.iter().map(|name| Export::load(name)).collect();
        let keys = std::str::from_utf8(exports[0].file("keys.json")).unwrap_or_default();
        let listing = Listing::parse(keys).expect("the vectors list keys");
        let mut known = Self {
            listing,
            texts: exports.iter().filter_map(Export::checkpoint_text).collect(),
            hashes: BTreeSet::new(),
            replies: BTreeSet::new(),
            tokens: BTreeSet::new(),
            exports,
        };
        for (name, export) in NAMES.iter().zip(&known.exports) {
            assert!(export.verify(None, WHOLE).is_ok(), "the vector {name} does not hold");
        }
        known.hashes =
            known.exports.iter().flat_map(Export::entries).map(|entry| entry.hash()).collect();
        for file in seeds::files() {
            if let Some((document, text)) = document(&file.bytes) {
                known.learn(&document, text);
            }
        }
        known
    }

    /// What a document of the vectors shows is the work of whoever has keys.
    fn learn(&mut self, document: &Document, text: &str) {
        if document.check(&Against::Keys(self.listing.keys())).is_err() {
            return;
        }
        match document {
            Document::Receipt(receipt) => {
                self.texts.insert(receipt.note.text.clone());
                self.hashes.insert(receipt.hash);
            }
            Document::Reply(_) => {
                let members: Object = serde_json::from_str(text).unwrap_or_default();
                self.replies.insert(reply::signed_bytes(&members));
                let token = members.get("capability_token").and_then(|token| token.as_str());
                self.tokens.extend(token.map(str::to_owned));
            }
        }
    }

    /// Whether somebody with keys made it.
    pub fn has(&self, document: &Document, text: &str) -> bool {
        match document {
            Document::Receipt(receipt) => {
                self.texts.contains(&receipt.note.text) && self.hashes.contains(&receipt.hash)
            }
            Document::Reply(_) => {
                let members: Object = serde_json::from_str(text).unwrap_or_default();
                let token = members.get("capability_token").and_then(|token| token.as_str());
                self.replies.contains(&reply::signed_bytes(&members))
                    && token.is_none_or(|token| self.tokens.contains(token))
            }
        }
    }
}

/// Reads a document in either form.
pub fn document(bytes: &[u8]) -> Option<(Document, &str)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let document = Document::parse(text).or_else(|| Document::parse_proof(text))?;
    Some((document, text))
}

/// However the work is divided, the first fault is the same; tiles are compared
/// after entries, and only by stretches that share none.
pub fn agree_however_cut(export: &Export, whole: &Result<Verified, ExportFault>) {
    let seen = |result: &Result<Verified, ExportFault>| {
        let verified = result.as_ref().map(|verified| {
            let counts =
                [verified.entries_erased, verified.gaps_explained, verified.entries_unfollowed];
            (counts, verified.actor, verified.signers.len())
        });
        verified.map_err(|fault| *fault)
    };
    let is_of_entry =
        |fault: &ExportFault| fault.entry.is_some() && fault.reason < FaultReason::RootMismatch;
    let cuts: &[usize] = match whole {
        Err(fault) if is_of_entry(fault) => &[1, 256],
        Ok(_) | Err(_) => &[256],
    };
    for cut in cuts {
        let parts = export.verify(None, *cut);
        assert_eq!(seen(&parts), seen(whole), "in stretches of {cut}");
    }
}
