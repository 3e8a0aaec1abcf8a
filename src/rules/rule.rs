//! A compiled rule, and what it says in words.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::ladder::{Ladder, Rung, Worse};
use super::promql::ast::{Binary, Expr, Node};
use super::promql::check::Kind;
use super::promql::functions::Body;
use super::promql::ops::{Compare, Op, Set};
use super::runbook;
use super::scope::{Except, Guard};
use super::template::{Facts, Template};
use super::windows::ALERTS;
use crate::model::alert::{Alert, Ended};
use crate::model::fault::SourceText;
use crate::model::labels::{Labels, SeriesKey};
use crate::model::message::Texts;
use crate::model::metric::Unit;
use crate::model::severity::{BySeverity, Severity};
use crate::model::time::Time;
use crate::model::verdict::Policy;
use crate::text::units;

/// A rule that can be judged.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, which is the alert's.
    pub name: Arc<str>,
    /// What is evaluated.
    pub expr: Expr,
    /// `expr` as it was written.
    pub text: String,
    /// A condition that must hold too.
    pub guard: Option<Guard>,
    /// Results that are left out.
    pub except: Vec<Except>,
    /// Labels that every alert of it gets, over those of its result.
    pub labels: Labels,
    /// What makes a result bad.
    pub test: Test,
    /// What the alert machine must know.
    pub policy: Policy,
    /// The line about what is wrong; a plain one is made where there is none.
    pub summary: Option<Template>,
    /// The line once it is good again; that about what is wrong where there is none.
    pub resolved: Option<Template>,
    /// What to do about it.
    pub action: Option<Template>,
    /// A page that says what to do.
    pub runbook_url: Option<String>,
    /// The unit of the value.
    pub unit: Unit,
    /// Where it was written.
    pub origin: Origin,
    /// Results with this label (name, value) have this severity instead of the condition's own.
    pub severity_by_label: Vec<(Arc<str>, Arc<str>, Severity)>,
    /// How much worse, in the value's unit, ends an acknowledgement; with 0 anything worse does.
    pub worse_by: Option<f64>,
    /// Channels that hear of it by name, in place of those of the severity.
    pub route: BySeverity<Option<Vec<Spanned<String>>>>,
    /// Responses by name: each is run when an alert rises to its severity or past it.
    pub respond: BySeverity<Option<Spanned<String>>>,
    /// Rules of whose alerts its own may be consequences.
    pub depends_on: Vec<Arc<str>>,
}

/// What makes a result bad.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// The value is beyond a limit.
    Ladder(Ladder),
    /// The expression yields it: a condition of this severity.
    Condition(Severity),
}

/// Where a rule was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It came with the program.
    Shipped,
    /// It came with the program, and some of its keys are set here.
    Adjusted(Spot),
    /// It was written here.
    Own(Spot),
}

impl Origin {
    /// Where somebody wrote it or a part of it.
    pub const fn spot(&self) -> Option<&Spot> {
        match self {
            Self::Shipped => None,
            Self::Adjusted(spot) | Self::Own(spot) => Some(spot),
        }
    }
}

/// Where a rule stands in its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The text it stands in.
    pub source: Option<Arc<SourceText>>,
    /// The bytes of the name.
    pub span: Range<usize>,
    /// The bytes of `expr`, where it is written here.
    pub expr: Option<Range<usize>>,
    /// The bytes of `when`, where it is written here.
    pub when: Option<Range<usize>>,
}

/// `shipped`, `shipped, adjusted in config.toml:12`, `rules.d/bridge.toml:3`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped => f.write_str("shipped"),
            Self::Adjusted(spot) => write!(f, "shipped, adjusted in {spot}"),
            Self::Own(spot) => spot.fmt(f),
        }
    }
}

/// File and line.
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(source) = &self.source else { return f.write_str("the configuration") };
        let before = source.text.get(..self.span.start).unwrap_or_default();
        write!(f, "{}:{}", source.path.display(), before.matches('\n').count() + 1)
    }
}

/// A condition of the form `value op limit`: both sides are known whether it holds or not.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The vector.
    pub value: &'a Expr,
    /// The comparison, turned so that the value stands on its left.
    pub op: Compare,
    /// The number.
    pub limit: &'a Expr,
}

