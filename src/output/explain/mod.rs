//! `rules explain` and `alert explain` for somebody woken at night: what it rests on, what it comes to, who hears of it.

mod case;
pub mod lines;
mod tree;

use std::fmt::Write as _;

use self::lines::wrapped;
use super::alerts;
use super::terminal::Terminal;
use crate::model::alert::{Alert, Deed};
use crate::model::labels::Labels;
use crate::model::time::Time;
use crate::model::verdict::{Missing, NoData};
use crate::rules::Rule;
use crate::rules::explain::Outcome;
use crate::text::{safe, units};
use crate::view::deliveries::withheld_at;
use crate::view::explain::{Explanation, Life, channels};
use crate::view::page::story::deed_words;

/// Label sets that are explained before "and 12 more": a storm is read in parts.
const STORM: usize = 20;

/// Lines of one kind before "and 12 more".
const FEW: usize = 8;

/// How an explanation is drawn.
pub struct Look<'a> {
    /// Where.
    pub terminal: &'a Terminal,
    /// Everything: also what inner parts of an expression yield, and the limits of what is fine.
    pub all: bool,
    /// The label set that is asked about.
    pub focus: Option<&'a Labels>,
}

/// One rule with all its label sets.
pub fn rule(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let rule = explanation.rule;
    let mut out = format!("{}  {}\n", rule.name, safe::one_line(&rule.origin.to_string()));
    out.push_str(&body(explanation, look));
    look.terminal.fit(&out)
}

/// One alert: its life, and its rule as far as it concerns it; the explanation is `None` where the rule is gone.
pub fn alert(life: &Life, explanation: Option<&Explanation<'_>>, now: Time, look: &Look<'_>) -> String {
    let mut out = headline(&life.alert, now);
    match explanation {
        None => out.push_str("its rule is no longer configured: what it found cannot be evaluated again\n"),
        Some(explanation) => {
            let _ = writeln!(out, "rule {}", safe::one_line(&explanation.rule.origin.to_string()));
            out.push_str(&body(explanation, look));
        }
    }
    out.push_str(&history(life, explanation.map(|explanation| explanation.rule), now, look));
    look.terminal.fit(&out)
}

fn headline(alert: &Alert, now: Time) -> String {
    let number = alert.number.map_or_else(|| "without a number".to_owned(), |number| number.to_string());
    let end = match alert.ended {
        Some((end, _)) => format!("at {} after {}", end.clock(now), units::duration(end.since(alert.stands_since()))),
        None => format!("for {}", units::duration(now.since(alert.stands_since()))),
    };
    format!("alert {number}: {}  {} {end}\n", safe::one_line(&alert.key.to_string()), alert.state())
}

fn body(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let mut out = when(explanation, look);
    out.push('\n');
    out.push_str(&tree::tree(&explanation.explained.tree, explanation, look));
    if let Some(guard) = &explanation.explained.when {
        out.push_str("\nand only when\n");
        out.push_str(&tree::tree(guard, explanation, look));
    }
    out.push('\n');
    let (outcome, cases) = (outcome(explanation, look), case::cases(explanation, look));
    out.push_str(&outcome);
    if !outcome.is_empty() && !cases.is_empty() {
        out.push('\n');
    }
    out.push_str(&cases);
    out.push_str(&audience(explanation, look));
    out
}

/// The tick that is explained.
fn when(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let ahead = explanation.at.since(explanation.now);
    let distance = if ahead.is_zero() {
        format!("{} ago", units::duration(explanation.now.since(explanation.at)))
    } else {
        format!("{} in the future: the clock went back", units::duration(ahead))
    };
    let mut out = format!("at {}, {distance}\n", explanation.at);
    if explanation.is_stale {
        let what = "nothing has been checked lately: the values may have changed, and nobody is told. Is cron running?";
        out.push_str(&wrapped(what, look.terminal.width, "", ""));
    }
    if explanation.is_past {
        let what = "of the past, samples and what fired are kept, and pending starts are not";
        out.push_str(&wrapped(what, look.terminal.width, "", ""));
    }
    out
}

