//! `lexecon decisions`: decisions that are recorded. Asking for one is
//! `lexecon decide`.

use client::Client;
use client::decision::{Decisions, DecisionsQuery, Issued, Judgement, Replay};
use client::ledger::Order;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::time;
use crate::table::{fields, table};

pub(crate) const HELP: &str = "\
Decisions that were made and recorded.

Example:

  lexecon decisions replay dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const REPLAY_HELP: &str = "\
Judges a recorded decision again, by the policy and the facts it was judged by, and compares. \
Nothing is recorded.

Exits 0 if it comes out as recorded, 1 if not or if its content is erased.

Example:

  lexecon decisions replay dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const LIST_HELP: &str = "\
A page of recorded decisions. The last line says how to get the next page. Those whose content is \
erased are not listed; `lexecon ledger entries` has their entries.

Examples:

  lexecon decisions list --outcome denied --order desc --limit 20

  lexecon decisions list --actor ai_agent:claims_triage --action read_claim --from 2027-03-01";

const TOKEN_HELP: &str = "\
Gives a token for what a decision has come to: allowed by an approval, by an override, or by itself \
once its own token has expired. One token of a decision is active at a time. It is sent once.

Example:

  lexecon decisions token dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --expires-in 60";

/// What to do with decisions.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Read a page of decisions
    #[command(long_about = LIST_HELP)]
    List(ListArgs),
    /// Judge a recorded decision again and compare
    #[command(long_about = REPLAY_HELP)]
    Replay {
        /// Which one
        decision_id: String,
    },
    /// Get a token for what a decision has come to
    #[command(long_about = TOKEN_HELP)]
    Token {
        /// Which one
        decision_id: String,
        /// Life of the token in seconds
        #[arg(long, value_name = "SECONDS",
            value_parser = clap::value_parser!(u32).range(1..=86_400))]
        expires_in: Option<u32>,
    },
}

/// Which decisions to list.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Decisions of the page
    #[arg(long, value_name = "1..1000", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Begin after this ledger entry
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// About this actor alone
    #[arg(long)]
    actor: Option<String>,
    /// On this action alone
    #[arg(long)]
    action: Option<String>,
    /// With this outcome alone
    #[arg(long, value_parser = ["allowed", "denied", "escalated"])]
    outcome: Option<String>,
    /// Not before this time (RFC 3339, or a date)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<String>,
    /// Oldest or newest first
    #[arg(long, value_name = "ORDER", default_value = "asc", value_parser = ["asc", "desc"])]
    order: String,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::List(args) => {
            let query = query(args);
            let reply = console.wait("the decisions", client.decisions(&query)).await?;
            console.show(&reply.raw, || shown_page(&reply.value))?;
            Ok(Exit::Done)
        }
        Verb::Replay { decision_id } => {
            let replay = client.decision_replay(decision_id);
            let reply = console.wait("the decision to be judged again", replay).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::answer(reply.value.identical == Some(true)))
        }
        Verb::Token { decision_id, expires_in } => {
            let token = client.decision_token(decision_id, *expires_in);
            let reply = console.wait("the token", token).await?;
            console.show(&reply.raw, || shown_token(&reply.value))?;
            Ok(Exit::Done)
        }
    }
}

fn query(args: &ListArgs) -> DecisionsQuery {
    DecisionsQuery {
        limit: Some(args.limit),
        after: args.after,
        actor: args.actor.clone(),
        action: args.action.clone(),
        outcome: args.outcome.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        order: if args.order == "desc" { Order::Descending } else { Order::Ascending },
    }
}

fn shown_page(page: &Decisions) -> String {
    let rows = page.decisions.iter().map(|decision| {
        [
            decision.ledger_entry_id.to_string(),
            decision.timestamp.clone(),
            decision.effective_outcome.clone(),
            decision.actor.clone(),
            decision.action.clone(),
            decision.decision_id.clone(),
        ]
    });
    let header = ["ENTRY", "TIME", "OUTCOME", "ACTOR", "ACTION", "DECISION"];
    let mut text = table(header, rows.collect());
    let more = if page.total_exact { "" } else { "more than " };
    text.push_str(&format!("{} of {more}{} decisions", page.decisions.len(), page.total));
    if let Some(next) = page.next {
        text.push_str(&format!("; next page: --after {next}"));
    }
    text.push('\n');
    text
}

fn shown_token(issued: &Issued) -> String {
    fields([
        ("token", Some(issued.capability_token.clone())),
        ("id", Some(issued.token_id.clone())),
        ("decision", Some(issued.decision_id.clone())),
        ("rests on", Some(format!("{} {}", issued.basis, issued.basis_id))),
        ("expires", Some(issued.token_expires_at.clone())),
        ("entry", Some(issued.ledger_entry_id.to_string())),
    ])
}

fn shown(replay: &Replay) -> String {
    let judgement =
        |judgement: &Judgement| format!("{} ({})", judgement.outcome, judgement.reason_code);
    let identical = match (replay.identical, &replay.unreplayable) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), _) => "NO".to_owned(),
        (None, why) => format!("cannot be told: {}", why.as_deref().unwrap_or("no reason given")),
    };
    let mut text = fields([
        ("decision", Some(replay.decision_id.clone())),
        ("identical", Some(identical)),
        ("recorded", Some(judgement(&replay.recorded))),
        ("replayed", replay.replayed.as_ref().map(judgement)),
        ("policy", Some(format!("version {}, hash {}", replay.policy_version, replay.policy_hash))),
        ("engine", Some(replay.engine_version.to_string())),
    ]);
    for difference in &replay.differences {
        let line = difference.as_str().map_or_else(|| difference.to_canonical(), str::to_owned);
        text.push_str(&format!("differs: {}\n", printable(&line)));
    }
    text
}
