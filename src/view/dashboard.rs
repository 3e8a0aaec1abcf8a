//! The JSON document of `status --json` and of the dashboard, with the names that clients of the original read.
//! What is not measured is null; what this version does not measure yet is null too.

use std::time::Duration;

use serde::Serialize;

use super::reserves::Figure;
use super::snapshot::{ChannelRow, Row, Snapshot, Standing, State};
use crate::bridge::micro::Micro;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::labels::Labels;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::cycles::Note;
use crate::text::money;

/// The document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard<'a> {
    system: System,
    migration: Migration,
    reserves: Reserves,
    alerts: Alerts<'a>,
    rules: Vec<RuleRow<'a>>,
    monitor: Monitor<'a>,
    /// When the last cycle ended; null when there never was one.
    last_updated: Option<String>,
    stale: bool,
    #[serde(rename = "age_seconds")]
    age_seconds: Option<f64>,
}

/// `system`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct System {
    /// Percent, 0 to 100.
    cpu_usage: Option<f64>,
    /// A part of one.
    memory_usage: Option<f64>,
    /// A part of one, of the fullest disk.
    disk_usage: Option<f64>,
    /// Milliseconds.
    network_latency: Option<f64>,
    /// Seconds, of the watched service that started last.
    service_uptime: Option<f64>,
    load_average: Option<[f64; 3]>,
    active_connections: Option<u64>,
    disks: Vec<Disk>,
    timestamp: Option<String>,
}

#[derive(Serialize)]
struct Disk {
    mount: String,
    usage: f64,
    size_bytes: Option<f64>,
    free_bytes: Option<f64>,
}

/// `migration`: comes with the backend source.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Migration {
    total_users: Option<u64>,
    migrated_users: Option<u64>,
    #[serde(rename = "migrationRate")]
    rate: Option<f64>,
    error_rate: Option<f64>,
    avg_processing_time: Option<f64>,
    success_rate: Option<f64>,
    pending_migrations: Option<u64>,
    timestamp: Option<String>,
}

/// `reserves`: null where they are not watched.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Reserves {
    reserve_ratio: Option<f64>,
    total_algo_locked: Option<f64>,
    total_ck_algo_supply: Option<f64>,
    /// HEALTHY, WARNING (something is missing that does not count), CRITICAL or UNKNOWN.
    backing_health: Option<&'static str>,
    threshold_status: Option<String>,
    canister_health: Option<String>,
    last_verification: Option<String>,
    timestamp: Option<String>,
    /// Every figure to the last micro-unit, with who says so, how far that can be believed, and how old it is.
    figures: Vec<Figure>,
    #[serde(rename = "figures_age_seconds")]
    age_seconds: Option<f64>,
}

#[derive(Serialize)]
struct Alerts<'a> {
    active: Vec<AlertRow<'a>>,
    recent: Vec<AlertRow<'a>>,
    statistics: Statistics,
}

/// An alert as `status --json`, `alert list --json` and the dashboard print it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertRow<'a> {
    id: Option<u64>,
    #[serde(rename = "type")]
    kind: &'a str,
    severity: Option<&'static str>,
    state: &'static str,
    labels: &'a Labels,
    value: Option<f64>,
    worst: Option<f64>,
    since: String,
    fired_at: Option<String>,
    ended_at: Option<String>,
    /// Since when nothing is measured, and why.
    not_measured_since: Option<String>,
    not_measured_reason: Option<&'a str>,
    acknowledged_by: Option<&'a str>,
    acknowledged_at: Option<String>,
    acknowledged_because: Option<&'a str>,
    /// Why people are not told.
    withheld: Option<String>,
    timestamp: String,
    resolved: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    pending_deliveries: u64,
    failed_deliveries: u64,
}

#[derive(Serialize)]
struct RuleRow<'a> {
    rule: &'a str,
    labels: &'a Labels,
    state: &'static str,
    severity: Option<&'static str>,
    value: Option<f64>,
    limit: &'a str,
    reason: Option<&'a str>,
}

