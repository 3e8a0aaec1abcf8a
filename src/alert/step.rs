//! The life of an alert as a pure machine.
//!
//! Each severity is a Prometheus alert of its own: inactive, pending since its first true tick, firing once it has
//! been true for `for`, and on for `keep_firing_for` after it was. The alert's severity is the highest one that fires. Two things differ from Prometheus:
//! what was not measured changes nothing (the time it lasts counts toward no `for`), and a value between `clear` and
//! the limit is true only for a severity that fires already.

use std::time::Duration;

use crate::model::alert::{Alert, AlertKey, Ended, Phase, Transition};
use crate::model::reading::Reason;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::verdict::{Level, Missing, NoData, Policy, Says};

/// What lies between the previous cycle and this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Passage {
    /// The next tick, as planned, or the first cycle ever.
    Ordinary,
    /// Nobody looked for this long: pending starts move by it.
    Gap(Duration),
    /// So long a gap, or a clock that went back, that pending starts anew.
    Anew,
}

/// One tick as the machine sees it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The tick.
    pub tick: Time,
    /// How it was reached.
    pub passage: Passage,
}

/// What the rule says of one label set now.
#[derive(Clone, Copy, Debug)]
pub enum Word<'a> {
    /// It has a verdict.
    Says(&'a Says),
    /// It had one before and has none now.
    Missing(Missing),
}

/// The outcome of one step.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Step {
    /// The alert as it is now: pending, firing or just ended; `None` when there is nothing to remember.
    pub alert: Option<Alert>,
    /// What happened to it.
    pub transition: Option<Transition>,
    /// A new episode that is pending already while the old one ends (a severity with a longer `for`).
    pub next: Option<Alert>,
}

/// What was measured, reduced to what the machine needs.
struct Measured {
    value: Option<f64>,
    levels: BySeverity<Level>,
    unknown: Option<Reason>,
    end: Ended,
}

/// Steps the alert of `key` from its previous state with what its rule says now.
pub fn step(key: &AlertKey, previous: Option<Alert>, word: Word<'_>, policy: &Policy, now: Now) -> Step {
    if previous.as_ref().is_some_and(|alert| is_early(alert, word, policy, now)) {
        return Step { alert: previous.map(|alert| warming_up(alert, now)), ..Step::default() };
    }
    match heed(word, policy) {
        Some(measured) => judged(key, previous, &measured, policy, now),
        None => Step { alert: previous.map(|alert| held(alert, word, now)), ..Step::default() },
    }
}

/// Whether it is too early to take a result that is missing for one that is gone: at the first look after a gap a rate
/// has only one sample, and the next look knows. Once only, for a rhythm that has nothing but gaps.
fn is_early(alert: &Alert, word: Word<'_>, policy: &Policy, now: Now) -> bool {
    let has_waited = alert.unknown.as_ref().is_some_and(|(_, reason)| *reason == Reason::WARMING_UP);
    let is_missing = matches!(word, Word::Missing(_)) && policy.no_data != NoData::Resolve;
    is_missing && now.passage != Passage::Ordinary && !has_waited
}

fn warming_up(mut alert: Alert, now: Now) -> Alert {
    let since = alert.unknown.take().map_or(now.tick, |(since, _)| since);
    let says = Says::Unknown(Reason::WARMING_UP);
    Alert { unknown: Some((since, Reason::WARMING_UP)), ..held(alert, Word::Says(&says), now) }
}

/// Ends an alert whose rule is no longer there.
pub fn remove(mut alert: Alert, tick: Time) -> Step {
    let Some(severity) = alert.severity() else { return Step::default() };
    end(&mut alert, Ended::RuleRemoved, tick);
    Step { alert: Some(alert), transition: Some(Transition::Resolved(severity, Ended::RuleRemoved)), next: None }
}

/// Ends an alert that fires at `severity`, because somebody says so.
pub fn close(alert: &mut Alert, severity: Severity, at: Time) -> Transition {
    end(alert, Ended::Closed, at);
    Transition::Resolved(severity, Ended::Closed)
}

/// Where a word stands against each severity's limit, as the rule's `no_data` wants it; `None` when everything stays as
/// it is.
pub fn levels(word: Word<'_>, policy: &Policy) -> Option<BySeverity<Level>> {
    heed(word, policy).map(|measured| measured.levels)
}

/// What the word means under the rule's `no_data`; `None` when everything stays as it is.
fn heed(word: Word<'_>, policy: &Policy) -> Option<Measured> {
    let blind = |unknown: Option<Reason>, end| match policy.no_data {
        NoData::Hold => None,
        NoData::Resolve => Some(Measured { value: None, levels: BySeverity::default(), unknown: None, end }),
        NoData::Fire => {
            // those that it does not have wait for nothing, and would fire before the others
            let level = |severity| if policy.severities[severity] { Level::Beyond } else { Level::Within };
            Some(Measured { value: None, levels: BySeverity::from_fn(level), unknown, end })
        }
    };
    match word {
        Word::Says(Says::Measured { value, levels }) => {
            Some(Measured { value: Some(*value), levels: *levels, unknown: None, end: Ended::Cleared })
        }
        Word::Says(Says::Unknown(reason)) => blind(Some(reason.clone()), Ended::Cleared),
        Word::Missing(missing) => {
            let end = if missing == Missing::Gone { Ended::Gone } else { Ended::Cleared };
            match policy.no_data {
                NoData::Fire if missing == Missing::Gone => blind(Some(Reason::new("no longer reported")), end),
                _ => Some(Measured { value: None, levels: BySeverity::default(), unknown: None, end }),
            }
        }
    }
}

