//! Which passwords are taken: api.md, section 13.
//!
//! Not here: whether it was used before, which takes as many comparisons as there
//! are hashes.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};

/// Characters of the shortest password.
pub(crate) const CHARS_MIN: usize = 12;

/// Bytes of the longest: what is hashed has a bound.
pub(crate) const BYTES_MAX: usize = 1024;

/// Different characters of a password.
pub(crate) const DISTINCT_MIN: usize = 8;

/// Neighbours on a keyboard that make a run. Four of a row are in words, such as
/// `property`; five are in none.
const RUN: usize = 5;

/// Rows of the keyboards that are common: English, German, French.
const ROWS: [&str; 8] = [
    "1234567890",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qsdfghjklm",
    "zxcvbnm",
    "wxcvbn",
];

/// The same along columns, which no word goes.
const COLUMNS: [&str; 10] =
    ["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "qazwsx", "1q2w3e", "q1w2e3"];

/// A user name that is shorter is in too many passwords by chance.
const USERNAME_CHARS_MIN: usize = 3;

/// In lower case and order, one a line.
const COMMON: &str = include_str!("common.txt");

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It has too few characters.
    TooShort,
    /// It has too many bytes.
    TooLong,
    /// It has no upper-case letter.
    NoUpper,
    /// It has no lower-case letter.
    NoLower,
    /// It has no digit.
    NoDigit,
    /// It has nothing but letters and digits.
    NoSpecial,
    /// It has too few different characters.
    TooFewDistinct,
    /// It is one that many use.
    Common,
    /// It has neighbours on a keyboard in a row.
    KeyboardRun,
    /// It has three letters or digits in the order of the alphabet, or against it.
    Sequence,
    /// It has a character three times in a row.
    Repeat,
    /// It has the name of the account in it.
    ContainsUsername,
}

impl Fault {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NoUpper => "no_upper_case",
            Self::NoLower => "no_lower_case",
            Self::NoDigit => "no_digit",
            Self::NoSpecial => "no_special",
            Self::TooFewDistinct => "too_few_distinct",
            Self::Common => "common_password",
            Self::KeyboardRun => "keyboard_run",
            Self::Sequence => "sequence",
            Self::Repeat => "repeated_character",
            Self::ContainsUsername => "contains_username",
        }
    }

    /// The same for people.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::TooShort => "must have at least 12 characters",
            Self::TooLong => "must have at most 1024 bytes",
            Self::NoUpper => "must have an upper-case letter",
            Self::NoLower => "must have a lower-case letter",
            Self::NoDigit => "must have a digit",
            Self::NoSpecial => "must have a character that is neither letter nor digit",
            Self::TooFewDistinct => "must have at least 8 different characters",
            Self::Common => "must not be a password that many use",
            Self::KeyboardRun => "must not have neighbouring keys in a row",
            Self::Sequence => "must not have three letters or digits in sequence",
            Self::Repeat => "must not have a character three times in a row",
            Self::ContainsUsername => "must not have the user name in it",
        }
    }
}

/// Everything that is wrong with a password for an account of this name.
pub(crate) fn faults(password: &SecretString, username: &str) -> Vec<Fault> {
    let text = password.expose_secret();
    if BYTES_MAX < text.len() {
        // Whoever sends a megabyte does not have it searched.
        return vec![Fault::TooLong];
    }
    let lower = text.to_lowercase();
    let has = |is: fn(char) -> bool| text.chars().any(is);
    let checks = [
        (Fault::TooShort, text.chars().count() < CHARS_MIN),
        (Fault::NoUpper, !has(char::is_uppercase)),
        (Fault::NoLower, !has(char::is_lowercase)),
        (Fault::NoDigit, !has(|it| it.is_ascii_digit())),
        (Fault::NoSpecial, !has(|it| !it.is_alphanumeric())),
        (Fault::TooFewDistinct, text.chars().collect::<BTreeSet<_>>().len() < DISTINCT_MIN),
        (Fault::Common, COMMON.lines().any(|common| common == lower)),
        (Fault::KeyboardRun, has_keyboard_run(&lower)),
        (Fault::Sequence, has_triple(&lower, is_sequence)),
        (Fault::Repeat, has_triple(text, |[a, b, c]| a == b && b == c)),
        (Fault::ContainsUsername, contains_username(&lower, username)),
    ];
    checks.into_iter().filter(|(_, is_so)| *is_so).map(|(fault, _)| fault).collect()
}

