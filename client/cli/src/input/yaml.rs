//! YAML 1.2 as far as it says what JSON says.
//!
//! Refused, because a reader and a node could understand two things: aliases
//! and merge keys, tags, keys that are no text, spellings of numbers that JSON
//! has not, a second document.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, StrInput};
use types::{Json, Object};

use super::{DEPTH_MAX, member, number, too_deep, twice};

/// Reads one YAML document, or says what is wrong with it.
pub(crate) fn read(text: &str) -> Result<Json, String> {
    let mut reader = Reader { events: Parser::new_from_str(text) };
    let mut document = None;
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::Nothing | Event::DocumentEnd, _) => (),
            (Event::DocumentStart(_), mark) if document.is_some() => {
                return Err(format!("a second document begins on line {}", mark.line()));
            }
            (Event::DocumentStart(_), _) => {
                let (event, mark) = reader.next()?;
                document = Some(reader.build(event, mark, "", 0)?);
            }
            (Event::StreamEnd, _) => return document.ok_or_else(|| "it is empty".to_owned()),
            (
                Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd,
                mark,
            ) => return Err(misplaced(mark)),
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Marker), String> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start)),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("it ends too early".to_owned()),
        }
    }

    fn build(
        &mut self,
        event: Event<'a>,
        mark: Marker,
        at: &str,
        depth: usize,
    ) -> Result<Json, String> {
        if DEPTH_MAX < depth {
            return Err(too_deep(at));
        }
        match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => {
                Err(format!("a tag is used on line {}: leave it out", mark.line()))
            }
            Event::Alias(_) => {
                Err(format!("an alias is used on line {}: write the value out", mark.line()))
            }
            Event::Scalar(text, ScalarStyle::Plain, _, None) => plain(&text, at),
            Event::Scalar(text, _, _, None) => Ok(text.into_owned().into()),
            Event::SequenceStart(_, None) => self.sequence(at, depth),
            Event::MappingStart(_, None) => self.mapping(at, depth),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(misplaced(mark)),
        }
    }

    fn sequence(&mut self, at: &str, depth: usize) -> Result<Json, String> {
        let mut items = Vec::new();
        loop {
            let (event, mark) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Json::Array(items));
            }
            let place = format!("{at}/{}", items.len());
            items.push(self.build(event, mark, &place, depth + 1)?);
        }
    }

    fn mapping(&mut self, at: &str, depth: usize) -> Result<Json, String> {
        let mut members = Vec::new();
        loop {
            let (event, mark) = self.next()?;
            if event == Event::MappingEnd {
                let object = Object::from_members(members).map_err(|key| twice(at, &key))?;
                return Ok(Json::Object(object));
            }
            let is_merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if *text == "<<");
            let key = self.build(event, mark, at, depth + 1)?;
            let Json::String(key) = key else {
                return Err(format!("a key on line {} is no text: put it in quotes", mark.line()));
            };
            if is_merge {
                return Err(format!("a merge key is used on line {}: write it out", mark.line()));
            }
            let (event, mark) = self.next()?;
            let value = self.build(event, mark, &member(at, &key), depth + 1)?;
            members.push((key, value));
        }
    }
}

/// A scalar without quotes, by the core schema.
fn plain(text: &str, at: &str) -> Result<Json, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Json::Null),
        "true" | "True" | "TRUE" => return Ok(true.into()),
        "false" | "False" | "FALSE" => return Ok(false.into()),
        _ => (),
    }
    if number::is_json(text) {
        return number::exact(text).ok_or_else(|| number::not_exact(text, at));
    }
    if number::is_yaml(text) {
        return Err(format!(
            "`{text}` at `{at}` is a number to YAML and not to JSON: put it in quotes if it is text"
        ));
    }
    Ok(text.into())
}

fn misplaced(mark: Marker) -> String {
    format!("it is not well-formed on line {}", mark.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match read(text) {
            Ok(value) => value.to_canonical(),
            Err(why) => why,
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn a_policy_reads_as_its_json() {
        check(
            "# claims
name: Claims desk
version: '1.0'
mode: strict
terms:
  - {id: 'actor:ai_agent:claims_triage', type: actor}
  - id: action:read_claim
    type: action
relations:
  - type: permits
    subject: actor:ai_agent:claims_triage
    action: action:read_claim
    conditions:
      - key: amount
        op: lte
        value: 1.10
    justification: >-
      Triage may read
      open claims
",
            r#"{"mode":"strict","name":"Claims desk","relations":[{"action":"action:read_claim","conditions":[{"key":"amount","op":"lte","value":1.1}],"justification":"Triage may read open claims","subject":"actor:ai_agent:claims_triage","type":"permits"}],"terms":[{"id":"actor:ai_agent:claims_triage","type":"actor"},{"id":"action:read_claim","type":"action"}],"version":"1.0"}"#,
        );
    }

    #[test]
    fn words_are_text_unless_the_core_schema_says_otherwise() {
        check(
            "[yes, no, on, ~, null, True, 1.2.0, 2027-03-04, '1', \"true\"]",
            r#"["yes","no","on",null,null,true,"1.2.0","2027-03-04","1","true"]"#,
        );
    }

    #[test]
    fn what_two_readers_could_take_differently_is_refused() {
        check("a: 1\na: 2", "key `a` is given twice at ``");
        check("x:\n  - {a: 1, \"a\": 2}", "key `a` is given twice at `/x/0`");
        check("a: &x 1\nb: *x", "an alias is used on line 2: write the value out");
        check("<<: {a: 1}", "a merge key is used on line 1: write it out");
        check("a: !!str 1", "a tag is used on line 1: leave it out");
        check("1: a", "a key on line 1 is no text: put it in quotes");
        check("[a]: b", "a key on line 1 is no text: put it in quotes");
        check("a: 1\n---\nb: 2", "a second document begins on line 2");
        check("", "it is empty");
        let why = "is a number to YAML and not to JSON: put it in quotes if it is text";
        for number in ["0x1F", "0o17", "+5", ".5", "1.", "007", ".inf", "-.Inf", ".nan"] {
            check(&format!("a: {number}"), &format!("`{number}` at `/a` {why}"));
        }
    }

    #[test]
    fn a_number_that_would_change_is_refused() {
        let why = "would not keep its value: write it as a string";
        check("a: 9007199254740993", &format!("number `9007199254740993` at `/a` {why}"));
        check("a: 0.1000000000000000055", &format!("number `0.1000000000000000055` at `/a` {why}"));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = "[".repeat(DEPTH_MAX + 2) + &"]".repeat(DEPTH_MAX + 2);
        let why = read(&deep).unwrap_err();
        assert!(why.starts_with("it is nested deeper than 100 levels"), "{why}");
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        assert!(read("a: [1").is_err());
        assert!(read("a: b: c").is_err());
    }
}
