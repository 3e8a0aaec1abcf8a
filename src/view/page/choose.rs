//! Which charts a page has: those of what everybody asks for first, as far as it is measured, and those of the rules that
//! were written here or that fire now.

use std::collections::BTreeSet;

use super::chart::{Of, Order, Pick};
use super::limits;
use crate::config::Config;
use crate::model::alert::{Alert, AlertKey};
use crate::model::labels::SeriesKey;
use crate::rules::promql::ast::Node;
use crate::rules::{Origin, Rule};
use crate::store::windows::Latest;
use crate::text::safe;

/// The ratio of the reserves, which has a place of its own.
pub const BACKING: &str = "reserves_ratio";

/// At most so many charts in all.
const MOST: usize = 24;

/// What is always worth a chart.
struct Known {
    title: &'static str,
    what: What,
    pick: Pick,
    /// At most so many label sets.
    most: usize,
}

enum What {
    /// Each label set of a metric.
    Metric(&'static str),
    /// The one series of a metric with this label.
    Labelled(&'static str, &'static str, &'static str),
    /// What a rule without labels evaluates, where its metric is measured.
    Rule(&'static str, &'static str),
}

const fn known(title: &'static str, what: What, pick: Pick, most: usize) -> Known {
    Known { title, what, pick, most }
}

/// In the order in which they stand.
const KNOWN: [Known; 15] = [
    known("Migration error rate", What::Rule("HIGH_MIGRATION_ERROR_RATE", "bridge_jobs_total"), Pick::Highest, 1),
    known("Processing time", What::Metric("bridge_job_processing_seconds"), Pick::Highest, 3),
    known("Migrations per hour", What::Metric("bridge_migration_rate_per_hour"), Pick::Mean, 1),
    known("Backend latency", What::Labelled("source_duration_seconds", "source", "backend"), Pick::Highest, 1),
    known("Answer time of", What::Metric("probe_duration_seconds"), Pick::Highest, 3),
    known("Round age at", What::Metric("algorand_round_age_seconds"), Pick::Highest, 2),
    known("Canister latency", What::Labelled("source_duration_seconds", "source", "icp"), Pick::Highest, 1),
    known("Memory", What::Metric("system_memory_usage_ratio"), Pick::Highest, 1),
    known("CPU", What::Metric("system_cpu_usage_ratio"), Pick::Highest, 1),
    known("Disk", What::Metric("system_disk_usage_ratio"), Pick::Highest, 2),
    known("Uptime of", What::Metric("service_uptime_seconds"), Pick::Lowest, 2),
    known("Value of", What::Metric("probe_value"), Pick::Mean, 3),
    known("Load, 1 min", What::Metric("system_load1"), Pick::Highest, 1),
    known("Swap", What::Metric("system_swap_usage_ratio"), Pick::Highest, 1),
    known("Duration of a check", What::Metric("monitor_cycle_duration_seconds"), Pick::Highest, 1),
];

/// The charts, and how many that there might be were left out.
pub fn orders(latest: &[Latest], firing: &[&Alert], config: &Config) -> (Vec<Order>, usize) {
    let mut orders: Vec<Order> = Vec::new();
    let mut left_out = 0;
    let (known, drawn) = of_catalogue(latest, config, &mut left_out);
    // what fires stands first where it has no place of its own
    for alert in firing {
        let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
        let Some(order) = rule.and_then(|rule| of_alert(rule, &alert.key, &drawn)) else { continue };
        if !orders.iter().any(|have| have.of == order.of) && !known.iter().any(|have| have.of == order.of) {
            orders.push(order);
        }
    }
    orders.extend(known);
    for order in of_own_rules(latest, config) {
        if !orders.iter().any(|have| have.of == order.of) {
            orders.push(order);
        }
    }
    left_out += orders.len().saturating_sub(MOST);
    orders.truncate(MOST);
    (orders, left_out)
}

/// Those of the list that are measured, and the series that they show.
fn of_catalogue(latest: &[Latest], config: &Config, left_out: &mut usize) -> (Vec<Order>, BTreeSet<SeriesKey>) {
    let mut orders = Vec::new();
    let mut drawn = BTreeSet::new();
    for Known { title, what, pick, most } in &KNOWN {
        let is_meant = |key: &SeriesKey| match what {
            What::Metric(metric) => &*key.metric == *metric,
            What::Labelled(metric, name, value) => &*key.metric == *metric && key.labels.get(name) == Some(value),
            What::Rule(..) => false,
        };
        if let What::Rule(name, metric) = what {
            let is_measured = latest.iter().any(|latest| &*latest.key.metric == *metric);
            let rule = config.rules.iter().find(|rule| &*rule.name == *name);
            if let (Some(rule), true) = (rule, is_measured) {
                let key = AlertKey { rule: rule.name.clone(), labels: rule.labels.clone() };
                orders.push(Order { title: (*title).to_owned(), of: Of::Rule(key), pick: *pick });
            }
        }
        let mut found: Vec<&SeriesKey> = latest.iter().map(|latest| &latest.key).filter(|key| is_meant(key)).collect();
        *left_out += found.len().saturating_sub(*most);
        found.truncate(*most);
        for key in found {
            drawn.insert(key.clone());
            let is_one = matches!(what, What::Labelled(..));
            let title = if is_one { (*title).to_owned() } else { named(title, key) };
            orders.push(Order { title, of: Of::Series(key.clone()), pick: *pick });
        }
    }
    (orders, drawn)
}

/// The chart of what an alert is about; nothing where its series is drawn already, or is only a yes or no.
fn of_alert(rule: &Rule, key: &AlertKey, drawn: &BTreeSet<SeriesKey>) -> Option<Order> {
    limits::held(rule)?;
    if limits::of_rule(rule).is_empty() {
        return None;
    }
    let own = key.labels.filtered(|name| rule.labels.get(name).is_none());
    let is_drawn = drawn.iter().any(|series| {
        series.labels == own && limits::of_series(series, std::slice::from_ref(rule)).iter().any(|_| true)
    });
    (!is_drawn).then(|| order_of_rule(rule, key.clone()))
}

/// The chart of a rule for one label set: of the series, where that is all that the rule looks at.
pub fn order_of_rule(rule: &Rule, key: AlertKey) -> Order {
    let title = safe::one_line(&key.to_string());
    let own = key.labels.filtered(|name| rule.labels.get(name).is_none());
    let lowers = limits::of_rule(rule).first().is_some_and(|limit| limit.worse == crate::rules::Worse::Lower);
    let pick = if lowers { Pick::Lowest } else { Pick::Highest };
    let series = limits::held(rule).and_then(|expr| match &expr.bare().node {
        Node::Selector(selector) if selector.range.is_none() => selector.metric.clone(),
        _ => None,
    });
    let of = match series {
        Some(metric) => Of::Series(SeriesKey::new(metric, own)),
        None => Of::Rule(key),
    };
    Order { title, of, pick }
}

/// What rules that were written here look at, as far as it is a series that is measured now.
fn of_own_rules(latest: &[Latest], config: &Config) -> Vec<Order> {
    let mut orders: Vec<Order> = Vec::new();
    let own = config.rules.iter().filter(|rule| matches!(rule.origin, Origin::Own(_)));
    for rule in own.filter(|rule| !limits::of_rule(rule).is_empty()) {
        let is_held = |latest: &&Latest| !limits::of_series(&latest.key, std::slice::from_ref(rule)).is_empty();
        for found in latest.iter().filter(is_held) {
            let lowers = limits::of_rule(rule).first().is_some_and(|limit| limit.worse == crate::rules::Worse::Lower);
            let pick = if lowers { Pick::Lowest } else { Pick::Highest };
            let title = safe::one_line(&found.key.to_string());
            orders.push(Order { title, of: Of::Series(found.key.clone()), pick });
        }
    }
    orders
}

/// `Disk /`: the title with the values of the labels.
fn named(title: &str, key: &SeriesKey) -> String {
    let values: Vec<&str> = key.labels.iter().map(|(_, value)| value).collect();
    let title = if values.is_empty() { title.trim_end_matches(" of").trim_end_matches(" at") } else { title };
    safe::one_line(&std::iter::once(title).chain(values).collect::<Vec<_>>().join(" "))
}
