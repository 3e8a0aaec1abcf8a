//! From what became of the alerts to what people are told: acknowledgements that end, what withholds, the plan of messages.
//! Alerts are stored here, after all of them are known, for one may be a consequence of another.

use std::collections::BTreeMap;

use super::compose::{self, Content};
use super::judge::Stepped;
use super::own;
use super::reach;
use super::respond::{self, decide::Decider};
use crate::alert::hold::{Reasons, counts_as_cause};
use crate::alert::message::{self, Occasion};
use crate::alert::route::{self, Attention, Plan, Subject};
use crate::alert::routes::Flapping;
use crate::alert::step::Step;
use crate::collect;
use crate::config::Config;
use crate::model::alert::{Ack, Alert, AlertKey, Deed, DeedKind, Event, Transition};
use crate::model::delivery::Queued;
use crate::model::hold::{Fired, Hold};
use crate::model::message::{Kind, Texts};
use crate::model::response::Run;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::{self, Rule};
use crate::store::alerts::AlertId;
use crate::store::{Result, Tx};
use crate::text::units;

/// Stores every alert, queues what people are to be told of it, and says what happened.
pub fn tell(tx: &Tx<'_>, config: &Config, stepped: Vec<Stepped<'_>>, tick: Time, real: Time) -> Result<Vec<Event>> {
    let alerts = || stepped.iter().filter_map(|stepped| stepped.step.alert.as_ref());
    let open: Vec<(AlertKey, bool)> = alerts().map(|alert| (alert.key.clone(), counts_as_cause(alert))).collect();
    let flapping = config.routes.flapping.filter(|_| alerts().any(|alert| alert.severity().is_some()));
    let fired =
        flapping.map_or_else(|| Ok(BTreeMap::new()), |flapping| tx.fired_between(tick - flapping.within, tick))?;
    let silences = tx.silences(real)?;
    let reasons =
        Reasons { maintenance: &config.maintenance, silences: &silences, open: &open, routes: &config.routes };
    let runs = if config.responses.is_empty() { BTreeMap::new() } else { tx.runs_of_open_alerts()? };
    let teller = Teller { tx, config, tick, real, reasons, fired, queued: tx.queued()?, runs };
    let mut events = Vec::new();
    for Stepped { rule, id, step } in stepped {
        events.extend(teller.one(rule, id, step)?);
    }
    Ok(events)
}

struct Teller<'a> {
    tx: &'a Tx<'a>,
    config: &'a Config,
    tick: Time,
    real: Time,
    reasons: Reasons<'a>,
    fired: BTreeMap<AlertKey, Fired>,
    queued: BTreeMap<AlertId, Vec<Queued>>,
    runs: BTreeMap<AlertId, Vec<Run>>,
}

/// What a firing alert asks for, and what has to be said of it beside its state.
struct Standing {
    attention: Attention,
    remarks: Vec<String>,
    /// Those about responses.
    responses: Vec<String>,
    deeds: Vec<Deed>,
}

