//! What a rule meets in the data: selectors that select nothing, joins that join nothing, and why it has no answer.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use super::compile::lifted;
use super::judge::judge;
use super::promql::ast::{Binary, Expr, Key, Node, Selector, Test};
use super::promql::check::Kind;
use super::promql::evaluate;
use super::promql::functions::Body;
use super::promql::ops::{Op, Set};
use super::promql::value::{Answer, Element};
use super::rule::{Origin, Rule, Spot, compared};
use super::windows::{ALERTS, Windows};
use crate::model::fault::{Fault, Located, Place};
use crate::model::reading::Window;
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Says, Verdict};
use crate::text::nearest::nearest;

/// Values of a label that are named in a message at most.
const MOST_VALUES: usize = 8;

/// What is wrong with `rule` on `data` at the tick `at`. Of a shipped rule only that it has no answer: what it selects
/// may well not be configured.
pub fn faults(rule: &Rule, data: &Windows, at: Time) -> Vec<Located> {
    let (source, name, exprs) = match &rule.origin {
        Origin::Shipped => (None, Place::Nowhere, Vec::new()),
        Origin::Adjusted(spot) | Origin::Own(spot) => {
            let when = rule.guard.as_ref().map(|guard| &guard.expr).zip(spot.when.clone());
            let exprs = [spot.expr.clone().map(|span| (&rule.expr, span)), when].into_iter().flatten().collect();
            (spot.source.clone(), Place::File(spot.span.clone()), exprs)
        }
    };
    let mut faults: Vec<Fault> = answerless(rule, judge(rule, data, at), name).into_iter().collect();
    for (expr, outer) in exprs {
        faults.extend(of_expr(expr, data, at).into_iter().map(|fault| lifted(fault, &outer)));
    }
    if let Origin::Adjusted(Spot { when: Some(when), .. }) | Origin::Own(Spot { when: Some(when), .. }) = &rule.origin {
        faults.extend(of_guard(rule, data, at).map(|fault| Fault { place: Place::File(when.clone()), ..fault }));
    }
    faults.into_iter().map(|fault| Located { source: source.clone(), fault }).collect()
}

/// Why the rule, or a part of its results, has no answer, where that is not in order.
fn answerless(rule: &Rule, judgement: Judgement, place: Place) -> Option<Fault> {
    let name = &rule.name;
    match judgement {
        Judgement::Failed(why) => Some(Fault::error(format!("{name} cannot be evaluated: {why}"), place)),
        Judgement::Unknown(reason) if reason.is_benign() => None,
        Judgement::Unknown(reason) => Some(Fault::warning(format!("{name} is unknown now: {reason}"), place)),
        Judgement::Judged { verdicts, .. } => {
            let mut unknown = verdicts.iter().filter_map(|verdict| match verdict {
                Verdict { labels, says: Says::Unknown(reason) } if !reason.is_benign() => Some((labels, reason)),
                Verdict { says: Says::Unknown(_) | Says::Measured { .. }, .. } => None,
            });
            let (labels, reason) = unknown.next()?;
            let others = unknown.count();
            let others = if others == 0 { String::new() } else { format!(" (and {others} more)") };
            Some(Fault::warning(format!("{name}{labels} is unknown now: {reason}{others}"), place))
        }
    }
}

/// What `expr` does not find; places are bytes of its text.
fn of_expr(expr: &Expr, data: &Windows, at: Time) -> Vec<Fault> {
    let mut faults = Vec::new();
    match &expr.node {
        Node::Selector(selector) => faults.extend(of_selector(selector, &expr.span, data)),
        Node::Binary(binary) => faults.extend(of_join(binary, data, at)),
        // what is absent is meant not to be found
        Node::Call(call) if matches!(call.function.body, Body::Absent) => return faults,
        _ => {}
    }
    faults.extend(expr.children().into_iter().flat_map(|child| of_expr(child, data, at)));
    faults
}

fn is_measured(window: &Window) -> bool {
    !window.points.is_empty()
}

