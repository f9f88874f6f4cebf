//! What every request shares.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use governance::PolicyCache;
use prometheus::Registry;
use tokio::sync::Semaphore;

use crate::assessments::Assessments;
use crate::backend::Backend;
use crate::config::Config;
use crate::edge::rates::Rates;
use crate::metrics::Metrics;
use crate::problem::{Code, Problem};
use crate::rest::auth::oidc::Oidc;
use crate::secrets::Hasher;
use crate::verified::Verified;

/// A handle to what requests share: cloned for each of them.
#[derive(Clone, Debug)]
pub(crate) struct App<B: Backend> {
    pub(crate) backend: B,
    pub(crate) shared: Arc<Shared>,
    pub(crate) config: Arc<Config>,
}

/// Made once.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    /// How often senders asked.
    pub(crate) rates: Rates,
    /// Whether the cluster was once seen to have accounts, which it keeps.
    pub(crate) closed: AtomicBool,
    pub(crate) policies: PolicyCache,
    /// The beginning of the ledger that was verified since start.
    pub(crate) verified: Verified,
    /// `/openapi.json`.
    pub(crate) openapi: Bytes,
    /// Requests in progress.
    pub(crate) admission: Semaphore,
    /// Audits in progress.
    pub(crate) audits: Arc<Semaphore>,
    /// Hashes passwords, few at once: a storm of logins must not take the
    /// processors from decisions.
    pub(crate) hasher: Hasher,
    /// What logins at providers are known by.
    pub(crate) oidc: Oidc,
    /// Policies being read, and answers being explained.
    pub(crate) studies: Arc<Semaphore>,
    /// How everything stood as of some entries.
    pub(crate) assessments: Assessments,
}

impl<B: Backend> App<B> {
    pub(crate) fn new(backend: B, config: Config, metrics: Metrics, registry: Registry) -> Self {
        let shared = Shared {
            metrics,
            registry,
            rates: Rates::new(&config.rates),
            closed: AtomicBool::new(false),
            policies: PolicyCache::default(),
            verified: Verified::default(),
            openapi: Bytes::from(crate::openapi::document(config.version).to_canonical()),
            admission: Semaphore::new(config.concurrency_max.min(Semaphore::MAX_PERMITS)),
            audits: Arc::new(Semaphore::new(config.audits_max.min(Semaphore::MAX_PERMITS))),
            hasher: Hasher::new(config.request_timeout),
            oidc: Oidc::default(),
            assessments: Assessments::default(),
            studies: Arc::new(Semaphore::new(config.studies_max.min(Semaphore::MAX_PERMITS))),
        };
        Self { backend, shared: Arc::new(shared), config: Arc::new(config) }
    }

    /// Runs `read` on a thread that may block.
    pub(crate) async fn blocking<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        match tokio::task::spawn_blocking(read).await {
            Ok(result) => result,
            Err(error) => {
                tracing::error!(%error, "a read of the state did not end");
                Err(Problem::internal())
            }
        }
    }

    /// Runs an audit, of which few go on at once: they read much, and the
    /// commit path must not feel them.
    pub(crate) async fn audit<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        self.one_of_few(&self.shared.audits, read).await
    }

    /// Studies a policy or an answer, which takes the processor for up to a
    /// second: few go on at once, and none waits for an audit.
    pub(crate) async fn study<T, F>(&self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        self.one_of_few(&self.shared.studies, work).await
    }

    async fn one_of_few<T, F>(&self, room: &Arc<Semaphore>, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        let permit = Arc::clone(room).acquire_owned();
        // The queue is as long as requests in progress are many, no longer.
        let permit = tokio::time::timeout(self.config.request_timeout, permit).await;
        let Ok(Ok(permit)) = permit else {
            let detail = "as many of these as this node runs at once are in progress";
            return Err(Problem::new(Code::OVERLOADED, detail));
        };
        self.blocking(move || {
            // Held by the thread, not by the request: a caller that goes away
            // does not make room for another while the thread still reads.
            let _permit = permit;
            read()
        })
        .await
    }
}
