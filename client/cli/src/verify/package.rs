//! `lexecon verify` of an evidence package: the archive, or what was unpacked.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use client::offline::Question;
use client::package::{
    Fault, PackageError, Reason, VerifiedPackage, check_status, is_package, verify,
};
use ledger::keys::Kid;
use types::{Json, Object};

use super::report::{self, Asked};
use super::{Args, trusted, usage};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, InputError};
use crate::table::fields;

/// What an archive begins with.
const SIGNATURE: [u8; 4] = *b"PK\x03\x04";

/// Whether this is a package, or means to be one.
pub(super) fn is_one(path: &Path) -> bool {
    if path.is_dir() {
        return is_package(path);
    }
    let mut first = [0; 4];
    let begins = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    path.extension().is_some_and(|end| end == "zip") || (begins.is_ok() && first == SIGNATURE)
}

pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    if args.export.is_some() {
        return Err(usage("--export goes with a receipt, a proof or a reply"));
    }
    if args.status.is_some() && args.path.is_dir() {
        return Err(usage("--status is of the archive: what was unpacked is not what was signed"));
    }
    let status = args.status.as_deref().map(input::document).transpose()?;
    let trusted = args.keys.as_deref().map(trusted).transpose()?;
    let question =
        Question { trusted: trusted.as_ref(), document: None, actor: args.actor.as_deref() };
    let checked = verify(&args.path, &question).and_then(|verified| {
        let status = status.as_ref();
        let signer = status.map(|status| check_status(status, &verified, trusted.as_ref()));
        Ok((signer.transpose()?, verified))
    });
    match checked {
        Ok((signer, verified)) => {
            let asked = Asked::of(args.actor.as_deref(), args.entry_type, &verified.ledger);
            let is_trusted = trusted.is_some();
            let said = Said { verified: &verified, asked, is_trusted, signer };
            console.show(&said.json(), || said.text())?;
            Ok(Exit::Done)
        }
        Err(PackageError::Fault(fault)) => {
            console.show(&fault_json(&fault), || fault_text(&fault))?;
            Ok(Exit::No)
        }
        Err(PackageError::Io { path, source }) => {
            Err(InputError::Unreadable { path, source }.into())
        }
    }
}

/// What is said of a package that holds.
struct Said<'a> {
    verified: &'a VerifiedPackage,
    asked: Option<Asked<'a>>,
    is_trusted: bool,
    /// Who signed the archive, where that was asked.
    signer: Option<Kid>,
}

impl Said<'_> {
    fn json(&self) -> Json {
        let verified = self.verified;
        let checkpoint = &verified.ledger.checkpoint;
        let mut records = Object::new();
        for (kind, count) in &verified.records {
            records.insert(kind, *count);
        }
        Json::object([
            ("verified", true.into()),
            ("reason_code", "ok".into()),
            ("fault", Json::Null),
            ("path", Json::Null),
            ("entry", Json::Null),
            ("kind", "package".into()),
            ("scope", verified.scope.as_str().into()),
            ("ledger_size", verified.ledger_size.into()),
            ("records", Json::Object(records)),
            ("files", verified.files.into()),
            ("sha256", verified.sha256.map(|hash| hash.to_string()).into()),
            ("package_signer", self.signer.as_ref().map(Kid::as_str).into()),
            ("origin", checkpoint.origin.as_str().into()),
            ("entries", checkpoint.size.into()),
            ("entries_erased", verified.ledger.entries_erased.into()),
            ("root_hash", checkpoint.root.to_string().into()),
            ("timestamp", checkpoint.timestamp.to_string().into()),
            ("signers", report::kids_json(&verified.ledger.signers)),
            ("trusted", self.is_trusted.into()),
            ("complete", self.asked.as_ref().map_or(Json::Null, Asked::to_json)),
        ])
    }

    fn packed_by(&self) -> String {
        match &self.signer {
            Some(kid) => format!("the node of key {kid}, which signed this archive"),
            None => {
                "not checked: give --status to know that reports are those of a node".to_owned()
            }
        }
    }

    fn text(&self) -> String {
        let verified = self.verified;
        let checkpoint = &verified.ledger.checkpoint;
        let records = verified.records.iter().map(|(kind, count)| format!("{kind} {count}"));
        let records: Vec<String> = records.collect();
        let erased = verified.ledger.entries_erased;
        fields([
            ("package", Some("holds: every record is of an entry of its ledger".to_owned())),
            ("scope", Some(verified.scope.clone())),
            ("records", Some(records.join(", ")).filter(|records| !records.is_empty())),
            ("of entries", Some(format!("the first {}", verified.ledger_size))),
            ("files", Some(verified.files.to_string())),
            ("sha256", verified.sha256.map(|hash| hash.to_string())),
            ("packed by", Some(self.packed_by())),
            ("ledger", Some(checkpoint.origin.clone())),
            ("entries", Some(checkpoint.size.to_string())),
            ("erased", (erased != 0).then(|| format!("{erased} entries, each by a recorded run"))),
            ("complete", self.asked.as_ref().map(Asked::to_text)),
            ("root", Some(checkpoint.root.to_string())),
            ("as of", Some(checkpoint.timestamp.to_string())),
            ("signed by", Some(report::listed(&verified.ledger.signers))),
            ("trusted", Some(report::trust(self.is_trusted).to_owned())),
        ])
    }
}

fn explained(fault: &Fault) -> String {
    match &fault.reason {
        Reason::Ledger(of) => report::explained(of.reason).to_owned(),
        reason @ (Reason::ArchiveMalformed
        | Reason::PathRefused
        | Reason::ManifestMalformed
        | Reason::FileMissing
        | Reason::FileAdded
        | Reason::FileChanged
        | Reason::ExportMalformed
        | Reason::RecordMalformed
        | Reason::RecordUnfounded
        | Reason::RecordMismatch
        | Reason::RecordMissing
        | Reason::StatusMalformed
        | Reason::StatusOfAnother
        | Reason::StatusKeyUnknown
        | Reason::StatusSignatureInvalid) => reason.to_string(),
    }
}

fn path(fault: &Fault) -> Option<String> {
    Some(fault.path.clone()).filter(|path| !path.is_empty())
}

fn fault_json(fault: &Fault) -> Json {
    Json::object([
        ("verified", false.into()),
        ("reason_code", fault.reason.code().into()),
        ("fault", explained(fault).into()),
        ("path", path(fault).into()),
        ("entry", fault.entry.map(|entry| entry.0).into()),
    ])
}

fn fault_text(fault: &Fault) -> String {
    // The name came with the package: a terminal must not obey it.
    let path = path(fault).map(|path| path.escape_default().to_string());
    fields([
        ("verdict", Some("DOES NOT HOLD".to_owned())),
        ("path", path),
        ("entry", fault.entry.map(|entry| entry.to_string())),
        ("fault", Some(explained(fault))),
        ("code", Some(fault.reason.code().to_owned())),
    ])
}
