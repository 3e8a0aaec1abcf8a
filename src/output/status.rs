//! The status screen: one line when all is fine, a table when it is not, tab-separated lines without a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{Cell, CellAlignment, Table};

use super::terminal::{Badge, Terminal};
use crate::config::Config;
use crate::model::metric::Unit;
use crate::model::severity::Severity;
use crate::text::{money, safe, spark, units};
use crate::view::dashboard::state_word;
use crate::view::snapshot::{Row, Snapshot, Standing, State};

/// The recent past of a row, oldest first.
pub type Sparks = BTreeMap<usize, Vec<Option<f64>>>;

/// Fewer columns than this are too few for the table.
const NARROW: usize = 72;

/// How long a note about the monitor itself is news.
const NEWS: Duration = Duration::from_hours(1);

/// The screen for people.
pub fn screen(snapshot: &Snapshot, config: &Config, sparks: &Sparks, all: bool, terminal: &Terminal) -> String {
    let mut out = head(snapshot, config, terminal);
    out.push_str(&reserves(snapshot));
    let shown: Vec<(usize, &Row)> = order(snapshot).into_iter().filter(|(_, row)| all || needs_a_look(row)).collect();
    if !shown.is_empty() {
        out.push('\n');
        if terminal.width < NARROW {
            out.push_str(&narrow(&shown, terminal));
        } else {
            let _ = writeln!(out, "{}", table(&shown, snapshot, sparks, terminal));
        }
        let hidden = snapshot.rows.len() - shown.len();
        if hidden > 0 {
            let fine = if snapshot.stale { "were fine" } else { "fine" };
            let _ = writeln!(out, "  {hidden} more {fine}, show with --all");
        }
    }
    out.push_str(&channels(snapshot, all));
    if let Some((_, alert)) = snapshot.firing.first()
        && let Some(number) = alert.number
    {
        let _ = writeln!(out, "\n  why:  sippar-mon alert show {number}     live:  sippar-mon status --watch");
    }
    terminal.fit(&out)
}

fn head(snapshot: &Snapshot, config: &Config, terminal: &Terminal) -> String {
    let name = system_name(config);
    let Some(cycle) = snapshot.cycle else {
        let badge = terminal.badge(Badge::UNKNOWN);
        if let Some(end) = snapshot.imported {
            return format!("{badge}  {name}: imported samples, as they are at their end, {end}\n");
        }
        return format!("{badge}  {name}: nothing has been checked yet\n           Start with:  sippar-mon check\n");
    };
    if let Some(why) = snapshot.why_stale() {
        let badge = terminal.badge(Badge::UNKNOWN);
        let every = config.interval_text();
        return format!(
            "{badge}  {name}: {why} (every {every} expected)\n           \
             Last known: {} at {}. The values may have changed since.\n           \
             Find out why:  sippar-mon doctor\n",
            terminal.badge(badge_of(snapshot.last_state())),
            cycle.finished
        );
    }
    let ago = units::duration(snapshot.age().unwrap_or_default());
    let rules: std::collections::BTreeSet<_> = snapshot.rows.iter().map(|row| &row.rule).collect();
    let bad: std::collections::BTreeSet<_> =
        snapshot.rows.iter().filter(|row| needs_a_look(row)).map(|row| &row.rule).collect();
    let badge = terminal.badge(badge_of(snapshot.state()));
    if bad.is_empty() && snapshot.outbox.pending == 0 && snapshot.given_up.is_empty() {
        let waiting: std::collections::BTreeSet<_> = snapshot
            .rows
            .iter()
            .filter(|row| matches!(row.standing, Standing::Waiting(_)))
            .map(|row| &row.rule)
            .collect();
        let (fine, all) = (rules.len() - waiting.len(), rules.len());
        // what was not measured is not fine
        let rest = if waiting.is_empty() { String::new() } else { format!(", {} not measured yet", waiting.len()) };
        return format!("{badge}  {name}: {fine} of {all} rules fine{rest}, checked {ago} ago\n");
    }
    let took = units::duration(cycle.finished.since(cycle.started));
    let mut out = format!("{badge}  {name}: {}\n", counts(snapshot));
    let _ = writeln!(out, "        checked {ago} ago ({}, took {took})", cycle.finished);
    if let Some(note) = snapshot.notes.first().filter(|note| snapshot.at.since(note.at) < NEWS) {
        let _ = writeln!(out, "        {}: {}", note.at, safe::one_line(&note.text));
    }
    if let Some(oldest) = snapshot.outbox.oldest_pending.filter(|_| snapshot.outbox.pending > 0) {
        let waits = units::duration(snapshot.at.since(oldest));
        let what = match snapshot.outbox.pending {
            1 => "1 notification waits".to_owned(),
            many => format!("{many} notifications wait"),
        };
        let _ = writeln!(out, "        {what} to be delivered, the oldest for {waits}");
    }
    for delivery in &snapshot.given_up {
        let why = safe::answer(delivery.last_answer.as_deref().unwrap_or_default());
        let (channel, what) = (&delivery.destination.channel, &delivery.message.alert);
        let _ = writeln!(out, "        not delivered: {what} to {channel}, given up: {why}");
    }
    out
}

