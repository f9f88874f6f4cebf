//! Checks without any server: a decision reply, its signature and the token it
//! carries, against keys the caller trusts; and in [`export`] whole ledgers, and
//! receipts and replies against them.
//!
//! A reply alone does not say whether the entry is in the ledger (a receipt
//! does), nor whether the token is still in force (only the ledger knows
//! revocations).
//!
//! Reading order: [`verify_reply`], then the checks in the order they are made,
//! which is that of the contract's reason codes; [`verify_export`];
//! [`verify_token`], which is for whoever is shown a token.

pub mod export;

mod token;

use types::{EntryId, Json, Object, Timestamp};

use crate::keys::Key;

pub use export::{ExportError, Question, verify_export};
pub use token::{TokenFault, verify_token};

/// A reply that passed every check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// The decision.
    pub decision_id: String,
    /// What was decided.
    pub outcome: String,
    /// The entry it names.
    pub entry_id: u64,
    /// The key that signed it.
    pub key_id: String,
    /// Whose key that is.
    pub signed_by: String,
    /// Whether the reply carries a token, which was checked too.
    pub has_token: bool,
}

/// The first check that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A member that a signed reply has is missing or of another kind.
    #[error("member `{0}` is missing or not what it must be")]
    Incomplete(String),
    /// Two members say different things.
    #[error("member `{0}` contradicts another")]
    FieldMismatch(&'static str),
    /// The token is not of this decision.
    #[error("the token is not of this decision: {0}")]
    TokenMismatch(String),
    /// No key of that id and use was given.
    #[error("no key `{kid}` for use `{usage}` is among the keys given")]
    KeyUnknown {
        /// Its id.
        kid: String,
        /// What it would have to sign.
        usage: &'static str,
    },
    /// The key vouches for nothing at that place of the ledger.
    #[error("key `{kid}` was not valid for entry {entry_id}")]
    KeyNotValid {
        /// Its id.
        kid: String,
        /// The entry.
        entry_id: u64,
    },
    /// The bytes are not what was signed.
    #[error("the signature of the {0} does not fit")]
    SignatureInvalid(&'static str),
}

impl Fault {
    /// The contract's word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Incomplete(_) => "incomplete",
            Self::FieldMismatch(_) => "field_mismatch",
            Self::TokenMismatch(_) => "token_mismatch",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::KeyNotValid { .. } => "key_not_valid_at_index",
            Self::SignatureInvalid(_) => "signature_invalid",
        }
    }
}

/// Checks a decision reply with keys that the caller trusts, which are best
/// fetched from another node than the one that answered.
///
/// # Errors
/// The first [`Fault`], in the order of the contract.
pub fn verify_reply(reply: &Json, keys: &[Key]) -> Result<Genuine, Fault> {
    let reply = reply.as_object().ok_or_else(|| Fault::Incomplete(String::new()))?;
    complete(reply)?;
    let entry_id = integer(reply, "ledger_entry_id")?;
    let outcome = text(reply, "outcome")?;
    let decision_id = text(reply, "decision_id")?.to_owned();
    let signature = reply.get("signature").and_then(Json::as_object);
    let signature = signature.ok_or_else(|| Fault::Incomplete("signature".to_owned()))?;
    let key_id = text(signature, "key_id")?;
    consistent(reply, outcome)?;
    let token = token::parse(reply)?;
    let key = find(keys, key_id, "decision", entry_id)?;
    let token_key = token.as_ref().map(|token| find(keys, &token.kid, "token", entry_id));
    let token_key = token_key.transpose()?;
    let signed = ::ledger::reply::signed_bytes(reply);
    if !is_signed(signature, signed.as_bytes(), &key.1)? {
        return Err(Fault::SignatureInvalid("decision"));
    }
    if let (Some(token), Some((_, bytes))) = (&token, token_key)
        && !token.is_signed(&bytes)
    {
        return Err(Fault::SignatureInvalid("token"));
    }
    Ok(Genuine {
        decision_id,
        outcome: outcome.to_owned(),
        entry_id,
        key_id: key_id.to_owned(),
        signed_by: key.0.name.clone().unwrap_or_default(),
        has_token: token.is_some(),
    })
}

/// Whether every signed member is there. The list is that of the function that
/// makes replies, so the two cannot differ.
fn complete(reply: &Object) -> Result<(), Fault> {
    let model = ::ledger::reply::signed_members(None, &Object::new(), None);
    for (name, _) in model.iter() {
        if reply.get(name).is_none() {
            return Err(Fault::Incomplete(name.to_owned()));
        }
    }
    Ok(())
}

fn consistent(reply: &Object, outcome: &str) -> Result<(), Fault> {
    let is_allowed = outcome == "allowed";
    if reply.get("allowed").and_then(Json::as_bool) != Some(is_allowed) {
        return Err(Fault::FieldMismatch("allowed"));
    }
    // A preview is never signed, so a signed one was made up.
    if reply.get("dry_run").and_then(Json::as_bool) != Some(false) {
        return Err(Fault::FieldMismatch("dry_run"));
    }
    let has_token_id = reply.get("token_id").and_then(Json::as_str).is_some();
    if has_token_id != is_allowed {
        return Err(Fault::FieldMismatch("token_id"));
    }
    Ok(())
}

/// The key and its bytes, if it may vouch for that entry.
fn find<'a>(
    keys: &'a [Key],
    kid: &str,
    usage: &'static str,
    entry_id: u64,
) -> Result<(&'a Key, [u8; 32]), Fault> {
    let unknown = || Fault::KeyUnknown { kid: kid.to_owned(), usage };
    let key = keys.iter().find(|key| key.kid == kid && key.usage == usage).ok_or_else(unknown)?;
    let bytes = key.bytes().ok_or_else(unknown)?;
    let is_past = key.valid_until_index.is_some_and(|until| until <= entry_id);
    if is_past || !matches!(key.status.as_str(), "active" | "retired") {
        return Err(Fault::KeyNotValid { kid: kid.to_owned(), entry_id });
    }
    Ok((key, bytes))
}

fn is_signed(signature: &Object, signed: &[u8], key: &[u8; 32]) -> Result<bool, Fault> {
    let incomplete = || Fault::Incomplete("signature".to_owned());
    let value = ::ledger::signature::parse(text(signature, "value")?).ok_or_else(incomplete)?;
    match text(signature, "algorithm")? {
        "Ed25519" => Ok(::ledger::signature::verify(key, signed, &value)),
        "Ed25519-batch" => {
            let message = ::ledger::document::reply::batch_message(signature, signed);
            let message = message.ok_or_else(incomplete)?;
            Ok(message.is_some_and(|m| ::ledger::signature::verify(key, &m, &value)))
        }
        _ => Err(incomplete()),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> Result<&'a str, Fault> {
    let found = object.get(name).and_then(Json::as_str);
    found.ok_or_else(|| Fault::Incomplete(name.to_owned()))
}

fn integer(object: &Object, name: &str) -> Result<u64, Fault> {
    let found = object.get(name).and_then(Json::as_u64);
    found.ok_or_else(|| Fault::Incomplete(name.to_owned()))
}

fn time(object: &Object, name: &str) -> Result<Timestamp, Fault> {
    text(object, name)?.parse().map_err(|_| Fault::Incomplete(name.to_owned()))
}

/// Entry ids as claims count them.
fn entry_id(object: &Object) -> Result<EntryId, Fault> {
    integer(object, "ledger_entry_id").map(EntryId)
}
