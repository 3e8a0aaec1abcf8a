//! How rules stand: a row for each rule and label set, from what the rule says now and the alerts that are open.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::snapshot::{Row, Standing};
use crate::model::alert::Alert;
use crate::model::labels::Labels;
use crate::model::reading::Reason;
use crate::model::severity::Severity;
use crate::model::verdict::{Judgement, Level, Says};
use crate::rules::Rule;
use crate::store::alerts::AlertId;

/// Alerts that are not over, by rule and labels.
pub type Open = BTreeMap<(Arc<str>, Labels), (AlertId, Alert)>;

/// Whether somebody is at an alert, and what keeps people from being told, in few words.
fn aside(alert: &Alert) -> Option<String> {
    let ack = alert.ack.as_ref().map(|ack| format!("acked by {}", ack.who));
    let words: Vec<String> = ack.into_iter().chain(alert.hold.as_ref().map(|hold| hold.name().to_owned())).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// How a rule stands with each of its label sets.
pub fn rows_of(rule: &Rule, judgement: Judgement, open: &Open) -> Vec<Row> {
    let blind = |reason: Reason| {
        if reason.is_benign() { Standing::Waiting(reason) } else { Standing::Unknown(reason) }
    };
    let row = |labels: Labels, standing: Standing, value: Option<f64>| {
        let alert = open.get(&(rule.name.clone(), labels.clone())).map(|(_, alert)| alert);
        let severity = alert.and_then(Alert::severity);
        let blind = match &standing {
            Standing::Unknown(reason) => Some(reason.clone()),
            _ => None,
        };
        let standing = match (severity, alert, standing) {
            (Some(severity), ..) => Standing::Firing(severity),
            (None, Some(_), Standing::Fine) => Standing::Pending,
            (None, _, standing) => standing,
        };
        // what is fine is held against the first limit that it would reach
        let mildest = || rule.policy.severities.iter().find(|(_, has)| **has).map(|(severity, _)| severity);
        let shown = severity.or_else(mildest).unwrap_or(Severity::Low);
        Row {
            rule: rule.name.clone(),
            value,
            value_text: value.map(|value| rule.value_beside(value, shown)),
            limit_text: rule.limit_text(shown),
            since: alert.map(Alert::stands_since),
            number: alert.and_then(|alert| alert.number),
            aside: alert.and_then(aside),
            labels,
            standing,
            blind,
        }
    };
    // what the label sets hear that have no verdict of their own: the rule as a whole, or nothing
    let (mut rows, rest): (Vec<Row>, _) = match judgement {
        Judgement::Judged { verdicts, .. } => {
            let each = verdicts.into_iter().map(|verdict| match verdict.says {
                Says::Measured { value, levels } => {
                    // what was measured after its tick was judged waits for the next one, and is not fine meanwhile
                    let is_bad = levels.iter().any(|(_, level)| *level == Level::Beyond);
                    row(verdict.labels, if is_bad { Standing::Pending } else { Standing::Fine }, Some(value))
                }
                Says::Unknown(reason) => row(verdict.labels, blind(reason), None),
            });
            (each.collect(), None)
        }
        Judgement::Unknown(reason) => (Vec::new(), Some(blind(reason))),
        Judgement::Failed(why) => (Vec::new(), Some(Standing::Unknown(Reason::new(why)))),
    };
    // an alert that is open is never left out: it may be held, kept firing, or stand for what is no longer there
    let judged: HashSet<Labels> = rows.iter().map(|row| row.labels.clone()).collect();
    let own = open.range((rule.name.clone(), Labels::empty())..).map(|(key, _)| key);
    let others = own.take_while(|(name, _)| *name == rule.name).filter(|(_, labels)| !judged.contains(labels));
    rows.extend(others.map(|(_, labels)| row(labels.clone(), rest.clone().unwrap_or(Standing::Fine), None)));
    if let (true, Some(rest)) = (rows.is_empty(), rest) {
        rows.push(row(Labels::empty(), rest, None));
    }
    rows
}
