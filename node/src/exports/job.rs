//! The background task that builds exports: those that the cluster gives this node,
//! and those that somebody wants to download here.
//!
//! Invariants
//! - A file that an erasure touched is removed before anything else is done, and
//!   while another is built.
//! - A build that an erasure overtakes is given up: nothing keeps the bytes.
//! - While it builds, a node tells how far it is; one whose turn is over gives up.

use std::collections::BTreeMap;
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
use super::room::Room;
use super::{Exports, plan};
use crate::run::Running;

/// How often it is looked for something to do.
const LOOK: Duration = Duration::from_millis(250);

/// How often it is told that a build gets on: well within a node's turn.
const TELL: Duration = Duration::from_secs(15);

/// Pause before an export is claimed again that was refused.
const CLAIM_AGAIN: Duration = Duration::from_secs(5);

/// Exports that wait, looked at together.
const LOOKED_AT_MAX: usize = 100;

/// Builds in one turn, where erasures overtake them.
const BUILDS_MAX: u32 = 4;

/// How much a build gives way to what else the node does.
const NICE: i32 = 19;

/// Builds for as long as the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    let exports = running.exports.clone();
    let mut job = Job { running, stop, last_run: None, refused: BTreeMap::new() };
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
    #[error("its turn is over: {0}")]
    TurnOver(Rejection),
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
    refused: BTreeMap<ExportId, Instant>,
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
            Err(Waiting::Build(BuildError::File(error))) => {
                tracing::error!(%id, %error, "an export cannot be built");
                self.fail(id, &error).await
            }
            other => other,
        }
    }

    /// Removes files that show what was erased since.
    fn forget(&mut self, exports: &Exports) -> Result<(), Waiting> {
        let last = last_run(&self.running.handle.view()?)?;
        if last != self.last_run {
            exports.forget(&self.running)?;
            self.last_run = last;
        }
        Ok(())
    }

    /// The oldest export that this node may begin, and can: a final checkpoint
    /// covers its entries.
    fn next(&mut self) -> Result<Option<(ExportId, ExportRecord)>, Waiting> {
        let state = self.running.handle.view()?;
        let now = Instant::now();
        self.refused.retain(|_, until| now < *until);
        let me = &self.running.identity.name;
        for (id, record) in export::waiting(&state, LOOKED_AT_MAX)? {
            let is_ours = record.node.as_ref().is_none_or(|node| node == me);
            if !is_ours || self.refused.contains_key(&id) {
                continue;
            }
            let last = plan(&state, &record)?.covered();
            if view::first_final(&state, last)?.is_some() {
                return Ok(Some((id, record)));
            }
        }
        Ok(None)
    }

    async fn claim(&mut self, id: ExportId) -> Result<(), Waiting> {
        let claim = ClaimExport { export: id, worked: 0, percent: 0 };
        match self.propose(Command::ClaimExport(claim)).await {
            // Another one was faster, or it is for others to try.
            Err(Waiting::Refused(why)) => {
                self.refused.insert(id, Instant::now() + CLAIM_AGAIN);
                Err(Waiting::Refused(why))
            }
            other => other.map(drop),
        }
    }

    async fn fail(&self, id: ExportId, error: &io::Error) -> Result<(), Waiting> {
        // What the operating system says of paths is for the log alone.
        let error = match error.kind() {
            io::ErrorKind::FileTooLarge => "it is larger than files of exports may be",
            io::ErrorKind::StorageFull => "the disk of the node has no room for it",
            _ => "the file cannot be written",
        };
        let command = FailExport { export: id, error: error.to_owned() };
        self.propose(Command::FailExport(Box::new(command))).await.map(drop)
    }

    /// Builds an export and reports it. One that an erasure overtook is built
    /// again.
    async fn complete(
        &mut self,
        exports: &Exports,
        id: ExportId,
        record: &ExportRecord,
    ) -> Result<(), Waiting> {
        let mut left = BUILDS_MAX;
        loop {
            left -= 1;
            match self.build_and_report(exports, id, record).await {
                Err(
                    Waiting::Build(BuildError::Stopped | BuildError::NotFinal)
                    | Waiting::Refused(Rejection::NotProven),
                ) if 0 < left && self.is_wanted(id)? => tokio::time::sleep(LOOK).await,
                other => return other,
            }
        }
    }

    /// Whether there is still something to build.
    fn is_wanted(&self, id: ExportId) -> Result<bool, Waiting> {
        let record = export::export(&self.running.handle.view()?, id)?;
        let is_open = record.is_some_and(|record| record.status.is_open());
        Ok(is_open && !self.stop.is_cancelled())
    }

    async fn build_and_report(
        &mut self,
        exports: &Exports,
        id: ExportId,
        record: &ExportRecord,
    ) -> Result<(), Waiting> {
        let (plan, built) = self.build(exports, record, Some(id)).await?;
        match self.report(id, built).await {
            Ok(()) => {
                self.keep(exports, &plan)?;
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

    /// Gives a file its name. An erasure may have taken it meanwhile.
    fn keep(&self, exports: &Exports, plan: &Plan) -> Result<(), Waiting> {
        match exports.0.files.keep(plan) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => Ok(other?),
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
    async fn rebuild(&mut self, exports: &Exports, id: ExportId) -> Result<(), Waiting> {
        let state = self.running.handle.view()?;
        let Some(record) = export::export(&state, id)? else { return Ok(()) };
        let Some((named, _)) = record.built.filter(|_| record.status == ExportStatus::Completed)
        else {
            return Ok(());
        };
        if exports.0.files.find(&plan(&state, &record)?, named.size_bytes)?.is_some() {
            return Ok(());
        }
        drop(state);
        let (plan, built) = self.build(exports, &record, None).await?;
        let is_as_before =
            (named.erasures_through, named.form) == (built.erasures_through, built.form);
        let result = match is_as_before {
            true => self.check(id, built),
            // It is another file since an erasure, or of a later program, which is
            // recorded.
            false => self.report(id, built).await,
        };
        match result {
            Ok(()) => self.keep(exports, &plan),
            Err(error) => {
                exports.0.files.discard(&plan)?;
                Err(error)
            }
        }
    }

    /// Builds a file that has no name yet, on a thread of its own. Where it is its
    /// turn, the cluster is told how far it is.
    async fn build(
        &mut self,
        exports: &Exports,
        record: &ExportRecord,
        turn: Option<ExportId>,
    ) -> Result<(Plan, BuiltExport), Waiting> {
        let state = self.running.handle.view()?.background();
        let plan = plan(&state, record)?;
        let files = exports.0.files.clone();
        let mut output = files.begin(&plan)?;
        let room = output.room().clone();
        let running = self.running.clone();
        let given_up = self.stop.child_token();
        let stop = given_up.clone();
        let work = move || {
            let goes_on = || !stop.is_cancelled() && is_current(&running, &plan);
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
        let mut heard = begin(work)?;
        match self.attend(exports, &mut heard, (turn, &room)).await {
            Ok(ended) => Ok((plan, ended.map_err(|_| Waiting::Ended)??)),
            Err(error) => {
                // A thread that went on would discard what is begun after it.
                given_up.cancel();
                let _ = heard.await;
                Err(error)
            }
        }
    }

    /// Waits until a thread has ended, removes what is erased meanwhile, and tells how
    /// far it is. An error is of these: the thread goes on.
    async fn attend(
        &mut self,
        exports: &Exports,
        heard: &mut Built,
        (turn, room): (Option<ExportId>, &Room),
    ) -> Result<<Built as Future>::Output, Waiting> {
        let mut told = Instant::now();
        loop {
            tokio::select! {
                ended = &mut *heard => return Ok(ended),
                () = tokio::time::sleep(LOOK) => self.forget(exports)?,
            }
            if let Some(id) = turn
                && TELL < told.elapsed()
            {
                told = Instant::now();
                self.tell(id, room).await?;
            }
        }
    }

    /// Tells how far it is. One that may not build any more gives up; without a
    /// leader it goes on.
    async fn tell(&self, id: ExportId, room: &Room) -> Result<(), Waiting> {
        let claim = ClaimExport { export: id, worked: room.worked(), percent: room.percent() };
        match self.propose(Command::ClaimExport(claim)).await {
            // Building it again would not help: others have it.
            Err(Waiting::Refused(why)) => Err(Waiting::TurnOver(why)),
            Err(error) => {
                tracing::debug!(%id, %error, "cannot tell how far an export is");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    async fn propose(&self, command: Command) -> Result<Outcome, Waiting> {
        let envelope = self.running.envelope(command).map_err(|_| Waiting::Random)?;
        match self.running.handle.propose(envelope).await?.outcome {
            Outcome::Rejected(why) => Err(Waiting::Refused(why)),
            outcome => Ok(outcome),
        }
    }
}

/// What a thread that builds will have built.
type Built = oneshot::Receiver<Result<BuiltExport, BuildError>>;

/// Begins a thread that gives way to what else the node does.
fn begin(
    work: impl FnOnce() -> Result<BuiltExport, BuildError> + Send + 'static,
) -> Result<Built, Waiting> {
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
    Ok(heard)
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
