//! Charts of small series.

use std::time::Duration;

use proptest::prelude::*;

use super::path::{HEIGHT, Plane, WIDTH};
use super::scale::Scale;
use super::{Size, numbers, plot, words};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::metric::Unit;
use crate::model::reading::{Datum, Point};
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::Worse;
use crate::view::page::chart::{Chart, Mark, Of, Pick};
use crate::view::page::course::Trace;
use crate::view::page::limits::Limit;
use crate::view::page::pace::{Pace, Rhythm};
use crate::view::page::span::Span;

const MINUTE: Duration = Duration::from_mins(1);

/// 2026-11-23T09:00:00Z and so many minutes.
fn at(minute: i64) -> Time {
    Time::from_millis(1_795_424_400_000 + minute * 60_000)
}

fn limit(value: f64, worse: Worse, severity: Severity) -> Limit {
    Limit { severity, value, worse, rule: "R".to_owned() }
}

/// A chart of values a minute each; none where nothing was measured.
fn chart(metric: &str, unit: Unit, values: &[Option<f64>], limits: Vec<Limit>) -> Chart {
    let datum = |value: &Option<f64>| value.map_or(Datum::Unknown, Datum::Value);
    let points = values.iter().zip(0..).map(|(value, minute)| Point { tick: at(minute), datum: datum(value) });
    let span = Span::between(at(0), at(i64::try_from(values.len()).unwrap() - 1));
    let rhythm = Rhythm::even(MINUTE);
    let mut trace = Trace::new(span, Pace { every: MINUTE, rhythm: &rhythm }, limits.first());
    points.for_each(|point| trace.add(point));
    let course = trace.end();
    Chart {
        title: metric.to_owned(),
        of: Of::Series(SeriesKey::new(metric, Labels::empty())),
        unit,
        pick: Pick::Highest,
        span,
        now: course.last.filter(|last| last.at == span.to).map(|last| last.value),
        course,
        limits,
        firing: None,
        marks: Vec::new(),
        trouble: None,
    }
}

fn some(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}

fn line(chart: &Chart) -> String {
    Plane::new(chart, &Scale::of(chart, 4)).line()
}

#[test]
fn a_line_is_cut_where_nothing_was_measured() {
    let values = [Some(0.0), Some(0.5), None, Some(1.0), None, Some(0.5), Some(0.5), Some(0.5), Some(0.0)];
    let chart = chart("system_cpu_usage_ratio", Unit::Ratio, &values, Vec::new());
    // a lone value is a dot; what lies level between two others is left out
    assert_eq!(line(&chart), "M0 1000l1250 -500M3750 0h1M6250 500l2500 0l1250 500");
}

#[test]
fn what_is_beyond_the_limit_is_filled_up_to_it_and_no_further() {
    let high = limit(0.5, Worse::Higher, Severity::High);
    let above = chart("system_cpu_usage_ratio", Unit::Ratio, &some(&[0.0, 1.0, 0.0, 0.0]), vec![high.clone()]);
    let scale = Scale::of(&above, 4);
    assert_eq!(Plane::new(&above, &scale).breach(&high), "M1667 500l1666 -500l1667 500l0 0z");
    let low = limit(1.0, Worse::Lower, Severity::Critical);
    let below = chart("reserves_ratio", Unit::Ratio, &some(&[1.02, 0.98, 0.98]), vec![low.clone()]);
    let scale = Scale::of(&below, 4);
    let area = Plane::new(&below, &scale).breach(&low);
    assert!(area.starts_with("M2500 500l2500 ") && area.ends_with('z'), "{area}");
    assert_eq!(Plane::new(&above, &scale).breach(&limit(2.0, Worse::Higher, Severity::High)), "", "nothing is");
}

