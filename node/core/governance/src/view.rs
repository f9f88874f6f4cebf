//! Reading what the services wrote: for the interface, for other services, for
//! verification. Nothing here writes.

mod account_pages;
mod accounts;
mod ai_incidents;
mod annex_iv;
mod checkpoints;
mod decisions;
mod effectiveness;
mod entries;
mod escalations;
mod evidence;
mod moment;
mod overrides;
mod records;
mod responsibility;
mod risks;
mod signers;
mod systems;
mod walk;

use ledger::{Header, Part, StoredEntry};
use types::{DecisionId, Digest, EntryId, InterventionId, KeyId, Timestamp, TokenId};

use crate::command::Idempotency;
use crate::outcome::Corruption;
use crate::record::{
    ClusterRecord, CommandKeyRecord, DecisionRecord, Head, KeyRecord, NodeRecord, PolicyRecord,
    RegisterRecord, RequestRecord, TokenRecord,
};
use crate::store::{Direction, Read, Row, Scan, Table};
use crate::{cache, codec, idempotency, keys, policies, tables};

pub use account_pages::{AccountPage, AccountQuery, api_keys_page, sessions_page, users_page};
pub use accounts::{
    access_record, api_key, api_key_by_hash, api_keys, api_keys_total, challenge, join_token,
    login_pair, session, session_by_hash, sessions, sessions_of, user, user_by_email,
    user_by_username, user_of_oidc, users, users_total,
};
pub use ai_incidents::{
    AiIncident, AiIncidentPage, AiIncidentQuery, Told, ai_incident, ai_incidents,
};
pub use annex_iv::{AnnexIvSection, Written, annex_iv};
pub(crate) use checkpoints::last_final_within;
pub use checkpoints::{
    checkpoint, checkpoints, erased, first_final, forgotten, headers, incidents, last_checkpoint,
    last_final, scrubs,
};
pub use decisions::{DecisionPage, DecisionQuery, decisions};
pub use effectiveness::{
    AsOf, Effectiveness, Escalations, LOOKED_AT_MAX, Standing, as_of, effectiveness,
    effectiveness_from, escalation_ids,
};
pub use entries::{EntryPage, EntryQuery, TOTAL_MAX, entries};
pub use entries::{count_of_type, ids_between, ids_of_type};
pub(crate) use entries::{count_up_to, decision_ids, fitting, last_up_to, numbers_under};
pub use escalations::{
    Answer, Escalation, EscalationPage, EscalationQuery, ViolationPage, ViolationPlace, escalation,
    escalations, violations,
};
pub use evidence::{
    Artifact, ArtifactPage, ArtifactQuery, EvidenceStatistics, Linked, Signed, artifact, artifacts,
    evidence_statistics,
};
pub use moment::{escalation_at, override_at};
pub use overrides::{
    Override, Review, ReviewPlace, UnreviewedPage, override_of, overrides_of, unreviewed_overrides,
};
pub use records::{
    EXPIRING_DAYS, Hold, HoldPage, HoldQuery, OneStanding, RecordStanding, Standings, holds,
    record_standing,
};
pub(crate) use responsibility::responsibility_of_decision;
pub use responsibility::{
    PARTIES_MAX, PENDING_MAX, Responsibility, ResponsibilityPage, ResponsibilityQuery,
    ResponsibilityReport, ResponsibilityReview, party, pending_reviews, responsibilities,
    responsibility, responsibility_entry, responsibility_report,
};
pub use risks::{
    Absent, Assessment, RiskPage, RiskPlace, RiskQuery, latest_risk, risk, risk_ids, risks,
};
pub use signers::{Signer, SignerPage, signer, signers};
pub use systems::{
    System, SystemPage, SystemQuery, decisions_of, system, system_as_of, system_by_name,
    system_told, systems,
};

/// Nodes or keys that are listed at most; far more than a cluster has.
const MEMBERS_MAX: usize = 10_000;

/// Where the ledger ends.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn head(read: &impl Read) -> Result<Head, Corruption> {
    cache::load_head(read)
}

