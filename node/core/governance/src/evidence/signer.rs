//! Signers: people and programs outside the cluster whose keys sign evidence.
//!
//! Invariants
//! - A public key has one signer for ever: what was revoked does not come back
//!   under another id.

use ledger::EntryType;
use types::{Json, KeyId, Object};

use crate::apply::{Context, Stop};
use crate::command::{RegisterSigner, RevokeSigner};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Outcome, Rejection};
use crate::record::SignerRecord;
use crate::store::{Read, Store, Table};
use crate::tables;

pub(crate) fn register<S: Store>(
    context: &mut Context<'_, S>,
    register: &RegisterSigner,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let RegisterSigner { name, public_key } = register;
    let by_public_key = keys::signer_by_public_key(public_key);
    let known: Option<KeyId> = context.tables.record(Table::Signer, &by_public_key)?;
    if let Some(key) = known {
        return Err(Rejection::SignerExists { key }.into());
    }
    let id = fresh(context)?;
    let mut data = context.asked();
    let owner = data.get("by").cloned().unwrap_or(Json::Null);
    data.insert("key_id", id.to_string());
    data.insert("name", name.as_str());
    data.insert("owner", owner);
    data.insert("public_key", ledger::signature::to_text(public_key));
    let recorded = context.record_about(EntryType::SignerRegistered, None, data, Object::new())?;
    let entry_id = recorded.entry_id;
    let record = SignerRecord { entry_id, public_key: *public_key, revoked: None };
    context.tables.put_record(Table::Signer, &keys::signer(id.0), &record)?;
    context.tables.put_record(Table::Signer, &by_public_key, &id)?;
    idempotency::keep(context, entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// An id that neither a signer nor a node has: both are keys.
fn fresh<S: Store>(context: &mut Context<'_, S>) -> Result<KeyId, Stop> {
    const DRAWS_MAX: u32 = 16;
    let mut id = context.fresh("key", Table::Key)?;
    for _ in 0..DRAWS_MAX {
        if !context.tables.has(Table::Signer, &keys::signer(id))? {
            break;
        }
        id = context.fresh("key", Table::Key)?;
    }
    Ok(KeyId(id))
}

pub(crate) fn revoke<S: Store>(
    context: &mut Context<'_, S>,
    revoke: &RevokeSigner,
) -> Result<Outcome, Stop> {
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let record = known(context.tables.read(), revoke.key)?;
    if record.revoked.is_some() {
        return Err(Rejection::AlreadyRevoked.into());
    }
    let mut data = context.asked();
    data.insert("key_id", revoke.key.to_string());
    data.insert("reason", revoke.reason.as_str());
    let recorded = context.record(EntryType::SignerRevoked, data)?;
    let record = SignerRecord { revoked: Some(recorded.entry_id), ..record };
    context.tables.put_record(Table::Signer, &keys::signer(revoke.key.0), &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

fn known(read: &impl Read, id: KeyId) -> Result<SignerRecord, Stop> {
    let record: Option<SignerRecord> = tables::record(read, Table::Signer, &keys::signer(id.0))?;
    record.ok_or_else(|| Rejection::UnknownKey { id }.into())
}

/// A signer that may sign now.
pub(super) fn active(read: &impl Read, id: KeyId) -> Result<SignerRecord, Stop> {
    let record = known(read, id)?;
    match record.revoked {
        Some(_) => Err(Rejection::SignerRevoked { key: id }.into()),
        None => Ok(record),
    }
}
