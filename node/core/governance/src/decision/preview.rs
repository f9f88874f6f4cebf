//! A decision that is not recorded: the same evaluation, on a node's own state.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use policy::Compiled;
use types::{Json, Object, Timestamp};

use super::{Court, Ids, data, engine_at, judge, personal};
use crate::apply::Stop;
use crate::cache::{self, ActivePolicy, compile};
use crate::command::Decide;
use crate::outcome::{Corruption, Rejection};
use crate::stop;
use crate::store::Read;
use crate::view;

/// What a decision would say. Ids and token are null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// As `data` of the entry it is not.
    pub data: Object,
    /// As `personal` of that entry.
    pub personal: Object,
}

/// The policy compiled last, for previews and other readers.
#[derive(Default)]
pub struct PolicyCache(Mutex<Option<Arc<ActivePolicy>>>);

impl fmt::Debug for PolicyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyCache(..)")
    }
}

impl PolicyCache {
    /// The policy in force in this state, compiled at most once per version.
    ///
    /// # Errors
    /// [`Corruption`] when the stored policy is damaged.
    pub fn active(&self, read: &impl Read) -> Result<Arc<ActivePolicy>, Corruption> {
        let record = view::active_policy(read)?;
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(policy) = held.filter(|policy| policy.version == record.version) {
            return Ok(policy);
        }
        let policy = Arc::new(compile(&record)?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&policy));
        Ok(policy)
    }
}

/// By what a request would be judged in this state.
pub(super) fn court<'a>(
    read: &impl Read,
    policy: &'a Compiled,
    at: Timestamp,
    decide: &Decide,
) -> Result<Court<'a>, Corruption> {
    let level = cache::feature_level(read)?;
    let stop = stop::heeded(read, level, &decide.actor, &decide.action)?;
    Ok(Court { policy, engine: engine_at(level), at, stop })
}

/// Evaluates without recording. `at` is the node's clock, or the applied time
/// if that is later.
///
/// # Errors
/// The outer one is [`Corruption`]; the inner one is what `apply` would refuse.
pub fn preview(
    read: &impl Read,
    cache: &PolicyCache,
    at: Timestamp,
    decide: &Decide,
) -> Result<Result<Preview, Rejection>, Corruption> {
    let active = cache.active(read)?;
    let court = court(read, &active.compiled, at, decide)?;
    let judged = match judge(read, court, decide) {
        Ok(judged) => judged,
        Err(Stop::Rejected(why)) => return Ok(Err(why)),
        Err(Stop::Corrupt(what)) => return Err(what),
    };
    let ids = Ids { request: decide.request_id.clone(), ..Ids::default() };
    let mut data = data(decide, &active, &judged, &ids);
    data.insert("timestamp", Json::from(at.to_string()));
    let personal = personal(decide, &judged.evaluation);
    Ok(Ok(Preview { data, personal }))
}
