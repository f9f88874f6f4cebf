//! `lexecon evidence`.

mod shown;

use std::path::{Path, PathBuf};

use client::Client;
use client::evidence::{Against, ArtifactFilter, Register};
use client::ledger::Order;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::{input, output};

pub(crate) const HELP: &str = "\
What decisions and controls rest on: reports, captures, attestations. The content is kept with the \
ledger on every node, and the ledger has its digest.

Example:

  lexecon evidence list --type external_report";

const REGISTER_HELP: &str = "\
Keeps a file of at most 16 MiB; `-` is standard input. It may be sent again after a lost answer \
without being kept twice.

Examples:

  lexecon evidence register report.pdf --type external_report --source acme-security \
--control soc2:CC7.1

  lexecon evidence register shot.png --type screenshot --source desk-4 \
--decision dec_01K1R0D2J7Q4M8X5B9C3F6H0TN --content-type image/png";

const LINK_HELP: &str = "\
Says that a piece of evidence is about a decision. What is linked already is not recorded again.

Example:

  lexecon evidence link evd_01K1R0J4T8W3Y7B5N2M6K9J1HC dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const SHOW_HELP: &str = "\
A piece of evidence by its id, or all of a decision.

Examples:

  lexecon evidence show evd_01K1R0J4T8W3Y7B5N2M6K9J1HC

  lexecon evidence show dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const CONTENT_HELP: &str = "\
Writes the content to a file, once it is what was registered. Exit code 1 says that it is not.

Example:

  lexecon evidence content evd_01K1R0J4T8W3Y7B5N2M6K9J1HC --output report.pdf";

const VERIFY_HELP: &str = "\
Compares a file or a digest with what was registered; without either, what the node has stored is \
hashed again. Exit code 1 says that they differ. Of a file only the digest is sent.

Examples:

  lexecon evidence verify evd_01K1R0J4T8W3Y7B5N2M6K9J1HC

  lexecon evidence verify evd_01K1R0J4T8W3Y7B5N2M6K9J1HC report.pdf";

const SIGN_HELP: &str = "\
Adds a signature of a registered signer. What is signed are three lines, each with its line feed: \
`lexecon/evidence-signature/v1`, the id of the artifact, and the digest of its content in hex.

Example:

  lexecon evidence sign evd_01K1R0J4T8W3Y7B5N2M6K9J1HC --key key_01K1R0C9N5T8Z4W2Y6V3Q7M1HD \
--signature mR3Xo4hZ";

const LIST_HELP: &str = "\
Evidence in the order of the ledger.

Examples:

  lexecon evidence list

  lexecon evidence list --source acme-security --from 2027-01-01 --newest-first";

const LINEAGE_HELP: &str = "\
All of the evidence of a decision with the ledger entries that record it.

Example:

  lexecon evidence lineage dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const STATISTICS_HELP: &str = "\
How much evidence there is, by type.

Example:

  lexecon evidence statistics";

const TYPES: [&str; 8] = [
    "decision_log",
    "policy_snapshot",
    "context_capture",
    "screenshot",
    "attestation",
    "signature",
    "audit_trail",
    "external_report",
];

/// What to do with evidence.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Keep a file as evidence
    #[command(long_about = REGISTER_HELP)]
    Register(Box<RegisterArgs>),
    /// Say that evidence is about a decision
    #[command(long_about = LINK_HELP)]
    Link {
        /// The evidence
        artifact_id: String,
        /// The decision
        decision_id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Show evidence
    #[command(long_about = SHOW_HELP)]
    Show {
        /// An artifact or a decision
        #[arg(value_name = "ARTIFACT_ID or DECISION_ID")]
        of: String,
    },
    /// Write the content to a file
    #[command(long_about = CONTENT_HELP)]
    Content {
        /// The evidence
        artifact_id: String,
        /// Where to
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Compare with what was registered
    #[command(long_about = VERIFY_HELP)]
    Verify {
        /// The evidence
        artifact_id: String,
        /// What it should be
        #[arg(value_name = "FILE", conflicts_with = "sha256")]
        file: Option<PathBuf>,
        /// Its digest in hex
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Add a signature
    #[command(long_about = SIGN_HELP)]
    Sign {
        /// The evidence
        artifact_id: String,
        /// Key of a registered signer
        #[arg(long, value_name = "KEY_ID")]
        key: String,
        /// Ed25519, base64url
        #[arg(long, value_name = "BASE64URL", allow_hyphen_values = true)]
        signature: String,
    },
    /// List evidence
    #[command(long_about = LIST_HELP)]
    List(ListArgs),
    /// Show what the ledger has about the evidence of a decision
    #[command(long_about = LINEAGE_HELP)]
    Lineage {
        /// The decision
        decision_id: String,
    },
    /// Count evidence
    #[command(long_about = STATISTICS_HELP)]
    Statistics,
}

/// What is to be kept.
#[derive(Clone, Debug, clap::Args)]
pub struct RegisterArgs {
    /// The file
    file: PathBuf,
    /// What kind of thing it is
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    artifact_type: String,
    /// Where it comes from
    #[arg(long, value_name = "TEXT")]
    source: String,
    /// Its media type
    #[arg(long, value_name = "TYPE/SUBTYPE")]
    content_type: Option<String>,
    /// A decision it is about; may be repeated
    #[arg(long = "decision", value_name = "DECISION_ID")]
    decisions: Vec<String>,
    /// A control it bears on; may be repeated
    #[arg(long = "control", value_name = "FRAMEWORK:CONTROL")]
    controls: Vec<String>,
    /// Where else it is kept
    #[arg(long, value_name = "URI")]
    storage_uri: Option<String>,
    /// How long to keep it, 0 for ever
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(..=36_500))]
    retention_days: Option<u32>,
    /// Who registers it, where nobody authenticates
    #[arg(long, value_name = "HUMAN")]
    by: Option<String>,
}

