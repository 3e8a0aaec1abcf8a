//! How a series went over a span: runs without a hole, the holes between them, and what can be said of the whole.
//!
//! A hole is never bridged: what was not measured is no line. Long spans are put together in buckets that keep their
//! lowest, highest and mean value, so that a short dip stays visible.

use std::time::Duration;

use super::limits::Limit;
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
    /// When it was looked at last, whether there was a value or not.
    pub newest: Option<Time>,
    /// How long the values were beyond the limit, of what was measured.
    pub beyond: Duration,
    /// The time that a value stands for.
    pub each: Duration,
    /// The length of a bucket, where values were put together.
    pub bucket: Option<Duration>,
}

impl Course {
    /// Every cell, oldest first.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.runs.iter().flatten()
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

/// A course in the making. It takes points as they come, so that a year of them never lies in memory.
pub struct Trace<'a> {
    course: Course,
    limit: Option<&'a Limit>,
    span: Span,
    runs: Vec<Vec<Bucket>>,
    /// The last run has not ended.
    is_running: bool,
    /// When the last value was measured.
    last: Option<Time>,
    /// Since when there is nothing, and why.
    since: Option<(Time, Why)>,
}

impl<'a> Trace<'a> {
    /// Nothing yet, over `span`; values beyond `limit` are counted.
    pub fn new(span: Span, pace: Pace, limit: Option<&'a Limit>) -> Self {
        let each = pace.expected();
        let steps = millis_of(span.length()) / millis_of(each).max(1);
        let step = each.saturating_mul(u32::try_from(steps.div_euclid(BUCKETS) + 1).unwrap_or(u32::MAX));
        let course = Course { each, bucket: (steps > MOST_POINTS).then_some(step), ..Course::default() };
        Self { course, limit, span, runs: Vec::new(), is_running: false, last: None, since: None }
    }

    /// The next point: no older than those before it.
    pub fn add(&mut self, point: Point) {
        if point.tick < self.span.from || point.tick > self.span.to {
            return;
        }
        self.course.newest = Some(point.tick);
        match point.datum {
            Datum::Value(value) if value.is_finite() => self.value(point.tick, value),
            Datum::Value(_) | Datum::Unknown => self.stop(point.tick, Why::Unknown),
            Datum::Gone => self.stop(point.tick, Why::Gone),
        }
    }

    /// How it went.
    pub fn end(mut self) -> Course {
        let (span, each) = (self.span, self.course.each);
        match self.last {
            Some(last) if self.is_running && span.to.since(last) > each * 2 => self.stop(last + each, Why::Missed),
            None if self.since.is_none() => {
                self.course.holes.push(Hole { from: span.from, to: span.to, why: Why::Before });
            }
            _ => {}
        }
        if let Some((from, why)) = self.since.take() {
            self.hole(from, span.to, why);
        }
        self.course.runs = self.runs.iter().map(|run| run.iter().map(Bucket::cell).collect()).collect();
        self.course
    }

    fn value(&mut self, at: Time, value: f64) {
        let each = self.course.each;
        // half a step late is late, not missing
        if let Some(last) = self.last.filter(|last| self.is_running && at.since(*last) > each + each / 2) {
            self.stop(last + each, Why::Missed);
        }
        if !self.is_running {
            let nothing = || if self.last.is_none() { (self.span.from, Why::Before) } else { (at, Why::Missed) };
            let (from, why) = self.since.take().unwrap_or_else(nothing);
            self.hole(from, at, why);
        }
        self.draw(at, value);
        (self.is_running, self.last) = (true, Some(at));
        self.course.note(Peak { value, at });
        if self.limit.is_some_and(|limit| limit.is_beyond(value)) {
            self.course.beyond += each;
        }
    }

