//! Numbers by their text.

use types::{Decimal, Json, Number};

/// Whether the text is a number of JSON (RFC 8259, section 6).
pub(super) fn is_json(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && power.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}

/// Whether the text is a number of YAML's core schema (YAML 1.2.2, section
/// 10.3.2), which has more spellings than JSON.
pub(super) fn is_yaml(text: &str) -> bool {
    if text == ".nan" || text == ".NaN" || text == ".NAN" {
        return true;
    }
    let based = |prefix: &str, base: u32| {
        let rest = text.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        rest.is_some_and(|rest| rest.chars().all(|c| c.is_digit(base)))
    };
    if based("0x", 16) || based("0o", 8) {
        return true;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, Some(power)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    only_digits(whole)
        && only_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && power.is_none_or(|power| digits(power.strip_prefix(['+', '-']).unwrap_or(power)))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The number, if RFC 8785 keeps its value.
pub(super) fn exact(text: &str) -> Option<Json> {
    let number = text.parse::<f64>().ok().and_then(|value| Number::from_f64(value).ok())?;
    let kept = Decimal::parse(&number.to_string()) == Decimal::parse(text);
    kept.then_some(Json::Number(number))
}

pub(super) fn not_exact(text: &str, at: &str) -> String {
    let text: String = text.chars().take(40).collect();
    format!("number `{text}` at `{at}` would not keep its value: write it as a string")
}
