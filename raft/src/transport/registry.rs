//! Who bears a Raft id, as far as this node has come.
//!
//! What it says decides whose messages are taken; what may then be asked is for
//! [`super::route`].
//!
//! An id that this node does not know may be one of a time it has not come to,
//! and nothing in it tells so: whoever has a certificate can choose a high one. So
//! the name in the certificate decides there. A name that nobody bore is taken for
//! that of a node that joined; one whose bearer has left is refused, although a
//! node may have joined under it once more: this node then has to learn that from
//! a member it knows.

use std::sync::Arc;

use types::RaftId;

use super::route::{Known, Registry};
use crate::kinds::Metrics;
use crate::ports::StateStore;
use crate::replica::Core;
use crate::status::peers;

/// What this node knows of a sender: by the membership it has, else by the
/// state.
pub(super) fn registry<S: StateStore>(core: Arc<Core<S>>) -> Registry {
    Arc::new(move |id, name| core.known(id, name))
}

impl<S: StateStore> Core<S> {
    /// A Raft id is the log index at which its bearer was registered, so one
    /// below the last change of the membership that is not in it has left, or
    /// never was. (Or it joins beside another, and this node saw only the
    /// other's change: then it has to catch up from a member it knows.)
    fn known(&self, id: RaftId, name: &str) -> Known {
        let metrics = self.metrics();
        let membership = &metrics.membership_config;
        if let Some(member) = membership.get_node(&id.0) {
            return Known::Member(member.name.clone());
        }
        let changed = membership.log_id().as_ref().map(|changed| changed.index);
        if is_reached(id, changed) {
            return Known::Nobody;
        }
        let applied = *self.audience.applied.borrow();
        let view = self.state.view().ok();
        let nodes = view.and_then(|view| governance::view::nodes(&view).ok()).unwrap_or_default();
        if let Some(node) = nodes.iter().find(|node| node.raft_id == id) {
            return Known::Registered(node.name.clone());
        }
        if is_reached(id, applied) {
            return Known::Nobody;
        }
        if let Some(member) = bearer(&metrics, name) {
            // One that does not answer may be lost, and its name another's.
            let is_there = member == self.config.raft_id || self.answers(&metrics, member);
            return if is_there { Known::Elsewhere(member) } else { Known::Ahead };
        }
        // Up to its own joining it hears of times that are long over.
        let is_of_today = is_reached(self.config.raft_id, applied);
        match nodes.iter().find(|node| node.name == name) {
            Some(node) if is_of_today && is_reached(node.raft_id, changed) => {
                Known::Left(node.raft_id)
            }
            Some(_) | None => Known::Ahead,
        }
    }

    /// Whether a member answered lately; only a leader knows.
    fn answers(&self, metrics: &Metrics, id: RaftId) -> bool {
        let peers = peers(metrics, self.config.contact_max());
        metrics.state.is_leader() && peers.get(&id).is_some_and(|peer| peer.reachable)
    }
}

fn is_reached(id: RaftId, by: Option<u64>) -> bool {
    by.is_some_and(|index| id.0 <= index)
}

/// The member of this name.
fn bearer(metrics: &Metrics, name: &str) -> Option<RaftId> {
    let mut members = metrics.membership_config.membership().nodes();
    members.find(|(_, member)| member.name == name).map(|(id, _)| RaftId(*id))
}
