//! What the build refuses of the data, and where it says the fault is.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../build/document.rs"]
mod document;
#[path = "../build/shape.rs"]
mod shape;
mod words {
    //! The words of the crate, where the build script has them too.
    pub(crate) use register::words::*;
}

use document::Node;
use shape::Shape;

const SHAPE: &str = "\
articles: list
  id: id
  applies: map
    from: date
    until?: date
  number: text
  count?: whole
  is_open?: flag
  coverage: coverage
  limit?: duration
  queries: [query]
  primitives?: [primitive]
  human?: [artifact]
";

fn take(text: &str) -> Result<serde_json::Value, String> {
    Shape::read(SHAPE).unwrap().take(&Node::read(text)?)
}

/// An article with some of its lines replaced.
fn article(lines: &[(&str, &str)]) -> String {
    let mut text = "articles:
- id: A-1
  applies: {from: 2027-12-02}
  number: 10.20
  coverage: full
  queries: [ledger_verify]
"
    .to_owned();
    for (old, new) in lines {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    text
}

#[track_caller]
fn refused(lines: &[(&str, &str)], expect: &str) {
    assert_eq!(take(&article(lines)).unwrap_err(), expect);
}

#[test]
fn texts_stay_as_they_are_written() {
    for number in ["10.20", "no", "null", "0x10", "2027-12-02", "1e3"] {
        let taken = take(&article(&[("10.20", number)])).unwrap();
        assert_eq!(taken["articles"][0]["number"], number);
    }
    let taken = take(&article(&[("full", "full\n  count: 7\n  is_open: true")])).unwrap();
    assert_eq!(taken["articles"][0]["count"], 7);
    assert_eq!(taken["articles"][0]["is_open"], true);
}

#[test]
fn a_fault_is_named_by_its_path() {
    refused(&[("number:", "numbr:")], "articles[0].numbr: no such member");
    refused(&[("  number: 10.20\n", "")], "articles[0].number: is missing");
    refused(&[("full", "fully")], "articles[0].coverage: `fully` is no coverage");
    refused(
        &[("ledger_verify", "ledger_verfy")],
        "articles[0].queries[0]: `ledger_verfy` is no query",
    );
    refused(&[("[ledger_verify]", "ledger_verify")], "articles[0].queries: is no list");
    refused(&[("from", "form")], "articles[0].applies.form: no such member");
    refused(&[("{from: 2027-12-02}", "[]")], "articles[0].applies: is no map");
    refused(&[("10.20", "[1]")], "articles[0].number: is no leaf");
    refused(&[("- id: A-1", "- id: ''")], "articles[0].id: `` is no id");
}

#[test]
fn dates_are_days_that_there_are() {
    for day in ["2027-02-29", "2027-13-01", "2027-1-1", "soon", "2027-12-02T00:00:00Z"] {
        let expect = format!("articles[0].applies.from: `{day}` is no date");
        refused(&[("2027-12-02", day)], &expect);
    }
}

#[test]
fn limits_are_durations_or_nothing() {
    for limit in ["P15D", "PT72H", "P1M", "''"] {
        take(&article(&[("full", &format!("full\n  limit: {limit}"))])).unwrap();
    }
    for limit in ["15 days", "P15", "PD", "P15X", "PT5D"] {
        let expect = format!("articles[0].limit: `{limit}` is no duration");
        refused(&[("full", &format!("full\n  limit: {limit}"))], &expect);
    }
}

#[test]
fn words_of_each_kind_are_those_of_the_crate() {
    let with = |line: &str| take(&article(&[("full", &format!("full\n  {line}"))]));
    with("primitives: [ledger_chain, metric]").unwrap();
    with("human: [minutes]").unwrap();
    let err = with("primitives: [minutes]").unwrap_err();
    assert_eq!(err, "articles[0].primitives[0]: `minutes` is no primitive");
    let err = with("human: [metric]").unwrap_err();
    assert_eq!(err, "articles[0].human[0]: `metric` is no artifact");
}

#[test]
fn an_id_is_given_once_and_so_is_a_member() {
    let once = article(&[]);
    let twice = format!("{once}{}", once.strip_prefix("articles:\n").unwrap());
    assert_eq!(take(&twice).unwrap_err(), "articles[1].id: \"A-1\" is given twice");
    let err = take(&article(&[("full", "full\n  number: 1")])).unwrap_err();
    assert!(err.contains("`number` is given twice"), "{err}");
}

#[test]
fn what_a_document_needs_none_of_is_not_taken() {
    for (text, expect) in [
        ("a: &x 1", "anchors and tags are not taken"),
        ("a: !t 1", "anchors and tags are not taken"),
        ("? [a]\n: 1", "a name that is no text"),
        ("a: 1\n---\nb: 1", "a second document"),
        ("", "there is no document"),
    ] {
        let err = Node::read(text).map(|node| format!("{node:?}")).unwrap_err();
        assert!(err.contains(expect), "{text}: {err}");
    }
}

#[test]
fn an_outline_that_is_none_is_refused() {
    for (outline, expect) in
        [("a", "has no kind"), ("a: text\n    b: text", "is too deep"), ("a: word", "no kind")]
    {
        let taken = Shape::read(outline).and_then(|shape| shape.take(&Node::read("a: 1")?));
        assert!(taken.unwrap_err().contains(expect), "{outline}");
    }
}
