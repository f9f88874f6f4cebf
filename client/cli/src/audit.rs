//! `lexecon audit`: what auditors do with what is recorded.

pub(crate) mod work;

mod pack;
mod sample;

use client::Client;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
What auditors do with what is recorded, so that somebody else can do it again and find the same.

Example:

  lexecon audit sample --population decision --size 25 --seed 7 --as-of 136";

/// What to do as an auditor.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// What can be done again.
    #[command(flatten)]
    Work(work::Verb),
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Work(verb) => work::run(verb, client, console).await,
    }
}
