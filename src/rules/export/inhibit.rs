//! What Alertmanager must be told so that of one rule only the highest severity speaks.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::model::severity::Severity;
use crate::rules::lint::{Catalogue, labels_of};
use crate::rules::rule::Rule;

/// Labels that Prometheus gives to what it scrapes.
const SCRAPED: [&str; 2] = ["instance", "job"];

/// One of Alertmanager's `inhibit_rules`.
#[derive(Serialize, Debug, PartialEq, Eq)]
pub struct Inhibition {
    /// What fires.
    pub source_matchers: [String; 2],
    /// What is then not sent.
    pub target_matchers: [String; 2],
    /// Labels in which the two must agree; one that neither has does no harm.
    pub equal: BTreeSet<String>,
}

/// For each rule with several severities: a higher one mutes the lower ones of the same thing.
pub fn inhibitions(rules: &[Rule], catalogue: Catalogue<'_>) -> Vec<Inhibition> {
    rules.iter().flat_map(|rule| of_rule(rule, catalogue)).collect()
}

fn of_rule(rule: &Rule, catalogue: Catalogue<'_>) -> Vec<Inhibition> {
    let own: Vec<Severity> = Severity::ALL.into_iter().filter(|severity| rule.policy.severities[*severity]).collect();
    // where labels decide on the severity, nothing has two of them
    if !rule.severity_by_label.is_empty() {
        return Vec::new();
    }
    let labels = labels_of(&rule.expr, catalogue).names();
    let equal: BTreeSet<String> = labels.into_iter().chain(SCRAPED).map(str::to_owned).collect();
    let name = format!("alertname=\"{}\"", rule.name);
    let inhibition = |at: usize, severity: &Severity| {
        let milder: Vec<&str> = own.iter().take(at).rev().map(|severity| severity.name()).collect();
        Inhibition {
            source_matchers: [name.clone(), format!("severity=\"{severity}\"")],
            target_matchers: [name.clone(), format!("severity=~\"{}\"", milder.join("|"))],
            equal: equal.clone(),
        }
    };
    own.iter().enumerate().skip(1).rev().map(|(at, severity)| inhibition(at, severity)).collect()
}
