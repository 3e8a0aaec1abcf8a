//! Limits by severity: where a value stands against each of them.

use crate::model::severity::BySeverity;
use crate::model::verdict::Level;

/// Which way is bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Worse {
    /// The higher, the worse (`above`).
    #[default]
    Higher,
    /// The lower, the worse (`below`).
    Lower,
}

impl Worse {
    /// Whether `value` is strictly beyond `limit`; NaN is beyond nothing.
    pub fn is_beyond(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Higher => value > limit,
            Self::Lower => value < limit,
        }
    }

    /// `>` or `<`.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Higher => ">",
            Self::Lower => "<",
        }
    }
}

/// One severity's limit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rung {
    /// Bad beyond this.
    pub limit: f64,
    /// Good again only on the other side of this, where it is given.
    pub clear: Option<f64>,
}

/// The limits of a rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Ladder {
    /// Which way is bad.
    pub worse: Worse,
    /// The limit of each severity that has one.
    pub rungs: BySeverity<Option<Rung>>,
}

impl Ladder {
    /// Where `value` stands against each severity's limit.
    pub fn levels(&self, value: f64) -> BySeverity<Level> {
        BySeverity::from_fn(|severity| self.rungs[severity].map_or(Level::Within, |rung| self.level(value, rung)))
    }

    fn level(&self, value: f64, rung: Rung) -> Level {
        if self.worse.is_beyond(value, rung.limit) {
            Level::Beyond
        } else if rung.clear.is_some_and(|clear| self.worse.is_beyond(value, clear)) {
            Level::Band
        } else {
            Level::Within
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::severity::Severity;

    #[test]
    fn a_value_on_the_limit_is_not_beyond_it() {
        let rung = Some(Rung { limit: 0.9, clear: Some(0.8) });
        let ladder =
            Ladder { worse: Worse::Higher, rungs: BySeverity::from_fn(|s| rung.filter(|_| s == Severity::High)) };
        for (value, wanted) in [
            (0.91, Level::Beyond),
            (0.9, Level::Band),
            (0.81, Level::Band),
            (0.8, Level::Within),
            (f64::NAN, Level::Within),
            (f64::INFINITY, Level::Beyond),
        ] {
            assert_eq!(ladder.levels(value)[Severity::High], wanted, "{value}");
            assert_eq!(ladder.levels(value)[Severity::Critical], Level::Within, "no limit, {value}");
        }
    }

    proptest! {
        /// Each severity follows its own limit and clear, whatever the others are; below mirrors above.
        #[test]
        fn each_severity_stands_alone(value in -9.0..9.0_f64, limits in proptest::collection::vec(
            proptest::option::of((-9.0..9.0_f64, proptest::option::of(0.0..5.0_f64))), 4))
        {
            let rungs = BySeverity::from_fn(|severity| limits[severity as usize].map(|(limit, width)| {
                Rung { limit, clear: width.map(|width| limit - width) }
            }));
            let mirrored = BySeverity::from_fn(|severity| rungs[severity].map(|rung| {
                Rung { limit: -rung.limit, clear: rung.clear.map(|clear| -clear) }
            }));
            let levels = Ladder { worse: Worse::Higher, rungs }.levels(value);
            for (severity, level) in levels.iter() {
                let wanted = match rungs[severity] {
                    Some(rung) if value > rung.limit => Level::Beyond,
                    Some(Rung { clear: Some(clear), .. }) if value > clear => Level::Band,
                    _ => Level::Within,
                };
                prop_assert_eq!(*level, wanted);
            }
            prop_assert_eq!(Ladder { worse: Worse::Lower, rungs: mirrored }.levels(-value), levels);
        }
    }
}
