//! What an approval is bound to.

use types::{Digest, Json};

use crate::decision::RecordedDecision;

/// SHA-256 of the RFC 8785 bytes of one object: those of
/// `{"action":"pay","actor":"ai:a","context_hash":"5d02…","policy_hash":"41c0…","resource":null,"tool":null}`,
/// hashes in lower-case hex, and null for a resource or tool that the decision
/// has not. `None` once the context's hash is erased.
pub(crate) fn action_digest(decision: &RecordedDecision) -> Option<Digest> {
    let personal = decision.personal.as_ref()?;
    let context_hash = personal.get("context_hash").filter(|hash| !hash.is_null())?.clone();
    let request = &decision.request;
    let action = Json::object([
        ("action", request.action.as_str().into()),
        ("actor", request.actor.as_str().into()),
        ("context_hash", context_hash),
        ("policy_hash", decision.policy_hash.to_string().into()),
        ("resource", request.resource.as_deref().into()),
        ("tool", request.tool.as_deref().into()),
    ]);
    Some(ledger::hash::sha256(action.to_canonical().as_bytes()))
}
