//! What the catalogue of metrics says about an expression: unknown names, and the unit of the value.

use std::time::Duration;

use super::promql::ast::{Expr, Node, Selector};
use super::promql::functions::Body;
use super::promql::ops::{Aggregation, Math, Op};
use super::windows::ALERTS;
use crate::model::fault::{Fault, Place};
use crate::model::metric::{Metric, Unit};
use crate::text::nearest::nearest;
use crate::text::units;

/// The metrics there are.
#[derive(Clone, Copy)]
pub struct Catalogue<'a> {
    /// All that the built-in sources yield.
    pub metrics: &'a [Metric],
    /// Whether there may be others (an exec probe names its own).
    pub is_open: bool,
}

impl Catalogue<'_> {
    /// The entry of `name`.
    pub fn get(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The faults of the names in `expr`; places are bytes of its text.
    pub fn faults(&self, expr: &Expr) -> Vec<Fault> {
        expr.selectors().into_iter().flat_map(|selector| self.selector_faults(selector)).collect()
    }

    fn selector_faults(&self, selector: &Selector) -> Vec<Fault> {
        let Some(name) = &selector.metric else { return Vec::new() };
        if &**name == ALERTS {
            return Vec::new();
        }
        let Some(metric) = self.get(name) else { return vec![self.unknown_metric(name, selector)] };
        let strangers = selector.matchers.iter().filter(|matcher| !metric.labels.contains(&matcher.label.as_ref()));
        strangers.map(|matcher| unknown_label(metric, &matcher.label, matcher.span.clone())).collect()
    }

    fn unknown_metric(&self, name: &str, selector: &Selector) -> Fault {
        let place = Place::File(selector.metric_span.clone());
        let what = format!("there is no metric `{name}`");
        let near = nearest(name, self.metrics.iter().map(|metric| metric.name));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`sippar-mon collect` shows the metrics there are".to_owned(),
        };
        if self.is_open {
            return Fault::warning(what, place).help(format!("{help} (an exec probe may yield it)"));
        }
        Fault::error(what, place).help(help)
    }

    /// The unit of the expression's value, where it is that of a metric.
    pub fn unit(&self, expr: &Expr) -> Option<Unit> {
        match &expr.node {
            Node::Selector(selector) => self.get(selector.metric.as_deref()?).map(|metric| metric.unit),
            Node::Paren(inner) | Node::Negate(inner) => self.unit(inner),
            Node::Subquery(subquery) => self.unit(&subquery.of),
            Node::Aggregate(aggregate) => match aggregate.op {
                Aggregation::Count | Aggregation::CountValues | Aggregation::Group | Aggregation::Stdvar => None,
                _ => self.unit(&aggregate.of),
            },
            Node::Call(call) if KEEPS_UNIT.contains(&call.function.name) => {
                call.arguments.iter().find_map(|argument| self.unit(argument))
            }
            Node::Call(_) | Node::Number(_) | Node::Text(_) => None,
            Node::Binary(binary) => match binary.op {
                Op::Compare(_) if binary.bool => Some(Unit::Bool),
                Op::Compare(_) => self.unit(&binary.left).or_else(|| self.unit(&binary.right)),
                Op::Set(_) => self.unit(&binary.left),
                Op::Math(math) => self.unit_of_math(math, &binary.left, &binary.right),
            },
        }
    }

    fn unit_of_math(&self, math: Math, left: &Expr, right: &Expr) -> Option<Unit> {
        let units = [self.unit_or_time(left), self.unit_or_time(right)];
        match (math, units) {
            (Math::Subtract, [Some(Unit::Timestamp), Some(Unit::Timestamp)]) => Some(Unit::Seconds),
            (Math::Add | Math::Subtract, [Some(unit), Some(other)]) if unit == other => Some(unit),
            (Math::Add | Math::Subtract, [Some(unit), None]) if matches!(right.bare().node, Node::Number(_)) => {
                Some(unit)
            }
            (Math::Divide, [Some(unit), Some(other)]) if unit == other => Some(Unit::Ratio),
            _ => None,
        }
    }

    fn unit_or_time(&self, expr: &Expr) -> Option<Unit> {
        match &expr.bare().node {
            Node::Call(call) if matches!(call.function.body, Body::Time) => Some(Unit::Timestamp),
            _ => self.unit(expr),
        }
    }
}

/// Functions whose result has the unit of their argument.
const KEEPS_UNIT: [&str; 18] = [
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "last_over_time",
    "quantile_over_time",
    "stddev_over_time",
    "predict_linear",
    "increase",
    "delta",
    "idelta",
    "abs",
    "ceil",
    "floor",
    "round",
    "clamp",
    "clamp_min",
    "clamp_max",
];

/// Functions that need two samples.
const NEEDS_TWO: [&str; 7] = ["rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear"];

/// Warns of ranges that can never hold the two samples their function needs: such a rule is silent for ever.
pub fn short_ranges(expr: &Expr, interval: Duration) -> Vec<Fault> {
    let mut faults: Vec<Fault> = expr.children().into_iter().flat_map(|child| short_ranges(child, interval)).collect();
    let Node::Call(call) = &expr.node else { return faults };
    let argument = call.arguments.first().map(Expr::bare);
    let Some(Expr { span, node: Node::Selector(Selector { range: Some(range), .. }) }) = argument else {
        return faults;
    };
    if NEEDS_TWO.contains(&call.function.name) && *range < interval * 2 {
        let name = call.function.name;
        let what = format!("{name} needs two samples, and this range never holds more than one");
        let enough = units::duration_literal(interval * 4);
        let help = format!("a sample is taken every {}: write [{enough}] or more", units::duration_literal(interval));
        faults.push(Fault::warning(what, Place::File(span.clone())).help(help));
    }
    faults
}

fn unknown_label(metric: &Metric, label: &str, span: std::ops::Range<usize>) -> Fault {
    let fault = Fault::warning(format!("{} has no label `{label}`", metric.name), Place::File(span));
    match nearest(label, metric.labels.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None if metric.labels.is_empty() => fault.help("it has no labels at all"),
        None => fault.help(format!("its labels are {}", metric.labels.join(", "))),
    }
}