fn of_selector(selector: &Selector, span: &Range<usize>, data: &Windows) -> Option<Fault> {
    let name = selector.metric.as_deref().filter(|name| *name != ALERTS)?;
    if data.select(selector).any(is_measured) {
        return None;
    }
    let any = Selector { matchers: Vec::new(), ..selector.clone() };
    let series: Vec<&Window> = data.select(&any).filter(|window| is_measured(window)).collect();
    let fault = |what| Fault::warning(what, Place::File(span.clone()));
    if series.is_empty() {
        let help = "is its source configured, and up? `sippar-mon collect` shows what is measured now";
        return Some(fault(format!("nothing of {name} was measured in this time")).help(help));
    }
    let what = format!("this selects nothing: there are {} series of {name}, and none fits", series.len());
    Some(fault(what).help(near_values(selector, &series)))
}

/// The values that there are for the labels that a selector asks for, the nearest one first of all.
fn near_values(selector: &Selector, series: &[&Window]) -> String {
    let mut asked = selector.matchers.iter().map(|matcher| {
        let values = series.iter().map(|window| window.series.labels.get(&matcher.label).unwrap_or_default());
        (matcher, values.collect::<BTreeSet<&str>>())
    });
    let Some((matcher, values)) = asked.find(|(matcher, values)| !values.iter().any(|v| matcher.test.accepts(v)))
    else {
        return "each of its labels fits some series, and no series fits all".to_owned();
    };
    let near = match &matcher.test {
        Test::Is(value) => nearest(value, values.iter().copied()),
        Test::IsNot(_) | Test::Like(_) | Test::Unlike(_) => None,
    };
    if let Some(near) = near {
        return format!("did you mean {}={near:?}?", matcher.label);
    }
    let shown: Vec<String> = values.iter().take(MOST_VALUES).map(|value| format!("{value:?}")).collect();
    let more = if values.len() > MOST_VALUES { ", …" } else { "" };
    format!("`{}` is {}{more}", matcher.label, shown.join(", "))
}

/// A join of two sides that both have elements, none of which goes with another. Of a comparison with a number the
/// elements before it count: that it does not hold now is no fault. `or` and `unless` need no partners.
fn of_join(binary: &Binary, data: &Windows, at: Time) -> Option<Fault> {
    if matches!(binary.op, Op::Set(Set::Or | Set::Unless)) {
        return None;
    }
    let (left, right) = (elements(&binary.left, data, at)?, elements(&binary.right, data, at)?);
    let (a, b) = strangers(&binary.matching.key, &left, &right)?;
    let what = format!(
        "this has no result now: {} on the left and {} on the right, no two of which match",
        left.len(),
        right.len()
    );
    let help = format!("they are as {a} and {b}: on (…) or ignoring (…) says which labels must agree");
    Some(Fault::warning(what, Place::File(binary.op_span.clone())).help(help))
}

/// A `when` with elements, none of which goes with a result of the rule: it keeps the rule silent.
fn of_guard(rule: &Rule, data: &Windows, at: Time) -> Option<Fault> {
    let guard = rule.guard.as_ref()?;
    let (results, partners) = (elements(&rule.expr, data, at)?, elements(&guard.expr, data, at)?);
    let (a, b) = strangers(&guard.key, &results, &partners)?;
    let what = "the rule cannot fire now: no result of `expr` has the labels of one of `when`";
    let help = format!("they are as {a} and {b}: aggregate `when` to the labels that both have, or to none");
    Some(Fault::warning(what, Place::Nowhere).help(help))
}

/// The first of each side, where no two elements agree on `key`.
fn strangers<'a>(key: &Key, left: &'a [Element], right: &'a [Element]) -> Option<(&'a Element, &'a Element)> {
    let keys = |elements: &[Element]| -> HashSet<_> { elements.iter().map(|element| key.of(element)).collect() };
    let (a, b) = (left.first()?, right.first()?);
    keys(left).is_disjoint(&keys(right)).then_some((a, b))
}

/// The elements of a vector, before they are compared with a number.
fn elements(expr: &Expr, data: &Windows, at: Time) -> Option<Vec<Element>> {
    let expr = compared(expr).map_or(expr, |compared| compared.value);
    match (expr.kind(), evaluate(expr, data, at)) {
        (Kind::Vector, Ok(Answer::Vector(elements))) => Some(elements),
        _ => None,
    }
}
