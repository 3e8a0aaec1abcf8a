//! What became of elements: why a selector finds nothing, what a function cannot use, what no partner was found for.

use super::join::joined;
use super::tree::{Found, Seen, Tree, shifted};
use crate::model::reading::{Datum, Value, Window};
use crate::model::time::Time;
use crate::rules::lint::Catalogue;
use crate::rules::promql::ast::{Binary, Call, Expr, Matcher, Node, Selector};
use crate::rules::promql::check::Kind;
use crate::rules::promql::functions::Body;
use crate::rules::promql::ops::Op;
use crate::rules::windows::{ALERTS, Windows, lookback};
use crate::text::nearest::nearest;
use crate::text::units;

/// Names in one sentence.
const FEW: usize = 3;

/// What notes are made from.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The samples.
    pub data: &'a Windows,
    /// What is known of metrics.
    pub catalogue: Catalogue<'a>,
    /// The instant of the evaluation.
    pub at: Time,
}

/// What is to be said of `expr`, which yields `found` of its `parts`.
pub fn of(expr: &Expr, found: &Found, parts: &[Tree], world: &World<'_>) -> Vec<String> {
    match (found, &expr.node) {
        (Found::Unknown(_), _) => tainted(parts).into_iter().collect(),
        (Found::Failed(_), _) => Vec::new(),
        (_, Node::Selector(selector)) => selected(selector, found, world),
        (_, Node::Call(call)) => called(call, found, parts),
        (Found::Elements(results), Node::Binary(binary)) => combined(binary, results, parts).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Where unknown begins to stand for the whole.
fn tainted(parts: &[Tree]) -> Option<String> {
    if parts.iter().any(|part| matches!(part.found, Found::Unknown(_))) {
        return None;
    }
    let is_unknown = |seen: &&Seen| matches!(seen.element.value, Value::Unknown(_));
    let unknown = parts.iter().flat_map(|part| part.found.seen()).filter(is_unknown);
    let names: Vec<String> = unknown.map(|seen| seen.element.to_string()).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| format!("{} {are} unknown, and this rests on all elements together", few(&names)))
}

/// Series that could have been found and were not.
fn selected(selector: &Selector, found: &Found, world: &World<'_>) -> Vec<String> {
    let seen = found.seen();
    let is_found = |window: &&Window| {
        seen.iter().any(|seen| {
            seen.element.labels == window.series.labels && seen.element.name.as_ref() == Some(&window.series.metric)
        })
    };
    let missing: Vec<&Window> = world.data.select(selector).filter(|window| !is_found(window)).collect();
    if seen.is_empty() && missing.is_empty() {
        return vec![nothing(selector, world)];
    }
    let mut notes: Vec<String> = missing.iter().take(FEW).map(|window| absent(selector, window, world.at)).collect();
    if let Some(more) = missing.len().checked_sub(FEW).filter(|more| *more > 0) {
        notes.push(format!("and {more} more series without a value"));
    }
    notes
}

/// Why a series that fits has no value.
fn absent(selector: &Selector, window: &Window, at: Time) -> String {
    let (series, until) = (&window.series, shifted(selector.shift, at));
    let past = || window.points.iter().rev().skip_while(|point| point.tick > until);
    let Some(last) = past().next() else {
        return format!("{series} was first measured later");
    };
    if last.datum == Datum::Gone {
        let since = past().take_while(|point| point.datum == Datum::Gone).last().unwrap_or(last);
        return format!("{series} is gone since {}", since.tick.clock(at));
    }
    let age = units::duration(until.since(last.tick));
    if let Some(range) = selector.range {
        return format!("{series} has no sample in {}: its newest one is {age} old", units::duration(range));
    }
    let stands = units::duration(lookback(window.every));
    format!("{series} was last measured {age} ago, and a value stands for {stands}")
}

/// Why nothing fits.
fn nothing(selector: &Selector, world: &World<'_>) -> String {
    let Some(metric) = &selector.metric else { return "no series fits these conditions".to_owned() };
    if &**metric == ALERTS {
        return "no alert that fits is pending or firing; of the past ALERTS is not known".to_owned();
    }
    let all = Selector { matchers: Vec::new(), ..selector.clone() };
    let windows: Vec<&Window> = world.data.select(&all).collect();
    if windows.is_empty() {
        let by = world.catalogue.get(metric).map(|metric| metric.source);
        let by = by.map_or_else(String::new, |source| format!("; it comes from the source {source}"));
        return format!("there is no series of {metric} in the database at this time{by}");
    }
    let strict = selector.matchers.iter().find(|matcher| !windows.iter().any(|window| passes(matcher, window)));
    match strict {
        Some(matcher) => unmatched(matcher, metric, &windows),
        None => format!("no series of {metric} fulfils all conditions at once"),
    }
}

fn passes(matcher: &Matcher, window: &Window) -> bool {
    matcher.test.accepts(window.series.labels.get(&matcher.label).unwrap_or_default())
}

/// A condition that no series fulfils, with the values that there are.
fn unmatched(matcher: &Matcher, metric: &str, windows: &[&Window]) -> String {
    use crate::rules::promql::ast::Test;
    let label = &matcher.label;
    let mut values: Vec<&str> = windows.iter().filter_map(|window| window.series.labels.get(label)).collect();
    values.sort_unstable();
    values.dedup();
    let (wanted, near) = match &matcher.test {
        Test::Is(text) => (format!("{label}={text:?}"), nearest(text, values.iter().copied())),
        Test::IsNot(text) => (format!("{label}!={text:?}"), None),
        Test::Like(pattern) => (format!("{label} like {:?}", bare(pattern.as_str())), None),
        Test::Unlike(pattern) => (format!("{label} unlike {:?}", bare(pattern.as_str())), None),
    };
    let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    let there = match (near, values.is_empty()) {
        (Some(near), _) => format!("the nearest is {near:?}"),
        (None, false) => format!("there is {}", few(&values)),
        (None, true) => format!("none has the label {label}"),
    };
    format!("no series of {metric} has {wanted}; {there}")
}

/// A pattern without the anchors that every matcher has.
fn bare(pattern: &str) -> &str {
    let inner = pattern.strip_prefix("^(?s:").and_then(|rest| rest.strip_suffix(")$"));
    inner.unwrap_or(pattern)
}

/// What a function makes nothing of.
fn called(call: &Call, found: &Found, parts: &[Tree]) -> Vec<String> {
    let name = call.function.name;
    let argument = |kind: Kind| {
        call.function.kinds().zip(parts).find(|(have, _)| *have == kind).map(|(_, part)| part.found.seen())
    };
    match (call.function.body, found) {
        (Body::Scalar, Found::Number(_)) => {
            let count = argument(Kind::Vector).map_or(0, <[Seen]>::len);
            let what = if count == 0 { "nothing".to_owned() } else { format!("{count} elements") };
            if count == 1 { Vec::new() } else { vec![format!("{name} of {what} is NaN: it needs exactly one")] }
        }
        (Body::Over(_), Found::Elements(results)) => {
            let is_lost = |seen: &&Seen| !results.iter().any(|result| result.labels() == seen.labels());
            argument(Kind::Range).unwrap_or_default().iter().filter(is_lost).map(|seen| too_few(name, seen)).collect()
        }
        _ => Vec::new(),
    }
}

fn too_few(name: &str, seen: &Seen) -> String {
    match seen.samples {
        Some(1) => format!("{}: the range holds 1 sample, and {name} needs 2", seen.element),
        _ => format!("{}: {name} yields nothing of these samples", seen.element),
    }
}

/// What a comparison drops, and what finds no partner.
fn combined(binary: &Binary, results: &[Seen], parts: &[Tree]) -> Option<String> {
    let [left, right] = parts else { return None };
    match (&left.found, &right.found) {
        (Found::Elements(left), Found::Elements(right)) => joined(binary, left, right, results.len()),
        (Found::Elements(all), Found::Number(_)) | (Found::Number(_), Found::Elements(all)) => {
            let filters = matches!(binary.op, Op::Compare(_)) && !binary.bool;
            (filters && !all.is_empty()).then(|| match (results.len(), all.len()) {
                (some, all) if some == all => None,
                (0, 1) => Some("it does not hold".to_owned()),
                (0, all) => Some(format!("it holds for none of {all}")),
                (some, all) => Some(format!("it holds for {some} of {all}")),
            })?
        }
        _ => None,
    }
}

/// The first few of a list.
pub fn few(names: &[String]) -> String {
    match names.len().checked_sub(FEW + 1) {
        None => names.join(", "),
        Some(more) => {
            format!("{} and {} more", names.iter().take(FEW).cloned().collect::<Vec<_>>().join(", "), more + 1)
        }
    }
}
