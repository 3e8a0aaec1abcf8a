//! `status --from`: other machines by their dashboards, good ones and those that cannot be read.

use std::time::{Duration, Instant};

use crate::serving::Serving;
use crate::support::http::{Answer, HttpFake, Manner};
use crate::world::{Ran, World};

/// A dashboard's answer.
fn dashboard(host: &str, state: &str, active: &str, more: &str) -> Answer {
    Answer::new(
        200,
        format!(
            r#"{{"success":true,"data":{{"monitor":{{"name":"Sippar bridge","environment":"prod","host":"{host}","state":"{state}"}},
            "reserves":{{"reserveRatio":1.0123}},"alerts":{{"active":[{active}]}}}},"timestamp":"2026-11-26T15:00:00Z",{more}}}"#
        ),
    )
}

const FRESH: &str = r#""stale":false,"age_seconds":12.5"#;

#[test]
fn a_line_for_each_machine_and_the_worst_code() {
    let fine = HttpFake::start([dashboard("a", "ok", "", FRESH)]);
    let high = HttpFake::start([dashboard(
        "b",
        "high",
        r#"{"type":"HIGH_DISK_USAGE","severity":"HIGH","acknowledgedBy":null}"#,
        FRESH,
    )]);
    let stale = HttpFake::start([dashboard("c", "unknown", "", r#""stale":true,"age_seconds":250"#)]);
    let world = World::empty();
    let (a, b, c) = (fine.url(""), high.url("/"), stale.url("/monitoring/dashboard"));
    let ran = world.run(&["status", "--from", &a, &b]);
    let high_line =
        format!("high\t{}\tSippar bridge (prod)\tb\t1.0123\t1\t12.5\tHIGH_DISK_USAGE\n", b.trim_end_matches('/'));
    let fine_line = format!("ok\t{a}\tSippar bridge (prod)\ta\t1.0123\t0\t12.5\t\n");
    assert_eq!(ran, Ran { code: 1, out: format!("{fine_line}{high_line}"), err: String::new() });
    assert_eq!(fine.seen()[0].path, "/monitoring/dashboard");
    assert_eq!(fine.seen()[0].header("authorization"), None);
    let ran = world.run(&["status", "--from", &c, "--from", &a]);
    let base = c.strip_suffix("/monitoring/dashboard").unwrap();
    let stale_line =
        format!("unknown\t{base}\tSippar bridge (prod)\tc\t1.0123\t0\t250\tnothing has been checked for 4 min 10 s\n");
    assert_eq!(ran, Ran { code: 3, out: format!("{stale_line}{fine_line}"), err: String::new() });
    let ran = world.run(&["status", "--from", &a, &b, &c, "--format", "nagios"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, "SIPPAR UNKNOWN - a ok, b high, c unknown\n"));
    let rows = world.run(&["status", "--json", "--from", &b]).json();
    assert_eq!(
        rows,
        serde_json::json!([{
            "url": b.trim_end_matches('/'), "state": "high", "name": "Sippar bridge (prod)", "host": "b",
            "reserve_ratio": 1.0123, "backing_health": null, "firing": 1, "first": "HIGH_DISK_USAGE", "stale": false,
            "age_seconds": 12.5, "error": null
        }])
    );
}

#[test]
fn what_cannot_be_read_says_why_within_the_deadline() {
    let silent = HttpFake::start([Answer::new(200, "").manner(Manner::Silence)]);
    let refused = HttpFake::start([Answer::new(503, r#"{"success":false,"error":"the database is gone\u001b[2J"}"#)]);
    let page = HttpFake::start([Answer::new(404, "<html>")]);
    let mut world = World::empty();
    world.set("SIPPAR_MON_TOKEN", "canary");
    let begun = Instant::now();
    let urls = [silent.url(""), refused.url(""), page.url(""), "http://127.0.0.1:9".to_owned()];
    let arguments: Vec<&str> = ["status", "--from"].into_iter().chain(urls.iter().map(String::as_str)).collect();
    let ran = world.run(&arguments);
    assert!(begun.elapsed() < Duration::from_secs(15));
    let remarks: Vec<&str> = ran.out.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
    assert_eq!((ran.code, remarks.len()), (3, 4), "{ran:?}");
    assert!(remarks[0].starts_with("no answer within "), "{ran:?}");
    assert_eq!(remarks[1..], [r"the database is gone\u{1b}[2J", "it answers 404", "connection refused"]);
    assert!(!ran.out.contains("canary"));
    assert_eq!(refused.seen()[0].header("authorization"), Some("Bearer canary"));
}

#[test]
fn addresses_that_would_give_something_away_are_refused() {
    let world = World::empty();
    for (url, what) in [
        ("http://example.org", "plain http to another machine can be read and changed on the way"),
        ("https://eva:secret@example.org", "an address with a name or password in it"),
        ("ftp://example.org", "not an address that begins with http:// or https://"),
    ] {
        let ran = world.run(&["status", "--from", url]);
        assert!(ran.code == 64 && ran.err.contains(what) && !ran.err.contains("secret"), "{ran:?}");
    }
}

#[test]
fn a_real_server_is_read() {
    let world = World::with_queue("");
    assert_eq!(world.check().code, 0);
    let server = Serving::start(&world);
    let url = format!("http://{}", server.at);
    // its interval is a second, so by now it may be stale: the row says so and is whole
    let rows = World::empty().run(&["status", "--json", "--from", &url]).json();
    assert_eq!(
        (&rows[0]["error"], &rows[0]["name"], &rows[0]["firing"]),
        (&serde_json::Value::Null, &"Sippar bridge".into(), &0.into())
    );
    assert!(rows[0]["age_seconds"].as_f64().unwrap() < 60.0, "{rows}");
}
