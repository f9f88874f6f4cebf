//! What the node does about what its replica applies: told from the thread that
//! applies, so everything here only leaves a note for a task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use governance::command::Place;
use governance::{Outcome, outcome::Cosigned};
use raft::{AppliedItem, Handle, Observer};
use tokio::sync::{Notify, watch};
use types::{LogIndex, RaftId};

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

struct Inner {
    raft_id: RaftId,
    keys: Arc<NodeKeys>,
    quarantine: Quarantine,
    metrics: api::Metrics,
    /// Something was applied that checkpoints depend on.
    news: Notify,
    /// Whether more entries are news too.
    wants_growth: AtomicBool,
    /// An erasure was applied.
    erased: Notify,
    scrub: watch::Sender<Option<Arc<Frozen>>>,
    handle: OnceLock<Handle<ports::State>>,
}

impl Watch {
    pub(crate) fn new(
        raft_id: RaftId,
        keys: Arc<NodeKeys>,
        quarantine: Quarantine,
        metrics: api::Metrics,
    ) -> Self {
        Self(Arc::new(Inner {
            raft_id,
            keys,
            quarantine,
            metrics,
            news: Notify::new(),
            wants_growth: AtomicBool::new(true),
            erased: Notify::new(),
            scrub: watch::Sender::new(None),
            handle: OnceLock::new(),
        }))
    }

    /// The replica, once it has started: views come from it.
    pub(crate) fn attach(&self, handle: Handle<ports::State>) {
        // It is set once, by the only caller.
        let _ = self.0.handle.set(handle);
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

    /// States to be digested, the newest alone.
    pub(crate) fn scrubs(&self) -> watch::Receiver<Option<Arc<Frozen>>> {
        self.0.scrub.subscribe()
    }

    fn cosigned(&self, cosigned: &Cosigned) {
        let result = match cosigned {
            Cosigned { outvoted: true, .. } => "outvoted",
            Cosigned { dissent: Some(_), .. } => "dissent",
            Cosigned { .. } => "consistent",
        };
        self.0.metrics.divergence_checked(result);
        if cosigned.outvoted {
            self.0.quarantine.enter(Reason::Outvoted { size: cosigned.size });
        }
    }

    fn freeze(&self, place: Place) {
        let view = self.0.handle.get().and_then(|handle| handle.view().ok());
        if let Some(view) = view {
            self.0.scrub.send_replace(Some(Arc::new(Frozen { place, view })));
        }
    }
}

impl Observer for Watch {
    fn applied(&self, item: AppliedItem<'_>) {
        match item.outcome {
            Outcome::NodeRegistered(_) | Outcome::Recorded(_) => self.0.keys.forget(),
            Outcome::Cosigned(cosigned) => self.cosigned(cosigned),
            Outcome::ScrubOpened(place) => self.freeze(*place),
            Outcome::ContentReported(reported) if reported.outvoted.contains(&self.0.raft_id) => {
                self.0.quarantine.enter(Reason::Content { place: reported.place });
            }
            Outcome::Erased(_) => self.0.erased.notify_one(),
            Outcome::Founded(_)
            | Outcome::Decided(_)
            | Outcome::PolicyLoaded(_)
            | Outcome::Ticked
            | Outcome::Sealed(_)
            | Outcome::ContentReported(_)
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
        self.0.keys.forget();
        self.0.news.notify_one();
        self.0.erased.notify_one();
    }

    fn role_changed(&self, _: raft::Role, _: u64) {
        self.0.news.notify_one();
    }
}
