//! The data a judgement is made on: recent samples in memory, found by metric; and which of them a set of rules needs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::promql::ast::{At, Expr, Node, Selector, Shift, Subquery};
use crate::model::alert::{Alert, Phase};
use crate::model::labels::{Labels, SeriesKey};
pub use crate::model::metric::ALERTS;
use crate::model::metric::{Metric, Shape, Unit};
use crate::model::reading::{Datum, Need, Point, Reason, Window};
use crate::model::severity::Severity;
use crate::model::time::Time;

/// [`ALERTS`] as an entry of the catalogue; it has the labels of each alert besides.
pub const ALERTS_METRIC: Metric = Metric {
    name: ALERTS,
    help: "1 for each severity of each alert that is pending or firing, with the alert's labels.",
    unit: Unit::Count,
    shape: Shape::Gauge,
    labels: &["alertname", "alertstate", "severity"],
    source: "rules",
};

/// How long a value stands at least.
const SHORTEST_LOOKBACK: Duration = Duration::from_mins(5);

/// How long a value of a series that is measured `every` so often stands: `max(5m, 2.5 x every)`.
pub fn lookback(every: Duration) -> Duration {
    SHORTEST_LOOKBACK.max(every * 5 / 2)
}

/// Windows of samples, found by metric.
#[derive(Debug, Default)]
pub struct Windows {
    all: Vec<Window>,
    /// Where the windows of [`ALERTS`] begin; they stand behind all others.
    alerts_from: usize,
    by_metric: HashMap<Arc<str>, Vec<usize>>,
}

impl Windows {
    /// The data set of `windows`.
    pub fn new(windows: Vec<Window>) -> Self {
        let mut data = Self { alerts_from: windows.len(), ..Self::default() };
        for window in windows {
            data.push(window);
        }
        data
    }

    fn push(&mut self, window: Window) {
        self.by_metric.entry(window.series.metric.clone()).or_default().push(self.all.len());
        self.all.push(window);
    }

    /// Puts a newer sample behind those of the window that was given to [`Windows::new`] at `place`, with the reason it
    /// has where it is unknown.
    pub fn append(&mut self, place: usize, point: Point, reason: Option<Reason>) {
        if let Some(window) = self.all.get_mut(place) {
            window.points.push(point);
            if point.datum == Datum::Unknown {
                window.reason = reason;
            }
        }
    }

    /// Puts newer samples behind those that their series have; a series that is not there yet joins the others. The
    /// virtual metric is left out until it is set again.
    pub fn extend(&mut self, newer: Vec<Window>) {
        self.drop_alerts();
        let places: HashMap<SeriesKey, usize> =
            self.all.iter().enumerate().map(|(place, window)| (window.series.clone(), place)).collect();
        for mut window in newer {
            match places.get(&window.series).and_then(|place| self.all.get_mut(*place)) {
                Some(have) => have.points.append(&mut window.points),
                None => self.push(window),
            }
        }
        self.alerts_from = self.all.len();
    }

    /// Drops the samples that are older than `oldest` says of their series.
    pub fn forget(&mut self, oldest: impl Fn(&Window) -> Time) {
        for window in &mut self.all {
            let oldest = oldest(window);
            let gone = window.points.partition_point(|point| point.tick < oldest);
            window.points.drain(..gone);
        }
    }

    /// How many samples there are at most of one tick: the number of series.
    pub fn series(&self) -> usize {
        self.alerts_from
    }

    fn drop_alerts(&mut self) {
        self.all.truncate(self.alerts_from);
        self.by_metric.remove(ALERTS);
    }

    /// Puts the virtual metric [`ALERTS`] of the alerts that are `open` at `at` in place of the one there was.
    pub fn set_alerts<'a>(&mut self, open: impl IntoIterator<Item = &'a Alert>, at: Time) {
        self.drop_alerts();
        for alert in open {
            for (severity, phase) in alert.phases.iter() {
                let state = match phase {
                    Phase::Inactive => continue,
                    Phase::Pending(_) => "pending",
                    Phase::Firing(_) | Phase::Keeping { .. } => "firing",
                };
                self.push(virtual_window(alert, severity, state, at));
            }
        }
    }

    /// The windows of the series that `selector` selects.
    pub fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Window> {
        let (named, all) = match &selector.metric {
            Some(metric) => (self.by_metric.get(metric).map(Vec::as_slice).unwrap_or_default(), [].as_slice()),
            None => ([].as_slice(), self.all.as_slice()),
        };
        named.iter().filter_map(|at| self.all.get(*at)).chain(all).filter(|window| selector.accepts(&window.series))
    }
}

fn virtual_window(alert: &Alert, severity: Severity, state: &str, at: Time) -> Window {
    let own = Labels::new([("alertname", &*alert.key.rule), ("alertstate", state), ("severity", severity.name())]);
    Window {
        series: SeriesKey::new(ALERTS, alert.key.labels.overridden(&own)),
        every: Duration::ZERO,
        points: vec![Point { tick: at, datum: Datum::Value(1.0) }],
        reason: None,
    }
}

impl Selector {
    /// Whether it selects `series`.
    pub fn selects(&self, series: &SeriesKey) -> bool {
        self.metric.as_ref().is_none_or(|metric| *metric == series.metric) && self.accepts(series)
    }

    /// Whether a series' labels pass all matchers (the metric is not looked at where it is named outright).
    fn accepts(&self, series: &SeriesKey) -> bool {
        self.matchers.iter().all(|matcher| {
            let value = match matcher.label.as_ref() {
                "__name__" => &series.metric,
                label => series.labels.get(label).unwrap_or_default(),
            };
            matcher.test.accepts(value)
        })
    }
}

/// The samples that `exprs` look at when they are evaluated at `at`: one need for each metric, with the longest look back.
pub fn needs<'a>(exprs: impl IntoIterator<Item = &'a Expr>, at: Time) -> Vec<Need> {
    let mut longest: BTreeMap<Option<Arc<str>>, Duration> = BTreeMap::new();
    for expr in exprs {
        gather(expr, at, Duration::ZERO, &mut longest);
    }
    // the lookback is always needed: also a range function asks whether the newest sample is unknown
    longest.into_iter().map(|(metric, back)| Need { metric, back, lookback: true }).collect()
}

fn gather(expr: &Expr, at: Time, outer: Duration, longest: &mut BTreeMap<Option<Arc<str>>, Duration>) {
    match &expr.node {
        Node::Selector(selector) => {
            let back = outer + selector.range.unwrap_or_default() + back_of(selector.shift, at);
            let entry = longest.entry(selector.metric.clone()).or_default();
            *entry = back.max(*entry);
        }
        Node::Subquery(subquery) => {
            let Subquery { of, range, shift, .. } = subquery.as_ref();
            gather(of, at, outer + *range + back_of(*shift, at), longest);
        }
        _ => expr.children().into_iter().for_each(|child| gather(child, at, outer, longest)),
    }
}

/// How far `offset` and `@` reach back from `at`; nothing for the future.
fn back_of(shift: Shift, at: Time) -> Duration {
    let pinned = match shift.at {
        Some(At::Millis(millis)) => at.since(Time::from_millis(millis)),
        Some(At::Start | At::End) | None => Duration::ZERO,
    };
    pinned + Duration::from_millis(u64::try_from(shift.offset).unwrap_or(0))
}
