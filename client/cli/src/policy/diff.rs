//! `lexecon policy diff`: what tells two policies apart.

mod changes;
mod outcomes;

use std::path::PathBuf;
use std::str::FromStr;

use client::Client;
use client::policy::Version;
use policy::{DiffBounds, Difference, Document};
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
Compares two policies. First what they say: terms, relations and constraints that were added, \
removed or changed, by their ids. Then what that means: requests, one of each kind, that the two \
answer differently, and whether others are possible. Each is a file, or `@` and a version that a \
node has.

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
    /// Requests to try at most; with 0 only the documents are compared
    #[arg(long, value_name = "NUMBER")]
    evaluations_max: Option<u32>,
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
    let difference = args.difference(&before, &after)?;
    let raw = Json::object([
        ("before_hash", before.hash().to_string().into()),
        ("after_hash", after.hash().to_string().into()),
        ("identical", changes.is_empty().into()),
        ("changes", changes.to_json()),
        ("outcomes", difference.as_ref().map(outcomes::to_json).into()),
    ]);
    console.show(&raw, || {
        let outcomes = difference.as_ref().map(outcomes::to_text).unwrap_or_default();
        printable_lines(&format!("{}{outcomes}", changes.to_text()))
    })?;
    Ok(Exit::answer(changes.is_empty()))
}

impl Args {
    /// What the two answer differently; nothing where they are one document.
    fn difference(
        &self,
        before: &Document,
        after: &Document,
    ) -> Result<Option<Difference>, Failure> {
        if before.hash() == after.hash() || self.evaluations_max == Some(0) {
            return Ok(None);
        }
        let mut bounds = DiffBounds::default();
        bounds.evaluations_max = self.evaluations_max.unwrap_or(bounds.evaluations_max);
        let compiled = |document| local::compile(document, "the document");
        Ok(Some(policy::diff(&compiled(before)?, &compiled(after)?, bounds)))
    }
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
