//! Time as the state machine sees it: a number stamped by the leader.
//!
//! Text is RFC 3339, UTC, six fraction digits, `Z`. On input any offset or a
//! bare date is taken; leap seconds are not, since the count has none.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const MICROS_PER_SECOND: u64 = 1_000_000;
const SECONDS_PER_DAY: u64 = 86_400;

/// Microseconds since the Unix epoch. Years 1970 to 9999 have a text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub u64);

/// A span of time in microseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Micros(pub u64);

impl Micros {
    /// Whole seconds as a span; saturates at the end of time.
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }
}

/// Civil date and time of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1970..
    pub year: u64,
    /// 1..=12
    pub month: u8,
    /// 1..=31
    pub day: u8,
    /// 0..=23
    pub hour: u8,
    /// 0..=59
    pub minute: u8,
    /// 0..=59
    pub second: u8,
    /// 0..=999_999
    pub micros: u32,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
}

impl Timestamp {
    /// The last instant whose text has a four-digit year.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// Reads the text that is written, `2027-03-04T05:06:07.123456Z`, and no
    /// other spelling of the same time.
    pub fn from_canonical(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let (clock, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
        let micros = rest.strip_prefix('.')?.strip_suffix('Z').filter(|text| text.len() == 6)?;
        let seconds = days(date)? * SECONDS_PER_DAY + seconds_of_day(clock)?;
        Some(Self(seconds * MICROS_PER_SECOND + number(micros)?))
    }

    /// Adds a span, or `None` past [`Timestamp::MAX`].
    pub fn checked_add(self, span: Micros) -> Option<Self> {
        self.0.checked_add(span.0).map(Self).filter(|sum| *sum <= Self::MAX)
    }

    /// Whole milliseconds, as the time part of a ULID counts them.
    pub fn millis(self) -> u64 {
        self.0 / 1000
    }

    /// Whole seconds, rounded down, as token claims count them.
    pub fn seconds(self) -> u64 {
        self.0 / MICROS_PER_SECOND
    }

    /// Civil form, by the days-to-date rule of H. Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms".
    pub fn civil(self) -> Civil {
        let seconds = self.seconds();
        let (days, of_day) = (seconds / SECONDS_PER_DAY, seconds % SECONDS_PER_DAY);
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let of_era = shifted % 146_097;
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Civil {
            year,
            month: small(month),
            day: small(day),
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
            micros: u32::try_from(self.0 % MICROS_PER_SECOND).unwrap_or(0),
            weekday: small((days + 3) % 7 + 1),
        }
    }
}

/// Every value given here is below 100 by the arithmetic that made it.
fn small(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, micros, .. } = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Text that is no RFC 3339 time or date between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time or date between 1970 and 9999")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Takes `2027-03-04`, `2027-03-04T05:06:07[.1-9 digits][Z|+hh:mm]`. A time
    /// without offset is UTC; digits past microseconds are cut.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text).ok_or(TimestampError)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (date, rest) = match text.get(10..11) {
        None => (text, ""),
        Some("T" | "t" | " ") => (text.get(..10)?, text.get(11..)?),
        Some(_) => return None,
    };
    let days = days(date)?;
    if rest.is_empty() {
        return (text.len() == 10).then_some(Timestamp(days * SECONDS_PER_DAY * MICROS_PER_SECOND));
    }
    let clock = rest.get(..8)?;
    let (fraction, zone) = fraction(rest.get(8..)?)?;
    let of_day = seconds_of_day(clock)?;
    let local = i64::try_from(days * SECONDS_PER_DAY + of_day).ok()?;
    let seconds = u64::try_from(local - offset_seconds(zone)?).ok()?;
    let stamp = Timestamp(seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(fraction)?);
    (stamp <= Timestamp::MAX).then_some(stamp)
}