    /// Puts a value where it belongs: into the last bucket, behind it, or into a run of its own.
    fn draw(&mut self, at: Time, value: f64) {
        let step = self.course.bucket;
        // runs that no visible hole separates are one
        let is_joined = |last: Time| step.is_some_and(|step| at.since(last) * 2 < step);
        if self.runs.is_empty() || !(self.is_running || self.last.is_some_and(is_joined)) {
            self.runs.push(Vec::new());
        }
        let Some(run) = self.runs.last_mut() else { return };
        let is_within = |bucket: &&mut Bucket| step.is_some_and(|step| bucket.first.floor(step) == at.floor(step));
        match run.last_mut().filter(is_within) {
            Some(bucket) => bucket.add(at, value),
            None => run.push(Bucket { first: at, last: at, low: value, high: value, sum: value, count: 1 }),
        }
    }

    /// There is nothing from here on. Of two reasons the first one stands.
    fn stop(&mut self, at: Time, why: Why) {
        let each = self.course.each;
        let from = match self.last.filter(|_| self.is_running) {
            // what was missed before this mark is not this mark's business
            Some(last) if at.since(last) > each * 2 && why != Why::Missed => {
                self.hole(last + each, at, Why::Missed);
                at
            }
            Some(last) => at.min(last + each),
            None if self.last.is_none() && self.since.is_none() => self.span.from,
            None => at,
        };
        self.is_running = false;
        self.since.get_or_insert((from, why));
    }

    fn hole(&mut self, from: Time, to: Time, why: Why) {
        let is_visible = self.course.bucket.is_none_or(|step| to.since(from) * 2 >= step);
        let is_told = why != Why::Before || to.since(from) > self.course.each * 2;
        if to > from && is_visible && is_told {
            self.course.holes.push(Hole { from, to, why });
        }
    }
}

/// Values that are drawn as one.
struct Bucket {
    first: Time,
    last: Time,
    low: f64,
    high: f64,
    sum: f64,
    count: u32,
}

impl Bucket {
    fn add(&mut self, at: Time, value: f64) {
        self.last = at;
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        self.sum += value;
        self.count += 1;
    }

    fn cell(&self) -> Cell {
        let Self { first, last, low, high, sum, count } = *self;
        Cell { at: first + last.since(first) / 2, low, high, mean: sum / f64::from(count), count }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::severity::Severity;
    use crate::rules::Worse;

    const MINUTE: Duration = Duration::from_mins(1);
    const PACE: Pace = Pace { every: MINUTE, interval: MINUTE };

    fn at(minute: i64) -> Time {
        Time::from_millis(1_795_424_400_000 + minute * 60_000)
    }

    fn points(values: &[(i64, Datum)]) -> Vec<Point> {
        values.iter().map(|(minute, datum)| Point { tick: at(*minute), datum: *datum }).collect()
    }

    fn course(points: &[Point], span: Span, limit: Option<&Limit>) -> Course {
        let mut trace = Trace::new(span, PACE, limit);
        for point in points {
            trace.add(*point);
        }
        trace.end()
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
        let of = |values: &[(i64, Datum)]| lines(&course(&points(values), Span::between(at(0), at(20)), None));
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
        let limit = Limit { severity: Severity::Critical, value: 1.0, worse: Worse::Lower, rule: "UNDER".to_owned() };
        let course = course(&points(&all), Span::between(at(0), at(43_200)), Some(&limit));
        assert_eq!((course.runs.len(), course.holes.len()), (1, 0));
        assert!(course.cells().count() <= 721, "{}", course.cells().count());
        let low = course.cells().map(|cell| cell.low).fold(f64::INFINITY, f64::min);
        let mean = course.cells().map(|cell| cell.mean).fold(f64::INFINITY, f64::min);
        assert!(low < 0.988 && mean > 1.0, "{low} {mean}");
        assert_eq!(course.lowest, Some(Peak { value: 0.987, at: at(20_000) }));
        assert_eq!(course.beyond, MINUTE * 6);
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
            let course = course(&points(&all), span, None);
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
