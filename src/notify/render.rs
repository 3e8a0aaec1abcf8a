//! A message as plain text: the words and rows that every channel for people shares.
//!
//! The foreign parts of a message (labels, values, a backend's words) are made harmless here, once, so that a channel
//! only has to escape for its own markup.

use std::collections::BTreeMap;

use crate::model::delivery::Delivery;
use crate::model::message::{Entry, Kind, Message};
use crate::text::safe::{clip, one_line};
use crate::text::units;

/// The longest single text that is passed on; longer ones end in `…`.
const MAX_TEXT: usize = 1000;
/// The longest value of a row.
const MAX_VALUE: usize = 300;
/// How many labels are shown.
const MAX_LABELS: usize = 20;
/// The longest line about one alert of several.
const MAX_LINE: usize = 200;
/// What the names of the alerts take that have no line of their own.
const MAX_REST: usize = 600;
/// What the list takes in a text without a limit of its own.
pub const MAX_PLAIN_LIST: usize = 100_000;

/// One named fact about an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// `[CRITICAL] UNDER_COLLATERALIZED: summary`, with what happened to it where it did not just begin.
pub fn headline(message: &Message) -> String {
    let summary = text(&message.summary);
    let colon = if summary.is_empty() { "" } else { ": " };
    format!("{}{colon}{summary}", title(message))
}

/// The headline without the summary.
pub fn title(message: &Message) -> String {
    let event = match message.kind {
        Kind::Firing => "",
        Kind::Raised => "Raised: ",
        Kind::Eased => "Eased: ",
        Kind::Escalated => "Escalated: ",
        Kind::Reminder => "Still firing: ",
        Kind::Acknowledged => "Acknowledged: ",
        Kind::Resolved => "Resolved: ",
        Kind::Test => "TEST: ",
    };
    format!("[{}] {event}{}", message.severity, clip(&one_line(&message.alert), 100))
}

/// The facts, most important first; a fact that is not known has no row.
pub fn rows(message: &Message) -> Vec<Row> {
    let mut rows = vec![
        row("Alert type", &message.alert),
        row("Severity", message.severity.name()),
        Row { name: "Message".to_owned(), value: text(&message.summary) },
    ];
    let mut known = |name: &str, value: Option<&str>| rows.extend(value.map(|value| row(name, value)));
    known("Value", message.value.as_deref());
    known("Limit", message.limit.as_deref());
    known("Worst value", message.worst.as_deref());
    known("Last hour", message.trend.as_deref());
    known("Since", (message.kind != Kind::Test).then(|| message.since.rfc3339()).as_deref());
    known("Lasted", lasted(message).as_deref());
    known("Timestamp", Some(&message.at.rfc3339()));
    known("System", Some(&system(message)));
    known("Host", Some(&host(message)));
    rows.extend(message.labels.iter().take(MAX_LABELS).map(|(name, value)| row(name, value)));
    rows.extend(message.note.iter().map(|note| row("Note", note)));
    rows
}

/// How long the trouble lasted, once it is over.
fn lasted(message: &Message) -> Option<String> {
    (message.kind == Kind::Resolved && message.list.is_empty())
        .then(|| units::duration(message.at.since(message.since)))
}

/// The alerts of a message that stands for several, a line each, as far as `room` characters go; the rest by name.
pub fn list(message: &Message, room: usize) -> Vec<String> {
    let line = |entry: &Entry| clip(&one_line(&entry.line), MAX_LINE);
    let lines: Vec<String> = message.list.iter().map(line).collect();
    let length = |line: &String| line.chars().count() + 3;
    if lines.iter().map(length).sum::<usize>() <= room {
        return lines;
    }
    let mut left = room.saturating_sub(MAX_REST);
    let fits = |line: &&String| {
        left = left.saturating_sub(length(line));
        left > 0
    };
    let shown = lines.iter().take_while(fits).count();
    let mut shown_lines = lines;
    shown_lines.truncate(shown);
    shown_lines.push(rest(message.list.get(shown..).unwrap_or_default()));
    shown_lines
}

/// `and 44 more: PROBE_FAILED x 40, SOURCE_DOWN x 4`.
fn rest(entries: &[Entry]) -> String {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        *names.entry(entry.name.as_str()).or_default() += 1;
    }
    let mut names: Vec<(&str, usize)> = names.into_iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words = names.iter().map(|(name, count)| match count {
        1 => clip(&one_line(name), 60),
        count => format!("{} x {count}", clip(&one_line(name), 60)),
    });
    clip(&format!("and {} more: {}", entries.len(), words.collect::<Vec<_>>().join(", ")), MAX_REST)
}

/// The watched system with its environment: `Sippar bridge (production)`.
pub fn system(message: &Message) -> String {
    let system = clip(&one_line(&message.system), 100);
    match one_line(&message.environment) {
        none if none.is_empty() => system,
        environment => format!("{system} ({})", clip(&environment, 40)),
    }
}

/// The machine that watches.
pub fn host(message: &Message) -> String {
    clip(&one_line(&message.host), 100)
}

