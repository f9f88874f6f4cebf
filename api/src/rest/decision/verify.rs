//! Whether the reply to a decision is what the ledger says: every check on its
//! own, and the first that failed by name.

use std::collections::BTreeSet;

use governance::command::KeyUsage;
use governance::record::KeyRecord;
use governance::{Read, view};
use ledger::hash::entry_hash;
use ledger::reply::{UNSIGNED, signed_bytes, signed_members};
use ledger::{EntryType, StoredEntry, signature, token};
use types::{DecisionId, Digest, EntryId, Json, KeyId, Object};

use super::reply::{Parts, Recorded, claims, legible_parts, parts, place};
use super::{DECIDE, batch, may_see};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Body, Call};
use crate::fields::check_body;
use crate::problem::{Code, Fault, Problem};
use crate::rest::ledger::entry_json;
use crate::rest::ledger::proof::Prover;

/// Members that are named when they differ.
const MISMATCHED_MAX: usize = 100;

/// Why a decision is not verified, in the order of what is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    NotADecision,
    Incomplete,
    EntryHashMismatch,
    FieldMismatch,
    TokenMismatch,
    KeyUnknown,
    KeyNotValidAtIndex,
    SignatureInvalid,
    InclusionFailed,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::NotADecision => "not_a_decision",
            Self::Incomplete => "incomplete",
            Self::EntryHashMismatch => "entry_hash_mismatch",
            Self::FieldMismatch => "field_mismatch",
            Self::TokenMismatch => "token_mismatch",
            Self::KeyUnknown => "key_unknown",
            Self::KeyNotValidAtIndex => "key_not_valid_at_index",
            Self::SignatureInvalid => "signature_invalid",
            Self::InclusionFailed => "inclusion_failed",
        }
    }
}

/// What the checks found.
#[derive(Debug, Default)]
struct Findings {
    schema: Option<bool>,
    key: Option<bool>,
    signature: Option<bool>,
    fields: Option<bool>,
    token: Option<bool>,
    ledger: Option<bool>,
    inclusion: Option<bool>,
    /// The first final checkpoint that covers the entry.
    checkpoint: Option<String>,
    reasons: BTreeSet<Reason>,
    mismatched: Vec<String>,
}

/// A check's result, noting why it failed.
fn noted(reasons: &mut BTreeSet<Reason>, holds: bool, reason: Reason) -> Option<bool> {
    if !holds {
        reasons.insert(reason);
    }
    Some(holds)
}

/// `POST /decide/verify`.
pub(crate) async fn verify<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let of = app.clone();
    app.blocking(move || check(&of, call)).await
}

fn check<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Body::Raw(Json::Object(body)) = call.body else {
        return Err(Problem::fault(Fault::at("", "wrong_type", "must be an object")));
    };
    let (reply, request) = take_apart(body)?;
    let Some(named_hash) = reply.get("ledger_entry_hash").filter(|hash| !hash.is_null()) else {
        let detail = "`ledger_entry_hash` is missing";
        return Err(Problem::new(Code::MISSING_LEDGER_ENTRY_HASH, detail));
    };
    let read = app.backend.view()?;
    let entry = find(&read, &reply, named_hash)?;
    let mut findings = Findings::default();
    let intact = check_entry(&mut findings, &entry, named_hash);
    let parts = if intact { parts(&entry)? } else { legible_parts(&entry) };
    let stored = Stored { entry: &entry, parts: &parts };
    if entry.header.entry_type == EntryType::Decision {
        check_schema(&mut findings, &reply);
        check_fields(&mut findings, stored, &reply, request);
        check_token(&mut findings, app, &read, stored, &reply)?;
        check_signature(&mut findings, &read, &entry, &reply)?;
    } else {
        findings.reasons.insert(Reason::NotADecision);
        findings.schema = Some(false);
    }
    check_inclusion(&mut findings, &read, &entry)?;
    let mut entry_json = entry_json(&read, &entry, parts.clone())?;
    if !may_see(&call.authority, parts.data.as_ref()) {
        for hidden in ["data", "salt", "personal", "personal_salt"] {
            entry_json.insert(hidden, Json::Null);
        }
    }
    Ok(Answer::json(answer(findings, &parts, entry_json, &reply)))
}

/// An entry with its parts read.
#[derive(Clone, Copy)]
struct Stored<'a> {
    entry: &'a StoredEntry,
    parts: &'a Parts,
}

