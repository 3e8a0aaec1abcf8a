//! The unit of an expression's value.

use super::catalogue::Catalogue;
use crate::model::metric::Unit;
use crate::rules::promql::ast::{Expr, Node};
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::{Aggregation, Math, Op};

impl Catalogue<'_> {
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
