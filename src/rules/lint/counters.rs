//! Counters taken for values and values taken for counters. A counter only grows: held against a number it crosses it once
//! and stays there. And what goes up and down looks to `rate` as if it had been reset at every fall.

use super::catalogue::Catalogue;
use crate::model::fault::{Fault, Place};
use crate::rules::promql::ast::{Binary, Expr, Node, Selector};
use crate::rules::promql::check::Kind;
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::{Aggregation, Op, Set};

/// The counters of `expr`, written as `text`, that are compared with a number, and the functions that want the other kind.
pub fn faults(expr: &Expr, text: &str, catalogue: Catalogue<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    gather(expr, text, catalogue, &mut faults);
    faults
}

/// What is wrong with limits on the value of `expr`: it may be the running total of a counter.
pub fn of_limits(expr: &Expr, text: &str, catalogue: Catalogue<'_>) -> Option<Fault> {
    total(expr, catalogue).map(|counter| compared(counter, text))
}

fn gather(expr: &Expr, text: &str, catalogue: Catalogue<'_>, faults: &mut Vec<Fault>) {
    match &expr.node {
        Node::Binary(binary) if matches!(binary.op, Op::Compare(_)) => {
            faults.extend(value_side(binary).and_then(|value| of_limits(value, text, catalogue)));
        }
        Node::Call(call) => faults.extend(call.arguments.first().and_then(|argument| {
            let (selector, span) = ranged(argument)?;
            let name = selector.metric.as_deref()?;
            let place = Place::File(span);
            let function = call.function.name;
            let of_growth = matches!(function, "rate" | "increase" | "irate" | "resets");
            let of_change = matches!(function, "delta" | "idelta");
            // the one gauge that only falls when what it counts begins anew
            let is_restart = function == "resets" && name.ends_with("_uptime_seconds");
            if of_growth && catalogue.is_gauge(name) && !is_restart {
                let what = format!("{function} is for counters, and {name} goes up and down");
                Some(Fault::warning(what, place).help(instead(function)))
            } else if of_change && catalogue.is_counter(name) {
                let what = format!("{name} is a counter, and {function} takes a restart for a fall");
                Some(Fault::warning(what, place).help(instead(function)))
            } else {
                None
            }
        })),
        _ => {}
    }
    expr.children().into_iter().for_each(|child| gather(child, text, catalogue, faults));
}

/// The function that does the same for the other kind of metric.
const fn instead(function: &str) -> &'static str {
    match function.as_bytes() {
        b"rate" => "its change per second is deriv(…)",
        b"increase" => "its change is delta(…)",
        b"irate" => "its last change is idelta(…)",
        b"resets" => "how often it moved is changes(…)",
        b"delta" => "its growth is increase(…)",
        _ => "its last growth per second is irate(…)",
    }
}

/// The vector that is held against a number.
fn value_side(binary: &Binary) -> Option<&Expr> {
    match (binary.left.kind(), binary.right.kind()) {
        (Kind::Vector, Kind::Scalar) => Some(&binary.left),
        (Kind::Scalar, Kind::Vector) => Some(&binary.right),
        _ => None,
    }
}

/// The series of a range, also of the plainest subquery.
fn ranged(expr: &Expr) -> Option<(&Selector, std::ops::Range<usize>)> {
    match &expr.bare().node {
        Node::Selector(selector) => Some((selector, expr.bare().span.clone())),
        Node::Subquery(subquery) => ranged(&subquery.of),
        _ => None,
    }
}

