//! The table of functions: a new one is a new line here, and its body in `over`, `element` or `call`.

use super::ast::Span;
use super::check::Kind;
use super::element;
use super::histogram::{self, Buckets};
use super::ops::Aggregation;
use super::over::{self, Run};
use super::parser::wrong;
use crate::model::fault::Fault;
use crate::text::nearest::nearest;

/// A function of the language.
#[derive(Debug)]
pub struct Function {
    /// As it is written.
    pub name: &'static str,
    /// What it takes.
    pub arguments: &'static [Kind],
    /// How many of them must be given.
    pub required: usize,
    /// What it gives.
    pub result: Kind,
    /// Whether the last argument may be repeated.
    pub repeats: bool,
    /// How it is computed.
    pub body: Body,
}

impl Function {
    /// The types of its arguments; of a function that repeats its last one, without end.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let repeated = self.arguments.last().filter(|_| self.repeats);
        self.arguments.iter().copied().chain(repeated.into_iter().flat_map(|kind| std::iter::repeat(*kind)))
    }
}

/// How a function is computed.
#[derive(Clone, Copy, Debug)]
pub enum Body {
    /// `time()`.
    Time,
    /// `pi()`.
    Pi,
    /// `scalar(vector)`.
    Scalar,
    /// `vector(scalar)`.
    Vector,
    /// Each element by itself.
    Each(fn(f64) -> f64),
    /// Each element by itself with scalar parameters; `None` drops it.
    EachWith(fn(f64, &[f64]) -> Option<f64>),
    /// A part of the date that each element, in seconds since 1970, stands for; without argument of the evaluation's time.
    Date(fn(jiff::civil::DateTime) -> f64),
    /// The samples of each series over a range, with scalar parameters; `None` where there are too few.
    Over(fn(&Run<'_>, &[f64]) -> Option<f64>),
    /// The same for `first_over_time` and `last_over_time`, which keep the metric's name.
    Pick(fn(&Run<'_>) -> Option<f64>),
    /// `min_of` and `max_of`: one of two numbers.
    OneOf(fn(f64, f64) -> f64),
    /// `absent(vector)` and `absent_over_time(range)`.
    Absent,
    /// `timestamp(vector)`.
    Timestamp,
    /// `sort(vector)` and `sort_desc(vector)`.
    Sort {
        /// Largest first.
        descending: bool,
    },
    /// `label_replace(vector, target, replacement, source, pattern)`.
    LabelReplace,
    /// `label_join(vector, target, separator, source, …)`.
    LabelJoin,
    /// Each classic histogram, with scalar parameters.
    Histogram(fn(&[f64], Buckets<'_>) -> f64),
}

use Kind::{Range, Scalar, Text, Vector};

const fn row(name: &'static str, arguments: &'static [Kind], result: Kind, body: Body) -> Function {
    Function { name, arguments, required: arguments.len(), result, repeats: false, body }
}

const fn each(name: &'static str, body: fn(f64) -> f64) -> Function {
    row(name, &[Vector], Vector, Body::Each(body))
}

const fn over(name: &'static str, body: fn(&Run<'_>, &[f64]) -> Option<f64>) -> Function {
    row(name, &[Range], Vector, Body::Over(body))
}

const fn date(name: &'static str, part: fn(jiff::civil::DateTime) -> f64) -> Function {
    Function { required: 0, ..row(name, &[Vector], Vector, Body::Date(part)) }
}

/// Every function of Prometheus 3 but those of `omitted`.
pub static FUNCTIONS: &[Function] = &[
    row("time", &[], Scalar, Body::Time),
    row("pi", &[], Scalar, Body::Pi),
    row("scalar", &[Vector], Scalar, Body::Scalar),
    row("vector", &[Scalar], Vector, Body::Vector),
    row("min_of", &[Scalar, Scalar], Scalar, Body::OneOf(element::smaller)),
    row("max_of", &[Scalar, Scalar], Scalar, Body::OneOf(element::larger)),
    row("absent", &[Vector], Vector, Body::Absent),
    row("absent_over_time", &[Range], Vector, Body::Absent),
    row("timestamp", &[Vector], Vector, Body::Timestamp),
    row("sort", &[Vector], Vector, Body::Sort { descending: false }),
    row("sort_desc", &[Vector], Vector, Body::Sort { descending: true }),
    each("abs", f64::abs),
    each("ceil", f64::ceil),
    each("floor", f64::floor),
    each("exp", f64::exp),
    each("sqrt", f64::sqrt),
    each("ln", f64::ln),
    each("log2", f64::log2),
    each("log10", f64::log10),
    each("sgn", element::sgn),
    each("sin", f64::sin),
    each("cos", f64::cos),
    each("tan", f64::tan),
    each("asin", f64::asin),
    each("acos", f64::acos),
    each("atan", f64::atan),
    each("sinh", f64::sinh),
    each("cosh", f64::cosh),
    each("tanh", f64::tanh),
    each("asinh", f64::asinh),
    each("acosh", f64::acosh),
    each("atanh", f64::atanh),
    each("deg", f64::to_degrees),
    each("rad", f64::to_radians),
    row("clamp", &[Vector, Scalar, Scalar], Vector, Body::EachWith(element::clamp)),
    row("clamp_min", &[Vector, Scalar], Vector, Body::EachWith(element::clamp_min)),
    row("clamp_max", &[Vector, Scalar], Vector, Body::EachWith(element::clamp_max)),
    Function { required: 1, ..row("round", &[Vector, Scalar], Vector, Body::EachWith(element::round)) },
    date("minute", |date| f64::from(date.minute())),
    date("hour", |date| f64::from(date.hour())),
    date("day_of_week", |date| f64::from(date.weekday().to_sunday_zero_offset())),
    date("day_of_month", |date| f64::from(date.day())),
    date("day_of_year", |date| f64::from(date.day_of_year())),
    date("days_in_month", |date| f64::from(date.days_in_month())),
    date("month", |date| f64::from(date.month())),
    date("year", |date| f64::from(date.year())),
    over("avg_over_time", over::avg),
    over("min_over_time", over::min),
    over("max_over_time", over::max),
    over("sum_over_time", over::sum),
    over("count_over_time", over::count),
    over("present_over_time", over::present),
    over("stddev_over_time", over::stddev),
    over("stdvar_over_time", over::stdvar),
    row("first_over_time", &[Range], Vector, Body::Pick(over::first)),
    row("last_over_time", &[Range], Vector, Body::Pick(over::last)),
    row("quantile_over_time", &[Scalar, Range], Vector, Body::Over(over::quantile)),
    over("rate", over::rate),
    over("increase", over::increase),
    over("delta", over::delta),
    over("irate", over::irate),
    over("idelta", over::idelta),
    over("deriv", over::deriv),
    row("predict_linear", &[Range, Scalar], Vector, Body::Over(over::predict_linear)),
    over("changes", over::changes),
    over("resets", over::resets),
    row("label_replace", &[Vector, Text, Text, Text, Text], Vector, Body::LabelReplace),
    Function { required: 3, repeats: true, ..row("label_join", &[Vector, Text, Text, Text], Vector, Body::LabelJoin) },
    row("histogram_quantile", &[Scalar, Vector], Vector, Body::Histogram(histogram::quantile)),
    row("histogram_fraction", &[Scalar, Scalar, Vector], Vector, Body::Histogram(histogram::fraction)),
];

/// Names other systems use, with the `PromQL` that means the same.
const FOREIGN: [(&str, &str); 11] = [
    ("average", "avg"),
    ("mean", "avg"),
    ("median", "quantile(0.5, …)"),
    ("percentile", "quantile(0.95, metric) across series, quantile_over_time(0.95, metric[5m]) over time"),
    ("p95", "quantile_over_time(0.95, metric[5m])"),
    ("now", "time()"),
    ("last", "last_over_time(metric[5m])"),
    ("derivative", "deriv"),
    ("nodata", "absent"),
    ("forecast", "predict_linear(metric[6h], 4 * 3600)"),
    ("percent", "a division: used / total"),
];

/// The function called `name`, or a fault with the nearest one.
pub fn find(name: &str, span: &Span) -> Result<&'static Function, Fault> {
    if let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) {
        return Ok(function);
    }
    let fault = wrong(format!("there is no function `{name}`"), span);
    if let Some((_, advice)) = FOREIGN.iter().find(|(foreign, _)| foreign.eq_ignore_ascii_case(name)) {
        return Err(fault.help(format!("PromQL's word for it is {advice}")));
    }
    let known = FUNCTIONS.iter().map(|function| function.name).chain(Aggregation::ALL.map(|(name, _)| name));
    Err(match nearest(name, known) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help("the functions are those of Prometheus 3, its documentation lists them"),
    })
}
