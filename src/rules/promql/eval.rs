//! The evaluator for instant queries, with the semantics of Prometheus 3: windows are open on the left, a value stands
//! for `max(5m, 2.5 x every)` of its series, arithmetic and functions drop the metric's name.
//!
//! What Prometheus does not have: a sample can be *unknown*. It ends the lookback and makes the element unknown; whatever is
//! computed from all elements at once (an aggregation, a match between vectors, `absent`) is then unknown as a whole,
//! which travels as `Halt::Unknown`.

use std::cell::Cell;
use std::time::Duration;

use super::aggregate::{self, Parameter};
use super::ast::{Aggregate, At, Binary, Expr, Node, Selector, Shift, Subquery};
use super::call::{Collector, Ranges};
use super::matching;
use super::ops::{Aggregation, Op};
use super::value::{Answer, Element, Halt, distinct};
use crate::model::labels::Labels;
use crate::model::reading::{Datum, Point, Reason, Value, Window};
use crate::model::time::{Time, millis_of};
use crate::rules::windows::{Windows, lookback};

/// Steps of one subquery; as many points as Prometheus allows a range query.
pub const MAX_STEPS: i64 = 11_000;
/// Steps of all subqueries of an expression together, those inside each other multiplied: half a second of work.
pub const MAX_ALL_STEPS: i64 = 100_000;
/// The step of a subquery that names none.
const DEFAULT_STEP: Duration = Duration::from_mins(1);

/// Evaluates a type-checked expression on `data` at `at`.
pub fn evaluate(expr: &Expr, data: &Windows, at: Time) -> Result<Answer, Halt> {
    evaluate_within(expr, data, at, (at, at))
}

/// The same as one step of a query over time, from its first to its last instant.
pub fn evaluate_within(expr: &Expr, data: &Windows, at: Time, query: (Time, Time)) -> Result<Answer, Halt> {
    Evaluator::new(data, at, query, &Cell::new(0)).answer(expr)
}

/// The newest sample of each series that `selector` selects, with its time.
pub fn newest(selector: &Selector, data: &Windows, at: Time) -> Vec<(Element, Time)> {
    newest_within(selector, data, at, (at, at))
}

/// The same as one step of a query over time, from its first to its last instant.
pub fn newest_within(selector: &Selector, data: &Windows, at: Time, query: (Time, Time)) -> Vec<(Element, Time)> {
    Evaluator::new(data, at, query, &Cell::new(0)).newest(selector).collect()
}

/// The elements of a range vector with their samples.
pub fn sampled(expr: &Expr, data: &Windows, at: Time) -> Result<Vec<Row>, Halt> {
    Ok(Evaluator::new(data, at, (at, at), &Cell::new(0)).ranges(expr)?.rows)
}

/// The value of an unknown mark of `window`. The reason of the newest one is kept, and is that of those just before it; of
/// an older one, between which and the newest something was known, nobody can say it any more.
fn unknown(window: &Window, mark: Time) -> Value {
    let later = window.points.get(window.points.partition_point(|point| point.tick <= mark)..).unwrap_or_default();
    let is_unknown = |point: &&Point| point.datum == Datum::Unknown;
    let is_of_newest = !later.iter().skip_while(is_unknown).any(|point| is_unknown(&point));
    let reason = window.reason.as_ref().filter(|_| is_of_newest);
    Value::Unknown(reason.cloned().unwrap_or_else(|| Reason::new("not measured")))
}

/// An evaluation at one instant; a subquery makes one for each of its steps.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    data: &'a Windows,
    /// This evaluation's time in milliseconds.
    pub(super) at: i64,
    /// The first and last instant of the whole query.
    query: (i64, i64),
    /// Steps of subqueries so far.
    steps: &'a Cell<i64>,
}

/// The samples of one series in a window.
pub struct Row {
    /// Name and labels; the value is unknown when the newest sample is.
    pub element: Element,
    /// What was measured: milliseconds since the epoch and the value.
    pub samples: Vec<(i64, f64)>,
    /// Between the edges of the window it was not measured at times.
    pub has_gaps: bool,
}

impl<'a> Evaluator<'a> {
    fn new(data: &'a Windows, at: Time, query: (Time, Time), steps: &'a Cell<i64>) -> Self {
        Self { data, at: at.millis(), query: (query.0.millis(), query.1.millis()), steps }
    }

