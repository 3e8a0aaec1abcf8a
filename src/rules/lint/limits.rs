//! Limits against what the value can be: never reached, always passed, never left, or in another unit.

use super::bounds::Bounds;
use super::reach::{Outcome, described, is_like_percent, outcome};
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::rules::ladder::Worse;
use crate::rules::limits::Limit;
use crate::rules::promql::ops::Compare;

/// What is known of the value that limits are held against.
#[derive(Clone, Copy)]
pub struct Judged {
    /// Between what it lies.
    pub bounds: Bounds,
    /// Its unit, where that is known.
    pub unit: Option<Unit>,
    /// Which way is bad.
    pub worse: Worse,
    /// Nothing but the limits decides whether the rule fires.
    pub alone: bool,
}

impl Judged {
    /// What is wrong with `limits`.
    pub fn faults(self, limits: &[Limit]) -> Vec<Fault> {
        limits.iter().filter_map(|limit| self.of_limit(limit).or_else(|| self.of_unit(limit))).collect()
    }

    fn of_limit(self, limit: &Limit) -> Option<Fault> {
        let (compare, other) = match self.worse {
            Worse::Higher => (Compare::Above, "below"),
            Worse::Lower => (Compare::Below, "above"),
        };
        let place = Place::File(limit.span.clone());
        match outcome(compare, self.bounds, Bounds::exactly(limit.value)) {
            Outcome::Never => {
                let what = format!("{} can never fire: the value is {}", limit.severity, described(self.bounds));
                Some(Fault::error(what, place).help(self.way_out(limit)))
            }
            Outcome::Always if self.alone => {
                let what = format!("{} always fires: the value is {}", limit.severity, described(self.bounds));
                Some(Fault::warning(what, place).help(format!("choose a limit within that, or is it meant `{other}`?")))
            }
            Outcome::Always | Outcome::Depends => None,
        }
    }

    /// What is wrong with what is written under `clear`: the alert goes on until the value is back there.
    pub fn of_clear(self, clear: &[Limit]) -> Vec<Fault> {
        let stays = match self.worse {
            Worse::Higher => Compare::Above,
            Worse::Lower => Compare::Below,
        };
        let is_endless = |limit: &&Limit| outcome(stays, self.bounds, Bounds::exactly(limit.value)) == Outcome::Always;
        let fault = |limit: &Limit| {
            let what = format!("{} never ends: the value is {}", limit.severity, described(self.bounds));
            Fault::warning(what, Place::File(limit.span.clone())).help(self.way_out(limit))
        };
        clear.iter().filter(is_endless).map(fault).collect()
    }

    fn way_out(self, limit: &Limit) -> String {
        match self.unit {
            Some(unit) if limit.unit.is_some_and(|written| !fits(unit, written)) => mismatch(unit, limit),
            unit if limit.unit.is_none() && is_like_percent(unit, limit.value) => percent(limit),
            Some(Unit::Bool) => "it is 1 for yes and 0 for no: write 0.5, or a condition as in metric == 0".to_owned(),
            _ => "choose a limit within that".to_owned(),
        }
    }

    /// What is wrong with the unit that a limit is written in.
    fn of_unit(self, limit: &Limit) -> Option<Fault> {
        let place = Place::File(limit.span.clone());
        match (self.unit?, limit.unit) {
            (unit, None) if is_like_percent(Some(unit), limit.value) => {
                let what = format!("the value is a ratio and the limit is {}", limit.value);
                Some(Fault::warning(what, place).help(percent(limit)))
            }
            (Unit::Timestamp, Some(Unit::Seconds)) => {
                let help = "subtract the time first: metric - time() is how long it is until then";
                Some(Fault::warning("the value is a date and the limit a duration", place).help(help))
            }
            (unit, Some(written)) if !fits(unit, written) => {
                let what = mismatch(unit, limit);
                Some(Fault::warning(what, place).help("write the limit in the value's unit, or as a plain number"))
            }
            _ => None,
        }
    }
}

fn mismatch(unit: Unit, limit: &Limit) -> String {
    let written = limit.unit.map_or("a plain number", unit_name);
    format!("the value is {}, this limit is {written}", unit_name(unit))
}

fn percent(limit: &Limit) -> String {
    format!("a ratio is a part of one; is this a percentage? write \"{}%\"", limit.value)
}

const fn fits(unit: Unit, written: Unit) -> bool {
    matches!((unit, written), (Unit::Ratio, Unit::Ratio) | (Unit::Seconds, Unit::Seconds) | (Unit::Bytes, Unit::Bytes))
}

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "a ratio",
        Unit::Seconds => "a time in seconds",
        Unit::Bytes => "a size in bytes",
        Unit::Timestamp => "a date",
        Unit::Bool => "0 or 1",
        Unit::Algo => "an amount of ALGO",
        Unit::Count => "a plain number",
    }
}
