//! Conditions the predecessor kept as prose: what is plainly a comparison
//! becomes one.

use types::Json;

use crate::input;

/// `a > 1`, `a.b == 'x'`, `flag`, joined by `&&`: one test each. Or why not.
pub(super) fn tests(text: &str) -> Result<Vec<Json>, String> {
    if text.contains("||") {
        return Err("`||` has no place in a condition: write a constraint for each side".to_owned());
    }
    text.split("&&").map(|part| test(part.trim())).collect()
}

/// The longer ones first, so that `>=` is not read as `>`.
const COMPARISONS: [(&str, &str); 7] = [
    (">=", "gte"),
    ("<=", "lte"),
    ("==", "eq"),
    ("!=", "ne"),
    (">", "gt"),
    ("<", "lt"),
    ("=", "eq"),
];

fn test(text: &str) -> Result<Json, String> {
    let found = COMPARISONS.iter().filter_map(|(sign, op)| Some((text.find(sign)?, *sign, *op)));
    let first = found.min_by_key(|(at, sign, _)| (*at, usize::MAX - sign.len()));
    let (key, op, value) = match first {
        Some((at, sign, op)) => {
            let (key, rest) = text.split_at(at);
            (key.trim(), op, literal(rest.get(sign.len()..).unwrap_or_default().trim()))
        }
        None => (text, "eq", Some(Json::from(true))),
    };
    let (true, Some(value)) = (is_key(key), value) else {
        return Err(format!("`{text}` is prose: write it as {{\"key\":…,\"op\":…,\"value\":…}}"));
    };
    Ok(Json::object([("key", key.into()), ("op", op.into()), ("value", value)]))
}

/// A number, a truth value, or a text in quotes. A bare word could be a text or
/// the name of something.
fn literal(text: &str) -> Option<Json> {
    if text == "true" || text == "false" {
        return Some(Json::from(text == "true"));
    }
    for quote in ['\'', '"'] {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return (!inner.contains([quote, '\\'])).then(|| Json::from(inner));
        }
    }
    match input::json(text) {
        Ok(number @ Json::Number(_)) => Some(number),
        Ok(_) | Err(_) => None,
    }
}

fn is_key(text: &str) -> bool {
    let is_segment = |segment: &str| {
        segment.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && segment.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    text.split('.').all(is_segment)
}

#[cfg(test)]
mod tests_of_prose {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match tests(text) {
            Ok(tests) => Json::Array(tests).to_canonical(),
            Err(why) => why,
        };
        assert!(got.starts_with(expect), "{text}: {got}");
    }

    #[test]
    fn a_plain_comparison_becomes_a_test() {
        check("amount > 500", r#"[{"key":"amount","op":"gt","value":500}]"#);
        check("a.b_c>=1.5", r#"[{"key":"a.b_c","op":"gte","value":1.5}]"#);
        check("region != 'eu'", r#"[{"key":"region","op":"ne","value":"eu"}]"#);
        check("x = \"<=\"", r#"[{"key":"x","op":"eq","value":"<="}]"#);
        check(
            "is_weekend && hour <= 6",
            r#"[{"key":"is_weekend","op":"eq","value":true},{"key":"hour","op":"lte","value":6}]"#,
        );
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for text in
            ["", "risk > limit", "a > 1 or b", "level == high", "a > '1", "1 < a", "a > 1 > 2"]
        {
            check(text, &format!("`{text}` is prose"));
        }
        check("a || b", "`||` has no place");
        check("a == 9007199254740993", "`a == 9007199254740993` is prose");
    }
}
