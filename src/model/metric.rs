//! What a metric is: the entry of the catalogue in `collect`.

use serde::Serialize;

/// The virtual metric of what fires and what is pending, as in Prometheus: 1 for each severity of each alert, with the
/// alert's labels and `alertname`, `alertstate` (`pending`, `firing`) and `severity`. It has no history: it is as the
/// last cycle left it, and never a series of the store.
pub const ALERTS: &str = "ALERTS";

/// The unit of a metric's values; decides how people see them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A part of one: 0.85 is shown as 85 %.
    Ratio,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Seconds since the epoch.
    Timestamp,
    /// 0 or 1.
    Bool,
    /// Algos, or the token that stands for them.
    Algo,
    /// A plain number.
    Count,
}

impl Unit {
    /// In one word, as JSON has it: `ratio`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ratio => "ratio",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Bool => "bool",
            Self::Algo => "algo",
            Self::Count => "count",
        }
    }
}

/// Whether a metric goes up and down or only up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A value that moves freely.
    Gauge,
    /// A sum that only grows, but for resets.
    Counter,
}

impl Shape {
    /// In one word, as JSON has it: `gauge`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// One entry of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Metric {
    /// Prometheus-style name.
    pub name: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// Gauge or counter.
    pub shape: Shape,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// The kind of source that yields it: `system`, `probe`, `monitor`, …
    pub source: &'static str,
}