/// The two sides of `expr`, where its top is a comparison of a vector with a number.
pub fn compared(expr: &Expr) -> Option<Compared<'_>> {
    let (op, binary) = top_comparison(expr)?;
    match (binary.left.kind(), binary.right.kind()) {
        (Kind::Vector, Kind::Scalar) => Some(Compared { value: &binary.left, op, limit: &binary.right }),
        (Kind::Scalar, Kind::Vector) => Some(Compared { value: &binary.right, op: op.mirrored(), limit: &binary.left }),
        _ => None,
    }
}

/// The comparison that `expr` is, if it is one that filters.
pub fn top_comparison(expr: &Expr) -> Option<(Compare, &Binary)> {
    match &expr.bare().node {
        Node::Binary(binary) if !binary.bool => match binary.op {
            Op::Compare(op) => Some((op, binary)),
            Op::Math(_) | Op::Set(_) => None,
        },
        _ => None,
    }
}

/// Whether a result may be missing because a condition is false, rather than because a series is gone.
pub fn filters(expr: &Expr) -> bool {
    match &expr.node {
        Node::Binary(binary) if !binary.bool => match binary.op {
            Op::Compare(_) | Op::Set(Set::Unless) => true,
            Op::Set(Set::Or) => filters(&binary.left) && filters(&binary.right),
            Op::Set(Set::And) | Op::Math(_) => filters(&binary.left) || filters(&binary.right),
        },
        Node::Call(call) => match call.function.body {
            Body::Absent => true,
            Body::Scalar => false,
            _ => call.arguments.iter().any(filters),
        },
        // an alert that neither fires nor is pending is no element
        Node::Selector(selector) => selector.metric.as_deref() == Some(ALERTS),
        _ => expr.children().into_iter().any(filters),
    }
}

