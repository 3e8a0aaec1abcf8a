//! Pressure stall information and kills for lack of memory.

use std::collections::BTreeMap;

use super::super::readings::Readings;
use super::Elapsed;
use super::counter::Sum;
use super::host::{Host, keyed, strange};
use crate::model::reading::Reason;

/// The resources the kernel watches.
const RESOURCES: [&str; 3] = ["cpu", "io", "memory"];

/// Stalled time since boot in microseconds, by resource.
pub(super) type Stalls = BTreeMap<String, u64>;

/// Reads the part of the time since the last cycle in which some task was stalled.
/// Kernels without pressure stall information report no such series.
pub(super) fn measure(host: &Host, before: &Stalls, elapsed: &Elapsed, out: &mut Readings) -> Stalls {
    let mut stalls = Stalls::new();
    for resource in RESOURCES {
        let path = format!("/proc/pressure/{resource}");
        let now = host.read(&path).and_then(|text| stalled(&text).ok_or_else(|| strange(&path)));
        let before = before.get(resource).copied();
        if now.is_err() && before.is_none() {
            continue;
        }
        out.labelled(
            "system_pressure_ratio",
            ("resource", resource),
            now.clone().and_then(|now| share(before, now, elapsed)),
        );
        stalls.extend(now.ok().or(before).map(|now| (resource.to_owned(), now)));
    }
    stalls
}

/// The `total` of the line `some avg10=… avg60=… avg300=… total=…`.
fn stalled(text: &str) -> Option<u64> {
    text.lines().find(|line| line.starts_with("some "))?.rsplit_once("total=")?.1.trim().parse().ok()
}

fn share(before: Option<u64>, now: u64, elapsed: &Elapsed) -> Result<f64, Reason> {
    let stalled = before.and_then(|before| now.checked_sub(before)).ok_or(Reason::WARMING_UP)?;
    let passed = elapsed.seconds.ok_or(Reason::WARMING_UP)?;
    // The two clocks are not read at the same instant.
    Ok((stalled as f64 / 1e6 / passed).min(1.0))
}

/// Counts kills since the monitor first looked (`oom_kill` of `/proc/vmstat`, Linux 4.13).
pub(super) fn kills(host: &Host, before: Option<Sum>, elapsed: &Elapsed, out: &mut Readings) -> Option<Sum> {
    let counter =
        host.read("/proc/vmstat").and_then(|text| keyed(&text, "oom_kill").ok_or_else(|| strange("/proc/vmstat")));
    let sum = counter.map(|counter| Sum::next(before, counter, elapsed.same_boot));
    out.push("system_oom_kills_total", sum.clone().map(|sum| sum.total as f64));
    sum.ok().or(before)
}