/// What the reader should do.
pub fn action(message: &Message) -> String {
    match (message.kind, &message.action) {
        (Kind::Resolved, _) => "None, it is over.".to_owned(),
        (Kind::Test, _) => "None, this is a test.".to_owned(),
        (Kind::Acknowledged, _) => "None, somebody is at it.".to_owned(),
        (_, Some(action)) => text(action),
        (_, None) => "Monitor the situation.".to_owned(),
    }
}

/// The runbook's address, if it is one that may be shown as a link.
pub fn runbook(message: &Message) -> Option<&str> {
    let url = message.runbook_url.as_deref()?;
    let plain = url.len() <= 1000 && url.chars().all(|c| c.is_ascii_graphic() && !"<>|\"'`\\".contains(c));
    (plain && (url.starts_with("https://") || url.starts_with("http://"))).then_some(url)
}

/// What a repeat has in common with the first try: `id 41-7`, the alert's number and the outbox id.
pub fn id(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let number = match (message.number, message.kind) {
        (Some(number), _) => number.to_string(),
        (None, Kind::Test) => "test".to_owned(),
        (None, _) if message.list.is_empty() => "monitor".to_owned(),
        (None, _) => "several".to_owned(),
    };
    let repeat = if delivery.maybe_repeat { " (possible repeat)" } else { "" };
    format!("id {number}-{}{repeat}", delivery.id)
}

/// The whole message as plain text with aligned rows.
pub fn plain(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let mut lines = vec![headline(message), String::new()];
    lines.extend(rows(message).iter().map(|row| format!("{:<12} {}", format!("{}:", row.name), row.value)));
    if !message.list.is_empty() {
        lines.push(String::new());
        lines.extend(list(message, MAX_PLAIN_LIST).into_iter().map(|line| format!("- {line}")));
    }
    lines.extend([String::new(), format!("Action required: {}", action(message))]);
    lines.extend(runbook(message).map(|url| format!("Runbook: {url}")));
    lines.extend([String::new(), id(delivery), String::new()]);
    lines.join("\n")
}

fn row(name: &str, value: &str) -> Row {
    Row { name: clip(&one_line(name), 40), value: clip(&one_line(value), MAX_VALUE) }
}

fn text(foreign: &str) -> String {
    clip(&one_line(foreign), MAX_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::kit;

    #[test]
    fn a_firing_alert_carries_everything_that_was_asked_for() {
        let expected = "\
[CRITICAL] HIGH_MEMORY_USAGE: Memory at 96.1 %

Alert type:  HIGH_MEMORY_USAGE
Severity:    CRITICAL
Message:     Memory at 96.1 %
Value:       96.1 %
Limit:       > 95 %
Worst value: 97 %
Since:       2026-11-23T08:55:00Z
Timestamp:   2026-11-23T09:00:00Z
System:      Sippar bridge (production)
Host:        node-1
mount:       /data

Action required: Find the process: ps aux --sort=-rss | head
Runbook: https://runbooks.example/HIGH_MEMORY_USAGE

id 41-7
";
        assert_eq!(plain(&kit::delivery(Kind::Firing)), expected);
    }

    #[test]
    fn a_resolved_alert_says_how_long_it_lasted_and_how_bad_it_was() {
        let text = plain(&Delivery { maybe_repeat: true, ..kit::delivery(Kind::Resolved) });
        for line in [
            "[CRITICAL] Resolved: HIGH_MEMORY_USAGE: Memory at 96.1 %",
            "Worst value: 97 %",
            "Lasted:      5 min",
            "Action required: None, it is over.",
            "id 41-7 (possible repeat)",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\nis missing in\n{text}");
        }
    }

    #[test]
    fn each_kind_is_named_in_the_title() {
        let titles = Kind::ALL.map(|kind| title(&kit::delivery(kind).message));
        let expected =
            ["", "Raised: ", "Eased: ", "Escalated: ", "Still firing: ", "Acknowledged: ", "Resolved: ", "TEST: "]
                .map(|event| format!("[CRITICAL] {event}HIGH_MEMORY_USAGE"));
        assert_eq!(titles, expected);
    }

    #[test]
    fn foreign_text_cannot_break_out_of_its_line_or_grow_without_end() {
        let mut delivery = kit::delivery(Kind::Firing);
        delivery.message.summary = format!("a\r\nBcc: evil@example.org\u{202e}{}", "x".repeat(5000));
        delivery.message.labels = (0..100).map(|i| (format!("l{i}"), "v\nSeverity: LOW".repeat(100))).collect();
        delivery.message.runbook_url = Some("javascript:alert(1)".to_owned());
        let text = plain(&delivery);
        assert!(text.starts_with(r"[CRITICAL] HIGH_MEMORY_USAGE: a  Bcc: evil@example.org\u{202e}xxx"), "{text}");
        assert!(text.len() < 10_000 && !text.contains("\nSeverity: LOW") && !text.contains("javascript"), "{text}");
    }

    #[test]
    fn without_an_action_the_reader_is_asked_to_watch() {
        let message = Message { action: None, ..kit::delivery(Kind::Raised).message };
        assert_eq!(action(&message), "Monitor the situation.");
    }
}
