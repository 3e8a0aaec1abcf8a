//! The lowest and the highest value that an expression can have, by interval arithmetic.
//!
//! Every result is on the safe side: an interval is never too narrow, so what lies outside can never happen. NaN lies in
//! no interval; no limit is beyond it and no comparison but `!=` holds for it.

use super::catalogue::Catalogue;
use crate::model::metric::{Metric, Shape, Unit};
use crate::rules::promql::ast::{Aggregate, Binary, Call, Expr, Node};
use crate::rules::promql::check::Kind;
use crate::rules::promql::ops::{Aggregation, Compare, Math, Op, Set};

/// The status that a web service answered with.
pub const HTTP_STATUS: &str = "probe_http_status_code";

/// An interval of values, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Nothing is lower.
    pub low: f64,
    /// Nothing is higher.
    pub high: f64,
}

impl Bounds {
    /// Any number.
    pub const ANY: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    /// Zero or more.
    const POSITIVE: Self = Self { low: 0.0, high: f64::INFINITY };
    /// A yes or no, or a part of one.
    const PART: Self = Self { low: 0.0, high: 1.0 };

    const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Exactly this; NaN is not a value that bounds can tell about.
    pub const fn exactly(value: f64) -> Self {
        if value.is_nan() { Self::ANY } else { Self { low: value, high: value } }
    }

