//! What a term or pattern answers to, and finding it by a request's words.
//!
//! Byte for byte: no case folding, no substrings. A term answers to its id, its
//! id without the kind in front, and its label. `x:*` answers to whatever has
//! at least one more segment after `x:`, `*` to everything.
//!
//! Not a hash map: its order would be a replica's own. Entries are sorted by
//! the hash of their text, and a text is compared whole before it counts.

use crate::meter::{Meter, Spent};

/// What stands in front of an id to tell its kind.
pub(crate) const KINDS: [&str; 5] = ["actor:", "action:", "data:", "resource:", "context:"];

/// A term or pattern of a compiled policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(pub(crate) u32);

/// The id without the kind in front of it, if it has one.
pub(crate) fn without_kind(id: &str) -> Option<&str> {
    KINDS.iter().find_map(|kind| id.strip_prefix(kind)).filter(|rest| !rest.is_empty())
}

/// Whether an id stands for more than itself.
pub(crate) fn is_pattern(id: &str) -> bool {
    id == "*" || id.ends_with(":*")
}

/// Whether this can be the id of a term: what an actor may be called, or a
/// pattern of it. ASCII alone, so that no Unicode table of a release decides.
pub(crate) fn is_term_id(id: &str) -> bool {
    let plain = match id.strip_suffix('*') {
        Some("") => return true,
        Some(rest) if rest.ends_with(':') => rest,
        Some(_) => return false,
        None => id,
    };
    plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@:/".contains(&byte))
}

/// Whether a term or pattern of this id answers to a word of a request, its label
/// aside. For those who name actors as policies do, outside of a policy.
pub fn answers_to(id: &str, text: &str) -> bool {
    let mut ids = [Some(id), without_kind(id)].into_iter().flatten();
    ids.any(|id| match id.strip_suffix('*').filter(|_| is_pattern(id)) {
        Some(prefix) => prefix.is_empty() || prefix.len() < text.len() && text.starts_with(prefix),
        None => id == text,
    })
}

/// Whether a text can name an actor, or a pattern of actors, as in a policy.
pub fn is_actor_pattern(text: &str) -> bool {
    !text.is_empty() && is_term_id(text)
}

/// The forms of the names that an id answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered<'a> {
    /// Every name.
    Everything,
    /// The names that go on past this text.
    Past(&'a str),
    /// This name.
    Exactly(&'a str),
}

/// What a term or pattern of this id answers to, its label aside: for whoever
/// looks names up in an index.
pub fn answered_by(id: &str) -> impl Iterator<Item = Answered<'_>> {
    let ids = [Some(id), without_kind(id)].into_iter().flatten();
    ids.map(|id| match id.strip_suffix('*').filter(|_| is_pattern(id)) {
        Some("") => Answered::Everything,
        Some(prefix) => Answered::Past(prefix),
        None => Answered::Exactly(id),
    })
}

/// Texts and who answers to them.
#[derive(Debug, Default)]
pub(crate) struct Names {
    exact: Table,
    /// Keyed by what comes before the `*`, colon included.
    prefixes: Table,
    everything: Vec<Node>,
}

impl Names {
    /// Adds a term or pattern; [`Names::seal`] comes after the last.
    pub(crate) fn add(&mut self, node: Node, id: &str, label: &str) {
        for text in [Some(id), without_kind(id)].into_iter().flatten() {
            match text.strip_suffix('*').filter(|_| is_pattern(text)) {
                Some("") => self.everything.push(node),
                Some(prefix) => self.prefixes.add(prefix, node),
                None => self.exact.add(text, node),
            }
        }
        if !label.is_empty() {
            self.exact.add(label, node);
        }
    }

    pub(crate) fn seal(&mut self) {
        self.exact.seal();
        self.prefixes.seal();
        self.everything.sort_unstable();
        self.everything.dedup();
    }

