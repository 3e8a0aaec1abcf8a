//! Whether services live: systemd units by their control group, programs by their processes.
//!
//! A unit is up while its control group has processes, which is how systemd itself sees it; no `systemctl` is started.
//! A service that is down has no uptime and no memory, so those series are gone, not zero.

use std::path::{Path, PathBuf};

use super::super::readings::Readings;
use super::host::{Host, keyed};
use super::mounts::Mount;
use super::process::Process;
use super::settings::Service;
use crate::model::reading::Reason;

/// How deep slices and sub-groups are followed.
const DEEPEST: usize = 6;

/// What is known of a service.
struct Health {
    up: Result<bool, Reason>,
    age: Result<f64, Reason>,
    memory: Result<f64, Reason>,
}

impl Health {
    fn unknown(reason: &Reason) -> Self {
        Self { up: Err(reason.clone()), age: Err(reason.clone()), memory: Err(reason.clone()) }
    }
}

/// Reads each service.
pub(super) fn measure(host: &Host, mounts: &[Mount], services: &[Service], out: &mut Readings) {
    let asks_processes = services.iter().any(|service| matches!(service, Service::Process(_)));
    let processes = if asks_processes { (host.processes)(None) } else { Ok(Vec::new()) };
    for service in services {
        let health = match service {
            Service::Unit(name) => unit(host, mounts, name),
            Service::Process(name) => match &processes {
                Ok(processes) => by_name(host, processes, name),
                Err(reason) => Health::unknown(reason),
            },
        };
        let label = ("service", service.label());
        let down = health.up == Ok(false);
        out.labelled("service_up", label, health.up.map(|up| f64::from(u8::from(up))));
        if !down {
            out.labelled("service_uptime_seconds", label, health.age);
            out.labelled("service_memory_bytes", label, health.memory);
        }
    }
}

/// All processes of a name: the oldest one's age, the sum of their memory.
fn by_name(host: &Host, processes: &[Process], name: &str) -> Health {
    let found: Vec<&Process> = processes.iter().filter(|process| process.is_called(name)).collect();
    match (found.is_empty(), hidden(host)) {
        (true, Some(reason)) => Health::unknown(&reason),
        (false, Some(reason)) => Health { up: Ok(true), ..Health::unknown(&reason) },
        (_, None) => Health {
            up: Ok(!found.is_empty()),
            age: oldest(found.iter().copied()).ok_or(Reason::NOTHING_TO_DIVIDE),
            memory: Ok(found.iter().map(|process| process.memory).sum::<u64>() as f64),
        },
    }
}

fn oldest<'a>(processes: impl Iterator<Item = &'a Process>) -> Option<f64> {
    processes.map(|process| process.age).max().map(|age| age as f64)
}

/// Why processes of others cannot be seen: `/proc` with `hidepid`, or `ProtectProc=` in our unit. Process 1 always
/// lives, so when it cannot be seen, a process that is not seen may live as well.
fn hidden(host: &Host) -> Option<Reason> {
    let first = host.read("/proc/1/stat");
    first.err().map(|_| Reason::new("processes of others are hidden from this user (hidepid or ProtectProc)"))
}

fn unit(host: &Host, mounts: &[Mount], name: &str) -> Health {
    if !host.exists("/run/systemd/system") {
        return Health::unknown(&Reason::new("systemd does not run here"));
    }
    let Some(tree) = Tree::of(mounts) else {
        return Health::unknown(&Reason::new("systemd's control groups are not mounted"));
    };
    let name = if name.contains('.') { name.to_owned() } else { format!("{name}.service") };
    let Some(folder) = find(host, &tree.processes, &name, DEEPEST) else {
        return Health { up: Ok(false), ..Health::unknown(&Reason::NOTHING_TO_DIVIDE) };
    };
    let mut pids = Vec::new();
    gather(host, &folder, DEEPEST, &mut pids);
    let populated = host.read(folder.join("cgroup.events")).ok().and_then(|text| keyed(&text, "populated"));
    Health {
        up: Ok(populated.map_or(!pids.is_empty(), |populated| populated == 1)),
        age: unit_age(host, &pids),
        memory: tree.memory(host, &folder),
    }
}

/// The age of the oldest of a unit's processes.
fn unit_age(host: &Host, pids: &[u32]) -> Result<f64, Reason> {
    let unseen = || hidden(host).unwrap_or_else(|| Reason::new("its processes cannot be seen"));
    oldest((host.processes)(Some(pids))?.iter()).ok_or_else(unseen)
}

/// Where systemd keeps its units' control groups.
struct Tree {
    /// The tree that holds the processes: version 2, or `name=systemd` of version 1.
    processes: PathBuf,
    /// The tree that counts memory, and the file that does.
    memory: Option<(PathBuf, &'static str)>,
}

impl Tree {
    fn of(mounts: &[Mount]) -> Option<Self> {
        let has = |mount: &&Mount, wanted: &str| mount.super_options.split(',').any(|option| option == wanted);
        let v1 = |wanted: &str| mounts.iter().find(|mount| mount.kind == "cgroup" && has(mount, wanted));
        let point = |mount: &Mount| PathBuf::from(&mount.point);
        if let Some(named) = v1("name=systemd") {
            let memory = v1("memory").map(|mount| (point(mount), "memory.usage_in_bytes"));
            return Some(Self { processes: point(named), memory });
        }
        let unified = mounts.iter().find(|mount| mount.kind == "cgroup2")?;
        Some(Self { processes: point(unified), memory: Some((point(unified), "memory.current")) })
    }

    /// The memory of the unit whose processes are in `folder`.
    fn memory(&self, host: &Host, folder: &Path) -> Result<f64, Reason> {
        let below = folder.strip_prefix(&self.processes).ok();
        let bytes =
            self.memory.as_ref().zip(below).and_then(|((tree, file), below)| host.number(tree.join(below).join(file)));
        bytes.map(|bytes| bytes as f64).ok_or_else(|| Reason::new("memory accounting is off for this unit"))
    }
}

/// The folder of a unit: in a slice, or in a slice of a slice. Only slices are searched, which are few.
fn find(host: &Host, folder: &Path, unit: &str, depth: usize) -> Option<PathBuf> {
    let here = folder.join(unit);
    if host.exists(&here) {
        return Some(here);
    }
    let slices = folders(host, folder)
        .into_iter()
        .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "slice"));
    slices.filter(|_| depth > 0).find_map(|slice| find(host, &folder.join(slice), unit, depth - 1))
}

/// The processes of a group and of the groups below it.
fn gather(host: &Host, folder: &Path, depth: usize, pids: &mut Vec<u32>) {
    let own = host.read(folder.join("cgroup.procs")).unwrap_or_default();
    pids.extend(own.lines().filter_map(|line| line.parse::<u32>().ok()));
    if depth > 0 {
        for name in folders(host, folder) {
            gather(host, &folder.join(name), depth - 1, pids);
        }
    }
}

/// Names of the folders in a folder, in order.
fn folders(host: &Host, folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(host.path(folder)) else { return Vec::new() };
    let is_folder = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let names = entries.flatten().filter(is_folder).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
