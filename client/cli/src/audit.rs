//! `lexecon audit`.

pub(crate) mod work;

mod pack;
mod sample;

use std::path::{Path, PathBuf};
use std::time::Duration;

use client::Client;
use client::audit::{DownloadError, Downloaded, ExportAsk, ExportFilter, ExportStatus};
use types::Json;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Partial;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Exports for auditors: files of what is recorded, which any node can build again with the same \
bytes. And what auditors do with it, so that somebody else can do it again and find the same.

Example:

  lexecon audit export --scope all --format json --out audit.json";

const EXPORT_HELP: &str = "\
Asks for an export. Who may take exports away is served at once; who may only ask waits until \
somebody else approves.

With --wait it waits until the file is built, with --out it fetches it too and compares its \
digest with the one that is recorded. Exits 1 where the export failed or waits for an approval, 3 \
where it took too long. It is sent once: where its outcome is unknown, `lexecon audit list` tells.

Examples:

  lexecon audit export --scope all --format json --out audit.json

  lexecon audit export --scope decision_log_only --format csv --from 2027-01-01 --to 2027-04-01 \
--purpose 'supervision, first quarter'

  lexecon audit export --scope all --format zip --ledger-size 135 --wait=600 --out audit.zip";

const STATUS_HELP: &str = "\
How an export stands.

Example:

  lexecon audit status exp_01K1R0K2J7Q4M8X5B9C3F6H0TN";

const LIST_HELP: &str = "\
Exports, in the order of their requests.

Example:

  lexecon audit list --status awaiting_approval";

const APPROVE_HELP: &str = "\
Lets somebody else's export go out.

Example:

  lexecon audit approve exp_01K1R0K2J7Q4M8X5B9C3F6H0TN --notes 'asked for by the supervisor'";

const REJECT_HELP: &str = "\
Refuses somebody else's export.

Example:

  lexecon audit reject exp_01K1R0K2J7Q4M8X5B9C3F6H0TN --notes 'not needed'";

const DOWNLOAD_HELP: &str = "\
Fetches the file of a completed export and compares its digest with the one that is recorded. \
What is not whole is not there: it is written beside and moved at the end.

Example:

  lexecon audit download exp_01K1R0K2J7Q4M8X5B9C3F6H0TN --out audit.json";

/// Seconds that are waited where it is not said how long.
const WAIT: &str = "300";

/// What to do with exports, and with questions that are asked again.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask for an export
    #[command(long_about = EXPORT_HELP)]
    Export(Box<ExportArgs>),
    /// Show how an export stands
    #[command(long_about = STATUS_HELP)]
    Status {
        /// The export
        export_id: String,
    },
    /// List exports
    #[command(long_about = LIST_HELP)]
    List(Box<ListArgs>),
    /// Let somebody else's export go out
    #[command(long_about = APPROVE_HELP)]
    Approve {
        /// The export
        export_id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        notes: Option<String>,
    },
    /// Refuse somebody else's export
    #[command(long_about = REJECT_HELP)]
    Reject {
        /// The export
        export_id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        notes: Option<String>,
    },
    /// What can be done again.
    #[command(flatten)]
    Work(work::Verb),
    /// Fetch the file of a completed export
    #[command(long_about = DOWNLOAD_HELP)]
    Download {
        /// The export
        export_id: String,
        /// Where to
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Seconds to wait while a node builds it
        #[arg(long, value_name = "SECONDS", default_value = WAIT,
            value_parser = clap::value_parser!(u64).range(1..=86_400))]
        wait: u64,
    },
}

/// Which export is asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// Which records
    #[arg(long, value_parser = [
        "all", "risk_only", "escalation_only", "override_only", "evidence_only",
        "compliance_only", "decision_log_only",
    ])]
    scope: String,
    /// As what file
    #[arg(long, value_parser = ["json", "csv", "markdown", "html", "oscal", "zip"])]
    format: String,
    /// Records not earlier than this
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Records earlier than this
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// What for
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// Entries there are for it; all there are now if absent
    #[arg(long, value_name = "ENTRIES")]
    ledger_size: Option<u64>,
    /// Who asks, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
    /// Wait until it is built, at most so many seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = WAIT, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: Option<u64>,
    /// Where to write it; waits until it is built
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// That stand so
    #[arg(long, value_parser = ["awaiting_approval", "pending", "running", "completed", "failed"])]
    status: Option<String>,
    /// Of this format
    #[arg(long, value_parser = ["json", "csv", "markdown", "html", "oscal", "zip"])]
    format: Option<String>,
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
        Verb::Export(args) => return export(args, client, console).await,
        Verb::Work(verb) => return work::run(verb, client, console).await,
        Verb::Status { export_id } => {
            console.wait("the export", client.export_status(export_id)).await?
        }
        Verb::List(args) => {
            let filter = filter(args);
            let reply = console.wait("the exports", client.exports(&filter)).await?;
            let list = &reply.value;
            console.show(&reply.raw, || rows(&list.exports, list.next))?;
            return Ok(Exit::Done);
        }
        Verb::Approve { export_id, notes } => {
            let asked = client.export_approve(export_id, notes.as_deref());
            console.wait("the approval", asked).await?
        }
        Verb::Reject { export_id, notes } => {
            let asked = client.export_reject(export_id, notes.as_deref());
            console.wait("the rejection", asked).await?
        }
        Verb::Download { export_id, out, wait } => {
            let written = fetch(client, console, (export_id, out, *wait)).await?;
            console.show(&as_json(export_id, out, &written), || shown_file(out, &written))?;
            return Ok(Exit::Done);
        }
    };
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::Done)
}

