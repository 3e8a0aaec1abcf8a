//! Writing to people and pipes: what a stream can show, and that a closed pipe is no error.

use std::io::{self, IsTerminal, Write};

use crate::model::severity::Severity;
use crate::model::trouble::{Kind, Trouble};
use crate::world::Env;

/// Width assumed where none is known.
const WIDTH: usize = 100;

/// What the standard streams are and may show.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Standard output is a terminal.
    pub out: bool,
    /// Standard error is a terminal.
    pub err: bool,
    /// Colour on standard output.
    pub color: bool,
    /// Colour on standard error.
    pub color_err: bool,
    /// Only ASCII may be printed.
    pub ascii: bool,
    /// Columns of standard output.
    pub width: usize,
}

impl Terminal {
    /// Looks at the streams and the environment. `color` and `ascii` are what the command line demands.
    pub fn new(color: Option<bool>, ascii: bool, env: &Env) -> Self {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let plain = env.get("NO_COLOR").is_some() || env.get("TERM") == Some("dumb");
        let colored = |tty: bool| color.unwrap_or(tty && !plain);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env.get(name)).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let columns = rustix::termios::tcgetwinsize(io::stdout()).map(|size| usize::from(size.ws_col));
        let named = || env.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let width = columns.ok().filter(|columns| *columns > 0).or_else(named).unwrap_or(WIDTH);
        Self { out, err, color: colored(out), color_err: colored(err), ascii: ascii || !utf8, width }
    }

    /// The mark and word of a severity, with colour where it may be.
    pub fn severity(&self, severity: Severity) -> String {
        let (mark, style) = match severity {
            Severity::Low => ("·", "2"),
            Severity::Medium => ("◆", "33"),
            Severity::High => ("▲", "1;33"),
            Severity::Critical => ("✖", "1;31"),
        };
        self.badge(mark, severity.name(), style)
    }

    /// A mark with a word; without UTF-8 the word in brackets.
    pub fn badge(&self, mark: &str, word: &str, style: &str) -> String {
        let text = if self.ascii { format!("[{word}]") } else { format!("{mark} {word}") };
        self.styled(&text, style)
    }

    /// Text in a style, where colour may be.
    pub fn styled(&self, text: &str, style: &str) -> String {
        if self.color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Text as this terminal can show it: what is not ASCII becomes `?` where it must.
    pub fn fit(&self, text: &str) -> String {
        if !self.ascii {
            return text.to_owned();
        }
        let plain = |c: char| match c {
            '…' => "...".to_owned(),
            '–' | '—' => "-".to_owned(),
            '·' => "*".to_owned(),
            c if c.is_ascii() => c.to_string(),
            _ => "?".to_owned(),
        };
        text.chars().map(plain).collect()
    }
}

/// Writes data to standard output. A reader that has gone away is content with what it has.
pub fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::new(Kind::Io, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Talks on standard error; there is nobody to tell when that fails.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
