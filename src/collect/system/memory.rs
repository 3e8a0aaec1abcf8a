//! Memory and swap.
//!
//! "Available" is the kernel's own estimate (`MemAvailable`), because "free" counts the page cache as lost.
//! Where a control group limits us below the machine (see [`super::cgroup`]), the total is its limit, and available is
//! what the limit leaves, `limit - (current - inactive_file)`, or the machine has left, whichever is less. The page
//! cache that the kernel would drop first is not counted. Usage is always the part that is not available.

use super::super::readings::Readings;
use super::cgroup::{self, Controller, Group};
use super::host::{Host, keyed, strange};
use super::mounts::Mount;
use crate::model::reading::Reason;

/// Total and available bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Room {
    total: u64,
    available: u64,
}

/// Reads memory and swap.
pub(super) fn measure(host: &Host, mounts: &[Mount], out: &mut Readings) {
    let text = host.read("/proc/meminfo");
    let room = text.clone().and_then(|text| limited(host, mounts, machine(&text)?));
    out.push("system_memory_total_bytes", room.clone().map(|room| room.total as f64));
    out.push("system_memory_available_bytes", room.clone().map(|room| room.available as f64));
    out.push("system_memory_usage_ratio", room.and_then(|room| used_part(room.total, room.available)));
    out.push("system_swap_usage_ratio", text.and_then(|text| swap(&text)));
}

/// The machine's memory.
fn machine(meminfo: &str) -> Result<Room, Reason> {
    let bytes = |key| keyed(meminfo, key).map(|kib| kib.saturating_mul(1024));
    let total = bytes("MemTotal").ok_or_else(|| strange("/proc/meminfo"))?;
    let available =
        bytes("MemAvailable").ok_or_else(|| Reason::new("/proc/meminfo has no MemAvailable (Linux before 3.14)"))?;
    Ok(Room { total, available: available.min(total) })
}

/// The control group's memory where its limit is below the machine's.
fn limited(host: &Host, mounts: &[Mount], machine: Room) -> Result<Room, Reason> {
    let groups = cgroup::groups(host, mounts, Controller::Memory);
    let limits = groups.iter().filter_map(|group| Some((limit(host, group)?, group)));
    let tightest = limits.min_by_key(|(limit, _)| *limit).filter(|(limit, _)| *limit < machine.total);
    let Some((total, group)) = tightest else { return Ok(machine) };
    let used = used(host, group).ok_or_else(|| Reason::new("the control group does not say what it uses"))?;
    Ok(Room { total, available: total.saturating_sub(used).min(machine.available) })
}

/// The group's limit; `None` for "max". Version 1 writes a number near 2^63 instead, which no machine has.
fn limit(host: &Host, group: &Group) -> Option<u64> {
    host.number(group.file("memory.limit_in_bytes", "memory.max")).filter(|limit| *limit > 0)
}

/// What the group uses without the page cache that is dropped first.
fn used(host: &Host, group: &Group) -> Option<u64> {
    let current = host.number(group.file("memory.usage_in_bytes", "memory.current"))?;
    let stat = host.read(group.file("memory.stat", "memory.stat")).ok()?;
    let cache = keyed(&stat, if group.unified { "inactive_file" } else { "total_inactive_file" })?;
    Some(current.saturating_sub(cache))
}

fn swap(meminfo: &str) -> Result<f64, Reason> {
    let total = keyed(meminfo, "SwapTotal").ok_or_else(|| strange("/proc/meminfo"))?;
    let free = keyed(meminfo, "SwapFree").ok_or_else(|| strange("/proc/meminfo"))?;
    used_part(total, free)
}

/// The part of `total` that is not in `left`.
fn used_part(total: u64, left: u64) -> Result<f64, Reason> {
    if total == 0 { Err(Reason::NOTHING_TO_DIVIDE) } else { Ok(total.saturating_sub(left) as f64 / total as f64) }
}
