//! The reserve log: rows that are only added. What a text says and how its hash is made is the business of `bridge`.

use super::rows::{Cells, Unread};
use super::{Reader, Result, Tx};
use crate::model::time::Time;

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogRow {
    /// Its number, from 1.
    pub n: u64,
    /// When the look had ended.
    pub at: Time,
    /// What was hashed.
    pub text: String,
    /// The hash.
    pub hash: [u8; 32],
}

fn row(cells: &Cells<'_>) -> std::result::Result<LogRow, Unread> {
    let n: i64 = cells.get("id")?;
    let n = u64::try_from(n).map_err(|_| cells.strange("n", "a number below zero"))?;
    let hash: Vec<u8> = cells.get("hash")?;
    let hash = hash.try_into().map_err(|_| cells.strange("hash", "not 32 bytes"))?;
    Ok(LogRow { n, at: cells.time("at")?, text: cells.get("text")?, hash })
}

/// A number of a row as `SQLite` keeps it.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Reader {
    /// The last row.
    pub fn last_reserve_row(&self) -> Result<Option<LogRow>> {
        let sql = "SELECT n AS id, at, text, hash FROM reserve_log ORDER BY n DESC LIMIT 1";
        self.first("reserve_log", sql, [], row)
    }

    /// The row with this number.
    pub fn reserve_row(&self, n: u64) -> Result<Option<LogRow>> {
        let sql = "SELECT n AS id, at, text, hash FROM reserve_log WHERE n = ?1";
        self.first("reserve_log", sql, [signed(n)], row)
    }

    /// The last row that is no younger than `time`.
    pub fn reserve_row_at(&self, time: Time) -> Result<Option<LogRow>> {
        let sql = "SELECT n AS id, at, text, hash FROM reserve_log WHERE at <= ?1 ORDER BY n DESC LIMIT 1";
        self.first("reserve_log", sql, [time.millis()], row)
    }

    /// The first row that is no older than `time`.
    pub fn reserve_row_since(&self, time: Time) -> Result<Option<LogRow>> {
        let sql = "SELECT n AS id, at, text, hash FROM reserve_log WHERE at >= ?1 ORDER BY n LIMIT 1";
        self.first("reserve_log", sql, [time.millis()], row)
    }

    /// At most `most` rows after number `n`, in their order.
    pub fn reserve_rows_after(&self, n: u64, most: u32) -> Result<Vec<LogRow>> {
        let sql = "SELECT n AS id, at, text, hash FROM reserve_log WHERE n > ?1 ORDER BY n LIMIT ?2";
        self.all("reserve_log", sql, (signed(n), most), row)
    }
}

impl Tx<'_> {
    /// Adds a row; its number must be free.
    pub fn add_reserve_row(&self, row: &LogRow) -> Result<()> {
        let LogRow { n, at, text, hash } = row;
        self.execute(
            "INSERT INTO reserve_log (n, at, text, hash) VALUES (?1, ?2, ?3, ?4)",
            (signed(*n), at.millis(), text, hash.as_slice()),
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kit::{at, store};
    use super::*;

    #[test]
    fn rows_are_added_and_found_and_neither_changed_nor_deleted() {
        let (_folder, mut store) = store();
        let row = |n: u8, second| LogRow { n: n.into(), at: at(second), text: format!("{{\"n\":{n}}}"), hash: [n; 32] };
        let tx = store.begin().unwrap();
        assert_eq!(tx.last_reserve_row().unwrap(), None);
        for (n, second) in [(1, 60), (2, 120), (3, 180)] {
            tx.add_reserve_row(&row(n, second)).unwrap();
        }
        assert!(tx.add_reserve_row(&row(3, 240)).is_err());
        tx.commit().unwrap();
        assert_eq!(store.last_reserve_row().unwrap(), Some(row(3, 180)));
        assert_eq!((store.reserve_row(2).unwrap(), store.reserve_row(4).unwrap()), (Some(row(2, 120)), None));
        assert_eq!(store.reserve_row_at(at(179)).unwrap(), Some(row(2, 120)));
        assert_eq!(store.reserve_row_at(at(59)).unwrap(), None);
        assert_eq!(store.reserve_row_since(at(61)).unwrap(), Some(row(2, 120)));
        assert_eq!(store.reserve_rows_after(1, 9).unwrap(), [row(2, 120), row(3, 180)]);
        assert_eq!(store.reserve_rows_after(0, 1).unwrap(), [row(1, 60)]);
        let tx = store.begin().unwrap();
        for sql in ["UPDATE reserve_log SET text = 'x' WHERE n = 1", "DELETE FROM reserve_log WHERE n = 3"] {
            let error = tx.execute(sql, []).unwrap_err();
            assert!(error.what.contains("the reserve log is only added to"), "{error}");
        }
    }
}