    const fn hull(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What is in both; where nothing is, this one: that it is empty is told where it happens, once.
    fn narrowed(self, other: Self) -> Self {
        let both = Self { low: self.low.max(other.low), high: self.high.min(other.high) };
        if both.low <= both.high { both } else { self }
    }

    /// The interval between the smallest and the largest of `ends`; anything where one of them is undefined.
    fn around(ends: &[f64]) -> Self {
        if ends.iter().any(|end| end.is_nan()) {
            return Self::ANY;
        }
        let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
        ends.iter().fold(Self { low, high }, |bounds, end| bounds.hull(Self::exactly(*end)))
    }

    /// Of a function that grows with its argument.
    fn map(self, grows: impl Fn(f64) -> f64) -> Self {
        Self { low: grows(self.low), high: grows(self.high) }
    }

    /// Of the larger of two values.
    const fn at_least(self, floor: Self) -> Self {
        Self { low: self.low.max(floor.low), high: self.high.max(floor.high) }
    }

    /// Of the smaller of two values.
    const fn at_most(self, ceiling: Self) -> Self {
        Self { low: self.low.min(ceiling.low), high: self.high.min(ceiling.high) }
    }

    /// Of a sum of at least one of these.
    const fn summed(self) -> Self {
        Self {
            low: if self.low >= 0.0 { self.low } else { f64::NEG_INFINITY },
            high: if self.high <= 0.0 { self.high } else { f64::INFINITY },
        }
    }

    /// What of this can pass `compare` with a value of `other`.
    fn passing(self, compare: Compare, other: Self) -> Self {
        match compare {
            Compare::Above | Compare::AtLeast => self.narrowed(Self::new(other.low, f64::INFINITY)),
            Compare::Below | Compare::AtMost => self.narrowed(Self::new(f64::NEG_INFINITY, other.high)),
            Compare::Equal => self.narrowed(other),
            Compare::Unequal => self,
        }
    }
}

/// Between which values the elements of `expr` lie.
pub fn of(expr: &Expr, catalogue: Catalogue<'_>) -> Bounds {
    match &expr.node {
        Node::Number(value) => Bounds::exactly(*value),
        Node::Text(_) => Bounds::ANY,
        Node::Selector(selector) => catalogue.metric_of(selector).map_or(Bounds::ANY, of_metric),
        Node::Subquery(subquery) => of(&subquery.of, catalogue),
        Node::Paren(inner) => of(inner, catalogue),
        Node::Negate(inner) => {
            let Bounds { low, high } = of(inner, catalogue);
            Bounds::new(-high, -low)
        }
        Node::Binary(binary) => of_binary(binary, catalogue),
        Node::Aggregate(aggregate) => of_aggregate(aggregate, catalogue),
        Node::Call(call) => of_call(call, catalogue),
    }
}

/// The values a metric of the catalogue can have. The one place that knows; where in doubt, anything.
fn of_metric(metric: &Metric) -> Bounds {
    let is_part_of_whole = metric.source == "system" || metric.name.ends_with("_usage_ratio");
    match metric.unit {
        Unit::Bool => Bounds::PART,
        // a source makes its ratios of a part and its whole; reserves against supply can well be above one
        Unit::Ratio if is_part_of_whole => Bounds::PART,
        // three digits, see RFC 9110, 15; without an answer there is none, and the value is unknown
        Unit::Count if metric.name == HTTP_STATUS => Bounds::new(100.0, 999.0),
        _ if metric.shape == Shape::Counter => Bounds::POSITIVE,
        Unit::Bytes | Unit::Timestamp => Bounds::POSITIVE,
        // a duration; an age is a difference of two clocks
        Unit::Seconds if !metric.name.ends_with("_age_seconds") => Bounds::POSITIVE,
        // the machine and the monitor count and measure sizes; a probe or a bridge may report a difference
        _ if matches!(metric.source, "system" | "monitor") => Bounds::POSITIVE,
        Unit::Ratio | Unit::Seconds | Unit::Algo | Unit::Count => Bounds::ANY,
    }
}

fn of_binary(binary: &Binary, catalogue: Catalogue<'_>) -> Bounds {
    let (left, right) = (of(&binary.left, catalogue), of(&binary.right, catalogue));
    match binary.op {
        Op::Math(math) => of_math(math, left, right),
        Op::Compare(_) if binary.bool => Bounds::PART,
        // the value of a comparison is that of its vector, and of the left one of two
        Op::Compare(compare) if binary.left.kind() == Kind::Scalar => right.passing(compare.mirrored(), left),
        Op::Compare(compare) => left.passing(compare, right),
        Op::Set(Set::Or) => left.hull(right),
        Op::Set(Set::And | Set::Unless) => left,
    }
}

fn of_math(math: Math, left: Bounds, right: Bounds) -> Bounds {
    let corners = |apply: fn(f64, f64) -> f64| {
        let ends = [(left.low, right.low), (left.low, right.high), (left.high, right.low), (left.high, right.high)];
        Bounds::around(&ends.map(|(a, b)| apply(a, b)))
    };
    match math {
        Math::Add => Bounds::around(&[left.low + right.low, left.high + right.high]),
        Math::Subtract => Bounds::around(&[left.low - right.high, left.high - right.low]),
        Math::Multiply => corners(product),
        Math::Divide if right.low > 0.0 || right.high < 0.0 => corners(|a, b| product(a, b.recip())),
        // a division by zero is infinite with the sign of what is divided
        Math::Divide if left.low >= 0.0 && right.low >= 0.0 => Bounds::POSITIVE,
        Math::Modulo => Bounds::new(left.low.min(0.0), left.high.max(0.0)),
        Math::Power if left.low >= 0.0 => Bounds::POSITIVE,
        Math::Divide | Math::Power | Math::Atan2 => Bounds::ANY,
    }
}

/// The product of two ends of intervals: nothing times any bound, however large, is nothing.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { a * b }
}

fn of_aggregate(aggregate: &Aggregate, catalogue: Catalogue<'_>) -> Bounds {
    let operand = of(&aggregate.of, catalogue);
    match aggregate.op {
        Aggregation::Avg | Aggregation::Min | Aggregation::Max | Aggregation::Topk | Aggregation::Bottomk => operand,
        Aggregation::Sum => operand.summed(),
        // a group has at least one element, else there is no group
        Aggregation::Count | Aggregation::CountValues => Bounds::new(1.0, f64::INFINITY),
        Aggregation::Group => Bounds::exactly(1.0),
        Aggregation::Stddev | Aggregation::Stdvar => Bounds::POSITIVE,
        Aggregation::Quantile => of_quantile(aggregate.parameter.as_ref(), operand, catalogue),
    }
}

