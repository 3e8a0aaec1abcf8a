//! Which rules there are: those of the file beside the shipped ones, which they adjust or replace by name.

use std::collections::HashSet;
use std::ops::Range;

use toml::Spanned;

use super::rule::{Origin, Spot};
use super::settings::{Levels, Settings};
use super::template::is_name;
use crate::model::fault::{Fault, Place};
use crate::text::check::Check;
use crate::text::nearest::nearest;

/// A rule's settings before they are compiled.
pub struct Draft {
    /// The rule's name.
    pub name: String,
    /// What is written; of an adjusted shipped rule with everything that the file leaves out.
    pub settings: Settings,
    /// Where.
    pub origin: Origin,
    /// `expr` is the file's, not the shipped rule's.
    pub has_own_expr: bool,
    /// So is `clear`.
    pub has_own_clear: bool,
    /// So is `for`.
    pub has_own_for: bool,
    /// So is `keep_firing_for`.
    pub has_own_keep: bool,
    /// So is `when`.
    pub has_own_when: bool,
}

/// The drafts of all rules that are switched on: the shipped ones in their order, then the others.
pub fn drafts(user: Vec<Settings>, shipped: &[Settings], check: &mut Check<'_>) -> Vec<Draft> {
    let mut own_rules = named(user, check);
    let known: Vec<&str> = shipped.iter().filter_map(name_of).collect();
    let mut drafts = Vec::new();
    for (name, shipped) in known.iter().zip(shipped) {
        let own = own_rules.iter().position(|(have, _)| have == name).map(|at| own_rules.remove(at).1);
        drafts.extend(draft(name, own, Some(shipped)));
    }
    for (name, settings) in own_rules {
        if settings.expr.is_none() {
            check.source.clone_from(&settings.source);
            check.fault(without_expression(&name, &settings, &known));
            continue;
        }
        drafts.extend(draft(&name, Some(settings), None));
    }
    drafts
}

fn name_of(settings: &Settings) -> Option<&str> {
    settings.alert.as_ref().map(|alert| alert.get_ref().as_str())
}

/// The rules of the file that have a name of their own.
fn named(user: Vec<Settings>, check: &mut Check<'_>) -> Vec<(String, Settings)> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut named = Vec::new();
    for settings in user {
        check.source.clone_from(&settings.source);
        let Some(alert) = &settings.alert else {
            check.fault(nameless(&settings));
            continue;
        };
        let (name, place) = (alert.get_ref().clone(), Place::File(alert.span()));
        if !is_name(&name) {
            let help = "it has letters, digits and underscores, and begins with no digit: HIGH_MEMORY_USAGE";
            check.fault(Fault::error(format!("`{name}` cannot be the name of an alert"), place).help(help));
        } else if !seen.insert(name.clone()) {
            let help = "give one of them another name; two severities of one alert are one rule with two limits";
            check.fault(Fault::error(format!("there are two rules named {name}"), place).help(help));
        } else {
            named.push((name, settings));
        }
    }
    named
}

fn nameless(settings: &Settings) -> Fault {
    let place = settings.expr.as_ref().map_or(Place::Nowhere, |expr| Place::File(expr.span()));
    Fault::error("a rule has no name", place).help("add alert = \"NAME\" to each [[rule]]")
}

fn without_expression(name: &str, settings: &Settings, shipped: &[&str]) -> Fault {
    let place = settings.alert.as_ref().map_or(Place::Nowhere, |alert| Place::File(alert.span()));
    let fault = Fault::error(format!("{name} has no `expr`, and no shipped rule is called so"), place);
    match nearest(name, shipped.iter().copied()) {
        Some(near) => {
            fault.help(format!("to adjust the shipped rule, call it {near}; a rule of your own needs `expr`"))
        }
        None => fault.help("add expr = \"…\", what the rule looks at"),
    }
}

