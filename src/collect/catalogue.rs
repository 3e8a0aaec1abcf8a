//! Every metric there is, with unit, help, labels and source: the one place that names them.
//! `/metrics`, the rule lints and the documents read it; a source that reports a name missing here fails its test.

mod bridge;

use crate::model::metric::{Metric, Shape, Unit};

/// A gauge.
const fn gauge(
    source: &'static str,
    name: &'static str,
    labels: &'static [&'static str],
    unit: Unit,
    help: &'static str,
) -> Metric {
    Metric { name, help, unit, shape: Shape::Gauge, labels, source }
}

/// A sum that only grows.
const fn counter(
    source: &'static str,
    name: &'static str,
    labels: &'static [&'static str],
    unit: Unit,
    help: &'static str,
) -> Metric {
    Metric { name, help, unit, shape: Shape::Counter, labels, source }
}

/// The nodes of Algorand.
pub const ALGORAND: &str = "algorand";
/// The bridge's own backend: whatever it says is a claim.
pub const BACKEND: &str = "backend";
/// The Internet Computer.
pub const ICP: &str = "icp";
/// The monitor itself.
const MONITOR: &str = "monitor";
/// This machine's own network.
pub const NETWORK: &str = "network";
/// Each probe.
pub const PROBE: &str = "probe";
/// The reserve check.
pub const RESERVES: &str = "reserves";
/// What the backend claims the reserve ratio to be.
pub const CLAIM: &str = "backend_claimed_reserve_ratio";
/// The machine.
pub const SYSTEM: &str = "system";

/// All metrics in order of their names.
pub const METRICS: &[Metric] = &sorted::<{ OWN.len() + bridge::METRICS.len() }>(OWN, bridge::METRICS);

/// Both lists as one, in order of the names; done by the compiler.
const fn sorted<const N: usize>(one: &[Metric], other: &[Metric]) -> [Metric; N] {
    let mut all = [one[0]; N];
    let mut count = 0;
    while count < N {
        let next = if count < one.len() { one[count] } else { other[count - one.len()] };
        let mut at = count;
        while at > 0 && is_before(next.name.as_bytes(), all[at - 1].name.as_bytes()) {
            all[at] = all[at - 1];
            at -= 1;
        }
        all[at] = next;
        count += 1;
    }
    all
}

const fn is_before(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() {
        if one[at] != other[at] {
            return one[at] < other[at];
        }
        at += 1;
    }
    one.len() < other.len()
}

