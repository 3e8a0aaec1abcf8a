//! The language, by cases of our own: `tests/promql/*.toml`. Expected values come from the documented semantics of
//! Prometheus 3 and, for unknown samples, from those of this program.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::ast::{Node, Test};
use super::value::{Answer, Element, Halt};
use super::{evaluate, parse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Point, Value, Window};
use crate::model::time::Time;
use crate::rules::windows::Windows;
use crate::text::units;

/// A file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    /// Samples, one a minute from 0 on: numbers, `_` nothing, `?` unknown, `stale` gone, `axN` and `a+bxN` as promtool has them.
    #[serde(default)]
    series: BTreeMap<String, String>,
    /// How often a series is measured where that is not each minute.
    #[serde(default)]
    every: BTreeMap<String, String>,
    /// For each time, expressions with what they yield.
    at: BTreeMap<String, BTreeMap<String, Wanted>>,
}

/// The elements of a vector, or one line for everything else.
#[derive(Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Wanted {
    Elements(Vec<String>),
    Line(String),
}

#[test]
fn cases_of_our_own() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, book) in books() {
        let data = book.data();
        for (time, cases) in &book.at {
            let at = Time::from_millis(0) + units::parse_duration(time).unwrap();
            for (text, wanted) in cases {
                let found = found(text, &data, at);
                count += 1;
                if found != *wanted {
                    wrong.push(format!("{name} at {time}: {text}\n  found  {found:?}\n  wanted {wanted:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 500, "only {count} cases were found");
}

fn books() -> Vec<(String, Book)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let book = toml::from_str(&std::fs::read_to_string(path).unwrap());
        let book = book.unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, book)
    };
    paths.iter().map(read).collect()
}

/// The expressions of all cases.
pub(super) fn expressions() -> Vec<String> {
    books().into_iter().flat_map(|(_, book)| book.at.into_values()).flat_map(BTreeMap::into_keys).collect()
}

/// The series of all cases; of those that stand in several files, the first.
pub(super) fn everything() -> Windows {
    let mut all: BTreeMap<String, Window> = BTreeMap::new();
    for (_, book) in books() {
        for window in book.windows() {
            all.entry(window.series.to_string()).or_insert(window);
        }
    }
    Windows::new(all.into_values().collect())
}

impl Book {
    fn data(&self) -> Windows {
        Windows::new(self.windows().collect())
    }

    fn windows(&self) -> impl Iterator<Item = Window> {
        self.series.iter().map(|(series, samples)| {
            let every =
                self.every.get(series).map_or(Duration::from_mins(1), |every| units::parse_duration(every).unwrap());
            Window { series: key(series), every, points: points(samples), reason: None }
        })
    }
}

fn key(text: &str) -> SeriesKey {
    let Ok(Node::Selector(selector)) = parse(text).map(|expr| expr.node) else { panic!("{text} is no series") };
    let label = |matcher: &super::ast::Matcher| match &matcher.test {
        Test::Is(value) => (matcher.label.to_string(), value.clone()),
        other => panic!("{other:?} in {text}"),
    };
    let labels: Vec<(String, String)> = selector.matchers.iter().map(label).collect();
    let labels = Labels::new(labels.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    SeriesKey::new(selector.metric.unwrap_or_else(|| Arc::from("")), labels)
}

fn points(text: &str) -> Vec<Point> {
    let minutes = text.split_whitespace().flat_map(samples).enumerate();
    let point = |(minute, datum): (usize, Option<Datum>)| {
        let tick = Time::from_millis(i64::try_from(minute).unwrap() * 60_000);
        datum.map(|datum| Point { tick, datum })
    };
    minutes.filter_map(point).collect()
}

/// `2.5`, `_`, `?`, `stale`, `1x10` (eleven times), `0+60x10`.
fn samples(word: &str) -> Vec<Option<Datum>> {
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("`{text}` in `{word}`"));
    let Some((run, times)) = word.split_once('x') else {
        return vec![match word {
            "_" => None,
            "?" => Some(Datum::Unknown),
            "stale" => Some(Datum::Gone),
            _ => Some(Datum::Value(number(word))),
        }];
    };
    let sign = run.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-')).map(|(at, _)| at);
    let (from, by) = sign.map_or((run, "0"), |at| run.split_at(at));
    let (from, by, times) = (number(from), number(by), times.parse::<u32>().unwrap());
    (0..=times).map(|time| Some(Datum::Value(from + by * f64::from(time)))).collect()
}

fn found(text: &str, data: &Windows, at: Time) -> Wanted {
    let expr = match parse(text) {
        Ok(expr) => expr,
        Err(faults) => return Wanted::Line(format!("fault: {}", faults[0].what)),
    };
    let element = |element: &Element| match &element.value {
        Value::Known(value) => format!("{element} {}", rounded(*value)),
        Value::Unknown(reason) => format!("{element} ?{reason}"),
    };
    match evaluate(&expr, data, at) {
        Ok(Answer::Scalar(value)) => Wanted::Line(rounded(value)),
        Ok(Answer::Text(text)) => Wanted::Line(format!("{text:?}")),
        Ok(Answer::Vector(elements)) => {
            let mut shown: Vec<String> = elements.iter().map(element).collect();
            // only sort says in which order
            if !text.starts_with("sort") {
                shown.sort();
            }
            Wanted::Elements(shown)
        }
        Err(Halt::Unknown(reason)) => Wanted::Line(format!("?{reason}")),
        Err(Halt::Failed(why)) => Wanted::Line(format!("failed: {why}")),
    }
}

/// Six decimals hide the last bits of a float, which are not what these cases are about.
fn rounded(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.is_finite() { (rounded + 0.0).to_string() } else { value.to_string() }
}
