//! What a node says of itself at `/cluster/status`.

use types::{Json, Object};

/// The members the tests look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `cluster_id`
    pub cluster_id: String,
    /// `node_id`
    pub node_id: String,
    /// `role`
    pub role: String,
    /// `leader_id`; `None` when none is known.
    pub leader_id: Option<String>,
    /// `term`
    pub term: u64,
    /// `applied_index`
    pub applied_index: u64,
    /// `ledger_size`
    pub ledger_size: u64,
    /// `root_hash`
    pub root_hash: String,
    /// `state_hash`
    pub state_hash: String,
    /// `voters`, by name, sorted.
    pub voters: Vec<String>,
}

impl Status {
    /// Reads a reply.
    ///
    /// # Errors
    /// The name of the first member that is missing or of another type.
    pub fn read(reply: &Json) -> Result<Self, String> {
        let reply = reply.as_object().ok_or("not an object")?;
        let leader_id = reply.get("leader_id").and_then(Json::as_str);
        Ok(Self {
            cluster_id: text(reply, "cluster_id")?,
            node_id: text(reply, "node_id")?,
            role: text(reply, "role")?,
            leader_id: leader_id.filter(|id| !id.is_empty()).map(str::to_owned),
            term: number(reply, "term")?,
            applied_index: number(reply, "applied_index")?,
            ledger_size: number(reply, "ledger_size")?,
            root_hash: text(reply, "root_hash")?,
            state_hash: text(reply, "state_hash")?,
            voters: names(reply, "voters")?,
        })
    }
}

fn text(reply: &Object, name: &str) -> Result<String, String> {
    let found = reply.get(name).and_then(Json::as_str).map(str::to_owned);
    found.ok_or_else(|| format!("no text `{name}`"))
}

fn number(reply: &Object, name: &str) -> Result<u64, String> {
    reply.get(name).and_then(Json::as_u64).ok_or_else(|| format!("no number `{name}`"))
}

fn names(reply: &Object, name: &str) -> Result<Vec<String>, String> {
    let values = reply.get(name).and_then(Json::as_array);
    let values = values.ok_or_else(|| format!("no list `{name}`"))?;
    let mut names: Vec<String> =
        values.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    if names.len() != values.len() {
        return Err(format!("`{name}` does not list names"));
    }
    names.sort_unstable();
    Ok(names)
}
