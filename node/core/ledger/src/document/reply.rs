//! Replies to decisions, with the signature and the token they carry.

use types::{Digest, EntryId, Json, Object};

use super::{Against, demand};
use crate::canonical;
use crate::fault::FaultReason;
use crate::hash::entry_hash;
use crate::keys::{Key, Keys, Kid, Usage};
use crate::proof::inclusion_root;
use crate::signature;
use crate::{reply, token};

/// A reply, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The entry of the decision.
    pub entry: EntryId,
    /// Its `current_hash`, as the reply says.
    pub hash: Digest,
    signed: Signed,
    token: Option<Signed>,
}

/// A signature and what it is said to be over.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signed {
    kid: String,
    usage: Usage,
    entry: EntryId,
    signature: [u8; 64],
    /// `None` where a path of a batch leads nowhere, and so nothing was signed.
    message: Option<Vec<u8>>,
}

impl Reply {
    /// Reads a reply; nothing is verified.
    pub fn parse(members: &Object) -> Option<Self> {
        let entry = EntryId(members.get("ledger_entry_id")?.as_u64()?);
        let hash = members.get("ledger_entry_hash")?.as_str()?.parse().ok()?;
        let signature = members.get("signature")?.as_object()?;
        let signed = reply::signed_bytes(members).into_bytes();
        let message = match signature.get("algorithm")?.as_str()? {
            "Ed25519" => Some(signed),
            "Ed25519-batch" => batch_message(signature, &signed)?,
            _ => return None,
        };
        let signed = Signed {
            kid: signature.get("key_id")?.as_str()?.to_owned(),
            usage: Usage::Decision,
            entry,
            signature: signature::parse(signature.get("value")?.as_str()?)?,
            message,
        };
        let token = match members.get("capability_token") {
            None | Some(Json::Null) => None,
            Some(token) => Some(parse_token(token.as_str()?)?),
        };
        Some(Self { entry, hash, signed, token })
    }

    /// Checks it, and names the keys that signed it.
    pub(super) fn check(&self, against: &Against<'_>) -> Result<Vec<Kid>, FaultReason> {
        let keys = match against {
            Against::Ledger(ledger) => {
                let recorded = ledger.hashes.get(&self.entry);
                demand(recorded == Some(&self.hash), FaultReason::HashMismatch)?;
                ledger.directory.keys()
            }
            Against::Keys(keys) => keys,
            Against::Itself => return Err(FaultReason::KeyUnknown),
        };
        let signed = std::iter::once(&self.signed).chain(&self.token);
        signed.map(|signed| signed.check(keys).map(|key| key.kid.clone())).collect()
    }
}

impl Signed {
    fn check<'a>(&self, keys: &'a Keys) -> Result<&'a Key, FaultReason> {
        let key = keys.get(&self.kid).filter(|key| key.usage == self.usage);
        let key = key.ok_or(FaultReason::KeyUnknown)?;
        demand(key.counts_for(self.entry), FaultReason::KeyNotValidAtIndex)?;
        let message = self.message.as_ref();
        let is_signed = message.is_some_and(|message| key.signed(message, &self.signature));
        demand(is_signed, FaultReason::SignatureInvalid)?;
        Ok(key)
    }
}

/// What was signed if `signed` is the leaf that the signature says: `None`
/// where it says nothing of the kind, `Some(None)` where the path leads nowhere.
pub fn batch_message(signature: &Object, signed: &[u8]) -> Option<Option<Vec<u8>>> {
    let index = signature.get("leaf_index")?.as_u64()?;
    let size = signature.get("tree_size")?.as_u64()?;
    let path = signature.get("path")?.as_array()?.iter();
    let path: Vec<Digest> = path.map(|node| node.as_str()?.parse().ok()).collect::<Option<_>>()?;
    // The leaf hash of RFC 6962 is that of a ledger entry.
    let root = inclusion_root(entry_hash(signed), index, size, &path);
    Some(root.map(|root| format!("lexecon/batch/v1\n{root}\n").into_bytes()))
}

fn parse_token(text: &str) -> Option<Signed> {
    let parsed = token::parse(text)?;
    let claims = String::from_utf8(parsed.claims).ok()?;
    canonical::scan(&claims)?;
    let claims: Object = serde_json::from_str(&claims).ok()?;
    Some(Signed {
        kid: claims.get("kid")?.as_str()?.to_owned(),
        usage: Usage::Token,
        entry: EntryId(claims.get("idx")?.as_u64()?),
        signature: parsed.signature,
        message: Some(parsed.signing_input.as_bytes().to_vec()),
    })
}
