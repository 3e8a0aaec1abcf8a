//! From times to ticks: how often a series was measured, and where that was missed.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::labels::SeriesKey;
use crate::model::time::{Time, millis_of};

/// The pace of a series that has a single sample, and the coarsest ticks: those of a monitor that runs each minute.
const MINUTE: Duration = Duration::from_mins(1);

/// A series with its samples on ticks.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// Metric and labels.
    pub key: SeriesKey,
    /// How often it was measured.
    pub every: Duration,
    /// Tick and value, oldest first, each tick once; at least one.
    pub points: Vec<(Time, f64)>,
    /// How often a sample was missing where one was due, counting as one what follows one another.
    pub gaps: u64,
    /// The longest time between two samples, where that is a gap.
    pub longest_gap: Duration,
}

/// Puts the samples of each series on ticks, in order of metric and labels; how many gave way to a later one of their
/// tick. Ticks are as far apart as the series was measured, and a minute at most: flooring what was measured each hour
/// to the hour would move it by more than anything is late.
pub(super) fn on_ticks(table: Vec<(SeriesKey, Vec<(Time, f64)>)>, every: Option<Duration>) -> (Vec<Series>, u64) {
    let mut replaced = 0;
    let mut all: Vec<Series> = table
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(key, mut points)| {
            // stable: of two samples with the same time the later line wins
            points.sort_by_key(|(at, _)| *at);
            let every = every.or_else(|| most_frequent_distance(&points)).unwrap_or(MINUTE);
            let before = points.len();
            floor(&mut points, every.min(MINUTE));
            replaced += (before - points.len()) as u64;
            let (gaps, longest_gap) = gaps(&points, every);
            Series { key, every, points, gaps, longest_gap }
        })
        .collect();
    all.sort_by(|a, b| a.key.cmp(&b.key));
    (all, replaced)
}

/// The most frequent time between two samples, in whole seconds; of several the shortest.
fn most_frequent_distance(points: &[(Time, f64)]) -> Option<Duration> {
    let mut counts: HashMap<u64, u64> = HashMap::new();
    for ((earlier, _), (later, _)) in points.iter().zip(points.iter().skip(1)) {
        let millis = u64::try_from(millis_of(later.since(*earlier))).unwrap_or_default();
        // two samples of one moment say nothing of the pace
        if millis > 0 {
            *counts.entry(((millis + 500) / 1000).max(1)).or_default() += 1;
        }
    }
    let best = counts.into_iter().max_by_key(|(seconds, count)| (*count, std::cmp::Reverse(*seconds)));
    best.map(|(seconds, _)| Duration::from_secs(seconds))
}

/// Rounds times down to ticks; of several samples in a tick the last one stays.
fn floor(points: &mut Vec<(Time, f64)>, step: Duration) {
    for (at, _) in points.iter_mut() {
        *at = at.floor(step);
    }
    points.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            *kept = *next;
        }
        is_same
    });
}

/// How many gaps there are, and the longest. Half a pace late is late, more is missing.
fn gaps(points: &[(Time, f64)], every: Duration) -> (u64, Duration) {
    let distances = points.iter().zip(points.iter().skip(1)).map(|((earlier, _), (later, _))| later.since(*earlier));
    let gaps = distances.filter(|distance| distance.saturating_mul(2) > every.saturating_mul(3));
    gaps.fold((0, Duration::ZERO), |(count, longest), gap| (count + 1, longest.max(gap)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::labels::Labels;

    /// Reads seconds, and shows the pace, the ticks in seconds with their values, gaps and what was replaced.
    fn shown(seconds: &[f64], every: Option<u64>) -> String {
        #[allow(clippy::cast_possible_truncation, reason = "small numbers")]
        let time = |seconds: f64| Time::from_millis((seconds * 1000.0) as i64);
        let points = seconds.iter().zip(0_u8..).map(|(at, value)| (time(*at), f64::from(value))).collect();
        let table = vec![(SeriesKey::new("m", Labels::empty()), points)];
        let (series, replaced) = on_ticks(table, every.map(Duration::from_secs));
        let Series { every, points, gaps, longest_gap, .. } = &series[0];
        let points: Vec<String> = points.iter().map(|(at, value)| format!("{}={value}", at.seconds())).collect();
        format!("{every:?}: {} | {gaps} {longest_gap:?} | {replaced}", points.join(" "))
    }

    #[test]
    fn ticks_are_found_in_the_data() {
        for (seconds, every, wanted) in [
            (&[60.0][..], None, "60s: 60=0 | 0 0ns | 0"),
            (&[61.2, 121.1, 180.9], None, "60s: 60=0 120=1 180=2 | 0 0ns | 0"),
            // order does not matter; the later one of a tick stays
            (&[121.0, 61.0, 179.0, 190.0, 240.0, 300.0], None, "60s: 60=1 120=2 180=3 240=4 300=5 | 0 0ns | 1"),
            // and of one moment the later line
            (&[0.0, 60.0, 60.0, 120.0], None, "60s: 0=0 60=2 120=3 | 0 0ns | 1"),
            (&[0.0, 60.0, 120.0, 240.0, 960.0], None, "60s: 0=0 60=1 120=2 240=3 960=4 | 2 720s | 0"),
            (&[0.0, 15.0, 30.0, 46.0], None, "15s: 0=0 15=1 30=2 45=3 | 0 0ns | 0"),
            (&[0.1, 0.4, 0.8, 3.0], None, "1s: 0=2 3=3 | 1 3s | 2"),
            // an hour's pace is not floored to the hour
            (&[1830.0, 5430.0, 9031.0], None, "3600s: 1800=0 5400=1 9000=2 | 0 0ns | 0"),
            (&[0.0, 90.0, 180.0, 270.0], None, "90s: 0=0 60=1 180=2 240=3 | 0 0ns | 0"),
            // of two equally frequent distances the shorter one
            (&[0.0, 30.0, 90.0], None, "30s: 0=0 30=1 90=2 | 1 60s | 0"),
            (&[0.0, 15.0, 30.0, 60.0], Some(60), "60s: 0=2 60=3 | 0 0ns | 2"),
        ] {
            assert_eq!(shown(seconds, every), wanted, "{seconds:?}");
        }
    }
}
