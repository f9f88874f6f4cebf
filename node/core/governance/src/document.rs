//! Documents for people who answer to an authority: what the ledger shows about
//! their AI systems, what humans have said, and what nobody has said yet.
//!
//! A document describes the systems that the organisation registered. Lexecon is
//! not one of them, and no document says that something is in order: it counts,
//! quotes and names what is missing.
//!
//! Reading order: [`Document`], `facts` (what is counted), `article_11`,
//! `articles` (every other one, from a table), `package` (Annex IV), then the
//! forms it is shown in, `markdown` and `html`.
//!
//! Invariants
//! - A document follows from the entries up to one of them and from the data of the
//!   release alone: the same index gives the same bytes on every node of one
//!   release, until something in it is erased. Duties and titles of articles are
//!   those of the regulatory data that the release has; a document that has none of
//!   them names the data that were recorded up to its entry.
//! - What a human said stands with who said it, when, and in which entry.

mod article_11;
mod articles;
mod facts;
mod forms;
mod html;
mod markdown;
mod package;
mod pictures;
mod svg;

use sha2::{Digest as _, Sha256};
use types::{Digest, EntryId, Json, Object, SystemId, Timestamp};

use crate::outcome::Corruption;
use crate::store::Read;

pub use articles::ARTICLES;
pub use html::STYLE as HTML_STYLE;

use facts::Facts;

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// One system; every one of the organisation where it is absent.
    pub system: Option<SystemId>,
    /// The last entry that counts, whose time is the time of the document.
    pub as_of: EntryId,
}

/// A document, free of the form it is shown in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `EU_AI_ACT_ARTICLE_11` and the like.
    pub kind: String,
    /// What stands above it.
    pub title: String,
    /// The last entry that counts.
    pub as_of: EntryId,
    /// Its time.
    pub at: Timestamp,
    /// The regulatory data that it was made with, or, where it has nothing of
    /// them, those that were recorded last.
    pub register_version: Option<String>,
    /// The systems it is about.
    pub system_ids: Vec<SystemId>,
    /// Its parts, in order.
    pub sections: Vec<Section>,
    /// Hashes of the entries that it names, in the order of the ledger.
    pub evidence_chain: Vec<Digest>,
    /// The least and the greatest entry whose personal part it shows.
    pub personal: Option<(EntryId, EntryId)>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its member in the document.
    pub name: &'static str,
    /// What stands above it.
    pub title: String,
    /// What it says, in order.
    pub items: Vec<Item>,
    /// A picture of it, as SVG.
    pub picture: Option<String>,
}

/// One thing that a document says, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name within the section.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What is said; `null` where nothing is.
    pub value: Json,
    /// Who says it.
    pub source: Source,
}

/// Who says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was counted.
    Ledger,
    /// The regulatory data.
    Register,
    /// A human, in an entry.
    Human {
        /// Who, if somebody was named.
        by: Option<String>,
        /// When.
        at: Timestamp,
        /// The entry.
        entry: EntryId,
    },
    /// Nobody, and a human must.
    Missing,
    /// Nobody, and nobody must.
    Open,
}

impl Source {
    fn word(&self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Register => "register",
            Self::Human { .. } => "human",
            Self::Missing => "missing",
            Self::Open => "open",
        }
    }
}

impl Item {
    fn counted(name: impl Into<String>, about: impl Into<String>, value: impl Into<Json>) -> Self {
        Self { name: name.into(), about: about.into(), value: value.into(), source: Source::Ledger }
    }

    fn to_json(&self) -> Json {
        let (by, at, entry) = match &self.source {
            Source::Human { by, at, entry } => (by.clone(), Some(at.to_string()), Some(entry.0)),
            Source::Ledger | Source::Register | Source::Missing | Source::Open => {
                (None, None, None)
            }
        };
        Json::object([
            ("name", self.name.as_str().into()),
            ("about", self.about.as_str().into()),
            ("value", self.value.clone()),
            ("source", self.source.word().into()),
            ("by", by.into()),
            ("at", at.into()),
            ("ledger_entry_id", entry.into()),
        ])
    }
}

impl Section {
    /// Names of what a human must say and nobody has.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.items.iter().filter(|item| item.source == Source::Missing);
        missing.map(|item| item.name.as_str())
    }

    fn to_json(&self) -> Json {
        let missing: Vec<&str> = self.missing().collect();
        Json::object([
            ("title", self.title.as_str().into()),
            ("items", Json::Array(self.items.iter().map(Item::to_json).collect())),
            ("diagram", self.picture.as_deref().into()),
            ("missing", missing.into()),
        ])
    }
}

impl Document {
    /// Names of what is missing, each with its section.
    pub fn missing(&self) -> Vec<String> {
        let of = |section: &Section| -> Vec<String> {
            section.missing().map(|name| format!("{}.{name}", section.name)).collect()
        };
        self.sections.iter().flat_map(of).collect()
    }

    fn body(&self) -> Object {
        let hashes = self.evidence_chain.iter().map(|hash| hash.to_string().into());
        let systems = self.system_ids.iter().map(|id| id.to_string().into());
        let mut sections = Object::new();
        for section in &self.sections {
            sections.insert(section.name, section.to_json());
        }
        let mut body = Object::new();
        body.insert("document_type", self.kind.as_str());
        body.insert("title", self.title.as_str());
        body.insert("as_of_index", self.as_of.0);
        body.insert("timestamp", self.at.to_string());
        body.insert("register_version", self.register_version.as_deref());
        body.insert("system_ids", Json::Array(systems.collect()));
        body.insert("sections", sections);
        body.insert("evidence_chain", Json::Array(hashes.collect()));
        body.insert("missing", self.missing());
        body
    }

    /// SHA-256 of the canonical form of the document, without this hash in it.
    pub fn hash(&self) -> Digest {
        Digest(Sha256::digest(Json::Object(self.body()).to_canonical()).into())
    }

    /// The members, `document_hash` among them.
    pub fn to_json(&self) -> Object {
        let mut body = self.body();
        body.insert("document_hash", self.hash().to_string());
        body
    }

    /// The text, for people.
    pub fn to_markdown(&self) -> String {
        markdown::text(self)
    }

    /// A page that needs nothing else, for people.
    pub fn to_html(&self) -> String {
        html::page(self)
    }
}

/// The technical documentation that Article 11 asks for, as far as it can be
/// told. A system that there was not is for the caller to have refused.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn article_11(read: &impl Read, asked: Asked) -> Result<Document, Corruption> {
    article_11::document(&mut Facts::gather(read, asked)?)
}

/// What is to be shown about an article; `None` where there is no such document.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn article(
    read: &impl Read,
    number: u16,
    asked: Asked,
) -> Result<Option<Document>, Corruption> {
    articles::document(read, number, asked)
}

/// The technical documentation of Annex IV as it would be handed over, or the
/// points of which nobody has said anything.
///
/// # Errors
/// [`Corruption`] when something cannot be read.
pub fn package(
    read: &impl Read,
    asked: Asked,
) -> Result<Result<Document, Vec<String>>, Corruption> {
    package::document(read, asked)
}
