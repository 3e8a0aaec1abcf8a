//! Making foreign text harmless: whatever a backend, a label or a server's answer contains, a terminal,
//! a log line or a message header shows it as visible characters on one line.

/// `text` on one line with control characters, bidirectional overrides and invisible joiners shown as `\u{..}`.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_harmful(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Control characters (C0, C1, DEL), line separators, bidirectional controls and zero-width characters.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// At most `max` characters of `text`, the last one being `…` where something was cut.
pub fn clip(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// A provider's answer or an error, fit for a log, a table cell or the store: harmless, one line, short.
pub fn answer(text: &str) -> String {
    clip(&one_line(text), 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_steers_a_terminal_or_a_reader() {
        assert_eq!(one_line("a\x1b]0;evil\x07b\u{9b}c\u{202e}d\r\ne"), r"a\u{1b}]0;evil\u{7}b\u{9b}c\u{202e}d  e");
        assert_eq!(one_line("Zürich — 10 €"), "Zürich — 10 €");
    }

    #[test]
    fn clips_by_character() {
        assert_eq!(clip("grün", 4), "grün");
        assert_eq!(clip("grünes", 4), "grü…");
        assert_eq!(clip("x", 0), "…");
    }
}
