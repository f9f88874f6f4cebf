//! `lexecon compliance`: what duties ask for, and what there is to show.

pub(crate) mod documents;

use client::Client;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
What the EU AI Act asks for, and what there is to show: documents of its articles, and the technical \
documentation of Annex IV.

Example:

  lexecon compliance document 11 --output article-11.md";

/// What to do about duties.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    #[command(flatten)]
    Documents(documents::Verb),
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Documents(verb) => documents::run(verb, client, console).await,
    }
}
