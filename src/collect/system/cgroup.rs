//! Control groups: which of them limit what this machine is to us, in version 1 and 2 trees.
//!
//! In a container the machine is what the container may use, so the smallest limit from our own group up to the
//! visible root counts. One kind of limit does not: that of a systemd `.service` (and what is below it). It is the
//! leash of the monitor's or cron's own unit and says nothing about the machine; with `MemoryMax=150M` on the
//! monitor's unit, every machine would otherwise seem to have 150 MB.

use std::path::{Component, Path, PathBuf};

use super::host::Host;
use super::mounts::Mount;

/// The controllers we ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Controller {
    /// Limits of memory.
    Memory,
    /// CPU quota.
    Cpu,
    /// CPU time used; a controller of its own in version 1.
    CpuTime,
}

impl Controller {
    /// Its name in version 1.
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::CpuTime => "cpuacct",
        }
    }
}

/// A control group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Group {
    /// Its folder.
    pub(super) folder: PathBuf,
    /// Its path below the visible root; the same group has the same one in every tree of version 1.
    pub(super) name: PathBuf,
    /// Whether it is of version 2.
    pub(super) unified: bool,
}

impl Group {
    /// The file that has the `v1` or the `v2` name.
    pub(super) fn file(&self, v1: &str, v2: &str) -> PathBuf {
        self.folder.join(if self.unified { v2 } else { v1 })
    }
}

/// The groups whose limits hold for this machine as we see it, from the visible root down to our own.
pub(super) fn groups(host: &Host, mounts: &[Mount], controller: Controller) -> Vec<Group> {
    let Ok(own) = host.read("/proc/self/cgroup") else { return Vec::new() };
    let Some((path, unified)) = own_path(&own, controller) else { return Vec::new() };
    let Some(mount) = mounts.iter().find(|mount| is_tree(mount, controller, unified)) else { return Vec::new() };
    // Without a cgroup namespace the visible root is not "/" but the container's group.
    let below = Path::new(path).strip_prefix(&mount.root).unwrap_or_else(|_| Path::new(""));
    let group = |name: &Path| Group { folder: Path::new(&mount.point).join(name), name: name.to_owned(), unified };
    let mut name = PathBuf::new();
    let mut groups = vec![group(&name)];
    for part in below.components() {
        let is_leash = Path::new(part.as_os_str()).extension().is_some_and(|kind| kind == "service");
        // ".." leads out of what we can see.
        if is_leash || !matches!(part, Component::Normal(_)) {
            break;
        }
        name.push(part);
        groups.push(group(&name));
    }
    groups
}

/// Our path in the controller's tree, and whether that is the version 2 tree.
/// Lines are `hierarchy:controllers:path`; the version 2 line is `0::path`.
fn own_path(text: &str, controller: Controller) -> Option<(&str, bool)> {
    let mut unified = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(hierarchy), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        if controllers.split(',').any(|name| name == controller.name()) {
            return Some((path, false));
        }
        if hierarchy == "0" {
            unified = Some((path, true));
        }
    }
    unified
}

fn is_tree(mount: &Mount, controller: Controller, unified: bool) -> bool {
    let has_controller = || mount.super_options.split(',').any(|option| option == controller.name());
    if unified { mount.kind == "cgroup2" } else { mount.kind == "cgroup" && has_controller() }
}