/// Which evidence to list.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = TYPES)]
    artifact_type: Option<String>,
    /// From this source
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Not earlier than this
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Earlier than this
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Newest first
    #[arg(long)]
    newest_first: bool,
    /// `next` of the page before
    #[arg(long, value_name = "NEXT")]
    after: Option<u64>,
    /// At most so many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Register(args) => {
            let register = read(args)?;
            let registered = client.evidence_register(&register);
            let reply = console.wait("the evidence to be kept", registered).await?;
            console.show(&reply.raw, || shown::artifact(&reply.value))?;
        }
        Verb::Link { artifact_id, decision_id, note } => {
            let linked = client.evidence_link(artifact_id, decision_id, note.as_deref());
            let reply = console.wait("the link", linked).await?;
            console.show(&reply.raw, || shown::linked(&reply.value))?;
        }
        Verb::Show { of } if of.starts_with("dec_") => {
            let reply = console.wait("the evidence", client.evidence_of(of)).await?;
            console.show(&reply.raw, || shown::rows(&reply.value.artifacts))?;
        }
        Verb::Show { of } => {
            let reply = console.wait("the evidence", client.evidence(of)).await?;
            console.show(&reply.raw, || shown::artifact(&reply.value))?;
        }
        Verb::Content { artifact_id, output } => {
            return save(artifact_id, output, client, console).await;
        }
        Verb::Verify { artifact_id, file, sha256 } => {
            let against = against(file.as_deref(), sha256.as_deref())?;
            let verified = client.evidence_verify(artifact_id, &against);
            let reply = console.wait("the comparison", verified).await?;
            console.show(&reply.raw, || shown::verified(&reply.value))?;
            return Ok(Exit::answer(reply.value.is_valid));
        }
        Verb::Sign { artifact_id, key, signature } => {
            let signed = client.evidence_sign(artifact_id, key, signature);
            let reply = console.wait("the signature", signed).await?;
            console.show(&reply.raw, || shown::signed(&reply.value))?;
        }
        Verb::List(args) => {
            let reply = console.wait("the evidence", client.evidence_list(&filter(args))).await?;
            console.show(&reply.raw, || shown::list(&reply.value))?;
        }
        Verb::Lineage { decision_id } => {
            let reply = console.wait("the lineage", client.evidence_lineage(decision_id)).await?;
            console.show(&reply.raw, || shown::lineages(&reply.value))?;
        }
        Verb::Statistics => {
            let reply = console.wait("the counts", client.evidence_statistics()).await?;
            console.show(&reply.raw, || shown::statistics(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn read(args: &RegisterArgs) -> Result<Register, Failure> {
    Ok(Register {
        artifact_type: args.artifact_type.clone(),
        content: input::bytes(&args.file)?,
        source: args.source.clone(),
        content_type: args.content_type.clone(),
        related_decision_ids: args.decisions.clone(),
        related_control_ids: args.controls.clone(),
        storage_uri: args.storage_uri.clone(),
        retention_days: args.retention_days,
        registered_by: args.by.clone(),
        metadata: None,
    })
}

/// Writes a content that is what was registered, and nothing else.
async fn save(
    artifact_id: &str,
    output: &Path,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = console.wait("the evidence", client.evidence(artifact_id)).await?;
    let content = console.wait("the content", client.evidence_content(artifact_id)).await?;
    let found = ledger::hash::sha256(&content).to_string();
    if reply.value.sha256_hash.as_ref() != Some(&found) {
        console.notice("the content is not what was registered; nothing is written")?;
        return Ok(Exit::No);
    }
    output::write(output, &content)?;
    console.show(&reply.raw, || shown::artifact(&reply.value))?;
    Ok(Exit::Done)
}

/// A file is hashed here: the digest is what is compared, and is smaller.
fn against(file: Option<&Path>, sha256: Option<&str>) -> Result<Against, Failure> {
    Ok(match (file, sha256) {
        (Some(file), _) => {
            let content = input::bytes(file)?;
            Against::Sha256(ledger::hash::sha256(&content).to_string())
        }
        (None, Some(digest)) => Against::Sha256(digest.to_owned()),
        (None, None) => Against::Stored,
    })
}

fn filter(args: &ListArgs) -> ArtifactFilter {
    ArtifactFilter {
        artifact_type: args.artifact_type.clone(),
        source: args.source.clone(),
        from: args.from.clone(),
        to: args.to.clone(),
        after: args.after,
        limit: args.limit,
        order: if args.newest_first { Order::Descending } else { Order::Ascending },
    }
}
