//! The past, for those who go through it once more: which cycles there were, and how far samples reach.

use std::time::Duration;

use super::chunks::sealed;
use super::cycles::{CycleRow, cycle};
use super::{Reader, Result};
use crate::model::time::Time;

/// How many chunks are looked at in one go.
const FEW: u32 = 16;

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
        let sql = "SELECT max(tick) AS newest FROM latest";
        let newest = self.first("latest", sql, [], |cells| cells.time_if_any("newest"))?.flatten();
        Ok(self.oldest_sample()?.zip(newest))
    }

    /// When the oldest sample was taken. A chunk begins with its hour or day and not with its first sample, so the first
    /// ones are looked into, only as long as one may hold an older sample than those before it: where the monitor ran at
    /// midnight, that is one. What cannot be read is left out.
    pub fn oldest_sample(&self) -> Result<Option<Time>> {
        let row = self.first("sample", "SELECT min(tick) AS at FROM sample", [], |cells| cells.time_if_any("at"))?;
        let mut oldest = row.flatten();
        let mut after = (i64::MIN, i64::MIN);
        loop {
            let chunks = self.all(
                "chunk",
                "SELECT id, series, start, data FROM chunk WHERE (start, id) > (?1, ?2) AND start < ?3
                 ORDER BY start, id LIMIT ?4",
                (after.0, after.1, oldest.map_or(i64::MAX, Time::millis), FEW),
                sealed,
            )?;
            for chunk in &chunks {
                after = (chunk.place.start, chunk.id);
                oldest = oldest.into_iter().chain(chunk.first_tick().ok()).min();
            }
            if u32::try_from(chunks.len()).is_ok_and(|found| found < FEW) {
                return Ok(oldest);
            }
        }
    }

    /// The intervals that the cycles of a span ran with, each with the tick from which on it counts; the first one may
    /// have begun before the span. Cycles from before format 14 do not say theirs.
    pub fn intervals(&self, from: Time, to: Time) -> Result<Vec<(Time, Duration)>> {
        self.all(
            "rhythm",
            "SELECT tick AS id, tick, interval_ms FROM rhythm
             WHERE tick >= coalesce((SELECT max(tick) FROM rhythm WHERE tick <= ?1), ?1) AND tick <= ?2 ORDER BY tick",
            (from.millis(), to.millis()),
            |cells| Ok((cells.time("tick")?, cells.duration("interval_ms")?)),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Store;
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
    fn the_oldest_sample_is_not_the_beginning_of_its_day() {
        const MINUTE: Duration = Duration::from_mins(1);
        // 08:00, and for a second series 08:01
        let first = Time::from_millis(1_795_420_800_000);
        let day = Duration::from_hours(24);
        let (_folder, mut store) = store();
        let ends = |store: &mut Store, now: Time| {
            let tx = store.begin().unwrap();
            tx.seal(now, now, Duration::MAX).unwrap();
            tx.commit().unwrap();
            (store.sampled().unwrap(), store.oldest_sample().unwrap())
        };
        let last = first + day * 2;
        put(&mut store, &key("m", "/b"), first + MINUTE, Datum::Value(1.0));
        // more than are looked at in one go
        for series in 0..40 {
            put(&mut store, &key("n", &format!("/{series}")), first + MINUTE * 2, Datum::Unknown);
        }
        put(&mut store, &key("m", "/a"), first, Datum::Value(1.0));
        for tick in [first + Duration::from_hours(3), last] {
            put(&mut store, &key("m", "/a"), tick, Datum::Value(1.0));
        }
        let wanted = (Some((first, last)), Some(first));
        assert_eq!(ends(&mut store, first + MINUTE), wanted, "rows");
        assert_eq!(ends(&mut store, first + Duration::from_hours(6)), wanted, "hours");
        assert_eq!(ends(&mut store, last), wanted, "a day");
        let tx = store.begin().unwrap();
        tx.execute("UPDATE chunk SET data = x'00' WHERE series = (SELECT max(id) FROM series)", []).unwrap();
        tx.commit().unwrap();
        assert_eq!(store.oldest_sample().unwrap(), Some(first + MINUTE), "without what cannot be read");
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
    fn intervals_are_those_of_the_cycles() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for (second, interval) in
            [(0, None), (60, Some(60)), (120, Some(60)), (135, Some(15)), (150, Some(15)), (180, Some(60))]
        {
            let interval = interval.map(Duration::from_secs);
            tx.put_cycle(&CycleRow { interval, ..CycleRow::quick(at(second), 0) }).unwrap();
        }
        let of = |from, to| -> Vec<(i64, u64)> {
            let found = tx.intervals(at(from), at(to)).unwrap();
            found.iter().map(|(tick, each)| ((tick.millis() - at(0).millis()) / 1000, each.as_secs())).collect()
        };
        assert_eq!(of(0, 1000), [(60, 60), (135, 15), (180, 60)]);
        assert_eq!(of(140, 150), [(135, 15)]);
        assert_eq!(of(1000, 2000), [(180, 60)]);
        assert_eq!(of(0, 59), []);
    }
}
