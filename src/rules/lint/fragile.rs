//! Expressions that are legal and break in use: results that change their labels, ratios summed up, a history that is not
//! there.

use std::time::Duration;

use crate::model::fault::{Fault, Place};
use crate::rules::promql::NAME;
use crate::rules::promql::ast::{Aggregate, Expr, Node, Selector, Shift};
use crate::rules::promql::check::Kind;
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::{Aggregation, Math, Op, Set};
use crate::rules::windows::ALERTS;

/// What is fragile in `expr`.
pub fn faults(expr: &Expr) -> Vec<Fault> {
    let mut faults = Vec::new();
    gather(expr, true, false, &mut faults);
    faults.extend(several_metrics(expr).map(|selector| {
        let what = "an alert has no metric's name: two of these metrics that are bad at once, with the same labels, make \
                    the rule fail";
        let help = "keep the name as a label: label_replace(…, \"metric\", \"$1\", \"__name__\", \"(.*)\")";
        Fault::warning(what, Place::File(selector.span.clone())).help(help)
    }));
    faults
}

/// The selector of several metrics whose elements the results are, told apart by their names alone.
fn several_metrics(expr: &Expr) -> Option<&Expr> {
    match &expr.node {
        Node::Selector(selector) => selector.metric.is_none().then_some(expr),
        Node::Paren(inner) | Node::Negate(inner) => several_metrics(inner),
        Node::Subquery(subquery) => several_metrics(&subquery.of),
        Node::Aggregate(aggregate) => {
            let selects = matches!(aggregate.op, Aggregation::Topk | Aggregation::Bottomk);
            several_metrics(&aggregate.of).filter(|_| selects)
        }
        Node::Binary(binary) => several_metrics(&binary.left).or_else(|| {
            let is_left = matches!(binary.op, Op::Set(Set::And | Set::Unless));
            several_metrics(&binary.right).filter(|_| !is_left)
        }),
        Node::Call(call) => {
            let is_name = |argument: &Expr| matches!(&argument.bare().node, Node::Text(text) if text == NAME);
            let keeps =
                !matches!(call.function.body, Body::Scalar | Body::Absent) && !call.arguments.iter().any(is_name);
            call.arguments.iter().filter(|_| keeps).find_map(several_metrics)
        }
        Node::Number(_) | Node::Text(_) => None,
    }
}

/// `is_seen`: the labels of the elements reach the result. `is_past`: `expr` is evaluated at other times than now.
fn gather(expr: &Expr, is_seen: bool, is_past: bool, faults: &mut Vec<Fault>) {
    let (mut is_seen, mut is_past) = (is_seen, is_past);
    match &expr.node {
        Node::Selector(selector) => faults.extend(of_history(selector, expr, is_past)),
        Node::Aggregate(aggregate) => {
            let selects = matches!(aggregate.op, Aggregation::Topk | Aggregation::Bottomk);
            faults.extend((selects && is_seen).then(|| changing(aggregate)));
            faults.extend(of_quotient(aggregate));
            is_seen = is_seen && selects;
        }
        Node::Call(call) => {
            is_seen = is_seen && !matches!(call.function.body, Body::Scalar | Body::Absent);
        }
        Node::Subquery(_) => is_past = true,
        _ => {}
    }
    expr.children().into_iter().for_each(|child| gather(child, is_seen, is_past, faults));
}

fn of_history(selector: &Selector, expr: &Expr, is_past: bool) -> Option<Fault> {
    let looks_back = is_past || selector.range.is_some() || selector.shift != Shift::default();
    let is_alerts = selector.metric.as_deref() == Some(ALERTS);
    let what = "ALERTS is what fires now: it has no history here";
    let help = "ask for ALERTS without a range and an offset; `for` in the rule says how long it must last";
    (is_alerts && looks_back).then(|| Fault::error(what, Place::File(expr.span.clone())).help(help))
}

/// The alert of an element that leaves the selection resolves, and that of the next one begins.
fn changing(aggregate: &Aggregate) -> Fault {
    let what =
        format!("{} selects other series from one tick to the next: alerts would come and go", aggregate.op.name());
    let help = "compare all of them with a limit, or use max, min or quantile";
    Fault::warning(what, Place::File(aggregate.op_span.clone())).help(help)
}

