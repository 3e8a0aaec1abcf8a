//! Whole copies of a database: of one moment while others write, private, and complete or not there.
//!
//! `VACUUM INTO` and not the backup interface: both read one moment and keep no writer waiting, but this one reads every
//! row, so a damaged database yields no copy instead of a damaged one; and what it writes is one compact file without a
//! write-ahead log, which may be carried away.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::{Result, open, refuse, schema};
use crate::model::time::Time;
use crate::model::trouble::{Kind, Trouble};

/// Copies of older formats that stay beside the database, and databases that a restore replaced.
const KEPT: usize = 2;

/// Copies the database behind `connection`, which is at `source`, to `target`: into a file beside it first, which
/// `prove` may still refuse or not want, and which takes the name when it is on the disk. Whatever was there is replaced.
pub(super) fn copy<T>(
    connection: &Connection,
    source: &Path,
    target: &Path,
    prove: impl FnOnce(&Path) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let part = beside(target, &format!(".{}.part", std::process::id()));
    let made = fill(connection, source, &part).and_then(|()| {
        let proof = prove(&part)?;
        if proof.is_some() {
            fs::rename(&part, target).map_err(|error| refuse::uncreatable(target, &error))?;
            flush_folder(target);
        }
        Ok(proof)
    });
    if !matches!(made, Ok(Some(_))) {
        let _ = remove(&part);
    }
    made
}

/// Removes a file and the journal beside it, which would be played into the next file of that name. That there is none
/// is in order.
pub(super) fn remove(part: &Path) -> io::Result<()> {
    for file in [beside(part, "-journal"), part.to_owned()] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Copies the database into a new file and onto the disk. A file of that name is left from a process that was killed.
pub(super) fn fill(connection: &Connection, source: &Path, part: &Path) -> Result<()> {
    let uncreatable = |error| refuse::uncreatable(part, &error);
    remove(part).map_err(uncreatable)?;
    let name = part.to_str().ok_or_else(|| {
        Trouble::new(Kind::CannotCreate, format!("{} is not UTF-8, so no copy can be made", part.display()))
            .help("give it another name")
    })?;
    open::create_file(part).map_err(uncreatable)?;
    schema::shrinks(connection).map_err(|error| refuse::failure(source, &error))?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|error| uncopied(source, part, &error))?;
    File::open(part).and_then(|file| file.sync_all()).map_err(|error| refuse::io(part, "write", &error))
}

/// Why the copy was not made; `SQLite` does not say which of the two files it means.
fn uncopied(source: &Path, part: &Path, error: &rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            Trouble::new(Kind::Io, format!("no space left for a copy of {} in {}", source.display(), folder(part)))
                .help("free space there; nothing was changed and nothing was left behind")
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure) => refuse::failure(part, error),
        _ => refuse::failure(source, error),
    }
}

/// The folder of a path, for people.
fn folder(path: &Path) -> String {
    refuse::folder_of(path).display().to_string()
}

/// A new name must survive a power cut too; a folder that cannot be read cannot be flushed, and need not be.
pub(super) fn flush_folder(of: &Path) {
    if let Ok(folder) = File::open(refuse::folder_of(of)) {
        let _ = folder.sync_all();
    }
}

/// `path` with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// An instant as a part of a file name, `20261123T090000Z`: in the order of time when sorted.
pub(super) fn stamp(at: Time) -> String {
    at.rfc3339().replace(['-', ':'], "")
}

/// Keeps the database as it is before it is migrated, as `NAME.v1-20261123T090000Z`; none when another process has
/// migrated it meanwhile.
pub(super) fn keep_before_migration(
    connection: &Connection,
    path: &Path,
    from: usize,
    now: Time,
) -> Result<Option<PathBuf>> {
    let target = beside(path, &format!(".v{from}-{}", stamp(now)));
    let made = copy(connection, path, &target, |part| Ok((schema::version_of(part)? == from).then_some(())));
    made.map(|made| made.map(|()| target)).map_err(|trouble| match trouble.kind {
        Kind::Io | Kind::CannotCreate | Kind::Permission => {
            let what = format!("{} is not migrated to a newer format, because no copy can be kept", path.display());
            let help = "make that possible, or go on with the version before, which can use the file as it is";
            Trouble::new(Kind::Io, format!("{what}: {}", trouble.what)).help(help)
        }
        _ => trouble,
    })
}

/// Removes all but the newest copies that migrations left beside the database.
pub(super) fn prune(path: &Path) {
    let copies = copies(path);
    let old = copies.len().saturating_sub(KEPT);
    for (_, copy) in copies.iter().take(old) {
        // what cannot be removed now is tried again at the next migration
        let _ = fs::remove_file(copy);
    }
}

/// Removes all but the newest databases that a restore replaced, with their logs.
pub(super) fn prune_replaced(path: &Path) {
    let Some(ours) = path.file_name().and_then(|name| name.to_str()) else { return };
    let Ok(entries) = fs::read_dir(refuse::folder_of(path)) else { return };
    let stamp = |name: OsString| {
        let rest = name.to_str()?.strip_prefix(ours)?.strip_prefix(".replaced-")?;
        is_stamp(rest).then(|| rest.to_owned())
    };
    let mut stamps: Vec<String> = entries.filter_map(|entry| stamp(entry.ok()?.file_name())).collect();
    stamps.sort();
    let old = stamps.len().saturating_sub(KEPT);
    for stamp in stamps.iter().take(old) {
        for suffix in ["-wal", "-journal", "-shm", ""] {
            // what cannot be removed now is tried again at the next restore
            let _ = fs::remove_file(beside(path, &format!(".replaced-{stamp}{suffix}")));
        }
    }
}

/// Whether this is what [`stamp`] writes.
fn is_stamp(text: &str) -> bool {
    text.len() == 16 && text.chars().all(|c| c.is_ascii_digit() || c == 'T' || c == 'Z')
}

/// The copies that migrations left beside the database, with their formats, oldest first.
fn copies(path: &Path) -> Vec<(usize, PathBuf)> {
    let Ok(entries) = fs::read_dir(refuse::folder_of(path)) else { return Vec::new() };
    let mut found: Vec<(String, usize, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let (format, stamp) = dated(path, &name)?;
            Some((stamp, format, path.with_file_name(name)))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, format, path)| (format, path)).collect()
}

/// Format and stamp in the name of a copy of `path`; none in any other name.
fn dated(path: &Path, name: &OsString) -> Option<(usize, String)> {
    let ours = path.file_name()?.to_str()?;
    let (format, stamp) = name.to_str()?.strip_prefix(ours)?.strip_prefix(".v")?.split_once('-')?;
    is_stamp(stamp).then(|| Some((format.parse().ok()?, stamp.to_owned())))?
}

/// The newest copy that this version can use, to go back to.
pub(super) fn way_back(path: &Path) -> Option<PathBuf> {
    copies(path).into_iter().rfind(|(format, _)| *format <= schema::STEPS.len()).map(|(_, path)| path)
}
