//! `rules backtest`: the past gives the same once more, and other rules give something else.

use std::fs;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::http::{Answer, HttpFake};
use crate::world::{World, slack, until};

/// A second opinion with patience, one that falls back slowly, one on what fires, and one that cannot be evaluated.
const MORE: &str = r#"
[[rule]]
alert = "QUEUE_STUCK"
expr = "queue_depth"
above = { MEDIUM = 12, CRITICAL = 30 }
clear = { MEDIUM = 5, CRITICAL = 20 }
for = { MEDIUM = "3s", CRITICAL = "1s" }
keep_firing_for = "1s"

[[rule]]
alert = "QUEUE_MEAN"
expr = "avg_over_time(queue_depth[4s])"
above = { HIGH = 15 }

[[rule]]
alert = "TROUBLE"
expr = 'count(ALERTS{alertstate="firing",alertname!="TROUBLE"}) > 1'
severity = "LOW"
"#;

/// What happened in each episode, as the database of the live cycles has it: `[rule, time, what, severity, value]`.
fn lived(world: &World) -> Vec<Value> {
    let connection = Connection::open(world.database()).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT a.rule, strftime('%Y-%m-%dT%H:%M:%SZ', t.tick / 1000, 'unixepoch'), t.kind, t.severity, t.value
             FROM transition t JOIN alert a ON a.id = t.alert ORDER BY a.rule, t.id",
        )
        .unwrap();
    let rows = statement.query_map([], |row| {
        let text = |at| row.get::<_, String>(at);
        Ok(json!([text(0)?, text(1)?, text(2)?, text(3)?, row.get::<_, Option<f64>>(4)?]))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// The same of a backtest.
fn replayed(report: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for rule in report["rules"].as_array().unwrap() {
        for episode in rule["episodes"].as_array().unwrap() {
            for step in episode["transitions"].as_array().unwrap() {
                all.push(json!([rule["rule"], step["time"], step["what"], step["severity"], step["value"]]));
            }
        }
    }
    all.sort_by_key(|one| one[0].to_string());
    all
}

/// A queue with a story: it grows, is not measured, nobody looks for a while, it shrinks and grows again.
fn told_world(fake: &HttpFake) -> World {
    let world = World::with_queue(&format!("{MORE}{}", slack(fake)));
    for depth in [0, 15, 15, 15, 15, 35, 35, 7, 7, 2, 2, 15] {
        world.queue(depth);
        look(&world);
    }
    fs::remove_file(world.path("queue.prom")).unwrap();
    look(&world);
    look(&world);
    world.queue(15);
    look(&world);
    // more than two intervals, so that what is pending has to wait for longer
    for _ in 0..4 {
        world.next_tick();
        world.ticked();
    }
    for depth in [15, 15, 15, 40, 0, 0, 0] {
        world.queue(depth);
        look(&world);
    }
    world
}

/// One cycle; to those who count messages a minute passes after it.
fn look(world: &World) {
    world.check();
    world.change("UPDATE attempt SET started = started - 61000");
}

#[test]
fn the_stored_past_gives_what_the_live_cycles_gave_and_other_rules_something_else() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = told_world(&fake);
    let told = fake.seen().len();
    assert!(told > 4, "{told} notifications");
    let ran = world.run(&["rules", "backtest", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let report = ran.json();
    let lived = lived(&world);
    assert!(lived.len() >= 14, "the story is too short to prove anything: {lived:?}");
    assert_eq!(replayed(&report), lived);
    assert_eq!(report["gaps"], 1);
    assert_eq!(report["total"]["notifications"]["slack"], told, "whoever was told then is told now, in numbers");
    assert_eq!(fake.seen().len(), told, "and nobody hears of it");

    // patience makes it quiet, and the difference is what the others lose
    let patient = "[[rule]]\nalert = \"QUEUE_LONG\"\nexpr = \"queue_depth\"\nabove = { HIGH = 10 }\nfor = \"1h\"\n";
    world.write("patient.toml", patient, 0o644);
    let ran = world.run(&["rules", "backtest", "--rules", "patient.toml", "--diff", "--json"]);
    let diff = ran.json();
    let rules = |which: &str| -> Vec<String> {
        let found = diff[which].as_array().unwrap();
        found.iter().map(|episode| episode["rule"].as_str().unwrap().to_owned()).collect()
    };
    let of_queue = report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == "QUEUE_LONG").unwrap();
    let vanished = rules("vanish").iter().filter(|rule| *rule == "QUEUE_LONG").count();
    assert_eq!(json!(vanished), of_queue["count"], "{diff}");
    assert!(rules("appear").is_empty(), "{diff}");
}

#[test]
fn a_budget_is_held() {
    let world = World::with_queue("");
    for depth in [15, 0, 15, 0] {
        world.queue(depth);
        world.check();
    }
    for (most, code) in [("2", 0), ("1.9", 1), ("0", 1)] {
        assert_eq!(world.run(&["rules", "backtest", "--max-per-day", most]).code, code, "{most}");
    }
    let page = world.run(&["rules", "backtest", "--max-per-day", "1"]);
    assert!(page.out.contains("QUEUE_LONG has 2.00 episodes a day, more than 1.00\n"), "{page:?}");
    assert!(page.out.contains("\n1 of "), "{page:?}");
    assert!(page.out.contains("nobody told"), "{page:?}");
    assert_eq!(world.run(&["rules", "backtest", "--max-per-day", "-1"]).code, 64);
    assert_eq!(world.run(&["rules", "backtest", "--since", "soon"]).code, 64);
    assert_eq!(world.run(&["rules", "backtest", "--diff"]).code, 64, "a difference needs two sets");
    world.write("bad.toml", "[[rule]]\nalert = \"X\"\nexpr = \"queue_depth >\"\nseverity = \"LOW\"\n", 0o644);
    assert_eq!(world.run(&["rules", "backtest", "--rules", "bad.toml"]).code, 65);
}

#[test]
fn without_a_past_there_is_a_way_out() {
    let world = World::with_queue("");
    let ran = world.run(&["rules", "backtest"]);
    assert_ne!(ran.code, 0);
    until("a first cycle", || world.check().code == 0);
    let ran = world.run(&["rules", "backtest"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("0 of ") && ran.out.contains("rules fired: 0 episodes, 0 notifications"), "{ran:?}");
}