/// A sum or mean of quotients: each counts the same however little it stands for, and 0 / 0 makes all of it NaN.
fn of_quotient(aggregate: &Aggregate) -> Option<Fault> {
    let Node::Binary(binary) = &aggregate.of.bare().node else { return None };
    let of_vectors = [binary.left.kind(), binary.right.kind()] == [Kind::Vector, Kind::Vector];
    let name = match aggregate.op {
        Aggregation::Sum => "sum",
        Aggregation::Avg => "avg",
        _ => return None,
    };
    if binary.op != Op::Math(Math::Divide) || !of_vectors {
        return None;
    }
    let what =
        format!("{name}(a / b) is not sum(a) / sum(b), and one 0 / 0 makes all of it NaN, which is beyond no limit");
    let help = "divide last: sum(…) / sum(…)";
    Some(Fault::warning(what, Place::File(binary.op_span.clone())).help(help))
}

/// The places in `expr` that ask whether something is absent, unless over a range of at least `enough`.
pub fn hasty_absences(expr: &Expr, enough: Duration) -> Vec<std::ops::Range<usize>> {
    let mut places: Vec<_> = expr.children().into_iter().flat_map(|child| hasty_absences(child, enough)).collect();
    if let Node::Call(call) = &expr.node
        && matches!(call.function.body, Body::Absent)
    {
        let range = call.arguments.first().and_then(|argument| match &argument.bare().node {
            Node::Selector(selector) => selector.range,
            Node::Subquery(subquery) => Some(subquery.range),
            _ => None,
        });
        places.extend((range.unwrap_or_default() < enough).then(|| call.name_span.clone()));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        kit::told(text, faults)
    }

    #[test]
    fn what_is_sound_passes() {
        for text in [
            "sum(topk(3, disk_ratio)) > 2",
            "memory_ratio > scalar(topk(1, disk_ratio))",
            "max(disk_ratio) > 0.9",
            "sum(free_bytes) / sum(free_bytes)",
            "sum(free_bytes / 1024)",
            "max(disk_ratio / free_bytes)",
            "memory_ratio > 0.9 unless on () ALERTS{alertname='X'}",
            "max({__name__=~'.*_ratio'}) > 0.9",
            "disk_ratio > 0.9 and on () {__name__=~'.*_ratio'} > 0.9",
            "label_replace({__name__=~'.*_ratio'}, 'metric', '$1', '__name__', '(.*)') > 0.9",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_breaks_in_use_is_told() {
        for (text, wanted) in [
            (
                "topk(3, disk_ratio) > 0.9",
                "warning: topk selects other series from one tick to the next: alerts would come and go [topk] \
                 compare all of them with a limit, or use max, min or quantile",
            ),
            (
                "rate({__name__=~'.*_total'}[5m]) > 5",
                "warning: an alert has no metric's name: two of these metrics that are bad at once, with the same labels, \
                 make the rule fail [{__name__=~'.*_total'}[5m]] \
                 keep the name as a label: label_replace(…, \"metric\", \"$1\", \"__name__\", \"(.*)\")",
            ),
            (
                "disk_ratio > 0.5 and bottomk(1, free_bytes)",
                "warning: bottomk selects other series from one tick to the next: alerts would come and go [bottomk] \
                 compare all of them with a limit, or use max, min or quantile",
            ),
            (
                "avg by (mount) ((disk_ratio / free_bytes))",
                "warning: avg(a / b) is not sum(a) / sum(b), and one 0 / 0 makes all of it NaN, which is beyond no limit [/] \
                 divide last: sum(…) / sum(…)",
            ),
        ] {
            assert_eq!(told(text), [wanted], "{text}");
        }
        for (text, at) in [
            ("count_over_time(ALERTS{alertname='X'}[5m]) > 0", "ALERTS{alertname='X'}[5m]"),
            ("ALERTS offset 5m", "ALERTS offset 5m"),
            ("max_over_time(sum(ALERTS)[5m:1m]) > 0", "ALERTS"),
        ] {
            let wanted = format!(
                "error: ALERTS is what fires now: it has no history here [{at}] \
                 ask for ALERTS without a range and an offset; `for` in the rule says how long it must last"
            );
            assert_eq!(told(text), [wanted], "{text}");
        }
    }

    #[test]
    fn absences_wait_by_for_or_by_their_range() {
        let places = |text: &str| {
            let expr = crate::rules::promql::parse(text).unwrap();
            hasty_absences(&expr, Duration::from_mins(2))
                .into_iter()
                .map(|span| text[span].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            places("absent(memory_ratio) or absent_over_time(memory_ratio[1m])"),
            ["absent", "absent_over_time"]
        );
        assert_eq!(places("absent_over_time(memory_ratio[2m]) or absent_over_time(memory_ratio[5m:])"), [""; 0]);
    }
}
