//! Prometheus's own cases, where they are at hand: `SIPPAR_MON_CONFORMANCE` names the file, else it is looked for beside
//! the project. They are not part of this project.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::ast::Expr;
use super::omitted::REFUSAL;
use super::value::{Answer, Element};
use super::{evaluate, evaluate_within, parse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Point, Value, Window};
use crate::model::time::Time;
use crate::rules::windows::Windows;

/// Fewer cases than this are not the file this test is about.
const LEAST: usize = 300;

#[test]
fn conformance() {
    let path = path();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let path = path.display();
            let why = "Prometheus's cases were LEFT OUT; SIPPAR_MON_CONFORMANCE names their file";
            writeln!(io::stderr(), "\nconformance: cannot read {path}: {error}\nconformance: {why}").unwrap();
            return;
        }
    };
    let tally = tally(&serde_json::from_str(&text).unwrap());
    // not `print!`, which the test harness keeps to itself
    io::stdout().write_all(tally.to_string().as_bytes()).unwrap();
    assert!(tally.failed.is_empty(), "{tally}");
    assert!(tally.passed > LEAST, "only {} cases were run", tally.passed);
}

#[allow(clippy::disallowed_methods, reason = "only this test reads it, and nothing but where its cases are")]
fn path() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance/promql.json");
    std::env::var_os("SIPPAR_MON_CONFORMANCE").map_or_else(beside, PathBuf::from)
}

/// What came of all cases.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: Vec<String>,
    refused: Vec<String>,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "\n{} passed, {} failed", self.passed, self.failed.len())?;
        self.failed.iter().try_for_each(|case| writeln!(f, "failed: {case}"))?;
        let names = if self.refused.is_empty() { "none" } else { &self.refused.join("; ") };
        writeln!(f, "{} refused by design: {names}", self.refused.len())
    }
}

fn tally(file: &Json) -> Tally {
    let sets: Vec<Windows> = file["datasets"].as_array().unwrap().iter().map(windows).collect();
    let mut tally = Tally::default();
    for case in file["cases"].as_array().unwrap() {
        let set = &sets[usize::try_from(case["dataset"].as_u64().unwrap()).unwrap()];
        let id = case["id"].as_str().unwrap();
        match verdict(case, set) {
            Verdict::Passed => tally.passed += 1,
            Verdict::Refused(part) => tally.refused.push(format!("{id} ({part})")),
            Verdict::Failed(why) => tally.failed.push(format!("{id} {}\n    {why}", case["expr"])),
        }
    }
    tally
}

/// The tally itself: a wrong answer fails, a part that is left out counts as neither.
#[test]
fn a_case_that_differs_is_told() {
    let case = |id: &str, expr: &str, value: f64| {
        serde_json::json!({ "id": id, "expr": expr, "dataset": 0, "time_ms": 0, "kind": "instant",
            "expect": { "type": "scalar", "value": value } })
    };
    let cases = [case("a:1", "1 + 1", 2.0), case("a:2", "1 + 1", 3.0), case("a:3", "scalar(info(up))", 3.0)];
    let tally = tally(&serde_json::json!({ "datasets": [{ "loads": [] }], "cases": cases }));
    let mut shown = String::new();
    write!(shown, "{tally}").unwrap();
    assert_eq!(
        shown,
        "\n1 passed, 1 failed\nfailed: a:2 \"1 + 1\"\n    found Ok(Scalar(2.0))\n    wanted \
         {\"type\":\"scalar\",\"value\":3.0}\n1 refused by design: a:3 (`info`)\n"
    );
}

enum Verdict {
    Passed,
    /// The part of the language that is left out.
    Refused(String),
    Failed(String),
}

fn verdict(case: &Json, set: &Windows) -> Verdict {
    let expr = match parse(case["expr"].as_str().unwrap()) {
        Ok(expr) => expr,
        Err(faults) => {
            return match faults[0].what.split_once(&format!(" {REFUSAL}")) {
                Some((part, _)) => Verdict::Refused(part.to_owned()),
                None if case["expect"]["type"] == "fail" => Verdict::Passed,
                None => Verdict::Failed(faults[0].what.clone()),
            };
        }
    };
    let verdict =
        if case["kind"] == "range" { range_verdict(case, &expr, set) } else { instant_verdict(case, &expr, set) };
    match verdict {
        Verdict::Failed(_) if is_about_native_histograms(case, &expr, set) => {
            Verdict::Refused("native histograms".to_owned())
        }
        verdict => verdict,
    }
}

/// Series that hold native histograms are not in the file; what is asked of them has no answer here.
fn is_about_native_histograms(case: &Json, expr: &Expr, set: &Windows) -> bool {
    let is_so = case["excluded_by"].as_array().is_some_and(|list| list.contains(&Json::from("native_histogram")));
    is_so && expr.selectors().into_iter().any(|selector| set.select(selector).next().is_none())
}

