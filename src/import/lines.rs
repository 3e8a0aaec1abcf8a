//! Lines of bounded length.

use std::io::{self, BufRead, Read};

/// Longest line, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// A line.
pub(super) struct Line<'a> {
    /// From 1.
    pub number: u64,
    /// Without its end, or why there is no text.
    pub text: Result<&'a str, &'static str>,
}

/// Reads lines, one at a time, into the same memory.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line, until there is none.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        if self.read_on()? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let is_long = self.buffer.len() as u64 >= MOST_BYTES && !self.buffer.ends_with(b"\n");
        if is_long {
            while !self.buffer.ends_with(b"\n") {
                self.buffer.clear();
                if self.read_on()? == 0 {
                    break;
                }
            }
        }
        let text = if is_long { Err("64 KiB or longer") } else { text(&self.buffer, self.number == 1) };
        Ok(Some(Line { number: self.number, text }))
    }

    fn read_on(&mut self) -> io::Result<usize> {
        self.input.by_ref().take(MOST_BYTES).read_until(b'\n', &mut self.buffer)
    }
}

/// The line as text; at the beginning of a file without the mark that some programs put there.
fn text(bytes: &[u8], is_first: bool) -> Result<&str, &'static str> {
    let text = str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let text = text.trim_end_matches(['\r', '\n']);
    Ok(if is_first { text.trim_start_matches('\u{feff}') } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_text_or_why_there_is_none() {
        let mut bytes = b"\xEF\xBB\xBFa,b\r\n\n\xFF\n".to_vec();
        for length in [65_535, 65_536, 200_000] {
            bytes.extend(std::iter::repeat_n(b'x', length));
            bytes.push(b'\n');
        }
        bytes.extend(b"last");
        let mut lines = Lines::new(bytes.as_slice());
        let mut shown = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = line.text.map_or_else(str::to_owned, |text| format!("{} {:.4}", text.len(), text));
            shown.push(format!("{} {text}", line.number));
        }
        assert_eq!(
            shown,
            ["1 3 a,b", "2 0 ", "3 not UTF-8", "4 65535 xxxx", "5 64 KiB or longer", "6 64 KiB or longer", "7 4 last"]
        );
    }
}
