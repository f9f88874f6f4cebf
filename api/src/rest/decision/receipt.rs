//! A receipt: all that shows, without any server, that a decision is in the
//! ledger. `node/core/ledger/README.md`, section 5.
//!
//! Invariant: once a final checkpoint covers the entry, a receipt is made over
//! the first of them and so has the same bytes for ever, but for what is erased.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use governance::access::Authority;
use governance::record::CheckpointRecord;
use governance::{Read, view};
use ledger::StoredEntry;
use ledger::receipt::TlogProof;
use tokio::time::Instant;
use types::digest::to_hex;
use types::{DecisionId, Json, LogIndex, Object};

use super::may_see;
use super::reply::parts;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call, Form};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::problem::{Code, Problem};
use crate::reply::{Member, free, hash, integer, text, texts};
use crate::rest::ledger::proof::{Prover, texts_of};

const MEDIA: &str = "text/plain; charset=utf-8";

/// The longest wait for a final checkpoint. The request has its own bound, and
/// what is left of it must do for the answer.
const WAIT_MAX: Duration = Duration::from_secs(10);
const MARGIN: Duration = Duration::from_millis(500);

/// Between looks: under load an index is applied every moment, and a checkpoint
/// becomes final about once a second.
const PAUSE: Duration = Duration::from_millis(10);

/// Query of `GET /decisions/{decision_id}/receipt`.
pub(crate) const RECEIPT_QUERY: &[Field] = &[
    Field::optional(
        "format",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "`json`, or `tlog-proof` for the text file of C2SP. Without it, as `Accept` prefers.",
    )
    .default("\"json\""),
    Field::optional(
        "wait",
        Kind::Word(&["final"]),
        "Wait at most 10 s for a final checkpoint that covers the entry.",
    ),
];

/// Reply of `GET /decisions/{decision_id}/receipt`.
pub(crate) const RECEIPT_REPLY: &[Member] = &[
    integer("entry_id", "The entry."),
    text("header", "Its header's bytes, base64."),
    hash("leaf_hash", "SHA-256 of a zero byte and those bytes."),
    integer("leaf_index", "The entry's id."),
    integer("tree_size", "Entries of the tree."),
    hash("root_hash", "Its root."),
    texts("hashes", "The proof, hex, from the leaf towards the root."),
    text(
        "checkpoint",
        "The first final checkpoint that covers the entry, frozen; null before there is one.",
    )
    .or_null(),
    free("data", "What makes the record a record; null once erased, or for who may not see it.")
        .or_null(),
    hash("salt", "Key of `data_hash`; null with `data`.").or_null(),
    free("personal", "What is free-form or about a person; null as `data`.").or_null(),
    hash("personal_salt", "Key of `personal_hash`; null with `personal`.").or_null(),
];

/// `GET /decisions/{decision_id}/receipt`.
pub(crate) async fn receipt<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let form = form(call)?;
    let id: DecisionId = call.path.parse().map_err(|_| unknown())?;
    let waits = call.query.word("wait").is_some();
    let limit = WAIT_MAX.min(app.config.request_timeout.saturating_sub(MARGIN));
    let deadline = Instant::now() + limit;
    loop {
        // Taken before the look, so that nothing can come between unseen.
        let applied = app.backend.applied_index();
        let read = app.backend.view()?;
        let authority = call.authority.clone();
        let found = app.blocking(move || look(&read, id, waits, (form, &authority))).await?;
        if let Some(answer) = found {
            return Ok(answer);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(not_final());
        }
        app.backend.wait_applied(LogIndex(applied.0.saturating_add(1)), left).await;
        tokio::time::sleep(PAUSE.min(left)).await;
    }
}

fn form(call: &Call) -> Result<Form, Problem> {
    match call.query.word("format").map(str::to_ascii_lowercase).as_deref() {
        None => Ok(call.form),
        Some("json") => Ok(Form::Json),
        Some("tlog-proof") => Ok(Form::Media),
        Some(_) => {
            let detail = "`format` may be `json` or `tlog-proof`";
            Err(Problem::new(Code::UNSUPPORTED_FORMAT, detail))
        }
    }
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_DECISION, "no such decision is recorded")
}

fn not_final() -> Problem {
    Problem::new(Code::NOT_FINAL, "no final checkpoint covers this decision yet")
}

/// The receipt as it is now; `None` where that is not final and the caller
/// waits.
fn look(
    read: &impl Read,
    id: DecisionId,
    waits: bool,
    (form, authority): (Form, &Authority),
) -> Result<Option<Answer>, Problem> {
    let entry = view::decision_entry(read, id)?.ok_or_else(unknown)?;
    let entry = view::entry(read, entry)?.ok_or_else(unknown)?;
    if entry.data.is_none() && entry.personal.is_none() {
        let detail = "both parts of this decision have been erased";
        return Err(Problem::new(Code::ERASED, detail));
    }
    let record = view::first_final(read, entry.header.id)?;
    match (record, form) {
        (None, _) if waits => Ok(None),
        (None, Form::Media) => Err(not_final()),
        (Some(record), Form::Media) => tlog_proof(read, &entry, &record).map(Some),
        (record, Form::Json) => json(read, &entry, record.as_ref(), authority).map(Some),
    }
}

fn tlog_proof(
    read: &impl Read,
    entry: &StoredEntry,
    record: &CheckpointRecord,
) -> Result<Answer, Problem> {
    let prover = Prover::of(read, record)?;
    let id = entry.header.id;
    let proof = TlogProof {
        extra: Some(entry.header_text.clone().into_bytes()),
        index: id.0,
        hashes: prover.hashes(id, entry.hash())?,
        checkpoint: prover.checkpoint.unwrap_or_default(),
    };
    Ok(Answer::bytes(MEDIA, proof.to_string()))
}

fn json(
    read: &impl Read,
    entry: &StoredEntry,
    record: Option<&CheckpointRecord>,
    authority: &Authority,
) -> Result<Answer, Problem> {
    let prover = match record {
        Some(record) => Prover::of(read, record)?,
        None => Prover::now(read)?,
    };
    let (id, leaf) = (entry.header.id, entry.hash());
    let hashes = prover.hashes(id, leaf)?;
    let shown = parts(entry)?;
    // What a part says can be guessed from its hash by who has its salt.
    let is_shown = may_see(authority, shown.data.as_ref());
    let salt = |part: &Option<ledger::Part>| {
        part.as_ref().filter(|_| is_shown).map(|part| to_hex(&part.salt))
    };
    let mut receipt = Object::new();
    receipt.insert("entry_id", id.0);
    receipt.insert("header", STANDARD.encode(&entry.header_text));
    receipt.insert("leaf_hash", leaf.to_string());
    receipt.insert("leaf_index", id.0);
    receipt.insert("tree_size", prover.size);
    receipt.insert("root_hash", prover.root.to_string());
    receipt.insert("hashes", texts_of(&hashes));
    receipt.insert("checkpoint", Json::from(prover.checkpoint));
    receipt.insert("data", shown.data.filter(|_| is_shown));
    receipt.insert("salt", salt(&entry.data));
    receipt.insert("personal", shown.personal.filter(|_| is_shown));
    receipt.insert("personal_salt", salt(&entry.personal));
    Ok(Answer::json(receipt))
}
