//! Samples with timestamps, as Prometheus and `OpenMetrics` write them.

use super::times::Times;
use super::{Found, Settings, Table};
use crate::model::labels::SeriesKey;
use crate::text::exposition::{self, Bare};

/// The sample of a line; an exemplar after it is not read.
pub(super) fn sample(text: &str, settings: &Settings, times: &mut Times, table: &mut Table) -> Result<Found, String> {
    let Bare { series, value, rest } = exposition::line(text)?;
    if settings.metric.as_ref().is_some_and(|wanted| **wanted != *series.metric) {
        return Ok(Found::NotWanted);
    }
    let (stamp, more) = rest.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((rest, ""));
    if stamp.is_empty() || stamp.starts_with('#') {
        return Err("a sample without a timestamp; only those with one can be imported".to_owned());
    }
    // a date would be taken for one by CSV; here a timestamp is a number
    if stamp.parse::<f64>().is_err() {
        return Err("the timestamp is not a number".to_owned());
    }
    if !more.is_empty() && !more.trim_start().starts_with('#') {
        return Err("text after the timestamp".to_owned());
    }
    let at = times.read(stamp)?;
    let labels = series.labels.overridden(&settings.labels);
    Ok(Found::Sample(table.place(SeriesKey { labels, ..series })?, at, value))
}
