//! The limits that the rules hold a series against, for the charts: never constants, always those of the rules.

use crate::model::labels::SeriesKey;
use crate::model::severity::Severity;
use crate::rules::promql::ast::{Expr, Node, Selector};
use crate::rules::promql::ops::Compare;
use crate::rules::{Compared, Rule, Test, Worse, compared};

/// A limit.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// Beyond it, it is as bad as this.
    pub severity: Severity,
    /// The number.
    pub value: f64,
    /// Which way is bad.
    pub worse: Worse,
    /// The rule.
    pub rule: String,
}

impl Limit {
    /// Whether `value` is beyond it.
    pub fn is_beyond(&self, value: f64) -> bool {
        self.worse.is_beyond(value, self.value)
    }
}

/// What a rule holds against its limits: the expression itself, or the left side of its comparison.
pub fn held(rule: &Rule) -> Option<&Expr> {
    match &rule.test {
        Test::Ladder(_) => Some(&rule.expr),
        Test::Condition(_) => compared(&rule.expr).map(|compared| compared.value),
    }
}

/// The limits of one rule, mildest first.
pub fn of_rule(rule: &Rule) -> Vec<Limit> {
    let limit = |severity, value, worse| Limit { severity, value, worse, rule: rule.name.to_string() };
    match &rule.test {
        Test::Ladder(ladder) => {
            let rungs = ladder.rungs.iter().filter_map(|(severity, rung)| Some((severity, (*rung)?)));
            rungs.map(|(severity, rung)| limit(severity, rung.limit, ladder.worse)).collect()
        }
        Test::Condition(severity) => {
            let Some(Compared { op, limit: number, .. }) = compared(&rule.expr) else { return Vec::new() };
            let Node::Number(value) = number.bare().node else { return Vec::new() };
            let worse = match op {
                Compare::Above | Compare::AtLeast => Worse::Higher,
                Compare::Below | Compare::AtMost => Worse::Lower,
                Compare::Equal | Compare::Unequal => return Vec::new(),
            };
            vec![limit(*severity, value, worse)]
        }
    }
}

/// The limits that any of the rules holds this series itself against, or the series over a time: mildest first.
pub fn of_series(series: &SeriesKey, rules: &[Rule]) -> Vec<Limit> {
    let meant = rules.iter().filter(|rule| held(rule).and_then(plain).is_some_and(|selector| selector.selects(series)));
    let mut limits: Vec<Limit> = meant.flat_map(of_rule).collect();
    limits.sort_by(|one, other| one.severity.cmp(&other.severity).then(one.value.total_cmp(&other.value)));
    limits.dedup_by(|one, other| one.value.to_bits() == other.value.to_bits() && one.worse == other.worse);
    limits
}

/// The selector whose values an expression has: itself, or as a mean, a quantile or an extreme over a time.
fn plain(expr: &Expr) -> Option<&Selector> {
    const KEEP_THE_UNIT: [&str; 5] =
        ["avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"];
    match &expr.bare().node {
        Node::Selector(selector) => Some(selector),
        Node::Call(call) if KEEP_THE_UNIT.contains(&call.function.name) => plain(call.arguments.last()?),
        _ => None,
    }
}