/// Nothing was measured: the alert stays, and the time since the last tick counts toward nothing.
fn held(mut alert: Alert, word: Word<'_>, now: Now) -> Alert {
    if let Word::Says(Says::Unknown(reason)) = word {
        alert.unknown.get_or_insert_with(|| (now.tick, reason.clone()));
    }
    let blind = now.tick.since(alert.stepped);
    for severity in Severity::ALL {
        alert.phases[severity] = match alert.phases[severity] {
            Phase::Pending(since) => Phase::Pending(shifted(since, blind, now)),
            Phase::Keeping { fired, since } => Phase::Keeping { fired, since: shifted(since, blind, now) },
            phase @ (Phase::Inactive | Phase::Firing(_)) => phase,
        };
    }
    alert.stepped = now.tick;
    alert
}

fn judged(key: &AlertKey, previous: Option<Alert>, measured: &Measured, policy: &Policy, now: Now) -> Step {
    let before = previous.as_ref().and_then(Alert::severity);
    let mut alert = previous.unwrap_or_else(|| Alert::begun(key.clone(), now.tick));
    let phase = |severity| {
        let patience = Patience { before: policy.pending_for[severity], after: policy.keep_firing_for[severity] };
        next_phase(alert.phases[severity], measured.levels[severity], patience, now)
    };
    let phases = BySeverity::from_fn(phase);
    alert.stepped = now.tick;
    alert.unknown = measured.unknown.clone().map(|reason| alert.unknown.take().unwrap_or((now.tick, reason)));
    note_value(&mut alert, measured, policy);
    alert.phases = phases;
    let after = alert.severity();
    alert.peak = alert.peak.max(after);
    let transition = match (before, after) {
        (None, Some(severity)) => {
            alert.fired_at.get_or_insert(now.tick);
            Some(Transition::Fired(severity))
        }
        (Some(from), Some(to)) if to > from => Some(Transition::Raised(from, to)),
        (Some(from), Some(to)) if to < from => Some(Transition::Eased(from, to)),
        (Some(from), None) => return ended(alert, from, measured, now),
        _ => None,
    };
    Step { alert: is_live(&alert).then_some(alert), transition, next: None }
}

/// The alert stops firing; what is still pending begins an episode of its own.
fn ended(mut alert: Alert, from: Severity, measured: &Measured, now: Now) -> Step {
    let next = Alert {
        phases: alert.phases,
        value: measured.value,
        worst: measured.value,
        ..Alert::begun(alert.key.clone(), now.tick)
    };
    end(&mut alert, measured.end, now.tick);
    Step {
        alert: Some(alert),
        transition: Some(Transition::Resolved(from, measured.end)),
        next: is_live(&next).then_some(next),
    }
}

fn end(alert: &mut Alert, why: Ended, tick: Time) {
    alert.phases = BySeverity::default();
    alert.ended = Some((tick, why));
    alert.stepped = tick;
}

/// How long a severity must be true before it fires, and how long it fires on.
#[derive(Clone, Copy)]
struct Patience {
    before: Duration,
    after: Duration,
}

fn next_phase(phase: Phase, level: Level, patience: Patience, now: Now) -> Phase {
    let holds = match level {
        Level::Beyond => true,
        Level::Band => phase.fires(),
        Level::Within => false,
    };
    match phase {
        Phase::Inactive if holds => begun(now.tick, patience, now),
        Phase::Pending(since) if holds => begun(passed(since, now), patience, now),
        Phase::Inactive | Phase::Pending(_) => Phase::Inactive,
        // a clock that went back puts what has begun into the future, and who escalates would wait for that
        Phase::Firing(fired) | Phase::Keeping { fired, .. } if holds => Phase::Firing(fired.min(now.tick)),
        Phase::Firing(fired) => kept(fired.min(now.tick), now.tick, patience, now),
        Phase::Keeping { fired, since } => kept(fired.min(now.tick), passed(since, now), patience, now),
    }
}

/// True since `since`, which is never later than the tick, so a patience of nothing fires at once.
fn begun(since: Time, patience: Patience, now: Now) -> Phase {
    if now.tick.since(since) >= patience.before { Phase::Firing(now.tick) } else { Phase::Pending(since) }
}

/// No longer true since `since`.
fn kept(fired: Time, since: Time, patience: Patience, now: Now) -> Phase {
    if now.tick.since(since) >= patience.after { Phase::Inactive } else { Phase::Keeping { fired, since } }
}

/// A start as it counts after what lies between the last cycle and this one.
fn passed(since: Time, now: Now) -> Time {
    match now.passage {
        Passage::Ordinary => since,
        Passage::Gap(gap) => shifted(since, gap, now),
        Passage::Anew => now.tick,
    }
}

fn shifted(since: Time, by: Duration, now: Now) -> Time {
    if now.passage == Passage::Anew { now.tick } else { (since + by).min(now.tick) }
}

/// Keeps the value, and the worst value since the trouble began.
fn note_value(alert: &mut Alert, measured: &Measured, policy: &Policy) {
    if measured.unknown.is_some() {
        return;
    }
    alert.value = measured.value;
    let Some(value) = measured.value.filter(|value| !value.is_nan()) else { return };
    let worse = alert.worst.is_none_or(|worst| if policy.lower_is_worse { value < worst } else { value > worst });
    if worse {
        alert.worst = Some(value);
    }
}

fn is_live(alert: &Alert) -> bool {
    alert.phases.iter().any(|(_, phase)| *phase != Phase::Inactive)
}

#[cfg(test)]
mod tests;
