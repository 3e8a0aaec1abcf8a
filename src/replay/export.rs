//! A past alert as a test of its rule: the samples around it, tick by tick, and the timeline that they give.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use toml::Spanned;

use super::{What, story};
use crate::collect::catalogue::METRICS;
use crate::model::alert::{Alert, AlertKey, Transition};
use crate::model::labels::SeriesKey;
use crate::model::metric::Unit;
use crate::model::reading::{Datum, Need, Reason, Window};
use crate::model::time::{Time, millis_of};
use crate::model::trouble::{Kind, Trouble};
use crate::rules::promql::ast::Expr;
use crate::rules::testing::{MOST_SAMPLES, MOST_TICKS, Sample, Series, Slot, Test, rewritten, samples_written};
use crate::rules::{self, Rule, Windows};
use crate::store::cycles::CycleRow;
use crate::store::{Reader, Result};
use crate::text::{safe, units};

/// A test, and whether it tells what happened.
#[derive(Clone, Debug)]
pub struct Exported {
    /// A `[[test]]` in TOML.
    pub text: String,
    /// How the alert of the test differs from the one that there was.
    pub remark: Option<String>,
}

/// What happened to the alert, with the time since the first tick.
type Course = Vec<(Duration, Transition)>;

/// The time of a test, as ticks.
#[derive(Clone, Copy)]
struct Grid {
    first: Time,
    interval: Duration,
    ticks: usize,
    /// The alert goes on behind its end.
    is_cut: bool,
}

impl Grid {
    /// The tick to which a time belongs.
    fn place(&self, at: Time) -> Option<usize> {
        let passed = at.millis().checked_sub(self.first.millis())?.checked_div(millis_of(self.interval).max(1))?;
        usize::try_from(passed).ok().filter(|place| *place < self.ticks)
    }

    fn last(&self) -> Time {
        self.first + self.interval.saturating_mul(u32::try_from(self.ticks.saturating_sub(1)).unwrap_or(u32::MAX))
    }
}

/// Writes `alert` of `rule` as a test. `course` is what happened to it; `interval` is the time between two ticks where the
/// cycles of then do not say it.
pub fn export(
    store: &Reader,
    rule: &Rule,
    alert: &Alert,
    course: &[(Time, Transition)],
    interval: Duration,
) -> Result<Exported> {
    let number = alert.number.unwrap_or_default();
    let last = alert.ended.map_or(alert.stepped, |(at, _)| at);
    let needs = rules::needs(rule.exprs(), last);
    let all = store.sound_windows(&since(&needs, last.since(alert.since), false), last)?;
    let reach = all.iter().map(|window| reach(&needs, window)).max().unwrap_or_default();
    let from = alert.since - reach;
    let cycles = store.cycles(from, last)?;
    let grid = grid(from, last, pace(&cycles).unwrap_or(interval));
    let windows = selected(rule, store.sound_windows(&since(&needs, last.since(grid.first), false), last)?);
    let seen = |at: &Time| windows.iter().flat_map(|window| &window.points).any(|point| point.tick <= *at);
    let grid = bounded(grid, windows.len(), alert, number)?;
    if !seen(&alert.since) {
        let what = format!("the samples around alert {number} are no longer stored");
        return Err(Trouble::new(Kind::Unavailable, what).help("samples are kept for a shorter time than alerts"));
    }
    let series: Vec<Series> = windows.iter().map(|window| series(window, &grid, &cycles)).collect();
    let test = narrowed(test(alert, number, grid.interval, series), rule, &alert.key);
    let lived: Course = course
        .iter()
        .filter_map(|(at, transition)| Some((passed(grid.place(*at)?, grid.interval), *transition)))
        .collect();
    let replayed = course_of(&test, rule, &alert.key);
    let remark = (lived != replayed).then(|| differs(&lived, &replayed));
    Ok(Exported { text: text(&test, rule, alert, &grid, remark.as_deref())?, remark })
}

fn passed(place: usize, interval: Duration) -> Duration {
    interval.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX))
}

/// The needs, so far back.
fn since(needs: &[Need], back: Duration, lookback: bool) -> Vec<Need> {
    needs.iter().map(|need| Need { back, lookback, ..need.clone() }).collect()
}

