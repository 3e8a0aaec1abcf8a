//! The answer to an expression, series by series: now, and over a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::Value;
use crate::model::time::{Time, millis_of};
use crate::model::trouble::{Kind, Trouble};
use crate::rules::promql::ast::{Expr, Node};
use crate::rules::promql::value::{Answer, Element, Halt};
use crate::rules::promql::{evaluate_within, newest_within};
use crate::rules::{Catalogue, Windows};
use crate::text::safe;

/// One series of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The metric, where the values are still that metric's.
    pub metric: Option<Arc<str>>,
    /// Labels without the name.
    pub labels: Labels,
    /// The value at the last tick; none where the series is no longer there.
    pub last: Option<Value>,
    /// Of what time that value is: of the newest sample where the expression only selects one, else of the tick.
    pub time: Time,
    /// The value at each tick; none where it was not measured or not there.
    pub values: Vec<Option<f64>>,
    /// The unit of the values, where it is known.
    pub unit: Option<Unit>,
    /// The word for it where there is no value at the last tick.
    pub absence: Absence,
}

/// Why a series of the answer is not there any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absence {
    /// Nothing is measured of it.
    Gone,
    /// The expression has no result for it, which may be because a comparison does not hold.
    NoResult,
}

impl Absence {
    /// `gone` or `no result`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::NoResult => "no result",
        }
    }
}

impl Series {
    /// The lowest and the highest value, where there is any.
    pub fn extremes(&self) -> Option<(f64, f64)> {
        let mut known = self.values.iter().flatten().copied().filter(|value| !value.is_nan());
        let first = known.next()?;
        Some(known.fold((first, first), |(low, high), value| (low.min(value), high.max(value))))
    }
}

/// `metric{label="value"}`; `{}` where there is neither.
impl std::fmt::Display for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.metric {
            Some(metric) => write!(f, "{metric}{}", self.labels),
            None => write!(f, "{:?}", self.labels),
        }
    }
}

/// The ticks from `first` to `last`, so far apart that there are at most `most` of them.
pub fn ticks(first: Time, last: Time, interval: Duration, most: Option<i64>) -> Vec<Time> {
    let step = millis_of(interval).max(1);
    let steps = millis_of(last.since(first)) / step;
    // rounded up, so that not one too many is left
    let stride = most.map_or(1, |most| steps / most.max(1) + 1);
    let back = |count: i64| Time::from_millis(last.millis() - count * stride * step);
    (0..=steps / stride).rev().map(back).collect()
}

/// Evaluates `expr` at each of `ticks`, which are in order; the last one is now.
pub fn answer(expr: &Expr, data: &Windows, ticks: &[Time], catalogue: Catalogue<'_>) -> Result<Vec<Series>, Trouble> {
    let mut answer = Answered { series: Vec::new(), places: HashMap::new(), ticks: ticks.len() };
    let Some(query) = ticks.first().copied().zip(ticks.last().copied()) else { return Ok(Vec::new()) };
    for (at, tick) in ticks.iter().enumerate() {
        answer.series.iter_mut().for_each(|series| series.last = None);
        match elements(expr, data, *tick, query) {
            Ok(elements) => elements.into_iter().for_each(|(element, time)| answer.add(at, element, time)),
            Err(Halt::Unknown(reason)) => answer.blind(at, &Value::Unknown(reason), *tick),
            Err(Halt::Failed(why)) => return Err(Trouble::new(Kind::Data, safe::one_line(&why))),
        }
    }
    let of_expr = catalogue.unit(expr);
    let absence = if matches!(expr.bare().node, Node::Selector(_)) { Absence::Gone } else { Absence::NoResult };
    for series in &mut answer.series {
        series.absence = absence;
        let known = series.metric.as_deref().and_then(|name| catalogue.get(name));
        series.unit = known.map(|metric| metric.unit).or(of_expr);
    }
    Ok(answer.series)
}

/// The elements at a tick of a query over time, each with the time that its value is of.
fn elements(expr: &Expr, data: &Windows, tick: Time, query: (Time, Time)) -> Result<Vec<(Element, Time)>, Halt> {
    if let Node::Selector(selector) = &expr.bare().node
        && selector.range.is_none()
    {
        return Ok(newest_within(selector, data, tick, query));
    }
    match evaluate_within(expr, data, tick, query)? {
        Answer::Vector(elements) => Ok(elements.into_iter().map(|element| (element, tick)).collect()),
        Answer::Scalar(value) => {
            Ok(vec![(Element { name: None, labels: Labels::empty(), value: Value::Known(value) }, tick)])
        }
        Answer::Text(text) => Err(Halt::Failed(format!("the expression is the text {text:?}, not a number"))),
    }
}

/// The series gathered so far.
struct Answered {
    series: Vec<Series>,
    places: HashMap<(Option<Arc<str>>, Labels), usize>,
    ticks: usize,
}

impl Answered {
    fn add(&mut self, at: usize, element: Element, time: Time) {
        let Element { name, labels, value } = element;
        let place = *self.places.entry((name.clone(), labels.clone())).or_insert(self.series.len());
        if place == self.series.len() {
            let values = vec![None; self.ticks];
            self.series.push(Series {
                metric: name,
                labels,
                last: None,
                time,
                values,
                unit: None,
                absence: Absence::Gone,
            });
        }
        let Some(series) = self.series.get_mut(place) else { return };
        if let (Value::Known(value), Some(slot)) = (&value, series.values.get_mut(at)) {
            *slot = Some(*value);
        }
        (series.last, series.time) = (Some(value), time);
    }

