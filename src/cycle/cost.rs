//! What a cycle costs, as the kernel counts it.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

use crate::model::labels::Labels;
use crate::model::reading::{Reading, Reason};

/// Nanoseconds of CPU that this process had used at its cycle before.
static BEFORE: AtomicU64 = AtomicU64::new(0);

/// CPU time since the cycle before in this process, or since it began.
pub fn cpu() -> Reading {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = |count: i64| u64::try_from(count).unwrap_or_default();
    let used = nanos(used.tv_sec).saturating_mul(1_000_000_000).saturating_add(nanos(used.tv_nsec));
    let before = BEFORE.swap(used, Ordering::Relaxed);
    Reading::known("monitor_cpu_seconds", Labels::empty(), used.saturating_sub(before) as f64 / 1e9)
}

/// The most memory that this process had resident so far.
pub fn memory() -> Reading {
    const METRIC: &str = "monitor_memory_peak_bytes";
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    match peak(&status) {
        Some(bytes) => Reading::known(METRIC, Labels::empty(), bytes as f64),
        None => Reading::unknown(METRIC, Labels::empty(), Reason::new("/proc/self/status does not have VmHWM")),
    }
}

/// `VmHWM:     13720 kB`
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::Value;

    #[test]
    fn this_process_has_used_something() {
        let value = |reading: Reading| match reading.value {
            Value::Known(value) => value,
            Value::Unknown(reason) => panic!("{reason}"),
        };
        assert!((0.0..3600.0).contains(&value(cpu())));
        assert!((1e5..1e11).contains(&value(memory())));
        assert_eq!(peak("VmPeak:\t 9 kB\nVmHWM:\t   13720 kB\n"), Some(13720 * 1024));
        assert_eq!(peak("VmHWM: much\n"), None);
    }
}
