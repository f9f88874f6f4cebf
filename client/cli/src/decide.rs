//! `lexecon decide`.

use std::path::PathBuf;

use client::Client;
use client::decision::{Decision, Question};
use types::{Json, Object};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::fields;

pub(crate) const HELP: &str = "\
Asks whether an actor may do something now, and records the answer in the ledger.

Exits 0 if the answer is allowed, 1 if it is denied or escalated. Repeating a request under the \
same --request-id gives the recorded answer and records nothing twice; without one, an id is made, \
so that a lost answer can be asked for again while the command runs.

Values of --context are text. Numbers, truth values and objects are given by --context-json.

Examples:

  lexecon decide --actor ai_agent:claims_triage --action read_claim --context purpose=triage

  lexecon decide --actor ai_agent:payer --action pay --context-json '{\"amount\":120.5}' --risk-level 3

  lexecon decide --body request.json --json";

/// What is asked, and how it is answered.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Idempotency key: the same key gives the same answer
    #[arg(long, value_name = "ID", conflicts_with = "body")]
    request_id: Option<String>,
    /// Evaluate only: record nothing, issue no token
    #[arg(long, conflicts_with = "body")]
    dry_run: bool,
    /// Life of the token
    #[arg(long, value_name = "SECONDS", conflicts_with = "body",
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    expires_in: Option<u32>,
}

/// What is asked, whatever is done with the answer.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Asked {
    /// Who wants to act
    #[arg(long, conflicts_with = "body")]
    actor: Option<String>,
    /// What it wants to do
    #[arg(long, conflicts_with = "body")]
    action: Option<String>,
    /// A member of the context, as text; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, conflicts_with = "body")]
    context: Vec<(String, String)>,
    /// The whole context
    #[arg(long, value_name = "JSON", conflicts_with_all = ["context", "body"])]
    context_json: Option<String>,
    /// What it wants to act on
    #[arg(long, conflicts_with = "body")]
    resource: Option<String>,
    /// What it wants to act with
    #[arg(long, conflicts_with = "body")]
    tool: Option<String>,
    /// A class of the data concerned; may be repeated
    #[arg(long = "data-class", value_name = "CLASS", conflicts_with = "body")]
    data_classes: Vec<String>,
    /// How risky it is; each level counts 20 points
    #[arg(long, value_name = "1..5", conflicts_with = "body",
        value_parser = clap::value_parser!(u32).range(1..=5))]
    risk_level: Option<u32>,
    /// Judge more strictly than the policy in force
    #[arg(long, value_name = "MODE", conflicts_with = "body",
        value_parser = ["permissive", "strict", "paranoid"])]
    mode: Option<String>,
    /// Read the whole request from a file, `-` for standard input
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("must be KEY=VALUE".to_owned()),
    }
}

pub(crate) async fn run(
    args: &Args,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let mut body = args.asked.body()?;
    if let Some(id) = &args.request_id {
        body.insert("request_id", id.as_str());
    }
    if let Some(seconds) = args.expires_in {
        body.insert("expires_in", seconds);
    }
    if args.dry_run {
        body.insert("dry_run", true);
    }
    let reply = console.wait("the decision", client.decide_body(body)).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::answer(reply.value.allowed))
}

impl Asked {
    /// Whether nothing is asked.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_none() && self.actor.is_none() && self.action.is_none()
    }

    /// The body of the request.
    pub(crate) fn body(&self) -> Result<Object, Failure> {
        let Some(path) = &self.body else {
            return Ok(self.question()?.to_object());
        };
        // A request that is no JSON was asked wrongly; it is no answer.
        let body = input::document(path).map_err(|error| match error {
            input::InputError::Malformed { .. } => Failure::Usage(error.to_string()),
            input::InputError::Unreadable { .. } | input::InputError::TooLarge { .. } => {
                error.into()
            }
        })?;
        match body {
            Json::Object(body) => Ok(body),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(Failure::Usage(format!("`{}` must hold an object", path.display())))
            }
        }
    }

    fn question(&self) -> Result<Question, Failure> {
        let (Some(actor), Some(action)) = (&self.actor, &self.action) else {
            let detail = "--actor and --action are needed, or --body";
            return Err(Failure::Usage(detail.to_owned()));
        };
        Ok(Question {
            actor: actor.clone(),
            action: action.clone(),
            context: self.context()?,
            resource: self.resource.clone(),
            tool: self.tool.clone(),
            data_classes: self.data_classes.clone(),
            risk_level: self.risk_level,
            policy_mode: self.mode.clone(),
            ..Question::default()
        })
    }

    fn context(&self) -> Result<Object, Failure> {
        if let Some(text) = &self.context_json {
            let refused = |why: String| Failure::Usage(format!("--context-json: {why}"));
            return match input::json(text).map_err(refused)? {
                Json::Object(context) => Ok(context),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                    Err(refused("must be an object".to_owned()))
                }
            };
        }
        let members = self.context.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
        Object::from_members(members.collect())
            .map_err(|key| Failure::Usage(format!("--context: key `{key}` is given twice")))
    }
}

fn shown(decision: &Decision) -> String {
    let entry = decision.ledger_entry_id.zip(decision.ledger_entry_hash.as_ref());
    fields([
        ("outcome", Some(format!("{} ({})", decision.outcome, decision.reason_code))),
        ("reason", Some(decision.reason.clone())),
        ("decision", decision.decision_id.clone()),
        ("request", decision.request_id.clone()),
        ("entry", entry.map(|(id, hash)| format!("{id} {hash}"))),
        ("policy", Some(format!("version {}, {}", decision.policy_version, decision.policy_mode))),
        ("risk", Some(format!("{}, {}", decision.risk.score, decision.risk.level))),
        ("escalation", decision.escalation_id.clone()),
        ("time", Some(decision.timestamp.clone())),
        ("token", decision.capability_token.clone()),
        ("expires", decision.token_expires_at.clone()),
        ("note", decision.dry_run.then(|| "dry run: nothing was recorded".to_owned())),
    ])
}
