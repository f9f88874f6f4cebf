//! `lexecon api-key`: keys of programs.

use client::Client;
use client::auth::api_key::{ApiKeys, NewApiKey};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::time;
use crate::login::line;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Keys with which programs ask: each for some actors, by handles that are no credentials. It takes \
manage_users.

Example:

  lexecon api-key list";

const CREATE_HELP: &str = "\
Makes a key and prints it, alone and once: only its hash is kept. It may act as the actors that its \
prefixes cover: `ai_agent:claims` covers `ai_agent:claims` and `ai_agent:claims:7`, `*` covers all.

Example:

  lexecon api-key create --name claims --actor ai_agent:claims --expires-at 2027-06-30 > claims.key";

const LIST_HELP: &str = "\
Keys, oldest first, those that have ended among them.

Example:

  lexecon api-key list --limit 20";

const REVOKE_HELP: &str = "\
Ends a key. A node refuses it once it has applied that.

Example:

  lexecon api-key revoke apik_01K1R0D2J7Q4M8X5B9C3F6H0TP";

/// What to do with keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Make one
    #[command(long_about = CREATE_HELP)]
    Create {
        /// Name for people
        #[arg(long)]
        name: String,
        /// Actors it may act as, by the beginning of their names; may be repeated
        #[arg(long = "actor", value_name = "PREFIX", required = true)]
        actors: Vec<String>,
        /// What else it may do, such as `view_audit_logs`; may be repeated
        #[arg(long = "permission", value_name = "PERMISSION")]
        permissions: Vec<String>,
        /// When it ends (RFC 3339, or a date)
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires_at: Option<String>,
    },
    /// List them
    #[command(long_about = LIST_HELP)]
    List {
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
    /// End one
    #[command(long_about = REVOKE_HELP)]
    Revoke {
        /// Its handle
        key_id: String,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Create { name, actors, permissions, expires_at } => {
            let new = NewApiKey {
                name: name.clone(),
                actor_prefixes: actors.clone(),
                permissions: permissions.clone(),
                expires_at: expires_at.clone(),
            };
            create(&new, client, console).await
        }
        Verb::List { after, limit } => {
            let keys = client.api_keys(after.as_deref(), *limit);
            let reply = console.wait("the keys", keys).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::Done)
        }
        Verb::Revoke { key_id } => {
            let reply = console.wait("the key to end", client.revoke_api_key(key_id)).await?;
            let entry = reply.value.ledger_entry_id.map(|entry| entry.to_string());
            let text = || fields([("ended", Some(key_id.clone())), ("entry", entry)]);
            console.show(&reply.raw, text)?;
            Ok(Exit::answer(reply.value.revoked))
        }
    }
}

async fn create(
    new: &NewApiKey,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = console.wait("the key", client.api_key_create(new)).await?;
    let made = &reply.value;
    let key = made.api_key.as_ref();
    console.show(&reply.raw, || key.map(line).unwrap_or_default())?;
    console.notice(&format!("this is `{}`; the key is not shown again", made.key.key_id))?;
    Ok(Exit::answer(key.is_some()))
}

fn shown(list: &ApiKeys) -> String {
    let rows = list.api_keys.iter().map(|key| {
        [
            key.key_id.clone(),
            key.name.clone(),
            cell(key.status.as_ref()),
            key.actor_prefixes.join(" "),
            cell((!key.permissions.is_empty()).then(|| key.permissions.join(" "))),
            cell(key.expires_at.as_ref()),
            cell(key.last_used_at.as_ref()),
        ]
    });
    let header = ["KEY", "NAME", "STATUS", "ACTORS", "MAY", "EXPIRES", "USED"];
    let mut text = table(header, rows.collect());
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
