//! `lexecon incident`: serious incidents, and the clocks of Article 73.

use client::Client;
use client::incidents::{Incident, IncidentFilter, Incidents, NewIncident};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::system::order_of;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Serious incidents of AI systems: when they became known, until when an authority must be told, and \
whether it was.

Example:

  lexecon incident list --status open";

const RECORD_HELP: &str = "\
Records an incident. From --aware-at on a clock runs, or from --provider-aware-at or --deployer-aware-at \
where that is earlier: 2 days for critical_infrastructure and widespread_infringement, 10 for death, \
15 for the others. Where several fit, name the others with --also: the shortest clock runs. A legal hold \
keeps its entry and those of the decisions it is about until somebody releases it. It is sent once: \
where its outcome is unknown, `lexecon incident list` tells.

Example:

  lexecon incident record --title 'Claims of one town denied' --description 'All claims since Monday' \
--category fundamental_rights --aware-at 2027-03-04T05:06:07Z";

const REPORT_HELP: &str = "\
Says which authority was told, and what it calls the report. Lexecon reports nothing by itself. It is \
refused for an incident that was reported or closed before.

Example:

  lexecon incident report inc_01K1R0D2J7Q4M8X5B9C3F6H0TN --authority BNetzA --reference 2027/118";

const LIST_HELP: &str = "\
Incidents that are recorded, oldest first, with the time by which an authority must be told.

Example:

  lexecon incident list --status open --as-of 2027-03-04";

const SHOW_HELP: &str = "\
One incident, as it stands, or as it stood at an entry or a time.

Example:

  lexecon incident show inc_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const CLOSE_HELP: &str = "\
Says what came of an incident. It is refused for one that was closed before.

Example:

  lexecon incident close inc_01K1R0D2J7Q4M8X5B9C3F6H0TN --notes 'model replaced, claims decided anew'";

/// What to do with incidents.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Record an incident
    #[command(long_about = RECORD_HELP)]
    Record(Box<RecordArgs>),
    /// Incidents that are recorded
    #[command(long_about = LIST_HELP)]
    List {
        /// Only those that stand so
        #[arg(long, value_parser = ["open", "reported", "closed"])]
        status: Option<String>,
        /// `next` of the page before
        #[arg(long, value_name = "INCIDENT_ID")]
        after: Option<String>,
        /// At most so many
        #[arg(long)]
        limit: Option<u32>,
        /// Oldest first, or newest first
        #[arg(long, value_name = "ORDER", value_parser = ["asc", "desc"], default_value = "asc")]
        order: String,
        /// As they stood at an entry or a time
        #[arg(long, value_name = "ENTRY or TIME")]
        as_of: Option<String>,
    },
    /// One incident
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Its id
        incident_id: String,
        /// As it stood at an entry or a time
        #[arg(long, value_name = "ENTRY or TIME")]
        as_of: Option<String>,
    },
    /// Say which authority was told
    #[command(long_about = REPORT_HELP)]
    Report {
        /// Its id
        incident_id: String,
        /// Who was told
        #[arg(long, value_name = "NAME")]
        authority: String,
        /// What the authority calls the report
        #[arg(long, value_name = "TEXT")]
        reference: String,
    },
    /// Say what came of it
    #[command(long_about = CLOSE_HELP)]
    Close {
        /// Its id
        incident_id: String,
        /// What came of it
        #[arg(long, value_name = "TEXT")]
        notes: String,
    },
}

const CATEGORIES: [&str; 6] = [
    "critical_infrastructure",
    "widespread_infringement",
    "death",
    "health_harm",
    "fundamental_rights",
    "property_or_environment",
];

