//! Timelines written into the text that their tests stand in; every other byte stays.

use std::ops::Range;

/// Where in a text the timeline of a test stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slot {
    /// It is this literal, quotes included.
    Literal(Range<usize>),
    /// Nowhere yet: it belongs on a line of its own, behind the line in which this byte is.
    Behind(usize),
}

impl Slot {
    /// Where it begins.
    const fn start(&self) -> usize {
        match self {
            Self::Literal(span) => span.start,
            Self::Behind(at) => *at,
        }
    }
}

/// `text` with these timelines in their slots.
pub fn rewritten(text: &str, timelines: &[(Slot, String)]) -> String {
    let mut last_first: Vec<&(Slot, String)> = timelines.iter().collect();
    last_first.sort_by_key(|(slot, _)| std::cmp::Reverse(slot.start()));
    let mut out = text.to_owned();
    for (slot, timeline) in last_first {
        match slot {
            Slot::Literal(span) => {
                let written = out.get(span.clone()).unwrap_or_default();
                let literal = literal(timeline, written);
                replace(&mut out, span.clone(), &literal);
            }
            Slot::Behind(at) => {
                let line_end = out.get(*at..).and_then(|rest| rest.find('\n')).map_or(out.len(), |length| at + length);
                let line = format!("\ntimeline = {}", literal(timeline, ""));
                replace(&mut out, line_end..line_end, &line);
            }
        }
    }
    out
}

/// Replaces a range that lies within the text and between characters; no other is ever asked for.
fn replace(text: &mut String, range: Range<usize>, with: &str) {
    if text.get(range.clone()).is_some() {
        text.replace_range(range, with);
    }
}

/// The timeline as TOML writes it, in the quotes that were used before, where they can hold it.
fn literal(timeline: &str, before: &str) -> String {
    if timeline.is_empty() {
        return "\"\"".to_owned();
    }
    let has_escapes = timeline.contains('\\') || timeline.contains("\"\"\"");
    if (before.starts_with("'''") || has_escapes) && !timeline.contains("'''") {
        return format!("'''\n{timeline}'''");
    }
    let escaped = timeline.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
    format!("\"\"\"\n{escaped}\"\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of `timeline` in each test of `text`.
    fn timelines(text: &str) -> Vec<String> {
        let file: toml::Table = toml::from_str(text).unwrap();
        let tests = file["test"].as_array().unwrap();
        tests.iter().map(|test| test["timeline"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn everything_else_stays() {
        let text =
            "# head\r\n[[test]]\nname = 'a' # first\nseries = {}\n\n[[test]]\nname='b'\ntimeline   =   'x' # why\n";
        let first = Slot::Behind(text.find("'a'").unwrap() + 3);
        let second = text.find("'x'").unwrap();
        let changes = [(first, "1m  A  fine\n".to_owned()), (Slot::Literal(second..second + 3), String::new())];
        assert_eq!(
            rewritten(text, &changes),
            "# head\r\n[[test]]\nname = 'a' # first\ntimeline = \"\"\"\n1m  A  fine\n\"\"\"\nseries = {}\n\n[[test]]\nname='b'\n\
             timeline   =   \"\" # why\n"
        );
    }

    #[test]
    fn whatever_a_timeline_holds_is_read_back() {
        for before in ["\"\"", "'''\nx\n'''", "\"\"\"x\"\"\""] {
            for timeline in
                ["a\n", "R{m=\"/\"}\n", "back\\slash \\u{7}\n", "\"\"\"\"\"\n", "'''\n", "''' \\ \"\"\"\n", ""]
            {
                let text = format!("[[test]]\ntimeline = {before}\n[[test]]\ntimeline = 'next'\n");
                let changes = [(Slot::Literal(20..20 + before.len()), timeline.to_owned())];
                assert_eq!(timelines(&rewritten(&text, &changes)), [timeline, "next"], "{before}");
            }
        }
    }
}
