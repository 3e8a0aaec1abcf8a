//! The reserve log: rows that are added at its end and let go from its beginning (see [`super::retain`]). What a text says
//! and how its hash is made is the business of `bridge`; known here is only which rows say their whole state.
//!
//! A row is let go when the anchor moves past it: from then on nobody sees it, and it is deleted when there is time.

use rusqlite::Params;

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
    let (n, hash) = place(cells)?;
    Ok(LogRow { n, at: cells.time("at")?, text: cells.get("text")?, hash })
}

/// A number and the hash of the chain there.
fn place(cells: &Cells<'_>) -> std::result::Result<(u64, [u8; 32]), Unread> {
    let n: i64 = cells.get("id")?;
    let n = u64::try_from(n).map_err(|_| cells.strange("n", "a number below zero"))?;
    let hash: Vec<u8> = cells.get("hash")?;
    Ok((n, hash.try_into().map_err(|_| cells.strange("hash", "not 32 bytes"))?))
}

/// A number of a row as `SQLite` keeps it.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The last row that was let go. What is left of the log is proved with its hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// Its number: so many rows were let go.
    pub n: u64,
    /// When its look had ended.
    pub at: Time,
    /// Its hash.
    pub hash: [u8; 32],
    /// When it was let go.
    pub moved: Time,
}

/// Rows of the log, without those that were let go and are still to be deleted. The plus keeps the number out of the choice
/// of an index: where a time is asked for, that of times finds the row at once.
const ROWS: &str = "SELECT n AS id, at, text, hash FROM reserve_log
                    WHERE +n > (SELECT coalesce(max(n), 0) FROM reserve_anchor)";

impl Reader {
    /// Where the log begins, if rows of it were let go.
    pub fn reserve_anchor(&self) -> Result<Option<Anchor>> {
        let sql = "SELECT n AS id, at, hash, moved FROM reserve_anchor WHERE n > 0";
        self.first("reserve_anchor", sql, [], |cells| {
            let (n, hash) = place(cells)?;
            Ok(Anchor { n, at: cells.time("at")?, hash, moved: cells.time("moved")? })
        })
    }

    /// The last row.
    pub fn last_reserve_row(&self) -> Result<Option<LogRow>> {
        self.reserve_log("ORDER BY n DESC LIMIT 1", [])
    }

    /// The row with this number.
    pub fn reserve_row(&self, n: u64) -> Result<Option<LogRow>> {
        self.reserve_log("AND n = ?1", [signed(n)])
    }

    /// The last row that is no younger than `time`.
    pub fn reserve_row_at(&self, time: Time) -> Result<Option<LogRow>> {
        self.reserve_log("AND at <= ?1 ORDER BY at DESC, n DESC LIMIT 1", [time.millis()])
    }

    /// The first row that is no older than `time`.
    pub fn reserve_row_since(&self, time: Time) -> Result<Option<LogRow>> {
        self.reserve_log("AND at >= ?1 ORDER BY at, n LIMIT 1", [time.millis()])
    }

    /// At most `most` rows after number `n`, in their order.
    pub fn reserve_rows_after(&self, n: u64, most: u32) -> Result<Vec<LogRow>> {
        self.all("reserve_log", &format!("{ROWS} AND n > ?1 ORDER BY n LIMIT ?2"), (signed(n), most), row)
    }

    fn reserve_log(&self, which: &str, params: impl Params) -> Result<Option<LogRow>> {
        self.first("reserve_log", &format!("{ROWS} {which}"), params, row)
    }
}

impl Tx<'_> {
    /// Adds a row; its number must be the next one.
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

    #[test]
    fn the_log_is_let_go_only_from_its_beginning_up_to_a_row_with_a_state() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for n in 1..=6 {
            let said = if n == 1 || n == 4 { "\"state\":{}" } else { "\"why\":\"\\\"state\\\":{\"" };
            let text = format!("{{\"n\":{n},{said}}}");
            tx.add_reserve_row(&LogRow { n: n.into(), at: at(n.into()), text, hash: [n; 32] }).unwrap();
        }
        let move_to = |n: u8, hash: u8| {
            let sql = "UPDATE reserve_anchor SET n = ?1, at = ?2, hash = ?3, moved = 7";
            tx.execute(sql, (n, at(n.into()).millis(), [hash; 32]))
        };
        // before the first row, before one without a state, another hash, a row that is not there, the end
        for (n, hash) in [(0, 0), (1, 1), (2, 2), (3, 9), (4, 4), (6, 6), (9, 9)] {
            let error = move_to(n, hash).unwrap_err();
            assert!(error.what.contains("the reserve log can only begin later"), "{n}: {error}");
        }
        assert_eq!(move_to(3, 3), Ok(1));
        assert!(move_to(3, 3).is_err() && move_to(0, 0).is_err(), "it does not go back");
        for (sql, why) in [
            ("DELETE FROM reserve_log WHERE n >= 3", "the reserve log is only added to"),
            ("DELETE FROM reserve_log", "the reserve log is only added to"),
            ("UPDATE reserve_log SET text = 'x' WHERE n = 1", "the reserve log is only added to"),
            ("INSERT INTO reserve_log VALUES (8, 1, 'x', zeroblob(32))", "the reserve log is only added to"),
            ("INSERT OR REPLACE INTO reserve_log VALUES (5, 1, 'x', zeroblob(32))", "the reserve log is only added to"),
            ("DELETE FROM reserve_anchor", "the reserve log has one beginning"),
            (
                "INSERT INTO reserve_anchor VALUES (2, 0, NULL, zeroblob(32), NULL, 0)",
                "the reserve log has one beginning",
            ),
            (
                "INSERT OR REPLACE INTO reserve_anchor VALUES (1, 0, NULL, zeroblob(32), NULL, 0)",
                "the reserve log has one beginning",
            ),
        ] {
            let error = tx.execute(sql, []).unwrap_err();
            assert!(error.what.contains(why), "{sql}: {error}");
        }
        assert_eq!(tx.execute("DELETE FROM reserve_log WHERE n <= 3", []), Ok(3));
        assert_eq!(
            tx.reserve_anchor().unwrap(),
            Some(Anchor { n: 3, at: at(3), hash: [3; 32], moved: Time::from_millis(7) })
        );
        assert_eq!(tx.reserve_rows_after(0, 9).unwrap().iter().map(|row| row.n).collect::<Vec<_>>(), [4, 5, 6]);
        assert!(tx.execute("INSERT INTO reserve_log VALUES (3, 1, 'x', zeroblob(32))", []).is_err());
    }

    #[test]
    fn a_clock_that_was_behind_for_a_look_does_not_hide_the_others() {
        let (_folder, mut store) = store();
        let tx = store.begin().unwrap();
        for (n, second) in [(1, 60), (2, 120), (3, -900_000), (4, 180)] {
            let row = LogRow { n, at: at(second), text: "{}".to_owned(), hash: [0; 32] };
            tx.add_reserve_row(&row).unwrap();
        }
        let found = |row: Option<LogRow>| row.map(|row| row.n);
        assert_eq!(found(tx.reserve_row_at(at(130)).unwrap()), Some(2));
        assert_eq!(found(tx.reserve_row_since(at(0)).unwrap()), Some(1));
        assert_eq!(found(tx.last_reserve_row().unwrap()), Some(4));
    }
}
