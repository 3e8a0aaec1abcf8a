//! Files beside the database that are not the database: locks, and small copies of what must survive it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
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

/// Replaces a private file whole: written beside it and renamed, so that a crash leaves the old one.
pub fn replace_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = Path::new(&name);
    let write = |mut file: File| {
        file.set_len(0)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(fresh, path)
    };
    write(private_file(fresh)?).map_err(|error| refuse::io(path, "write", &error))
}
