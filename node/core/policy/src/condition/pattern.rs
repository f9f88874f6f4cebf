//! Regular expressions, anchored at both ends, matched in linear time.
//!
//! Every pattern of a policy is compiled once, and all of them together are
//! bounded: a short pattern can ask for a large machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// Characters of one pattern.
const PATTERN_CHARS_MAX: usize = 1024;
/// Bytes of the compiled form of one pattern; `\w+` takes about 30 KiB.
const COMPILED_BYTES_MAX: usize = 256 << 10;
/// Bytes of the compiled forms of all patterns of a policy.
const TOTAL_BYTES_MAX: usize = 64 << 20;
/// Bytes of lazily built states that one search may keep.
const CACHE_BYTES_MAX: usize = 256 << 10;
/// Depth of nested groups.
const NEST_MAX: u32 = 50;

/// The patterns of one policy by their text.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    known: BTreeMap<String, Arc<Regex>>,
    bytes: usize,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PatternError {
    TooLong,
    Syntax(String),
    TooLarge,
    TotalTooLarge,
}

impl Patterns {
    pub(crate) fn compile(&mut self, text: &str) -> Result<Arc<Regex>, PatternError> {
        if let Some(known) = self.known.get(text) {
            return Ok(Arc::clone(known));
        }
        if PATTERN_CHARS_MAX < text.chars().count() {
            return Err(PatternError::TooLong);
        }
        if TOTAL_BYTES_MAX <= self.bytes {
            return Err(PatternError::TotalTooLarge);
        }
        let regex = Arc::new(compile(text)?);
        self.bytes = self.bytes.saturating_add(regex.memory_usage());
        self.known.insert(text.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }
}

/// How a pattern is read, and how deep it may nest.
pub(crate) fn rules() -> syntax::Config {
    syntax::Config::new().nest_limit(NEST_MAX)
}

/// The pattern that matches a whole text or nothing.
pub(crate) fn anchored(text: &str) -> String {
    format!(r"\A(?:{text})\z")
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    let rules = rules();
    // Alone first: `a)|(b` is no pattern, but would become one in the group
    // that anchors it.
    syntax::parse_with(text, &rules).map_err(|err| PatternError::Syntax(one_line(&err)))?;
    let anchored = anchored(text);
    syntax::parse_with(&anchored, &rules).map_err(|err| PatternError::Syntax(one_line(&err)))?;
    let limits = Regex::config()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .onepass_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(CACHE_BYTES_MAX);
    Regex::builder()
        .configure(limits)
        .syntax(rules)
        .build(&anchored)
        .map_err(|_| PatternError::TooLarge)
}

/// The parser draws where the fault is over several lines; the last says what.
fn one_line(err: &dyn std::error::Error) -> String {
    let text = err.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expect: bool) {
        let regex = Patterns::default().compile(pattern).unwrap();
        assert_eq!(regex.is_match(text), expect, "{pattern} {text}");
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        check("a|ab", "ab", true);
        check("claim-[0-9]+", "claim-17", true);
        check("claim-[0-9]+", "claim-17b", false);
        check("claim-[0-9]+", "xclaim-17", false);
        check("(?m)^a$", "a\nb", false);
        check("a", "a\n", false);
        check("", "", true);
    }

    #[test]
    fn a_pattern_cannot_leave_its_group() {
        for text in ["a)|(b", r"a\", "(?x)a#", "(a", "a{2,1}", r"(a)\1", "(?=a)"] {
            let refused = Patterns::default().compile(text);
            assert!(matches!(refused, Err(PatternError::Syntax(_))), "{text}: {refused:?}");
        }
    }

    #[test]
    fn a_pattern_is_bounded_however_short() {
        let mut patterns = Patterns::default();
        assert_eq!(patterns.compile(r"\w{1000}").unwrap_err(), PatternError::TooLarge);
        assert_eq!(patterns.compile(&"a".repeat(1025)).unwrap_err(), PatternError::TooLong);
        assert!(patterns.compile(r"\w+@\w+\.[a-z]{2,}").is_ok());
    }

    #[test]
    fn all_patterns_together_are_bounded() {
        let mut patterns = Patterns { bytes: TOTAL_BYTES_MAX, ..Patterns::default() };
        assert_eq!(patterns.compile("a").unwrap_err(), PatternError::TotalTooLarge);
    }
}
