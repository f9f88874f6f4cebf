//! Whether what the clients were told is what every node recorded.
//!
//! Pure: a history and copies of the ledger go in, every violation comes out,
//! and each kind has a test in which it is planted. The ledger orders writes
//! itself, so no search is needed: places, counts and times are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::audit::{Copy, Verdict};
use crate::cluster::Status;
use crate::workload::{Acknowledged, History};

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An acknowledged decision is not in a node's ledger.
    Lost {
        /// The node.
        node: String,
        /// The decision.
        request_id: String,
    },
    /// It is there, but not where, or not as, the client was told.
    Moved {
        /// The node.
        node: String,
        /// The decision.
        request_id: String,
        /// Place and hash the client was told.
        told: (u64, String),
        /// Place and hash it has.
        found: (u64, String),
    },
    /// One request is recorded more than once.
    Twice {
        /// The node.
        node: String,
        /// The decision.
        request_id: String,
        /// Where.
        entries: Vec<u64>,
    },
    /// A decision nobody asked for.
    Phantom {
        /// The node.
        node: String,
        /// Its request id.
        request_id: String,
    },
    /// One decision ended before another began and yet comes after it.
    OutOfOrder {
        /// Ended first.
        earlier: String,
        /// Began later.
        later: String,
    },
    /// Two nodes do not have the same entry at a place.
    Differs {
        /// One.
        node: String,
        /// The other.
        other: String,
        /// The first place.
        entry_id: u64,
    },
    /// A chain does not hold, or a node says so of its own.
    Broken {
        /// The node.
        node: String,
        /// What.
        fault: String,
    },
    /// Nodes that applied equally much are not in the same state.
    Diverged {
        /// One.
        node: String,
        /// The other.
        other: String,
        /// The member that differs.
        member: &'static str,
    },
    /// An answer no client should get.
    Unexpected(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { node, request_id } => {
                write!(f, "{node}: acknowledged `{request_id}` is lost")
            }
            Self::Moved { node, request_id, told, found } => {
                write!(f, "{node}: `{request_id}` was told {told:?} and is {found:?}")
            }
            Self::Twice { node, request_id, entries } => {
                write!(f, "{node}: `{request_id}` is recorded at {entries:?}")
            }
            Self::Phantom { node, request_id } => {
                write!(f, "{node}: nobody asked for `{request_id}`")
            }
            Self::OutOfOrder { earlier, later } => {
                write!(f, "`{earlier}` ended before `{later}` began and is recorded after it")
            }
            Self::Differs { node, other, entry_id } => {
                write!(f, "{node} and {other} differ at entry {entry_id}")
            }
            Self::Broken { node, fault } => write!(f, "{node}: {fault}"),
            Self::Diverged { node, other, member } => {
                write!(f, "{node} and {other} applied equally much and differ in `{member}`")
            }
            Self::Unexpected(answer) => write!(f, "unexpected answer: {answer}"),
        }
    }
}

/// Everything a history and the ledgers read after it break.
pub fn violations(history: &History, copies: &[Copy]) -> Vec<Violation> {
    let mut found: Vec<Violation> =
        history.unexpected.iter().cloned().map(Violation::Unexpected).collect();
    found.extend(out_of_order(&history.acknowledged));
    for copy in copies {
        found.extend(broken(copy));
        found.extend(against_history(history, copy));
    }
    found.extend(copies.windows(2).filter_map(|pair| differs(&pair[0], &pair[1])));
    found
}

/// Whether nodes at rest say they are in one state.
pub fn diverged(statuses: &[Status]) -> Vec<Violation> {
    let mut found = Vec::new();
    for pair in statuses.windows(2) {
        let (one, other) = (&pair[0], &pair[1]);
        let members = [
            ("ledger_size", one.ledger_size == other.ledger_size),
            ("root_hash", one.root_hash == other.root_hash),
            ("state_hash", one.state_hash == other.state_hash),
            ("cluster_id", one.cluster_id == other.cluster_id),
            ("voters", one.voters == other.voters),
        ];
        let differing = members.into_iter().filter(|(_, is_same)| !is_same);
        found.extend(differing.map(|(member, _)| Violation::Diverged {
            node: one.node_id.clone(),
            other: other.node_id.clone(),
            member,
        }));
    }
    found
}

