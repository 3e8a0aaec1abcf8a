//! A rule as a whole: its keys against its expression and against each other.

use std::time::Duration;

use toml::Spanned;

use super::catalogue::Catalogue;
use super::joins::conflict;
use super::limits::Judged;
use super::names::known_labels;
use super::{bounds, counters, labels, waits};
use crate::model::fault::{Fault, Place};
use crate::model::metric::Unit;
use crate::rules::compile::lifted;
use crate::rules::ladder::Worse;
use crate::rules::merge::Draft;
use crate::rules::promql::ast::{Expr, Matcher};
use crate::rules::rule::{Rule, Test};

/// What is known of the value of `expr`, which limits are held against; `alone`: no `when` decides with them.
pub fn judged(expr: &Expr, unit: Option<Unit>, worse: Worse, alone: bool, catalogue: Catalogue<'_>) -> Judged {
    Judged { bounds: bounds::of(expr, catalogue), unit, worse, alone }
}

/// The faults of `rule`, compiled from `draft`, that its keys have together. Those of the shipped part of an adjusted
/// rule are not looked for.
pub fn whole(draft: &Draft, rule: &Rule, catalogue: Catalogue<'_>, interval: Duration) -> Vec<Fault> {
    let mut faults = Vec::new();
    let settings = &draft.settings;
    if let Some(text) = settings.expr.as_ref().filter(|_| draft.has_own_expr) {
        let of_expr = waits::hasty(&rule.expr, shortest_wait(rule), interval).into_iter().chain(total(rule, catalogue));
        faults.extend(of_expr.map(|fault| lifted(fault, &text.span())));
    }
    if draft.has_own_when {
        faults.extend(settings.when.as_ref().into_iter().flat_map(|when| of_guard(when, rule, catalogue, interval)));
    }
    faults.extend(of_except(settings.except.as_deref().unwrap_or_default(), rule, catalogue));
    for (key, levels, is_own) in [
        ("for", &settings.pending_for, draft.has_own_for),
        ("keep_firing_for", &settings.keep_firing_for, draft.has_own_keep),
    ] {
        faults.extend(levels.iter().filter(|_| is_own).flat_map(|levels| waits::uneven(key, levels, interval)));
    }
    faults
}

/// Limits on a counter.
fn total(rule: &Rule, catalogue: Catalogue<'_>) -> Option<Fault> {
    let has_limits = matches!(rule.test, Test::Ladder(_));
    counters::of_limits(&rule.expr, &rule.text, catalogue).filter(|_| has_limits)
}

fn shortest_wait(rule: &Rule) -> Duration {
    let used = rule.policy.severities.iter().filter(|(_, used)| **used).map(|(severity, _)| severity);
    used.map(|severity| rule.policy.pending_for[severity]).min().unwrap_or_default()
}

/// The faults of `when` itself, and a `when` that no result goes with.
fn of_guard(written: &Spanned<String>, rule: &Rule, catalogue: Catalogue<'_>, interval: Duration) -> Vec<Fault> {
    let Some(guard) = &rule.guard else { return Vec::new() };
    let inner = super::faults(&guard.expr, &guard.text, false, catalogue, interval);
    let mut faults: Vec<Fault> = inner.into_iter().map(|fault| lifted(fault, &written.span())).collect();
    let (results, partners) = (labels::of(&rule.expr, catalogue), labels::of(&guard.expr, catalogue));
    if let Some(conflict) = conflict(&guard.key, &results, &partners) {
        let what = format!("the rule can never fire: {}", conflict.why("`expr`", "`when`"));
        let help = "`when` holds for results with the same labels: aggregate it to labels that both have, or to none, as \
                    in sum(…) > 5";
        faults.push(Fault::error(what, Place::File(written.span())).help(help));
    }
    faults
}

/// Conditions of `except` that no result meets, because none has the label.
fn of_except(written: &[Spanned<String>], rule: &Rule, catalogue: Catalogue<'_>) -> Vec<Fault> {
    if rule.except.is_empty() {
        return Vec::new();
    }
    let results = labels::of(&rule.expr, catalogue);
    let mut faults = Vec::new();
    for except in &rule.except {
        let place = written.iter().find(|text| *text.get_ref() == except.text).map_or(0..0, Spanned::span);
        let never = |matcher: &&Matcher| !results.may_have(&matcher.label) && !matcher.test.accepts("");
        for matcher in except.matchers.iter().filter(never) {
            let what = format!("this leaves nothing out: no result has the label `{}`", matcher.label);
            let fault = Fault::warning(what, Place::File(matcher.span.clone()));
            faults.push(lifted(fault.help(known_labels(&matcher.label, &results.names())), &place));
        }
    }
    faults
}
