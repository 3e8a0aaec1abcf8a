//! What would have kept a false alert from firing: the smallest change of `for`, of a limit or of `clear`, tried on the
//! samples of then, and what else it would have changed.

use std::slice::from_ref;
use std::time::Duration;

use super::backtest::{self, Span, Surroundings};
use super::episodes::{Difference, Episode, FLAP, Outcome, differences};
use crate::model::alert::{Alert, AlertKey};
use crate::model::metric::Unit;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::rules::promql::ast::Expr;
use crate::rules::{ALERTS_METRIC, Rule, Test};
use crate::store::{Result, Store};

/// What is changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The condition must last longer.
    For,
    /// The limit is further away.
    Limit,
    /// The alert before this one goes on until the value is better.
    Clear,
}

/// A change that would have avoided the alert.
#[derive(Debug)]
pub struct Hint {
    /// What is changed.
    pub kind: Kind,
    /// The rule with the change.
    pub rule: Rule,
    /// What it does to the rule's episodes.
    pub effect: Effect,
}

/// What a change does to the episodes of its rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effect {
    /// Episodes without the change.
    pub before: usize,
    /// Episodes that no longer come.
    pub vanish: usize,
    /// Of these, those that were marked useful.
    pub useful: usize,
    /// Episodes that are new.
    pub appear: usize,
    /// Episodes that come otherwise.
    pub differ: usize,
}

/// What can be said.
#[derive(Debug)]
pub enum Answer {
    /// Changes that would have avoided it, the one that changes least first; none where nothing of the kind would. With
    /// the time that was looked at.
    Hints(Vec<Hint>, Duration),
    /// Nothing can be said, and why.
    Unsure(&'static str),
}

/// An alert and all that is needed to play it once more.
pub struct Question<'a> {
    /// Its rule, as it is now.
    pub rule: &'a Rule,
    /// The alert.
    pub alert: &'a Alert,
    /// Alerts that were marked useful, and when they fired.
    pub useful: &'a [(AlertKey, Time)],
    /// Who is told.
    pub around: Surroundings<'a>,
    /// How much of the past the effect is counted in.
    pub since: Duration,
}

/// How long before an alert its story begins: another one may have ended just before.
const LEAD: Duration = Duration::from_hours(2);

/// Waits that people write, in seconds.
const WAITS: [u64; 19] =
    [2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10_800, 21_600];

/// How far below its limit a `clear` is tried, in parts of the limit.
const WIDTHS: [f64; 9] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];

/// How many digits a limit is tried with: few are easier to read.
const DIGITS: [i32; 3] = [2, 3, 6];

/// Looks for changes that would have avoided the alert.
pub fn ask(store: &mut Store, question: &Question<'_>) -> Result<Answer> {
    let Question { rule, alert, useful: _, around, since } = question;
    let Some(fired) = alert.fired_at else { return Ok(Answer::Unsure("it never fired")) };
    if rule.exprs().flat_map(Expr::selectors).any(|selector| selector.metric.as_deref() == Some(ALERTS_METRIC.name)) {
        return Ok(Answer::Unsure("its rule looks at other alerts"));
    }
    let Some(all) = backtest::span(store, *since, around.interval)? else {
        return Ok(Answer::Unsure("its samples are not kept any more"));
    };
    let waits = rule.policy.pending_for.iter().map(|(_, wait)| *wait).max().unwrap_or_default();
    let end = alert.ended.map_or(Time::from_millis(i64::MAX), |(end, _)| end);
    let near = all.within(alert.since - waits - LEAD, end);
    let lived = backtest::run(store, &[from_ref(rule)], &near, around, |_| ())?;
    let Some((episode, earlier)) = found(&lived, &alert.key, fired) else {
        let why =
            "played once more it does not fire: its rule is another one now, or its samples are not kept any more";
        return Ok(Answer::Unsure(why));
    };
    let tried = candidates(rule, episode, earlier);
    let sets: Vec<&[Rule]> = tried.iter().map(|(_, rule)| from_ref(rule)).collect();
    let outcomes = backtest::run(store, &sets, &near, around, |_| ())?;
    let mut working = tried.into_iter().zip(&outcomes).filter(|(_, outcome)| avoids(outcome, &alert.key, fired, end));
    let mut first: Vec<(Kind, Rule)> = Vec::new();
    for ((kind, rule), _) in working.by_ref() {
        if first.iter().all(|(have, _)| *have != kind) {
            first.push((kind, rule));
        }
    }
    let hints = weighed(store, question, &all, first)?;
    Ok(Answer::Hints(hints, all.length()))
}

