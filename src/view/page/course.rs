//! How a series went over a span: runs without a hole, the holes between them, and what can be said of the whole.
//!
//! A hole is never bridged: what was not measured is no line. Long spans are put together in buckets that keep their
//! lowest, highest and mean value, so that a short dip stays visible.

use std::time::Duration;

use super::limits::Limit;
use super::pace::Pace;
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

/// Why there is no line.
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
    /// It was measured as larger than every number.
    Above,
    /// It was measured as smaller than every number.
    Below,
    /// It was measured as no number.
    NoNumber,
}

impl Why {
    /// Why a sample is not drawn; nothing where it is.
    fn of(datum: Datum) -> Option<Self> {
        match datum {
            Datum::Value(value) if value.is_finite() => None,
            Datum::Value(value) if value.is_nan() => Some(Self::NoNumber),
            Datum::Value(value) => Some(if value > 0.0 { Self::Above } else { Self::Below }),
            Datum::Unknown => Some(Self::Unknown),
            Datum::Gone => Some(Self::Gone),
        }
    }

    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Before => "not measured yet",
            Self::Missed => "nothing ran",
            Self::Unknown => "could not be measured",
            Self::Gone => "not reported",
            Self::Above => "measured as +Inf, which cannot be drawn",
            Self::Below => "measured as -Inf, which cannot be drawn",
            Self::NoNumber => "measured as NaN, which cannot be drawn",
        }
    }

    /// What is missing: of what was measured only the line.
    pub const fn missing(self) -> &'static str {
        match self {
            Self::Before | Self::Missed | Self::Unknown | Self::Gone => "no data",
            Self::Above | Self::Below | Self::NoNumber => "no line",
        }
    }
}

/// A time without a line.
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
    /// The lowest value that is drawn.
    pub lowest: Option<Peak>,
    /// The highest value that is drawn.
    pub highest: Option<Peak>,
    /// The newest value, also where it cannot be drawn.
    pub last: Option<Peak>,
    /// When it was looked at last, whether there was a value or not.
    pub newest: Option<Time>,
    /// How long the values were beyond the limit, of what was measured.
    pub beyond: Duration,
    /// The longest time between two values of the span that are as they should be.
    pub each: Duration,
    /// How often it is asked, as it was at the end.
    pub every: Duration,
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
    }
}

/// What was said last.
#[derive(Clone, Copy)]
struct Mark {
    at: Time,
    /// Why it is not drawn; a value that can be has no reason.
    why: Option<Why>,
    is_beyond: bool,
}

/// A course in the making. It takes points as they come, so that a year of them never lies in memory.
pub struct Trace<'a> {
    course: Course,
    limit: Option<&'a Limit>,
    span: Span,
    pace: Pace<'a>,
    runs: Vec<Vec<Bucket>>,
    /// The last run has not ended.
    is_running: bool,
    /// When the last value was drawn.
    drawn: Option<Time>,
    /// What was said last.
    mark: Option<Mark>,
    /// The last hole, which may go on.
    open: Option<Hole>,
}

impl<'a> Trace<'a> {
    /// Nothing yet, over `span`; values beyond `limit` are counted.
    pub fn new(span: Span, pace: Pace<'a>, limit: Option<&'a Limit>) -> Self {
        let last = pace.at(span.to);
        let steps = millis_of(span.length()) / millis_of(last).max(1);
        let step = last.saturating_mul(u32::try_from(steps.div_euclid(BUCKETS) + 1).unwrap_or(u32::MAX));
        let bucket = (pace.count(span) > MOST_POINTS).then_some(step);
        let each = pace.longest(span.from, span.to);
        let course = Course { each, every: pace.asked(span.to), bucket, ..Course::default() };
        let runs = Vec::new();
        Self { course, limit, span, pace, runs, is_running: false, drawn: None, mark: None, open: None }
    }

    /// What was said last before the span tells what its beginning is without.
    pub fn after(mut self, before: Option<Point>) -> Self {
        self.mark = before.map(|point| Mark { at: point.tick, why: Why::of(point.datum), is_beyond: false });
        self
    }

    /// The next point: no older than those before it.
    pub fn add(&mut self, point: Point) {
        let at = point.tick;
        if at < self.span.from || at > self.span.to {
            return;
        }
        self.course.newest = Some(at);
        self.pass(Some(at));
        let why = Why::of(point.datum);
        let mut is_beyond = false;
        if let Datum::Value(value) = point.datum {
            self.course.last = Some(Peak { value, at });
            is_beyond = self.limit.is_some_and(|limit| limit.is_beyond(value));
            if why.is_none() {
                self.draw(at, value);
                self.course.note(Peak { value, at });
            }
        }
        self.mark = Some(Mark { at, why, is_beyond });
    }

