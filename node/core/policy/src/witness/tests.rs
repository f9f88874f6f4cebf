//! What the sets hold, and that nothing is missing from those that say so.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|err| panic!("{err}: {text}"))
}

/// One test a line: `op value`.
fn tests(key: &str, script: &str) -> Vec<Test> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (op, value) = line.split_once(' ').unwrap();
            Test { key: key.to_owned(), op: Op::parse(op).unwrap(), value: json(value) }
        })
        .collect()
}

fn set(key: &str, script: &str) -> Witnesses {
    let tests = tests(key, script);
    witnesses(key, &tests.iter().collect::<Vec<_>>())
}

/// What each value answers, as one letter for each test: met, unmet, missing,
/// incomparable.
fn answers(tests: &[Test], value: Option<&Json>) -> String {
    let mut patterns = Patterns::default();
    let letters = tests.iter().map(|test| {
        let probe = Probe::new(test, &mut patterns).unwrap();
        match probe.ask_of(value, &mut Meter::new(u32::MAX)).unwrap() {
            Answer::Met => 'm',
            Answer::Unmet => 'u',
            Answer::Missing => '-',
            Answer::Incomparable => 'i',
        }
    });
    letters.collect()
}

/// The combinations that the set gives, sorted, and `…` if there may be others.
#[track_caller]
fn check(key: &str, script: &str, expect: &str) {
    let tests = tests(key, script);
    let found = witnesses(key, &tests.iter().collect::<Vec<_>>());
    let mut given: Vec<String> =
        found.values.iter().map(|value| answers(&tests, value.as_ref())).collect();
    given.sort();
    let more = if found.is_exhaustive { "" } else { " …" };
    assert_eq!(format!("{}{more}", given.join(" ")), expect, "{script}\n{:?}", found.values);
}

#[test]
fn a_test_is_met_unmet_without_its_key_and_of_another_type() {
    for script in [
        "eq 5",
        "ne \"x\"",
        "in [1,2]",
        "not_in [\"a\",\"b\"]",
        "lt 5",
        "lte 5",
        "gt 5",
        "gte 5",
        "between [1,2]",
        "prefix \"a\"",
        "suffix \"a\"",
        "contains 1",
        "matches \"a+\"",
        "cidr \"10.0.0.0/8\"",
        "between [\"a\",\"b\"]",
        "eq {\"a\":1}",
        "eq [1]",
    ] {
        check("k", script, "- i m u");
    }
    check("k", "exists true", "m u");
}

#[test]
fn contradictions_have_no_value() {
    check("k", "gt 5\nlt 5", "-- ii mu um uu");
    check("k", "gte 5\nlte 5", "-- ii mm mu um");
    check("k", "eq 1\neq 2", "-- ii mu um uu");
    check("k", "eq 1\neq \"1\"", "-- ii im iu mi ui");
    check("k", "prefix \"ab\"\nprefix \"ac\"", "-- ii mu um uu");
    check("k", "suffix \"ab\"\nsuffix \"b\"", "-- ii mm um uu");
    check("k", "cidr \"10.0.0.0/8\"\ncidr \"10.1.0.0/16\"", "-- ii mm mu uu");
    check("k", "matches \"[a-c]+\"\nmatches \"[b-d]+\"", "-- ii mm mu um uu");
    check("k", "matches \"a+\"\nmatches \"a*\"", "-- ii mm um uu");
    check("k", "exists true\nexists false", "mu um");
}

#[test]
fn numbers_lie_close_to_one_another() {
    check("k", "gt 0.1\nlt 0.11", "-- ii mm mu um");
    check("k", "gt 9007199254740990\nlt 9007199254740991", "-- ii mu um");
    check("k", "gt 0\nlt 1e-300", "-- ii mu um");
    check("k", "gte -9007199254740991", "- i m");
    check("k", "lte 9007199254740991", "- i m");
}

#[test]
fn texts_lie_close_to_one_another() {
    check("k", "gt \"a\"\nlt \"b\"", "-- ii mm mu um");
    // Of all texts, none lies between these two.
    check(
        "k",
        r#"gt "a"
                  lt "a\u0000""#,
        "-- ii mu um",
    );
    check(
        "k",
        r#"gt "a"
                  lt "a\u0000\u0000""#,
        "-- ii mm mu um",
    );
    check("k", "lt \"\"", "- i u");
    check("k", "prefix \"\"", "- i m");
    check("k", "prefix \"ab\"\nsuffix \"ba\"\neq \"aba\"", "--- iii mmm mmu muu umu uuu");
    check("k", "prefix \"ab\"\nlt \"ab\"", "-- ii mu um uu");
}

