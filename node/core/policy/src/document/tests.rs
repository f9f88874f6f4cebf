//! Normal form and faults, each by the smallest document that shows it.

use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

#[track_caller]
fn parse(text: &str) -> Document {
    Document::parse(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}")).0
}

/// The faults as `pointer code`, one per line.
#[track_caller]
fn faults(text: &str, expect: &[&str]) {
    let found = match Document::parse(&json(text)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults,
    };
    let shown: Vec<String> =
        found.iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect();
    assert_eq!(shown, expect, "{text}\n{found:#?}");
}

#[track_caller]
fn warnings(text: &str, expect: &[&str]) {
    let (_, found) = Document::parse(&json(text)).unwrap_or_else(|faults| panic!("{faults:?}"));
    let shown: Vec<String> =
        found.iter().map(|warning| format!("{} {}", warning.pointer, warning.code)).collect();
    assert_eq!(shown, expect, "{text}\n{found:#?}");
}

#[track_caller]
fn alike(a: &str, b: &str) {
    let (a, b) = (parse(a), parse(b));
    assert_eq!(a.to_json().to_canonical(), b.to_json().to_canonical());
    assert_eq!(a.hash(), b.hash());
}

#[track_caller]
fn differ(a: &str, b: &str) {
    assert_ne!(parse(a).hash(), parse(b).hash(), "{a}\n{b}");
}

/// A document with these relations between a few terms.
fn relations(relations: &str) -> String {
    format!(
        r#"{{"terms":[{{"id":"actor:a","type":"actor"}},{{"id":"actor:b","type":"actor"}},
        {{"id":"action:x","type":"action"}},{{"id":"action:y","type":"action"}},{{"id":"data:d","type":"data_class"}},
        {{"id":"day","type":"constraint","key":"time.hour_utc","op":"between","value":[6,18]}}],
        "relations":[{relations}]}}"#
    )
}

fn condition(condition: &str) -> String {
    relations(&format!(
        r#"{{"type":"permits","source":"actor:a","target":"action:x","conditions":{condition}}}"#
    ))
}

#[test]
fn short_and_long_spelling_are_one_document() {
    alike(
        r#"{"terms":[{"id":"actor:a","type":"actor","name":"A"},{"id":"action:x","type":"action"}],
            "relations":[{"type":"permits","subject":"actor:a","action":"action:x","condition":{"purpose":"triage"}}]}"#,
        r#"{"policy_id":null,"version":"1.0","mode":"STRICT","metadata":{},"constraints":[],
            "terms":[{"term_id":" actor:a ","term_type":"Actor","label":"A","description":" "},
                {"term_id":"action:x","term_type":"action","label":"","metadata":{}}],
            "relations":[{"relation_id":"permits:actor:a:action:x","relation_type":"permits","source":"actor:a","target":"action:x",
                "object":null,"conditions":[{"key":"purpose","op":"EQ","value":"triage"}],"metadata":{}}]}"#,
    );
}

