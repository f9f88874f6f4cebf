//! Where engine 2 means something else than engine 1, each beside the other.

use super::*;

#[test]
fn no_value_of_another_type_escapes_a_restriction() {
    let large = r#"{"key":"amount","op":"gt","value":500}"#;
    let forbids = policy(&format!(
        r#"{{"type":"permits","source":"*"}},
           {{"type":"forbids","source":"actor:bot","target":"action:pay","conditions":{large}}}"#
    ));
    let denies = constrained(&format!(r#"{{"name":"c","condition":{large},"action":"deny"}}"#));
    let pays = |rest: &str| format!(r#"{{"action":"pay",{rest}}}"#);
    for policy in [&forbids, &denies] {
        let denied =
            if std::ptr::eq(policy, &forbids) { FORBIDDEN } else { "denied constraint_denied" };
        check(policy, &pays(r#""context":{"amount":500}"#), PERMITTED);
        for amount in ["501", r#""501""#, "[501]", "true", "null"] {
            check(policy, &pays(&format!(r#""context":{{"amount":{amount}}}"#)), denied);
        }
        // As it was recorded before.
        check(policy, &pays(r#""context":{"amount":"501"},"engine":1"#), PERMITTED);
        check(policy, &pays(r#""context":{"amount":501},"engine":1"#), denied);
    }
    let permits = policy(&format!(
        r#"{{"type":"permits","source":"actor:bot","target":"action:pay","conditions":{large}}}"#
    ));
    check(&permits, &pays(r#""context":{"amount":"501"}"#), NO_PERMIT);
}

#[test]
fn a_permit_for_a_pattern_is_not_widened_by_what_others_are_kinds_of() {
    let policy = compile(
        r#"{"terms":[{"id":"actor:ann","type":"actor"},{"id":"actor:ai:x","type":"actor","label":"X"}],"relations":[
            {"type":"implies","source":"actor:ann","target":"actor:ai:x"},
            {"type":"permits","source":"ai:*","target":"*"}]}"#,
    );
    for actor in ["ann", "ai:x"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), PERMITTED);
    }
    for actor in ["X", "actor:ai:x"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), NO_PERMIT);
        // As it was recorded before.
        check(&policy, &format!(r#"{{"actor":"{actor}","engine":1}}"#), PERMITTED);
    }
}

#[test]
fn a_label_is_no_way_around_a_restriction_on_a_pattern() {
    let policy = compile(
        r#"{"mode":"permissive","terms":[{"id":"actor:ai:x","type":"actor","label":"Helper"}],"relations":[
            {"type":"forbids","source":"actor:ai:*","target":"*"}]}"#,
    );
    for actor in ["ai:x", "actor:ai:x", "Helper", "ai:other"] {
        check(&policy, &format!(r#"{{"actor":"{actor}"}}"#), FORBIDDEN);
    }
    check(&policy, r#"{"actor":"Stranger"}"#, "allowed permissive_default");
    // As it was recorded before.
    check(&policy, r#"{"actor":"Helper","engine":1}"#, "allowed permissive_default");
    let permits = compile(
        r#"{"terms":[{"id":"actor:ai:x","type":"actor","label":"Helper"}],"relations":[
            {"type":"permits","source":"actor:ai:*","target":"*"}]}"#,
    );
    check(&permits, r#"{"actor":"Helper"}"#, NO_PERMIT);
}

#[test]
fn showing_an_answer_is_bounded_as_deciding_is() {
    let tests = (0..60).map(|at| format!(r#"{{"key":"k","op":"matches","value":"x{at}.*"}}"#));
    let tests: Vec<String> = tests.collect();
    let policy = policy(&format!(
        r#"{{"type":"permits","source":"*","conditions":[{}]}},
           {{"type":"permits","source":"actor:bot","target":"*","conditions":[{}]}}"#,
        tests.join(","),
        tests.join(",")
    ));
    let request = format!(r#"{{"context":{{"k":"{}"}}}}"#, "y".repeat(5000));
    let evaluation = ask(&policy, &request);
    assert_eq!(evaluation.reason_code, ReasonCode::NoPermit);
    assert_eq!((evaluation.matched.len(), evaluation.matched_omitted), (1, 1));
}
