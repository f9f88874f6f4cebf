//! Capability tokens: whether one holds now, what became of one, and ending one.
//!
//! The text of a token is only ever judged here, never given out again: the
//! nodes do not keep it.
//!
//! Invariants
//! - A text whose signature does not hold has neither claims nor id in the
//!   answer: what it says of itself is worth nothing.
//! - Claims count where they are, byte for byte, what the granting entry says.

use governance::command::{Command, KeyUsage, RevokeToken};
use governance::record::{KeyRecord, TokenRecord};
use governance::token::Status;
use governance::{Corruption, Read, view};
use ledger::{EntryType, signature, token};
use types::{EntryId, Json, KeyId, Object, Timestamp, TokenId};

use super::decision::reply::{self, Recorded, parts, place};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Alphabet, Checked, Field, Kind, Text};
use crate::idempotency;
use crate::problem::{Code, Problem};
use crate::reply::{Member, flag, hash, integer, object, text, time};
use crate::rest::decision::{ACTION, ACTOR, actor_of_entry};
use crate::rest::recording::record;

/// Body of `POST /tokens/verify`.
pub(crate) const VERIFY: &[Field] = &[
    Field::required("token", Kind::Text(Text::any(token::TEXT_BYTES_MAX)), "The token's text."),
    Field::optional("actor", Kind::Text(ACTOR), "Who must be the one that may act."),
    Field::optional("action", Kind::Text(ACTION), "What it must permit."),
    Field::optional("resource", Kind::Text(ACTION), "On what it must permit it."),
    Field::optional("tool", Kind::Text(Text::of(Alphabet::Name, 255)), "With what."),
];

/// Body of `POST /tokens/{token_id}/revoke`.
pub(crate) const REVOKE: &[Field] =
    &[Field::required("reason", Kind::Text(Text::any(2048)), "Why it ends.")];

const CLAIMS: &[Member] = &[
    integer("v", "1"),
    text("jti", "The token."),
    text("sub", "Who may act."),
    text("act", "What it may do."),
    text("res", "On what.").or_null(),
    text("tool", "With what.").or_null(),
    text("dec", "The decision that granted it."),
    hash("pol", "The policy that was in force."),
    integer("iat", "Seconds since the epoch, rounded down."),
    integer("exp", "Seconds since the epoch, rounded down."),
    text("kid", "The key that signed the text; null where no text is at hand.").or_null(),
    integer("idx", "The ledger entry that granted it."),
    text("iss", "The cluster."),
];

/// Why a token ended that a denial ended.
const ESCALATION_DENIED: &str = "escalation denied";

const TOKEN_ID: Member = text("token_id", "The token.");
const REVOKED_AT: Member = time("revoked_at", "When it was revoked.").or_null();

/// Reply of `POST /tokens/verify`.
pub(crate) const VERIFY_REPLY: &[Member] = &[
    flag("valid", "Whether it permits now what was expected of it."),
    text("reason_code", "`ok`, or the first reason why not."),
    text("token_id", "The token; null where the signature does not hold.").or_null(),
    object("claims", CLAIMS, "What it says; null where the signature does not hold.").or_null(),
    time("expires_at", "When it ends by itself; null unless it is recorded.").or_null(),
    REVOKED_AT,
];

/// Reply of `GET /tokens/{token_id}`.
pub(crate) const TOKEN_REPLY: &[Member] = &[
    TOKEN_ID,
    text("status", "`active`, `expired` or `revoked`."),
    object("claims", CLAIMS, "What its text says, whoever minted it."),
    time("issued_at", "When it was granted."),
    time("expires_at", "When it ends by itself."),
    REVOKED_AT,
    text("revoked_by", "Who revoked it.").or_null(),
    text("revoke_reason", "Why; null once that entry is erased.").or_null(),
    text("decision_id", "The decision that granted it."),
];

/// Reply of `POST /tokens/{token_id}/revoke`.
pub(crate) const REVOKE_REPLY: &[Member] = &[
    TOKEN_ID,
    text("status", "`revoked`"),
    time("revoked_at", "When it was revoked."),
    integer("ledger_entry_id", "The entry that says so."),
];

/// `POST /tokens/verify`.
pub(crate) fn verify<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let mut fields = call.body.into_fields();
    let carried = fields.text("token").unwrap_or_default();
    let read = app.backend.view()?;
    let now = now(app, &read)?;
    let mut found = Found::default();
    let reason = judge(&read, now, &carried, &fields, &mut found)?;
    let valid = reason == Reason::Ok;
    app.shared.metrics.token_verified(valid, reason.as_str());
    Ok(Answer::members([
        ("valid", valid.into()),
        ("reason_code", reason.as_str().into()),
        ("token_id", found.token_id.into()),
        ("claims", found.claims.into()),
        ("expires_at", found.expires_at.map(|at| at.to_string()).into()),
        ("revoked_at", found.revoked_at.map(|at| at.to_string()).into()),
    ]))
}

