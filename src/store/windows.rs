//! Samples as the rules and the screens want them: windows over time, and the newest of each series.

use std::collections::HashMap;
use std::time::Duration;

use super::rows::json_of;
use super::series::{datum, datum_of, key};
use super::{Reader, Result, refuse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Need, Point, Reason, Window};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// The least lookback, as in Prometheus.
const LOOKBACK: Duration = Duration::from_mins(5);

/// Finding one sample by its key costs about as much as reading this many in passing (measured: 1.1 and 0.15 us).
const SEEK_COST: usize = 8;

/// The newest sample of a live series.
#[derive(Clone, PartialEq, Debug)]
pub struct Latest {
    /// Metric and labels.
    pub key: SeriesKey,
    /// The source that reports it.
    pub source: String,
    /// How often the source measures.
    pub every: Duration,
    /// The tick of the sample.
    pub tick: Time,
    /// What was measured.
    pub datum: Datum,
    /// Why it is unknown, if it is and the reason is known.
    pub reason: Option<Reason>,
}

/// A window to be filled.
struct Wanted {
    id: i64,
    from: Time,
    window: Window,
}

impl Reader {
    /// For each series that `needs` name, the samples from as far back as the neediest of them reaches up to `at`,
    /// both ends included (the evaluator cuts its own left-open ranges out of that). Series without any are left out.
    pub fn windows(&self, needs: &[Need], at: Time) -> Result<Vec<Window>> {
        let reach = |window: &Window| {
            let reaches =
                needs.iter().filter(|need| need.metric.as_ref().is_none_or(|metric| *metric == window.series.metric));
            reaches.map(|need| back(need, window.every)).max()
        };
        let wanted = self
            .series_named(None)?
            .into_iter()
            .filter_map(|(id, window)| Some(Wanted { id, from: at - reach(&window)?, window }))
            .collect();
        self.filled(wanted, at)
    }

    /// The samples of `metric` (with exactly these labels, if given) from `from` to `to`, both included.
    pub fn history(&self, metric: &str, labels: Option<&Labels>, from: Time, to: Time) -> Result<Vec<Window>> {
        let wanted = self
            .series_named(Some(metric))?
            .into_iter()
            .filter(|(_, window)| labels.is_none_or(|labels| window.series.labels == *labels))
            .map(|(id, window)| Wanted { id, from, window })
            .collect();
        self.filled(wanted, to)
    }

    /// The newest sample up to `at` of each series that is not gone, in order of metric and labels.
    pub fn latest(&self, at: Time) -> Result<Vec<Latest>> {
        self.all(
            "latest",
            "SELECT s.id, s.metric, s.labels, s.source, s.every_ms, l.tick, l.value, l.mark, l.reason
             FROM latest l JOIN series s ON s.id = l.series
             WHERE l.mark <> 3 AND l.tick <= ?1 ORDER BY s.metric, s.labels",
            [at.millis()],
            |cells| {
                Ok(Latest {
                    key: key(cells)?,
                    source: cells.get("source")?,
                    every: cells.duration("every_ms")?,
                    tick: cells.time("tick")?,
                    datum: datum(cells)?,
                    reason: cells.get::<Option<String>>("reason")?.map(Reason::new),
                })
            },
        )
    }

    /// All series, or those of one metric, in order of metric and labels, with windows that are still empty.
    fn series_named(&self, metric: Option<&str>) -> Result<Vec<(i64, Window)>> {
        self.all(
            "series",
            "SELECT id, metric, labels, every_ms FROM series
             WHERE ?1 IS NULL OR metric = ?1 ORDER BY metric, labels",
            [metric],
            |cells| {
                let window = Window { series: key(cells)?, every: cells.duration("every_ms")?, points: Vec::new() };
                Ok((cells.get("id")?, window))
            },
        )
    }

