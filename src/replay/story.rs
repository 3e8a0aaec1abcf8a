//! A `[[test]]` played: its series, tick by tick, through the rules it is about.

use std::time::Duration;

use toml::Spanned;

use super::timeline::Timeline;
use super::{Moment, Replay};
use crate::alert::message::Identity;
use crate::alert::routes::Routes;
use crate::model::fault::{Fault, Place};
use crate::model::message::Destination;
use crate::model::reading::{Point, Window};
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::rules::promql::ast::{Expr, Selector};
use crate::rules::testing::{Series, Test};
use crate::rules::{Rule, Windows};
use crate::text::nearest::nearest;

/// Who speaks in a test.
pub fn identity() -> Identity {
    Identity { system: "test".to_owned(), environment: String::new(), host: "test".to_owned() }
}

/// Who is told in a test: three channels by the default routes, so that a test says the same with everybody's channels.
pub fn routes() -> Routes {
    let channels: fn(Severity) -> &'static [&'static str] = |severity| match severity {
        Severity::Low => &[],
        Severity::Medium => &["chat"],
        Severity::High => &["chat", "mail"],
        Severity::Critical => &["chat", "mail", "sms"],
    };
    let to = |channel: &&str| Destination { channel: (*channel).to_owned(), address: String::new() };
    BySeverity::from_fn(|severity| channels(severity).iter().map(to).collect()).into()
}

/// Everything that happens in `test` under `rules`, or what makes the test pointless with these rules.
pub fn play(test: &Test, rules: &[Rule]) -> Result<String, Vec<Fault>> {
    let rules = rules_of(test, rules)?;
    let mut timeline = Timeline::new(&rules);
    each_tick(test, &rules, |at, moment| timeline.add(at, moment));
    Ok(timeline.text())
}

/// What each tick of `test` brings, with the time since the first one. Time begins at the epoch, so that `time()` is the
/// seconds since the beginning.
pub fn each_tick(test: &Test, rules: &[Rule], mut look: impl FnMut(Duration, Moment)) {
    let mut data = windows(test);
    let (routes, identity) = (routes(), identity());
    let mut replay = Replay::new(rules, &routes, &identity, test.interval);
    let mut passed = Duration::ZERO;
    for tick in 0..test.ticks() {
        let at = Time::from_millis(0) + passed;
        for (place, series) in test.series.iter().enumerate() {
            if let Some(Some(sample)) = series.samples.get(tick) {
                data.append(place, Point { tick: at, datum: sample.datum }, sample.reason.clone());
            }
        }
        look(passed, replay.tick(at, &mut data));
        passed += test.interval;
    }
}

/// The series of the test, each without samples yet.
fn windows(test: &Test) -> Windows {
    let window =
        |series: &Series| Window { series: series.key.clone(), every: test.interval, points: Vec::new(), reason: None };
    Windows::new(test.series.iter().map(window).collect())
}

/// The rules that the test names, or else those that read one of its series.
pub fn rules_of(test: &Test, rules: &[Rule]) -> Result<Vec<Rule>, Vec<Fault>> {
    let data = windows(test);
    let mut faults = Vec::new();
    let is_unknown = |name: &&Spanned<String>| !rules.iter().any(|rule| *rule.name == **name.get_ref());
    for name in test.rules.iter().flatten().filter(is_unknown) {
        let fault = Fault::error(format!("there is no rule `{}`", name.get_ref()), Place::File(name.span()));
        faults.push(match nearest(name.get_ref(), rules.iter().map(|rule| &*rule.name)) {
            Some(near) => fault.help(format!("did you mean {near}?")),
            None => fault.help("name a rule of this file, of the configuration or one that is shipped"),
        });
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let is_meant = |rule: &&Rule| match &test.rules {
        Some(names) => names.iter().any(|name| *rule.name == **name.get_ref()),
        None => selectors(rule).any(|selector| data.select(selector).next().is_some()),
    };
    let meant: Vec<Rule> = rules.iter().filter(is_meant).cloned().collect();
    faults.extend(test.series.iter().filter_map(|series| unread(series, &meant, rules)));
    if faults.is_empty() { Ok(meant) } else { Err(faults) }
}

fn selectors(rule: &Rule) -> impl Iterator<Item = &Selector> {
    rule.exprs().flat_map(Expr::selectors)
}

/// A series whose metric no rule of the test reads is a slip: the test would prove nothing.
fn unread(series: &Series, meant: &[Rule], all: &[Rule]) -> Option<Fault> {
    let reads = |rule: &Rule| {
        selectors(rule).any(|selector| selector.metric.as_ref().is_none_or(|metric| *metric == series.key.metric))
    };
    if meant.iter().any(reads) {
        return None;
    }
    let metric = &series.key.metric;
    let fault = Fault::error(format!("no rule of this test reads `{metric}`"), Place::File(series.span.clone()));
    let known = all.iter().flat_map(selectors).filter_map(|selector| selector.metric.as_deref());
    let reader = all.iter().find(|rule| reads(rule));
    Some(match (reader, nearest(metric, known)) {
        (Some(rule), _) => fault.help(format!("add {} to `rules`, or leave the series out", rule.name)),
        (None, Some(near)) => fault.help(format!("did you mean `{near}`?")),
        (None, None) => fault.help("leave it out, or write the rule that reads it into this file"),
    })
}

#[cfg(test)]
mod tests;
