//! The machine as the source sees it: a tree of files and the three calls that are not files.
//! Tests hand in the tree of another machine.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::disk::{self, Space};
use super::{chrony, process};
use crate::model::reading::Reason;

/// Where the source looks.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// What every absolute path is below; `/` but in tests.
    pub(super) root: PathBuf,
    /// Asks a mount point for its space; may hang on a dead disk or server.
    pub(super) space: fn(&Path) -> io::Result<Space>,
    /// Where chronyd answers, if it runs.
    pub(super) chronyd: SocketAddr,
    /// Lists processes: these, or all.
    pub(super) processes: process::List,
}

impl Host {
    /// The machine this runs on.
    pub(super) fn real() -> Self {
        Self { root: PathBuf::from("/"), space: disk::statvfs, chronyd: chrony::SERVER, processes: process::list }
    }

    /// Where the absolute `path` lies.
    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The text of a file, or why it cannot be read. Bytes that are not UTF-8 (a mount point may have some) are replaced.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> Result<String, Reason> {
        let path = path.as_ref();
        let why = |error: io::Error| Reason::new(format!("cannot read {}: {}", path.display(), error.kind()));
        std::fs::read(self.path(path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(why)
    }

    /// The first number of a file that holds one, such as `memory.current`.
    pub(super) fn number(&self, path: impl AsRef<Path>) -> Option<u64> {
        self.read(path).ok()?.split_whitespace().next()?.parse().ok()
    }

    /// Whether something lies at `path`.
    pub(super) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.path(path).exists()
    }

    /// What tells one boot from the next; `None` where the kernel does not say.
    pub(super) fn boot(&self) -> Option<String> {
        self.read("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
    }

    /// Seconds since the machine started.
    pub(super) fn uptime(&self) -> Result<f64, Reason> {
        let text = self.read("/proc/uptime")?;
        text.split_whitespace().next().and_then(amount).ok_or_else(|| strange("/proc/uptime"))
    }
}

/// A number that measures something: finite and not below zero.
pub(super) fn amount(word: &str) -> Option<f64> {
    word.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// The reason for a file of the kernel that does not read as expected.
pub(super) fn strange(path: &str) -> Reason {
    Reason::new(format!("{path} does not have the expected form"))
}

/// The number behind `key` in a file of `key number` lines, such as `/proc/meminfo` or `memory.stat`.
pub(super) fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()?.trim_end_matches(':') == key).then(|| words.next()?.parse().ok())?
    })
}
