//! Writing to people and pipes: what a stream can show, and that a closed pipe is no error.

use std::io::{self, IsTerminal, Write};

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

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

    /// A badge in colour, where colour may be.
    pub fn badge(&self, badge: Badge) -> String {
        let text = self.plain(badge);
        if self.color { format!("\u{1b}[{}m{text}\u{1b}[0m", badge.tone.code()) } else { text }
    }

    /// The mark of a badge alone, in colour where colour may be; without UTF-8 its word in brackets, as wide as any.
    pub fn mark(&self, badge: Badge) -> String {
        let width = self.mark_width();
        let text = if self.ascii { format!("[{}]", badge.word) } else { badge.mark.to_owned() };
        let pad = " ".repeat(width.saturating_sub(text.chars().count()));
        if self.color { format!("\u{1b}[{}m{text}\u{1b}[0m{pad}", badge.tone.code()) } else { format!("{text}{pad}") }
    }

    /// Columns of such a mark.
    pub const fn mark_width(&self) -> usize {
        if self.ascii { 6 } else { 1 }
    }

    /// A badge as the cell of a table, which measures its width without the colour.
    pub fn cell(&self, badge: Badge) -> Cell {
        let cell = Cell::new(self.plain(badge));
        if self.color { cell.fg(badge.tone.color()) } else { cell }
    }

    /// A table without lines that fits the terminal.
    pub fn table(&self, header: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width.clamp(20, 500)).unwrap_or(100));
        if self.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        table.set_header(header);
        table
    }

    /// The mark and the word; without UTF-8 the word in brackets.
    fn plain(&self, badge: Badge) -> String {
        if self.ascii { format!("[{}]", badge.word) } else { format!("{} {}", badge.mark, badge.word) }
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

/// A state in one mark, one word and one colour: shape, word and colour each tell it alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Badge {
    mark: &'static str,
    word: &'static str,
    tone: Tone,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tone {
    Good,
    Medium,
    High,
    Critical,
    Unknown,
    Quiet,
}

impl Tone {
    /// The SGR parameters of the colour.
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Medium => "33",
            Self::High => "1;33",
            Self::Critical => "1;31",
            Self::Unknown => "1;35",
            Self::Quiet => "2",
        }
    }

    const fn color(self) -> Color {
        match self {
            Self::Good => Color::DarkGreen,
            Self::Medium => Color::DarkYellow,
            Self::High => Color::Yellow,
            Self::Critical => Color::Red,
            Self::Unknown => Color::Magenta,
            Self::Quiet => Color::Grey,
        }
    }
}

impl Badge {
    /// Everything is fine.
    pub const OK: Self = Self::new("●", "OK", Tone::Good);
    /// One check is fine.
    pub const FINE: Self = Self::new("●", "ok", Tone::Good);
    /// Something is beyond its limit, not yet for long enough.
    pub const PENDING: Self = Self::new("○", "pending", Tone::Medium);
    /// A second measurement is needed.
    pub const WAITING: Self = Self::new("○", "waiting", Tone::Quiet);
    /// Not known.
    pub const UNKNOWN: Self = Self::new("?", "UNKNOWN", Tone::Unknown);
    /// It went through.
    pub const SENT: Self = Self::new("✓", "ok", Tone::Good);
    /// It will be tried again.
    pub const LATER: Self = Self::new("!", "later", Tone::Medium);
    /// It never will.
    pub const FAILED: Self = Self::new("✗", "failed", Tone::Critical);
    /// It cannot be relied upon.
    pub const DAMAGED: Self = Self::new("✗", "DAMAGED", Tone::Critical);
    /// It is over.
    pub const RESOLVED: Self = Self::new("✓", "resolved", Tone::Good);

    /// Worth knowing.
    pub const NOTE: Self = Self::new("·", "note", Tone::Quiet);
    /// Something may be missed.
    pub const WARNING: Self = Self::new("!", "warn", Tone::Medium);
    /// It does not do its work.
    pub const PROBLEM: Self = Self::new("✗", "BAD", Tone::Critical);

    const fn new(mark: &'static str, word: &'static str, tone: Tone) -> Self {
        Self { mark, word, tone }
    }
}

impl From<Severity> for Badge {
    fn from(severity: Severity) -> Self {
        let (mark, tone) = match severity {
            Severity::Low => ("·", Tone::Quiet),
            Severity::Medium => ("◆", Tone::Medium),
            Severity::High => ("▲", Tone::High),
            Severity::Critical => ("✖", Tone::Critical),
        };
        Self::new(mark, severity.name(), tone)
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

/// Asks a question that is answered with yes or no; none where nobody is there to answer.
pub fn ask(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let _ = write!(io::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    Some(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Talks on standard error; there is nobody to tell when that fails.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
