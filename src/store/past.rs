//! The past, for those who go through it once more: which cycles there were, and how far samples reach.

use std::time::Duration;

use super::cycles::{CycleRow, cycle};
use super::{Reader, Result};
use crate::model::time::Time;

impl Reader {
    /// The cycles whose tick lies from `from` to `to`, both included, in the order in which they were done.
    pub fn cycles(&self, from: Time, to: Time) -> Result<Vec<CycleRow>> {
        self.all(
            "cycle",
            "SELECT * FROM cycle WHERE tick BETWEEN ?1 AND ?2 ORDER BY id",
            (from.millis(), to.millis()),
            cycle,
        )
    }

    /// The ticks of the oldest and of the newest sample; `None` where nothing was ever measured.
    pub fn sampled(&self) -> Result<Option<(Time, Time)>> {
        // of what is sealed the span is known without reading it: its beginning is no later than its first sample
        let sql = "SELECT (SELECT min(tick) FROM sample) AS oldest, (SELECT min(start) FROM chunk) AS sealed,
                          (SELECT max(tick) FROM latest) AS newest";
        let found = self.first("sample", sql, [], |cells| {
            let oldest = [cells.time_if_any("oldest")?, cells.time_if_any("sealed")?].into_iter().flatten().min();
            Ok((oldest, cells.time_if_any("newest")?))
        });
        Ok(found?.and_then(|(oldest, newest)| oldest.zip(newest)))
    }

    /// The intervals that the cycles of a span ran with, each with the tick from which on it counts. Of a cycle that
    /// does not say its own, the distance to the one before it tells.
    pub fn intervals(&self, from: Time, to: Time) -> Result<Vec<(Time, Duration)>> {
        self.all(
            "cycle",
            "SELECT id, tick, length FROM (
                 SELECT id, tick, length, lag(length) OVER (ORDER BY tick, id) AS was FROM (
                     SELECT id, tick, coalesce(
                         interval_ms, (tick - lag(tick) OVER (ORDER BY tick, id)) / (missed + 1)
                     ) AS length
                     FROM cycle WHERE tick BETWEEN ?1 AND ?2
                 ) WHERE length > 0
             ) WHERE length IS NOT was ORDER BY tick, id",
            (from.millis(), to.millis()),
            |cells| Ok((cells.time("tick")?, cells.duration("length")?)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, key, put, store};
    use super::*;
    use crate::model::reading::Datum;

    #[test]
    fn samples_reach_from_the_oldest_to_the_newest() {
        let (_folder, mut store) = store();
        assert_eq!(store.sampled().unwrap(), None);
        for (mount, second) in [("/", 60), ("/", 120), ("/boot", 0)] {
            put(&mut store, &key("m", mount), at(second), Datum::Value(1.0));
        }
        assert_eq!(store.sampled().unwrap(), Some((at(0), at(120))));
    }

    #[test]
    fn cycles_come_in_the_order_in_which_they_were_done() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for second in [0, 60, 120, 90, 180] {
            tx.put_cycle(&CycleRow::quick(at(second), 0)).unwrap();
        }
        let ticks: Vec<Time> = tx.cycles(at(60), at(120)).unwrap().into_iter().map(|cycle| cycle.tick).collect();
        assert_eq!(ticks, [at(60), at(120), at(90)]);
    }

    #[test]
    fn intervals_are_those_of_the_cycles_and_of_older_ones_their_distance() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        let row = |second, missed, interval: Option<u64>| CycleRow {
            interval: interval.map(Duration::from_secs),
            ..CycleRow::quick(at(second), missed)
        };
        // a minute each, of which one was missed, then four a minute: first they do not say so, then they do
        for (second, missed) in [(0, 0), (60, 0), (180, 1), (195, 0), (210, 0)] {
            tx.put_cycle(&row(second, missed, None)).unwrap();
        }
        for (second, interval) in [(225, 15), (240, 15), (300, 60), (360, 60)] {
            tx.put_cycle(&row(second, 0, Some(interval))).unwrap();
        }
        let of = |from, to| -> Vec<(i64, u64)> {
            let found = tx.intervals(at(from), at(to)).unwrap();
            found.iter().map(|(tick, each)| ((tick.millis() - at(0).millis()) / 1000, each.as_secs())).collect()
        };
        assert_eq!(of(0, 1000), [(60, 60), (195, 15), (300, 60)]);
        assert_eq!(of(225, 240), [(225, 15)]);
        assert_eq!(of(1000, 2000), []);
    }
}
