//! The technical documentation of Annex IV as humans have written it.

use types::{Digest, EntryId, Json, Object, SystemId, Timestamp};

use crate::annex_iv::{self, SECTIONS, Section};
use crate::outcome::Corruption;
use crate::store::Read;

/// A section, and what humans say there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnexIvSection {
    /// The section.
    pub section: &'static Section,
    /// What humans say there; `None` where nobody said anything yet.
    pub written: Option<Written>,
}

/// What humans say in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its points.
    pub content: Object,
    /// SHA-256 of that.
    pub digest: Digest,
    /// Who said so.
    pub by: Option<String>,
    /// Applied time.
    pub at: Timestamp,
    /// The entry that says so.
    pub entry_id: EntryId,
    /// Its hash.
    pub entry_hash: Digest,
}

impl AnnexIvSection {
    /// Points of which nobody says anything.
    pub fn missing(&self) -> Vec<&'static str> {
        let content = self.written.as_ref().map(|written| &written.content);
        self.section.missing(content).map(|point| point.member).collect()
    }

    /// How complete it is, in the words that duties have.
    pub fn status(&self) -> &'static str {
        let missing = self.missing().len();
        if missing == 0 {
            "evidence_sufficient"
        } else if missing < self.section.points.len() {
            "partial"
        } else {
            "needs_human_evidence"
        }
    }

    /// What humans say of a point.
    pub fn point(&self, member: &str) -> Option<&Json> {
        let value = self.written.as_ref()?.content.get(member)?;
        (!self.missing().contains(&member)).then_some(value)
    }
}

/// Every section of a file as it was when an entry was recorded.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn annex_iv(
    read: &impl Read,
    system: Option<SystemId>,
    as_of: EntryId,
) -> Result<Vec<AnnexIvSection>, Corruption> {
    let written = |section: &'static Section| {
        let entry = annex_iv::latest(read, system, section.number, as_of.0)?;
        let written = entry.map(|entry| written(read, EntryId(entry))).transpose()?.flatten();
        Ok(AnnexIvSection { section, written })
    };
    SECTIONS.iter().map(written).collect()
}

/// What an entry says; `None` once it is erased.
fn written(read: &impl Read, id: EntryId) -> Result<Option<Written>, Corruption> {
    let damaged = || Corruption::new("data", format!("entry {id} tells no section"));
    let entry = super::entry(read, id)?.ok_or_else(damaged)?;
    let Some(data) = &entry.data else { return Ok(None) };
    let mut data: Object = serde_json::from_str(&data.text).map_err(|_| damaged())?;
    let Some(Json::Object(content)) = data.remove("content") else { return Err(damaged()) };
    Ok(Some(Written {
        digest: annex_iv::digest(&content),
        content,
        by: data.get("by").and_then(Json::as_str).map(str::to_owned),
        at: entry.header.timestamp,
        entry_id: id,
        entry_hash: entry.hash(),
    }))
}
