//! `lexecon risk`.

use client::Client;
use client::risk::{Assess, Risk, RiskFilter, Risks};
use types::Object;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
The risk of decisions: what a decision told itself, and what was found later.

Example:

  lexecon risk list --level critical";

const ASSESS_HELP: &str = "\
Assesses the risk of a recorded decision, by dimension from 0 to 100. The score is their weighted \
mean; without any it is 1.

A decision that is assessed already needs --supersedes with the latest assessment, whose place the \
new one takes. It is sent once: where its outcome is unknown, `lexecon risk show` tells.

Example:

  lexecon risk assess dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --security 40 --privacy 65";

const SHOW_HELP: &str = "\
An assessment by its id, or the latest one of a decision with every version of it.

Examples:

  lexecon risk show rsk_01K1R0E4T8W3Y7B5N2M6K9J1HC

  lexecon risk show dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const LIST_HELP: &str = "\
The latest assessment of each decision, highest score first.

Examples:

  lexecon risk list

  lexecon risk list --min-score 60 --limit 20";

/// What to do with risk.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Assess the risk of a decision
    #[command(long_about = ASSESS_HELP)]
    Assess(Box<AssessArgs>),
    /// Show an assessment
    #[command(long_about = SHOW_HELP)]
    Show {
        /// An assessment or a decision
        #[arg(value_name = "RISK_ID or DECISION_ID")]
        of: String,
    },
    /// List assessments
    #[command(long_about = LIST_HELP)]
    List {
        /// Of at least this score
        #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
        min_score: Option<u32>,
        /// Of this level
        #[arg(long, value_parser = ["low", "medium", "high", "critical"])]
        level: Option<String>,
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
}

/// What is found.
#[derive(Clone, Debug, clap::Args)]
pub struct AssessArgs {
    /// Whose risk it is
    decision_id: String,
    #[command(flatten)]
    dimensions: Dimensions,
    /// How likely harm is
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    likelihood: Option<u32>,
    /// How bad it would be
    #[arg(long, value_name = "1..5", value_parser = clap::value_parser!(u32).range(1..=5))]
    impact: Option<u32>,
    /// What is done against it; may be repeated
    #[arg(long = "mitigation", value_name = "TEXT")]
    mitigations: Vec<String>,
    /// The latest assessment, whose place this one takes
    #[arg(long, value_name = "RISK_ID")]
    supersedes: Option<String>,
}

/// Risk by dimension.
#[derive(Clone, Debug, clap::Args)]
struct Dimensions {
    /// Weight 25
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    security: Option<u32>,
    /// Weight 20
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    privacy: Option<u32>,
    /// Weight 20
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    compliance: Option<u32>,
    /// Weight 15
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    operational: Option<u32>,
    /// Weight 10
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    reputational: Option<u32>,
    /// Weight 10
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    financial: Option<u32>,
}

impl Dimensions {
    fn members(&self) -> Object {
        let given = [
            ("security", self.security),
            ("privacy", self.privacy),
            ("compliance", self.compliance),
            ("operational", self.operational),
            ("reputational", self.reputational),
            ("financial", self.financial),
        ];
        let mut members = Object::new();
        for (name, value) in given {
            if let Some(value) = value {
                members.insert(name, value);
            }
        }
        members
    }
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Assess(args) => {
            let assess = assess(args);
            let reply =
                console.wait("the risk to be assessed", client.risk_assess(&assess)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Show { of } if of.starts_with("dec_") => {
            let reply = console.wait("the risk", client.risk_of(of)).await?;
            let whole = &reply.value;
            let rows = || rows(&whole.versions);
            console.show(&reply.raw, || format!("{}\n{}", shown(&whole.risk), rows()))?;
        }
        Verb::Show { of } => {
            let reply = console.wait("the risk", client.risk(of)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::List { min_score, level, after, limit } => {
            let filter = RiskFilter {
                min_score: *min_score,
                level: level.clone(),
                after: after.clone(),
                limit: *limit,
            };
            let reply = console.wait("the risks", client.risks(&filter)).await?;
            console.show(&reply.raw, || shown_list(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn assess(args: &AssessArgs) -> Assess {
    Assess {
        decision_id: args.decision_id.clone(),
        dimensions: args.dimensions.members(),
        likelihood: args.likelihood,
        impact: args.impact,
        mitigations: args.mitigations.clone(),
        supersedes: args.supersedes.clone(),
        metadata: None,
    }
}

fn shown(risk: &Risk) -> String {
    let factors = risk.factors.iter().map(|factor| format!("{} {}", factor.name, factor.value));
    let factors: Vec<String> = factors.collect();
    fields([
        ("risk", Some(risk.risk_id.clone())),
        ("decision", Some(risk.decision_id.clone())),
        ("version", Some(risk.version.to_string())),
        ("supersedes", risk.supersedes.clone()),
        ("score", Some(format!("{}, {}", risk.overall_score, risk.risk_level))),
        ("factors", Some(factors.join(", ")).filter(|factors| !factors.is_empty())),
        ("escalation", risk.escalation_id.clone()),
        ("time", Some(risk.timestamp.clone())),
        ("entry", Some(risk.ledger_entry_id.to_string())),
    ])
}

fn rows(risks: &[Risk]) -> String {
    let rows = risks.iter().map(|risk| {
        [
            risk.risk_id.clone(),
            risk.overall_score.to_string(),
            risk.risk_level.clone(),
            risk.version.to_string(),
            risk.decision_id.clone(),
            cell(risk.escalation_id.as_ref()),
            risk.timestamp.clone(),
        ]
    });
    let header = ["RISK", "SCORE", "LEVEL", "VERSION", "DECISION", "ESCALATION", "TIME"];
    table(header, rows.collect())
}

fn shown_list(list: &Risks) -> String {
    let mut text = rows(&list.risks);
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", crate::console::printable(next)));
    }
    text
}
