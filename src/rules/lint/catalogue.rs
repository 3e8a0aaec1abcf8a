//! What is known of the metrics before any sample is seen.

use std::time::Duration;

use crate::model::metric::{Metric, Shape};
use crate::rules::promql::ast::Selector;

/// The metrics there are, and how often each is measured.
#[derive(Clone, Copy)]
pub struct Catalogue<'a> {
    /// All that the built-in sources yield.
    pub metrics: &'a [Metric],
    /// Whether there may be others (an exec probe names its own).
    pub is_open: bool,
    /// The sources that are switched on.
    pub sources: &'a [Cadence],
}

/// How often a source measures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cadence {
    /// Its kind, as the catalogue's metrics name it: `system`, `probe`, …
    pub kind: &'static str,
    /// Its name: the label `source` of `source_up`.
    pub name: String,
    /// The label that tells its series from those of another source of its kind; `None` where there is only one.
    pub label: Option<(&'static str, String)>,
    /// Time between two samples.
    pub every: Duration,
}

impl<'a> Catalogue<'a> {
    /// These metrics, wherever they are measured, and no others.
    pub const fn of(metrics: &'a [Metric]) -> Self {
        Self { metrics, is_open: false, sources: &[] }
    }

    /// The entry of `name`.
    pub fn get(&self, name: &str) -> Option<&'a Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The entry of the metric that `selector` names, if it names one.
    pub fn metric_of(&self, selector: &Selector) -> Option<&'a Metric> {
        self.get(selector.metric.as_deref()?)
    }

    /// The sources whose series `selector` may select; empty where nothing is known of them.
    pub fn sources_of(&self, selector: &Selector) -> impl Iterator<Item = &'a Cadence> {
        let kind = self.metric_of(selector).map(|metric| metric.source);
        self.sources.iter().filter(move |source| Some(source.kind) == kind && source.may_be_in(selector))
    }

    /// The values that `label` of `metric` can have, where the configuration says it: the names of probes and sources.
    pub fn values_of(&self, metric: &Metric, label: &str) -> Option<Vec<&'a str>> {
        let own = self.sources.iter().filter(|source| source.kind == metric.source);
        let of_kind: Vec<&str> = own
            .filter_map(|source| source.label.as_ref())
            .filter(|(name, _)| *name == label)
            .map(|(_, value)| value.as_str())
            .collect();
        match label {
            "source" => Some(self.sources.iter().map(|source| source.name.as_str()).collect()),
            "probe" => Some(of_kind),
            _ => None,
        }
    }

    /// Whether a metric is a sum that only grows; one that the catalogue does not have tells it by its name.
    pub fn is_counter(&self, name: &str) -> bool {
        self.get(name).map_or_else(|| name.ends_with("_total"), |metric| metric.shape == Shape::Counter)
    }

    /// Whether a metric is known to go up and down.
    pub fn is_gauge(&self, name: &str) -> bool {
        self.get(name).is_some_and(|metric| metric.shape == Shape::Gauge)
    }
}

impl Cadence {
    fn may_be_in(&self, selector: &Selector) -> bool {
        let Some((label, value)) = &self.label else { return true };
        let mut about = selector.matchers.iter().filter(|matcher| matcher.label.as_ref() == *label);
        about.all(|matcher| matcher.test.accepts(value))
    }
}
