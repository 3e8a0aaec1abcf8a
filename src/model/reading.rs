//! What a source reports, and what of it is kept: a number is measured or it is unknown.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::labels::{Labels, SeriesKey};
use super::time::Time;

/// Why a value is unknown, in a word or a short sentence: `timeout`, `warming_up`, `nothing_to_divide`, …
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// The source or call did not answer before its deadline.
    pub const TIMEOUT: Self = Self(Cow::Borrowed("timeout"));
    /// A rate or ratio needs a second measurement first. Not a fault.
    pub const WARMING_UP: Self = Self(Cow::Borrowed("warming_up"));
    /// A ratio over nothing (no traffic, no swap). Not a fault.
    pub const NOTHING_TO_DIVIDE: Self = Self(Cow::Borrowed("nothing_to_divide"));

    /// A reason in free words.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// Whether this is an ordinary state of a young or idle system rather than trouble.
    pub fn is_benign(&self) -> bool {
        *self == Self::WARMING_UP || *self == Self::NOTHING_TO_DIVIDE
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A measured number, or the reason there is none.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Measured (or derived from measured numbers only).
    Known(f64),
    /// Not measured.
    Unknown(Reason),
}

/// One value of one series, as a source reports it.
#[derive(Clone, PartialEq, Debug)]
pub struct Reading {
    /// Metric and labels.
    pub series: SeriesKey,
    /// The value, in the metric's unit.
    pub value: Value,
}

impl Reading {
    /// A measured value.
    pub fn known(metric: impl Into<Arc<str>>, labels: Labels, value: f64) -> Self {
        Self { series: SeriesKey::new(metric, labels), value: Value::Known(value) }
    }

    /// A series that exists but could not be measured.
    pub fn unknown(metric: impl Into<Arc<str>>, labels: Labels, reason: Reason) -> Self {
        Self { series: SeriesKey::new(metric, labels), value: Value::Unknown(reason) }
    }
}

/// What the store keeps of a series at a tick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Datum {
    /// A number; may be NaN or infinite.
    Value(f64),
    /// The source was asked and could not say.
    Unknown,
    /// The source answered and no longer reports this series.
    Gone,
}

/// A sample of a known series.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// The tick the sample belongs to.
    pub tick: Time,
    /// What was measured.
    pub datum: Datum,
}

/// The samples of one series in a window, oldest first.
#[derive(Clone, Debug)]
pub struct Window {
    /// Metric and labels.
    pub series: SeriesKey,
    /// How often its source measures; stretches the lookback.
    pub every: Duration,
    /// Samples in order of their tick.
    pub points: Vec<Point>,
    /// Why the newest of its unknown samples is so, where there is one and the reason is known.
    pub reason: Option<Reason>,
}

/// Which samples a rule has to see, and how far back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// The metric; `None` where a rule names none and so may match any.
    pub metric: Option<Arc<str>>,
    /// How far back from the tick of the evaluation: ranges and offsets together.
    pub back: Duration,
    /// Further back by the lookback, which depends on the series: the larger of 5 min and 2.5 x its `every`.
    pub lookback: bool,
}
