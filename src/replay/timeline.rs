//! What happened, for people: a line for each thing, in columns, and under it who is told what.
//!
//! ```text
//! 1m   HIGH_MEMORY_USAGE  pending                  86 % (> 85 %)
//! 6m   HIGH_MEMORY_USAGE  fired HIGH               86 % (> 85 %)
//!      -> chat, mail: firing "Memory at 86 % (> 85 %)"
//! 8m   HIGH_MEMORY_USAGE  not measured             timeout; stays HIGH
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::{Change, Moment, What};
use crate::model::alert::{Alert, Ended, Phase, Transition};
use crate::model::severity::Severity;
use crate::rules::Rule;
use crate::text::{safe, units};

/// The lines so far.
pub struct Timeline<'a> {
    rules: &'a [Rule],
    lines: Vec<Line>,
    /// Rules that could not be evaluated at the last tick, with the reason.
    failing: BTreeMap<Arc<str>, String>,
}

/// One thing that happened.
struct Line {
    at: String,
    whose: String,
    what: String,
    facts: String,
    told: Option<String>,
}

impl<'a> Timeline<'a> {
    /// Nothing has happened yet.
    pub const fn new(rules: &'a [Rule]) -> Self {
        Self { rules, lines: Vec::new(), failing: BTreeMap::new() }
    }

    /// Adds what happened `at` this time after the beginning.
    pub fn add(&mut self, at: Duration, moment: Moment) {
        let at = units::duration_literal(at);
        let failing: BTreeMap<Arc<str>, String> = moment.failed.into_iter().collect();
        let line = |rule: &Arc<str>, what: &str, facts: &str| Line {
            at: at.clone(),
            whose: rule.to_string(),
            what: what.to_owned(),
            facts: safe::answer(facts),
            told: None,
        };
        let begun = failing.iter().filter(|(rule, why)| self.failing.get(*rule) != Some(why));
        let begun = begun.map(|(rule, why)| line(rule, "cannot be judged", why));
        let over = self.failing.keys().filter(|rule| !failing.contains_key(*rule));
        let over = over.map(|rule| line(rule, "judged again", ""));
        let mut lines: Vec<Line> = begun.chain(over).collect();
        lines.extend(moment.changes.iter().map(|change| self.line(&at, change)));
        self.lines.append(&mut lines);
        self.failing = failing;
    }

    fn line(&self, at: &str, change: &Change) -> Line {
        let rule = self.rules.iter().find(|rule| rule.name == change.alert.key.rule);
        let (what, facts) = words(change, rule);
        Line {
            at: at.to_owned(),
            whose: safe::one_line(&change.alert.key.to_string()),
            what,
            facts: safe::one_line(&facts),
            told: told(change),
        }
    }

    /// All of it; empty where nothing happened.
    pub fn text(&self) -> String {
        let widest =
            |column: fn(&Line) -> &str| self.lines.iter().map(|line| column(line).chars().count()).max().unwrap_or(0);
        let (at, whose, what) = (widest(|line| &line.at), widest(|line| &line.whose), widest(|line| &line.what));
        let mut out = String::new();
        for line in &self.lines {
            let row = format!("{:at$}  {:whose$}  {:what$}  {}", line.at, line.whose, line.what, line.facts);
            let _ = writeln!(out, "{}", row.trim_end());
            if let Some(told) = &line.told {
                let _ = writeln!(out, "{:at$}  {told}", "");
            }
        }
        out
    }
}

/// What happened, and the facts about it.
fn words(change: &Change, rule: Option<&Rule>) -> (String, String) {
    let alert = &change.alert;
    let value = |severity| value(rule, alert, severity);
    match &change.what {
        What::Pending => ("pending".to_owned(), value(alert.phases.highest(is_pending))),
        What::Forgotten => ("fine".to_owned(), value(None)),
        What::Unknown(reason) => ("not measured".to_owned(), format!("{reason}; stays {}", state(alert))),
        What::Known => ("measured again".to_owned(), value(alert.severity().or(alert.phases.highest(is_pending)))),
        What::Transition(Transition::Fired(to)) => (format!("fired {to}"), value(Some(*to))),
        What::Transition(Transition::Raised(from, to)) => (format!("raised {from} -> {to}"), value(Some(*to))),
        What::Transition(Transition::Eased(from, to)) => (format!("eased {from} -> {to}"), value(Some(*to))),
        What::Transition(Transition::Resolved(from, why)) => {
            let why = match why {
                Ended::Cleared => "cleared",
                Ended::Gone => "gone",
                Ended::RuleRemoved => "rule removed",
                Ended::Closed => "closed by hand",
            };
            (format!("resolved {from} ({why})"), value(None))
        }
    }
}

const fn is_pending(phase: &Phase) -> bool {
    matches!(phase, Phase::Pending(_))
}

/// `HIGH`, or `pending`.
fn state(alert: &Alert) -> &'static str {
    alert.severity().map_or("pending", Severity::name)
}

/// The value, against the limit of a severity where one is asked for; or why there is none.
fn value(rule: Option<&Rule>, alert: &Alert, severity: Option<Severity>) -> String {
    if let Some((_, reason)) = &alert.unknown {
        return format!("not measured: {reason}");
    }
    let (Some(rule), Some(value)) = (rule, alert.value) else { return String::new() };
    let limit = severity.map(|severity| rule.limit_text(severity)).filter(|limit| !limit.is_empty());
    let against = limit.map_or_else(String::new, |limit| format!(" ({limit})"));
    format!("{}{against}", rule.value_text(value))
}

/// `-> chat, mail: raised; sms: firing "Memory at 97 % (> 95 %)"`; nothing where nobody is told.
fn told(change: &Change) -> Option<String> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for telling in &change.told {
        match groups.last_mut().filter(|(kind, _)| *kind == telling.kind.name()) {
            Some((_, channels)) => channels.push(&telling.to.channel),
            None => groups.push((telling.kind.name(), vec![&telling.to.channel])),
        }
    }
    let summary = &change.messages.first()?.summary;
    let groups: Vec<String> =
        groups.into_iter().map(|(kind, channels)| format!("{}: {kind}", channels.join(", "))).collect();
    Some(format!("-> {} \"{}\"", groups.join("; "), safe::one_line(summary)))
}
