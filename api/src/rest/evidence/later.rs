//! What is added to an artifact: links to decisions, and signatures.

use governance::command::{Command, LinkEvidence, SignEvidence};
use ledger::signature;
use types::{ArtifactId, EntryId, Json, KeyId, Object};

use super::{ARTIFACT_ID, DECISIONS, ID, absent, found, unknown_decision};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, integer, text, time};
use crate::rest::recording::{self, record, record_or_note};
use governance::shown;
use governance::view::{self, Absent};

const LINK_PATH: &str = "/evidence/link-decision";

/// Body of `POST /evidence/link-decision`.
pub(crate) const LINK: &[Field] = &[
    Field::required("artifact_id", ID, "The artifact."),
    Field::required("decision_id", ID, "The decision it is about."),
    Field::optional("note", Kind::Text(Text::any(10_000)), "Why."),
];

/// Reply of `POST /evidence/link-decision`.
pub(crate) const LINK_REPLY: &[Member] = &[
    ARTIFACT_ID,
    text("decision_id", "The decision."),
    flag("linked", "Always true."),
    flag("already_linked", "Whether it was before, and nothing was recorded."),
    DECISIONS,
    integer("ledger_entry_id", "The entry that says so; null where it already was.").or_null(),
];

/// Body of `POST /evidence/{artifact_id}/sign`.
pub(crate) const SIGN: &[Field] = &[
    Field::required("key_id", ID, "Key of a registered signer."),
    Field::required(
        "signature",
        Kind::Text(Text::of(Alphabet::Base64Url, 128)),
        "Ed25519 over `lexecon/evidence-signature/v1`, the artifact's id and the digest of its \
         content in hex, each followed by a line feed.",
    ),
];

/// Reply of `POST /evidence/{artifact_id}/sign`.
pub(crate) const SIGN_REPLY: &[Member] = &[
    ARTIFACT_ID,
    flag("signed", "Always true."),
    text("key_id", "The signer's key."),
    text("signer", "What the signer is called.").or_null(),
    text("algorithm", "`Ed25519`"),
    time("signed_at", "Cluster time of the ledger entry."),
    integer("ledger_entry_id", "The entry that says so."),
];

/// `POST /evidence/link-decision`.
pub(crate) async fn link<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let idempotency =
        key.map(|key| idempotency::record(&principal, key, LINK_PATH, body.members()));
    let artifact = body.word("artifact_id").and_then(|id| id.parse().ok());
    let artifact: ArtifactId = artifact.ok_or_else(|| absent(Absent::Unknown))?;
    let decision = body.word("decision_id").and_then(|id| id.parse().ok());
    let decision = decision.ok_or_else(unknown_decision)?;
    let link = LinkEvidence { artifact, decision, note: body.text("note") };
    let command = Command::LinkEvidence(Box::new(link));
    let recorded = record_or_note(app, &principal, idempotency, command).await?;
    let entry = recorded.ok().map(|recording| recording.entry);
    if let Some(entry) = entry {
        recording::data(app, entry)?;
    }
    let artifact = found(&app.backend.view()?, artifact)?;
    let shown = shown::artifact(&artifact, entry.unwrap_or(EntryId(u64::MAX)));
    let mut reply = Object::new();
    reply.insert("artifact_id", artifact.id.to_string());
    reply.insert("decision_id", decision.to_string());
    reply.insert("linked", true);
    reply.insert("already_linked", entry.is_none());
    let decisions = shown.get("related_decision_ids").cloned();
    reply.insert("related_decision_ids", decisions.unwrap_or(Json::Null));
    reply.insert("ledger_entry_id", entry.map(|entry| entry.0));
    Ok(match recorded {
        Ok(recording) => recording.answer(reply),
        Err(index) => Answer::json(reply).at(index),
    })
}

/// `POST /evidence/{artifact_id}/sign`.
pub(crate) async fn sign<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let artifact: ArtifactId = path.parse().map_err(|_| absent(Absent::Unknown))?;
    let body = body.into_fields();
    let path = format!("/evidence/{artifact}/sign");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let key = body.word("key_id").and_then(|id| id.parse().ok());
    let key: KeyId =
        key.ok_or_else(|| Problem::new(Code::UNKNOWN_KEY, "no signer has this key"))?;
    let signature = body.word("signature").and_then(signature::parse).ok_or_else(|| {
        Problem::new(Code::SIGNATURE_INVALID, "`signature` is not 64 bytes in base64url")
    })?;
    let sign = SignEvidence { artifact, key, signature: signature.to_vec() };
    let command = Command::SignEvidence(Box::new(sign));
    let recording = record(app, &principal, idempotency, command).await?;
    recording::data(app, recording.entry)?;
    let read = app.backend.view()?;
    let entry = view::entry(&read, recording.entry)?.ok_or_else(Problem::internal)?;
    let signer = view::signer(&read, key)?.and_then(|signer| signer.name);
    let mut reply = Object::new();
    reply.insert("artifact_id", artifact.to_string());
    reply.insert("signed", true);
    reply.insert("key_id", key.to_string());
    reply.insert("signer", signer);
    reply.insert("algorithm", "Ed25519");
    reply.insert("signed_at", entry.header.timestamp.to_string());
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}
