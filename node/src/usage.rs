//! Which credentials were used, and who was shown personal parts: gathered here,
//! reported to the cluster in batches, so that reads need no leader.
//!
//! Invariants
//! - A credential is reported at most once a minute, a reader once in five
//!   minutes; what was reported and not recorded is reported again.
//! - What is kept has a bound. Beyond it a use is forgotten, which ends a session
//!   early and never late, and a read is told to the log of the node alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::backend::Credential;
use governance::command::{Command, PersonalReads, Principal, TouchCredentials};
use raft::{Clock as _, SystemClock};
use tokio_util::sync::CancellationToken;
use types::{EntryId, Micros, Timestamp};

use crate::run::Running;

/// How often what is due is looked for.
const LOOK: Duration = Duration::from_secs(5);

/// Between two reports of one credential.
const TOUCH_INTERVAL: Micros = Micros(60 * 1_000_000);

/// Between two reports of one reader.
const READ_INTERVAL: Micros = Micros(5 * 60 * 1_000_000);

/// Credentials in one report.
const TOUCHES_MAX: usize = 1_000;

/// Credentials that are remembered.
const CREDENTIALS_MAX: usize = 100_000;

/// Readers that are remembered.
const READERS_MAX: usize = 10_000;

/// See the module. Clones share what they gather.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage(Arc<Mutex<Gathered>>);

#[derive(Debug, Default)]
struct Gathered {
    used: HashMap<Credential, Used>,
    read: HashMap<Reader, PersonalReads>,
}

#[derive(Clone, Copy, Debug)]
struct Used {
    at: Timestamp,
    reported: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Reader {
    id: String,
    authn: String,
}

impl Usage {
    fn gathered(&self) -> std::sync::MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A credential was used.
    pub(crate) fn note_use(&self, credential: Credential, at: Timestamp) {
        let used = &mut self.gathered().used;
        if used.len() < CREDENTIALS_MAX || used.contains_key(&credential) {
            let entry = used.entry(credential).or_insert(Used { at, reported: None });
            entry.at = entry.at.max(at);
        }
    }

    /// A principal was shown personal parts.
    pub(crate) fn note_read(
        &self,
        principal: &Principal,
        entries: Option<(EntryId, EntryId)>,
        at: Timestamp,
    ) {
        let reader = Reader { id: principal.id.clone(), authn: principal.authn.clone() };
        let read = &mut self.gathered().read;
        if READERS_MAX <= read.len() && !read.contains_key(&reader) {
            tracing::warn!("more readers than are remembered: a read is not recorded");
            return;
        }
        let reads = read.entry(reader).or_insert_with(|| PersonalReads {
            kind: principal.kind,
            id: principal.id.clone(),
            authn: principal.authn.clone(),
            from: at,
            to: at,
            replies: 0,
            entries: None,
        });
        reads.to = reads.to.max(at);
        reads.replies = reads.replies.saturating_add(1);
        reads.entries = span(reads.entries, entries);
    }

    /// What is to be reported now; reported again if that does not work.
    fn due_touches(&self, now: Timestamp) -> TouchCredentials {
        let mut gathered = self.gathered();
        let is_over = |since: Timestamp| since.0.saturating_add(TOUCH_INTERVAL.0) <= now.0;
        // What was reported and not used since is of no more interest.
        gathered.used.retain(|_, used| {
            used.reported.is_none_or(|reported| reported < used.at || !is_over(reported))
        });
        let mut touches = TouchCredentials::default();
        for (credential, used) in &gathered.used {
            let is_due = used.reported.is_none_or(|at| at < used.at && is_over(at));
            match credential {
                Credential::Session(id) if is_due && touches.sessions.len() < TOUCHES_MAX => {
                    touches.sessions.push((*id, used.at));
                }
                Credential::ApiKey(id) if is_due && touches.keys.len() < TOUCHES_MAX => {
                    touches.keys.push((*id, used.at));
                }
                Credential::Session(_) | Credential::ApiKey(_) => (),
            }
        }
        touches.sessions.sort_unstable();
        touches.keys.sort_unstable();
        touches
    }

    fn touched(&self, touches: &TouchCredentials) {
        let mut gathered = self.gathered();
        let sessions = touches.sessions.iter().map(|(id, at)| (Credential::Session(*id), *at));
        let keys = touches.keys.iter().map(|(id, at)| (Credential::ApiKey(*id), *at));
        for (credential, at) in sessions.chain(keys) {
            if let Some(used) = gathered.used.get_mut(&credential) {
                used.reported = Some(at);
            }
        }
    }

