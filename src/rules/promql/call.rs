//! Function calls: the shapes that the table of functions names.

use std::collections::{HashMap, HashSet};

use super::ast::{Call, Expr, Node, Test};
use super::check::Kind;
use super::eval::{Evaluator, Row, each, number};
use super::functions::Body;
use super::histogram;
use super::label;
use super::over::Run;
use super::value::{Answer, Element, GroupKey, Halt, distinct};
use crate::model::labels::Labels;
use crate::model::reading::{Reason, Value};

/// The rows of a range vector with their window.
pub(super) struct Ranges {
    /// One for each series.
    pub rows: Vec<Row>,
    /// Left edge in milliseconds, not included.
    pub from: i64,
    /// Right edge, included.
    pub to: i64,
}

/// Gathers the steps of a subquery into rows.
#[derive(Default)]
pub(super) struct Collector {
    places: HashMap<GroupKey, usize>,
    rows: Vec<Row>,
    /// Of these some step was unknown.
    unknown: HashSet<GroupKey>,
    /// A whole step was.
    has_skipped: bool,
}

impl Collector {
    /// Leaves out a step of which nothing is known.
    pub const fn skip(&mut self) {
        self.has_skipped = true;
    }

    /// Adds what one step yielded; an unknown element is skipped, but at the last step makes its row unknown.
    pub fn add(&mut self, at: i64, elements: Vec<Element>, is_last: bool) {
        for element in elements {
            let key = (element.name.clone(), element.labels.clone());
            if matches!(element.value, Value::Unknown(_)) && !is_last {
                self.unknown.insert(key);
                continue;
            }
            let place = *self.places.entry(key).or_insert(self.rows.len());
            if place == self.rows.len() {
                self.rows.push(Row { element: element.clone(), samples: Vec::new(), has_gaps: false });
            }
            let Some(row) = self.rows.get_mut(place) else { continue };
            if let Value::Known(value) = element.value {
                row.samples.push((at, value));
            }
            row.element.value = element.value;
        }
    }

    /// The rows gathered.
    pub fn rows(self) -> Vec<Row> {
        let Self { places, mut rows, unknown, has_skipped } = self;
        for (key, place) in places {
            if let Some(row) = rows.get_mut(place) {
                row.has_gaps = has_skipped || unknown.contains(&key);
            }
        }
        rows
    }
}

