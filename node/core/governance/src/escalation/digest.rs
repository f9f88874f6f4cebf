//! What an approval is bound to.

use types::{Digest, Json};

use crate::decision::RecordedDecision;

/// SHA-256 of the RFC 8785 object `{action, actor, context_hash, policy_hash,
/// resource, tool}` of a decision; null stands for what it has not. `None` once
/// the context's hash is erased.
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
