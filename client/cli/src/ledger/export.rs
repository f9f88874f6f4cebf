//! `lexecon ledger export`.

use std::path::PathBuf;
use std::time::Duration;

use client::Client;
use client::export::{self, Written};
use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;

pub(crate) const HELP: &str = "\
Copies the whole ledger, up to the last final checkpoint, into a new or empty directory: entries, \
tiles, keys and the checkpoint. `lexecon verify` and any other verifier of the format check it \
without a server.

Every entry is checked as it is read, and the whole against the checkpoint: nothing is written \
that does not hold, and exit 1 says so. What is not whole is not there: it is written beside, \
under the name with `.partial` after it, and moved at the end.

Examples:

  lexecon ledger export audit-2027-03

  lexecon ledger export /mnt/audit --url http://127.0.0.1:8001 --timeout 120";

/// Where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A directory that is new or empty
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Seconds to wait for a final checkpoint
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    wait: u64,
}

pub(super) async fn run(
    args: &Args,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let written = export::write(client, &args.dir, Duration::from_secs(args.wait));
    let written = console.wait("the ledger to be copied", written).await?;
    console.show(&as_json(args, &written), || shown(args, &written))?;
    Ok(Exit::Done)
}

fn as_json(args: &Args, written: &Written) -> Json {
    Json::object([
        ("directory", args.dir.to_string_lossy().as_ref().into()),
        ("origin", written.origin.as_str().into()),
        ("size", written.size.into()),
        ("root_hash", written.root_hash.as_str().into()),
        ("entries_erased", written.entries_erased.into()),
    ])
}

fn shown(args: &Args, written: &Written) -> String {
    fields([
        ("export", Some(args.dir.display().to_string())),
        ("ledger", Some(written.origin.clone())),
        (
            "entries",
            Some(format!("{} ({} with an erased part)", written.size, written.entries_erased)),
        ),
        ("tree", Some(written.root_hash.clone())),
    ])
}
