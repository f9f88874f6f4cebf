//! Tokens: that of a decision reply, which must say what the decision says, and
//! one alone, as a resource server gets it.

use ::ledger::token::{Grant, Parsed};
use types::{Json, Object, Timestamp};

use super::{Fault, entry_id, find, text, time};
use crate::keys::Key;
use crate::token::{Claims, Expectation};

/// The first check of a token that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The text is no token.
    #[error("the text is no token")]
    Malformed,
    /// No key was given that may vouch for it.
    #[error("no key `{kid}` that vouches for tokens of entry {entry_id} is among the keys given")]
    KeyUnknown {
        /// Its id.
        kid: String,
        /// The entry that granted the token.
        entry_id: u64,
    },
    /// The text is not what was signed.
    #[error("the signature of the token does not fit")]
    SignatureInvalid,
    /// Its time is over.
    #[error("the token expired {at_seconds} s after the epoch")]
    Expired {
        /// Whole seconds since the epoch.
        at_seconds: u64,
    },
    /// It does not permit what is expected of it.
    #[error("the token is not for this {what}")]
    Mismatch {
        /// In what it differs.
        what: &'static str,
        /// The contract's word for it.
        code: &'static str,
    },
}

impl TokenFault {
    /// The contract's word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::SignatureInvalid => "signature_invalid",
            Self::Expired { .. } => "expired",
            Self::Mismatch { code, .. } => code,
        }
    }
}

/// Checks a token without any server: that a key the caller trusts signed it, that
/// it is not over at `now`, and that it permits what is expected.
///
/// Keys are those of one cluster, best fetched again at least as often as a
/// compromise must be known. Whether the token was revoked since, or its grant
/// erased, only the ledger knows: [`crate::Client::token_verify`] asks. It ends
/// up to a second before the cluster says so, because claims have whole seconds.
///
/// # Errors
/// The first [`TokenFault`], in the order of the contract.
pub fn verify_token(
    carried: &str,
    expected: &Expectation,
    keys: &[Key],
    now: Timestamp,
) -> Result<Claims, TokenFault> {
    let parsed = ::ledger::token::parse(carried).ok_or(TokenFault::Malformed)?;
    let claims: Claims =
        serde_json::from_slice(&parsed.claims).map_err(|_| TokenFault::Malformed)?;
    let kid = claims.key_id.clone().ok_or(TokenFault::Malformed)?;
    if claims.to_json(&kid).to_canonical().as_bytes() != parsed.claims {
        return Err(TokenFault::Malformed);
    }
    let entry_id = claims.entry_id;
    let (_, key) = find(keys, &kid, "token", entry_id)
        .map_err(|_| TokenFault::KeyUnknown { kid: kid.clone(), entry_id })?;
    if !(Token { parsed, kid }).is_signed(&key) {
        return Err(TokenFault::SignatureInvalid);
    }
    if claims.expires_at_seconds <= now.seconds() {
        return Err(TokenFault::Expired { at_seconds: claims.expires_at_seconds });
    }
    let said = [
        Some(claims.actor.as_str()),
        Some(claims.action.as_str()),
        claims.resource.as_deref(),
        claims.tool.as_deref(),
    ];
    for ((what, expected, code), said) in expected.named().into_iter().zip(said) {
        if expected.is_some() && expected != said {
            return Err(TokenFault::Mismatch { what, code });
        }
    }
    Ok(claims)
}

impl Claims {
    /// The claims as a node signs them, which have no other spelling.
    fn to_json(&self, kid: &str) -> Json {
        let grant = Grant {
            token_id: &self.token_id,
            actor: &self.actor,
            action: &self.action,
            resource: self.resource.as_deref(),
            tool: self.tool.as_deref(),
            decision_id: &self.decision_id,
            policy_hash: &self.policy_hash,
            issued_at_seconds: self.issued_at_seconds,
            expires_at_seconds: self.expires_at_seconds,
            entry_id: self.entry_id,
            cluster_id: &self.cluster_id,
        };
        grant.claims(kid)
    }
}

/// A token whose claims are those of the decision.
pub(super) struct Token<'a> {
    parsed: Parsed<'a>,
    pub(super) kid: String,
}

/// Takes the token of a reply apart; there is none where the decision allowed
/// nothing, or where the texts of a batch were left for later.
pub(super) fn parse(reply: &Object) -> Result<Option<Token<'_>>, Fault> {
    let mismatch = |why: &str| Fault::TokenMismatch(why.to_owned());
    let carried = match reply.get("capability_token") {
        None | Some(Json::Null) => return Ok(None),
        Some(carried) => carried.as_str().ok_or_else(|| mismatch("it is no text"))?,
    };
    let parsed = ::ledger::token::parse(carried).ok_or_else(|| mismatch("it is malformed"))?;
    let malformed = || mismatch("its claims are malformed");
    let claims: Json = serde_json::from_slice(&parsed.claims).map_err(|_| malformed())?;
    let said = claims.as_object().ok_or_else(malformed)?;
    let kid = said.get("kid").and_then(Json::as_str).ok_or_else(malformed)?.to_owned();
    let issuer = said.get("iss").and_then(Json::as_str).ok_or_else(malformed)?;
    let expected = expected(reply, &kid, issuer)?;
    let expected_members = expected.as_object().ok_or_else(malformed)?;
    for (name, value) in expected_members.iter() {
        if said.get(name) != Some(value) {
            return Err(Fault::TokenMismatch(format!("claim `{name}` differs")));
        }
    }
    // Neither further claims nor another spelling of the same ones.
    if parsed.claims != expected.to_canonical().as_bytes() {
        return Err(malformed());
    }
    Ok(Some(Token { parsed, kid }))
}

/// The claims that a token of this reply must have. The reply does not name the
/// cluster, so the issuer is the token's own.
fn expected(reply: &Object, kid: &str, issuer: &str) -> Result<Json, Fault> {
    let optional = |name: &str| reply.get(name).and_then(Json::as_str);
    let token_id = optional("token_id");
    let grant = Grant {
        token_id: token_id.ok_or_else(|| Fault::TokenMismatch("none was granted".to_owned()))?,
        actor: text(reply, "actor")?,
        action: text(reply, "action")?,
        resource: optional("resource"),
        tool: optional("tool"),
        decision_id: text(reply, "decision_id")?,
        policy_hash: text(reply, "policy_hash")?,
        issued_at_seconds: time(reply, "timestamp")?.seconds(),
        expires_at_seconds: time(reply, "token_expires_at")?.seconds(),
        entry_id: entry_id(reply)?.0,
        cluster_id: issuer,
    };
    Ok(grant.claims(kid))
}

impl Token<'_> {
    pub(super) fn is_signed(&self, key: &[u8; 32]) -> bool {
        let Parsed { signing_input, signature, .. } = &self.parsed;
        ::ledger::signature::verify(key, signing_input.as_bytes(), signature)
    }
}
