//! `lexecon session`: sessions that have not ended.

use client::Client;
use client::auth::session::{Sessions, Whose};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Sessions that logins began and that have not ended, by handles that are no credentials.

Example:

  lexecon session list";

const LIST_HELP: &str = "\
One's own sessions, oldest first; with --user or --all those of others, which takes manage_users.

Examples:

  lexecon session list

  lexecon session list --all --limit 20";

const REVOKE_HELP: &str = "\
Ends a session: one's own, or with manage_users any.

Example:

  lexecon session revoke evt_01K1R0D2J7Q4M8X5B9C3F6H0TP";

/// What to do with sessions.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// List those that have not ended
    #[command(long_about = LIST_HELP)]
    List {
        /// Those of this account
        #[arg(long, value_name = "USER_ID", conflicts_with = "all")]
        user: Option<String>,
        /// Those of everybody
        #[arg(long)]
        all: bool,
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
        id: String,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::List { user, all, after, limit } => {
            let whose = match user {
                Some(user) => Whose::User(user),
                None if *all => Whose::All,
                None => Whose::Own,
            };
            let sessions = client.sessions(whose, after.as_deref(), *limit);
            let reply = console.wait("the sessions", sessions).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::Done)
        }
        Verb::Revoke { id } => {
            let reply = console.wait("the session to end", client.revoke_session(id)).await?;
            let entry = reply.value.ledger_entry_id.map(|entry| entry.to_string());
            console.show(&reply.raw, || fields([("ended", Some(id.clone())), ("entry", entry)]))?;
            Ok(Exit::answer(reply.value.revoked))
        }
    }
}

fn shown(list: &Sessions) -> String {
    let rows = list.sessions.iter().map(|session| {
        [
            session.id.clone(),
            session.user_id.clone(),
            session.created_at.clone(),
            session.last_used_at.clone(),
            session.expires_at.clone(),
            cell(session.address.as_ref()),
            if session.current { "yes" } else { "no" }.to_owned(),
        ]
    });
    let header = ["SESSION", "USER", "BEGAN", "USED", "EXPIRES", "FROM", "CURRENT"];
    let mut text = table(header, rows.collect());
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
