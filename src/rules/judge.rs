//! A rule and the data -> what the rule says of each label set.

use std::collections::{HashMap, HashSet};

use super::ladder::Ladder;
use super::promql::ast::Expr;
use super::promql::evaluate;
use super::promql::ops::Compare;
use super::promql::value::{Answer, Element, GroupKey, Halt};
use super::rule::{Compared, Rule, Test, compared, filters};
use super::scope::Except;
use super::windows::Windows;
use crate::model::labels::Labels;
use crate::model::reading::Value;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::verdict::{Judgement, Level, Missing, Says, Verdict};

/// Evaluates `rule` on `data` at the tick `at`.
pub fn judge(rule: &Rule, data: &Windows, at: Time) -> Judgement {
    judged(Evidence::gather(rule, data, at).as_ref())
}

/// The judgement that the evidence comes to.
pub fn judged(evidence: Result<&Evidence<'_>, &Halt>) -> Judgement {
    match evidence {
        Ok(evidence) => {
            let counted = evidence.results.iter().filter(|element| evidence.left_out_by(element).is_none());
            match distinct(counted.map(|element| evidence.verdict(element))) {
                Ok(verdicts) => Judgement::Judged { verdicts, missing: evidence.missing() },
                Err(labels) => Judgement::Failed(format!("two results have the same labels: {labels}")),
            }
        }
        Err(Halt::Unknown(reason)) => Judgement::Unknown(reason.clone()),
        Err(Halt::Failed(why)) => Judgement::Failed(why.clone()),
    }
}

/// All that a judgement rests on.
pub struct Evidence<'a> {
    rule: &'a Rule,
    /// The expression whose results are judged.
    value: &'a Expr,
    scale: Scale<'a>,
    /// The label sets for which `when` holds.
    partners: Option<HashSet<GroupKey>>,
    /// What the expression yields, with what `except` leaves out.
    pub results: Vec<Element>,
}

impl<'a> Evidence<'a> {
    /// Evaluates everything that `rule` looks at.
    pub fn gather(rule: &'a Rule, data: &Windows, at: Time) -> Result<Self, Halt> {
        let (value, scale) = scale(rule, data, at)?;
        let partners = rule.guard.as_ref().map(|guard| guard.partners(data, at)).transpose()?;
        Ok(Self { rule, value, scale, partners, results: results(value, data, at)? })
    }

    /// The entry of `except` that leaves a result out, if one does.
    pub fn left_out_by(&self, element: &Element) -> Option<&'a Except> {
        self.rule.except.iter().find(|except| except.covers(&element.labels))
    }

    /// Whether `when` allows a result to be bad.
    pub fn is_allowed(&self, element: &Element) -> bool {
        let guard = self.rule.guard.as_ref().zip(self.partners.as_ref());
        guard.is_none_or(|(guard, partners)| partners.contains(&guard.key.of(element)))
    }

    /// What the rule says of a result.
    pub fn verdict(&self, element: &Element) -> Verdict {
        let says = match &element.value {
            Value::Known(value) if self.is_allowed(element) => {
                Says::Measured { value: *value, levels: levels(self.rule, &self.scale, &element.labels, *value) }
            }
            Value::Known(value) => Says::Measured { value: *value, levels: BySeverity::default() },
            Value::Unknown(reason) => Says::Unknown(reason.clone()),
        };
        Verdict { labels: element.labels.overridden(&self.rule.labels), says }
    }

    /// What a result means that is not there: where its value is always there, it has nothing to be measured any more.
    fn missing(&self) -> Missing {
        if filters(self.value) { Missing::FalseOrGone } else { Missing::Gone }
    }
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

fn levels(rule: &Rule, scale: &Scale<'_>, labels: &Labels, value: f64) -> BySeverity<Level> {
    let (own, holds) = match scale {
        Scale::Limits(ladder) => return ladder.levels(value),
        Scale::Number(own, op, limit) => (*own, op.holds(value, *limit)),
        Scale::Nothing(own) => (*own, true),
    };
    let severity = rule.severity_of(labels, own);
    BySeverity::from_fn(|each| if holds && each == severity { Level::Beyond } else { Level::Within })
}

/// One verdict for each label set. Results that only the metric's name told apart may share one as long as no more than
/// one of them is bad, as in Prometheus, which knows only the bad ones; otherwise the labels they share.
fn distinct(all: impl Iterator<Item = Verdict>) -> Result<Vec<Verdict>, Labels> {
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut verdicts: Vec<Verdict> = Vec::new();
    for verdict in all {
        let place = *places.entry(verdict.labels.clone()).or_insert(verdicts.len());
        match verdicts.get_mut(place) {
            None => verdicts.push(verdict),
            Some(have) if is_fine(have) => *have = verdict,
            Some(_) if is_fine(&verdict) => {}
            Some(_) => return Err(verdict.labels),
        }
    }
    Ok(verdicts)
}

/// Whether it is measured, and within every limit.
fn is_fine(verdict: &Verdict) -> bool {
    match &verdict.says {
        Says::Measured { levels, .. } => levels.iter().all(|(_, level)| *level == Level::Within),
        Says::Unknown(_) => false,
    }
}
