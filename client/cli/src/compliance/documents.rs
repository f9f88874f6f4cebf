//! `lexecon compliance document` and `annex-iv`: what can be handed to those who
//! ask, and what humans write in it.

use std::path::PathBuf;

use client::Client;
use client::documents::{About, AnnexIv, AnnexIvSection, Document};
use types::Json;

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::system::document;
use crate::table::{cell, fields, table};

const DOCUMENT_HELP: &str = "\
The document of an article: what it asks for, what the ledger shows, what humans said, and what nobody \
said yet. There is one of the articles 9, 11, 13, 15, 17, 18, 26, 27, 43, 47, 49, 50 and 72. It \
describes your systems, and never says that a duty is met.

The text is Markdown, unless --json asks for the members. As of one entry it is the same for ever, \
unless something was erased since.

Examples:

  lexecon compliance document 11 --output article-11.md

  lexecon compliance document 49 --system sys_01K1R0D2J7Q4M8X5B9C3F6H0TN --as-of 2027-03-04";

const SET_HELP: &str = "\
Writes a section of the technical documentation, all of it, from a JSON or YAML object in a file. \
Sections 1 and 2 have the points `a` to `h`, the others the one point `text`. A point is a text, or \
whatever says more.

Example:

  lexecon compliance annex-iv set 3 monitoring.yaml --system sys_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const PACKAGE_HELP: &str = "\
The technical documentation in one piece. It is refused while nothing is said of some point; `annex-iv \
show` lists those.

Example:

  lexecon compliance annex-iv package --format html --output annex-iv.html";

const ANNEX_IV_HELP: &str = "\
The technical documentation of Annex IV: nine sections that humans write, beside what the ledger shows.

Example:

  lexecon compliance annex-iv show";

const SHOW_HELP: &str = "\
What each section says, and of which points nothing is said.

Exits 0 if something is said of every point, 1 if not.

Example:

  lexecon compliance annex-iv show --system sys_01K1R0D2J7Q4M8X5B9C3F6H0TN";

/// Documents.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// The document of an article
    #[command(long_about = DOCUMENT_HELP)]
    Document {
        /// Its number
        article: u16,
        #[command(flatten)]
        about: AboutArgs,
        /// Where to write it; standard output otherwise
        #[arg(long, value_name = "PATH")]
        output: Option<PathBuf>,
    },
    /// The technical documentation
    #[command(subcommand, long_about = ANNEX_IV_HELP)]
    AnnexIv(AnnexIvVerb),
}

/// What to do with the technical documentation.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum AnnexIvVerb {
    /// What it says, and what is missing
    #[command(long_about = SHOW_HELP)]
    Show {
        #[command(flatten)]
        about: AboutArgs,
    },
    /// Write a section
    #[command(long_about = SET_HELP)]
    Set {
        /// 1 to 9
        #[arg(value_parser = clap::value_parser!(u8).range(1..=9))]
        section: u8,
        /// File with its points; `-` is standard input
        path: PathBuf,
        /// The system; the only file of the organisation otherwise
        #[arg(long, value_name = "SYSTEM_ID")]
        system: Option<String>,
    },
    /// All of it in one piece
    #[command(long_about = PACKAGE_HELP)]
    Package {
        #[command(flatten)]
        about: AboutArgs,
        /// How it is written; --json asks for the members
        #[arg(long, value_parser = ["markdown", "html"], default_value = "markdown")]
        format: String,
        /// Where to write it; standard output otherwise
        #[arg(long, value_name = "PATH")]
        output: Option<PathBuf>,
    },
}

/// Of what, and as of when.
#[derive(Clone, Debug, clap::Args)]
pub struct AboutArgs {
    /// One system; every one of the organisation otherwise
    #[arg(long, value_name = "SYSTEM_ID")]
    system: Option<String>,
    /// As of an entry or a time
    #[arg(long, value_name = "ENTRY or TIME")]
    as_of: Option<String>,
}

impl AboutArgs {
    fn about(&self) -> About {
        About { system_id: self.system.clone(), as_of: self.as_of.clone() }
    }
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Document { article, about, output } => {
            let about = about.about();
            if console.is_json() {
                let document = client.article_document(*article, &about);
                let reply = console.wait("the document", document).await?;
                return members(&reply.raw, &reply.value, output.as_ref(), console);
            }
            let text = client.article_markdown(*article, &about);
            let text = console.wait("the document", text).await?;
            written(&text, output.as_ref(), console)
        }
        Verb::AnnexIv(verb) => annex_iv(verb, client, console).await,
    }
}

async fn annex_iv(
    verb: &AnnexIvVerb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        AnnexIvVerb::Show { about } => {
            let about = about.about();
            let reply = console.wait("the documentation", client.annex_iv(&about)).await?;
            console.show(&reply.raw, || listed(&reply.value))?;
            Ok(Exit::answer(reply.value.complete))
        }
        AnnexIvVerb::Set { section, path, system } => {
            let content = document(path)?;
            let set = client.annex_iv_set(*section, content, system.as_deref());
            let reply = console.wait("the section", set).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
            Ok(Exit::Done)
        }
        AnnexIvVerb::Package { about, format, output } => {
            let about = about.about();
            if console.is_json() {
                let package = client.annex_iv_package(&about);
                let reply = console.wait("the package", package).await?;
                return members(&reply.raw, &reply.value, output.as_ref(), console);
            }
            let package = client.annex_iv_package_text(&about, format);
            let text = console.wait("the package", package).await?;
            written(&text, output.as_ref(), console)
        }
    }
}

/// A document as members, to a file or shown.
fn members(
    raw: &Json,
    document: &Document,
    output: Option<&PathBuf>,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match output {
        Some(path) => {
            output::write(path, raw.to_canonical())?;
            console.notice(&format!("document {}", document.document_hash))?;
        }
        None => console.show(raw, String::new)?,
    }
    Ok(Exit::Done)
}

fn written(
    text: &str,
    output: Option<&PathBuf>,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match output {
        Some(path) => output::write(path, text)?,
        None => console.show_text(text)?,
    }
    Ok(Exit::Done)
}

fn listed(documentation: &AnnexIv) -> String {
    let rows = documentation.sections.iter().map(|section| {
        [
            section.number.to_string(),
            section.status.clone(),
            cell(Some(section.missing.join(" ")).filter(|missing| !missing.is_empty())),
            cell(section.ledger_entry_id),
            section.title.clone(),
        ]
    });
    table(["SECTION", "STATUS", "MISSING", "ENTRY", "TITLE"], rows.collect())
}

fn shown(section: &AnnexIvSection) -> String {
    let missing = Some(section.missing.join(" ")).filter(|missing| !missing.is_empty());
    fields([
        ("section", Some(format!("{} {}", section.number, printable(&section.title)))),
        ("status", Some(section.status.clone())),
        ("missing", missing),
        ("by", section.updated_by.clone()),
        ("at", section.updated_at.clone()),
        ("entry", section.ledger_entry_id.map(|entry| entry.to_string())),
    ])
}
