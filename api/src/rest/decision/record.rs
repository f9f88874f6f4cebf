//! A recorded decision, looked up.

use governance::command::KeyUsage;
use governance::effective::{Basis, When};
use governance::shown::{self, Decision};
use governance::view;
use ledger::reply::{signed_bytes, signed_members};
use policy::Verdict;
use types::{DecisionId, Json, Object};

use super::actor_of;
use super::reply::{place, sign, signature_json};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::problem::{Code, Problem};
use crate::rest::token::now;

/// `GET /decisions/{decision_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let id: DecisionId = call.path.parse().map_err(|_| unknown())?;
    let read = app.backend.view()?;
    let entry = view::decision_entry(&read, id)?.ok_or_else(unknown)?;
    let entry = view::entry(&read, entry)?.ok_or_else(unknown)?;
    let parts = shown::parts(&entry)?;
    let actor = parts.data.as_ref().and_then(actor_of);
    call.authority.permits(call.route.who, actor)?;
    let Some(data) = &parts.data else { return Err(erased()) };
    // What was signed once cannot be signed again when some of it is gone.
    let signature = match &parts.personal {
        Some(personal) => {
            let signed = signed_members(Some(place(&entry)), data, Some(personal));
            let signature = sign(app, KeyUsage::Decision, signed_bytes(&signed).as_bytes())?;
            signature_json(&signature)
        }
        None => Json::Null,
    };
    let now = When::from(now(app, &read)?);
    let found = shown::decision(&read, &entry, &parts, now)?.ok_or_else(erased)?;
    let Decision { mut members, effective } = found;
    // The signature is of what the entry says; an approval is shown beside it.
    if matches!(effective.basis, Basis::Escalation(..)) && effective.outcome == Verdict::Allowed {
        approve(&mut members);
    }
    members.insert("signature", signature);
    Ok(Answer::json(members).showing([&entry]))
}

fn erased() -> Problem {
    Problem::new(Code::ERASED, "the content of this decision has been erased")
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
