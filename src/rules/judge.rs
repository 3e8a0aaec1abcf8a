//! A rule and the data -> what the rule says of each label set.

use std::collections::HashSet;

use super::ladder::Ladder;
use super::promql::ast::Expr;
use super::promql::evaluate;
use super::promql::ops::Compare;
use super::promql::value::{Answer, Element, GroupKey, Halt};
use super::rule::{Compared, Rule, Test, compared, filters};
use super::scope::{Except, Guard};
use super::windows::Windows;
use crate::model::labels::Labels;
use crate::model::reading::Value;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Level, Missing, Says, Verdict};

/// Evaluates `rule` on `data` at the tick `at`.
pub fn judge(rule: &Rule, data: &Windows, at: Time) -> Judgement {
    match verdicts(rule, data, at) {
        Ok((verdicts, missing)) => match repeated(&verdicts) {
            Some(labels) => Judgement::Failed(format!("two results have the same labels: {labels:?}")),
            None => Judgement::Judged { verdicts, missing },
        },
        Err(Halt::Unknown(reason)) => Judgement::Unknown(reason),
        Err(Halt::Failed(why)) => Judgement::Failed(why),
    }
}

fn verdicts(rule: &Rule, data: &Windows, at: Time) -> Result<(Vec<Verdict>, Missing), Halt> {
    let (value, scale) = scale(rule, data, at)?;
    let partners = rule.guard.as_ref().map(|guard| guard.partners(data, at)).transpose()?;
    let guard = rule.guard.as_ref().zip(partners.as_ref());
    let counts = |element: &Element| !rule.except.iter().any(|except: &Except| except.covers(&element.labels));
    let results = results(value, data, at)?.into_iter().filter(counts);
    let verdicts = results.map(|element| verdict(rule, element, &scale, guard)).collect();
    // where its value is always there, a result that is missing has nothing to be measured any more
    let missing = if filters(value) { Missing::FalseOrGone } else { Missing::Gone };
    Ok((verdicts, missing))
}

/// What a result is held against.
enum Scale<'a> {
    /// The limits of each severity.
    Limits(&'a Ladder),
    /// A comparison with a number.
    Number(Severity, Compare, f64),
    /// Nothing: whatever the expression yields is bad.
    Nothing(Severity),
}

/// The expression whose results are judged, and what they are held against. Of `value > number` both sides are known,
/// whether it holds or not.
fn scale<'a>(rule: &'a Rule, data: &Windows, at: Time) -> Result<(&'a Expr, Scale<'a>), Halt> {
    match (&rule.test, compared(&rule.expr)) {
        (Test::Ladder(ladder), _) => Ok((&rule.expr, Scale::Limits(ladder))),
        (Test::Condition(own), None) => Ok((&rule.expr, Scale::Nothing(*own))),
        (Test::Condition(own), Some(Compared { value, op, limit })) => match evaluate(limit, data, at)? {
            Answer::Scalar(limit) => Ok((value, Scale::Number(*own, op, limit))),
            Answer::Text(_) | Answer::Vector(_) => Err(Halt::Failed("the limit is not a number".to_owned())),
        },
    }
}

/// The results of an expression; a number is one without labels.
fn results(expr: &Expr, data: &Windows, at: Time) -> Result<Vec<Element>, Halt> {
    match evaluate(expr, data, at)? {
        Answer::Vector(elements) => Ok(elements),
        Answer::Scalar(value) => Ok(vec![Element { name: None, labels: Labels::empty(), value: Value::Known(value) }]),
        Answer::Text(_) => Err(Halt::Failed("a string is no result".to_owned())),
    }
}

fn verdict(rule: &Rule, element: Element, scale: &Scale<'_>, guard: Option<(&Guard, &HashSet<GroupKey>)>) -> Verdict {
    let holds = guard.is_none_or(|(guard, partners)| partners.contains(&guard.key.of(&element)));
    let says = match element.value {
        Value::Known(value) if holds => Says::Measured { value, levels: levels(rule, scale, &element.labels, value) },
        Value::Known(value) => Says::Measured { value, levels: BySeverity::default() },
        Value::Unknown(reason) => Says::Unknown(reason),
    };
    Verdict { labels: element.labels.overridden(&rule.labels), says }
}

fn levels(rule: &Rule, scale: &Scale<'_>, labels: &Labels, value: f64) -> BySeverity<Level> {
    let (own, holds) = match scale {
        Scale::Limits(ladder) => return ladder.levels(value),
        Scale::Number(own, op, limit) => (*own, op.holds(value, *limit)),
        Scale::Nothing(own) => (*own, true),
    };
    let severity = rule.severity_of(labels, own);
    BySeverity::from_fn(|each| if holds && each == severity { Level::Beyond } else { Level::Within })
}

/// Label sets that occur twice once the metric's name is gone.
fn repeated(verdicts: &[Verdict]) -> Option<&Labels> {
    let mut seen = HashSet::with_capacity(verdicts.len());
    verdicts.iter().map(|verdict| &verdict.labels).find(|labels| !seen.insert(*labels))
}
