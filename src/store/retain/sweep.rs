//! Letting go: one batch after the other, of what [`super`] found to be too much.

use std::time::Duration;

use tokio::time::Instant;

use super::super::chunks::at;
use super::super::rows::json_of;
use super::super::{Result, Tx, refuse};
use super::{Excess, Sweep};
use crate::model::time::Time;

/// Chunks, or so many times as many rows, that go at once: 1 to 3 ms.
pub(super) const BATCH: i64 = 32;

/// Pages that the file is cut down by at once: below a millisecond.
const CUT: u32 = 16;

/// Tables whose rows belong to an alert, and the column that names it. A test holds that there are no others.
pub(super) const OF_ALERT: [(&str, &str); 4] =
    [("transition", "alert"), ("mark", "alert"), ("deed", "alert"), ("response", "alert")];

/// The same of a delivery.
pub(super) const OF_DELIVERY: [(&str, &str); 1] = [("attempt", "outbox")];

impl Tx<'_> {
    /// Lets go of what is to go, beginning nothing more once `time` is over; whether there was anything.
    pub fn retain(&self, excess: &Excess, time: Duration) -> Result<bool> {
        let begun = Instant::now();
        let (mut gone, mut chunks) = (0, 0);
        for sweep in &excess.sweeps {
            while begun.elapsed() < time || gone == 0 {
                let swept = self.sweep(*sweep, excess.tick)?;
                gone += swept;
                if swept == 0 {
                    break;
                }
                chunks += if matches!(sweep, Sweep::Chunks(_) | Sweep::Bytes(_)) { swept } else { 0 };
            }
        }
        if chunks > 0 {
            self.forget_series()?;
        }
        while excess.cut_to.is_some_and(|to| self.pages().is_ok_and(|pages| pages.all > to && pages.free > 0))
            && (begun.elapsed() < time || gone == 0)
        {
            gone += self.cut()?;
        }
        Ok(gone > 0)
    }

    /// Lets go of a batch; how many rows that were.
    fn sweep(&self, sweep: Sweep, tick: Time) -> Result<usize> {
        match sweep {
            Sweep::Aside(before) => Ok(self.drop_samples_aside(before)? + self.drop_chunks_aside(before)?),
            Sweep::Chunks(before) => self.drop_chunks(before),
            Sweep::Bytes(most) => {
                if self.pages()?.used() > most {
                    self.drop_chunks(at(i64::MAX))
                } else {
                    Ok(0)
                }
            }
            Sweep::Cycles(before) => {
                // the interval that counted at the first cycle that stays began before it
                self.execute(
                    "DELETE FROM rhythm WHERE tick < (SELECT max(tick) FROM rhythm WHERE tick < ?1)",
                    [before.millis()],
                )?;
                self.execute(
                    "DELETE FROM cycle WHERE id IN (SELECT id FROM cycle WHERE tick < ?1 ORDER BY id LIMIT ?2)",
                    (before.millis(), BATCH * 16),
                )
            }
            Sweep::Deliveries(before) => self.drop_deliveries("finished < ?1 ORDER BY finished", before.millis()),
            Sweep::DeliveriesUpTo(id) => self.drop_deliveries("id <= ?1 ORDER BY id", id),
            Sweep::Alerts(before) => self.drop_alerts("ended_at < ?1 ORDER BY ended_at", before.millis()),
            Sweep::AlertsUpTo(number) => self.drop_alerts("number <= ?1 ORDER BY number", number),
            Sweep::NotesUpTo(id) => {
                self.execute("DELETE FROM note WHERE id <= min(?1, (SELECT min(id) FROM note) + ?2)", (id, BATCH * 16))
            }
            Sweep::Looks(cut) => self.drop_looks(cut, tick),
        }
    }

    fn drop_samples_aside(&self, before: Time) -> Result<usize> {
        self.execute(
            "DELETE FROM sample_aside WHERE (set_aside, tick, series) IN
                 (SELECT set_aside, tick, series FROM sample_aside WHERE set_aside < ?1 LIMIT ?2)",
            (before.millis(), BATCH * 16),
        )
    }

    fn drop_chunks_aside(&self, before: Time) -> Result<usize> {
        self.execute(
            "DELETE FROM chunk_aside WHERE id IN (SELECT id FROM chunk_aside WHERE start < ?1 LIMIT ?2)",
            (before.millis(), BATCH),
        )
    }

    /// The oldest chunks that begin before this.
    fn drop_chunks(&self, before: Time) -> Result<usize> {
        self.execute(
            "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE start < ?1 ORDER BY start LIMIT ?2)",
            (before.millis(), BATCH),
        )
    }

    /// The first deliveries that `which` selects, unless they wait or people may still hear of their alert.
    fn drop_deliveries(&self, which: &str, bound: i64) -> Result<usize> {
        let sql = format!(
            "SELECT id FROM outbox WHERE finished IS NOT NULL AND state NOT IN ('pending', 'sending')
               AND (alert IS NULL OR alert IN (SELECT id FROM alert WHERE ended_at IS NOT NULL)) AND {which} LIMIT ?2"
        );
        let ids = json_of(&self.all("outbox", &sql, (bound, BATCH * 4), |cells| cells.get::<i64>("id"))?)?;
        self.drop_rows(&OF_DELIVERY, &ids)?;
        self.drop_rows(&[("outbox", "id")], &ids)
    }

    /// The first alerts that `which` selects, with all that belongs to them, where they are over and all is said.
    fn drop_alerts(&self, which: &str, bound: i64) -> Result<usize> {
        let sql = format!(
            "SELECT id FROM alert WHERE ended_at IS NOT NULL AND NOT EXISTS
                 (SELECT 1 FROM outbox WHERE outbox.alert = alert.id AND outbox.state IN ('pending', 'sending'))
               AND {which} LIMIT ?2"
        );
        let ids = json_of(&self.all("alert", &sql, (bound, BATCH), |cells| cells.get::<i64>("id"))?)?;
        let sql = "SELECT id FROM outbox WHERE alert IN (SELECT value FROM json_each(?1))";
        let deliveries = json_of(&self.all("outbox", sql, [&ids], |cells| cells.get::<i64>("id"))?)?;
        self.drop_rows(&OF_DELIVERY, &deliveries)?;
        self.drop_rows(&[("outbox", "id")], &deliveries)?;
        self.drop_rows(&OF_ALERT, &ids)?;
        self.drop_rows(&[("alert", "id")], &ids)
    }

    /// Rows of `tables` whose column names one of `ids`, a list in JSON.
    fn drop_rows(&self, tables: &[(&str, &str)], ids: &str) -> Result<usize> {
        let mut gone = 0;
        for (table, column) in tables {
            let sql = format!("DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?1))");
            gone += self.execute(&sql, [ids])?;
        }
        Ok(gone)
    }

    /// Series that are gone and have no sample left: labels that change all the time must not pile up for ever.
    fn forget_series(&self) -> Result<()> {
        let ids = self.all(
            "latest",
            "SELECT series FROM latest WHERE mark = 3 AND tick < (SELECT min(tick) FROM sample)
               AND NOT EXISTS (SELECT 1 FROM chunk WHERE chunk.series = latest.series) LIMIT ?1",
            [BATCH * 16],
            |cells| cells.get::<i64>("series"),
        )?;
        self.drop_rows(&[("latest", "series"), ("series", "id")], &json_of(&ids)?)?;
        Ok(())
    }

    /// Cuts some free pages off the file; how many.
    fn cut(&self) -> Result<usize> {
        let cut = || -> rusqlite::Result<usize> {
            let mut statement = self.connection.prepare_cached(&format!("PRAGMA incremental_vacuum({CUT})"))?;
            let mut rows = statement.query([])?;
            let mut pages = 0;
            while rows.next()?.is_some() {
                pages += 1;
            }
            Ok(pages.max(1))
        };
        cut().map_err(|error| refuse::failure(&self.path, &error))
    }
}
