//! Samples as the rules and the screens want them: windows over time, and the newest of each series.

use std::collections::HashMap;
use std::time::Duration;

use super::chunks::{self, Past};
use super::rows::json_of;
use super::series::{datum, datum_of, key};
use super::{Reader, Result, refuse};
use crate::model::labels::{Labels, SeriesKey};
use crate::model::reading::{Datum, Need, Point, Reason, Window};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// The least lookback, as in Prometheus.
const LOOKBACK: Duration = Duration::from_mins(5);

/// Finding one sample by its key costs about as much as reading this many in passing: 6 h of 100 and of 2000 series
/// took 0.5 to 0.8 us a sample when found by key, 0.2 us when scanned.
const SEEK_COST: usize = 4;

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

/// A row of `sample`: tick, series, value, mark.
type Raw = (i64, i64, Option<f64>, i64);

/// Windows, by their place, whose sealed part cannot be read.
type Damage = Vec<(usize, Trouble)>;

/// A window to be filled.
struct Wanted {
    id: i64,
    from: Time,
    window: Window,
    /// It has all that is asked for.
    is_full: bool,
}

/// What is asked of a series.
#[derive(Clone, Copy)]
struct Reach {
    /// Samples since then.
    from: Time,
    /// Of those only the newest.
    only_newest: bool,
}

impl Reader {
    /// For each series that `needs` name, the samples from as far back as the neediest of them reaches up to `at`,
    /// both ends included (the evaluator cuts its own left-open ranges out of that). Series without any are left out; one
    /// whose sealed part cannot be read is unknown. Where no need reaches back at all, the newest sample is enough.
    pub fn windows(&self, needs: &[Need], at: Time) -> Result<Vec<Window>> {
        let (mut windows, damage) = self.filled(self.wanted(None, at, reach(needs, at))?, at)?;
        for (place, _) in damage {
            // a rule must neither see half of a history nor stop those that see another
            if let Some(window) = windows.get_mut(place) {
                let tick = window.points.last().map_or(at, |point| point.tick);
                window.points = vec![Point { tick, datum: Datum::Unknown }];
                window.reason = Some(Reason::new("its history is damaged"));
            }
        }
        Ok(with_points(windows))
    }

    /// The same for somebody who would rather have nothing than a part: damaged history is refused.
    pub fn sound_windows(&self, needs: &[Need], at: Time) -> Result<Vec<Window>> {
        let all = |window: &Window| Some(Reach { only_newest: false, ..reach(needs, at)(window)? });
        let (windows, damage) = self.filled(self.wanted(None, at, all)?, at)?;
        whole(windows, damage)
    }

    /// The samples of `metric` (with exactly these labels, if given) from `from` to `to`, both included.
    pub fn history(&self, metric: &str, labels: Option<&Labels>, from: Time, to: Time) -> Result<Vec<Window>> {
        let is_meant = |window: &Window| labels.is_none_or(|labels| window.series.labels == *labels);
        let reach = |window: &Window| is_meant(window).then_some(Reach { from, only_newest: false });
        let (windows, damage) = self.filled(self.wanted(Some(metric), to, reach)?, to)?;
        whole(windows, damage)
    }

