//! The space of each disk. A mount that hangs (a dead disk, an unreachable server) cannot hang the cycle: each is
//! asked in a thread of its own, waited for a short time, and not asked again while that thread is still stuck.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::super::readings::Readings;
use super::host::Host;
use crate::model::reading::Reason;

/// The longest wait for all mounts together.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A thread that makes one system call needs little.
const STACK_BYTES: usize = 64 * 1024;

/// Threads of this process that were waited for in vain, by mount point.
static STUCK: Mutex<BTreeMap<PathBuf, JoinHandle<()>>> = Mutex::new(BTreeMap::new());

/// What `statvfs` says of a file system, in bytes and inodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Space {
    /// All blocks.
    pub(super) size: u64,
    /// Blocks that hold something.
    pub(super) used: u64,
    /// Blocks that ordinary users can still fill; without those reserved for root.
    pub(super) available: u64,
    /// All inodes; 0 where there is no fixed number (btrfs, vfat).
    pub(super) inodes: u64,
    /// Inodes in use.
    pub(super) inodes_used: u64,
}

/// Asks the kernel.
pub(super) fn statvfs(point: &Path) -> io::Result<Space> {
    let stat = rustix::fs::statvfs(point)?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Space {
        size: bytes(stat.f_blocks),
        used: bytes(stat.f_blocks.saturating_sub(stat.f_bfree)),
        available: bytes(stat.f_bavail),
        inodes: stat.f_files,
        inodes_used: stat.f_files.saturating_sub(stat.f_ffree),
    })
}

/// Reads the space of the mount points; `mounted` are those the kernel lists.
pub(super) async fn measure(
    host: &Host,
    points: Vec<String>,
    mounted: &BTreeSet<&str>,
    deadline: Duration,
    out: &mut Readings,
) {
    let (here, absent): (Vec<_>, Vec<_>) = points.into_iter().partition(|point| mounted.contains(point.as_str()));
    for point in absent {
        report(&point, &Err(Reason::new("nothing is mounted there")), out);
    }
    for (point, space) in spaces(host, here, LONGEST_WAIT.min(deadline / 2)).await {
        report(&point, &space, out);
    }
}

/// The space of each mount point, or why it is not known.
async fn spaces(host: &Host, points: Vec<String>, wait: Duration) -> BTreeMap<String, Result<Space, Reason>> {
    let until = Instant::now() + wait;
    let (answers, mut answered) = mpsc::unbounded_channel();
    let (mut spaces, mut threads) = (BTreeMap::new(), BTreeMap::new());
    for point in points {
        match ask(host, &point, answers.clone()) {
            Ok(thread) => drop(threads.insert(point, thread)),
            Err(reason) => drop(spaces.insert(point, Err(reason))),
        }
    }
    while !threads.is_empty() {
        let Ok(Some((point, space))) = timeout_at(until, answered.recv()).await else { break };
        threads.remove(&point);
        spaces.insert(point, space);
    }
    for (point, thread) in threads {
        stuck().insert(host.path(&point), thread);
        spaces.insert(point, Err(Reason::TIMEOUT));
    }
    spaces
}

/// An answer on its way back from a thread.
type Answer = (String, Result<Space, Reason>);

/// Starts the thread that asks for `point`, unless an earlier one is stuck there.
fn ask(host: &Host, point: &str, answers: mpsc::UnboundedSender<Answer>) -> Result<JoinHandle<()>, Reason> {
    let (space, point, path) = (host.space, point.to_owned(), host.path(point));
    if stuck().get(&path).is_some_and(|thread| !thread.is_finished()) {
        return Err(Reason::new("timeout: still no answer since an earlier cycle"));
    }
    let work = move || {
        let answer = space(&path).map_err(|error| Reason::new(error.kind().to_string()));
        // Nobody listens when the wait is over; then the answer is late and of no use.
        let _ = answers.send((point, answer));
    };
    let thread = thread::Builder::new().name("statvfs".to_owned()).stack_size(STACK_BYTES).spawn(work);
    thread.map_err(|error| Reason::new(format!("cannot start a thread: {}", error.kind())))
}

fn stuck() -> MutexGuard<'static, BTreeMap<PathBuf, JoinHandle<()>>> {
    STUCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The readings of one mount point.
fn report(point: &str, space: &Result<Space, Reason>, out: &mut Readings) {
    let label = ("mount", point);
    let each = |part: fn(&Space) -> Result<f64, Reason>| space.as_ref().map_err(Clone::clone).and_then(part);
    out.labelled("system_disk_size_bytes", label, each(|space| Ok(space.size as f64)));
    out.labelled("system_disk_free_bytes", label, each(|space| Ok(space.available as f64)));
    out.labelled("system_disk_usage_ratio", label, each(usage));
    // Unknown space says nothing about inodes having been there before, so they are unknown with it.
    if space.as_ref().map_or(true, |space| space.inodes > 0) {
        out.labelled("system_inodes_usage_ratio", label, each(|space| part(space.inodes_used, space.inodes)));
    }
}

/// As `df` shows it: what root keeps for itself counts neither as used nor as available.
fn usage(space: &Space) -> Result<f64, Reason> {
    part(space.used, space.used.saturating_add(space.available))
}

fn part(used: u64, of: u64) -> Result<f64, Reason> {
    if of == 0 { Err(Reason::NOTHING_TO_DIVIDE) } else { Ok(used as f64 / of as f64) }
}
