//! Results in the XML that build servers read: one suite for each file.

use super::Tested;

/// The whole file.
pub(super) fn xml(files: &[Tested<'_>]) -> String {
    let cases = files.iter().flat_map(|file| &file.judged);
    let failed = cases.clone().filter(|judged| !judged.passed()).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str(&format!(
        "<testsuites name=\"lexecon policy test\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
        cases.count()
    ));
    for file in files {
        suite(file, &mut xml);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(file: &Tested<'_>, xml: &mut String) {
    let failed = file.judged.iter().filter(|judged| !judged.passed()).count();
    let name = escaped(&file.suite.file);
    let count = file.judged.len();
    xml.push_str(&format!(
        "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failed}\" errors=\"0\">\n"
    ));
    for judged in &file.judged {
        let case = escaped(&judged.case.name);
        if judged.passed() {
            xml.push_str(&format!("    <testcase classname=\"{name}\" name=\"{case}\"/>\n"));
            continue;
        }
        let first = judged.differences.first();
        let message = first.map_or_else(String::new, |difference| {
            format!("expected {}, got {}", difference.expected, difference.actual)
        });
        let what = first.map_or("", |difference| difference.what);
        xml.push_str(&format!(
            "    <testcase classname=\"{name}\" name=\"{case}\">\n      \
             <failure type=\"{what}\" message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(&message),
            escaped(&judged.explanation())
        ));
    }
    xml.push_str("  </testsuite>\n");
}

/// Text as it may stand in an element or an attribute (XML 1.0, section 2.4).
/// What no XML document may hold (section 2.2) is replaced, not dropped.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' | '\t' | '\r' => xml.push_str(&format!("&#{};", u32::from(c))),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_taken_for_xml() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{1b}ü'"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\u{fffd}ü'"
        );
    }
}
