//! The one spelling of a number: ECMAScript's `Number::toString`, which RFC 8785
//! prescribes in section 3.2.2.3.

/// Digits of an integer that is a double whatever they are.
const PLAIN_DIGITS_MAX: usize = 15;

/// Whether a number is spelled as ECMAScript would spell it.
pub(super) fn is_canonical(text: &str) -> bool {
    is_plain_integer(text) || spelled(text).as_deref() == Some(text)
}

/// Most numbers of a ledger are short integers.
fn is_plain_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_short = (1..=PLAIN_DIGITS_MAX).contains(&digits.len());
    is_short
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (!digits.starts_with('0') || text == "0")
}

/// The spelling of the double that a text reads as.
fn spelled(text: &str) -> Option<String> {
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    // `{:e}` gives the shortest digits that read back as the same double, which
    // are those that ECMAScript asks for.
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e')?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    if digits == "0" {
        return Some("0".to_owned());
    }
    // Where the point goes, counted from the first digit.
    let point = exponent.parse::<i32>().ok()?.checked_add(1)?;
    Some(format!("{sign}{}", laid_out(&digits, point)?))
}

fn laid_out(digits: &str, point: i32) -> Option<String> {
    if (1..=21).contains(&point) {
        let point = usize::try_from(point).ok()?;
        return Some(match digits.split_at_checked(point) {
            Some((whole, "")) => whole.to_owned(),
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => format!("{digits:0<point$}"),
        });
    }
    if (-5..=0).contains(&point) {
        let zeros = usize::try_from(point.unsigned_abs()).ok()?;
        return Some(format!("0.{}{digits}", "0".repeat(zeros)));
    }
    let exponent = point.checked_sub(1)?;
    let sign = if exponent < 0 { '-' } else { '+' };
    let (first, rest) = digits.split_at_checked(1)?;
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{first}{point}{rest}e{sign}{}", exponent.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_ecmascript_spells_them() {
        for text in [
            "0",
            "-1",
            "10",
            "0.5",
            "-0.000001",
            "1e-7",
            "1.5e-7",
            "123456789012345680000",
            "1e+21",
            "-1.7976931348623157e+308",
            "5e-324",
            "9007199254740992",
            "333333333.3333333",
        ] {
            assert!(is_canonical(text), "{text}");
        }
    }

    #[test]
    fn another_spelling_is_refused() {
        for text in [
            "-0",
            "01",
            "-01",
            "1.0",
            "1e2",
            "1E+21",
            "1e21",
            "0.0000001",
            "1000000000000000000000",
            "9007199254740993",
            "1e+400",
            ".5",
            "5.",
            "+1",
            "-",
            "",
            "--1",
            "1-1",
        ] {
            assert!(!is_canonical(text), "{text}");
        }
    }
}
