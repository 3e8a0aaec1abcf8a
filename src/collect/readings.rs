//! Gathering readings: a measurement is a number or a reason, never something in between.

use crate::model::labels::Labels;
use crate::model::labels::SeriesKey;
use crate::model::reading::{Reading, Reason, Value};

/// The readings of a cycle so far.
#[derive(Default, Debug)]
pub(super) struct Readings(Vec<Reading>);

impl Readings {
    /// Adds the one series of `metric`.
    pub(super) fn push(&mut self, metric: &'static str, value: Result<f64, Reason>) {
        self.add(metric, Labels::empty(), value);
    }

    /// Adds the series of `metric` with one label.
    pub(super) fn labelled(&mut self, metric: &'static str, label: (&str, &str), value: Result<f64, Reason>) {
        self.add(metric, Labels::new([label]), value);
    }

    /// Adds the series of `metric` with these labels.
    pub(super) fn add(&mut self, metric: &'static str, labels: Labels, value: Result<f64, Reason>) {
        let value = value.map_or_else(Value::Unknown, Value::Known);
        self.0.push(Reading { series: SeriesKey::new(metric, labels), value });
    }

    /// All readings in order of their series.
    pub(super) fn sorted(self) -> Vec<Reading> {
        let mut readings = self.0;
        readings.sort_by(|a, b| a.series.cmp(&b.series));
        readings
    }
}
