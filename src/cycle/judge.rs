//! Rules on the stored samples, and what their word does to the alerts. Runs inside the cycle's one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::own;
use crate::alert::message;
use crate::alert::route;
use crate::alert::step::{self, Now, Step};
use crate::alert::words::{Heard, Open, words};
use crate::collect;
use crate::config::Config;
use crate::model::alert::{Alert, AlertKey, Event, Transition};
use crate::model::labels::Labels;
use crate::model::message::Texts;
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
    let bench = Bench { tx, config, now, real };
    let mut judged = Judged::default();
    for rule in &config.rules {
        let alerts = open.remove(&rule.name).unwrap_or_default();
        let judgement = rules::judge(rule, &windows, now.tick);
        judged.blind |= is_blind(&judgement);
        if let Judgement::Failed(why) = &judgement {
            judged.failed.push((rule.name.clone(), why.clone()));
        }
        for (labels, previous, heard) in words(judgement, alerts, rule.policy.no_data) {
            judged.events.extend(bench.step(rule, labels, previous, &heard)?);
        }
    }
    for (id, alert) in open.into_values().flat_map(BTreeMap::into_values) {
        let step = step::remove(alert, now.tick);
        judged.events.extend(bench.keep(None, Some(id), step)?);
    }
    Ok(judged)
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

/// What judging works with.
struct Bench<'a> {
    tx: &'a Tx<'a>,
    config: &'a Config,
    now: Now,
    real: Time,
}

impl Bench<'_> {
    fn step(
        &self,
        rule: &Rule,
        labels: Labels,
        previous: Option<(AlertId, Alert)>,
        heard: &Heard,
    ) -> Result<Option<Event>> {
        let key = AlertKey { rule: rule.name.clone(), labels };
        let (id, alert) = previous.unzip();
        let step = step::step(&key, alert, heard.word(), &rule.policy, self.now);
        self.keep(Some(rule), id, step)
    }

    /// Stores the outcome of a step and queues its notifications.
    fn keep(&self, rule: Option<&Rule>, id: Option<AlertId>, step: Step) -> Result<Option<Event>> {
        let Step { alert, transition, next } = step;
        let Some(mut alert) = alert else {
            // it was pending and never fired: there is nothing to remember
            return id.map_or(Ok(None), |id| self.tx.forget_alert(id).map(|()| None));
        };
        let id = self.tx.save_alert(id, &mut alert)?;
        let event = transition.map(|transition| self.tell(rule, id, alert, transition)).transpose()?;
        if let Some(mut next) = next {
            self.tx.save_alert(None, &mut next)?;
        }
        Ok(event)
    }

    /// Why the probe or source behind an alert failed last, or what a look at the bridge found, as the source remembers it;
    /// of the monitor's own alerts, what it knows.
    fn cause(&self, rule: Option<&Rule>, alert: &Alert) -> Result<Option<String>> {
        if let Some(cause) = own::cause(self.tx, alert)? {
            return Ok(Some(cause));
        }
        if alert.ended.is_some() {
            return Ok(None);
        }
        let labels = &alert.key.labels;
        let probe = labels.get("probe").map(collect::probe::source_name);
        let source = probe.or_else(|| labels.get("source").map(str::to_owned));
        let of_bridge = || {
            let needs = rules::needs([&rule?.expr], self.now.tick);
            let metric = needs.into_iter().find_map(|need| need.metric)?;
            collect::catalogue::bridge_source(&metric).map(str::to_owned)
        };
        let Some(source) = source.or_else(of_bridge) else { return Ok(None) };
        let memory = self.tx.memory(&source)?;
        Ok(memory.as_ref().and_then(collect::why).map(str::to_owned))
    }

    fn tell(&self, rule: Option<&Rule>, id: AlertId, alert: Alert, transition: Transition) -> Result<Event> {
        self.tx.put_transition(id, self.now.tick, transition, alert.value, None)?;
        let mut texts = rule.map_or_else(|| removed(&alert), |rule| rule.texts(&alert, transition));
        texts.cause = self.cause(rule, &alert)?;
        let routes = own::routes(&alert, &self.config.routes);
        let plan = route::plan(transition, &self.tx.deliveries_of(id)?, &routes);
        self.tx.supersede(&plan.supersede, self.real)?;
        for telling in &plan.tell {
            let identity = &self.config.identity;
            let severity = transition.severity();
            let at = self.now.tick;
            let message =
                message::build(telling.kind, severity, &alert, texts.clone(), identity, at, telling.first_word);
            self.tx.enqueue(Some(id), &telling.to, &message, self.real)?;
        }
        Ok(Event { alert, transition, summary: texts.summary, told: plan.tell.len() })
    }
}

/// The words about an alert whose rule is no longer there to find any.
fn removed(alert: &Alert) -> Texts {
    Texts { summary: format!("{}: the rule is no longer configured", alert.key), ..Texts::default() }
}

#[cfg(test)]
mod tests;