fn has_keyboard_run(lower: &str) -> bool {
    let has = |run: &[u8]| {
        let backwards: Vec<u8> = run.iter().rev().copied().collect();
        let has = |run: &[u8]| lower.as_bytes().windows(run.len()).any(|window| window == run);
        has(run) || has(&backwards)
    };
    let runs = ROWS.iter().flat_map(|row| row.as_bytes().windows(RUN));
    runs.chain(COLUMNS.iter().map(|column| column.as_bytes())).any(has)
}

fn has_triple(text: &str, is: impl Fn([char; 3]) -> bool) -> bool {
    let chars: Vec<char> = text.chars().collect();
    chars.array_windows().any(|triple| is(*triple))
}

fn is_sequence([a, b, c]: [char; 3]) -> bool {
    let [x, y, z] = [a, b, c].map(u32::from);
    let all = |is: fn(&char) -> bool| is(&a) && is(&b) && is(&c);
    let is_of_one_alphabet = all(char::is_ascii_digit) || all(char::is_ascii_lowercase);
    is_of_one_alphabet && ((x + 1 == y && y + 1 == z) || (z + 1 == y && y + 1 == x))
}

fn contains_username(lower: &str, username: &str) -> bool {
    USERNAME_CHARS_MIN <= username.chars().count() && lower.contains(&username.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(password: &str, expect: &[Fault]) {
        assert_eq!(faults(&SecretString::from(password), "maria"), expect, "{password}");
    }

    #[test]
    fn what_breaks_no_rule_is_taken() {
        for password in [
            "Vault7-Marble!Quo",
            "property&Liberty-4 Poverty",
            "Größe des Ozeans: 7",
            &format!("Vault7-Marble!Quo{}", "ab1!".repeat(251)),
        ] {
            check(password, &[]);
        }
    }

    #[test]
    fn each_rule_is_told_by_its_own_code() {
        for (password, expect) in [
            ("Vault7-Mrbl", Fault::TooShort),
            ("Password2026!", Fault::Common),
            ("vault7-marble!quo", Fault::NoUpper),
            ("VAULT7-MARBLE!QUO", Fault::NoLower),
            ("Vault-Marble!Quo", Fault::NoDigit),
            ("Vault7MarbleQuo", Fault::NoSpecial),
            ("Va7-Va7-Va7-Va7-", Fault::TooFewDistinct),
            ("Vault7-Werty!Quo", Fault::KeyboardRun),
            ("Vault7-poiUY!Quo", Fault::KeyboardRun),
            ("Vault-2wsX!Quod8", Fault::KeyboardRun),
            ("Vault7-Marble!xYz", Fault::Sequence),
            ("Vault-Marble!Quo987", Fault::Sequence),
            ("Vault7-Marbbble!Quo", Fault::Repeat),
            ("Vault7-MaRia!Quod", Fault::ContainsUsername),
            (&format!("Vault7-Marble!Quo{}", "ab1!".repeat(252)), Fault::TooLong),
        ] {
            check(password, &[expect]);
        }
        let codes: BTreeSet<_> = ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), ALL.len());
    }

    const ALL: [Fault; 12] = [
        Fault::TooShort,
        Fault::TooLong,
        Fault::NoUpper,
        Fault::NoLower,
        Fault::NoDigit,
        Fault::NoSpecial,
        Fault::TooFewDistinct,
        Fault::Common,
        Fault::KeyboardRun,
        Fault::Sequence,
        Fault::Repeat,
        Fault::ContainsUsername,
    ];

    #[test]
    fn every_fault_is_told_at_once() {
        check(
            "111",
            &[
                Fault::TooShort,
                Fault::NoUpper,
                Fault::NoLower,
                Fault::NoSpecial,
                Fault::TooFewDistinct,
                Fault::Repeat,
            ],
        );
        check("PASSWORD2026!", &[Fault::NoLower, Fault::Common]);
    }

    #[test]
    fn a_name_of_two_letters_is_in_passwords_by_chance() {
        let password = SecretString::from("Vault7-Marble!Quo");
        assert_eq!(faults(&password, "ma"), []);
        assert_eq!(faults(&password, "MARBLE"), [Fault::ContainsUsername]);
        assert_eq!(faults(&password, ""), []);
    }

    #[test]
    fn the_list_of_common_passwords_is_in_lower_case_and_order() {
        let lines: Vec<_> = COMMON.lines().collect();
        assert!(lines.is_sorted());
        assert!(300 < lines.len());
        assert!(lines.iter().all(|line| !line.is_empty() && *line == line.to_lowercase()));
    }
}
