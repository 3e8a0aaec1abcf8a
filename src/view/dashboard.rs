//! The JSON document of `status --json` and of the dashboard, with the names that clients of the original read.
//! What is not measured is null; what this version does not measure yet is null too.

use serde::Serialize;
use utoipa::ToSchema;

pub use super::api::alerts::AlertRow;
use super::api::alerts::Overview;
use super::api::health;
use super::api::migration::Migration;
use super::api::reserves::Reserves;
use super::api::system::System;
use super::snapshot::{ChannelRow, Row, Snapshot, Standing, State};
use crate::config::Config;
use crate::model::labels::Labels;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::cycles::Note;

/// `status --json`: the dashboard, and how old it is.
#[derive(Serialize)]
pub struct Status<'a> {
    #[serde(flatten)]
    dashboard: Dashboard<'a>,
    stale: bool,
    age_seconds: Option<f64>,
}

/// The document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard<'a> {
    system: System,
    migration: Migration,
    reserves: Reserves,
    alerts: Overview<'a>,
    health_checks: health::Overview,
    rules: Vec<RuleRow<'a>>,
    monitor: Monitor<'a>,
    /// When the last cycle ended; null when there never was one.
    last_updated: Option<String>,
}

/// How a rule stands with one label set.
#[derive(Serialize, ToSchema)]
struct RuleRow<'a> {
    rule: &'a str,
    #[schema(value_type = BTreeMap<String, String>)]
    labels: &'a Labels,
    /// firing, pending, ok, unknown or waiting.
    state: &'static str,
    severity: Option<&'static str>,
    value: Option<f64>,
    limit: &'a str,
    reason: Option<&'a str>,
}

/// What this monitor is and which files it uses.
#[derive(Serialize, ToSchema)]
struct Monitor<'a> {
    name: &'a str,
    environment: &'a str,
    host: &'a str,
    version: &'static str,
    /// ok, low, medium, high, critical or unknown.
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
#[derive(Serialize, ToSchema)]
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
#[derive(Serialize, ToSchema)]
struct NoteRow<'a> {
    time: String,
    kind: &'static str,
    text: &'a str,
}

impl<'a> Status<'a> {
    /// The document of a picture.
    pub fn new(snapshot: &'a Snapshot, config: &'a Config) -> Self {
        Self {
            dashboard: Dashboard::new(snapshot, config),
            stale: snapshot.stale,
            age_seconds: snapshot.age().map(|age| age.as_secs_f64()),
        }
    }
}

impl<'a> Dashboard<'a> {
    /// Leaves out what changes by itself while the database stays as it is.
    pub fn forget_ages(&mut self) {
        self.reserves.forget_age();
    }

    /// The document of a picture.
    pub fn new(snapshot: &'a Snapshot, config: &'a Config) -> Self {
        Self {
            system: System::new(snapshot, config),
            migration: Migration::new(snapshot),
            reserves: Reserves::new(snapshot),
            alerts: Overview::new(snapshot, config),
            health_checks: health::Overview::new(snapshot),
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
            last_updated: snapshot.cycle.map(|cycle| cycle.finished.rfc3339()),
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
