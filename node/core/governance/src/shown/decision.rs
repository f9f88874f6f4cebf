//! Decisions, with what they have come to.

use ledger::StoredEntry;
use ledger::reply::{Place, signed_members};
use policy::Verdict;
use types::{DecisionId, Json, Object};

use super::{Parts, erased, risk_version};
use crate::effective::{self, Effective, When};
use crate::evidence;
use crate::outcome::Corruption;
use crate::store::Read;
use crate::view;

/// A decision as it is shown.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its members, less a signature.
    pub members: Object,
    /// What it has come to.
    pub effective: Effective,
}

/// A decision as it stands at a moment; `None` once `data` is erased.
///
/// # Errors
/// [`Corruption`] when the entry is none of a decision, or something about it
/// cannot be read.
pub fn decision(
    read: &impl Read,
    entry: &StoredEntry,
    parts: &Parts,
    when: When,
) -> Result<Option<Decision>, Corruption> {
    let Some(data) = &parts.data else { return Ok(None) };
    let personal = parts.personal.as_ref();
    let damaged = || Corruption::new("data", format!("entry {} is no decision", entry.header.id));
    let told = |name: &str| data.get(name).and_then(Json::as_str);
    let id: DecisionId = told("decision_id").and_then(|id| id.parse().ok()).ok_or_else(damaged)?;
    let decided = told("outcome").and_then(Verdict::parse).ok_or_else(damaged)?;
    let effective = effective::effective(read, id, decided, when)?;
    let header = &entry.header;
    let place = Place { entry_id: header.id, entry_hash: entry.hash(), at: header.timestamp };
    let mut members = signed_members(Some(place), data, personal);
    for name in ["context", "user_intent"] {
        let value = personal.and_then(|personal| personal.get(name));
        members.insert(name, value.cloned().unwrap_or_default());
    }
    members.insert("facts", data.get("facts").cloned().unwrap_or_default());
    members.insert("effective_outcome", effective.outcome.as_str());
    members.insert("effective_basis", effective.basis.as_str());
    members.insert("override_ids", overrides(read, id, when)?);
    members.insert("risk_versions", Json::Array(risk_versions(read, id, when)?));
    let evidence = evidence::of_decision_as_of(read, id, when.size)?;
    let evidence: Vec<String> = evidence.iter().map(ToString::to_string).collect();
    members.insert("evidence_ids", evidence);
    members.insert("erased", erased(read, entry)?);
    Ok(Some(Decision { members, effective }))
}

fn overrides(read: &impl Read, id: DecisionId, when: When) -> Result<Vec<String>, Corruption> {
    let ids = effective::override_rows(read, id)?.into_iter();
    Ok(ids.filter(|(entry, _)| when.has(*entry)).map(|(_, id)| id.to_string()).collect())
}

fn risk_versions(read: &impl Read, id: DecisionId, when: When) -> Result<Vec<Json>, Corruption> {
    let mut versions = Vec::new();
    for id in view::risk_ids(read, id)? {
        let version = view::risk(read, id)?.ok().filter(|version| when.has(version.entry_id));
        versions.extend(version.as_ref().map(risk_version));
    }
    Ok(versions)
}
