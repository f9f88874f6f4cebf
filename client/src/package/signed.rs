//! Whether a node signed the archive: what holds the files that no record can be
//! compared with.

use ::ledger::keys::{Key, Keys, Kid, Usage};
use types::{Digest, Json, Object};

use super::VerifiedPackage;
use super::fault::{Fault, Reason};

/// Checks the status of an export, as `GET /audit/status/{export_id}` gives it,
/// against the archive that was verified. Its key is one that the ledger in the
/// package knows, or one of `trusted`, since the node that built the file may
/// have joined after it.
///
/// # Errors
/// What does not hold, at the path of the archive as a whole.
pub fn check_status(
    status: &Json,
    verified: &VerifiedPackage,
    trusted: Option<&Keys>,
) -> Result<Kid, Fault> {
    let fault = |reason| Fault::of("", reason);
    let said = status.as_object().and_then(Said::parse);
    let said = said.ok_or_else(|| fault(Reason::StatusMalformed))?;
    if verified.sha256 != Some(said.sha256) {
        return Err(fault(Reason::StatusOfAnother));
    }
    let known = verified.ledger.ledger.directory().keys();
    let lists = [Some(known), trusted].into_iter().flatten();
    // A list that says that a key was given up counts against one that does not
    // know it yet.
    let found: Vec<&Key> = lists.filter_map(|keys| keys.get(said.kid)).collect();
    let is_good = |key: &&Key| key.usage == Usage::Export && !key.is_rsa() && !key.is_compromised;
    let key = found.first().filter(|_| found.iter().all(is_good));
    let key = key.ok_or_else(|| fault(Reason::StatusKeyUnknown))?;
    let message = format!("lexecon/export/v1\n{}\n", said.sha256);
    if key.signed(message.as_bytes(), &said.signature) {
        Ok(key.kid.clone())
    } else {
        Err(fault(Reason::StatusSignatureInvalid))
    }
}

/// What a status says of its file.
struct Said<'a> {
    sha256: Digest,
    kid: &'a str,
    signature: [u8; 64],
}

impl<'a> Said<'a> {
    fn parse(status: &'a Object) -> Option<Self> {
        let signature = status.get("signature")?.as_object()?;
        let word = |name: &str| signature.get(name)?.as_str();
        if word("algorithm")? != "Ed25519" {
            return None;
        }
        Some(Self {
            sha256: status.get("sha256")?.as_str()?.parse().ok()?,
            kid: word("key_id")?,
            signature: ::ledger::signature::parse(word("value")?)?,
        })
    }
}
