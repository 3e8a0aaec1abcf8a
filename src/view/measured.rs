//! The newest samples at some time, asked for by the names of metrics.

use crate::model::labels::Labels;
use crate::model::reading::Datum;
use crate::store::windows::Latest;

/// The newest sample of each series.
#[derive(Clone, Copy)]
pub struct Measured<'a>(pub &'a [Latest]);

impl<'a> Measured<'a> {
    /// The known values of a metric.
    pub fn values(self, metric: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        self.0.iter().filter(move |latest| &*latest.key.metric == metric).filter_map(|latest| match latest.datum {
            Datum::Value(value) => Some((&latest.key.labels, value)),
            Datum::Unknown | Datum::Gone => None,
        })
    }

    /// The value of a series without labels, where it is known.
    pub fn value(self, metric: &str) -> Option<f64> {
        Measured::values(self, metric).find(|(labels, _)| labels.is_empty()).map(|(_, value)| value)
    }

    /// The value of the series of `metric` that has this label.
    pub fn labelled(self, metric: &str, name: &str, value: &str) -> Option<f64> {
        Measured::values(self, metric).find(|(labels, _)| labels.get(name) == Some(value)).map(|(_, value)| value)
    }
}
