//! Whether an intervention is recorded as somebody has it.
//!
//! Only what is sent is compared. What is erased can be compared with nothing:
//! it neither differs nor agrees, and is named as such.

use governance::command::KeyUsage;
use governance::record::KeyRecord;
use governance::{Corruption, Read, intervention, view};
use ledger::{StoredEntry, signature};
use types::{InterventionId, Json, KeyId, Object};

use super::intervention::{DIGEST, ID, MILLISECONDS, REASON, ROLES, STOP, TYPES};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, integer, text, texts};
use crate::rest::decision::reply::{Parts, legible_parts};
use crate::rest::named::HUMAN_ID;

const SIGNATURE: &[Field] = &[
    Field::required("algorithm", Kind::Text(Text::of(Alphabet::Name, 32)), "`Ed25519`"),
    Field::required("key_id", ID, "A key in `GET /keys`."),
    Field::required(
        "value",
        Kind::Text(Text::of(Alphabet::Base64Url, signature::TEXT_CHARS)),
        "Base64url without padding.",
    ),
];

/// Body of `POST /compliance/eu-ai-act/article-14/verify`.
pub(crate) const VERIFY: &[Field] = &[
    Field::required("intervention_id", ID, "The intervention."),
    Field::optional("intervention_type", TYPES, "As recorded."),
    Field::optional("ai_recommendation", Kind::Free, "As recorded."),
    Field::optional("human_decision", Kind::Free, "As recorded."),
    Field::optional("human_role", ROLES, "As recorded."),
    Field::optional("reason", REASON, "As recorded."),
    Field::optional("human_id", HUMAN_ID, "As recorded."),
    Field::optional("decision_id", ID, "As recorded."),
    Field::optional("request_context", Kind::Free, "As recorded."),
    Field::optional("response_time_ms", MILLISECONDS, "As recorded."),
    Field::optional("display_digest", DIGEST, "As recorded."),
    Field::optional("stop", Kind::Object(STOP), "As recorded."),
    Field::optional("status", Kind::Word(&["success"]), "As answered."),
    Field::optional("stop_id", ID, "As answered."),
    Field::optional("timestamp", Kind::Time, "As answered."),
    Field::optional(
        "ledger_entry_id",
        Kind::Integer { min: 0, max: 9_007_199_254_740_991 },
        "As answered.",
    ),
    Field::optional("ledger_entry_hash", DIGEST, "As answered."),
    Field::optional("signature", Kind::Object(SIGNATURE), "As answered, by any node."),
];

/// Reply of `POST /compliance/eu-ai-act/article-14/verify`.
pub(crate) const REPLY: &[Member] = &[
    flag(
        "verified",
        "Whether all that was sent is as recorded; null where some of it is erased and none of \
         the rest differs.",
    )
    .or_null(),
    text("intervention_id", "The intervention."),
    texts("mismatched_fields", "Members that are not as recorded."),
    texts("erased_fields", "Members that were sent and have been erased."),
    flag("signature_valid", "Whether the signature holds; null where none was sent.").or_null(),
    integer("ledger_entry_id", "The ledger entry that has it."),
];

