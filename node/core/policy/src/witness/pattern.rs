//! Texts that match some of several patterns and not the others.
//!
//! All patterns are run side by side over every text, shortest first, beside the
//! pattern of what a text may be. Two texts that bring all of them into the same
//! states have the same continuations, so only the first is followed; when no
//! state is left, no other combination is possible.

use std::collections::{BTreeSet, VecDeque};

use regex_automata::Anchored;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::util::start;

use crate::condition::pattern::{anchored, rules};

/// Patterns that are run side by side.
const PATTERNS_MAX: usize = 4;
/// Combined states that are followed.
const STATES_MAX: usize = 2000;
/// Bytes of one machine, and of the states built of it.
const MACHINE_BYTES_MAX: usize = 1 << 20;
const CACHE_BYTES_MAX: usize = 4 << 20;

/// One text for each combination of matches that was found.
#[derive(Debug, Default)]
pub(super) struct Combinations {
    pub(super) texts: Vec<String>,
    /// Whether there is no other combination.
    pub(super) is_whole: bool,
}

pub(super) fn combinations(of_domain: &str, patterns: &[&str]) -> Combinations {
    let run = patterns.get(..PATTERNS_MAX).unwrap_or(patterns);
    let texts = std::iter::once(of_domain).chain(run.iter().copied());
    let Some(machines) = texts.map(Machine::new).collect::<Option<Vec<Machine>>>() else {
        return Combinations::default();
    };
    let mut search = Search { machines, found: Combinations::default(), seen: BTreeSet::new() };
    let is_whole = search.run().is_some();
    let is_whole = is_whole && run.len() == patterns.len();
    Combinations { is_whole, ..search.found }
}

#[derive(Debug)]
struct Machine {
    dfa: DFA,
    cache: Cache,
}

impl Machine {
    fn new(text: &str) -> Option<Self> {
        let config = DFA::config()
            .cache_capacity(CACHE_BYTES_MAX)
            // A machine that asks for words then stops at what is not ASCII.
            .unicode_word_boundary(true);
        let size =
            regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(MACHINE_BYTES_MAX));
        let dfa = DFA::builder()
            .configure(config)
            .syntax(rules())
            .thompson(size)
            .build(&anchored(text))
            .ok()?;
        let cache = dfa.create_cache();
        Some(Self { dfa, cache })
    }

    fn start(&mut self) -> Option<LazyStateID> {
        let config = start::Config::new().anchored(Anchored::Yes);
        self.dfa.start_state(&mut self.cache, &config).ok()
    }

    /// `None` where states built before are no longer known, or the machine
    /// cannot tell.
    fn next(&mut self, state: LazyStateID, byte: u8) -> Option<LazyStateID> {
        let next = self.dfa.next_state(&mut self.cache, state, byte).ok()?;
        (self.cache.clear_count() == 0 && !next.is_quit()).then_some(next)
    }

    fn is_match(&mut self, state: LazyStateID) -> Option<bool> {
        let end = self.dfa.next_eoi_state(&mut self.cache, state).ok()?;
        (self.cache.clear_count() == 0).then_some(end.is_match())
    }
}

#[derive(Debug)]
struct Search {
    /// That of what a text may be, then one for each pattern.
    machines: Vec<Machine>,
    found: Combinations,
    seen: BTreeSet<Vec<bool>>,
}

impl Search {
    /// `None` where something was left out.
    fn run(&mut self) -> Option<()> {
        let start: Vec<LazyStateID> =
            self.machines.iter_mut().map(Machine::start).collect::<Option<_>>()?;
        let bytes = self.bytes();
        let mut known = BTreeSet::from([start.clone()]);
        let mut open = VecDeque::from([(start, Vec::new())]);
        let mut is_whole = true;
        while let Some((states, text)) = open.pop_front() {
            self.note(&states, &text)?;
            if self.seen.len() == self.combinations_max() {
                return Some(());
            }
            for byte in &bytes {
                let Some(next) = self.step(&states, *byte) else {
                    is_whole = false;
                    continue;
                };
                if next.first().is_none_or(LazyStateID::is_dead) || !known.insert(next.clone()) {
                    continue;
                }
                if STATES_MAX < known.len() {
                    return None;
                }
                open.push_back((next, [text.as_slice(), &[*byte]].concat()));
            }
        }
        is_whole.then_some(())
    }

    /// Remembers the text if it is one and matches as none did.
    fn note(&mut self, states: &[LazyStateID], text: &[u8]) -> Option<()> {
        let ends = self.machines.iter_mut().zip(states);
        let matches: Vec<bool> =
            ends.map(|(machine, state)| machine.is_match(*state)).collect::<Option<_>>()?;
        if matches.first() == Some(&true)
            && self.seen.insert(matches)
            && let Ok(text) = std::str::from_utf8(text)
        {
            self.found.texts.push(text.to_owned());
        }
        Some(())
    }

    fn step(&mut self, states: &[LazyStateID], byte: u8) -> Option<Vec<LazyStateID>> {
        let machines = self.machines.iter_mut().zip(states);
        machines.map(|(machine, state)| machine.next(*state, byte)).collect()
    }

    fn combinations_max(&self) -> usize {
        let patterns = self.machines.len().saturating_sub(1);
        1_usize.checked_shl(u32::try_from(patterns).unwrap_or(u32::MAX)).unwrap_or(usize::MAX)
    }

    /// One byte of each class that no machine tells apart, letters first.
    fn bytes(&self) -> Vec<u8> {
        let letters = (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z').chain(b'!'..=b'~');
        let mut classes = BTreeSet::new();
        let mut bytes = Vec::new();
        for byte in letters.chain(0..=u8::MAX) {
            let class: Vec<u8> =
                self.machines.iter().map(|machine| machine.dfa.byte_classes().get(byte)).collect();
            if classes.insert(class) {
                bytes.push(byte);
            }
        }
        bytes
    }
}
