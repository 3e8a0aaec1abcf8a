//! Files beside the database that are not the database: locks.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::{Result, open, refuse};

/// Opens a file that only its owner may read, creating it where needed; see [`open`] for whose it is.
pub fn private_file(path: &Path) -> Result<File> {
    match open::create_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refuse::uncreatable(path, &error)),
    }
    OpenOptions::new().read(true).write(true).open(path).map_err(|error| refuse::io(path, "open", &error))
}
