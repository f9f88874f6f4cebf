//! Why the node stopped serving: said once, kept, and seen by whoever waits.

use std::sync::Arc;

use tokio::sync::watch;

/// The first failure of the replica, if it has failed. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    reason: Arc<watch::Sender<Option<String>>>,
}

impl Failure {
    pub(crate) fn none() -> Self {
        Self { reason: Arc::new(watch::Sender::new(None)) }
    }

    /// Records a failure. The first one counts: what follows is its consequence.
    pub(crate) fn record(&self, reason: impl Into<String>) {
        let reason = reason.into();
        self.reason.send_if_modified(|known| {
            if known.is_some() {
                return false;
            }
            tracing::error!(%reason, "the replica has failed and stops serving");
            *known = Some(reason);
            true
        });
    }

    pub(crate) fn get(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// Waits until the replica has failed.
    pub(crate) async fn wait(&self) -> String {
        let mut reason = self.reason.subscribe();
        loop {
            if let Some(reason) = reason.borrow_and_update().clone() {
                return reason;
            }
            if reason.changed().await.is_err() {
                // The sender lives as long as `self`: this cannot be.
                std::future::pending::<()>().await;
            }
        }
    }
}
