//! How a series went over a span: runs without a hole, the holes between them, and what can be said of the whole.
//!
//! A hole is never bridged: what was not measured is no line. Long spans are put together in buckets that keep their
//! lowest, highest and mean value, so that a short dip stays visible.

use std::time::Duration;

use super::span::Span;
use crate::model::reading::{Datum, Point};
use crate::model::time::{Time, millis_of};

/// More points than this are put together in buckets.
const MOST_POINTS: i64 = 1440;

/// Buckets of a long span.
const BUCKETS: i64 = 720;

/// What was measured at a time, or over a bucket.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cell {
    /// When; of a bucket the middle of what was measured in it.
    pub at: Time,
    /// The lowest value.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// The mean.
    pub mean: f64,
    /// How many values it stands for.
    pub count: u32,
}

/// Why there is nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Before the first measurement.
    Before,
    /// Nothing ran.
    Missed,
    /// It was asked and could not be said.
    Unknown,
    /// It was no longer reported.
    Gone,
}

impl Why {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Before => "not measured yet",
            Self::Missed => "nothing ran",
            Self::Unknown => "could not be measured",
            Self::Gone => "not reported",
        }
    }
}

/// A time without a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hole {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// Why.
    pub why: Why,
}

/// A value with its time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Peak {
    /// The value.
    pub value: f64,
    /// When it was measured.
    pub at: Time,
}

/// How a series went.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Course {
    /// What was measured, cut where something is missing; none of the runs is empty.
    pub runs: Vec<Vec<Cell>>,
    /// What is missing.
    pub holes: Vec<Hole>,
    /// The lowest value.
    pub lowest: Option<Peak>,
    /// The highest value.
    pub highest: Option<Peak>,
    /// The newest value.
    pub last: Option<Peak>,
    /// The time that a value stands for.
    pub each: Duration,
    /// The length of a bucket, where values were put together.
    pub bucket: Option<Duration>,
}

/// How points follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time between two of them.
    pub every: Duration,
    /// The time of a cycle.
    pub interval: Duration,
}

impl Pace {
    /// The time between two points that are as they should be.
    fn expected(self) -> Duration {
        self.every.max(self.interval).max(Duration::from_millis(1))
    }
}

impl Course {
    /// The course of `points`, which are in order, over `span`.
    pub fn of(points: &[Point], span: Span, pace: Pace) -> Self {
        let each = pace.expected();
        let mut course = Self { each, ..Self::default() };
        let mut cut = Cut { span, each, runs: Vec::new(), holes: Vec::new(), run: Vec::new(), since: None };
        for point in points.iter().filter(|point| point.tick >= span.from && point.tick <= span.to) {
            match point.datum {
                Datum::Value(value) if value.is_finite() => {
                    cut.add(point.tick, value);
                    course.note(Peak { value, at: point.tick });
                }
                Datum::Value(_) | Datum::Unknown => cut.stop(point.tick, Why::Unknown),
                Datum::Gone => cut.stop(point.tick, Why::Gone),
            }
        }
        let (runs, holes) = cut.end();
        (course.runs, course.holes) = (runs, holes);
        let steps = millis_of(span.length()) / millis_of(each).max(1);
        if steps > MOST_POINTS {
            let step = each * u32::try_from(steps.div_euclid(BUCKETS) + 1).unwrap_or(u32::MAX);
            course.put_together(step);
        }
        course
    }

    fn note(&mut self, peak: Peak) {
        if self.lowest.is_none_or(|lowest| peak.value < lowest.value) {
            self.lowest = Some(peak);
        }
        if self.highest.is_none_or(|highest| peak.value > highest.value) {
            self.highest = Some(peak);
        }
        self.last = Some(peak);
    }

