//! What an auditor can have done again: samples and packs of questions.

use std::path::PathBuf;

use client::Client;

use super::{pack, sample};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

const SAMPLE_HELP: &str = "\
Draws a sample of entries of one type, up to an entry. Who has the seed, the type and the entry draws \
the same sample again, on any node, unless it was changed what is there: the digest of the population \
tells.

With n entries in the population, D the SHA-256 of a line `<id> <current_hash>` for each of them in \
their order, and i = 0, 1, 2, ...: x is the first 8 bytes, most significant first, of SHA-256 over the \
lines `lexecon/sample/v1`, seed, D in hex, i. Where x is not below the greatest multiple of n that 64 \
bits hold, or was drawn before, nothing is drawn; else entry x mod n is, until there are enough.

Example:

  lexecon audit sample --population decision --size 25 --seed 7 --as-of 136";

const PACK_HELP: &str = "\
Questions to the ledger that are asked together, from a file that an auditor keeps.

Example:

  lexecon audit pack run access-review.yaml --as-of 136";

const RUN_HELP: &str = "\
Asks the questions of a file, all as of one entry. The file has a `name` and `queries`, of those that \
`lexecon compliance query` lists. What is printed is the same bytes again for the same file and entry, \
unless something was erased since, and ends in a digest.

Example:

  lexecon audit pack run access-review.yaml --as-of 136 > access-review.json";

/// What can be done again.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Draw a sample
    #[command(long_about = SAMPLE_HELP)]
    Sample(SampleArgs),
    /// Ask questions together
    #[command(subcommand, long_about = PACK_HELP)]
    Pack(PackVerb),
}

/// What to draw.
#[derive(Clone, Debug, clap::Args)]
pub struct SampleArgs {
    /// Entries of which type; `decisions`, `overrides`, `interventions` and `evidence` name theirs
    #[arg(long, value_name = "ENTRY_TYPE")]
    pub(super) population: String,
    /// How many
    #[arg(long, value_name = "1..1000", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) size: u16,
    /// What the draw follows from
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: u64,
    /// Up to this entry; to the last one otherwise
    #[arg(long, value_name = "ENTRY_ID")]
    pub(super) as_of: Option<u64>,
}

/// What to do with a pack.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum PackVerb {
    /// Ask its questions
    #[command(long_about = RUN_HELP)]
    Run {
        /// The file; `-` is standard input
        path: PathBuf,
        /// Up to this entry, or the last one not later; to the last one otherwise
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Sample(args) => sample::draw(args, client, console).await,
        Verb::Pack(PackVerb::Run { path, as_of }) => {
            pack::run(path, as_of.as_deref(), (client, console)).await
        }
    }
}
