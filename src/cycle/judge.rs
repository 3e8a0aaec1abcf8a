//! Rules on the stored samples, and what their word does to the alerts; [`tell`] goes on from there. Runs inside the cycle's
//! one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tell;
use crate::alert::step::{self, Now, Step};
use crate::alert::words::{Open, words};
use crate::config::Config;
use crate::model::alert::{AlertKey, Event};
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Says};
use crate::rules::{self, Rule, Windows};
use crate::store::alerts::AlertId;
use crate::store::{Result, Tx};

/// What judging changed.
#[derive(Debug, Default)]
pub struct Judged {
    /// What happened to which alert, in order of the rules.
    pub events: Vec<Event>,
    /// Rules whose expression could not be evaluated, with the reason.
    pub failed: Vec<(Arc<str>, String)>,
    /// Whether anything could not be judged that should have been; a first measurement that is missing is in order.
    pub blind: bool,
}

/// Steps every alert with what the rules say at this tick, and queues what people are to be told.
pub fn judge(tx: &Tx<'_>, config: &Config, now: Now, real: Time) -> Result<Judged> {
    let needs = rules::needs(config.rules.iter().flat_map(Rule::exprs), now.tick);
    let mut windows = Windows::new(tx.windows(&needs, now.tick)?);
    let mut open = open_by_rule(tx)?;
    let alerts = open.values().flat_map(BTreeMap::values).map(|(_, alert)| alert);
    windows.set_alerts(alerts, now.tick);
    let mut judged = Judged::default();
    let mut stepped = Vec::new();
    for rule in &config.rules {
        let alerts = open.remove(&rule.name).unwrap_or_default();
        let judgement = rules::judge(rule, &windows, now.tick);
        judged.blind |= is_blind(&judgement);
        if let Judgement::Failed(why) = &judgement {
            judged.failed.push((rule.name.clone(), why.clone()));
        }
        for (labels, previous, heard) in words(judgement, alerts, rule.policy.no_data) {
            let key = AlertKey { rule: rule.name.clone(), labels };
            let (id, alert) = previous.unzip();
            stepped.push(Stepped {
                rule: Some(rule),
                id,
                step: step::step(&key, alert, heard.word(), &rule.policy, now),
            });
        }
    }
    for (id, alert) in open.into_values().flat_map(BTreeMap::into_values) {
        stepped.push(Stepped { rule: None, id: Some(id), step: step::remove(alert, now.tick) });
    }
    judged.events = tell::tell(tx, config, stepped, now.tick, real)?;
    Ok(judged)
}

/// What a rule's word made of an alert.
pub struct Stepped<'a> {
    /// The rule, unless it is no longer there.
    pub rule: Option<&'a Rule>,
    /// The alert's row, where it has one.
    pub id: Option<AlertId>,
    /// What became of it.
    pub step: Step,
}

fn is_blind(judgement: &Judgement) -> bool {
    match judgement {
        Judgement::Failed(_) => true,
        Judgement::Unknown(reason) => !reason.is_benign(),
        Judgement::Judged { verdicts, .. } => {
            verdicts.iter().any(|verdict| matches!(&verdict.says, Says::Unknown(reason) if !reason.is_benign()))
        }
    }
}

fn open_by_rule(tx: &Tx<'_>) -> Result<BTreeMap<Arc<str>, Open<AlertId>>> {
    let mut open: BTreeMap<Arc<str>, Open<AlertId>> = BTreeMap::new();
    for (id, alert) in tx.open_alerts()? {
        open.entry(alert.key.rule.clone()).or_default().insert(alert.key.labels.clone(), (id, alert));
    }
    Ok(open)
}

#[cfg(test)]
mod tests;
