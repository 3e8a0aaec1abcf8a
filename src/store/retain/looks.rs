//! The old end of the reserve log.
//!
//! It is let go a stretch at a time. A stretch begins with a row that says its whole state, and the rows after it refer to
//! that one, so what is left is whole in itself. `bridge` and `cycle` see to it that a stretch is no longer than a day. The
//! anchor moves first, then the rows before it are deleted a batch at a time: wherever that is stopped, the log is
//! proved from the anchor on.
//!
//! The order of the rows is that of their numbers, whatever the clock said: a stretch goes when it is the oldest, and when
//! the one after it began before the limit. A row from a clock that was years ahead therefore keeps those after it until the
//! log has grown to its share.

use super::super::chunks::at;
use super::super::rows::json_of;
use super::super::{Reader, Result, Tx};
use super::sweep::BATCH;
use crate::model::time::Time;

/// The part of the room that the log may take.
pub(super) const SHARE: u64 = 4;

/// What is to go of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    /// It may begin with a row no later than this.
    latest: Time,
    /// It is cut while it takes more than so many bytes.
    above: i64,
}

/// The old end.
pub(super) struct OldEnd {
    /// Rows that were let go are still to be deleted.
    has_rest: bool,
    /// What the rows take.
    bytes: i64,
    /// The row that it may begin with next, and when that was.
    next: Option<(i64, Time)>,
    /// The log may not begin later than this: what is not over began then.
    pub(super) held: Option<Time>,
}

impl OldEnd {
    /// What is too old where rows from before `limit` are.
    pub(super) fn by_age(&self, limit: Time) -> Option<Cut> {
        self.due(Cut { latest: limit.min(self.held.unwrap_or(limit)), above: 0 })
    }

    /// What there is too much of where the database may take `bytes`.
    pub(super) fn by_size(&self, bytes: u64) -> Option<Cut> {
        let above = i64::try_from(bytes / SHARE).unwrap_or(i64::MAX);
        let latest = self.held.unwrap_or(at(i64::MAX));
        // rows that were let go before go in any case
        let is_due = |cut: &Cut| self.has_rest || self.due(*cut).is_some();
        Some(Cut { latest, above }).filter(is_due)
    }

    fn due(&self, cut: Cut) -> Option<Cut> {
        (self.next.is_some_and(|(_, at)| at <= cut.latest) && self.bytes > cut.above).then_some(cut)
    }
}

impl Reader {
    /// The old end of the log, as if nothing held it.
    pub(super) fn old_end(&self) -> Result<OldEnd> {
        let sql = "SELECT (SELECT min(n) FROM reserve_log) <= anchor.n AS has_rest, anchor.bytes, next.n AS id, next.at
                   FROM reserve_anchor AS anchor LEFT JOIN
                       (SELECT n, at FROM reserve_log INDEXED BY reserve_log_whole
                        WHERE instr(text, '\"state\":{') > 0 AND n > (SELECT max(n) + 1 FROM reserve_anchor)
                        ORDER BY n LIMIT 1) AS next";
        let found = self.first("reserve_log", sql, [], |cells| {
            let has_rest = cells.get::<Option<bool>>("has_rest")?.unwrap_or_default();
            let next = cells.get::<Option<i64>>("id")?.zip(cells.time_if_any("at")?);
            Ok(OldEnd { has_rest, bytes: cells.get("bytes")?, next, held: None })
        })?;
        Ok(found.unwrap_or(OldEnd { has_rest: false, bytes: 0, next: None, held: None }))
    }

    /// When the oldest alert of these rules began that is not over.
    pub(super) fn open_since(&self, rules: &[&str]) -> Result<Option<Time>> {
        let sql = "SELECT min(since) AS since FROM alert
                   WHERE ended_at IS NULL AND rule IN (SELECT value FROM json_each(?1))";
        let found = self.first("alert", sql, [json_of(&rules)?], |cells| cells.time_if_any("since"))?;
        Ok(found.flatten())
    }
}

