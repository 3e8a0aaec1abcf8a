//! A series, sample by sample, for those who look at a long time of it: what they make of it is in memory, the samples are
//! not. A year at 15 s is two million of them.

use std::time::Duration;

use super::chunks::{DAY, at};
use super::series::key;
use super::{Reader, Result};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::Point;
use crate::model::time::Time;

/// A series that can be walked along.
#[derive(Clone, PartialEq, Debug)]
pub struct Track {
    id: i64,
    /// Metric and labels.
    pub key: SeriesKey,
    /// How often its source measures.
    pub every: Duration,
}

impl Reader {
    /// The series of `metric` that were measured at `from` or later, in order of their labels.
    pub fn tracks(&self, metric: &str, from: Time) -> Result<Vec<Track>> {
        self.all(
            "series",
            "SELECT s.id, s.metric, s.labels, s.every_ms FROM series s LEFT JOIN latest l ON l.series = s.id
             WHERE s.metric = ?1 AND coalesce(l.tick >= ?2, 1) ORDER BY s.labels",
            (metric, from.millis()),
            |cells| Ok(Track { id: cells.get("id")?, key: key(cells)?, every: cells.duration("every_ms")? }),
        )
    }

    /// The series with exactly these labels, if it was measured at `from` or later.
    pub fn track(&self, metric: &str, labels: &Labels, from: Time) -> Result<Option<Track>> {
        Ok(self.tracks(metric, from)?.into_iter().find(|track| track.key.labels == *labels))
    }

    /// Hands the samples of a series from `from` to `to`, both included, to `take`, the oldest first. Damaged history is an
    /// error, of which `take` may have seen the beginning.
    pub fn walk(&self, track: &Track, from: Time, to: Time, mut take: impl FnMut(Point)) -> Result<()> {
        // what is not sealed yet: an hour or two, and a sample of a sealed time that came late
        let mut rows = self.rows_of(track.id, from, to)?.into_iter().peekable();
        let mut after = from.millis().saturating_sub(DAY + 1);
        while let Some(sealed) = self.chunk_after(track.id, after)?.filter(|sealed| at(sealed.place.start) <= to) {
            after = sealed.place.start;
            let points = sealed.points().map_err(|flaw| self.damaged(&track.key, sealed.place, &flaw))?;
            for point in points.into_iter().filter(|point| point.tick >= from && point.tick <= to) {
                while let Some(row) = rows.next_if(|row| row.tick < point.tick) {
                    take(row);
                }
                // of two samples of a tick the row is the newer writing
                take(rows.next_if(|row| row.tick == point.tick).unwrap_or(point));
            }
        }
        rows.for_each(take);
        Ok(())
    }

    /// What was said last of a series before `time`.
    pub fn before(&self, track: &Track, time: Time) -> Result<Option<Point>> {
        // samples are in order of their ticks: back from tick to tick, until one has the series
        let row = self.points(
            "WITH RECURSIVE slot (tick) AS (
                 SELECT max(tick) FROM sample WHERE tick < ?1
                 UNION ALL
                 SELECT (SELECT max(tick) FROM sample WHERE tick < slot.tick) FROM slot WHERE slot.tick IS NOT NULL
             )
             SELECT sample.tick, sample.series, sample.value, sample.mark
             FROM slot CROSS JOIN sample ON sample.tick = slot.tick AND sample.series = ?2 LIMIT 1",
            (time.millis(), track.id),
        )?;
        let row = row.first().map(|(_, point)| *point);
        let mut start = time.millis();
        while let Some(sealed) = self.chunk_before(track.id, start)? {
            start = sealed.place.start;
            let points = sealed.points().map_err(|flaw| self.damaged(&track.key, sealed.place, &flaw))?;
            if let Some(point) = points.into_iter().rfind(|point| point.tick < time) {
                // of two samples of a tick the row is the newer writing
                return Ok(row.filter(|row| row.tick >= point.tick).or(Some(point)));
            }
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, key, put, store};
    use super::*;
    use crate::model::reading::Datum;

    const MINUTE: i64 = 60;

