//! `lexecon policy diff`: what tells two policies apart.

mod changes;

use std::path::PathBuf;
use std::str::FromStr;

use client::Client;
use client::policy::Version;
use policy::Document;
use types::Json;

use self::changes::Changes;
use super::local;
use crate::command::Globals;
use crate::connect;
use crate::console::{Console, printable_lines};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;

pub(super) const HELP: &str = "\
Compares two policies: terms, relations and constraints that were added, removed or changed, by \
their ids. Each is a file, or `@` and a version that a node has.

Exits 0 if they say the same, 1 if not.

Examples:

  lexecon policy diff policy.yaml candidate.yaml

  lexecon policy diff @active candidate.yaml

  lexecon policy diff @3 @4 --json";

/// What to compare.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A file, `@active`, or `@` and a version
    before: Origin,
    /// The same, of what comes after
    after: Origin,
}

/// Where a document comes from.
#[derive(Clone, Debug)]
enum Origin {
    /// A file, or standard input.
    File(PathBuf),
    /// A version of a node.
    Node(Version),
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(version) = text.strip_prefix('@') else {
            return Ok(Self::File(text.into()));
        };
        if version == "active" {
            return Ok(Self::Node(Version::Active));
        }
        let number =
            version.parse().map_err(|_| "must be a file, `@active` or `@` and a version")?;
        Ok(Self::Node(Version::Number(number)))
    }
}

pub(super) async fn run(
    args: &Args,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let client = connect(globals)?;
    let before = args.before.document(&client, console).await?;
    let after = args.after.document(&client, console).await?;
    let changes = Changes::between(&before.to_json(), &after.to_json());
    let raw = Json::object([
        ("before_hash", before.hash().to_string().into()),
        ("after_hash", after.hash().to_string().into()),
        ("identical", changes.is_empty().into()),
        ("changes", changes.to_json()),
    ]);
    console.show(&raw, || printable_lines(&changes.to_text()))?;
    Ok(Exit::answer(changes.is_empty()))
}

impl Origin {
    async fn document(
        &self,
        client: &Client,
        console: &mut Console<'_>,
    ) -> Result<Document, Failure> {
        let (json, origin) = match self {
            Self::File(path) => (input::document(path)?, path.display().to_string()),
            Self::Node(version) => {
                let reply = console.wait("the policy", client.policy(*version)).await?;
                let origin = format!("@{}", reply.value.version);
                (reply.value.document.unwrap_or_default(), origin)
            }
        };
        let (document, _) = local::parse(&json, &origin)?;
        Ok(document)
    }
}