impl Tx<'_> {
    /// A batch of rows that were let go, or where there is none the next stretch; how many rows were changed.
    pub(super) fn drop_looks(&self, cut: Cut, tick: Time) -> Result<usize> {
        let rest = self.execute(
            "DELETE FROM reserve_log
             WHERE n <= (SELECT max(n) FROM reserve_anchor) AND n < (SELECT min(n) FROM reserve_log) + ?1",
            [BATCH * 8],
        )?;
        if rest > 0 {
            return Ok(rest);
        }
        match self.old_end()? {
            end if end.due(cut).is_none() => Ok(0),
            // a row that is missing is no place to begin: it is for people to find
            OldEnd { next: Some((n, _)), .. } => self.execute(
                "UPDATE reserve_anchor SET (n, at, hash) = (SELECT n, at, hash FROM reserve_log WHERE n = ?1), moved = ?2
                 WHERE EXISTS (SELECT 1 FROM reserve_log WHERE n = ?1)",
                (n - 1, tick.millis()),
            ),
            OldEnd { next: None, .. } => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::super::Store;
    use super::super::super::cycles::CycleRow;
    use super::super::super::kit::{firing, store};
    use super::super::super::reserves::LogRow;
    use super::super::Limits;
    use super::*;
    use crate::model::alert::{Ended, Phase};
    use crate::model::severity::{BySeverity, Severity};

    const HOUR: Duration = Duration::from_hours(1);
    const DAY: u64 = 24;

    fn hour(hour: u64) -> Time {
        Time::from_millis(1_795_392_000_000) + HOUR * u32::try_from(hour).unwrap()
    }

    /// A log of so many days with a look an hour, the first of each day with its state, and a cycle for each.
    fn filled(days: u64) -> (tempfile::TempDir, Store) {
        let (folder, mut store) = store();
        let tx = store.begin().unwrap();
        for n in 0..days * DAY {
            let said = if n % DAY == 0 { "\"state\":{}" } else { "\"same\":1" };
            let text = format!("{{\"n\":{},{said}}}", n + 1);
            tx.add_reserve_row(&LogRow { n: n + 1, at: hour(n), text, hash: [u8::try_from(n % 251).unwrap(); 32] })
                .unwrap();
            tx.put_cycle(&CycleRow::quick(hour(n), 0)).unwrap();
        }
        tx.commit().unwrap();
        (folder, store)
    }

    fn limits(days: u64, bytes: u64) -> Limits {
        Limits { age: HOUR * u32::try_from(days * DAY).unwrap(), bytes }
    }

    /// Lets go in the smallest steps until nothing is to go; how many steps it took.
    fn retain(store: &mut Store, limits: Limits, tick: Time) -> usize {
        for step in 0..1000 {
            let excess = store.excess(limits, tick, HOUR, || vec!["RESERVES"]).unwrap();
            let tx = store.begin().unwrap();
            if !tx.retain(&excess, Duration::ZERO).unwrap() {
                return step;
            }
            tx.commit().unwrap();
        }
        panic!("there is no end to it");
    }

    /// The first and the last number that is kept.
    fn kept(store: &Store) -> (u64, u64) {
        let rows = store.reserve_rows_after(0, u32::MAX).unwrap();
        (rows[0].n, rows[rows.len() - 1].n)
    }

    fn number(store: &Store, sql: &str) -> i64 {
        store.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Whether the log takes as much as is written down.
    fn adds_up(store: &Store) -> bool {
        number(store, "SELECT sum(octet_length(text) + 85) = (SELECT bytes FROM reserve_anchor) FROM reserve_log") == 1
    }

    #[test]
    fn looks_go_by_the_day_with_the_samples_of_their_time() {
        let (_folder, mut store) = filled(60);
        let last = hour(60 * DAY - 1);
        assert_eq!(retain(&mut store, limits(400, u64::MAX), last), 0);
        assert_eq!(store.reserve_anchor().unwrap(), None);
        assert!(retain(&mut store, limits(20, u64::MAX), last) > 38, "in small steps");
        // age is counted from the tick a day of cycles ago: 39 days less an hour
        assert_eq!(kept(&store), (38 * DAY + 1, 60 * DAY));
        let anchor = store.reserve_anchor().unwrap().unwrap();
        assert_eq!((anchor.n, anchor.at, anchor.moved), (38 * DAY, hour(38 * DAY - 1), last));
        assert_eq!(anchor.hash, [u8::try_from((38 * DAY - 1) % 251).unwrap(); 32]);
        assert_eq!(number(&store, "SELECT min(n) FROM reserve_log"), 38 * 24 + 1);
        assert!(adds_up(&store));
        assert_eq!(retain(&mut store, limits(20, u64::MAX), last), 0);
    }

    #[test]
    fn a_clock_that_jumps_ahead_lets_go_of_no_look() {
        let (_folder, mut store) = filled(3);
        assert_eq!(retain(&mut store, limits(5, u64::MAX), hour(3000 * DAY)), 0);
        assert_eq!(kept(&store), (1, 72));
    }

    #[test]
    fn a_log_that_is_too_large_loses_its_oldest_days_and_never_the_last() {
        let (_folder, mut store) = filled(60);
        let all = number(&store, "SELECT bytes FROM reserve_anchor");
        let half = u64::try_from(all / 2).unwrap() * SHARE;
        retain(&mut store, limits(400, half), hour(0));
        let (first, last) = kept(&store);
        assert_eq!(((first - 1) % DAY, last), (0, 60 * DAY), "{first}");
        let left = number(&store, "SELECT bytes FROM reserve_anchor");
        assert!(left <= all / 2 && left > all / 2 - 48 * 110, "{left} of {all}");
        assert!(adds_up(&store));
        retain(&mut store, limits(400, 4), hour(0));
        assert_eq!(kept(&store), (59 * DAY + 1, 60 * DAY));
        assert!(adds_up(&store));
    }

    #[test]
    fn what_is_seen_while_an_alert_about_the_reserves_lasts_stays() {
        let (_folder, mut store) = filled(60);
        let tx = store.begin().unwrap();
        let alert =
            |rule, day| crate::model::alert::Alert { since: hour(day * DAY + 5), ..firing(rule, Severity::High) };
        let mut holds = alert("RESERVES", 10);
        let id = tx.save_alert(None, &mut holds).unwrap();
        tx.save_alert(None, &mut alert("OTHER", 2)).unwrap();
        tx.commit().unwrap();
        let last = hour(60 * DAY - 1);
        for limits in [limits(20, u64::MAX), limits(400, 4)] {
            retain(&mut store, limits, last);
            assert_eq!(kept(&store), (10 * DAY + 1, 60 * DAY), "{limits:?}");
        }
        let tx = store.begin().unwrap();
        holds.phases = BySeverity::from_fn(|_| Phase::Inactive);
        holds.ended = Some((last, Ended::Cleared));
        tx.save_alert(Some(id), &mut holds).unwrap();
        tx.commit().unwrap();
        retain(&mut store, limits(20, u64::MAX), last);
        assert_eq!(kept(&store), (38 * DAY + 1, 60 * DAY));
    }

    #[test]
    fn a_log_with_a_hole_is_not_cut_there() {
        let (_folder, mut store) = filled(60);
        let tx = store.begin().unwrap();
        tx.execute("DROP TRIGGER reserve_log_is_not_shortened", []).unwrap();
        tx.execute("DELETE FROM reserve_log WHERE n = 48", []).unwrap();
        tx.commit().unwrap();
        retain(&mut store, limits(20, u64::MAX), hour(60 * DAY - 1));
        assert_eq!(kept(&store), (25, 60 * DAY), "the hole is left for people to find");
    }

    #[test]
    fn where_it_stops_between_two_steps_the_log_is_whole() {
        let (_folder, mut store) = filled(60);
        let last = hour(60 * DAY - 1);
        while store.reserve_anchor().unwrap().is_none() {
            let excess = store.excess(limits(20, u64::MAX), last, HOUR, Vec::new).unwrap();
            let tx = store.begin().unwrap();
            assert!(tx.retain(&excess, Duration::ZERO).unwrap());
            tx.commit().unwrap();
        }
        assert_eq!(kept(&store), (25, 60 * DAY), "what was let go is not seen");
        assert_eq!((store.reserve_row(24).unwrap(), store.reserve_row_at(hour(23)).unwrap()), (None, None));
        assert_eq!(number(&store, "SELECT count(*) FROM reserve_log"), 60 * 24);
        // nobody asks for more any longer, and it is deleted all the same
        retain(&mut store, limits(400, u64::MAX), last);
        assert_eq!((kept(&store), number(&store, "SELECT count(*) FROM reserve_log")), ((25, 60 * DAY), 59 * 24));
        assert!(adds_up(&store));
    }
}
