//! Comparisons that never or always hold, known from the bounds of what is compared: a rule on one never fires, or never
//! stops. The one place that decides it, for conditions in an expression and for the limits of a rule.

use super::bounds::{self, Bounds, HTTP_STATUS};
use super::catalogue::Catalogue;
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::rules::promql::ast::{Binary, Expr, Node};
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::{Aggregation, Compare, Op, Set};
use crate::rules::rule::filters;
use crate::text::units;

/// What is known of a comparison before any sample is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds for no value.
    Never,
    /// It holds for every value.
    Always,
    /// It depends on the value.
    Depends,
}

/// Whether `left compare right` can hold.
pub fn outcome(compare: Compare, left: Bounds, right: Bounds) -> Outcome {
    let (never, always) = match compare {
        Compare::Above => (left.high <= right.low, left.low > right.high),
        Compare::AtLeast => (left.high < right.low, left.low >= right.high),
        Compare::Below => (left.low >= right.high, left.high < right.low),
        Compare::AtMost => (left.low > right.high, left.high <= right.low),
        Compare::Equal => (is_apart(left, right), is_same(left, right)),
        Compare::Unequal => (is_same(left, right), is_apart(left, right)),
    };
    match (never, always) {
        (true, _) => Outcome::Never,
        (_, true) => Outcome::Always,
        _ => Outcome::Depends,
    }
}

fn is_apart(left: Bounds, right: Bounds) -> bool {
    left.high < right.low || left.low > right.high
}

/// Both are the same single value.
fn is_same(left: Bounds, right: Bounds) -> bool {
    left == right && left.low >= left.high
}

/// What a comparison decides in its expression.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Whether there is a result at all.
    Whole,
    /// The same together with others.
    Part,
    /// Something else: one way of several, or an exception.
    Aside,
}

/// The comparisons in `expr` that can never hold, and, where it decides `alone` whether the rule fires, those that always
/// do.
pub fn faults(expr: &Expr, alone: bool, catalogue: Catalogue<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    gather(expr, if alone { Role::Whole } else { Role::Part }, catalogue, &mut faults);
    faults
}

fn gather(expr: &Expr, role: Role, catalogue: Catalogue<'_>, faults: &mut Vec<Fault>) {
    match &expr.node {
        Node::Binary(binary) => {
            if let Op::Compare(compare) = binary.op {
                faults.extend(of_comparison(compare, binary, role, catalogue));
            }
            let (left, right) = roles(binary, role);
            gather(&binary.left, left, catalogue, faults);
            gather(&binary.right, right, catalogue, faults);
        }
        Node::Call(call) if matches!(call.function.body, Body::Absent | Body::Scalar) => {
            call.arguments.iter().for_each(|argument| gather(argument, Role::Aside, catalogue, faults));
        }
        _ => expr.children().into_iter().for_each(|child| gather(child, role, catalogue, faults)),
    }
}

/// What the operands of `binary` decide.
fn roles(binary: &Binary, role: Role) -> (Role, Role) {
    let part = if role == Role::Whole { Role::Part } else { role };
    match binary.op {
        _ if binary.bool => (Role::Aside, Role::Aside),
        Op::Set(Set::Or) => (Role::Aside, Role::Aside),
        Op::Set(Set::Unless) => (part, Role::Aside),
        // of a comparison: another one of what has passed the first
        Op::Set(Set::And) | Op::Compare(_) => (part, part),
        Op::Math(_) => (role, role),
    }
}

fn of_comparison(compare: Compare, binary: &Binary, role: Role, catalogue: Catalogue<'_>) -> Option<Fault> {
    let (left, right) = (bounds::of(&binary.left, catalogue), bounds::of(&binary.right, catalogue));
    let place = Place::File(binary.op_span.start..binary.right.span.end);
    match outcome(compare, left, right) {
        Outcome::Never => {
            let what = format!("this can never hold: {}", sides(binary, left, right));
            let fault = if role == Role::Aside { Fault::warning(what, place) } else { Fault::error(what, place) };
            Some(fault.help(way_out(compare, binary, catalogue)))
        }
        // what passed a filter is there because of it: then the comparison only says that it is there
        Outcome::Always if role == Role::Whole && !filters(&binary.left) && !filters(&binary.right) => {
            let what = format!("this always holds: {}", sides(binary, left, right));
            Some(Fault::warning(what, place).help("the rule fires as long as there is any value; is the limit right?"))
        }
        Outcome::Always | Outcome::Depends => None,
    }
}

/// Between what the two sides lie; a number that is written there needs no word.
fn sides(binary: &Binary, left: Bounds, right: Bounds) -> String {
    let is_number = |expr: &Expr| matches!(expr.bare().node, Node::Number(_));
    match (is_number(&binary.left), is_number(&binary.right)) {
        (_, true) => format!("the left side is {}", described(left)),
        (true, _) => format!("the right side is {}", described(right)),
        _ => format!("the left side is {}, the right side is {}", described(left), described(right)),
    }
}

