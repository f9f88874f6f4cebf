//! Proofs of the tree, made from the tiles of one state.
//!
//! Invariant: no proof is answered that does not verify. Tiles that give one are
//! damaged, and this node says so instead.

use std::cell::RefCell;
use std::collections::BTreeMap;

use governance::record::CheckpointRecord;
use governance::{Corruption, Read, Tree, view};
use ledger::proof::{self, ProofError};
use ledger::tile::{TileId, Tiles};
use types::{Digest, EntryId, Json, Object};

use super::ID_MAX;
use super::checkpoint::{frozen, note_at};
use crate::app::App;
use crate::backend::Backend;
use crate::call::{Answer, Call};
use crate::fields::{Field, Kind};
use crate::problem::{Code, Fault, Problem};
use crate::reply::{Member, hash, integer, text, texts};

/// Tiles that proofs of one page share; 32 MiB.
const TILES_MAX: usize = 4096;

const SIZE: Kind = Kind::Integer { min: 1, max: ID_MAX };

const HASHES: Member = texts("hashes", "The proof, hex, from the leaf towards the root.");

/// Members of the proof of an entry.
pub(crate) const PROOF: &[Member] = &[
    integer("leaf_index", "The entry's id."),
    integer("tree_size", "Entries of the tree."),
    hash("root_hash", "Its root."),
    HASHES,
    text("checkpoint", "The final checkpoint of that size, frozen.").or_null(),
];

/// Query of `GET /ledger/proof/inclusion`.
pub(crate) const INCLUSION_QUERY: &[Field] = &[
    Field::required("id", Kind::Integer { min: 0, max: ID_MAX }, "The entry."),
    Field::optional("size", SIZE, "Entries of the tree; all there are by default."),
];

/// Reply of `GET /ledger/proof/inclusion`.
pub(crate) const INCLUSION_REPLY: &[Member] = &[
    integer("id", "The entry."),
    integer("leaf_index", "The same, as trees count."),
    hash("leaf_hash", "`current_hash` of the entry."),
    integer("tree_size", "Entries of the tree."),
    hash("root_hash", "Its root."),
    HASHES,
    text("checkpoint", "The final checkpoint of that size, frozen.").or_null(),
];

/// Query of `GET /ledger/proof/consistency`.
pub(crate) const CONSISTENCY_QUERY: &[Field] = &[
    Field::required("from", SIZE, "Entries of the older tree."),
    Field::optional("to", SIZE, "Entries of the newer tree; all there are by default."),
];

/// Reply of `GET /ledger/proof/consistency`.
pub(crate) const CONSISTENCY_REPLY: &[Member] = &[
    integer("from", "Entries of the older tree."),
    integer("to", "Entries of the newer tree."),
    hash("from_root", "Root of the older."),
    hash("to_root", "Root of the newer."),
    HASHES,
    text("checkpoint", "The final checkpoint of size `to`, frozen.").or_null(),
];

/// The tree of a state, each tile read once.
struct Cached<'a, R> {
    tree: Tree<'a, R>,
    tiles: RefCell<BTreeMap<TileId, Vec<Digest>>>,
}

impl<'a, R: Read> Cached<'a, R> {
    fn new(read: &'a R) -> Self {
        Self { tree: Tree(read), tiles: RefCell::default() }
    }
}

impl<R: Read> Tiles for Cached<'_, R> {
    type Error = Corruption;

    fn tile(&self, id: TileId) -> Result<Vec<Digest>, Corruption> {
        if let Some(hashes) = self.tiles.borrow().get(&id) {
            return Ok(hashes.clone());
        }
        let hashes = self.tree.tile(id)?;
        let mut tiles = self.tiles.borrow_mut();
        if TILES_MAX <= tiles.len() {
            tiles.clear();
        }
        tiles.insert(id, hashes.clone());
        Ok(hashes)
    }
}

/// What keeps a proof from being made, once its bounds were checked.
fn damaged(error: ProofError<Corruption>) -> Corruption {
    match error {
        ProofError::Tiles(found) => found,
        ProofError::Range | ProofError::Short => Corruption::new("tile", error.to_string()),
    }
}

/// Proofs of entries in the tree of one size.
pub(crate) struct Prover<'a, R> {
    tiles: Cached<'a, R>,
    pub(crate) size: u64,
    pub(crate) root: Digest,
    /// The final checkpoint of that size, frozen.
    pub(crate) checkpoint: Option<String>,
}

impl<'a, R: Read> Prover<'a, R> {
    /// In the tree of this final checkpoint.
    pub(crate) fn of(read: &'a R, record: &CheckpointRecord) -> Result<Self, Problem> {
        let checkpoint = Some(frozen(read, record)?);
        let (size, root) = (record.claim.size, record.claim.root);
        Ok(Self { tiles: Cached::new(read), size, root, checkpoint })
    }

