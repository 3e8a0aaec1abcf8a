//! The machine: CPU, memory, disks, network, pressure, clock and services, one file per concern.
//!
//! Files of `/proc` and `/sys` are read directly, which costs a tenth of a millisecond; `sysinfo` lists processes where
//! a service asks for them. Everything that is a rate is the growth of a counter since the last cycle, which is kept in
//! the source's memory, so nothing sleeps and a first cycle says `warming_up` instead of a ghost of 0 % or 100 %.

mod cgroup;
mod chrony;
mod clock;
mod counter;
mod cpu;
mod disk;
mod host;
mod memory;
mod mounts;
mod network;
mod pressure;
mod process;
mod service;
mod settings;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::host::Host;
use self::mounts::Mount;
pub use self::settings::{Settings, System};
use super::Report;
use super::readings::Readings;
use crate::model::time::Time;

/// What the source keeps between cycles. A memory of another form (an older version) is as good as none.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Memory {
    boot: Option<String>,
    /// Seconds since boot.
    uptime: Option<f64>,
    cpu: cpu::Counters,
    stalls: pressure::Stalls,
    traffic: BTreeMap<String, network::Traffic>,
    kills: Option<counter::Sum>,
}

/// What lies between the last cycle and this one.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Elapsed {
    /// The machine has not been restarted.
    same_boot: bool,
    /// Seconds by the machine's own clock since boot, which nobody sets; `None` after a reboot or for no time at all.
    seconds: Option<f64>,
}

impl Elapsed {
    fn between(before: &Memory, boot: Option<&str>, uptime: Option<f64>) -> Self {
        let same_boot = before.boot.as_deref() == boot;
        let seconds = before.uptime.zip(uptime).map(|(before, now)| now - before);
        Self { same_boot, seconds: seconds.filter(|seconds| same_boot && *seconds > 0.0) }
    }
}

/// The disks of this machine that are watched without a word, by where they are mounted; none where that cannot be read.
pub fn disks() -> Vec<String> {
    let settings = System {
        enabled: true,
        every: Duration::ZERO,
        mounts: Vec::new(),
        ignore_mounts: Vec::new(),
        services: Vec::new(),
        latency_probe: None,
    };
    let text = Host::real().read("/proc/self/mountinfo").unwrap_or_default();
    mounts::watched(&mounts::parse(&text), &settings)
}

/// Measures this machine. The wait for disks that hang ends after half the deadline, and after 2 s at the latest.
pub async fn collect(settings: &System, memory: Option<&serde_json::Value>, now: Time, deadline: Duration) -> Report {
    collect_from(&Host::real(), settings, memory, now, deadline).await
}

async fn collect_from(
    host: &Host,
    settings: &System,
    memory: Option<&serde_json::Value>,
    now: Time,
    deadline: Duration,
) -> Report {
    // Without the list of mounts nobody could say which disks are unknown, so nothing is said at all.
    let mounts = match host.read("/proc/self/mountinfo") {
        Ok(text) => mounts::parse(&text),
        Err(reason) => return Report { memory: memory.cloned(), ..Report::failed(reason) },
    };
    let before: Memory = memory.and_then(|memory| serde_json::from_value(memory.clone()).ok()).unwrap_or_default();
    let mut out = Readings::default();
    let after = Cycle { host, settings, mounts: &mounts, now, deadline }.measure(&before, &mut out).await;
    Report::new(out.sorted(), serde_json::to_value(after).ok())
}

/// What every part of a cycle needs to know.
struct Cycle<'a> {
    host: &'a Host,
    settings: &'a System,
    mounts: &'a [Mount],
    now: Time,
    deadline: Duration,
}

impl Cycle<'_> {
    async fn measure(&self, before: &Memory, out: &mut Readings) -> Memory {
        let &Self { host, settings, mounts, now, deadline } = self;
        let (boot, uptime) = (host.boot(), host.uptime().ok());
        let elapsed = Elapsed::between(before, boot.as_deref(), uptime);
        clock::measure(host, now, out).await;
        memory::measure(host, mounts, out);
        service::measure(host, mounts, &settings.services, out);
        let after = Memory {
            cpu: cpu::measure(host, mounts, &before.cpu, &elapsed, out),
            stalls: pressure::measure(host, &before.stalls, &elapsed, out),
            traffic: network::measure(host, &before.traffic, &elapsed, out),
            kills: pressure::kills(host, before.kills, &elapsed, out),
            boot,
            uptime,
        };
        let mounted: BTreeSet<&str> = mounts.iter().map(|mount| mount.point.as_str()).collect();
        disk::measure(host, mounts::watched(mounts, settings), &mounted, deadline, out).await;
        after
    }
}

#[cfg(test)]
mod tests;
