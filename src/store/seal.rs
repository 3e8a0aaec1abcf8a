//! Sealing: full hours that left the hot span become chunks, the hours of a finished day one chunk.
//!
//! Rows of the last [`HOT`] stay rows: most rules look back minutes, and a sparkline shows an hour. Who looks further back
//! reads chunks, which costs less: six hours of a series are six of them, or 360 rows that lie among those of all others.
//! A step works until its time is over and is one transaction: chunks come and rows go
//! together, so a kill at any moment leaves a sample in one place or the other, and sealing begins again where it was.
//! The oldest hour is sealed first. A sample that arrives for a sealed span (the clock went back) is a row like any
//! other; readers see it before the chunk's own, and the next step puts it into the chunk.

use std::time::Duration;

use tokio::time::Instant;

use super::chunk::{self, Flaw, Place};
use super::chunks::{DAY, HOUR, SEALED_UNTIL, Sealed, at, merge, sealed};
use super::cycles::NoteKind;
use super::rows::json_of;
use super::series::parts_of;
use super::{Reader, Result, Tx};
use crate::model::reading::Point;
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// Samples younger than this are never sealed.
pub const HOT: Duration = Duration::from_hours(1);

/// Rows that are sealed at a time: about 10 ms.
const BATCH: i64 = 6000;

/// Something that can be sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Work {
    /// The rows of the hour that begins here.
    Hour(i64),
    /// The hours of a series' day that begins here.
    Day(Place),
}

impl Reader {
    /// Whether there is anything to seal after a cycle of `tick`.
    pub fn can_seal(&self, tick: Time) -> Result<bool> {
        Ok(self.next_work(tick)?.is_some())
    }

    fn next_work(&self, tick: Time) -> Result<Option<Work>> {
        let oldest = self.first("sample", "SELECT min(tick) AS oldest FROM sample", [], |cells| {
            cells.get::<Option<i64>>("oldest")
        })?;
        let oldest = oldest.flatten().map(|oldest| floor(oldest, HOUR));
        if let Some(hour) = oldest.filter(|hour| hour.saturating_add(HOUR) <= (tick - HOT).millis()) {
            return Ok(Some(Work::Hour(hour)));
        }
        // what is older than every row is complete
        let Some(oldest) = oldest else { return Ok(None) };
        let sql = "SELECT series, start FROM chunk WHERE hours = 1 AND start < ?1 ORDER BY start LIMIT 1";
        self.first("chunk", sql, [floor(oldest, DAY)], |cells| {
            Ok(Work::Day(Place { series: cells.get("series")?, start: floor(cells.get("start")?, DAY) }))
        })
    }
}

