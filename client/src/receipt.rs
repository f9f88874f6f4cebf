//! Receipts: all that shows, without any server, that a decision is in the
//! ledger. Keep one beside the reply it is of.

use ::ledger::receipt::TlogProof;
use serde::Deserialize;
use types::Json;

use crate::call::Call;
use crate::checkpoint::not_of_the_form;
use crate::error::Error;
use crate::reply::Reply;
use crate::transport::Client;

/// A receipt. What `lexecon verify` takes is the JSON it came as.
#[derive(Clone, Debug, Deserialize)]
pub struct Receipt {
    /// The entry.
    pub entry_id: u64,
    /// Base64 of its header's bytes.
    pub header: String,
    /// Its hash.
    pub leaf_hash: String,
    /// Its place in the tree.
    pub leaf_index: u64,
    /// Entries of the tree.
    pub tree_size: u64,
    /// Its root.
    pub root_hash: String,
    /// From the leaf towards the root.
    pub hashes: Vec<String>,
    /// The first final checkpoint that covers the entry; none before there is
    /// one, and then the receipt is of the present tree and will change.
    pub checkpoint: Option<String>,
    /// What makes the record a record; none once erased.
    pub data: Option<Json>,
    /// Key of its commitment.
    pub salt: Option<String>,
    /// What is free-form or personal; none once erased.
    pub personal: Option<Json>,
    /// Key of its commitment.
    pub personal_salt: Option<String>,
}

/// Whether to wait until a receipt is final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Take it as it is.
    #[default]
    No,
    /// At most 10 s, then a problem `not_final`.
    UntilFinal,
}

impl Client {
    /// The receipt of a decision.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn receipt(&self, decision_id: &str, wait: Wait) -> Result<Reply<Receipt>, Error> {
        self.call(&call(decision_id, wait)).await
    }

    /// The same as the text file of C2SP, which there is once it is final.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn tlog_proof(&self, decision_id: &str, wait: Wait) -> Result<String, Error> {
        let call = call(decision_id, wait).query("format", Some("tlog-proof"));
        let text = self.send(&call).await?.into_text()?;
        match TlogProof::parse(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(not_of_the_form("/decisions/{id}/receipt", &error.to_string())),
        }
    }
}

fn call(decision_id: &str, wait: Wait) -> Call {
    let wait = match wait {
        Wait::No => None,
        Wait::UntilFinal => Some("final"),
    };
    Call::get(["decisions", decision_id, "receipt"]).query("wait", wait)
}
