//! `lexecon status`.

use client::Client;
use client::system::Status;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;

pub(crate) async fn run(client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("the node", client.status()).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn shown(status: &Status) -> String {
    let policy = format!("version {}, {}", status.policy_version, status.policy_mode);
    fields([
        ("status", Some(status.status.clone())),
        ("node", Some(status.node_id.clone())),
        ("cluster", status.cluster_id.clone()),
        ("policy", Some(policy)),
        ("policy hash", Some(status.policy_hash.clone())),
        ("entries", Some(status.ledger_entries.to_string())),
        ("uptime", Some(format!("{} s", status.uptime_seconds))),
        ("auth", Some(status.auth_mode.clone())),
        ("time", Some(status.timestamp.clone())),
    ])
}
