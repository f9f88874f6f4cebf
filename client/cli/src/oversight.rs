//! `lexecon oversight`: how human oversight went.

use std::collections::BTreeMap;

use client::Client;
use client::oversight::Effectiveness;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;

pub(crate) const HELP: &str = "\
How human oversight went, counted from the ledger.

Example:

  lexecon oversight effectiveness";

const EFFECTIVENESS_HELP: &str = "\
Counts what humans did in the last days before the last entry, or another one. No law names a rate \
or a time that is good: compare the figures with the plan in your risk file, and read the findings.

Examples:

  lexecon oversight effectiveness --period-days 90

  lexecon oversight effectiveness --as-of 2027-03-04T00:00:00Z";

/// What to ask about oversight.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Count what humans did
    #[command(long_about = EFFECTIVENESS_HELP)]
    Effectiveness {
        /// How many days back
        #[arg(long, value_name = "1..3650", value_parser = clap::value_parser!(u32).range(1..=3650))]
        period_days: Option<u32>,
        /// Count up to this entry, or to the last one not later
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let Verb::Effectiveness { period_days, as_of } = verb;
    let figures = client.oversight_effectiveness(*period_days, as_of.as_deref());
    let reply = console.wait("the figures", figures).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn shown(found: &Effectiveness) -> String {
    let rate = found.override_rate_percent.map(|rate| format!(", {rate} %"));
    let compared = format!(
        "{} overridden, {} followed{}",
        found.overrides,
        found.approvals,
        rate.unwrap_or_default()
    );
    let times = &found.response_time_ms;
    let times = times.average.map(|average| {
        let bound = |time: Option<u64>| time.map_or_else(|| "?".to_owned(), |ms| ms.to_string());
        format!("{average} ms, {}..{}", bound(times.minimum), bound(times.maximum))
    });
    let ended = &found.escalations;
    let in_time = ended.within_sla_percent.map(|rate| format!(", {rate} % in time"));
    let escalations = format!(
        "{} made, {} answered, {} expired{}",
        ended.created,
        ended.resolved,
        ended.expired,
        in_time.unwrap_or_default()
    );
    let mut text = fields([
        ("days", Some(found.period_days.to_string())),
        ("interventions", Some(found.total_interventions.to_string())),
        ("by type", counts(&found.intervention_breakdown.by_type)),
        ("by role", counts(&found.intervention_breakdown.by_role)),
        ("recommendations", Some(compared)),
        ("response time", times),
        ("escalations", Some(escalations)),
        ("answers", counts(&found.resolution_outcomes)),
        ("status", Some(format!("{} ({})", found.status, found.status_detail))),
        ("as of", Some(found.as_of_index.to_string())),
    ]);
    for finding in &found.findings {
        text.push_str(&format!("- {}\n", printable(finding)));
    }
    text
}

/// What there is any of.
fn counts(counts: &BTreeMap<String, u64>) -> Option<String> {
    let counts = counts.iter().filter(|(_, count)| 0 < **count);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    Some(counts.join(", ")).filter(|counts| !counts.is_empty())
}