#[test]
fn what_the_request_says_of_itself_has_few_values() {
    check("time.hour_utc", "gt 22", "m u");
    check("time.hour_utc", "gt 23", "u");
    check("time.weekday_utc", "lt 1", "u");
    check("decision.risk_score", "lte 100", "m");
    check("decision.risk_level", "in [\"high\",\"critical\"]", "m u");
    check("decision.risk_level", "eq \"extreme\"", "u");
    check("decision.actor", "prefix \"ai:\"", "m u");
    check("decision.actor", "exists false", "u");
    check("decision.tool", "exists false", "m u");
    check("decision.actor", "gt \"zzz\"\nlt \"zzz0\"", "mm mu um");
    check("decision.tool", "lt \"-\"", "- u");
    check("decision.action", "matches \" .*\"", "u");
    check("decision.action", "matches \"a .*\"", "m u");
    check("decision.action", "suffix \" \"", "u");
    check("decision.tool", "eq \"a b\"", "- u");
}

#[test]
fn dates_are_days_of_the_calendar() {
    check("time.date_utc", "gt \"2027-02-28\"\nlt \"2027-03-01\"", "mu um");
    check("time.date_utc", "gt \"2028-02-28\"\nlt \"2028-03-01\"", "mm mu um");
    check("time.date_utc", "prefix \"2027-13\"", "u");
    check("time.date_utc", "lt \"1970-01-01\"", "u");
    check("time.date_utc", "suffix \"-01\"", "m u …");
}