/// What this monitor is and which files it uses.
#[derive(Serialize)]
struct Monitor<'a> {
    name: &'a str,
    environment: &'a str,
    host: &'a str,
    version: &'static str,
    state: &'static str,
    config: Option<String>,
    database: String,
    interval_seconds: f64,
    cycles_done: u64,
    cycles_missed: u64,
    notes: Vec<NoteRow<'a>>,
    channels: Vec<Reach<'a>>,
}

/// Whether a channel is known to work.
#[derive(Serialize)]
struct Reach<'a> {
    name: &'a str,
    to: &'a str,
    critical: bool,
    /// Null before the first attempt.
    works: Option<bool>,
    /// When its provider last took a message; null before the first one.
    #[serde(rename = "lastProven")]
    proven: Option<String>,
}

/// Something that happened to the monitor itself.
#[derive(Serialize)]
struct NoteRow<'a> {
    time: String,
    kind: &'static str,
    text: &'a str,
}

impl<'a> Dashboard<'a> {
    /// The document of a picture.
    pub fn new(snapshot: &'a Snapshot, config: &'a Config) -> Self {
        let cycle = snapshot.cycle.map(|cycle| cycle.finished.rfc3339());
        Self {
            system: System::new(snapshot),
            migration: Migration::default(),
            reserves: Reserves::new(snapshot),
            alerts: Alerts {
                active: snapshot.firing.iter().map(|(_, alert)| AlertRow::new(alert)).collect(),
                recent: snapshot.recent.iter().map(|(_, alert)| AlertRow::new(alert)).collect(),
                statistics: Statistics {
                    pending_deliveries: snapshot.outbox.pending,
                    failed_deliveries: snapshot.outbox.dead,
                },
            },
            rules: snapshot.rows.iter().map(RuleRow::new).collect(),
            monitor: Monitor {
                name: &config.identity.system,
                environment: &config.identity.environment,
                host: &config.identity.host,
                version: env!("CARGO_PKG_VERSION"),
                state: state_word(snapshot.state()),
                config: config.path.as_ref().map(|(path, _)| path.display().to_string()),
                database: config.database.0.display().to_string(),
                interval_seconds: config.interval.as_secs_f64(),
                cycles_done: snapshot.counts.done,
                cycles_missed: snapshot.counts.missed,
                notes: snapshot.notes.iter().map(NoteRow::new).collect(),
                channels: snapshot.channels.iter().map(Reach::new).collect(),
            },
            last_updated: cycle,
            stale: snapshot.stale,
            age_seconds: snapshot.age().map(|age| age.as_secs_f64()),
        }
    }
}

impl Reserves {
    fn new(snapshot: &Snapshot) -> Self {
        let Some(look) = &snapshot.reserves else { return Self::default() };
        let ratio = look.ratio();
        let health = match (look.record.verdict.as_str(), ratio) {
            ("backed" | "backed in part", Some(ratio)) if ratio < 1.0 => "WARNING",
            ("backed" | "backed in part", _) => "HEALTHY",
            ("short", _) => "CRITICAL",
            _ => "UNKNOWN",
        };
        // the age of the last verdict belongs to the cycle that measured it
        let age = snapshot.value("reserves_proof_age_seconds").and_then(|age| Duration::try_from_secs_f64(age).ok());
        let algos = |micro: Option<Micro>| micro.map(|micro| money::units(micro.0));
        Self {
            reserve_ratio: ratio,
            total_algo_locked: algos(look.custody()),
            total_ck_algo_supply: algos(look.supply().map(|supply| supply.supply)),
            backing_health: Some(health),
            last_verification: age.map(|age| (look.at - age).rfc3339()),
            timestamp: Some(look.at.rfc3339()),
            figures: look.figures(),
            age_seconds: Some(snapshot.at.since(look.at).as_secs_f64()),
            ..Self::default()
        }
    }
}