/// Days since 1970-01-01 of `yyyy-mm-dd`.
fn days(date: &str) -> Option<u64> {
    let bytes = date.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, month, day) =
        (number(date.get(..4)?)?, number(date.get(5..7)?)?, number(date.get(8..)?)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year / 400;
    let year_of_era = shifted_year % 400;
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    Some(era * 146_097 + of_era - 719_468)
}

fn seconds_of_day(clock: &str) -> Option<u64> {
    let bytes = clock.as_bytes();
    if bytes.len() != 8 || bytes[2] != b':' || bytes[5] != b':' {
        return None;
    }
    let (hour, minute, second) =
        (number(clock.get(..2)?)?, number(clock.get(3..5)?)?, number(clock.get(6..)?)?);
    (hour < 24 && minute < 60 && second < 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Splits `.123456Z` into microseconds and what follows.
fn fraction(text: &str) -> Option<(u64, &str)> {
    let Some(digits) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, zone) = digits.split_at(end);
    if !(1..=9).contains(&digits.len()) {
        return None;
    }
    let padded = format!("{digits:0<6}");
    Some((number(padded.get(..6)?)?, zone))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    let (sign, clock) = match zone.as_bytes().first() {
        None => return Some(0),
        Some(b'Z' | b'z') => return (zone.len() == 1).then_some(0),
        Some(b'+') => (1, zone.get(1..)?),
        Some(b'-') => (-1, zone.get(1..)?),
        Some(_) => return None,
    };
    let seconds = seconds_of_day(&format!("{clock}:00"))?;
    Some(sign * i64::try_from(seconds).ok()?)
}

/// Digits alone: `str::parse` would also take a sign.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        let got = match text.parse::<Timestamp>() {
            Ok(stamp) => stamp.to_string(),
            Err(_) => "refused".to_owned(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn times_read_as_rfc_3339() {
        check("2027-03-04T05:06:07.123456Z", "2027-03-04T05:06:07.123456Z");
        check("2027-03-04T05:06:07.1239999Z", "2027-03-04T05:06:07.123999Z");
        check("2027-03-04T05:06:07+02:00", "2027-03-04T03:06:07.000000Z");
        check("2027-03-04t05:06:07-00:30", "2027-03-04T05:36:07.000000Z");
        check("2027-03-04 05:06:07", "2027-03-04T05:06:07.000000Z");
        check("2028-02-29", "2028-02-29T00:00:00.000000Z");
        check("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "2027-02-29",
            "2027-3-04",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+01:00",
            "2027-03-04T24:00:00Z",
            "2027-03-04T05:06:60Z",
            "2027-03-04T05:06Z",
            "2027-03-04T05:06:07.Z",
            "2027-03-04T05:06:07.1234567890Z",
            "2027-03-04T",
            "+027-03-04",
            "2027-03-04T05:06:07ZZ",
            "2027-03-04T05:06:07+2:00",
            "",
        ] {
            check(text, "refused");
        }
    }

    #[test]
    fn one_spelling_of_a_time_is_canonical() {
        for text in ["1970-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"] {
            assert_eq!(Timestamp::from_canonical(text).unwrap().to_string(), text);
        }
        for refused in [
            "2027-03-04T05:06:07.12345Z",
            "2027-03-04T05:06:07.1234567Z",
            "2027-03-04T05:06:07.+12345Z",
            "2027-03-04t05:06:07.123456Z",
            "2027-03-04T05:06:07.123456z",
            "2027-03-04T05:06:07.123456+00:00",
            "2027-03-04T05:06:07Z",
            "2027-03-04",
            "2027-02-29T05:06:07.123456Z",
            "1969-12-31T23:59:59.999999Z",
            "2027-03-0\u{e9}T05:06:07.123456Z",
            "",
        ] {
            assert_eq!(Timestamp::from_canonical(refused), None, "{refused}");
        }
    }

    #[test]
    fn the_week_begins_on_monday() {
        let monday: Timestamp = "2027-03-01".parse().unwrap();
        assert_eq!(monday.civil().weekday, 1);
        assert_eq!(Timestamp(0).civil().weekday, 4);
    }
}
