//! How OSCAL spells ids and values: tokens begin with a letter and have no
//! blanks, values are one line without blanks around it.

/// The id of a control, as catalogs in OSCAL have it where there is one:
/// `AC-2(4)` of NIST SP 800-53 is `ac-2.4`. Ids that begin with a digit get the
/// name of their framework before them.
pub(super) fn control_id(framework: &str, id: &str) -> String {
    let id = if framework == "fedramp" { id.to_lowercase() } else { id.to_owned() };
    let mut token = String::new();
    for character in id.chars() {
        match character {
            '(' => token.push('.'),
            ')' => (),
            '.' | '-' | '_' => token.push(character),
            letter if letter.is_ascii_alphanumeric() => token.push(letter),
            _ => token.push('-'),
        }
    }
    let is_token = token.starts_with(|first: char| first.is_ascii_alphabetic());
    if is_token { token } else { format!("{}-{token}", control_id("", framework)) }
}

/// A text as one line, without blanks around it.
pub(super) fn line(text: &str) -> String {
    let is_blank = |character: char| character.is_whitespace() || character.is_control();
    text.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_catalogs_or_at_least_tokens() {
        for (framework, id, token) in [
            ("fedramp", "AC-2(4)", "ac-2.4"),
            ("fedramp", "AU-10", "au-10"),
            ("soc2", "CC6.1", "CC6.1"),
            ("iso27001", "5.15", "iso27001-5.15"),
            ("gdpr", "Art.30(1)", "Art.30.1"),
            ("hipaa", "164.312(a)(2)(i)", "hipaa-164.312.a.2.i"),
            ("nist_ai_rmf", "GOVERN 1.1", "GOVERN-1.1"),
        ] {
            assert_eq!(control_id(framework, id), token);
        }
    }

    #[test]
    fn a_value_is_one_line() {
        assert_eq!(line(" a\n\tb \u{7f}"), "a b");
    }
}
