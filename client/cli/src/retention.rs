//! `lexecon retention`: how records stand, and erasing what need not be kept.

use std::collections::BTreeMap;

use client::Client;
use client::retention::{Anonymize, Package, PackageQuery, RecordStatus};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;

pub(crate) const HELP: &str = "\
How long records are kept. The cluster erases by itself what need not be kept any more; what \
somebody wants gone at once is erased here.

Example:

  lexecon retention status";

const STATUS_HELP: &str = "\
Counts records by class and by status, and tells whether the ledger they are in holds.

Example:

  lexecon retention status --as-of 2027-03-04";

const ANONYMIZE_HELP: &str = "\
Erases personal parts of records whose time is up, or, with --subject, of every record about one \
actor at once. A legal hold keeps what it freezes. --part all erases both parts: what was decided, \
and why, is then no longer to be known. Nothing brings an erased part back.

Examples:

  lexecon retention anonymize --subject patient:4711 --dry-run

  lexecon retention anonymize --subject patient:4711

  lexecon retention anonymize --subject sys_01K1R0D2J7Q4M8X5B9C3F6H0TN

  lexecon retention anonymize --part all --before 2027-01-01";

const PACKAGE_HELP: &str = "\
Prints what a regulator is given of a period: the records, or what humans did as evidence of their \
oversight.

Examples:

  lexecon retention package records --from 2027-01-01 --to 2027-02-01 --format csv

  lexecon retention package oversight --format markdown";

/// What to do about records.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Count records
    #[command(long_about = STATUS_HELP)]
    Status {
        /// Count up to this entry, or to the last one not later
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
    /// Erase what may be erased
    #[command(long_about = ANONYMIZE_HELP)]
    Anonymize {
        /// Count, and erase nothing
        #[arg(long)]
        dry_run: bool,
        /// What of each record
        #[arg(long, value_parser = ["personal", "all"])]
        part: Option<String>,
        /// Records about this actor alone, whatever their age; or, of an AI system or an
        /// incident, their personal parts
        #[arg(long, value_name = "ACTOR, SYSTEM_ID or INCIDENT_ID")]
        subject: Option<String>,
        /// Records earlier than this alone
        #[arg(long, value_name = "TIME")]
        before: Option<String>,
    },
    /// Print what a regulator is given
    #[command(long_about = PACKAGE_HELP)]
    Package {
        /// Of what
        #[arg(value_parser = ["records", "oversight"])]
        of: String,
        /// The form; csv for records alone
        #[arg(long, value_parser = ["json", "markdown", "csv"], default_value = "json")]
        format: String,
        /// Not earlier than this
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Earlier than this
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
        /// As it stood at this entry, or at the last one not later
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Status { as_of } => {
            let status = client.record_status(as_of.as_deref());
            let reply = console.wait("the figures", status).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::answer(reply.value.integrity.valid != Some(false)))
        }
        Verb::Anonymize { dry_run, part, subject, before } => {
            let what = Anonymize {
                dry_run: *dry_run,
                part: part.clone(),
                subject: subject.clone(),
                before: before.clone(),
            };
            let reply = console.wait("the erasure", client.anonymize(&what)).await?;
            let value = &reply.value;
            let not_looked_at = Some(value.not_looked_at).filter(|count| 0 < *count);
            let not_looked_at = not_looked_at.map(|count| count.to_string());
            console.show(&reply.raw, || {
                let erased = if value.dry_run { "would go" } else { "erased" };
                fields([
                    ("part", Some(value.part.clone())),
                    ("candidates", Some(value.candidates.to_string())),
                    (erased, Some(value.anonymized.to_string())),
                    ("under hold", Some(value.skipped_under_hold.to_string())),
                    ("kept", Some(value.skipped_in_retention.to_string())),
                    ("not looked at", not_looked_at),
                    ("entry", value.ledger_entry_id.map(|id| id.to_string())),
                ])
            })?;
            Ok(Exit::Done)
        }
        Verb::Package { of, format, from, to, as_of } => {
            let package = match of.as_str() {
                "oversight" => Package::Oversight,
                _ => Package::Records,
            };
            let query = PackageQuery {
                format: Some(format.clone()),
                from: from.clone(),
                to: to.clone(),
                as_of: as_of.clone(),
            };
            let package = client.regulatory_package(package, &query);
            let text = console.wait("the package", package).await?;
            // A table has the line ends of its form, and a terminal those of its own.
            console.show_text(&text.replace("\r\n", "\n"))?;
            Ok(Exit::Done)
        }
    }
}

fn shown(found: &RecordStatus) -> String {
    let integrity = match found.integrity.valid {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "not all was hashed again",
    };
    let personal = found.personal_retention_days;
    let kept = format!("personal {personal}, {}", counts(&found.retention_days));
    fields([
        ("records", Some(found.total_records.to_string())),
        ("by class", Some(counts(&found.by_classification))),
        ("by status", Some(counts(&found.by_status))),
        ("holds", Some(found.legal_holds_active.to_string())),
        ("days kept", Some(kept)),
        ("oldest", Some(found.oldest_record.clone())),
        ("newest", Some(found.newest_record.clone())),
        ("ledger", Some(integrity.to_owned())),
        ("status", Some(format!("{} ({})", found.status, found.status_detail))),
        ("as of", Some(found.as_of_index.to_string())),
    ])
}

fn counts(counts: &BTreeMap<String, impl ToString>) -> String {
    let counts: Vec<String> =
        counts.iter().map(|(name, count)| format!("{name} {}", count.to_string())).collect();
    counts.join(", ")
}
