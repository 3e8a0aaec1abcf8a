//! What can be wrong with the database, said so that a person can put it right.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};
use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::model::trouble::{Kind, Trouble};
use crate::text::safe;

/// The way out of a damaged database.
pub(super) const DAMAGED: &str = "run: sippar-mon db check; then restore a backup: sippar-mon db restore FILE";

/// The trouble behind an error of `SQLite`.
pub(super) fn failure(path: &Path, error: &rusqlite::Error) -> Trouble {
    let name = path.display();
    let code = error.sqlite_error_code();
    match code {
        Some(ErrorCode::DiskFull) => no_space(path),
        // so it is called where the index of the log cannot grow
        Some(ErrorCode::SystemIoFailure) if extended(error) == ffi::SQLITE_IOERR_SHMSIZE => no_space(path),
        Some(ErrorCode::NotADatabase) => Trouble::new(Kind::Io, format!("{name} is not a database"))
            .help("name another file with --db or move this one away; it was left as it is"),
        Some(ErrorCode::DatabaseCorrupt) => {
            Trouble::new(Kind::Io, format!("the database {name} is damaged")).help(DAMAGED)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Trouble::new(Kind::Busy, format!("another process holds the database {name}"))
                .help(format!("try again; `fuser -v {name}` shows who it is"))
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => denied(path, error),
        Some(ErrorCode::SystemIoFailure) => {
            Trouble::new(Kind::Io, format!("I/O error on the database {name} (SQLite code {})", extended(error)))
                .help("look for the disk's errors: dmesg | tail")
        }
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::ApiMisuse
            | ErrorCode::TypeMismatch
            | ErrorCode::ParameterOutOfRange,
        ) => Trouble::new(Kind::Bug, format!("the database {name}: {}", safe::answer(&error.to_string()))),
        _ => Trouble::new(Kind::Io, format!("the database {name}: {}", safe::answer(&error.to_string()))).help(DAMAGED),
    }
}

fn no_space(path: &Path) -> Trouble {
    Trouble::new(Kind::Io, format!("no space left for the database {}", path.display()))
        .help("free space on its disk; nothing was half written")
}

/// `SQLite`'s extended code; 0 where the error is not `SQLite`'s.
fn extended(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// Why a file that is there cannot be opened or written.
fn denied(path: &Path, error: &rusqlite::Error) -> Trouble {
    let code = extended(error);
    let folder_is_it = code == ffi::SQLITE_READONLY_DIRECTORY;
    let suspects = if folder_is_it { vec![folder_of(path)] } else { vec![path, folder_of(path)] };
    suspects.into_iter().find_map(unwritable).unwrap_or_else(|| {
        Trouble::new(Kind::Io, format!("the database {} cannot be opened (SQLite code {code})", path.display()))
            .help("look for a full disk or a lack of inodes: df -i")
    })
}

/// Why `path` cannot be written by this process, if it cannot.
pub(super) fn unwritable(path: &Path) -> Option<Trouble> {
    match access(path, Access::WRITE_OK) {
        Ok(()) => None,
        Err(Errno::ROFS) => Some(
            Trouble::new(Kind::Io, format!("{} is on a read-only file system", path.display()))
                .help("mount it writable, or name another file with --db"),
        ),
        Err(Errno::NOENT) => Some(
            Trouble::new(
                Kind::Io,
                format!("{} is not there any more, or is a link that leads nowhere", path.display()),
            )
            .help("put it back, or name another file with --db"),
        ),
        Err(_) => Some(permission(path)),
    }
}

/// Permission is missing on `path`: says whose it is and who we are.
fn permission(path: &Path) -> Trouble {
    let us = rustix::process::geteuid().as_raw();
    let what = match fs::metadata(path) {
        Ok(meta) => format!(
            "no permission for {} (owner uid {}, mode {:03o}; this process is uid {us})",
            path.display(),
            meta.uid(),
            meta.mode() & 0o777
        ),
        Err(_) => format!("no permission to look at {} (this process is uid {us})", path.display()),
    };
    Trouble::new(Kind::Permission, what).help("try sudo, or run as the owner")
}

/// The trouble behind an error of the file system while trying to `act on` a path.
pub(super) fn io(path: &Path, act: &str, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::PermissionDenied => permission(nearest_that_is_there(path)),
        _ => Trouble::new(Kind::Io, format!("cannot {act} {}: {error}", path.display())),
    }
}

/// The trouble behind a file or folder that cannot be created.
pub(super) fn uncreatable(path: &Path, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::PermissionDenied => permission(nearest_that_is_there(path)),
        _ => Trouble::new(Kind::CannotCreate, format!("cannot create {}: {error}", path.display()))
            .help("name another place with --db"),
    }
}

/// `path` itself, or the nearest folder above it that exists and can be seen.
fn nearest_that_is_there(path: &Path) -> &Path {
    path.ancestors().find(|part| !part.as_os_str().is_empty() && fs::metadata(part).is_ok()).unwrap_or(Path::new("."))
}

/// The folder that `path` is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file belongs to another program.
pub(super) fn foreign(path: &Path) -> Trouble {
    Trouble::new(Kind::Io, format!("{} is a database of another program", path.display()))
        .help("name another file with --db; this one was left as it is")
}

/// The file was written by a newer version of this program; `copy` is of before, where one was kept.
pub(super) fn newer(path: &Path, theirs: usize, ours: usize, copy: Option<&Path>) -> Trouble {
    let name = path.display();
    let help = match copy {
        Some(copy) => format!(
            "install that version again; or go back to the copy of before: sippar-mon db restore {}",
            copy.display()
        ),
        None => "install that version again, or name another file with --db; this one was left as it is".to_owned(),
    };
    Trouble::new(Kind::Io, format!("{name} was made by a newer sippar-mon (format {theirs}; this one knows {ours})"))
        .help(help)
}

/// The file waits for its migration, which a reader does not do.
pub(super) fn older(path: &Path, theirs: usize, ours: usize) -> Trouble {
    let name = path.display();
    Trouble::new(Kind::Unavailable, format!("{name} was made by an older sippar-mon (format {theirs}, now {ours})"))
        .help("run: sippar-mon check")
}

/// There is no database, or an empty one, to read from.
pub(super) fn nothing_yet(path: &Path) -> Trouble {
    Trouble::new(Kind::Unavailable, format!("nothing has been checked yet (no database at {})", path.display()))
        .help("run: sippar-mon check")
}

/// The path names something that cannot be a database.
pub(super) fn no_file(path: &Path, folder: bool) -> Trouble {
    let what = if folder { "a folder" } else { "not a regular file" };
    Trouble::new(Kind::Io, format!("{} is {what}, not a database", path.display())).help("name a file with --db")
}

/// The file system cannot hold a write-ahead log.
pub(super) fn no_wal(path: &Path, mode: &str) -> Trouble {
    Trouble::new(Kind::Io, format!("the database {} cannot use a write-ahead log (journal {mode})", path.display()))
        .help("a network file system? Name a file on a local disk with --db")
}