    /// Nothing at all can be said at this tick; of no series where none has been seen.
    fn blind(&mut self, at: usize, unknown: &Value, tick: Time) {
        if at + 1 == self.ticks && self.series.is_empty() {
            self.add(at, Element { name: None, labels: Labels::empty(), value: unknown.clone() }, tick);
        }
        for series in &mut self.series {
            (series.last, series.time) = (Some(unknown.clone()), tick);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::SeriesKey;
    use crate::model::metric::{Metric, Shape};
    use crate::model::reading::{Datum, Point, Reason, Window};
    use crate::rules::promql::parse;

    const MINUTE: Duration = Duration::from_mins(1);
    const METRICS: &[Metric] = &[Metric {
        name: "usage",
        help: "",
        unit: Unit::Ratio,
        shape: Shape::Gauge,
        labels: &["mount"],
        source: "test",
    }];

    fn minute(minutes: i64) -> Time {
        Time::from_millis(minutes * 60_000)
    }

    fn window(mount: &str, points: &[(i64, Datum)], reason: Option<Reason>) -> Window {
        Window {
            series: SeriesKey::new("usage", Labels::new([("mount", mount)])),
            every: MINUTE,
            points: points.iter().map(|(at, datum)| Point { tick: minute(*at), datum: *datum }).collect(),
            reason,
        }
    }

    fn shown(text: &str, from: i64, to: i64) -> Vec<String> {
        let root = [(1, 0.5), (2, 0.7), (3, 0.6)].map(|(at, value)| (at, Datum::Value(value)));
        let boot = [(1, Datum::Value(0.1)), (2, Datum::Unknown)];
        let old = [(0, Datum::Value(0.9)), (1, Datum::Gone)];
        let data = Windows::new(vec![
            window("/", &root, None),
            window("/boot", &boot, Some(Reason::TIMEOUT)),
            window("/old", &old, None),
        ]);
        let catalogue = Catalogue::of(METRICS);
        let ticks = ticks(minute(from), minute(to), MINUTE, None);
        let series = match answer(&parse(text).unwrap(), &data, &ticks, catalogue) {
            Ok(series) => series,
            Err(trouble) => return vec![trouble.what],
        };
        let line = |series: &Series| {
            let last = match &series.last {
                None => series.absence.word().to_owned(),
                Some(Value::Known(value)) => value.to_string(),
                Some(Value::Unknown(reason)) => format!("unknown {reason}"),
            };
            let at = series.time.millis() / 60_000;
            let unit = series.unit.map_or("-", Unit::name);
            format!("{series} {last} {unit} of {at}: {:?} {:?}", series.values, series.extremes())
        };
        series.iter().map(line).collect()
    }

    #[test]
    fn a_series_has_its_last_value_and_its_past() {
        assert_eq!(
            shown("usage", 0, 4),
            [
                r#"usage{mount="/old"} gone ratio of 0: [Some(0.9), None, None, None, None] Some((0.9, 0.9))"#,
                r#"usage{mount="/"} 0.6 ratio of 3: [None, Some(0.5), Some(0.7), Some(0.6), Some(0.6)] Some((0.5, 0.7))"#,
                r#"usage{mount="/boot"} unknown timeout ratio of 2: [None, Some(0.1), None, None, None] Some((0.1, 0.1))"#,
            ]
        );
        assert_eq!(
            shown("max(usage)", 0, 2),
            ["{} unknown timeout ratio of 2: [Some(0.9), Some(0.5), None] Some((0.5, 0.9))"]
        );
        // a comparison that does not hold any more makes nothing gone
        assert_eq!(
            shown("usage{mount='/'} > 0.65", 1, 3),
            [r#"usage{mount="/"} no result ratio of 2: [None, Some(0.7), None] Some((0.7, 0.7))"#]
        );
        assert_eq!(shown("max(usage)", 2, 2), ["{} unknown timeout ratio of 2: [None] None"]);
        let end = "max(usage{mount='/'} @ end())";
        assert_eq!(shown(end, 1, 3), ["{} 0.6 ratio of 3: [Some(0.6), Some(0.6), Some(0.6)] Some((0.6, 0.6))"]);
        assert_eq!(shown("2 * 3", 2, 2), ["{} 6 - of 2: [Some(6.0)] Some((6.0, 6.0))"]);
        assert_eq!(shown("\"x\"", 2, 2), ["the expression is the text \"x\", not a number"]);
    }

    #[test]
    fn ticks_are_few_enough_and_end_now() {
        let minutes = |first: i64, last: i64, most| {
            let ticks = ticks(minute(first), minute(last), MINUTE, most);
            ticks.into_iter().map(|tick| tick.millis() / 60_000).collect::<Vec<_>>()
        };
        assert_eq!(minutes(5, 5, Some(500)), [5]);
        assert_eq!(minutes(0, 5, None), [0, 1, 2, 3, 4, 5]);
        assert_eq!(minutes(0, 5, Some(3)), [1, 3, 5]);
        assert_eq!(minutes(0, 6, Some(3)), [0, 3, 6]);
        assert_eq!(minutes(0, 1_000_000, Some(500)).len(), 500);
        assert_eq!(minutes(7, 5, None), [5]);
    }
}
