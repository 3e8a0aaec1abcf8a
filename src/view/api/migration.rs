//! `/monitoring/migration`.

use serde::Serialize;
use utoipa::ToSchema;

use super::whole;
use crate::model::reading::Value;
use crate::model::time::Time;
use crate::rules::promql::ast::Expr;
use crate::rules::promql::value::Answer;
use crate::rules::{Windows, promql};
use crate::view::measured::Measured;
use crate::view::snapshot::Snapshot;

/// Of the jobs that ended lately, the part that failed; as the shipped rule has it.
const ERROR_RATE: &str =
    r#"sum(increase(bridge_jobs_total{outcome="failed"}[15m])) / sum(increase(bridge_jobs_total[15m]))"#;

/// The migration of users to the bridge, by what the backend counts since it started.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Users that started.
    total_users: Option<u64>,
    /// Users that are done, by the way they took.
    migrated_users: Migrated,
    /// Completed per hour.
    #[serde(rename = "migrationRate")]
    rate: Option<f64>,
    /// A part of one: of the jobs of the last 15 minutes that ended, those that failed.
    error_rate: Option<f64>,
    /// Seconds, of those completed in the last 15 minutes.
    avg_processing_time: Option<f64>,
    /// A part of one: of the users that started, those that are done.
    success_rate: Option<f64>,
    /// Users that started and are not done.
    pending_migrations: Option<u64>,
    /// When the last cycle ended; null where the backend is not watched.
    timestamp: Option<String>,
}

/// Users that are done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migrated {
    fresh_start: Option<u64>,
    migration_bridge: Option<u64>,
    legacy_hold: Option<u64>,
}

impl Migration {
    /// The document of a picture.
    pub fn new(snapshot: &Snapshot) -> Self {
        Self::of(snapshot.measured(), snapshot.error_rate, snapshot.cycle.map(|cycle| cycle.finished))
    }

    /// The document of what was measured at a time.
    pub fn of(measured: Measured<'_>, error_rate: Option<f64>, at: Option<Time>) -> Self {
        let users = |state| measured.labelled("bridge_migration_users", "state", state);
        let done = |path| measured.labelled("bridge_migrated_users", "path", path).and_then(whole);
        let (started, unfinished) = (users("started"), users("unfinished"));
        let success = started.zip(unfinished).filter(|(started, _)| *started > 0.0);
        let is_watched = measured.labelled("source_up", "source", "backend").is_some();
        Self {
            total_users: started.and_then(whole),
            migrated_users: Migrated {
                fresh_start: done("fresh_start"),
                migration_bridge: done("migration_bridge"),
                legacy_hold: done("legacy_hold"),
            },
            rate: measured.value("bridge_migration_rate_per_hour"),
            error_rate,
            avg_processing_time: measured.labelled("bridge_job_processing_seconds", "queue", "migration"),
            success_rate: success.map(|(started, unfinished)| (started - unfinished) / started),
            pending_migrations: unfinished.and_then(whole),
            timestamp: at.filter(|_| is_watched).map(Time::rfc3339),
        }
    }
}

/// The expression of the error rate.
pub fn error_rate() -> Option<Expr> {
    promql::parse(ERROR_RATE).ok()
}

/// The one number that an expression comes to, where it is known.
pub fn number(expr: &Expr, windows: &Windows, tick: Time) -> Option<f64> {
    let Answer::Vector(elements) = promql::evaluate(expr, windows, tick).ok()? else { return None };
    match elements.into_iter().next()?.value {
        Value::Known(value) if value.is_finite() => Some(value),
        Value::Known(_) | Value::Unknown(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_rate_is_an_expression() {
        assert!(error_rate().is_some());
    }
}
