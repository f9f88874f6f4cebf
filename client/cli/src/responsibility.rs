//! `lexecon responsibility`.

use client::Client;
use client::responsibility::{
    LegalResponsibility, ResponsibilityRecord, ResponsibilityReport, ResponsibilityVerdict,
    Responsible,
};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ledger::time;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Who answers for decisions: the service itself, and the people who answered, overrode or said so.

Example:

  lexecon responsibility chain dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const CHAIN_HELP: &str = "\
Everybody who answers for a decision: the service first, then people, oldest first.

Example:

  lexecon responsibility chain dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const PARTY_HELP: &str = "\
What somebody answers for, oldest first. `system` answers for every decision.

Examples:

  lexecon responsibility party act_human_user:maria

  lexecon responsibility party system --limit 20";

const LEGAL_HELP: &str = "\
Everybody who answers for a decision, who decided last, and the checkpoint that covers all of it. \
With --json it is the document to keep.

Example:

  lexecon responsibility legal dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --json";

const REPORT_HELP: &str = "\
Who answered for how much in a span of time, as numbers.

Examples:

  lexecon responsibility report

  lexecon responsibility report --from 2027-03-01 --to 2027-04-01";

const PENDING_HELP: &str = "\
Records that wait for a review, oldest first.

Example:

  lexecon responsibility pending";

const RECORD_HELP: &str = "\
Says who answers for a recorded decision, as what and how much.

It is sent once: where its outcome is unknown, `lexecon responsibility chain` tells.

Examples:

  lexecon responsibility record dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --maker human_supervisor --party \
act_human_user:maria --role 'shift lead' --level full --reasoning 'checked the claim by hand'

  lexecon responsibility record dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --maker delegated --delegated-from \
act_human_user:maria --party act_human_user:tom --role clerk --level shared --reasoning 'on duty' \
--review-required";

const REVIEW_HELP: &str = "\
Accepts or rejects what a record says. Nothing is edited: the review is an entry of its own, there \
is one for each record, and whoever is responsible cannot make it.

Example:

  lexecon responsibility review resp_01K1R0E4T8W3Y7B5N2M6K9J1HC accepted --notes 'as I saw it' \
--reviewed-by act_human_user:jane";

/// What to do with responsibility.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Show everybody who answers for a decision
    #[command(long_about = CHAIN_HELP)]
    Chain {
        /// The decision
        decision_id: String,
    },
    /// List what somebody answers for
    #[command(long_about = PARTY_HELP)]
    Party {
        /// Who; `system` is the service itself
        party: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show everybody who answers for a decision, with the proof
    #[command(long_about = LEGAL_HELP)]
    Legal {
        /// The decision
        decision_id: String,
    },
    /// Tell who answered for how much
    #[command(long_about = REPORT_HELP)]
    Report {
        /// Not before this time (RFC 3339, or a date)
        #[arg(long, value_name = "TIME", value_parser = time)]
        from: Option<String>,
        /// Before this time
        #[arg(long, value_name = "TIME", value_parser = time)]
        to: Option<String>,
    },
    /// List records that wait for a review
    #[command(long_about = PENDING_HELP)]
    Pending {
        #[command(flatten)]
        page: PageArgs,
    },
    /// Say who answers for a decision
    #[command(long_about = RECORD_HELP)]
    Record(Box<RecordArgs>),
    /// Accept or reject what a record says
    #[command(long_about = REVIEW_HELP)]
    Review(ReviewArgs),
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct PageArgs {
    /// `next` of the page before
    #[arg(long, value_name = "ID")]
    after: Option<u64>,
    /// At most so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

/// Who answers, and for what.
#[derive(Clone, Debug, clap::Args)]
pub struct RecordArgs {
    /// The decision
    decision_id: String,
    /// As what
    #[arg(long, value_parser = ["ai_system", "human_operator", "human_supervisor",
        "human_executive", "delegated", "emergency_override"])]
    maker: String,
    /// Who
    #[arg(long, value_name = "NAME")]
    party: String,
    /// In which role
    #[arg(long, value_name = "TEXT")]
    role: String,
    /// How much
    #[arg(long, value_parser = ["full", "shared", "supervised", "automated"])]
    level: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reasoning: String,
    /// How sure they were
    #[arg(long, value_name = "0..100", value_parser = clap::value_parser!(u32).range(..=100))]
    confidence: Option<u32>,
    /// In whose place
    #[arg(long, value_name = "NAME", required_if_eq("maker", "delegated"))]
    delegated_from: Option<String>,
    /// Somebody else must look at it
    #[arg(long)]
    review_required: bool,
}

/// Which record, and what is thought of it.
#[derive(Clone, Debug, clap::Args)]
pub struct ReviewArgs {
    /// The record
    record_id: String,
    /// Whether it is so
    #[arg(value_parser = ["accepted", "rejected"])]
    outcome: String,
    /// And why
    #[arg(long, value_name = "TEXT")]
    notes: String,
    /// Who says so, where nobody authenticates
    #[arg(long, value_name = "act_human_user:NAME")]
    reviewed_by: Option<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Chain { decision_id } => {
            let chain = client.responsibility_chain(decision_id);
            let reply = console.wait("the chain", chain).await?;
            console.show(&reply.raw, || rows(&reply.value.records))?;
        }
        Verb::Party { party, page } => {
            let found = client.responsibility_of(party, page.after, page.limit);
            let reply = console.wait("the records", found).await?;
            let page = &reply.value;
            let (shown, count) = (&page.records, page.decision_count);
            console.show(&reply.raw, || shown_page(shown, count, page.next))?;
        }
        Verb::Legal { decision_id } => {
            let legal = client.responsibility_legal(decision_id);
            let reply = console.wait("the chain", legal).await?;
            console.show(&reply.raw, || shown_legal(&reply.value))?;
        }
        Verb::Report { from, to } => {
            let report = client.responsibility_report(from.as_deref(), to.as_deref());
            let reply = console.wait("the report", report).await?;
            console.show(&reply.raw, || shown_report(&reply.value))?;
        }
        Verb::Pending { page } => {
            let pending = client.responsibility_pending(page.after, page.limit);
            let reply = console.wait("the records", pending).await?;
            let page = &reply.value;
            let (shown, count) = (&page.records, page.pending_count);
            console.show(&reply.raw, || shown_page(shown, count, page.next))?;
        }
        Verb::Record(args) => record(args, client, console).await?,
        Verb::Review(args) => review(args, client, console).await?,
    }
    Ok(Exit::Done)
}