    /// What a walk hands out, as minutes with their values.
    fn walked(reader: &Reader, track: &Track, from: i64, to: i64) -> Vec<(i64, f64)> {
        let mut seen = Vec::new();
        let minute = |point: &Point| (point.tick.millis() - at(0).millis()) / 60_000;
        reader
            .walk(track, at(from * MINUTE), at(to * MINUTE), |point| {
                let Datum::Value(value) = point.datum else { panic!("{point:?}") };
                seen.push((minute(&point), value));
            })
            .unwrap();
        seen
    }

    #[test]
    fn a_walk_sees_what_is_sealed_and_what_is_not_each_tick_once() {
        let (_folder, mut store) = store();
        let load = key("load", "/");
        for minute in 0..3000 {
            put(&mut store, &load, at(minute * MINUTE), Datum::Value(1.0));
        }
        let tx = store.begin().unwrap();
        tx.seal(at(3000 * MINUTE), at(0), Duration::MAX).unwrap();
        tx.commit().unwrap();
        // written again after it was sealed, and between two that were
        put(&mut store, &load, at(100 * MINUTE), Datum::Value(2.0));
        put(&mut store, &load, at(100 * MINUTE + 30), Datum::Value(3.0));
        let track = store.track("load", &load.labels, at(0)).unwrap().unwrap();
        assert_eq!((track.key.clone(), track.every), (load.clone(), Duration::from_mins(1)));
        let all = walked(&store, &track, 0, 3000);
        assert_eq!(all.len(), 3001);
        assert!(all.is_sorted_by_key(|(minute, _)| *minute));
        assert_eq!(all[99..103], [(99, 1.0), (100, 2.0), (100, 3.0), (101, 1.0)]);
        for (from, to) in [(0, 0), (1439, 1441), (50, 2999), (2950, 3000), (4000, 5000)] {
            let windows = store.history("load", None, at(from * MINUTE), at(to * MINUTE)).unwrap();
            let known = windows.first().map_or(0, |window| window.points.len());
            assert_eq!(walked(&store, &track, from, to).len(), known, "{from} to {to}");
        }
    }

    #[test]
    fn tracks_are_those_of_a_metric_that_have_not_ended_before() {
        let (_folder, mut store) = store();
        for (metric, mount, second) in [("load", "/b", 600), ("load", "/a", 0), ("other", "/", 600)] {
            put(&mut store, &key(metric, mount), at(second), Datum::Value(1.0));
        }
        let names = |from| -> Vec<String> {
            store.tracks("load", at(from)).unwrap().iter().map(|track| track.key.to_string()).collect()
        };
        assert_eq!(names(0), ["load{mount=\"/a\"}", "load{mount=\"/b\"}"]);
        assert_eq!(names(1), ["load{mount=\"/b\"}"]);
        assert_eq!(names(601), [""; 0]);
        assert_eq!(store.track("load", &key("load", "/a").labels, at(1)).unwrap(), None);
        assert_eq!(store.track("load", &key("load", "/c").labels, at(0)).unwrap(), None);
    }

    #[test]
    fn what_was_said_last_before_a_time_may_be_sealed() {
        let (_folder, mut store) = store();
        let (load, other) = (key("load", "/"), key("load", "/other"));
        for minute in [0, 1, 200] {
            put(&mut store, &load, at(minute * MINUTE), Datum::Value(1.0));
        }
        put(&mut store, &load, at(201 * MINUTE), Datum::Gone);
        put(&mut store, &other, at(500 * MINUTE), Datum::Value(1.0));
        for is_sealed in [false, true] {
            if is_sealed {
                let tx = store.begin().unwrap();
                tx.seal(at(3000 * MINUTE), at(0), Duration::MAX).unwrap();
                tx.commit().unwrap();
            }
            let track = store.track("load", &load.labels, at(0)).unwrap().unwrap();
            for (minute, wanted) in [(0, None), (1, Some(0)), (100, Some(1)), (201, Some(200)), (900, Some(201))] {
                let found = store.before(&track, at(minute * MINUTE)).unwrap();
                assert_eq!(found.map(|point| point.tick), wanted.map(|minute| at(minute * MINUTE)), "{minute}");
            }
            assert_eq!(store.before(&track, at(900 * MINUTE)).unwrap().unwrap().datum, Datum::Gone);
        }
    }
}
