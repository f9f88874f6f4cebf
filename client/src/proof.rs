//! Proofs of the tree. Each can be checked without any server: what is left to
//! trust is the root, for which a checkpoint is.

use ::ledger::proof::{verify_consistency, verify_inclusion};
use serde::Deserialize;
use types::Digest;

use crate::call::Call;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// That an entry is in the tree of a size.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Inclusion {
    /// The entry.
    pub id: u64,
    /// Its place in the tree.
    pub leaf_index: u64,
    /// Its hash.
    pub leaf_hash: String,
    /// Entries of the tree.
    pub tree_size: u64,
    /// Its root.
    pub root_hash: String,
    /// From the leaf towards the root.
    pub hashes: Vec<String>,
    /// The final checkpoint of that size, if there is one.
    pub checkpoint: Option<String>,
}

impl Inclusion {
    /// Whether the hashes lead from the entry to the root.
    pub fn holds(&self) -> bool {
        let (Some(leaf), Some(root)) = (digest(&self.leaf_hash), digest(&self.root_hash)) else {
            return false;
        };
        let hashes = digests(&self.hashes);
        let is_leaf = self.id == self.leaf_index;
        is_leaf && hashes.is_some_and(|h| verify_inclusion(leaf, self.id, self.tree_size, &h, root))
    }
}

/// That one tree is the beginning of another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Consistency {
    /// Entries of the older tree.
    pub from: u64,
    /// Entries of the newer tree.
    pub to: u64,
    /// Root of the older.
    pub from_root: String,
    /// Root of the newer.
    pub to_root: String,
    /// From the leaves towards the root.
    pub hashes: Vec<String>,
    /// The final checkpoint of size `to`, if there is one.
    pub checkpoint: Option<String>,
}

impl Consistency {
    /// Whether the hashes lead from the one root to the other.
    pub fn holds(&self) -> bool {
        let (Some(from), Some(to)) = (digest(&self.from_root), digest(&self.to_root)) else {
            return false;
        };
        let hashes = digests(&self.hashes);
        hashes.is_some_and(|hashes| verify_consistency(self.from, self.to, from, to, &hashes))
    }
}

fn digest(text: &str) -> Option<Digest> {
    text.parse().ok()
}

fn digests(texts: &[String]) -> Option<Vec<Digest>> {
    texts.iter().map(|text| digest(text)).collect()
}

impl Client {
    /// Proof that an entry is in the tree of a size, or in the present one.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn inclusion(&self, id: u64, size: Option<u64>) -> Result<Reply<Inclusion>, Error> {
        let call = Call::get(["ledger", "proof", "inclusion"]).query("id", Some(id));
        self.call(&call.query("size", size)).await
    }

    /// Proof that the tree of one size is the beginning of that of another, or
    /// of the present one.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn consistency(
        &self,
        from: u64,
        to: Option<u64>,
    ) -> Result<Reply<Consistency>, Error> {
        let call = Call::get(["ledger", "proof", "consistency"]).query("from", Some(from));
        self.call(&call.query("to", to)).await
    }
}
