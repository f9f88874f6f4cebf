//! A recorded decision, looked up.

use governance::command::KeyUsage;
use governance::effective::{self, Basis};
use governance::{Read, evidence, view};
use ledger::StoredEntry;
use ledger::reply::{signed_bytes, signed_members};
use policy::Verdict;
use types::{DecisionId, Json, Object, OverrideId, Timestamp};

use super::actor_of;
use super::reply::{parts, place, sign, signature_json};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::rest::ledger::erased;
use crate::rest::recording::id as id_of;
use crate::rest::risk;
use crate::rest::token::now;

/// `GET /decisions/{decision_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let id: DecisionId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let entry = view::decision_entry(&read, id)?.ok_or_else(unknown)?;
    let entry = view::entry(&read, entry)?.ok_or_else(unknown)?;
    let parts = parts(&entry)?;
    let actor = parts.data.as_ref().and_then(actor_of);
    call.authority.permits(call.route.who, actor)?;
    let Some(data) = parts.data else {
        return Err(Problem::new(Code::ERASED, "the content of this decision has been erased"));
    };
    let personal = parts.personal.as_ref();
    let effect = Effect::of(&read, id, &data, now(app, &read)?)?;
    let mut signed = signed_members(Some(place(&entry)), &data, personal);
    // What was signed once cannot be signed again when some of it is gone.
    let signature = match personal {
        Some(_) => {
            let signature = sign(app, KeyUsage::Decision, signed_bytes(&signed).as_bytes())?;
            signature_json(&signature)
        }
        None => Json::Null,
    };
    // The signature is of what the entry says; an approval is shown beside it.
    if effect.is_approved {
        approve(&mut signed);
    }
    let mut reply = complete(&read, &entry, Shown { id, signed, effect }, (&data, personal))?;
    reply.insert("signature", signature);
    Ok(Answer::json(reply))
}

/// What a decision has come to.
struct Effect {
    outcome: Verdict,
    basis: &'static str,
    /// Whether a human's answer is what it rests on.
    is_approved: bool,
    overrides: Vec<OverrideId>,
}

impl Effect {
    fn of(
        read: &impl Read,
        id: DecisionId,
        data: &Object,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let decided = data.get("outcome").and_then(Json::as_str).and_then(Verdict::parse);
        let decided = decided.ok_or_else(Problem::internal)?;
        let found = effective::effective(read, id, decided, now)?;
        let is_approved =
            matches!(found.basis, Basis::Escalation(..)) && found.outcome == Verdict::Allowed;
        let overrides = effective::override_ids(read, id)?;
        Ok(Self { outcome: found.outcome, basis: found.basis.as_str(), is_approved, overrides })
    }
}

/// Obligations that were not met are met by a human who approved all the same.
fn approve(signed: &mut Object) {
    let Some(Json::Array(obligations)) = signed.remove("obligations") else { return };
    let approved = obligations.into_iter().map(|obligation| match obligation {
        Json::Object(mut obligation)
            if obligation.get("satisfied").and_then(Json::as_bool) == Some(false) =>
        {
            obligation.insert("satisfied", true);
            obligation.insert("by", "approval");
            Json::Object(obligation)
        }
        other => other,
    });
    signed.insert("obligations", Json::Array(approved.collect()));
}

/// A recorded decision as a list shows it.
pub(super) fn row(
    read: &impl Read,
    entry: &StoredEntry,
    (data, personal): (&Object, Option<&Object>),
    now: Timestamp,
) -> Result<Object, Problem> {
    let id = id_of(data, "decision_id")?;
    let effect = Effect::of(read, id, data, now)?;
    let signed = signed_members(Some(place(entry)), data, personal);
    complete(read, entry, Shown { id, signed, effect }, (data, personal))
}

/// What is shown of a decision.
struct Shown {
    id: DecisionId,
    /// The members that a signature covers.
    signed: Object,
    effect: Effect,
}

/// A recorded decision and its effect, without a signature.
fn complete(
    read: &impl Read,
    entry: &StoredEntry,
    Shown { id, signed, effect }: Shown,
    (data, personal): (&Object, Option<&Object>),
) -> Result<Object, Problem> {
    let mut reply = signed;
    for name in ["context", "user_intent"] {
        let value = personal.and_then(|personal| personal.get(name));
        reply.insert(name, value.cloned().unwrap_or_default());
    }
    reply.insert("facts", data.get("facts").cloned().unwrap_or_default());
    reply.insert("effective_outcome", effect.outcome.as_str());
    reply.insert("effective_basis", effect.basis);
    let overrides: Vec<String> = effect.overrides.iter().map(ToString::to_string).collect();
    reply.insert("override_ids", overrides);
    reply.insert("risk_versions", Json::Array(risk::versions(read, id)?));
    let evidence = evidence::of_decision(read, id)?;
    let evidence: Vec<String> = evidence.iter().map(ToString::to_string).collect();
    reply.insert("evidence_ids", evidence);
    reply.insert("erased", erased(read, entry)?);
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_meets_what_was_not_met_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<Object>(text).unwrap();
        let mut signed = read(
            r#"{"outcome":"denied","obligations":[
                {"obligation":"a","relation_id":"r","satisfied":true,"by":"context"},
                {"obligation":"b","relation_id":"r","satisfied":false,"by":null}]}"#,
        );
        approve(&mut signed);
        let expect = read(
            r#"{"outcome":"denied","obligations":[
                {"obligation":"a","relation_id":"r","satisfied":true,"by":"context"},
                {"obligation":"b","relation_id":"r","satisfied":true,"by":"approval"}]}"#,
        );
        assert_eq!(signed, expect);
    }
}
