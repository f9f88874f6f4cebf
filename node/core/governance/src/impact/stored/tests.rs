//! What the reader of stored text takes from an entry, and what it refuses.

use ledger::{EntryType, Header};
use types::{Digest, EntryId};

use super::*;

const DATA: &str = r#"{"action":"read","actor":"ai:a","authn":"none","by":null,"data_classes":["pii","a\"b"],"decision_id":"dec_0000000000DDE5HE5N2GJE4SEW","engine_version":2,"facts":{"conflicting_decision_ids":[],"stop_id":null},"matched":[{"conditions":[{"expected":{"outcome":"x","tool":"]}\\"},"met":true}],"object":null}],"obligations":[],"outcome":"allowed","reason":"a \"may\" read\\","reason_code":"permitted","requested_mode":null,"resource":"","risk":{"score":40},"risk_input":{"compliance":null,"financial":null,"operational":null,"privacy":null,"reputational":null,"security":40},"risk_level":1,"tool":null}"#;

#[test]
fn what_is_asked_for_is_found_among_the_rest() {
    let stored = Stored::read(DATA).unwrap();
    assert_eq!((&*stored.actor, &*stored.action), ("ai:a", "read"));
    assert_eq!((stored.resource.as_deref(), stored.tool.as_deref()), (Some(""), None));
    assert_eq!(stored.data_classes, ["pii", "a\"b"]);
    assert_eq!((stored.outcome, stored.mode), (Verdict::Allowed, None));
    assert_eq!(stored.facts, Facts::default());
    assert_eq!(stored.score.score, 40);
}

#[test]
fn facts_and_a_mode_are_read_where_there_are_any() {
    let ids = r#"["dec_0000000000DDE5HE5N2GJE4SEW","dec_000000000035CCN4CN7B5Z4D66"]"#;
    let data = DATA
        .replace(r#"ids":[]"#, &format!("ids\":{ids}"))
        .replace(r#""stop_id":null"#, r#""stop_id":"itv_1""#)
        .replace(r#""requested_mode":null"#, r#""requested_mode":"paranoid""#);
    let stored = Stored::read(&data).unwrap();
    assert_eq!(stored.facts.conflicting.len(), 2);
    assert_eq!(stored.facts.stop_id.as_deref(), Some("itv_1"));
    assert_eq!(stored.mode, Some(Mode::Paranoid));
}

#[test]
fn what_is_cut_short_or_of_another_kind_is_not_read() {
    let end = DATA.find(r#","requested_mode""#).unwrap();
    for at in 0..end {
        assert!(Stored::read(&DATA[..at]).is_none(), "{}", &DATA[..at]);
    }
    for (from, to) in [
        (r#""actor":"ai:a""#, r#""actor":null"#),
        (r#""outcome":"allowed""#, r#""outcome":"perhaps""#),
        (r#""requested_mode":null"#, r#""requested_mode":"perhaps""#),
        (r#""risk_level":1"#, r#""risk_level":300"#),
        (r#""data_classes":["pii""#, r#""data_classes":[7"#),
        (r#"ids":[]"#, r#"ids":["dec_x"]"#),
    ] {
        assert!(DATA.contains(from), "{from}");
        assert!(Stored::read(&DATA.replace(from, to)).is_none(), "{to}");
    }
}

#[test]
fn a_context_is_read_as_a_reader_of_json_reads_it() {
    for context in [
        "{}",
        r#"{"a":1,"b":-7,"c":"x","d":true,"e":null,"f":false}"#,
        r#"{"a":[1,[],{"b":{}},"]"],"b":{"c":{"d":[null]}}}"#,
        r#"{"a":"\"\\\u0001 é \ud83d\ude00","é\n":"x"}"#,
        r#"{"a":1.5,"b":1e-7,"c":9007199254740991,"d":-0.25}"#,
        "[]",
        "7",
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1[2]]}"#,
    ] {
        let personal = format!(r#"{{"actuals":[["}}"]],"context":{context},"context_hash":"x"}}"#);
        let expect: Option<Object> = serde_json::from_str(context).ok();
        assert_eq!(super::context(&personal), expect, "{context}");
    }
}

#[test]
fn a_value_nested_without_end_is_not_read() {
    let deep = |levels: usize| {
        format!(r#"{{"context":{{"a":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels))
    };
    assert!(super::context(&deep(100)).is_some());
    assert!(super::context(&deep(1_000_000)).is_none());
}

#[test]
fn a_quote_or_escape_is_found_wherever_it_stands() {
    for length in 0..40_usize {
        assert_eq!(quote("\u{21}\u{23}\u{7f}".repeat(length).as_bytes()), None);
        for at in 0..length {
            for (found, later) in [(b'"', b'\\'), (b'\\', b'"')] {
                let mut bytes = vec![b'!'; length];
                bytes[at..].fill(later);
                bytes[at] = found;
                assert_eq!(quote(&bytes), Some(at), "{length}");
            }
        }
    }
    assert_eq!(quote("é\u{a2}\u{dc}\"".as_bytes()), Some(6));
}

#[test]
fn type_and_time_of_a_header_are_those_of_the_whole() {
    for (number, personal_hash) in [(0, None), (7, Some(Digest([7; 32]))), (1 << 40, None)] {
        let header = Header {
            id: EntryId(number),
            entry_type: EntryType::Decision,
            timestamp: Timestamp(1_800_000_000_123_456 + number),
            actor_seq: number,
            type_seq: number,
            data_hash: Digest([1; 32]),
            personal_hash,
            previous_hash: Digest([2; 32]),
        };
        let text = header.to_canonical();
        assert_eq!(super::header(&text), Some(("decision", header.timestamp)));
        assert_eq!(super::header(&text[..100]), None);
        assert_eq!(super::header(&text.replace("type_seq", "other")), None);
    }
    assert_eq!(super::header("{}"), None);
}
