//! Which pairs of an actor and an action the difference can be about.
//!
//! INVARIANT: for a pair that is not listed, both policies say the same of every
//! request. Two policies of 10,000 relations that differ in one are told apart
//! by looking at the pairs of that one.

use std::collections::BTreeSet;

use super::classes::Classes;
use super::side::Side;
use crate::compile::Pair;
use crate::names::Node;

/// How often a pair may come up again, on average, before the listing is cut.
const REPEATS_MAX: usize = 16;

/// Every pair that is listed: positions of an actor's and an action's class.
#[derive(Debug)]
pub(super) struct Touched {
    /// In the order in which they are looked at: words with a kind too many come
    /// last.
    pub(super) pairs: Vec<(usize, usize)>,
    pub(super) is_complete: bool,
}

/// Which classes of a role a difference is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    All,
    These(Vec<usize>),
}

/// Every pair of these is touched.
type Block = (Which, Which);

/// Blocks up to a size.
#[derive(Debug)]
struct Blocks {
    all: BTreeSet<Block>,
    /// Positions that further blocks may have; without any, they are left out.
    left: Option<usize>,
}

impl Blocks {
    fn insert(&mut self, actors: Which, actions: Which) {
        self.left = self.left.and_then(|left| left.checked_sub(actors.size()));
        self.left = self.left.and_then(|left| left.checked_sub(actions.size()));
        if self.left.is_some() {
            self.all.insert((actors, actions));
        }
    }
}

/// Lists the pairs, at most `pairs_max`.
pub(super) fn touched(sides: &[Side<'_>; 2], classes: &[Classes; 3], pairs_max: usize) -> Touched {
    let [actors, actions, objects] = classes;
    let finder = Finder { sides, actors, actions, objects };
    let blocks = finder.blocks(pairs_max.saturating_mul(REPEATS_MAX));
    finder.pairs(&blocks, pairs_max)
}

struct Finder<'s, 'a> {
    sides: &'s [Side<'a>; 2],
    actors: &'s Classes,
    actions: &'s Classes,
    objects: &'s Classes,
}

impl Finder<'_, '_> {
    fn blocks(&self, size_max: usize) -> Blocks {
        let mut blocks = Blocks { all: BTreeSet::new(), left: Some(size_max) };
        if self.is_all_different() {
            blocks.insert(Which::All, Which::All);
            return blocks;
        }
        blocks.insert(Which::These(unsteady(self.actors)), Which::All);
        blocks.insert(Which::All, Which::These(unsteady(self.actions)));
        self.add_rules(&mut blocks);
        self.add_conflicts(&mut blocks);
        self.add_limits(&mut blocks);
        blocks
    }

    /// What holds for every request.
    fn is_all_different(&self) -> bool {
        let frames = self.sides.each_ref().map(|side| {
            let document = side.policy.document();
            (document.mode, document.effective_from, document.effective_until)
        });
        let [before, after] = frames;
        before != after
    }

    /// Rules of one policy alone, and those about an object that means another
    /// thing.
    fn add_rules(&self, blocks: &mut Blocks) {
        for (at, side) in self.sides.iter().enumerate() {
            let moved = moved(self.objects, at);
            let known = self.numbers_beside(at);
            let is_touched = |pair: &&Pair| {
                let object = side.policy.relation(pair.rule).and_then(|(_, rule)| rule.object);
                !known.contains(&side.number(pair.rule))
                    || object.is_some_and(|object| moved.contains(&object.node))
            };
            for pair in side.policy.pairs.iter().filter(is_touched) {
                let actors = self.actors.of(at, pair.source).to_vec();
                let actions = self.actions.of(at, pair.target).to_vec();
                blocks.insert(Which::These(actors), Which::These(actions));
            }
        }
    }

