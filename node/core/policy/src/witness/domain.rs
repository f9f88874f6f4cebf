//! Which values a key can hold: anything for a key of the context, and what the
//! request or the clock can say for the others.
//!
//! INVARIANT: no domain is smaller than what requests are checked for (api.md,
//! section 2.2), else something possible would be called impossible.

use types::time::Micros;
use types::{Json, Timestamp};

/// Letters are ASCII in requests, so the order of bytes is that of characters.
const ACTOR: &str = "-./0123456789:@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const ACTION: &str = " ()-./0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
const TOOL: &str = "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Days from 1970-01-01 to 9999-12-31.
const DAY_MAX: u64 = 2_932_896;
const SECONDS_PER_DAY: u64 = 86_400;

/// What a key can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// Any value but `null`, or none.
    Anything,
    /// Whole numbers from one to another.
    Integers(u32, u32),
    /// `low` to `critical`.
    Levels,
    /// Days as `2027-03-04`.
    Dates,
    /// A text of some characters.
    Words(Words),
}

/// Texts of some characters that neither begin nor end with a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// In order.
    characters: &'static str,
    chars_max: usize,
    can_miss: bool,
    /// The same as a pattern.
    pattern: &'static str,
}

impl Domain {
    pub(super) fn of(key: &str) -> Self {
        const ACTOR_PATTERN: &str = r"[-./0-9:@A-Z_a-z]+";
        const ACTION_PATTERN: &str =
            r"[-()./0-9:A-Z_a-z](?:[- ()./0-9:A-Z_a-z]*[-()./0-9:A-Z_a-z])?";
        const TOOL_PATTERN: &str = r"[-.0-9A-Z_a-z]+";
        let words = |characters, chars_max, can_miss, pattern| {
            Self::Words(Words { characters, chars_max, can_miss, pattern })
        };
        match key {
            "decision.risk_score" => Self::Integers(1, 100),
            "decision.risk_level" => Self::Levels,
            "decision.actor" => words(ACTOR, 255, false, ACTOR_PATTERN),
            "decision.action" => words(ACTION, 512, false, ACTION_PATTERN),
            "decision.resource" => words(ACTION, 512, true, ACTION_PATTERN),
            "decision.tool" => words(TOOL, 255, true, TOOL_PATTERN),
            "time.hour_utc" => Self::Integers(0, 23),
            "time.weekday_utc" => Self::Integers(1, 7),
            "time.date_utc" => Self::Dates,
            _ => Self::Anything,
        }
    }

    pub(super) fn is_anything(&self) -> bool {
        *self == Self::Anything
    }

    pub(super) fn can_miss(&self) -> bool {
        match self {
            Self::Anything => true,
            Self::Integers(..) | Self::Levels | Self::Dates => false,
            Self::Words(words) => words.can_miss,
        }
    }

    /// Every value, where they are few.
    pub(super) fn values(&self) -> Option<Vec<Json>> {
        match self {
            Self::Integers(low, high) => Some((*low..=*high).map(Json::from).collect()),
            Self::Levels => Some(["low", "medium", "high", "critical"].map(Json::from).into()),
            Self::Anything | Self::Dates | Self::Words(_) => None,
        }
    }

    /// Whether the key can hold this text.
    pub(super) fn admits(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Integers(..) => false,
            Self::Levels => ["low", "medium", "high", "critical"].contains(&text),
            Self::Dates => first_day_from(text).is_some_and(|day| date(day) == text),
            Self::Words(words) => {
                !text.is_empty()
                    && text.trim() == text
                    && text.chars().count() <= words.chars_max
                    && text.chars().all(|character| words.characters.contains(character))
            }
        }
    }

    /// The texts the key can hold, as a pattern.
    pub(super) fn pattern(&self) -> Option<&'static str> {
        match self {
            Self::Anything => Some("(?s:.)*"),
            Self::Words(words) => Some(words.pattern),
            Self::Integers(..) | Self::Levels | Self::Dates => None,
        }
    }

    /// The first character after this one, or the first of all. A space does
    /// not begin a text.
    pub(super) fn above(&self, character: Option<char>, is_first: bool) -> Option<char> {
        let Self::Words(words) = self else {
            let Some(character) = character else {
                return Some('\0');
            };
            return (character..).nth(1);
        };
        words
            .characters
            .chars()
            .filter(|found| !is_first || *found != ' ')
            .find(|found| character.is_none_or(|character| character < *found))
    }

    /// The last character before this one.
    pub(super) fn below(&self, character: char, is_first: bool) -> Option<char> {
        let Self::Words(words) = self else {
            return ('\0'..character).next_back();
        };
        words
            .characters
            .chars()
            .rev()
            .filter(|found| !is_first || *found != ' ')
            .find(|found| *found < character)
    }

    /// Whether a text may have this character.
    pub(super) fn has(&self, character: char) -> bool {
        match self {
            Self::Words(words) => words.characters.contains(character),
            Self::Anything | Self::Integers(..) | Self::Levels | Self::Dates => true,
        }
    }
}

/// The days of a leap year, for endings and patterns of dates.
pub(super) fn some_year() -> impl Iterator<Item = String> {
    const FROM: u64 = 21_184;
    (FROM..FROM.saturating_add(366)).map(date)
}

/// The days around a text: the last before it and the first two not before it.
pub(super) fn dates_around(text: &str) -> impl Iterator<Item = String> {
    let next = first_day_from(text);
    let last = next.map_or(Some(DAY_MAX), |day| day.checked_sub(1));
    let after = next.and_then(|day| day.checked_add(1)).filter(|day| *day <= DAY_MAX);
    [next, last, after].into_iter().flatten().map(date)
}

/// The first and the last day there is.
pub(super) fn ends_of_time() -> [String; 2] {
    [date(0), date(DAY_MAX)]
}

/// The first day whose date is not before this text.
fn first_day_from(text: &str) -> Option<u64> {
    let (mut low, mut high) = (0, DAY_MAX.saturating_add(1));
    while low < high {
        let middle = low.midpoint(high);
        if date(middle).as_str() < text {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    (low <= DAY_MAX).then_some(low)
}

fn date(day: u64) -> String {
    let Micros(since) = Micros::from_seconds(day.saturating_mul(SECONDS_PER_DAY));
    let civil = Timestamp(since).civil();
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_from_both_sides() {
        let around: Vec<String> = dates_around("2028-02-29").collect();
        assert_eq!(around, ["2028-02-29", "2028-02-28", "2028-03-01"]);
        assert_eq!(dates_around("a").collect::<Vec<_>>(), ["9999-12-31"]);
        assert_eq!(dates_around("").collect::<Vec<_>>(), ["1970-01-01", "1970-01-02"]);
        assert_eq!(some_year().next().as_deref(), Some("2028-01-01"));
        assert_eq!(some_year().last().as_deref(), Some("2028-12-31"));
    }

    #[test]
    fn a_word_of_the_request_has_only_the_characters_it_may_have() {
        let action = Domain::of("decision.action");
        assert!(action.admits("read claim") && action.admits("a(b)"));
        for text in ["", " a", "a ", "a@b", "ä"] {
            assert!(!action.admits(text), "{text}");
        }
        assert!(Domain::of("decision.actor").admits("a@b:c"));
        assert!(!Domain::of("decision.tool").admits("a:b"));
        assert!(Domain::of("time.date_utc").admits("2028-02-29"));
        assert!(!Domain::of("time.date_utc").admits("2027-02-29"));
    }
}