    /// In the tree as it is now.
    pub(crate) fn now(read: &'a R) -> Result<Self, Problem> {
        let head = view::head(read)?;
        let checkpoint = None;
        Ok(Self { tiles: Cached::new(read), size: head.size(), root: head.root(), checkpoint })
    }

    /// In the tree of the last final checkpoint if that covers `last`, else as
    /// it is now.
    pub(crate) fn covering(read: &'a R, last: Option<EntryId>) -> Result<Self, Problem> {
        let covers = |record: &CheckpointRecord| last.is_none_or(|last| last.0 < record.claim.size);
        match view::last_final(read)?.filter(covers) {
            Some(record) => Self::of(read, &record),
            None => Self::now(read),
        }
    }

    /// The hashes from this leaf towards the root.
    pub(crate) fn hashes(&self, id: EntryId, leaf: Digest) -> Result<Vec<Digest>, Corruption> {
        let hashes = proof::inclusion(&self.tiles, id.0, self.size).map_err(damaged)?;
        if !proof::verify_inclusion(leaf, id.0, self.size, &hashes, self.root) {
            let what = format!("entry {id} is not in the tree of size {}", self.size);
            return Err(Corruption::new("tile", what));
        }
        Ok(hashes)
    }

    /// The proof of an entry, as replies show it.
    pub(crate) fn proof(&self, id: EntryId, leaf: Digest) -> Result<Json, Problem> {
        Ok(Json::object([
            ("leaf_index", id.0.into()),
            ("tree_size", self.size.into()),
            ("root_hash", self.root.to_string().into()),
            ("hashes", texts_of(&self.hashes(id, leaf)?)),
            ("checkpoint", self.checkpoint.as_deref().into()),
        ]))
    }
}

/// Hashes as replies show them.
pub(crate) fn texts_of(hashes: &[Digest]) -> Json {
    Json::Array(hashes.iter().map(|hash| hash.to_string().into()).collect())
}

fn out_of_range(name: &str, detail: String) -> Problem {
    Problem::fault(Fault::parameter(name, "out_of_range", detail))
}

/// `GET /ledger/proof/inclusion`.
pub(crate) async fn inclusion<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let id = EntryId(call.query.integer("id").unwrap_or(0));
    let size: Option<u64> = call.query.integer("size");
    app.blocking(move || prove(&read, id, size)).await.map(Answer::json)
}

fn prove(read: &impl Read, id: EntryId, size: Option<u64>) -> Result<Object, Problem> {
    let now = view::head(read)?.size();
    let entry = view::entry(read, id)?;
    let entry = entry.ok_or_else(|| Problem::new(Code::UNKNOWN_ENTRY, "there is no such entry"))?;
    let size = size.unwrap_or(now);
    if now < size {
        return Err(out_of_range("size", format!("there are {now} entries")));
    }
    if size <= id.0 {
        return Err(out_of_range("size", format!("must be above the entry's id, {id}")));
    }
    let tiles = Cached::new(read);
    let root = proof::root(&tiles, size).map_err(damaged)?;
    let checkpoint = note_at(read, size)?;
    let prover = Prover { tiles, size, root, checkpoint };
    let leaf = entry.hash();
    let mut reply = Object::new();
    reply.insert("id", id.0);
    reply.insert("leaf_hash", leaf.to_string());
    if let Json::Object(members) = prover.proof(id, leaf)? {
        for (name, value) in members {
            reply.insert(name, value);
        }
    }
    Ok(reply)
}

/// `GET /ledger/proof/consistency`.
pub(crate) async fn consistency<B: Backend>(app: &App<B>, call: &Call) -> Result<Answer, Problem> {
    let read = app.backend.view()?;
    let from: u64 = call.query.integer("from").unwrap_or(0);
    let to: Option<u64> = call.query.integer("to");
    app.blocking(move || compare(&read, from, to)).await
}

fn compare(read: &impl Read, from: u64, to: Option<u64>) -> Result<Answer, Problem> {
    let now = view::head(read)?.size();
    let to = to.unwrap_or(now);
    if now < from {
        return Err(out_of_range("from", format!("there are {now} entries")));
    }
    if now < to {
        return Err(out_of_range("to", format!("there are {now} entries")));
    }
    if to < from {
        return Err(out_of_range("to", "must not be less than `from`".to_owned()));
    }
    let tiles = Cached::new(read);
    let from_root = proof::root(&tiles, from).map_err(damaged)?;
    let to_root = proof::root(&tiles, to).map_err(damaged)?;
    let hashes = proof::consistency(&tiles, from, to).map_err(damaged)?;
    if !proof::verify_consistency(from, to, from_root, to_root, &hashes) {
        let what = format!("the tree of size {from} is not the beginning of that of size {to}");
        return Err(Corruption::new("tile", what).into());
    }
    Ok(Answer::members([
        ("from", from.into()),
        ("to", to.into()),
        ("from_root", from_root.to_string().into()),
        ("to_root", to_root.to_string().into()),
        ("hashes", texts_of(&hashes)),
        ("checkpoint", note_at(read, to)?.into()),
    ]))
}
