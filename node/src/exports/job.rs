//! The background task that builds exports: those that the cluster gives this node,
//! and those that somebody wants to download here.
//!
//! Invariants
//! - A file that an erasure touched is removed before anything else is done.
//! - A build that an erasure overtakes is given up: nothing keeps the bytes.

use std::io;
use std::time::Duration;

use governance::command::{BuiltExport, ClaimExport, Command, CompleteExport, FailExport};
use governance::export;
use governance::record::{ExportRecord, ExportStatus};
use governance::{Direction, Outcome, Rejection, view};
use ledger::EntryType;
use raft::ProposeError;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{EntryId, ExportId};

use super::build::{self, BuildError, Plan};
use super::{Exports, plan};
use crate::run::Running;

/// How often it is looked for something to do.
const LOOK: Duration = Duration::from_millis(250);

/// How long a checkpoint is waited for: a little less than a node's turn.
const FINAL_MAX: Duration = Duration::from_secs(55);

/// Pause before an export is claimed again that was refused.
const CLAIM_AGAIN: Duration = Duration::from_secs(5);

/// Exports that wait, looked at together.
const LOOKED_AT_MAX: usize = 100;

/// Builds in one turn, where erasures overtake them.
const BUILDS_MAX: u32 = 4;

/// How much a build gives way to what else the node does.
const NICE: i32 = 10;

/// Builds for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let exports = running.exports.clone();
    let mut job = Job { running, stop, last_run: None, refused: None };
    loop {
        tokio::select! {
            () = job.stop.cancelled() => return,
            () = job.running.quarantine.entered() => return,
            () = exports.0.asked.notified() => (),
            () = tokio::time::sleep(LOOK) => (),
        }
        if let Err(error) = job.step(&exports).await {
            tracing::warn!(%error, "an export waits");
        }
    }
}

