//! `lexecon signer`.

use client::Client;
use client::signers::{Signer, Signers};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Those outside the cluster whose keys sign evidence.

Example:

  lexecon signer list";

const ADD_HELP: &str = "\
Publishes the key of a signer, so that its signatures are taken. A public key is registered once \
and for ever. It is sent once: where its outcome is unknown, `lexecon signer list` tells.

Example:

  lexecon signer add 'internal audit' --public-key J8NiwcLZQrUKkqgW2NPhKC6ogtzSRPXjrKvWZ0LeGYE \
--owner act_human_user:jane";

const LIST_HELP: &str = "\
Signers, oldest first, those that were revoked among them.

Example:

  lexecon signer list";

const REVOKE_HELP: &str = "\
Ends the key of a signer. What it signed before stays signed.

Example:

  lexecon signer revoke key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD --reason 'left the company'";

/// What to do with signers.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Publish the key of a signer
    #[command(long_about = ADD_HELP)]
    Add {
        /// What the signer is called
        name: String,
        /// Ed25519, base64url
        #[arg(long, value_name = "BASE64URL", allow_hyphen_values = true)]
        public_key: String,
        /// Whose it is, where nobody authenticates
        #[arg(long, value_name = "HUMAN")]
        owner: Option<String>,
    },
    /// List signers
    #[command(long_about = LIST_HELP)]
    List {
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
    /// End the key of a signer
    #[command(long_about = REVOKE_HELP)]
    Revoke {
        /// Its key
        key_id: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Add { name, public_key, owner } => {
            let registered = client.signer_register(name, public_key, owner.as_deref());
            let reply = console.wait("the signer", registered).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::List { after, limit } => {
            let signers = client.signers(after.as_deref(), *limit);
            let reply = console.wait("the signers", signers).await?;
            console.show(&reply.raw, || shown_list(&reply.value))?;
        }
        Verb::Revoke { key_id, reason } => {
            let revoked = client.signer_revoke(key_id, reason);
            let reply = console.wait("the signer to end", revoked).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn shown(signer: &Signer) -> String {
    fields([
        ("key", Some(signer.key_id.clone())),
        ("name", signer.name.clone()),
        ("owner", signer.owner.clone()),
        ("public key", Some(signer.public_key.clone())),
        ("status", Some(signer.status.clone())),
        ("registered", Some(signer.registered_at.clone())),
        ("entry", Some(signer.ledger_entry_id.to_string())),
    ])
}

fn shown_list(list: &Signers) -> String {
    let rows = list.signers.iter().map(|signer| {
        [
            signer.key_id.clone(),
            cell(signer.name.as_ref()),
            cell(signer.owner.as_ref()),
            signer.status.clone(),
            signer.registered_at.clone(),
        ]
    });
    let mut text = table(["KEY", "NAME", "OWNER", "STATUS", "REGISTERED"], rows.collect());
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", crate::console::printable(next)));
    }
    text
}