/// The rule `name` as the file and the shipped rule of that name have it; `None` where it is switched off.
fn draft(name: &str, own: Option<Settings>, shipped: Option<&Settings>) -> Option<Draft> {
    let is_own = |has: fn(&Settings) -> bool| shipped.is_none_or(|_| own.as_ref().is_some_and(has));
    let (has_own_expr, has_own_clear) = (is_own(|own| own.expr.is_some()), is_own(|own| own.clear.is_some()));
    let has_own_for = is_own(|own| own.pending_for.is_some());
    let has_own_keep = is_own(|own| own.keep_firing_for.is_some());
    let has_own_when = is_own(|own| own.when.is_some());
    let (settings, origin) = match (own, shipped) {
        (Some(own), Some(shipped)) if own.expr.is_none() => (adjusted(&own, shipped), Origin::Adjusted(spot(&own))),
        (Some(own), _) => {
            let spot = spot(&own);
            (own, Origin::Own(spot))
        }
        (None, Some(shipped)) => (shipped.clone(), Origin::Shipped),
        (None, None) => return None,
    };
    let name = name.to_owned();
    let is_off = settings.enabled == Some(false);
    let draft = Draft { name, settings, origin, has_own_expr, has_own_clear, has_own_for, has_own_keep, has_own_when };
    (!is_off).then_some(draft)
}

fn spot(own: &Settings) -> Spot {
    Spot {
        source: own.source.clone(),
        span: own.alert.as_ref().map_or(0..0, Spanned::span),
        expr: own.expr.as_ref().map(Spanned::span),
        when: own.when.as_ref().map(Spanned::span),
    }
}

/// The shipped rule with the file's keys in place of its own. What it keeps stands, for faults, at the name in the file.
fn adjusted(own: &Settings, shipped: &Settings) -> Settings {
    let at = own.alert.as_ref().map_or(0..0, Spanned::span);
    let has_limits = own.above.is_some() || own.below.is_some();
    let limits = |own: &Option<_>, shipped: &Option<_>| {
        if has_limits { own.clone() } else { moved_levels(shipped.as_ref(), &at) }
    };
    let text = |own: &Option<_>, shipped: &Option<Spanned<_>>| own.clone().or_else(|| moved(shipped.as_ref(), &at));
    Settings {
        source: own.source.clone(),
        alert: own.alert.clone(),
        expr: text(&own.expr, &shipped.expr),
        above: limits(&own.above, &shipped.above),
        below: limits(&own.below, &shipped.below),
        clear: own.clear.clone().or_else(|| moved_levels(shipped.clear.as_ref(), &at)),
        pending_for: own.pending_for.clone().or_else(|| moved_levels(shipped.pending_for.as_ref(), &at)),
        severity: text(&own.severity, &shipped.severity),
        summary: text(&own.summary, &shipped.summary),
        // it goes with the sentence that it ends
        resolved: if own.summary.is_some() { own.resolved.clone() } else { text(&own.resolved, &shipped.resolved) },
        action: text(&own.action, &shipped.action),
        no_data: text(&own.no_data, &shipped.no_data),
        enabled: own.enabled.or(shipped.enabled),
        runbook_url: text(&own.runbook_url, &shipped.runbook_url),
        when: text(&own.when, &shipped.when),
        keep_firing_for: own.keep_firing_for.clone().or_else(|| moved_levels(shipped.keep_firing_for.as_ref(), &at)),
        labels: own.labels.clone().or_else(|| shipped.labels.clone()),
        except: own.except.clone().or_else(|| shipped.except.clone()),
        worse_by: own.worse_by.clone().or_else(|| moved(shipped.worse_by.as_ref(), &at)),
        route: own.route.clone().or_else(|| shipped.route.clone()),
        respond: own.respond.clone(),
        depends_on: own.depends_on.clone().or_else(|| shipped.depends_on.clone()),
    }
}

fn moved<T: Clone>(value: Option<&Spanned<T>>, at: &Range<usize>) -> Option<Spanned<T>> {
    value.map(|value| Spanned::new(at.clone(), value.get_ref().clone()))
}

fn moved_levels<T: Clone>(levels: Option<&Spanned<Levels<T>>>, at: &Range<usize>) -> Option<Spanned<Levels<T>>> {
    let levels = match levels?.get_ref() {
        Levels::One(value) => Levels::One(value.clone()),
        Levels::Each(each) => {
            let moved =
                |(severity, value): &(_, Spanned<T>)| (*severity, Spanned::new(at.clone(), value.get_ref().clone()));
            Levels::Each(each.iter().map(moved).collect())
        }
    };
    Some(Spanned::new(at.clone(), levels))
}