/// The later of applied time and this node's clock: a node that is cut off must
/// not take for valid what has expired.
pub(crate) fn now<B: Backend>(app: &App<B>, read: &impl Read) -> Result<Timestamp, Problem> {
    Ok(view::head(read)?.at.max(app.backend.now()))
}

/// Why a token is not valid, in the order of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Ok,
    Malformed,
    KeyUnknown,
    SignatureInvalid,
    UnknownToken,
    Expired,
    Revoked,
    SubjectMismatch,
    ActionMismatch,
    ResourceMismatch,
    ToolMismatch,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Malformed => "malformed",
            Self::KeyUnknown => "key_unknown",
            Self::SignatureInvalid => "signature_invalid",
            Self::UnknownToken => "unknown_token",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::SubjectMismatch => "subject_mismatch",
            Self::ActionMismatch => "action_mismatch",
            Self::ResourceMismatch => "resource_mismatch",
            Self::ToolMismatch => "tool_mismatch",
        }
    }
}

/// What was found out before it was clear whether the token is valid.
#[derive(Debug, Default)]
struct Found {
    token_id: Option<String>,
    claims: Option<Object>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

fn judge(
    read: &impl Read,
    now: Timestamp,
    carried: &str,
    expected: &Checked,
    found: &mut Found,
) -> Result<Reason, Problem> {
    let Some(Carried { parsed, claims, kid, entry }) = Carried::read(carried) else {
        return Ok(Reason::Malformed);
    };
    let Some(key) = key(read, &kid, entry)? else {
        return Ok(Reason::KeyUnknown);
    };
    if !signature::verify(&key, parsed.signing_input.as_bytes(), &parsed.signature) {
        return Ok(Reason::SignatureInvalid);
    }
    found.token_id = claims.get("jti").and_then(Json::as_str).map(str::to_owned);
    found.claims = Some(claims.clone());
    let Some(record) = granted(read, &parsed.claims, &claims, &kid)? else {
        return Ok(Reason::UnknownToken);
    };
    found.expires_at = Some(record.expires_at);
    found.revoked_at = revocation(read, record)?.map(|revoked| revoked.at);
    if record.expires_at <= now {
        return Ok(Reason::Expired);
    }
    if record.revoked.is_some() {
        return Ok(Reason::Revoked);
    }
    Ok(mismatch(&claims, expected))
}

/// The first expectation that a token does not meet. What is not named is not
/// expected: a token for a resource holds where none is asked about.
fn mismatch(claims: &Object, expected: &Checked) -> Reason {
    let expectations = [
        ("actor", "sub", Reason::SubjectMismatch),
        ("action", "act", Reason::ActionMismatch),
        ("resource", "res", Reason::ResourceMismatch),
        ("tool", "tool", Reason::ToolMismatch),
    ];
    let differs = |(name, claim, _): &(&str, &str, Reason)| {
        let expected = expected.word(name);
        expected.is_some() && expected != claims.get(claim).and_then(Json::as_str)
    };
    let found = expectations.into_iter().find(differs);
    found.map_or(Reason::Ok, |(_, _, reason)| reason)
}

/// A text taken apart, with the claims by which its key and its grant are found.
struct Carried<'a> {
    parsed: token::Parsed<'a>,
    claims: Object,
    kid: String,
    entry: EntryId,
}

impl<'a> Carried<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let parsed = token::parse(text)?;
        let claims: Object = serde_json::from_slice(&parsed.claims).ok()?;
        claims.get("jti").and_then(Json::as_str)?;
        let kid = claims.get("kid").and_then(Json::as_str)?.to_owned();
        let entry = EntryId(claims.get("idx").and_then(Json::as_u64)?);
        Some(Self { parsed, claims, kid, entry })
    }
}

/// A key for tokens that counts for the entry. One that ended before it, or was
/// given up as compromised, is as good as none.
fn key(read: &impl Read, kid: &str, entry: EntryId) -> Result<Option<[u8; 32]>, Corruption> {
    let key = kid.parse::<KeyId>().ok().map(|id| view::key(read, id)).transpose()?.flatten();
    let key = key.filter(|key| key.usage == KeyUsage::Token && key.counts_for(entry));
    Ok(key.as_ref().and_then(KeyRecord::ed25519).copied())
}

/// The record of a token whose claims are what was granted. A node that signed
/// others is at fault; they are worth no more for it.
fn granted(
    read: &impl Read,
    signed: &[u8],
    claims: &Object,
    kid: &str,
) -> Result<Option<TokenRecord>, Problem> {
    let id = claims.get("jti").and_then(Json::as_str).and_then(|id| id.parse::<TokenId>().ok());
    let Some(record) = id.map(|id| view::token(read, id)).transpose()?.flatten() else {
        return Ok(None);
    };
    let expected = Grant::of(read, record)?.claims(kid)?;
    if expected.to_canonical().as_bytes() == signed {
        return Ok(Some(record));
    }
    tracing::error!(kid, "a key of this cluster signed a token that was not granted so");
    Ok(None)
}

/// What granted a token.
struct Grant {
    recorded: Recorded,
    cluster: String,
}