/// The counter whose running total the value of `expr` is, if it is one.
fn total<'a>(expr: &'a Expr, catalogue: Catalogue<'_>) -> Option<&'a Expr> {
    match &expr.node {
        Node::Selector(selector) => selector.metric.as_deref().filter(|name| catalogue.is_counter(name)).map(|_| expr),
        Node::Paren(inner) | Node::Negate(inner) => total(inner, catalogue),
        Node::Subquery(subquery) => total(&subquery.of, catalogue),
        Node::Aggregate(aggregate) => match aggregate.op {
            Aggregation::Count
            | Aggregation::CountValues
            | Aggregation::Group
            | Aggregation::Stddev
            | Aggregation::Stdvar => None,
            _ => total(&aggregate.of, catalogue),
        },
        Node::Call(call) => {
            let keeps =
                matches!(call.function.body, Body::Pick(_) | Body::Sort { .. } | Body::LabelReplace | Body::LabelJoin)
                    || matches!(call.function.name, "avg_over_time" | "min_over_time" | "max_over_time");
            let rounds = matches!(call.function.body, Body::Each(_) | Body::EachWith(_));
            call.arguments.first().filter(|_| keeps || rounds).and_then(|argument| total(argument, catalogue))
        }
        // what two of them have to do with each other is not a total any more
        Node::Binary(binary) => match binary.op {
            Op::Set(Set::And | Set::Unless) => total(&binary.left, catalogue),
            Op::Set(Set::Or) => total(&binary.left, catalogue).or_else(|| total(&binary.right, catalogue)),
            Op::Compare(_) if binary.bool => None,
            Op::Compare(_) | Op::Math(_) => value_side(binary).and_then(|value| total(value, catalogue)),
        },
        Node::Number(_) | Node::Text(_) => None,
    }
}

fn compared(counter: &Expr, text: &str) -> Fault {
    let written = text.get(counter.span.clone()).unwrap_or_default();
    let what = "a counter only grows: beyond a limit once, it stays there until it is reset";
    let help = match &counter.node {
        Node::Selector(Selector { range: Some(_), .. }) => format!("compare how much it grew: increase({written})"),
        _ => format!("compare how much it grew: increase({written}[1h])"),
    };
    Fault::warning(what, Place::File(counter.span.clone())).help(help)
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        kit::told(text, |expr| faults(expr, text, kit::CATALOGUE))
    }

    #[test]
    fn growth_and_comparisons_of_totals_pass() {
        for text in [
            "increase(jobs_total[1h]) > 10",
            "rate(sum(jobs_total)[1h:]) > 10",
            "jobs_total - jobs_total offset 1h > 10",
            "jobs_total{outcome='failed'} / ignoring (outcome) jobs_total{outcome='done'} > 0.1",
            "jobs_total > jobs_total offset 5m",
            "count(jobs_total) > 3",
            "changes(jobs_total[1h]) > 0",
            "resets(service_uptime_seconds[1h]) > 0",
            "delta(free_bytes[1h]) < 0",
            "irate(from_a_program[5m]) > 1",
            "free_bytes < 5",
            "timestamp(jobs_total) < 5",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn totals_held_against_a_number_are_warned_of() {
        for (text, counter, help) in [
            ("jobs_total > 10", "jobs_total", "increase(jobs_total[1h])"),
            ("10 < jobs_total{queue='a'}", "jobs_total{queue='a'}", "increase(jobs_total{queue='a'}[1h])"),
            ("sum by (queue) (jobs_total) * 2 > 10", "jobs_total", "increase(jobs_total[1h])"),
            ("max_over_time(jobs_total[1h]) > 10", "jobs_total[1h]", "increase(jobs_total[1h])"),
            ("(jobs_total > bool 5) == 1", "jobs_total", "increase(jobs_total[1h])"),
            ("from_a_program_total != 0", "from_a_program_total", "increase(from_a_program_total[1h])"),
            ("memory_ratio > 0.5 and on () (ceil(jobs_total) > 1)", "jobs_total", "increase(jobs_total[1h])"),
        ] {
            let wanted = format!(
                "warning: a counter only grows: beyond a limit once, it stays there until it is reset [{counter}] \
                 compare how much it grew: {help}"
            );
            assert_eq!(told(text), [wanted], "{text}");
        }
    }

    #[test]
    fn functions_of_the_other_kind_are_warned_of() {
        for (text, wanted) in [
            (
                "rate(free_bytes[5m])",
                "warning: rate is for counters, and free_bytes goes up and down [free_bytes[5m]] its change per second is deriv(…)",
            ),
            (
                "increase(memory_ratio[5m:1m])",
                "warning: increase is for counters, and memory_ratio goes up and down [memory_ratio] its change is delta(…)",
            ),
            (
                "delta(jobs_total[5m])",
                "warning: jobs_total is a counter, and delta takes a restart for a fall [jobs_total[5m]] its growth is increase(…)",
            ),
        ] {
            assert_eq!(told(text), [wanted], "{text}");
        }
    }
}