/// `between 0 and 1`, `never below 0`, `always 1`.
pub fn described(Bounds { low, high }: Bounds) -> String {
    let number = units::number;
    match (low.is_finite(), high.is_finite()) {
        (true, true) if low >= high => format!("always {}", number(low)),
        (true, true) => format!("between {} and {}", number(low), number(high)),
        (true, false) => format!("never below {}", number(low)),
        (false, true) => format!("never above {}", number(high)),
        (false, false) => "any number".to_owned(),
    }
}

fn way_out(compare: Compare, binary: &Binary, catalogue: Catalogue<'_>) -> String {
    let (value, limit) = match (&binary.left.bare().node, &binary.right.bare().node) {
        (Node::Number(limit), _) => (&binary.right, Some(*limit)),
        (_, Node::Number(limit)) => (&binary.left, Some(*limit)),
        _ => (&binary.left, None),
    };
    let unit = catalogue.unit(value);
    match (&value.bare().node, limit) {
        (Node::Aggregate(aggregate), _) if aggregate.op == Aggregation::Count => {
            "a count of nothing is no result rather than 0: write absent(…)".to_owned()
        }
        (_, Some(limit)) if is_like_percent(unit, limit) => {
            format!("is this a percentage? {} % of a ratio is {}", units::number(limit), units::number(limit / 100.0))
        }
        (Node::Selector(selector), _) if selector.metric.as_deref() == Some(HTTP_STATUS) => {
            "without an answer there is no status: ask for probe_success == 0".to_owned()
        }
        _ if unit == Some(Unit::Bool) => "it is 1 for yes and 0 for no".to_owned(),
        _ if compare == Compare::Unequal => "compare with another value".to_owned(),
        _ => "choose a limit that can be reached".to_owned(),
    }
}