impl Teller<'_> {
    fn one(&self, rule: Option<&Rule>, id: Option<AlertId>, step: Step) -> Result<Option<Event>> {
        let Step { alert, transition, next } = step;
        let Some(mut alert) = alert else {
            // it was pending and never fired: there is nothing to remember
            return id.map_or(Ok(None), |id| self.tx.forget_alert(id).map(|()| None));
        };
        let mut standing = self.stand(rule, &mut alert);
        let id = self.tx.save_alert(id, &mut alert)?;
        for deed in &standing.deeds {
            self.tx.put_deed(id, deed)?;
        }
        standing.responses = self.respond(rule, id, &alert, transition)?;
        let severity = transition.map(Transition::severity).or_else(|| alert.severity());
        let plan = severity.map(|severity| self.plan(id, &alert, severity, standing.attention)).unwrap_or_default();
        self.tx.supersede(&plan.supersede, self.real)?;
        let mut event = None;
        if let Some(severity) = severity.filter(|_| transition.is_some() || !plan.tell.is_empty()) {
            let texts = rule.map_or_else(|| compose::removed(&alert), |rule| rule.texts(&alert, severity));
            let texts = Texts { cause: cause(self.tx, self.config, &alert, self.tick)?, ..texts };
            self.queue(&plan, (id, &alert), severity, &texts, &standing)?;
            if let Some(transition) = transition {
                self.tx.put_transition(id, self.tick, transition, alert.value, None)?;
                event = Some(Event { alert, transition, summary: texts.summary, told: plan.tell.len() });
            }
        }
        if let Some(mut next) = next {
            self.tx.save_alert(None, &mut next)?;
        }
        Ok(event)
    }

    /// Ends an acknowledgement whose time is over and finds what withholds; both are kept in the alert.
    fn stand(&self, rule: Option<&Rule>, alert: &mut Alert) -> Standing {
        let mut standing =
            Standing { attention: Attention::Given, remarks: Vec::new(), responses: Vec::new(), deeds: Vec::new() };
        let Some(severity) = alert.severity() else {
            alert.hold = None;
            return standing;
        };
        standing.attention = self.attention(rule, alert, severity, &mut standing);
        let fired = self.fired_with(alert);
        let mut causes = rule.map_or_else(Vec::new, |rule| rule.depends_on.clone());
        causes.extend(rule.and_then(|rule| reach::cause(self.config, rule, &alert.key, self.tick)));
        let hold = self.reasons.of(alert, &causes, Some(fired), self.tick);
        let before = alert.hold.take();
        if let (Some(before), None) = (&before, &hold) {
            standing.remarks.push(format!("Withheld until now: {before}."));
        }
        standing.deeds.extend(turn(before.as_ref(), hold.as_ref()).map(|(kind, text)| self.deed(kind, text)));
        if alert.began() == Some(self.tick) {
            standing.remarks.extend(self.config.routes.flapping.and_then(|flapping| restless(flapping, fired)));
        }
        alert.hold = hold;
        standing
    }

    /// How often it fired lately; an episode that begins now is not stored yet.
    fn fired_with(&self, alert: &Alert) -> Fired {
        let stored = self.fired.get(&alert.key).copied().unwrap_or_default();
        Fired { times: stored.times + u32::from(alert.number.is_none()), ..stored }
    }

    fn deed(&self, kind: DeedKind, text: String) -> Deed {
        Deed { at: self.tick, kind, who: String::new(), text }
    }

    fn attention(
        &self,
        rule: Option<&Rule>,
        alert: &mut Alert,
        severity: Severity,
        standing: &mut Standing,
    ) -> Attention {
        let Some(ack) = &alert.ack else {
            // what is later was before the clock went back
            alert.unacked = alert.unacked.map(|unacked| unacked.min(self.tick));
            return Attention::Wanted { since: alert.unacked.max(alert.began()).unwrap_or(self.tick) };
        };
        let (why, attention) = if severity > ack.severity {
            let why = format!("it rose to {severity} since {} acknowledged it at {}", ack.who, ack.severity);
            (why, Attention::Wanted { since: self.tick })
        } else if let Some(worse) = rule.and_then(|rule| worse(rule, ack, alert.value)) {
            (format!("it got worse since {} acknowledged it: {worse}", ack.who), Attention::Worse)
        } else {
            return Attention::Given;
        };
        standing.remarks.push(format!("The acknowledgement is over: {why}."));
        standing.deeds.push(self.deed(DeedKind::AckEnded, why));
        alert.ack = None;
        alert.unacked = Some(self.tick);
        attention
    }

    /// Decides what is run; the remarks about it.
    fn respond(
        &self,
        rule: Option<&Rule>,
        id: AlertId,
        alert: &Alert,
        transition: Option<Transition>,
    ) -> Result<Vec<String>> {
        let Some(rule) = rule.filter(|_| !self.config.responses.is_empty()) else { return Ok(Vec::new()) };
        let told = || {
            let raised = matches!(transition, Some(Transition::Raised(..)));
            let (kind, severity) =
                (if raised { Kind::Raised } else { Kind::Firing }, alert.severity().unwrap_or(Severity::Low));
            let texts = Texts { cause: cause(self.tx, self.config, alert, self.tick)?, ..rule.texts(alert, severity) };
            let occasion = Occasion { kind, severity, first_word: false, at: self.tick, remarks: &[] };
            Ok(message::build(&occasion, alert, texts, &self.config.identity))
        };
        let decider = Decider { tx: self.tx, config: self.config, tick: self.tick, real: self.real };
        decider.decide(rule, (id, alert), transition, self.runs_of(id), told)
    }

    fn runs_of(&self, id: AlertId) -> &[Run] {
        self.runs.get(&id).map_or(&[], Vec::as_slice)
    }

    fn queued_for(&self, id: AlertId) -> &[Queued] {
        self.queued.get(&id).map_or(&[], Vec::as_slice)
    }

    /// What is to be said of an alert that fires or has ended.
    fn plan(&self, id: AlertId, alert: &Alert, severity: Severity, attention: Attention) -> Plan {
        let before = self.queued_for(id);
        let (began, hold) = (alert.began(), alert.hold.as_ref());
        let subject = Subject { rule: &alert.key.rule, severity, began, before, hold, acked: alert.ack.is_some() };
        let routes = own::routes(alert, &self.config.routes);
        let mut plan = route::plan(&subject, &routes, self.tick);
        route::remind(&mut plan, &subject, attention, &routes, self.tick);
        if let Some(failed) = respond::last_failure(self.runs_of(id)) {
            route::report(&mut plan, &subject, &routes, failed, self.tick);
        }
        plan
    }

    fn queue(
        &self,
        plan: &Plan,
        (id, alert): (AlertId, &Alert),
        severity: Severity,
        texts: &Texts,
        standing: &Standing,
    ) -> Result<()> {
        let (runs, before) = (self.runs_of(id), self.queued_for(id));
        let (responses, remarks) = (&standing.responses, &standing.remarks);
        let content = Content { id, alert, severity, texts, runs, before, responses, remarks, at: self.tick };
        compose::enqueue(self.tx, &self.config.identity, &content, &plan.tell, self.real)
    }
}

