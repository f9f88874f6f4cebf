//! Receipts: as JSON, which can show the parts, and as C2SP `tlog-proof`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::digest::from_hex;
use types::{Digest, Json, Object};

use super::{Against, Ledger, demand};
use crate::checkpoint::Checkpoint;
use crate::entry::Part;
use crate::fault::FaultReason;
use crate::hash::entry_hash;
use crate::header::Header;
use crate::keys::Kid;
use crate::note::Note;
use crate::proof::verify_inclusion;
use crate::receipt::TlogProof;

/// Members of the JSON form: these and no others.
const MEMBERS: usize = 12;

/// An entry, the proof that it is in the tree of a checkpoint, and the
/// checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the header says.
    pub header: Header,
    /// `current_hash` of the header's bytes.
    pub hash: Digest,
    /// `data`, where it is disclosed.
    pub data: Option<Part>,
    /// `personal`, where it is disclosed.
    pub personal: Option<Part>,
    /// What the receipt says the hash is.
    pub leaf: Digest,
    /// From the leaf towards the root.
    pub hashes: Vec<Digest>,
    /// What the receipt says the root is.
    pub root: Digest,
    /// What it says the size of the tree is.
    pub size: u64,
    /// The signed checkpoint.
    pub note: Note,
    /// Its text, read.
    pub checkpoint: Checkpoint,
}

impl Receipt {
    /// Reads the JSON form; nothing is verified.
    pub fn parse(members: &Object) -> Option<Self> {
        let text = |name: &str| members.get(name)?.as_str();
        let digest = |name: &str| text(name)?.parse::<Digest>().ok();
        let integer = |name: &str| members.get(name)?.as_u64();
        let bytes = STANDARD.decode(text("header")?).ok()?;
        let header = Header::parse(&bytes).ok()?;
        let is_about = |name: &str| integer(name) == Some(header.id.0);
        if members.len() != MEMBERS || !is_about("entry_id") || !is_about("leaf_index") {
            return None;
        }
        let hashes = members.get("hashes")?.as_array()?.iter();
        let (note, checkpoint) = checkpoint(text("checkpoint")?)?;
        Some(Self {
            hash: entry_hash(&bytes),
            header,
            data: part(members.get("data")?, members.get("salt")?)?,
            personal: part(members.get("personal")?, members.get("personal_salt")?)?,
            leaf: digest("leaf_hash")?,
            hashes: hashes.map(|hash| hash.as_str()?.parse().ok()).collect::<Option<_>>()?,
            root: digest("root_hash")?,
            size: integer("tree_size")?,
            note,
            checkpoint,
        })
    }

    /// Reads a C2SP `tlog-proof` that carries the header; nothing is verified.
    pub fn parse_proof(text: &str) -> Option<Self> {
        let proof = TlogProof::parse(text).ok()?;
        let bytes = proof.extra?;
        let header = Header::parse(&bytes).ok().filter(|header| header.id.0 == proof.index)?;
        let (note, checkpoint) = checkpoint(&proof.checkpoint)?;
        let hash = entry_hash(&bytes);
        Some(Self {
            header,
            hash,
            data: None,
            personal: None,
            leaf: hash,
            hashes: proof.hashes,
            root: checkpoint.root,
            size: checkpoint.size,
            note,
            checkpoint,
        })
    }

    /// Checks it, and names the keys that vouch for its checkpoint.
    pub(super) fn check(&self, against: &Against<'_>) -> Result<Vec<Kid>, FaultReason> {
        let ledger = match against {
            Against::Ledger(ledger) => Some(*ledger),
            Against::Keys(_) | Against::Itself => None,
        };
        if let Some(ledger) = ledger {
            let is_of_ledger = ledger.directory.origin() == Some(&self.checkpoint.origin);
            demand(is_of_ledger, FaultReason::WrongOrigin)?;
        }
        self.check_parts()?;
        let signers = ledger.map_or(Ok(Vec::new()), |ledger| self.signers(ledger))?;
        demand(self.leaf == self.hash, FaultReason::HashMismatch)?;
        if let Some(ledger) = ledger {
            let recorded = ledger.hashes.get(&self.header.id);
            demand(recorded == Some(&self.hash), FaultReason::HashMismatch)?;
        }
        self.check_proof()?;
        match against {
            Against::Ledger(ledger) => {
                let root = ledger.roots.get(&self.checkpoint.size).map(|(root, _)| *root);
                demand(root == Some(self.checkpoint.root), FaultReason::ConsistencyFailed)?;
                Ok(signers)
            }
            Against::Keys(keys) => {
                let Checkpoint { origin, size, .. } = &self.checkpoint;
                let vouching = keys.vouching(&self.note, origin, *size, FaultReason::KeyUnknown)?;
                Ok(vouching.into_iter().map(|key| key.kid.clone()).collect())
            }
            Against::Itself => Ok(signers),
        }
    }

    fn check_parts(&self) -> Result<(), FaultReason> {
        let holds = self.data.as_ref().is_none_or(|part| part.hash() == self.header.data_hash);
        demand(holds, FaultReason::DataHashMismatch)?;
        let personal = self.personal.as_ref();
        let holds = personal.is_none_or(|part| Some(part.hash()) == self.header.personal_hash);
        demand(holds, FaultReason::PersonalHashMismatch)
    }

    /// Who made the checkpoint final, as far as the ledger goes: of a larger
    /// tree it cannot tell who votes.
    fn signers(&self, ledger: &Ledger) -> Result<Vec<Kid>, FaultReason> {
        let Some((_, last)) = ledger.roots.get(&self.checkpoint.size) else {
            return Ok(Vec::new());
        };
        let signers = ledger.signers(&self.note, &self.checkpoint)?;
        let agrees = ledger.directory.agrees(&self.checkpoint, *last);
        demand(agrees, FaultReason::MembershipMismatch)?;
        Ok(signers)
    }

    fn check_proof(&self) -> Result<(), FaultReason> {
        let Checkpoint { root, size, .. } = self.checkpoint;
        let agrees = self.root == root && self.size == size;
        let leads = verify_inclusion(self.leaf, self.header.id.0, size, &self.hashes, root);
        demand(agrees && leads, FaultReason::InclusionFailed)
    }
}

fn checkpoint(text: &str) -> Option<(Note, Checkpoint)> {
    let note = Note::parse(text).ok()?;
    let checkpoint = Checkpoint::parse(&note.text).ok()?;
    Some((note, checkpoint))
}

/// A part and its salt, which are disclosed together.
fn part(value: &Json, salt: &Json) -> Option<Option<Part>> {
    if value.is_null() || salt.is_null() {
        return (value.is_null() && salt.is_null()).then_some(None);
    }
    let salt = from_hex(salt.as_str()?)?.try_into().ok()?;
    Some(Some(Part::new(salt, value)))
}
