//! `db restore` for people and programs.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::database::size;
use crate::model::alert::Alert;
use crate::model::delivery::Delivery;
use crate::model::time::Time;
use crate::notify::render;
use crate::store::restore::Restored;
use crate::text::safe;

/// `db restore --json`.
#[derive(Serialize)]
pub struct Document<'a> {
    from: String,
    /// The tick of the newest cycle in the backup.
    tick: Option<String>,
    /// The replaced database.
    kept: Option<String>,
    /// Notifications that waited in the backup and went out since.
    sent: Vec<Waiting<'a>>,
    /// The others that waited in the backup.
    dropped: Vec<Waiting<'a>>,
    /// Notifications that waited in the replaced database; null when it could not be read.
    left_waiting: Option<Vec<Waiting<'a>>>,
    /// Alerts firing in the replaced database that the backup does not know; null when it could not be read.
    left_firing: Option<Vec<Firing>>,
    next_number: u64,
}

/// A notification that is not sent.
#[derive(Serialize)]
struct Waiting<'a> {
    id: i64,
    channel: &'a str,
    to: &'a str,
    title: String,
    decided: String,
}

/// An alert that is forgotten.
#[derive(Serialize)]
struct Firing {
    number: Option<u64>,
    alert: String,
}

impl<'a> Document<'a> {
    /// The document about a restore from `file`.
    pub fn new(file: &Path, done: &'a Restored) -> Self {
        let Restored { from, kept, sent, dropped, left, last_number } = done;
        Self {
            from: file.display().to_string(),
            tick: from.tick.map(Time::rfc3339),
            kept: kept.as_ref().map(|kept| kept.display().to_string()),
            sent: sent.iter().map(waiting).collect(),
            dropped: dropped.iter().map(waiting).collect(),
            left_waiting: left.as_ref().map(|left| left.waiting.iter().map(waiting).collect()),
            left_firing: left.as_ref().map(|left| left.firing.iter().map(firing).collect()),
            next_number: last_number.saturating_add(1),
        }
    }
}

fn waiting(delivery: &Delivery) -> Waiting<'_> {
    Waiting {
        id: delivery.id,
        channel: &delivery.destination.channel,
        to: &delivery.destination.address,
        title: render::title(&delivery.message),
        decided: delivery.created.rfc3339(),
    }
}

fn firing(alert: &Alert) -> Firing {
    Firing { number: alert.number, alert: alert.key.to_string() }
}

/// The words for people: what is there now, what was dropped, what only the replaced database knew.
pub fn text(file: &Path, done: &Restored) -> String {
    let Restored { from, kept, sent: _, dropped, left, last_number } = done;
    let until = from.tick.map_or_else(|| "before the first cycle".to_owned(), |tick| format!("up to the tick {tick}"));
    let mut out = format!("restored {}: {}, {until}\n", name(file), size(from.bytes));
    if let Some(kept) = kept {
        let _ = writeln!(out, "the replaced database is kept: {}", name(kept));
    }
    list(&mut out, "dropped from the backup, not sent", dropped.iter().map(line));
    if let Some(left) = left {
        list(&mut out, "left behind in the replaced database, not sent", left.waiting.iter().map(line));
        let title = "were firing there and are not known now; nobody is told when they are over";
        list(&mut out, title, left.firing.iter().map(|alert| safe::one_line(&called(alert))));
    } else {
        out.push_str("the replaced database is damaged: what waited or fired there is not known\n");
    }
    let _ = writeln!(out, "the next alert is number {}", last_number.saturating_add(1));
    out
}

fn list(out: &mut String, title: &str, lines: impl ExactSizeIterator<Item = String>) {
    if lines.len() > 0 {
        let _ = writeln!(out, "{} {title}:", lines.len());
    }
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

fn line(delivery: &Delivery) -> String {
    let to = &delivery.destination;
    let to = safe::one_line(format!("{} {}", to.channel, to.address).trim());
    format!("{}  {to}  {}", render::id(delivery), render::headline(&delivery.message))
}

fn called(alert: &Alert) -> String {
    let number = alert.number.map(|number| format!("{number}  ")).unwrap_or_default();
    format!("{number}{}", alert.key)
}

fn name(path: &Path) -> String {
    safe::one_line(&path.display().to_string())
}
