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
        // and minus zero, in a column of type REAL, as zero; a quotient would end on the other side of infinity
        Datum::Value(value) if value == 0.0 && value.is_sign_negative() => (None, 4),
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
        (None, 4) => Some(Datum::Value(-0.0)),
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

    /// Writes the samples of `tick`; one that is there already is replaced. Of a series the reason of its newest unknown
    /// mark is kept, also when newer samples are known.
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
                 SET tick = excluded.tick, value = excluded.value, mark = excluded.mark,
                     reason = CASE WHEN excluded.mark = 2 THEN excluded.reason
                                   -- of a mark that is replaced nothing is left
                                   WHEN excluded.tick > latest.tick OR latest.mark <> 2 THEN latest.reason END
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
        self.unseal_after(tick, now)?;
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
        self.execute("DELETE FROM latest WHERE tick > ?1", [tick])?;
        // beside a max(), SQLite takes the other columns from the row that has the maximum
        self.execute(
            "INSERT INTO latest (series, tick, value, mark)
             SELECT series, max(tick), value, mark FROM sample
             WHERE tick BETWEEN ?1 - 86400000 AND ?1 AND series NOT IN (SELECT series FROM latest)
             GROUP BY series",
            [tick],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, key, own, put, store};
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn every_datum_survives_bit_by_bit() {
        let (_folder, mut store) = store();
        let numbers =
            [0.0, -0.0, 1.0, 0.1, f64::MIN_POSITIVE / 2.0, f64::MAX, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
        let data: Vec<Datum> = numbers.map(Datum::Value).into_iter().chain([Datum::Unknown, Datum::Gone]).collect();
        for (datum, minute) in data.iter().zip(0..) {
            put(&mut store, &key("m", "/"), at(minute * 60), *datum);
        }
        let found = store.history("m", None, at(0), at(3600)).unwrap();
        let bits = |datum: &Datum| match datum {
            Datum::Value(value) if value.is_nan() => "NaN".to_owned(),
            Datum::Value(value) => format!("{:x}", value.to_bits()),
            other => format!("{other:?}"),
        };
        let kept: Vec<String> = found[0].points.iter().map(|point| bits(&point.datum)).collect();
        assert_eq!(kept, data.iter().map(bits).collect::<Vec<_>>());
    }

    #[test]
    fn a_second_sample_in_a_tick_takes_the_place_of_the_first() {
        let (_folder, mut store) = store();
        put(&mut store, &key("m", "/"), at(0), Datum::Value(1.0));
        put(&mut store, &key("m", "/"), at(0), Datum::Value(2.0));
        assert_eq!(store.history("m", None, at(0), at(0)).unwrap()[0].points.len(), 1);
        assert_eq!(store.latest(at(0)).unwrap()[0].datum, Datum::Value(2.0));
    }

    #[test]
    fn a_series_belongs_to_one_source_until_it_is_gone() {
        let (_folder, mut store) = store();
        let key = key("m", "/");
        put(&mut store, &key, at(0), Datum::Unknown);
        let tx = store.begin().unwrap();
        assert_eq!(tx.series_id(&key, "other", MINUTE).unwrap(), Claim::Taken { by: "system".to_owned() });
        let id = own(&tx, &key, "system", MINUTE * 2);
        assert_eq!(tx.live_series("system").unwrap(), [(id, key.clone())]);
        assert_eq!(tx.live_sources().unwrap(), ["system"]);
        tx.put_samples(at(60), &[(id, Datum::Gone, None)]).unwrap();
        assert_eq!(tx.live_series("system").unwrap(), []);
        assert_eq!(tx.live_sources().unwrap(), [""; 0]);
        assert_eq!(own(&tx, &key, "other", MINUTE), id);
    }

    #[test]
    fn labels_with_any_text_find_their_series_again() {
        let (_folder, mut store) = store();
        for text in ["/a \"b\"\\\n", "é\u{0}\u{202e}", "{\"mount\":\"/\"}", "'; DROP TABLE series; --"] {
            put(&mut store, &key("m", text), at(0), Datum::Value(1.0));
            let found = store.history("m", Some(&key("m", text).labels), at(0), at(0)).unwrap();
            assert_eq!(found.iter().map(|window| &window.series).collect::<Vec<_>>(), [&key("m", text)]);
        }
    }

    #[test]
    fn samples_ahead_of_a_clock_that_went_back_are_set_aside() {
        let (_folder, mut store) = store();
        for (minute, value) in [(0, 1.0), (1, 2.0), (60, 3.0), (61, 4.0)] {
            put(&mut store, &key("old", "/"), at(minute * 60), Datum::Value(value));
        }
        put(&mut store, &key("young", "/"), at(3600), Datum::Value(5.0));
        let tx = store.begin().unwrap();
        assert_eq!(tx.set_aside_samples_after(at(60), at(61)).unwrap(), 3);
        tx.commit().unwrap();
        let latest: Vec<_> = store.latest(at(99_999)).unwrap().into_iter().map(|l| (l.key, l.tick, l.datum)).collect();
        assert_eq!(latest, [(key("old", "/"), at(60), Datum::Value(2.0))]);
        assert_eq!(store.history("old", None, at(0), at(99_999)).unwrap()[0].points.len(), 2);
        let aside = "SELECT count(*) AS n FROM sample_aside";
        assert_eq!(store.first("sample_aside", aside, [], |cells| cells.get::<u32>("n")).unwrap(), Some(3));
    }

    #[test]
    fn a_mark_that_nobody_wrote_is_named_with_its_place() {
        let (_folder, mut store) = store();
        put(&mut store, &key("m", "/"), at(0), Datum::Gone);
        let tx = store.begin().unwrap();
        tx.execute("UPDATE latest SET mark = 9", []).unwrap();
        let error = tx.latest(at(0)).unwrap_err();
        let place = tx.path.display().to_string();
        assert_eq!(error.what, format!("{place}: table latest, row 1, column mark: unknown mark 9"));
    }
}