#[test]
fn the_order_of_lists_means_nothing() {
    let (p, f) = (
        r#"{"type":"permits","source":"actor:a","target":"action:x","conditions":["n",{"m":1,"k":2}]}"#,
        r#"{"type":"forbids","source":"actor:a","target":"action:y"}"#,
    );
    let q = r#"{"type":"permits","source":"actor:a","target":"action:x","conditions":[{"k":2},{"m":1.0},"n","n"]}"#;
    alike(&relations(&format!("{p},{f}")), &relations(&format!("{f},{q}")));
    let (a, b) = (r#"{"id":"a","type":"actor"}"#, r#"{"id":"b","type":"actor"}"#);
    alike(&format!(r#"{{"terms":[{a},{b}]}}"#), &format!(r#"{{"terms":[{b},{a}]}}"#));
    alike(
        r#"{"terms":[],"compliance_frameworks":["soc2","GDPR"]}"#,
        r#"{"terms":[],"compliance_frameworks":["gdpr","SOC2","soc2"]}"#,
    );
    let (c, d) = (
        r#"{"name":"c","condition":{"k":1},"action":"deny"}"#,
        r#"{"name":"d","condition":{"k":1},"action":"escalate"}"#,
    );
    alike(
        &format!(r#"{{"terms":[],"constraints":[{c},{d}]}}"#),
        &format!(r#"{{"terms":[],"constraints":[{d},{c}]}}"#),
    );
}

#[test]
fn the_order_of_between_means_something() {
    let of = |value: &str| condition(&format!(r#"{{"key":"k","op":"in","value":{value}}}"#));
    differ(&of("[1,2]"), &of("[2,1]"));
}

#[test]
fn name_version_mode_dates_and_constraints_count() {
    let plain = r#"{"terms":[]}"#;
    for other in [
        r#"{"terms":[],"name":"n"}"#,
        r#"{"terms":[],"version":"1.1"}"#,
        r#"{"terms":[],"mode":"permissive"}"#,
        r#"{"terms":[],"effective_from":"2027-01-01"}"#,
        r#"{"terms":[],"metadata":{"a":null}}"#,
        r#"{"terms":[],"constraints":[{"name":"c","condition":{"k":1},"action":"deny"}]}"#,
    ] {
        differ(plain, other);
    }
}

#[test]
fn the_normal_form_of_the_empty_policy() {
    let text = r#"{"compliance_frameworks":[],"constraints":[],"description":null,"effective_from":null,"effective_until":null,"metadata":{},"mode":"strict","name":null,"policy_id":null,"relations":[],"terms":[],"version":"1.0"}"#;
    assert_eq!(Document::empty().to_json().to_canonical(), text);
    assert_eq!(parse(r#"{"relations":[]}"#), Document::empty());
    assert_eq!(parse(text), Document::empty());
}

#[test]
fn times_are_shown_in_utc() {
    let document = parse(r#"{"terms":[],"effective_from":"2027-01-01T02:00:00+02:00"}"#);
    let text = document.to_json().to_canonical();
    assert!(text.contains(r#""effective_from":"2027-01-01T00:00:00.000000Z""#), "{text}");
}

#[test]
fn a_missing_end_copies_the_other() {
    alike(
        &relations(r#"{"type":"permits","source":"*"}"#),
        &relations(r#"{"type":"permits","target":"*","source":null}"#),
    );
}

#[test]
fn relations_that_share_a_default_id_get_the_hash_of_their_content() {
    let (one, two) = (
        r#"{"type":"permits","source":"actor:a","target":"action:x","conditions":["m"]}"#,
        r#"{"type":"permits","source":"actor:a","target":"action:x","conditions":["n"]}"#,
    );
    let document = parse(&relations(&format!("{one},{two}")));
    let ids: Vec<&str> = document.relations.iter().map(|relation| &*relation.id).collect();
    for id in &ids {
        let hash = id.strip_prefix("permits:actor:a:action:x~").unwrap();
        assert!(hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    assert_ne!(ids[0], ids[1]);
    assert_eq!(parse(&document.to_json().to_canonical()), document);
    alike(&relations(&format!("{one},{two}")), &relations(&format!("{two},{one}")));
}

#[test]
fn identical_relations_and_shared_ids_are_refused() {
    let one = r#"{"type":"permits","source":"actor:a","target":"action:x"}"#;
    let spelled = r#"{"relation_id":"permits:actor:a:action:x","type":"permits","subject":"actor:a","action":"action:x"}"#;
    faults(&relations(&format!("{one},{one}")), &["/relations/1 duplicate_relation"]);
    faults(&relations(&format!("{one},{spelled}")), &["/relations/1 duplicate_relation"]);
    let named = |id: &str, end: &str| {
        format!(r#"{{"relation_id":"{id}","type":"permits","source":"{end}","target":"action:x"}}"#)
    };
    let (a, b) = (named("r", "actor:a"), named("r", "actor:b"));
    faults(&relations(&format!("{a},{b}")), &["/relations/1 duplicate_relation"]);
    faults(&relations(&format!("{a},{}", named("s", "actor:a"))), &[]);
}

#[test]
fn a_document_needs_terms_or_relations() {
    faults("{}", &[" missing"]);
    faults(r#"{"terms":null}"#, &[" missing"]);
    faults(r#"{"relations":[]}"#, &[]);
    faults("[]", &[" wrong_type"]);
    faults(r#"{"terms":{}}"#, &["/terms wrong_type"]);
}

#[test]
fn every_fault_is_reported_at_once() {
    faults(
        r#"{"mdoe":"strict","mode":"lax","name":7,"terms":[{"id":"a b","type":"actor"},{"typ":"actor"},7],
            "relations":[{"type":"permit"},{"type":"permits","source":"ghost","target":"*"}]}"#,
        &[
            "/mdoe unknown_field",
            "/terms/0/id bad_format",
            "/terms/1/typ unknown_field",
            "/terms/1/term_id missing",
            "/terms/1/term_type missing",
            "/terms/2 wrong_type",
            "/relations/0/type not_one_of",
            "/relations/0/source missing",
            "/relations/1/source dangling_reference",
            "/name wrong_type",
            "/mode not_one_of",
        ],
    );
}

#[test]
fn an_unknown_key_is_met_by_the_one_that_was_meant() {
    let found = Document::parse(&json(r#"{"terms":[],"relation":[]}"#)).unwrap_err();
    assert_eq!(found[0].detail, "is not known here; did you mean `relations`?");
    faults(r#"{"terms":[],"metadata":{"anything":{"goes":null}}}"#, &[]);
}

#[test]
fn terms_are_unique_and_hold_to_the_grammar() {
    let term = |id: &str| format!(r#"{{"id":"{id}","type":"actor"}}"#);
    let terms = |a: &str, b: &str| format!(r#"{{"terms":[{},{}]}}"#, term(a), term(b));
    faults(&terms("a", "b"), &[]);
    faults(&terms("*", "actor:a:*"), &[]);
    faults(&terms("a", " a"), &["/terms/1/id duplicate_term"]);
    faults(&terms("a*", "ä"), &["/terms/0/id bad_format", "/terms/1/id bad_format"]);
    faults(&terms("", "b"), &["/terms/0/id missing"]);
    faults(&terms(&"a".repeat(513), "b"), &["/terms/0/id too_long"]);
    faults(&terms(&"a".repeat(512), "b"), &[]);
}

#[test]
fn two_spellings_of_one_member_must_agree() {
    faults(r#"{"terms":[{"id":"a","term_id":"a","type":"actor"}]}"#, &[]);
    faults(
        r#"{"terms":[{"id":"a","term_id":"b","type":"actor"}]}"#,
        &["/terms/0/id ambiguous_spelling"],
    );
}

#[test]
fn a_constraint_term_is_a_condition_and_no_other_term_is() {
    let term = |rest: &str| format!(r#"{{"terms":[{{"id":"t",{rest}}}]}}"#);
    faults(&term(r#""type":"constraint","key":"k","op":"eq","value":1"#), &[]);
    faults(&term(r#""type":"constraint","key":"k","op":"exists""#), &[]);
    faults(&term(r#""type":"constraint""#), &["/terms/0/key missing", "/terms/0/op missing"]);
    faults(&term(r#""type":"constraint","key":"k","op":"eq""#), &["/terms/0/value missing"]);
    faults(&term(r#""type":"actor","op":"eq""#), &["/terms/0/op not_applicable"]);
}

#[test]
fn an_end_is_a_term_by_its_whole_id_or_a_pattern() {
    let of = |source: &str| {
        relations(&format!(r#"{{"type":"permits","source":"{source}","target":"action:x"}}"#))
    };
    faults(&of("actor:a"), &[]);
    faults(&of("actor:nobody:*"), &[]);
    faults(&of("*"), &[]);
    for ghost in ["a", "actor:", "actor", "actor:a*", "Actor:a", "a b:*"] {
        faults(&of(ghost), &["/relations/0/source dangling_reference"]);
    }
    let found = Document::parse(&json(&of("a"))).unwrap_err();
    assert_eq!(found[0].detail, "`a` is neither a term nor a pattern; did you mean `actor:a`?");
    faults(
        &relations(r#"{"type":"permits","subject":"ghost","action":"action:x"}"#),
        &["/relations/0/subject dangling_reference"],
    );
}

#[test]
fn an_object_is_a_data_class_or_resource() {
    let of = |kind: &str, object: &str| {
        relations(&format!(
            r#"{{"type":"{kind}","source":"action:x","target":"action:y","object":"{object}"}}"#
        ))
    };
    faults(&of("permits", "data:d"), &[]);
    faults(&of("permits", "data:*"), &[]);
    faults(&of("permits", "actor:a"), &["/relations/0/object wrong_term_type"]);
    faults(&of("permits", "data:e"), &["/relations/0/object dangling_reference"]);
    faults(&of("implies", "data:d"), &["/relations/0/object not_applicable"]);
    faults(&of("conflicts", "data:d"), &["/relations/0/object not_applicable"]);
}

#[test]
fn ends_have_the_type_of_their_place() {
    let of = |kind: &str, source: &str, target: &str| {
        relations(&format!(r#"{{"type":"{kind}","subject":"{source}","target":"{target}"}}"#))
    };
    faults(&of("conflicts", "action:x", "action:y"), &[]);
    faults(&of("conflicts", "actor:a", "action:y"), &["/relations/0/subject wrong_term_type"]);
    faults(&of("implies", "actor:a", "actor:b"), &[]);
    faults(&of("implies", "actor:a", "action:x"), &["/relations/0/target wrong_term_type"]);
    faults(&of("implies", "day", "*"), &["/relations/0/subject wrong_term_type"]);
    warnings(&of("permits", "actor:a", "action:x"), &[]);
    warnings(&of("permits", "action:x", "action:x"), &["/relations/0/subject wrong_term_type"]);
}

#[test]
fn nothing_is_a_kind_of_itself() {
    let chain = |ends: &[(&str, &str)]| {
        let edges: Vec<String> = ends
            .iter()
            .map(|(from, to)| {
                format!(r#"{{"type":"implies","source":"{from}:*","target":"{to}:*"}}"#)
            })
            .collect();
        format!(r#"{{"relations":[{}]}}"#, edges.join(","))
    };
    faults(&chain(&[("a", "b"), ("b", "c"), ("a", "c")]), &[]);
    faults(&chain(&[("a", "a")]), &["/relations/0 implies_cycle"]);
    faults(
        &chain(&[("x", "a"), ("a", "b"), ("b", "a"), ("b", "y")]),
        &["/relations/1 implies_cycle"],
    );
    faults(
        &chain(&[("a", "b"), ("b", "a"), ("p", "q"), ("q", "r"), ("r", "p")]),
        &["/relations/0 implies_cycle", "/relations/2 implies_cycle"],
    );
    let found = Document::parse(&json(&chain(&[("a", "b"), ("b", "a")]))).unwrap_err();
    assert_eq!(found[0].detail, "a kind of itself: a:* → b:* → a:*");
}

#[test]
fn a_condition_has_three_forms() {
    alike(&condition(r#""flag""#), &condition(r#"[{"key":"flag","op":"eq","value":true}]"#));
    alike(
        &condition(r#"{"a":1,"b":2}"#),
        &condition(r#"[{"b":2},{"key":"a","op":"eq","value":1}]"#),
    );
    alike(
        &condition(r#"{"key":"a","op":"exists"}"#),
        &condition(r#"{"key":"a","op":"exists","value":true}"#),
    );
    differ(&condition(r#""day""#), &condition(r#"{"day":true}"#));
}

#[test]
fn a_condition_that_says_nothing_is_refused() {
    let at = |rest: &str| format!("/relations/0/conditions{rest}");
    for (form, expect) in [
        ("7", " wrong_type"),
        ("[7]", "/0 wrong_type"),
        ("{}", " missing"),
        (r#"[" "]"#, "/0 missing"),
        (r#"{"key":"a"}"#, "/op missing"),
        (r#"{"key":"a","op":"like","value":1}"#, "/op not_one_of"),
        (r#"{"key":"a","op":"eq"}"#, "/value missing"),
        (r#"{"key":"a","op":"eq","value":1,"not":true}"#, "/not unknown_field"),
        (r#"{"purpose":null}"#, "/purpose missing"),
        (r#"{"decision.x":1}"#, "/decision.x not_one_of"),
        (r#"[{"key":"a","op":"matches","value":"("}]"#, "/0/value bad_format"),
        (r#"{"key":"a","op":"eq","value":[[[[[[1]]]]]]}"#, "/value too_deep"),
        (r#""amount > 500""#, " constraint_not_machine_readable"),
    ] {
        faults(&condition(form), &[&at(expect)]);
    }
}

#[test]
fn a_name_near_a_constraint_term_is_questioned() {
    warnings(&condition(r#""day""#), &[]);
    warnings(&condition(r#""days""#), &["/relations/0/conditions near_constraint"]);
}

#[test]
fn a_relation_has_at_most_64_conditions() {
    let many = |count: usize| {
        let members: Vec<String> = (0..count).map(|at| format!(r#""k{at}":1"#)).collect();
        condition(&format!("{{{}}}", members.join(",")))
    };
    faults(&many(64), &[]);
    faults(&many(65), &["/relations/0/conditions out_of_range"]);
    let long = format!(r#"{{"k":"{}"}}"#, "x".repeat(64 << 10));
    faults(&condition(&long), &["/relations/0/conditions too_long"]);
}

#[test]
fn a_constraint_is_machine_readable() {
    let of = |rest: &str| {
        format!(
            r#"{{"terms":[{{"id":"day","type":"constraint","key":"k","op":"exists"}}],"constraints":[{{"name":"c",{rest}}}]}}"#
        )
    };
    faults(&of(r#""condition":{"key":"amount","op":"gt","value":500},"action":"DENY""#), &[]);
    faults(&of(r#""condition":["day",{"k":1}],"action":"deny","applies_to":{"actor":"*"}"#), &[]);
    faults(
        &of(r#""condition":"amount > 500","action":"deny""#),
        &["/constraints/0/condition constraint_not_machine_readable"],
    );
    faults(
        &of(r#""condition":["flag"],"action":"deny""#),
        &["/constraints/0/condition/0 constraint_not_machine_readable"],
    );
    faults(
        &of(r#""action":"require approval","applies_to":{"actor":"ghost","tool":"t"}"#),
        &[
            "/constraints/0/action not_one_of",
            "/constraints/0/condition missing",
            "/constraints/0/applies_to/tool unknown_field",
            "/constraints/0/applies_to/actor dangling_reference",
        ],
    );
    faults(&of(r#""condition":[],"action":"deny""#), &["/constraints/0/condition missing"]);
    let twice = r#"{"name":"c","condition":{"k":1},"action":"deny"}"#;
    faults(
        &format!(r#"{{"terms":[],"constraints":[{twice},{twice}]}}"#),
        &["/constraints/1 duplicate_constraint"],
    );
}

#[test]
fn dates_are_times_in_order() {
    let of = |from: &str, until: &str| {
        format!(r#"{{"terms":[],"effective_from":"{from}","effective_until":"{until}"}}"#)
    };
    faults(&of("2027-01-01", "2027-01-02"), &[]);
    faults(&of("2027-01-01", "2027-01-01"), &["/effective_until out_of_range"]);
    faults(&of("soon", "2027-01-01"), &["/effective_from bad_format"]);
}

#[test]
fn metadata_is_bounded() {
    let of = |metadata: &str| format!(r#"{{"terms":[],"metadata":{metadata}}}"#);
    faults(&of(r#"{"a":{"b":{"c":{"d":{"e":1}}}}}"#), &[]);
    faults(&of(r#"{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}"#), &["/metadata too_deep"]);
    faults(&of(&format!(r#"{{"a":"{}"}}"#, "x".repeat(16 << 10))), &["/metadata too_long"]);
    faults(&of("[]"), &["/metadata wrong_type"]);
}

#[test]
fn lists_are_bounded() {
    let many = |count: usize| {
        let terms: Vec<String> =
            (0..count).map(|at| format!(r#"{{"id":"t{at}","type":"actor"}}"#)).collect();
        format!(r#"{{"terms":[{}]}}"#, terms.join(","))
    };
    faults(&many(50_000), &[]);
    faults(&many(50_001), &["/terms out_of_range"]);
}

#[test]
fn a_name_with_two_meanings_is_questioned() {
    warnings(
        r#"{"terms":[{"id":"actor:a","type":"actor","label":"x"},{"id":"actor:b","type":"actor","label":"x"}]}"#,
        &["/terms ambiguous_name"],
    );
    warnings(r#"{"terms":[{"id":"actor:a","type":"actor","label":"a"}]}"#, &[]);
}

/// As many items as asked for, each made from its number.
fn many(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<String>>().join(",")
}

#[test]
fn every_list_is_bounded() {
    let relation = |at| {
        format!(
            r#"{{"relation_id":"r{at}","type":"permits","source":"a:{at}:*","target":"action:x"}}"#
        )
    };
    faults(&relations(&many(50_000, relation)), &[]);
    faults(&relations(&many(50_001, relation)), &["/relations out_of_range"]);
    let constraint = |at| format!(r#"{{"name":"c{at}","condition":{{"k":{at}}},"action":"deny"}}"#);
    let of = |count| format!(r#"{{"terms":[],"constraints":[{}]}}"#, many(count, constraint));
    faults(&of(1000), &[]);
    faults(&of(1001), &["/constraints out_of_range"]);
    let of = |count| {
        let names = many(count, |at| format!(r#""f{at}""#));
        format!(r#"{{"terms":[],"compliance_frameworks":[{names}]}}"#)
    };
    faults(&of(100), &[]);
    faults(&of(101), &["/compliance_frameworks out_of_range"]);
    let of = |count| condition(&format!("[{}]", many(count, |at| format!(r#""k{at}""#))));
    faults(&of(64), &[]);
    faults(&of(65), &["/relations/0/conditions out_of_range"]);
    let of = |count| {
        condition(&format!(
            r#"{{"key":"k","op":"in","value":[{}]}}"#,
            many(count, |at| at.to_string())
        ))
    };
    faults(&of(1000), &[]);
    faults(&of(1001), &["/relations/0/conditions/value out_of_range"]);
}

#[test]
fn every_text_is_bounded() {
    let text = |chars: usize| format!("\"{}\"", "é".repeat(chars));
    let ascii = |chars: usize| format!("\"{}\"", "k".repeat(chars));
    for (chars, place, pointer) in [
        (512, r#"{"terms":[],"name":@}"#, "/name"),
        (512, r#"{"terms":[],"policy_id":@}"#, "/policy_id"),
        (512, r#"{"terms":[],"version":@}"#, "/version"),
        (10_000, r#"{"terms":[],"description":@}"#, "/description"),
        (512, r#"{"terms":[],"compliance_frameworks":[@]}"#, "/compliance_frameworks/0"),
        (512, r#"{"terms":[{"id":"a","type":"actor","label":@}]}"#, "/terms/0/label"),
        (
            10_000,
            r#"{"terms":[{"id":"a","type":"actor","description":@}]}"#,
            "/terms/0/description",
        ),
        (
            1100,
            r#"{"relations":[{"relation_id":@,"type":"permits","source":"*"}]}"#,
            "/relations/0/relation_id",
        ),
        (
            10_000,
            r#"{"relations":[{"justification":@,"type":"permits","source":"*"}]}"#,
            "/relations/0/justification",
        ),
        (
            512,
            r#"{"terms":[],"constraints":[{"name":@,"condition":{"k":1},"action":"deny"}]}"#,
            "/constraints/0/name",
        ),
        (
            1024,
            r#"{"relations":[{"type":"permits","source":"*","conditions":{"key":"k","op":"prefix","value":@}}]}"#,
            "",
        ),
    ] {
        faults(&place.replace('@', &text(chars)), &[]);
        if !pointer.is_empty() {
            faults(&place.replace('@', &text(chars + 1)), &[&format!("{pointer} too_long")]);
        }
    }
    let keyed = r#"{"key":@,"op":"eq","value":1}"#;
    faults(&condition(&keyed.replace('@', &ascii(512))), &[]);
    faults(&condition(&keyed.replace('@', &ascii(513))), &["/relations/0/conditions/key too_long"]);
    faults(&condition(&ascii(513)), &["/relations/0/conditions too_long"]);
    faults(
        &condition(&format!(r#"{{"key":"k","op":"matches","value":{}}}"#, ascii(1025))),
        &["/relations/0/conditions/value too_long"],
    );
    let time = r#"{"terms":[],"effective_until":"2027-01-01T00:00:00.000000000000000000+00:00"}"#;
    faults(time, &["/effective_until too_long"]);
}

#[test]
fn a_member_of_another_type_is_refused() {
    for (place, pointer) in [
        (r#"{"terms":[],"mode":1}"#, "/mode"),
        (r#"{"terms":[],"effective_from":1}"#, "/effective_from"),
        (r#"{"terms":[],"compliance_frameworks":"soc2"}"#, "/compliance_frameworks"),
        (r#"{"terms":[],"compliance_frameworks":[1]}"#, "/compliance_frameworks/0"),
        (r#"{"relations":{}}"#, "/relations"),
        (r#"{"relations":["permits"]}"#, "/relations/0"),
        (r#"{"relations":[{"type":[],"source":"*"}]}"#, "/relations/0/type"),
        (r#"{"relations":[{"type":"permits","source":7}]}"#, "/relations/0/source"),
        (r#"{"relations":[{"type":"permits","source":"*","object":{}}]}"#, "/relations/0/object"),
        (
            r#"{"relations":[{"type":"permits","source":"*","metadata":1}]}"#,
            "/relations/0/metadata",
        ),
        (r#"{"terms":[],"constraints":{}}"#, "/constraints"),
        (r#"{"terms":[],"constraints":[true]}"#, "/constraints/0"),
        (
            r#"{"terms":[],"constraints":[{"name":"c","condition":{"k":1},"action":"deny","applies_to":"*"}]}"#,
            "/constraints/0/applies_to",
        ),
    ] {
        faults(place, &[&format!("{pointer} wrong_type")]);
    }
    faults(
        r#"{"terms":[],"constraints":[{"condition":{"k":1}}]}"#,
        &["/constraints/0/name missing", "/constraints/0/action missing"],
    );
    faults(r#"{"terms":[],"compliance_frameworks":[" "]}"#, &["/compliance_frameworks/0 missing"]);
}

#[test]
fn a_value_its_operator_cannot_use_is_refused() {
    for (op, value, code) in [
        ("in", "5", "wrong_type"),
        ("in", "[]", "out_of_range"),
        ("not_in", "[null]", "wrong_type"),
        ("lt", "true", "wrong_type"),
        ("between", "[1]", "wrong_type"),
        ("between", "[2,1]", "out_of_range"),
        ("between", "[1,\"2\"]", "wrong_type"),
        ("prefix", "1", "wrong_type"),
        ("exists", "1", "wrong_type"),
        ("contains", "null", "missing"),
        ("cidr", "\"10.0.0.1/8\"", "bad_format"),
        ("matches", "\"(\"", "bad_format"),
        ("matches", r#""(a)\\1""#, "bad_format"),
        ("matches", r#""(?=a)""#, "bad_format"),
        ("matches", r#""\\w{1000}""#, "regex_too_large"),
        ("matches", r#""((a{60}){60}){60}""#, "regex_too_large"),
    ] {
        let test = format!(r#"{{"key":"k","op":"{op}","value":{value}}}"#);
        faults(&condition(&test), &[&format!("/relations/0/conditions/value {code}")]);
    }
    let nested =
        format!(r#"{{"key":"k","op":"matches","value":"{}a{}"}}"#, "(".repeat(51), ")".repeat(51));
    faults(&condition(&nested), &["/relations/0/conditions/value bad_format"]);
    for (key, code) in
        [("a..b", "bad_format"), ("a.b.c.d.e.f.g.h.i", "too_long"), ("time.x", "not_one_of")]
    {
        let test = format!(r#"{{"key":"{key}","op":"eq","value":1}}"#);
        faults(&condition(&test), &[&format!("/relations/0/conditions/key {code}")]);
    }
}

#[test]
fn the_patterns_of_a_document_are_bounded_together() {
    let relation = |at| {
        format!(
            r#"{{"type":"permits","source":"a:{at}:*","target":"*","conditions":{{"key":"k","op":"matches","value":"\\w{{3}}{at}"}}}}"#
        )
    };
    let of = |count| format!(r#"{{"relations":[{}]}}"#, many(count, relation));
    faults(&of(10), &[]);
    let found = Document::parse(&json(&of(600))).unwrap_err();
    let first = found.first().map(|fault| (fault.code, &*fault.detail));
    let expect = "the compiled patterns of this policy are too large together";
    assert_eq!(first, Some(("regex_too_large", expect)));
}

#[test]
fn more_faults_than_anyone_reads_are_counted_out() {
    let keys = many(1500, |at| format!(r#""unknown{at}":1"#));
    let found = Document::parse(&json(&format!(r#"{{"terms":[],{keys}}}"#))).unwrap_err();
    assert_eq!(found.len(), 1001);
    assert_eq!(found[1000].code, "too_many_faults");
}

#[test]
fn a_long_cycle_is_found_and_shown_in_part() {
    let edge = |at: usize| {
        format!(r#"{{"type":"implies","source":"k{at}:*","target":"k{}:*"}}"#, (at + 1) % 10_000)
    };
    let found = Document::parse(&json(&format!(r#"{{"relations":[{}]}}"#, many(10_000, edge))));
    let found = found.unwrap_err();
    assert_eq!((found.len(), found[0].code), (1, "implies_cycle"));
    assert!(found[0].detail.ends_with("k7:* → … → k0:*"), "{}", found[0].detail);
}

#[test]
fn a_number_without_canonical_form_does_not_reach_a_document() {
    for text in ["1e21", "9007199254740992", "1e-301", "1e400"] {
        assert!(serde_json::from_str::<Json>(text).is_err(), "{text}");
    }
    for text in ["9007199254740991", "1e-300", "0.1", "1.10"] {
        assert!(serde_json::from_str::<Json>(text).is_ok(), "{text}");
    }
}

/// The codes that reading a document can give, by the calls that give them.
#[test]
fn every_code_is_asked_for_in_these_tests() {
    let sources = [
        include_str!("check.rs"),
        include_str!("conditions.rs"),
        include_str!("parse.rs"),
        include_str!("read.rs"),
        include_str!("../condition/probe.rs"),
    ];
    let call = regex::Regex::new(r#"(?:fault|warn|flaw)\([^";]*"([a-z_]+)""#).unwrap();
    let mut codes: Vec<&str> = sources
        .iter()
        .flat_map(|source| call.captures_iter(source))
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    codes.sort_unstable();
    codes.dedup();
    assert!(18 <= codes.len(), "only {codes:?}");
    for code in codes {
        let asked = [format!(" {code}\""), format!("\"{code}\"")];
        let is_asked = asked.iter().any(|asked| include_str!("tests.rs").contains(asked));
        assert!(is_asked, "no test asks for `{code}`");
    }
}

#[test]
fn naming_a_constraint_counts_as_much_as_writing_it_out() {
    let of = |bytes: usize| {
        let term = format!(
            r#"{{"id":"c","type":"constraint","key":"k","op":"eq","value":"{}"}}"#,
            "x".repeat(bytes)
        );
        format!(
            r#"{{"terms":[{term}],"relations":[{{"type":"permits","source":"*","conditions":"c"}}]}}"#
        )
    };
    faults(&of(60 << 10), &[]);
    faults(&of(64 << 10), &["/relations/0/conditions too_long"]);
}
