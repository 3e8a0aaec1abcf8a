//! The parts of an expression, each with what it yields.

use std::time::Duration;

use super::notes;
use crate::model::labels::Labels;
use crate::model::metric::Unit;
use crate::model::reading::{Datum, Reason, Value, Window};
use crate::model::time::{Time, millis_of};
use crate::rules::lint::Catalogue;
use crate::rules::promql::ast::{At, Expr, Node, Selector, Shift, Subquery};
use crate::rules::promql::check::Kind;
use crate::rules::promql::value::{Answer, Element, Halt};
use crate::rules::promql::{Row, evaluate, newest, sampled};
use crate::rules::windows::Windows;
use crate::text::safe;

/// A part of an expression with its own parts.
#[derive(Clone, Debug)]
pub struct Tree {
    /// As it is written, on one line.
    pub text: String,
    /// The unit of its values, where that is known.
    pub unit: Option<Unit>,
    /// What it yields.
    pub found: Found,
    /// What became of elements that its parts have and it has not, a sentence each.
    pub notes: Vec<String>,
    /// What it is made of; numbers and the like are left out.
    pub parts: Vec<Self>,
}

/// What a part yields.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// One number.
    Number(f64),
    /// A string.
    Text(String),
    /// A value for each label set.
    Elements(Vec<Seen>),
    /// Samples over this time for each label set.
    Samples(Duration, Vec<Seen>),
    /// It rests as a whole on something that was not measured.
    Unknown(Reason),
    /// It makes no sense on this data.
    Failed(String),
}

/// A label set that a part yields.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// Name, labels and value; of samples over time the newest value.
    pub element: Element,
    /// The time of the newest sample, where the value is one and not computed.
    pub measured: Option<Time>,
    /// How many samples there are in the range.
    pub samples: Option<usize>,
    /// Of an unknown one: the first of its last samples that are unknown, as far as was looked.
    pub unknown_since: Option<Time>,
}

impl Found {
    /// The label sets it has.
    pub fn seen(&self) -> &[Seen] {
        match self {
            Self::Elements(seen) | Self::Samples(_, seen) => seen,
            Self::Number(_) | Self::Text(_) | Self::Unknown(_) | Self::Failed(_) => &[],
        }
    }
}

/// Takes `expr`, which stands in `text`, apart.
pub fn grow(expr: &Expr, text: &str, catalogue: Catalogue<'_>, data: &Windows, at: Time) -> Tree {
    Grower { text, catalogue, data }.tree(expr, at)
}

struct Grower<'a> {
    text: &'a str,
    catalogue: Catalogue<'a>,
    data: &'a Windows,
}

impl Grower<'_> {
    fn tree(&self, expr: &Expr, at: Time) -> Tree {
        let expr = expr.bare();
        let inner_at = match &expr.node {
            Node::Subquery(subquery) => last_step(subquery, at),
            _ => at,
        };
        let parts: Vec<Tree> = expr.children().into_iter().map(|child| self.tree(child, inner_at)).collect();
        let found = self.found(expr, at);
        let notes = notes::of(expr, &found, &parts, &notes::World { data: self.data, catalogue: self.catalogue, at });
        let worth_showing = expr.children().into_iter().map(|child| !child.selectors().is_empty());
        let parts = parts.into_iter().zip(worth_showing).filter(|(_, is_shown)| *is_shown).map(|(part, _)| part);
        let text = self.text.get(expr.span.clone()).unwrap_or_default();
        Tree {
            text: safe::one_line(&text.split_whitespace().collect::<Vec<_>>().join(" ")),
            unit: self.catalogue.unit(expr),
            found,
            notes,
            parts: parts.collect(),
        }
    }

    fn found(&self, expr: &Expr, at: Time) -> Found {
        let found = match (&expr.node, expr.kind()) {
            (Node::Selector(selector), Kind::Vector) => Ok(Found::Elements(self.stamped(selector, at))),
            (_, Kind::Range) => self.ranged(expr, at),
            _ => evaluate(expr, self.data, at).map(|answer| match answer {
                Answer::Scalar(value) => Found::Number(value),
                Answer::Text(text) => Found::Text(text),
                Answer::Vector(elements) => Found::Elements(elements.into_iter().map(Seen::computed).collect()),
            }),
        };
        found.unwrap_or_else(|halt| match halt {
            Halt::Unknown(reason) => Found::Unknown(reason),
            Halt::Failed(why) => Found::Failed(why),
        })
    }

    fn stamped(&self, selector: &Selector, at: Time) -> Vec<Seen> {
        let seen = |(element, tick): (Element, Time)| Seen {
            unknown_since: self.unknown_since(selector, &element, tick),
            measured: Some(tick),
            samples: None,
            element,
        };
        newest(selector, self.data, at).into_iter().map(seen).collect()
    }

    fn ranged(&self, expr: &Expr, at: Time) -> Result<Found, Halt> {
        let seen = |Row { element, samples, .. }: Row| {
            let last = samples.last().copied();
            let unknown_since = match &expr.node {
                Node::Selector(selector) => self.unknown_since(selector, &element, at),
                _ => None,
            };
            let element = match (element.value, last) {
                (Value::Known(_), Some((_, value))) => Element { value: Value::Known(value), ..element },
                (value, _) => Element { value, ..element },
            };
            let measured = last.map(|(tick, _)| Time::from_millis(tick));
            Seen { element, measured, samples: Some(samples.len()), unknown_since }
        };
        let range = match &expr.node {
            Node::Selector(selector) => selector.range.unwrap_or_default(),
            Node::Subquery(subquery) => subquery.range,
            _ => Duration::ZERO,
        };
        Ok(Found::Samples(range, sampled(expr, self.data, at)?.into_iter().map(seen).collect()))
    }

    /// The first of the samples up to `tick` that are unknown without a break.
    fn unknown_since(&self, selector: &Selector, element: &Element, tick: Time) -> Option<Time> {
        let is_it = |window: &&Window| {
            Some(&window.series.metric) == element.name.as_ref() && window.series.labels == element.labels
        };
        let window = self.data.select(selector).find(is_it).filter(|_| matches!(element.value, Value::Unknown(_)))?;
        let past = window.points.iter().rev().skip_while(|point| point.tick > tick);
        past.take_while(|point| point.datum == Datum::Unknown).last().map(|point| point.tick)
    }
}

impl Seen {
    fn computed(element: Element) -> Self {
        Self { element, measured: None, samples: None, unknown_since: None }
    }

    /// Its labels, which also stand for a name that is gone.
    pub const fn labels(&self) -> &Labels {
        &self.element.labels
    }
}

/// The instant that `offset` and `@` name when it is `at`.
pub fn shifted(shift: Shift, at: Time) -> Time {
    let origin = match shift.at {
        Some(At::Millis(millis)) => millis,
        // an explanation is of one instant, which is the query's beginning and end
        _ => at.millis(),
    };
    Time::from_millis(origin.saturating_sub(shift.offset))
}

/// The last instant at which a subquery evaluates what is in it.
fn last_step(subquery: &Subquery, at: Time) -> Time {
    let step = subquery.step.filter(|step| millis_of(*step) > 0).unwrap_or(Duration::from_mins(1));
    shifted(subquery.shift, at).floor(step)
}
