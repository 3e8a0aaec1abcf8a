//! Alerts as lines of a page: what is wrong, how bad, since when, who was told, who is at it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::delivery::{Delivery, State};
use crate::model::metric::Unit;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::{Rule, runbook};
use crate::store::alerts::AlertId;
use crate::store::{Reader, Result};
use crate::text::{safe, units};
use crate::view::page::chart::{BACKING_RATIOS, value_text};

/// How an alert stands, in the order in which people should look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// It fires and nobody is at it.
    Firing,
    /// It fires and somebody is at it.
    Acknowledged,
    /// It fires and people are not told.
    Held,
    /// It is over.
    Resolved,
}

/// Whether a channel was told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The channel.
    pub channel: String,
    /// How its last delivery stands.
    pub state: State,
    /// What was answered, where it did not go.
    pub why: Option<String>,
}

/// One alert.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Its number.
    pub number: Option<u64>,
    /// How it stands.
    pub standing: Standing,
    /// The severity now, or the highest it had.
    pub severity: Severity,
    /// Rule and labels.
    pub name: String,
    /// The rule's name alone.
    pub rule: String,
    /// What is wrong, in a sentence.
    pub cause: String,
    /// `91 % > 90 %`, or that it is not measured.
    pub value: String,
    /// The worst value, where it is another one.
    pub worst: Option<String>,
    /// Since when it fires, or fired.
    pub since: Time,
    /// When it ended.
    pub ended: Option<Time>,
    /// How long it fires so far, or fired in all.
    pub lasted: Duration,
    /// Since when nothing is measured, and why.
    pub blind: Option<(Time, String)>,
    /// Who is at it, since when, and what they say.
    pub ack: Option<(String, Time, String)>,
    /// Why people are not told.
    pub hold: Option<String>,
    /// Each channel that was to be told.
    pub told: Vec<Told>,
    /// What to do about it.
    pub action: Option<String>,
    /// Whether the runbook has a section about it.
    pub has_runbook: bool,
    /// Where more is said about it.
    pub runbook_url: Option<String>,
}

impl Line {
    /// Whether somebody should look at it: one that is LOW is for the log alone.
    pub fn needs_somebody(&self) -> bool {
        self.standing == Standing::Firing && self.severity > Severity::Low
    }

    /// The line of an alert, as it is at `now`.
    pub fn of(reader: &Reader, config: &Config, id: AlertId, alert: &Alert, now: Time) -> Result<Self> {
        let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule);
        let severity = alert.severity().or(alert.peak).unwrap_or(Severity::Low);
        let texts = rule.map(|rule| rule.texts(alert, severity));
        let end = alert.ended.map(|(at, _)| at);
        let name = safe::one_line(&alert.key.to_string());
        // of what is over the sentence is about the worst of it
        let said = if end.is_some() { alert.worst.or(alert.value) } else { alert.value };
        let gone = || "its rule is no longer configured".to_owned();
        let cause = rule.map_or_else(gone, |rule| rule.summary(&alert.key.labels, said, severity));
        Ok(Self {
            number: alert.number,
            standing: standing(alert),
            severity,
            cause: safe::one_line(&cause),
            value: value(rule, alert, severity),
            worst: worst(rule, alert),
            since: alert.stands_since(),
            ended: end,
            lasted: end.unwrap_or(now).since(alert.stands_since()),
            blind: blind(alert),
            ack: alert.ack.as_ref().map(|ack| (safe::answer(&ack.who), ack.at, safe::answer(&ack.why))),
            hold: alert.hold.as_ref().filter(|_| end.is_none()).map(|hold| safe::one_line(&hold.to_string())),
            told: told(&reader.deliveries_of(id)?),
            action: rule
                .and_then(|rule| rule.action(&alert.key.labels, alert.value, severity))
                .map(|text| safe::one_line(&text)),
            has_runbook: runbook::section(&alert.key.rule).is_some(),
            runbook_url: texts.and_then(|texts| texts.runbook_url),
            rule: safe::one_line(&alert.key.rule),
            name,
        })
    }
}

fn standing(alert: &Alert) -> Standing {
    match alert {
        Alert { ended: Some(_), .. } => Standing::Resolved,
        Alert { hold: Some(_), .. } => Standing::Held,
        Alert { ack: Some(_), .. } => Standing::Acknowledged,
        _ => Standing::Firing,
    }
}

fn blind(alert: &Alert) -> Option<(Time, String)> {
    let (since, reason) = alert.unknown.as_ref().filter(|_| alert.ended.is_none())?;
    Some((*since, safe::answer(reason.as_str())))
}

/// A value of a rule; nothing that stands against 100 % backing is rounded up.
pub fn text(rule: &Rule, value: f64) -> String {
    if rule.unit == Unit::Ratio && BACKING_RATIOS.iter().any(|ratio| rule.text.contains(ratio)) {
        return value_text(value, rule.unit, true);
    }
    rule.value_text(value)
}

fn value(rule: Option<&Rule>, alert: &Alert, severity: Severity) -> String {
    // what is not measured now has no value now, and what is over has the one that made it fire
    let shown = if alert.ended.is_some() { alert.worst.or(alert.value) } else { alert.value };
    match (rule, shown) {
        _ if alert.unknown.is_some() && alert.ended.is_none() => "not measured".to_owned(),
        (Some(rule), Some(value)) => rule.against(value, severity, text(rule, value)),
        (None, Some(value)) => units::number(value),
        (_, None) => "not measured".to_owned(),
    }
}

fn worst(rule: Option<&Rule>, alert: &Alert) -> Option<String> {
    let worst = alert.worst?;
    // what is over shows its worst value in the first place
    if alert.ended.is_some() || alert.value.is_some_and(|value| value.to_bits() == worst.to_bits()) {
        return None;
    }
    Some(rule.map_or_else(|| units::number(worst), |rule| text(rule, worst)))
}

/// Each channel once, as its newest delivery stands.
fn told(deliveries: &[Delivery]) -> Vec<Told> {
    let mut newest: BTreeMap<&str, &Delivery> = BTreeMap::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.state != State::Superseded) {
        newest.insert(&delivery.destination.channel, delivery);
    }
    let told = |(channel, delivery): (&str, &Delivery)| Told {
        channel: safe::one_line(channel),
        state: delivery.state,
        why: delivery.last_answer.as_deref().filter(|_| delivery.state != State::Sent).map(safe::answer),
    };
    newest.into_iter().map(told).collect()
}
