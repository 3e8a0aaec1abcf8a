//! A quick look at the database: whose it is, its format, whether every page is what it should be.

use std::path::Path;

use rusqlite::Connection;

use super::{Reader, Result, Store, open, refuse, schema};
use crate::text::safe;

/// Findings that are told.
const MOST: usize = 5;

/// What a quick look found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glance {
    /// The format of the file.
    pub format: usize,
    /// The format that this version writes.
    pub newest_format: usize,
    /// Bytes of the file and its log.
    pub bytes: u64,
    /// What is wrong, in sentences.
    pub findings: Vec<String>,
}

/// Looks at the database at `path`, while others may write. What cannot be opened or is not ours is an error.
pub fn glance(path: &Path) -> Result<Glance> {
    let connection = open::to_copy(path)?;
    let format = schema::identify(&connection, path)?;
    if format == 0 {
        return Err(refuse::nothing_yet(path));
    }
    let findings = quick_check(&connection).unwrap_or_else(|error| vec![safe::answer(&error.to_string())]);
    let store = Store(Reader { connection, path: path.to_owned() });
    Ok(Glance { format, newest_format: schema::STEPS.len(), bytes: store.size_bytes()?, findings })
}

/// Every page and every row, without the indexes' order.
fn quick_check(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA quick_check({MOST})"))?;
    let texts: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let lines = texts.iter().flat_map(|text| text.lines());
    Ok(lines.filter(|line| *line != "ok" && !line.starts_with("***")).map(safe::answer).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::super::kit::store;
    use super::*;

    #[test]
    fn damage_is_seen() {
        let (folder, store) = store();
        let path = folder.path().join("state.db");
        let seen = glance(&path).unwrap();
        assert_eq!((seen.format, &seen.findings), (seen.newest_format, &Vec::new()));
        drop(store);
        // after the log has gone into the file
        Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let pages = file.metadata().unwrap().len() / 4096;
        for page in 1..pages {
            file.write_all_at(&[0x55; 4096], page * 4096).unwrap();
        }
        let damaged = glance(&path).map(|seen| seen.findings);
        assert!(damaged.as_ref().map_or(true, |findings| !findings.is_empty()), "{damaged:?}");
        assert!(glance(&folder.path().join("nothing.db")).is_err());
    }
}
