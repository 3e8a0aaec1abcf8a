//! Whether what is asked each minute answered: a bar for each minute of the last hour.

use std::fmt::Write as _;
use std::time::Duration;

use super::pace::{Pace, Rhythm};
use crate::model::reading::{Datum, Point, Window};
use crate::model::time::{Time, millis_of};
use crate::store::cycles::CycleRow;
use crate::store::{Reader, Result};
use crate::text::safe;

/// What the bars show.
pub const HOUR: Duration = Duration::from_hours(1);

/// The time of a bar, at least.
const MINUTE: Duration = Duration::from_mins(1);

/// More rows than this are counted and not shown.
const MOST: usize = 40;

/// How a minute went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bar {
    /// It answered each time.
    Passed,
    /// It failed at least once.
    Failed,
    /// It was asked and nobody could say.
    Unknown,
    /// Nobody asked.
    Missed,
    /// It was before anybody asked at all.
    Before,
}

/// One thing that is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Oldest first.
    pub bars: Vec<(Time, Bar)>,
    /// The time of a bar.
    pub each: Duration,
}

impl Row {
    /// How many bars are so.
    pub fn count(&self, bar: Bar) -> usize {
        self.bars.iter().filter(|(_, have)| *have == bar).count()
    }

    /// `59 of 60 passed, 1 missed`.
    pub fn words(&self) -> String {
        let asked = self.bars.len() - self.count(Bar::Before);
        if asked == 0 {
            return "not yet".to_owned();
        }
        let mut words = format!("{} of {asked} passed", self.count(Bar::Passed));
        for (bar, word) in [(Bar::Failed, "failed"), (Bar::Unknown, "unknown"), (Bar::Missed, "missed")] {
            match self.count(bar) {
                0 => {}
                count => {
                    let _ = write!(words, ", {count} {word}");
                }
            }
        }
        words
    }
}

/// Metrics that say whether something answers, with what their label names.
const ASKED: [(&str, &str); 5] = [
    ("source_up", "Source"),
    ("probe_success", "Probe"),
    ("service_up", "Service"),
    ("algorand_node_up", "Node"),
    ("canister_up", "Canister"),
];

/// The rows of the hour that ends at `to`, and how many were left out.
pub fn rows(reader: &Reader, to: Time, interval: Duration) -> Result<(Vec<Row>, usize)> {
    let from = to - HOUR;
    let rhythm = Rhythm::read(reader, from, to, interval)?;
    let hour = Hour { from, to, rhythm: &rhythm };
    let mut rows = vec![hour.monitor(reader)?];
    for (metric, kind) in ASKED {
        let tracks = reader.tracks(metric, from)?;
        for window in reader.history(metric, None, from, to)?.iter().filter(|window| is_there(window)) {
            let track = tracks.iter().find(|track| track.key == window.series);
            // damaged history before the hour takes no row away
            let before = track.and_then(|track| reader.before(track, from).unwrap_or_default());
            rows.push(hour.row(kind, window, before.is_some()));
        }
    }
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    Ok((rows, more))
}

/// Whether it was not gone before the hour began.
fn is_there(window: &Window) -> bool {
    window.points.iter().any(|point| point.datum != Datum::Gone)
}

/// What the bars are of.
#[derive(Clone, Copy)]
struct Hour<'a> {
    from: Time,
    to: Time,
    rhythm: &'a Rhythm,
}

impl Hour<'_> {
    /// The monitor itself: whether it ran.
    fn monitor(self, reader: &Reader) -> Result<Row> {
        let ran = |cycle: CycleRow| Point { tick: cycle.tick, datum: Datum::Value(1.0) };
        let points: Vec<Point> = reader.cycles(self.from, self.to)?.into_iter().map(ran).collect();
        let has_run = reader.cycle_at(self.from - Duration::from_millis(1))?.is_some();
        Ok(self.bars("Monitor".to_owned(), &points, Duration::ZERO, has_run))
    }

    fn row(self, kind: &str, window: &Window, was_asked: bool) -> Row {
        let names: Vec<&str> = window.series.labels.iter().map(|(_, value)| value).collect();
        let name = safe::answer(&format!("{kind} {}", names.join(" ")));
        self.bars(name, &window.points, window.every, was_asked)
    }

    /// The bars of what is asked `every` so often, and was asked before the hour or not.
    fn bars(self, name: String, points: &[Point], every: Duration, was_asked: bool) -> Row {
        let each = MINUTE.max(Pace { every, rhythm: self.rhythm }.longest(self.from, self.to));
        let mut bars = bars(points, self.from, each);
        let first = points.iter().map(|point| point.tick).min();
        for (begins, bar) in &mut bars {
            if !was_asked && first.is_none_or(|first| *begins + each <= first) {
                *bar = Bar::Before;
            }
        }
        Row { name, bars, each }
    }
}

