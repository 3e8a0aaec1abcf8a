//! What a rule comes to for each label set: the value, each severity with what holds it, what was sent.

use std::fmt::Write as _;

use super::lines::wrapped;
use super::tree::unmeasured;
use super::{FEW, Look, STORM, no_data};
use crate::alert::stand::Stand;
use crate::model::delivery::{Delivery, State};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::model::verdict::{Level, NoData, Says};
use crate::output::terminal::Badge;
use crate::rules::Rule;
use crate::text::{safe, units};
use crate::view::explain::{Case, Explanation, Standing};

/// All label sets, or the one that is asked about; of what is fine only the first few, with nothing but their values.
pub fn cases(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let is_asked = |case: &&Case| look.focus.is_none_or(|focus| case.labels == *focus);
    let asked: Vec<&Case> = explanation.cases.iter().filter(is_asked).collect();
    let mut out = String::new();
    if asked.is_empty() && look.focus.is_some() {
        out.push_str("the rule has no result for this alert\n");
    }
    let (plain, others): (Vec<&Case>, Vec<&Case>) =
        asked.iter().partition(|case| is_plain(case) && asked.len() > 1 && !look.all);
    let (most, few) = if look.all { (usize::MAX, usize::MAX) } else { (STORM, FEW) };
    for case in others.iter().take(most) {
        out.push_str(&Drawing { explanation, look, case }.whole());
    }
    more(others.len(), most, &mut out);
    for case in plain.iter().take(few) {
        out.push_str(&Drawing { explanation, look, case }.head());
    }
    more(plain.len(), few, &mut out);
    out
}

/// How many of `count` were not shown.
fn more(count: usize, shown: usize, out: &mut String) {
    if let Some(more) = count.checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {more} more like these, show with -v");
    }
}

/// Nothing is wrong with it, nothing is open, or it does not count.
fn is_plain(case: &Case) -> bool {
    let is_idle = |standing: Standing| {
        matches!(
            standing,
            Standing::Now(Stand::NotTrue | Stand::Band) | Standing::Then(Some(Level::Within | Level::Band))
        )
    };
    case.alert.is_none() && case.severities.iter().all(|(_, standing)| is_idle(*standing))
}

/// Nobody knows how it stands.
fn is_blind(case: &Case) -> bool {
    let is_blind = |standing: Standing| matches!(standing, Standing::Now(Stand::Blind) | Standing::Then(None));
    case.severities.iter().any(|(_, standing)| is_blind(*standing))
}

struct Drawing<'a> {
    explanation: &'a Explanation<'a>,
    look: &'a Look<'a>,
    case: &'a Case,
}

