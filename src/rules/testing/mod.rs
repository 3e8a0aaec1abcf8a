//! `[[test]]`: what the world looks like tick by tick, and what is to come of it. Here it is read and checked; `replay`
//! plays it.

mod compress;
mod notation;
mod rewrite;
mod settings;

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::compile::lifted;
use super::promql;
use super::promql::ast::{Expr, Matcher, Node, Selector, Shift, Test as Asked};
use crate::model::fault::{Fault, Place};
use crate::model::labels::{Labels, SeriesKey};
use crate::text::check::Check;
use crate::text::units;

pub use compress::written as samples_written;
pub use notation::Sample;
pub use rewrite::{Slot, rewritten};
pub use settings::Settings;

/// The ticks of one test.
pub const MOST_TICKS: usize = 20_000;
/// The samples of one test, all series together.
pub const MOST_SAMPLES: usize = 500_000;

/// A test that can be played.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it shows, in words.
    pub name: String,
    /// Where the name stands.
    pub span: Range<usize>,
    /// Between two ticks.
    pub interval: Duration,
    /// The rules it is about; those that read its series where none are named.
    pub rules: Option<Vec<Spanned<String>>>,
    /// What is measured, in order of metric and labels.
    pub series: Vec<Series>,
    /// What is to happen; `None` where nobody has said so yet.
    pub timeline: Option<String>,
    /// Where the timeline stands, or would stand.
    pub slot: Slot,
}

/// One series of a test.
#[derive(Clone, Debug)]
pub struct Series {
    /// Metric and labels.
    pub key: SeriesKey,
    /// Where they are written.
    pub span: Range<usize>,
    /// One entry for each tick from the first on; `None` where there is no sample.
    pub samples: Vec<Option<Sample>>,
}

impl Test {
    /// How many ticks it goes on: as many as its longest series.
    pub fn ticks(&self) -> usize {
        self.series.iter().map(|series| series.samples.len()).max().unwrap_or(0)
    }
}

/// Reads the tests of one text. Every fault is kept, and what has one is left out.
pub fn read(tests: &[Spanned<Settings>], check: &mut Check<'_>) -> Vec<Test> {
    let mut names = HashSet::new();
    let mut read = Vec::new();
    for settings in tests {
        let test = test(settings, check);
        if let Some(name) = settings.get_ref().name.as_ref().filter(|name| !names.insert(name.get_ref().clone())) {
            let fault = Fault::error(format!("there are two tests named `{}`", name.get_ref()), at(name));
            check.fault(fault.help("say of each what only it shows"));
        }
        read.extend(test);
    }
    read
}

fn at<T>(value: &Spanned<T>) -> Place {
    Place::File(value.span())
}

fn test(settings: &Spanned<Settings>, check: &mut Check<'_>) -> Option<Test> {
    let (table, settings) = (settings.span(), settings.get_ref());
    let name = check.required(settings.name.as_ref(), &table, "name", "say what the test shows: name = \"…\"");
    let interval = match &settings.interval {
        Some(text) => interval(text, check),
        None => Some(check.interval),
    };
    let help = "say what is measured: series = { system_memory_usage_ratio = \"0.5 0.9x10 0.5\" }";
    let written = check.required(settings.series.as_ref(), &table, "series", help);
    let series = written.and_then(|written| all_series(written, check));
    let (name, timeline) = (name?, settings.timeline.as_ref());
    Some(Test {
        name: name.get_ref().clone(),
        span: name.span(),
        interval: interval?,
        rules: settings.rules.clone(),
        series: series?,
        timeline: timeline.map(|timeline| timeline.get_ref().clone()),
        slot: timeline
            .map_or_else(|| behind(name.span().end, settings, check), |timeline| Slot::Literal(timeline.span())),
    })
}

/// The last line of the test that a timeline can stand under: that of its series, unless those have a table of their own.
fn behind(name_end: usize, settings: &Settings, check: &Check<'_>) -> Slot {
    let text = check.source.as_ref().map_or("", |source| source.text.as_str());
    let ends = |value: &Spanned<String>| value.span().end;
    let interval = settings.interval.as_ref().map(ends);
    let rules = settings.rules.iter().flatten().map(ends).max();
    let series = settings.series.as_ref().and_then(|series| match text.get(series.span()) {
        Some(inline) if inline.starts_with('{') => Some(series.span().end),
        _ => series.get_ref().values().map(ends).max(),
    });
    let has_header = |end: &usize| {
        let between = text.get(name_end..*end).unwrap_or_default();
        between.lines().any(|line| line.trim_start().starts_with('['))
    };
    let own = series.filter(|end| !has_header(end));
    Slot::Behind([interval, rules, own].into_iter().flatten().fold(name_end, usize::max))
}

