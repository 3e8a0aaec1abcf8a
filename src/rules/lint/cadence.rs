//! Ranges against the distance between samples: a range that is too short makes its function silent, now and then or for
//! ever, without a word.

use std::ops::Range;
use std::time::Duration;

use super::catalogue::{Cadence, Catalogue};
use crate::model::fault::{Fault, Place, Weight};
use crate::model::time::millis_of;
use crate::rules::promql::ast::{Call, Expr, Node, Selector, Subquery};
use crate::rules::promql::{MAX_ALL_STEPS, MAX_STEPS};
use crate::text::units;

/// Functions that have no result of a single sample, and those whose result of one is always 0.
const NEEDS_TWO: [&str; 9] =
    ["rate", "increase", "delta", "irate", "idelta", "deriv", "predict_linear", "changes", "resets"];

/// How often Prometheus evaluates a subquery that does not say it; here as well, whatever the interval.
const DEFAULT_STEP: Duration = Duration::from_mins(1);

/// The ranges in `expr` that are too short for how often their series are measured.
pub fn faults(expr: &Expr, catalogue: Catalogue<'_>, interval: Duration) -> Vec<Fault> {
    let mut faults = Vec::new();
    gather(expr, None, catalogue, interval, &mut faults);
    count_steps(expr, &mut faults);
    faults
}

/// How often parts of `expr` are evaluated for its subqueries, counted as the evaluator does; those that it will not
/// evaluate are faults.
fn count_steps(expr: &Expr, faults: &mut Vec<Fault>) -> i64 {
    let inner = expr.children().into_iter().map(|child| count_steps(child, faults)).fold(0, i64::saturating_add);
    let Node::Subquery(subquery) = &expr.node else { return inner };
    let step = millis_of(subquery.step.unwrap_or(DEFAULT_STEP)).max(1);
    let own = millis_of(subquery.range) / step;
    let all = own.saturating_mul(inner.saturating_add(1));
    let limits =
        [("this subquery has", own, MAX_STEPS), ("with those inside it, this subquery has", all, MAX_ALL_STEPS)];
    let Some((what, steps, most)) = limits.into_iter().find(|(_, steps, most)| steps > most) else { return all };
    let fault =
        Fault::error(format!("{what} {steps} steps, and at most {most} are evaluated"), Place::File(expr.span.clone()));
    faults.push(fault.help("take longer steps or a shorter range"));
    // said once: what is round it is not at fault
    0
}

/// `user` is the function of which `expr` is an argument.
fn gather(expr: &Expr, user: Option<&Call>, catalogue: Catalogue<'_>, interval: Duration, faults: &mut Vec<Fault>) {
    let name = user.map_or("", |call| call.function.name);
    let user = NEEDS_TWO.contains(&name).then_some(name);
    match &expr.node {
        Node::Selector(Selector { range: Some(range), .. }) => {
            faults.extend(of_selector(expr, *range, user, catalogue, interval));
        }
        Node::Subquery(subquery) => faults.extend(of_subquery(subquery, &expr.span, user)),
        _ => {}
    }
    let inner = match &expr.node {
        Node::Call(call) => Some(call),
        _ => None,
    };
    expr.children().into_iter().for_each(|child| gather(child, inner, catalogue, interval, faults));
}

fn of_selector(
    expr: &Expr,
    range: Duration,
    user: Option<&str>,
    catalogue: Catalogue<'_>,
    interval: Duration,
) -> Option<Fault> {
    let Node::Selector(selector) = &expr.node else { return None };
    let sources: Vec<&Cadence> = catalogue.sources_of(selector).collect();
    let fastest = sources.iter().map(|source| source.every).min().unwrap_or(interval);
    let slowest = sources.iter().copied().max_by_key(|source| source.every);
    let Found { weight, what, every } = match (found(range, fastest, user), slowest) {
        (Some(found), _) if found.weight == Weight::Error => found,
        // the same range is long enough for some of the series and too short for others
        (_, Some(slow)) if slow.every > fastest => {
            let found = found(range, slow.every, user)?;
            Found { weight: Weight::Warning, what: format!("for {}: {}", slow.name, found.what), ..found }
        }
        (found, _) => found?,
    };
    let fault = Fault { weight, ..Fault::warning(what, Place::File(expr.span.clone())) };
    Some(fault.help(format!(
        "a sample is taken every {}: write [{}] or more",
        units::duration_literal(every),
        units::duration_literal(every * 4)
    )))
}

/// What is wrong with a range.
struct Found {
    weight: Weight,
    what: String,
    every: Duration,
}

/// What is wrong with a range over series that are measured `every` so often. Samples carry their tick and a range ends
/// at one, its left edge not included, so that a range of n intervals holds n samples when none is missed.
fn found(range: Duration, every: Duration, user: Option<&str>) -> Option<Found> {
    let (weight, what) = match user {
        Some(name) if range <= every => {
            (Weight::Error, format!("{name} needs two samples, and this range never holds more than one"))
        }
        Some(name) if range < every * 2 => {
            (Weight::Error, format!("{name} needs two samples, and this range often holds only one"))
        }
        Some(name) if range < every * 4 => {
            (Weight::Warning, format!("{name} needs two samples: one or two that are missed make it blind"))
        }
        None if range < every => (Weight::Error, "this range is shorter than the time between two samples".to_owned()),
        Some(_) | None => return None,
    };
    Some(Found { weight, what, every })
}

