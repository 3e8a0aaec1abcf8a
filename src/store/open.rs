//! Opening the database: whose file it is, who may read it, and what is refused.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tokio::time::Instant;

use super::{BUSY_TIMEOUT, Reader, Result, Store, copy, refuse, schema};
use crate::model::time::Time;

/// What the database is opened for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// To change it; it is created or migrated where needed.
    Write,
    /// Only to look; nothing is created. Works while another process writes.
    Read,
}

/// What the file system says of a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace([Option<[u64; 5]>; 2]);

/// What was at the path before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// A file of no bytes: somebody's accident, not our doing.
    Empty,
    /// A file.
    Filled,
}

impl Store {
    /// Opens the database at `path`. `now` dates the notes that opening may write.
    pub fn open(path: &Path, mode: Mode, now: Time) -> Result<Self> {
        let connection = match mode {
            Mode::Write => open_to_write(path, now),
            Mode::Read => open_to_read(path, BUSY_TIMEOUT),
        }?;
        Ok(Self(Reader { connection, path: path.to_owned() }))
    }

    /// Opens the database to look at it again and again, waiting at most `patience` for whoever holds it: of a process
    /// that answers others.
    pub fn open_briefly(path: &Path, patience: Duration) -> Result<Self> {
        let connection = open_to_read(path, patience)?;
        Ok(Self(Reader { connection, path: path.to_owned() }))
    }

    /// What the file system says of the database and its log: it changes with every commit, and when another file takes
    /// the place of the database. It is asked without holding the database.
    pub fn trace(path: &Path) -> Trace {
        let of = |path: &Path| {
            let file = fs::metadata(path).ok()?;
            Some([file.dev(), file.ino(), file.len(), file.mtime().cast_unsigned(), file.mtime_nsec().cast_unsigned()])
        };
        Trace([of(path), of(&copy::beside(path, "-wal"))])
    }

    /// A database that ends with the process, for a dry run where there is none yet.
    pub fn in_memory(now: Time) -> Result<Self> {
        let path = Path::new(":memory:");
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_in_memory()?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(64);
            Ok(connection)
        };
        let mut connection = open().map_err(|error| refuse::failure(path, &error))?;
        schema::migrate(&mut connection, path, schema::STEPS, Before::Nothing, now)?;
        Ok(Self(Reader { connection, path: path.to_owned() }))
    }
}

fn open_to_write(path: &Path, now: Time) -> Result<Connection> {
    let before = match look(path)? {
        Before::Nothing => create(path)?,
        Before::Empty => look_again(path)?,
        Before::Filled => Before::Filled,
    };
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if schema::identify(&connection, path)? == 0 {
        schema::shrinks(&connection).map_err(|error| refuse::failure(path, &error))?;
    }
    // SQLite silently opens what it may not write for reading
    let readonly = connection.is_readonly("main").map_err(|error| refuse::failure(path, &error))?;
    if readonly && let Some(trouble) = refuse::unwritable(path) {
        return Err(trouble);
    }
    use_wal(&connection, path)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(|error| refuse::failure(path, &error))?;
    schema::migrate(&mut connection, path, schema::STEPS, before, now)?;
    Ok(connection)
}

/// A connection that only looks, at a database of any format.
pub(super) fn to_copy(path: &Path) -> Result<Connection> {
    to_look(path, BUSY_TIMEOUT)
}

fn to_look(path: &Path, patience: Duration) -> Result<Connection> {
    if look(path)? != Before::Filled {
        return Err(refuse::nothing_yet(path));
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(patience).map_err(|error| refuse::failure(path, &error))?;
    Ok(connection)
}

fn open_to_read(path: &Path, patience: Duration) -> Result<Connection> {
    let connection = to_look(path, patience)?;
    match schema::identify(&connection, path)? {
        0 => Err(refuse::nothing_yet(path)),
        version if version < schema::STEPS.len() => Err(refuse::older(path, version, schema::STEPS.len())),
        _ => Ok(connection),
    }
}

/// What is at `path`; by its metadata alone, see the module's Locking.
fn look(path: &Path) -> Result<Before> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => Err(refuse::no_file(path, meta.is_dir())),
        Ok(meta) => Ok(if meta.len() == 0 { Before::Empty } else { Before::Filled }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Before::Nothing),
        Err(error) => Err(refuse::io(path, "look at", &error)),
    }
}

/// A file of no bytes is an accident, unless another process is creating the database this very moment.
fn look_again(path: &Path) -> Result<Before> {
    for _ in 0..10 {
        thread::sleep(Duration::from_millis(50));
        if look(path)? == Before::Filled {
            return Ok(Before::Filled);
        }
    }
    Ok(Before::Empty)
}

/// Makes the folder and an empty file; `SQLite` gives the log the same mode and owner.
fn create(path: &Path) -> Result<Before> {
    make_folder(path)?;
    match create_file(path) {
        Ok(()) => {}
        // another process was faster
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Before::Filled),
        Err(error) => return Err(refuse::uncreatable(path, &error)),
    }
    copy::flush_folder(path);
    Ok(Before::Nothing)
}

/// Makes the folder of a database, where it is not there yet.
pub fn make_folder(path: &Path) -> Result<()> {
    let folder = refuse::folder_of(path);
    let make = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    make.map_err(|error| refuse::uncreatable(folder, &error))
}

/// Makes a new, empty file that nobody else may read. Root makes it the folder's owner's: otherwise one `sudo` would
/// lock the owner's cron out.
pub(super) fn create_file(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let owner = fs::metadata(refuse::folder_of(path))?;
    if rustix::process::geteuid().is_root() && owner.uid() != 0 {
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// A connection with the settings that every use shares. Never creates the file.
pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // a plan must not depend on the values that are bound: some statements would be prepared anew for each series
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|error| refuse::failure(path, &error))
}

/// Switches a new database to a write-ahead log. Two processes that do so at once see "busy" without the usual wait.
fn use_wal(connection: &Connection, path: &Path) -> Result<()> {
    match set_journal(connection, "wal").map_err(|error| refuse::failure(path, &error))? {
        mode if mode == "wal" => Ok(()),
        mode => Err(refuse::no_wal(path, &mode)),
    }
}

/// Switches the journal, trying for as long as a writer waits; the mode it has then.
pub(super) fn set_journal(connection: &Connection, mode: &str) -> rusqlite::Result<String> {
    let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0));
    let present = ask("PRAGMA journal_mode")?;
    if present == mode {
        return Ok(present);
    }
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match ask(&format!("PRAGMA journal_mode = {mode}")) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(20));
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests;
