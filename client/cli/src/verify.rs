//! `lexecon verify`: offline, no server.
//!
//! What a path is shows from what lies there: a directory is an export, or an
//! unpacked evidence package if it has a manifest; a file is a package, a
//! receipt, a proof or the reply to a decision.

mod package;
mod report;

use std::path::{Path, PathBuf};

use client::keys::{Key, Keys};
use client::offline::export::{read_document, read_keys};
use client::offline::{ExportError, Question, verify_export, verify_reply};
use ledger::document::{Against, Document};
use ledger::export::{ExportFault, Verified};
use ledger::{EntryType, FaultReason};
use serde::Deserialize as _;
use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, InputError};

use report::Asked;

pub(crate) const HELP: &str = "\
Checks what Lexecon handed out, without any server: an evidence package, an export of the ledger, a \
directory of tiles, a receipt, a proof of a transparency log, or the reply to a decision.

An evidence package is a zip of `lexecon audit export --format zip`, or the folder it was unpacked to. Its \
files are compared with its manifest, its ledger is checked as an export is, and every record must be of \
an entry that is there and say what the entry says. Tables, reports and the rest are held by the manifest, \
and that by the signature over the archive: give --status, a reply of `lexecon audit status --json`, to check it.

An export is checked whole: every entry is hashed again, every link and number followed, and the \
checkpoint must be signed by a majority of the voters that the ledger itself names. That says nothing \
was changed since; it does not say that the ledger is the one you think. For that give --keys, the \
keys of at least one node from elsewhere: a reply of `lexecon keys --json`, best kept since long. \
With --actor or --entry-type it also says whether the entries about an actor, or of a type, are \
complete, which is what lets you tell that none was left out.

A receipt or a reply is checked against an export, or against keys. A reply alone does not say \
whether its decision is in the ledger, nor whether its token was revoked since.

Exits 0 where all holds, 1 where it does not, naming the first fault with its entry or path, and 3 where a \
file cannot be read.

Examples:

  lexecon verify package.zip --keys keys.json
  lexecon verify export/ --keys keys.json
  lexecon verify export/ --actor ai_agent:claims_triage
  lexecon verify receipt.json --export export/
  lexecon verify reply.json --keys keys.json";

/// What is checked.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// An evidence package, an export directory, a receipt, a `.tlog-proof`, or a
    /// decision reply as `lexecon decide --json` prints it
    path: PathBuf,
    /// Public keys, as `lexecon keys --json` prints them
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The export that a receipt, a proof or a reply is checked against
    #[arg(long, value_name = "DIR")]
    export: Option<PathBuf>,
    /// The status of the export that a package is of: its signature must be over
    /// this archive
    #[arg(long, value_name = "FILE")]
    status: Option<PathBuf>,
    /// Say whether the entries about this actor are complete
    #[arg(long, value_name = "ACTOR", conflicts_with = "entry_type")]
    actor: Option<String>,
    /// Say whether the entries of this type are complete
    #[arg(long, value_name = "TYPE", value_parser = entry_type)]
    entry_type: Option<EntryType>,
}

fn entry_type(word: &str) -> Result<EntryType, ledger::entry_type::EntryTypeError> {
    word.parse()
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    if package::is_one(&args.path) {
        return package::run(args, console);
    }
    if args.status.is_some() {
        return Err(usage("--status goes with an evidence package"));
    }
    if args.path.is_dir() {
        return directory(args, console);
    }
    if args.actor.is_some() || args.entry_type.is_some() {
        return Err(usage("--actor and --entry-type ask about a package or an export directory"));
    }
    if args.path.extension().is_some_and(|end| end == "tlog-proof") {
        return match read_document(&args.path) {
            Ok(proof) => document(args, &proof, console),
            Err(error) => refuse(error, console),
        };
    }
    let json = input::document(&args.path)?;
    let members = json.as_object();
    let is_reply = members.is_some_and(|members| members.get("leaf_hash").is_none());
    if is_reply && args.export.is_none() {
        return reply(args, &json, console);
    }
    match members.and_then(Document::of) {
        Some(read) => document(args, &read, console),
        None => refuse(ExportFault::from(FaultReason::Malformed).into(), console),
    }
}

