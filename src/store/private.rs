//! Files beside the database that are not the database: locks, and small copies of what must survive it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::{Result, open, refuse};

/// Opens a file that only its owner may read, creating it where needed; see [`open`] for whose it is. A link in its place is
/// not followed: root works in a folder that another user can write to.
pub fn private_file(path: &Path) -> Result<File> {
    match open::create_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(refuse::uncreatable(path, &error)),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(path).map_err(|error| refuse::io(path, "open", &error))
}

/// Replaces a private file whole: written beside it and renamed, so that a crash leaves the old one. A failure leaves the
/// old one alone: on a full disk each minute would leave another half-written one.
pub fn replace_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = Path::new(&name);
    // of a process with the same number that died half-way, or laid there by somebody else
    let _ = std::fs::remove_file(fresh);
    let write = |mut file: File| {
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(fresh, path)
    };
    write(private_file(fresh)?).map_err(|error| {
        let _ = std::fs::remove_file(fresh);
        refuse::io(path, "write", &error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_replaced_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        std::fs::create_dir(&path).unwrap();
        assert!(replace_private(&path, b"ours").is_err());
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["state"]);
    }

    #[test]
    fn a_link_is_not_followed_and_what_lies_in_the_way_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (theirs, link) = (folder.path().join("theirs"), folder.path().join("state"));
        std::fs::write(&theirs, "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        assert!(private_file(&link).is_err());
        // the file beside it whose name can be guessed, too
        let beside = folder.path().join(format!("copy.{}.new", std::process::id()));
        std::os::unix::fs::symlink(&theirs, &beside).unwrap();
        replace_private(&folder.path().join("copy"), b"ours").unwrap();
        assert_eq!(std::fs::read(folder.path().join("copy")).unwrap(), b"ours");
        assert_eq!(std::fs::read(&theirs).unwrap(), b"theirs");
    }
}
