//! Which results of a rule count, and what they are called: `when`, `except` and `labels`.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use toml::Spanned;

use super::compile::lifted;
use super::lint::{self, Catalogue};
use super::promql::ast::{Expr, Key, Matcher, Node, Selector, Shift};
use super::promql::check::Kind;
use super::promql::value::{Answer, GroupKey, Halt};
use super::promql::{self, evaluate};
use super::rule::filters;
use super::template::is_name;
use super::windows::Windows;
use crate::model::fault::{Fault, Place};
use crate::model::labels::Labels;
use crate::model::scope::{Condition, Scope};
use crate::model::time::Time;
use crate::text::check::Check;

/// `when`: a result is bad only where this condition holds too, as if it were joined with `and`.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The condition.
    pub expr: Expr,
    /// As it was written.
    pub text: String,
    /// The labels in which a result and the condition must agree: none where the condition has none (`and on ()`).
    pub key: Key,
}

impl Guard {
    /// The label sets for which it holds at `at`; unknown as a whole when one of them is, as every match is.
    pub fn partners(&self, data: &Windows, at: Time) -> Result<HashSet<GroupKey>, Halt> {
        let Answer::Vector(elements) = evaluate(&self.expr, data, at)? else {
            return Err(Halt::Failed("`when` is not a condition".to_owned()));
        };
        elements.iter().map(|element| element.known().map(|_| self.key.of(element))).collect()
    }
}

/// One entry of `except`: results with these labels are left out.
#[derive(Clone, Debug)]
pub struct Except {
    /// All of them must fit.
    pub matchers: Vec<Matcher>,
    /// As it was written.
    pub text: String,
}

impl Except {
    /// Whether results with these labels are left out.
    pub fn covers(&self, labels: &Labels) -> bool {
        let fits = |matcher: &Matcher| matcher.test.accepts(labels.get(&matcher.label).unwrap_or_default());
        self.matchers.iter().all(fits)
    }
}

/// Reads `when`.
pub fn guard(text: Option<&Spanned<String>>, catalogue: Catalogue<'_>, check: &mut Check<'_>) -> Option<Guard> {
    let text = text?;
    let outer = text.span();
    let expr = parsed(text, check)?;
    if expr.kind() != Kind::Vector || !filters(&expr) {
        let fault = Fault::error("`when` is not a condition: nothing in it can be false", Place::File(outer));
        check.fault(fault.help("compare it, as in when = \"sum(increase(bridge_jobs_total[15m])) >= 5\""));
        return None;
    }
    // where no result of it has any label, it goes with every result of the rule
    let key = if lint::has_no_labels(&expr, catalogue) { Key::Only(Vec::new()) } else { Key::default() };
    Some(Guard { expr, text: text.get_ref().clone(), key })
}

/// Reads `except`.
pub fn excepts(list: Option<&[Spanned<String>]>, check: &mut Check<'_>) -> Vec<Except> {
    list.unwrap_or_default().iter().filter_map(|text| except(text, check)).collect()
}

fn except(text: &Spanned<String>, check: &mut Check<'_>) -> Option<Except> {
    let expr = parsed(text, check)?;
    match expr.node {
        Node::Selector(Selector { metric: None, matchers, range: None, shift, .. }) if shift == Shift::default() => {
            Some(Except { matchers, text: text.get_ref().clone() })
        }
        _ => {
            let what = "`except` has conditions on labels, and this is another expression";
            let help = "write them in braces: except = ['{mount=\"/boot\"}']";
            check.fault(Fault::error(what, Place::File(text.span())).help(help));
            None
        }
    }
}

/// Reads which alerts are meant: `HIGH_DISK_USAGE`, `{mount="/data"}` or both.
pub fn alerts(text: &str) -> Result<Scope, Vec<Fault>> {
    let expr = promql::parse(text)?;
    let conditions = |matchers: &[Matcher]| {
        matchers.iter().map(|one| Condition { label: one.label.to_string(), test: one.test.clone() }).collect()
    };
    match &expr.node {
        Node::Selector(Selector { metric, matchers, range: None, shift, .. }) if *shift == Shift::default() => {
            let rule = metric.as_deref().map(str::to_owned);
            Ok(Scope { number: None, rule, labels: conditions(matchers) })
        }
        _ => {
            let fault = Fault::error("this does not say which alerts are meant", Place::File(expr.span));
            Err(vec![fault.help("write a rule, labels or both: HIGH_DISK_USAGE{mount=\"/data\"}")])
        }
    }
}

/// Labels that say who or what an alert is, and that a rule may not set.
const OWN_LABELS: [&str; 4] = ["__name__", "alertname", "alertstate", "severity"];

/// Reads `labels`.
pub fn labels(table: Option<&BTreeMap<Spanned<String>, Spanned<String>>>, check: &mut Check<'_>) -> Labels {
    let mut labels = Labels::empty();
    for (name, value) in table.into_iter().flatten() {
        let (word, place) = (name.get_ref(), Place::File(name.span()));
        if OWN_LABELS.contains(&word.as_str()) {
            let fault = Fault::error(format!("`{word}` is a label that every alert has of its own"), place);
            check.fault(fault.help("choose another name"));
        } else if !is_name(word) {
            let fault = Fault::error(format!("`{word}` cannot be the name of a label"), place);
            check.fault(fault.help("it has letters, digits and underscores, and begins with no digit: team"));
        } else if value.get_ref().contains("{{") {
            let fault = Fault::error("labels are not filled in: they are part of what an alert is", place_of(value));
            check.fault(fault.help("write a fixed value; {{ … }} is for `summary` and `action`"));
        } else {
            labels = labels.with(word, value.get_ref());
        }
    }
    labels
}

fn place_of(value: &Spanned<String>) -> Place {
    Place::File(value.span())
}

fn parsed(text: &Spanned<String>, check: &mut Check<'_>) -> Option<Expr> {
    let outer: Range<usize> = text.span();
    match promql::parse(text.get_ref()) {
        Ok(expr) => Some(expr),
        Err(faults) => {
            for fault in faults {
                check.fault(lifted(fault, &outer));
            }
            None
        }
    }
}
