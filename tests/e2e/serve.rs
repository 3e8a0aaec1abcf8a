//! The JSON API: its documents have the names and types that clients of the original read, and say what the database says.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::serving::{Serving, WITH_TOKEN};
use crate::support::backend::{BackendFake, bad_gateway};
use crate::support::client::ask;
use crate::support::http::{Answer, HttpFake};
use crate::support::skip::skipped;
use crate::world::{Ran, World, slack, told, until};

/// Endpoints, and where an answer of the original is.
const ORIGINAL: [(&str, &str); 7] = [
    ("/monitoring/system", "monitoring_system.json"),
    ("/monitoring/migration", "monitoring_migration.json"),
    ("/monitoring/reserves", "monitoring_reserves.json"),
    ("/monitoring/alerts", "monitoring_alerts.json"),
    ("/monitoring/health-checks", "monitoring_health_checks.json"),
    ("/monitoring/history", "monitoring_history.json"),
    ("/monitoring/dashboard", "monitoring_dashboard.json"),
];

/// Every field of `theirs` is one of `ours`, of the same type or null.
fn same_shape(place: &str, theirs: &Value, ours: &Value) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                // what an alert of the original says of the machine is that alert's own
                let own = ours.get(name).unwrap_or_else(|| panic!("{place}.{name} is missing"));
                if name != "details" {
                    same_shape(&format!("{place}.{name}"), value, own);
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            for one in ours {
                same_shape(&format!("{place}[]"), theirs.first().unwrap(), one);
            }
        }
        (_, Value::Null) => {}
        (theirs, ours) => {
            let kind = |value: &Value| match value {
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
                Value::Null => "null",
            };
            assert_eq!(kind(theirs), kind(ours), "{place}: {theirs} and {ours}");
        }
    }
}

#[test]
fn documents_have_the_names_and_types_of_the_original() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/payloads/sippar");
    if !folder.exists() {
        skipped("the original's answers are not at ../shared");
        return;
    }
    let world = World::with_queue("");
    world.queue(50);
    assert_eq!(world.check().code, 1);
    let serving = Serving::start(&world);
    for (path, file) in ORIGINAL {
        let theirs: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap();
        let answer = serving.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        let ours = answer.json();
        same_shape(path, &theirs, &ours);
        assert_eq!((&ours["success"], &ours["stale"]), (&json!(true), &json!(false)), "{path}");
        assert!(ours["age_seconds"].as_f64().unwrap() < 60.0, "{path}");
    }
    let theirs = std::fs::read_to_string(folder.join("monitoring_error.500.json")).unwrap();
    let theirs: Value = serde_json::from_str(&theirs).unwrap();
    same_shape("error", &theirs, &serving.get("/monitoring/history?from=1h").json());
}

#[test]
fn the_dashboard_is_what_status_says() {
    let world = World::with_queue("");
    world.queue(50);
    world.check();
    let serving = Serving::start(&world);
    let mut status = world.status();
    let dashboard = serving.data("/monitoring/dashboard");
    let age = |status: &mut Value| (status["stale"].take(), status["age_seconds"].take());
    let (stale, seconds) = age(&mut status);
    assert_eq!(stale, false);
    assert!(seconds.as_f64().unwrap() < 60.0);
    let names: Vec<String> = dashboard.as_object().unwrap().keys().cloned().collect();
    for name in names {
        assert_eq!(dashboard[&name], status[&name], "{name}");
    }
    assert_eq!(dashboard["alerts"]["active"][0]["message"], "50 are waiting");
    assert_eq!(dashboard["alerts"]["active"][0]["id"], "alert-1");
    let alerts = serving.data("/monitoring/alerts");
    assert_eq!((&alerts["totalActiveAlerts"], &alerts["activeAlerts"]), (&json!(1), &dashboard["alerts"]["active"]));
    assert_eq!(alerts["alertHistory"], alerts["activeAlerts"]);
}

#[test]
fn the_latency_is_that_of_a_named_probe_or_null() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    assert_eq!(serving.data("/monitoring/system")["networkLatency"], Value::Null);
    drop(serving);
    let named = crate::world::QUEUE.replace("enabled = false\n\n[probes", "latency_probe = \"queue\"\n\n[probes");
    world.configure(&named);
    world.check();
    let serving = Serving::start(&world);
    let latency = serving.data("/monitoring/system")["networkLatency"].clone();
    assert!(latency.as_u64().is_some_and(|millis| millis < 700), "{latency}");
    world.configure(&named.replace("latency_probe = \"queue\"", "latency_probe = \"queu\""));
    let ran = world.run(&["rules", "check"]);
    assert!(ran.err.contains("there is no probe `queu`") || ran.out.contains("there is no probe `queu`"), "{ran:?}");
}

