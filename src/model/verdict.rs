//! What a rule says of the world at one tick, before anybody is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::reading::Reason;
use super::severity::BySeverity;

/// Where a value stands against one severity's limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Level {
    /// On the good side (or the rule does not have this severity).
    #[default]
    Within,
    /// Between `clear` and the limit: true only for a severity that fires already.
    Band,
    /// Beyond the limit.
    Beyond,
}

/// What a rule says of one label set.
#[derive(Clone, PartialEq, Debug)]
pub enum Says {
    /// The value was measured.
    Measured {
        /// The value of the rule's expression.
        value: f64,
        /// Its place against each severity's limit.
        levels: BySeverity<Level>,
    },
    /// The value is derived from something that was not measured at this tick.
    Unknown(Reason),
}

/// A rule's word on one label set at one tick.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The labels of the result, without the metric's name.
    pub labels: Labels,
    /// What the rule says of them.
    pub says: Says,
}

/// What a label set that is missing from the verdicts means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missing {
    /// The series is gone: the expression would have shown it whatever its value.
    Gone,
    /// The condition is false, or the series is gone: the expression filters.
    FalseOrGone,
}

/// The outcome of evaluating one rule at one tick.
#[derive(Clone, PartialEq, Debug)]
pub enum Judgement {
    /// A verdict per label set.
    Judged {
        /// One for each label set that the expression yields.
        verdicts: Vec<Verdict>,
        /// What a label set without a verdict means.
        missing: Missing,
    },
    /// The whole rule rests on something that was not measured.
    Unknown(Reason),
    /// The expression cannot be evaluated on this data (for example two results with the same labels).
    Failed(String),
}

/// What a rule does where nothing was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoData {
    /// Nothing changes: an alert holds, a fine state stays.
    #[default]
    Hold,
    /// As bad as the rule's highest severity; also when the series is gone or was never seen.
    Fire,
    /// As good as a value within its limits.
    Resolve,
}

/// How patient a rule is: what the alert machine must know of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Policy {
    /// The rule has a limit or condition of this severity.
    pub severities: BySeverity<bool>,
    /// How long it must be true before it fires, by severity.
    pub pending_for: BySeverity<Duration>,
    /// How long it goes on firing after it is no longer true, by severity.
    pub keep_firing_for: BySeverity<Duration>,
    /// What unknown means to it.
    pub no_data: NoData,
    /// Its limits are lower bounds, so a lower value is a worse one.
    pub lower_is_worse: bool,
}
