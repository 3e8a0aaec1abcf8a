//! `rules list --noise`: what people say of each rule's alerts, against the goal of one false alert in a hundred.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::cli;
use crate::cmd::{Context, Ended, print_json};
use crate::model::alert::{Alert, Mark, Worth};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};
use crate::output::terminal;
use crate::replay::episodes::FLAP;
use crate::store::Store;
use crate::store::alerts::AlertFilter;
use crate::store::open::Mode;
use crate::text::{safe, units};

/// At most this part of a rule's alerts should be false.
const GOAL: f64 = 0.01;

/// What ended by itself within this time may not have been worth being told.
const SHORT: Duration = Duration::from_mins(2);

/// How noisy a rule is.
#[derive(Serialize, Default, Debug, PartialEq)]
struct Noise {
    rule: String,
    /// Alerts that fired.
    episodes: usize,
    #[serde(rename = "false")]
    wrong: usize,
    useful: usize,
    /// The part of the alerts that was marked false.
    false_rate: f64,
    over_goal: bool,
    /// Resolved within two minutes.
    short: usize,
    /// Came back within a quarter of an hour.
    flaps: usize,
}

/// Prints the rules that fired in the last `--since`, the noisiest first.
pub fn run(context: &Context, args: &cli::RulesList) -> Ended {
    let since = units::parse_duration(&args.since);
    let since = since.map_err(|why| Trouble::new(Kind::Usage, format!("--since: {why}")))?;
    let config = context.config()?;
    let now = context.clock.now();
    let mut store = Store::open(&config.database.0, Mode::Read, now)?;
    let moment = store.snapshot()?;
    let filter = AlertFilter { since: Some(now - since), ..AlertFilter::default() };
    let marks = moment.marks()?;
    let alerts = moment.alerts(&filter)?;
    let alerts: Vec<(Alert, Option<&Mark>)> = alerts.into_iter().map(|(id, alert)| (alert, marks.get(&id))).collect();
    let found = noise(&alerts);
    if context.global.json {
        print_json(&found)?;
    } else {
        terminal::print(&context.terminal.fit(&page(&found, &context.terminal)))?;
    }
    Ok(0)
}

/// Each rule that fired, the noisiest first.
fn noise(alerts: &[(Alert, Option<&Mark>)]) -> Vec<Noise> {
    let mut rules: BTreeMap<&str, Vec<(&Alert, Option<&Mark>)>> = BTreeMap::new();
    for (alert, mark) in alerts {
        rules.entry(&alert.key.rule).or_default().push((alert, *mark));
    }
    let mut all: Vec<Noise> = rules.into_iter().map(|(rule, alerts)| of_rule(rule, &alerts)).collect();
    all.sort_by(|a, b| b.false_rate.total_cmp(&a.false_rate).then(b.episodes.cmp(&a.episodes)));
    all
}

fn of_rule(rule: &str, alerts: &[(&Alert, Option<&Mark>)]) -> Noise {
    let marked = |worth| alerts.iter().filter(|(_, mark)| mark.is_some_and(|mark| mark.worth == worth)).count();
    let wrong = marked(Worth::False);
    let false_rate = wrong as f64 / alerts.len().max(1) as f64;
    let span = |alert: &Alert| Some((alert.fired_at?, alert.ended?.0));
    let is_short = |alert: &Alert| span(alert).is_some_and(|(fired, ended)| ended.since(fired) < SHORT);
    let comes_back = |alert: &Alert| {
        let before = |(other, _): &&(&Alert, Option<&Mark>)| {
            let soon = |(_, ended): (Time, Time), fired: Time| ended <= fired && fired.since(ended) <= FLAP;
            other.key == alert.key && span(other).zip(alert.fired_at).is_some_and(|(span, fired)| soon(span, fired))
        };
        alerts.iter().any(|other| before(&other))
    };
    Noise {
        rule: rule.to_owned(),
        episodes: alerts.len(),
        wrong,
        useful: marked(Worth::Useful),
        false_rate,
        over_goal: false_rate > GOAL,
        short: alerts.iter().filter(|(alert, _)| is_short(alert)).count(),
        flaps: alerts.iter().filter(|(alert, _)| comes_back(alert)).count(),
    }
}

fn page(found: &[Noise], terminal: &terminal::Terminal) -> String {
    if found.is_empty() {
        return "no rule fired in this time\n".to_owned();
    }
    let mut table = terminal.table(&["RULE", "ALERTS", "FALSE", "USEFUL", "RATE", "HINTS"]);
    for noise in found {
        let rate = format!("{:.1} %{}", noise.false_rate * 100.0, if noise.over_goal { ", above 1 %" } else { "" });
        let (rule, hints) = (safe::one_line(&noise.rule), hints(noise));
        let counts = [noise.episodes, noise.wrong, noise.useful].map(|count| count.to_string());
        let [episodes, wrong, useful] = counts;
        table.add_row([rule, episodes, wrong, useful, rate, hints]);
    }
    let mut out = String::new();
    for line in table.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// What may be done about it.
fn hints(noise: &Noise) -> String {
    let mut hints = Vec::new();
    if noise.short > 0 {
        hints.push(format!("{} resolved within 2 min: a longer `for`?", noise.short));
    }
    if noise.flaps > 0 {
        hints.push(format!("{} came back within 15 min: a `clear` further off?", noise.flaps));
    }
    hints.join("; ")
}