    /// Conflicts of one policy alone, and those whose other side means another
    /// thing.
    fn add_conflicts(&self, blocks: &mut Blocks) {
        for (at, side) in self.sides.iter().enumerate() {
            let moved = moved(self.actions, at);
            let known = self.numbers_beside(at);
            let is_touched = |pair: &&Pair| {
                !known.contains(&side.number(pair.rule)) || moved.contains(&pair.target)
            };
            for pair in side.policy.conflicts.iter().filter(is_touched) {
                let actions = self.actions.of(at, pair.source).to_vec();
                blocks.insert(Which::All, Which::These(actions));
            }
        }
    }

    /// Constraints of one policy alone.
    fn add_limits(&self, blocks: &mut Blocks) {
        let [before, after] = self.sides.each_ref().map(|side| {
            let limits = side.policy.limits.iter();
            limits.map(|limit| side.limit_content(limit)).collect::<BTreeSet<_>>()
        });
        for (at, (side, known)) in self.sides.iter().zip([&after, &before]).enumerate() {
            let limits = side.policy.limits.iter();
            for limit in limits.filter(|limit| !known.contains(&side.limit_content(limit))) {
                let which = |classes: &Classes, node: Option<Node>| {
                    node.map_or(Which::All, |node| Which::These(classes.of(at, node).to_vec()))
                };
                blocks.insert(which(self.actors, limit.actor), which(self.actions, limit.action));
            }
        }
    }

    /// The numbers of what the other policy says.
    fn numbers_beside(&self, at: usize) -> BTreeSet<Option<u32>> {
        let others = self.sides.iter().enumerate().filter(|(other, _)| *other != at);
        others.flat_map(|(_, side)| side.numbers()).map(Some).collect()
    }

    fn pairs(&self, blocks: &Blocks, pairs_max: usize) -> Touched {
        let mut pairs = BTreeSet::new();
        let mut left = pairs_max.saturating_mul(REPEATS_MAX);
        for (actors, actions) in &blocks.all {
            for (actor, action) in product(self.actors, actors, self.actions, actions) {
                let is_odd = |classes: &Classes, at| classes.get(at).is_some_and(|one| one.is_odd);
                let odd = is_odd(self.actors, actor) || is_odd(self.actions, action);
                if left == 0 || (pairs.len() == pairs_max && !pairs.contains(&(odd, actor, action)))
                {
                    return Touched::new(pairs, false);
                }
                left = left.saturating_sub(1);
                pairs.insert((odd, actor, action));
            }
        }
        Touched::new(pairs, blocks.left.is_some())
    }
}

impl Touched {
    fn new(pairs: BTreeSet<(bool, usize, usize)>, is_complete: bool) -> Self {
        let pairs = pairs.into_iter().map(|(_, actor, action)| (actor, action)).collect();
        Self { pairs, is_complete }
    }
}

fn product(
    actors: &Classes,
    some_actors: &Which,
    actions: &Classes,
    some_actions: &Which,
) -> impl Iterator<Item = (usize, usize)> {
    let some_actions = some_actions.positions(actions);
    some_actors.positions(actors).into_iter().flat_map(move |actor| {
        let actions = some_actions.clone();
        actions.into_iter().map(move |action| (actor, action))
    })
}

impl Which {
    fn size(&self) -> usize {
        match self {
            Self::All => 1,
            Self::These(these) => these.len().saturating_add(1),
        }
    }

    fn positions(&self, classes: &Classes) -> Vec<usize> {
        match self {
            Self::All => (0..classes.all.len()).collect(),
            Self::These(these) => these.clone(),
        }
    }
}

fn unsteady(classes: &Classes) -> Vec<usize> {
    let all = classes.all.iter().enumerate();
    all.filter(|(_, class)| !class.is_steady).map(|(at, _)| at).collect()
}

/// The nodes of a side to which some word leads in one policy and not in the
/// other.
fn moved(classes: &Classes, at: usize) -> BTreeSet<Node> {
    let unsteady = classes.all.iter().filter(|class| !class.is_steady);
    unsteady.filter_map(|class| class.reach.get(at)).flatten().copied().collect()
}
