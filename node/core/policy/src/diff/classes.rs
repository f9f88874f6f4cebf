//! Words that mean the same in both policies, put together.
//!
//! A word's meaning is the nodes that answer to it, as it is written and without
//! the kind in front of it. Which words there are to tell apart follows from how
//! nodes are found: the texts that terms answer to, one word more below each
//! pattern, one word that is nothing at all, and each of these behind the name
//! of a kind.

use std::collections::{BTreeMap, BTreeSet};

use super::side::{Role, Side};
use crate::meter::Meter;
use crate::names::{KINDS, Node, is_pattern, without_kind};

/// Spellings of one class that are kept; more tell nothing that a condition on
/// the word itself could ask, unless it names one: those are always kept.
const SPELLINGS_MAX: usize = 64;

/// Nodes that all words of one role together may lead to.
const REACH_MAX: usize = 400_000;

/// The classes of one role.
#[derive(Debug)]
pub(super) struct Classes {
    pub(super) all: Vec<Class>,
    /// By side and node: the classes that may mean it.
    by_node: [BTreeMap<Node, Vec<usize>>; 2],
    /// The class of a word that is nothing at all.
    pub(super) unknown: usize,
    /// Whether every word has its class.
    pub(super) is_complete: bool,
}

/// Words of one meaning.
#[derive(Debug)]
pub(super) struct Class {
    /// The id of a term, or a pattern over what is no term of its own.
    pub(super) name: String,
    /// INVARIANT: not empty; the first stands for all.
    pub(super) spellings: Vec<String>,
    pub(super) meaning: Meaning,
    /// By side: all that may be meant, whatever the conditions say.
    pub(super) reach: [Vec<Node>; 2],
    /// Whether both policies lead from the words to the same.
    pub(super) is_steady: bool,
    /// Whether nobody would write the words: they have a kind too many.
    pub(super) is_odd: bool,
    /// The class of what would be written for it; others stand for themselves.
    pub(super) twin: usize,
}

/// The nodes of a word, by side.
pub(super) type Meaning = [Base; 2];

/// The nodes of a word in one policy, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Base {
    pub(super) given: Vec<Node>,
    pub(super) wide: Vec<Node>,
}

/// A word to be put in its class.
#[derive(Debug)]
struct Word {
    text: String,
    name: String,
    is_named: bool,
}

impl Base {
    /// What of it is among these nodes.
    pub(super) fn among(&self, nodes: &BTreeSet<Node>) -> Base {
        let only =
            |from: &[Node]| from.iter().filter(|node| nodes.contains(node)).copied().collect();
        Base { given: only(&self.given), wide: only(&self.wide) }
    }
}

impl Class {
    /// What stands for all words of the class.
    pub(super) fn word(&self) -> &str {
        self.spellings.first().map_or("", String::as_str)
    }
}