/// An entry as stored, unchecked; `None` past the end.
///
/// # Errors
/// [`Corruption`] when its header is no header.
pub fn entry(read: &impl Read, id: EntryId) -> Result<Option<StoredEntry>, Corruption> {
    let Some((header, header_text)) = header(read, id)? else { return Ok(None) };
    let (data, personal) = (part(read, Table::Data, id)?, part(read, Table::Personal, id)?);
    Ok(Some(StoredEntry { header, header_text, data, personal }))
}

/// Every entry of a span of ids, which are read together: as many as may be held.
///
/// # Errors
/// [`Corruption`] when one is missing, or its header is none or that of another.
pub(crate) fn entries_in(
    read: &impl Read,
    ids: std::ops::Range<u64>,
) -> Result<Vec<StoredEntry>, Corruption> {
    let (from, to) = (keys::entry(EntryId(ids.start)), keys::entry(EntryId(ids.end)));
    let rows = |table| {
        let (from, to, direction) = (&from[..], Some(&to[..]), Direction::Ascending);
        read.scan(Scan { table, from, to, direction, rows_max: usize::MAX })
    };
    let headers = rows(Table::Header)?;
    let mut data = rows(Table::Data)?.into_iter().peekable();
    let mut personal = rows(Table::Personal)?.into_iter().peekable();
    let mut entries = Vec::new();
    let mut headers = headers.into_iter();
    for id in ids.map(EntryId) {
        let missing = || Corruption::new("header", format!("entry {id} is missing"));
        let key = keys::entry(id);
        let (_, bytes) = headers.next().filter(|(at, _)| *at == key).ok_or_else(missing)?;
        let (header, header_text) = header_of(id, &bytes)?;
        if header.id != id {
            let what = format!("entry {id} has the header of entry {}", header.id);
            return Err(Corruption::new("header", what));
        }
        let data = data.next_if(|(at, _)| *at == key);
        let personal = personal.next_if(|(at, _)| *at == key);
        let part = |table, row: Option<Row>| row.map(|(_, row)| part_of(table, id, &row));
        entries.push(StoredEntry {
            header,
            header_text,
            data: part(Table::Data, data).transpose()?,
            personal: part(Table::Personal, personal).transpose()?,
        });
    }
    if data.next().or_else(|| personal.next()).is_some() {
        return Err(Corruption::new("entry", "a part is of no entry"));
    }
    Ok(entries)
}

/// The header of an entry, and its text.
fn header(read: &impl Read, id: EntryId) -> Result<Option<(Header, String)>, Corruption> {
    let bytes = read.get(Table::Header, &keys::entry(id))?;
    bytes.map(|bytes| header_of(id, &bytes)).transpose()
}

fn header_of(id: EntryId, bytes: &[u8]) -> Result<(Header, String), Corruption> {
    let header = codec::strip("header", bytes)?;
    let parsed = Header::parse(header)
        .map_err(|err| Corruption::new("header", format!("entry {id}: {err}")))?;
    let text = String::from_utf8(header.to_vec())
        .map_err(|_| Corruption::new("header", format!("entry {id} is no text")))?;
    Ok((parsed, text))
}

fn part(read: &impl Read, table: Table, id: EntryId) -> Result<Option<Part>, Corruption> {
    let bytes = read.get(table, &keys::entry(id))?;
    bytes.map(|bytes| part_of(table, id, &bytes)).transpose()
}

fn part_of(table: Table, id: EntryId, bytes: &[u8]) -> Result<Part, Corruption> {
    let name = tables::name(table);
    let damaged = || Corruption::new(name, format!("entry {id} is no salted text"));
    let (salt, text) = codec::strip(name, bytes)?.split_first_chunk::<32>().ok_or_else(damaged)?;
    let text = String::from_utf8(text.to_vec()).map_err(|_| damaged())?;
    Ok(Part { salt: *salt, text })
}

/// The entry of a decision.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn decision_entry(read: &impl Read, id: DecisionId) -> Result<Option<EntryId>, Corruption> {
    let record: Option<DecisionRecord> = tables::record(read, Table::Decision, &id.0.key())?;
    Ok(record.map(|record| record.entry_id))
}