impl Rule {
    /// Everything it evaluates: its expression and its `when`.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        [&self.expr].into_iter().chain(self.guard.as_ref().map(|guard| &guard.expr))
    }

    /// Whether it is a condition, true or not, rather than a value held against limits.
    pub const fn is_condition(&self) -> bool {
        matches!(self.test, Test::Condition(_))
    }

    /// The severity of a condition's result with these labels.
    pub fn severity_of(&self, labels: &Labels, own: Severity) -> Severity {
        let listed = self.severity_by_label.iter().find(|(name, value, _)| labels.get(name) == Some(value));
        listed.map_or(own, |(_, _, severity)| *severity)
    }

    /// The severities that a result with these labels can have, mildest first.
    pub fn severities_of(&self, labels: &Labels) -> Vec<Severity> {
        match self.test {
            Test::Condition(own) => vec![self.severity_of(labels, own)],
            Test::Ladder(_) => {
                self.policy.severities.iter().filter(|(_, has)| **has).map(|(severity, _)| severity).collect()
            }
        }
    }

    /// Gives results whose label `name` is `value` another severity than the condition's own. A ladder has no use for it.
    pub fn set_severity(&mut self, name: &str, value: &str, severity: Severity) {
        let Test::Condition(own) = self.test else { return };
        self.policy.severities[severity] = true;
        self.policy.pending_for[severity] = self.policy.pending_for[own];
        self.policy.keep_firing_for[severity] = self.policy.keep_firing_for[own];
        self.severity_by_label.push((name.into(), value.into(), severity));
    }

    /// One line about what is wrong.
    pub fn summary(&self, labels: &Labels, value: Option<f64>, severity: Severity) -> String {
        if let Some(template) = &self.summary {
            return self.filled(template, labels, value, severity);
        }
        let value = value.map_or_else(|| "not measured".to_owned(), |value| self.value_beside(value, severity));
        let limit = self.limit_text(severity);
        let against = if limit.is_empty() { limit } else { format!(" (limit {limit})") };
        format!("{}{labels}: {value}{against}", self.name)
    }

    /// What to do about it, and where more is said: there is a link, or a command that needs no network.
    fn advice(&self, labels: &Labels, value: Option<f64>, severity: Severity) -> Option<String> {
        let action = self.action(labels, value, severity);
        let more = if self.runbook_url.is_none() { runbook::command(&self.name) } else { None };
        match (action, more) {
            (Some(action), Some(more)) => Some(format!("{action} More: {more}")),
            (action, more) => action.or(more),
        }
    }

    /// What to do about it.
    pub fn action(&self, labels: &Labels, value: Option<f64>, severity: Severity) -> Option<String> {
        self.action.as_ref().map(|template| self.filled(template, labels, value, severity))
    }

    /// What a notification about `alert`, which has or had this severity, says of this rule; what its source adds is left
    /// open.
    pub fn texts(&self, alert: &Alert, severity: Severity) -> Texts {
        let (labels, is_resolved) = (&alert.key.labels, alert.ended.is_some());
        // what is gone, or divided by nothing, has no value now: the sentence is about the worst one
        let now = alert.value.filter(|value| !value.is_nan());
        let value = now.or(if is_resolved { alert.worst } else { None });
        let summary = self.summary(labels, value, severity);
        // the sentence of a condition, or of what is gone, says what is wrong, and now it is not
        let is_over = is_resolved && (self.is_condition() || now.is_none());
        let ended = self.resolved.as_ref().filter(|_| matches!(alert.ended, Some((_, Ended::Cleared))));
        Texts {
            summary: match ended {
                Some(template) => self.filled(template, labels, value, severity),
                None if is_over => format!("No longer: {summary}"),
                None => summary,
            },
            value: now.map(|value| self.value_beside(value, severity)),
            limit: Some(self.limit_text(severity)),
            worst: alert.worst.map(|value| self.value_beside(value, severity)),
            action: self.advice(labels, now, severity),
            runbook_url: self.runbook_url.clone(),
            cause: None,
        }
    }

    fn filled(&self, template: &Template, labels: &Labels, value: Option<f64>, severity: Severity) -> String {
        template.fill(&Facts { labels, value, unit: self.unit, limit: &self.limit_text(severity) })
    }

    /// The series whose recent past is drawn beside one result: that of the rule's first metric with its labels.
    pub fn drawn(&self, labels: &Labels, tick: Time) -> Option<SeriesKey> {
        let metric = super::needs([&self.expr], tick).into_iter().next()?.metric?;
        Some(SeriesKey::new(metric, labels.clone()))
    }

    /// A value of this rule in its unit.
    pub fn value_text(&self, value: f64) -> String {
        match self.unit {
            // a condition on 0 and 1 compares numbers: "0 (limit == 0)" rather than "no"
            Unit::Bool => units::number(value),
            unit => units::value(value, unit),
        }
    }

    /// The limit of a severity with its `clear`, where it has one in numbers.
    pub fn rung(&self, severity: Severity) -> Option<Rung> {
        match &self.test {
            Test::Ladder(ladder) => ladder.rungs[severity],
            Test::Condition(_) => None,
        }
    }

    /// How far two values are apart, in words: of dates a time, of percentages points, as 1 % of 85 % is another thing.
    pub fn distance_text(&self, distance: f64) -> String {
        match self.unit {
            Unit::Ratio if distance.is_finite() => match units::number(distance * 100.0).as_str() {
                "1" => "1 point".to_owned(),
                points => format!("{points} points"),
            },
            Unit::Timestamp => units::value(distance, Unit::Seconds),
            unit => units::value(distance, unit),
        }
    }
}

/// Which way is worse for a condition: away from what it compares with.
pub fn direction(expr: &Expr) -> Worse {
    match top_comparison(first_filter(expr)) {
        Some((Compare::Below | Compare::AtMost, _)) => Worse::Lower,
        Some((Compare::Equal, binary)) if matches!(binary.right.bare().node, Node::Number(0.0)) => Worse::Lower,
        _ => Worse::Higher,
    }
}

/// The left-most operand of `and` and `unless`: the one whose value the result has.
fn first_filter(expr: &Expr) -> &Expr {
    match &expr.bare().node {
        Node::Binary(binary) if matches!(binary.op, Op::Set(_)) => first_filter(&binary.left),
        _ => expr,
    }
}