/// A whole ledger.
fn directory(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    if args.export.is_some() {
        return Err(usage("--export goes with a single file"));
    }
    if args.actor.is_some() && !args.path.join("entries.jsonl").exists() {
        return Err(usage("without `entries.jsonl` nobody can tell whom entries are about"));
    }
    let trusted = args.keys.as_deref().map(trusted).transpose()?;
    let question =
        Question { trusted: trusted.as_ref(), document: None, actor: args.actor.as_deref() };
    match verify_export(&args.path, &question) {
        Ok(verified) => {
            let asked = Asked::of(args.actor.as_deref(), args.entry_type, &verified);
            let is_trusted = trusted.is_some();
            let raw = report::export_json(&verified, asked.as_ref(), is_trusted);
            console.show(&raw, || report::export_text(&verified, asked.as_ref(), is_trusted))?;
            Ok(Exit::Done)
        }
        Err(error) => refuse(error, console),
    }
}

/// A receipt or a proof; a reply where there is a ledger to check it against.
fn document(args: &Args, document: &Document, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let is_proof = args.path.extension().is_some_and(|end| end == "tlog-proof");
    if is_proof && args.keys.is_none() && args.export.is_none() {
        return Err(usage("a proof is checked with --keys FILE or --export DIR"));
    }
    let trusted = args.keys.as_deref().map(trusted).transpose()?;
    let question = Question { trusted: trusted.as_ref(), document: Some(document), actor: None };
    let export = args.export.as_deref().map(|dir| verify_export(dir, &question)).transpose();
    let verified: Option<Verified> = match export {
        Ok(verified) => verified,
        Err(error) => return refuse(error, console),
    };
    let against = match (&verified, &trusted) {
        (Some(verified), _) => Against::Ledger(&verified.ledger),
        (None, Some(keys)) => Against::Keys(keys),
        (None, None) => Against::Itself,
    };
    match document.check(&against) {
        Ok(signers) => {
            let raw = report::document_json(document, &signers, &against);
            console.show(&raw, || report::document_text(document, &signers, &against))?;
            Ok(Exit::Done)
        }
        Err(reason) => {
            refuse(ExportFault { reason, entry: Some(document.entry()) }.into(), console)
        }
    }
}

/// A reply with keys alone, to the last member of the contract.
fn reply(args: &Args, reply: &Json, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let Some(keys) = &args.keys else {
        return Err(usage(
            "a decision reply is checked with public keys: give them by --keys FILE (`lexecon keys \
             --json` prints them), or a ledger by --export DIR",
        ));
    };
    let keys = reply_keys(keys)?;
    let found = verify_reply(reply, &keys);
    console.show(&report::reply_json(&found), || report::reply_text(&found))?;
    Ok(Exit::answer(found.is_ok()))
}

/// What does not hold is an answer; what cannot be read is none.
fn refuse(error: ExportError, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match error {
        ExportError::Fault(fault) => {
            console.show(&report::fault_json(fault), || report::fault_text(fault))?;
            Ok(Exit::No)
        }
        ExportError::Unreadable { path, source } => {
            Err(InputError::Unreadable { path, source }.into())
        }
    }
}

fn usage(why: &str) -> Failure {
    Failure::Usage(why.to_owned())
}

/// Keys that cannot be read leave the question open, so they are no answer.
fn trusted(path: &Path) -> Result<ledger::keys::Keys, Failure> {
    read_keys(path).map_err(|error| match error {
        ExportError::Fault(_) => {
            Failure::Usage(format!("--keys `{}`: it is no list of keys", path.display()))
        }
        ExportError::Unreadable { path, source } => InputError::Unreadable { path, source }.into(),
    })
}

/// Keys as `lexecon keys --json` prints them.
pub(crate) fn reply_keys(path: &Path) -> Result<Vec<Key>, Failure> {
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
