//! `lexecon ledger`.

mod export;
mod tree;

use client::Client;
use client::ledger::{EntriesQuery, Entry, LedgerVerification, Order, Page, VerifyRange};
use types::{Json, Timestamp};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, short, table};

pub(crate) const HELP: &str = "\
The ledger holds an entry for everything that was changed or decided. Entries are chained by hash: \
none can be changed, dropped or put in between without being found.

Example:

  lexecon ledger verify";

const ENTRIES_HELP: &str = "\
A page of entries. The last line says how to get the next page.

With --verify the page is re-hashed, and what is before it: exits 1 if the chain does not hold.

Examples:

  lexecon ledger entries --limit 20 --order desc

  lexecon ledger entries --type decision --actor ai_agent:claims_triage --from 2027-03-01 --verify";

const ENTRY_HELP: &str = "\
One entry with all it records.

Example:

  lexecon ledger entry 118";

const VERIFY_HELP: &str = "\
Has the node re-hash every stored entry and check the chain. Exits 1 at the first entry that does \
not hold, and names it.

The node that is asked checks its own copy. Ask each node to check each copy.

Examples:

  lexecon ledger verify --timeout 600

  lexecon ledger verify --from 100 --to 199 --url http://127.0.0.1:8001";

/// What to do with the ledger.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Read a page of entries
    #[command(long_about = ENTRIES_HELP)]
    Entries(EntriesArgs),
    /// Read one entry
    #[command(long_about = ENTRY_HELP)]
    Entry {
        /// Its id; 0 is the first
        id: u64,
    },
    /// Re-hash the ledger
    #[command(long_about = VERIFY_HELP)]
    Verify {
        /// The first entry
        #[arg(long, value_name = "ID")]
        from: Option<u64>,
        /// The last entry
        #[arg(long, value_name = "ID")]
        to: Option<u64>,
    },
    /// What a majority of the voters signed last
    #[command(long_about = tree::CHECKPOINT_HELP)]
    Checkpoint {
        /// With every signature known by now, not those alone that made it final
        #[arg(long)]
        all: bool,
    },
    /// List what they signed before
    #[command(long_about = tree::CHECKPOINTS_HELP)]
    Checkpoints {
        /// Begin after this size
        #[arg(long, value_name = "SIZE")]
        after: Option<u64>,
        /// Checkpoints of the page
        #[arg(long, value_name = "1..1000", default_value_t = 100,
            value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Prove what is in the tree, and that it only grows
    #[command(subcommand, long_about = tree::PROOF_HELP)]
    Proof(tree::Proof),
    /// All that shows offline that a decision is in the ledger
    #[command(long_about = tree::RECEIPT_HELP)]
    Receipt(tree::ReceiptArgs),
    /// Copy the whole ledger for auditors
    #[command(long_about = export::HELP)]
    Export(export::Args),
}

/// Which entries to read.
#[derive(Clone, Debug, clap::Args)]
pub struct EntriesArgs {
    /// Entries of the page
    #[arg(long, value_name = "1..1000", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Begin after this entry
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// Of this type alone
    #[arg(long = "type", value_name = "TYPE")]
    entry_type: Option<String>,
    /// About this actor alone
    #[arg(long)]
    actor: Option<String>,
    /// Not before this time (RFC 3339, or a date)
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<String>,
    /// Re-hash the page and what is before it
    #[arg(long)]
    verify: bool,
    /// Oldest or newest first
    #[arg(long, value_name = "ORDER", default_value = "asc", value_parser = ["asc", "desc"])]
    order: String,
}