impl Classes {
    /// The classes that may mean a node of a side.
    pub(super) fn of(&self, at: usize, node: Node) -> &[usize] {
        self.by_node.get(at).and_then(|by| by.get(&node)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn get(&self, at: usize) -> Option<&Class> {
        self.all.get(at)
    }
}

/// The classes of actors, actions and objects. `named` are words that a
/// condition on the word itself asks for.
pub(super) fn classes(sides: &[Side<'_>; 2], named: &[String]) -> [Classes; 3] {
    let roles = [Role::Actor, Role::Action, Role::Object];
    let mut builders = roles.map(|role| Builder::new(sides, role));
    let fresh = fresh(sides, named);
    let plain = words(sides, named, &fresh);
    for word in &plain {
        let meaning = sides.each_ref().map(|side| resolve(side, &word.text));
        for builder in &mut builders {
            builder.add(word, &meaning, false);
        }
    }
    for kind in KINDS {
        for word in &plain {
            let text = format!("{kind}{}", word.text);
            let name = format!("{kind}{}", word.name);
            let meaning = sides.each_ref().map(|side| resolve(side, &text));
            let word = Word { text, name, is_named: false };
            for builder in &mut builders {
                builder.add(&word, &meaning, true);
            }
        }
    }
    builders.map(|builder| builder.finish(&fresh))
}

/// A segment that occurs in no text of either policy: the usual word with the
/// first number that never follows it. Each text is read once.
fn fresh(sides: &[Side<'_>; 2], named: &[String]) -> String {
    const USUAL: &str = "other";
    const DIGITS_MAX: usize = 8;
    let texts = sides.iter().flat_map(|side| side.texts()).chain(named.iter().map(String::as_str));
    let mut is_known = false;
    let mut numbers: BTreeSet<u32> = BTreeSet::new();
    for text in texts {
        for (at, _) in text.match_indices(USUAL) {
            is_known = true;
            let rest = text.get(at.saturating_add(USUAL.len())..).unwrap_or_default();
            // What is followed by 12 is followed by 1 too.
            let begins =
                (1..=DIGITS_MAX).map_while(|digits| rest.get(..digits)?.parse::<u32>().ok());
            numbers.extend(begins);
        }
    }
    let number = (2..).find(|number| !numbers.contains(number)).filter(|_| is_known);
    number.map_or_else(|| USUAL.to_owned(), |number| format!("{USUAL}{number}"))
}

/// Every word whose meaning may be its own, in the order in which a class is
/// better called by them: by what covers all of it, else by a term.
fn words(sides: &[Side<'_>; 2], named: &[String], fresh: &str) -> Vec<Word> {
    let mut seen = BTreeSet::new();
    let mut words = Vec::new();
    let mut add = |text: String, name: &str, is_named: bool| {
        if !text.is_empty() && seen.insert(text.clone()) {
            words.push(Word { text, name: name.to_owned(), is_named });
        }
    };
    let ids = || sides.iter().flat_map(|side| side.ids());
    add(fresh.to_owned(), "*", false);
    let (patterns, terms): (Vec<&str>, Vec<&str>) = ids().partition(|id| is_pattern(id));
    for id in patterns.into_iter().chain(terms) {
        add(below(id, fresh), id, false);
    }
    for id in ids() {
        if let Some(rest) = without_kind(id) {
            add(below(rest, fresh), rest, false);
        }
    }
    for label in sides.iter().flat_map(|side| side.labels()) {
        add(label.to_owned(), label, false);
    }
    // Last, so that a named word which is a term is called by its id; `seen`
    // would drop it, so the classes mark it by its text.
    for text in named {
        add(text.clone(), text, true);
    }
    for word in &mut words {
        word.is_named |= named.binary_search(&word.text).is_ok();
    }
    words
}

/// The id itself, or a word that a pattern covers and nothing longer does.
fn below(id: &str, fresh: &str) -> String {
    match id.strip_suffix('*').filter(|_| is_pattern(id)) {
        Some(prefix) => format!("{prefix}{fresh}"),
        None => id.to_owned(),
    }
}

/// Everyone who answers to a word; `evaluate::subject` gives the reasons.
fn resolve(side: &Side<'_>, text: &str) -> Base {
    let names = &side.policy.names;
    let mut meter = Meter::new(u32::MAX);
    let mut given = Vec::new();
    // No text has so many segments that it would spend this meter.
    let _ = names.find(text, &mut given, &mut meter);
    let mut wide = given.clone();
    if let Some(rest) = without_kind(text) {
        let _ = names.find(rest, &mut wide, &mut meter);
    }
    for nodes in [&mut given, &mut wide] {
        nodes.sort_unstable();
        nodes.dedup();
    }
    Base { given, wide }
}

struct Builder<'s, 'a> {
    sides: &'s [Side<'a>; 2],
    role: Role,
    /// Ids of which both policies say something.
    shared: BTreeSet<&'a str>,
    known: BTreeMap<Meaning, usize>,
    all: Vec<Class>,
    /// Nodes that further classes may lead to; without any, they are left out.
    left: Option<usize>,
}

/// How one policy leads from a word to what both speak of: its nodes as given
/// and as wide, and each step from kind to kind with the number of its rule.
type Trace<'a> = (Vec<&'a str>, Vec<&'a str>, Vec<(&'a str, &'a str, Option<u32>)>);

impl<'s, 'a> Builder<'s, 'a> {
    fn new(sides: &'s [Side<'a>; 2], role: Role) -> Self {
        let [before, after] = sides.each_ref().map(|side| side.active_ids(role));
        let shared = before.intersection(&after).copied().collect();
        Self { sides, role, shared, known: BTreeMap::new(), all: Vec::new(), left: Some(REACH_MAX) }
    }

    fn add(&mut self, word: &Word, meaning: &Meaning, is_odd: bool) {
        let meaning = self.narrowed(meaning);
        if let Some(class) = self.known.get(&meaning).and_then(|at| self.all.get_mut(*at)) {
            if word.is_named || class.spellings.len() < SPELLINGS_MAX {
                class.spellings.push(word.text.clone());
            }
            return;
        }
        let Some(left) = self.left else {
            return;
        };
        self.known.insert(meaning.clone(), self.all.len());
        let reach = self.reach(&meaning);
        self.left = left.checked_sub(reach.iter().map(Vec::len).sum());
        let is_steady = self.is_steady(&meaning, &reach);
        self.all.push(Class {
            name: word.name.clone(),
            spellings: vec![word.text.clone()],
            meaning,
            reach,
            is_steady,
            is_odd,
            twin: self.all.len(),
        });
    }

    /// What of a meaning counts in this role.
    fn narrowed(&self, meaning: &Meaning) -> Meaning {
        let mut narrowed = meaning.clone();
        for (base, side) in narrowed.iter_mut().zip(self.sides) {
            base.given.retain(|node| side.is_active(*node, self.role));
            base.wide.retain(|node| side.is_active(*node, self.role));
        }
        narrowed
    }

    fn reach(&self, meaning: &Meaning) -> [Vec<Node>; 2] {
        let [before, after] = self.sides;
        let [old, new] = meaning;
        [before.reach(&old.wide, self.role), after.reach(&new.wide, self.role)]
    }

    fn is_steady(&self, meaning: &Meaning, reach: &[Vec<Node>; 2]) -> bool {
        let parts = self.sides.iter().zip(meaning).zip(reach);
        let mut traces = parts.map(|((side, base), reach)| self.trace(side, base, reach));
        traces.next() == traces.next()
    }

    fn trace(&self, side: &Side<'a>, base: &Base, reach: &[Node]) -> Trace<'a> {
        let ids = |nodes: &[Node]| -> Vec<&'a str> {
            let ids = nodes.iter().map(|node| side.id(*node));
            ids.filter(|id| self.shared.contains(id)).collect()
        };
        let kinds = reach.iter().flat_map(|node| side.kinds_of(*node));
        let steps = kinds.map(|kind| {
            let rule = kind.by.and_then(|rule| side.number(rule));
            (side.id(kind.from), side.id(kind.to), rule)
        });
        let mut steps: Vec<_> = steps.filter(|(_, to, _)| self.shared.contains(to)).collect();
        steps.sort_unstable();
        steps.dedup();
        (ids(&base.given), ids(&base.wide), steps)
    }

    /// Finds to each odd class one that restrictions cannot tell from it.
    fn pair_twins(&mut self) {
        let wide = |class: &Class| class.meaning.each_ref().map(|base| base.wide.clone());
        let plain = self.all.iter().enumerate().filter(|(_, class)| !class.is_odd);
        let plain: BTreeMap<_, usize> = plain.rev().map(|(at, class)| (wide(class), at)).collect();
        for class in self.all.iter_mut().filter(|class| class.is_odd) {
            class.twin = plain.get(&wide(class)).copied().unwrap_or(class.twin);
        }
    }

    fn finish(mut self, fresh: &str) -> Classes {
        self.pair_twins();
        let meaning = self.sides.each_ref().map(|side| resolve(side, fresh));
        let unknown = self.known.get(&self.narrowed(&meaning)).copied().unwrap_or_default();
        let mut by_node = [BTreeMap::new(), BTreeMap::new()];
        for (at, class) in self.all.iter().enumerate() {
            for (by, reach) in by_node.iter_mut().zip(&class.reach) {
                for node in reach {
                    by.entry(*node).or_insert_with(Vec::new).push(at);
                }
            }
        }
        Classes { all: self.all, by_node, unknown, is_complete: self.left.is_some() }
    }
}
