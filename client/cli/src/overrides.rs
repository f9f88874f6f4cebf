//! `lexecon override`.

use client::Client;
use client::overrides::{ActiveOverride, Execute, Override, PendingReviews, Say, Scope};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::time;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Overrides: a human decides in the place of the policy, and a second one says whether that was right.

Example:

  lexecon override pending";

const EXECUTE_HELP: &str = "\
Decides in the place of the policy: while the override is active, the decision comes to `allowed`. \
It takes an oversight role; emergency_bypass and executive_override take an executive. Somebody \
else must review it, within 72 hours for emergency_bypass and 30 days otherwise, or it lapses. It \
is sent once: where its outcome is unknown, `lexecon override list` tells.

Example:

  lexecon override execute dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --type executive_override \
--by act_human_user:executive:jane --justification 'Regulator asked for the file today'";

const REVIEW_HELP: &str = "\
Says, as a second person, whether an override was right. `reversed` takes it back with the token it \
yielded.

Example:

  lexecon override review ovr_01K1R0H4T8W3Y7B5N2M6K9J1HC upheld \
--by act_human_user:governance_lead:leo --notes 'the file was due'";

const SHOW_HELP: &str = "\
An override by its id.

Example:

  lexecon override show ovr_01K1R0H4T8W3Y7B5N2M6K9J1HC";

const LIST_HELP: &str = "\
The overrides of a decision, oldest first.

Example:

  lexecon override list dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const ACTIVE_HELP: &str = "\
Whether a decision is overridden now, and by which override.

Exits 0 if it is, 1 if not.

Example:

  lexecon override active dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const PENDING_HELP: &str = "\
Overrides that nobody has reviewed, most overdue first.

Example:

  lexecon override pending --limit 20";

/// What to do with overrides.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Decide in the place of the policy
    #[command(long_about = EXECUTE_HELP)]
    Execute(Box<ExecuteArgs>),
    /// Say whether an override was right
    #[command(long_about = REVIEW_HELP)]
    Review {
        /// Which one
        override_id: String,
        /// What is said
        #[arg(value_parser = ["upheld", "reversed"])]
        verdict: String,
        /// Why, for whoever reads the ledger
        #[arg(long, value_name = "TEXT")]
        notes: String,
        /// Who says it, where nobody authenticates
        #[arg(long, value_name = "HUMAN_ID")]
        by: Option<String>,
    },
    /// Show an override
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Which one
        override_id: String,
    },
    /// List the overrides of a decision
    #[command(long_about = LIST_HELP)]
    List {
        /// Of which decision
        decision_id: String,
    },
    /// Whether a decision is overridden now
    #[command(long_about = ACTIVE_HELP)]
    Active {
        /// Which one
        decision_id: String,
    },
    /// List overrides that nobody has reviewed
    #[command(long_about = PENDING_HELP)]
    Pending {
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
}

/// What is decided.
#[derive(Clone, Debug, clap::Args)]
pub struct ExecuteArgs {
    /// In which decision's place
    decision_id: String,
    /// On what ground
    #[arg(long = "type", value_parser = [
        "emergency_bypass", "executive_override", "time_limited_exception", "risk_accepted",
    ])]
    override_type: String,
    /// Who answers for it, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
    /// Why, at least 20 characters
    #[arg(long, value_name = "TEXT")]
    justification: String,
    /// What the decision is taken to come to; refused where it does not
    #[arg(long, value_parser = ["denied", "escalated"])]
    original_outcome: Option<String>,
    /// Attach conditions: the new outcome is `conditional`
    #[arg(long)]
    conditional: bool,
    /// When it ends, within 90 days (RFC 3339, or a date)
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires_at: Option<String>,
    /// Let the first token use it up
    #[arg(long)]
    one_time: bool,
    /// An artifact it rests on; may be repeated
    #[arg(long = "evidence", value_name = "ARTIFACT_ID")]
    evidence: Vec<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Execute(args) => {
            let execute = execute(args);
            let reply = console.wait("the override", client.override_execute(&execute)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Review { override_id, verdict, notes, by } => {
            let (verdict, notes) = (verdict.clone(), notes.clone());
            let say = Say { verdict, notes, reviewed_by: by.clone() };
            let review = client.override_review(override_id, &say);
            let reply = console.wait("the review", review).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Show { override_id } => {
            let reply = console.wait("the override", client.override_of(override_id)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::List { decision_id } => {
            let reply = console.wait("the overrides", client.overrides_of(decision_id)).await?;
            console.show(&reply.raw, || rows(&reply.value.overrides))?;
        }
        Verb::Active { decision_id } => {
            let reply = console.wait("the override", client.override_active(decision_id)).await?;
            console.show(&reply.raw, || shown_active(&reply.value))?;
            return Ok(Exit::answer(reply.value.is_overridden));
        }
        Verb::Pending { after, limit } => {
            let pending = client.pending_reviews(after.as_deref(), *limit);
            let reply = console.wait("the overrides", pending).await?;
            console.show(&reply.raw, || shown_list(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn execute(args: &ExecuteArgs) -> Execute {
    Execute {
        decision_id: args.decision_id.clone(),
        override_type: args.override_type.clone(),
        authorized_by: args.by.clone(),
        justification: args.justification.clone(),
        original_outcome: args.original_outcome.clone(),
        new_outcome: args.conditional.then(|| "conditional".to_owned()),
        expires_at: args.expires_at.clone(),
        scope: Scope { is_one_time: args.one_time.then_some(true), ..Scope::default() },
        evidence_ids: args.evidence.clone(),
        metadata: None,
    }
}

fn shown(found: &Override) -> String {
    let review = found.review.as_ref();
    let by = |by: &str, role: &str| format!("{by} ({role})");
    fields([
        ("override", Some(found.override_id.clone())),
        ("decision", Some(found.decision_id.clone())),
        ("type", Some(found.override_type.clone())),
        ("status", Some(found.status.clone())),
        ("outcome", Some(format!("{} to {}", found.original_outcome, found.new_outcome))),
        ("by", Some(by(&found.authorized_by, &found.authorized_role))),
        ("why", found.justification.clone()),
        ("time", Some(found.timestamp.clone())),
        ("expires", found.expires_at.clone()),
        ("one time", found.scope.is_one_time.filter(|once| *once).map(|_| "yes".to_owned())),
        ("due", Some(found.review_required_by.clone()).filter(|_| review.is_none())),
        ("review", review.map(|review| review.verdict.clone())),
        ("reviewer", review.and_then(|review| review.reviewed_by.clone())),
        ("notes", review.and_then(|review| review.notes.clone())),
        ("evidence", Some(found.evidence_ids.join(", "))),
        ("entry", Some(found.ledger_entry_id.to_string())),
    ])
}

fn shown_active(found: &ActiveOverride) -> String {
    match &found.active {
        Some(active) => shown(active),
        None => fields([
            ("decision", Some(found.decision_id.clone())),
            ("override", Some("none is active".to_owned())),
        ]),
    }
}

fn rows(overrides: &[Override]) -> String {
    let rows = overrides.iter().map(|found| {
        [
            found.override_id.clone(),
            found.override_type.clone(),
            found.status.clone(),
            found.authorized_by.clone(),
            found.decision_id.clone(),
            cell(found.expires_at.as_ref()),
            found.review_required_by.clone(),
        ]
    });
    let header = ["OVERRIDE", "TYPE", "STATUS", "BY", "DECISION", "EXPIRES", "REVIEW BY"];
    table(header, rows.collect())
}

fn shown_list(list: &PendingReviews) -> String {
    let mut text = rows(&list.overrides);
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
