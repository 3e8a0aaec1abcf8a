//! Rules on the stored samples, and what their word does to the alerts. Runs inside the cycle's one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::alert::message::{self, Texts};
use crate::alert::route;
use crate::alert::step::{self, Now, Step, Word};
use crate::collect;
use crate::config::Config;
use crate::model::alert::{Alert, AlertKey, Event, Transition};
use crate::model::labels::Labels;
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Missing, NoData, Says};
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
    let windows =
        Windows::new(tx.windows(&rules::needs(config.rules.iter().map(|rule| &rule.expr), now.tick), now.tick)?);
    let mut open = open_by_rule(tx)?;
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

/// Alerts of one rule that have not ended, by their labels.
type Open = BTreeMap<Labels, (AlertId, Alert)>;

fn open_by_rule(tx: &Tx<'_>) -> Result<BTreeMap<Arc<str>, Open>> {
    let mut open: BTreeMap<Arc<str>, Open> = BTreeMap::new();
    for (id, alert) in tx.open_alerts()? {
        open.entry(alert.key.rule.clone()).or_default().insert(alert.key.labels.clone(), (id, alert));
    }
    Ok(open)
}

/// What one label set hears from its rule.
#[derive(Clone)]
enum Heard {
    Says(Says),
    Missing(Missing),
}

/// A label set, its alert if there is one, and the word for it.
type Addressed = (Labels, Option<(AlertId, Alert)>, Heard);

