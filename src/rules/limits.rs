//! `above`, `below`, `clear` and `for`, from what is written to what is compared.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::ladder::{Ladder, Rung, Worse};
use super::settings::{Levels, Quantity};
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::model::severity::{BySeverity, Severity};
use crate::text::check::Check;
use crate::text::units;

/// A limit of one severity.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Whose limit it is.
    pub severity: Severity,
    /// The number that is compared.
    pub value: f64,
    /// The unit it was written in; `None` for a plain number.
    pub unit: Option<Unit>,
    /// Where it stands.
    pub span: Range<usize>,
}

/// What is written under `above`, `below` or `clear`. A single value belongs to `lone`, the only severity there is.
pub fn read(
    levels: &Spanned<Levels<Quantity>>,
    lone: Option<Severity>,
    key: &str,
    check: &mut Check<'_>,
) -> Vec<Limit> {
    match levels.get_ref() {
        Levels::One(value) => {
            let Some(severity) = lone else {
                check.fault(lone_value(key, value, levels.span()));
                return Vec::new();
            };
            limit(severity, value, levels.span(), check).into_iter().collect()
        }
        Levels::Each(levels) => {
            let each =
                levels.iter().filter_map(|(severity, value)| limit(*severity, value.get_ref(), value.span(), check));
            each.collect()
        }
    }
}

/// A single value where it is not clear whose it is.
fn lone_value(key: &str, value: &Quantity, span: Range<usize>) -> Fault {
    let shown = match value {
        Quantity::Number(value) => value.to_string(),
        Quantity::Text(text) => format!("\"{text}\""),
    };
    let fault = Fault::error(format!("`{key}` does not say for which severity"), Place::File(span));
    if key == "clear" {
        return fault.help(format!("name it for each: clear = {{ HIGH = {shown} }}"));
    }
    fault.help(format!("write {key} = {{ HIGH = {shown} }}, or add severity = \"HIGH\""))
}

fn limit(severity: Severity, value: &Quantity, span: Range<usize>, check: &mut Check<'_>) -> Option<Limit> {
    let read = match value {
        Quantity::Number(value) if value.is_finite() => Ok((*value, None)),
        Quantity::Number(_) => Err("a limit is a finite number".to_owned()),
        Quantity::Text(text) => units::parse_quantity(text),
    };
    match read {
        Ok((value, unit)) => Some(Limit { severity, value, unit, span }),
        Err(what) => {
            check.fault(Fault::error(what, Place::File(span)));
            None
        }
    }
}

/// The ladder of `limits`. `clear_is_own` is false for a `clear` inherited from a shipped rule, of which only what fits is kept.
pub fn ladder(worse: Worse, limits: &[Limit], clear: &[Limit], clear_is_own: bool, check: &mut Check<'_>) -> Ladder {
    let mut ladder = Ladder { worse, rungs: BySeverity::default() };
    for limit in limits {
        ladder.rungs[limit.severity] = Some(Rung { limit: limit.value, clear: None });
    }
    out_of_order(worse, limits, check);
    for clear in clear {
        let fault = match &mut ladder.rungs[clear.severity] {
            None => Fault::error(format!("{} has no limit to clear", clear.severity), Place::File(clear.span.clone()))
                .help("remove it, or give the severity a limit"),
            Some(rung) if worse.is_beyond(clear.value, rung.limit) => wrong_side(worse, clear, rung.limit),
            Some(rung) => {
                rung.clear = Some(clear.value);
                continue;
            }
        };
        if clear_is_own {
            check.fault(fault);
        }
    }
    ladder
}

fn wrong_side(worse: Worse, clear: &Limit, limit: f64) -> Fault {
    let (side, other) = match worse {
        Worse::Higher => ("above", "below"),
        Worse::Lower => ("below", "above"),
    };
    let shown = |value: f64| units::value(value, clear.unit.unwrap_or(Unit::Count));
    Fault::error(
        format!("{} clears at {}, which is {side} its limit of {}", clear.severity, shown(clear.value), shown(limit)),
        Place::File(clear.span.clone()),
    )
    .help(format!("`clear` stands {other} the limit: the alert holds until the value is back there"))
}

/// A higher severity must not have the milder limit.
fn out_of_order(worse: Worse, limits: &[Limit], check: &mut Check<'_>) {
    for higher in limits {
        let milder =
            limits.iter().find(|lower| lower.severity < higher.severity && worse.is_beyond(lower.value, higher.value));
        if let Some(lower) = milder {
            let what = format!("{} has a milder limit than {}", higher.severity, lower.severity);
            let help = "swap them: the higher severity has the limit that is reached later";
            check.fault(Fault::error(what, Place::File(higher.span.clone())).help(help));
        }
    }
}

/// The durations by severity under `key`, `for` or `keep_firing_for`. `is_own` is false for those inherited from a shipped
/// rule.
pub fn durations(
    key: &str,
    levels: Option<&Spanned<Levels<String>>>,
    has: BySeverity<bool>,
    is_own: bool,
    check: &mut Check<'_>,
) -> BySeverity<Duration> {
    let mut durations = BySeverity::default();
    let Some(levels) = levels else { return durations };
    match levels.get_ref() {
        Levels::One(text) => {
            let one =
                check.duration(Some(&Spanned::new(levels.span(), text.clone())), Duration::ZERO).unwrap_or_default();
            durations = BySeverity::from_fn(|_| one);
        }
        Levels::Each(each) => {
            for (severity, text) in each {
                durations[*severity] = check.duration(Some(text), Duration::ZERO).unwrap_or_default();
                if is_own && !has[*severity] {
                    let what = format!("the rule has no limit or condition of severity {severity}");
                    check.fault(
                        Fault::error(what, Place::File(text.span()))
                            .help(format!("remove it from `{key}`, or add its limit")),
                    );
                }
            }
        }
    }
    durations
}

/// Reads `worse_by`, in the unit of the value; 0 means that anything worse counts.
pub fn worse_by(value: Option<&Spanned<Quantity>>, check: &mut Check<'_>) -> Option<f64> {
    let value = value?;
    let read = limit(Severity::Low, value.get_ref(), value.span(), check)?.value;
    if read >= 0.0 {
        return Some(read);
    }
    let fault = Fault::error("`worse_by` is how much worse, so it is not below 0", Place::File(value.span()));
    check.fault(fault.help("write it in the value's unit, as in worse_by = \"5%\""));
    None
}
