//! `lexecon stop`: emergency stops.

use client::Client;
use client::oversight::{Intervention, StopScope};
use types::Object;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::intervention::{ROLES, object, shown};
use crate::table::fields;

pub(crate) const HELP: &str = "\
Emergency stops: what is denied whatever the policy says, until somebody lifts the stop.

Example:

  lexecon stop set --reason 'the agent pays twice' --actor 'ai_agent:payer:*' --role executive \
--by act_human_user:executive:jane";

const SET_HELP: &str = "\
Denies every request of an actor, of an action, of both together, or, without either, of everybody. \
A name is exact; `prefix:*` is every name that goes on past the prefix. It takes an oversight role \
(executive, governance_lead, security_officer), which --by claims where nobody authenticates.

The answer has the id by which the stop is lifted. It is sent once: where its outcome is unknown, set \
it again. Two stops stop no less, and `lexecon ledger entries --type intervention` has both ids.

Examples:

  lexecon stop set --reason 'model replaced by mistake' --role executive --by act_human_user:executive

  lexecon stop set --reason 'pays twice' --action pay --role security_lead \
--by act_human_user:security_officer:sam";

const LIFT_HELP: &str = "\
Ends a stop: what it denied is judged by the policy again. It takes an oversight role, as setting one \
does, and is refused for a stop that was lifted before.

Example:

  lexecon stop lift stop_01K1R0D2J7Q4M8X5B9C3F6H0TN --reason 'fixed and checked' \
--by act_human_user:executive:jane";

/// What to do with stops.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Deny requests from now on
    #[command(long_about = SET_HELP)]
    Set(Box<SetArgs>),
    /// End a stop
    #[command(long_about = LIFT_HELP)]
    Lift {
        /// Its id
        stop_id: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who, where nobody authenticates
        #[arg(long, value_name = "HUMAN_ID")]
        by: Option<String>,
    },
}

/// What is stopped, by whom and why.
#[derive(Clone, Debug, clap::Args)]
pub struct SetArgs {
    /// Why, for whoever reads the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// As what
    #[arg(long, value_parser = ROLES)]
    role: String,
    /// Who, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
    /// Whose requests; everybody's when absent
    #[arg(long, value_name = "NAME or PREFIX:*")]
    actor: Option<String>,
    /// Which requests; all when absent
    #[arg(long, value_name = "NAME or PREFIX:*")]
    action: Option<String>,
    /// The decision that shows what is wrong
    #[arg(long, value_name = "DECISION_ID")]
    about: Option<String>,
    /// What the machine proposed, if that is why
    #[arg(long, value_name = "JSON", default_value = "{\"confidence\":0}")]
    recommendation: String,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Set(args) => {
            let what = intervention(args)?;
            let reply = console.wait("the stop", client.intervene(&what)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Lift { stop_id, reason, by } => {
            let lift = client.stop_lift(stop_id, reason, by.as_deref());
            let reply = console.wait("the stop to be lifted", lift).await?;
            console.show(&reply.raw, || {
                fields([
                    ("stop", Some(reply.value.stop_id.clone())),
                    ("status", Some(reply.value.status.clone())),
                    ("entry", Some(reply.value.ledger_entry_id.to_string())),
                ])
            })?;
        }
    }
    Ok(Exit::Done)
}

fn intervention(args: &SetArgs) -> Result<Intervention, Failure> {
    let mut human_decision = Object::new();
    human_decision.insert("decision", "stop");
    let scope = StopScope { actor: args.actor.clone(), action: args.action.clone() };
    Ok(Intervention {
        intervention_type: "emergency_stop".to_owned(),
        ai_recommendation: object("--recommendation", &args.recommendation)?,
        human_decision,
        human_role: args.role.clone(),
        reason: args.reason.clone(),
        human_id: args.by.clone(),
        decision_id: args.about.clone(),
        stop: Some(scope),
        ..Intervention::default()
    })
}
