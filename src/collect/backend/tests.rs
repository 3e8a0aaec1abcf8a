//! The source on a fake backend.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::collect::catalogue::{self, METRICS};
use crate::model::reading::Value;
use crate::support::backend::{BackendFake, PATHS, bad_gateway, body, broken, json_answer, not_found};
use crate::support::http::{Answer, Manner};
use crate::text::check::Check;

/// The source as somebody configures it.
fn source(url: &str, more: &str) -> Backend {
    let resolve = |text: &str| Ok(Secret::new(text));
    let mut check = Check::new(Duration::from_mins(1), &resolve);
    let settings: Settings = toml::from_str(&format!("url = \"{url}\"\n{more}")).unwrap();
    settings.build(&(0..0), &mut check).unwrap_or_else(|| panic!("{:?}", check.faults))
}

/// A backend that is looked at, minute after minute.
struct Watch {
    fake: BackendFake,
    source: Backend,
    memory: Option<serde_json::Value>,
    minute: i64,
}

impl Watch {
    fn new() -> Self {
        let fake = BackendFake::start();
        let source = source(&fake.url(), "timeout = '2s'");
        Self { fake, source, memory: None, minute: 0 }
    }

    /// The next look: the readings as text by their series.
    async fn look(&mut self) -> BTreeMap<String, String> {
        let report = self.report().await;
        shown(&report)
    }

    async fn report(&mut self) -> Report {
        self.minute += 1;
        let now = Time::from_millis(self.minute * 60_000);
        let net = Net::new(None, None);
        let report = collect(&self.source, self.memory.as_ref(), now, Duration::from_secs(48), &net).await;
        self.memory.clone_from(&report.memory);
        report
    }
}

fn shown(report: &Report) -> BTreeMap<String, String> {
    let readings = report.readings.as_ref().unwrap_or_else(|reason| panic!("{reason}"));
    let text = |value: &Value| match value {
        Value::Known(value) => value.to_string(),
        Value::Unknown(reason) => format!("? {reason}"),
    };
    readings.iter().map(|reading| (reading.series.to_string(), text(&reading.value))).collect()
}

fn why(report: &Report) -> &str {
    report.memory.as_ref().and_then(crate::collect::why).unwrap_or_default()
}

