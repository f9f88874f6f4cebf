//! `lexecon keys`.

use client::Client;
use client::keys::{End, Keys, Retired, Rotated};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
The public keys of the nodes, past and present.

A reply is signed by the node that answered. Keep the keys beside the replies you keep, best \
fetched from another node than the one whose replies they check: then `lexecon verify` needs no \
server.

Example:

  lexecon keys --json > keys.json";

const ROTATE_HELP: &str = "\
Gives a node a new key. The one it had ends with the entry that says so; what it signed before \
stays good.

The node that is asked makes the key, so name one node. It is sent once: where its outcome is \
unknown, `lexecon keys` tells.

Example:

  lexecon keys rotate token --url http://127.0.0.1:8001";

const RETIRE_HELP: &str = "\
Ends a key. What it signed before stays good, unless somebody else may have it: with --compromised \
nothing it ever signed counts any more, and checkpoints may lose their majority.

A node whose key was ended has none for that use until it is given another: rotate first.

Examples:

  lexecon keys retire key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD --reason 'the machine was sold'

  lexecon keys retire key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD --reason 'found in a backup' --compromised";

/// What to do with the keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Give the node that is asked a new key
    #[command(long_about = ROTATE_HELP)]
    Rotate {
        /// What the key signs
        #[arg(value_name = "USE", value_parser = ["decision", "token", "checkpoint", "export"])]
        usage: String,
    },
    /// End a key
    #[command(long_about = RETIRE_HELP)]
    Retire {
        /// Its id
        #[arg(value_name = "KID")]
        kid: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Somebody else may have it
        #[arg(long)]
        compromised: bool,
    },
}

pub(crate) async fn run(
    verb: Option<&Verb>,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        None => {
            let reply = console.wait("the keys", client.keys()).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Some(Verb::Rotate { usage }) => {
            let reply = console.wait("the new key", client.rotate_key(usage)).await?;
            console.show(&reply.raw, || shown_rotated(&reply.value))?;
        }
        Some(Verb::Retire { kid, reason, compromised }) => {
            let end = if *compromised { End::Compromised } else { End::Retired };
            let retired = client.retire_key(kid, end, reason);
            let reply = console.wait("the key to end", retired).await?;
            console.show(&reply.raw, || shown_retired(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn shown(keys: &Keys) -> String {
    let ed25519 = keys.keys.iter().map(|key| {
        [
            key.kid.clone(),
            key.usage.clone(),
            cell(key.name.as_ref()),
            key.status.clone(),
            cell(key.valid_from_index),
            cell(key.valid_until_index),
        ]
    });
    let rsa = keys.rsa_keys.iter().map(|key| {
        [
            key.kid.clone(),
            "checkpoint (RSA)".to_owned(),
            cell(key.name.as_ref()),
            key.status.clone(),
            cell(key.valid_from_index),
            cell(key.valid_until_index),
        ]
    });
    let header = ["KEY", "USE", "NAME", "STATUS", "FROM", "UNTIL"];
    table(header, ed25519.chain(rsa).collect())
}

fn shown_rotated(rotated: &Rotated) -> String {
    fields([
        ("key", Some(rotated.key_id.clone())),
        ("replaces", rotated.replaces.clone()),
        ("use", Some(rotated.usage.clone())),
        ("node", Some(rotated.node_id.clone())),
        ("entry", Some(rotated.ledger_entry_id.to_string())),
    ])
}

fn shown_retired(retired: &Retired) -> String {
    fields([
        ("key", Some(retired.key_id.clone())),
        ("status", Some(retired.status.clone())),
        ("until", Some(retired.valid_until_index.to_string())),
        ("entry", Some(retired.ledger_entry_id.to_string())),
    ])
}
