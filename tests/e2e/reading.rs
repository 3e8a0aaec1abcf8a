//! Commands that only look: `query`, `collect`, `check --dry-run`.

use std::collections::BTreeSet;

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack};

#[test]
fn a_query_answers_from_what_is_stored() {
    let world = World::with_queue("");
    world.queue(7);
    world.check();
    let out = |args: &[&str]| {
        let ran = world.run(args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        ran.out
    };
    let time = world.run(&["query", "--json", "queue_depth"]).json()[0]["time"].as_str().unwrap().to_owned();
    assert_eq!(out(&["query", "queue_depth"]), format!("queue_depth{{probe=\"queue\"}}\t7\t\t{time}\t\n"));
    assert_eq!(out(&["query", "sum(queue_depth) * 6"]), format!("{{}}\t42\t\t{time}\t\n"));
    assert_eq!(out(&["query", "1 + 1"]), format!("{{}}\t2\t\t{time}\t\n"));
    assert_eq!(out(&["query", "probe_success"]), format!("probe_success{{probe=\"queue\"}}\t1\tbool\t{time}\t\n"));
    let since = out(&["query", "queue_depth", "--since", "10s"]);
    assert_eq!(since, format!("queue_depth{{probe=\"queue\"}}\t7\t\t{time}\t\t7\t7\n"));
    let row = serde_json::json!({
        "metric": "queue_depth", "labels": {"probe": "queue"}, "value": 7.0, "reason": null, "unit": null, "time": time,
    });
    assert_eq!(world.run(&["query", "--json", "queue_depth"]).json(), serde_json::json!([row]));
    let mut past = row;
    past["samples"] = serde_json::json!([[time, 7.0]]);
    assert_eq!(world.run(&["query", "--json", "queue_depth", "--since", "9y"]).json(), serde_json::json!([past]));
    assert_eq!(world.run(&["query", "0 / 0", "--json"]).json()[0]["reason"], "NaN");

    let err = "nothing (every 1s a cycle is stored; `sippar-mon rules list --metrics` lists the metrics)\n";
    assert_eq!(world.run(&["query", "no_such_metric"]), Ran { code: 0, out: String::new(), err: err.to_owned() });
    assert_eq!(
        world.run(&["query", "no_such_metric", "--json"]),
        Ran { code: 0, out: "[]\n".to_owned(), err: String::new() }
    );
    let ran = world.run(&["query", "sum(queue_depth"]);
    let err = "error: this parenthesis is never closed\n --> <expression>:1:4\n  |\n1 | sum(queue_depth\n  |    ^\n  |\n  \
               = help: add the missing `)`\nsippar-mon: this is not an expression that can be evaluated\n";
    assert_eq!(ran, Ran { code: 65, out: String::new(), err: err.to_owned() });
}

#[test]
fn collect_measures_and_leaves_nothing_behind() {
    let world = World::empty();
    let ran = world.run(&["collect", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let readings = ran.json();
    let readings = readings.as_array().unwrap();
    let keys = ["age", "labels", "metric", "reason", "source", "time", "unit", "value"];
    for reading in readings {
        let have: BTreeSet<&str> = reading.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(have, BTreeSet::from(keys));
        assert_eq!(reading["value"].is_null(), reading["reason"].is_string(), "{reading}");
    }
    let cpu = readings.iter().find(|reading| reading["metric"] == "system_cpu_usage_ratio").unwrap();
    assert!(cpu["value"].is_number(), "it looks twice: {cpu}");
    assert_eq!((&cpu["unit"], &cpu["source"]), (&"ratio".into(), &"system".into()));
    assert!(!world.database().exists());

    let ran = world.run(&["collect", "--source", "sytem"]);
    let err = "sippar-mon: there is no source sytem\n  help: did you mean system?\n".to_owned();
    assert_eq!(ran, Ran { code: 64, out: String::new(), err });
}

#[test]
fn a_dry_run_shows_what_would_be_and_does_none_of_it() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let world = World::with_queue(&slack(&fake));
    world.queue(50);
    let ran = world.run(&["check", "--dry-run"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.out.contains("firing HIGH"), "{}", ran.out);
    assert!(ran.out.ends_with("state HIGH (exit 1)\n"), "{}", ran.out);
    assert!(fake.seen().is_empty() && !world.database().exists());
}

#[test]
fn status_speaks_to_scripts_and_to_nagios() {
    let world = World::with_queue("");
    world.queue(50);
    world.check();
    let ran = world.run(&["status"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("high\tQUEUE_LONG{probe=\"queue\"}\t50\t> 10\t20"), "{}", ran.out);
    let nagios = world.run(&["status", "--format", "nagios"]);
    assert!(nagios.out.lines().count() == 1 && nagios.out.contains("QUEUE_LONG"), "{nagios:?}");
    assert_eq!(nagios.code, 1);
}

#[test]
fn lines_of_a_probe_that_are_not_used_are_named_where_somebody_wants_to_know() {
    let world = World::with_queue("");
    world.write("queue.prom", "queue_depth 1\nALERTS 1\n", 0o644);
    let line = "sippar-mon: probe/queue: 1 line is not used: line 2: a metric of the monitor itself has this name\n";
    let ran = world.run(&["collect", "-v", "--source", "probe/queue"]);
    assert!(ran.code == 0 && ran.err.ends_with(line) && !ran.out.contains("ALERTS"), "{ran:?}");
    assert_eq!(world.run(&["collect", "--source", "probe/queue"]).err, "");
}
