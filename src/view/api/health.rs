//! `/monitoring/health-checks`.

use serde::Serialize;
use utoipa::ToSchema;

use super::reserves::canister;
use super::whole;
use crate::model::reading::Datum;
use crate::model::severity::Severity;
use crate::model::time::Time;
use crate::store::windows::Latest;
use crate::view::measured::Measured;
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
    /// The tick of the newest value that it rests on.
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
    let fires = snapshot.firing.iter().filter(|(_, alert)| OF_DISKS.contains(&&*alert.key.rule));
    let checks = checks(&snapshot.latest, fires.filter_map(|(_, alert)| alert.severity()).max());
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

/// Every component, as the newest samples show it; `disks` is the worst that fires about disks.
fn checks(latest: &[Latest], disks: Option<Severity>) -> Vec<Check> {
    let mut checks = vec![
        canister_check(latest, "threshold_signer"),
        canister_check(latest, "simplified_bridge"),
        many(latest, "algorand_network", "algorand_node_up", Some("algorand")),
        storage(latest, disks),
        many(latest, "external_apis", "probe_success", None),
    ];
    if let Some(up) = live(latest, "source_up").find(|up| up.key.labels.get("source") == Some("backend")) {
        checks.push(check("backend", status(up), &[up], took(latest, Some("backend"))));
    }
    for success in live(latest, "probe_success") {
        let name = success.key.labels.get("probe").unwrap_or_default();
        let took = Measured(latest).labelled("probe_duration_seconds", "probe", name);
        checks.push(check(&format!("probe/{name}"), status(success), &[success], took));
    }
    checks
}

fn status(latest: &Latest) -> Option<&'static str> {
    is_up(latest).map(|up| if up { "HEALTHY" } else { "OFFLINE" })
}

/// How long a source took, in seconds.
fn took(latest: &[Latest], source: Option<&str>) -> Option<f64> {
    Measured(latest).labelled("source_duration_seconds", "source", source?)
}

/// A check that rests on these series and no others.
fn check(component: &str, status: Option<&'static str>, of: &[&Latest], took: Option<f64>) -> Check {
    let is_known = |latest: &&&Latest| matches!(latest.datum, Datum::Value(_));
    let unknown = || of.iter().filter(|latest| !is_known(latest)).max_by_key(|latest| latest.reason.is_some());
    let why = || match (of.is_empty(), unknown().and_then(|latest| latest.reason.as_ref())) {
        (true, _) => "not watched".to_owned(),
        (false, None) => "not measured".to_owned(),
        (false, Some(reason)) => reason.to_string(),
    };
    Check {
        component: component.to_owned(),
        status: status.unwrap_or("UNKNOWN"),
        response_time: took.filter(|_| status.is_some()).and_then(|seconds| whole(seconds * 1000.0)),
        last: of.iter().filter(is_known).map(|latest| latest.tick).max().map(Time::rfc3339),
        details: status.is_none().then(why),
    }
}

fn canister_check(latest: &[Latest], name: &str) -> Check {
    let its = live(latest, "canister_up").filter(|up| up.key.labels.get("canister") == Some(name));
    check(name, canister(Measured(latest), name), &its.collect::<Vec<_>>(), took(latest, Some("icp")))
}

/// Several that stand for each other: some of them down is a degradation.
fn many(latest: &[Latest], component: &str, metric: &str, source: Option<&str>) -> Check {
    let of: Vec<&Latest> = live(latest, metric).collect();
    let has = |what: Option<bool>| of.iter().any(|latest| is_up(latest) == what);
    // one that is up does not speak for one of which nothing is known
    let status = match (has(Some(true)), has(Some(false)), has(None)) {
        (true, false, false) => Some("HEALTHY"),
        (true, true, _) => Some("DEGRADED"),
        (false, true, false) => Some("OFFLINE"),
        _ => None,
    };
    check(component, status, &of, took(latest, source))
}

/// The series of a metric that are there, known or not.
fn live<'a>(latest: &'a [Latest], metric: &'a str) -> impl Iterator<Item = &'a Latest> {
    latest.iter().filter(move |latest| &*latest.key.metric == metric && latest.datum != Datum::Gone)
}