    /// How it went.
    pub fn end(mut self) -> Course {
        self.pass(None);
        self.close();
        self.course.runs = self.runs.iter().map(|run| run.iter().map(Bucket::cell).collect()).collect();
        self.course
    }

    /// What there is of the time from the last mark to the next one, or to the end of the span.
    fn pass(&mut self, next: Option<Time>) {
        let to = next.unwrap_or(self.span.to);
        let Some(Mark { at, why, is_beyond }) = self.mark else { return self.hole(self.span.from, to, Why::Before) };
        let each = self.pace.between(at, to);
        // half a step late is late, not missing; at the end the next one may still come
        let slack = if next.is_some() { each / 2 } else { each };
        let is_late = to.since(at) > each + slack;
        if is_beyond {
            self.course.beyond += if is_late || next.is_none() { each } else { to.since(at) };
        }
        match why {
            // that is said once
            Some(Why::Gone) => return self.hole(at, to, Why::Gone),
            Some(why) => self.hole(at, if is_late { at + each } else { to }, why),
            None => {}
        }
        if is_late {
            self.hole(at + each, to, Why::Missed);
        }
    }

    /// Puts a value where it belongs: into the last bucket, behind it, or into a run of its own.
    fn draw(&mut self, at: Time, value: f64) {
        let step = self.course.bucket;
        // runs that no visible hole separates are one
        let is_joined = |last: Time| step.is_some_and(|step| at.since(last) * 2 < step);
        if self.runs.is_empty() || !(self.is_running || self.drawn.is_some_and(is_joined)) {
            self.runs.push(Vec::new());
        }
        (self.is_running, self.drawn) = (true, Some(at));
        let Some(run) = self.runs.last_mut() else { return };
        let is_within = |bucket: &&mut Bucket| step.is_some_and(|step| bucket.first.floor(step) == at.floor(step));
        match run.last_mut().filter(is_within) {
            Some(bucket) => bucket.add(at, value),
            None => run.push(Bucket { first: at, last: at, low: value, high: value, mean: value, count: 1 }),
        }
    }

    /// There is no line from here to there. What has the same reason as what is before it goes on.
    fn hole(&mut self, from: Time, to: Time, why: Why) {
        let from = from.max(self.span.from);
        if from >= to {
            return;
        }
        self.is_running = false;
        match &mut self.open {
            Some(open) if open.why == why && open.to >= from => open.to = to,
            _ => {
                self.close();
                self.open = Some(Hole { from, to, why });
            }
        }
    }

    /// Keeps the last hole, where it is to be seen.
    fn close(&mut self) {
        let Some(hole) = self.open.take() else { return };
        let length = hole.to.since(hole.from);
        let is_visible = self.course.bucket.is_none_or(|step| length * 2 >= step);
        let is_told = hole.why != Why::Before || length > self.pace.at(hole.to) * 2;
        if is_visible && is_told {
            self.course.holes.push(hole);
        }
    }
}

/// Values that are drawn as one.
struct Bucket {
    first: Time,
    last: Time,
    low: f64,
    high: f64,
    mean: f64,
    count: u32,
}

impl Bucket {
    fn add(&mut self, at: Time, value: f64) {
        self.last = at;
        (self.low, self.high) = (self.low.min(value), self.high.max(value));
        self.count += 1;
        // the sum of large numbers is none
        let count = f64::from(self.count);
        self.mean += value / count - self.mean / count;
    }

    fn cell(&self) -> Cell {
        let Self { first, last, low, high, mean, count } = *self;
        Cell { at: first + last.since(first) / 2, low, high, mean, count }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pace::Rhythm;
    use super::*;
    use crate::model::severity::Severity;
    use crate::rules::Worse;
    use crate::store::Store;
    use crate::store::cycles::CycleRow;
    use crate::store::open::Mode;

    const MINUTE: Duration = Duration::from_mins(1);
    static RHYTHM: Rhythm = Rhythm::even(MINUTE);

    fn at(minute: i64) -> Time {
        Time::from_millis(1_795_424_400_000 + minute * 60_000)
    }

    fn points(values: &[(i64, Datum)]) -> Vec<Point> {
        values.iter().map(|(minute, datum)| Point { tick: at(*minute), datum: *datum }).collect()
    }

    fn course(points: &[Point], span: Span, limit: Option<&Limit>) -> Course {
        course_after(None, points, span, limit)
    }

    fn course_after(before: Option<Point>, points: &[Point], span: Span, limit: Option<&Limit>) -> Course {
        let mut trace = Trace::new(span, Pace { every: MINUTE, rhythm: &RHYTHM }, limit).after(before);
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
            [(0, 1, "measured as NaN, which cannot be drawn"), (2, 20, "nothing ran")]
        );
        // what was not measured yet is no failure, and what could not be measured does not last when nothing runs
        assert_eq!(
            of(&[(10, Datum::Unknown), (11, value(1.0)), (12, Datum::Unknown), (18, value(1.0)), (19, value(1.0))]).1,
            [
                (0, 10, "not measured yet"),
                (10, 11, "could not be measured"),
                (12, 13, "could not be measured"),
                (13, 18, "nothing ran")
            ]
        );
    }

