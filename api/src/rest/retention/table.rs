//! Texts as cells of tables, so that whoever opens the file sees what was recorded
//! and runs nothing of it.

/// A row of CSV: RFC 4180. A cell that a spreadsheet would take for a formula gets
/// an apostrophe in front, which makes it a text there.
pub(super) fn csv_row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(csv_cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn csv_cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// A row of a table of Markdown.
pub(super) fn markdown_row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.into_iter().map(markdown).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A text in Markdown as the characters it is: no markup, no HTML, one line.
pub(super) fn markdown(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '\r' | '\n' | '\t' => written.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                written.push('\\');
                written.push(character);
            }
            other if other.is_control() => (),
            other => written.push(other),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_taken_for_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            let cell = csv_row([text]);
            assert!(cell.trim_start_matches('"').starts_with('\''), "{cell}");
        }
        assert_eq!(csv_row(["a", "", "b=c"]), "a,,b=c\r\n");
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        assert_eq!(
            csv_row(["a,b", "say \"no\"", "=\"a\"", "x\ny"]),
            "\"a,b\",\"say \"\"no\"\"\",\"'=\"\"a\"\"\",\"x\ny\"\r\n"
        );
    }

    #[test]
    fn text_in_markdown_is_no_markup() {
        let text = "<script>a|b</script>\n# [x](y) `z` & *w*";
        let expect = "&lt;script&gt;a\\|b&lt;/script&gt; \\# \\[x\\](y) \\`z\\` &amp; \\*w\\*";
        assert_eq!(markdown(text), expect);
    }
}
