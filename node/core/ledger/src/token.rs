//! Capability tokens as text: `cap_<payload>_<signature>`.
//!
//! The payload is base64url of the RFC 8785 claims, the signature Ed25519 over
//! the ASCII text `cap_<payload>`. Base64url contains `_`, so the signature is
//! always the last 86 characters. This file makes and takes apart the text;
//! whether a token is in force is for the ledger to say.

use types::{Json, Object};

use crate::signature;

const PREFIX: &str = "cap_";

/// Longest text that is looked at, in bytes.
pub const TEXT_BYTES_MAX: usize = 8192;

/// What a token says, less `kid`, which names who minted the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Token id.
    pub token_id: &'a str,
    /// Who may act.
    pub actor: &'a str,
    /// What it may do.
    pub action: &'a str,
    /// On what.
    pub resource: Option<&'a str>,
    /// With what.
    pub tool: Option<&'a str>,
    /// By which decision.
    pub decision_id: &'a str,
    /// Under which policy, hex.
    pub policy_hash: &'a str,
    /// Whole seconds since the epoch.
    pub issued_at_seconds: u64,
    /// Whole seconds since the epoch.
    pub expires_at_seconds: u64,
    /// The entry that granted it.
    pub entry_id: u64,
    /// The cluster.
    pub cluster_id: &'a str,
}

impl Grant<'_> {
    /// The claims, as a node with key `kid` signs them.
    pub fn claims(&self, kid: &str) -> Json {
        Json::object([
            ("v", Json::from(1_u32)),
            ("jti", self.token_id.into()),
            ("sub", self.actor.into()),
            ("act", self.action.into()),
            ("res", self.resource.into()),
            ("tool", self.tool.into()),
            ("dec", self.decision_id.into()),
            ("pol", self.policy_hash.into()),
            ("iat", self.issued_at_seconds.into()),
            ("exp", self.expires_at_seconds.into()),
            ("kid", kid.into()),
            ("idx", self.entry_id.into()),
            ("iss", self.cluster_id.into()),
        ])
    }
}

/// What the signature of a token is made over.
pub fn signing_input(claims: &Json) -> String {
    format!("{PREFIX}{}", signature::to_text(claims.to_canonical().as_bytes()))
}

/// The token's text.
pub fn text(signing_input: &str, signature: &[u8; 64]) -> String {
    format!("{signing_input}_{}", signature::to_text(signature))
}

/// A token's text taken apart; nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What was signed.
    pub signing_input: &'a str,
    /// The claims' bytes: canonical JSON if a node of ours made them.
    pub claims: Vec<u8>,
    /// The signature.
    pub signature: [u8; 64],
}

/// Takes a token's text apart, or `None` when it has not that form.
pub fn parse(text: &str) -> Option<Parsed<'_>> {
    if TEXT_BYTES_MAX < text.len() || !text.is_ascii() {
        return None;
    }
    let split = text.len().checked_sub(signature::TEXT_CHARS)?;
    let (head, tail) = text.split_at_checked(split)?;
    let signing_input = head.strip_suffix('_')?;
    let claims = signature::from_text(signing_input.strip_prefix(PREFIX)?)?;
    Some(Parsed { signing_input, claims, signature: signature::parse(tail)? })
}

/// The claims that name the key, the entry and the end of a parsed token.
pub fn claim<'a>(claims: &'a Object, name: &str) -> Option<&'a Json> {
    claims.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn grant() -> Grant<'static> {
        Grant {
            token_id: "tok_1",
            actor: "ai_agent:a",
            action: "read",
            resource: None,
            tool: Some("sql"),
            decision_id: "dec_1",
            policy_hash: "41c0",
            issued_at_seconds: 1,
            expires_at_seconds: 301,
            entry_id: 7,
            cluster_id: "clu_1",
        }
    }

    #[test]
    fn a_token_comes_apart_as_it_was_put_together() {
        // Seeds are tried until payload and signature both contain `_`, which
        // is where a naive split goes wrong.
        let key = (0..=255_u8)
            .map(|seed| SigningKey::from_bytes(&[seed; 32]))
            .find(|key| {
                let signed = key.sign(signing_input(&grant().claims("key_1")).as_bytes());
                signature::to_text(&signed.to_bytes()).contains('_')
            })
            .unwrap();
        let input = signing_input(&grant().claims("key_1"));
        let signature = key.sign(input.as_bytes()).to_bytes();
        let token = text(&input, &signature);
        let parsed = parse(&token).unwrap();
        assert_eq!(parsed.signing_input, input);
        assert_eq!(parsed.claims, grant().claims("key_1").to_canonical().into_bytes());
        let public = key.verifying_key().to_bytes();
        assert!(signature::verify(&public, input.as_bytes(), &parsed.signature));
        assert!(!signature::verify(&public, &input.as_bytes()[1..], &parsed.signature));
    }

    #[test]
    fn broken_text_is_no_token() {
        let token = text(&signing_input(&grant().claims("key_1")), &[7; 64]);
        for broken in [
            String::new(),
            "cap_".to_owned(),
            token.replacen("cap_", "cup_", 1),
            token[..token.len() - 1].to_owned(),
            format!("{token}="),
            format!("{token}é"),
            format!("cap_{}", "A".repeat(TEXT_BYTES_MAX)),
        ] {
            assert_eq!(parse(&broken), None, "{broken}");
        }
    }
}