    /// Whether one text is answered by two terms, and who they are.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (&str, Node, Node)> {
        let pairs = self.exact.entries.iter().zip(self.exact.entries.iter().skip(1));
        pairs.filter(|(a, b)| a.text == b.text).map(|(a, b)| (&*a.text, a.node, b.node))
    }

    /// Appends everyone who answers to `text`.
    pub(crate) fn find(
        &self,
        text: &str,
        found: &mut Vec<Node>,
        meter: &mut Meter,
    ) -> Result<(), Spent> {
        found.extend_from_slice(&self.everything);
        let mut hash = Fnv::new();
        let last = text.len().saturating_sub(1);
        for (at, byte) in text.bytes().enumerate() {
            hash.write(byte);
            if byte == b':' && at < last && !self.prefixes.entries.is_empty() {
                meter.spend(1)?;
                let prefix = text.get(..=at).unwrap_or_default();
                self.prefixes.find(hash, prefix, found);
            }
        }
        meter.spend(1)?;
        self.exact.find(hash, text, found);
        Ok(())
    }

    /// Appends the terms that answer to `text` and to little else: no patterns.
    pub(crate) fn find_exact(&self, text: &str, found: &mut Vec<Node>) {
        self.exact.find(text.bytes().fold(Fnv::new(), Fnv::and), text, found);
    }

    /// Whether a node answers to every word.
    pub(crate) fn is_everything(&self, node: Node) -> bool {
        self.everything.binary_search(&node).is_ok()
    }

    /// Appends the patterns that cover a term or pattern as a whole.
    pub(crate) fn patterns_over(&self, id: &str, found: &mut Vec<Node>) {
        found.extend_from_slice(&self.everything);
        for text in [Some(id), without_kind(id)].into_iter().flatten() {
            let mut hash = Fnv::new();
            let last = text.len().saturating_sub(1);
            for (at, byte) in text.bytes().enumerate() {
                hash.write(byte);
                if byte == b':' && at < last {
                    self.prefixes.find(hash, text.get(..=at).unwrap_or_default(), found);
                }
            }
        }
    }
}

#[derive(Debug, Default)]
struct Table {
    /// The hashes of `entries`, apart so that a search touches little memory.
    hashes: Vec<u64>,
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    text: Box<str>,
    node: Node,
}

impl Table {
    fn add(&mut self, text: &str, node: Node) {
        let hash = text.bytes().fold(Fnv::new(), Fnv::and).0;
        self.entries.push(Entry { hash, text: text.into(), node });
    }

    fn seal(&mut self) {
        self.entries.sort_unstable();
        self.entries.dedup();
        self.hashes = self.entries.iter().map(|entry| entry.hash).collect();
    }

    fn find(&self, hash: Fnv, text: &str, found: &mut Vec<Node>) {
        let from = self.hashes.partition_point(|known| *known < hash.0);
        let same = self.entries.get(from..).unwrap_or_default().iter();
        let same =
            same.take_while(|entry| entry.hash == hash.0).filter(|entry| *entry.text == *text);
        found.extend(same.map(|entry| entry.node));
    }
}

/// FNV-1a, which can be read off at every byte: the ancestors of a text are
/// hashed in the same pass as the text.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn and(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn write(&mut self, byte: u8) {
        *self = self.and(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, label: &str, text: &str, answers: bool) {
        let mut names = Names::default();
        names.add(Node(7), id, label);
        names.seal();
        let mut found = Vec::new();
        names.find(text, &mut found, &mut Meter::new(100)).unwrap();
        assert_eq!(found.contains(&Node(7)), answers, "{id} ({label}) asked as {text}");
        if label.is_empty() {
            assert_eq!(answers_to(id, text), answers, "{id} asked as {text}");
            let by_form = answered_by(id).any(|form| match form {
                Answered::Everything => true,
                Answered::Past(prefix) => prefix.len() < text.len() && text.starts_with(prefix),
                Answered::Exactly(name) => name == text,
            });
            assert_eq!(by_form, answers, "{id} asked as {text}");
        }
    }

    #[test]
    fn a_term_answers_to_its_id_its_bare_id_and_its_label() {
        for text in ["actor:bot", "bot", "The bot"] {
            check("actor:bot", "The bot", text, true);
        }
        for text in ["", "b", "bo", "bot2", "Bot", "actor:", "actor", "actor:bot:x", "the bot"] {
            check("actor:bot", "The bot", text, false);
        }
        check("actor:bot", "", "", false);
        check("bot", "", "actor:bot", false);
    }

    #[test]
    fn a_pattern_answers_to_one_more_segment_or_several() {
        for text in ["ai:a", "ai:a:b", "actor:ai:a"] {
            check("actor:ai:*", "", text, true);
        }
        for text in ["ai", "ai:", "aix:a", "x:ai:a", "actor:ai", "actor:ai:"] {
            check("actor:ai:*", "", text, false);
        }
        check("ai:*", "", "actor:ai:a", false);
    }

    #[test]
    fn a_star_answers_to_everything() {
        for (id, text) in [("*", "x"), ("*", ""), ("actor:*", "x"), ("data:*", "y:z")] {
            check(id, "", text, true);
        }
    }

    #[test]
    fn ids_hold_to_the_grammar_of_actors() {
        for id in ["a", "actor:a_b-c.d@e/f", "*", "a:*", "actor:*"] {
            assert!(is_term_id(id), "{id}");
        }
        for id in ["a*", "a:b*", "*:a", "a:*:b", "**", "a b", "ä", "a,b", "a\n"] {
            assert!(!is_term_id(id), "{id}");
        }
    }
}
