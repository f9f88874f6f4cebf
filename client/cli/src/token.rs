//! `lexecon token`: whether a token holds, what became of one, ending one.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use client::Client;
use client::offline::{TokenFault, verify_token};
use client::token::{Claims, Expectation, Revoked, Token, TokenVerification};
use types::{Json, Timestamp};

use crate::command::Globals;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::fields;
use crate::verify::reply_keys;

pub(crate) const HELP: &str = "\
Capability tokens: a decision that allows something grants one, which permits it to its actor for a \
while. Whoever is shown one checks it before acting.

Example:

  lexecon token verify token.txt --actor ai_agent:claims_triage --action read_claim";

const VERIFY_HELP: &str = "\
Asks whether a token permits something now. Name what it must permit: what is not named is not \
checked. The text is read from a file or, for `-`, from standard input, because other users of the \
machine can read the arguments of a process.

With --keys no server is asked: the signature, the time and what is expected are checked with keys \
that `lexecon keys --json` printed. Whether the token was revoked since is not known then.

Exits 0 if it holds, 1 if not.

Examples:

  lexecon token verify token.txt --actor ai_agent:claims_triage --action read_claim

  lexecon token verify - --keys keys.json --action read_claim --resource claim/7 < token.txt";

const SHOW_HELP: &str = "\
What a token permits and what became of it, by its id. Its text is kept nowhere and is not shown.

Example:

  lexecon token show tok_01K1R0D2J7Q4M8X5B9C3F6H0TP";

const REVOKE_HELP: &str = "\
Ends a token before its time. It is refused for one that was revoked before or has expired: each has \
one end.

Example:

  lexecon token revoke tok_01K1R0D2J7Q4M8X5B9C3F6H0TP --reason 'the agent was replaced'";

/// What to do with a token.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask whether a token permits something now
    #[command(long_about = VERIFY_HELP)]
    Verify(VerifyArgs),
    /// What a token permits and what became of it
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Its id
        token_id: String,
    },
    /// End a token before its time
    #[command(long_about = REVOKE_HELP)]
    Revoke {
        /// Its id
        token_id: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Which token is checked, and for what.
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    /// File with the text of the token; `-` is standard input
    path: PathBuf,
    /// Who is acting
    #[arg(long)]
    actor: Option<String>,
    /// What is being done
    #[arg(long)]
    action: Option<String>,
    /// On what
    #[arg(long)]
    resource: Option<String>,
    /// With what
    #[arg(long)]
    tool: Option<String>,
    /// Check with these public keys and ask no server
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Verify(args) => verify(args, globals, console).await,
        Verb::Show { token_id } => show(token_id, &crate::connect(globals)?, console).await,
        Verb::Revoke { token_id, reason } => {
            revoke(token_id, reason, &crate::connect(globals)?, console).await
        }
    }
}

async fn verify(
    args: &VerifyArgs,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let text = input::text(&args.path)?;
    let text = text.trim();
    let expected = Expectation {
        actor: args.actor.clone(),
        action: args.action.clone(),
        resource: args.resource.clone(),
        tool: args.tool.clone(),
    };
    if let Some(keys) = &args.keys {
        return offline(text, &expected, keys, console);
    }
    let client = crate::connect(globals)?;
    let check = client.token_verify(text, &expected);
    let reply = console.wait("the token to be checked", check).await?;
    console.show(&reply.raw, || shown_verification(&reply.value))?;
    Ok(Exit::answer(reply.value.valid))
}

fn offline(
    text: &str,
    expected: &Expectation,
    keys: &Path,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let keys = reply_keys(keys)?;
    let found = verify_token(text, expected, &keys, now());
    console.show(&offline_json(&found), || match &found {
        Ok(claims) => {
            let [id, actor, action, resource, tool, decision, entry] = rows(Some(claims));
            let answer = ("token", Some("holds, if it was not revoked".to_owned()));
            fields([answer, id, actor, action, resource, tool, decision, entry])
        }
        Err(fault) => fields([
            ("token", Some("does NOT hold".to_owned())),
            ("fault", Some(fault.to_string())),
            ("code", Some(fault.code().to_owned())),
        ]),
    })?;
    Ok(Exit::answer(found.is_ok()))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// The members that a node would answer, as far as they are known without one.
fn offline_json(found: &Result<Claims, TokenFault>) -> Json {
    let token_id = found.as_ref().ok().map(|claims| claims.token_id.clone());
    Json::object([
        ("valid", found.is_ok().into()),
        ("reason_code", found.as_ref().map_or_else(TokenFault::code, |_| "ok").into()),
        ("token_id", token_id.into()),
        ("fault", found.as_ref().err().map(ToString::to_string).into()),
    ])
}

fn shown_verification(found: &TokenVerification) -> String {
    let answer = match found.valid {
        true => "holds".to_owned(),
        false => format!("does NOT hold: {}", found.reason_code),
    };
    let [id, actor, action, resource, tool, decision, entry] = rows(found.claims.as_ref());
    fields([
        ("token", Some(answer)),
        id,
        actor,
        action,
        resource,
        tool,
        decision,
        entry,
        ("expires", found.expires_at.clone()),
        ("revoked", found.revoked_at.clone()),
    ])
}

/// What a token says, where that is known.
fn rows(claims: Option<&Claims>) -> [(&'static str, Option<String>); 7] {
    [
        ("id", claims.map(|claims| claims.token_id.clone())),
        ("actor", claims.map(|claims| claims.actor.clone())),
        ("action", claims.map(|claims| claims.action.clone())),
        ("resource", claims.and_then(|claims| claims.resource.clone())),
        ("tool", claims.and_then(|claims| claims.tool.clone())),
        ("decision", claims.map(|claims| claims.decision_id.clone())),
        ("entry", claims.map(|claims| claims.entry_id.to_string())),
    ]
}

async fn show(token_id: &str, client: &Client, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let reply = console.wait("the token", client.token(token_id)).await?;
    console.show(&reply.raw, || shown_token(&reply.value))?;
    Ok(Exit::Done)
}

fn shown_token(token: &Token) -> String {
    let [id, actor, action, resource, tool, decision, entry] = rows(Some(&token.claims));
    fields([
        ("status", Some(token.status.clone())),
        id,
        actor,
        action,
        resource,
        tool,
        decision,
        entry,
        ("issued", Some(token.issued_at.clone())),
        ("expires", Some(token.expires_at.clone())),
        ("revoked", token.revoked_at.clone()),
        ("by", token.revoked_by.clone()),
        ("reason", token.revoke_reason.clone()),
    ])
}

async fn revoke(
    token_id: &str,
    reason: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let revoked = client.revoke_token(token_id, reason);
    let reply = console.wait("the token to end", revoked).await?;
    console.show(&reply.raw, || shown_revoked(&reply.value))?;
    Ok(Exit::Done)
}

fn shown_revoked(revoked: &Revoked) -> String {
    fields([
        ("token", Some(revoked.token_id.clone())),
        ("status", Some(revoked.status.clone())),
        ("time", Some(revoked.revoked_at.clone())),
        ("entry", Some(revoked.ledger_entry_id.to_string())),
    ])
}