#[test]
fn a_limit_is_seen_whatever_is_measured() {
    let far = limit(5.0, Worse::Higher, Severity::Medium);
    let near = limit(0.25, Worse::Higher, Severity::High);
    let chart = chart("probe_duration_seconds", Unit::Seconds, &some(&[0.08, 0.1, 0.09]), vec![near, far]);
    let html = plot(&chart, Size::Card).into_string();
    assert!(html.contains("<path class=\"limit high\" d=\"M0 "), "{html}");
    assert!(html.contains(">250 ms</text>") && html.contains(">↑ 5 s</text>"), "{html}");
    // a day of dots must not be pressed flat by a limit that is far away
    assert!(Scale::of(&chart, 4).high < 1.0);
}

#[test]
fn labels_of_limits_do_not_lie_on_each_other() {
    let limits = vec![limit(0.9, Worse::Higher, Severity::High), limit(0.95, Worse::Higher, Severity::Critical)];
    let chart = chart("system_disk_usage_ratio", Unit::Ratio, &some(&[0.7, 0.71]), limits);
    let html = plot(&chart, Size::Card).into_string();
    let heights: Vec<f64> = html
        .split("class=\"limit-text")
        .skip(1)
        .map(|part| part.split(" y=\"").nth(1).unwrap().split('%').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights.len(), 2);
    assert!((heights[1] - heights[0]) * 0.96 >= 12.9, "{heights:?}");
}

#[test]
fn a_chart_says_in_a_sentence_what_there_is_to_see() {
    let low = limit(1.0, Worse::Lower, Severity::Critical);
    let mut values = some(&[1.0123, 1.01, 0.9841, 0.99999, 1.0, 1.0123]);
    values.splice(4..4, [None, None]);
    let chart = chart("reserves_ratio", Unit::Ratio, &values, vec![low]);
    assert_eq!(
        words::sentence(&chart),
        "reserves_ratio, 7 min: now 101.23 %, lowest 98.41 % at Nov 23 09:02 UTC, \
         highest 101.23 % at Nov 23 09:00 UTC, < 100 % for 2 min; \
         no data Nov 23 09:04 to Nov 23 09:06 UTC, could not be measured."
    );
    let table = words::table(&chart, 100).into_string();
    assert!(table.contains("<td>99.99 % <span class=\"tag critical\">CRITICAL</span></td>"), "{table}");
    assert!(table.contains("no data for 2 min, could not be measured"), "{table}");
    assert!(words::table(&chart, 2).into_string().contains("<th scope=\"col\">Lowest</th>"));
}