fn is_up(latest: &Latest) -> Option<bool> {
    match latest.datum {
        Datum::Value(up) => Some(up >= 1.0),
        Datum::Unknown | Datum::Gone => None,
    }
}

/// The disks, as their rules see them: one that nobody could measure is not fine because another one is.
fn storage(latest: &[Latest], worst: Option<Severity>) -> Check {
    let of: Vec<&Latest> = live(latest, "system_disk_usage_ratio").collect();
    let is_measured = !of.is_empty() && of.iter().all(|latest| latest.datum != Datum::Unknown);
    let status = match worst {
        Some(Severity::Critical) => Some("OFFLINE"),
        Some(_) => Some("DEGRADED"),
        None => is_measured.then_some("HEALTHY"),
    };
    check("storage", status, &of, None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::labels::{Labels, SeriesKey};
    use crate::model::reading::Reason;

    fn latest(
        metric: &str,
        label: (&'static str, &'static str),
        minute: i64,
        datum: Result<f64, &'static str>,
    ) -> Latest {
        Latest {
            key: SeriesKey::new(metric, Labels::new([label])),
            source: String::new(),
            every: Duration::from_mins(1),
            tick: Time::from_millis(minute * 60_000),
            datum: datum.map_or(Datum::Unknown, Datum::Value),
            reason: datum.err().map(Reason::new),
        }
    }

    fn shown(latest: &[Latest], disks: Option<Severity>, component: &str) -> (&'static str, String, String) {
        let checks = checks(latest, disks);
        let check = checks.into_iter().find(|check| check.component == component).unwrap();
        (check.status, check.last.unwrap_or_default(), check.details.unwrap_or_default())
    }

    #[test]
    fn a_disk_that_is_not_measured_is_not_fine_because_another_one_is() {
        let disk = |mount, datum| latest("system_disk_usage_ratio", ("mount", mount), 5, datum);
        let both = [disk("/", Ok(0.5)), disk("/gone", Err("there is no /gone"))];
        let at = "1970-01-01T00:05:00Z".to_owned();
        assert_eq!(shown(&both, None, "storage"), ("UNKNOWN", at.clone(), "there is no /gone".to_owned()));
        assert_eq!(shown(&both, Some(Severity::High), "storage"), ("DEGRADED", at.clone(), String::new()));
        assert_eq!(shown(&both[..1], None, "storage"), ("HEALTHY", at, String::new()));
        assert_eq!(shown(&[], None, "storage"), ("UNKNOWN", String::new(), "not watched".to_owned()));
    }

    #[test]
    fn each_check_tells_of_its_own_series() {
        let all = [
            latest("probe_success", ("probe", "slow"), 5, Ok(1.0)),
            latest("probe_success", ("probe", "quick"), 9, Ok(1.0)),
            latest("probe_success", ("probe", "blind"), 9, Err("timeout")),
            latest("source_up", ("source", "backend"), 6, Ok(0.0)),
            latest("source_up", ("source", "system"), 9, Ok(1.0)),
            latest("canister_up", ("canister", "threshold_signer"), 7, Err("no route")),
            latest("canister_up", ("canister", "simplified_bridge"), 8, Ok(1.0)),
            latest("canister_up", ("canister", "other"), 9, Err("another reason")),
        ];
        let at = |minute: u32| format!("1970-01-01T00:0{minute}:00Z");
        for (component, status, last, details) in [
            ("probe/slow", "HEALTHY", at(5), ""),
            ("probe/quick", "HEALTHY", at(9), ""),
            ("probe/blind", "UNKNOWN", String::new(), "timeout"),
            ("external_apis", "UNKNOWN", at(9), "timeout"),
            ("backend", "OFFLINE", at(6), ""),
            ("threshold_signer", "UNKNOWN", String::new(), "no route"),
            ("simplified_bridge", "HEALTHY", at(8), ""),
        ] {
            assert_eq!(shown(&all, None, component), (status, last, details.to_owned()), "{component}");
        }
    }
}
