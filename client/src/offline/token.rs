//! The token of a decision reply: that it says what the decision says.

use ::ledger::token::{Grant, Parsed};
use types::{Json, Object};

use super::{Fault, entry_id, text, time};

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
