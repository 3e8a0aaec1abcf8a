//! A clock that goes back behind the last check: what was measured then is not of now.

use serde_json::Value;

use crate::serving::Serving;
use crate::world::{Ran, World};

/// 08:00 UTC.
const BEGIN: i64 = 1_795_420_800_000;

/// The world at so many minutes.
fn at(world: &mut World, minutes: i64) {
    world.set("SIPPAR_MON_CLOCK", &(BEGIN + minutes * 60_000).to_string());
}

#[test]
fn a_last_check_in_the_future_is_stale_until_the_next_one() {
    let mut world = World::with_queue("");
    at(&mut world, 104);
    assert_eq!(world.run(&["check"]), Ran::silent(0));
    at(&mut world, 0);
    let status = world.run(&["status", "--json"]);
    let json = status.json();
    assert_eq!((status.code, &json["stale"], &json["age_seconds"]), (3, &Value::Bool(true), &Value::Null));
    let nagios = world.run(&["status", "--format", "nagios"]);
    let words = "the last check is 1 h 44 min in the future: the clock went back";
    assert!(nagios.out.starts_with(&format!("SIPPAR UNKNOWN - {words}")), "{nagios:?}");
    let doctor = world.run(&["doctor"]);
    assert!(doctor.out.contains(words) && !doctor.out.contains("0 ms ago"), "{doctor:?}");
    {
        let serving = Serving::start(&world);
        let health = serving.get("/health");
        assert_eq!((health.status, health.json()["age_seconds"].clone()), (503, Value::Null));
        assert!(serving.get("/metrics").text().contains("sippar_mon_stale 1\n"));
        let page = serving.get("/");
        let page = page.text();
        assert!(page.contains("The last check is 1 h 44 min in the future") && page.contains("<strong>stale</strong>"));
    }
    assert_eq!(world.run(&["check"]).code, 0);
    let json = world.status();
    assert_eq!((&json["stale"], json["age_seconds"].is_number()), (&Value::Bool(false), true));
    let serving = Serving::start(&world);
    assert_eq!(serving.get("/health").status, 200);
}

#[test]
fn what_is_printed_of_a_monitor_that_stopped_is_said_to_be_old() {
    let mut world = World::with_queue("");
    world.queue(50);
    at(&mut world, 5);
    assert_eq!(world.run(&["check"]).code, 1);
    assert_eq!(world.run(&["status"]).err, "");
    at(&mut world, 15);
    let (begins, ends) =
        ("sippar-mon: nothing has been checked for ", "; this is how it was at 2026-11-23T08:05:00Z\n");
    for (args, code) in [(&["status"][..], 3), (&["alert", "list"], 0), (&["alert", "show", "1"], 0)] {
        let ran = world.run(args);
        assert!(ran.code == code && ran.err.starts_with(begins) && ran.err.ends_with(ends), "{args:?}: {ran:?}");
    }
}

#[test]
fn a_backtest_begins_with_the_first_cycle_also_where_its_day_is_sealed() {
    let mut world = World::with_queue("");
    let config = std::fs::read_to_string(world.path("config.toml")).unwrap();
    world.configure(&config.replace("interval = \"1s\"", "interval = \"1m\""));
    for minute in [0, 1, 2, 200, 201, 1600, 1601, 1602, 1603] {
        at(&mut world, minute);
        assert_eq!(world.run(&["check"]).code, 0);
    }
    let hours = "SELECT min(start), max(hours) FROM chunk";
    let sealed = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let sealed = rusqlite::Connection::open(world.database()).unwrap().query_row(hours, [], sealed).unwrap();
    assert_eq!(sealed, (BEGIN - 8 * 3_600_000, 24), "the first day is one chunk from midnight on");
    let report = world.run(&["rules", "backtest", "--json"]).json();
    assert_eq!(
        (&report["from"], &report["cycles"]),
        (&Value::from("2026-11-23T08:00:00Z"), &Value::from(9)),
        "{report}"
    );
    let doctor = world.run(&["doctor"]);
    assert!(doctor.out.contains("oldest sample 2026-11-23 08:00;"), "{doctor:?}");
}