async fn record(
    args: &RecordArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let responsible = Responsible {
        decision_id: args.decision_id.clone(),
        decision_maker: args.maker.clone(),
        responsible_party: args.party.clone(),
        role: args.role.clone(),
        reasoning: args.reasoning.clone(),
        responsibility_level: args.level.clone(),
        confidence_percent: args.confidence,
        delegated_from: args.delegated_from.clone(),
        review_required: args.review_required,
    };
    let record = client.responsibility_record(&responsible);
    let reply = console.wait("the record to be made", record).await?;
    console.show(&reply.raw, || shown(&reply.value))
}

async fn review(
    args: &ReviewArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let verdict = ResponsibilityVerdict {
        outcome: args.outcome.clone(),
        notes: args.notes.clone(),
        reviewed_by: args.reviewed_by.clone(),
    };
    let review = client.responsibility_review(&args.record_id, &verdict);
    let reply = console.wait("the review to be recorded", review).await?;
    console.show(&reply.raw, || shown(&reply.value))
}

/// What a review says, in a word.
fn judged(record: &ResponsibilityRecord) -> Option<String> {
    match &record.review {
        Some(review) => Some(review.outcome.clone().unwrap_or_else(|| "erased".to_owned())),
        None => record.review_required.then(|| "required".to_owned()),
    }
}

fn shown(record: &ResponsibilityRecord) -> String {
    let review = record.review.as_ref();
    fields([
        ("record", Some(record.record_id.clone())),
        ("decision", Some(record.decision_id.clone())),
        ("party", Some(record.responsible_party.clone())),
        ("role", Some(record.role.clone())),
        ("as", Some(format!("{}, {}", record.decision_maker, record.responsibility_level))),
        ("reasoning", record.reasoning.clone()),
        ("confidence", record.confidence_percent.map(|percent| format!("{percent} %"))),
        ("delegated from", record.delegated_from.clone()),
        ("escalation", record.escalation_id.clone()),
        ("override", record.override_id.clone()),
        ("review", judged(record)),
        ("reviewed by", review.and_then(|review| review.reviewed_by.clone())),
        ("notes", review.and_then(|review| review.notes.clone())),
        ("time", Some(record.timestamp.clone())),
        ("entry", Some(record.ledger_entry_id.to_string())),
    ])
}

fn rows(records: &[ResponsibilityRecord]) -> String {
    let rows = records.iter().map(|record| {
        [
            record.record_id.clone(),
            record.responsible_party.clone(),
            record.role.clone(),
            record.decision_maker.clone(),
            record.responsibility_level.clone(),
            cell(judged(record)),
            record.decision_id.clone(),
            record.timestamp.clone(),
        ]
    });
    let header = ["RECORD", "PARTY", "ROLE", "MAKER", "LEVEL", "REVIEW", "DECISION", "TIME"];
    table(header, rows.collect())
}

fn shown_page(records: &[ResponsibilityRecord], total: u64, next: Option<u64>) -> String {
    let mut text = rows(records);
    text.push_str(&format!("{} of {total} records", records.len()));
    if let Some(next) = next {
        text.push_str(&format!("; next page: --after {next}"));
    }
    text.push('\n');
    text
}

fn shown_legal(legal: &LegalResponsibility) -> String {
    let human = if legal.human_in_loop { "yes" } else { "no" };
    let size = legal.checkpoint.as_deref().and_then(|note| note.lines().nth(1));
    let mut text = rows(&legal.responsibility_records);
    text.push_str(&fields([
        ("final party", Some(legal.final_responsible_party.clone())),
        ("human in loop", Some(human.to_owned())),
        (
            "checkpoint",
            Some(size.map_or("not final yet".to_owned(), |size| format!("of size {size}"))),
        ),
        ("signatures", Some(legal.signatures_present.len().to_string())),
    ]));
    text
}

fn shown_report(report: &ResponsibilityReport) -> String {
    let summary = &report.summary;
    let from = report.period.from.as_deref().unwrap_or("the beginning");
    let to = report.period.to.as_deref().unwrap_or("now");
    let overrides = format!("{}, {} %", summary.ai_overrides, summary.override_rate_percent);
    let mut text = fields([
        ("period", Some(format!("{from} to {to}"))),
        ("decisions", Some(summary.total_decisions.to_string())),
        ("overrides", Some(overrides)),
        ("pending reviews", Some(summary.pending_reviews.to_string())),
    ]);
    for counts in [&summary.by_decision_maker, &summary.by_responsibility_level] {
        let counted = counts.iter().filter(|(_, count)| 0 < **count);
        let counted = counted.map(|(word, count)| format!("{count} {}", printable(word)));
        text.push_str(&counted.collect::<Vec<_>>().join(", "));
        text.push('\n');
    }
    let parties = report.top_responsible_parties.iter();
    let parties = parties.map(|party| [party.party.clone(), party.decision_count.to_string()]);
    text.push_str(&table(["PARTY", "RECORDS"], parties.collect()));
    text
}