    /// The newest sample up to `at` of each series that is not gone, in order of metric and labels.
    pub fn latest(&self, at: Time) -> Result<Vec<Latest>> {
        self.all(
            "latest",
            "SELECT s.id, s.metric, s.labels, s.source, s.every_ms, l.tick, l.value, l.mark,
                    CASE l.mark WHEN 2 THEN l.reason END AS reason
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

    /// The windows up to `to` of all series or of those of one metric, in order of metric and labels: those still empty of
    /// which more than the newest sample is asked for. `reach` says where each begins, or that it is not wanted; a series
    /// that ended before that is left out.
    fn wanted(&self, metric: Option<&str>, to: Time, reach: impl Fn(&Window) -> Option<Reach>) -> Result<Vec<Wanted>> {
        let found = self.all(
            "series",
            "SELECT s.id, s.metric, s.labels, s.every_ms, l.tick AS newest, l.value, coalesce(l.mark, 3) AS mark,
                    -- of a window that ends before, it may be that of a later mark
                    CASE WHEN l.tick <= ?2 THEN l.reason END AS reason
             FROM series s LEFT JOIN latest l ON l.series = s.id
             WHERE ?1 IS NULL OR s.metric = ?1 ORDER BY s.metric, s.labels",
            (metric, to.millis()),
            |cells| {
                let mut window = Window {
                    series: key(cells)?,
                    every: cells.duration("every_ms")?,
                    points: Vec::new(),
                    reason: cells.get::<Option<String>>("reason")?.map(Reason::new),
                };
                let newest = cells.time_if_any("newest")?;
                let Some(Reach { from, only_newest }) = reach(&window) else { return Ok(None) };
                if newest.is_some_and(|newest| newest < from) {
                    return Ok(None);
                }
                let newest = newest.filter(|newest| only_newest && *newest <= to);
                if let Some(tick) = newest {
                    window.points.push(Point { tick, datum: datum(cells)? });
                }
                Ok(Some(Wanted { id: cells.get("id")?, from, window, is_full: newest.is_some() }))
            },
        )?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Fills windows that all end at `to`. Time is cut where a window begins; in each slice only the series that reach
    /// so far back are needed, and whichever way is cheaper for their number finds them. Beside the windows, some of them
    /// empty, the place of each whose sealed part cannot be read.
    fn filled(&self, mut wanted: Vec<Wanted>, to: Time) -> Result<(Vec<Window>, Damage)> {
        let place: HashMap<i64, usize> = wanted.iter().enumerate().map(|(at, wanted)| (wanted.id, at)).collect();
        let alive = self.count_live()?;
        let mut starts: Vec<Time> = wanted.iter().filter(|wanted| !wanted.is_full).map(|wanted| wanted.from).collect();
        starts.sort_unstable();
        starts.dedup();
        for (at, start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).map_or(to, |next| Time::from_millis(next.millis() - 1));
            let is_due = |wanted: &&Wanted| !wanted.is_full && wanted.from <= *start;
            let ids: Vec<i64> = wanted.iter().filter(is_due).map(|wanted| wanted.id).collect();
            let found = if ids.len().saturating_mul(SEEK_COST) >= alive {
                self.scan(*start, end)?
            } else {
                self.seek(*start, end, &ids)?
            };
            for (id, point) in found {
                if let Some(wanted) = place.get(&id).and_then(|at| wanted.get_mut(*at))
                    && !wanted.is_full
                    && wanted.from <= *start
                {
                    wanted.window.points.push(point);
                }
            }
        }
        let damage = self.add_past(&mut wanted, to)?;
        Ok((wanted.into_iter().map(|wanted| wanted.window).collect(), damage))
    }

    /// Puts what is sealed before and between the rows that were found.
    fn add_past(&self, wanted: &mut [Wanted], to: Time) -> Result<Damage> {
        let mut damage = Damage::new();
        let sealed_until = self.sealed_until()?;
        let reaches = |wanted: &Wanted| !wanted.is_full && wanted.from < sealed_until;
        for (place, wanted) in wanted.iter_mut().enumerate().filter(|(_, wanted)| reaches(wanted)) {
            let window = &mut wanted.window;
            match self.past(wanted.id, &window.series, wanted.from, to)? {
                Past::Points(past) => window.points = chunks::merge(past, std::mem::take(&mut window.points)),
                Past::Damaged(trouble) => damage.push((place, trouble)),
            }
        }
        Ok(damage)
    }

    fn count_live(&self) -> Result<usize> {
        let sql = "SELECT count(*) AS n FROM latest WHERE mark <> 3";
        let count = self.first("latest", sql, [], |cells| cells.get::<u32>("n"))?.unwrap_or(0);
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

    /// The samples of one series from `from` to `to` that are not sealed.
    pub(super) fn rows_of(&self, id: i64, from: Time, to: Time) -> Result<Vec<Point>> {
        Ok(self.seek(from, to, &[id])?.into_iter().map(|(_, point)| point).collect())
    }

    /// The hot path: columns by position (tick, series, value, mark).
    pub(super) fn points(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<(i64, Point)>> {
        let run = || -> rusqlite::Result<Vec<Raw>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(params, |row| Raw::try_from(row))?.collect()
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

/// How the window of a series must be so that it has what `needs` ask for at `at`; none if nothing is asked.
fn reach(needs: &[Need], at: Time) -> impl Fn(&Window) -> Option<Reach> {
    move |window| {
        let names = |need: &&Need| need.metric.as_ref().is_none_or(|metric| *metric == window.series.metric);
        let from = needs.iter().filter(names).map(|need| at - back(need, window.every)).min()?;
        Some(Reach { from, only_newest: needs.iter().filter(names).all(|need| need.back.is_zero()) })
    }
}

/// Windows for somebody who wants all of them or none.
fn whole(windows: Vec<Window>, damage: Damage) -> Result<Vec<Window>> {
    match damage.into_iter().next() {
        Some((_, trouble)) => Err(trouble),
        None => Ok(with_points(windows)),
    }
}

fn with_points(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| !window.points.is_empty());
    windows
}

/// How far back `need` reaches for a series measured each `every`.
fn back(need: &Need, every: Duration) -> Duration {
    let lookback = if need.lookback { LOOKBACK.max(every.saturating_mul(5) / 2) } else { Duration::ZERO };
    need.back.saturating_add(lookback)
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, key, own, put, store};
    use super::super::{Store, kit};
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn need(metric: Option<&str>, back: Duration, lookback: bool) -> Need {
        Need { metric: metric.map(Into::into), back, lookback }
    }

    /// 40 series, measured each minute for an hour (minutes 0 to 60), and one measured each hour; the value is the minute.
    fn hour() -> (tempfile::TempDir, Store) {
        let (folder, mut store) = store();
        let tx = store.begin().unwrap();
        let slow = own(&tx, &key("slow", "/"), "tls", Duration::from_hours(1));
        let fast: Vec<_> = (0..40).map(|n| own(&tx, &key(&format!("fast_{n:02}"), "/"), "system", MINUTE)).collect();
        for minute in 0..=60_u32 {
            let datum = Datum::Value(f64::from(minute));
            let tick = at(i64::from(minute) * 60);
            let samples: Vec<_> = fast.iter().map(|id| (*id, datum, None)).collect();
            tx.put_samples(tick, &samples).unwrap();
            if minute == 0 {
                tx.put_samples(tick, &[(slow, datum, None)]).unwrap();
            }
        }
        tx.commit().unwrap();
        (folder, store)
    }

    /// Each window as `name: first..last (how many)`, minutes counted from the start.
    fn shown(windows: &[Window]) -> Vec<String> {
        let minute = |point: Option<&Point>| point.map_or(-1, |point| (point.tick.millis() - at(0).millis()) / 60_000);
        let all = windows.iter().map(|window| {
            let points = &window.points;
            let (first, last) = (minute(points.first()), minute(points.last()));
            assert!(points.windows(2).all(|pair| pair[0].tick < pair[1].tick), "oldest first, each tick once");
            format!("{}: {first}..{last} ({})", window.series.metric, points.len())
        });
        all.collect()
    }

    #[test]
    fn each_series_reaches_as_far_back_as_its_neediest_rule() {
        let (_folder, store) = hour();
        let needs = [
            need(Some("fast_03"), MINUTE * 40, false),
            need(Some("fast_03"), MINUTE, false),
            need(Some("fast_07"), MINUTE * 10, true),
            need(Some("slow"), Duration::ZERO, true),
            need(Some("nobody"), MINUTE, true),
        ];
        let windows = store.windows(&needs, at(3600)).unwrap();
        assert_eq!(shown(&windows), ["fast_03: 20..60 (41)", "fast_07: 45..60 (16)", "slow: 0..0 (1)"]);
    }

    #[test]
    fn a_rule_without_a_metric_needs_them_all() {
        let (_folder, store) = hour();
        let needs = [need(None, Duration::ZERO, true), need(Some("fast_03"), MINUTE * 30, false)];
        let shown = shown(&store.windows(&needs, at(3600)).unwrap());
        assert_eq!(shown.len(), 41);
        assert_eq!(shown[2..5], ["fast_02: 60..60 (1)", "fast_03: 30..60 (31)", "fast_04: 60..60 (1)"]);
    }

    #[test]
    fn the_newest_sample_is_enough_where_nothing_reaches_back_unless_the_past_is_asked() {
        let (_folder, store) = hour();
        let needs = [need(Some("fast_07"), Duration::ZERO, true)];
        let seen = |minute: i64| shown(&store.windows(&needs, at(minute * 60)).unwrap());
        assert_eq!(
            (seen(60), seen(64)),
            (vec!["fast_07: 60..60 (1)".to_owned()], vec!["fast_07: 60..60 (1)".to_owned()])
        );
        assert_eq!((seen(30), seen(66)), (vec!["fast_07: 25..30 (6)".to_owned()], vec![]));
        assert_eq!(store.sound_windows(&needs, at(3600)).unwrap()[0].points.len(), 6);
    }

    #[test]
    fn a_scan_for_the_many_gives_the_few_no_more_than_they_asked_for() {
        let (_folder, store) = hour();
        let many = (0..30).map(|n| need(Some(&format!("fast_{n:02}")), MINUTE * 20, false));
        let needs: Vec<Need> = many.chain([need(None, MINUTE * 2, false)]).collect();
        let shown = shown(&store.windows(&needs, at(3600)).unwrap());
        assert_eq!(shown[29..31], ["fast_29: 40..60 (21)", "fast_30: 58..60 (3)"]);
        assert_eq!(shown.len(), 40, "the slow one was measured too long ago");
    }

    #[test]
    fn seeking_finds_what_scanning_finds() {
        let (_folder, store) = hour();
        let ids: Vec<i64> = vec![3, 17, 1];
        let (from, to) = (at(60), at(1800));
        let mut scanned = store.scan(from, to).unwrap();
        scanned.retain(|(id, _)| ids.contains(id));
        let mut sought = store.seek(from, to, &ids).unwrap();
        sought.sort_by_key(|(id, point)| (point.tick, *id));
        assert_eq!(sought, scanned);
        assert_eq!(sought.len(), 60, "two fast series, 30 minutes; the slow one was measured before");
        assert_eq!(store.seek(at(99_999), at(100_000), &ids).unwrap(), []);
    }

    #[test]
    fn nothing_is_seen_before_or_after_the_window() {
        let (_folder, store) = hour();
        assert_eq!(shown(&store.history("fast_00", None, at(600), at(1200)).unwrap()), ["fast_00: 10..20 (11)"]);
        let windows = store.windows(&[need(Some("fast_00"), MINUTE * 2, false)], at(630)).unwrap();
        assert_eq!(shown(&windows), ["fast_00: 9..10 (2)"]);
        assert_eq!(shown(&store.history("fast_00", Some(&Labels::empty()), at(0), at(99_999)).unwrap()), [""; 0]);
    }

    #[test]
    fn the_newest_sample_carries_its_reason() {
        let (_folder, mut store) = kit::store();
        put(&mut store, &key("a", "/"), at(0), Datum::Gone);
        let tx = store.begin().unwrap();
        let id = own(&tx, &key("b", "/"), "probe:api", MINUTE);
        tx.put_samples(at(0), &[(id, Datum::Unknown, Some(&Reason::TIMEOUT))]).unwrap();
        let unknown = Latest {
            key: key("b", "/"),
            source: "probe:api".to_owned(),
            every: MINUTE,
            tick: at(0),
            datum: Datum::Unknown,
            reason: Some(Reason::TIMEOUT),
        };
        assert_eq!(tx.latest(at(0)).unwrap(), std::slice::from_ref(&unknown));
        tx.put_samples(at(60), &[(id, Datum::Value(1.0), Some(&Reason::TIMEOUT))]).unwrap();
        let known = Latest { tick: at(60), datum: Datum::Value(1.0), reason: None, ..unknown };
        assert_eq!(tx.latest(at(60)).unwrap(), [known]);
        assert_eq!(tx.latest(at(59)).unwrap(), []);
    }

    #[test]
    fn the_reason_of_the_newest_unknown_mark_outlives_it() {
        let (_folder, mut store) = kit::store();
        let tx = store.begin().unwrap();
        let id = own(&tx, &key("cpu", "/"), "system", MINUTE);
        let put =
            |second: i64, datum, reason: Option<&Reason>| tx.put_samples(at(second), &[(id, datum, reason)]).unwrap();
        let reason = |second: i64| {
            let windows = tx.windows(&[need(Some("cpu"), MINUTE * 10, true)], at(second)).unwrap();
            windows.into_iter().next().unwrap().reason
        };
        put(0, Datum::Unknown, Some(&Reason::WARMING_UP));
        put(15, Datum::Value(0.5), None);
        put(30, Datum::Value(0.5), None);
        assert_eq!(reason(30), Some(Reason::WARMING_UP));
        put(45, Datum::Unknown, Some(&Reason::TIMEOUT));
        put(60, Datum::Value(0.5), None);
        assert_eq!(reason(60), Some(Reason::TIMEOUT));
        assert_eq!(reason(30), None, "it is that of a later mark");
        put(75, Datum::Gone, None);
        assert_eq!(reason(75), Some(Reason::TIMEOUT));
        put(90, Datum::Unknown, None);
        assert_eq!(reason(90), None, "nobody said why");
        put(105, Datum::Unknown, Some(&Reason::TIMEOUT));
        put(105, Datum::Value(0.5), None);
        assert_eq!(reason(105), None, "the mark was replaced");
    }
}
