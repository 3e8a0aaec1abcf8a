//! The bridge's backend, watched by the whole program: a fake that speaks as the real one does, and breaks.

use serde_json::{Value, json};

use crate::support::backend::{BackendFake, bad_gateway, body, json_answer};
use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack, told};

/// A world with nothing but the backend, at ticks of a second.
fn world(fake: &BackendFake, more: &str) -> World {
    World::new(&format!(
        "[monitor]\ninterval = \"1s\"\n[sources.system]\nenabled = false\n[sources.backend]\nurl = \"{}\"\n\
         every = \"1s\"\ntimeout = \"700ms\"\n{more}",
        fake.url()
    ))
}

/// The value of a series at the last cycle.
fn query(world: &World, expr: &str) -> Value {
    world.run(&["query", "--json", expr]).json()
}

/// What `collect --json` says of one series: its value, or its reason.
fn collected(world: &World, metric: &str, labels: &Value) -> Value {
    let rows = world.run(&["collect", "--json", "--source", "backend"]).json();
    let rows = rows.as_array().unwrap();
    let row = rows.iter().find(|row| row["metric"] == metric && row["labels"] == *labels);
    let row = row.unwrap_or_else(|| panic!("no {metric} {labels}"));
    assert_eq!(row["source"], "backend");
    if row["value"].is_null() { row["reason"].clone() } else { row["value"].clone() }
}

#[test]
fn a_backend_that_stops_is_told_of_with_the_reason_and_so_is_its_return() {
    let (fake, chat) = (BackendFake::start(), HttpFake::start([Answer::new(200, "ok")]));
    let soon = "[[rule]]\nalert = \"BACKEND_DOWN\"\nfor = \"0s\"\n";
    let world = world(&fake, &format!("{soon}{}", slack(&chat)));
    assert_eq!(world.check(), Ran::silent(0));
    fake.fail_all(&bad_gateway());
    assert_eq!(world.check(), Ran::silent(2));
    fake.heal();
    assert_eq!(world.check(), Ran::silent(0));
    let down = "BACKEND_DOWN: The bridge's backend does not answer | id 1-1";
    let up = "BACKEND_DOWN: No longer: The bridge's backend does not answer | id 1-2";
    assert_eq!(told(&chat), [format!("[CRITICAL] {down}"), format!("[CRITICAL] Resolved: {up}")]);
    let cause = "Cause: no endpoint can be used: GET /health: HTTP 502, not JSON but text/html.";
    assert!(chat.seen()[0].json().to_string().contains(cause), "{}", chat.seen()[0].json());
}

#[test]
fn a_restart_makes_no_negative_rates_and_no_false_errors() {
    let (fake, chat) = (BackendFake::start(), HttpFake::start([Answer::new(200, "ok")]));
    fake.state().minting.failed = 9;
    let world = world(&fake, &slack(&chat));
    for _ in 0..2 {
        assert_eq!(world.check(), Ran::silent(0));
    }
    for _ in 0..6 {
        fake.state().minting.complete(30_000);
    }
    assert_eq!(world.check(), Ran::silent(0));
    fake.restart();
    for _ in 0..2 {
        assert_eq!(world.check(), Ran::silent(0));
    }
    assert_eq!(told(&chat), [""; 0]);
    let total =
        |outcome: &str| query(&world, &format!("sum(bridge_jobs_total{{outcome='{outcome}'}})"))[0]["value"].clone();
    assert_eq!((total("completed"), total("failed")), (json!(6.0), json!(0.0)), "what was done stays done");
    assert_eq!(query(&world, "increase(bridge_jobs_total[5m]) < 0"), json!([]));
    assert_eq!(query(&world, "bridge_migration_rate_per_hour")[0]["reason"], "warming_up");

    for _ in 0..3 {
        fake.state().minting.complete(30_000);
    }
    fake.state().minting.failed = 8;
    assert_eq!(world.check(), Ran::silent(2), "eight of seventeen, those before the restart included");
    assert_eq!(told(&chat).len(), 1);
    assert!(told(&chat)[0].starts_with("[CRITICAL] HIGH_MIGRATION_ERROR_RATE: "), "{}", told(&chat)[0]);
}

