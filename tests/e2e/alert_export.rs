//! `alert export`: what happened becomes a test of the rule, and the test passes.

use std::fs;

use crate::world::World;

/// A world in which one of two queues was long for a while.
fn lived() -> World {
    let world = World::new(
        &crate::world::QUEUE.replace("above = { HIGH = 10 }", "above = { HIGH = 10, CRITICAL = 40 }\nfor = \"1s\""),
    );
    for depth in [0, 15, 15, 15, 50, 50, 50, 2] {
        world.write("queue.prom", &format!("queue_depth{{name=\"a\"}} {depth}\nqueue_depth{{name=\"b\"}} 3\n"), 0o644);
        world.check();
    }
    world
}

#[test]
fn a_past_alert_becomes_a_test_that_passes() {
    let world = lived();
    fs::create_dir(world.path("rules.d")).unwrap();
    let ran = world.run(&["alert", "export", "1", "-o", "rules.d/alert.toml"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let text = fs::read_to_string(world.path("rules.d/alert.toml")).unwrap();
    let table: toml::Table = toml::from_str(&text).unwrap();
    let exported = &table["test"][0];
    let series: Vec<(&String, &toml::Value)> = exported["series"].as_table().unwrap().iter().collect();
    assert_eq!(series.len(), 1, "the other queue has no part in it: {text}");
    assert_eq!(series[0].0, "queue_depth{name=\"a\",probe=\"queue\"}");
    let steps: Vec<&str> = exported["timeline"].as_str().unwrap().lines().collect();
    let said = |what: &str| steps.iter().any(|line| line.contains(what));
    assert!(said("fired HIGH") && said("raised HIGH -> CRITICAL") && said("resolved CRITICAL (cleared)"), "{text}");
    let tested = world.run(&["rules", "test"]);
    assert_eq!(tested.code, 0, "{text}{tested:?}");
    assert!(tested.out.contains("alert 1: QUEUE_LONG"), "{tested:?}");

    // a stricter rule is seen by it
    let config = fs::read_to_string(world.path("config.toml")).unwrap();
    world.configure(&config.replace("CRITICAL = 40", "CRITICAL = 60"));
    assert_eq!(world.run(&["rules", "test"]).code, 1);
    world.configure(&config);

    assert_eq!(world.run(&["alert", "export", "1"]).out, text);
    assert_eq!(world.run(&["alert", "export", "1", "-o", "rules.d/alert.toml"]).code, 73, "what is there stays");
    assert_eq!(world.run(&["alert", "export", "9"]).code, 64);
    world.configure(&config.replace("QUEUE_LONG", "QUEUE_OTHER"));
    assert_eq!(world.run(&["alert", "export", "1"]).code, 65, "a test needs its rule");
}