impl Grant {
    /// The entry is there as long as the record of the token.
    fn of(read: &impl Read, record: TokenRecord) -> Result<Self, Problem> {
        let damaged = || Corruption::new("token", format!("entry {} is gone", record.entry_id));
        let entry = view::entry(read, record.entry_id)?.ok_or_else(damaged)?;
        let data = parts(&entry)?.data.ok_or_else(damaged)?;
        let cluster = view::cluster(read)?.ok_or_else(damaged)?.id.to_string();
        let recorded = Recorded { place: place(&entry), data, personal: None, replayed: false };
        Ok(Self { recorded, cluster })
    }

    fn claims(&self, kid: &str) -> Result<Json, Problem> {
        reply::claims(&self.recorded, &self.cluster, kid).ok_or_else(Problem::internal)
    }
}

/// How a token was revoked.
struct Revocation {
    at: Timestamp,
    by: Option<String>,
    reason: Option<String>,
}

fn revocation(read: &impl Read, record: TokenRecord) -> Result<Option<Revocation>, Problem> {
    let Some(id) = record.revoked else {
        return Ok(None);
    };
    let damaged = || Corruption::new("token", format!("entry {id} is gone"));
    let entry = view::entry(read, id)?.ok_or_else(damaged)?;
    let data = parts(&entry)?.data;
    let is_erased = data.is_none();
    let data = data.unwrap_or_default();
    let text = |name: &str| data.get(name).and_then(Json::as_str).map(str::to_owned);
    let reason = match entry.header.entry_type {
        EntryType::OverrideReviewed if text("verdict").as_deref() == Some("reversed") => {
            Some("its override was reversed".to_owned())
        }
        EntryType::OverrideReviewed | EntryType::OverrideLapsed => {
            Some("its override lapsed".to_owned())
        }
        // What a human denies ends the tokens there are: the entry is about that.
        EntryType::EscalationResolved => Some(ESCALATION_DENIED.to_owned()),
        _ => text("reason"),
    };
    let reason = reason.filter(|_| !is_erased);
    let at = entry.header.timestamp;
    Ok(Some(Revocation { at, by: text("by"), reason }))
}

/// `GET /tokens/{token_id}`.
pub(crate) fn get<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let id: TokenId = call.path.parse().map_err(|_| unknown(&call.path))?;
    let read = app.backend.view()?;
    let record = view::token(&read, id)?.ok_or_else(|| unknown(&call.path))?;
    let grant = Grant::of(&read, record)?;
    let Json::Object(mut claims) = grant.claims("")? else {
        return Err(Problem::internal());
    };
    // It depends on who minted the text, of which there may be several.
    claims.insert("kid", Json::Null);
    let revocation = revocation(&read, record)?;
    let revoked = revocation.as_ref();
    Ok(Answer::members([
        ("token_id", id.to_string().into()),
        ("status", record.status(now(app, &read)?).as_str().into()),
        ("claims", claims.into()),
        ("issued_at", grant.recorded.place.at.to_string().into()),
        ("expires_at", record.expires_at.to_string().into()),
        ("revoked_at", revoked.map(|revoked| revoked.at.to_string()).into()),
        ("revoked_by", revoked.and_then(|revoked| revoked.by.clone()).into()),
        ("revoke_reason", revoked.and_then(|revoked| revoked.reason.clone()).into()),
        ("decision_id", grant.recorded.word("decision_id").into()),
    ]))
}

fn unknown(id: &str) -> Problem {
    let id: String = id.chars().take(64).collect();
    Problem::new(Code::UNKNOWN_TOKEN, format!("no token `{id}` is recorded"))
}

/// `POST /tokens/{token_id}/revoke`.
pub(crate) async fn revoke<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { route, path, body, key, principal, authority, .. } = call;
    let token: TokenId = path.parse().map_err(|_| unknown(&path))?;
    let actor = {
        let read = app.backend.view()?;
        let granted = view::token(&read, token)?.ok_or_else(|| unknown(&path))?;
        actor_of_entry(&read, granted.entry_id)?
    };
    authority.permits(route.who, actor.as_deref())?;
    let mut fields = body.into_fields();
    let idempotency = key.map(|key| {
        idempotency::record(&principal, key, &format!("/tokens/{token}/revoke"), fields.members())
    });
    let reason = fields.text("reason").unwrap_or_default();
    let command = Command::RevokeToken(RevokeToken { token, reason });
    let recording = record(app, &principal, idempotency, command).await?;
    let at = recorded_at(app, recording.entry)?;
    let mut reply = Object::new();
    reply.insert("token_id", token.to_string());
    reply.insert("status", Status::Revoked.as_str());
    reply.insert("revoked_at", at.to_string());
    reply.insert("ledger_entry_id", recording.entry.0);
    Ok(recording.answer(reply))
}

fn recorded_at<B: Backend>(app: &App<B>, id: EntryId) -> Result<Timestamp, Problem> {
    let entry = view::entry(&app.backend.view()?, id)?.ok_or_else(Problem::internal)?;
    Ok(entry.header.timestamp)
}
