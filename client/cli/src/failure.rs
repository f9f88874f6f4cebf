//! Why a command came to no answer.

use std::io;
use std::path::PathBuf;

use client::audit::DownloadError;
use client::{Error, export};
use policy::Fault;
use types::Json;

use crate::certs;
use crate::exit::Exit;
use crate::input::InputError;

/// Why a command came to no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file was not read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A policy that is judged here is not valid.
    #[error("`{origin}` is not a valid policy")]
    PolicyInvalid { origin: String, faults: Vec<Fault> },
    /// A file was not written.
    #[error("cannot write `{}`", path.display())]
    Unwritten { path: PathBuf, source: io::Error },
    /// The cluster gave no answer.
    #[error(transparent)]
    Client(#[from] Error),
    /// No export was written.
    #[error(transparent)]
    Export(export::Error),
    /// An export was not fetched.
    #[error(transparent)]
    Download(DownloadError),
    /// No certificate was made.
    #[error(transparent)]
    Certs(#[from] certs::Error),
    /// What `lexecon login` kept cannot be used.
    #[error("cannot use the sessions in `{}`: {why}", path.display())]
    Kept { path: PathBuf, why: String },
    /// Somebody ended the command while it asked.
    #[error("interrupted")]
    Interrupted,
    /// The answer could not be printed.
    #[error("cannot print the answer")]
    Print(#[source] io::Error),
}

impl From<export::Error> for Failure {
    /// What a node refused is shown as it always is.
    fn from(error: export::Error) -> Self {
        match error {
            export::Error::Client(error) => Self::Client(error),
            other => Self::Export(other),
        }
    }
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage(_)
            | Self::Client(Error::Misused(_))
            | Self::Export(export::Error::Occupied { .. })
            | Self::Certs(certs::Error::Occupied { .. }) => Exit::Usage,
            Self::Export(
                export::Error::Fault(_)
                | export::Error::Malformed { .. }
                | export::Error::RootMismatch { .. }
                | export::Error::NotFinal(_)
                | export::Error::KeysMismatch,
            ) => Exit::No,
            Self::Input(InputError::Malformed { .. })
            | Self::PolicyInvalid { .. }
            | Self::Download(DownloadError::Differs { .. }) => Exit::No,
            Self::Client(Error::Problem(problem) | Error::SessionOver(problem)) => {
                Exit::of_problem(problem)
            }
            Self::Input(InputError::Unreadable { .. } | InputError::TooLarge { .. })
            | Self::Client(Error::Unreachable { .. } | Error::NotUnderstood { .. })
            | Self::Export(
                export::Error::Write { .. } | export::Error::Restless | export::Error::Client(_),
            )
            | Self::Certs(
                certs::Error::Write { .. }
                | certs::Error::NoAuthority { .. }
                | certs::Error::Unmade(_),
            )
            | Self::Unwritten { .. }
            | Self::Download(
                DownloadError::Client(_)
                | DownloadError::Write(_)
                | DownloadError::NotReady(_)
                | DownloadError::NotThere { .. },
            )
            | Self::Kept { .. }
            | Self::Interrupted
            | Self::Print(_) => Exit::Failed,
        }
    }

    /// The problem document: the server's where it sent one.
    pub(crate) fn to_json(&self) -> Json {
        let (code, maybe_done) = match self {
            Self::Client(Error::Problem(problem) | Error::SessionOver(problem)) => {
                return problem.raw.clone();
            }
            Self::Client(Error::Unreachable { maybe_done, .. }) => ("unreachable", *maybe_done),
            Self::Client(Error::NotUnderstood { .. }) => ("not_understood", false),
            Self::Usage(_) | Self::Client(Error::Misused(_)) => ("usage", false),
            Self::Export(error) => (code_of(error), false),
            Self::Input(InputError::Malformed { .. }) => ("malformed", false),
            Self::Input(InputError::TooLarge { .. }) => ("too_large", false),
            Self::Input(InputError::Unreadable { .. }) => ("unreadable", false),
            Self::PolicyInvalid { .. } => ("policy_invalid", false),
            Self::Certs(certs::Error::Occupied { .. }) => ("occupied", false),
            Self::Certs(certs::Error::Write { .. }) | Self::Unwritten { .. } => {
                ("not_written", false)
            }
            Self::Certs(certs::Error::NoAuthority { .. }) => ("unreadable", false),
            Self::Certs(certs::Error::Unmade(_)) => ("not_made", false),
            Self::Download(DownloadError::Client(_)) => ("unreachable", false),
            Self::Download(DownloadError::Write(_)) => ("not_written", false),
            Self::Download(DownloadError::Differs { .. }) => ("sha256_mismatch", false),
            Self::Download(DownloadError::NotReady(_) | DownloadError::NotThere { .. }) => {
                ("not_ready", false)
            }
            Self::Kept { .. } => ("session_unusable", false),
            Self::Interrupted => ("interrupted", false),
            Self::Print(_) => ("not_printed", false),
        };
        Json::object([
            ("type", format!("urn:lexecon:problem:{code}").into()),
            ("title", "The command was not carried out".into()),
            ("status", Json::Null),
            ("code", code.into()),
            ("detail", self.to_text().into()),
            ("maybe_done", maybe_done.into()),
        ])
    }

    /// The message with its cause, and what is wrong one by one.
    pub(crate) fn to_text(&self) -> String {
        let mut text = self.to_string();
        // Transparent variants already show their own text; only a source that
        // the text does not contain is new.
        if let Some(cause) = std::error::Error::source(self).map(ToString::to_string)
            && !text.contains(&cause)
        {
            text = format!("{text}: {cause}");
        }
        if let Self::PolicyInvalid { faults, .. } = self {
            for Fault { pointer, code, detail } in faults {
                text = format!("{text}\n  {pointer}: {detail} ({code})");
            }
        }
        if let Self::Client(Error::Problem(problem) | Error::SessionOver(problem)) = self {
            for fault in &problem.errors {
                text = format!("{text}\n  {}: {} ({})", fault.place, fault.detail, fault.code);
            }
            if let Some(after) = problem.retry_after {
                text = format!("{text}\n  ask again in {} s", after.as_secs());
            }
            if let Some(advice) = advice(&problem.code) {
                text = format!("{text}\n  {advice}");
            }
        }
        text
    }
}

/// Which command helps whoever is turned away.
fn advice(code: &str) -> Option<&'static str> {
    match code {
        "unauthenticated" | "session_expired" | "session_revoked" => {
            Some("log in with `lexecon login`, or give a key in LEXECON_API_KEY")
        }
        "password_expired" => Some("change it with `lexecon password change`"),
        "mfa_required" => Some("enroll one with `lexecon mfa enroll`"),
        _ => None,
    }
}

fn code_of(error: &export::Error) -> &'static str {
    match error {
        export::Error::Client(_) => "unreachable",
        export::Error::Occupied { .. } => "occupied",
        export::Error::Write { .. } => "not_written",
        export::Error::Malformed { .. } => "malformed",
        export::Error::Fault(fault) => fault.reason.as_str(),
        export::Error::RootMismatch { .. } => "root_mismatch",
        export::Error::NotFinal(fault) => fault.reason().as_str(),
        export::Error::KeysMismatch => "keys_mismatch",
        export::Error::Restless => "restless",
    }
}
