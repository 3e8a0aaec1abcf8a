//! A backup: a copy of one moment, proved before it takes its name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::{Result, copy, open, refuse, schema};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// What stands in a file that may be restored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contents {
    /// Its size.
    pub bytes: u64,
    /// The format of the version that wrote it.
    pub format: usize,
    /// The tick of its newest cycle; none before the first one.
    pub tick: Option<Time>,
}

/// Copies the database at `path`, also while others use it, to `target`; the folder must be there. A file that is there
/// is replaced only by `force`, and never one that is a database in use.
pub fn backup(path: &Path, target: &Path, force: bool) -> Result<Contents> {
    let connection = open::to_copy(path)?;
    let version = schema::identify(&connection, path)?;
    if version == 0 {
        return Err(refuse::nothing_yet(path));
    }
    may_replace(path, target, force)?;
    let made = copy::copy(&connection, path, target, |part| contents(part).map(Some))?;
    made.ok_or_else(|| Trouble::new(Kind::Bug, "the backup was not wanted"))
}

/// Refuses what a backup must not replace.
fn may_replace(path: &Path, target: &Path, force: bool) -> Result<()> {
    let Ok(there) = fs::metadata(target) else { return Ok(()) };
    let name = target.display();
    let is_itself = fs::metadata(path).is_ok_and(|own| (own.dev(), own.ino()) == (there.dev(), there.ino()));
    if is_itself {
        return Err(Trouble::new(Kind::Usage, format!("{name} is the database itself")).help("name another file"));
    }
    if !there.is_file() {
        return Err(Trouble::new(Kind::CannotCreate, format!("{name} is there and is no regular file"))
            .help("name a file, which need not exist"));
    }
    // a log beside it would be taken for the new file's, and damage it
    let log = ["-wal", "-journal"].map(|suffix| copy::beside(target, suffix)).into_iter().find(|log| log.exists());
    if let Some(log) = log {
        return Err(Trouble::new(
            Kind::CannotCreate,
            format!("{name} is a database in use: {} is beside it", log.display()),
        )
        .help("name another file"));
    }
    if !force {
        return Err(Trouble::new(Kind::CannotCreate, format!("{name} is there already"))
            .help("name another file, or replace this one with --force"));
    }
    Ok(())
}

/// What stands in a copy that nobody has open, after a look at every page.
fn contents(path: &Path) -> Result<Contents> {
    let ask = || -> rusqlite::Result<(String, Option<i64>)> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let check = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((check, newest_tick(&connection)?))
    };
    let (check, tick) = ask().map_err(|error| refuse::failure(path, &error))?;
    if check != "ok" {
        let what = format!("the copy is not what was written ({check})");
        return Err(Trouble::new(Kind::Io, what).help("look for the disk's errors: dmesg | tail"));
    }
    let bytes = fs::metadata(path).map_err(|error| refuse::io(path, "look at", &error))?.len();
    Ok(Contents { bytes, format: schema::version_of(path)?, tick: tick.map(Time::from_millis) })
}

/// The tick of the newest cycle.
pub(super) fn newest_tick(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT tick FROM cycle ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).optional()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::super::Store;
    use super::super::cycles::CycleRow;
    use super::super::kit::{at, key, place, put};
    use super::super::open::Mode;
    use super::*;
    use crate::model::reading::Datum;

    /// A database with a sample and a cycle at second 60, still open.
    fn filled(path: &Path) -> Store {
        let mut store = Store::open(path, Mode::Write, at(0)).unwrap();
        put(&mut store, &key("m", "/"), at(60), Datum::Value(1.0));
        let tx = store.begin().unwrap();
        tx.put_cycle(&CycleRow::quick(at(60), 0)).unwrap();
        tx.commit().unwrap();
        store
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_backup_is_one_private_file_with_all_that_was_committed() {
        let (folder, path) = place();
        let mut store = filled(&path);
        let target = folder.path().join("copy.db");
        // what another process has begun is not yet true
        let tx = store.begin().unwrap();
        tx.put_cycle(&CycleRow::quick(at(120), 0)).unwrap();
        let made = backup(&path, &target, false).unwrap();
        drop(tx);
        let bytes = fs::metadata(&target).unwrap().len();
        assert_eq!(made, Contents { bytes, format: schema::STEPS.len(), tick: Some(at(60)) });
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["copy.db", "state.db", "state.db-shm", "state.db-wal"]);
        let copy = Store::open(&target, Mode::Read, at(0)).unwrap();
        assert_eq!(copy.latest(at(99)).unwrap().len(), 1);
    }

    #[test]
    fn what_must_stay_stays() {
        let (folder, path) = place();
        drop(filled(&path));
        let other = folder.path().join("other.db");
        drop(filled(&other));
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "precious").unwrap();
        let cases: [(&PathBuf, bool, Kind, &str); 6] = [
            (&path, true, Kind::Usage, "NAME is the database itself"),
            (&link, true, Kind::Usage, "NAME is the database itself"),
            (&file, false, Kind::CannotCreate, "NAME is there already"),
            (&folder.path().to_owned(), true, Kind::CannotCreate, "NAME is there and is no regular file"),
            (&other, true, Kind::CannotCreate, "NAME is a database in use: NAME-wal is beside it"),
            (&folder.path().join("no/copy"), false, Kind::CannotCreate, "cannot create"),
        ];
        let before = names(folder.path());
        for (target, force, kind, expected) in cases {
            let trouble = backup(&path, target, force).unwrap_err();
            let expected = expected.replace("NAME", &target.display().to_string());
            assert!(trouble.kind == kind && trouble.what.starts_with(&expected), "{trouble:?}");
            assert!(trouble.help.is_some(), "{trouble:?}");
        }
        assert_eq!(names(folder.path()), before);
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        backup(&path, &file, true).unwrap();
        assert_eq!(Store::open(&file, Mode::Read, at(0)).unwrap().latest(at(99)).unwrap().len(), 1);
    }

    #[test]
    fn there_must_be_something_to_back_up() {
        let (folder, path) = place();
        let target = folder.path().join("copy.db");
        assert_eq!(backup(&path, &target, false).unwrap_err(), refuse::nothing_yet(&path));
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}