/// `POST /compliance/eu-ai-act/article-14/verify`.
pub(crate) fn verify<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let body = call.body.into_fields();
    let given = body.members();
    let unknown = || Problem::new(Code::UNKNOWN_INTERVENTION, "no such intervention is recorded");
    let id = body.word("intervention_id").and_then(|id| id.parse::<InterventionId>().ok());
    let id = id.ok_or_else(unknown)?;
    let read = app.backend.view()?;
    let entry_id = view::intervention_entry(&read, id)?.ok_or_else(unknown)?;
    let missing = || Corruption::new("header", format!("entry {entry_id} is missing"));
    let entry = view::entry(&read, entry_id)?.ok_or_else(missing)?;
    let (mut mismatched, erased) = compare(given, &entry);
    // What is stored is hashed again: parts that the header does not commit to
    // are not what was recorded, whatever they say.
    let is_intact = is_intact(&entry);
    if !is_intact && !mismatched.contains(&"ledger_entry_hash") {
        mismatched.push("ledger_entry_hash");
    }
    let signature = given.get("signature").and_then(Json::as_object);
    let is_signed = signature.map(|given| holds(&read, id, &entry, given)).transpose()?;
    let verified = match mismatched.is_empty() && is_signed != Some(false) {
        true if !erased.is_empty() => None,
        verified => Some(verified),
    };
    Ok(Answer::members([
        ("verified", verified.into()),
        ("intervention_id", id.to_string().into()),
        ("mismatched_fields", mismatched.into()),
        ("erased_fields", erased.into()),
        ("signature_valid", is_signed.into()),
        ("ledger_entry_id", entry_id.0.into()),
    ]))
}

/// Members that differ, and those that are erased.
fn compare(given: &Object, entry: &StoredEntry) -> (Vec<&'static str>, Vec<&'static str>) {
    let Parts { data, personal } = legible_parts(entry);
    let (mut mismatched, mut erased) = (Vec::new(), Vec::new());
    for field in VERIFY {
        let name = field.name;
        let (Some(given), false) = (given.get(name), is_apart(name)) else { continue };
        let of = |part: &Option<Object>, name: &str| {
            part.as_ref().map(|part| part.get(name).cloned().unwrap_or_default())
        };
        let recorded = match name {
            "timestamp" => Some(entry.header.timestamp.to_string().into()),
            "ledger_entry_id" => Some(entry.header.id.0.into()),
            "ledger_entry_hash" => Some(entry.hash().to_string().into()),
            "status" => Some("success".into()),
            "human_id" => of(&data, "by"),
            "stop" => of(&data, "stop").map(without_nulls),
            // Every intervention has this part, so one that is gone is erased.
            "ai_recommendation" | "human_decision" | "reason" | "request_context" => {
                of(&personal, name)
            }
            _ => of(&data, name),
        };
        match recorded {
            Some(recorded) if recorded == *given => (),
            Some(_) => mismatched.push(name),
            None => erased.push(name),
        }
    }
    (mismatched, erased)
}

/// Members that are compared with nothing.
fn is_apart(name: &str) -> bool {
    matches!(name, "intervention_id" | "signature")
}

/// What is absent in a body is null in an entry.
fn without_nulls(scope: Json) -> Json {
    let Json::Object(scope) = scope else { return scope };
    let given = scope.into_iter().filter(|(_, value)| !value.is_null()).collect();
    // Keys that were unique stay so.
    Json::Object(Object::from_members(given).unwrap_or_default())
}

fn is_intact(entry: &StoredEntry) -> bool {
    let header = &entry.header;
    entry.data.as_ref().is_none_or(|part| part.hash() == header.data_hash)
        && entry.personal.as_ref().is_none_or(|part| Some(part.hash()) == header.personal_hash)
}

/// Whether a key that counts for the entry made this signature.
fn holds(
    read: &impl Read,
    id: InterventionId,
    entry: &StoredEntry,
    given: &Object,
) -> Result<bool, Problem> {
    let text = |name: &str| given.get(name).and_then(Json::as_str).unwrap_or_default();
    let Some(value) = signature::parse(text("value")).filter(|_| text("algorithm") == "Ed25519")
    else {
        return Ok(false);
    };
    let key = text("key_id").parse::<KeyId>().ok().map(|id| view::key(read, id));
    let key = key.transpose()?.flatten();
    let counts =
        |key: &KeyRecord| key.usage == KeyUsage::Decision && key.counts_for(entry.header.id);
    let key = key.filter(counts);
    let message = intervention::signed_bytes(id, entry.hash());
    let public = key.as_ref().and_then(KeyRecord::ed25519);
    Ok(public.is_some_and(|public| signature::verify(public, &message, &value)))
}
