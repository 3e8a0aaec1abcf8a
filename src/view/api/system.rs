//! `/monitoring/system`.

use serde::Serialize;
use utoipa::ToSchema;

use super::whole;
use crate::config::Config;
use crate::model::labels::Labels;
use crate::model::time::Time;
use crate::view::measured::Measured;
use crate::view::snapshot::Snapshot;

/// The machine and the watched service.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct System {
    /// Percent, 0 to 100.
    cpu_usage: Option<f64>,
    /// A part of one: what is not available any more.
    memory_usage: Option<f64>,
    /// A part of one, of the fullest disk.
    disk_usage: Option<f64>,
    /// Milliseconds: of the probe that `[sources.system] latency_probe` names, else of the backend.
    network_latency: Option<u64>,
    /// Seconds, of the watched service that started last.
    service_uptime: Option<f64>,
    /// Over 1, 5 and 15 minutes.
    load_average: Option<[f64; 3]>,
    /// Always null: nobody measures it.
    active_connections: Option<u64>,
    /// Every watched disk, by its mount point.
    disks: Vec<Disk>,
    /// When the last cycle ended.
    timestamp: Option<String>,
}

/// A disk.
#[derive(Serialize, ToSchema)]
pub struct Disk {
    mount: String,
    /// A part of one.
    usage: f64,
    size_bytes: Option<f64>,
    free_bytes: Option<f64>,
}

impl System {
    /// The document of a picture.
    pub fn new(snapshot: &Snapshot, config: &Config) -> Self {
        Self::of(snapshot.measured(), snapshot.cycle.map(|cycle| cycle.finished), config)
    }

    /// The document of what was measured at a time.
    pub fn of(measured: Measured<'_>, at: Option<Time>, config: &Config) -> Self {
        let of_mount =
            |metric, labels: &Labels| measured.values(metric).find(|(have, _)| *have == labels).map(|(_, value)| value);
        let mut disks: Vec<Disk> = measured
            .values("system_disk_usage_ratio")
            .map(|(labels, usage)| Disk {
                mount: labels.get("mount").unwrap_or_default().to_owned(),
                usage,
                size_bytes: of_mount("system_disk_size_bytes", labels),
                free_bytes: of_mount("system_disk_free_bytes", labels),
            })
            .collect();
        disks.sort_by(|a, b| a.mount.cmp(&b.mount));
        let load = ["system_load1", "system_load5", "system_load15"].map(|metric| measured.value(metric));
        Self {
            cpu_usage: measured.value("system_cpu_usage_ratio").map(|ratio| ratio * 100.0),
            memory_usage: measured.value("system_memory_usage_ratio"),
            disk_usage: disks.iter().map(|disk| disk.usage).reduce(f64::max),
            network_latency: latency(measured, config).and_then(|seconds| whole(seconds * 1000.0)),
            service_uptime: measured.values("service_uptime_seconds").map(|(_, uptime)| uptime).reduce(f64::min),
            load_average: match load {
                [Some(one), Some(five), Some(fifteen)] => Some([one, five, fifteen]),
                _ => None,
            },
            active_connections: None,
            disks,
            timestamp: at.map(Time::rfc3339),
        }
    }
}

/// Seconds. How long a failure took is no latency.
fn latency(measured: Measured<'_>, config: &Config) -> Option<f64> {
    let worked = |metric, label, name| measured.labelled(metric, label, name) == Some(1.0);
    let probe = config.sources.iter().find_map(|source| source.system()?.latency_probe.as_deref());
    match probe {
        Some(name) if worked("probe_success", "probe", name) => {
            measured.labelled("probe_duration_seconds", "probe", name)
        }
        None if worked("source_up", "source", "backend") => {
            measured.labelled("source_duration_seconds", "source", "backend")
        }
        _ => None,
    }
}