/// A time as a node takes it.
pub(crate) fn time(text: &str) -> Result<String, String> {
    match text.parse::<Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Entries(args) => {
            let reply = console.wait("the entries", client.entries(&query(args))).await?;
            console.show(&reply.raw, || shown_page(&reply.value, args.verify))?;
            Ok(Exit::answer(reply.value.chain_valid != Some(false)))
        }
        Verb::Entry { id } => {
            let reply = console.wait("the entry", client.entry(*id)).await?;
            console.show(&reply.raw, || shown_entry(&reply.value))?;
            Ok(Exit::Done)
        }
        Verb::Verify { from, to } => {
            let range = VerifyRange { from: *from, to: *to };
            let check = client.ledger_verify(range);
            let reply = console.wait("the ledger to be re-hashed", check).await?;
            console.show(&reply.raw, || shown_verification(&reply.value))?;
            Ok(Exit::answer(reply.value.valid))
        }
        Verb::Checkpoint { all } => tree::checkpoint(*all, client, console).await,
        Verb::Checkpoints { after, limit } => {
            tree::checkpoints(*after, *limit, client, console).await
        }
        Verb::Proof(proof) => tree::prove(proof, client, console).await,
        Verb::Receipt(args) => tree::receipt(args, client, console).await,
        Verb::Export(args) => export::run(args, client, console).await,
    }
}

fn query(args: &EntriesArgs) -> EntriesQuery {
    let order = if args.order == "desc" { Order::Descending } else { Order::Ascending };
    EntriesQuery {
        limit: Some(args.limit),
        after: args.after,
        entry_type: args.entry_type.clone(),
        actor: args.actor.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        verify: args.verify,
        order,
        ..EntriesQuery::default()
    }
}

fn shown_page(page: &Page, verify: bool) -> String {
    let rows = page.entries.iter().map(|entry| {
        [
            entry.id.to_string(),
            entry.timestamp.clone(),
            entry.entry_type.clone(),
            cell(entry.actor.as_ref()),
            short(&entry.current_hash),
        ]
    });
    let mut text = table(["ID", "TIME", "TYPE", "ACTOR", "HASH"], rows.collect());
    let more = if page.total_exact == Some(false) { "more than " } else { "" };
    text.push_str(&format!("{} of {more}{} entries", page.entries.len(), page.total));
    if let Some(next) = page.next {
        text.push_str(&format!("; next page: --after {next}"));
    }
    text.push('\n');
    if verify {
        text.push_str(match page.chain_valid {
            Some(true) => "the chain holds\n",
            Some(false) => "the chain does NOT hold\n",
            None => "the page holds; what is before it is not verified yet\n",
        });
    }
    text
}

fn shown_entry(entry: &Entry) -> String {
    let mut text = fields([
        ("id", Some(entry.id.to_string())),
        ("type", Some(format!("{} #{}", entry.entry_type, entry.type_seq))),
        ("time", Some(entry.timestamp.clone())),
        ("actor", entry.actor.as_ref().map(|actor| format!("{actor} #{}", entry.actor_seq))),
        ("hash", Some(entry.current_hash.clone())),
        ("previous", Some(entry.previous_hash.clone())),
        ("data hash", Some(entry.data_hash.clone())),
        ("personal hash", entry.personal_hash.clone()),
        ("erased", entry.erased.as_ref().map(Json::to_canonical)),
    ]);
    for (name, part) in [("data", &entry.data), ("personal", &entry.personal)] {
        if let Some(part) = part {
            let pretty = serde_json::to_string_pretty(part);
            let pretty = pretty.unwrap_or_else(|_| part.to_canonical());
            text.push_str(&format!("\n{name} {pretty}\n"));
        }
    }
    text
}

fn shown_verification(found: &LedgerVerification) -> String {
    let answer = match (&found.first_invalid, found.valid) {
        (Some(invalid), _) => format!("NOT VALID: entry {}: {}", invalid.id, invalid.reason),
        (None, true) => "valid".to_owned(),
        (None, false) => "NOT VALID".to_owned(),
    };
    let checked =
        format!("{} ({} with an erased part)", found.entries_checked, found.entries_erased);
    fields([
        ("ledger", Some(answer)),
        ("checked", Some(checked)),
        ("head", Some(format!("{} {}", found.head.id, found.head.hash))),
        ("tree", Some(format!("{} {}", found.tree_size, found.root_hash))),
        ("took", Some(format!("{} ms", found.duration_ms))),
    ])
}
