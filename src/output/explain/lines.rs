//! Lines that fit.

/// The least room for words; a narrower terminal breaks the lines itself.
pub const LEAST: usize = 40;

/// `text` in lines of at most `width` columns: `first` stands before the first one, `rest` before the others. Spaces
/// within a line are kept, so that columns stay columns; a word that is too long stands in a line of its own.
pub fn wrapped(text: &str, width: usize, first: &str, rest: &str) -> String {
    let width = width.max(LEAST);
    let mut out = String::new();
    let (mut lead, mut left) = (first, text.trim());
    loop {
        let room = width.saturating_sub(lead.chars().count()).max(LEAST / 2);
        let (line, more) = split(left, room);
        out.push_str(lead);
        out.push_str(line);
        out.push('\n');
        if more.is_empty() {
            return out;
        }
        (lead, left) = (rest, more);
    }
}

/// What fits into `room` columns, and what does not.
fn split(text: &str, room: usize) -> (&str, &str) {
    let Some((end, _)) = text.char_indices().nth(room) else { return (text, "") };
    let (fits, _) = text.split_at(end);
    let place = if text[end..].starts_with(' ') { Some(end) } else { fits.rfind(' ') };
    let place = place.or_else(|| text.find(' ')).unwrap_or(text.len());
    let (line, more) = text.split_at(place);
    (line.trim_end(), more.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_between_words() {
        let text = "a value between clear and the limit  holds what fires already";
        assert_eq!(
            wrapped(text, 44, "  - ", "    "),
            "  - a value between clear and the limit\n    holds what fires already\n"
        );
        assert_eq!(wrapped(text, 80, "", ""), format!("{text}\n"));
        let long = "x".repeat(50);
        assert_eq!(wrapped(&format!("a {long} b"), 40, "", " "), format!("a\n {long}\n b\n"));
        assert_eq!(wrapped("", 40, "- ", ""), "- \n");
    }
}