fn interval(text: &Spanned<String>, check: &mut Check<'_>) -> Option<Duration> {
    let sensible = |interval: Duration| {
        let fits = (Duration::from_secs(1)..=Duration::from_hours(1)).contains(&interval);
        if fits { Ok(interval) } else { Err("the interval of a test must be between 1s and 1h".to_owned()) }
    };
    let read = units::parse_duration(text.get_ref()).and_then(sensible);
    read.map_err(|what| check.fault(Fault::error(what, at(text)))).ok()
}

fn all_series(written: &Spanned<settings::Written>, check: &mut Check<'_>) -> Option<Vec<Series>> {
    let before = check.faults.len();
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    let mut in_order: Vec<_> = written.get_ref().iter().collect();
    in_order.sort_by_key(|(key, _)| key.span().start);
    for (key, samples) in in_order {
        let Some(series) = one_series(key, samples, check) else { continue };
        if seen.insert(series.key.clone()) {
            all.push(series);
        } else {
            let fault = Fault::error(format!("the series {} stands here twice", series.key), at(key));
            check.fault(fault.help("put its samples into one line"));
        }
    }
    let count: usize = all.iter().map(|series| series.samples.len()).sum();
    if count > MOST_SAMPLES {
        let fault =
            Fault::error(format!("a test has at most {MOST_SAMPLES} samples, and this has {count}"), at(written));
        check.fault(fault.help("make several tests of it, or leave series out"));
    } else if count == 0 && check.faults.len() == before {
        let fault = Fault::error("the test has no sample, so nothing can come of it", at(written));
        check.fault(fault.help("write what is measured at each tick: \"0.5 0.9x10 0.5\""));
    }
    all.sort_by(|a, b| a.key.cmp(&b.key));
    (check.faults.len() == before).then_some(all)
}

fn one_series(key: &Spanned<String>, samples: &Spanned<String>, check: &mut Check<'_>) -> Option<Series> {
    let name = series_key(key, check);
    let read = notation::samples(samples.get_ref()).map_err(|faults| {
        for fault in faults {
            check.fault(lifted(fault, &samples.span()));
        }
    });
    Some(Series { key: name?, span: key.span(), samples: read.ok()? })
}

/// The series that a selector names: a metric and labels that are equal to something.
fn series_key(key: &Spanned<String>, check: &mut Check<'_>) -> Option<SeriesKey> {
    let outer = key.span();
    let expr = match promql::parse(key.get_ref()) {
        Ok(expr) => expr,
        Err(faults) => {
            for fault in faults {
                check.fault(in_key(fault, key, check));
            }
            return None;
        }
    };
    named(&expr).or_else(|| {
        let what = format!("`{}` does not name one series", key.get_ref());
        let help = "write a metric with its labels: 'system_disk_usage_ratio{mount=\"/\"}'";
        check.fault(Fault::error(what, Place::File(outer)).help(help));
        None
    })
}

fn named(expr: &Expr) -> Option<SeriesKey> {
    let Node::Selector(Selector { metric: Some(metric), matchers, range: None, shift, .. }) = &expr.node else {
        return None;
    };
    let pair = |matcher: &Matcher| match &matcher.test {
        Asked::Is(value) => Some((matcher.label.clone(), Arc::from(value.as_str()))),
        Asked::IsNot(_) | Asked::Like(_) | Asked::Unlike(_) => None,
    };
    let pairs: Vec<(Arc<str>, Arc<str>)> = matchers.iter().map(pair).collect::<Option<_>>()?;
    (*shift == Shift::default()).then(|| SeriesKey::new(metric.clone(), Labels::new(pairs)))
}

/// A fault inside a key: a bare key has no quotes that its text would begin behind.
fn in_key(fault: Fault, key: &Spanned<String>, check: &Check<'_>) -> Fault {
    let span = key.span();
    let is_bare = check.source.as_ref().is_none_or(|source| source.text.get(span.clone()) == Some(key.get_ref()));
    if is_bare { Fault { place: Place::File(span), ..fault } } else { lifted(fault, &span) }
}

#[cfg(test)]
mod tests;
