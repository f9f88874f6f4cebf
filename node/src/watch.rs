//! What the node does about what its replica applies: told from the thread that
//! applies, so everything here only leaves a note for a task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use governance::Outcome;
use governance::command::Place;
use governance::outcome::{ContentReported, Cosigned};
use raft::{AppliedItem, Handle, Observer, SHARED_SECRET_BYTES};
use tokio::sync::Notify;
use types::{LogIndex, RaftId};

use crate::cluster_key::ClusterKey;
use crate::keys::NodeKeys;
use crate::ports;
use crate::quarantine::{Quarantine, Reason};

/// The state as it is after a log entry, to be digested.
pub(crate) struct Frozen {
    pub(crate) place: Place,
    pub(crate) view: storage::View,
}

/// Notes for the tasks of a node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

/// What notes are about, and whom they go to.
pub(crate) struct Watched {
    pub(crate) raft_id: RaftId,
    pub(crate) keys: Arc<NodeKeys>,
    pub(crate) cluster_key: ClusterKey,
    pub(crate) quarantine: Quarantine,
    pub(crate) metrics: api::Metrics,
}

struct Inner {
    watched: Watched,
    /// Something was applied that checkpoints depend on.
    news: Notify,
    /// Whether more entries are news too.
    wants_growth: AtomicBool,
    /// An erasure was applied.
    erased: Notify,
    /// The state to be digested. It is taken and let go as soon as it was read:
    /// while somebody reads a state, nothing that was erased from it can be
    /// removed from the disk.
    scrub: Mutex<Option<Frozen>>,
    scrub_opened: Notify,
    /// What was said of the state before this is not about the one that is here.
    rebuilt_through: LogIndex,
    /// Let go when the replica stops: the replica holds its observer.
    handle: Mutex<Option<Handle<ports::State>>>,
}

impl Watch {
    pub(crate) fn new(watched: Watched, rebuilt_through: LogIndex) -> Self {
        Self(Arc::new(Inner {
            watched,
            news: Notify::new(),
            wants_growth: AtomicBool::new(false),
            erased: Notify::new(),
            scrub: Mutex::default(),
            scrub_opened: Notify::new(),
            rebuilt_through,
            handle: Mutex::default(),
        }))
    }

    /// The replica, once it has started: views come from it.
    pub(crate) fn attach(&self, handle: Handle<ports::State>) {
        *self.0.handle.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Lets go of the replica, so that its files are closed when it has stopped.
    pub(crate) fn detach(&self) {
        *self.0.handle.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.0.scrub.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits until something was applied that checkpoints depend on.
    pub(crate) async fn news(&self) {
        self.0.news.notified().await;
    }

    /// From now on the next entry is news, whatever it is. Who waits for the time
    /// to pass does not want to be woken by each of thousands a second.
    pub(crate) fn want_growth(&self) {
        self.0.wants_growth.store(true, Ordering::Release);
    }

    /// Waits until an erasure was applied since the last wait.
    pub(crate) async fn erased(&self) {
        self.0.erased.notified().await;
    }

    /// Waits for a state to be digested: the newest alone.
    pub(crate) async fn scrub(&self) -> Frozen {
        loop {
            let frozen = self.0.scrub.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(frozen) = frozen {
                return frozen;
            }
            self.0.scrub_opened.notified().await;
        }
    }

    fn cosigned(&self, cosigned: &Cosigned) {
        let result = match cosigned {
            Cosigned { outvoted: true, .. } => "outvoted",
            Cosigned { dissent: Some(_), .. } => "dissent",
            Cosigned { .. } => "consistent",
        };
        self.0.watched.metrics.divergence_checked(result);
        if cosigned.outvoted {
            self.0.watched.quarantine.enter(Reason::Outvoted { size: cosigned.size });
        }
    }

    fn freeze(&self, place: Place) {
        let handle = self.0.handle.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(view) = handle.and_then(|handle| handle.view().ok()) {
            let frozen = Frozen { place, view };
            *self.0.scrub.lock().unwrap_or_else(PoisonError::into_inner) = Some(frozen);
            self.0.scrub_opened.notify_one();
        }
    }

    fn compared(&self, reported: &ContentReported) {
        let is_about_this = self.0.rebuilt_through < reported.place.index;
        if is_about_this && reported.outvoted.contains(&self.0.watched.raft_id) {
            self.0.watched.quarantine.enter(Reason::Content { place: reported.place });
        }
    }
}

impl Observer for Watch {
    fn applied(&self, item: AppliedItem<'_>) {
        match item.outcome {
            Outcome::NodeRegistered(_) | Outcome::Recorded(_) => self.0.watched.keys.forget(),
            Outcome::Cosigned(cosigned) => self.cosigned(cosigned),
            Outcome::ScrubOpened(place) => self.freeze(*place),
            Outcome::ContentReported(reported) => self.compared(reported),
            Outcome::Erased(_) => self.0.erased.notify_one(),
            Outcome::Anonymized(run) => {
                if run.recorded.is_some() {
                    self.0.erased.notify_one();
                }
            }
            Outcome::Founded(_)
            | Outcome::Decided(_)
            | Outcome::PolicyLoaded(_)
            | Outcome::Ticked
            | Outcome::Sealed(_)
            | Outcome::Noted
            | Outcome::Replayed(_)
            | Outcome::Rejected(_) => (),
        }
        let is_news = matches!(item.outcome, Outcome::Sealed(_) | Outcome::Cosigned(_));
        if is_news || self.0.wants_growth.swap(false, Ordering::AcqRel) {
            self.0.news.notify_one();
        }
    }

    fn membership_applied(&self, _: LogIndex, _: Option<governance::Recorded>) {
        self.0.news.notify_one();
    }

    fn state_replaced(&self, _: Option<LogIndex>) {
        self.0.watched.keys.forget();
        self.0.news.notify_one();
        self.0.erased.notify_one();
    }

    fn shared_secret(&self) -> Option<[u8; SHARED_SECRET_BYTES]> {
        self.0.watched.cluster_key.get().copied()
    }

    fn role_changed(&self, _: raft::Role, _: u64) {
        self.0.news.notify_one();
    }
}