    /// Runs that no visible hole separates become one, and in each the values of a bucket do.
    fn put_together(&mut self, step: Duration) {
        self.bucket = Some(step);
        let mut runs: Vec<Vec<Cell>> = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let (begins, joined) = (run.first().map(|cell| cell.at), runs.last_mut());
            match (joined, begins) {
                (Some(last), Some(begins)) if last.last().is_some_and(|cell| begins.since(cell.at) * 2 < step) => {
                    last.extend(run);
                }
                _ => runs.push(run),
            }
        }
        self.runs = runs.iter().map(|run| buckets(run, step)).collect();
        self.holes.retain(|hole| hole.to.since(hole.from) * 2 >= step);
    }

    /// Every cell, oldest first.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.runs.iter().flatten()
    }

    /// How long the values were beyond a limit, as `is_beyond` says, of what was measured.
    pub fn beyond(points: &[Point], pace: Pace, is_beyond: impl Fn(f64) -> bool) -> Duration {
        let each = pace.expected();
        let bad = |point: &&Point| matches!(point.datum, Datum::Value(value) if is_beyond(value));
        let count = points.iter().filter(bad).count();
        each.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// The buckets of one run.
fn buckets(run: &[Cell], step: Duration) -> Vec<Cell> {
    let same = |one: &Cell, other: &Cell| one.at.floor(step) == other.at.floor(step);
    run.chunk_by(same).filter_map(bucket).collect()
}

fn bucket(cells: &[Cell]) -> Option<Cell> {
    let (first, last) = (cells.first()?, cells.last()?);
    let sum: f64 = cells.iter().map(|cell| cell.mean).sum();
    Some(Cell {
        at: first.at + last.at.since(first.at) / 2,
        low: cells.iter().map(|cell| cell.low).fold(f64::INFINITY, f64::min),
        high: cells.iter().map(|cell| cell.high).fold(f64::NEG_INFINITY, f64::max),
        mean: sum / cells.len() as f64,
        count: u32::try_from(cells.len()).unwrap_or(u32::MAX),
    })
}

/// Cuts points into runs.
struct Cut {
    span: Span,
    each: Duration,
    runs: Vec<Vec<Cell>>,
    holes: Vec<Hole>,
    run: Vec<Cell>,
    /// Since when there is nothing, and why.
    since: Option<(Time, Why)>,
}

impl Cut {
    fn add(&mut self, at: Time, value: f64) {
        let last = self.run.last().map(|cell| cell.at);
        // half a step late is late, not missing
        if let Some(last) = last
            && at.since(last) > self.each + self.each / 2
        {
            self.stop(last + self.each, Why::Missed);
        }
        if self.run.is_empty() {
            let nothing = || if self.runs.is_empty() { (self.span.from, Why::Before) } else { (at, Why::Missed) };
            let (from, why) = self.since.take().unwrap_or_else(nothing);
            self.hole(from, at, why);
        }
        self.run.push(Cell { at, low: value, high: value, mean: value, count: 1 });
    }

    /// There is nothing from here on. Of two reasons the first one stands.
    fn stop(&mut self, at: Time, why: Why) {
        let from = match self.run.last() {
            // what was missed before this mark is not this mark's business
            Some(last) if at.since(last.at) > self.each * 2 && why != Why::Missed => {
                let missed = last.at + self.each;
                self.hole(missed, at, Why::Missed);
                at
            }
            Some(last) => at.min(last.at + self.each),
            None if self.runs.is_empty() && self.since.is_none() => self.span.from,
            None => at,
        };
        if !self.run.is_empty() {
            self.runs.push(std::mem::take(&mut self.run));
        }
        self.since.get_or_insert((from, why));
    }

    fn hole(&mut self, from: Time, to: Time, why: Why) {
        if to > from && (why != Why::Before || to.since(from) > self.each * 2) {
            self.holes.push(Hole { from, to, why });
        }
    }

    fn end(mut self) -> (Vec<Vec<Cell>>, Vec<Hole>) {
        let (span, each) = (self.span, self.each);
        if let Some(last) = self.run.last().map(|cell| cell.at)
            && span.to.since(last) > each * 2
        {
            self.stop(last + each, Why::Missed);
        }
        if !self.run.is_empty() {
            self.runs.push(std::mem::take(&mut self.run));
        } else if self.runs.is_empty() && self.since.is_none() {
            self.holes.push(Hole { from: span.from, to: span.to, why: Why::Before });
        }
        if let Some((from, why)) = self.since.take() {
            self.hole(from, span.to, why);
        }
        (self.runs, self.holes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const PACE: Pace = Pace { every: MINUTE, interval: MINUTE };

    fn at(minute: i64) -> Time {
        Time::from_millis(1_795_424_400_000 + minute * 60_000)
    }

    fn points(values: &[(i64, Datum)]) -> Vec<Point> {
        values.iter().map(|(minute, datum)| Point { tick: at(*minute), datum: *datum }).collect()
    }

    /// The minutes of each run, and of each hole with its reason.
    type Lines = (Vec<Vec<i64>>, Vec<(i64, i64, &'static str)>);

    fn lines(course: &Course) -> Lines {
        let minute = |time: Time| (time.millis() - at(0).millis()) / 60_000;
        let runs = course.runs.iter().map(|run| run.iter().map(|cell| minute(cell.at)).collect()).collect();
        (runs, course.holes.iter().map(|hole| (minute(hole.from), minute(hole.to), hole.why.words())).collect())
    }

    #[test]
    fn holes_have_their_reasons() {
        let value = Datum::Value;
        let of = |values: &[(i64, Datum)]| lines(&Course::of(&points(values), Span::between(at(0), at(20)), PACE));
        assert_eq!(
            of(&[
                (4, value(1.0)),
                (5, value(2.0)),
                (6, Datum::Unknown),
                (7, Datum::Unknown),
                (8, value(1.0)),
                (19, value(3.0))
            ]),
            (
                vec![vec![4, 5], vec![8], vec![19]],
                vec![(0, 4, "not measured yet"), (6, 8, "could not be measured"), (9, 19, "nothing ran"),]
            )
        );
        assert_eq!(of(&[(0, value(1.0)), (1, Datum::Gone)]), (vec![vec![0]], vec![(1, 20, "not reported")]));
        assert_eq!(of(&[(0, value(1.0))]), (vec![vec![0]], vec![(1, 20, "nothing ran")]));
        assert_eq!(of(&[]), (vec![], vec![(0, 20, "not measured yet")]));
        assert_eq!(
            of(&[(0, value(f64::NAN)), (1, value(1.0))]).1,
            [(0, 1, "could not be measured"), (2, 20, "nothing ran")]
        );
    }

    #[test]
    fn a_dip_survives_a_month() {
        // six minutes at 98.7 %, in thirty days at 101 %
        let all: Vec<(i64, Datum)> = (0..43_200)
            .map(|minute| (minute, Datum::Value(if (20_000..20_006).contains(&minute) { 0.987 } else { 1.01 })))
            .collect();
        let course = Course::of(&points(&all), Span::between(at(0), at(43_200)), PACE);
        assert_eq!((course.runs.len(), course.holes.len()), (1, 0));
        assert!(course.cells().count() <= 721, "{}", course.cells().count());
        let low = course.cells().map(|cell| cell.low).fold(f64::INFINITY, f64::min);
        let mean = course.cells().map(|cell| cell.mean).fold(f64::INFINITY, f64::min);
        assert!(low < 0.988 && mean > 1.0, "{low} {mean}");
        assert_eq!(course.lowest, Some(Peak { value: 0.987, at: at(20_000) }));
        let beyond = Course::beyond(&points(&all), PACE, |value| value < 1.0);
        assert_eq!(beyond, MINUTE * 6);
    }

    proptest! {
        /// Whatever is measured and missing: no run has a hole in it, no value lies in a hole, and nothing is lost.
        #[test]
        fn holes_are_never_bridged(kinds in proptest::collection::vec(0..5_u8, 1..400), stretch in 1..40_i64) {
            let all: Vec<(i64, Datum)> = kinds.iter().zip(0..).filter_map(|(kind, minute)| match kind {
                0 => Some((minute, Datum::Unknown)),
                1 => None,
                _ => Some((minute, Datum::Value(f64::from(*kind)))),
            }).collect();
            let span = Span::between(at(0), at(i64::try_from(kinds.len()).unwrap() * stretch));
            let course = Course::of(&points(&all), span, PACE);
            let most = course.bucket.map_or(MINUTE, |bucket| bucket * 2);
            for run in &course.runs {
                prop_assert!(!run.is_empty());
                for pair in run.windows(2) {
                    prop_assert!(pair[1].at.since(pair[0].at) <= most + MINUTE / 2);
                }
            }
            if course.bucket.is_none() {
                let count = all.iter().filter(|(_, datum)| matches!(datum, Datum::Value(_))).count();
                prop_assert_eq!(course.cells().count(), count);
                for (cell, hole) in course.cells().flat_map(|cell| course.holes.iter().map(move |hole| (cell, hole))) {
                    prop_assert!(cell.at < hole.from || cell.at >= hole.to);
                }
            }
        }
    }
}
