//! Numbers of I-JSON (RFC 7493, section 2.2) in the one spelling of RFC 8785,
//! section 3.2.2.3, which is ECMAScript's `Number::toString`.

use std::fmt;

/// 2^53-1: the largest integer every reader of JSON agrees about.
const INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// A number: an integer within ±(2^53-1), or a fraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    Integer(i64),
    /// INVARIANT: the canonical text of a double that is no integer; made by
    /// [`Number::from_f64`] and checked by [`Number::from_canonical`].
    Fraction(Box<str>),
}

/// A number that JSON readers would not agree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("number has no canonical form: send it as a string")]
pub struct NumberError;

impl Number {
    /// Saturates at 2^53-1.
    pub fn from_u64(value: u64) -> Self {
        Self(Form::Integer(i64::try_from(value.min(INTEGER_MAX)).unwrap_or(i64::MAX)))
    }

    /// Refuses what lies beyond ±(2^53-1).
    pub fn from_i64(value: i64) -> Result<Self, NumberError> {
        if value.unsigned_abs() > INTEGER_MAX {
            return Err(NumberError);
        }
        Ok(Self(Form::Integer(value)))
    }

    /// The double that a JSON reader made of a number's text. Refuses infinities,
    /// NaN, |x| ≥ 2^53 and 0 < |x| < 1e-300. `-0` is 0.
    pub fn from_f64(value: f64) -> Result<Self, NumberError> {
        // Rust's `{:e}` gives the shortest digits that read back as the same
        // double, which are the digits ECMAScript asks for.
        let shortest = format!("{value:e}");
        let (mantissa, exponent) = shortest.split_once('e').ok_or(NumberError)?;
        let exponent: i32 = exponent.parse().map_err(|_| NumberError)?;
        let (sign, unsigned) = match mantissa.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", mantissa),
        };
        let digits = unsigned.replace('.', "");
        if digits == "0" {
            return Ok(Self(Form::Integer(0)));
        }
        if !(-300..16).contains(&exponent) {
            return Err(NumberError);
        }
        let count = i32::try_from(digits.len()).map_err(|_| NumberError)?;
        if count <= exponent + 1 {
            let zeros = usize::try_from(exponent + 1 - count).map_err(|_| NumberError)?;
            let text = format!("{sign}{digits}{}", "0".repeat(zeros));
            return Self::from_i64(text.parse().map_err(|_| NumberError)?);
        }
        Ok(Self(Form::Fraction(spell(sign, &digits, exponent).into())))
    }

    /// Reads a canonical spelling and nothing else.
    pub fn from_canonical(text: &str) -> Result<Self, NumberError> {
        let value: f64 = text.parse().map_err(|_| NumberError)?;
        let number = Self::from_f64(value)?;
        if number.to_string() == text { Ok(number) } else { Err(NumberError) }
    }

    /// The value if it is an integer.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Form::Integer(value) => Some(*value),
            Form::Fraction(_) => None,
        }
    }
}

/// A fraction as ECMAScript writes it; `digits` are `d.ddd × 10^exponent`.
fn spell(sign: &str, digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at(1);
    match usize::try_from(exponent) {
        Ok(exponent) => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Err(_) if exponent >= -6 => {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            format!("{sign}0.{}{digits}", "0".repeat(zeros))
        }
        Err(_) if rest.is_empty() => format!("{sign}{first}e{exponent}"),
        Err(_) => format!("{sign}{first}.{rest}e{exponent}"),
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Integer(value) => write!(f, "{value}"),
            Form::Fraction(text) => f.write_str(text),
        }
    }
}