/// Why an export is not built just now.
#[derive(Debug, thiserror::Error)]
enum Waiting {
    #[error("the state cannot be read: {0}")]
    State(#[from] io::Error),
    #[error(transparent)]
    Damaged(#[from] governance::Corruption),
    #[error(transparent)]
    Proposal(#[from] ProposeError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("cannot draw random bytes")]
    Random,
    #[error("refused: {0}")]
    Refused(Rejection),
    #[error("the file is not the one that the ledger names")]
    Differs,
    #[error("the builder ended early")]
    Ended,
}

struct Job {
    running: Running,
    stop: CancellationToken,
    /// The last erasure whose files are gone.
    last_run: Option<EntryId>,
    /// What the cluster would not let this node build, and when it asks again.
    refused: Option<(ExportId, Instant)>,
}

impl Job {
    /// Does what there is to do.
    async fn step(&mut self, exports: &Exports) -> Result<(), Waiting> {
        self.forget(exports)?;
        while let Some(id) = exports.next_wanted() {
            let result = self.rebuild(exports, id).await;
            exports.0.done.send_modify(|count| *count += 1);
            if let Err(error) = result {
                tracing::warn!(%id, %error, "an export is not built for a download");
            }
        }
        let Some((id, record)) = self.next()? else { return Ok(()) };
        self.claim(id).await?;
        let result = self.complete(exports, id, &record).await;
        exports.0.done.send_modify(|count| *count += 1);
        match result {
            Err(Waiting::Build(error @ BuildError::File(_))) => {
                tracing::error!(%id, %error, "an export cannot be built");
                self.fail(id).await
            }
            other => other,
        }
    }

    /// Removes files that show what was erased since.
    fn forget(&mut self, exports: &Exports) -> Result<(), Waiting> {
        let state = self.running.handle.view()?;
        let last = last_run(&state)?;
        if last == self.last_run {
            return Ok(());
        }
        let through = |size| Ok::<_, Waiting>(export::erasures_through(&state, size)?);
        let removed = exports.0.files.forget(through)?;
        if 0 < removed {
            tracing::info!(removed, "files of exports that an erasure touched are gone");
        }
        self.last_run = last;
        Ok(())
    }

    /// The oldest export that this node may begin.
    fn next(&self) -> Result<Option<(ExportId, ExportRecord)>, Waiting> {
        let state = self.running.handle.view()?;
        let me = &self.running.identity.name;
        let is_ours = |record: &ExportRecord| match &record.node {
            Some(node) => node == me,
            None => true,
        };
        let waits = |id: ExportId| {
            self.refused.is_some_and(|(refused, until)| refused == id && Instant::now() < until)
        };
        let waiting = export::waiting(&state, LOOKED_AT_MAX)?;
        Ok(waiting.into_iter().find(|(id, record)| is_ours(record) && !waits(*id)))
    }

    async fn claim(&mut self, id: ExportId) -> Result<(), Waiting> {
        match self.propose(Command::ClaimExport(ClaimExport { export: id })).await {
            // Another one was faster, or it is for others to try.
            Err(Waiting::Refused(why)) => {
                self.refused = Some((id, Instant::now() + CLAIM_AGAIN));
                Err(Waiting::Refused(why))
            }
            other => other.map(drop),
        }
    }

    async fn fail(&self, id: ExportId) -> Result<(), Waiting> {
        // What the operating system says of paths is for the log alone.
        let error = "the file cannot be written".to_owned();
        let command = Command::FailExport(Box::new(FailExport { export: id, error }));
        self.propose(command).await.map(drop)
    }

    /// Builds an export and reports it. One that an erasure overtook is built
    /// again.
    async fn complete(
        &self,
        exports: &Exports,
        id: ExportId,
        record: &ExportRecord,
    ) -> Result<(), Waiting> {
        self.wait_final(record).await?;
        let mut left = BUILDS_MAX;
        loop {
            left -= 1;
            match self.build_and_report(exports, id, record).await {
                Err(
                    Waiting::Build(BuildError::Stopped) | Waiting::Refused(Rejection::NotProven),
                ) if 0 < left && !self.stop.is_cancelled() => (),
                other => return other,
            }
        }
    }

    async fn build_and_report(
        &self,
        exports: &Exports,
        id: ExportId,
        record: &ExportRecord,
    ) -> Result<(), Waiting> {
        let (plan, built) = self.build(exports, record).await?;
        match self.report(id, built).await {
            Ok(()) => {
                exports.0.files.keep(&plan)?;
                let (records, bytes) = (built.record_count, built.size_bytes);
                tracing::info!(%id, records, bytes, "an export is built");
                Ok(())
            }
            Err(error) => {
                exports.0.files.discard(&plan)?;
                Err(error)
            }
        }
    }

    async fn report(&self, id: ExportId, built: BuiltExport) -> Result<(), Waiting> {
        let complete = Box::new(CompleteExport { export: id, built });
        match self.propose(Command::CompleteExport(complete)).await {
            // Another node was faster: the same file is the same.
            Err(Waiting::Refused(Rejection::AlreadyRecorded)) => self.check(id, built),
            other => other.map(drop),
        }
    }

    /// Whether the file is the one that the ledger names.
    fn check(&self, id: ExportId, built: BuiltExport) -> Result<(), Waiting> {
        let record = export::export(&self.running.handle.view()?, id)?;
        let named = record.and_then(|record| record.built).map(|(named, _)| named);
        if named == Some(built) {
            return Ok(());
        }
        tracing::error!(%id, ?named, ?built, "a node has built another file");
        Err(Waiting::Differs)
    }

    /// Builds a completed export that is not here, for a download.
    async fn rebuild(&self, exports: &Exports, id: ExportId) -> Result<(), Waiting> {
        let state = self.running.handle.view()?;
        let Some(record) = export::export(&state, id)? else { return Ok(()) };
        if record.status != ExportStatus::Completed
            || exports.0.files.find(&plan(&state, &record)?)?.is_some()
        {
            return Ok(());
        }
        drop(state);
        let (plan, built) = self.build(exports, &record).await?;
        let named = record.built.as_ref().map(|(named, _)| named.erasures_through);
        let result = match named == Some(built.erasures_through) {
            true => self.check(id, built),
            // It is another file since the erasure, which is recorded.
            false => self.report(id, built).await,
        };
        match result {
            Ok(()) => Ok(exports.0.files.keep(&plan)?),
            Err(error) => {
                exports.0.files.discard(&plan)?;
                Err(error)
            }
        }
    }

    /// Waits until a final checkpoint covers the entries.
    async fn wait_final(&self, record: &ExportRecord) -> Result<(), Waiting> {
        let last = plan(&self.running.handle.view()?, record)?.covered();
        let begun = Instant::now();
        while view::first_final(&self.running.handle.view()?, last)?.is_none() {
            if FINAL_MAX < begun.elapsed() {
                return Err(BuildError::NotFinal.into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Builds a file that has no name yet, on a thread of its own.
    async fn build(
        &self,
        exports: &Exports,
        record: &ExportRecord,
    ) -> Result<(Plan, BuiltExport), Waiting> {
        let state = self.running.handle.view()?;
        let plan = plan(&state, record)?;
        let files = exports.0.files.clone();
        let (running, stop) = (self.running.clone(), self.stop.clone());
        let work = move || {
            let goes_on = || !stop.is_cancelled() && is_current(&running, &plan);
            let mut output = files.begin(&plan)?;
            let built = build::build(&state, &plan, &mut output, &goes_on);
            // The state is let go before anything waits for the disk.
            drop(state);
            let built = built.and_then(|built| {
                let (size_bytes, sha256) = output.finish()?;
                Ok(BuiltExport { size_bytes, sha256, ..built })
            });
            if built.is_err() {
                files.discard(&plan)?;
            }
            built
        };
        let (told, heard) = oneshot::channel();
        let thread = std::thread::Builder::new().name("lexecon-export".to_owned());
        thread.spawn(move || {
            // On Linux this is the priority of the thread alone.
            if let Err(error) = rustix::process::nice(NICE) {
                tracing::debug!(%error, "an export is built at full priority");
            }
            // Nobody waits any more where the node stops.
            let _ = told.send(work());
        })?;
        let built = heard.await.map_err(|_| Waiting::Ended)??;
        Ok((plan, built))
    }

    async fn propose(&self, command: Command) -> Result<Outcome, Waiting> {
        let envelope = self.running.envelope(command).map_err(|_| Waiting::Random)?;
        match self.running.handle.propose(envelope).await?.outcome {
            Outcome::Rejected(why) => Err(Waiting::Refused(why)),
            outcome => Ok(outcome),
        }
    }
}

/// Whether nothing was erased since a plan was made.
fn is_current(running: &Running, plan: &Plan) -> bool {
    let Ok(state) = running.handle.view() else { return false };
    let through = export::erasures_through(&state, plan.selection.ledger_size);
    through.is_ok_and(|through| through == plan.erasures_through)
}

/// The last erasure there is.
fn last_run(state: &storage::View) -> Result<Option<EntryId>, governance::Corruption> {
    let query = view::EntryQuery {
        after: None,
        before: None,
        entry_type: Some(EntryType::AnonymizationRun),
        actor: None,
        from: None,
        to: None,
        direction: Direction::Descending,
        limit: 1,
    };
    let page = view::entries(state, &query)?;
    Ok(page.entries.first().map(|run| run.header.id))
}

#[cfg(test)]
mod tests;