    /// The value of any expression.
    pub(super) fn answer(self, expr: &Expr) -> Result<Answer, Halt> {
        match &expr.node {
            Node::Number(value) => Ok(Answer::Scalar(*value)),
            Node::Text(text) => Ok(Answer::Text(text.clone())),
            Node::Paren(inner) => self.answer(inner),
            Node::Selector(selector) if selector.range.is_none() => Ok(Answer::Vector(self.instant(selector))),
            Node::Selector(_) | Node::Subquery(_) => Err(Halt::Failed("a range of samples is no answer".to_owned())),
            Node::Negate(inner) => match self.answer(inner)? {
                Answer::Scalar(value) => Ok(Answer::Scalar(-value)),
                Answer::Vector(elements) => each(elements, |value| Some(-value)).map(Answer::Vector),
                text @ Answer::Text(_) => Ok(text),
            },
            Node::Binary(binary) => self.binary(binary),
            Node::Aggregate(aggregate) => self.aggregate(aggregate).map(Answer::Vector),
            Node::Call(call) => self.call(call),
        }
    }

    /// The value of an expression of type scalar.
    pub(super) fn scalar(self, expr: &Expr) -> Result<f64, Halt> {
        match self.answer(expr)? {
            Answer::Scalar(value) => Ok(value),
            Answer::Text(_) | Answer::Vector(_) => Err(Halt::Failed("a number was expected".to_owned())),
        }
    }

    /// The value of an expression of type instant vector.
    pub(super) fn vector(self, expr: &Expr) -> Result<Vec<Element>, Halt> {
        match self.answer(expr)? {
            Answer::Vector(elements) => Ok(elements),
            Answer::Text(_) | Answer::Scalar(_) => Err(Halt::Failed("an instant vector was expected".to_owned())),
        }
    }

    /// The value of an expression of type string.
    pub(super) fn text(self, expr: &Expr) -> Result<String, Halt> {
        match self.answer(expr)? {
            Answer::Text(text) => Ok(text),
            Answer::Vector(_) | Answer::Scalar(_) => Err(Halt::Failed("a string was expected".to_owned())),
        }
    }

    fn binary(self, binary: &Binary) -> Result<Answer, Halt> {
        let (left, right) = (self.answer(&binary.left)?, self.answer(&binary.right)?);
        let (op, bool) = (binary.op, binary.bool);
        let nameless = op.drops_name(bool);
        match (left, right) {
            (Answer::Scalar(a), Answer::Scalar(b)) => op
                .combine(a, b, true)
                .map(Answer::Scalar)
                .ok_or_else(|| Halt::Failed("numbers have no set operators".to_owned())),
            (Answer::Vector(elements), Answer::Scalar(b)) => {
                with_scalar(elements, nameless, |a| op.combine(a, b, bool))
            }
            (Answer::Scalar(a), Answer::Vector(elements)) => with_scalar(elements, nameless, |b| match op {
                // a filter keeps the vector's value, on whichever side it stands
                Op::Compare(compare) if !bool => compare.holds(a, b).then_some(b),
                _ => op.combine(a, b, bool),
            }),
            (Answer::Vector(left), Answer::Vector(right)) => matching::vectors(binary, left, right).map(Answer::Vector),
            _ => Err(Halt::Failed("strings have no operators".to_owned())),
        }
    }

    fn aggregate(self, aggregate: &Aggregate) -> Result<Vec<Element>, Halt> {
        let parameter = match &aggregate.parameter {
            None => Parameter::None,
            Some(label) if aggregate.op == Aggregation::CountValues => Parameter::Label(self.text(label)?),
            Some(number) => Parameter::Number(self.scalar(number)?),
        };
        aggregate::aggregate(aggregate, &parameter, self.vector(&aggregate.of)?)
    }

    /// The instant that a selector or subquery looks at.
    fn shifted(self, shift: Shift) -> i64 {
        let origin = match shift.at {
            None => self.at,
            Some(At::Start) => self.query.0,
            Some(At::End) => self.query.1,
            Some(At::Millis(millis)) => millis,
        };
        origin.saturating_sub(shift.offset)
    }

    /// The newest sample of each series.
    fn instant(self, selector: &Selector) -> Vec<Element> {
        self.newest(selector).map(|(element, _)| element).collect()
    }

