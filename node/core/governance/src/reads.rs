//! Reads of personal parts: who saw them, when, and how much. A node gathers the
//! reads of one principal and records them as one entry, so that reading does not
//! fill the ledger.

use ledger::EntryType;
use types::{Json, Object};

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::{PersonalReads, PrincipalKind};
use crate::idempotency;
use crate::outcome::{Outcome, Rejection};
use crate::store::Store;

pub(crate) fn record<S: Store>(
    context: &mut Context<'_, S>,
    reads: &PersonalReads,
) -> Result<Outcome, Stop> {
    access::check_level(context)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    let size = context.cache.head(context.tables.read())?.size();
    let is_range = reads.entries.is_none_or(|(least, most)| least <= most && most.0 < size);
    if reads.to < reads.from || reads.replies == 0 || !is_range {
        return Err(Rejection::NotProven.into());
    }
    // Who has an account or a key is whom the entry is about.
    let actor = match reads.kind {
        PrincipalKind::User | PrincipalKind::ApiKey => Some(reads.id.as_str()),
        PrincipalKind::Node | PrincipalKind::Nobody => None,
    };
    let entries = reads
        .entries
        .map(|(least, most)| Json::object([("from", least.0.into()), ("to", most.0.into())]));
    let mut data = Object::new();
    data.insert("actor", actor);
    data.insert("authn", reads.authn.as_str());
    data.insert("by", Some(reads.id.as_str()).filter(|id| !id.is_empty()));
    data.insert("entries", entries);
    data.insert("from", reads.from.to_string());
    data.insert("node_id", context.envelope.principal.id.as_str());
    data.insert("replies", reads.replies);
    data.insert("to", reads.to.to_string());
    let entry_type = EntryType::PersonalDataRead;
    let recorded = context.record_about(entry_type, actor, data, Object::new())?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}
