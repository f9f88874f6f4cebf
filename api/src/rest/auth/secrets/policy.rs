//! What a password must be: api.md, section 13.

use secrecy::{ExposeSecret as _, SecretString};

use crate::problem::Fault;

/// Least number of characters.
pub(crate) const CHARS_MIN: usize = 12;
/// Greatest number: what is longer is work for the node and no safer.
pub(crate) const CHARS_MAX: usize = 128;
/// Least number of different characters.
pub(crate) const DISTINCT_MIN: usize = 8;

/// Runs of neighbouring keys.
const KEYBOARD: [&str; 14] = [
    "qwerty", "qwertz", "azerty", "asdfgh", "zxcvbn", "yxcvbn", "poiuyt", "lkjhgf", "mnbvcx",
    "1qaz2wsx", "qazwsx", "1q2w3e", "q1w2e3", "zaq12wsx",
];

/// What passwords are made of that everybody guesses first.
const COMMON: [&str; 20] = [
    "password",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "welcome",
    "letmein",
    "iloveyou",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "changeme",
    "princess",
    "sunshine",
    "monkey",
    "dragon",
    "secret",
    "default",
    "temporary",
    "lexecon",
];

/// Every rule that a password breaks, at `pointer` of the body.
pub(crate) fn faults(pointer: &str, password: &SecretString, username: &str) -> Vec<Fault> {
    let text = password.expose_secret();
    let lower = text.to_lowercase();
    let chars: Vec<char> = text.chars().collect();
    let has = |is: fn(char) -> bool| chars.iter().copied().any(is);
    let mut distinct = chars.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let name = username.to_lowercase();
    let rules: [(bool, &'static str, &'static str); 12] = [
        (chars.len() < CHARS_MIN, "too_short", "must have at least 12 characters"),
        (CHARS_MAX < chars.len(), "too_long", "must have at most 128 characters"),
        (!has(char::is_uppercase), "no_uppercase", "must have an upper-case letter"),
        (!has(char::is_lowercase), "no_lowercase", "must have a lower-case letter"),
        (!has(|c| c.is_ascii_digit()), "no_digit", "must have a digit"),
        (!has(|c| !c.is_alphanumeric()), "no_special", "must have another character"),
        (distinct.len() < DISTINCT_MIN, "too_uniform", "must have 8 different characters"),
        (contains(&lower, &COMMON), "common", "must not be made of a common password"),
        (contains(&lower, &KEYBOARD), "keyboard_run", "must not have a run of neighbouring keys"),
        (has_sequence(&lower), "sequence", "must not have three steps of a sequence"),
        (has_triple(&chars), "repeated", "must not have one character three times in a row"),
        (
            3 <= name.chars().count() && lower.contains(&name),
            "user_name",
            "must not have the user name in it",
        ),
    ];
    let broken = rules.into_iter().filter(|(is_broken, _, _)| *is_broken);
    broken.map(|(_, code, detail)| Fault::at(pointer, code, detail)).collect()
}

fn contains(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// Three letters or digits, each one step up from the one before, or down.
fn has_sequence(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| {
        let [a, b, c] = three else { return false };
        let alike =
            three.iter().all(u8::is_ascii_digit) || three.iter().all(u8::is_ascii_lowercase);
        let step = |from: &u8, to: &u8| i16::from(*to) - i16::from(*from);
        alike && step(a, b) == step(b, c) && step(a, b).abs() == 1
    })
}

fn has_triple(chars: &[char]) -> bool {
    chars.windows(3).any(|three| three.iter().all(|c| Some(c) == three.first()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_is_broken_is_named() {
        for (password, expect) in [
            ("Vigil-Tram0!kesp", ""),
            ("Short-1", "too_short too_uniform"),
            ("vigil-tram0!kesp", "no_uppercase"),
            ("VIGIL-TRAM0!KESP", "no_lowercase"),
            ("Vigil-Tram!kespo", "no_digit"),
            ("VigilTram0kesp7x", "no_special"),
            ("Aa0!Aa0!Aa0!Aa0!", "too_uniform"),
            ("P@ssw0rd-Vigil7!", "common"),
            ("Qwerty-Vigil7!mx", "keyboard_run"),
            ("Vigil-456-Tram!x", "sequence"),
            ("Vigil-cba-Tram7!", "sequence"),
            ("Vigil-777-Tram!x", "repeated"),
            ("Jane.Doe-Vigil7!", "user_name"),
        ] {
            let faults = faults("/password", &SecretString::from(password), "jane.doe");
            let codes: Vec<&str> = faults.iter().map(|fault| fault.code).collect();
            assert_eq!(codes.join(" "), expect, "{password}");
        }
        let long = format!("Vigil-Tram0!kesp{}", "xy".repeat(60));
        assert_eq!(faults("", &SecretString::from(long), "x")[0].code, "too_long");
    }
}