#[test]
fn a_small_chart_as_it_is_written() {
    let limits = vec![limit(0.85, Worse::Higher, Severity::High)];
    let mut chart = chart("system_memory_usage_ratio", Unit::Ratio, &[Some(0.6), None, Some(0.9)], limits);
    chart.marks.push(Mark { at: at(2), severity: Severity::High, begins: true, number: Some(7) });
    let wanted = "<div class=\"plot\"><svg class=\"chart\" id=\"chart-system-memory-usage-ratio\" role=\"img\" tabindex=\"0\" \
        aria-label=\"system_memory_usage_ratio, 2 min: now 90 %, lowest 60 % at Nov 23 09:00 UTC, highest 90 % at Nov 23 09:02 UTC, \
        &gt; 85 % for 1 min; no data Nov 23 09:01 to Nov 23 09:02 UTC, could not be measured.\">\
        <g class=\"grid\" aria-hidden=\"true\">\
        <line x1=\"0\" x2=\"100%\" y1=\"100%\" y2=\"100%\"></line><text x=\"0\" dx=\"-8\" y=\"100%\" dy=\"4\" text-anchor=\"end\">0 %</text>\
        <line x1=\"0\" x2=\"100%\" y1=\"50%\" y2=\"50%\"></line><text x=\"0\" dx=\"-8\" y=\"50%\" dy=\"4\" text-anchor=\"end\">50 %</text>\
        <line x1=\"0\" x2=\"100%\" y1=\"0%\" y2=\"0%\"></line><text x=\"0\" dx=\"-8\" y=\"0%\" dy=\"4\" text-anchor=\"end\">100 %</text></g>\
        <rect class=\"hole\" x=\"50%\" width=\"50%\" y=\"0\" height=\"100%\" fill=\"url(#hatch)\">\
        <title>no data, could not be measured: Nov 23 09:01 to Nov 23 09:02 UTC</title></rect>\
        <svg class=\"plane\" width=\"100%\" height=\"100%\" viewBox=\"0 0 10000 1000\" preserveAspectRatio=\"none\" \
        aria-hidden=\"true\" focusable=\"false\"><path class=\"breach high\" d=\"M10000 150l0 -50l0 50z\"></path>\
        <path class=\"limit high\" d=\"M0 150H10000\"></path><path class=\"line\" d=\"M0 400h1M10000 100h1\"></path></svg>\
        <g class=\"limits\" aria-hidden=\"true\"><text class=\"limit-text high\" x=\"100%\" dx=\"8\" y=\"15%\" dy=\"4\">85 %</text></g>\
        <g class=\"times\" aria-hidden=\"true\">\
        <text class=\"even\" x=\"0%\" y=\"100%\" dy=\"17\" text-anchor=\"start\" data-t=\"1795424400000\" data-f=\"hms\">09:00:00</text>\
        <text class=\"odd\" x=\"25%\" y=\"100%\" dy=\"17\" text-anchor=\"middle\" data-t=\"1795424430000\" data-f=\"hms\">09:00:30</text>\
        <text class=\"even\" x=\"50%\" y=\"100%\" dy=\"17\" text-anchor=\"middle\" data-t=\"1795424460000\" data-f=\"hms\">09:01:00</text>\
        <text class=\"odd\" x=\"75%\" y=\"100%\" dy=\"17\" text-anchor=\"middle\" data-t=\"1795424490000\" data-f=\"hms\">09:01:30</text>\
        <text class=\"even\" x=\"100%\" y=\"100%\" dy=\"17\" text-anchor=\"end\" data-t=\"1795424520000\" data-f=\"hms\">09:02:00</text></g>\
        <text class=\"mark high\" x=\"100%\" y=\"100%\" dy=\"-1\" text-anchor=\"middle\"><title>alert 7 fired Nov 23 09:02 UTC (HIGH)</title>▲</text>\
        <g class=\"cursor\" aria-hidden=\"true\"><line class=\"cursor-line\" y1=\"0\" y2=\"100%\"></line>\
        <circle class=\"cursor-dot\" r=\"4\"></circle></g></svg></div>";
    assert_eq!(plot(&chart, Size::Card).into_string(), wanted);
    let numbers = numbers(&chart);
    assert_eq!((&numbers["steps"], &numbers["values"]), (&serde_json::json!([0, 120]), &serde_json::json!([0.6, 0.9])));
    assert_eq!(numbers["scale"], serde_json::json!([0.0, 1.0]));
}

#[test]
fn the_largest_numbers_have_an_axis() {
    for values in [vec![1.7e308, 1.6e308], vec![f64::MAX], vec![f64::MIN, f64::MAX], vec![-1.7e308; 3]] {
        for unit in [Unit::Count, Unit::Seconds, Unit::Bytes, Unit::Ratio] {
            let chart = chart("m", unit, &some(&values), Vec::new());
            let scale = Scale::of(&chart, 4);
            assert!(scale.low.is_finite() && scale.high.is_finite() && scale.low < scale.high, "{scale:?}");
            assert!(!scale.ticks.is_empty() && scale.ticks.iter().all(|tick| tick.is_finite()), "{unit:?} {scale:?}");
            for value in &values {
                assert!((0.0..=1.0).contains(&scale.place(*value)), "{value} {scale:?}");
            }
            assert!(chart.course.cells().all(|cell| cell.mean.is_finite()));
            assert!(numbers(&chart)["scale"].as_array().unwrap().iter().all(serde_json::Value::is_number));
        }
    }
}