/// What the machine, the probes and the monitor itself yield.
const OWN: &[Metric] = &[
    gauge(
        ICP,
        "canister_certificate_age_seconds",
        &["canister"],
        Unit::Seconds,
        "Age of the subnet's certificate about the canister when it was read.",
    ),
    gauge(
        ICP,
        "canister_code_changed",
        &["canister"],
        Unit::Bool,
        "Whether the certified hash of the canister's code differs from its baseline.",
    ),
    gauge(
        ICP,
        "canister_controllers_changed",
        &["canister"],
        Unit::Bool,
        "Whether the certified controllers of the canister differ from their baseline.",
    ),
    gauge(ICP, "canister_cycles", &["canister"], Unit::Count, "Cycles of the canister, where everybody may see them."),
    counter(
        ICP,
        "canister_subnet_updates_total",
        &["canister"],
        Unit::Count,
        "Messages that the canister's subnet has executed, as it certifies.",
    ),
    gauge(
        ICP,
        "canister_untrusted_replies",
        &["canister"],
        Unit::Count,
        "Replies of this cycle about the canister whose signature or certificate did not hold.",
    ),
    gauge(ICP, "canister_up", &["canister"], Unit::Bool, "Whether the canister is in service, by a signed answer."),
    gauge(
        MONITOR,
        "monitor_channel_proven_age_seconds",
        &["channel"],
        Unit::Seconds,
        "How long ago a channel that hears of everything critical delivered last, or was first seen.",
    ),
    gauge(MONITOR, "monitor_channel_up", &["channel"], Unit::Bool, "Whether the channel's last delivery went through."),
    gauge(
        MONITOR,
        "monitor_config_broken",
        &[],
        Unit::Bool,
        "Whether the configuration on the disk is broken and the last one that worked is in use.",
    ),
    gauge(
        MONITOR,
        "monitor_cycle_duration_seconds",
        &[],
        Unit::Seconds,
        "How long the last cycle took, up to its commit.",
    ),
    gauge(
        MONITOR,
        "monitor_cpu_seconds",
        &[],
        Unit::Seconds,
        "CPU time of the process since the cycle before it, or since it began, up to the commit of this cycle.",
    ),
    gauge(
        MONITOR,
        "monitor_gap_seconds",
        &[],
        Unit::Seconds,
        "Time just before this cycle in which cycles were due and none was done.",
    ),
    gauge(MONITOR, "monitor_memory_peak_bytes", &[], Unit::Bytes, "Most memory that the process had resident so far."),
    counter(MONITOR, "monitor_missed_cycles_total", &[], Unit::Count, "Ticks at which no cycle was done."),
    gauge(
        NETWORK,
        "monitor_network_up",
        &[],
        Unit::Bool,
        "Whether this machine's own network works: any of several places out there answers.",
    ),
    gauge(
        MONITOR,
        "monitor_outbox_oldest_seconds",
        &[],
        Unit::Seconds,
        "Age of the oldest notification not delivered yet.",
    ),
    gauge(MONITOR, "monitor_outbox_pending", &[], Unit::Count, "Notifications not delivered yet."),
    gauge(
        MONITOR,
        "monitor_rule_failed",
        &["rule"],
        Unit::Bool,
        "Whether the rule could not be evaluated at the cycle before, of rules that failed lately.",
    ),
    gauge(
        MONITOR,
        "monitor_store_bytes",
        &[],
        Unit::Bytes,
        "Size of the monitor's database, its write-ahead log included.",
    ),
    gauge(PROBE, "probe_duration_seconds", &["probe"], Unit::Seconds, "How long the probe's last attempt took."),
    gauge(PROBE, "probe_http_status_code", &["probe"], Unit::Count, "Status code of the probe's last HTTP answer."),
    gauge(
        PROBE,
        "probe_ssl_earliest_cert_expiry",
        &["probe"],
        Unit::Timestamp,
        "When the first certificate of the chain expires.",
    ),
    gauge(PROBE, "probe_success", &["probe"], Unit::Bool, "Whether the probe succeeded within its attempts."),
    gauge(PROBE, "probe_value", &["probe"], Unit::Count, "Number the probe extracted from the answer."),
    gauge(
        SYSTEM,
        "service_memory_bytes",
        &["service"],
        Unit::Bytes,
        "Memory of the service: of its control group for a unit, resident set for processes.",
    ),
    gauge(SYSTEM, "service_up", &["service"], Unit::Bool, "Whether the service has at least one process."),
    gauge(SYSTEM, "service_uptime_seconds", &["service"], Unit::Seconds, "Age of the service's oldest process."),
    gauge(MONITOR, "source_duration_seconds", &["source"], Unit::Seconds, "How long the source took to answer."),
    gauge(MONITOR, "source_up", &["source"], Unit::Bool, "Whether the source answered before its deadline."),
    gauge(
        SYSTEM,
        "system_clock_synchronized",
        &[],
        Unit::Bool,
        "Whether the clock was set by a time server in the last nine hours.",
    ),
    gauge(
        SYSTEM,
        "system_cpu_iowait_ratio",
        &[],
        Unit::Ratio,
        "Part of the machine's CPU time since the last cycle spent idle while waiting for disks.",
    ),
    gauge(
        SYSTEM,
        "system_cpu_usage_ratio",
        &[],
        Unit::Ratio,
        "Part of the CPU time since the last cycle that was used, of the control group where it has a limit.",
    ),
    gauge(SYSTEM, "system_disk_free_bytes", &["mount"], Unit::Bytes, "Space that ordinary users can still fill."),
    gauge(SYSTEM, "system_disk_size_bytes", &["mount"], Unit::Bytes, "Size of the file system."),
    gauge(
        SYSTEM,
        "system_disk_usage_ratio",
        &["mount"],
        Unit::Ratio,
        "Used part of what ordinary users can fill, as df shows it.",
    ),
    gauge(
        SYSTEM,
        "system_inodes_usage_ratio",
        &["mount"],
        Unit::Ratio,
        "Used part of the file system's inodes, where it has a fixed number of them.",
    ),
    gauge(SYSTEM, "system_load1", &[], Unit::Count, "Load average over 1 minute."),
    gauge(SYSTEM, "system_load15", &[], Unit::Count, "Load average over 15 minutes."),
    gauge(SYSTEM, "system_load5", &[], Unit::Count, "Load average over 5 minutes."),
    gauge(
        SYSTEM,
        "system_memory_available_bytes",
        &[],
        Unit::Bytes,
        "Memory that programs can still get without swapping.",
    ),
    gauge(
        SYSTEM,
        "system_memory_total_bytes",
        &[],
        Unit::Bytes,
        "Memory of the machine, or the control group's limit where that is lower.",
    ),
    gauge(SYSTEM, "system_memory_usage_ratio", &[], Unit::Ratio, "Part of the memory that is not available any more."),
    counter(
        SYSTEM,
        "system_network_receive_bytes_total",
        &["device"],
        Unit::Bytes,
        "Bytes received since the monitor first saw the device.",
    ),
    counter(
        SYSTEM,
        "system_network_transmit_bytes_total",
        &["device"],
        Unit::Bytes,
        "Bytes sent since the monitor first saw the device.",
    ),
    counter(
        SYSTEM,
        "system_oom_kills_total",
        &[],
        Unit::Count,
        "Processes killed for lack of memory since the monitor first looked.",
    ),
    gauge(
        SYSTEM,
        "system_pressure_ratio",
        &["resource"],
        Unit::Ratio,
        "Part of the time since the last cycle in which some task waited for the resource.",
    ),
    gauge(SYSTEM, "system_swap_usage_ratio", &[], Unit::Ratio, "Used part of the swap space."),
    gauge(SYSTEM, "system_uptime_seconds", &[], Unit::Seconds, "Time since the machine started."),
];

