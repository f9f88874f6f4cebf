//! Recording what a human did about what a machine proposed, and stopping the
//! machine.

use governance::command::{Command, HumanRole, Intervene, InterventionType, KeyUsage, StopScope};
use governance::{intervention, stop, view};
use types::{DecisionId, InterventionId, Json, Object, StopId};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, hash, integer, object, text, time};
use crate::rest::decision::reply::{place, sign, signature_json};
use crate::rest::decision::{ACTION, ACTOR};
use crate::rest::named::{self, HUMAN_ID};
use crate::rest::recording::{self, Recording};

pub(crate) const PATH: &str = "/compliance/eu-ai-act/article-14/intervention";

pub(super) const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));
pub(super) const REASON: Kind = Kind::Text(Text::any(10_000));
pub(super) const TYPES: Kind = Kind::Word(&[
    "approval",
    "override",
    "escalation",
    "emergency_stop",
    "policy_exception",
    "manual_review",
]);
pub(super) const ROLES: Kind = Kind::Word(&[
    "compliance_officer",
    "security_lead",
    "legal_counsel",
    "risk_manager",
    "executive",
    "soc_analyst",
]);
/// As far as a number of JSON is exact.
pub(super) const MILLISECONDS: Kind = Kind::Integer { min: 0, max: 9_007_199_254_740_991 };
pub(super) const DIGEST: Kind = Kind::Text(Text::of(Alphabet::Name, 64));

/// What a stop stops. A pattern may have its `*` above what a name may have.
pub(super) const STOP: &[Field] = &[
    Field::optional(
        "actor",
        Kind::Text(Text::any(ACTOR.chars_max)),
        "The actor, or `prefix:*` for every actor that goes on past it; every one when absent.",
    ),
    Field::optional(
        "action",
        Kind::Text(Text::any(ACTION.chars_max)),
        "The action, or `prefix:*`; every one when absent.",
    ),
];

/// Body of `POST /compliance/eu-ai-act/article-14/intervention`.
pub(crate) const RECORD: &[Field] = &[
    Field::required("intervention_type", TYPES, "What the human did."),
    Field::required(
        "ai_recommendation",
        Kind::Recommendation,
        "What the machine proposed; `decision` in it is compared with that of the human.",
    ),
    Field::required("human_decision", Kind::Free, "What the human decided."),
    Field::required("human_role", ROLES, "As what the human decided."),
    Field::required("reason", REASON, "Why."),
    Field::optional("human_id", HUMAN_ID, "Who decided, where nobody authenticates."),
    Field::optional("decision_id", ID, "The decision it was about."),
    Field::optional("request_context", Kind::Free, "What the machine had been asked."),
    Field::optional("response_time_ms", MILLISECONDS, "How long the human took."),
    Field::optional("display_digest", DIGEST, "SHA-256 in hex of what the human was shown."),
    Field::optional(
        "stop",
        Kind::Object(STOP),
        "What an `emergency_stop` stops; everything when absent.",
    ),
];

pub(crate) const SIGNATURE: &[Member] = &[
    text("algorithm", "`Ed25519`"),
    text("key_id", "A key in `GET /keys`."),
    text("value", "Base64url without padding."),
];

/// Reply of `POST /compliance/eu-ai-act/article-14/intervention`.
pub(crate) const REPLY: &[Member] = &[
    text("status", "`success`"),
    text("intervention_id", "The intervention."),
    text("stop_id", "The stop, which is lifted by this id.").or_null(),
    time("timestamp", "Cluster time of the ledger entry."),
    object("signature", SIGNATURE, "Over the intervention and its entry, by the answering node."),
    integer("ledger_entry_id", "The ledger entry that has it."),
    hash("ledger_entry_hash", "Hash of that entry."),
];

/// `POST /compliance/eu-ai-act/article-14/intervention`.
pub(crate) async fn record<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let principal = named::optional(app, principal, &body, "human_id")?;
    let command = Command::Intervene(Box::new(intervene(&mut body)?));
    let recording = recording::record(app, &principal, idempotency, command).await?;
    Ok(recording.answer(shown(app, recording)?))
}

fn intervene(body: &mut Checked) -> Result<Intervene, Problem> {
    let kind = body.word("intervention_type").and_then(InterventionType::parse);
    let role = body.word("human_role").and_then(HumanRole::parse);
    let decision = body.word("decision_id").map(str::parse::<DecisionId>);
    let unknown = || Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded");
    let digest = body.word("display_digest").map(str::parse);
    let wrong = |_| {
        let detail = "must be 64 lower-case hex digits";
        Problem::fault(Fault::at("/display_digest", "bad_format", detail))
    };
    Ok(Intervene {
        kind: kind.ok_or_else(Problem::internal)?,
        decision: decision.transpose().map_err(|_| unknown())?,
        role: role.ok_or_else(Problem::internal)?,
        display_digest: digest.transpose().map_err(wrong)?,
        stop: body.nested("stop").map(|mut given| scope(&mut given)).transpose()?,
        ai_recommendation: body.object("ai_recommendation").unwrap_or_default(),
        human_decision: body.object("human_decision").unwrap_or_default(),
        reason: body.text("reason").unwrap_or_default(),
        request_context: body.object("request_context"),
        response_time_ms: body.integer("response_time_ms"),
    })
}

/// A stop that could match nothing is a fault: it would be believed to stop.
fn scope(given: &mut Checked) -> Result<StopScope, Problem> {
    let mut faults = Vec::new();
    for (name, alphabet) in [("actor", ACTOR.alphabet), ("action", ACTION.alphabet)] {
        let Some(text) = given.word(name) else { continue };
        let is_name = text.chars().all(|c| c == '*' || alphabet.admits(c));
        if !is_name || !stop::is_pattern(text) {
            let detail = "must be a name, `*`, or a name that ends in `:*`";
            faults.push(Fault::at(format!("/stop/{name}"), "bad_format", detail));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::faults(faults));
    }
    Ok(StopScope { actor: given.text("actor"), action: given.text("action") })
}

fn shown<B: Backend>(app: &App<B>, recording: Recording) -> Result<Object, Problem> {
    let data = recording::data(app, recording.entry)?;
    let id: InterventionId = recording::id(&data, "intervention_id")?;
    let entry = view::entry(&app.backend.view()?, recording.entry)?;
    let place = place(&entry.ok_or_else(Problem::internal)?);
    let message = intervention::signed_bytes(id, place.entry_hash);
    let signature = sign(app, KeyUsage::Decision, &message)?;
    let stop = data.get("stop_id").and_then(Json::as_str).map(str::parse::<StopId>);
    let stop = stop.transpose().map_err(|_| Problem::internal())?;
    let mut reply = Object::new();
    reply.insert("status", "success");
    reply.insert("intervention_id", id.to_string());
    reply.insert("stop_id", stop.map(|id| id.to_string()));
    reply.insert("timestamp", place.at.to_string());
    reply.insert("signature", signature_json(&signature));
    reply.insert("ledger_entry_id", place.entry_id.0);
    reply.insert("ledger_entry_hash", place.entry_hash.to_string());
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_taken_are_those_of_the_command() {
        let (Kind::Word(types), Kind::Word(roles)) = (TYPES, ROLES) else { panic!("no words") };
        assert_eq!(types, InterventionType::ALL.map(InterventionType::as_str));
        assert_eq!(roles, HumanRole::ALL.map(HumanRole::as_str));
    }
}