/// The reserves in a line, with how far each figure can be believed.
fn reserves(snapshot: &Snapshot) -> String {
    let Some(look) = &snapshot.reserves else { return String::new() };
    let ratio = look.ratio().map_or_else(|| "unknown".to_owned(), |ratio| units::value(ratio, Unit::Ratio));
    let figure = |name: &str, unit: &str| {
        let figures = look.figures();
        let found = figures.iter().find(|figure| figure.figure == name);
        let amount = found.and_then(|figure| Some((figure.micro?, figure.trust?)));
        amount.map_or_else(
            || format!("{name} unknown"),
            |(micro, trust)| format!("{name} {} {unit} ({trust})", money::amount(micro.0)),
        )
    };
    let (custody, supply) = (figure("custody", "ALGO"), figure("supply", "ckALGO"));
    let ago = units::duration(snapshot.at.since(look.at));
    format!("\n  Reserves {ratio}, {}: {custody}, {supply}, {ago} ago\n", look.record.verdict)
}

fn counts(snapshot: &Snapshot) -> String {
    let firing = snapshot.firing.len();
    let unknown = snapshot.rows.iter().filter(|row| row.blind.is_some()).count();
    let pending = snapshot.rows.iter().filter(|row| row.standing == Standing::Pending).count();
    let mut parts = Vec::new();
    let mut part = |count: usize, one: &str, many: &str| {
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
    };
    part(firing, "alert firing", "alerts firing");
    part(pending, "alert pending", "alerts pending");
    part(unknown, "rule cannot be judged", "rules cannot be judged");
    if parts.is_empty() { "all rules fine".to_owned() } else { parts.join(", ") }
}