fn take_apart(mut body: Object) -> Result<(Object, Option<Object>), Problem> {
    let request = match body.remove("original_request") {
        None | Some(Json::Null) => None,
        Some(Json::Object(request)) => Some(request),
        Some(_) => {
            let fault = Fault::at("/original_request", "wrong_type", "must be an object");
            return Err(Problem::fault(fault));
        }
    };
    match body.remove("decision_response") {
        None => Ok((body, request)),
        Some(Json::Object(reply)) => Ok((reply, request)),
        Some(_) => {
            let fault = Fault::at("/decision_response", "wrong_type", "must be an object");
            Err(Problem::fault(fault))
        }
    }
}

/// The entry that the reply is about, by its decision id, else by the hash.
fn find(read: &impl Read, reply: &Object, hash: &Json) -> Result<StoredEntry, Problem> {
    let id = reply.get("decision_id").and_then(Json::as_str);
    if let Some(id) = id.and_then(|text| text.parse::<DecisionId>().ok()) {
        let entry = view::decision_entry(read, id)?;
        if let Some(entry) = entry.map(|id| view::entry(read, id)).transpose()?.flatten() {
            return Ok(entry);
        }
    }
    let unknown = "neither the decision nor the hash is recorded";
    let id = reply.get("ledger_entry_id").and_then(Json::as_u64).map(EntryId);
    let entry = id.map(|id| view::entry(read, id)).transpose()?.flatten();
    let named = entry.filter(|entry| hash.as_str() == Some(entry.hash().to_string().as_str()));
    named.ok_or_else(|| Problem::new(Code::UNKNOWN_DECISION, unknown))
}

/// The stored bytes are hashed again, each part against the header too. Tells
/// whether the parts are what the header commits to.
fn check_entry(findings: &mut Findings, entry: &StoredEntry, named_hash: &Json) -> bool {
    let header = &entry.header;
    let same = named_hash.as_str() == Some(entry.hash().to_string().as_str());
    let data = entry.data.as_ref().is_none_or(|part| part.hash() == header.data_hash);
    let personal =
        entry.personal.as_ref().is_none_or(|part| Some(part.hash()) == header.personal_hash);
    let holds = same && data && personal;
    findings.ledger = noted(&mut findings.reasons, holds, Reason::EntryHashMismatch);
    data && personal
}

fn check_schema(findings: &mut Findings, reply: &Object) {
    let signed = super::REPLY.iter().map(|member| member.name);
    let signed = signed.filter(|name| !UNSIGNED.contains(name));
    let complete = signed.into_iter().all(|name| reply.get(name).is_some());
    let signature = reply.get("signature").and_then(Json::as_object);
    let holds = complete && signature.is_some_and(|signature| Signed::read(signature).is_some());
    findings.schema = noted(&mut findings.reasons, holds, Reason::Incomplete);
}

fn check_fields(
    findings: &mut Findings,
    stored: Stored<'_>,
    reply: &Object,
    request: Option<Object>,
) {
    let Stored { entry, parts: Parts { data: Some(data), personal } } = stored else {
        return;
    };
    let expected = signed_members(Some(place(entry)), data, personal.as_ref());
    let is_erased = personal.is_none() && entry.header.personal_hash.is_some();
    let mut mismatched: BTreeSet<String> = BTreeSet::new();
    for (name, value) in expected.iter() {
        let given = reply.get(name).cloned().unwrap_or_default();
        let same = match name {
            "context_hash" if is_erased => true,
            "matched" if is_erased => without_actuals(given) == without_actuals(value.clone()),
            _ => given == *value,
        };
        if !same {
            mismatched.insert(name.to_owned());
        }
    }
    let known = |name: &str| expected.get(name).is_some() || UNSIGNED.contains(&name);
    mismatched.extend(reply.iter().map(|(name, _)| name).filter(|name| !known(name)).map(shown));
    if let Some(request) = request {
        mismatched.extend(request_differs(request, data, personal.as_ref()));
    }
    findings.fields = match mismatched.is_empty() {
        true if is_erased => None,
        holds => noted(&mut findings.reasons, holds, Reason::FieldMismatch),
    };
    findings.mismatched = mismatched.into_iter().take(MISMATCHED_MAX).collect();
}

/// A name from outside, of bounded length.
fn shown(name: &str) -> String {
    name.chars().take(128).collect()
}