/// The source of a metric, where it is one of the bridge that tells what its last look found.
pub fn bridge_source(metric: &str) -> Option<&'static str> {
    let source = METRICS.iter().find(|one| one.name == metric)?.source;
    [ALGORAND, NETWORK, RESERVES].contains(&source).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn names_follow_prometheus() {
        for metric in METRICS {
            let name = metric.name;
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
            assert_eq!(name.ends_with("_total"), metric.shape == Shape::Counter, "{name}");
            let suffix = match metric.unit {
                Unit::Ratio => "_ratio",
                Unit::Seconds => "_seconds",
                Unit::Bytes => "_bytes",
                Unit::Algo => "algo",
                Unit::Timestamp | Unit::Bool | Unit::Count => "",
            };
            assert!(name.trim_end_matches("_total").ends_with(suffix), "{name}");
            assert!(metric.labels.is_sorted(), "{name}");
        }
    }

    #[test]
    fn help_is_one_sentence() {
        for metric in METRICS {
            let body = metric.help.strip_suffix('.').unwrap_or_else(|| panic!("{} ends without a stop", metric.name));
            assert!(!body.contains(['.', '\n', '!', ';']), "{}", metric.help);
            assert!(body.starts_with(|c: char| c.is_ascii_uppercase()), "{}", metric.help);
        }
    }

    #[test]
    fn sources_are_known() {
        for metric in METRICS {
            assert!(
                [ALGORAND, BACKEND, ICP, MONITOR, NETWORK, PROBE, RESERVES, SYSTEM].contains(&metric.source),
                "{}",
                metric.name
            );
        }
    }
}
