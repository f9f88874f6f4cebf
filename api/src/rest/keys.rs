//! The keys that answers are checked with, and ending them.
//!
//! Private halves are the node's business: it makes the new key of a rotation,
//! and nothing here ever sees one.

use governance::command::{Command, KeyUsage, RetireKey};
use governance::{shown, view};
use types::{KeyId, Object};

use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Caching, Call};
use crate::fields::{Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, integer, list, text};
use crate::rest::recording::{Recording, record};

const USES: &[&str] = &["decision", "token", "checkpoint", "export"];

const KID: Member = text("kid", "Name of the key in signatures.");
const NAME: Member = text("name", "Its name in signed notes.");
const NOTE_KEY_ID: Member = text("note_key_id", "Its id in signed notes, 8 hex digits.");
const STATUS: Member = text("status", "`active`, `retired` or `revoked`.");
const FROM: Member = integer("valid_from_index", "The entry that published it.");
const UNTIL: Member =
    integer("valid_until_index", "From this entry on it signs nothing.").or_null();

const KEY: &[Member] = &[
    KID,
    text("kty", "`OKP`"),
    text("crv", "`Ed25519`"),
    text("x", "The public key, base64url without padding."),
    text("alg", "`Ed25519`"),
    text("use", "`decision`, `token`, `checkpoint` or `export`."),
    NAME,
    NOTE_KEY_ID,
    text("vkey", "The key as verifiers of signed notes take it."),
    STATUS,
    FROM,
    UNTIL,
];

const RSA_KEY: &[Member] = &[
    KID,
    text("kty", "`RSA`"),
    text("alg", "`PS256`: RSASSA-PSS with SHA-256 and a salt of 32 bytes."),
    text("n", "The modulus, base64url without padding."),
    text("e", "The public exponent, base64url without padding."),
    NAME,
    NOTE_KEY_ID,
    STATUS,
    FROM,
    UNTIL,
];

/// Reply of `GET /keys`.
pub(crate) const KEYS_REPLY: &[Member] = &[
    list("keys", KEY, "Ed25519 keys, one row each, oldest first."),
    list("rsa_keys", RSA_KEY, "RSA keys, which sign checkpoints for the long term."),
];

/// Body of `POST /keys/rotate`.
pub(crate) const ROTATE: &[Field] = &[Field::required(
    "use",
    Kind::Word(USES),
    "Which key of the node that is asked gives way to a new one.",
)];

const ENTRY_ID: Member = integer("ledger_entry_id", "The entry that says so.");

/// Reply of `POST /keys/rotate`.
pub(crate) const ROTATE_REPLY: &[Member] = &[
    text("key_id", "The new key."),
    text("replaces", "The key that ended with it.").or_null(),
    text("use", "What they sign."),
    text("node_id", "Whose they are."),
    ENTRY_ID,
];

/// Body of `POST /keys/{kid}/retire`.
pub(crate) const RETIRE: &[Field] = &[
    Field::required("reason", Kind::Text(Text::any(2048)), "Why it ends."),
    Field::optional(
        "compromised",
        Kind::Bool,
        "Somebody else may have it: nothing it ever signed counts any more.",
    )
    .default("false"),
];

/// Reply of `POST /keys/{kid}/retire`.
pub(crate) const RETIRE_REPLY: &[Member] = &[
    text("key_id", "The key."),
    text("status", "`retired` or `revoked`."),
    integer("valid_until_index", "From this entry on it signs nothing."),
    ENTRY_ID,
];

/// `GET /keys`.
pub(crate) fn list_keys<B: Backend>(app: &App<B>) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let Some(cluster) = view::cluster(&read)? else {
        return Err(Problem::new(Code::STARTING, "the cluster has no genesis yet"));
    };
    let keys = shown::keys(&view::keys(&read)?, &cluster.origin());
    Ok(Answer::json(keys).kept(Caching::Minute))
}

/// `POST /keys/rotate`.
pub(crate) async fn rotate<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let fields = call.body.into_fields();
    let word = fields.word("use");
    let usage = KeyUsage::ALL.into_iter().find(|usage| word == Some(usage.as_str()));
    let usage = usage.ok_or_else(Problem::internal)?;
    let rotated = app.backend.rotate_key(usage).await?;
    Ok(Answer::members([
        ("key_id", rotated.key_id.to_string().into()),
        ("replaces", rotated.replaces.map(|id| id.to_string()).into()),
        ("use", usage.as_str().into()),
        ("node_id", app.backend.node_name().as_ref().into()),
        ("ledger_entry_id", rotated.recorded.entry_id.0.into()),
    ]))
}

/// `POST /keys/{kid}/retire`.
pub(crate) async fn retire<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let id: KeyId = path.parse().map_err(|_| unknown(&path))?;
    let mut fields = body.into_fields();
    let idempotency = key.map(|key| {
        idempotency::record(&principal, key, &format!("/keys/{id}/retire"), fields.members())
    });
    let compromised = fields.flag("compromised");
    let reason = fields.text("reason").unwrap_or_default();
    let command = Command::RetireKey(RetireKey { id, compromised, reason });
    let recording = record(app, &principal, idempotency, command).await?;
    retired(app, id, recording, compromised)
}

fn unknown(kid: &str) -> Problem {
    let kid: String = kid.chars().take(64).collect();
    Problem::new(Code::UNKNOWN_KEY, format!("no key is called `{kid}`"))
}

/// What the entry says, so that a repeated request has the same answer whatever
/// has become of the key since. A key that had merely been replaced keeps the
/// end it had.
fn retired<B: Backend>(
    app: &App<B>,
    id: KeyId,
    recording: Recording,
    compromised: bool,
) -> Result<Answer, Problem> {
    let entry = recording.entry;
    let key = view::key(&app.backend.view()?, id)?;
    let until = key.and_then(|key| key.valid_until).unwrap_or(entry).min(entry);
    let mut reply = Object::new();
    reply.insert("key_id", id.to_string());
    reply.insert("status", if compromised { "revoked" } else { "retired" });
    reply.insert("valid_until_index", until.0);
    reply.insert("ledger_entry_id", entry.0);
    Ok(recording.answer(reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uses_on_the_wire_are_those_there_are() {
        assert_eq!(USES, KeyUsage::ALL.map(KeyUsage::as_str));
    }
}