/// The episode of `key` that fired at `fired`, and the one of the same key before it.
fn found<'a>(lived: &'a [Outcome], key: &AlertKey, fired: Time) -> Option<(&'a Episode, Option<&'a Episode>)> {
    let own: Vec<&Episode> =
        lived.iter().flatten().flat_map(|story| &story.episodes).filter(|e| e.key == *key).collect();
    let place = own.iter().position(|episode| episode.fired == fired)?;
    Some((own[place], place.checked_sub(1).map(|before| own[before])))
}

/// Whether nothing of `key` fires from `fired` to `end`.
fn avoids(outcome: &Outcome, key: &AlertKey, fired: Time, end: Time) -> bool {
    let mut own = outcome.iter().flat_map(|story| &story.episodes).filter(|episode| episode.key == *key);
    !own.any(|episode| episode.fired >= fired && episode.fired <= end)
}

/// What each change does over all of the past, the one that changes least first.
fn weighed(store: &mut Store, question: &Question<'_>, all: &Span, changed: Vec<(Kind, Rule)>) -> Result<Vec<Hint>> {
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let mut sets: Vec<&[Rule]> = vec![from_ref(question.rule)];
    sets.extend(changed.iter().map(|(_, rule)| from_ref(rule)));
    let outcomes = backtest::run(store, &sets, all, &question.around, |_| ())?;
    let mut after = outcomes.iter();
    let Some(before) = after.next() else { return Ok(Vec::new()) };
    let effects: Vec<Effect> = after.map(|after| effect(before, after, question.useful)).collect();
    let hint = |((kind, rule), effect)| Hint { kind, rule, effect };
    let mut hints: Vec<Hint> = changed.into_iter().zip(effects).map(hint).collect();
    hints.sort_by_key(|hint| {
        let Effect { before: _, vanish, useful, appear, differ } = hint.effect;
        (useful, vanish + appear + differ)
    });
    Ok(hints)
}

fn effect(before: &Outcome, after: &Outcome, useful: &[(AlertKey, Time)]) -> Effect {
    let mut effect = Effect { before: before.iter().map(|story| story.episodes.len()).sum(), ..Effect::default() };
    for difference in differences(before, after) {
        match difference {
            Difference::Vanishes(episode) => {
                effect.vanish += 1;
                let is_it = |(key, fired): &(AlertKey, Time)| *key == episode.key && *fired == episode.fired;
                effect.useful += usize::from(useful.iter().any(is_it));
            }
            Difference::Appears(_) => effect.appear += 1,
            Difference::Differs(..) => effect.differ += 1,
        }
    }
    effect
}

/// Rules that may have avoided the episode, of each kind the smallest change first: one of the severities that people saw,
/// then one of those below as well, which may have fired unseen.
fn candidates(rule: &Rule, episode: &Episode, earlier: Option<&Episode>) -> Vec<(Kind, Rule)> {
    let seen: Vec<Severity> = episode.steps.iter().map(|(_, transition, _)| transition.severity()).collect();
    let has = |seen: &[Severity]| -> Vec<Severity> {
        rule.policy
            .severities
            .iter()
            .filter(|(severity, has)| **has && seen.contains(severity))
            .map(|(s, _)| s)
            .collect()
    };
    let below: Vec<Severity> = Severity::ALL.into_iter().filter(|severity| *severity <= episode.peak).collect();
    let mut sets = vec![has(&seen), has(&below)];
    sets.dedup();
    let each = |change: &dyn Fn(&[Severity]) -> Option<Rule>| -> Vec<Rule> {
        sets.iter().filter_map(|severities| change(severities)).collect()
    };
    let soon = earlier.and_then(|earlier| earlier.ended).is_some_and(|(end, _)| episode.fired.since(end) <= FLAP);
    let worst = episode.worst.filter(|worst| worst.is_finite());
    let mut all: Vec<(Kind, Rule)> = Vec::new();
    for wait in WAITS {
        let rules = each(&|severities| with_wait(rule, severities, Duration::from_secs(wait)));
        all.extend(rules.into_iter().map(|rule| (Kind::For, rule)));
    }
    for digits in DIGITS {
        let rules = each(&|severities| with_limit(rule, severities, worst?, digits));
        all.extend(rules.into_iter().map(|rule| (Kind::Limit, rule)));
    }
    for width in WIDTHS.into_iter().filter(|_| soon) {
        let rules = each(&|severities| with_clear(rule, severities, width));
        all.extend(rules.into_iter().map(|rule| (Kind::Clear, rule)));
    }
    all
}

