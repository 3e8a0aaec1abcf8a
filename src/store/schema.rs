//! The shape of the database and how it grows: append-only steps, one transaction.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::cycles::NoteKind;
use super::open::{self, Before};
use super::{Result, refuse};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// `SIPM` in ASCII: marks the file as ours (`file` and `PRAGMA application_id` show it).
pub(super) const APPLICATION_ID: i32 = 0x5349_504D;

/// The steps from an empty file to the present shape; `user_version` counts those taken. Never change one that was released.
pub(super) const STEPS: &[&str] = &[include_str!("schema/v1.sql")];

/// The version of the database, 0 for a new one; a stranger's or a newer one is refused.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<usize> {
    let ask = || -> rusqlite::Result<(i32, i32, u32)> {
        // one moment: another process may be creating the tables right now
        let moment = connection.unchecked_transaction()?;
        let number = |sql| moment.query_row(sql, [], |row| row.get::<_, i32>(0));
        let (owner, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
        Ok((owner, version, moment.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?))
    };
    let (owner, version, tables) = ask().map_err(|error| refuse::failure(path, &error))?;
    match (owner, usize::try_from(version)) {
        (APPLICATION_ID, Ok(version)) if version > STEPS.len() => Err(refuse::newer(path, version, STEPS.len())),
        (APPLICATION_ID, Ok(version)) => Ok(version),
        (0, Ok(0)) if tables == 0 => Ok(0),
        _ => Err(refuse::foreign(path)),
    }
}

/// Brings the database to the newest of `steps`, keeping a copy of an older one beside it.
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
    if from > 0 {
        keep_copy(connection, path, steps.len())?;
    }
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

/// Keeps a consistent copy as `NAME.before-vN`. A copy from an earlier, failed try is replaced.
fn keep_copy(connection: &Connection, path: &Path, to: usize) -> Result<()> {
    let copy = beside(path, &format!(".before-v{to}"));
    let part = beside(path, &format!(".before-v{to}.part"));
    let uncreatable = |error| refuse::uncreatable(&part, &error);
    if part.exists() {
        fs::remove_file(&part).map_err(uncreatable)?;
    }
    open::create_file(&part).map_err(uncreatable)?;
    let name = part.to_str().ok_or_else(|| {
        Trouble::new(Kind::CannotCreate, format!("{} is not UTF-8, so no copy can be kept", part.display()))
            .help("name another file with --db")
    })?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|error| refuse::failure(&part, &error))?;
    File::open(&part).and_then(|file| file.sync_all()).map_err(uncreatable)?;
    fs::rename(&part, &copy).map_err(|error| refuse::uncreatable(&copy, &error))
}

/// `path` with `suffix` after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