impl Evaluator<'_> {
    /// The value of a call.
    pub(super) fn call(self, call: &Call) -> Result<Answer, Halt> {
        let vector = |elements: Result<Vec<Element>, Halt>| elements.map(Answer::Vector);
        match call.function.body {
            Body::Time => Ok(Answer::Scalar(self.at as f64 / 1000.0)),
            Body::Pi => Ok(Answer::Scalar(std::f64::consts::PI)),
            Body::Scalar => self.only_element(call),
            Body::Vector => Ok(Answer::Vector(vec![number(self.first_scalar(call)?)])),
            Body::Each(body) => vector(each(self.first_vector(call)?, |value| Some(body(value)))),
            Body::EachWith(body) => {
                let parameters = self.parameters(call)?;
                vector(each(self.first_vector(call)?, |value| body(value, &parameters)))
            }
            Body::Date(part) => {
                let elements = if call.arguments.is_empty() {
                    vec![number(self.at as f64 / 1000.0)]
                } else {
                    self.first_vector(call)?
                };
                vector(each(elements, |value| Some(date_part(value, part))))
            }
            Body::Over(body) => {
                let parameters = self.parameters(call)?;
                let results = self.over(call, |run| body(run, &parameters))?;
                vector(distinct(results.into_iter().map(Element::nameless).collect()))
            }
            Body::Pick(body) => vector(self.over(call, body)),
            Body::OneOf(body) => match self.parameters(call)?.as_slice() {
                [a, b] => Ok(Answer::Scalar(body(*a, *b))),
                _ => Ok(Answer::Scalar(f64::NAN)),
            },
            Body::Absent => self.absent(call).map(Answer::Vector),
            Body::Timestamp => vector(self.timestamps(call)),
            Body::Sort { descending } => vector(self.first_vector(call).map(|elements| sorted(elements, descending))),
            Body::Histogram(body) => {
                let parameters = self.parameters(call)?;
                vector(histogram::each(self.first_vector(call)?, body, &parameters))
            }
            Body::LabelReplace => vector(label::replace(self.first_vector(call)?, &self.texts(call)?)),
            Body::LabelJoin => vector(label::join(self.first_vector(call)?, &self.texts(call)?)),
        }
    }

    fn first_vector(self, call: &Call) -> Result<Vec<Element>, Halt> {
        argument(call, Kind::Vector).map_or_else(|| Ok(Vec::new()), |expr| self.vector(expr))
    }

    fn first_scalar(self, call: &Call) -> Result<f64, Halt> {
        argument(call, Kind::Scalar).map_or(Ok(f64::NAN), |expr| self.scalar(expr))
    }

    /// The scalar arguments, in their order.
    fn parameters(self, call: &Call) -> Result<Vec<f64>, Halt> {
        let scalars = call.arguments.iter().zip(call.function.kinds()).filter(|(_, kind)| *kind == Kind::Scalar);
        scalars.map(|(expr, _)| self.scalar(expr)).collect()
    }

    /// The string arguments, in their order.
    fn texts(self, call: &Call) -> Result<Vec<String>, Halt> {
        let texts = call.arguments.iter().zip(call.function.kinds()).filter(|(_, kind)| *kind == Kind::Text);
        texts.map(|(expr, _)| self.text(expr)).collect()
    }

    /// A function of each series' samples.
    fn over(self, call: &Call, body: impl Fn(&Run<'_>) -> Option<f64>) -> Result<Vec<Element>, Halt> {
        let Some(expr) = argument(call, Kind::Range) else { return Ok(Vec::new()) };
        let Ranges { rows, from, to } = self.ranges(expr)?;
        let result = |Row { element, samples, has_gaps }: Row| {
            let value = match (&element.value, body(&Run { samples: &samples, from, to, at: self.at })) {
                (Value::Unknown(_), _) => return Some(element),
                (Value::Known(_), Some(value)) => Value::Known(value),
                // too few samples, because the others are unknown: what they would come to is so too, and not nothing
                (Value::Known(_), None) if has_gaps => Value::Unknown(Reason::WARMING_UP),
                (Value::Known(_), None) => return None,
            };
            Some(Element { value, ..element })
        };
        Ok(rows.into_iter().filter_map(result).collect())
    }

    /// `scalar`: the value of the only element, NaN where there is not exactly one.
    fn only_element(self, call: &Call) -> Result<Answer, Halt> {
        let elements = self.first_vector(call)?;
        // also beside another: an unknown element may be one that a comparison would have left out
        let values = elements.iter().map(Element::known).collect::<Result<Vec<f64>, Halt>>()?;
        match values.as_slice() {
            [only] => Ok(Answer::Scalar(*only)),
            _ => Ok(Answer::Scalar(f64::NAN)),
        }
    }

    /// One element where the argument has none. Whether something that was not measured is absent, nobody knows.
    fn absent(self, call: &Call) -> Result<Vec<Element>, Halt> {
        let Some(expr) = call.arguments.first() else { return Ok(Vec::new()) };
        let elements: Vec<Element> = match expr.kind() {
            Kind::Range => self.ranges(expr)?.rows.into_iter().map(|row| row.element).collect(),
            _ => self.vector(expr)?,
        };
        for element in &elements {
            element.known()?;
        }
        let absent = Element { name: None, labels: equalities(expr), value: Value::Known(1.0) };
        Ok(if elements.is_empty() { vec![absent] } else { Vec::new() })
    }

    /// The time of each sample; of computed values that of the evaluation.
    fn timestamps(self, call: &Call) -> Result<Vec<Element>, Halt> {
        let direct = argument(call, Kind::Vector).map(|expr| &expr.bare().node);
        let Some(Node::Selector(selector)) = direct else {
            return each(self.first_vector(call)?, |_| Some(self.at as f64 / 1000.0));
        };
        let stamped = self.newest(selector).filter_map(|(element, tick)| element.map(|_| Some(tick.seconds())));
        distinct(stamped.map(Element::nameless).collect())
    }
}

/// The first argument of a kind.
fn argument(call: &Call, kind: Kind) -> Option<&Expr> {
    call.arguments.iter().zip(call.function.kinds()).find(|(_, wanted)| *wanted == kind).map(|(expr, _)| expr)
}

/// What is known of the labels of something absent: those that the selector demands by `=`, each once.
fn equalities(expr: &Expr) -> Labels {
    let Node::Selector(selector) = &expr.bare().node else { return Labels::empty() };
    let demanded = selector.matchers.iter().filter_map(|matcher| match &matcher.test {
        Test::Is(value) => Some((matcher.label.clone(), value.as_str())),
        Test::IsNot(_) | Test::Like(_) | Test::Unlike(_) => None,
    });
    let is_unique =
        |label: &str| selector.matchers.iter().filter(|matcher| matcher.label.as_ref() == label).count() == 1;
    Labels::new(demanded.filter(|(label, _)| is_unique(label)))
}

/// Sorted by value, NaN and unknown ones last.
fn sorted(mut elements: Vec<Element>, descending: bool) -> Vec<Element> {
    let rank = |element: &Element| element.known().ok().filter(|value| !value.is_nan());
    elements.sort_by(|a, b| match (rank(a), rank(b)) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    elements
}

/// A part of the UTC date that `seconds` since 1970 fall on; NaN beyond the calendar.
#[allow(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, and the calendar ends before")]
fn date_part(seconds: f64, part: fn(jiff::civil::DateTime) -> f64) -> f64 {
    if seconds.is_nan() {
        return f64::NAN;
    }
    let timestamp = jiff::Timestamp::from_second(seconds as i64);
    timestamp.map_or(f64::NAN, |timestamp| part(timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime()))
}
