//! CPU use since the last cycle, from counters that are kept between cycles; nothing sleeps.
//!
//! The machine's usage is the part of `/proc/stat`'s ticks that were neither idle nor waiting for a disk; the ticks
//! themselves are the time base. Where a control group has a quota below the machine's CPUs (see [`super::cgroup`]),
//! usage is the group's CPU time over quota x time. iowait is always the machine's.

use serde::{Deserialize, Serialize};

use super::super::readings::Readings;
use super::Elapsed;
use super::cgroup::{self, Controller, Group};
use super::host::{Host, keyed, strange};
use super::mounts::Mount;
use crate::model::reading::Reason;

/// CPU counters of a cycle.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    /// The machine's.
    ticks: Option<Ticks>,
    /// The limited group's.
    group: Option<GroupTime>,
}

/// The first line of `/proc/stat`, in ticks since boot (`proc_stat(5)`); guest time is part of user time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Ticks {
    /// user, nice, system, irq, softirq, steal.
    busy: u64,
    idle: u64,
    iowait: u64,
    /// CPUs listed; when they change, counters of different machines would be compared.
    cpus: usize,
}

/// CPU time that a group used.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct GroupTime {
    folder: String,
    seconds: f64,
}

/// A quota: how many CPUs it is worth, and the time used by the group that has it.
struct Quota {
    cpus: f64,
    time: Result<GroupTime, Reason>,
}

/// Reads CPU use; returns what the next cycle needs.
pub(super) fn measure(
    host: &Host,
    mounts: &[Mount],
    before: &Counters,
    elapsed: &Elapsed,
    out: &mut Readings,
) -> Counters {
    let ticks = host.read("/proc/stat").and_then(|text| ticks(&text));
    let shares = ticks.clone().and_then(|now| shares(before.ticks.filter(|_| elapsed.same_boot), now));
    let quota = ticks.as_ref().ok().and_then(|ticks| quota(host, mounts, ticks.cpus as f64));
    let usage = match &quota {
        Some(quota) => group_usage(before.group.as_ref(), quota, elapsed),
        None => shares.clone().map(|(usage, _)| usage),
    };
    out.push("system_cpu_usage_ratio", usage);
    out.push("system_cpu_iowait_ratio", shares.map(|(_, iowait)| iowait));
    Counters { ticks: ticks.ok().or(before.ticks), group: quota.and_then(|quota| quota.time.ok()) }
}

fn ticks(stat: &str) -> Result<Ticks, Reason> {
    let total = stat.lines().next().and_then(|line| line.strip_prefix("cpu "));
    let numbers: Option<Vec<u64>> =
        total.and_then(|line| line.split_whitespace().take(8).map(|word| word.parse().ok()).collect());
    let Some([user, nice, system, idle, iowait, irq, softirq, steal]) = numbers.as_deref() else {
        return Err(strange("/proc/stat"));
    };
    let busy =
        [user, nice, system, irq, softirq, steal].into_iter().fold(0_u64, |sum, ticks| sum.saturating_add(*ticks));
    let cpus = stat.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
    Ok(Ticks { busy, idle: *idle, iowait: *iowait, cpus })
}

/// The parts of the time between two readings that were used and that were spent waiting for disks.
fn shares(before: Option<Ticks>, now: Ticks) -> Result<(f64, f64), Reason> {
    let before = before.filter(|before| before.cpus == now.cpus).ok_or(Reason::WARMING_UP)?;
    let busy = now.busy.checked_sub(before.busy).ok_or(Reason::WARMING_UP)?;
    let idle = now.idle.checked_sub(before.idle).ok_or(Reason::WARMING_UP)?;
    // The kernel documents that iowait may fall a little.
    let iowait = now.iowait.saturating_sub(before.iowait);
    let total = busy as f64 + idle as f64 + iowait as f64;
    if total == 0.0 {
        return Err(Reason::WARMING_UP);
    }
    Ok((busy as f64 / total, iowait as f64 / total))
}

/// The smallest quota below `cpus`.
fn quota(host: &Host, mounts: &[Mount], cpus: f64) -> Option<Quota> {
    let groups = cgroup::groups(host, mounts, Controller::Cpu);
    let limits = groups.iter().filter_map(|group| Some((limit(host, group)?, group)));
    let (limit, group) = limits.min_by(|a, b| a.0.total_cmp(&b.0)).filter(|(limit, _)| *limit < cpus)?;
    let seconds = group_seconds(host, mounts, group);
    let seconds = seconds.ok_or_else(|| Reason::new("the control group with the quota does not count CPU time"));
    let folder = group.folder.display().to_string();
    Some(Quota { cpus: limit, time: seconds.map(|seconds| GroupTime { folder, seconds }) })
}

/// CPU time the group used. Version 1 counts it in a tree of its own, where the group need not exist.
fn group_seconds(host: &Host, mounts: &[Mount], group: &Group) -> Option<f64> {
    if group.unified {
        let stat = host.read(group.folder.join("cpu.stat")).ok()?;
        return Some(keyed(&stat, "usage_usec")? as f64 / 1e6);
    }
    let accounts = cgroup::groups(host, mounts, Controller::CpuTime);
    let account = accounts.iter().find(|account| account.name == group.name)?;
    Some(host.number(account.folder.join("cpuacct.usage"))? as f64 / 1e9)
}

/// How many CPUs the group may use; `None` without a quota.
fn limit(host: &Host, group: &Group) -> Option<f64> {
    let (quota, period) = if group.unified {
        let text = host.read(group.folder.join("cpu.max")).ok()?;
        let (quota, period) = text.trim().split_once(' ')?;
        (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?)
    } else {
        let file = |name: &str| host.number(group.folder.join(name));
        (file("cpu.cfs_quota_us")?, file("cpu.cfs_period_us")?)
    };
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

/// The part of its quota that the group used. A burst may exceed the quota for a moment; it is shown as full.
fn group_usage(before: Option<&GroupTime>, quota: &Quota, elapsed: &Elapsed) -> Result<f64, Reason> {
    let now = quota.time.as_ref().map_err(Clone::clone)?;
    let before = before.filter(|before| before.folder == now.folder).ok_or(Reason::WARMING_UP)?;
    let (used, passed) = (now.seconds - before.seconds, elapsed.seconds.ok_or(Reason::WARMING_UP)?);
    if used < 0.0 { Err(Reason::WARMING_UP) } else { Ok((used / (passed * quota.cpus)).min(1.0)) }
}
