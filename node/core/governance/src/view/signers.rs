//! Signers of evidence, read back from the entries that registered them.

use types::{EntryId, Json, KeyId, Object, Timestamp};

use super::entries::TOTAL_MAX;
use crate::outcome::Corruption;
use crate::record::SignerRecord;
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// A signer as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Its key's id.
    pub id: KeyId,
    /// What it is called; gone once its entry is erased.
    pub name: Option<String>,
    /// Who registered it; gone once its entry is erased.
    pub owner: Option<String>,
    /// Ed25519, RFC 8032.
    pub public_key: [u8; 32],
    /// The entry that revoked it.
    pub revoked: Option<EntryId>,
    /// Applied time of its entry.
    pub at: Timestamp,
    /// Where it is recorded.
    pub entry_id: EntryId,
}

/// A page of signers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerPage {
    /// The signers, oldest first.
    pub signers: Vec<Signer>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<KeyId>,
    /// How many there are, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// A signer; `None` where there never was one.
///
/// # Errors
/// [`Corruption`] when it cannot be read.
pub fn signer(read: &impl Read, id: KeyId) -> Result<Option<Signer>, Corruption> {
    let record = tables::record(read, Table::Signer, &keys::signer(id.0))?;
    record.map(|record| told(read, id, &record)).transpose()
}

fn told(read: &impl Read, id: KeyId, record: &SignerRecord) -> Result<Signer, Corruption> {
    let entry_id = record.entry_id;
    let missing = || Corruption::new("header", format!("entry {entry_id} is missing"));
    let entry = super::entry(read, entry_id)?.ok_or_else(missing)?;
    let data = entry.data.as_ref();
    let data = data.and_then(|part| serde_json::from_str::<Object>(&part.text).ok());
    let text = |name: &str| {
        data.as_ref().and_then(|data| data.get(name)).and_then(Json::as_str).map(str::to_owned)
    };
    Ok(Signer {
        id,
        name: text("name"),
        owner: text("owner"),
        public_key: record.public_key,
        revoked: record.revoked,
        at: entry.header.timestamp,
        entry_id,
    })
}

/// Signers after one, oldest first.
///
/// # Errors
/// [`Corruption`] when one cannot be read.
pub fn signers(
    read: &impl Read,
    after: Option<KeyId>,
    limit: usize,
) -> Result<SignerPage, Corruption> {
    let (from, to) = keys::signers(after.map(|after| after.0));
    let rows = read.scan(scan(&from, &to, limit.saturating_add(1)))?;
    let mut signers = Vec::new();
    for (key, value) in rows.iter().take(limit) {
        let short = || Corruption::new("signer", "key too short");
        let id = keys::last_ulid(key).map(KeyId).ok_or_else(short)?;
        signers.push(told(read, id, &codec::decode("signer", value)?)?);
    }
    let last = signers.last().filter(|_| limit < rows.len());
    let next = last.map(|last: &Signer| last.id);
    let (from, to) = keys::signers(None);
    let counted_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
    let mut total = 0_u64;
    read.visit(scan(&from, &to, counted_max), &mut |_, _| total = total.saturating_add(1))?;
    let total_exact = total <= TOTAL_MAX;
    Ok(SignerPage { signers, next, total: total.min(TOTAL_MAX), total_exact })
}

fn scan<'a>(from: &'a [u8], to: &'a [u8], rows_max: usize) -> Scan<'a> {
    let direction = Direction::Ascending;
    Scan { table: Table::Signer, from, to: Some(to), direction, rows_max }
}