    /// Takes out the readers whose first read was at least so long ago.
    fn due_reads(&self, now: Timestamp, age: Micros) -> Vec<PersonalReads> {
        let mut gathered = self.gathered();
        let is_due = |reads: &PersonalReads| reads.from.0.saturating_add(age.0) <= now.0;
        let due: Vec<Reader> = gathered
            .read
            .iter()
            .filter(|(_, reads)| is_due(reads))
            .map(|(reader, _)| reader.clone())
            .collect();
        let mut taken: Vec<PersonalReads> =
            due.iter().filter_map(|reader| gathered.read.remove(reader)).collect();
        taken.sort_by(|a, b| (a.from, &a.id).cmp(&(b.from, &b.id)));
        taken
    }

    /// Puts reads back that could not be recorded.
    fn put_back(&self, reads: PersonalReads) {
        let reader = Reader { id: reads.id.clone(), authn: reads.authn.clone() };
        let mut gathered = self.gathered();
        match gathered.read.get_mut(&reader) {
            Some(newer) => {
                newer.from = newer.from.min(reads.from);
                newer.replies = newer.replies.saturating_add(reads.replies);
                newer.entries = span(newer.entries, reads.entries);
            }
            None => {
                gathered.read.insert(reader, reads);
            }
        }
    }
}

/// The least and the greatest entry of both.
fn span(
    one: Option<(EntryId, EntryId)>,
    other: Option<(EntryId, EntryId)>,
) -> Option<(EntryId, EntryId)> {
    match (one, other) {
        (Some((from, to)), Some((least, greatest))) => Some((from.min(least), to.max(greatest))),
        (one, other) => one.or(other),
    }
}

/// Reports what is due while the node runs.
pub(crate) async fn run(running: Running, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = running.quarantine.entered() => return,
            () = tokio::time::sleep(LOOK) => (),
        }
        report(&running, READ_INTERVAL).await;
    }
}

/// Reports everything at once: the node stops.
pub(crate) async fn flush(running: &Running) {
    report(running, Micros(0)).await;
}

async fn report(running: &Running, age: Micros) {
    let now = SystemClock.now();
    let touches = running.usage.due_touches(now);
    if !(touches.sessions.is_empty() && touches.keys.is_empty()) {
        let command = Command::TouchCredentials(Box::new(touches.clone()));
        if propose(running, command).await {
            running.usage.touched(&touches);
        }
    }
    for reads in running.usage.due_reads(now, age) {
        let command = Command::RecordPersonalReads(Box::new(reads.clone()));
        if !propose(running, command).await {
            running.usage.put_back(reads);
        }
    }
}

async fn propose(running: &Running, command: Command) -> bool {
    let Ok(envelope) = running.envelope(command) else { return false };
    match running.handle.propose(envelope).await {
        Ok(_) => true,
        Err(error) => {
            tracing::debug!(%error, "what was used is not reported yet");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use types::{SessionId, Ulid};

    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn at(minutes: u64) -> Timestamp {
        Timestamp(1_804_136_767_000_000 + minutes * MINUTE)
    }

    #[test]
    fn a_session_is_reported_once_a_minute_while_it_is_used() {
        let usage = Usage::default();
        let session = SessionId(Ulid(1));
        usage.note_use(Credential::Session(session), at(0));
        let first = usage.due_touches(at(0));
        assert_eq!(first.sessions, vec![(session, at(0))]);
        // Not recorded: it is due still.
        assert_eq!(usage.due_touches(at(0)), first);
        usage.touched(&first);
        usage.note_use(Credential::Session(session), Timestamp(at(0).0 + 1));
        assert!(usage.due_touches(at(0)).sessions.is_empty());
        let second = usage.due_touches(at(1));
        assert_eq!(second.sessions, vec![(session, Timestamp(at(0).0 + 1))]);
        usage.touched(&second);
        assert!(usage.due_touches(at(9)).sessions.is_empty());
        assert!(usage.gathered().used.is_empty());
    }

    #[test]
    fn reads_of_one_principal_are_one_report_in_five_minutes() {
        let usage = Usage::default();
        let principal = Principal { id: "user_1".to_owned(), ..Principal::nobody() };
        let span = |from, to| Some((EntryId(from), EntryId(to)));
        usage.note_read(&principal, span(7, 9), at(0));
        usage.note_read(&principal, None, at(1));
        usage.note_read(&principal, span(3, 8), at(4));
        assert!(usage.due_reads(at(4), READ_INTERVAL).is_empty());
        let due = usage.due_reads(at(5), READ_INTERVAL);
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].replies, due[0].entries), (3, span(3, 9)));
        usage.note_read(&principal, span(20, 20), at(5));
        usage.put_back(due[0].clone());
        let again = usage.due_reads(at(6), Micros(0));
        assert_eq!((again[0].replies, again[0].entries), (4, span(3, 20)));
        assert_eq!(again[0].from, at(0));
    }
}
