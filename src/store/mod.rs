//! The store: one `SQLite` file that holds all that outlives a process. The only place with SQL.
//!
//! # Locking
//! Every change is made in a [`Tx`], which begins with `BEGIN IMMEDIATE`: a deferred transaction that reads first and
//! writes later fails at once when another process wrote in between, whatever the busy timeout says. A writer waits
//! [`BUSY_TIMEOUT`] for another one, then ends as busy. Readers and one writer do not hinder each other (WAL); a
//! [`Snapshot`] is one moment of the database for as long as it lives, so a screen never mixes two cycles. Keep it
//! short: while it lives the write-ahead log cannot be emptied. Several handles in one process are fine.
//! The database file is never opened, copied or hashed by hand: closing any handle on it drops `SQLite`'s locks for the
//! whole process. Only its metadata is read.
//!
//! # Crash
//! A [`Tx`] that is dropped, or whose process is killed, leaves nothing behind. `synchronous=FULL` holds for every
//! commit: the log is on the disk before `commit` returns, so a power cut loses nothing that was acknowledged. `NORMAL`
//! for quiet cycles was measured (100 samples, begin to commit, median: 0.8 ms against 0.4 ms) and not taken: whether a
//! cycle is quiet is known only inside its transaction, and the safety level cannot change there; one flush a cycle is
//! not worth a second road. The last connection does not checkpoint when it closes (four flushes for each cron
//! run); instead a commit that leaves more than [`WAL_LIMIT`] in the log empties it. So `-wal` and `-shm` stay beside
//! the file and belong to it; `-wal` must never be deleted.
//! A migration runs in one transaction, after a consistent copy was kept as `NAME.v1-20261123T090000Z`
//! (the last two stay); where there is no room for it, the migration is refused. What cannot be used is
//! refused with a [`Trouble`] and left as it is.
//!
//! # Retention
//! See [`retain`] for what goes when. Alerts that ended before they fired are forgotten at once. Samples that lie in the
//! future when the clock has gone back are moved to `sample_aside`, chunks that cannot be read to `chunk_aside`. Numbers
//! of alerts and ids of deliveries are never used twice.
//!
//! # Size
//! A sample row costs about 20 bytes, a sealed sample 1 to 3 (see [`seal`]). Words from outside (answers, reasons, notes) are clipped when they are written.

pub mod aftercare;
pub mod alerts;
pub mod backup;
pub mod baselines;
pub mod cycles;
pub mod deliveries;
pub mod examine;
pub mod glance;
pub mod life;
pub mod marks;
pub mod open;
pub mod past;
pub mod requests;
pub mod reserves;
pub mod responses;
pub mod restore;
pub mod retain;
pub mod seal;
pub mod series;
pub mod timeline;
pub mod walk;
pub mod windows;

mod chunk;
mod chunks;
mod copy;
mod outbox;
mod private;
mod refuse;
mod rows;
mod schema;

#[cfg(test)]
mod kit;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, Params, Transaction, TransactionBehavior};

pub use self::private::{private_file, replace_private};
use self::rows::{Cells, Unread};
use crate::model::trouble::Trouble;

/// How long a writer waits for another one.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of write-ahead log above which a commit empties it.
pub const WAL_LIMIT: u64 = 1 << 20;

/// What a call of the store gives, or the trouble that ends the command.
pub type Result<T> = std::result::Result<T, Trouble>;

/// An open database. Reads directly, writes in a [`Tx`].
#[derive(Debug)]
pub struct Store(Reader);

impl Store {
    /// Begins to write; waits for another writer. Nothing is changed until [`Tx::commit`].
    pub fn begin(&mut self) -> Result<Tx<'_>> {
        self.transaction(TransactionBehavior::Immediate).map(Tx)
    }

    /// Freezes one moment of the database for several reads that belong together.
    pub fn snapshot(&mut self) -> Result<Snapshot<'_>> {
        self.transaction(TransactionBehavior::Deferred).map(Snapshot)
    }

    fn transaction(&mut self, behavior: TransactionBehavior) -> Result<Open<'_>> {
        let reader = &self.0;
        // "unchecked" because the reader is borrowed beside it; `&mut self` holds off a second transaction
        let transaction = Transaction::new_unchecked(&reader.connection, behavior)
            .map_err(|error| refuse::failure(&reader.path, &error))?;
        Ok(Open { transaction, reader })
    }
}