/// The channels: those that fail, or all of them.
fn channels(snapshot: &Snapshot, all: bool) -> String {
    let mut out = String::new();
    for channel in snapshot.channels.iter().filter(|channel| all || channel.works == Some(false)) {
        let proven = match channel.proven {
            Some(at) => format!("last proven {} ago", units::duration(snapshot.at.since(at))),
            None => format!("never proven: sippar-mon alert test --channel {}", channel.name),
        };
        let works = if channel.works == Some(false) { "does not deliver, " } else { "" };
        let _ = writeln!(out, "  channel {}  {}  {works}{proven}", channel.name, safe::one_line(&channel.to));
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

/// Two short lines for each row, where a table would break every word.
fn narrow(rows: &[(usize, &Row)], terminal: &Terminal) -> String {
    let line = |(_, row): &(usize, &Row)| {
        let now = row.value_text.as_deref().unwrap_or("-");
        format!("{} {}\n  {now} ({})\n", terminal.badge(badge_of_row(row)), check(row), row.limit_text)
    };
    rows.iter().map(line).collect()
}

fn table(rows: &[(usize, &Row)], snapshot: &Snapshot, sparks: &Sparks, terminal: &Terminal) -> Table {
    let mut table = terminal.table(&["STATE", "CHECK", "NOW", "LIMIT", "LAST HOUR", "SINCE"]);
    for (at, row) in rows {
        let spark = sparks.get(at).map(|values| spark::scaled(values, terminal.ascii)).unwrap_or_default();
        let now = row.value_text.clone().unwrap_or_else(|| "-".to_owned());
        let words = [check(row), now, row.limit_text.clone(), spark, since(row, snapshot)];
        table.add_row(std::iter::once(terminal.cell(badge_of_row(row))).chain(words.map(Cell::new)));
    }
    if let Some(column) = table.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn since(row: &Row, snapshot: &Snapshot) -> String {
    let unknown = match (&row.blind, &row.standing) {
        (Some(reason), _) | (None, Standing::Waiting(reason)) => Some(safe::answer(reason.as_str())),
        _ => None,
    };
    let lasts = row.since.map(|since| units::duration(snapshot.at.since(since)));
    let aside = row.aside.as_deref().map(safe::answer);
    [lasts, aside, unknown].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The name of the watched system with its environment.
pub fn system_name(config: &Config) -> String {
    let name = safe::one_line(&config.identity.system);
    let environment = safe::one_line(&config.identity.environment);
    if environment.is_empty() { name } else { format!("{name} ({environment})") }
}

fn check(row: &Row) -> String {
    safe::one_line(&format!("{}{}", row.rule, row.labels))
}

fn needs_a_look(row: &Row) -> bool {
    !matches!(row.standing, Standing::Fine | Standing::Waiting(_))
}

/// Rows with their place, the worst first.
fn order(snapshot: &Snapshot) -> Vec<(usize, &Row)> {
    let weight = |row: &Row| match row.standing {
        Standing::Firing(Severity::Critical) => 0,
        Standing::Unknown(_) => 1,
        Standing::Firing(Severity::High) => 2,
        Standing::Firing(Severity::Medium) => 3,
        Standing::Firing(Severity::Low) => 4,
        Standing::Pending => 5,
        Standing::Fine | Standing::Waiting(_) => 6,
    };
    let mut rows: Vec<(usize, &Row)> = snapshot.rows.iter().enumerate().collect();
    rows.sort_by_key(|(at, row)| (weight(row), *at));
    rows
}

/// How a state is drawn.
pub fn badge_of(state: State) -> Badge {
    match state {
        State::Fine => Badge::OK,
        State::Firing(severity) => severity.into(),
        State::Unknown => Badge::UNKNOWN,
    }
}

fn badge_of_row(row: &Row) -> Badge {
    match row.standing {
        Standing::Firing(severity) => severity.into(),
        Standing::Unknown(_) => Badge::UNKNOWN,
        Standing::Waiting(_) => Badge::WAITING,
        Standing::Pending => Badge::PENDING,
        Standing::Fine => Badge::FINE,
    }
}

/// Lines for scripts: state, check, value, limit, since, alert number, who is at it or why nobody is told; separated by tabs, no header, nothing cut.
pub fn lines(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for (_, row) in order(snapshot) {
        let state = match &row.standing {
            Standing::Firing(severity) => severity.name().to_lowercase(),
            Standing::Unknown(_) => "unknown".to_owned(),
            Standing::Waiting(_) => "waiting".to_owned(),
            Standing::Pending => "pending".to_owned(),
            Standing::Fine => "ok".to_owned(),
        };
        let value = row.value.map(|value| value.to_string()).unwrap_or_default();
        let since = row.since.map(crate::model::time::Time::rfc3339).unwrap_or_default();
        let number = row.number.map(|number| number.to_string()).unwrap_or_default();
        let aside = safe::one_line(row.aside.as_deref().unwrap_or_default());
        let _ = writeln!(out, "{state}\t{}\t{value}\t{}\t{since}\t{number}\t{aside}", check(row), row.limit_text);
    }
    if out.is_empty() {
        let _ = writeln!(out, "{}\t\t\t\t\t\t", state_word(snapshot.state()));
    }
    out
}

/// One line for Nagios: the state, the worst alert, and every judged value as performance data.
pub fn nagios(snapshot: &Snapshot) -> String {
    let word = match snapshot.state() {
        State::Fine | State::Firing(Severity::Low) => "OK",
        State::Firing(Severity::Medium | Severity::High) => "WARNING",
        State::Firing(Severity::Critical) => "CRITICAL",
        State::Unknown => "UNKNOWN",
    };
    let what = match order(snapshot).first() {
        _ if snapshot.stale => snapshot.why_stale().unwrap_or_default(),
        Some((_, row)) if needs_a_look(row) => match (&row.standing, &row.value_text) {
            (Standing::Unknown(reason), _) => format!("{} cannot be judged: {reason}", check(row)),
            (_, Some(value)) => format!("{} {value} ({})", check(row), row.limit_text),
            (_, None) => check(row),
        },
        _ => format!("{} checks fine", snapshot.rows.len()),
    };
    let data: Vec<String> = snapshot
        .rows
        .iter()
        .filter_map(|row| {
            Some(format!("'{}'={}", check(row).replace(['\'', '='], "_"), row.value.filter(|v| v.is_finite())?))
        })
        .collect();
    // a bar would begin the performance data
    format!("SIPPAR {word} - {} | {}\n", safe::one_line(&what).replace('|', "/"), data.join(" "))
}