impl System {
    fn new(snapshot: &Snapshot) -> Self {
        let of_mount =
            |metric, labels: &Labels| snapshot.values(metric).find(|(have, _)| *have == labels).map(|(_, value)| value);
        let mut disks: Vec<Disk> = snapshot
            .values("system_disk_usage_ratio")
            .map(|(labels, usage)| Disk {
                mount: labels.get("mount").unwrap_or_default().to_owned(),
                usage,
                size_bytes: of_mount("system_disk_size_bytes", labels),
                free_bytes: of_mount("system_disk_free_bytes", labels),
            })
            .collect();
        disks.sort_by(|a, b| a.mount.cmp(&b.mount));
        let load = ["system_load1", "system_load5", "system_load15"].map(|metric| snapshot.value(metric));
        Self {
            cpu_usage: snapshot.value("system_cpu_usage_ratio").map(|ratio| ratio * 100.0),
            memory_usage: snapshot.value("system_memory_usage_ratio"),
            disk_usage: disks.iter().map(|disk| disk.usage).reduce(f64::max),
            network_latency: None,
            service_uptime: snapshot.values("service_uptime_seconds").map(|(_, uptime)| uptime).reduce(f64::min),
            load_average: match load {
                [Some(one), Some(five), Some(fifteen)] => Some([one, five, fifteen]),
                _ => None,
            },
            active_connections: None,
            disks,
            timestamp: snapshot.cycle.map(|cycle| cycle.finished.rfc3339()),
        }
    }
}

impl<'a> AlertRow<'a> {
    /// The row of an alert.
    pub fn new(alert: &'a Alert) -> Self {
        Self {
            id: alert.number,
            kind: &alert.key.rule,
            severity: alert.severity().or(alert.peak).map(Severity::name),
            state: alert.state(),
            labels: &alert.key.labels,
            value: alert.value,
            worst: alert.worst,
            since: alert.since.rfc3339(),
            fired_at: alert.fired_at.map(Time::rfc3339),
            ended_at: alert.ended.map(|(at, _)| at.rfc3339()),
            not_measured_since: alert.unknown.as_ref().map(|(since, _)| since.rfc3339()),
            not_measured_reason: alert.unknown.as_ref().map(|(_, reason)| reason.as_str()),
            acknowledged_by: alert.ack.as_ref().map(|ack| ack.who.as_str()),
            acknowledged_at: alert.ack.as_ref().map(|ack| ack.at.rfc3339()),
            acknowledged_because: alert.ack.as_ref().map(|ack| ack.why.as_str()),
            withheld: alert.hold.as_ref().map(ToString::to_string),
            timestamp: alert.fired_at.unwrap_or(alert.since).rfc3339(),
            resolved: alert.ended.is_some(),
        }
    }
}

impl<'a> NoteRow<'a> {
    fn new(note: &'a Note) -> Self {
        Self { time: note.at.rfc3339(), kind: note.kind.name(), text: &note.text }
    }
}

impl<'a> Reach<'a> {
    fn new(row: &'a ChannelRow) -> Self {
        let ChannelRow { name, to, critical, works, proven } = row;
        Self { name, to, critical: *critical, works: *works, proven: proven.map(Time::rfc3339) }
    }
}

impl<'a> RuleRow<'a> {
    fn new(row: &'a Row) -> Self {
        let (state, severity, reason) = match &row.standing {
            Standing::Firing(severity) => ("firing", Some(severity.name()), None),
            Standing::Pending => ("pending", None, None),
            Standing::Fine => ("ok", None, None),
            Standing::Unknown(reason) => ("unknown", None, Some(reason.as_str())),
            Standing::Waiting(reason) => ("waiting", None, Some(reason.as_str())),
        };
        Self { rule: &row.rule, labels: &row.labels, state, severity, value: row.value, limit: &row.limit_text, reason }
    }
}

/// The state as scripts read it.
pub const fn state_word(state: State) -> &'static str {
    match state {
        State::Fine => "ok",
        State::Firing(severity) => match severity {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        },
        State::Unknown => "unknown",
    }
}