#[test]
fn a_new_cycle_is_seen_at_once_and_what_has_not_changed_is_not_sent_again() {
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let first = serving.get("/monitoring/dashboard");
    let tag = first.header("etag").unwrap().to_owned();
    let again = ask(serving.at, "GET", "/monitoring/dashboard", &[("if-none-match", &tag)], "");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag.as_str())));
    world.queue(50);
    world.check();
    until("the new cycle", || {
        let answer = ask(serving.at, "GET", "/monitoring/dashboard", &[("if-none-match", &tag)], "");
        answer.status == 200 && answer.json()["data"]["alerts"]["active"][0]["type"] == "QUEUE_LONG"
    });
    let zipped = ask(serving.at, "GET", "/monitoring/dashboard", &[("accept-encoding", "gzip")], "");
    assert_eq!((zipped.header("content-encoding"), &zipped.body[..2]), (Some("gzip"), &[0x1f, 0x8b][..]));
}

#[test]
fn history_has_buckets_with_extremes_and_gaps() {
    let world = World::with_queue("");
    for depth in [3, 5] {
        world.queue(depth);
        world.check();
    }
    let serving = Serving::start(&world);
    let data = serving.data("/monitoring/history?metric=queue_depth&from=30m&step=10m");
    let series = data["series"].as_array().unwrap();
    let (buckets, labels) = (&series[0]["buckets"], &series[0]["labels"]);
    assert_eq!((series.len(), labels), (1, &json!({ "probe": "queue" })));
    let known: Vec<&Value> = buckets.as_array().unwrap().iter().filter(|bucket| bucket["samples"] != 0).collect();
    let numbers = |name: &str| known.iter().map(|bucket| bucket[name].as_f64().unwrap()).collect::<Vec<_>>();
    let (min, max) = (numbers("min"), numbers("max"));
    assert!(min.contains(&3.0) && max.contains(&5.0), "{buckets}");
    assert!(buckets.as_array().unwrap().iter().any(|bucket| bucket["avg"].is_null()), "{buckets}");
    let csv = serving.get("/monitoring/history.csv?metric=queue_depth&from=30m&step=10m");
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(csv.text().lines().next(), Some("time,metric,labels,min,max,avg,samples,unknown"));
    assert!(csv.text().contains(",queue_depth,\"{probe=\"\"queue\"\"}\","), "{}", csv.text());
    let chosen = serving.data("/monitoring/history?metric=queue_depth%7Bprobe%3D%22other%22%7D");
    assert_eq!(chosen["series"], json!([]));
    for (query, error) in [
        ("metric=queue_dept", "nothing is measured under the name queue_dept"),
        ("metric=sum(queue_depth)", "`sum(queue_depth)` is not one metric"),
        ("metric=queue_depth&from=soon", "from: `soon` is not a time"),
        ("metric=queue_depth&from=-99999999999999", "from: `-99999999999999` is not in the years from 1970 to 9999"),
        ("metric=queue_depth&to=999999999999999", "to: `999999999999999` is not in the years from 1970 to 9999"),
        ("metric=queue_depth&from=1h&to=2h", "has no length"),
        ("metric=queue_depth&from=300d&step=1s", "buckets"),
        ("from=1h", "from, to and step go with a metric"),
        ("metrics=queue_depth", "there is a parameter that means nothing here"),
    ] {
        let answer = serving.get(&format!("/monitoring/history?{query}"));
        let said = answer.json();
        assert_eq!((answer.status, &said["success"]), (400, &json!(false)), "{query}");
        assert!(said["error"].as_str().unwrap().contains(error), "{query}: {said}");
        assert_eq!(serving.get(&format!("/monitoring/history.csv?{query}")).status, 400, "{query}");
    }
}

