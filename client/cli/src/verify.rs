//! `lexecon verify`: offline, no server.

use std::path::{Path, PathBuf};

use client::keys::{Key, Keys};
use client::offline::{Fault, Genuine, verify_reply};
use serde::Deserialize as _;
use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, InputError};
use crate::table::fields;

pub(crate) const HELP: &str = "\
Checks a decision reply without any server: that a node whose key you trust signed exactly these \
members, and that the capability token in it is genuine and says what the decision says.

The keys are a reply of `lexecon keys --json`, best fetched from another node than the one that \
answered. Exits 1 and names the first fault where something does not fit.

It does not say whether the decision is in the ledger, nor whether the token was revoked since.

Example:

  lexecon verify reply.json --keys keys.json";

/// What is checked.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The decision reply, as `lexecon decide --json` prints it
    path: PathBuf,
    /// Public keys, as `lexecon keys --json` prints them
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let Some(keys) = &args.keys else {
        let why = "a decision reply is checked with public keys: give them by --keys FILE \
                   (`lexecon keys --json` prints them)";
        return Err(Failure::Usage(why.to_owned()));
    };
    let keys = read_keys(keys)?;
    let reply = input::document(&args.path)?;
    let found = verify_reply(&reply, &keys);
    console.show(&to_json(&found), || shown(&found))?;
    Ok(Exit::answer(found.is_ok()))
}

/// Keys that cannot be read leave the question open, so they are no answer.
fn read_keys(path: &Path) -> Result<Vec<Key>, Failure> {
    let refused = |why: String| Failure::Usage(format!("--keys `{}`: {why}", path.display()));
    let keys = input::document(path).map_err(|error| match error {
        InputError::Malformed { why, .. } => refused(why),
        InputError::Unreadable { .. } | InputError::TooLarge { .. } => error.into(),
    })?;
    let text = keys.to_canonical();
    let mut reader = serde_json::Deserializer::from_str(&text);
    let keys = Keys::deserialize(&mut reader).map_err(|error| refused(error.to_string()))?;
    Ok(keys.keys)
}

fn to_json(found: &Result<Genuine, Fault>) -> Json {
    match found {
        Ok(genuine) => Json::object([
            ("verified", true.into()),
            ("reason_code", "ok".into()),
            ("fault", Json::Null),
            ("decision_id", genuine.decision_id.as_str().into()),
            ("outcome", genuine.outcome.as_str().into()),
            ("ledger_entry_id", genuine.entry_id.into()),
            ("key_id", genuine.key_id.as_str().into()),
            ("signed_by", genuine.signed_by.as_str().into()),
            ("token", genuine.has_token.into()),
        ]),
        Err(fault) => Json::object([
            ("verified", false.into()),
            ("reason_code", fault.code().into()),
            ("fault", fault.to_string().into()),
        ]),
    }
}

fn shown(found: &Result<Genuine, Fault>) -> String {
    match found {
        Ok(genuine) => fields([
            ("reply", Some("genuine".to_owned())),
            ("decision", Some(genuine.decision_id.clone())),
            ("outcome", Some(genuine.outcome.clone())),
            ("entry", Some(genuine.entry_id.to_string())),
            ("signed by", Some(format!("{} ({})", genuine.signed_by, genuine.key_id))),
            ("token", genuine.has_token.then(|| "genuine".to_owned())),
        ]),
        Err(fault) => fields([
            ("reply", Some("NOT GENUINE".to_owned())),
            ("fault", Some(fault.to_string())),
            ("code", Some(fault.code().to_owned())),
        ]),
    }
}
