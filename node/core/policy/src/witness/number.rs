//! Numbers on, between and beyond some numbers.
//!
//! Exact decimals, as in the comparisons: where no canonical number lies between
//! two, none is given.

use types::{Decimal, Json, Number};

/// Digits before the point of any number, and after it of the smallest.
const WHOLE_DIGITS: usize = 17;
const FRACTION_DIGITS: usize = 320;
/// Just beyond the greatest and the least number, which lie within ±(2^53-1).
const BEYOND: &str = "9007199254740992";

/// A number that takes part: its text and its value.
#[derive(Clone, Debug)]
struct Point {
    text: String,
    value: Decimal,
}

impl Point {
    fn new(text: String) -> Option<Self> {
        let value = Decimal::parse(&text)?;
        Some(Self { text, value })
    }
}

pub(super) fn candidates(literals: &[&Json]) -> Vec<Json> {
    let mut points: Vec<Point> = literals.iter().filter_map(|value| point(value)).collect();
    points.sort_by(|a, b| a.value.cmp(&b.value));
    points.dedup_by(|a, b| a.value == b.value);
    let mut found: Vec<Json> = points.iter().filter_map(|point| number(&point.text)).collect();
    for whole in points.iter().filter_map(|point| point.text.parse::<i64>().ok()) {
        let beside = [whole.checked_add(1), whole.checked_sub(1)];
        let beside = beside.into_iter().flatten().filter_map(|whole| Number::from_i64(whole).ok());
        found.extend(beside.map(Json::Number));
    }
    let mut edges: Vec<Point> = Point::new(format!("-{BEYOND}")).into_iter().collect();
    edges.extend(points);
    edges.extend(Point::new(BEYOND.to_owned()));
    let gaps = edges.iter().zip(edges.iter().skip(1));
    found.extend(gaps.filter_map(|(low, high)| between(low, high)));
    found
}

fn point(value: &Json) -> Option<Point> {
    match value {
        Json::Number(number) => Point::new(number.to_string()),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The nearest number there is.
fn number(text: &str) -> Option<Json> {
    Number::from_f64(text.parse().ok()?).ok().map(Json::Number)
}

/// A number above one and below the other.
fn between(low: &Point, high: &Point) -> Option<Json> {
    let (low_digits, high_digits) = (fixed(&low.text)?, fixed(&high.text)?);
    let is_negative = |point: &Point| point.text.starts_with('-');
    let text = match (is_negative(low), is_negative(high)) {
        (true, false) if high_digits.iter().any(|digit| 0 < *digit) => "0".to_owned(),
        (true, false) => format!("-{}", spelled(&middle(&high_digits, &low_digits)?)),
        (false, _) => spelled(&middle(&low_digits, &high_digits)?),
        (true, true) => format!("-{}", spelled(&middle(&high_digits, &low_digits)?)),
    };
    // Where the shortest decimal between is no number, one of its neighbours is
    // the only other candidate: numbers and their texts have the same order.
    let nearest: f64 = text.parse().ok()?;
    let candidates = [nearest, nearest.next_up(), nearest.next_down()];
    candidates.into_iter().filter_map(|value| Number::from_f64(value).ok()).find_map(|number| {
        let value = Decimal::parse(&number.to_string())?;
        (low.value < value && value < high.value).then_some(Json::Number(number))
    })
}

/// The digits without sign, all numbers to the same scale.
fn fixed(text: &str) -> Option<Vec<u8>> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, power) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let power: isize = power.parse().ok()?;
    let first = isize::try_from(WHOLE_DIGITS.checked_sub(whole.len())?).ok()?.checked_sub(power)?;
    let first = usize::try_from(first).ok()?;
    let mut digits = vec![0; first];
    digits.extend(whole.bytes().chain(fraction.bytes()).map(|digit| digit.saturating_sub(b'0')));
    let length = WHOLE_DIGITS.saturating_add(FRACTION_DIGITS);
    if length < digits.len() {
        return None;
    }
    digits.resize(length, 0);
    Some(digits)
}

/// A short row of digits above one row and below another.
fn middle(low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let at = low.iter().zip(high).position(|(low, high)| low != high)?;
    let (below, above) = (*low.get(at)?, *high.get(at)?);
    let mut digits = low.get(..at)?.to_vec();
    if below.saturating_add(1) < above {
        digits.push(below.saturating_add(1));
        return Some(digits);
    }
    let is_above_round = high.iter().skip(at).skip(1).any(|digit| 0 < *digit);
    if is_above_round {
        digits.push(above);
        return Some(digits);
    }
    digits.push(below);
    for digit in low.iter().skip(at).skip(1) {
        if *digit < 9 {
            digits.push(digit.saturating_add(1));
            return Some(digits);
        }
        digits.push(*digit);
    }
    None
}

fn spelled(digits: &[u8]) -> String {
    let mut text = String::new();
    for at in 0..WHOLE_DIGITS.max(digits.len()) {
        if at == WHOLE_DIGITS {
            text.push('.');
        }
        let digit = digits.get(at).copied().unwrap_or(0);
        text.push(char::from(b'0'.saturating_add(digit)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(low: &str, high: &str, expect: Option<&str>) {
        let point = |text: &str| Point::new(text.to_owned()).unwrap();
        let found = between(&point(low), &point(high)).map(|number| number.to_canonical());
        assert_eq!(found.as_deref(), expect, "{low} {high}");
    }

    #[test]
    fn between_two_numbers_lies_a_short_one() {
        check("500", "501", Some("500.1"));
        check("499.5", "501", Some("500"));
        check("0", "1", Some("0.1"));
        check("0.99", "1", Some("0.991"));
        check("0", "1e-300", None);
        check("0", "1.5e-300", Some("1e-300"));
        check("-1", "1", Some("0"));
        check("-1", "0", Some("-0.1"));
        check("-2", "-1", Some("-1.1"));
        check("9007199254740991", BEYOND, None);
        check("9007199254740990", "9007199254740991", None);
        check("-9007199254740992", "500", Some("0"));
    }

    #[test]
    fn where_doubles_touch_there_is_nothing_between() {
        let next = |value: f64| Number::from_f64(value.next_up()).unwrap().to_string();
        check("0.1", &next(0.1), None);
        check("1.5", &next(1.5), None);
        let after_next = Number::from_f64(0.1_f64.next_up().next_up()).unwrap().to_string();
        check("0.1", &after_next, Some(&next(0.1)));
    }
}