/// The rule with a longer `for`; none where it waits as long already.
fn with_wait(rule: &Rule, reached: &[Severity], wait: Duration) -> Option<Rule> {
    let mut changed = rule.clone();
    let mut is_new = false;
    for severity in reached.iter().filter(|severity| rule.policy.pending_for[**severity] < wait) {
        changed.policy.pending_for[*severity] = wait;
        is_new = true;
    }
    is_new.then_some(changed)
}

/// The rule with a limit that `worst` is not beyond, in so many digits; none where that is no limit.
fn with_limit(rule: &Rule, reached: &[Severity], worst: f64, digits: i32) -> Option<Rule> {
    let mut changed = rule.clone();
    let Test::Ladder(ladder) = &mut changed.test else { return None };
    let is_lower = rule.policy.lower_is_worse;
    let limit = outward(worst, digits, !is_lower);
    let is_reachable = match rule.unit {
        Unit::Ratio => limit > 0.0 && limit < 1.0,
        Unit::Bool => false,
        Unit::Seconds | Unit::Bytes | Unit::Timestamp | Unit::Algo | Unit::Count => true,
    };
    for severity in reached {
        let rung = ladder.rungs[*severity].as_mut()?;
        if ladder.worse.is_beyond(limit, rung.limit) {
            rung.limit = limit;
        }
    }
    let limits: Vec<f64> = ladder.rungs.iter().filter_map(|(_, rung)| Some(rung.as_ref()?.limit)).collect();
    let is_in_order = limits.windows(2).all(|pair| !ladder.worse.is_beyond(pair[0], pair[1]));
    (is_reachable && is_in_order).then_some(changed)
}

/// The rule with a `clear` so far from its limit; none where it is as far already.
fn with_clear(rule: &Rule, reached: &[Severity], width: f64) -> Option<Rule> {
    let mut changed = rule.clone();
    let Test::Ladder(ladder) = &mut changed.test else { return None };
    let is_lower = rule.policy.lower_is_worse;
    let mut is_new = false;
    for severity in reached {
        let rung = ladder.rungs[*severity].as_mut()?;
        let away = rung.limit.abs() * width;
        let clear = outward(if is_lower { rung.limit + away } else { rung.limit - away }, 2, is_lower);
        if ladder.worse.is_beyond(rung.clear.unwrap_or(rung.limit), clear) {
            rung.clear = Some(clear);
            is_new = true;
        }
    }
    is_new.then_some(changed)
}

/// `value` in so many digits, rounded up or down; what has no more digits stays as it is.
fn outward(value: f64, digits: i32, up: bool) -> f64 {
    if value == 0.0 {
        return value;
    }
    #[allow(clippy::cast_possible_truncation, reason = "the logarithm of a finite number is small")]
    let scale = 10_f64.powi(digits - 1 - value.abs().log10().floor() as i32);
    let (scaled, near) = (value * scale, (value * scale).round());
    let whole = match (scaled - near).abs() <= 1e-9 * near.abs() {
        true => near,
        false if up => scaled.ceil(),
        false => scaled.floor(),
    };
    whole / scale
}

#[cfg(test)]
mod tests;
