//! A recorded decision, looked up.

use governance::command::KeyUsage;
use governance::{Read, evidence, view};
use ledger::StoredEntry;
use ledger::reply::{signed_bytes, signed_members};
use types::{DecisionId, Json, Object};

use super::reply::{parts, place, sign, signature_json};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::rest::ledger::erased;
use crate::rest::recording::id as id_of;
use crate::rest::risk;

/// `GET /decisions/{decision_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let id: DecisionId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let entry = view::decision_entry(&read, id)?.ok_or_else(unknown)?;
    let entry = view::entry(&read, entry)?.ok_or_else(unknown)?;
    let parts = parts(&entry)?;
    let Some(data) = parts.data else {
        return Err(Problem::new(Code::ERASED, "the content of this decision has been erased"));
    };
    let personal = parts.personal.as_ref();
    let signed = signed_members(Some(place(&entry)), &data, personal);
    // What was signed once cannot be signed again when some of it is gone.
    let signature = match personal {
        Some(_) => {
            let signature = sign(app, KeyUsage::Decision, signed_bytes(&signed).as_bytes())?;
            signature_json(&signature)
        }
        None => Json::Null,
    };
    let mut reply = members(&read, &entry, &data, personal)?;
    reply.insert("signature", signature);
    Ok(Answer::json(reply))
}

/// A recorded decision and its effect, without a signature.
pub(super) fn members(
    read: &impl Read,
    entry: &StoredEntry,
    data: &Object,
    personal: Option<&Object>,
) -> Result<Object, Problem> {
    let id = id_of(data, "decision_id")?;
    let mut reply = signed_members(Some(place(entry)), data, personal);
    for name in ["context", "user_intent"] {
        let value = personal.and_then(|personal| personal.get(name));
        reply.insert(name, value.cloned().unwrap_or_default());
    }
    reply.insert("facts", data.get("facts").cloned().unwrap_or_default());
    reply.insert("effective_outcome", data.get("outcome").cloned().unwrap_or_default());
    reply.insert("effective_basis", "decision");
    reply.insert("risk_versions", Json::Array(risk::versions(read, id)?));
    reply.insert("override_ids", Json::Array(Vec::new()));
    let evidence = evidence::of_decision(read, id)?;
    let evidence: Vec<String> = evidence.iter().map(ToString::to_string).collect();
    reply.insert("evidence_ids", evidence);
    reply.insert("erased", erased(read, entry)?);
    Ok(reply)
}
