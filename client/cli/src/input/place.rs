//! Where things stand in the text of a document: line and column of each value,
//! and whether it holds comments, which a rewriting would lose.
//!
//! JSON is read as the YAML it also is. Only texts that were read as documents
//! before are asked about, so what is not understood here has no place.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::member;

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The place of each member and item by its pointer: that of its key where it
/// has one.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Place>);

impl Places {
    /// Where something is, or should have been: the place of what is around it.
    pub(crate) fn nearest(&self, pointer: &str) -> Option<Place> {
        let mut at = pointer;
        loop {
            if let Some(place) = self.0.get(at) {
                return Some(*place);
            }
            at = at.rsplit_once('/')?.0;
        }
    }
}

/// Finds the places of a text.
pub(crate) fn places(text: &str) -> Places {
    let mut finder = Finder { events: Parser::new_from_str(text), places: BTreeMap::new() };
    // What comes after an event that is not understood has no place.
    let _ = finder.document();
    Places(finder.places)
}

struct Finder<'a> {
    events: Parser<'a, StrInput<'a>>,
    places: BTreeMap<String, Place>,
}

impl<'a> Finder<'a> {
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        self.events.next_event()?.ok()
    }

    fn document(&mut self) -> Option<()> {
        loop {
            if let (Event::DocumentStart(_), _) = self.next()? {
                let (event, span) = self.next()?;
                return self.value(&event, "", span);
            }
        }
    }

    fn value(&mut self, event: &Event<'a>, at: &str, named: Span) -> Option<()> {
        let place = Place { line: named.start.line(), column: named.start.col() + 1 };
        self.places.insert(at.to_owned(), place);
        match event {
            Event::SequenceStart(..) => {
                for number in 0_usize.. {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    self.value(&event, &format!("{at}/{number}"), span)?;
                }
            }
            Event::MappingStart(..) => loop {
                let (key, named) = self.next()?;
                let Event::Scalar(name, ..) = &key else {
                    // The end, or a key no document has.
                    break;
                };
                let at = member(at, name);
                let (event, _) = self.next()?;
                self.value(&event, &at, named)?;
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceEnd
            | Event::MappingEnd => (),
        }
        Some(())
    }
}

/// Whether a YAML text holds a comment: a `#` at the beginning of a line or
/// after a blank that is no part of a value. In doubt, it does.
pub(crate) fn has_comments(text: &str) -> bool {
    let values = values(text);
    let mut before = '\n';
    for (at, c) in text.chars().enumerate() {
        let begins = c == '#' && before.is_whitespace();
        if begins && !values.iter().any(|(from, until)| (*from..*until).contains(&at)) {
            return true;
        }
        before = c;
    }
    false
}

/// From where to where the scalars reach, in characters. The header of a block
/// may have a comment, so it is no part of it.
fn values(text: &str) -> Vec<(usize, usize)> {
    let characters: Vec<char> = text.chars().collect();
    let mut values = Vec::new();
    for event in Parser::new_from_str(text).map_while(Result::ok) {
        let (Event::Scalar(_, style, ..), span) = event else {
            continue;
        };
        let (mut from, until) = (span.start.index(), span.end.index());
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if is_block && matches!(characters.get(from), Some('|' | '>')) {
            let rest = characters.get(from..until).unwrap_or_default();
            from += rest.iter().position(|c| *c == '\n').unwrap_or(0);
        }
        values.push((from, until));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, pointer: &str, line: usize, column: usize) {
        assert_eq!(places(text).nearest(pointer), Some(Place { line, column }), "{pointer}");
    }

    #[test]
    fn a_member_stands_where_its_key_does() {
        let yaml = "# c\nmode: strict\nterms:\n  - {id: a, type: actor}\n  - id: b\n    type: x\n";
        check(yaml, "/mode", 2, 1);
        check(yaml, "/terms/0/type", 4, 13);
        check(yaml, "/terms/1", 5, 5);
        check(yaml, "/terms/1/type", 6, 5);
        let json = "{\n  \"terms\": [\n    {\"a/b\": [1,\n 2]}]\n}";
        check(json, "/terms/0/a~1b", 3, 6);
        check(json, "/terms/0/a~1b/1", 4, 2);
        check(json, "/terms/0/missing/x", 3, 5);
        assert_eq!(places("").nearest("/x"), None);
    }

    #[test]
    fn a_comment_is_told_from_a_value() {
        for text in
            ["a: 1 # x", "# x\na: 1", "a: 1\n  # x\nb: 2", "a: | # x\n  b\n", "a: [1, #\n 2]"]
        {
            assert!(has_comments(text), "{text}");
        }
        for text in ["a: '# x'", "a: \"b # c\"", "a: b#c", "a: |\n  # b\n  # c\nd: 1\n", "a: x#"] {
            assert!(!has_comments(text), "{text}");
        }
    }
}
