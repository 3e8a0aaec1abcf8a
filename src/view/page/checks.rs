//! Whether what is asked each minute answered: a bar for each minute of the last hour.

use std::fmt::Write as _;
use std::time::Duration;

use crate::model::reading::{Datum, Point, Window};
use crate::model::time::{Time, millis_of};
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
        let mut words = format!("{} of {} passed", self.count(Bar::Passed), self.bars.len());
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
    let mut rows = vec![monitor(reader, from, to, interval)?];
    for (metric, kind) in ASKED {
        let windows = reader.history(metric, None, from, to)?;
        rows.extend(windows.iter().filter(|window| is_there(window)).map(|window| row(kind, window, from, interval)));
    }
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    Ok((rows, more))
}

/// Whether it was not gone before the hour began.
fn is_there(window: &Window) -> bool {
    window.points.iter().any(|point| point.datum != Datum::Gone)
}

/// The monitor itself: whether it ran.
fn monitor(reader: &Reader, from: Time, to: Time, interval: Duration) -> Result<Row> {
    let each = MINUTE.max(interval);
    let ran = |cycle: crate::store::cycles::CycleRow| Point { tick: cycle.tick, datum: Datum::Value(1.0) };
    let points: Vec<Point> = reader.cycles(from, to)?.into_iter().map(ran).collect();
    Ok(Row { name: "Monitor".to_owned(), bars: bars(&points, from, each), each })
}

fn row(kind: &str, window: &Window, from: Time, interval: Duration) -> Row {
    let each = MINUTE.max(window.every).max(interval);
    let names: Vec<&str> = window.series.labels.iter().map(|(_, value)| value).collect();
    let name = safe::answer(&format!("{kind} {}", names.join(" ")));
    Row { name, bars: bars(&window.points, from, each), each }
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
}
