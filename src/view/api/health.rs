//! `/monitoring/health-checks`.

use serde::Serialize;
use utoipa::ToSchema;

use super::reserves::canister;
use super::whole;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::windows::Latest;
use crate::view::snapshot::Snapshot;

/// Shipped rules about the disks.
const OF_DISKS: [&str; 3] = ["HIGH_DISK_USAGE", "HIGH_INODE_USAGE", "DISK_FILLS_SOON"];

/// `/monitoring/health-checks`
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthChecks {
    health_checks: Vec<Check>,
    summary: Summary,
}

/// `healthChecks` of the dashboard.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthOverview)]
pub struct Overview {
    results: Vec<Check>,
    summary: Summary,
}

/// A component.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthCheck)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// One of the five of the original, `backend`, or `probe/NAME`.
    component: String,
    /// HEALTHY, DEGRADED, OFFLINE or UNKNOWN.
    status: &'static str,
    /// Milliseconds.
    response_time: Option<u64>,
    /// The tick of what it rests on.
    #[serde(rename = "lastCheck")]
    last: Option<String>,
    /// Why it is not known.
    details: Option<String>,
}

/// How many there are of each.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthSummary)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    total_checks: usize,
    healthy_count: usize,
    degraded_count: usize,
    offline_count: usize,
    unknown_count: usize,
}

impl HealthChecks {
    /// The document of a picture.
    pub fn new(snapshot: &Snapshot) -> Self {
        let (health_checks, summary) = of(snapshot);
        Self { health_checks, summary }
    }
}

impl Overview {
    /// The same for the dashboard.
    pub fn new(snapshot: &Snapshot) -> Self {
        let (results, summary) = of(snapshot);
        Self { results, summary }
    }
}

fn of(snapshot: &Snapshot) -> (Vec<Check>, Summary) {
    let mut checks = vec![
        canister_check(snapshot, "threshold_signer"),
        canister_check(snapshot, "simplified_bridge"),
        many(snapshot, "algorand_network", "algorand_node_up", Some("algorand")),
        storage(snapshot),
        many(snapshot, "external_apis", "probe_success", None),
    ];
    if let Some(up) = live(snapshot, "source_up").find(|up| up.key.labels.get("source") == Some("backend")) {
        checks.push(check(snapshot, "backend", status(up), "source_up", Some("backend")));
    }
    for success in live(snapshot, "probe_success") {
        let name = success.key.labels.get("probe").unwrap_or_default();
        let took = snapshot.measured().labelled("probe_duration_seconds", "probe", name);
        checks.push(Check {
            component: format!("probe/{name}"),
            status: status(success).unwrap_or("UNKNOWN"),
            response_time: took.and_then(|seconds| whole(seconds * 1000.0)),
            last: tick(snapshot, "probe_success").map(Time::rfc3339),
            details: success.reason.as_ref().map(ToString::to_string),
        });
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let summary = Summary {
        total_checks: checks.len(),
        healthy_count: count("HEALTHY"),
        degraded_count: count("DEGRADED"),
        offline_count: count("OFFLINE"),
        unknown_count: count("UNKNOWN"),
    };
    (checks, summary)
}

fn status(latest: &Latest) -> Option<&'static str> {
    is_up(latest).map(|up| if up { "HEALTHY" } else { "OFFLINE" })
}

/// A check that rests on `metric`, with the time that `source` took.
fn check(
    snapshot: &Snapshot,
    component: &str,
    status: Option<&'static str>,
    metric: &str,
    source: Option<&str>,
) -> Check {
    let took = source.and_then(|source| snapshot.measured().labelled("source_duration_seconds", "source", source));
    let unknown = || live(snapshot, metric).max_by_key(|latest| latest.reason.is_some());
    let details = match status {
        Some(_) => None,
        None => Some(match unknown() {
            None => "not watched".to_owned(),
            Some(latest) => latest.reason.as_ref().map_or("not measured".to_owned(), ToString::to_string),
        }),
    };
    Check {
        component: component.to_owned(),
        status: status.unwrap_or("UNKNOWN"),
        response_time: took.filter(|_| status.is_some()).and_then(|seconds| whole(seconds * 1000.0)),
        last: tick(snapshot, metric).map(Time::rfc3339),
        details,
    }
}

fn canister_check(snapshot: &Snapshot, name: &str) -> Check {
    check(snapshot, name, canister(snapshot.measured(), name), "canister_up", Some("icp"))
}

/// Several that stand for each other: some of them down is a degradation.
fn many(snapshot: &Snapshot, component: &str, metric: &str, source: Option<&str>) -> Check {
    let ups: Vec<Option<bool>> = live(snapshot, metric).map(is_up).collect();
    let has = |what: Option<bool>| ups.contains(&what);
    // one that is up does not speak for one of which nothing is known
    let status = match (has(Some(true)), has(Some(false)), has(None)) {
        (true, false, false) => Some("HEALTHY"),
        (true, true, _) => Some("DEGRADED"),
        (false, true, false) => Some("OFFLINE"),
        _ => None,
    };
    check(snapshot, component, status, metric, source)
}

/// The series of a metric that are there, known or not.
fn live<'a>(snapshot: &'a Snapshot, metric: &'a str) -> impl Iterator<Item = &'a Latest> {
    snapshot.latest.iter().filter(move |latest| &*latest.key.metric == metric && latest.datum != Datum::Gone)
}

fn is_up(latest: &Latest) -> Option<bool> {
    match latest.datum {
        Datum::Value(up) => Some(up >= 1.0),
        Datum::Unknown | Datum::Gone => None,
    }
}

/// The disks, as their rules see them.
fn storage(snapshot: &Snapshot) -> Check {
    let is_measured = snapshot.values("system_disk_usage_ratio").next().is_some();
    let fires = snapshot.firing.iter().filter(|(_, alert)| OF_DISKS.contains(&&*alert.key.rule));
    let worst = fires.filter_map(|(_, alert)| alert.severity()).max();
    let status = match worst {
        Some(Severity::Critical) => Some("OFFLINE"),
        Some(_) => Some("DEGRADED"),
        None => is_measured.then_some("HEALTHY"),
    };
    check(snapshot, "storage", status, "system_disk_usage_ratio", None)
}

/// The tick of the newest value of a metric.
fn tick(snapshot: &Snapshot, metric: &str) -> Option<Time> {
    let known = |datum: &Datum| matches!(datum, Datum::Value(_));
    let newest = snapshot.latest.iter().filter(|latest| &*latest.key.metric == metric && known(&latest.datum));
    newest.map(|latest| latest.tick).max()
}
