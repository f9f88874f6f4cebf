//! Words and marks of a Cedar text, each with its line.

/// A word or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    /// With escapes resolved; a `\*` of a pattern stays as it is.
    Text(String),
    Number(String),
    /// `?principal`, `?resource`
    Slot(String),
    Mark(&'static str),
    End,
}

/// Why a text is no Cedar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) detail: String,
}

/// The longer ones first.
const MARKS: [&str; 28] = [
    "::", "==", "!=", "<=", ">=", "&&", "||", "(", ")", "{", "}", "[", "]", ",", ";", ":", ".",
    "@", "<", ">", "!", "+", "-", "*", "/", "%", "=", "|",
];

pub(super) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, Fault> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text, 1);
    loop {
        let trimmed = rest.trim_start();
        let skipped = rest.get(..rest.len() - trimmed.len()).unwrap_or_default();
        line += skipped.matches('\n').count();
        rest = trimmed;
        let Some(first) = rest.chars().next() else {
            found.push((Token::End, line));
            return Ok(found);
        };
        if rest.starts_with("//") {
            rest = rest.get(rest.find('\n').unwrap_or(rest.len())..).unwrap_or_default();
            continue;
        }
        let (token, length) = match first {
            '"' => text_token(rest, line)?,
            '?' => {
                let length = 1 + word_length(rest.get(1..).unwrap_or_default());
                (Token::Slot(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            '0'..='9' => {
                let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                (Token::Number(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = word_length(rest);
                (Token::Name(rest.get(..length).unwrap_or_default().to_owned()), length)
            }
            c => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => (Token::Mark(mark), mark.len()),
                None => return Err(Fault { line, detail: format!("`{c}` is no part of Cedar") }),
            },
        };
        found.push((token, line));
        let taken = rest.get(..length).unwrap_or_default();
        line += taken.matches('\n').count();
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

/// A text in quotes and how many bytes it takes.
fn text_token(rest: &str, line: usize) -> Result<(Token, usize), Fault> {
    let fault = |detail: &str| Fault { line, detail: detail.to_owned() };
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((Token::Text(text), at + 1)),
            '\\' => {
                let (_, escaped) = characters.next().ok_or_else(|| fault("a text has no end"))?;
                match escaped {
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    '0' => text.push('\0'),
                    '\\' | '\'' | '"' => text.push(escaped),
                    '*' => text.push_str("\\*"),
                    _ => return Err(fault("this escape is not imported: write the character")),
                }
            }
            c => text.push(c),
        }
    }
    Err(fault("a text has no end"))
}