/// Those of `shown` that are in `expected`.
#[track_caller]
fn says(shown: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    let found: Vec<(&str, &str)> = expected
        .iter()
        .map(|(series, _)| (*series, shown.get(*series).map_or("not reported", String::as_str)))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_backend_that_works_is_measured_whole() {
    let mut watch = Watch::new();
    let mut first = watch.look().await;
    let uptime: f64 = first.remove("backend_uptime_seconds").unwrap().parse().unwrap();
    assert!((3600.0..3700.0).contains(&uptime), "{uptime}");
    let expected = [
        ("backend_claimed_reserve_ratio", "1"),
        ("backend_paused", "0"),
        ("bridge_failed_registrations", "0"),
        (r#"bridge_job_processing_seconds{queue="migration"}"#, "? warming_up"),
        (r#"bridge_job_processing_seconds{queue="minting"}"#, "? warming_up"),
        (r#"bridge_job_processing_seconds{queue="redemption"}"#, "? warming_up"),
        (r#"bridge_jobs_total{outcome="completed",queue="minting"}"#, "0"),
        (r#"bridge_jobs_total{outcome="completed",queue="redemption"}"#, "0"),
        (r#"bridge_jobs_total{outcome="failed",queue="minting"}"#, "0"),
        (r#"bridge_jobs_total{outcome="failed",queue="redemption"}"#, "0"),
        (r#"bridge_jobs{queue="deposit",state="confirmed"}"#, "0"),
        (r#"bridge_jobs{queue="deposit",state="failed"}"#, "0"),
        (r#"bridge_jobs{queue="deposit",state="pending"}"#, "0"),
        (r#"bridge_jobs{queue="minting",state="failed"}"#, "0"),
        (r#"bridge_jobs{queue="minting",state="pending"}"#, "0"),
        (r#"bridge_jobs{queue="minting",state="processing"}"#, "0"),
        (r#"bridge_jobs{queue="redemption",state="burning"}"#, "0"),
        (r#"bridge_jobs{queue="redemption",state="failed"}"#, "0"),
        (r#"bridge_jobs{queue="redemption",state="pending"}"#, "0"),
        (r#"bridge_jobs{queue="redemption",state="unsent"}"#, "0"),
        (r#"bridge_jobs{queue="redemption",state="withdrawing"}"#, "0"),
        (r#"bridge_jobs{queue="swap",state="completed"}"#, "3"),
        (r#"bridge_jobs{queue="swap",state="failed"}"#, "1"),
        (r#"bridge_migrated_users{path="fresh_start"}"#, "? always 0: the backend does not count this way"),
        (r#"bridge_migrated_users{path="legacy_hold"}"#, "? always 0: the backend does not count this way"),
        (r#"bridge_migrated_users{path="migration_bridge"}"#, "7"),
        ("bridge_migration_rate_per_hour", "? warming_up"),
        (r#"bridge_migration_users{state="started"}"#, "9"),
        (r#"bridge_migration_users{state="unfinished"}"#, "2"),
        (r#"bridge_migrations_completed_total{path="fresh_start"}"#, "? always 0: the backend does not count this way"),
        (r#"bridge_migrations_completed_total{path="migration_bridge"}"#, "0"),
        (r#"bridge_operations_total{outcome="failed"}"#, "0"),
        (r#"bridge_operations_total{outcome="succeeded"}"#, "0"),
    ];
    let found: Vec<(&str, &str)> = first.iter().map(|(series, value)| (series.as_str(), value.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(watch.fake.asked()[0], "/metrics", "counters are read after the process they are of is known");
    let mut asked = watch.fake.asked();
    asked.sort_unstable();
    let mut all = PATHS.to_vec();
    all.sort_unstable();
    assert_eq!(asked, all);
}

#[tokio::test]
async fn every_reading_is_in_the_catalogue_with_its_labels_and_every_metric_is_read() {
    let report = Watch::new().report().await;
    let mut seen = std::collections::BTreeSet::new();
    for reading in report.readings.unwrap() {
        let metric = METRICS.iter().find(|metric| metric.name == &*reading.series.metric);
        let metric = metric.unwrap_or_else(|| panic!("{} is not in the catalogue", reading.series));
        let labels: Vec<&str> = reading.series.labels.iter().map(|(name, _)| name).collect();
        assert_eq!((metric.source, metric.labels), (catalogue::BACKEND, labels.as_slice()), "{}", reading.series);
        seen.insert(metric.name);
    }
    let all = METRICS.iter().filter(|metric| metric.source == catalogue::BACKEND).map(|metric| metric.name);
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all.collect::<Vec<_>>());
}

#[tokio::test]
async fn what_was_done_between_two_looks_is_summed_and_its_mean_is_of_that_alone() {
    let mut watch = Watch::new();
    watch.look().await;
    {
        let mut state = watch.fake.state();
        state.minting.complete(100_000);
        state.minting.complete(300_000);
        state.minting.failed = 2;
        state.redemption.withdrawing = 1;
        state.operations = (256, 6);
        state.migrated = 8;
        state.migration_minutes = (7.0 * 15.0 + 23.0) / 8.0;
    }
    says(
        &watch.look().await,
        &[
            (r#"bridge_job_processing_seconds{queue="minting"}"#, "200"),
            (r#"bridge_job_processing_seconds{queue="redemption"}"#, "? nothing_to_divide"),
            (r#"bridge_job_processing_seconds{queue="migration"}"#, "1380"),
            (r#"bridge_jobs_total{outcome="completed",queue="minting"}"#, "2"),
            (r#"bridge_jobs_total{outcome="failed",queue="minting"}"#, "2"),
            (r#"bridge_jobs{queue="redemption",state="withdrawing"}"#, "1"),
            (r#"bridge_operations_total{outcome="failed"}"#, "3"),
            (r#"bridge_operations_total{outcome="succeeded"}"#, "3"),
            (r#"bridge_migrations_completed_total{path="migration_bridge"}"#, "1"),
        ],
    );
}

#[tokio::test]
async fn a_restart_takes_nothing_away_and_invents_nothing() {
    let mut watch = Watch::new();
    watch.look().await;
    watch.fake.state().minting.complete(40_000);
    watch.fake.state().minting.failed = 1;
    watch.look().await;
    watch.fake.restart();
    watch.fake.state().minting.complete(10_000);
    let after = watch.look().await;
    says(
        &after,
        &[
            (r#"bridge_jobs_total{outcome="completed",queue="minting"}"#, "2"),
            (r#"bridge_jobs_total{outcome="failed",queue="minting"}"#, "1"),
            (r#"bridge_jobs_total{outcome="completed",queue="redemption"}"#, "0"),
            (r#"bridge_job_processing_seconds{queue="minting"}"#, "not reported"),
            (r#"bridge_migrations_completed_total{path="migration_bridge"}"#, "0"),
            (r#"bridge_operations_total{outcome="failed"}"#, "0"),
            ("bridge_migration_rate_per_hour", "? warming_up"),
        ],
    );
    says(&watch.look().await, &[(r#"bridge_job_processing_seconds{queue="minting"}"#, "? nothing_to_divide")]);
    // the same number of a process with an uptime that fell is a restart too
    watch.fake.restart();
    watch.fake.state().pid -= 1;
    watch.fake.state().minting.failed = 1;
    says(&watch.look().await, &[(r#"bridge_jobs_total{outcome="failed",queue="minting"}"#, "2")]);
}

#[tokio::test]
async fn the_rate_is_of_an_hour() {
    let mut watch = Watch::new();
    watch.look().await;
    for _ in 0..4 {
        says(&watch.look().await, &[("bridge_migration_rate_per_hour", "? warming_up")]);
    }
    watch.fake.state().migrated = 8;
    says(&watch.look().await, &[("bridge_migration_rate_per_hour", "12")]);
    watch.minute = 60;
    says(&watch.look().await, &[("bridge_migration_rate_per_hour", "1")]);
}

#[tokio::test]
async fn one_endpoint_that_fails_costs_only_its_own_figures() {
    let mut watch = Watch::new();
    watch.look().await;
    for (answer, reason) in [
        (bad_gateway(), "? GET /ck-algo/minting/stats: HTTP 502, not JSON but text/html"),
        (json_answer(404, &not_found()), "? GET /ck-algo/minting/stats: HTTP 404: Endpoint not found"),
        (json_answer(500, &broken("Failed")), "? GET /ck-algo/minting/stats: HTTP 500: Failed"),
        (json_answer(500, &json!({"message": 1})), "? GET /ck-algo/minting/stats: HTTP 500"),
        (json_answer(200, &broken("Failed")), "? GET /ck-algo/minting/stats: it says that it failed: Failed"),
        (
            json_answer(200, &json!({"success": "yes", "stats": {}})),
            "? GET /ck-algo/minting/stats: success: expected true, got string",
        ),
        (
            json_answer(200, &json!({"success": true, "data": {}})),
            "? GET /ck-algo/minting/stats: stats: expected an object, got nothing",
        ),
        (
            json_answer(200, &json!({"success": true, "stats": [1]})),
            "? GET /ck-algo/minting/stats: stats: expected an object, got array",
        ),
        (json_answer(200, &json!([1])), "? GET /ck-algo/minting/stats: HTTP 200, a body that is not a JSON object"),
        (json_answer(200, &json!(null)), "? GET /ck-algo/minting/stats: HTTP 200, a body that is not a JSON object"),
        (Answer::new(200, ""), "? GET /ck-algo/minting/stats: HTTP 200, an empty body"),
        (
            Answer::new(200, "<html>Please wait</html>").header("content-type", "text/html; charset=utf-8"),
            "? GET /ck-algo/minting/stats: HTTP 200, not JSON but text/html",
        ),
        (
            Answer::new(302, "").header("location", "http://127.0.0.1:1/"),
            "? GET /ck-algo/minting/stats: HTTP 302, an empty body",
        ),
        (Answer::new(200, "x".repeat(300_000)), "? GET /ck-algo/minting/stats: the answer is longer than 262144 bytes"),
        (
            Answer::new(200, "{}").manner(Manner::Cut(60)),
            "? GET /ck-algo/minting/stats: the connection ended before the answer did",
        ),
    ] {
        watch.fake.fail("/ck-algo/minting/stats", answer);
        let report = watch.report().await;
        assert_eq!(why(&report), &reason[2..]);
        says(
            &shown(&report),
            &[
                (r#"bridge_jobs{queue="minting",state="pending"}"#, reason),
                (r#"bridge_jobs_total{outcome="failed",queue="minting"}"#, reason),
                (r#"bridge_job_processing_seconds{queue="minting"}"#, reason),
                (r#"bridge_jobs{queue="redemption",state="pending"}"#, "0"),
            ],
        );
    }
    watch.fake.heal();
    watch.fake.state().minting.failed = 3;
    let series = r#"bridge_jobs_total{outcome="failed",queue="minting"}"#;
    says(&watch.look().await, &[(series, "3")]);
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_unknown_with_its_path_while_the_others_are_used() {
    let mut watch = Watch::new();
    let of = |path: &str, pointer: &str, value: serde_json::Value| {
        let mut body = body(&watch.fake.state(), path).unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        watch.fake.fail(path, json_answer(200, &body));
    };
    of("/reserves/status", "/data/reserveRatio", json!("1.0"));
    of("/migration/stats", "/data/totalUsers", json!(-3));
    of("/ck-algo/minting/stats", "/stats/failedJobs", json!(null));
    of("/ck-algo/redemption/stats", "/stats/averageProcessingTime", json!({"ms": 3}));
    of("/deposits/monitoring-stats", "/data/failedRegistrations", json!(1.5));
    of("/metrics", "/operations/failed_operations", json!(900));
    of("/swap/metrics", "/metrics/localCache", json!([]));
    says(
        &watch.look().await,
        &[
            ("backend_claimed_reserve_ratio", "? data.reserveRatio: expected number, got string"),
            ("backend_paused", "0"),
            (
                r#"bridge_migration_users{state="started"}"#,
                "? data.totalUsers: expected a whole number of 0 or more, got -3",
            ),
            (r#"bridge_migrated_users{path="migration_bridge"}"#, "7"),
            (r#"bridge_jobs{queue="minting",state="failed"}"#, "? stats.failedJobs: expected number, got null"),
            (r#"bridge_jobs_total{outcome="completed",queue="minting"}"#, "0"),
            (
                r#"bridge_job_processing_seconds{queue="redemption"}"#,
                "? stats.averageProcessingTime: expected number, got object",
            ),
            (
                "bridge_failed_registrations",
                "? data.failedRegistrations: expected a whole number of 0 or more, got 1.5",
            ),
            (r#"bridge_operations_total{outcome="failed"}"#, "0"),
            (r#"bridge_operations_total{outcome="succeeded"}"#, "? operations.failed_operations: 900 of 250 in all"),
            (r#"bridge_jobs{queue="swap",state="failed"}"#, "? metrics.localCache.failedDeposits: missing"),
        ],
    );
}

#[tokio::test]
async fn a_claim_over_no_supply_is_none_and_a_queue_that_nobody_fills_is_unknown() {
    let mut watch = Watch::new();
    watch.fake.state().supply = 0.0;
    watch.fake.state().looks = false;
    watch.fake.state().failed_registrations = 2;
    watch.fake.state().reaches_bridge = false;
    let report = watch.report().await;
    says(
        &shown(&report),
        &[
            (
                "backend_claimed_reserve_ratio",
                "? data.totalCkAlgoSupply: 0, which is also what the backend says when it cannot read it",
            ),
            (
                r#"bridge_jobs{queue="deposit",state="pending"}"#,
                "? the backend does not look for deposits (data.isRunning is false)",
            ),
            ("bridge_failed_registrations", "2"),
        ],
    );
    let expected = "the backend does not reach the canister simplified_bridge; \
                    the backend does not look for deposits (data.isRunning is false)";
    assert_eq!(why(&report), expected);
}

#[tokio::test]
async fn the_source_is_down_only_when_no_endpoint_can_be_used() {
    let mut watch = Watch::new();
    watch.look().await;
    watch.fake.state().minting.failed = 1;
    watch.look().await;
    watch.fake.fail_all(&bad_gateway());
    let report = watch.report().await;
    let reason = "no endpoint can be used: GET /health: HTTP 502, not JSON but text/html";
    assert_eq!(report.readings, Err(Reason::new(reason)));
    assert_eq!(why(&report), reason);

    watch.fake.state().faults.remove("/swap/metrics");
    says(&watch.look().await, &[(r#"bridge_jobs{queue="swap",state="failed"}"#, "1")]);
    watch.fake.heal();
    let series = r#"bridge_jobs_total{outcome="failed",queue="minting"}"#;
    says(&watch.look().await, &[(series, "1")]);

    let gone = source("http://127.0.0.1:1", "");
    let net = Net::new(None, None);
    let report = collect(&gone, None, Time::from_millis(0), Duration::from_secs(48), &net).await;
    let reason = "no endpoint can be used: GET /health: connection refused";
    assert_eq!(report.readings, Err(Reason::new(reason)));
}

#[tokio::test]
async fn only_what_is_asked_for_is_asked_and_reported() {
    let fake = BackendFake::start();
    let source = source(&fake.url(), "endpoints = ['/deposits/monitoring-stats']\nheaders = { X-Key = 'k' }");
    let net = Net::new(None, None);
    let report = collect(&source, None, Time::from_millis(0), Duration::from_secs(48), &net).await;
    assert_eq!(shown(&report).len(), 4);
    assert_eq!(fake.asked(), ["/deposits/monitoring-stats"]);
    assert_eq!(fake.seen()[0].header("x-key"), Some("k"));
}

#[tokio::test]
async fn what_was_answered_in_time_is_kept_when_others_hang() {
    let fake = BackendFake::start();
    fake.fail("/health", Answer::new(200, "").manner(Manner::Silence));
    fake.fail("/swap/metrics", Answer::new(200, "").manner(Manner::Silence));
    let source = source(&fake.url(), "timeout = '45s'");
    let net = Net::new(None, None);
    let begun = Instant::now();
    let report = collect(&source, None, Time::from_millis(0), Duration::from_millis(1600), &net).await;
    assert!(begun.elapsed() < Duration::from_millis(1600), "{:?}", begun.elapsed());
    says(&shown(&report), &[(r#"bridge_jobs{queue="minting",state="pending"}"#, "0")]);
    let swap = &shown(&report)[r#"bridge_jobs{queue="swap",state="failed"}"#];
    assert!(swap.starts_with("? GET /swap/metrics: no answer within 1."), "{swap}");
}

#[test]
fn a_memory_of_another_form_is_as_good_as_none() {
    let memory = json!({"why": 3, "sums": []});
    assert!(serde_json::from_value::<Memory>(memory).is_err());
    let empty: Memory = serde_json::from_value(json!({})).unwrap();
    assert_eq!(empty, Memory::default());
}