fn without_actuals(mut matched: Json) -> Json {
    let Json::Array(relations) = &mut matched else {
        return matched;
    };
    for relation in relations {
        let Json::Object(relation) = relation else { continue };
        let Some(Json::Array(mut conditions)) = relation.remove("conditions") else { continue };
        for condition in &mut conditions {
            if let Json::Object(condition) = condition {
                condition.remove("actual");
            }
        }
        relation.insert("conditions", Json::Array(conditions));
    }
    matched
}

/// Members of a request that are not what was recorded. Those it leaves out
/// are compared as absent, but for the request id, which may be generated.
fn request_differs(request: Object, data: &Object, personal: Option<&Object>) -> Vec<String> {
    const IN_DATA: [(&str, &str); 8] = [
        ("actor", "actor"),
        ("action", "action"),
        ("resource", "resource"),
        ("tool", "tool"),
        ("data_classes", "data_classes"),
        ("risk_level", "risk_level"),
        ("policy_mode", "requested_mode"),
        ("request_id", "request_id"),
    ];
    let Ok(request) = check_body(DECIDE, Json::Object(request)) else {
        return vec!["original_request".to_owned()];
    };
    let asked = request.members();
    let empty = |name: &str| match name {
        "data_classes" => Json::Array(Vec::new()),
        "context" => Json::Object(Object::new()),
        _ => Json::Null,
    };
    let differs = |from: Option<&Object>, name: &str, recorded: &str| {
        let given = asked.get(name).cloned();
        if given.is_none() && name == "request_id" {
            return false;
        }
        let given = given.unwrap_or_else(|| empty(name));
        from.is_some_and(|from| from.get(recorded).cloned().unwrap_or_default() != given)
    };
    let in_data = IN_DATA.iter().filter(|(name, recorded)| differs(Some(data), name, recorded));
    let in_personal = ["context", "user_intent"].into_iter();
    let in_personal = in_personal.filter(|name| differs(personal, name, name));
    let names = in_data.map(|(name, _)| *name).chain(in_personal);
    names.map(|name| format!("original_request.{name}")).collect()
}

/// The text is compared claim by claim and its signature verified. Without a
/// text there is nothing to check.
fn check_token<B: Backend>(
    findings: &mut Findings,
    app: &App<B>,
    read: &impl Read,
    stored: Stored<'_>,
    reply: &Object,
) -> Result<(), Problem> {
    let text = match reply.get("capability_token") {
        None | Some(Json::Null) => return Ok(()),
        Some(text) => text.as_str().unwrap_or_default(),
    };
    let Parts { data: Some(data), personal } = stored.parts.clone() else {
        return Ok(());
    };
    let recorded = Recorded { place: place(stored.entry), data, personal, replayed: false };
    let holds = token_holds(app, read, &recorded, text)?;
    findings.token = noted(&mut findings.reasons, holds, Reason::TokenMismatch);
    Ok(())
}

fn token_holds<B: Backend>(
    app: &App<B>,
    read: &impl Read,
    recorded: &Recorded,
    text: &str,
) -> Result<bool, Problem> {
    let Some(parsed) = token::parse(text) else {
        return Ok(false);
    };
    let Ok(given) = serde_json::from_slice::<Object>(&parsed.claims) else {
        return Ok(false);
    };
    let Some(kid) = given.get("kid").and_then(Json::as_str) else {
        return Ok(false);
    };
    let cluster = app.backend.cluster_id().map(|id| id.to_string()).unwrap_or_default();
    let expected = claims(recorded, &cluster, kid).map(|claims| claims.to_canonical());
    if expected.map(String::into_bytes) != Some(parsed.claims) {
        return Ok(false);
    }
    let key = kid.parse::<KeyId>().ok().map(|id| view::key(read, id)).transpose()?.flatten();
    let entry = recorded.place.entry_id;
    let key = key.filter(|key| key.usage == KeyUsage::Token && key.counts_for(entry));
    let public = key.as_ref().and_then(KeyRecord::ed25519);
    Ok(public.is_some_and(|public| {
        signature::verify(public, parsed.signing_input.as_bytes(), &parsed.signature)
    }))
}

/// The member `signature`, of either form.
struct Signed {
    key_id: String,
    value: [u8; 64],
    batch: Option<BatchPath>,
}

struct BatchPath {
    leaf_index: u64,
    tree_size: u64,
    path: Vec<Digest>,
}

