//! What is wrong with a document, and the collector that finds everything wrong
//! in one reading.
//!
//! Texts are for the author of the policy; `code` is for programs and never
//! changes.

/// Faults beyond this many are counted out: a broken generator repeats itself.
pub(crate) const FAULTS_MAX: usize = 1000;
/// A key longer than this is not compared with the known ones.
const SUGGEST_CHARS_MAX: usize = 64;

/// A reason why a document is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the document.
    pub pointer: String,
    /// What kind of fault.
    pub code: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

/// Something that is allowed and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// JSON pointer (RFC 6901) into the document.
    pub pointer: String,
    /// What kind of warning.
    pub code: &'static str,
    /// What looks wrong, in words.
    pub detail: String,
}

/// Collects what a reading finds.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

impl Findings {
    pub(crate) fn fault(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { pointer: pointer.to_owned(), code, detail: detail.into() });
        } else if self.faults.len() == FAULTS_MAX {
            self.faults.push(Fault {
                pointer: String::new(),
                code: "too_many_faults",
                detail: format!("more than {FAULTS_MAX} faults: the rest is not listed"),
            });
        }
    }

    pub(crate) fn warn(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        if self.warnings.len() < FAULTS_MAX {
            self.warnings.push(Warning {
                pointer: pointer.to_owned(),
                code,
                detail: detail.into(),
            });
        }
    }

    /// The value with the warnings, or the faults if there is one.
    pub(crate) fn conclude<T>(self, value: T) -> Result<(T, Vec<Warning>), Vec<Fault>> {
        if self.faults.is_empty() { Ok((value, self.warnings)) } else { Err(self.faults) }
    }
}

/// The pointer to a member.
pub(crate) fn member(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The pointer to an item.
pub(crate) fn item(pointer: &str, at: usize) -> String {
    format!("{pointer}/{at}")
}

/// The known word within two edits of this one that is nearest.
pub fn suggest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if SUGGEST_CHARS_MAX < word.len() {
        return None;
    }
    let near = known.iter().map(|candidate| (edits(word, candidate), *candidate));
    near.filter(|(edits, _)| *edits <= 2).min().map(|(_, candidate)| candidate)
}

/// Levenshtein distance over bytes, ASCII letter case ignored.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, left) in (1_usize..).zip(a.bytes()) {
        let mut diagonal = above.saturating_sub(1);
        let mut last = above;
        for (cell, right) in row.iter_mut().skip(1).zip(b.bytes()) {
            let swap = diagonal.saturating_add(usize::from(!left.eq_ignore_ascii_case(&right)));
            diagonal = *cell;
            last = swap.min(last.saturating_add(1)).min(cell.saturating_add(1));
            *cell = last;
        }
        if let Some(first) = row.first_mut() {
            *first = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_is_met_by_the_nearest_known_one() {
        let known = ["relations", "terms", "mode"];
        assert_eq!(suggest("relation", &known), Some("relations"));
        assert_eq!(suggest("Mdoe", &known), Some("mode"));
        assert_eq!(suggest("rules", &known), None);
        assert_eq!(suggest(&"m".repeat(65), &known), None);
    }

    #[test]
    fn a_pointer_escapes_what_rfc_6901_escapes() {
        assert_eq!(member("/a", "b/c~d"), "/a/b~1c~0d");
    }

    #[test]
    fn faults_are_bounded_and_say_so() {
        let mut findings = Findings::default();
        for _ in 0..FAULTS_MAX + 7 {
            findings.fault("/x", "missing", "is required");
        }
        let faults = findings.conclude(()).unwrap_err();
        assert_eq!(faults.len(), FAULTS_MAX + 1);
        assert_eq!(faults[FAULTS_MAX].code, "too_many_faults");
    }
}
