//! Artifacts one by one, by decision, in pages, and counted.

use governance::record::ArtifactKind;
use governance::view::{self, Artifact, ArtifactQuery};
use governance::{Direction, Read, evidence};
use types::{DecisionId, EntryId, Json, Object};

use super::content::written;
use super::{
    ARTIFACT, ARTIFACT_ID, ARTIFACT_TYPE, BY, CONTENT_TYPE, CONTROLS, CREATED, DECISIONS, ENTRY_ID,
    FROM, HASH, IMMUTABLE, METADATA, RETENTION, SIGNED, SIZE, SOURCE, TYPE, URI, URL, found, link,
    named, shown_now, unknown_decision,
};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Checked, Field, Kind};
use crate::problem::Problem;
use crate::reply::{Member, flag, hash, integer, list, object, text, time};
use crate::rest::ledger::ID_MAX;
use crate::rest::ledger::entries::LIMIT;

const LIMIT_DEFAULT: usize = 100;

/// Query of `GET /evidence/{artifact_id}`.
pub(crate) const GET_QUERY: &[Field] =
    &[Field::optional("include_content", Kind::Bool, "With the content.").default("false")];

/// Reply of `GET /evidence/{artifact_id}`.
pub(crate) const GET_REPLY: &[Member] = &[
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
    text("content", "With `include_content`, while it is not erased.").or_null(),
    text("content_encoding", "`utf-8` where it is text, else `base64`.").or_null(),
];

const COUNT: Member = integer("count", "How many there are.");
const DECISION_ID: Member = text("decision_id", "The decision.");

/// Reply of `GET /evidence/decision/{decision_id}`.
pub(crate) const OF_DECISION_REPLY: &[Member] =
    &[DECISION_ID, COUNT, list("artifacts", ARTIFACT, "Oldest first.")];

const LINKS: &[Member] = &[
    text("decision_id", "The decision."),
    text("note", "Why.").or_null(),
    time("linked_at", "Cluster time of the ledger entry."),
    integer("ledger_entry_id", "The entry that says so."),
];

const ENTRIES: &[Member] = &[
    integer("id", "Place in the ledger."),
    text("entry_type", "What it records."),
    time("timestamp", "Cluster time."),
    hash("current_hash", "Of its header: the leaf of the tree."),
];

const LINEAGE: &[Member] = &[
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
    list("links", LINKS, "What it was linked to after it was registered."),
    list("entries", ENTRIES, "Every entry about it, oldest first."),
];

/// Reply of `GET /evidence/decision/{decision_id}/lineage`.
pub(crate) const LINEAGE_REPLY: &[Member] =
    &[DECISION_ID, COUNT, list("artifacts", LINEAGE, "Oldest first.")];

/// Query of `GET /evidence`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "`next` of the page before: artifacts past this ledger entry in the order asked for.",
    ),
    Field::optional("artifact_type", TYPE, "Of this type."),
    Field::optional("source", SOURCE, "From this source."),
    Field::optional("from", Kind::Time, "Not earlier than this."),
    Field::optional("to", Kind::Time, "Earlier than this."),
    Field::optional("order", Kind::Word(&["asc", "desc"]), "Oldest or newest first.")
        .default("\"asc\""),
];

/// Reply of `GET /evidence`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("artifacts", ARTIFACT, "In the order asked for."),
    integer("total", "Matches on all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

const BY_TYPE: &[Member] = &[
    integer("decision_log", "Of this type."),
    integer("policy_snapshot", "Of this type."),
    integer("context_capture", "Of this type."),
    integer("screenshot", "Of this type."),
    integer("attestation", "Of this type."),
    integer("signature", "Of this type."),
    integer("audit_trail", "Of this type."),
    integer("external_report", "Of this type."),
];

/// Reply of `GET /evidence/statistics`.
pub(crate) const STATISTICS_REPLY: &[Member] = &[
    integer("total_artifacts", "Artifacts that are not erased."),
    integer("total_size_bytes", "Of their contents; one that several have counts for each."),
    object("artifact_types", BY_TYPE, "How many there are, by type."),
    object("size_bytes_by_type", BY_TYPE, "Bytes of contents, by type."),
    integer("signed_artifacts", "That somebody signed."),
    integer("decisions_with_evidence", "Decisions that have any."),
    integer("controls_with_evidence", "Controls that have any."),
];

/// `GET /evidence/{artifact_id}`.
pub(crate) async fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let (id, with_content) = (call.path.clone(), call.query.flag("include_content"));
    let read = app.backend.view()?;
    let work = move || {
        let artifact = named(&read, &id)?;
        let place = artifact.content.filter(|_| with_content);
        let content = place.map(|place| evidence::content(&read, &place)).transpose()?.flatten();
        let (content, encoding) = content.map_or((Json::Null, Json::Null), written);
        let mut reply = shown_now(&artifact);
        reply.insert("content", content);
        reply.insert("content_encoding", encoding);
        Ok(Answer::json(reply))
    };
    app.blocking(work).await
}