/// Hands each label set its word: those with a verdict, and those with an alert that got none. Where a rule with
/// `no_data = "fire"` sees nothing at all, the empty label set stands in for what is missing.
fn words(judgement: Judgement, mut open: Open, no_data: NoData) -> Vec<Addressed> {
    let (verdicts, rest) = match judgement {
        // an expression that cannot be evaluated is as blind as one whose data is missing
        Judgement::Failed(why) => (Vec::new(), Heard::Says(Says::Unknown(Reason::new(why)))),
        Judgement::Unknown(reason) => (Vec::new(), Heard::Says(Says::Unknown(reason))),
        Judgement::Judged { verdicts, missing } => (verdicts, Heard::Missing(missing)),
    };
    let nothing = verdicts.is_empty();
    let mut words = Vec::new();
    for verdict in verdicts {
        let previous = open.remove(&verdict.labels);
        words.push((verdict.labels, previous, Heard::Says(verdict.says)));
    }
    if nothing && open.is_empty() && no_data == NoData::Fire {
        words.push((Labels::empty(), None, rest.clone()));
    }
    words.extend(open.into_iter().map(|(labels, previous)| {
        // the stand-in has done its part as soon as there is something again
        let is_over = labels.is_empty() && !nothing;
        let heard = if is_over { Heard::Missing(Missing::FalseOrGone) } else { rest.clone() };
        (labels, Some(previous), heard)
    }));
    words
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
        let word = match heard {
            Heard::Says(says) => Word::Says(says),
            Heard::Missing(missing) => Word::Missing(*missing),
        };
        let (id, alert) = previous.unzip();
        let step = step::step(&key, alert, word, &rule.policy, self.now);
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

    /// Why the probe of an alert failed last, as its source remembers it.
    fn cause(&self, alert: &Alert) -> Result<Option<String>> {
        let Some(probe) = alert.key.labels.get("probe").filter(|_| alert.ended.is_none()) else { return Ok(None) };
        let memory = self.tx.memory(&collect::probe::source_name(probe))?;
        Ok(memory.as_ref().and_then(collect::probe::why).map(str::to_owned))
    }

    fn tell(&self, rule: Option<&Rule>, id: AlertId, alert: Alert, transition: Transition) -> Result<Event> {
        self.tx.put_transition(id, self.now.tick, transition, alert.value, None)?;
        let mut texts = rule.map_or_else(|| removed(&alert), |rule| texts(rule, &alert, transition));
        texts.cause = self.cause(&alert)?;
        let plan = route::plan(transition, &self.tx.deliveries_of(id)?, &self.config.routes);
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

fn texts(rule: &Rule, alert: &Alert, transition: Transition) -> Texts {
    let (labels, severity) = (&alert.key.labels, transition.severity());
    let summary = rule.summary(labels, alert.value, severity);
    // the sentence of a condition says what is wrong, and now it is not
    let is_over = matches!(transition, Transition::Resolved(..)) && rule.is_condition();
    Texts {
        summary: if is_over { format!("No longer: {summary}") } else { summary },
        value: alert.value.map(|value| rule.value_text(value)),
        limit: Some(rule.limit_text(severity)),
        worst: alert.worst.map(|value| rule.value_text(value)),
        action: rule.action(labels, alert.value, severity),
        runbook_url: rule.runbook_url.clone(),
        cause: None,
    }
}

/// The words about an alert whose rule is no longer there to find any.
fn removed(alert: &Alert) -> Texts {
    Texts { summary: format!("{}: the rule is no longer configured", alert.key), ..Texts::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(judgement: Judgement, open: &[&str], no_data: NoData) -> Vec<String> {
        let alert = |labels: &Labels| {
            let key = AlertKey { rule: "R".into(), labels: labels.clone() };
            let says = Says::Unknown(Reason::TIMEOUT);
            let policy = crate::model::verdict::Policy {
                no_data: NoData::Fire,
                severities: crate::model::severity::BySeverity::from_fn(|_| true),
                ..Default::default()
            };
            let now = Now { tick: Time::from_millis(0), passage: step::Passage::Ordinary };
            step::step(&key, None, Word::Says(&says), &policy, now).alert.unwrap()
        };
        let open = open
            .iter()
            .map(|mount| Labels::new([("mount", *mount)]))
            .map(|labels| (labels.clone(), (AlertId(1), alert(&labels))))
            .collect();
        words(judgement, open, no_data)
            .into_iter()
            .map(|(labels, previous, heard)| {
                let heard = match heard {
                    Heard::Says(Says::Unknown(reason)) => format!("unknown {reason}"),
                    Heard::Says(Says::Measured { value, .. }) => format!("measured {value}"),
                    Heard::Missing(missing) => format!("{missing:?}"),
                };
                format!("{labels:?} {} {heard}", if previous.is_some() { "open" } else { "new" })
            })
            .collect()
    }

    fn judged(mounts: &[&str]) -> Judgement {
        let verdict = |mount: &&str| crate::model::verdict::Verdict {
            labels: Labels::new([("mount", *mount)]),
            says: Says::Measured { value: 1.0, levels: crate::model::severity::BySeverity::default() },
        };
        Judgement::Judged { verdicts: mounts.iter().map(verdict).collect(), missing: Missing::Gone }
    }

    #[test]
    fn every_label_set_hears_its_word() {
        let unknown = || Judgement::Unknown(Reason::TIMEOUT);
        assert_eq!(
            told(judged(&["/", "/a"]), &["/a", "/b"], NoData::Hold),
            [r#"{mount="/"} new measured 1"#, r#"{mount="/a"} open measured 1"#, r#"{mount="/b"} open Gone"#]
        );
        assert_eq!(told(unknown(), &["/a"], NoData::Hold), [r#"{mount="/a"} open unknown timeout"#]);
        assert_eq!(told(unknown(), &[], NoData::Hold), [] as [&str; 0]);
        assert_eq!(
            told(Judgement::Failed("twice".to_owned()), &["/a"], NoData::Hold),
            [r#"{mount="/a"} open unknown twice"#]
        );
        assert_eq!(told(unknown(), &[], NoData::Fire), ["{} new unknown timeout"]);
        assert_eq!(told(judged(&[]), &[], NoData::Fire), ["{} new Gone"]);
        assert_eq!(told(judged(&["/"]), &[""], NoData::Fire), [r#"{mount="/"} new measured 1"#, "{} open FalseOrGone"]);
    }
}
