//! One series over any span: the chart of it, with all that is measured under the same name.

use super::chart::{BACKING_RATIOS, Chart, Of, Order, Pick};
use super::span::Span;
use super::{Pulse, Who, source};
use crate::collect::catalogue::METRICS;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::metric::{Metric, Unit};
use crate::model::time::Time;
use crate::store::alerts::AlertFilter;
use crate::store::{Reader, Result};
use crate::text::safe;
use crate::view::snapshot::Snapshot;

/// The page of a metric.
#[derive(Debug)]
pub struct SeriesPage {
    /// When it was made.
    pub at: Time,
    /// Who is watched.
    pub who: Who,
    /// Whether the monitor is alive.
    pub pulse: Pulse,
    /// The span.
    pub span: Span,
    /// The metric's name.
    pub metric: String,
    /// What the catalogue says of it.
    pub known: Option<&'static Metric>,
    /// The label set that is shown; none where there is nothing of the metric.
    pub chart: Option<Chart>,
    /// Every label set that is measured.
    pub others: Vec<Labels>,
    /// All metrics that are measured, in order of their names.
    pub metrics: Vec<String>,
}

impl SeriesPage {
    /// The page of a metric; with `labels`, of that series.
    pub fn read(
        reader: &Reader,
        config: &Config,
        (metric, labels): (&str, &Labels),
        span: Span,
        now: Time,
    ) -> Result<Self> {
        let snapshot = Snapshot::of(reader, config, now)?;
        let mut metrics: Vec<String> = snapshot.latest.iter().map(|latest| latest.key.metric.to_string()).collect();
        metrics.dedup();
        let of_metric = snapshot.latest.iter().filter(|latest| &*latest.key.metric == metric);
        let others: Vec<Labels> = of_metric.map(|latest| latest.key.labels.clone()).collect();
        // a series that ended may be asked for by name; otherwise the first one that is measured is shown
        let meant = if labels.is_empty() { others.first().unwrap_or(labels) } else { labels };
        let key = SeriesKey::new(metric, meant.clone());
        let filter = AlertFilter { since: Some(span.from), ..AlertFilter::default() };
        let alerts: Vec<Alert> = reader.alerts(&filter)?.into_iter().map(|(_, alert)| alert).collect();
        let known = METRICS.iter().find(|known| known.name == metric);
        let order = Order { title: safe::one_line(&key.to_string()), pick: pick(known, &key), of: Of::Series(key) };
        let chart = source(reader, config, &snapshot, span, &alerts)?.chart(order);
        Ok(Self {
            at: now,
            who: Who::of(config),
            pulse: Pulse::of(&snapshot, config),
            span,
            metric: safe::one_line(metric),
            known,
            chart: chart.filter(|chart| !others.is_empty() || chart.course.last.is_some() || chart.trouble.is_some()),
            others,
            metrics,
        })
    }
}

/// What hurts of a metric: its peaks where it is a time or a part of one, its dips where it is a yes or backing.
fn pick(known: Option<&Metric>, key: &SeriesKey) -> Pick {
    match known.map(|known| known.unit) {
        Some(Unit::Bool | Unit::Timestamp) => Pick::Lowest,
        Some(Unit::Ratio) if BACKING_RATIOS.contains(&&*key.metric) => Pick::Lowest,
        Some(Unit::Ratio | Unit::Seconds) => Pick::Highest,
        _ => Pick::Mean,
    }
}