impl Drawing<'_> {
    fn whole(&self) -> String {
        let mut out = self.head();
        out.push_str(&self.blindness());
        let limits: Vec<String> =
            self.case.severities.iter().map(|(severity, _)| self.rule().limit_text(*severity)).collect();
        let width = limits.iter().map(|limit| limit.chars().count()).max().unwrap_or(0);
        for ((severity, standing), limit) in self.case.severities.iter().zip(&limits) {
            let gap = if width == 0 { "" } else { "  " };
            let first = format!("  {severity:8}  {limit:width$}{gap}");
            let rest = " ".repeat(first.chars().count());
            let sentence = self.sentence(*severity, *standing);
            out.push_str(&wrapped(&sentence, self.look.terminal.width, &first, &rest));
        }
        out.push_str(&self.withheld());
        out.push_str(&self.sent());
        out
    }

    /// Who is at it, and what keeps people from being told.
    fn withheld(&self) -> String {
        let Some(alert) = self.case.alert.as_ref().filter(|_| !self.explanation.is_past) else { return String::new() };
        let ack = alert
            .ack
            .as_ref()
            .map(|ack| ("acked", format!("by {} at {}: {}", ack.who, ack.at.clock(self.explanation.now), ack.why)));
        let hold = alert.hold.as_ref().map(|hold| ("withheld", hold.to_string()));
        let line = |(word, text): (&str, String)| {
            wrapped(&safe::one_line(&text), self.look.terminal.width, &format!("  {word:8}  "), "            ")
        };
        ack.into_iter().chain(hold).map(line).collect()
    }

    const fn rule(&self) -> &Rule {
        self.explanation.rule
    }

    /// The value that the rule found.
    fn value(&self) -> Option<f64> {
        match self.case.weighed.as_ref()?.says {
            Says::Measured { value, .. } => Some(value),
            Says::Unknown(_) => None,
        }
    }

    /// Labels, value, state.
    fn head(&self) -> String {
        let labels = &self.case.labels;
        let name = if labels.is_empty() { "result".to_owned() } else { safe::one_line(&labels.to_string()) };
        let value = match (&self.case.weighed, self.value()) {
            (_, Some(value)) => self.rule().value_text(value),
            (Some(_), None) => "no value".to_owned(),
            (None, None) => "no result".to_owned(),
        };
        format!("{name}  {value}  {}\n", self.state())
    }

    fn state(&self) -> String {
        let badge = |badge| self.look.terminal.badge(badge);
        let (case, now) = (self.case, self.explanation.now);
        let weighed = case.weighed.as_ref();
        if let Some(except) = weighed.and_then(|weighed| weighed.left_out_by.as_deref()) {
            return format!("left out by except {}", safe::one_line(except));
        }
        let lasts = |since: Time| {
            let lasted = self.explanation.stands_at().since(since);
            let lasted = if lasted.is_zero() { String::new() } else { format!(" ({})", units::duration(lasted)) };
            format!("since {}{lasted}", since.clock(now))
        };
        let when = if self.guarded() { ", `when` does not hold" } else { "" };
        match (&case.alert, case.fires, weighed.map(|weighed| &weighed.says)) {
            (Some(alert), Some(severity), _) => {
                let number = alert.number.map_or_else(String::new, |number| format!(", alert {number}"));
                let since = lasts(alert.stands_since());
                format!("{} firing {since}{number}{when}", badge(severity.into()))
            }
            (Some(alert), None, _) => format!("{} {}{when}", badge(Badge::PENDING), lasts(alert.since)),
            (None, _, Some(Says::Unknown(reason))) if reason.is_benign() => {
                format!("{} cannot be judged yet: {}", badge(Badge::WAITING), safe::answer(reason.as_str()))
            }
            (None, _, Some(Says::Unknown(_)) | None) => format!("{} cannot be judged", badge(Badge::UNKNOWN)),
            (None, _, Some(Says::Measured { .. })) if is_plain(case) => format!("{}{when}", badge(Badge::FINE)),
            // the value is known, and what it means with the rest is not
            (None, _, Some(Says::Measured { .. })) if is_blind(case) => {
                format!("{} cannot be judged", badge(Badge::UNKNOWN))
            }
            (None, _, Some(Says::Measured { .. })) => "true, not firing".to_owned(),
        }
    }

    fn guarded(&self) -> bool {
        self.case.weighed.as_ref().is_some_and(|weighed| weighed.allowed == Some(false))
    }

    /// Why the value is not known, and what that does.
    fn blindness(&self) -> String {
        let Some(Says::Unknown(reason)) = self.case.weighed.as_ref().map(|weighed| &weighed.says) else {
            return String::new();
        };
        let since = self.case.alert.as_ref().and_then(|alert| alert.unknown.as_ref()).map(|(since, _)| *since);
        let why = unmeasured(since.filter(|_| !self.explanation.is_past), reason.as_str(), self.explanation.now);
        // what holding means is said of each severity
        let text = match self.rule().policy.no_data {
            NoData::Hold => why,
            policy => format!("{why}; {}", no_data(policy)),
        };
        wrapped(&text, self.look.terminal.width, "  ", "    ")
    }

    /// Why a severity fires or does not.
    fn sentence(&self, severity: Severity, standing: Standing) -> String {
        match standing {
            Standing::Now(stand) => self.now(severity, stand),
            Standing::Then(None) => "nobody knows: it was not measured".to_owned(),
            Standing::Then(Some(Level::Within)) => self.not_true(severity),
            Standing::Then(Some(Level::Band)) if self.case.fires == Some(severity) => {
                format!("fired: not past its limit, to end at {}", self.clear(severity))
            }
            Standing::Then(Some(Level::Band)) => self.band(severity),
            Standing::Then(Some(Level::Beyond)) => {
                let word = if self.case.fires >= Some(severity) { "fired" } else { "true" };
                format!("{word}: {}{}", self.beyond(severity), self.patience(severity))
            }
        }
    }

    fn now(&self, severity: Severity, stand: Stand) -> String {
        let at = |time: Time| time.clock(self.explanation.now);
        let policy = &self.rule().policy;
        let literal = units::duration_literal;
        match stand {
            Stand::NotTrue => self.not_true(severity),
            Stand::Band => self.band(severity),
            Stand::Begins => format!("true: {}; the next check begins to count", self.beyond(severity)),
            Stand::Pending { since, fires_at } => format!(
                "pending since {}: {}; fires at {} if it stays so, `for` is {}",
                at(since),
                self.beyond(severity),
                at(fires_at),
                literal(policy.pending_for[severity])
            ),
            Stand::Stopped { left, .. } => format!(
                "pending, and what is not measured does not count: fires after {} more of being true",
                units::duration(left)
            ),
            Stand::Firing { since } => {
                format!("fired at {}: {}{}", at(since), self.beyond(severity), self.patience(severity))
            }
            Stand::NotClear { since } => {
                format!("fired at {}, not past its limit now: ends at {}", at(since), self.clear(severity))
            }
            Stand::Keeping { since, until, .. } => format!(
                "fires on until {}: not true since {}, `keep_firing_for` is {}",
                at(until),
                at(since),
                literal(policy.keep_firing_for[severity])
            ),
            Stand::Ends { since } => format!("fired at {}, not true now: the next check ends it", at(since)),
            Stand::Held { since } => format!("fired at {}, held: what is not measured ends nothing", at(since)),
            Stand::Blind => "nobody knows, and what is not measured fires nothing".to_owned(),
        }
    }

    /// Why it is not true.
    fn not_true(&self, severity: Severity) -> String {
        if self.guarded() {
            return "not true: `when` does not hold".to_owned();
        }
        let rung = self.rule().rung(severity);
        match (self.value(), rung) {
            (None, _) => "not true: without a value".to_owned(),
            (Some(value), Some(_)) if value.is_nan() => "not true: NaN is beyond no limit".to_owned(),
            (Some(value), Some(rung)) => match self.distance(value, rung.limit) {
                None => "not true: on its limit, not beyond it".to_owned(),
                Some(text) => format!("not true: {text}"),
            },
            (Some(_), None) => "not true".to_owned(),
        }
    }

    /// How far beyond its limit it is.
    fn beyond(&self, severity: Severity) -> String {
        match (self.value(), self.rule().rung(severity)) {
            (Some(value), Some(rung)) => match self.distance(value, rung.limit) {
                Some(text) => text,
                None => "beyond its limit".to_owned(),
            },
            (Some(_), None) => "its condition holds".to_owned(),
            (None, _) => "not measured counts as bad".to_owned(),
        }
    }

    /// How far the value is from a limit, and on which side; `None` where it is on it.
    fn distance(&self, value: f64, limit: f64) -> Option<String> {
        let side = if value > limit { "above" } else { "below" };
        let distance = (value - limit).abs();
        (distance > 0.0).then(|| format!("{} {side} its limit", self.rule().distance_text(distance)))
    }

    fn band(&self, severity: Severity) -> String {
        format!("not true: between {} and its limit, which keeps only what fires", self.clear(severity))
    }

    fn clear(&self, severity: Severity) -> String {
        let clear = self.rule().rung(severity).and_then(|rung| rung.clear);
        clear.map_or_else(|| "`clear`".to_owned(), |clear| format!("`clear` {}", self.rule().value_text(clear)))
    }

    /// What it had to wait for.
    fn patience(&self, severity: Severity) -> String {
        let before = self.rule().policy.pending_for[severity];
        if before.is_zero() { String::new() } else { format!(", `for` is {}", units::duration_literal(before)) }
    }

    /// What was sent, and what waits.
    fn sent(&self) -> String {
        let Case { deliveries, fires, .. } = self.case;
        // the history of the one alert that is asked about has them too
        if self.look.focus.is_some() {
            return String::new();
        }
        if deliveries.is_empty() && fires.is_some() {
            return "  told      nobody\n".to_owned();
        }
        let mut out = String::new();
        for (place, one) in deliveries.iter().enumerate() {
            let first = if place == 0 { "  told      " } else { "            " };
            let now = self.explanation.now;
            let at = format!(" of {}", one.message.at.clock(now));
            out.push_str(&wrapped(&delivery(one, &at, now), self.look.terminal.width, first, "              "));
        }
        out
    }
}

/// What became of a notification; `at` says after its kind when it was decided.
pub fn delivery(delivery: &Delivery, at: &str, now: Time) -> String {
    let Delivery { destination, message, state, due, last_answer, .. } = delivery;
    let to = safe::one_line(&format!("{} {}", destination.channel, destination.address));
    let answer = last_answer.as_deref().map(|answer| format!(": {}", safe::answer(answer))).unwrap_or_default();
    let became = match state {
        State::Sent => "sent".to_owned(),
        State::Pending => format!("waits, next try {}{answer}", due.clock(now)),
        State::Sending => "is being sent".to_owned(),
        State::Superseded => format!("replaced by a newer word before it left{answer}"),
        State::Dead | State::Uncertain => format!("{}{answer}", state.name()),
    };
    format!("{to}: {}{at}, {became}", message.kind.name())
}
