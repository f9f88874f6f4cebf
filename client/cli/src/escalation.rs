//! `lexecon escalation`.

use client::Client;
use client::escalation::{Escalate, Escalation, EscalationFilter};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Questions to humans about decisions: raising, answering, and what nobody answered in time.

Example:

  lexecon escalation list --status pending";

const CREATE_HELP: &str = "\
Asks humans about a recorded decision. It is sent once: where its outcome is unknown, `lexecon \
escalation list --decision` tells.

Example:

  lexecon escalation create dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --trigger actor_request --to \
act_human_user:maria --summary 'claim above limit'";

const ACKNOWLEDGE_HELP: &str = "\
Says that one looks, so that others need not.

Example:

  lexecon escalation acknowledge esc_01K1R0E4T8W3Y7B5N2M6K9J1HC --by act_human_user:maria";

const RESOLVE_HELP: &str = "\
Answers. An approval lets the decision's actor fetch one token for exactly that action; `deferred` \
leaves the decision as it was.

Example:

  lexecon escalation resolve esc_01K1R0E4T8W3Y7B5N2M6K9J1HC approved --notes 'called the supplier' \
--by act_human_user:maria";

const SHOW_HELP: &str = "\
An escalation as it stands.

Example:

  lexecon escalation show esc_01K1R0E4T8W3Y7B5N2M6K9J1HC";

const LIST_HELP: &str = "\
Escalations, oldest first.

Examples:

  lexecon escalation list

  lexecon escalation list --priority critical --order desc --limit 20";

const VIOLATIONS_HELP: &str = "\
Escalations that were open past their deadline, oldest deadline first.

Example:

  lexecon escalation violations";

/// What to do with escalations.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask humans about a decision
    #[command(long_about = CREATE_HELP)]
    Create(Box<CreateArgs>),
    /// Say that one looks
    #[command(long_about = ACKNOWLEDGE_HELP)]
    Acknowledge {
        /// The escalation
        escalation_id: String,
        /// Who looks, where nobody authenticates
        #[arg(long, value_name = "HUMAN_ID")]
        by: Option<String>,
    },
    /// Answer
    #[command(long_about = RESOLVE_HELP)]
    Resolve {
        /// The escalation
        escalation_id: String,
        /// The answer
        #[arg(value_parser = ["approved", "denied", "deferred"])]
        outcome: String,
        /// Why
        #[arg(long)]
        notes: String,
        /// Who answers, where nobody authenticates
        #[arg(long, value_name = "HUMAN_ID")]
        by: Option<String>,
    },
    /// Show an escalation
    #[command(long_about = SHOW_HELP)]
    Show {
        /// The escalation
        escalation_id: String,
    },
    /// List escalations
    #[command(long_about = LIST_HELP)]
    List(Box<ListArgs>),
    /// List what nobody answered in time
    #[command(long_about = VIOLATIONS_HELP)]
    Violations {
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
}

/// What is asked.
#[derive(Clone, Debug, clap::Args)]
pub struct CreateArgs {
    /// What it is about
    decision_id: String,
    /// Why a human is asked
    #[arg(long, value_parser = [
        "risk_threshold", "policy_conflict", "explicit_rule", "actor_request", "anomaly_detected",
    ])]
    trigger: String,
    /// Who is asked; may be repeated
    #[arg(long = "to", value_name = "HUMAN_ID", required = true)]
    to: Vec<String>,
    /// How soon; by the trigger if absent
    #[arg(long, value_parser = ["low", "medium", "high", "critical"])]
    priority: Option<String>,
    /// What it is about, in words
    #[arg(long)]
    summary: Option<String>,
}

/// Which are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// That are so now
    #[arg(long, value_parser = ["pending", "acknowledged", "resolved", "expired"])]
    status: Option<String>,
    /// Of this priority
    #[arg(long, value_parser = ["low", "medium", "high", "critical"])]
    priority: Option<String>,
    /// Of this decision
    #[arg(long, value_name = "DECISION_ID")]
    decision: Option<String>,
    /// `next` of the page before
    #[arg(long, value_name = "NEXT")]
    after: Option<u64>,
    /// At most so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Oldest or newest first
    #[arg(long, value_parser = ["asc", "desc"])]
    order: Option<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = match verb {
        Verb::Create(args) => {
            let escalate = escalate(args);
            console.wait("the escalation to be raised", client.escalate(&escalate)).await?
        }
        Verb::Acknowledge { escalation_id, by } => {
            let asked = client.escalation_acknowledge(escalation_id, by.as_deref());
            console.wait("the acknowledgement", asked).await?
        }
        Verb::Resolve { escalation_id, outcome, notes, by } => {
            let asked = client.escalation_resolve(escalation_id, outcome, notes, by.as_deref());
            console.wait("the answer", asked).await?
        }
        Verb::Show { escalation_id } => {
            console.wait("the escalation", client.escalation(escalation_id)).await?
        }
        Verb::List(args) => {
            let filter = filter(args);
            let reply = console.wait("the escalations", client.escalations(&filter)).await?;
            let list = &reply.value;
            let next = list.next.map(|next| next.to_string());
            console.show(&reply.raw, || rows(&list.escalations, next.as_deref()))?;
            return Ok(Exit::Done);
        }
        Verb::Violations { after, limit } => {
            let asked = client.escalation_violations(after.as_deref(), *limit);
            let reply = console.wait("the violations", asked).await?;
            let list = &reply.value;
            console.show(&reply.raw, || rows(&list.violations, list.next.as_deref()))?;
            return Ok(Exit::Done);
        }
    };
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn escalate(args: &CreateArgs) -> Escalate {
    Escalate {
        decision_id: args.decision_id.clone(),
        trigger: args.trigger.clone(),
        escalated_to: args.to.clone(),
        priority: args.priority.clone(),
        context_summary: args.summary.clone(),
        metadata: None,
    }
}

fn filter(args: &ListArgs) -> EscalationFilter {
    EscalationFilter {
        status: args.status.clone(),
        priority: args.priority.clone(),
        decision_id: args.decision.clone(),
        after: args.after,
        limit: args.limit,
        order: args.order.clone(),
    }
}

fn shown(it: &Escalation) -> String {
    let answer = it.resolution.as_ref();
    fields([
        ("escalation", Some(it.escalation_id.clone())),
        ("decision", Some(it.decision_id.clone())),
        ("status", Some(it.status.clone())),
        ("priority", Some(format!("{}, {}", it.priority, it.trigger))),
        ("asked", Some(it.escalated_to.join(", "))),
        ("about", it.context_summary.clone()),
        ("raised", Some(it.created_at.clone())),
        ("deadline", Some(it.sla_deadline.clone())),
        ("looks", it.acknowledged_by.clone()),
        ("answer", answer.map(|answer| answer.outcome.clone())),
        ("by", answer.and_then(|answer| answer.resolved_by.clone())),
        ("notes", answer.and_then(|answer| answer.notes.clone())),
        ("entry", Some(it.ledger_entry_id.to_string())),
    ])
}

fn rows(list: &[Escalation], next: Option<&str>) -> String {
    let rows = list.iter().map(|it| {
        [
            it.escalation_id.clone(),
            it.status.clone(),
            it.priority.clone(),
            it.sla_deadline.clone(),
            it.decision_id.clone(),
            cell(it.resolution.as_ref().map(|answer| &answer.outcome)),
        ]
    });
    let header = ["ESCALATION", "STATUS", "PRIORITY", "DEADLINE", "DECISION", "ANSWER"];
    let mut text = table(header, rows.collect());
    if let Some(next) = next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
