//! Prometheus's own cases, where they are at hand: `SIPPAR_MON_CONFORMANCE` names the file. They are not part of this project.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::ast::Expr;
use super::value::{Answer, Element};
use super::{evaluate, parse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Point, Value, Window};
use crate::model::time::Time;
use crate::rules::windows::Windows;

/// Where this program differs on purpose: a series that is gone has no range either (Prometheus goes on counting its old
/// samples until they leave the window), so that an alert on it resolves at once.
const DIFFERENT: [&str; 2] = ["staleness.test:34", "staleness.test:39"];

#[test]
fn agrees_with_prometheus() {
    #[allow(clippy::disallowed_methods, reason = "only this test reads it, and nothing but where its cases are")]
    let Ok(path) = std::env::var("SIPPAR_MON_CONFORMANCE") else {
        eprintln!("LEFT OUT: Prometheus's conformance cases; set SIPPAR_MON_CONFORMANCE to their file to run them");
        return;
    };
    let file: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let sets: Vec<Windows> = file["datasets"].as_array().unwrap().iter().map(windows).collect();
    let (mut passed, mut unbuilt, mut different, mut failed) = (0, 0, 0, Vec::new());
    for case in file["cases"].as_array().unwrap().iter().filter(|case| case["tier"] != "float_view") {
        let set = &sets[usize::try_from(case["dataset"].as_u64().unwrap()).unwrap()];
        match verdict(case, set) {
            Verdict::Passed => passed += 1,
            Verdict::Unbuilt => unbuilt += 1,
            Verdict::Failed(_) if DIFFERENT.contains(&case["id"].as_str().unwrap()) => different += 1,
            Verdict::Failed(why) => failed.push(format!("{} {}\n    {why}", case["id"], case["expr"])),
        }
    }
    println!(
        "conformance: {passed} passed, {} failed, {different} different on purpose, {unbuilt} of functions not built",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(passed > 300, "only {passed} cases were run");
}

enum Verdict {
    Passed,
    Unbuilt,
    Failed(String),
}

fn verdict(case: &Json, set: &Windows) -> Verdict {
    let wanted = &case["expect"];
    let at = Time::from_millis(case["time_ms"].as_i64().unwrap_or_default());
    let found = match parse(case["expr"].as_str().unwrap()) {
        Ok(expr) if case["kind"] == "range" => return range_verdict(case, &expr, set),
        Err(faults) if faults.iter().any(|fault| fault.what.contains("is not built yet")) => return Verdict::Unbuilt,
        Err(faults) => Err(faults[0].what.clone()),
        Ok(expr) => evaluate(&expr, set, at).map_err(|halt| format!("{halt:?}")),
    };
    let fits = match (&found, wanted["type"].as_str().unwrap()) {
        (Err(_), "fail") => true,
        (Ok(Answer::Scalar(value)), "scalar") => same(*value, number(&wanted["value"])),
        (Ok(Answer::Vector(elements)), "vector") => same_vector(elements, wanted),
        _ => false,
    };
    if fits { Verdict::Passed } else { Verdict::Failed(format!("found {found:?}\n    wanted {wanted}")) }
}

/// A range query is an instant query at each step.
fn range_verdict(case: &Json, expr: &Expr, set: &Windows) -> Verdict {
    let millis = |key: &str| case[key].as_i64().unwrap();
    let steps = (millis("start_ms")..=millis("end_ms")).step_by(usize::try_from(millis("step_ms")).unwrap());
    for (step, at) in steps.enumerate() {
        let found = match evaluate(expr, set, Time::from_millis(at)) {
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
