//! The reply to a recorded decision: the signed members from the ledger, and
//! what the answering node adds with its own keys.

use governance::command::KeyUsage;
use governance::{Outcome, view};
use ledger::reply::{Place, signed_bytes, signed_members};
use ledger::{StoredEntry, token};
use types::{EntryId, Json, Object, Timestamp};

use crate::app::App;
use crate::backend::{Backend, Signature};
use crate::problem::{Code, Problem};

/// Whether the texts of tokens are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// Mint them.
    Now,
    /// Leave them out.
    Later,
}

/// A decision as the ledger has it.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) place: Place,
    pub(crate) data: Object,
    pub(crate) personal: Option<Object>,
    /// Whether it was recorded by an earlier request.
    pub(crate) replayed: bool,
}

impl Recorded {
    pub(crate) fn word(&self, name: &str) -> Option<&str> {
        self.data.get(name).and_then(Json::as_str)
    }
}

/// What a command for a decision did.
pub(crate) fn read<B: Backend>(app: &App<B>, outcome: Outcome) -> Result<Recorded, Problem> {
    match outcome {
        Outcome::Decided(decided) => {
            let place = Place {
                entry_id: decided.recorded.entry_id,
                entry_hash: decided.recorded.entry_hash,
                at: decided.recorded.at,
            };
            let (Json::Object(data), Json::Object(personal)) = (decided.data, decided.personal)
            else {
                return Err(Problem::internal());
            };
            let recorded = Recorded { place, data, personal: Some(personal), replayed: false };
            app.shared.metrics.decided(recorded.word("outcome"), recorded.word("policy_mode"));
            Ok(recorded)
        }
        Outcome::Replayed(id) => replayed(app, id),
        Outcome::Rejected(why) => Err(why.into()),
        other @ (Outcome::Founded(_)
        | Outcome::PolicyLoaded(_)
        | Outcome::NodeRegistered(_)
        | Outcome::Ticked
        | Outcome::Recorded(_)
        | Outcome::Erased(_)
        | Outcome::Sealed(_)
        | Outcome::Cosigned(_)
        | Outcome::ScrubOpened(_)
        | Outcome::ContentReported(_)
        | Outcome::Noted) => {
            tracing::error!(?other, "a decision had an outcome that is none of a decision");
            Err(Problem::internal())
        }
    }
}

/// A repeated request is answered from the entry, whole or not at all.
fn replayed<B: Backend>(app: &App<B>, id: EntryId) -> Result<Recorded, Problem> {
    let read = app.backend.view()?;
    let Some(entry) = view::entry(&read, id)? else {
        return Err(Problem::internal());
    };
    let parts = parts(&entry)?;
    match (parts.data, parts.personal) {
        (Some(data), Some(personal)) => {
            Ok(Recorded { place: place(&entry), data, personal: Some(personal), replayed: true })
        }
        (_, _) => Err(Problem::new(Code::ERASED, "what this request recorded has been erased")),
    }
}

pub(crate) use governance::shown::{Parts, parts};

/// What can be read of an entry that was found damaged.
pub(crate) fn legible_parts(entry: &StoredEntry) -> Parts {
    let read = |part: &Option<ledger::Part>| {
        part.as_ref().and_then(|part| serde_json::from_str::<Object>(&part.text).ok())
    };
    Parts { data: read(&entry.data), personal: read(&entry.personal) }
}

/// Where an entry stands.
pub(crate) fn place(entry: &StoredEntry) -> Place {
    Place { entry_id: entry.header.id, entry_hash: entry.hash(), at: entry.header.timestamp }
}

/// The whole reply, signed by this node.
pub(super) fn signed<B: Backend>(
    app: &App<B>,
    recorded: &Recorded,
    tokens: Tokens,
) -> Result<Object, Problem> {
    let mut reply = unsigned(recorded);
    let signature = sign(app, KeyUsage::Decision, signed_bytes(&reply).as_bytes())?;
    complete(app, recorded, &mut reply, tokens)?;
    reply.insert("signature", signature_json(&signature));
    Ok(reply)
}

/// The reply without a signature, for those who show it in part.
pub(crate) fn shown<B: Backend>(
    app: &App<B>,
    recorded: &Recorded,
    tokens: Tokens,
) -> Result<Object, Problem> {
    let mut reply = unsigned(recorded);
    complete(app, recorded, &mut reply, tokens)?;
    Ok(reply)
}

/// The members that are signed.
pub(super) fn unsigned(recorded: &Recorded) -> Object {
    signed_members(Some(recorded.place), &recorded.data, recorded.personal.as_ref())
}

/// Adds what a signature does not cover, but for the signature.
pub(super) fn complete<B: Backend>(
    app: &App<B>,
    recorded: &Recorded,
    reply: &mut Object,
    tokens: Tokens,
) -> Result<(), Problem> {
    let token = match tokens {
        Tokens::Now => token_text(app, recorded)?,
        Tokens::Later => None,
    };
    reply.insert("capability_token", token);
    reply.insert("node", app.backend.node_name().as_ref());
    Ok(())
}

/// Signs with this node's key. Before that key is in the ledger nobody could
/// verify, so the caller is asked to repeat.
pub(crate) fn sign<B: Backend>(
    app: &App<B>,
    usage: KeyUsage,
    message: &[u8],
) -> Result<Signature, Problem> {
    app.backend.sign(usage, message).ok_or_else(no_key)
}

fn no_key() -> Problem {
    let detail = "this node's keys are not in the ledger yet; repeat the request with its key";
    Problem::new(Code::STARTING, detail)
}

/// A signature as replies show it.
pub(crate) fn signature_json(signature: &Signature) -> Json {
    Json::object([
        ("algorithm", "Ed25519".into()),
        ("key_id", signature.key_id.to_string().into()),
        ("value", ledger::signature::to_text(&signature.bytes).into()),
    ])
}

/// The token's text, minted by this node; `None` where none was granted.
pub(super) fn token_text<B: Backend>(
    app: &App<B>,
    recorded: &Recorded,
) -> Result<Option<String>, Problem> {
    let Some(kid) = recorded.word("token_id").and_then(|_| app.backend.key_id(KeyUsage::Token))
    else {
        return if recorded.word("token_id").is_some() { Err(no_key()) } else { Ok(None) };
    };
    let cluster = app.backend.cluster_id().ok_or_else(no_key)?.to_string();
    let claims = claims(recorded, &cluster, &kid.to_string()).ok_or_else(Problem::internal)?;
    let input = token::signing_input(&claims);
    let signature = sign(app, KeyUsage::Token, input.as_bytes())?;
    app.shared.metrics.token_issued();
    Ok(Some(token::text(&input, &signature.bytes)))
}

/// What the token of a decision, or one issued for it later, says when it is minted with the key `kid`;
/// `None` where none was granted.
pub(crate) fn claims(recorded: &Recorded, cluster: &str, kid: &str) -> Option<Json> {
    let expires_at: Timestamp = recorded.word("token_expires_at")?.parse().ok()?;
    let grant = token::Grant {
        token_id: recorded.word("token_id")?,
        actor: recorded.word("actor")?,
        action: recorded.word("action")?,
        resource: recorded.word("resource"),
        tool: recorded.word("tool"),
        decision_id: recorded.word("decision_id")?,
        policy_hash: recorded.word("policy_hash")?,
        issued_at_seconds: recorded.place.at.seconds(),
        expires_at_seconds: expires_at.seconds(),
        entry_id: recorded.place.entry_id.0,
        cluster_id: cluster,
    };
    Some(grant.claims(kid))
}