/// An incident to record.
#[derive(Clone, Debug, clap::Args)]
pub struct RecordArgs {
    /// In a line
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// In full
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// What it is
    #[arg(long, value_parser = CATEGORIES)]
    category: String,
    /// What else it is; may be given again
    #[arg(long = "also", value_name = "CATEGORY", value_parser = CATEGORIES)]
    other_categories: Vec<String>,
    /// When you came to know of it
    #[arg(long, value_name = "TIME")]
    aware_at: String,
    /// When the provider came to know of it
    #[arg(long, value_name = "TIME")]
    provider_aware_at: Option<String>,
    /// When the deployer came to know of it
    #[arg(long, value_name = "TIME")]
    deployer_aware_at: Option<String>,
    /// When a causal link, or that it is likely, was established
    #[arg(long, value_name = "TIME")]
    causal_link_at: Option<String>,
    /// When it happened
    #[arg(long, value_name = "TIME")]
    occurred_at: Option<String>,
    /// The system, where it is registered
    #[arg(long, value_name = "SYSTEM_ID")]
    system: Option<String>,
    /// A decision that had to do with it; may be given again
    #[arg(long = "about", value_name = "DECISION_ID")]
    decisions: Vec<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = match verb {
        Verb::List { status, after, limit, order, as_of } => {
            let filter = IncidentFilter {
                status: status.clone(),
                after: after.clone(),
                limit: *limit,
                order: order_of(order),
                as_of: as_of.clone(),
            };
            let reply = console.wait("the incidents", client.incidents(&filter)).await?;
            console.show(&reply.raw, || listed(&reply.value))?;
            return Ok(Exit::Done);
        }
        Verb::Record(args) => {
            let incident = recorded(args);
            console.wait("the incident", client.incident_record(&incident)).await?
        }
        Verb::Show { incident_id, as_of } => {
            let incident = client.incident(incident_id, as_of.as_deref());
            console.wait("the incident", incident).await?
        }
        Verb::Report { incident_id, authority, reference } => {
            let report = client.incident_report(incident_id, authority, reference);
            console.wait("the report", report).await?
        }
        Verb::Close { incident_id, notes } => {
            let close = client.incident_close(incident_id, notes);
            console.wait("the incident to be closed", close).await?
        }
    };
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn recorded(args: &RecordArgs) -> NewIncident {
    NewIncident {
        title: args.title.clone(),
        description: args.description.clone(),
        category: args.category.clone(),
        other_categories: args.other_categories.clone(),
        aware_at: args.aware_at.clone(),
        provider_aware_at: args.provider_aware_at.clone(),
        deployer_aware_at: args.deployer_aware_at.clone(),
        causal_link_at: args.causal_link_at.clone(),
        occurred_at: args.occurred_at.clone(),
        system_id: args.system.clone(),
        decision_ids: args.decisions.clone(),
    }
}

fn due(incident: &Incident) -> String {
    let late = if incident.overdue { " (overdue)" } else { "" };
    format!("{}{late}", incident.report_due_at)
}

fn shown(incident: &Incident) -> String {
    let told = incident.authority.as_ref().zip(incident.reference.as_ref());
    let joined = |words: &[String]| Some(words.join(", ")).filter(|words| !words.is_empty());
    fields([
        ("incident", Some(incident.incident_id.clone())),
        ("title", incident.title.clone()),
        ("description", incident.description.clone()),
        ("category", Some(incident.category.clone())),
        ("also", joined(&incident.other_categories)),
        ("status", Some(incident.status.clone())),
        ("known since", incident.aware_at.clone()),
        ("to the provider", incident.provider_aware_at.clone()),
        ("to the deployer", incident.deployer_aware_at.clone()),
        ("causal link", incident.causal_link_at.clone()),
        ("report by", Some(due(incident))),
        ("happened", incident.occurred_at.clone()),
        ("system", incident.system_id.clone()),
        ("decisions", joined(&incident.decision_ids)),
        ("hold", incident.hold_id.clone()),
        ("told", told.map(|(authority, reference)| format!("{authority}, {reference}"))),
        ("told at", incident.reported_at.clone()),
        ("notes", incident.notes.clone()),
        ("closed", incident.closed_at.clone()),
        ("entry", Some(incident.ledger_entry_id.to_string())),
    ])
}

fn listed(page: &Incidents) -> String {
    let rows = page.incidents.iter().map(|incident| {
        [
            incident.incident_id.clone(),
            incident.status.clone(),
            incident.category.clone(),
            due(incident),
            cell(incident.title.as_ref()),
        ]
    });
    let mut text = table(["INCIDENT", "STATUS", "CATEGORY", "REPORT BY", "TITLE"], rows.collect());
    if let Some(next) = &page.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
