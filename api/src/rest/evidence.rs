//! Evidence: keeping it, saying what it is about, signing it, finding it again.
//!
//! Reading order: this file has what an artifact looks like; `register`, `later`
//! what is recorded; `read` and `content` what is shown.

pub(crate) mod content;
pub(crate) mod later;
pub(crate) mod read;
pub(crate) mod register;

use governance::view::{self, Absent, Artifact, Linked};
use governance::{Read, shown};
use types::{ArtifactId, EntryId, Json, Object};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, free, hash, integer, list, text, texts, time};
use crate::routes::Op;

/// The id of an artifact or a decision.
const ID: Kind = Kind::Text(Text::of(Alphabet::Name, 64));

/// What kinds of artifacts there are.
const TYPE: Kind = Kind::Word(&[
    "decision_log",
    "policy_snapshot",
    "context_capture",
    "screenshot",
    "attestation",
    "signature",
    "audit_trail",
    "external_report",
]);

/// Where an artifact comes from.
const SOURCE: Kind = Kind::Text(Text::any(512));

/// How a content is written down.
const ENCODING: Field =
    Field::optional("content_encoding", Kind::Word(&["utf-8", "base64"]), "How it is written.")
        .default("\"utf-8\"");

/// A signature on an artifact.
const SIGNATURES: &[Member] = &[
    text("key_id", "The signer's key."),
    text("signer", "What the signer is called.").or_null(),
    text("algorithm", "`Ed25519`"),
    text("signature", "Base64url without padding."),
    time("signed_at", "Cluster time of the ledger entry."),
];

const ARTIFACT_ID: Member = text("artifact_id", "The artifact.");
const ARTIFACT_TYPE: Member = text("artifact_type", "What kind of thing it is.");
const HASH: Member = hash("sha256_hash", "Of its content.").or_null();
const SIZE: Member = integer("size_bytes", "Of its content.").or_null();
const CONTENT_TYPE: Member = text("content_type", "Its media type, as told.").or_null();
const FROM: Member = text("source", "Where it comes from.").or_null();
const CREATED: Member = time("created_at", "Cluster time of the ledger entry.");
const RETENTION: Member = time("retention_until", "When it may go.").or_null();
const IMMUTABLE: Member = flag("is_immutable", "Always true.");
const URI: Member = text("storage_uri", "Where else it is kept.").or_null();
const DECISIONS: Member = texts("related_decision_ids", "Decisions it is about.");
const CONTROLS: Member = texts("related_control_ids", "Controls it bears on.");
const SIGNED: Member = list("signatures", SIGNATURES, "In the order of their keys.");
const URL: Member = text("content_url", "Where its content is.");
const BY: Member = text("registered_by", "Who registered it.").or_null();
const METADATA: Member = free("metadata", "As it was given.").or_null();
const ENTRY_ID: Member = integer("ledger_entry_id", "The ledger entry that has it.");

/// An artifact.
pub(crate) const ARTIFACT: &[Member] = &[
    ARTIFACT_ID,
    ARTIFACT_TYPE,
    HASH,
    SIZE,
    CONTENT_TYPE,
    FROM,
    CREATED,
    RETENTION,
    IMMUTABLE,
    URI,
    DECISIONS,
    CONTROLS,
    SIGNED,
    URL,
    BY,
    METADATA,
    ENTRY_ID,
];

/// Answers a call about evidence.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::ArtifactRegister => register::register(app, call).await,
        Op::ArtifactLink => later::link(app, call).await,
        Op::Artifact => read::get(app, &call).await,
        Op::ArtifactContent => content::get(app, &call).await,
        Op::ArtifactVerify => content::verify(app, call).await,
        Op::ArtifactSign => later::sign(app, call).await,
        Op::ArtifactsOfDecision => read::of_decision(app, &call).await,
        Op::ArtifactLineage => read::lineage(app, &call).await,
        Op::Artifacts => read::list_artifacts(app, call).await,
        Op::ArtifactStatistics => read::statistics(app),
        other => {
            tracing::error!(?other, "an operation that is none of evidence came here");
            Err(Problem::internal())
        }
    }
}

/// What there is to see of an artifact that was found.
fn found(read: &impl Read, id: ArtifactId) -> Result<Artifact, Problem> {
    view::artifact(read, id)?.map_err(absent)
}

/// An artifact by the text of its id.
fn named(read: &impl Read, id: &str) -> Result<Artifact, Problem> {
    found(read, id.parse().map_err(|_| absent(Absent::Unknown))?)
}

fn absent(why: Absent) -> Problem {
    match why {
        Absent::Unknown => Problem::new(Code::UNKNOWN_ARTIFACT, "there is no such artifact"),
        Absent::Erased => {
            Problem::new(Code::ERASED, "the content of this artifact has been erased")
        }
    }
}

fn unknown_decision() -> Problem {
    Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
}

/// The members of an artifact with all that was added until now.
fn shown_now(artifact: &Artifact) -> Object {
    shown::artifact(artifact, EntryId(u64::MAX))
}

fn link(link: &Linked) -> Json {
    Json::object([
        ("decision_id", link.decision.to_string().into()),
        ("note", link.note.clone().into()),
        ("linked_at", link.at.to_string().into()),
        ("ledger_entry_id", link.entry_id.0.into()),
    ])
}

#[cfg(test)]
mod tests {
    use governance::record::ArtifactKind;

    use super::*;

    #[test]
    fn the_types_on_the_wire_are_those_there_are() {
        let Kind::Word(words) = TYPE else { panic!("no words") };
        assert_eq!(words, ArtifactKind::ALL.map(ArtifactKind::as_str));
    }
}
