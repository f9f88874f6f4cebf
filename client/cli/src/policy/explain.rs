//! `lexecon policy explain`: why a request comes out as it does.

use std::path::PathBuf;

use client::Client;
use client::policy::{Explanation, Matched};
use types::{Json, Object, Timestamp};

use super::local;
use super::test::{case, verdict};
use crate::console::{Console, printable_lines};
use crate::decide::Asked;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::fields;

pub(super) const HELP: &str = "\
Says why a request is allowed or not: which relation decides, what each condition found, which \
permits failed by their conditions alone, and the least that would have to be otherwise. Nothing \
is recorded, and the command exits 0 whatever the outcome.

By the policy in force, or by --policy. --decision explains a decision that is recorded. With \
--offline no server is asked: the document of --policy judges here, at --at, for an actor that was \
allowed nothing before.

Examples:

  lexecon policy explain --actor ai_agent:payer --action pay --context-json '{\"amount\":700}'

  lexecon policy explain --body request.json --policy candidate.yaml

  lexecon policy explain --decision dec_01K1R0D2J7Q4M8X5B9C3F6H0TN

  lexecon policy explain --actor a --action b --policy policy.yaml --offline --at 2027-03-04T09:30:00Z";

/// What to explain, and by what.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    asked: Asked,
    /// Explain this recorded decision
    #[arg(long, value_name = "ID")]
    decision: Option<String>,
    /// Judge by this document and not by the one in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Judge here and ask no server
    #[arg(long, requires = "policy", conflicts_with = "decision")]
    pub(super) offline: bool,
    /// When the request is made; a Monday at noon where nothing is said
    #[arg(long, value_name = "TIME", requires = "offline")]
    at: Option<String>,
}

pub(super) async fn run(
    args: &Args,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let body = body(args)?;
    let candidate = args.policy.as_deref().map(input::document).transpose()?;
    let explain = client.policy_explain(body, candidate.as_ref());
    let reply = console.wait("the explanation", explain).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

fn body(args: &Args) -> Result<Object, Failure> {
    let Some(decision) = &args.decision else {
        return args.asked.body();
    };
    if !args.asked.is_empty() {
        let detail = "--decision and a request cannot both be explained";
        return Err(Failure::Usage(detail.to_owned()));
    }
    let mut body = Object::new();
    body.insert("decision_id", decision.as_str());
    Ok(body)
}

/// Judges here.
pub(super) fn judge(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let path =
        args.policy.as_deref().ok_or_else(|| Failure::Usage("--policy is needed".to_owned()))?;
    let compiled = local::compiled(path)?;
    let at: Timestamp = args
        .at
        .as_deref()
        .unwrap_or(case::AT_DEFAULT)
        .parse()
        .map_err(|_| Failure::Usage("--at must be an RFC 3339 time or date".to_owned()))?;
    let asked = case::read_request(&Json::Object(args.asked.body()?))?;
    let request = verdict::request(&asked, at);
    let Ok(explanation) = policy::explain(&compiled, &request, &policy::NoHistory);
    let raw = Json::Object(explanation.to_json(None, compiled.hash()));
    let explanation = serde_json::from_str(&raw.to_canonical())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    console.show(&raw, || shown(&explanation))?;
    Ok(Exit::Done)
}

fn shown(explanation: &Explanation) -> String {
    let policy = match explanation.policy_version {
        Some(version) => format!("version {version}, hash {}", explanation.policy_hash),
        None => format!("candidate, hash {}", explanation.policy_hash),
    };
    let deciding =
        deciding(explanation).map(|matched| format!("{} `{}`", matched.kind, matched.relation_id));
    let mut text = fields([
        ("outcome", Some(format!("{} ({})", explanation.outcome, explanation.reason_code))),
        ("reason", Some(explanation.reason.clone())),
        ("decided by", deciding),
        ("policy", Some(policy)),
        ("steps", Some(explanation.steps.to_string())),
    ]);
    let mut lines = String::new();
    for matched in &explanation.matched {
        let applies = if matched.applies { "applies" } else { "does not apply" };
        lines.push_str(&format!("{} `{}` {applies}\n", matched.kind, matched.relation_id));
        for condition in &matched.conditions {
            let (key, met) = (&condition.key, if condition.met { "met" } else { "not met" });
            let found = found(condition.actual.as_ref());
            lines.push_str(&format!(
                "  {}: {found}, {met}\n",
                test(key, &condition.op, &condition.expected)
            ));
        }
    }
    for obligation in explanation.obligations.iter().filter(|asked| !asked.satisfied) {
        lines.push_str(&format!(
            "unmet obligation `{}` of `{}`\n",
            obligation.obligation, obligation.relation_id
        ));
    }
    for near in &explanation.near_misses {
        lines.push_str(&format!("near miss: {} `{}`\n", near.kind, near.relation_id));
        for failed in &near.failed {
            let found =
                if failed.missing { "missing".to_owned() } else { found(failed.actual.as_ref()) };
            lines.push_str(&format!(
                "  {}: {found}\n",
                test(&failed.key, &failed.op, &failed.expected)
            ));
        }
    }
    if let Some(flip) = &explanation.minimal_flip {
        let changes =
            flip.changes.iter().map(|change| test(&change.key, &change.op, &change.value));
        let changes: Vec<String> = changes.collect();
        lines.push_str(&format!("would be {} if {}\n", flip.outcome, changes.join(" and ")));
    }
    if !lines.is_empty() {
        text.push('\n');
        text.push_str(&printable_lines(&lines));
    }
    text
}

/// The first relation of the kind that decided.
fn deciding(explanation: &Explanation) -> Option<&Matched> {
    let kind = match explanation.reason_code.as_str() {
        "permitted" => "permits",
        "forbidden" => "forbids",
        "conflict" => "conflicts",
        "obligation_unmet" => "requires",
        _ => return None,
    };
    explanation.matched.iter().find(|matched| matched.applies && matched.kind == kind)
}

fn found(actual: Option<&Json>) -> String {
    actual.map_or_else(|| "missing".to_owned(), Json::to_canonical)
}

/// A condition as people write it.
fn test(key: &str, op: &str, value: &Json) -> String {
    let sign = match op {
        "eq" => "=",
        "ne" => "!=",
        "lt" => "<",
        "lte" => "<=",
        "gt" => ">",
        "gte" => ">=",
        other => other,
    };
    format!("{key} {sign} {}", value.to_canonical())
}
