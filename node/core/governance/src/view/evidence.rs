//! Artifacts, read back from the entries that record them: a page costs what it
//! returns.

use ledger::{EntryType, StoredEntry};
use types::{ArtifactId, DecisionId, EntryId, Json, KeyId, Object, Timestamp};

use super::entries::ids_between;
use super::risks::Absent;
use super::walk::{Under, Walk, after};
use crate::evidence::{self, CONTROLS, DECISIONS};
use crate::outcome::Corruption;
use crate::record::{ArtifactKind, ArtifactRecord, ContentPlace, EvidenceCount};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// An artifact as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// What kind of thing it is.
    pub kind: ArtifactKind,
    /// What it holds; `None` once the content is erased.
    pub content: Option<ContentPlace>,
    /// Its media type, if told.
    pub content_type: Option<String>,
    /// Where else it is kept.
    pub storage_uri: Option<String>,
    /// When it may go; `None` is never.
    pub retention_until: Option<Timestamp>,
    /// Decisions it was registered with.
    pub decisions: Vec<DecisionId>,
    /// Controls it bears on.
    pub controls: Vec<String>,
    /// Decisions it was linked to since, in the order of the links.
    pub links: Vec<Linked>,
    /// Signatures on it, in the order of their keys.
    pub signatures: Vec<Signed>,
    /// Who registered it.
    pub registered_by: Option<String>,
    /// Where it comes from; gone with the personal part.
    pub source: Option<String>,
    /// What the caller wanted to keep with it; gone with the personal part.
    pub metadata: Option<Object>,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// A link of an artifact to a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The decision.
    pub decision: DecisionId,
    /// Why; gone with the personal part.
    pub note: Option<String>,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// A signature on an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signer's key.
    pub key: KeyId,
    /// What the signer is called; gone once its entry is erased.
    pub signer: Option<String>,
    /// Base64url.
    pub signature: String,
    /// Applied time.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// Which artifacts are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactQuery {
    /// Entries past this one in the order asked for.
    pub after: Option<EntryId>,
    /// Of this kind.
    pub kind: Option<ArtifactKind>,
    /// From this source.
    pub source: Option<String>,
    /// Not earlier than this.
    pub from: Option<Timestamp>,
    /// Earlier than this.
    pub to: Option<Timestamp>,
    /// The order.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
}

/// A page of artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactPage {
    /// The artifacts.
    pub artifacts: Vec<Artifact>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<EntryId>,
    /// How many match on all pages, up to [`super::TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// How much evidence there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceStatistics {
    /// By kind, every kind there is.
    pub kinds: Vec<(ArtifactKind, EvidenceCount)>,
    /// Decisions with evidence.
    pub decisions: u64,
    /// Controls with evidence.
    pub controls: u64,
}

/// An artifact with all that was added to it.
///
/// # Errors
/// The outer one is [`Corruption`].
pub fn artifact(read: &impl Read, id: ArtifactId) -> Result<Result<Artifact, Absent>, Corruption> {
    let record: Option<ArtifactRecord> = tables::record(read, Table::Artifact, &id.0.key())?;
    let Some(record) = record else {
        return Ok(Err(Absent::Unknown));
    };
    let Some(kind) = record.kind else {
        return Ok(Err(Absent::Erased));
    };
    let entry = stored(read, record.entry_id)?;
    let damaged =
        || Corruption::new("data", format!("entry {} tells no artifact", record.entry_id));
    let data = part(&entry.data).ok_or_else(damaged)?;
    let is_own = entry.header.entry_type == EntryType::EvidenceRegistered;
    let tell = if is_own { registered } else { attesting };
    let mut artifact = tell(id, kind, &entry, &data);
    artifact.content = record.content;
    artifact.links = links(read, id)?;
    artifact.signatures = signatures(read, id)?;
    Ok(Ok(artifact))
}

fn stored(read: &impl Read, id: EntryId) -> Result<StoredEntry, Corruption> {
    let missing = || Corruption::new("header", format!("entry {id} is missing"));
    super::entry(read, id)?.ok_or_else(missing)
}

fn part(part: &Option<ledger::Part>) -> Option<Object> {
    part.as_ref().and_then(|part| serde_json::from_str(&part.text).ok())
}