/// Why the probe, source or canister behind an alert failed last, or what a look at the bridge found, as the source
/// remembers it; of the monitor's own alerts, what it knows.
pub fn cause(tx: &Tx<'_>, config: &Config, alert: &Alert, tick: Time) -> Result<Option<String>> {
    if let Some(cause) = own::cause(tx, alert)? {
        return Ok(Some(cause));
    }
    if alert.ended.is_some() {
        return Ok(None);
    }
    let labels = &alert.key.labels;
    if let Some(canister) = labels.get("canister") {
        let memory = tx.memory(collect::icp::NAME)?;
        return Ok(memory.as_ref().and_then(|memory| collect::icp::why(memory, canister)).map(str::to_owned));
    }
    let probe = labels.get("probe").map(collect::probe::source_name);
    let source = probe.or_else(|| labels.get("source").map(str::to_owned));
    let of_bridge = || {
        let rule = config.rules.iter().find(|rule| rule.name == alert.key.rule)?;
        let needs = rules::needs([&rule.expr], tick);
        let metric = needs.into_iter().find_map(|need| need.metric)?;
        collect::catalogue::bridge_source(&metric).map(str::to_owned)
    };
    let Some(source) = source.or_else(of_bridge) else { return Ok(None) };
    let memory = tx.memory(&source)?;
    Ok(memory.as_ref().and_then(collect::why).map(str::to_owned))
}

/// How much worse than acknowledged, in words, where that is enough to end the acknowledgement.
fn worse(rule: &Rule, ack: &Ack, value: Option<f64>) -> Option<String> {
    let (by, then, now) = (rule.worse_by?, ack.value?, value?);
    let growth = if rule.policy.lower_is_worse { then - now } else { now - then };
    let is_worse = growth > 0.0 && growth >= by;
    is_worse.then(|| format!("{}, now {}", rule.value_text(then), rule.value_text(now)))
}

/// What changes when something else than before withholds, or nothing any more.
fn turn(before: Option<&Hold>, now: Option<&Hold>) -> Option<(DeedKind, String)> {
    match (before, now) {
        (Some(before), Some(now)) if before.is_like(now) => None,
        (_, Some(now)) => Some((DeedKind::Withheld, now.to_string())),
        (Some(before), None) => Some((DeedKind::Released, format!("no longer {before}"))),
        (None, None) => None,
    }
}

/// The word about an alert that comes and goes.
fn restless(flapping: Flapping, fired: Fired) -> Option<String> {
    let (times, within) = (fired.times, units::duration(flapping.within));
    (times >= flapping.fires)
        .then(|| format!("It fired {times} times in {within}; while it goes on so, not each time is told."))
}

#[cfg(test)]
mod tests;