    /// Fills windows that all end at `to`. Time is cut where a window begins; in each slice only the series that reach
    /// so far back are needed, and whichever way is cheaper for their number finds them.
    fn filled(&self, mut wanted: Vec<Wanted>, to: Time) -> Result<Vec<Window>> {
        let place: HashMap<i64, usize> = wanted.iter().enumerate().map(|(at, wanted)| (wanted.id, at)).collect();
        let alive = self.count_series()?;
        let mut starts: Vec<Time> = wanted.iter().map(|wanted| wanted.from).collect();
        starts.sort_unstable();
        starts.dedup();
        for (at, start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).map_or(to, |next| Time::from_millis(next.millis() - 1));
            let ids: Vec<i64> = wanted.iter().filter(|wanted| wanted.from <= *start).map(|wanted| wanted.id).collect();
            let found = if ids.len().saturating_mul(SEEK_COST) >= alive {
                self.scan(*start, end)?
            } else {
                self.seek(*start, end, &ids)?
            };
            for (id, point) in found {
                if let Some(wanted) = place.get(&id).and_then(|at| wanted.get_mut(*at))
                    && wanted.from <= *start
                {
                    wanted.window.points.push(point);
                }
            }
        }
        Ok(wanted.into_iter().map(|wanted| wanted.window).filter(|window| !window.points.is_empty()).collect())
    }

    fn count_series(&self) -> Result<usize> {
        let count =
            self.first("series", "SELECT count(*) AS n FROM series", [], |cells| cells.get::<u32>("n"))?.unwrap_or(0);
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Every sample from `from` to `to`.
    fn scan(&self, from: Time, to: Time) -> Result<Vec<(i64, Point)>> {
        self.points(
            "SELECT tick, series, value, mark FROM sample WHERE tick BETWEEN ?1 AND ?2 ORDER BY tick, series",
            (from.millis(), to.millis()),
        )
    }

    /// The samples of `ids` from `from` to `to`: jumps from tick to tick, and in each to those series alone.
    fn seek(&self, from: Time, to: Time, ids: &[i64]) -> Result<Vec<(i64, Point)>> {
        self.points(
            "WITH RECURSIVE slot (tick) AS (
                 SELECT min(tick) FROM sample WHERE tick BETWEEN ?1 AND ?2
                 UNION ALL
                 SELECT (SELECT min(tick) FROM sample WHERE tick > slot.tick AND tick <= ?2)
                 FROM slot WHERE slot.tick IS NOT NULL
             )
             SELECT sample.tick, sample.series, sample.value, sample.mark
             FROM slot CROSS JOIN json_each(?3) AS wanted
             CROSS JOIN sample ON sample.tick = slot.tick AND sample.series = wanted.value",
            (from.millis(), to.millis(), json_of(&ids)?),
        )
    }

    /// The hot path: columns by position (tick, series, value, mark).
    fn points(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<(i64, Point)>> {
        let run = || -> rusqlite::Result<Vec<(i64, i64, Option<f64>, i64)>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?.collect()
        };
        let rows = run().map_err(|error| refuse::failure(&self.path, &error))?;
        rows.into_iter()
            .map(|(tick, series, value, mark)| {
                let datum = datum_of(value, mark).ok_or_else(|| self.strange_mark(tick, series, mark))?;
                Ok((series, Point { tick: Time::from_millis(tick), datum }))
            })
            .collect()
    }

    fn strange_mark(&self, tick: i64, series: i64, mark: i64) -> Trouble {
        let place = format!("table sample, tick {tick}, series {series}, column mark");
        Trouble::new(Kind::Io, format!("{}: {place}: unknown mark {mark}", self.path.display())).help(refuse::DAMAGED)
    }
}

/// How far back `need` reaches for a series measured each `every`.
fn back(need: &Need, every: Duration) -> Duration {
    let lookback = if need.lookback { LOOKBACK.max(every.saturating_mul(5) / 2) } else { Duration::ZERO };
    need.back.saturating_add(lookback)
}