fn instant_verdict(case: &Json, expr: &Expr, set: &Windows) -> Verdict {
    let wanted = &case["expect"];
    let found = evaluate(expr, set, Time::from_millis(case["time_ms"].as_i64().unwrap()));
    let fits = match (&found, wanted["type"].as_str().unwrap()) {
        (Err(_), "fail") => true,
        (Ok(Answer::Text(text)), "string") => wanted["value"].as_str() == Some(text),
        (Ok(Answer::Scalar(value)), "scalar") => same(*value, number(&wanted["value"])),
        (Ok(Answer::Vector(elements)), "vector") => same_vector(elements, wanted),
        _ => false,
    };
    if fits { Verdict::Passed } else { Verdict::Failed(format!("found {found:?}\n    wanted {wanted}")) }
}

/// A range query is an instant query at each step.
fn range_verdict(case: &Json, expr: &Expr, set: &Windows) -> Verdict {
    let millis = |key: &str| case[key].as_i64().unwrap();
    let query = (Time::from_millis(millis("start_ms")), Time::from_millis(millis("end_ms")));
    let steps = (millis("start_ms")..=millis("end_ms")).step_by(usize::try_from(millis("step_ms")).unwrap());
    for (step, at) in steps.enumerate() {
        let found = match evaluate_within(expr, set, Time::from_millis(at), query) {
            Ok(Answer::Scalar(value)) => {
                vec![Element { name: None, labels: Labels::empty(), value: Value::Known(value) }]
            }
            Ok(Answer::Vector(elements)) => elements,
            other => return Verdict::Failed(format!("{other:?} at {at}")),
        };
        let rows = case["expect"]["result"].as_array().unwrap().iter().filter(|row| !row["values"][step].is_null());
        let row = |row: &Json| serde_json::json!({ "labels": row["labels"], "value": row["values"][step] });
        let wanted = serde_json::json!({ "result": rows.map(row).collect::<Vec<_>>() });
        if !same_vector(&found, &wanted) {
            return Verdict::Failed(format!("found {found:?} at {at}\n    wanted {wanted}"));
        }
    }
    Verdict::Passed
}

fn same_vector(found: &[Element], wanted: &Json) -> bool {
    let wanted_elements = wanted["result"].as_array().unwrap();
    let fits = |element: &Element, want: &Json| {
        let labels = want["labels"].as_object().unwrap();
        let name = labels.get("__name__").and_then(Json::as_str);
        element.name.as_deref() == name
            && element.labels == labels_of(&want["labels"])
            && matches!(element.value, Value::Known(value) if same(value, number(&want["value"])))
    };
    let in_order = wanted["ordered"] == true;
    found.len() == wanted_elements.len()
        && if in_order {
            found.iter().zip(wanted_elements).all(|(element, want)| fits(element, want))
        } else {
            wanted_elements.iter().all(|want| found.iter().any(|element| fits(element, want)))
        }
}

#[allow(clippy::float_cmp, reason = "equal infinities")]
fn same(found: f64, wanted: f64) -> bool {
    found == wanted
        || (found.is_nan() && wanted.is_nan())
        || (found - wanted).abs() <= 1e-6 * found.abs().max(wanted.abs())
}

fn number(json: &Json) -> f64 {
    match json {
        Json::String(text) => text.parse().unwrap(),
        json => json.as_f64().unwrap(),
    }
}

fn labels_of(json: &Json) -> Labels {
    let pairs = json.as_object().unwrap().iter().filter(|(name, _)| *name != "__name__");
    Labels::new(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
}

/// One window for each series; what several loads say of one series is put together.
fn windows(set: &Json) -> Windows {
    let mut windows: Vec<Window> = Vec::new();
    for load in set["loads"].as_array().unwrap() {
        let step = load["step_ms"].as_i64().unwrap();
        for series in load["series"].as_array().unwrap() {
            let metric = series["labels"]["__name__"].as_str().unwrap_or_default();
            let key = SeriesKey::new(Arc::<str>::from(metric), labels_of(&series["labels"]));
            let points = points(series["values"].as_array().unwrap(), step);
            match windows.iter_mut().find(|window| window.series == key) {
                Some(window) => window.points.extend(points),
                None => windows.push(Window { series: key, every: Duration::from_mins(1), points, reason: None }),
            }
        }
    }
    for window in &mut windows {
        window.points.sort_by_key(|point| point.tick);
    }
    Windows::new(windows)
}

fn points(values: &[Json], step: i64) -> Vec<Point> {
    let mut at = 0;
    let mut points = Vec::new();
    let mut push = |datum: Option<Datum>| {
        points.extend(datum.map(|datum| Point { tick: Time::from_millis(at), datum }));
        at += step;
    };
    for value in values {
        match value {
            Json::Null => push(None),
            Json::String(text) if text == "stale" => push(Some(Datum::Gone)),
            Json::Object(run) => {
                let (from, by) = (number(&run["from"]), number(&run["by"]));
                for count in 0..run["n"].as_i64().unwrap() {
                    push(Some(Datum::Value(from + by * count as f64)));
                }
            }
            value => push(Some(Datum::Value(number(value)))),
        }
    }
    points
}