async fn export(
    args: &ExportArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let ask = ExportAsk {
        scope: args.scope.clone(),
        format: args.format.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        purpose: args.purpose.clone(),
        ledger_size: args.ledger_size,
        requester: args.by.clone(),
    };
    let accepted = console.wait("the export", client.export_request(&ask)).await?;
    let id = accepted.value.export_id.clone();
    let given = args.out.as_ref().and_then(|_| WAIT.parse().ok());
    let Some(seconds) = args.wait.or(given) else {
        console.show(&accepted.raw, || {
            fields([
                ("export", Some(id.clone())),
                ("status", Some(accepted.value.status.clone())),
                ("entries", Some(accepted.value.ledger_size.to_string())),
            ])
        })?;
        return Ok(Exit::Done);
    };
    let waited = client.export_wait(&id, Duration::from_secs(seconds));
    let reply = console.wait("the export to be built", waited).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    match (reply.value.status.as_str(), &args.out) {
        ("completed", Some(out)) => {
            fetch(client, console, (&id, out, seconds)).await?;
            Ok(Exit::Done)
        }
        ("completed", None) => Ok(Exit::Done),
        ("failed" | "awaiting_approval", _) => Ok(Exit::No),
        (_, _) => Ok(Exit::Failed),
    }
}

/// Writes a file whole or not at all.
async fn fetch(
    client: &Client,
    console: &mut Console<'_>,
    (id, out, seconds): (&str, &Path, u64),
) -> Result<Downloaded, Failure> {
    let unwritten = |source| Failure::Unwritten { path: out.to_owned(), source };
    let mut file = Partial::begin(out).map_err(unwritten)?;
    let downloaded = client.export_download(id, &mut file, Duration::from_secs(seconds));
    let written = console.wait("the file", async {
        downloaded.await.map_err(|error| match error {
            DownloadError::Client(error) => Failure::Client(error),
            DownloadError::Write(source) => Failure::Unwritten { path: out.to_owned(), source },
            other => Failure::Download(other),
        })
    });
    let written = written.await?;
    file.finish().map_err(unwritten)?;
    Ok(written)
}

fn filter(args: &ListArgs) -> ExportFilter {
    ExportFilter {
        status: args.status.clone(),
        format: args.format.clone(),
        after: args.after,
        limit: args.limit,
        order: args.order.clone(),
    }
}

fn as_json(id: &str, out: &Path, written: &Downloaded) -> Json {
    Json::object([
        ("export_id", id.into()),
        ("file", out.to_string_lossy().as_ref().into()),
        ("size_bytes", written.size_bytes.into()),
        ("sha256", written.sha256.as_str().into()),
    ])
}

fn shown_file(out: &Path, written: &Downloaded) -> String {
    fields([
        ("file", Some(out.display().to_string())),
        ("bytes", Some(written.size_bytes.to_string())),
        ("sha256", Some(written.sha256.clone())),
    ])
}

fn shown(it: &ExportStatus) -> String {
    fields([
        ("export", Some(it.export_id.clone())),
        ("status", Some(it.status.clone())),
        ("scope", Some(format!("{}, {}", it.scope, it.format))),
        ("from", it.from.clone()),
        ("to", it.to.clone()),
        ("purpose", it.purpose.clone()),
        ("entries", Some(it.ledger_size.to_string())),
        (
            "done",
            it.progress_percent.filter(|_| it.is_in_progress()).map(|done| format!("{done} %")),
        ),
        ("records", it.record_count.map(|count| count.to_string())),
        ("bytes", it.size_bytes.map(|bytes| bytes.to_string())),
        ("sha256", it.sha256.clone()),
        ("erasures", it.erasures_through.map(|run| format!("through entry {run}"))),
        ("by", it.requested_by.clone()),
        ("asked", Some(it.requested_at.clone())),
        ("built", it.completed_at.clone()),
        ("error", it.error.clone()),
    ])
}

fn rows(list: &[ExportStatus], next: Option<u64>) -> String {
    let rows = list.iter().map(|it| {
        [
            it.export_id.clone(),
            it.status.clone(),
            it.scope.clone(),
            it.format.clone(),
            it.ledger_size.to_string(),
            it.requested_at.clone(),
            cell(it.requested_by.as_ref()),
        ]
    });
    let header = ["EXPORT", "STATUS", "SCOPE", "FORMAT", "ENTRIES", "ASKED", "BY"];
    let mut text = table(header, rows.collect());
    if let Some(next) = next {
        text.push_str(&format!("more with --after {}\n", printable(&next.to_string())));
    }
    text
}
