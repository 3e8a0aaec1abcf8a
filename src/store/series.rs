//! Series and their samples.

use std::time::Duration;

use super::rows::{Cells, Unread, json_of};
use super::{Reader, Result, Tx, refuse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Reason};
use crate::model::time::{Time, millis_of};
use crate::text::safe;

/// The row of a series.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SeriesId(pub(super) i64);

/// Whose a series is, when a source wants to write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// The source's own.
    Own(SeriesId),
    /// Another source reports it.
    Taken {
        /// That source.
        by: String,
    },
}

/// How a [`Datum`] is kept: the value, where there is one, and the mark.
pub(super) fn parts_of(datum: Datum) -> (Option<f64>, i64) {
    match datum {
        // SQLite would keep a NaN as NULL
        Datum::Value(value) if value.is_nan() => (None, 1),
        Datum::Value(value) => (Some(value), 0),
        Datum::Unknown => (None, 2),
        Datum::Gone => (None, 3),
    }
}

/// The [`Datum`] that [`parts_of`] took apart.
pub(super) fn datum_of(value: Option<f64>, mark: i64) -> Option<Datum> {
    match (value, mark) {
        (Some(value), 0) => Some(Datum::Value(value)),
        (None, 1) => Some(Datum::Value(f64::NAN)),
        (None, 2) => Some(Datum::Unknown),
        (None, 3) => Some(Datum::Gone),
        _ => None,
    }
}

/// The datum in the columns `value` and `mark`.
pub(super) fn datum(cells: &Cells<'_>) -> std::result::Result<Datum, Unread> {
    let mark = cells.get("mark")?;
    datum_of(cells.get("value")?, mark).ok_or_else(|| cells.strange("mark", &format!("unknown mark {mark}")))
}

/// The key in the columns `metric` and `labels`.
pub(super) fn key(cells: &Cells<'_>) -> std::result::Result<SeriesKey, Unread> {
    Ok(SeriesKey::new(cells.get::<String>("metric")?, cells.json::<Labels>("labels")?))
}

impl Reader {
    /// The series of `source` whose newest sample is not "gone": what it must report, or be marked for.
    pub fn live_series(&self, source: &str) -> Result<Vec<(SeriesId, SeriesKey)>> {
        self.all(
            "series",
            "SELECT s.id, s.metric, s.labels FROM series s JOIN latest l ON l.series = s.id
             WHERE s.source = ?1 AND l.mark <> 3 ORDER BY s.id",
            [source],
            |cells| Ok((SeriesId(cells.get("id")?), key(cells)?)),
        )
    }

    /// The sources that have live series. One that is no longer configured is among them until its series are marked
    /// gone; only then may another source take them over.
    pub fn live_sources(&self) -> Result<Vec<String>> {
        self.all(
            "series",
            "SELECT DISTINCT s.source FROM series s JOIN latest l ON l.series = s.id WHERE l.mark <> 3 ORDER BY s.source",
            [],
            |cells| cells.get("source"),
        )
    }
}

/// What is known of a series that is claimed.
struct Claimed {
    id: i64,
    source: String,
    every_ms: i64,
    alive: bool,
}

impl Tx<'_> {
    /// The id of `key` for `source`, which measures it each `every`. A series that was never sampled, or is gone,
    /// passes to whoever reports it next.
    pub fn series_id(&self, key: &SeriesKey, source: &str, every: Duration) -> Result<Claim> {
        let every_ms = millis_of(every);
        let labels = json_of(&key.labels)?;
        let Some(found) = self.claimed(&key.metric, &labels)? else {
            let id = self.insert(
                "INSERT INTO series (source, metric, labels, every_ms) VALUES (?1, ?2, ?3, ?4)",
                (source, &key.metric, labels, every_ms),
            )?;
            return Ok(Claim::Own(SeriesId(id)));
        };
        if found.alive && found.source != source {
            return Ok(Claim::Taken { by: found.source });
        }
        if found.source != source || found.every_ms != every_ms {
            self.execute("UPDATE series SET source = ?2, every_ms = ?3 WHERE id = ?1", (found.id, source, every_ms))?;
        }
        Ok(Claim::Own(SeriesId(found.id)))
    }

    fn claimed(&self, metric: &str, labels: &str) -> Result<Option<Claimed>> {
        self.first(
            "series",
            "SELECT s.id, s.source, s.every_ms, coalesce(l.mark, 3) <> 3 AS alive
             FROM series s LEFT JOIN latest l ON l.series = s.id WHERE s.metric = ?1 AND s.labels = ?2",
            (metric, labels),
            |cells| {
                Ok(Claimed {
                    id: cells.get("id")?,
                    source: cells.get("source")?,
                    every_ms: cells.get("every_ms")?,
                    alive: cells.get("alive")?,
                })
            },
        )
    }

    /// Writes the samples of `tick`; one that is there already is replaced. The reason is kept with the newest sample
    /// of a series only, and only with an unknown one.
    pub fn put_samples(&self, tick: Time, samples: &[(SeriesId, Datum, Option<&Reason>)]) -> Result<()> {
        let tick = tick.millis();
        let put = || -> rusqlite::Result<()> {
            let mut sample = self.connection.prepare_cached(
                "INSERT INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (tick, series) DO UPDATE SET value = excluded.value, mark = excluded.mark",
            )?;
            let mut latest = self.connection.prepare_cached(
                "INSERT INTO latest (series, tick, value, mark, reason) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (series) DO UPDATE
                 SET tick = excluded.tick, value = excluded.value, mark = excluded.mark, reason = excluded.reason
                 WHERE excluded.tick >= latest.tick",
            )?;
            for (SeriesId(series), datum, reason) in samples {
                let (value, mark) = parts_of(*datum);
                let reason = reason.filter(|_| *datum == Datum::Unknown).map(|reason| safe::answer(reason.as_str()));
                sample.execute((tick, series, value, mark))?;
                latest.execute((series, tick, value, mark, reason))?;
            }
            Ok(())
        };
        put().map_err(|error| refuse::failure(&self.path, &error))
    }

    /// The clock went back to `tick`: moves later samples out of the way of those to come. How many there were.
    pub fn set_aside_samples_after(&self, tick: Time, now: Time) -> Result<usize> {
        let tick = tick.millis();
        let moved = self.execute(
            "INSERT OR REPLACE INTO sample_aside (set_aside, tick, series, value, mark)
             SELECT ?2, tick, series, value, mark FROM sample WHERE tick > ?1",
            (tick, now.millis()),
        )?;
        self.execute("DELETE FROM sample WHERE tick > ?1", [tick])?;
        self.step_back_latest(tick)?;
        Ok(moved)
    }

    /// The newest sample of a series is again the newest one up to `tick`, searched for a day; a series without one
    /// starts anew.
    fn step_back_latest(&self, tick: i64) -> Result<()> {
        let ahead: Vec<i64> =
            self.all("latest", "SELECT series FROM latest WHERE tick > ?1", [tick], |cells| cells.get("series"))?;
        self.execute("DELETE FROM latest WHERE tick > ?1", [tick])?;
        for series in ahead {
            self.execute(
                "INSERT INTO latest (series, tick, value, mark)
                 SELECT series, tick, value, mark FROM sample
                 WHERE series = ?1 AND tick <= ?2 AND tick > ?2 - 86400000 ORDER BY tick DESC LIMIT 1",
                (series, tick),
            )?;
        }
        Ok(())
    }
}
