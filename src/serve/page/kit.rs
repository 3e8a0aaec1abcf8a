//! Small parts that every page is put together from.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::model::severity::Severity;
use crate::serve::chart::class;
use crate::view::page::alerts::Standing;
use crate::view::snapshot::State;

/// Where a page is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a browser, from the server: other pages are a link away.
    Served {
        /// Whether this server takes acknowledgements and silences from those who have its token.
        takes_writes: bool,
    },
    /// In a file that stands alone: it links to nothing.
    File,
}

impl Place {
    /// Whether other pages can be reached.
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Served { .. })
    }

    /// A link to another page of the server; in a file the text alone.
    pub fn link(self, href: &str, text: &str) -> Markup {
        html! { @if self.is_served() { a href=(href) { (text) } } @else { (text) } }
    }

    /// A link to an alert: to its page, or in a file to the part about it.
    pub fn alert(self, number: Option<u64>, text: &str) -> Markup {
        let Some(number) = number else { return html! { (text) } };
        match self {
            Self::Served { .. } => html! { a href={ "/alert/" (number) } { (text) } },
            Self::File => html! { a href={ "#alert-" (number) "-life" } { (text) } },
        }
    }
}

/// The sign of a severity: its shape says it without any colour.
pub const fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "▽",
        Severity::Medium => "◆",
        Severity::High => "▲",
        Severity::Critical => "✖",
    }
}

/// The sign, the class and the word of a state.
pub const fn state_parts(state: State) -> (&'static str, &'static str, &'static str) {
    match state {
        State::Fine => ("●", "ok", "OK"),
        State::Firing(severity) => (sign(severity), class(severity), severity.name()),
        State::Unknown => ("?", "unknown", "UNKNOWN"),
    }
}

/// A state: plain where it is fine, so that a quiet page is quiet.
pub fn state(state: State) -> Markup {
    let (sign, class, word) = state_parts(state);
    badge(sign, class, word)
}

/// A severity.
pub fn severity(severity: Severity) -> Markup {
    badge(sign(severity), class(severity), severity.name())
}

/// How an alert stands, with its severity.
pub fn standing(standing: Standing, of: Severity) -> Markup {
    match standing {
        Standing::Firing | Standing::Acknowledged => severity(of),
        Standing::Held => html! { (severity(of)) " " (badge("‖", "held", "withheld")) },
        Standing::Resolved => badge("✓", "ok", "resolved"),
    }
}

/// A shape with a word.
pub fn badge(sign: &str, class: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span class="sign" aria-hidden="true" { (sign) } " " (word) } }
}

/// A text for an address: what is no letter, digit or one of `-._~` is escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The picture in the tab: the shape of the state, with the number of alerts in it.
pub fn favicon(state: Option<State>, count: usize) -> String {
    const SQUARE: &str = r#"<rect x="2" y="2" width="28" height="28" rx="4"/>"#;
    let (shape, fill, ink) = match state {
        Some(State::Fine) => (r#"<circle cx="16" cy="16" r="14"/>"#, "#006d5b", "#fff"),
        Some(State::Firing(Severity::Low)) => (r#"<path d="M2 5h28L16 30z"/>"#, "#cfd6dd", "#17202a"),
        Some(State::Firing(Severity::Medium)) => (r#"<path d="M16 1l15 15-15 15L1 16z"/>"#, "#ffd24d", "#2b2100"),
        Some(State::Firing(Severity::High)) => (r#"<path d="M16 1l15 29H1z"/>"#, "#e8590c", "#1d0a00"),
        Some(State::Firing(Severity::Critical)) => (r#"<path d="M9 1h14l8 8v14l-8 8H9l-8-8V9z"/>"#, "#7a0030", "#fff"),
        Some(State::Unknown) | None => (SQUARE, "#6b7682", "#fff"),
    };
    let text = match (state, count) {
        (None | Some(State::Fine), _) => String::new(),
        (Some(State::Unknown), _) => "?".to_owned(),
        (_, 0) => "!".to_owned(),
        (_, 1..=9) => count.to_string(),
        _ => "9+".to_owned(),
    };
    let size = if text.len() > 1 { 13 } else { 17 };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="{fill}">{shape}</g><text x="16" y="24" font-family="sans-serif" font-size="{size}" font-weight="bold" text-anchor="middle" fill="{ink}">{text}</text></svg>"#
    )
}

/// The state that a word in an address stands for: `none` for a page that is about no state; anything else is unknown.
pub fn state_named(word: &str) -> Option<State> {
    Some(match word {
        "none" => return None,
        "ok" => State::Fine,
        "low" => State::Firing(Severity::Low),
        "medium" => State::Firing(Severity::Medium),
        "high" => State::Firing(Severity::High),
        "critical" => State::Firing(Severity::Critical),
        _ => State::Unknown,
    })
}
