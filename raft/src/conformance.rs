//! openraft's own suite of storage tests, run on any pair of ports through the
//! adapters that run in production.

use std::sync::Arc;

use openraft::testing::log::{StoreBuilder, Suite};
use openraft::type_config::TypeConfigExt;
use openraft::{ErrorSubject, ErrorVerb, StorageError};
use types::{ClusterId, RaftId, Ulid};

use crate::adapter::Contiguity;
use crate::adapter::log::Log;
use crate::adapter::snapshot::Snapshots;
use crate::adapter::state::Machine;
use crate::apply::Applier;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::kinds::TypeConfig;
use crate::observer::Unobserved;
use crate::ports::{LogStore, StateStore};
use crate::replica::start::audience;

struct Builder<F> {
    open: F,
}

/// Runs the suite; `open` makes empty stores and what must live as long.
///
/// # Errors
/// What the suite found.
pub fn suite<G, L, S, F>(open: F) -> Result<(), String>
where
    G: Send + Sync + 'static,
    L: LogStore,
    S: StateStore,
    F: Fn() -> std::io::Result<(G, L, S)> + Send + Sync + 'static,
{
    TypeConfig::run(async move {
        Suite::test_all(Builder { open }).await.map_err(|err: StorageError<_>| err.to_string())
    })
}

impl<G, L, S, F> StoreBuilder<TypeConfig, Log<L>, Machine<S>, G> for Builder<F>
where
    G: Send + Sync + 'static,
    L: LogStore,
    S: StateStore,
    F: Fn() -> std::io::Result<(G, L, S)> + Send + Sync + 'static,
{
    async fn build(&self) -> Result<(G, Log<L>, Machine<S>), StorageError<TypeConfig>> {
        let stopped = |err: std::io::Error| {
            StorageError::from_io_error(ErrorSubject::StateMachine, ErrorVerb::Read, err)
        };
        let (guard, log, state) = (self.open)().map_err(stopped)?;
        let cluster_id = ClusterId(Ulid(1));
        let config = Config::new(cluster_id, "main", RaftId(1));
        let audience = audience(&config, Arc::new(Unobserved));
        let audience = audience.map_err(|err| stopped(std::io::Error::other(err)))?;
        let state = Arc::new(state);
        let snapshots = Arc::new(Snapshots::open(state.snapshots_dir()).map_err(stopped)?);
        let applier = Applier::new(state.clone(), audience, Contiguity::Ignored);
        let clock = Arc::new(SystemClock);
        let machine = Machine::new(state, applier.map_err(stopped)?, snapshots, clock);
        Ok((guard, Log::new(log, Contiguity::Ignored), machine))
    }
}