/// How far back the rule looks at a series.
fn reach(needs: &[Need], window: &Window) -> Duration {
    let names = |need: &&Need| need.metric.as_ref().is_none_or(|metric| *metric == window.series.metric);
    needs.iter().filter(names).map(|need| need.back).max().unwrap_or_default() + rules::lookback(window.every)
}

/// The most frequent time between two cycles, within what a test can have.
fn pace(cycles: &[CycleRow]) -> Option<Duration> {
    let mut between: Vec<Duration> =
        cycles.iter().zip(cycles.iter().skip(1)).map(|(a, b)| b.tick.since(a.tick)).collect();
    between.sort_unstable();
    let middle = between.get(between.len() / 2)?;
    Some((*middle).clamp(Duration::from_secs(1), Duration::from_hours(1)))
}

fn grid(from: Time, last: Time, interval: Duration) -> Grid {
    let first = from.floor(interval);
    let ticks = last.since(first).as_millis() / interval.as_millis().max(1);
    Grid { first, interval, ticks: usize::try_from(ticks).unwrap_or(usize::MAX).saturating_add(1), is_cut: false }
}

/// The grid cut to what a test may hold; an alert that has not begun by then is no test.
fn bounded(grid: Grid, series: usize, alert: &Alert, number: u64) -> Result<Grid> {
    let most = MOST_TICKS.min(MOST_SAMPLES / series.max(1));
    let cut = Grid { ticks: grid.ticks.min(most), is_cut: grid.ticks > most, ..grid };
    if cut.place(alert.fired_at.unwrap_or(alert.since)).is_some() {
        return Ok(cut);
    }
    let what = format!("alert {number} rests on more samples than a test can hold: {series} series");
    Err(Trouble::new(Kind::Data, what).help("the rule looks back far, or at very many series"))
}

/// The series that the rule's selectors select.
fn selected(rule: &Rule, windows: Vec<Window>) -> Vec<Window> {
    let data = Windows::new(windows.clone());
    let selectors = rule.exprs().flat_map(Expr::selectors);
    let keys: BTreeSet<&SeriesKey> =
        selectors.flat_map(|selector| data.select(selector)).map(|window| &window.series).collect();
    windows.into_iter().filter(|window| keys.contains(&window.series)).collect()
}

/// A series tick by tick.
fn series(window: &Window, grid: &Grid, cycles: &[CycleRow]) -> Series {
    let mut samples: Vec<Option<Sample>> = vec![None; grid.ticks];
    for point in &window.points {
        if let Some(slot) = grid.place(point.tick).and_then(|place| samples.get_mut(place)) {
            let reason = (point.datum == Datum::Unknown).then(|| Reason::new("not measured"));
            *slot = Some(Sample { datum: moved(point.datum, window, grid), reason });
        }
    }
    stretch(&mut samples, window, grid);
    for place in unseen(grid, cycles) {
        if let Some(slot @ None) = samples.get_mut(place) {
            *slot = Some(Sample { datum: Datum::Unknown, reason: Some(Reason::new("the monitor did not run")) });
        }
    }
    Series { key: window.series.clone(), span: 0..0, samples }
}

/// A time of day counts from the first tick, at which the clock of a test begins.
fn moved(datum: Datum, window: &Window, grid: &Grid) -> Datum {
    let is_time = METRICS.iter().any(|metric| *metric.name == *window.series.metric && metric.unit == Unit::Timestamp);
    match datum {
        Datum::Value(value) if is_time => Datum::Value(value - grid.first.seconds()),
        datum => datum,
    }
}

/// What is measured rarely stands for longer than in a test, whose series are all measured at each tick: there it is
/// repeated.
fn stretch(samples: &mut [Option<Sample>], window: &Window, grid: &Grid) {
    let stands = rules::lookback(window.every);
    if stands <= rules::lookback(grid.interval) {
        return;
    }
    let most = stands.as_millis() / grid.interval.as_millis().max(1);
    let mut last: Option<(u128, Sample)> = None;
    for slot in samples {
        match (&slot, &mut last) {
            (Some(sample), _) => last = (sample.datum != Datum::Gone).then(|| (0, sample.clone())),
            (None, Some((age, sample))) if *age + 1 < most => {
                *age += 1;
                *slot = Some(sample.clone());
            }
            (None, _) => last = None,
        }
    }
}