    /// The newest sample of each series with its time.
    pub(super) fn newest(self, selector: &'a Selector) -> impl Iterator<Item = (Element, Time)> + 'a {
        let at = self.shifted(selector.shift);
        self.data.select(selector).filter_map(move |window| {
            let point = newest_point(window, at, lookback(window.every))?;
            let value = match point.datum {
                Datum::Value(value) => Value::Known(value),
                Datum::Unknown => unknown(window, point.tick),
                Datum::Gone => return None,
            };
            Some((element(window, value), point.tick))
        })
    }

    /// The rows of an expression of type range vector.
    pub(super) fn ranges(self, expr: &Expr) -> Result<Ranges, Halt> {
        match &expr.bare().node {
            Node::Selector(selector) => Ok(self.windows(selector, selector.range.unwrap_or_default())),
            Node::Subquery(subquery) => self.subquery(subquery),
            _ => Err(Halt::Failed("a range vector was expected".to_owned())),
        }
    }

    fn windows(self, selector: &Selector, range: Duration) -> Ranges {
        let to = self.shifted(selector.shift);
        let from = to.saturating_sub(millis_of(range));
        let rows = self.data.select(selector).filter_map(|window| row(window, range, from, to)).collect();
        Ranges { rows, from, to }
    }

    /// Evaluates the inner expression at the multiples of the step inside the window.
    fn subquery(self, subquery: &Subquery) -> Result<Ranges, Halt> {
        let to = self.shifted(subquery.shift);
        let from = to.saturating_sub(millis_of(subquery.range));
        let step = millis_of(subquery.step.unwrap_or(DEFAULT_STEP)).max(1);
        let first = from.div_euclid(step).saturating_add(1).saturating_mul(step);
        let steps = (to - first).div_euclid(step) + 1;
        if steps > MAX_STEPS {
            return Err(Halt::Failed(format!("the subquery has {steps} steps; at most {MAX_STEPS} are evaluated")));
        }
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > MAX_ALL_STEPS {
            return Err(Halt::Failed(format!(
                "the subqueries have more than {MAX_ALL_STEPS} steps together; take longer steps or shorter ranges"
            )));
        }
        let mut collector = Collector::default();
        for at in (0..steps).map(|count| first + count * step) {
            let is_last = at + step > to;
            match (Evaluator { at, ..self }).answer(&subquery.of) {
                Ok(Answer::Vector(elements)) => collector.add(at, elements, is_last),
                Ok(Answer::Scalar(value)) => collector.add(at, vec![number(value)], is_last),
                Ok(Answer::Text(_)) => {}
                // as a range function skips an unknown sample unless it is the newest
                Err(Halt::Unknown(_)) if !is_last => collector.skip(),
                Err(halt) => return Err(halt),
            }
        }
        Ok(Ranges { rows: collector.rows(), from, to })
    }
}

/// A vector and a number: each element by itself.
fn with_scalar(elements: Vec<Element>, nameless: bool, combine: impl Fn(f64) -> Option<f64>) -> Result<Answer, Halt> {
    let results = elements.into_iter().filter_map(|element| element.map(&combine));
    if nameless {
        distinct(results.map(Element::nameless).collect()).map(Answer::Vector)
    } else {
        Ok(Answer::Vector(results.collect()))
    }
}

/// Each element by itself, without its name.
pub(super) fn each(elements: Vec<Element>, change: impl Fn(f64) -> Option<f64>) -> Result<Vec<Element>, Halt> {
    distinct(elements.into_iter().filter_map(|element| element.map(&change)).map(Element::nameless).collect())
}

/// An element without name and labels.
pub(super) fn number(value: f64) -> Element {
    Element { name: None, labels: Labels::empty(), value: Value::Known(value) }
}

fn element(window: &Window, value: Value) -> Element {
    Element { name: Some(window.series.metric.clone()), labels: window.series.labels.clone(), value }
}

/// The newest point in `(at - back, at]`.
fn newest_point(window: &Window, at: i64, back: Duration) -> Option<Point> {
    let end = window.points.partition_point(|point| point.tick.millis() <= at);
    let newest = window.points.get(..end)?.last()?;
    (newest.tick.millis() > at.saturating_sub(millis_of(back))).then_some(*newest)
}

/// The samples of a series in `(from, to]`, unknown and gone marks left out. Nothing for a series without samples there;
/// one whose newest mark is unknown is unknown.
fn row(window: &Window, range: Duration, from: i64, to: i64) -> Option<Row> {
    let newest = newest_point(window, to, range.max(lookback(window.every)))?;
    let start = window.points.partition_point(|point| point.tick.millis() <= from);
    let end = window.points.partition_point(|point| point.tick.millis() <= to);
    let inside = window.points.get(start..end).unwrap_or_default();
    let samples: Vec<(i64, f64)> = inside
        .iter()
        .filter_map(|point| match point.datum {
            Datum::Value(value) => Some((point.tick.millis(), value)),
            Datum::Unknown | Datum::Gone => None,
        })
        .collect();
    let value = match newest.datum {
        Datum::Unknown => unknown(window, newest.tick),
        Datum::Value(_) | Datum::Gone => Value::Known(samples.last()?.1),
    };
    // of what is gone the gaps do not matter any more
    let has_gaps = newest.datum != Datum::Gone && inside.iter().any(|point| point.datum == Datum::Unknown);
    Some(Row { element: element(window, value), samples, has_gaps })
}