/// The entry of an intervention.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn intervention_entry(
    read: &impl Read,
    id: InterventionId,
) -> Result<Option<EntryId>, Corruption> {
    tables::record(read, Table::Intervention, &id.0.key())
}

/// A token.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn token(read: &impl Read, id: TokenId) -> Result<Option<TokenRecord>, Corruption> {
    tables::record(read, Table::Token, &id.0.key())
}

/// What the request id of a decision leads to.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn request(
    read: &impl Read,
    scope: &str,
    request_id: &str,
) -> Result<Option<RequestRecord>, Corruption> {
    tables::record(read, Table::Request, &keys::texts(&[scope, request_id]))
}

/// What a command other than a decision recorded under its key in the last 24
/// hours, and for what body.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn command(
    read: &impl Read,
    key: &Idempotency,
    now: Timestamp,
) -> Result<Option<(EntryId, Digest)>, Corruption> {
    let known: Option<CommandKeyRecord> =
        tables::record(read, Table::CommandKey, &idempotency::row(key))?;
    let known = known.filter(|known| now < known.expires_at);
    Ok(known.map(|known| (known.entry_id, known.body_digest)))
}

/// A version of the policy.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn policy(read: &impl Read, version: u64) -> Result<Option<PolicyRecord>, Corruption> {
    if version == 0 {
        return Ok(Some(policies::built_in()));
    }
    tables::record(read, Table::Policy, &version.to_be_bytes())
}

/// The policy in force: the last one loaded, else version 0.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn active_policy(read: &impl Read) -> Result<PolicyRecord, Corruption> {
    match tables::last(read, Table::Policy)? {
        Some((_, bytes)) => codec::decode("policy", &bytes),
        None => Ok(policies::built_in()),
    }
}

/// Versions after `after`, oldest first, version 0 among them.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn policies(
    read: &impl Read,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<PolicyRecord>, Corruption> {
    let mut found = Vec::new();
    if after.is_none() && 0 < limit {
        found.push(policies::built_in());
    }
    let from = after.unwrap_or(0).saturating_add(1).to_be_bytes();
    let rows = read.scan(Scan {
        table: Table::Policy,
        from: &from,
        to: None,
        direction: Direction::Ascending,
        rows_max: limit.saturating_sub(found.len()),
    })?;
    for (_, bytes) in rows {
        found.push(codec::decode("policy", &bytes)?);
    }
    Ok(found)
}

/// Every key of every node, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn keys(read: &impl Read) -> Result<Vec<KeyRecord>, Corruption> {
    all(read, Table::Key)
}

/// A key.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn key(read: &impl Read, id: KeyId) -> Result<Option<KeyRecord>, Corruption> {
    tables::record(read, Table::Key, &id.0.key())
}

/// Every node that was ever registered and whose name nobody took over.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn nodes(read: &impl Read) -> Result<Vec<NodeRecord>, Corruption> {
    all(read, Table::Node)
}

/// A node by name.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn node(read: &impl Read, name: &str) -> Result<Option<NodeRecord>, Corruption> {
    tables::record(read, Table::Node, name.as_bytes())
}

/// What the cluster is; `None` before genesis.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn cluster(read: &impl Read) -> Result<Option<ClusterRecord>, Corruption> {
    tables::record(read, Table::Cluster, keys::ONLY)
}

/// Which regulatory data the ledger names; `None` where it names none yet.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn register_record(read: &impl Read) -> Result<Option<RegisterRecord>, Corruption> {
    tables::record(read, Table::Register, keys::ONLY)
}

fn all<T: serde::de::DeserializeOwned>(
    read: &impl Read,
    table: Table,
) -> Result<Vec<T>, Corruption> {
    let rows = read.scan(Scan {
        table,
        from: &[],
        to: None,
        direction: Direction::Ascending,
        rows_max: MEMBERS_MAX,
    })?;
    rows.iter().map(|(_, bytes)| codec::decode(tables::name(table), bytes)).collect()
}
