//! `lexecon hold`: legal holds.

use client::Client;
use client::retention::{Hold, HoldFilter, HoldQuery, HoldScope, Holds, NewHold};
use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Legal holds: what is kept, however old it is and whoever asks for it to be erased.

Example:

  lexecon hold apply --reason 'claim 2027-113' --actor ai_agent:claims_triage";

const APPLY_HELP: &str = "\
Freezes records until the hold is released: those of these entries, those that fit (and later ones \
that fit), or every one. A hold that would keep nothing is refused.

Examples:

  lexecon hold apply --reason 'claim 2027-113' --entry 118 --entry 119

  lexecon hold apply --reason 'audit' --id audit-2027 --type decision --from 2027-01-01 --to 2027-04-01

  lexecon hold apply --reason 'court order' --all";

const LIST_HELP: &str = "\
Lists legal holds, oldest first.

Example:

  lexecon hold list --status active

  lexecon hold list --as-of 2027-03-04";

const RELEASE_HELP: &str = "\
Ends a hold. What it kept is erased once its time is up, unless another hold keeps it.

Example:

  lexecon hold release audit-2027 --reason 'the audit is over'";

/// What to do with holds.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Freeze records
    #[command(long_about = APPLY_HELP)]
    Apply(Box<ApplyArgs>),
    /// List holds
    #[command(long_about = LIST_HELP)]
    List {
        /// Those that stand so
        #[arg(long, value_parser = ["active", "released"])]
        status: Option<String>,
        /// Those applied by entries past this one
        #[arg(long, value_name = "ENTRY_ID")]
        after: Option<u64>,
        /// Most of a page
        #[arg(long, value_name = "1..1000",
            value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: Option<u32>,
        /// As they stood at this entry, or at the last one not later
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
    /// End a hold
    #[command(long_about = RELEASE_HELP)]
    Release {
        /// Its id
        hold_id: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// What is frozen, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct ApplyArgs {
    /// Why, for whoever reads the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Its id; drawn when absent
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who applies it, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
    /// An entry; may be given more than once
    #[arg(long = "entry", value_name = "ENTRY_ID",
        conflicts_with_all = ["actor", "entry_type", "from", "to", "all"])]
    entries: Vec<u64>,
    /// Entries about this actor
    #[arg(long, value_name = "ACTOR", conflicts_with = "all")]
    actor: Option<String>,
    /// Entries of this type
    #[arg(long = "type", value_name = "TYPE", id = "entry_type", conflicts_with = "all")]
    entry_type: Option<String>,
    /// Entries not earlier than this
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    from: Option<String>,
    /// Entries earlier than this
    #[arg(long, value_name = "TIME", conflicts_with = "all")]
    to: Option<String>,
    /// Every entry, and every later one
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Apply(args) => {
            let hold = hold(args)?;
            let reply = console.wait("the hold", client.hold_apply(&hold)).await?;
            let value = &reply.value;
            console.show(&reply.raw, || {
                fields([
                    ("hold", Some(value.hold_id.clone())),
                    ("status", Some(value.status.clone())),
                    (
                        "records",
                        Some(affected(value.records_affected, value.records_affected_exact)),
                    ),
                    ("time", Some(value.applied_at.clone())),
                    ("entry", Some(value.ledger_entry_id.to_string())),
                ])
            })?;
        }
        Verb::List { status, after, limit, as_of } => {
            let (status, as_of) = (status.clone(), as_of.clone());
            let query = HoldQuery { status, after: *after, limit: *limit, as_of };
            let reply = console.wait("the holds", client.holds(&query)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Release { hold_id, reason } => {
            let release = client.hold_release(hold_id, reason);
            let reply = console.wait("the hold to be released", release).await?;
            let value = &reply.value;
            console.show(&reply.raw, || {
                fields([
                    ("hold", Some(value.hold_id.clone())),
                    ("status", Some(value.status.clone())),
                    ("time", Some(value.released_at.clone())),
                    ("entry", Some(value.ledger_entry_id.to_string())),
                ])
            })?;
        }
    }
    Ok(Exit::Done)
}

fn hold(args: &ApplyArgs) -> Result<NewHold, Failure> {
    let filter = HoldFilter {
        actor: args.actor.clone(),
        entry_type: args.entry_type.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
    };
    let scope = match (args.all, args.entries.is_empty(), filter == HoldFilter::default()) {
        (true, _, _) => HoldScope::All,
        (false, false, _) => HoldScope::Entries(args.entries.clone()),
        (false, true, false) => HoldScope::Filter(filter),
        (false, true, true) => {
            let detail = "say what is held: --entry, --actor, --type, --from, --to or --all";
            return Err(Failure::Usage(detail.to_owned()));
        }
    };
    let (reason, hold_id) = (args.reason.clone(), args.id.clone());
    Ok(NewHold { reason, hold_id, scope, requester: args.by.clone() })
}

fn shown(page: &Holds) -> String {
    let header = ["HOLD", "STATUS", "RECORDS", "APPLIED", "SCOPE", "REASON"];
    let mut text = table(header, page.holds.iter().map(row).collect());
    let more = if page.total_exact { "" } else { "more than " };
    text.push_str(&format!("{more}{} holds", page.total));
    match page.next {
        Some(next) => text.push_str(&format!("; next page: --after {next}\n")),
        None => text.push('\n'),
    }
    text
}

fn affected(count: u64, is_exact: bool) -> String {
    if is_exact { count.to_string() } else { format!("at least {count}") }
}

fn row(hold: &Hold) -> [String; 6] {
    [
        hold.hold_id.clone(),
        hold.status.clone(),
        affected(hold.records_affected, hold.records_affected_exact),
        hold.applied_at.clone(),
        cell(hold.scope.get("kind").and_then(Json::as_str)),
        hold.reason.clone(),
    ]
}
