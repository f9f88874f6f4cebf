//! What an import changes and what it refuses.

use policy::Document;
use types::Json;

/// Notes and refusals in the order they were found.
#[derive(Debug, Default)]
pub(super) struct Report {
    notes: Vec<Note>,
    refused: Vec<Note>,
}

/// Something to know about one place of what was imported.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    /// A JSON pointer or a line.
    place: String,
    code: &'static str,
    detail: String,
}

impl Report {
    pub(super) fn note(&mut self, place: &str, code: &'static str, detail: impl Into<String>) {
        add(&mut self.notes, place, code, detail.into());
    }

    pub(super) fn refuse(&mut self, place: &str, code: &'static str, detail: impl Into<String>) {
        add(&mut self.refused, place, code, detail.into());
    }

    pub(super) fn is_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let line = |kind: &str, note: &Note| {
            format!("{kind}: {}: {} ({})", note.place, note.detail, note.code)
        };
        let notes = self.notes.iter().map(|note| line("note", note));
        notes.chain(self.refused.iter().map(|note| line("refused", note))).collect()
    }

    pub(super) fn to_json(&self, document: Option<&Document>) -> Json {
        let list = |notes: &[Note]| -> Json {
            let notes = notes.iter().map(|note| {
                Json::object([
                    ("place", note.place.as_str().into()),
                    ("code", note.code.into()),
                    ("detail", note.detail.as_str().into()),
                ])
            });
            notes.collect::<Vec<_>>().into()
        };
        Json::object([
            ("policy", document.map(Document::to_json).into()),
            ("policy_hash", document.map(|document| document.hash().to_string()).into()),
            ("notes", list(&self.notes)),
            ("refused", list(&self.refused)),
        ])
    }
}

/// Each thing is said once.
fn add(notes: &mut Vec<Note>, place: &str, code: &'static str, detail: String) {
    let note = Note { place: place.to_owned(), code, detail };
    if !notes.contains(&note) {
        notes.push(note);
    }
}