/// `GET /evidence/decision/{decision_id}`.
pub(crate) async fn of_decision<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    each(app, call, |_, artifact| Ok(shown_now(artifact))).await
}

/// `GET /evidence/decision/{decision_id}/lineage`.
pub(crate) async fn lineage<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    each(app, call, |read, artifact| {
        let mut reply = shown_now(artifact);
        reply.insert("links", Json::Array(artifact.links.iter().map(link).collect()));
        reply.insert("entries", Json::Array(entries(read, artifact)?));
        Ok(reply)
    })
    .await
}

/// Every artifact of a decision, each shown in its way.
async fn each<B: Backend>(
    app: &App<B>,
    call: &Call,
    show: fn(&B::View, &Artifact) -> Result<Object, Problem>,
) -> Result<Answer, Problem> {
    let decision: DecisionId = call.path.parse().map_err(|_| unknown_decision())?;
    let read = app.backend.view()?;
    let work = move || {
        view::decision_entry(&read, decision)?.ok_or_else(unknown_decision)?;
        let mut artifacts = Vec::new();
        for id in evidence::of_decision(&read, decision)? {
            artifacts.push(Json::Object(show(&read, &found(&read, id)?)?));
        }
        Ok(Answer::members([
            ("decision_id", decision.to_string().into()),
            ("count", (artifacts.len() as u64).into()),
            ("artifacts", Json::Array(artifacts)),
        ]))
    };
    app.blocking(work).await
}

/// Every entry about an artifact, oldest first.
fn entries(read: &impl Read, artifact: &Artifact) -> Result<Vec<Json>, Problem> {
    let links = artifact.links.iter().map(|link| link.entry_id);
    let signatures = artifact.signatures.iter().map(|signed| signed.entry_id);
    let mut ids: Vec<EntryId> =
        [artifact.entry_id].into_iter().chain(links).chain(signatures).collect();
    ids.sort_unstable();
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        let entry = view::entry(read, id)?.ok_or_else(Problem::internal)?;
        entries.push(Json::object([
            ("id", id.0.into()),
            ("entry_type", entry.header.entry_type.as_str().into()),
            ("timestamp", entry.header.timestamp.to_string().into()),
            ("current_hash", entry.hash().to_string().into()),
        ]));
    }
    Ok(entries)
}

/// `GET /evidence`.
pub(crate) async fn list_artifacts<B: Backend>(
    app: &App<B>,
    call: Call,
) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let query = query(call.query);
    let work = move || {
        let page = view::artifacts(&read, &query)?;
        let artifacts = page.artifacts.iter().map(|it| Json::Object(shown_now(it))).collect();
        Ok(Answer::members([
            ("artifacts", Json::Array(artifacts)),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.0).into()),
        ]))
    };
    app.blocking(work).await
}

fn query(mut query: Checked) -> ArtifactQuery {
    let direction = match query.word("order") {
        Some("desc") => Direction::Descending,
        Some(_) | None => Direction::Ascending,
    };
    ArtifactQuery {
        after: query.integer("after").map(EntryId),
        kind: query.word("artifact_type").and_then(ArtifactKind::parse),
        source: query.text("source"),
        from: query.time("from"),
        to: query.time("to"),
        direction,
        limit: query.integer("limit").unwrap_or(LIMIT_DEFAULT),
    }
}

/// `GET /evidence/statistics`.
pub(crate) fn statistics<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let counted = view::evidence_statistics(&app.backend.view()?)?;
    let (mut types, mut sizes) = (Object::new(), Object::new());
    let (mut artifacts, mut bytes, mut signed) = (0_u64, 0_u64, 0_u64);
    for (kind, count) in counted.kinds {
        types.insert(kind.as_str(), count.artifacts);
        sizes.insert(kind.as_str(), count.bytes);
        artifacts += count.artifacts;
        bytes += count.bytes;
        signed += count.signed;
    }
    Ok(Answer::members([
        ("total_artifacts", artifacts.into()),
        ("total_size_bytes", bytes.into()),
        ("artifact_types", Json::Object(types)),
        ("size_bytes_by_type", Json::Object(sizes)),
        ("signed_artifacts", signed.into()),
        ("decisions_with_evidence", counted.decisions.into()),
        ("controls_with_evidence", counted.controls.into()),
    ]))
}
