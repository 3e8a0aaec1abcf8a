//! Rules -> the alerting rules of Prometheus.
//!
//! A rule becomes one alerting rule for each of its severities: same name, another `severity`. Without unknowns and gaps
//! each fires exactly when that severity of the rule does (`proof` holds that, and promtool agrees).

mod annotation;
mod inhibit;
mod lower;
mod yaml;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::rule::Rule;
use crate::model::severity::Severity;
use crate::model::verdict::NoData;
use crate::text::units;

pub use inhibit::{Inhibition, inhibitions};
pub use yaml::{document, inhibit_document};

/// What `rule_files` of Prometheus hold.
#[derive(Serialize, Debug)]
pub struct Groups {
    /// Rules that are evaluated together.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated together, one after the other.
#[derive(Serialize, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// How often, as Prometheus writes durations.
    pub interval: String,
    /// In the order of the rules they come from, mildest severity first.
    pub rules: Vec<Alerting>,
}

/// An alerting rule.
#[derive(Serialize, Debug)]
pub struct Alerting {
    /// The rule's name.
    pub alert: String,
    /// The condition.
    pub expr: String,
    /// How long it must be true; none where it fires at once.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub pending_for: Option<String>,
    /// How long it fires on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_firing_for: Option<String>,
    /// The severity and the rule's own labels.
    pub labels: BTreeMap<String, String>,
    /// Templates.
    pub annotations: BTreeMap<&'static str, String>,
}

/// The rules as Prometheus has them, evaluated every `interval`.
pub fn groups(rules: &[Rule], interval: Duration) -> Groups {
    let rules = rules.iter().flat_map(alerting).collect();
    Groups { groups: vec![Group { name: "sippar-mon".to_owned(), interval: units::duration_literal(interval), rules }] }
}

fn alerting(rule: &Rule) -> Vec<Alerting> {
    let severities = Severity::ALL.into_iter().filter(|severity| rule.policy.severities[*severity]);
    severities.map(|severity| by_severity(rule, severity)).chain(without_data(rule)).collect()
}

fn by_severity(rule: &Rule, severity: Severity) -> Alerting {
    Alerting {
        alert: rule.name.to_string(),
        expr: lower::condition(rule, severity),
        pending_for: patience(rule.policy.pending_for[severity]),
        keep_firing_for: patience(rule.policy.keep_firing_for[severity]),
        labels: labels(rule, severity),
        annotations: annotation::annotations(rule, severity),
    }
}

/// `no_data = "fire"`: a rule of its own, told apart by a label, for what is not there at all.
fn without_data(rule: &Rule) -> Option<Alerting> {
    let worst = rule.policy.severities.highest(|has| *has)?;
    let expr = lower::no_value(rule).filter(|_| rule.policy.no_data == NoData::Fire)?;
    let mut labels = labels(rule, worst);
    labels.insert("no_data".to_owned(), "fire".to_owned());
    let mut annotations = annotation::annotations(rule, worst);
    annotations.insert("summary", format!("{}: no data", rule.name));
    Some(Alerting { expr, labels, annotations, ..by_severity(rule, worst) })
}

fn patience(duration: Duration) -> Option<String> {
    (!duration.is_zero()).then(|| units::duration_literal(duration))
}

fn labels(rule: &Rule, severity: Severity) -> BTreeMap<String, String> {
    let own = rule.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.chain([("severity".to_owned(), severity.name().to_owned())]).collect()
}

#[cfg(test)]
mod kit;
#[cfg(test)]
mod promtool;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;
