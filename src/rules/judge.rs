//! A rule and the data -> what the rule says of each label set.

use std::collections::HashSet;

use super::promql::ast::Expr;
use super::promql::evaluate;
use super::promql::value::{Answer, Element, Halt};
use super::rule::{Compared, Rule, Test, compared, filters};
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
    let only = |labels: &Labels, own: Severity, level: Level| {
        let severity = rule.severity_of(labels, own);
        BySeverity::from_fn(|each| if each == severity { level } else { Level::Within })
    };
    match (&rule.test, compared(&rule.expr)) {
        (Test::Ladder(ladder), _) => {
            let results = results(&rule.expr, data, at)?;
            let verdicts = results.into_iter().map(|element| verdict(element, |_, value| ladder.levels(value)));
            Ok((verdicts.collect(), missing(&rule.expr)))
        }
        (Test::Condition(own), Some(Compared { value, op, limit })) => {
            let limit = match evaluate(limit, data, at)? {
                Answer::Scalar(limit) => limit,
                Answer::Text(_) | Answer::Vector(_) => {
                    return Err(Halt::Failed("the limit is not a number".to_owned()));
                }
            };
            let level = |holds: bool| if holds { Level::Beyond } else { Level::Within };
            let results = results(value, data, at)?;
            let verdicts = results
                .into_iter()
                .map(|element| verdict(element, |labels, value| only(labels, *own, level(op.holds(value, limit)))));
            Ok((verdicts.collect(), missing(value)))
        }
        (Test::Condition(own), None) => {
            let results = results(&rule.expr, data, at)?;
            let verdicts =
                results.into_iter().map(|element| verdict(element, |labels, _| only(labels, *own, Level::Beyond)));
            Ok((verdicts.collect(), Missing::FalseOrGone))
        }
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

fn verdict(element: Element, levels: impl Fn(&Labels, f64) -> BySeverity<Level>) -> Verdict {
    let says = match element.value {
        Value::Known(value) => Says::Measured { value, levels: levels(&element.labels, value) },
        Value::Unknown(reason) => Says::Unknown(reason),
    };
    Verdict { labels: element.labels, says }
}

fn missing(value: &Expr) -> Missing {
    if filters(value) { Missing::FalseOrGone } else { Missing::Gone }
}

/// Label sets that occur twice once the metric's name is gone.
fn repeated(verdicts: &[Verdict]) -> Option<&Labels> {
    let mut seen = HashSet::with_capacity(verdicts.len());
    verdicts.iter().map(|verdict| &verdict.labels).find(|labels| !seen.insert(*labels))
}
