//! Signers of evidence: publishing their keys, and ending them.

use governance::command::{Command, RegisterSigner, RevokeSigner};
use governance::view::{self, Signer};
use ledger::signature;
use types::{EntryId, Json, KeyId, Object};

use super::ledger::entries::LIMIT;
use super::named::{self, HUMAN_ID};
use super::recording::{self, Recording, record};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, flag, integer, list, text, time};
use crate::routes::Op;

const LIMIT_DEFAULT: usize = 100;
const PATH: &str = "/keys/signers";

/// Body of `POST /keys/signers`.
pub(crate) const REGISTER: &[Field] = &[
    Field::required("name", Kind::Text(Text::any(255)), "What the signer is called."),
    Field::required(
        "public_key",
        Kind::Text(Text::of(Alphabet::Base64Url, 64)),
        "Ed25519, 32 bytes in base64url without padding.",
    ),
    Field::optional("owner", HUMAN_ID, "Whose it is; required where nobody authenticates."),
];

/// Body of `POST /keys/signers/{key_id}/revoke`.
pub(crate) const REVOKE: &[Field] =
    &[Field::required("reason", Kind::Text(Text::any(10_000)), "Why it ends.")];

/// Query of `GET /keys/signers`.
pub(crate) const LIST_QUERY: &[Field] = &[
    LIMIT,
    Field::optional(
        "after",
        Kind::Text(Text::of(Alphabet::Name, 64)),
        "`next` of the page before: signers past this key.",
    ),
];

/// A signer.
pub(crate) const REPLY: &[Member] = &[
    text("key_id", "Names the key in signatures."),
    text("name", "What the signer is called.").or_null(),
    text("owner", "Whose it is.").or_null(),
    text("public_key", "Ed25519, base64url without padding."),
    text("status", "`active` or `revoked`."),
    time("registered_at", "Cluster time of the entry that registered it."),
    integer("ledger_entry_id", "The entry that registered it; once it is revoked, that."),
];

/// Reply of `GET /keys/signers`.
pub(crate) const LIST_REPLY: &[Member] = &[
    list("signers", REPLY, "Oldest first."),
    integer("total", "On all pages, counted up to 100,000."),
    flag("total_exact", "Whether `total` is all of them."),
    text("next", "Give it as `after` for the next page; null at the end.").or_null(),
];

/// Answers a call about signers.
pub(crate) async fn answer<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    match call.route.op {
        Op::SignerRegister => register(app, call).await,
        Op::Signers => list_signers(app, &call).await,
        Op::SignerRevoke => revoke(app, call).await,
        other => {
            tracing::error!(?other, "an operation that is none of signers came here");
            Err(Problem::internal())
        }
    }
}

/// `POST /keys/signers`.
async fn register<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, .. } = call;
    let mut body = body.into_fields();
    let principal = named::required(app, principal, &body, "owner")?;
    let idempotency = key.map(|key| idempotency::record(&principal, key, PATH, body.members()));
    let public_key = body.word("public_key").and_then(signature::from_text);
    let public_key = public_key.and_then(|bytes| bytes.try_into().ok());
    let public_key = public_key.filter(signature::is_public_key).ok_or_else(|| {
        let detail = "must be an Ed25519 public key, 32 bytes in base64url without padding";
        Problem::fault(Fault::at("/public_key", "bad_format", detail))
    })?;
    let name = body.text("name").unwrap_or_default();
    let command = Command::RegisterSigner(Box::new(RegisterSigner { name, public_key }));
    let recording = record(app, &principal, idempotency, command).await?;
    recorded(app, recording)
}

/// `POST /keys/signers/{key_id}/revoke`.
async fn revoke<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { path, body, key, principal, .. } = call;
    let id: KeyId = path.parse().map_err(|_| unknown())?;
    let mut body = body.into_fields();
    let path = format!("/keys/signers/{id}/revoke");
    let idempotency = key.map(|key| idempotency::record(&principal, key, &path, body.members()));
    let reason = body.text("reason").unwrap_or_default();
    let command = Command::RevokeSigner(Box::new(RevokeSigner { key: id, reason }));
    let recording = record(app, &principal, idempotency, command).await?;
    recorded(app, recording)
}

fn unknown() -> Problem {
    Problem::new(Code::UNKNOWN_KEY, "no signer has this key")
}

/// The signer as it was when its entry was recorded.
fn recorded<B: Backend>(app: &App<B>, recording: Recording) -> Result<Answer, Problem> {
    let id: KeyId = recording::id(&recording::data(app, recording.entry)?, "key_id")?;
    let signer = view::signer(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    Ok(recording.answer(shown(&signer, recording.entry)))
}

/// `GET /keys/signers`.
async fn list_signers<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let after = call.query.word("after").map(|after| {
        let refused = || Fault::parameter("after", "bad_format", "is no `next` of a page");
        after.parse::<KeyId>().map_err(|_| Problem::fault(refused()))
    });
    let after = after.transpose()?;
    let limit = call.query.integer("limit").unwrap_or(LIMIT_DEFAULT);
    let read = app.backend.view()?;
    let work = move || {
        let page = view::signers(&read, after, limit)?;
        let now = EntryId(u64::MAX);
        let signers = page.signers.iter().map(|signer| Json::Object(shown(signer, now)));
        Ok(Answer::members([
            ("signers", Json::Array(signers.collect())),
            ("total", page.total.into()),
            ("total_exact", page.total_exact.into()),
            ("next", page.next.map(|next| next.to_string()).into()),
        ]))
    };
    app.blocking(work).await
}

fn shown(signer: &Signer, as_of: EntryId) -> Object {
    let revoked = signer.revoked.filter(|revoked| *revoked <= as_of);
    let mut reply = Object::new();
    reply.insert("key_id", signer.id.to_string());
    reply.insert("name", signer.name.clone());
    reply.insert("owner", signer.owner.clone());
    reply.insert("public_key", signature::to_text(&signer.public_key));
    reply.insert("status", if revoked.is_some() { "revoked" } else { "active" });
    reply.insert("registered_at", signer.at.to_string());
    reply.insert("ledger_entry_id", revoked.unwrap_or(signer.entry_id).0);
    reply
}
