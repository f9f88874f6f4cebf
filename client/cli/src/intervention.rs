//! `lexecon intervention`: what humans did about what machines proposed.

use std::path::PathBuf;

use client::Client;
use client::oversight::{Intervened, Intervention, InterventionVerification};
use types::{Json, Object};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::fields;

pub(crate) const HELP: &str = "\
What humans did about what machines proposed, as evidence of human oversight.

Example:

  lexecon intervention record --type override --role risk_manager --reason 'duplicate invoice' \
--recommendation '{\"decision\":\"pay\",\"confidence\":0.62}' --decision '{\"decision\":\"hold\"}'";

const RECORD_HELP: &str = "\
Records an intervention. The recommendation must tell its confidence from 0 to 1; where it and the \
decision of the human both have a member `decision`, the two are compared.

An emergency stop is set with `lexecon stop set`. It is sent once: where its outcome is unknown, \
`lexecon ledger entries --type intervention` tells.

Example:

  lexecon intervention record --type approval --role executive --reason 'checked by phone' \
--recommendation '{\"decision\":\"pay\",\"confidence\":0.9}' --decision '{\"decision\":\"pay\"}' \
--by act_human_user:executive:jane";

const VERIFY_HELP: &str = "\
Asks whether an intervention is recorded as you have it: a JSON object in a file, `-` for standard \
input, with any of the members that were sent or answered, such as the reply to the recording.

Exits 0 if all of it is as recorded, 1 if not, or if some of it is erased and can be compared with \
nothing.

Example:

  lexecon intervention verify reply.json";

/// What to do with interventions.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Record what a human did
    #[command(long_about = RECORD_HELP)]
    Record(Box<RecordArgs>),
    /// Ask whether one is recorded as you have it
    #[command(long_about = VERIFY_HELP)]
    Verify {
        /// File with its members; `-` is standard input
        path: PathBuf,
    },
}

pub(crate) const ROLES: [&str; 6] = [
    "compliance_officer",
    "security_lead",
    "legal_counsel",
    "risk_manager",
    "executive",
    "soc_analyst",
];

/// What a human did.
#[derive(Clone, Debug, clap::Args)]
pub struct RecordArgs {
    /// What it was
    #[arg(long = "type", value_name = "TYPE",
        value_parser = ["approval", "override", "escalation", "policy_exception", "manual_review"])]
    kind: String,
    /// What the machine proposed
    #[arg(long, value_name = "JSON")]
    recommendation: String,
    /// What the human decided
    #[arg(long, value_name = "JSON")]
    decision: String,
    /// As what
    #[arg(long, value_parser = ROLES)]
    role: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
    /// The decision it was about
    #[arg(long, value_name = "DECISION_ID")]
    about: Option<String>,
    /// What the machine had been asked
    #[arg(long, value_name = "JSON")]
    request_context: Option<String>,
    /// How long the human took
    #[arg(long, value_name = "MILLISECONDS")]
    response_time: Option<u64>,
    /// SHA-256 of what the human was shown
    #[arg(long, value_name = "HEX")]
    display_digest: Option<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Record(args) => {
            let what = intervention(args)?;
            let reply = console.wait("the intervention", client.intervene(&what)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::Done)
        }
        Verb::Verify { path } => {
            let Json::Object(members) = input::document(path)? else {
                let detail = format!("`{}` must hold an object", path.display());
                return Err(Failure::Usage(detail));
            };
            let check = client.intervention_verify(members);
            let reply = console.wait("the intervention to be checked", check).await?;
            console.show(&reply.raw, || shown_verification(&reply.value))?;
            Ok(Exit::answer(reply.value.verified == Some(true)))
        }
    }
}

fn intervention(args: &RecordArgs) -> Result<Intervention, Failure> {
    let context = args.request_context.as_deref();
    Ok(Intervention {
        intervention_type: args.kind.clone(),
        ai_recommendation: object("--recommendation", &args.recommendation)?,
        human_decision: object("--decision", &args.decision)?,
        human_role: args.role.clone(),
        reason: args.reason.clone(),
        human_id: args.by.clone(),
        decision_id: args.about.clone(),
        request_context: context.map(|text| object("--request-context", text)).transpose()?,
        response_time_ms: args.response_time,
        display_digest: args.display_digest.clone(),
        stop: None,
    })
}

/// Text of an object in an argument.
pub(crate) fn object(argument: &str, text: &str) -> Result<Object, Failure> {
    let refused = |why: String| Failure::Usage(format!("{argument}: {why}"));
    match input::json(text).map_err(refused)? {
        Json::Object(object) => Ok(object),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(refused("must be an object".to_owned()))
        }
    }
}

pub(crate) fn shown(recorded: &Intervened) -> String {
    let entry = format!("{} {}", recorded.ledger_entry_id, recorded.ledger_entry_hash);
    fields([
        ("intervention", Some(recorded.intervention_id.clone())),
        ("stop", recorded.stop_id.clone()),
        ("time", Some(recorded.timestamp.clone())),
        ("entry", Some(entry)),
    ])
}

fn shown_verification(found: &InterventionVerification) -> String {
    let verified = match found.verified {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known: some of it is erased",
    };
    let list = |names: &[String]| Some(names.join(", ")).filter(|names| !names.is_empty());
    let signature = found.signature_valid.map(|holds| if holds { "valid" } else { "not valid" });
    fields([
        ("intervention", Some(found.intervention_id.clone())),
        ("verified", Some(verified.to_owned())),
        ("different", list(&found.mismatched_fields)),
        ("erased", list(&found.erased_fields)),
        ("signature", signature.map(str::to_owned)),
        ("entry", Some(found.ledger_entry_id.to_string())),
    ])
}
