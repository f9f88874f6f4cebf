//! Exports for auditors, as this node makes them: files under the data directory
//! that follow from the ledger, and can be made again whenever they are gone.
//!
//! Reading order: [`job`] is the background task, [`build`] what a file has,
//! [`sink`] what a format must be able to do.
//!
//! Invariants
//! - One file is built at a time, on a thread that gives way to everything else.
//! - What is handed out is the file that the ledger names: same size, same digest.

pub(crate) mod build;
mod files;
pub(crate) mod job;
pub(crate) mod json;
pub(crate) mod output;
pub(crate) mod room;
pub(crate) mod sink;

pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod oscal;
pub(crate) mod report;
pub(crate) mod zip;

#[cfg(test)]
mod golden;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::backend::{ExportFile, Unavailable};
use governance::export;
use governance::record::ExportRecord;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use types::ExportId;

use crate::config::ExportLimits;
use crate::run::Running;
use build::Plan;
use files::Files;

/// Files that downloads may wait for at once.
const WANTED_MAX: usize = 64;

/// The exports of a node: what downloads and the background task share.
#[derive(Clone, Debug)]
pub(crate) struct Exports(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Files,
    /// Exports that somebody wants to download and that are not here.
    wanted: Mutex<BTreeSet<ExportId>>,
    asked: Notify,
    /// How many files were built, or given up.
    done: watch::Sender<u64>,
}

impl Exports {
    /// Those in a data directory.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub(crate) fn open(data: &Path, limits: ExportLimits) -> std::io::Result<Self> {
        Ok(Self(Arc::new(Inner {
            files: Files::open(data, limits)?,
            wanted: Mutex::default(),
            asked: Notify::new(),
            done: watch::Sender::new(0),
        })))
    }

    /// The file of a completed export; `None` where it is not here in time.
    pub(crate) async fn file(
        &self,
        running: &Running,
        id: ExportId,
        at_most: Duration,
    ) -> Result<Option<ExportFile>, Unavailable> {
        let (deadline, mut done) = (Instant::now() + at_most, self.0.done.subscribe());
        loop {
            if let Some(file) = self.find(running, id)? {
                return Ok(Some(file));
            }
            if !self.want(id) {
                return Ok(None);
            }
            if !matches!(tokio::time::timeout_at(deadline, done.changed()).await, Ok(Ok(()))) {
                return Ok(None);
            }
        }
    }

    fn find(&self, running: &Running, id: ExportId) -> Result<Option<ExportFile>, Unavailable> {
        let damaged = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "an export cannot be read");
            Unavailable::Quarantined
        };
        let state = running.handle.view().map_err(|_| Unavailable::Quarantined)?;
        let record = export::export(&state, id).map_err(|error| damaged(&error))?;
        let Some(record) = record else { return Ok(None) };
        let plan = plan(&state, &record).map_err(|error| damaged(&error))?;
        let built = record.built.map(|(built, _)| built);
        let current = built.filter(|built| built.erasures_through == plan.erasures_through);
        let Some(built) = current else { return Ok(None) };
        let file = self.0.files.find(&plan, built.size_bytes);
        let file = file.map_err(|error| {
            tracing::error!(%error, "a file of an export cannot be opened");
            Unavailable::Overloaded
        })?;
        Ok(file.map(|file| ExportFile { file, size: built.size_bytes, sha256: built.sha256 }))
    }

    /// Removes files that show what was erased since.
    pub(crate) fn forget(&self, running: &Running) -> std::io::Result<()> {
        let state = running.handle.view()?;
        let through = |size| export::erasures_through(&state, size).map_err(std::io::Error::other);
        let removed = self.0.files.forget(through)?;
        if 0 < removed {
            tracing::info!(removed, "files of exports that an erasure touched are gone");
        }
        Ok(())
    }

    /// Has a file built for a download; whether there is room to wait for it.
    fn want(&self, id: ExportId) -> bool {
        let mut wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = wanted.len() < WANTED_MAX || wanted.contains(&id);
        if has_room {
            wanted.insert(id);
            self.0.asked.notify_one();
        }
        has_room
    }

    /// The next export that a download waits for.
    fn next_wanted(&self) -> Option<ExportId> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
    }
}

/// What is to be built of an export, as things are.
fn plan(state: &storage::View, record: &ExportRecord) -> Result<Plan, governance::Corruption> {
    let erasures_through = export::erasures_through(state, record.ledger_size)?;
    Ok(Plan { selection: record.selection(), format: record.format, erasures_through })
}
