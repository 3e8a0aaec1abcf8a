//! Samples and rules -> a timeline: what live cycles would have done, in memory and sending nothing.
//!
//! It is the one engine behind `rules test` and whatever else looks at rules through time. It judges, steps and routes
//! with the very functions that a live cycle uses; only its keeper differs: the alerts stand in a map instead of the
//! database, and what people are told counts as delivered at once.

pub mod backtest;
pub mod episodes;
pub mod export;
pub mod hint;
pub mod story;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::alert::message::{self, Identity, Occasion};
use crate::alert::route::{self, Subject, Telling};
use crate::alert::routes::Routes;
use crate::alert::step::{self, Now, Step};
use crate::alert::tick::{self, Last};
use crate::alert::words::{Heard, Open, words};
use crate::model::alert::{Alert, AlertKey, Transition};
use crate::model::delivery::{Queued, State};
use crate::model::labels::Labels;
use crate::model::message::Message;
use crate::model::reading::Reason;
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Says};
use crate::rules::{self, Rule, Windows};

/// Rules on their way through time.
pub struct Replay<'a> {
    rules: &'a [Rule],
    routes: &'a Routes,
    identity: &'a Identity,
    interval: Duration,
    last: Option<Last>,
    open: BTreeMap<Arc<str>, Open<Told>>,
    /// The number of the last alert that fired.
    numbers: u64,
}

/// What people have been told of one alert.
type Told = Vec<Queued>;

/// Something that happened at a tick.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The alert after it; of one that was pending and is fine again, the alert before it.
    pub alert: Alert,
    /// What happened.
    pub what: What,
    /// What people are told of it.
    pub messages: Vec<Message>,
    /// Who is told, in the order of `messages`.
    pub told: Vec<Telling>,
}

/// What can happen to an alert.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// It became true, not yet for long enough.
    Pending,
    /// It was pending and is no longer true.
    Forgotten,
    /// It fired, was raised, eased or resolved.
    Transition(Transition),
    /// It can no longer be judged, and holds.
    Unknown(Reason),
    /// It can be judged again, and nothing else changed.
    Known,
}

/// What one tick brought.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Moment {
    /// What happened to which alert, in order of the rules and of their labels.
    pub changes: Vec<Change>,
    /// Rules whose expression could not be evaluated, with the reason.
    pub failed: Vec<(Arc<str>, String)>,
}

impl<'a> Replay<'a> {
    /// Nothing is open yet.
    pub fn new(rules: &'a [Rule], routes: &'a Routes, identity: &'a Identity, interval: Duration) -> Self {
        Self { rules, routes, identity, interval, last: None, open: BTreeMap::new(), numbers: 0 }
    }

    /// Goes on to the cycle that started at `at`. A second cycle in one tick does nothing.
    pub fn tick(&mut self, at: Time, data: &mut Windows) -> Moment {
        let follows = tick::follows(at, self.last, self.interval);
        if follows.again {
            return Moment::default();
        }
        self.last = Some(Last { tick: follows.tick, started: at, interval: Some(self.interval) });
        self.cycle(Now { tick: follows.tick, passage: follows.passage }, data)
    }

    /// Goes on to a cycle of which it is known how it followed the one before.
    pub fn cycle(&mut self, now: Now, data: &mut Windows) -> Moment {
        data.set_alerts(self.open(), now.tick);
        let mut moment = Moment::default();
        for rule in self.rules {
            let judgement = rules::judge(rule, data, now.tick);
            if let Judgement::Failed(why) = &judgement {
                moment.failed.push((rule.name.clone(), why.clone()));
            }
            let open = self.open.remove(&rule.name).unwrap_or_default();
            for (labels, previous, heard) in words(judgement, open, rule.policy.no_data) {
                self.step(rule, labels, previous, &heard, now, &mut moment.changes);
            }
        }
        moment
    }

    /// The alerts that are not over: pending and firing.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values().flat_map(BTreeMap::values).map(|(_, alert)| alert)
    }

    fn step(
        &mut self,
        rule: &Rule,
        labels: Labels,
        previous: Option<(Told, Alert)>,
        heard: &Heard,
        now: Now,
        changes: &mut Vec<Change>,
    ) {
        let key = AlertKey { rule: rule.name.clone(), labels };
        let (told, before) = previous.unzip();
        let told = told.unwrap_or_default();
        let Step { alert, transition, next } = step::step(&key, before.clone(), heard.word(), &rule.policy, now);
        match (alert, transition) {
            (Some(alert), Some(transition)) => changes.push(self.tell(rule, alert, transition, told, now.tick)),
            (Some(alert), None) => {
                changes.extend(quiet(before.as_ref(), &alert).map(|what| Change::quiet(alert.clone(), what)));
                self.keep(told, alert);
            }
            (None, _) => {
                // what is fine again has the value that made it so
                let fine = |before| Change::quiet(Alert { value: value(heard), ..before }, What::Forgotten);
                changes.extend(before.map(fine));
            }
        }
        if let Some(next) = next {
            changes.push(Change::quiet(next.clone(), What::Pending));
            self.keep(Vec::new(), next);
        }
    }

    fn keep(&mut self, told: Told, alert: Alert) {
        if alert.ended.is_none() {
            let open = self.open.entry(alert.key.rule.clone()).or_default();
            open.insert(alert.key.labels.clone(), (told, alert));
        }
    }

    fn tell(&mut self, rule: &Rule, mut alert: Alert, transition: Transition, mut told: Told, at: Time) -> Change {
        if alert.number.is_none() {
            self.numbers += 1;
            alert.number = Some(self.numbers);
        }
        let severity = transition.severity();
        let texts = rule.texts(&alert, severity);
        let subject =
            Subject { rule: &rule.name, severity, began: alert.began(), before: &told, hold: None, acked: false };
        let plan = route::plan(&subject, self.routes, at);
        let build = |telling: &Telling| {
            let Telling { kind, first_word, .. } = *telling;
            let occasion = Occasion { kind, severity, first_word, at, remarks: &[] };
            message::build(&occasion, &alert, texts.clone(), self.identity)
        };
        let messages: Vec<Message> = plan.tell.iter().map(build).collect();
        told.extend(plan.tell.iter().zip(&messages).map(|(telling, message)| delivered(telling, message, at)));
        self.keep(told, alert.clone());
        Change { alert, what: What::Transition(transition), messages, told: plan.tell }
    }
}

impl Change {
    fn quiet(alert: Alert, what: What) -> Self {
        Self { alert, what, messages: Vec::new(), told: Vec::new() }
    }
}

/// What happened to an alert without a transition, if anything did.
fn quiet(before: Option<&Alert>, after: &Alert) -> Option<What> {
    let Some(before) = before else { return Some(What::Pending) };
    match (&before.unknown, &after.unknown) {
        (None, Some((_, reason))) => Some(What::Unknown(reason.clone())),
        (Some(_), None) => Some(What::Known),
        _ => None,
    }
}

/// The value that was measured, if one was.
const fn value(heard: &Heard) -> Option<f64> {
    match heard {
        Heard::Says(Says::Measured { value, .. }) => Some(*value),
        Heard::Says(Says::Unknown(_)) | Heard::Missing(_) => None,
    }
}

/// A delivery that went through at once.
fn delivered(telling: &Telling, message: &Message, at: Time) -> Queued {
    let (kind, severity) = (message.kind, message.severity);
    Queued { id: 0, to: telling.to.clone(), kind, severity, state: State::Sent, maybe_repeat: false, at, created: at }
}