/// What is to be said of the rule as a whole.
fn outcome(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let no_data = no_data(explanation.rule.policy.no_data);
    let text = match &explanation.explained.outcome {
        Outcome::Unknown(reason) if reason.is_benign() => {
            format!("cannot be judged yet: {}; {no_data}", safe::answer(reason.as_str()))
        }
        Outcome::Unknown(reason) => format!("cannot be judged: {}; {no_data}", safe::answer(reason.as_str())),
        Outcome::Failed(why) => format!("cannot be evaluated: {}; {no_data}", safe::answer(why)),
        Outcome::Judged(Missing::Gone) if explanation.cases.is_empty() => {
            "there is no result, so there is nothing that could fire".to_owned()
        }
        Outcome::Judged(Missing::FalseOrGone) if explanation.cases.is_empty() => {
            "its condition holds for nothing, so nothing fires".to_owned()
        }
        Outcome::Judged(_) => return String::new(),
    };
    wrapped(&text, look.terminal.width, "", "")
}

/// What the rule does where nothing was measured.
const fn no_data(policy: NoData) -> &'static str {
    match policy {
        NoData::Hold => "`no_data` is hold: what fires goes on, nothing new fires",
        NoData::Fire => "`no_data` is fire: that counts as bad",
        NoData::Resolve => "`no_data` is resolve: that counts as fine",
    }
}

/// Who hears of each severity.
fn audience(explanation: &Explanation<'_>, look: &Look<'_>) -> String {
    let mut out = "\nwho is told\n".to_owned();
    for (severity, has) in explanation.rule.policy.severities.iter() {
        if !has {
            continue;
        }
        let names = channels(explanation.routes, severity);
        let names = match names.as_slice() {
            [] => format!("nobody: no channel hears of {severity}"),
            names => safe::one_line(&names.join(", ")),
        };
        out.push_str(&wrapped(&names, look.terminal.width, &format!("  {severity:8}  "), "            "));
    }
    out
}

/// What happened to an alert, and who was told of it.
fn history(life: &Life, rule: Option<&Rule>, now: Time, look: &Look<'_>) -> String {
    let mut out = "\nhistory\n".to_owned();
    let value = |value: f64| rule.map_or_else(|| units::number(value), |rule| rule.value_text(value));
    if life.alert.fired_at.is_none_or(|fired| fired > life.alert.since) {
        let _ = writeln!(out, "  {}  became true", life.alert.since);
    }
    let deed = |deed: &Deed| {
        let what = format!("{}  {}", deed.at, deed_words(deed));
        wrapped(&what, look.terminal.width, "  ", "      ")
    };
    let mut deeds = life.deeds.iter().peekable();
    for row in &life.history {
        while let Some(before) = deeds.next_if(|deed| deed.at < row.tick) {
            out.push_str(&deed(before));
        }
        let at = row.value.map(|number| format!(", value {}", value(number))).unwrap_or_default();
        let what = format!("{}  {}{at}", row.tick, alerts::transition(row.transition));
        out.push_str(&wrapped(&what, look.terminal.width, "  ", "      "));
        let of_it: Vec<_> = life.deliveries.iter().filter(|delivery| delivery.message.at == row.tick).collect();
        if of_it.is_empty() {
            let why = withheld_at(&life.deeds, row.tick).map(|deed| format!(": {}", deed_words(deed)));
            let untold = format!("nobody was told{}", why.unwrap_or_default());
            out.push_str(&wrapped(&untold, look.terminal.width, "    ", "      "));
        }
        for delivery in of_it {
            let told = case::delivery(delivery, "", now);
            out.push_str(&wrapped(&told, look.terminal.width, "    ", "      "));
        }
    }
    out.extend(deeds.map(deed));
    out
}

#[cfg(test)]
mod tests;
