//! `alert list`, `alert show` and `alert test` for people.

use std::fmt::Write as _;

use comfy_table::Cell;

use super::deliveries;
use super::terminal::{Badge, Terminal};
use crate::model::alert::{Ack, Alert, Deed, Mark, Transition};
use crate::model::delivery::{Attempt, Delivery, Outcome, State};
use crate::model::time::Time;
use crate::store::alerts::TransitionRow;
use crate::text::{safe, units};
use crate::view::deliveries::{Tried, why_nobody};
use crate::view::page::story::deed_words;

/// One line of a list.
pub struct Line<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// Its value against its limit, in words.
    pub value: String,
    /// What was queued for it.
    pub deliveries: Vec<Delivery>,
    /// The rule's expression, and where the rule was written; none when it is no longer there.
    pub rule: Option<(String, String)>,
    /// What was said of it afterwards.
    pub mark: Option<Mark>,
}

/// The table of alerts.
pub fn list(lines: &[Line<'_>], now: Time, terminal: &Terminal) -> String {
    if lines.is_empty() {
        return "no alerts\n".to_owned();
    }
    let mut table = terminal.table(&["ID", "STATE", "SEVERITY", "ALERT", "VALUE", "SINCE (UTC)", "DELIVERED"]);
    for Line { alert, value, deliveries, mark, rule: _ } in lines {
        let severity = alert.severity().or(alert.peak).map_or(Cell::new("-"), |is| terminal.cell(is.into()));
        table.add_row([
            Cell::new(alert.number.map_or_else(|| "-".to_owned(), |number| number.to_string())),
            Cell::new(
                mark.as_ref().map_or_else(|| state(alert), |mark| format!("{}, {}", state(alert), mark.worth.name())),
            ),
            severity,
            Cell::new(safe::one_line(&alert.key.to_string())),
            Cell::new(value),
            Cell::new(format!("{}, {}", alert.stands_since().short(), lasted(alert, now))),
            Cell::new(delivered(deliveries)),
        ]);
    }
    terminal.fit(&format!("{table}\n"))
}

/// Lines for scripts: number, state, severity, alert, value, since, delivered, not measured since, mark, who is at it
/// or why nobody is told.
pub fn lines(lines: &[Line<'_>]) -> String {
    let mut out = String::new();
    for Line { alert, value, deliveries, mark, rule: _ } in lines {
        let number = alert.number.map(|number| number.to_string()).unwrap_or_default();
        let severity =
            alert.severity().or(alert.peak).map(super::super::model::severity::Severity::name).unwrap_or_default();
        let what = safe::one_line(&alert.key.to_string());
        let told = delivered(deliveries);
        let blind = match &alert.unknown {
            Some((since, _)) if alert.ended.is_none() => format!("not measured since {since}"),
            _ => String::new(),
        };
        let worth = mark.as_ref().map(|mark| mark.worth.name()).unwrap_or_default();
        let (state, since) = (alert.state(), alert.stands_since());
        let aside = aside(alert).join(", ");
        let _ =
            writeln!(out, "{number}\t{state}\t{severity}\t{what}\t{value}\t{since}\t{told}\t{blind}\t{worth}\t{aside}");
    }
    out
}

/// Who is at an alert that is not over, and why nobody is told, in few words.
fn aside(alert: &Alert) -> Vec<String> {
    let ack = alert.ack.as_ref().map(|ack| format!("acked by {}", safe::one_line(&ack.who)));
    let words = ack.into_iter().chain(alert.hold.as_ref().map(|hold| hold.name().to_owned()));
    words.filter(|_| alert.ended.is_none()).collect()
}

fn state(alert: &Alert) -> String {
    let mut words = vec![alert.state().to_owned()];
    if alert.ended.is_none() {
        words.extend(aside(alert));
        words.extend(alert.unknown.as_ref().map(|(since, _)| format!("not measured since {}", since.short())));
    }
    words.join(", ")
}

fn lasted(alert: &Alert, now: Time) -> String {
    let end = alert.ended.map_or(now, |(at, _)| at);
    units::duration(end.since(alert.stands_since()))
}

/// The channels that were told, each once, with what became of those that were not.
fn delivered(deliveries: &[Delivery]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.state != State::Superseded) {
        let word = match delivery.state {
            State::Sent => delivery.destination.channel.clone(),
            other => format!("{} {}", delivery.destination.channel, other.name()),
        };
        if !parts.contains(&word) {
            parts.push(word);
        }
    }
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// What happened to an alert.
pub struct History {
    /// What the monitor found.
    pub transitions: Vec<TransitionRow>,
    /// What was done about it.
    pub deeds: Vec<Deed>,
    /// Each attempt of each of its deliveries.
    pub tried: Vec<Tried>,
}

impl History {
    /// Everything in order, in words.
    fn lines(&self) -> Vec<(Time, String)> {
        let found = self.transitions.iter().map(|row| (row.tick, transition(row.transition)));
        let mut lines: Vec<(Time, String)> =
            found.chain(self.deeds.iter().map(|deed| (deed.at, deed_words(deed)))).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines
    }
}

/// Everything about one alert.
pub fn show(line: &Line<'_>, history: &History, now: Time, terminal: &Terminal) -> String {
    let alert = line.alert;
    let severity = alert.severity().or(alert.peak).map(|severity| terminal.badge(severity.into())).unwrap_or_default();
    let number = alert.number.map_or_else(String::new, |number| format!("{number}  "));
    let mut out = format!("{severity}  {number}{}  {}\n", safe::one_line(&alert.key.to_string()), state(alert));
    if let Some((since, reason)) = &alert.unknown {
        let _ = writeln!(out, "not measured since {since}: {}", safe::answer(reason.as_str()));
    }
    if let Some(Ack { at, who, why, .. }) = &alert.ack {
        let _ = writeln!(out, "acked     by {}, {at}: {}", safe::answer(who), safe::answer(why));
    }
    if let Some(hold) = alert.hold.as_ref().filter(|_| alert.ended.is_none()) {
        let _ = writeln!(out, "withheld  {}", safe::one_line(&hold.to_string()));
    }
    let _ = writeln!(out, "value     {}", line.value);
    let _ = writeln!(out, "since     {} ({})", alert.stands_since(), lasted(alert, now));
    match &line.rule {
        Some((expr, written)) => {
            let _ = writeln!(out, "rule      {} ({written})", safe::one_line(expr));
        }
        None => out.push_str("rule      no longer configured\n"),
    }
    if let Some(Mark { worth, at, who, why }) = &line.mark {
        let (who, why) = (safe::answer(who), safe::answer(why));
        let _ = writeln!(out, "marked    {} by {who}, {at}: {why}", worth.name());
    }
    out.push_str("\nhistory\n");
    for (at, what) in history.lines() {
        let _ = writeln!(out, "  {at}  {what}");
    }
    out.push_str("\nnotifications\n");
    if line.deliveries.is_empty() {
        let _ = writeln!(out, "  none: {}", why_nobody(alert, &history.deeds));
    }
    for (delivery, tried) in line.deliveries.iter().zip(&history.tried) {
        out.push_str(&notification(delivery, tried));
    }
    terminal.fit(&out)
}

/// A delivery with what was tried.
fn notification(delivery: &Delivery, tried: &Tried) -> String {
    let (to, kind, state) = (deliveries::to(delivery), delivery.message.kind.name(), delivery.state.name());
    let mut out = format!("  {}  {kind} to {to}: {state}", delivery.id);
    if let Some(parcel) = delivery.parcel {
        let _ = write!(out, ", in one message with {} more (id several-{parcel})", tried.together.saturating_sub(1));
    }
    out.push('\n');
    for attempt in &tried.attempts {
        let took = attempt.took.map(|took| format!(" in {}", units::duration(took))).unwrap_or_default();
        let outcome = attempt.outcome.as_deref().unwrap_or("under way");
        let answer = attempt.answer.as_deref().map(|answer| format!(": {}", safe::answer(answer))).unwrap_or_default();
        let _ = writeln!(out, "     {}  {outcome}{took}{answer}", attempt.started);
    }
    // what ended without an attempt says why
    let last = tried.attempts.last().and_then(|attempt| attempt.answer.as_deref());
    if let Some(answer) = delivery.last_answer.as_deref().filter(|answer| last != Some(answer)) {
        let _ = writeln!(out, "     {}", safe::answer(answer));
    }
    if tried.is_stranded {
        let _ = writeln!(out, "     channel not configured: it waits until it is, or is given up");
    } else if delivery.state == State::Pending {
        let _ = writeln!(out, "     next attempt {}", delivery.due);
    }
    out
}

/// What happened to an alert, in words.
pub fn transition(transition: Transition) -> String {
    match transition {
        Transition::Fired(to) => format!("fired {to}"),
        Transition::Raised(from, to) => format!("raised from {from} to {to}"),
        Transition::Eased(from, to) => format!("eased from {from} to {to}"),
        Transition::Resolved(from, why) => {
            let why = match why {
                crate::model::alert::Ended::Cleared => "the value is good again",
                crate::model::alert::Ended::Gone => "what it watched is no longer reported",
                crate::model::alert::Ended::RuleRemoved => "its rule was removed or disabled",
                crate::model::alert::Ended::Closed => "closed by hand",
            };
            format!("resolved ({from}): {why}")
        }
    }
}

/// One line for an attempt to send.
pub fn attempt(attempt: &Attempt, where_to: &str, terminal: &Terminal) -> String {
    let took = units::duration(attempt.took);
    let channel = &attempt.delivery.destination.channel;
    let (mark, words) = match &attempt.outcome {
        Outcome::Sent { answer, receipt: _ } => (terminal.badge(Badge::SENT), format!("{answer} in {took}")),
        Outcome::Later { why, .. } => {
            let again = match (attempt.state, attempt.again_in) {
                (State::Pending, Some(wait)) => format!(", tried again in {}", units::duration(wait)),
                (state, _) => format!(", {}", state.name()),
            };
            (terminal.badge(Badge::LATER), format!("{why} after {took}{again}"))
        }
        Outcome::Dead { why } => (terminal.badge(Badge::FAILED), format!("{why} after {took}")),
    };
    terminal.fit(&format!("  {mark} {channel}  {where_to}  {}\n", safe::answer(&words)))
}
