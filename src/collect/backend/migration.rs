//! Migrations: `/migration/stats`.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::field::{Answer, count, number};
use super::growth::{Look, Span};
use super::memory::Memory;
use super::{Cycle, Readings, jobs};
use crate::model::reading::Reason;

/// The rate is that of an hour: a single migration is not sixty per hour.
const RATE: Span = Span { length: Duration::from_hours(1), spacing: Duration::from_mins(5) };

/// Ways to migrate: as the label has it, and where the backend counts it.
const PATHS: [(&str, &str); 3] = [
    ("migration_bridge", "migratedUsers.migrationBridge"),
    ("fresh_start", "migratedUsers.freshStart"),
    ("legacy_hold", "migratedUsers.legacyHold"),
];

pub(super) fn measure(cycle: &Cycle<'_>, after: &mut Memory, out: &mut Readings) {
    let Some(answer) = cycle.answers.of(Endpoint::Migration) else { return };
    let started = count(answer, "totalUsers");
    let by_path = PATHS.map(|(path, field)| (path, count(answer, field)));
    let settled = by_path.iter().try_fold(0_u64, |sum, (_, users)| Ok(sum.saturating_add(users.clone()?)));
    let unfinished = started.clone().and_then(|started| {
        let settled = settled?;
        let wrong = || Reason::new(format!("data.totalUsers: {started}, although {settled} are done"));
        started.checked_sub(settled).ok_or_else(wrong)
    });
    for (state, users) in [("started", started), ("unfinished", unfinished)] {
        out.labelled("bridge_migration_users", ("state", state), users.map(|users| users as f64));
    }
    for (path, users) in by_path {
        let users = users.and_then(|users| counted(path, users));
        out.labelled("bridge_migrated_users", ("path", path), users.clone().map(|users| users as f64));
        if path != "legacy_hold" {
            let sum = cycle.sum(&format!("migrated/{path}"), users, after);
            out.labelled("bridge_migrations_completed_total", ("path", path), sum);
        }
    }
    pace(cycle, answer, after, out);
}

/// The backend has one place that ever counts a migration, and it is that of the bridge: a zero elsewhere is no count.
fn counted(path: &str, users: u64) -> Result<u64, Reason> {
    if users == 0 && path != "migration_bridge" {
        return Err(Reason::new("always 0: the backend does not count this way"));
    }
    Ok(users)
}

/// How many per hour, and how long each took.
fn pace(cycle: &Cycle<'_>, answer: &Answer, after: &mut Memory, out: &mut Readings) {
    let done = count(answer, "migratedUsers.migrationBridge")
        .and_then(|bridge| Ok(bridge.saturating_add(count(answer, "migratedUsers.freshStart")?)));
    let look = done.clone().map(|count| Look { at: cycle.now, count, sum: 0 });
    let rate = look.and_then(|look| cycle.growth("migrated", look, RATE, after).per_hour(look, RATE));
    out.push("bridge_migration_rate_per_hour", rate);
    // the backend's mean is in minutes, of all that it counts as done
    let minutes = number(answer, "migrationHealth.avgMigrationTime");
    let seen = done.and_then(|done| Ok((done, minutes? * 60_000.0)));
    jobs::took(cycle, "migration", seen, after, out);
}
