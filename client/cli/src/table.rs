//! Text in columns.

use crate::console::printable;

/// What is shown where there is no value.
pub(crate) const NONE: &str = "-";

/// Rows under a header, each column as wide as its widest cell.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let header = header.map(str::to_owned);
    let rows: Vec<[String; N]> =
        std::iter::once(header).chain(rows).map(|row| row.map(|cell| printable(&cell))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Names and values, one pair a line; a pair without value is left out.
pub(crate) fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let fields: Vec<(&str, String)> =
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in fields {
        text.push_str(format!("{name:width$}  {}", printable(&value)).trim_end());
        text.push('\n');
    }
    text
}

/// The value, or a mark that there is none.
pub(crate) fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// The first digits of a hash, which tell it apart from others in a list.
pub(crate) fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["1".to_owned(), "ä\tb".to_owned()], ["1000".to_owned(), String::new()]];
        assert_eq!(table(["ID", "NAME"], rows), "ID    NAME\n1     ä\\tb\n1000\n");
    }

    #[test]
    fn a_field_without_value_is_left_out() {
        let shown =
            fields([("a", Some("1".to_owned())), ("gone", None), ("bcd", Some("2".to_owned()))]);
        assert_eq!(shown, "a    1\nbcd  2\n");
    }
}