fn text(part: &Object, name: &str) -> Option<String> {
    part.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn texts(part: &Object, name: &str) -> Vec<String> {
    let list = part.get(name).and_then(Json::as_array).unwrap_or_default();
    list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// An artifact by the entry that registered it.
fn registered(id: ArtifactId, kind: ArtifactKind, entry: &StoredEntry, data: &Object) -> Artifact {
    let personal = part(&entry.personal).unwrap_or_default();
    let decisions = texts(data, "related_decision_ids");
    Artifact {
        content_type: text(data, "content_type"),
        storage_uri: text(data, "storage_uri"),
        retention_until: text(data, "retention_until").and_then(|until| until.parse().ok()),
        decisions: decisions.iter().filter_map(|id| id.parse().ok()).collect(),
        controls: texts(data, "related_control_ids"),
        source: text(&personal, "source"),
        metadata: personal.get("metadata").and_then(Json::as_object).cloned(),
        ..bare(id, kind, entry, data)
    }
}

/// What attests something, by the entry of that.
fn attesting(id: ArtifactId, kind: ArtifactKind, entry: &StoredEntry, data: &Object) -> Artifact {
    let decision = text(data, "decision_id").and_then(|id| id.parse().ok());
    Artifact {
        content_type: Some("application/json".to_owned()),
        retention_until: evidence::retention_until(entry.header.timestamp, kind.retention_days()),
        decisions: decision.into_iter().collect(),
        ..bare(id, kind, entry, data)
    }
}

fn bare(id: ArtifactId, kind: ArtifactKind, entry: &StoredEntry, data: &Object) -> Artifact {
    Artifact {
        id,
        kind,
        content: None,
        content_type: None,
        storage_uri: None,
        retention_until: None,
        decisions: Vec::new(),
        controls: Vec::new(),
        links: Vec::new(),
        signatures: Vec::new(),
        registered_by: text(data, "by"),
        source: None,
        metadata: None,
        at: entry.header.timestamp,
        entry_id: entry.header.id,
    }
}

fn links(read: &impl Read, id: ArtifactId) -> Result<Vec<Linked>, Corruption> {
    let (from, to) = keys::links(id.0);
    let mut links = Vec::new();
    for (key, value) in all(read, Table::ArtifactLater, &from, &to)? {
        let short = || Corruption::new("artifact_later", "key too short");
        let entry_id = keys::last_number(&key).map(EntryId).ok_or_else(short)?;
        let entry = stored(read, entry_id)?;
        let personal = part(&entry.personal).unwrap_or_default();
        links.push(Linked {
            decision: codec::decode("artifact_later", &value)?,
            note: text(&personal, "note"),
            at: entry.header.timestamp,
            entry_id,
        });
    }
    Ok(links)
}

fn signatures(read: &impl Read, id: ArtifactId) -> Result<Vec<Signed>, Corruption> {
    let (from, to) = keys::signatures(id.0);
    let mut signatures = Vec::new();
    for (key, value) in all(read, Table::ArtifactLater, &from, &to)? {
        let entry = stored(read, codec::decode("artifact_later", &value)?)?;
        let damaged = || Corruption::new("artifact_later", "a signature that names no key");
        let key = keys::last_ulid(&key).map(KeyId).ok_or_else(damaged)?;
        let data = part(&entry.data).ok_or_else(damaged)?;
        signatures.push(Signed {
            key,
            signer: super::signer(read, key)?.and_then(|signer| signer.name),
            signature: text(&data, "signature").unwrap_or_default(),
            at: entry.header.timestamp,
            entry_id: entry.header.id,
        });
    }
    Ok(signatures)
}

fn all(
    read: &impl Read,
    table: Table,
    from: &[u8],
    to: &[u8],
) -> Result<Vec<crate::store::Row>, Corruption> {
    let direction = Direction::Ascending;
    read.scan(Scan { table, from, to: Some(to), direction, rows_max: usize::MAX })
}

/// Artifacts that match a query.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn artifacts(read: &impl Read, query: &ArtifactQuery) -> Result<ArtifactPage, Corruption> {
    let whole = ids_between(read, query.from, query.to)?;
    let kinds = ArtifactKind::ALL.map(evidence::kind_text);
    let every: Vec<Under<'_>> = kinds.iter().map(|kind| under(kind)).collect();
    let named =
        [query.kind.map(evidence::kind_text), query.source.as_deref().map(evidence::source_text)];
    let named = named.iter().flatten().map(|text| under(text)).collect();
    let walk = Walk::of(read, named, &every, &whole)?;
    let (total, total_exact) = walk.count(read, &whole)?;
    let page = after(query.after, query.direction, whole);
    let ids = walk.ids(read, page, query.direction, query.limit.saturating_add(1))?;
    let is_last = ids.len() <= query.limit;
    let mut artifacts = Vec::new();
    for entry in ids.into_iter().take(query.limit) {
        let damaged = || Corruption::new("artifact_by_text", format!("entry {entry} has none"));
        let id: Option<ArtifactId> =
            tables::record(read, Table::ArtifactByEntry, &keys::entry(entry))?;
        let listed = artifact(read, id.ok_or_else(damaged)?)?;
        artifacts.push(listed.map_err(|_| damaged())?);
    }
    let last = artifacts.last().filter(|_| !is_last);
    let next = last.map(|last: &Artifact| last.entry_id);
    Ok(ArtifactPage { artifacts, next, total, total_exact })
}

fn under(text: &str) -> Under<'_> {
    Under { table: Table::ArtifactByText, text }
}

/// How much evidence there is.
///
/// # Errors
/// [`Corruption`] when a count cannot be read.
pub fn evidence_statistics(read: &impl Read) -> Result<EvidenceStatistics, Corruption> {
    let count = |name: &str| -> Result<EvidenceCount, Corruption> {
        let count = tables::record(read, Table::EvidenceCount, name.as_bytes())?;
        Ok(count.unwrap_or_default())
    };
    let mut kinds = Vec::new();
    for kind in ArtifactKind::ALL {
        kinds.push((kind, count(&evidence::of_kind(kind))?));
    }
    let (decisions, controls) = (count(DECISIONS)?.artifacts, count(CONTROLS)?.artifacts);
    Ok(EvidenceStatistics { kinds, decisions, controls })
}