    #[test]
    fn the_time_before_the_span_says_why_it_begins_with_nothing() {
        let of = |before: (i64, Datum), values: &[(i64, Datum)]| {
            let before = points(&[before]).pop();
            lines(&course_after(before, &points(values), Span::between(at(0), at(20)), None)).1
        };
        let (one, later) = (Datum::Value(1.0), [(18, Datum::Value(1.0)), (19, Datum::Value(1.0))]);
        assert_eq!(of((-200, one), &later), [(0, 18, "nothing ran")]);
        assert_eq!(of((-200, Datum::Unknown), &later), [(0, 18, "nothing ran")]);
        assert_eq!(of((-200, Datum::Gone), &later), [(0, 18, "not reported")]);
        assert_eq!(of((-1, one), &[(0, one)]), [(1, 20, "nothing ran")]);
        assert_eq!(of((-5, one), &[]), [(0, 20, "nothing ran")]);
    }

    #[test]
    fn what_is_no_number_is_measured_and_not_drawn() {
        let limit = Limit { severity: Severity::Critical, value: 1000.0, worse: Worse::Higher, rule: "R".to_owned() };
        for (value, beyond) in [(f64::INFINITY, 3), (f64::NEG_INFINITY, 0), (f64::NAN, 0)] {
            let all = points(&[(0, Datum::Value(1.0)), (1, Datum::Value(value)), (3, Datum::Value(value))]);
            let course = course(&all, Span::between(at(0), at(3)), Some(&limit));
            assert_eq!(course.last.map(|last| last.value.to_bits()), Some(value.to_bits()));
            assert_eq!(course.highest, Some(Peak { value: 1.0, at: at(0) }));
            assert_eq!(course.holes.first().map(|hole| hole.why.missing()), Some("no line"));
            // one minute of it was missed
            assert_eq!(course.beyond, MINUTE * (beyond - u32::from(beyond > 0)), "{value}");
        }
    }

    #[test]
    fn a_changed_interval_leaves_the_past_as_it_was() {
        let quarter = Duration::from_secs(15);
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("m.db"), Mode::Write, at(0)).unwrap();
        let tx = store.begin().unwrap();
        // 110 minutes of a minute each, then every 15 seconds
        let minutes = (0..110_u32).map(|at| (MINUTE * at, MINUTE));
        let ticks: Vec<(Time, Duration)> = minutes
            .chain((0..37_u32).map(|at| (MINUTE * 110 + quarter * at, quarter)))
            .map(|(later, interval)| (at(0) + later, interval))
            .collect();
        for (tick, interval) in &ticks {
            tx.put_cycle(&CycleRow { interval: Some(*interval), ..CycleRow::quick(*tick, 0) }).unwrap();
        }
        let end = ticks.last().unwrap().0 + quarter;
        let span = Span::between(end - Duration::from_hours(6), end);
        let rhythm = Rhythm::read(&tx, span.from, span.to, quarter).unwrap();
        let limit = Limit { severity: Severity::High, value: 0.0001, worse: Worse::Higher, rule: "R".to_owned() };
        let mut trace = Trace::new(span, Pace { every: Duration::ZERO, rhythm: &rhythm }, Some(&limit));
        for (tick, _) in &ticks {
            trace.add(Point { tick: *tick, datum: Datum::Value(1.0) });
        }
        let course = trace.end();
        assert_eq!(course.holes.iter().map(|hole| hole.why).collect::<Vec<_>>(), [Why::Before]);
        assert_eq!((course.runs.len(), course.each), (1, MINUTE));
        assert_eq!(course.beyond, end.since(at(0)));
    }

    #[test]
    fn a_source_that_is_no_multiple_of_the_interval_misses_nothing() {
        let all = points(&(0..60).step_by(2).map(|minute| (minute, Datum::Value(1.0))).collect::<Vec<_>>());
        let pace = Pace { every: Duration::from_secs(70), rhythm: &RHYTHM };
        let mut trace = Trace::new(Span::between(at(0), at(60)), pace, None);
        for point in &all {
            trace.add(*point);
        }
        assert_eq!(trace.end().holes, []);
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