/// Whether a limit of a ratio was probably meant in percent.
pub fn is_like_percent(unit: Option<Unit>, limit: f64) -> bool {
    unit == Some(Unit::Ratio) && limit.abs() > 2.0
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        kit::told(text, |expr| faults(expr, true, kit::CATALOGUE))
    }

    #[test]
    fn comparisons_that_depend_on_the_value_pass() {
        for text in [
            "memory_ratio > 0.85",
            "memory_ratio >= 1",
            "memory_ratio == 0",
            "1 - memory_ratio < 0.1",
            "memory_ratio * 100 > 85",
            "100 * (1 - free_bytes / 5e9) > 90",
            "free_bytes / 1024 ^ 3 < 5",
            "sum(memory_ratio) > 5",
            "reserves_ratio < 1",
            "reserves_ratio > 85",
            "probe_value < 0",
            "probe_success == 0",
            "sum(probe_success) < 2",
            "count(probe_success == 0) > 0",
            "count(probe_success) > 1",
            "absent(memory_ratio) == 1",
            "from_a_program > 1e9",
            "predict_linear(free_bytes[6h], 3600) < 0",
            "deriv(free_bytes[1h]) < 0",
            "time() - free_bytes < 0",
            "increase(jobs_total[5m]) / increase(jobs_total[5m]) > 5",
            "memory_ratio > cpu_usage_ratio",
            "memory_ratio != memory_ratio",
            "disk_ratio and free_bytes >= 0",
            "disk_ratio > 0.5 unless on () (free_bytes >= 0)",
            "disk_ratio > 0.5 > 0.1",
            "abs(probe_value) > 5",
            "clamp_min(probe_value, 3) > 4",
            "quantile(0.9, probe_duration_seconds) > 5",
            "hour() > 22",
            "memory_ratio == NaN",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    /// What never holds, and what is said of it.
    const NEVER: &[(&str, &str)] = &[
        (
            "memory_ratio > 85",
            "error: this can never hold: the left side is between 0 and 1 [> 85] is this a percentage? 85 % of a ratio is 0.85",
        ),
        (
            "memory_ratio > 1",
            "error: this can never hold: the left side is between 0 and 1 [> 1] choose a limit that can be reached",
        ),
        (
            "90 < avg_over_time(memory_ratio[5m])",
            "error: this can never hold: the right side is between 0 and 1 [< avg_over_time(memory_ratio[5m])] \
             is this a percentage? 90 % of a ratio is 0.9",
        ),
        (
            "probe_success == 2",
            "error: this can never hold: the left side is between 0 and 1 [== 2] it is 1 for yes and 0 for no",
        ),
        (
            "free_bytes < 0",
            "error: this can never hold: the left side is never below 0 [< 0] choose a limit that can be reached",
        ),
        (
            "probe_http_status_code == 0",
            "error: this can never hold: the left side is between 100 and 999 [== 0] \
             without an answer there is no status: ask for probe_success == 0",
        ),
        (
            "count(probe_success == 1) == 0",
            "error: this can never hold: the left side is never below 1 [== 0] \
             a count of nothing is no result rather than 0: write absent(…)",
        ),
        (
            "rate(jobs_total[5m]) < 0",
            "error: this can never hold: the left side is never below 0 [< 0] choose a limit that can be reached",
        ),
        (
            "100 - memory_ratio * 100 < 0",
            "error: this can never hold: the left side is between 0 and 100 [< 0] choose a limit that can be reached",
        ),
        (
            "hour() > 24 and memory_ratio > 0.5",
            "error: this can never hold: the left side is between 0 and 23 [> 24] choose a limit that can be reached",
        ),
        (
            "memory_ratio - 1 > free_bytes",
            "error: this can never hold: the left side is between -1 and 0, the right side is never below 0 \
             [> free_bytes] choose a limit that can be reached",
        ),
        (
            "absent(memory_ratio) != 1",
            "error: this can never hold: the left side is always 1 [!= 1] compare with another value",
        ),
        (
            "clamp(probe_value, 2, 5) > 7",
            "error: this can never hold: the left side is between 2 and 5 [> 7] choose a limit that can be reached",
        ),
        (
            "(memory_ratio > 0.9) < 0.5",
            "error: this can never hold: the left side is between 0.9 and 1 [< 0.5] choose a limit that can be reached",
        ),
        (
            "memory_ratio > 0.9 or memory_ratio < 0",
            "warning: this can never hold: the left side is between 0 and 1 [< 0] choose a limit that can be reached",
        ),
    ];

    #[test]
    fn what_never_holds_is_an_error() {
        for (text, wanted) in NEVER {
            assert_eq!(told(text), [*wanted], "{text}");
        }
    }

    #[test]
    fn what_always_holds_is_warned_of() {
        for (text, wanted) in [
            ("memory_ratio >= 0", "warning: this always holds: the left side is between 0 and 1 [>= 0]"),
            ("free_bytes > -1", "warning: this always holds: the left side is never below 0 [> -1]"),
            ("probe_success != 2", "warning: this always holds: the left side is between 0 and 1 [!= 2]"),
            ("vector(1) == 1", "warning: this always holds: the left side is always 1 [== 1]"),
            ("abs(probe_value) >= 0", "warning: this always holds: the left side is never below 0 [>= 0]"),
        ] {
            let help = "the rule fires as long as there is any value; is the limit right?";
            assert_eq!(told(text), [format!("{wanted} {help}")], "{text}");
        }
    }

    #[test]
    fn what_always_holds_is_no_fault_where_more_decides() {
        assert_eq!(kit::told("memory_ratio >= 0", |expr| faults(expr, false, kit::CATALOGUE)), [""; 0]);
    }

    #[test]
    fn bounds_are_never_too_narrow() {
        for (text, low, high) in [
            ("memory_ratio * -2", -2.0, 0.0),
            ("-memory_ratio", -1.0, 0.0),
            ("memory_ratio / 0.5", 0.0, 2.0),
            ("1 / memory_ratio", 0.0, f64::INFINITY),
            ("1 / (1 + memory_ratio)", 0.5, 1.0),
            ("free_bytes * memory_ratio", 0.0, f64::INFINITY),
            ("free_bytes - free_bytes", f64::NEG_INFINITY, f64::INFINITY),
            ("(memory_ratio - 1) ^ 2", f64::NEG_INFINITY, f64::INFINITY),
            ("memory_ratio ^ 2", 0.0, f64::INFINITY),
            ("(memory_ratio - 0.5) % 2", -0.5, 0.5),
            ("memory_ratio atan2 1", f64::NEG_INFINITY, f64::INFINITY),
            ("sum(memory_ratio - 2)", f64::NEG_INFINITY, -1.0),
            ("abs(memory_ratio - 0.75)", 0.0, 0.75),
            ("quantile(1.5, memory_ratio)", f64::NEG_INFINITY, f64::INFINITY),
            ("memory_ratio or free_bytes", 0.0, f64::INFINITY),
            ("ceil(memory_ratio * 1.5)", 0.0, 2.0),
            ("round(memory_ratio)", 0.0, 1.0),
            ("sgn(memory_ratio)", 0.0, 1.0),
            ("memory_ratio > bool 0.5", 0.0, 1.0),
            ("0.5 < memory_ratio", 0.5, 1.0),
            ("Inf - Inf", f64::NEG_INFINITY, f64::INFINITY),
        ] {
            let expr = crate::rules::promql::parse(text).unwrap();
            assert_eq!(bounds::of(&expr, kit::CATALOGUE), Bounds { low, high }, "{text}");
        }
    }
}
