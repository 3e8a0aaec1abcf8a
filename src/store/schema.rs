//! The shape of the database and how it grows: append-only steps, one transaction.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::cycles::NoteKind;
use super::open::Before;
use super::{Result, copy, refuse};
use crate::model::time::Time;

/// `SIPM` in ASCII: marks the file as ours (`file` and `PRAGMA application_id` show it).
pub(super) const APPLICATION_ID: i32 = 0x5349_504D;

/// The steps from an empty file to the present shape; `user_version` counts those taken. Never change one that was released.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/marks.sql"),
    include_str!("schema/chunks.sql"),
    include_str!("schema/baselines.sql"),
    include_str!("schema/retention.sql"),
    include_str!("schema/parcels.sql"),
    include_str!("schema/reserves.sql"),
    include_str!("schema/aftercare.sql"),
    include_str!("schema/life.sql"),
    include_str!("schema/responses.sql"),
    include_str!("schema/requests.sql"),
    include_str!("schema/reasons.sql"),
    include_str!("schema/anchor.sql"),
    include_str!("schema/intervals.sql"),
];

/// Whose a database is and how far it has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stamp {
    /// Nobody's yet: it has no tables.
    Blank,
    /// Ours, in this format, which may be one that only a newer version knows.
    Ours(usize),
    /// Another program's.
    Foreign,
}

/// Looks whose the database is.
pub(super) fn stamp(connection: &Connection) -> rusqlite::Result<Stamp> {
    // one moment: another process may be creating the tables right now
    let moment = connection.unchecked_transaction()?;
    let number = |sql| moment.query_row(sql, [], |row| row.get::<_, i32>(0));
    let (owner, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    let tables: u32 = moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (owner, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) => Stamp::Ours(version),
        (0, Ok(0)) if tables == 0 => Stamp::Blank,
        _ => Stamp::Foreign,
    })
}

/// The version of the database, 0 for a new one; a stranger's or a newer one is refused.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<usize> {
    match stamp(connection).map_err(|error| refuse::failure(path, &error))? {
        Stamp::Ours(version) if version > STEPS.len() => {
            Err(refuse::newer(path, version, STEPS.len(), copy::way_back(path).as_deref()))
        }
        Stamp::Ours(version) => Ok(version),
        Stamp::Blank => Ok(0),
        Stamp::Foreign => Err(refuse::foreign(path)),
    }
}

/// The version of a database that nobody has open.
pub(super) fn version_of(path: &Path) -> Result<usize> {
    let ask = || version(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?);
    ask().map_err(|error| refuse::failure(path, &error))
}

/// Brings the database to the newest of `steps`, keeping a copy of an older one beside it. Where no copy can be kept,
/// nothing is migrated.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
    before: Before,
    now: Time,
) -> Result<()> {
    let from = version(connection).map_err(|error| refuse::failure(path, &error))?;
    if from >= steps.len() {
        return Ok(());
    }
    let copy = if from > 0 { copy::keep_before_migration(connection, path, from, now)? } else { None };
    let taken = upgrade(connection, path, steps, before, now);
    if from > 0 && taken.is_ok() {
        // without room for it the file stays as large as it ever was, which harms nothing
        let _ = rewrite_to_shrink(connection);
    }
    match copy {
        Some(_) if taken.is_ok() => copy::prune(path),
        // the database is as it was; the next try makes a copy of its own
        Some(copy) => drop(fs::remove_file(copy)),
        None => {}
    }
    taken
}

/// Asks for a file that can be cut down when rows go. Of one that has no tables yet it holds at once, of another when
/// it is written anew.
pub(super) fn shrinks(connection: &Connection) -> rusqlite::Result<bool> {
    const INCREMENTAL: i32 = 2;
    let mode = || connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, i32>(0));
    if mode()? == 0 {
        connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    }
    Ok(mode()? > 0)
}

/// Writes a file of an older version anew, so that it can be cut down.
fn rewrite_to_shrink(connection: &Connection) -> rusqlite::Result<()> {
    if shrinks(connection)? { Ok(()) } else { connection.execute_batch("VACUUM") }
}

/// The same without a copy.
pub(super) fn upgrade(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
    before: Before,
    now: Time,
) -> Result<()> {
    let mut take = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take_steps(&transaction, steps, before, now)?;
        transaction.commit()
    };
    take().map_err(|error| refuse::failure(path, &error))
}

/// How many steps the database has taken.
fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0)).map(|version| version as usize)
}

/// Takes the steps that are missing now that no other process can take them.
fn take_steps(transaction: &Transaction<'_>, steps: &[&str], before: Before, now: Time) -> rusqlite::Result<()> {
    let from = version(transaction)?;
    if from >= steps.len() {
        return Ok(());
    }
    for step in steps.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(steps.len()).unwrap_or(i64::MAX))?;
    let note = match (from, before) {
        (0, Before::Empty) => (NoteKind::StateReset, "state was reset: the database file was empty".to_owned()),
        (0, _) => return Ok(()),
        _ => (NoteKind::Migrated, format!("migrated from format {from} to {}", steps.len())),
    };
    transaction
        .execute("INSERT INTO note (at, kind, text) VALUES (?1, ?2, ?3)", (now.millis(), note.0.name(), note.1))
        .map(|_| ())
}