fn bars(points: &[Point], from: Time, each: Duration) -> Vec<(Time, Bar)> {
    let count = (millis_of(HOUR) / millis_of(each).max(1)).max(1);
    // where they do not divide the hour, what is left over is the oldest part of it
    let left = (millis_of(HOUR) - count * millis_of(each)).max(0);
    let bar = |at: i64| {
        let begins = Time::from_millis(from.millis() + left + at * millis_of(each));
        let ends = begins + each;
        let within = || points.iter().filter(|point| point.tick >= begins && point.tick < ends);
        let mut bar = Bar::Missed;
        for point in within() {
            bar = match (point.datum, bar) {
                (Datum::Value(0.0), _) | (_, Bar::Failed) => Bar::Failed,
                (Datum::Unknown, _) => Bar::Unknown,
                (Datum::Value(_), Bar::Missed) => Bar::Passed,
                (Datum::Value(_) | Datum::Gone, other) => other,
            };
        }
        (begins, bar)
    };
    (0..count).map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::open::Mode;

    #[test]
    fn a_minute_is_as_good_as_its_worst_moment() {
        let from = Time::from_millis(1_795_424_400_000);
        let at = |second: u64, datum| Point { tick: from + Duration::from_secs(second), datum };
        let points = [
            at(0, Datum::Value(1.0)),
            at(15, Datum::Value(1.0)),
            at(60, Datum::Value(1.0)),
            at(75, Datum::Value(0.0)),
            at(90, Datum::Value(1.0)),
            at(120, Datum::Unknown),
            at(240, Datum::Gone),
        ];
        let row = Row { name: String::new(), bars: bars(&points, from, MINUTE), each: MINUTE };
        let first: Vec<Bar> = row.bars.iter().take(5).map(|(_, bar)| *bar).collect();
        assert_eq!(first, [Bar::Passed, Bar::Failed, Bar::Unknown, Bar::Missed, Bar::Missed]);
        assert_eq!(row.words(), "1 of 60 passed, 1 failed, 1 unknown, 57 missed");
        assert_eq!(bars(&points, from, Duration::from_mins(5)).len(), 12);
        // the newest minute has its bar whatever the length of a bar
        let newest = [at(59 * 60, Datum::Value(0.0))];
        for minutes in [1, 7, 40, 60, 90] {
            let bars = bars(&newest, from, Duration::from_mins(minutes));
            assert_eq!(bars.last().unwrap().1, Bar::Failed, "{minutes}");
        }
    }

    /// Points so many minutes after a beginning.
    fn minutes(from: Time, minutes: impl Iterator<Item = u32>) -> Vec<Point> {
        minutes.map(|minute| Point { tick: from + MINUTE * minute, datum: Datum::Value(1.0) }).collect()
    }

    #[test]
    fn a_source_that_is_no_multiple_of_the_interval_passes_each_time_it_can() {
        let from = Time::from_millis(1_795_424_400_000);
        let rhythm = Rhythm::even(MINUTE);
        let hour = Hour { from, to: from + HOUR, rhythm: &rhythm };
        for phase in [0, 1] {
            let points = minutes(from, (phase..60).step_by(2));
            for every in [70, 90, 120] {
                let row = hour.bars(String::new(), &points, Duration::from_secs(every), true);
                assert_eq!((row.words().as_str(), row.each), ("30 of 30 passed", MINUTE * 2), "{phase} {every}");
            }
        }
    }

    #[test]
    fn before_the_first_check_nothing_was_missed() {
        let from = Time::from_millis(1_795_424_400_000);
        let rhythm = Rhythm::even(MINUTE);
        let hour = Hour { from, to: from + HOUR, rhythm: &rhythm };
        let words = |points: &[Point], was_asked| hour.bars(String::new(), points, MINUTE, was_asked).words();
        let points = minutes(from, [55, 57, 58, 59].into_iter());
        assert_eq!(words(&points, false), "4 of 5 passed, 1 missed");
        assert_eq!(words(&points, true), "4 of 60 passed, 56 missed");
        assert_eq!(
            (words(&[], false), words(&[], true)),
            ("not yet".to_owned(), "0 of 60 passed, 60 missed".to_owned())
        );
    }

    #[test]
    fn a_bar_is_as_long_as_the_longest_interval_of_the_hour() {
        let folder = tempfile::tempdir().unwrap();
        let from = Time::from_millis(1_795_424_400_000);
        let mut store = Store::open(&folder.path().join("m.db"), Mode::Write, from).unwrap();
        let tx = store.begin().unwrap();
        let five = MINUTE * 5;
        let ticks = (0..8_u32).map(|at| (five * at, five)).chain((40..60_u32).map(|at| (MINUTE * at, MINUTE)));
        for (later, interval) in ticks {
            tx.put_cycle(&CycleRow { interval: Some(interval), ..CycleRow::quick(from + later, 0) }).unwrap();
        }
        let words = |rows: &[Row]| rows.iter().map(Row::words).collect::<Vec<_>>();
        assert_eq!(words(&rows(&tx, from + HOUR, MINUTE).unwrap().0), ["12 of 12 passed"]);
        // three cycles, and none before them
        let early = from + MINUTE * 15;
        assert_eq!(words(&rows(&tx, early, MINUTE).unwrap().0), ["3 of 3 passed"]);
    }
}