impl Deref for Store {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.0
    }
}

/// A transaction together with the connection it runs on.
#[derive(Debug)]
struct Open<'a> {
    transaction: Transaction<'a>,
    reader: &'a Reader,
}

/// Changes that are committed together or not at all.
#[derive(Debug)]
pub struct Tx<'a>(Open<'a>);

impl Tx<'_> {
    /// Makes the changes last; they are on the disk when this returns.
    pub fn commit(self) -> Result<()> {
        let Open { transaction, reader } = self.0;
        transaction.commit().map_err(|error| refuse::failure(&reader.path, &error))?;
        reader.empty_large_wal();
        Ok(())
    }

    /// Runs one statement; how many rows it changed.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let run = || self.connection.prepare_cached(sql)?.execute(params);
        run().map_err(|error| refuse::failure(&self.path, &error))
    }

    /// Runs one `INSERT`; the id of the new row.
    fn insert(&self, sql: &str, params: impl Params) -> Result<i64> {
        self.execute(sql, params)?;
        Ok(self.connection.last_insert_rowid())
    }
}

impl Deref for Tx<'_> {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        self.0.reader
    }
}

/// One moment of the database.
#[derive(Debug)]
pub struct Snapshot<'a>(Open<'a>);

impl Deref for Snapshot<'_> {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        self.0.reader
    }
}

/// All that can be asked of the database; reached through [`Store`], [`Tx`] and [`Snapshot`].
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Bytes on the disk: the file and its write-ahead log. Of a database in memory, the bytes it takes there.
    pub fn size_bytes(&self) -> Result<u64> {
        if self.connection.path().is_none_or(str::is_empty) {
            let pages = "SELECT 1 AS id, page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size";
            return Ok(self.first("pragma", pages, [], |cells| cells.get::<u32>("bytes"))?.map_or(0, u64::from));
        }
        match std::fs::metadata(&self.path) {
            Ok(file) => Ok(file.len() + self.wal_bytes()),
            Err(error) => Err(refuse::io(&self.path, "read the size of", &error)),
        }
    }

    /// Bytes of write-ahead log; none when there is no log.
    pub fn wal_bytes(&self) -> u64 {
        // SQLite resolves links first and puts the log beside the real file
        let real = self.connection.path().unwrap_or_default();
        std::fs::metadata(format!("{real}-wal")).map_or(0, |log| log.len())
    }

    /// Empties a large write-ahead log. Whatever keeps it from doing so (a reader, a full disk) is no failure of the
    /// commit before it: the next commit tries again, and real trouble shows there.
    fn empty_large_wal(&self) {
        if self.wal_bytes() <= WAL_LIMIT {
            return;
        }
        let empty = || -> rusqlite::Result<()> {
            // without waiting: a long reader must not hold up a cycle
            self.connection.busy_timeout(Duration::ZERO)?;
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        let _ = empty();
        let _ = self.connection.busy_timeout(BUSY_TIMEOUT);
    }

    /// Every row of a query on `table`.
    fn all<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_>) -> std::result::Result<T, Unread>,
    ) -> Result<Vec<T>> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            let mut out = Vec::new();
            while let Some(row) = rows.next()? {
                out.push(read(&Cells::of(table, row))?);
            }
            Ok(out)
        };
        run().map_err(|unread: Unread| unread.trouble(&self.path))
    }

    /// The first row of a query on `table`, if there is one.
    fn first<T>(
        &self,
        table: &'static str,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_>) -> std::result::Result<T, Unread>,
    ) -> Result<Option<T>> {
        Ok(self.all(table, sql, params, read)?.into_iter().next())
    }
}