/// Ticks between two cycles at which there was none: nobody looked, which counts as if nothing had been measured.
fn unseen(grid: &Grid, cycles: &[CycleRow]) -> Vec<usize> {
    let seen: BTreeSet<usize> = cycles.iter().filter_map(|cycle| grid.place(cycle.tick)).collect();
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return Vec::new() };
    (*first..*last).filter(|place| !seen.contains(place)).collect()
}

fn test(alert: &Alert, number: u64, interval: Duration, series: Vec<Series>) -> Test {
    let when = alert.fired_at.unwrap_or(alert.since);
    Test {
        name: safe::one_line(&format!("alert {number}: {} at {when}", alert.key)),
        span: 0..0,
        interval,
        rules: Some(vec![Spanned::new(0..0, alert.key.rule.to_string())]),
        series,
        timeline: None,
        slot: Slot::Behind(0),
    }
}

/// The test without series of other label sets, where the alert is the same without them.
fn narrowed(test: Test, rule: &Rule, key: &AlertKey) -> Test {
    let agrees = |series: &&Series| {
        key.labels.iter().all(|(name, value)| series.key.labels.get(name).is_none_or(|have| have == value))
    };
    let own: Vec<Series> = test.series.iter().filter(agrees).cloned().collect();
    if own.is_empty() || own.len() == test.series.len() {
        return test;
    }
    let narrow = Test { series: own, ..test.clone() };
    let is_same = course_of(&narrow, rule, key) == course_of(&test, rule, key);
    if is_same && narrow.ticks() == test.ticks() { narrow } else { test }
}

/// What happens to the alert of `key` in the test, from its last firing on.
fn course_of(test: &Test, rule: &Rule, key: &AlertKey) -> Course {
    let mut course = Course::new();
    story::each_tick(test, std::slice::from_ref(rule), |at, moment| {
        for change in moment.changes.into_iter().filter(|change| change.alert.key == *key) {
            let What::Transition(transition) = change.what else { continue };
            if matches!(transition, Transition::Fired(_)) {
                course.clear();
            }
            course.push((at, transition));
        }
    });
    course
}

fn differs(lived: &Course, replayed: &Course) -> String {
    let words = |course: &Course| {
        let step = |(at, transition): &(Duration, Transition)| {
            format!("{} {} at {}", transition.name(), transition.severity(), units::duration_literal(*at))
        };
        let steps: Vec<String> = course.iter().map(step).collect();
        if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") }
    };
    format!("then it was: {}; in this test it is: {}", words(lived), words(replayed))
}

fn text(test: &Test, rule: &Rule, alert: &Alert, grid: &Grid, remark: Option<&str>) -> Result<String> {
    let found = story::play(test, std::slice::from_ref(rule)).map_err(|faults| {
        let what = faults.first().map_or_else(String::new, |fault| fault.what.clone());
        Trouble::new(Kind::Bug, format!("the exported test cannot be played: {what}"))
    })?;
    let cut = if grid.is_cut { ", cut to what a test may hold" } else { "" };
    let (name, first, last) = (safe::one_line(&alert.key.to_string()), grid.first, grid.last());
    let mut out = format!("# {name} as it was stored, from {first} to {last}{cut}.\n");
    if let Some(remark) = remark {
        let _ = writeln!(out, "# It is not quite what happened: {remark}.");
    }
    let _ = writeln!(out, "[[test]]\nname     = {}", quoted(&test.name));
    let _ = writeln!(out, "interval = {}", quoted(&units::duration_literal(test.interval)));
    let rules = out.len();
    let _ = writeln!(out, "rules    = [{}]", quoted(&rule.name));
    out.push_str("\n[test.series]\n");
    for series in &test.series {
        let _ = writeln!(out, "{} = {}", quoted(&series.key.to_string()), quoted(&samples_written(&series.samples)));
    }
    Ok(rewritten(&out, &[(Slot::Behind(rules), found)]))
}

/// A TOML string, without escapes where it can do without.
fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains('\'') && !text.contains(char::is_control) {
        return format!("'{text}'");
    }
    toml::Value::String(text.to_owned()).to_string()
}
