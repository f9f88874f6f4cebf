//! Checkpoints as they are served: the frozen form, which is the same bytes on
//! every node, or with every signature known by now.

use governance::checkpoint::{Signatures, note as written};
use governance::command::{KeyMaterial, KeyUsage};
use governance::record::{CheckpointRecord, KeyRecord};
use governance::{Corruption, Read, view};
use ledger::Note;
use ledger::note::{self as notes, Line};
use ledger::signature::RsaPublic;
use types::digest::to_hex;
use types::{Json, Object};

use super::ID_MAX;
use super::entries::LIMIT;
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call, Form};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, hash, integer, list, text, time};

const MEDIA: &str = "text/plain; charset=utf-8";
const LIMIT_DEFAULT: usize = 100;

/// Types of signatures in a note: C2SP signed-note.
const TYPE_ED25519: u8 = notes::ED25519;
const TYPE_RSA: u8 = 0xff;

/// Query of `GET /ledger/checkpoint`.
pub(crate) const CHECKPOINT_QUERY: &[Field] = &[Field::optional(
    "signatures",
    Kind::Word(&["frozen", "all"]),
    "Those that made it final, the same on every node and for ever, or all that are known by now.",
)
.default("\"frozen\"")];

/// A line of a checkpoint.
pub(crate) const SIGNATURE: &[Member] = &[
    text("name", "Name of the key."),
    text("key_id", "Its id in signed notes, 8 hex digits."),
    integer("type", "1 is Ed25519, 255 RSASSA-PSS."),
    flag("valid", "Whether it verifies and its key counts at this size."),
];

/// Reply of `GET /ledger/checkpoint`.
pub(crate) const CHECKPOINT_REPLY: &[Member] = &[
    text("checkpoint", "The signed note."),
    text("origin", "Its first line: which ledger."),
    integer("size", "Entries it covers."),
    hash("root_hash", "Root of the tree over them."),
    list("signatures", SIGNATURE, "The lines of the note, each verified."),
    hash("state_hash", "Running digest over every write."),
    hash("policy_hash", "The policy in force."),
    time("timestamp", "Applied time of the command that made it."),
];

/// Query of `GET /ledger/checkpoints`.
pub(crate) const CHECKPOINTS_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Integer { min: 0, max: ID_MAX },
        "Checkpoints of more than so many entries.",
    ),
];

const ROW: &[Member] = &[
    integer("size", "Entries it covers."),
    hash("root_hash", "Root of the tree over them."),
    time("timestamp", "Applied time of the command that made it."),
    text("checkpoint", "The signed note, frozen."),
];

/// Reply of `GET /ledger/checkpoints`.
pub(crate) const CHECKPOINTS_REPLY: &[Member] = &[
    list("checkpoints", ROW, "The page, smallest first."),
    integer("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

fn none_yet() -> Problem {
    Problem::new(Code::NOT_FINAL, "no checkpoint is final yet")
}

/// A checkpoint as a signed note.
pub(crate) fn shown(
    read: &impl Read,
    record: &CheckpointRecord,
    signatures: Signatures,
) -> Result<String, Problem> {
    let cluster = view::cluster(read)?;
    let note = cluster.map(|cluster| written(read, &cluster, record, signatures)).transpose()?;
    let damaged = || Corruption::new("checkpoint", "a final checkpoint that nobody signed");
    Ok(note.flatten().ok_or_else(damaged)?)
}

/// The frozen form of a final checkpoint.
pub(crate) fn frozen(read: &impl Read, record: &CheckpointRecord) -> Result<String, Problem> {
    shown(read, record, Signatures::Frozen)
}

/// The last final checkpoint, frozen.
pub(crate) fn last_note(read: &impl Read) -> Result<Option<String>, Problem> {
    view::last_final(read)?.map(|record| frozen(read, &record)).transpose()
}

/// The final checkpoint of this size, frozen.
pub(crate) fn note_at(read: &impl Read, size: u64) -> Result<Option<String>, Problem> {
    let record = view::checkpoint(read, size)?.filter(CheckpointRecord::is_final);
    record.map(|record| frozen(read, &record)).transpose()
}

/// `GET /checkpoint`.
pub(crate) fn note<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let note = last_note(&app.backend.view()?)?.ok_or_else(none_yet)?;
    Ok(Answer::bytes(MEDIA, note))
}

/// `GET /ledger/checkpoint`.
pub(crate) async fn last<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let signatures = match call.query.word("signatures") {
        Some("all") => Signatures::All,
        Some(_) | None => Signatures::Frozen,
    };
    let form = call.form;
    let work = move || {
        let record = view::last_final(&read)?.ok_or_else(none_yet)?;
        let note = shown(&read, &record, signatures)?;
        match form {
            Form::Media => Ok(Answer::bytes(MEDIA, note)),
            Form::Json => describe(&read, &record, note).map(Answer::json),
        }
    };
    app.blocking(work).await
}

