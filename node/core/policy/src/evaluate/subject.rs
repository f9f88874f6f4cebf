//! Who a word of a request stands for: the terms and patterns that answer to
//! it, and all they are kinds of.
//!
//! There are two readings. A permit takes the word as it is written and follows
//! only what certainly holds. What restricts also takes the word without the
//! kind in front of it, and follows what cannot be excluded: else a prohibition
//! would be escaped by another spelling, or by leaving out a key.

use std::collections::BTreeSet;

use super::walk::{Held, Walk};
use crate::compile::Kind;
use crate::meter::Spent;
use crate::names::{Node, without_kind};
use crate::words::Engine;

/// The nodes of one word.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// Sorted; what a permit may rest on.
    given: Vec<Node>,
    /// Sorted; what a restriction looks at. `None`: the same.
    wide: Option<Vec<Node>>,
}

impl Subject {
    pub(super) fn find(word: &str, walk: &mut Walk<'_>) -> Result<Self, Spent> {
        let mut given = Vec::new();
        walk.policy.names.find(word, &mut given, walk.meter)?;
        if Engine::V2 <= walk.request.engine {
            walk.meter.spend(per_step(&given))?;
        }
        settle(&mut given);
        let mut wide = match without_kind(word) {
            Some(rest) => {
                let mut wide = given.clone();
                walk.policy.names.find(rest, &mut wide, walk.meter)?;
                settle(&mut wide);
                Some(wide)
            }
            None => None,
        };
        if !walk.policy.labelled.is_empty() && Engine::V2 <= walk.request.engine {
            let mut covered = wide.take().unwrap_or_else(|| given.clone());
            cover(&mut covered, walk)?;
            wide = (covered != given).then_some(covered);
        }
        if !walk.policy.kinds.is_empty() {
            let mut reach = wide.take().unwrap_or_else(|| given.clone());
            follow(&mut given, Held::Certainly, walk)?;
            follow(&mut reach, Held::Possibly, walk)?;
            wide = (reach != given).then_some(reach);
        }
        Ok(Self { given, wide })
    }

    pub(super) fn wide(&self) -> &[Node] {
        self.wide.as_deref().unwrap_or(&self.given)
    }

    /// Whether a permit about this node is about the word.
    pub(super) fn is(&self, node: Node) -> bool {
        self.given.binary_search(&node).is_ok()
    }

    /// Whether a restriction about this node is about the word.
    pub(super) fn may_be(&self, node: Node) -> bool {
        self.wide().binary_search(&node).is_ok()
    }
}

/// A label can be shared by as many terms as there are.
pub(super) fn per_step(nodes: &[Node]) -> u32 {
    const NODES_PER_STEP: usize = 16;
    u32::try_from(nodes.len() / NODES_PER_STEP).unwrap_or(u32::MAX)
}

fn settle(nodes: &mut Vec<Node>) {
    nodes.sort_unstable();
    nodes.dedup();
}

/// Adds the patterns over terms: a label is one more name of a term, and no way
/// around what is said of all that begin like its id.
fn cover(nodes: &mut Vec<Node>, walk: &mut Walk<'_>) -> Result<(), Spent> {
    let mut over = Vec::new();
    for node in nodes.iter() {
        for kind in kinds_of(&walk.policy.labelled, *node) {
            walk.meter.spend(1)?;
            over.push(kind.to);
        }
    }
    if !over.is_empty() {
        nodes.append(&mut over);
        settle(nodes);
    }
    Ok(())
}

/// How a node came to stand for a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The word names it, or a pattern covers what was reached.
    Named,
    /// An `implies` led to it: what is said of the patterns over it holds too.
    Kind,
}

/// Adds everything the nodes are kinds of. A walk rather than a table: the
/// closure of 50,000 relations does not fit, and most words reach little.
fn follow(nodes: &mut Vec<Node>, held: Held, walk: &mut Walk<'_>) -> Result<(), Spent> {
    let policy = walk.policy;
    let leads_on = |node: &Node| kinds_of(&policy.kinds, *node).next().is_some();
    if !nodes.iter().any(leads_on) {
        return Ok(());
    }
    // A permit for a pattern is not about a name that the pattern does not
    // match, only because something else is a kind of what has that name.
    let is_wide = held == Held::Possibly || walk.request.engine < Engine::V2;
    let named = if is_wide { Way::Kind } else { Way::Named };
    let mut reached: BTreeSet<(Node, Way)> = nodes.iter().map(|node| (*node, named)).collect();
    let mut open: Vec<(Node, Way)> = nodes.iter().map(|node| (*node, named)).collect();
    while let Some((node, way)) = open.pop() {
        for kind in kinds_of(&policy.kinds, node) {
            walk.meter.spend(1)?;
            let to = (kind.to, if kind.by.is_some() { Way::Kind } else { named });
            if reached.contains(&to) || reached.contains(&(kind.to, Way::Kind)) {
                continue;
            }
            let leads = match kind.by {
                Some(rule) => walk.holds(rule, held)?,
                None => way == Way::Kind,
            };
            if leads {
                reached.insert(to);
                open.push(to);
            }
        }
    }
    *nodes = reached.into_iter().map(|(node, _)| node).collect();
    nodes.dedup();
    Ok(())
}

/// The edges that lead away from a node.
pub(crate) fn kinds_of(kinds: &[Kind], node: Node) -> impl Iterator<Item = &Kind> {
    let from = kinds.partition_point(|kind| kind.from < node);
    kinds.get(from..).unwrap_or_default().iter().take_while(move |kind| kind.from == node)
}