impl Signed {
    fn read(signature: &Object) -> Option<Self> {
        const PATH_MAX: usize = 64;
        let text = |name: &str| signature.get(name).and_then(Json::as_str);
        let value = signature::parse(text("value")?)?;
        let batch = match text("algorithm")? {
            "Ed25519" => None,
            "Ed25519-batch" => {
                let path =
                    signature.get("path")?.as_array().filter(|path| path.len() <= PATH_MAX)?;
                let path = path.iter().map(|node| node.as_str()?.parse().ok());
                Some(BatchPath {
                    leaf_index: signature.get("leaf_index")?.as_u64()?,
                    tree_size: signature.get("tree_size")?.as_u64()?,
                    path: path.collect::<Option<_>>()?,
                })
            }
            _ => return None,
        };
        Some(Self { key_id: text("key_id")?.to_owned(), value, batch })
    }

    /// What was signed, if `reply` leads there.
    fn message(&self, reply: &Object) -> Option<String> {
        let bytes = signed_bytes(reply);
        let Some(BatchPath { leaf_index, tree_size, path }) = &self.batch else {
            return Some(bytes);
        };
        let leaf = entry_hash(bytes.as_bytes());
        batch::root_of(leaf, *leaf_index, *tree_size, path).map(batch::signed_text)
    }
}

fn check_signature(
    findings: &mut Findings,
    read: &impl Read,
    entry: &StoredEntry,
    reply: &Object,
) -> Result<(), Problem> {
    let signed = reply.get("signature").and_then(Json::as_object).and_then(Signed::read);
    let Some(signed) = signed else {
        return Ok(());
    };
    let key = signed.key_id.parse::<KeyId>().ok().map(|id| view::key(read, id));
    let key = key.transpose()?.flatten().filter(|key| key.usage == KeyUsage::Decision);
    let Some((key, public)) = key.as_ref().and_then(|key| Some((key, key.ed25519()?))) else {
        findings.key = noted(&mut findings.reasons, false, Reason::KeyUnknown);
        return Ok(());
    };
    let valid = key.counts_for(entry.header.id);
    findings.key = noted(&mut findings.reasons, valid, Reason::KeyNotValidAtIndex);
    let message = signed.message(reply);
    let holds =
        message.is_some_and(|message| signature::verify(public, message.as_bytes(), &signed.value));
    findings.signature = noted(&mut findings.reasons, holds, Reason::SignatureInvalid);
    Ok(())
}

/// Whether the entry, as it is stored, is in the tree of the first final
/// checkpoint that covers it. Before there is one, nothing is checked.
fn check_inclusion(
    findings: &mut Findings,
    read: &impl Read,
    entry: &StoredEntry,
) -> Result<(), Problem> {
    let Some(record) = view::first_final(read, entry.header.id)? else {
        return Ok(());
    };
    let prover = Prover::of(read, &record)?;
    let holds = prover.hashes(entry.header.id, entry.hash()).is_ok();
    findings.inclusion = noted(&mut findings.reasons, holds, Reason::InclusionFailed);
    findings.checkpoint = prover.checkpoint;
    Ok(())
}

fn answer(findings: Findings, parts: &Parts, entry: Object, reply: &Object) -> Object {
    let reason = findings.reasons.first().map_or("ok", |reason| reason.as_str());
    let decision_id = parts.data.as_ref().and_then(|data| data.get("decision_id").cloned());
    let mut answer = Object::new();
    answer.insert("verified", findings.reasons.is_empty());
    answer.insert("reason_code", reason);
    answer.insert(
        "checks",
        Json::object([
            ("schema", findings.schema.into()),
            ("key", findings.key.into()),
            ("signature", findings.signature.into()),
            ("fields", findings.fields.into()),
            ("token", findings.token.into()),
            ("ledger", findings.ledger.into()),
            ("inclusion", findings.inclusion.into()),
        ]),
    );
    answer.insert("mismatched_fields", findings.mismatched);
    let given = || reply.get("decision_id").filter(|id| id.as_str().is_some()).cloned();
    answer.insert("decision_id", decision_id.or_else(given).unwrap_or_default());
    answer.insert("ledger_entry_id", entry.get("id").cloned().unwrap_or_default());
    answer.insert("entry", entry);
    answer.insert("checkpoint", findings.checkpoint);
    answer
}