#[test]
fn what_cannot_be_told_is_said() {
    check("k", "matches \"a.*\"\nprefix \"a\"", "-- ii mm uu …");
    check("k", "matches \"a+\"\neq \"a\"", "-- ii mm mu uu");
    check("k", "matches \"a+\"\neq \"b\"", "-- ii mu um uu");
    check("k", r#"matches "\\bä\\b""#, "- i u …");
    check("k", "matches \"(?s:.*)\"", "- i m");
    check("k", r#"matches "[a&&b]""#, "- i u");
    check("k", "cidr \"10.0.0.0/8\"\nprefix \"10.\"", "-- ii im iu mm mu uu …");
}

#[test]
fn a_set_is_bounded_and_says_so() {
    let distinct: Vec<String> = (0..TESTS_MAX).map(|at| format!("eq {at}")).collect();
    assert!(set("k", &distinct.join("\n")).is_exhaustive);
    let one_more = [distinct.as_slice(), &["eq \"x\"".to_owned()]].concat();
    assert!(!set("k", &one_more.join("\n")).is_exhaustive);
    let contains: Vec<String> = (0..40).map(|at| format!("contains {at}")).collect();
    let many = set("k", &contains.join("\n"));
    assert!(!many.is_exhaustive && many.values.len() <= VALUES_MAX);
    let crossed: Vec<String> =
        (0..60).flat_map(|at| [format!("lt \"p{at}\""), format!("suffix \"{at}s\"")]).collect();
    let many = set("k", &crossed.join("\n"));
    assert!(!many.is_exhaustive && many.values.len() == VALUES_MAX);
    let items = (0..900).map(|at| format!("\"{at}\"")).collect::<Vec<_>>().join(",");
    let lists: Vec<String> =
        (0..5).map(|at| format!("in [\"{at}x\",{items}]\nsuffix \"{at}\"")).collect();
    let large = set("k", &lists.join("\n"));
    assert!(!large.is_exhaustive && large.values.len() <= VALUES_MAX);
}

#[test]
fn nothing_is_made_around_very_long_texts() {
    let long = "a".repeat(30_000);
    let found = set("k", &format!("ne \"{long}\"\nne \"{long}\\u0000\""));
    assert!(!found.is_exhaustive && found.values.contains(&Some(Json::from(long.as_str()))));
    let found = set("k", &format!("suffix \"{long}\""));
    assert!(!found.is_exhaustive);
    let found = set("k", &format!("contains \"other{long}\""));
    let lists = found.values.iter().flatten().filter_map(Json::as_array).flatten();
    let longest = lists.filter_map(Json::as_str).filter(|text| !text.starts_with("other"));
    assert!(!found.is_exhaustive && longest.map(str::len).max() <= Some(LITERAL_BYTES_MAX + 1));
    assert!(set("k", &format!("eq \"{}\"", &long[..LITERAL_BYTES_MAX])).is_exhaustive);
}

#[test]
fn without_tests_the_key_is_there_or_not() {
    assert_eq!(set("k", ""), Witnesses { values: vec![None], is_exhaustive: true });
}

const LITERALS: [&str; 22] = [
    "0",
    "1",
    "1.5",
    "-1",
    "2",
    "1e-300",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "\"ab\"",
    "\"b\"",
    "\"ba\"",
    "\"a\\u0000\"",
    "\"é\"",
    "[]",
    "[1]",
    "[1,\"a\"]",
    "{\"a\":1}",
    "\"10.0.0.1\"",
    "\"2001:db8::1\"",
    "\"::ffff:10.0.0.1\"",
];

fn any_test() -> impl Strategy<Value = Test> {
    let literal = || select(&LITERALS[..]).prop_map(json);
    let list = vec(literal(), 1..4).prop_map(Json::Array);
    let value = move |op: Op| -> BoxedStrategy<Json> {
        match op {
            Op::In | Op::NotIn => list.clone().boxed(),
            Op::Between => vec(literal(), 2).prop_map(Json::Array).boxed(),
            Op::Exists => any::<bool>().prop_map(Json::Bool).boxed(),
            Op::Cidr => select(vec!["10.0.0.0/8", "10.0.0.1", "::/0", "2001:db8::/32"])
                .prop_map(Json::from)
                .boxed(),
            Op::Matches => {
                select(vec!["a+", "[ab]*", "(?s).", "a|b", "[0-9.]+"]).prop_map(Json::from).boxed()
            }
            Op::Eq
            | Op::Ne
            | Op::Lt
            | Op::Lte
            | Op::Gt
            | Op::Gte
            | Op::Prefix
            | Op::Suffix
            | Op::Contains => literal().boxed(),
        }
    };
    let ops = Op::ALL.to_vec();
    select(ops).prop_flat_map(move |op| {
        value(op).prop_map(move |value| Test { key: "k".to_owned(), op, value })
    })
}

/// Everything short over the characters of the literals, and the literals.
fn grid() -> Vec<Option<Json>> {
    let characters = ["a", "b", "\0", "é", "0"];
    let mut texts = vec![String::new()];
    let mut longest = texts.clone();
    for _ in 0..3 {
        longest =
            longest.iter().flat_map(|text| characters.map(|c| format!("{text}{c}"))).collect();
        texts.extend(longest.iter().cloned());
    }
    let more = ["10.0.0.1", "10.0.0.2", "11.0.0.1", "::1", "2001:db8::1", "2001:db8::2"];
    texts.extend(more.map(str::to_owned));
    texts.push("::ffff:10.0.0.1".to_owned());
    let numbers = [
        "-2",
        "-1",
        "-0.5",
        "0",
        "1e-300",
        "0.5",
        "1",
        "1.2",
        "1.5",
        "1.7",
        "2",
        "3",
        "9007199254740991",
    ];
    let lists = [
        "[]",
        "[0]",
        "[1]",
        "[\"a\"]",
        "[1,\"a\"]",
        "[\"a\",1]",
        "[true]",
        "[[1]]",
        "[[],1]",
        "[{\"a\":1}]",
        "[\"ab\",1.5]",
        "[\"\",0,1]",
    ];
    let others = ["true", "false", "{}", "{\"a\":1}", "{\"a\":2}"];
    let parsed = numbers.iter().chain(&lists).chain(&others).map(|text| json(text));
    let values = texts.into_iter().map(Json::from).chain(parsed).map(Some);
    std::iter::once(None).chain(values).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_value_answers_as_no_witness_does(tests in vec(any_test(), 1..6)) {
        let mut patterns = Patterns::default();
        let tests: Vec<Test> =
            tests.into_iter().filter(|test| Probe::new(test, &mut patterns).is_ok()).collect();
        let found = witnesses("k", &tests.iter().collect::<Vec<_>>());
        let given: BTreeSet<String> =
            found.values.iter().map(|value| answers(&tests, value.as_ref())).collect();
        prop_assert_eq!(given.len(), found.values.len());
        let mixed = tests.iter().any(|test| matches!(test.op, Op::Cidr | Op::Matches));
        prop_assert!(found.is_exhaustive || mixed);
        if found.is_exhaustive {
            for value in grid() {
                let answers = answers(&tests, value.as_ref());
                prop_assert!(given.contains(&answers), "{:?} {} {:?}", value, answers, tests);
            }
        }
    }
}