/// A subquery has as many values as steps fit into its range.
fn of_subquery(subquery: &Subquery, span: &Range<usize>, user: Option<&str>) -> Option<Fault> {
    let step = subquery.step.unwrap_or(DEFAULT_STEP);
    let least = if user.is_some() { step * 2 } else { step };
    if subquery.range >= least {
        return None;
    }
    let what = match user {
        Some(name) if subquery.range <= step => {
            format!("{name} needs two values, and this subquery never has more than one")
        }
        Some(name) => format!("{name} needs two values, and this subquery often has only one"),
        None => "this subquery is shorter than its step".to_owned(),
    };
    let range = units::duration_literal(subquery.range);
    let step = units::duration_literal(step);
    let help = format!("it has a value every {step}: write a longer range, or a shorter step: [{range}:…]");
    Some(Fault::error(what, Place::File(span.clone())).help(help))
}

#[cfg(test)]
mod tests {
    use super::super::kit;
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let sources = kit::sources();
        let catalogue = Catalogue { sources: &sources, ..kit::CATALOGUE };
        kit::told(text, |expr| faults(expr, catalogue, Duration::from_mins(1)))
    }

    #[test]
    fn ranges_that_hold_enough_pass() {
        for text in [
            "rate(jobs_total[4m])",
            "avg_over_time(memory_ratio[1m])",
            "quantile_over_time(0.95, probe_duration_seconds{probe='web'}[1m])",
            "changes(probe_success{probe='web'}[4m])",
            "changes(probe_success{probe=~'sl.*'}[40m])",
            "rate(from_a_program_total[4m])",
            "max_over_time(memory_ratio[1h:5m])",
            "deriv(memory_ratio[5m:])",
            "delta(reserves_ratio[4m])",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }

    /// Ranges that hold too little, and what is said of them.
    const SHORT: &[(&str, &str)] = &[
        (
            "rate(jobs_total[1m])",
            "error: rate needs two samples, and this range never holds more than one [jobs_total[1m]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "sum(increase(jobs_total{queue='a'}[90s] offset 1h)) > 1",
            "error: increase needs two samples, and this range often holds only one \
             [jobs_total{queue='a'}[90s] offset 1h] a sample is taken every 1m: write [4m] or more",
        ),
        (
            "rate(jobs_total[3m])",
            "warning: rate needs two samples: one or two that are missed make it blind [jobs_total[3m]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "avg_over_time(memory_ratio[30s])",
            "error: this range is shorter than the time between two samples [memory_ratio[30s]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "rate(from_a_program_total[1m])",
            "error: rate needs two samples, and this range never holds more than one [from_a_program_total[1m]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "avg_over_time(probe_value{probe='slow'}[5m])",
            "error: this range is shorter than the time between two samples [probe_value{probe='slow'}[5m]] \
             a sample is taken every 10m: write [40m] or more",
        ),
        (
            "avg_over_time(probe_value[5m])",
            "warning: for probe/slow: this range is shorter than the time between two samples [probe_value[5m]] \
             a sample is taken every 10m: write [40m] or more",
        ),
        (
            "changes(probe_success[15m])",
            "warning: for probe/slow: changes needs two samples, and this range often holds only one \
             [probe_success[15m]] a sample is taken every 10m: write [40m] or more",
        ),
        (
            "max_over_time(rate(jobs_total[1m])[1h:])",
            "error: rate needs two samples, and this range never holds more than one [jobs_total[1m]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "deriv(memory_ratio[1m:])",
            "error: deriv needs two values, and this subquery never has more than one [memory_ratio[1m:]] \
             it has a value every 1m: write a longer range, or a shorter step: [1m:…]",
        ),
        (
            "deriv(memory_ratio[9m:5m])",
            "error: deriv needs two values, and this subquery often has only one [memory_ratio[9m:5m]] \
             it has a value every 5m: write a longer range, or a shorter step: [9m:…]",
        ),
        (
            "max_over_time(memory_ratio[30s:])",
            "error: this subquery is shorter than its step [memory_ratio[30s:]] \
             it has a value every 1m: write a longer range, or a shorter step: [30s:…]",
        ),
    ];

    #[test]
    fn subqueries_that_are_not_evaluated_are_told() {
        let help = "take longer steps or a shorter range";
        for (text, wanted) in [
            (
                "max_over_time(memory_ratio[1d:5s])",
                "error: this subquery has 17280 steps, and at most 11000 are evaluated [memory_ratio[1d:5s]]",
            ),
            (
                "max_over_time(max_over_time(memory_ratio[1h:10s])[2d:1h] offset 1d) + max_over_time(max_over_time(memory_ratio[10h:10s])[1d:1h])",
                "",
            ),
            (
                "max_over_time(max_over_time(memory_ratio[10h:10s])[30h:1h])",
                "error: with those inside it, this subquery has 108030 steps, and at most 100000 are evaluated \
                 [max_over_time(memory_ratio[10h:10s])[30h:1h]]",
            ),
        ] {
            let wanted: Vec<String> = if wanted.is_empty() { Vec::new() } else { vec![format!("{wanted} {help}")] };
            assert_eq!(told(text), wanted, "{text}");
        }
    }

    #[test]
    fn ranges_that_hold_too_little_are_told() {
        for (text, wanted) in SHORT {
            assert_eq!(told(text), [*wanted], "{text}");
        }
    }
}
