//! What the sources brought home, as samples: a value, not measured, or gone.
//!
//! A source that failed whole leaves every live series of its unknown. One that answered and no longer reports a series
//! lets it go. A source that was not due leaves nothing: what it measured stands.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::collect::run::Collected;
use crate::model::labels::SeriesKey;
use crate::model::reading::{Datum, Reading, Reason, Value};
use crate::model::time::Time;
use crate::store::series::{Claim, SeriesId};
use crate::store::{Result, Tx};

/// The source that the monitor itself is.
pub const MONITOR: &str = "monitor";

/// Writes the samples of a tick: what the sources report, what is known of each source, and the monitor's `own`
/// readings. Series of sources that are not `configured` any more are let go. Returns a word on each reading that could
/// not be kept.
pub fn write(
    tx: &Tx<'_>,
    tick: Time,
    collected: &[Collected],
    own: (&[Reading], Duration),
    configured: &BTreeSet<&str>,
) -> Result<Vec<String>> {
    let mut marks = Marks { tx, tick, refused: Vec::new() };
    let mut of_monitor = marks.put(MONITOR, own.1, own.0)?;
    for one in collected {
        of_monitor.extend(marks.put(MONITOR, one.every, &one.of_itself())?);
        match &one.report.readings {
            Ok(readings) => {
                let seen = marks.put(&one.source, one.every, readings)?;
                marks.let_go(&one.source, |id, _| !seen.contains(&id))?;
            }
            Err(reason) => marks.lose(&one.source, reason)?,
        }
    }
    let rests = |name: &str| configured.contains(name) && collected.iter().all(|one| &*one.source != name);
    let stands = |series: &SeriesKey| series.labels.get("source").is_some_and(rests);
    marks.let_go(MONITOR, |id, series| !of_monitor.contains(&id) && !stands(series))?;
    for source in tx.live_sources()? {
        if source != MONITOR && !configured.contains(source.as_str()) {
            marks.let_go(&source, |_, _| true)?;
        }
    }
    Ok(marks.refused)
}

struct Marks<'a> {
    tx: &'a Tx<'a>,
    tick: Time,
    refused: Vec<String>,
}

impl Marks<'_> {
    /// Writes readings as samples of `source`; returns the series it has now.
    fn put(&mut self, source: &str, every: Duration, readings: &[Reading]) -> Result<BTreeSet<SeriesId>> {
        let mut seen = BTreeSet::new();
        let mut samples: Vec<(SeriesId, Datum, Option<&Reason>)> = Vec::with_capacity(readings.len());
        for Reading { series, value } in readings {
            match self.tx.series_id(series, source, every)? {
                Claim::Own(id) if seen.insert(id) => samples.push(match value {
                    Value::Known(value) => (id, Datum::Value(*value), None),
                    Value::Unknown(reason) => (id, Datum::Unknown, Some(reason)),
                }),
                Claim::Own(_) => self.refused.push(format!("{source} reported {series} twice; the first one counts")),
                Claim::Taken { by } => self.refused.push(format!("{source} reported {series}, which belongs to {by}")),
            }
        }
        self.tx.put_samples(self.tick, &samples)?;
        Ok(seen)
    }

    /// Marks as gone the live series of `source` that `gone` accepts.
    fn let_go(&self, source: &str, gone: impl Fn(SeriesId, &SeriesKey) -> bool) -> Result<()> {
        let live = self.tx.live_series(source)?;
        let gone = live.iter().filter(|(id, series)| gone(*id, series)).map(|(id, _)| (*id, Datum::Gone, None));
        self.tx.put_samples(self.tick, &gone.collect::<Vec<_>>())
    }

    /// Marks every live series of `source` as not measured.
    fn lose(&self, source: &str, reason: &Reason) -> Result<()> {
        let live = self.tx.live_series(source)?;
        let lost = live.iter().map(|(id, _)| (*id, Datum::Unknown, Some(reason)));
        self.tx.put_samples(self.tick, &lost.collect::<Vec<_>>())
    }
}
