//! `lexecon policy validate`: by a node, or here.

use std::path::{Path, PathBuf};

use client::Client;
use client::policy::Validation;
use policy::{Compiled, Document, Fault, Warning};
use types::{Json, Object};

use super::versions::warnings;
use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Places, Source};

pub(super) const HELP: &str = "\
Says whether a policy would be taken, and what is wrong with it if not. Changes nothing. Exits 1 \
if it is not valid.

With --offline no server is asked, and faults and warnings are shown with their line and column.

Examples:

  lexecon policy validate policy.yaml

  lexecon policy validate policy.yaml --offline";

/// What to check, and where.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The document, JSON or YAML; `-` for standard input
    file: PathBuf,
    /// Check it here and ask no server
    #[arg(long)]
    pub(super) offline: bool,
}

/// Has a node check it.
pub(super) async fn ask(
    args: &Args,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let document = input::document(&args.file)?;
    let check = client.policy_validate(&document);
    let reply = console.wait("the policy to be checked", check).await?;
    console.show(&reply.raw, || shown_validation(&reply.value))?;
    Ok(Exit::answer(reply.value.valid))
}

fn shown_validation(validation: &Validation) -> String {
    let mut text = match (validation.valid, &validation.policy_hash) {
        (true, Some(hash)) => format!("valid, hash {}\n", printable(hash)),
        (true, None) => "valid\n".to_owned(),
        (false, _) => format!("not valid: {} fault(s)\n", validation.errors.len()),
    };
    for fault in &validation.errors {
        let line = format!("{}: {} ({})", fault.pointer, fault.detail, fault.code);
        text.push_str(&format!("  {}\n", printable(&line)));
    }
    text.push_str(&warnings(&validation.warnings));
    text
}

/// Checks it here.
pub(super) fn check(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let source = Source::read(&args.file)?;
    let json = source.document()?;
    let places = input::places(&source.text);
    let (hash, faults, warnings) = match Document::parse(&json) {
        Ok((document, warnings)) => match Compiled::new(&document) {
            Ok(compiled) => {
                let warnings = [warnings, policy::analyze(&compiled)].concat();
                (Some(compiled.hash().to_string()), Vec::new(), warnings)
            }
            Err(faults) => (None, faults, warnings),
        },
        Err(faults) => (None, faults, Vec::new()),
    };
    let faults: Vec<Found> = faults.into_iter().map(|fault| Found::fault(fault, &places)).collect();
    let warnings: Vec<Found> =
        warnings.into_iter().map(|warning| Found::warning(warning, &places)).collect();
    let list = |found: &[Found]| Json::Array(found.iter().map(Found::to_json).collect());
    let raw = Json::object([
        ("valid", hash.is_some().into()),
        ("policy_hash", hash.clone().into()),
        ("errors", list(&faults)),
        ("warnings", list(&warnings)),
    ]);
    console.show(&raw, || {
        let mut text = match &hash {
            Some(hash) => format!("valid, hash {hash}\n"),
            None => format!("not valid: {} fault(s)\n", faults.len()),
        };
        let lines = faults.iter().map(|fault| format!("  {}", fault.to_line(&args.file)));
        let warned = warnings.iter().map(|found| format!("warning: {}", found.to_line(&args.file)));
        for line in lines.chain(warned) {
            text.push_str(&format!("{}\n", printable(&line)));
        }
        text
    })?;
    Ok(Exit::answer(hash.is_some()))
}

/// A fault or a warning and where it stands.
struct Found {
    pointer: String,
    code: &'static str,
    detail: String,
    place: Option<input::Place>,
}

impl Found {
    fn fault(Fault { pointer, code, detail }: Fault, places: &Places) -> Self {
        let place = places.nearest(&pointer);
        Self { pointer, code, detail, place }
    }

    fn warning(Warning { pointer, code, detail }: Warning, places: &Places) -> Self {
        let place = places.nearest(&pointer);
        Self { pointer, code, detail, place }
    }

    fn to_line(&self, file: &Path) -> String {
        let place = self.place.map_or_else(String::new, |place| {
            format!("{}:{}:{}: ", file.display(), place.line, place.column)
        });
        format!("{place}{}: {} ({})", self.pointer, self.detail, self.code)
    }

    fn to_json(&self) -> Json {
        let number = |number: usize| Json::from(u64::try_from(number).unwrap_or(u64::MAX));
        let mut json = Object::new();
        json.insert("pointer", self.pointer.as_str());
        json.insert("code", self.code);
        json.insert("detail", self.detail.as_str());
        json.insert("line", self.place.map(|place| number(place.line)));
        json.insert("column", self.place.map(|place| number(place.column)));
        Json::Object(json)
    }
}
