//! Kernel locks on files beside the database. A dead holder is no holder: kill -9 frees them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::trouble::{Kind, Trouble};
use crate::store;

/// What is locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name {
    /// The one repeating loop.
    Schedule,
    /// Collecting, judging and committing.
    Cycle,
    /// Sending: only its holder sends.
    Deliver,
    /// Starting responses: only its holder does.
    Respond,
    /// Sealing what grew old.
    Tidy,
}

impl Name {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Cycle => "cycle",
            Self::Deliver => "deliver",
            Self::Respond => "respond",
            Self::Tidy => "tidy",
        }
    }
}

/// A held lock; dropping it frees it.
#[must_use]
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "holding the open file is holding the lock")] File);

/// Takes the lock if nobody holds it.
pub fn try_take(database: &Path, name: Name) -> Result<Option<Lock>, Trouble> {
    let path = path(database, name);
    let file = store::private_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(Trouble::new(Kind::Io, format!("cannot lock {}: {error}", path.display())))
        }
    }
}

/// Takes the lock, waiting at most `patience` for its holder.
pub async fn take(database: &Path, name: Name, patience: Duration) -> Result<Option<Lock>, Trouble> {
    let begun = Instant::now();
    loop {
        if let Some(lock) = try_take(database, name)? {
            return Ok(Some(lock));
        }
        if begun.elapsed() >= patience {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn path(database: &Path, name: Name) -> PathBuf {
    // two names of one database must be one lock; before there is a file there is no other name
    let database = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let mut path = database.into_os_string();
    path.push(format!(".{}.lock", name.suffix()));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_excludes_and_is_freed_by_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("state.db");
        let first = try_take(&database, Name::Cycle).unwrap();
        assert!(first.is_some());
        assert!(try_take(&database, Name::Cycle).unwrap().is_none());
        assert!(try_take(&database, Name::Deliver).unwrap().is_some(), "another lock is another matter");
        drop(first);
        assert!(try_take(&database, Name::Cycle).unwrap().is_some());
    }
}
