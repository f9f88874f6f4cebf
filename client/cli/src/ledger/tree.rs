//! `lexecon ledger checkpoint`, `checkpoints`, `proof` and `receipt`.

use client::Client;
use client::checkpoint::{Checkpoints, Signatures};
use client::proof::{Consistency, Inclusion};
use client::receipt::Wait;

use crate::console::{Console, printable_lines};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{fields, short, table};

pub(crate) const CHECKPOINT_HELP: &str = "\
The ledger as a majority of the voters signed it last: how many entries, the root of their tree, \
and the state they led to. A signed note (C2SP) that stock tools verify with any one of the keys \
of `lexecon keys`.

Keep one now and then, best where no node can reach: no ledger that contradicts it will pass.

Example:

  lexecon ledger checkpoint > checkpoint-2027-03-04";

pub(crate) const CHECKPOINTS_HELP: &str = "\
Final checkpoints, smallest first. The last line says how to get the next page.

Example:

  lexecon ledger checkpoints --after 10000 --limit 20";

pub(crate) const PROOF_HELP: &str = "\
Proofs of the tree over the ledger, each checked here before it is shown. Exits 1 where one does \
not hold.

Example:

  lexecon ledger proof inclusion 118";

const INCLUSION_HELP: &str = "\
That an entry is in the tree of a size; in the present one unless a size is given.

Example:

  lexecon ledger proof inclusion 118 --size 134";

const CONSISTENCY_HELP: &str = "\
That the tree of one size is the beginning of that of another: nothing was changed or taken out \
in between.

Example:

  lexecon ledger proof consistency 134 2000";

pub(crate) const RECEIPT_HELP: &str = "\
All that shows, without any server, that a decision is in the ledger. Once a final checkpoint \
covers it, a receipt never changes. `lexecon verify` checks it.

Examples:

  lexecon ledger receipt dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --wait > receipt.json

  lexecon ledger receipt dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --format tlog-proof > receipt.tlog-proof";

/// What to prove.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Proof {
    /// That an entry is in the tree
    #[command(long_about = INCLUSION_HELP)]
    Inclusion {
        /// The entry; 0 is the first
        id: u64,
        /// Entries of the tree
        #[arg(long)]
        size: Option<u64>,
    },
    /// That the tree only grew
    #[command(long_about = CONSISTENCY_HELP)]
    Consistency {
        /// Entries of the older tree
        from: u64,
        /// Entries of the newer tree; all there are otherwise
        to: Option<u64>,
    },
}

/// Which receipt.
#[derive(Clone, Debug, clap::Args)]
pub struct ReceiptArgs {
    /// The decision
    #[arg(value_name = "DECISION")]
    decision_id: String,
    /// As JSON, or as the text file of C2SP
    #[arg(long, value_name = "FORMAT", default_value = "json",
        value_parser = ["json", "tlog-proof"])]
    format: String,
    /// Wait until it is final, at most 10 s
    #[arg(long)]
    wait: bool,
}

pub(super) async fn checkpoint(
    all: bool,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let signatures = if all { Signatures::All } else { Signatures::Frozen };
    let reply = console.wait("the checkpoint", client.checkpoint(signatures)).await?;
    console.show(&reply.raw, || printable_lines(&reply.value.checkpoint))?;
    Ok(Exit::answer(reply.value.signatures.iter().all(|signature| signature.valid)))
}

pub(super) async fn checkpoints(
    after: Option<u64>,
    limit: u32,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let list = client.checkpoints(after, Some(limit));
    let reply = console.wait("the checkpoints", list).await?;
    console.show(&reply.raw, || shown_list(&reply.value))?;
    Ok(Exit::Done)
}

fn shown_list(list: &Checkpoints) -> String {
    let rows = list
        .checkpoints
        .iter()
        .map(|row| [row.size.to_string(), row.timestamp.clone(), row.root_hash.clone()]);
    let mut text = table(["SIZE", "TIME", "ROOT"], rows.collect());
    text.push_str(&format!("{} checkpoints", list.checkpoints.len()));
    if let Some(next) = list.next {
        text.push_str(&format!("; next page: --after {next}"));
    }
    text.push('\n');
    text
}

pub(super) async fn prove(
    proof: &Proof,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match proof {
        Proof::Inclusion { id, size } => {
            let reply = console.wait("the proof", client.inclusion(*id, *size)).await?;
            console.show(&reply.raw, || shown_inclusion(&reply.value))?;
            Ok(Exit::answer(reply.value.holds()))
        }
        Proof::Consistency { from, to } => {
            let reply = console.wait("the proof", client.consistency(*from, *to)).await?;
            console.show(&reply.raw, || shown_consistency(&reply.value))?;
            Ok(Exit::answer(reply.value.holds()))
        }
    }
}

fn verdict(holds: bool) -> Option<String> {
    Some(if holds { "holds" } else { "does NOT hold" }.to_owned())
}

fn vouched(checkpoint: Option<&String>) -> Option<String> {
    let is_signed = checkpoint.is_some();
    Some(if is_signed { "a checkpoint of this size" } else { "nobody at this size" }.to_owned())
}

fn shown_inclusion(proof: &Inclusion) -> String {
    fields([
        ("proof", verdict(proof.holds())),
        ("entry", Some(format!("{} {}", proof.id, proof.leaf_hash))),
        ("tree", Some(format!("{} {}", proof.tree_size, proof.root_hash))),
        ("path", Some(format!("{} hashes", proof.hashes.len()))),
        ("signed by", vouched(proof.checkpoint.as_ref())),
    ])
}

fn shown_consistency(proof: &Consistency) -> String {
    let path = proof.hashes.iter().map(|hash| short(hash)).collect::<Vec<_>>().join(" ");
    fields([
        ("proof", verdict(proof.holds())),
        ("older", Some(format!("{} {}", proof.from, proof.from_root))),
        ("newer", Some(format!("{} {}", proof.to, proof.to_root))),
        ("path", Some(path).filter(|path| !path.is_empty())),
        ("signed by", vouched(proof.checkpoint.as_ref())),
    ])
}

pub(super) async fn receipt(
    args: &ReceiptArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let wait = if args.wait { Wait::UntilFinal } else { Wait::No };
    if args.format == "tlog-proof" {
        let text = client.tlog_proof(&args.decision_id, wait);
        let text = console.wait("the receipt", text).await?;
        console.show_text(&text)?;
        return Ok(Exit::Done);
    }
    let receipt = client.receipt(&args.decision_id, wait);
    let reply = console.wait("the receipt", receipt).await?;
    // A file of its own, so the same for people and for programs.
    console.show_text(&format!("{}\n", reply.raw.to_canonical()))?;
    Ok(Exit::Done)
}
