//! `lexecon compliance`: what is asked of the organisation, what there is for
//! it, and what humans add.

pub(crate) mod add;
pub(crate) mod documents;
pub(crate) mod look;
pub(crate) mod oscal;
mod shown;

use client::Client;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
What the EU AI Act and twelve frameworks ask for, what the ledger shows of it, and what people add: \
evidence that stands for what is asked of them, and somebody who vouches for it. Statuses are counted \
from the ledger as of an entry, and are no audit opinion.

Example:

  lexecon compliance statistics";

/// What to do about duties and controls.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// What only looks.
    #[command(flatten)]
    Look(look::Verb),
    /// What is recorded.
    #[command(flatten)]
    Add(add::Verb),
    /// What is written from it.
    #[command(flatten)]
    Documents(documents::Verb),
    /// What this product offers to controls
    #[command(long_about = oscal::HELP)]
    OscalComponent(oscal::Args),
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Look(verb) => look::run(verb, client, console).await,
        Verb::Add(verb) => add::run(verb, client, console).await,
        Verb::Documents(verb) => documents::run(verb, client, console).await,
        Verb::OscalComponent(args) => oscal::run(args, console),
    }
}