#[test]
fn one_endpoint_that_is_missing_costs_only_its_own_figures() {
    let fake = BackendFake::start();
    let world = world(&fake, "");
    assert_eq!(world.check(), Ran::silent(0));
    fake.fail("/reserves/status", Answer::new(404, r#"{"success":false,"error":"Endpoint not found"}"#));
    assert_eq!(world.check(), Ran::silent(0), "no rule needs what is unknown now");
    let none = json!({});
    let gone = "GET /reserves/status: HTTP 404: Endpoint not found";
    assert_eq!(collected(&world, "backend_claimed_reserve_ratio", &none), gone);
    assert_eq!(collected(&world, "bridge_failed_registrations", &none), 0.0);
    fake.fail("/deposits/monitoring-stats", bad_gateway());
    assert_eq!(world.check(), Ran::silent(3), "a rule needs what is unknown now");
    let dry = world.run(&["check", "--dry-run"]).out;
    assert!(dry.contains(&format!("backend: {gone}; GET /deposits/monitoring-stats: HTTP 502")), "{dry}");
}

#[test]
fn wrong_types_are_named_with_their_place() {
    let fake = BackendFake::start();
    let world = world(&fake, "");
    let mut reserves = body(&fake.state(), "/reserves/status").unwrap();
    reserves["data"]["reserveRatio"] = json!("1.0");
    fake.fail("/reserves/status", json_answer(200, &reserves));
    let none = json!({});
    let wrong = "data.reserveRatio: expected number, got string";
    assert_eq!(collected(&world, "backend_claimed_reserve_ratio", &none), wrong);
    assert_eq!(collected(&world, "backend_paused", &none), 0.0);
    let shown = world.run(&["collect", "--source", "backend"]).out;
    assert!(shown.contains(&format!("unknown: {wrong}\n")), "{shown}");
}

#[test]
fn hostile_words_reach_no_terminal_and_no_channel_as_they_are() {
    let (fake, chat) = (BackendFake::start(), HttpFake::start([Answer::new(200, "ok")]));
    let soon = "[[rule]]\nalert = \"BACKEND_DOWN\"\nfor = \"0s\"\n";
    let world = world(&fake, &format!("{soon}{}", slack(&chat)));
    let evil = format!("\u{1b}]0;owned\u{7}\r\nSeverity: LOW <!channel> \u{202e}{}", "A".repeat(100_000));
    fake.fail_all(&json_answer(500, &json!({ "success": false, "error": evil })));
    assert_eq!(world.check(), Ran::silent(2));
    for args in [&["collect", "--source", "backend"][..], &["check", "--dry-run"], &["alert", "show", "1"]] {
        let out = world.run(args).out;
        assert!(!out.contains(['\u{1b}', '\u{7}', '\r', '\u{202e}']), "{out:?}");
        assert!(!out.contains("\nSeverity: LOW") && out.len() < 20_000, "{out}");
    }
    let post = chat.seen()[0].json().to_string();
    assert!(post.contains("&lt;!channel&gt;") && !post.contains("<!channel>") && post.len() < 10_000, "{post}");
}

#[test]
fn on_a_plain_machine_no_rule_of_the_bridge_says_anything() {
    let world = World::new("[monitor]\ninterval = \"1s\"\n");
    world.check();
    for args in [&["status", "--all"][..], &["check", "--dry-run"], &["alert", "list"], &["rules", "check"]] {
        let ran = world.run(args);
        for rule in ["BACKEND_DOWN", "MIGRATION", "WITHDRAWAL_STUCK", "REGISTRATION_FAILED"] {
            assert!(!ran.out.contains(rule) && !ran.err.contains(rule), "{args:?}: {ran:?}");
        }
    }
    let backend = world.run(&["collect", "--source", "backend"]);
    assert_eq!(
        (backend.code, backend.err.as_str()),
        (64, "sippar-mon: there is no source backend\n  help: the sources are: system\n")
    );
}
