//! Who bears a Raft id, as far as this node has come.
//!
//! What it says decides whose messages are taken; what may then be asked is for
//! [`super::route`].

use std::sync::Arc;

use openraft::async_runtime::WatchReceiver as _;
use types::RaftId;

use super::route::{Known, Registry};
use crate::ports::StateStore;
use crate::replica::Core;

/// What this node knows of a sender: by the membership it has, else by the
/// state.
pub(super) fn registry<S: StateStore>(core: Arc<Core<S>>) -> Registry {
    Arc::new(move |id| core.known(id))
}

impl<S: StateStore> Core<S> {
    /// A Raft id is the log index at which its bearer was registered, so one
    /// below the last change of the membership that is not in it has left, or
    /// never was. (Or it joins beside another, and this node saw only the
    /// other's change: then it has to catch up from a member it knows.)
    fn known(&self, id: RaftId) -> Known {
        let membership = self.raft.metrics().borrow_watched().membership_config.clone();
        if let Some(member) = membership.get_node(&id.0) {
            return Known::Member(member.name.clone());
        }
        if membership.log_id().as_ref().is_some_and(|changed| id.0 <= changed.index) {
            return Known::Nobody;
        }
        let applied = *self.audience.applied.borrow();
        let view = self.state.view().ok();
        let nodes = view.and_then(|view| governance::view::nodes(&view).ok());
        match nodes.into_iter().flatten().find(|node| node.raft_id == id) {
            Some(node) => Known::Registered(node.name),
            None if applied.is_some_and(|applied| id.0 <= applied) => Known::Nobody,
            None => Known::Ahead,
        }
    }
}