/// Between the values, unless the quantile asked for is below 0 or above 1: then it is infinite.
fn of_quantile(phi: Option<&Expr>, operand: Bounds, catalogue: Catalogue<'_>) -> Bounds {
    let phi = phi.map_or(Bounds::ANY, |phi| of(phi, catalogue));
    if phi.low >= 0.0 && phi.high <= 1.0 { operand } else { Bounds::ANY }
}

/// Functions that are not listed can have any value.
fn of_call(call: &Call, catalogue: Catalogue<'_>) -> Bounds {
    let argument = |at: usize| call.arguments.get(at).map_or(Bounds::ANY, |argument| of(argument, catalogue));
    match call.function.name {
        "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time" | "sort" | "sort_desc" | "vector"
        | "scalar" | "label_replace" | "label_join" => argument(0),
        "quantile_over_time" => of_quantile(call.arguments.first(), argument(1), catalogue),
        "sum_over_time" => argument(0).summed(),
        "count_over_time" => Bounds::new(1.0, f64::INFINITY),
        "present_over_time" | "absent" | "absent_over_time" => Bounds::exactly(1.0),
        "stddev_over_time" | "stdvar_over_time" | "changes" | "resets" | "sqrt" | "exp" | "time" | "timestamp" => {
            Bounds::POSITIVE
        }
        // a fall is taken for a reset, after which the whole value is growth
        "rate" | "increase" | "irate" if argument(0).low >= 0.0 => Bounds::POSITIVE,
        "abs" => match argument(0) {
            Bounds { low, high } if low < 0.0 => Bounds::new(0.0, high.max(-low)),
            positive => positive,
        },
        "ceil" => argument(0).map(f64::ceil),
        "floor" => argument(0).map(f64::floor),
        "round" if call.arguments.len() == 1 => argument(0).map(|value| (value + 0.5).floor()),
        "sgn" => argument(0).map(f64::signum).hull(Bounds::exactly(0.0)),
        "clamp" => argument(0).at_most(argument(2)).at_least(argument(1)),
        "clamp_min" => argument(0).at_least(argument(1)),
        "clamp_max" => argument(0).at_most(argument(1)),
        "histogram_fraction" => Bounds::PART,
        "minute" => Bounds::new(0.0, 59.0),
        "hour" => Bounds::new(0.0, 23.0),
        "day_of_week" => Bounds::new(0.0, 6.0),
        "day_of_month" => Bounds::new(1.0, 31.0),
        "day_of_year" => Bounds::new(1.0, 366.0),
        "days_in_month" => Bounds::new(28.0, 31.0),
        "month" => Bounds::new(1.0, 12.0),
        _ => Bounds::ANY,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::kit;
    use super::*;
    use crate::model::labels::{Labels, SeriesKey};
    use crate::model::reading::{Datum, Point, Value, Window};
    use crate::model::time::Time;
    use crate::rules::promql::value::Answer;
    use crate::rules::promql::{evaluate, parse};
    use crate::rules::windows::Windows;

    const NOW: i64 = 1_700_000_000_000;

    /// Expressions of everything that bounds know something about.
    fn expressions() -> impl Strategy<Value = String> {
        let metrics = ["memory_ratio", "free_bytes", "jobs_total", "probe_value", "reserves_ratio"].map(str::to_owned);
        let over = ["avg", "min", "max", "sum", "count", "last", "present", "stddev"];
        let ranged = (proptest::sample::select(over.to_vec()), proptest::sample::select(metrics.to_vec()))
            .prop_map(|(over, metric)| format!("{over}_over_time({metric}[5m])"));
        let grown = proptest::sample::select(vec!["rate", "increase", "delta", "changes", "resets", "deriv"])
            .prop_map(|function| format!("{function}(jobs_total[5m])"));
        let leaf = prop_oneof![proptest::sample::select(metrics.to_vec()), ranged, grown];
        leaf.prop_recursive(4, 24, 3, |inner| {
            let scalar = proptest::sample::select(vec!["-2", "-0.5", "0", "0.5", "1", "3", "100"]);
            let op = proptest::sample::select(vec!["+", "-", "*", "/", "%", "^", "atan2", ">", "<", ">=", "<= bool"]);
            let join = proptest::sample::select(vec![
                "+ on ()",
                "- on ()",
                "* on ()",
                "/ on ()",
                "> on ()",
                "or",
                "and on ()",
            ]);
            let function = proptest::sample::select(vec![
                "abs",
                "ceil",
                "floor",
                "round",
                "sgn",
                "sqrt",
                "exp",
                "-",
                "sum",
                "avg",
                "max",
                "min",
                "count",
                "quantile(0.5,",
                "quantile(2,",
                "clamp(-1, 2,",
                "clamp_min(0.5,",
                "clamp_max(0.5,",
                "sort",
                "hour",
                "month",
                "absent",
            ]);
            prop_oneof![
                (inner.clone(), op, scalar).prop_map(|(inner, op, scalar)| format!("({inner}) {op} {scalar}")),
                (inner.clone(), join, inner.clone()).prop_map(|(a, join, b)| format!("max({a}) {join} max({b})")),
                (function, inner).prop_map(|(function, inner)| called(function, &inner)),
            ]
        })
    }

    fn called(function: &str, inner: &str) -> String {
        match function.split_once('(') {
            Some(("quantile", phi)) => format!("quantile({phi} {inner})"),
            Some((clamp, limits)) => format!("{clamp}({inner}, {})", limits.trim_end_matches(',')),
            None => format!("{function}({inner})"),
        }
    }

    /// Samples of five minutes that keep to the bounds of their metric.
    fn data(parts: &[f64]) -> Windows {
        let series = |metric: &str, value: &dyn Fn(f64) -> f64| {
            let at = |(minute, part): (i64, &f64)| Point {
                tick: Time::from_millis(NOW + minute * 60_000),
                datum: Datum::Value(value(*part)),
            };
            let points = (-4..=0).zip(parts).map(at).collect();
            let series = SeriesKey::new(metric, Labels::empty());
            Window { series, every: Duration::from_mins(1), points, reason: None }
        };
        Windows::new(vec![
            series("memory_ratio", &|part| part),
            series("free_bytes", &|part| (part * 9.0).floor()),
            series("jobs_total", &|part| part * 5.0),
            series("probe_value", &|part| part * 6.0 - 3.0),
            series("reserves_ratio", &|part| part * 2.0),
        ])
    }

    proptest! {
        /// No value is ever outside: a limit out there is one that no data can reach.
        #[test]
        fn no_value_is_out_of_bounds(text in expressions(), parts in proptest::collection::vec(0.0..=1.0_f64, 5)) {
            let expr = parse(&text).map_err(|faults| TestCaseError::fail(format!("{text}: {faults:?}")))?;
            let Bounds { low, high } = of(&expr, kit::CATALOGUE);
            let Ok(Answer::Vector(elements)) = evaluate(&expr, &data(&parts), Time::from_millis(NOW)) else {
                return Ok(());
            };
            for element in elements {
                let Value::Known(value) = element.value else { continue };
                // sums of floats may be a rounding off; what is infinite must be allowed to be
                let slack = 1e-9 * value.abs().clamp(1.0, 1e300);
                prop_assert!(
                    value.is_nan() || low - slack <= value && value <= high + slack,
                    "{text} is {value}, not between {low} and {high}"
                );
            }
        }
    }
}
