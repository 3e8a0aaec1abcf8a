//! How long a rule waits, against the ticks at which it is judged.

use std::time::Duration;

use toml::Spanned;

use super::fragile::hasty_absences;
use crate::model::fault::{Fault, Place};
use crate::rules::promql::ast::Expr;
use crate::rules::settings::Levels;
use crate::text::units;

/// The durations under `key` that are no multiple of the interval.
pub fn uneven(key: &str, levels: &Spanned<Levels<String>>, interval: Duration) -> Vec<Fault> {
    let one = |text: &str, span: std::ops::Range<usize>| {
        // what is no duration is a fault of its own
        let duration = units::parse_duration(text).ok()?;
        let ticks = duration.as_millis().div_ceil(interval.as_millis().max(1));
        let even = interval * u32::try_from(ticks).ok()?;
        let (even, interval) = (units::duration_literal(even), units::duration_literal(interval));
        let what = format!("`{key} = \"{text}\"` is no multiple of the interval: rules are judged every {interval}");
        let help = format!("write {even}, which is what it comes to");
        (even != units::duration_literal(duration)).then(|| Fault::warning(what, Place::File(span)).help(help))
    };
    match levels.get_ref() {
        Levels::One(text) => one(text, levels.span()).into_iter().collect(),
        Levels::Each(each) => each.iter().filter_map(|(_, text)| one(text.get_ref(), text.span())).collect(),
    }
}

/// The questions for what is absent, in a rule whose shortest wait is `shortest`: a single tick without a sample is no
/// absence yet.
pub fn hasty(expr: &Expr, shortest: Duration, interval: Duration) -> Vec<Fault> {
    let enough = interval * 2;
    if shortest >= enough {
        return Vec::new();
    }
    let fault = |span| {
        let what = "one tick without a sample is enough for this to fire";
        let help = format!("let it wait: for = \"{}\" or longer", units::duration_literal(enough));
        Fault::warning(what, Place::File(span)).help(help)
    };
    hasty_absences(expr, enough).into_iter().map(fault).collect()
}
