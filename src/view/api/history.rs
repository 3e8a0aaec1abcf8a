//! `/monitoring/history`: the last day hour by hour in the shapes of the original.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::{ApiAlert, rows};
use super::migration::{self, Migration};
use super::reserves::Reserves;
use super::system::System;
use crate::config::Config;
use crate::model::alert::Alert;
use crate::model::reading::{Need, Window};
use crate::model::time::Time;
use crate::rules::{Windows, lookback};
use crate::store::alerts::AlertFilter;
use crate::store::windows::Latest;
use crate::store::{Reader, Result};
use crate::view::measured::Measured;
use crate::view::reserves::Picture;

/// How many alerts are part of it.
const ALERTS: u32 = 50;

/// How many hours are, the present one included.
const HOURS: u32 = 24;

const HOUR: Duration = Duration::from_hours(1);

/// What the documents read.
const METRICS: [&str; 21] = [
    "bridge_job_processing_seconds",
    "bridge_jobs_total",
    "bridge_migrated_users",
    "bridge_migration_rate_per_hour",
    "bridge_migration_users",
    "canister_untrusted_replies",
    "canister_up",
    "probe_duration_seconds",
    "probe_success",
    "reserves_proof_age_seconds",
    "service_uptime_seconds",
    "source_duration_seconds",
    "source_up",
    "system_cpu_usage_ratio",
    "system_disk_free_bytes",
    "system_disk_size_bytes",
    "system_disk_usage_ratio",
    "system_load1",
    "system_load15",
    "system_load5",
    "system_memory_usage_ratio",
];

/// The last day, hour by hour, the oldest first; an hour in which nothing was measured is left out.
#[derive(Serialize, ToSchema)]
pub struct History<'a> {
    system: Vec<System>,
    migration: Vec<Migration>,
    reserve: Vec<Reserves>,
    /// The newest alerts that ever fired, at most 50.
    #[serde(rename = "alertHistory")]
    alerts: Vec<ApiAlert<'a>>,
}

/// What is read of the past.
pub struct Past {
    windows: Vec<Window>,
    looks: Vec<Option<Picture>>,
    hours: Vec<Time>,
    alerts: Vec<Alert>,
}

impl Past {
    /// Reads it.
    pub fn of(reader: &Reader, config: &Config) -> Result<Self> {
        let filter = AlertFilter { limit: Some(ALERTS), ..AlertFilter::default() };
        let alerts = reader.alerts(&filter)?.into_iter().map(|(_, alert)| alert).collect();
        let last = reader.last_tick()?;
        let hours: Vec<Time> =
            last.into_iter().flat_map(|last| (0..HOURS).rev().map(move |hour| last - HOUR * hour)).collect();
        let Some(last) = last else { return Ok(Self { windows: Vec::new(), looks: Vec::new(), hours, alerts }) };
        // the error rate of the first hour looks back a quarter of an hour more
        let back = HOUR * (HOURS + 1);
        let need = |metric: &str| Need { metric: Some(metric.into()), back, lookback: true };
        let windows = reader.windows(&METRICS.map(need), last)?;
        let mut looks = Vec::new();
        for hour in &hours {
            let row = if config.watches_reserves { reader.reserve_row_at(*hour)? } else { None };
            let row = row.filter(|row| hour.since(row.at) < HOUR);
            looks.push(Picture::of(reader, row)?);
        }
        Ok(Self { windows, looks, hours, alerts })
    }

    /// As a document.
    pub fn document<'a>(&'a self, config: &'a Config) -> History<'a> {
        let jobs = self.windows.iter().filter(|window| &*window.series.metric == "bridge_jobs_total");
        let (jobs, rate) = (Windows::new(jobs.cloned().collect()), migration::error_rate());
        let mut history = History {
            system: Vec::new(),
            migration: Vec::new(),
            reserve: Vec::new(),
            alerts: rows(&self.alerts, config),
        };
        for (hour, look) in self.hours.iter().zip(&self.looks) {
            let latest = self.at(*hour);
            if latest.is_empty() {
                continue;
            }
            let measured = Measured(&latest);
            let rate = rate.as_ref().and_then(|rate| migration::number(rate, &jobs, *hour));
            history.system.push(System::of(measured, Some(*hour), config));
            history.migration.push(Migration::of(measured, rate, Some(*hour)));
            history.reserve.push(Reserves::of(measured, look.as_ref(), *hour));
        }
        history
    }

    /// The newest sample of each series at a time.
    fn at(&self, time: Time) -> Vec<Latest> {
        let newest = |window: &Window| {
            let after = window.points.partition_point(|point| point.tick <= time);
            let point = window.points.get(after.checked_sub(1)?)?;
            (time.since(point.tick) < lookback(window.every)).then(|| Latest {
                key: window.series.clone(),
                source: String::new(),
                every: window.every,
                tick: point.tick,
                datum: point.datum,
                reason: None,
            })
        };
        self.windows.iter().filter_map(newest).collect()
    }
}
