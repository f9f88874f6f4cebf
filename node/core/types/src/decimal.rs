//! Exact decimal values, for comparing numbers as their text says them.
//!
//! No floats: 0.1 here is one tenth.

use std::cmp::Ordering;

/// A decimal number `0.d1d2d3… × 10^exponent`, compared by value.
///
/// INVARIANT: `digits` neither begins nor ends with zero, and is empty for
/// zero, whose sign and exponent are then positive and 0; [`Decimal::parse`]
/// upholds it. So equal values are equal structs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    exponent: i64,
    digits: Vec<u8>,
}

impl Decimal {
    /// Reads a JSON number (RFC 8259, section 6), or `None` for other text and
    /// for exponents beyond ±100,000.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, parse_power(power)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some((whole, fraction)) => (whole, fraction),
            None => (mantissa, ""),
        };
        let leading_zero = 1 < whole.len() && whole.starts_with('0');
        let mut all = whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || leading_zero || !all.all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let point = i64::try_from(whole.len()).ok()?.checked_add(power)?;
        Some(Self::normal(negative, &digits, point))
    }

    fn normal(negative: bool, digits: &[u8], point: i64) -> Self {
        let Some(first) = digits.iter().position(|digit| *digit != b'0') else {
            return Self { negative: false, exponent: 0, digits: Vec::new() };
        };
        let last = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(first);
        let skipped = i64::try_from(first).unwrap_or(i64::MAX);
        Self {
            negative,
            exponent: point.saturating_sub(skipped),
            digits: digits[first..=last].to_vec(),
        }
    }

    fn cmp_size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }
}

fn parse_power(text: &str) -> Option<i64> {
    const POWER_MAX: i64 = 100_000;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let power: i64 = unsigned.parse().ok().filter(|power| *power <= POWER_MAX)?;
    Some(if text.starts_with('-') { -power } else { power })
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_size(other),
            (true, true) => other.cmp_size(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn one_value_has_many_spellings() {
        for (a, b) in
            [("1.10", "1.1"), ("-0", "0"), ("100", "1e2"), ("0.010", "1E-2"), ("0e9", "0")]
        {
            assert_eq!(decimal(a), decimal(b), "{a} {b}");
        }
        assert_ne!(decimal("0.1"), decimal("0.1000000000000000055511151231257827"));
    }

    #[test]
    fn values_are_ordered_exactly() {
        let ascending = ["-1e3", "-999.9", "-0.1", "0", "1e-9", "0.09", "0.1", "9", "10", "10.5"];
        for pair in ascending.windows(2) {
            assert!(decimal(pair[0]) < decimal(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn text_that_is_no_json_number_is_refused() {
        for text in ["", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x1", "1 ", "1e100001", "NaN"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
