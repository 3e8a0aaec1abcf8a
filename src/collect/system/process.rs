//! The process list, read by `sysinfo`, and only when a service asks for it.

use std::path::Path;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, UpdateKind};

use crate::model::reading::Reason;

/// How processes are listed: these, or all.
pub(super) type List = fn(Option<&[u32]>) -> Result<Vec<Process>, Reason>;

/// A living process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Process {
    /// The kernel's name of it (`comm`), cut at 15 characters.
    pub(super) name: String,
    /// The first word of its command line, without the folder; empty when only its pid was asked for.
    pub(super) program: String,
    /// Resident memory in bytes.
    pub(super) memory: u64,
    /// Its age in seconds.
    pub(super) age: u64,
}

impl Process {
    /// Whether this is what a person calls `name`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.program == name
    }
}

/// These processes, or all; dead ones that nobody has reaped are left out.
pub(super) fn list(pids: Option<&[u32]>) -> Result<Vec<Process>, Reason> {
    let pids: Option<Vec<Pid>> = pids.map(|pids| pids.iter().copied().map(Pid::from_u32).collect());
    let which = pids.as_deref().map_or(ProcessesToUpdate::All, ProcessesToUpdate::Some);
    let mut details = ProcessRefreshKind::nothing().with_memory();
    if pids.is_none() {
        details = details.with_cmd(UpdateKind::Always);
    }
    let unreadable = |error| Reason::new(format!("cannot list processes: {error}"));
    let mut system = sysinfo::System::new().map_err(unreadable)?;
    system.refresh_processes_specifics(which, true, details);
    let alive = |process: &&sysinfo::Process| !matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    Ok(system.processes().values().filter(alive).map(process).collect())
}

fn process(process: &sysinfo::Process) -> Process {
    let program = process.cmd().first().and_then(|word| Path::new(word).file_name());
    Process {
        name: process.name().to_string_lossy().into_owned(),
        program: program.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        memory: process.memory(),
        age: process.run_time(),
    }
}