#[test]
fn an_acknowledgement_a_silence_and_a_test_take_the_real_road() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&format!("{}{WITH_TOKEN}", slack(&fake)));
    world.queue(50);
    assert_eq!(world.check(), Ran::silent(1));
    let serving = Serving::start(&world);
    let body = r#"{"message": "I am at it", "by": "nina"}"#;
    let acked = serving.post("/monitoring/alerts/1/ack", body);
    assert_eq!(acked.status, 200, "{}", acked.text());
    let alert = &acked.json()["data"];
    assert_eq!((&alert["id"], &alert["acknowledgedBy"]), (&json!("alert-1"), &json!("nina")));
    assert_eq!(told(&fake).len(), 2, "whoever was told of it is told who is at it: {:?}", told(&fake));
    assert_eq!(serving.data("/monitoring/alerts")["activeAlerts"][0]["acknowledgedBecause"], "I am at it");
    let body = r#"{"what": "QUEUE_LONG", "for": "2h", "message": "a backlog is expected", "by": "nina"}"#;
    let silenced = serving.post("/monitoring/silences", body);
    assert_eq!((silenced.status, &silenced.json()["data"]["number"]), (201, &json!(1)), "{}", silenced.text());
    assert_eq!(serving.data("/monitoring/silences")[0]["alerts"], "QUEUE_LONG");
    assert_eq!(serving.post("/monitoring/silences/1/end", "{}").status, 200);
    assert_eq!(serving.data("/monitoring/silences"), json!([]));
    // what is no test does not use up the one of this minute
    let misspelt = serving.post("/monitoring/alerts/test", r#"{"channels": ["slak"]}"#);
    assert_eq!((misspelt.status, &misspelt.json()["error"]), (400, &json!("there is no channel slak")), "{misspelt:?}");
    assert_eq!(serving.post("/monitoring/alerts/test", "[]").status, 400);
    assert_eq!(told(&fake).len(), 2, "and nobody was told");
    let tested = serving.post("/monitoring/alerts/test", r#"{"channels": ["slack"]}"#);
    let expected = json!({
        "testResults": { "slack": true },
        "channelHealth": { "slack": { "healthy": true } },
        "message": "Alert system test completed",
    });
    assert_eq!((tested.status, &tested.json()["data"]), (200, &expected), "{}", tested.text());
    assert_eq!(told(&fake).len(), 3);
    let again = serving.post("/monitoring/alerts/test", "{}");
    let wait: u64 = again.header("retry-after").unwrap().parse().unwrap();
    assert!(again.status == 429 && wait <= 60, "{again:?}");
    assert_eq!(told(&fake).len(), 3, "and nobody was told");
    for (path, body, status) in [
        ("/monitoring/alerts/7/ack", r#"{"message": "a", "by": "b"}"#, 404),
        ("/monitoring/alerts/x/ack", r#"{"message": "a", "by": "b"}"#, 404),
        ("/monitoring/alerts/1/ack", r#"{"message": "", "by": "b"}"#, 400),
        ("/monitoring/alerts/1/ack", r#"{"message": "a\u0000", "by": "b"}"#, 400),
        ("/monitoring/alerts/1/ack", r#"{"message": "a"}"#, 400),
        ("/monitoring/alerts/1/ack", "not json", 400),
        ("/monitoring/alerts/1/ack", r#"["looking", "nina"]"#, 400),
        ("/monitoring/silences", r#"{"what": "NO_SUCH", "for": "2h", "message": "a", "by": "b"}"#, 400),
        ("/monitoring/silences", r#"{"what": "--help", "for": "2h", "message": "a", "by": "b"}"#, 400),
        ("/monitoring/silences", r#"{"what": "QUEUE_LONG", "message": "a", "by": "b"}"#, 400),
        ("/monitoring/silences", r#"{"what": "QUEUE_LONG", "for": "99999999d", "message": "a", "by": "b"}"#, 400),
        ("/monitoring/silences/1/end", "{}", 409),
        ("/monitoring/silences/9/end", "{}", 404),
    ] {
        let answer = serving.post(path, body);
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (status, &json!(false)),
            "{path} {body}: {}",
            answer.text()
        );
    }
}

#[test]
fn no_silence_ends_outside_of_the_calendar() {
    let world = World::with_queue("");
    world.check();
    for (flag, text) in [("--for", "99999999999d"), ("--for", "99999999d"), ("--until", "-000001-01-01T00:00:00Z")] {
        let ran = world.run(&["alert", "silence", "QUEUE_LONG", &format!("{flag}={text}"), "-m", "x"]);
        assert_eq!(ran.code, 64, "{ran:?}");
        assert!(ran.err.contains(&format!("{flag}: `{text}` is not in the years from 1970 to 9999")), "{ran:?}");
    }
    let ran = world.run(&["alert", "silence", "QUEUE_LONG", "--until=9999-01-01T00:00:00Z", "-m", "x"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(world.run(&["alert", "silences"]).out.contains("9999-01-01T00:00:00Z"));
}

#[test]
fn health_is_503_when_no_cycle_ends_any_more() {
    let world = World::with_queue("");
    let serving = Serving::start(&world);
    assert_eq!(serving.get("/health").status, 503, "nothing was ever checked");
    world.check();
    until("the first cycle", || serving.get("/health").status == 200);
    let health = serving.get("/health").json();
    assert_eq!((&health["status"], &health["state"]), (&json!("healthy"), &json!("ok")));
    // 2.5 intervals of a second and 15 seconds
    world.change("UPDATE cycle SET finished = finished - 18000");
    until("staleness", || serving.get("/health").status == 503);
    assert_eq!(serving.get("/health").json()["status"], "stale");
    let dashboard = serving.get("/monitoring/dashboard").json();
    assert_eq!((&dashboard["stale"], &dashboard["data"]["monitor"]["state"]), (&json!(true), &json!("unknown")));
    assert!(dashboard["age_seconds"].as_f64().unwrap() > 17.0);
    let metrics = serving.get("/metrics");
    assert!(metrics.text().contains("sippar_mon_stale 1\n") && !metrics.text().contains("queue_depth"));
}

#[test]
fn metrics_are_the_newest_samples() {
    let world = World::with_queue("");
    world.write("queue.prom", "queue_depth{x=\"a\\\"<script>\\\\\"} 50\n", 0o644);
    world.check();
    let serving = Serving::start(&world);
    let metrics = serving.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = metrics.text();
    let line = "queue_depth{probe=\"queue\",x=\"a\\\"<script>\\\\\"} 50\n";
    assert!(text.contains(line) && text.contains("# TYPE queue_depth untyped\n"), "{text}");
    assert!(text.contains(
        "# HELP probe_success Whether the probe succeeded within its attempts.\n# TYPE probe_success gauge\n"
    ));
    assert!(
        text.contains("sippar_mon_alert_firing{alertname=\"QUEUE_LONG\",probe=\"queue\",severity=\"HIGH\","),
        "{text}"
    );
}

#[test]
fn it_stops_at_once_also_with_somebody_who_listens() {
    use std::io::{Read, Write};
    let world = World::with_queue("");
    world.check();
    let serving = Serving::start(&world);
    let mut stream = std::net::TcpStream::connect(serving.at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut heard = String::new();
    let mut hear = |what: &str| {
        let mut bytes = [0; 4096];
        while !heard.contains(what) {
            let count = stream.read(&mut bytes).unwrap();
            assert!(count > 0, "waited in vain for {what}: {heard}");
            heard.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
    };
    hear("event: cycle\nid: 1\n");
    world.queue(50);
    world.check();
    hear("event: cycle\nid: 2\ndata: {\"cycle\":2,");
    hear("\"state\":\"high\"");
    let (ran, took) = serving.stop();
    assert_eq!((ran.code, ran.out), (0, String::new()));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn where_there_is_no_cron_it_does_the_cycles_itself() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    let serving = Serving::start_with(&world, &["--repeat"]);
    until("a cycle", || serving.get("/health").status == 200);
    until("another", || serving.data("/monitoring/dashboard")["monitor"]["cycles_done"].as_u64() > Some(1));
    until("the word to people", || told(&fake).len() == 1);
    let (ran, _) = serving.stop();
    assert_eq!(ran.code, 0);
    let done = world.status()["monitor"]["cycles_done"].clone();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(world.status()["monitor"]["cycles_done"], done, "its cycles ended with it");
}

#[test]
fn the_migration_is_what_the_backend_counts_and_never_its_constants() {
    let fake = BackendFake::start();
    let world = World::new(&format!(
        "[monitor]\ninterval = \"1s\"\n[sources.system]\nenabled = false\n[sources.backend]\nurl = \"{}\"\n\
         every = \"1s\"\ntimeout = \"700ms\"\n[[rule]]\nalert = \"MISSED_CYCLES\"\nenabled = false\n",
        fake.url()
    ));
    assert_eq!(world.check(), Ran::silent(0));
    let serving = Serving::start(&world);
    let first = serving.data("/monitoring/migration");
    assert_eq!(
        (&first["errorRate"], &first["avgProcessingTime"]),
        (&Value::Null, &Value::Null),
        "nothing to compare with"
    );
    fake.state().minting.complete(30_000);
    fake.state().minting.failed += 1;
    world.check();
    until("the second cycle", || serving.data("/monitoring/migration")["timestamp"] != first["timestamp"]);
    let migration = serving.data("/monitoring/migration");
    assert_eq!(
        (&migration["totalUsers"], &migration["pendingMigrations"], &migration["migratedUsers"]),
        (&json!(9), &json!(2), &json!({ "freshStart": null, "migrationBridge": 7, "legacyHold": null }))
    );
    assert!((migration["successRate"].as_f64().unwrap() - 7.0 / 9.0).abs() < 1e-9, "{migration}");
    assert_eq!(migration["errorRate"], json!(0.5));
    let latency = serving.data("/monitoring/system")["networkLatency"].clone();
    assert!(latency.as_u64().is_some_and(|millis| millis < 5000), "{latency}");
    fake.fail_all(&bad_gateway());
    world.check();
    until("its end", || serving.data("/monitoring/system")["networkLatency"].is_null());
    assert_eq!(serving.data("/monitoring/migration")["totalUsers"], Value::Null, "what it said before is not what is");
    let health = serving.data("/monitoring/health-checks");
    let backend = health["healthChecks"].as_array().unwrap().iter().find(|check| check["component"] == "backend");
    assert_eq!(backend.unwrap()["status"], "OFFLINE");
}