impl Tx<'_> {
    /// Seals what can be sealed after a cycle of `tick`, beginning nothing more once `time` is over.
    pub fn seal(&self, tick: Time, now: Time, time: Duration) -> Result<()> {
        let begun = Instant::now();
        while let Some(work) = self.next_work(tick)? {
            match work {
                Work::Hour(start) => self.seal_hour(start, now)?,
                Work::Day(place) => self.seal_day(place, now)?,
            }
            if begun.elapsed() >= time {
                break;
            }
        }
        Ok(())
    }

    /// Makes chunks of the first rows of an hour, a batch of series at a time. Rows are in order of their tick, so each
    /// tick is visited for the series of the batch alone: what a step costs depends on the batch and not on the hour.
    fn seal_hour(&self, start: i64, now: Time) -> Result<()> {
        let end = start + HOUR - 1;
        let ticks = self.ticks(start, end)?;
        let Some((first, last)) = self.next_series(&ticks)? else { return Ok(()) };
        let range = (json_of(&ticks)?, first, last);
        let mut found = self.points(
            "SELECT sample.tick, sample.series, sample.value, sample.mark
             FROM json_each(?1) AS slot CROSS JOIN sample ON sample.tick = slot.value AND sample.series BETWEEN ?2 AND ?3",
            (&range.0, range.1, range.2),
        )?;
        // the ticks come in order, and a stable sort leaves them so
        found.sort_by_key(|(series, _)| *series);
        for rows in found.chunk_by(|one, two| one.0 == two.0) {
            let Some((series, _)) = rows.first() else { continue };
            self.put_sealed(Place { series: *series, start }, rows.iter().map(|(_, point)| *point).collect(), now)?;
        }
        for tick in &ticks {
            self.execute("DELETE FROM sample WHERE tick = ?1 AND series BETWEEN ?2 AND ?3", (tick, range.1, range.2))?;
        }
        let until = u64::try_from(end + 1).unwrap_or(0);
        self.execute(
            "INSERT INTO counter (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (SEALED_UNTIL, i64::try_from(until).unwrap_or(i64::MAX)),
        )?;
        Ok(())
    }

    /// The ticks from `start` to `end` that have rows.
    fn ticks(&self, start: i64, end: i64) -> Result<Vec<i64>> {
        self.all(
            "sample",
            "WITH RECURSIVE slot (tick) AS (
                 SELECT min(tick) FROM sample WHERE tick BETWEEN ?1 AND ?2
                 UNION ALL
                 SELECT (SELECT min(tick) FROM sample WHERE tick > slot.tick AND tick <= ?2)
                 FROM slot WHERE slot.tick IS NOT NULL
             )
             SELECT tick FROM slot WHERE tick IS NOT NULL",
            (start, end),
            |cells| cells.get("tick"),
        )
    }

    /// The first series that has rows at one of `ticks`, and the last one of its batch.
    fn next_series(&self, ticks: &[i64]) -> Result<Option<(i64, i64)>> {
        let sql = "SELECT min((SELECT min(series) FROM sample WHERE tick = slot.value)) AS first
                   FROM json_each(?1) AS slot";
        let first = self.first("sample", sql, [json_of(&ticks)?], |cells| cells.get::<Option<i64>>("first"))?.flatten();
        let Some(first) = first else { return Ok(None) };
        let others = (BATCH / i64::try_from(ticks.len()).unwrap_or(BATCH).max(1) - 1).max(0);
        let sql = "SELECT id FROM series WHERE id > ?1 ORDER BY id LIMIT ?2";
        let last = self.all("series", sql, (first, others), |cells| cells.get::<i64>("id"))?.last().copied();
        Ok(Some((first, last.unwrap_or(first))))
    }

    /// Puts samples of an hour into the chunk of their day, or of their hour where the day has none yet.
    fn put_sealed(&self, hour: Place, points: Vec<Point>, now: Time) -> Result<()> {
        let found = self.first(
            "chunk",
            "SELECT id, series, start, hours, data FROM chunk WHERE series = ?1 AND (start = ?2 OR start = ?3 AND hours = 24)",
            (hour.series, hour.start, floor(hour.start, DAY)),
            |cells| Ok((sealed(cells)?, cells.get::<i64>("hours")?)),
        )?;
        let Some((old, hours)) = found else { return self.put_chunk(hour, 1, &points) };
        let place = old.place;
        let old = self.take(&old, now)?;
        self.put_chunk(place, hours, &merge(old, points))
    }

    /// Makes one chunk of the hours of a day.
    fn seal_day(&self, day: Place, now: Time) -> Result<()> {
        let end = at(day.start + DAY - 1);
        let mut points = Vec::new();
        for sealed in self.chunks_of(day.series, at(day.start), end)? {
            // the day before begins within the same reach
            if sealed.place.start >= day.start {
                points = merge(points, self.take(&sealed, now)?);
            }
        }
        if points.is_empty() { Ok(()) } else { self.put_chunk(day, 24, &points) }
    }

    fn put_chunk(&self, place: Place, hours: i64, points: &[Point]) -> Result<()> {
        let data = chunk::encode(place, points).map_err(|flaw| {
            let what = format!("series {} from {} cannot be sealed: {}", place.series, at(place.start), flaw.0);
            Trouble::new(Kind::Bug, what)
        })?;
        self.insert(
            "INSERT INTO chunk (series, start, hours, data) VALUES (?1, ?2, ?3, ?4)",
            (place.series, place.start, hours, data),
        )?;
        Ok(())
    }

    /// Takes a chunk out. One that cannot be read is kept aside, with a note: there is nothing it could be merged with,
    /// and what comes after it must not wait for it.
    fn take(&self, chunk: &Sealed, now: Time) -> Result<Vec<Point>> {
        let points = chunk.points();
        if let Err(Flaw(why)) = &points {
            self.execute(
                "INSERT INTO chunk_aside (series, start, hours, data, why)
                 SELECT series, start, hours, data, ?2 FROM chunk WHERE id = ?1",
                (chunk.id, why),
            )?;
            let text = format!(
                "history of series {} from {} was damaged and is set aside: {why}",
                chunk.place.series,
                at(chunk.place.start)
            );
            self.note(now, NoteKind::Damaged, &text)?;
        }
        self.execute("DELETE FROM chunk WHERE id = ?1", [chunk.id])?;
        Ok(points.unwrap_or_default())
    }

    /// Makes rows again of all chunks that reach beyond `tick`: the clock went back behind what was sealed.
    pub(super) fn unseal_after(&self, tick: Time, now: Time) -> Result<()> {
        let chunks = self.all(
            "chunk",
            "SELECT id, series, start, data FROM chunk WHERE start + hours * 3600000 > ?1",
            [tick.millis().saturating_sub(2 * HOUR)],
            sealed,
        )?;
        for chunk in chunks {
            let series = chunk.place.series;
            for point in self.take(&chunk, now)? {
                let (value, mark) = parts_of(point.datum);
                self.execute(
                    "INSERT OR IGNORE INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, ?4)",
                    (point.tick.millis(), series, value, mark),
                )?;
            }
        }
        Ok(())
    }
}

/// The beginning of the span of `length` that `millis` lies in.
fn floor(millis: i64, length: i64) -> i64 {
    millis.div_euclid(length).saturating_mul(length)
}

#[cfg(test)]
mod tests;