/// Whether a node's verdict on its own ledger is good and is that of the
/// reader, who hashed the same entries.
pub fn verdict_agrees(copy: &Copy, verdict: &Verdict) -> Vec<Violation> {
    let head = copy.entries.last().map(|last| (last.id, last.hash.clone()));
    let count = u64::try_from(copy.entries.len()).unwrap_or(u64::MAX);
    let facts = [
        ("`valid` is not true", verdict.is_valid),
        ("`first_invalid` is not null", verdict.first_invalid.is_null()),
        ("`entries_checked` is not the number of entries", verdict.entries_checked == count),
        ("`head` is not the last entry", verdict.head == head),
        ("`root_hash` is not the root of the entries", verdict.root_hash == copy.root),
    ];
    let wrong = facts.into_iter().filter(|(_, holds)| !holds);
    wrong
        .map(|(fault, _)| Violation::Broken {
            node: copy.node.clone(),
            fault: format!("/ledger/verify: {fault}: {verdict:?}"),
        })
        .collect()
}

fn broken(copy: &Copy) -> Option<Violation> {
    let fault = copy.fault.clone()?;
    Some(Violation::Broken { node: copy.node.clone(), fault })
}

fn against_history(history: &History, copy: &Copy) -> Vec<Violation> {
    let node = || copy.node.clone();
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, entry) in copy.entries.iter().enumerate() {
        if let Some(request_id) = &entry.request_id {
            places.entry(request_id).or_default().push(at);
        }
    }
    let asked: BTreeSet<&str> = history
        .acknowledged
        .iter()
        .map(|one| one.request_id.as_str())
        .chain(history.unresolved.iter().map(String::as_str))
        .collect();
    let mut found = Vec::new();
    for (request_id, at) in &places {
        let request_id = (*request_id).to_owned();
        if !asked.contains(request_id.as_str()) {
            found.push(Violation::Phantom { node: node(), request_id: request_id.clone() });
        }
        if 1 < at.len() {
            let entries = at.iter().map(|at| copy.entries[*at].id).collect();
            found.push(Violation::Twice { node: node(), request_id, entries });
        }
    }
    for told in &history.acknowledged {
        let at = places.get(told.request_id.as_str()).and_then(|at| at.first());
        found.extend(match at {
            None => Some(Violation::Lost { node: node(), request_id: told.request_id.clone() }),
            Some(at) => moved(told, copy, *at),
        });
    }
    found
}

fn moved(told: &Acknowledged, copy: &Copy, at: usize) -> Option<Violation> {
    let entry = &copy.entries[at];
    let is_same = entry.id == told.entry_id
        && entry.hash == told.entry_hash
        && entry.decision_id.as_deref() == Some(told.decision_id.as_str());
    (!is_same).then(|| Violation::Moved {
        node: copy.node.clone(),
        request_id: told.request_id.clone(),
        told: (told.entry_id, told.entry_hash.clone()),
        found: (entry.id, entry.hash.clone()),
    })
}

/// Real-time order: a decision that ended before another began lies before it.
/// One pass in order of beginning, with the highest place that had ended.
fn out_of_order(acknowledged: &[Acknowledged]) -> Vec<Violation> {
    let mut by_call: Vec<&Acknowledged> = acknowledged.iter().collect();
    by_call.sort_by_key(|one| one.called);
    let mut by_return: Vec<&Acknowledged> = acknowledged.iter().collect();
    by_return.sort_by_key(|one| one.returned);
    let mut ended = by_return.into_iter().peekable();
    let mut highest: Option<&Acknowledged> = None;
    let mut found = Vec::new();
    for later in by_call {
        while let Some(earlier) = ended.next_if(|earlier| earlier.returned < later.called) {
            if highest.is_none_or(|highest| highest.entry_id < earlier.entry_id) {
                highest = Some(earlier);
            }
        }
        if let Some(earlier) = highest.filter(|earlier| later.entry_id < earlier.entry_id) {
            found.push(Violation::OutOfOrder {
                earlier: earlier.request_id.clone(),
                later: later.request_id.clone(),
            });
        }
    }
    found
}

fn differs(one: &Copy, other: &Copy) -> Option<Violation> {
    let pairs = one.entries.iter().zip(&other.entries);
    let first = pairs.take_while(|(one, other)| one == other).count();
    let is_same = first == one.entries.len() && first == other.entries.len();
    (!is_same).then(|| Violation::Differs {
        node: one.node.clone(),
        other: other.node.clone(),
        entry_id: u64::try_from(first).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests;
