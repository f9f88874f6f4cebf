//! `lexecon policy impact`: what a policy would have changed.

use std::path::PathBuf;

use client::Client;
use client::policy::{Changed, Impact, ImpactOptions};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::{fields, table};

pub(super) const HELP: &str = "\
Judges recorded decisions again, by a policy that is not in force, and shows which would have come \
out otherwise. Nothing is recorded.

Exits 1 if something that was denied would be allowed, 0 otherwise.

Examples:

  lexecon policy impact policy.yaml

  lexecon policy impact policy.yaml --from 2027-03-01 --to 2027-04-01 --max-examples 100";

/// What to judge by, and which decisions.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The document, JSON or YAML; `-` for standard input
    file: PathBuf,
    /// Decisions from this time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Decisions up to this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// How many decisions of each kind to show
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=1000))]
    max_examples: Option<u32>,
}

pub(super) async fn run(
    args: &Args,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let document = input::document(&args.file)?;
    let options = ImpactOptions {
        from: args.from.clone(),
        to: args.to.clone(),
        max_examples: args.max_examples,
    };
    let impact = client.policy_impact(&document, &options);
    let reply = console.wait("recorded decisions to be judged again", impact).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::answer(reply.value.denied_to_allowed.count == 0))
}

fn shown(impact: &Impact) -> String {
    let range = impact.from_entry.zip(impact.to_entry);
    let count = |count: u64| Some(count.to_string());
    let mut text = fields([
        ("candidate", Some(impact.candidate_hash.clone())),
        ("entries", range.map(|(from, to)| format!("{from} to {to}"))),
        ("judged again", count(impact.decisions_replayed)),
        ("unchanged", count(impact.unchanged)),
        ("now denied", count(impact.allowed_to_denied.count)),
        ("now allowed", count(impact.denied_to_allowed.count)),
        ("otherwise", count(impact.other_changes.count)),
        ("unreplayable", count(impact.unreplayable)),
    ]);
    let kinds = [&impact.denied_to_allowed, &impact.allowed_to_denied, &impact.other_changes];
    for kind in kinds.into_iter().filter(|kind| !kind.examples.is_empty()) {
        text.push_str(&format!("\n{}", examples(kind)));
    }
    text
}

fn examples(changed: &Changed) -> String {
    let rows = changed.examples.iter().map(|example| {
        [
            example.decision_id.clone(),
            example.ledger_entry_id.to_string(),
            example.was.clone(),
            example.would_be.clone(),
            example.actor.clone(),
            example.action.clone(),
        ]
    });
    table(["DECISION", "ENTRY", "WAS", "WOULD BE", "ACTOR", "ACTION"], rows.collect())
}
