//! A small drawing of boxes in columns and arrows between them, as SVG. The same
//! boxes give the same bytes: places are integers and follow from the order.
//!
//! It draws what it is given; which boxes there are, `pictures` decides.

use std::fmt::Write as _;

/// Boxes of a column beyond these are counted in one.
pub(super) const BOXES_MAX: usize = 12;
/// Characters of a line of a box.
const CHARS_MAX: usize = 30;

const BOX_WIDTH: usize = 220;
const BOX_HEIGHT: usize = 44;
const GAP_X: usize = 110;
const GAP_Y: usize = 18;
const MARGIN: usize = 20;
const HEAD: usize = 34;

/// A box: what stands in it, in one line or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) line: String,
    pub(super) second: Option<String>,
}

impl Cell {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), second: None }
    }

    pub(super) fn with(line: impl Into<String>, second: impl Into<String>) -> Self {
        Self { line: line.into(), second: Some(second.into()) }
    }
}

/// Boxes under a heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// An arrow from a box of a column to one of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    /// The column it begins in.
    pub(super) column: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    /// Drawn with dashes.
    pub(super) is_dashed: bool,
}

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) title: String,
    pub(super) columns: Vec<Column>,
    pub(super) arrows: Vec<Arrow>,
}

impl Drawing {
    /// The drawing as a text without an empty line in it, so that it stays one
    /// piece inside of Markdown.
    pub(super) fn to_svg(&self) -> String {
        let rows = self.columns.iter().map(|column| shown(column).len()).max().unwrap_or(0);
        let (width, height) = (x(self.columns.len()).saturating_sub(GAP_X), y(rows));
        let width = width.saturating_add(MARGIN);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<title>{}</title>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" \
             refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
             <path d=\"M0 0L8 4L0 8z\" fill=\"#444\"/></marker></defs>\n",
            escaped(&self.title)
        );
        for (at, column) in self.columns.iter().enumerate() {
            draw_column(&mut svg, at, column);
        }
        for arrow in &self.arrows {
            self.draw_arrow(&mut svg, *arrow);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Boxes that are not shown are all at the box that counts them.
    fn draw_arrow(&self, svg: &mut String, arrow: Arrow) {
        let next = arrow.column.saturating_add(1);
        let row = |column: usize, row: usize| {
            let last = self.columns.get(column).map_or(0, |column| shown(column).len());
            row.min(last.saturating_sub(1))
        };
        let middle = |row: usize| y(row).saturating_add(BOX_HEIGHT / 2);
        let (from, to) = (row(arrow.column, arrow.from), row(next, arrow.to));
        let dashes = if arrow.is_dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        // Writing to a text does not fail.
        let _ = writeln!(
            svg,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#444\"{dashes} \
             marker-end=\"url(#tip)\"/>",
            x(arrow.column).saturating_add(BOX_WIDTH),
            middle(from),
            x(next),
            middle(to),
        );
    }
}

fn x(column: usize) -> usize {
    MARGIN.saturating_add(column.saturating_mul(BOX_WIDTH.saturating_add(GAP_X)))
}

fn y(row: usize) -> usize {
    MARGIN.saturating_add(HEAD).saturating_add(row.saturating_mul(BOX_HEIGHT.saturating_add(GAP_Y)))
}

/// The boxes of a column that are drawn, the last one for the rest.
fn shown(column: &Column) -> Vec<Cell> {
    let mut cells: Vec<Cell> = column.cells.iter().take(BOXES_MAX).cloned().collect();
    let rest = column.cells.len().saturating_sub(BOXES_MAX);
    if 0 < rest {
        cells.push(Cell::new(format!("{rest} more")));
    }
    cells
}

fn draw_column(svg: &mut String, at: usize, column: &Column) {
    let left = x(at);
    let middle = left.saturating_add(BOX_WIDTH / 2);
    let text = |svg: &mut String, y: usize, weight: &str, line: &str| {
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\" font-weight=\"{weight}\">{}\
             </text>",
            escaped(&cut(line))
        );
    };
    text(svg, MARGIN.saturating_add(14), "bold", column.heading);
    for (row, cell) in shown(column).iter().enumerate() {
        let top = y(row);
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"6\" \
             fill=\"#f4f6fa\" stroke=\"#444\"/>"
        );
        match &cell.second {
            Some(second) => {
                text(svg, top.saturating_add(18), "normal", &cell.line);
                text(svg, top.saturating_add(35), "normal", second);
            }
            None => text(svg, top.saturating_add(27), "normal", &cell.line),
        }
    }
}

/// At most so many characters of a line, none of them one that XML refuses.
fn cut(line: &str) -> String {
    let plain = |c: char| if c.is_control() || is_hidden(c) { ' ' } else { c };
    let mut kept: String = line.chars().take(CHARS_MAX).map(plain).collect();
    if CHARS_MAX < line.chars().count() {
        kept.push('…');
    }
    kept
}

/// Whether a character shows as nothing and can change what is read: one that no
/// terminal or XML takes, and marks that turn the direction of writing, which can
/// make a text read as another one.
pub(super) fn is_hidden(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\r' | '\t');
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || (character.is_control() && !is_layout) || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// Text as XML and HTML take it, between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other if is_hidden(other) => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawing(cells: usize) -> Drawing {
        let cells = (0..cells).map(|n| Cell::new(format!("<{n}> & \"x\""))).collect();
        Drawing {
            title: "a < b".to_owned(),
            columns: vec![
                Column { heading: "From", cells },
                Column { heading: "To", cells: vec![Cell::with("one", "two")] },
            ],
            arrows: vec![Arrow { column: 0, from: 99, to: 0, is_dashed: true }],
        }
    }

    #[test]
    fn the_same_boxes_give_the_same_bytes_in_one_piece() {
        let svg = drawing(3).to_svg();
        assert_eq!(svg, drawing(3).to_svg());
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("\n\n"));
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(svg.matches("<line").count(), 1);
    }

    #[test]
    fn what_names_say_is_text_and_no_markup() {
        let svg = drawing(1).to_svg();
        assert!(svg.contains("&lt;0&gt; &amp; &quot;x&quot;") && svg.contains("<title>a &lt; b"));
        assert_eq!(cut("a\u{7}b"), "a b");
        assert_eq!(escaped("a\0\u{1b}\u{202e}\u{200f}\nb"), "a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\nb");
        assert_eq!(cut(&"ä".repeat(31)).chars().count(), 31);
    }

    #[test]
    fn boxes_beyond_the_most_are_counted_and_arrows_stay_inside() {
        let svg = drawing(BOXES_MAX + 3).to_svg();
        assert!(svg.contains(">3 more</text>"));
        assert_eq!(svg.matches("<rect").count(), BOXES_MAX + 2);
        let last = y(BOXES_MAX) + BOX_HEIGHT / 2;
        assert!(svg.contains(&format!("y1=\"{last}\"")), "{svg}");
    }
}