fn describe(read: &impl Read, record: &CheckpointRecord, note: String) -> Result<Object, Problem> {
    let claim = &record.claim;
    let rows = signatures(read, record, &note)?;
    let mut reply = Object::new();
    reply.insert("origin", note.lines().next());
    reply.insert("checkpoint", note.as_str());
    reply.insert("size", claim.size);
    reply.insert("root_hash", claim.root.to_string());
    reply.insert("signatures", Json::Array(rows));
    reply.insert("state_hash", claim.state_hash.to_string());
    reply.insert("policy_hash", claim.policy_hash.to_string());
    reply.insert("timestamp", claim.at.to_string());
    Ok(reply)
}

/// The lines of a note of this checkpoint, as they are shown.
pub(crate) fn signatures(
    read: &impl Read,
    record: &CheckpointRecord,
    note: &str,
) -> Result<Vec<Json>, Problem> {
    let rows = signed(read, record, note)?.into_iter().map(|signed| {
        Json::object([
            ("name", signed.line.name.into()),
            ("key_id", to_hex(&signed.line.key_id).into()),
            ("type", u32::from(signed.algorithm).into()),
            ("valid", signed.is_valid.into()),
        ])
    });
    Ok(rows.collect())
}

/// A line of a checkpoint, verified.
pub(crate) struct Signed {
    pub(crate) line: Line,
    /// Its type in the note.
    pub(crate) algorithm: u8,
    /// Whether it verifies and its key counts at the size.
    pub(crate) is_valid: bool,
}

/// Every line of a note of this checkpoint.
pub(crate) fn signed(
    read: &impl Read,
    record: &CheckpointRecord,
    note: &str,
) -> Result<Vec<Signed>, Problem> {
    let damaged = |_| Corruption::new("checkpoint", "a final checkpoint that is no note");
    let note = Note::parse(note).map_err(damaged)?;
    let keys: Vec<KeyRecord> = view::keys(read)?;
    let of_checkpoints = || keys.iter().filter(|key| key.usage == KeyUsage::Checkpoint);
    let lines = note.signatures.iter().map(|line| {
        let named = of_checkpoints().find_map(|key| Some((key, verified(key, line, &note.text)?)));
        let Some((key, (algorithm, holds))) = named else {
            return Signed { line: line.clone(), algorithm: 0, is_valid: false };
        };
        let is_valid = holds && key.counts_at(record.claim.size);
        Signed { line: line.clone(), algorithm, is_valid }
    });
    Ok(lines.collect())
}

/// Whether the line is this key's signature of the text, with its type; `None`
/// where it names another key.
fn verified(key: &KeyRecord, line: &Line, text: &str) -> Option<(u8, bool)> {
    let names = |algorithm: &[u8], public: &[u8]| {
        line.key_id == notes::key_id(&line.name, algorithm, public)
    };
    match &key.material {
        KeyMaterial::Ed25519(public) => {
            let named = names(&[notes::ED25519], public);
            named.then(|| (TYPE_ED25519, notes::verify_ed25519(public, line, text)))
        }
        KeyMaterial::Rsa { n, e } => {
            let public = RsaPublic::new(n.clone(), e.clone())?;
            let named = names(notes::RSA_PSS, &public.spki_der());
            named.then(|| (TYPE_RSA, public.verify_pss(text.as_bytes(), &line.signature)))
        }
    }
}

/// `GET /ledger/checkpoints`.
pub(crate) async fn list_final<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let limit: usize = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let after: u64 = call.query.integer("after").unwrap_or(0);
    let work = move || {
        // One more tells whether there is a next page.
        let mut records = view::checkpoints(&read, after, limit.saturating_add(1))?;
        let is_end = records.len() <= limit;
        records.truncate(limit);
        let next = records.last().filter(|_| !is_end).map(|record| record.claim.size);
        let rows = records.iter().map(|record| {
            Ok(Json::object([
                ("size", record.claim.size.into()),
                ("root_hash", record.claim.root.to_string().into()),
                ("timestamp", record.claim.at.to_string().into()),
                ("checkpoint", frozen(&read, record)?.into()),
            ]))
        });
        let rows = rows.collect::<Result<Vec<Json>, Problem>>()?;
        Ok(Answer::members([("checkpoints", Json::Array(rows)), ("next", next.into())]))
    };
    app.blocking(work).await
}