#[test]
fn what_is_no_number_is_named() {
    for (value, name) in [(f64::INFINITY, "+Inf"), (f64::NEG_INFINITY, "-Inf"), (f64::NAN, "NaN")] {
        let chart = chart("probe_value", Unit::Count, &some(&[value, value, value]), Vec::new());
        let html = plot(&chart, Size::Card).into_string();
        assert!(!html.contains("no data"), "{html}");
        assert!(html.contains(&format!(">measured as {name}, which cannot be drawn</text>")), "{html}");
        assert_eq!(
            words::sentence(&chart),
            format!(
                "probe_value, 2 min: now {name}; no line Nov 23 09:00 to Nov 23 09:02 UTC, \
                 measured as {name}, which cannot be drawn."
            )
        );
        assert!(words::table(&chart, 9).into_string().contains("no line for 2 min, measured as "));
    }
}

#[test]
fn charts_of_different_things_have_different_names() {
    let of = |metric: &str, labels: Labels| {
        let mut chart = chart(metric, Unit::Count, &some(&[1.0]), Vec::new());
        chart.of = Of::Series(SeriesKey::new(metric, labels));
        chart.id()
    };
    let probe = |name: &str| of("probe_value", Labels::new([("probe", name)]));
    let ids = [
        probe("wallet-api"),
        probe("wallet_api"),
        probe("Wallet-api"),
        of("probe_value_probe_wallet_api", Labels::empty()),
        of("probe__value_probe_wallet_api", Labels::empty()),
    ];
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    assert_eq!(probe("wallet-api"), "chart-probe-value-probe-wallet-api-9ccc0af4", "the same whenever it is asked");
    assert_eq!(of("reserves_ratio", Labels::empty()), "chart-reserves-ratio");
    for id in &ids {
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{id}");
    }
}

/// The numbers of a path.
fn numbers_of(path: &str) -> Vec<i64> {
    let words = path.split(|c: char| !c.is_ascii_digit() && c != '-').filter(|word| !word.is_empty());
    words.map(|word| word.parse().unwrap_or_else(|_| panic!("{word} in {path}"))).collect()
}

proptest! {
    /// Whatever is measured: each run is a sub-path of its own, everything stays near the plane, every limit is named.
    #[test]
    fn any_series_can_be_drawn(
        values in proptest::collection::vec(proptest::option::weighted(0.8, prop_oneof![
            -1e3..1e9_f64, 0.0..1.0_f64, Just(0.0), Just(1e300), Just(f64::NAN), Just(f64::INFINITY),
        ]), 2..60),
        limits in proptest::collection::vec((-10.0..1e6_f64, any::<bool>()), 0..4),
        unit in proptest::sample::select(vec![Unit::Ratio, Unit::Seconds, Unit::Bytes, Unit::Count, Unit::Algo, Unit::Bool, Unit::Timestamp]),
    ) {
        let worse = |higher| if higher { Worse::Higher } else { Worse::Lower };
        let limits: Vec<Limit> =
            limits.into_iter().map(|(value, higher)| limit(value, worse(higher), Severity::High)).collect();
        let chart = chart("m", unit, &values, limits);
        let path = line(&chart);
        prop_assert_eq!(path.matches('M').count(), chart.course.runs.len());
        let scale = Scale::of(&chart, 4);
        prop_assert!(scale.low < scale.high && scale.low.is_finite() && scale.high.is_finite(), "{:?}", scale);
        prop_assert!(scale.ticks.len() <= 12);
        for number in numbers_of(&path) {
            prop_assert!(number.abs() <= WIDTH + 2 * HEIGHT);
        }
        let html = plot(&chart, Size::Card).into_string();
        for word in ["NaN", "inf\"", "undefined"] {
            prop_assert!(!html.contains(&format!("=\"{word}")), "{}", html);
        }
        prop_assert!(chart.limits.is_empty() || html.contains("class=\"limit-text"));
        prop_assert!(!html.contains("style="));
    }
}
