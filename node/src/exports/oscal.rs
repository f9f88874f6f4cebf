//! OSCAL assessment results: how duties and controls stand, and what was looked
//! at. Records are counted; the package has them.

use std::io::{self, Write};

use client::oscal::{Assessed, results};
use governance::export::{Exported, RecordKind};
use ledger::{Checkpoint, Note, StoredEntry};
use types::{Json, Object};

use crate::exports::sink::{About, Closing, Sink};

/// OSCAL into any writer.
pub(crate) struct Oscal<W> {
    out: W,
    gathered: Option<Gathered>,
}

/// What the document needs, which is never more than the register is long.
pub(crate) struct Gathered {
    about: About,
    start: String,
    compliance: Option<Json>,
}

impl Gathered {
    /// Nothing has come yet.
    pub(crate) fn new(about: &About) -> Self {
        let start = about.from.unwrap_or(about.now).to_string();
        Self { about: about.clone(), start, compliance: None }
    }

    /// Takes in how duties and controls stand.
    pub(crate) fn compliance(&mut self, compliance: &Json) {
        self.compliance = Some(compliance.clone());
    }

    /// Takes in an entry: the first one says when the ledger begins.
    pub(crate) fn entry(&mut self, entry: &StoredEntry) {
        if entry.header.id.0 == 0 && self.about.from.is_none() {
            self.start = entry.header.timestamp.to_string();
        }
    }

    /// The document.
    pub(crate) fn document(&self, closing: &Closing<'_>) -> io::Result<String> {
        let root = checkpoint(closing)?.1.root.to_string();
        let document = results(&Assessed {
            origin: &self.about.origin,
            ledger_size: self.about.ledger_size,
            erasures_through: self.about.erasures_through.map(|run| run.0),
            root: &root,
            start: &self.start,
            now: &self.about.now.to_string(),
            compliance: self.compliance.as_ref(),
        });
        pretty(&document)
    }
}

/// The checkpoint, as it is signed and as it is read.
pub(crate) fn checkpoint(closing: &Closing<'_>) -> io::Result<(Note, Checkpoint)> {
    let malformed = || io::Error::other("the checkpoint of an export cannot be read");
    let note = Note::parse(closing.checkpoint).map_err(|_| malformed())?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|_| malformed())?;
    Ok((note, checkpoint))
}

/// Sorted members, two spaces, a newline at the end.
pub(crate) fn pretty(value: &Json) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

impl<W: Write> Oscal<W> {
    /// Nothing is written yet.
    pub(crate) fn new(out: W) -> Self {
        Self { out, gathered: None }
    }

    fn gathered(&mut self) -> io::Result<&mut Gathered> {
        self.gathered.as_mut().ok_or_else(|| io::Error::other("an export was not begun"))
    }
}

impl<W: Write> Sink for Oscal<W> {
    fn begin(&mut self, about: &About) -> io::Result<()> {
        self.gathered = Some(Gathered::new(about));
        Ok(())
    }

    fn record(&mut self, _kind: RecordKind, _record: &Object) -> io::Result<()> {
        Ok(())
    }

    fn compliance(&mut self, compliance: &Json) -> io::Result<()> {
        self.gathered()?.compliance(compliance);
        Ok(())
    }

    fn entry(&mut self, entry: Exported) -> io::Result<()> {
        self.gathered()?.entry(&entry.entry);
        Ok(())
    }

    fn end(&mut self, closing: &Closing<'_>) -> io::Result<()> {
        let document = self.gathered()?.document(closing)?;
        self.out.write_all(document.as_bytes())?;
        self.out.flush()
    }
}
