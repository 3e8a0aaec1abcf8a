//! A source that stops answering: what is not measured changes nothing, and says so.

use crate::support::http::{Answer, HttpFake};
use crate::world::{Ran, World, slack, told};

/// A backend whose queue a rule watches.
pub fn backend_config(backend: &HttpFake) -> String {
    format!(
        r#"
[monitor]
interval = "1s"

[sources.system]
enabled = false

[probes.backend.http]
url = "{}"
json = "/depth"
attempts = 1
timeout = "700ms"

[[rule]]
alert = "PROBE_FAILED"
enabled = false

[[rule]]
alert = "BACKEND_LONG"
expr = "probe_value"
above = {{ HIGH = 10 }}
summary = "depth {{{{ value }}}}"
"#,
        backend.url("/queue")
    )
}

fn depth(depth: u32) -> Answer {
    Answer::new(200, format!("{{\"depth\": {depth}}}"))
}

#[test]
fn a_firing_alert_holds_while_its_source_is_silent() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let backend = HttpFake::start([depth(50)]);
    let world = World::new(&format!("{}{}", backend_config(&backend), slack(&fake)));
    let fired = "[HIGH] BACKEND_LONG: depth 50 | id 1-1";
    assert_eq!(world.check(), Ran::silent(1));
    assert_eq!(told(&fake), [fired]);

    backend.now_answer([Answer::new(502, "no")]);
    for _ in 0..2 {
        let ran = world.check();
        assert!(ran == Ran::silent(1) || ran == Ran::silent(3), "{ran:?}");
    }
    let alerts = world.run(&["alert", "list", "--json"]).json();
    assert_eq!(alerts[0]["state"], "firing");
    assert!(alerts[0]["notMeasuredSince"].is_string(), "{alerts}");
    let list = world.run(&["alert", "list"]).out;
    assert!(list.starts_with("1\tfiring\tHIGH\t") && list.contains("\tslack\tnot measured since 20"), "{list}");
    let show = world.run(&["alert", "show", "1"]).out;
    assert!(show.contains("\nnot measured since 20"), "{show}");
    assert_eq!(told(&fake), [fired]);

    backend.now_answer([depth(60)]);
    assert_eq!(world.check(), Ran::silent(1));
    assert!(world.run(&["alert", "list", "--json"]).json()[0]["notMeasuredSince"].is_null());
    assert_eq!(told(&fake), [fired], "it is the same trouble as before");

    backend.now_answer([depth(3)]);
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&fake), [fired, "[HIGH] Resolved: BACKEND_LONG: depth 3 | id 1-2"]);
}

/// The rows of `status` about a rule: state, alert, value.
fn rows(world: &World, rule: &str) -> Vec<String> {
    let out = world.run(&["status"]).out;
    let about = out.lines().filter(|line| line.contains(rule));
    about.map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" ").trim_end().to_owned()).collect()
}

#[test]
fn a_firing_alert_is_on_the_screen_also_where_its_rule_as_a_whole_cannot_be_judged() {
    let world = World::with_queue(
        "[[rule]]\nalert = \"GUARDED\"\nexpr = \"queue_depth\"\nwhen = \"queue_depth > 0\"\nabove = { HIGH = 10 }\n",
    );
    world.queue(50);
    assert_eq!(world.check().code, 1);
    let firing = "high GUARDED{probe=\"queue\"}";
    assert_eq!(rows(&world, "GUARDED"), [format!("{firing} 50")]);
    std::fs::remove_file(world.path("queue.prom")).unwrap();
    assert_eq!(world.check().code, 3);
    assert_eq!(rows(&world, "GUARDED"), [firing]);
}

#[test]
fn a_firing_alert_is_on_the_screen_while_it_is_kept_although_its_series_is_gone() {
    let world = World::with_queue(
        "[[rule]]\nalert = \"KEPT\"\nexpr = \"queue_depth\"\nkeep_firing_for = \"1h\"\nabove = { HIGH = 10 }\n",
    );
    world.queue(50);
    assert_eq!(world.check().code, 1);
    world.write("queue.prom", "other 1\n", 0o644);
    assert_eq!(world.check().code, 1);
    assert_eq!(rows(&world, "KEPT"), ["high KEPT{probe=\"queue\"}"]);
}

#[test]
fn a_pending_alert_does_not_ripen_in_the_dark() {
    let fake = HttpFake::start([Answer::new(200, "ok")]);
    let backend = HttpFake::start([depth(50)]);
    let config = backend_config(&backend).replace("above =", "for = \"3s\"\nabove =");
    let world = World::new(&format!("{config}{}", slack(&fake)));
    world.check();
    backend.now_answer([Answer::new(502, "no")]);
    for _ in 0..4 {
        world.check();
    }
    backend.now_answer([depth(50)]);
    // five seconds since it was first seen, but it was seen only at two ticks
    assert_eq!(world.check(), Ran::silent(0));
    assert_eq!(told(&fake), [""; 0]);
    // how many checks it takes depends on how busy this machine is
    while told(&fake).is_empty() {
        world.check();
    }
    assert_eq!(told(&fake), ["[HIGH] BACKEND_LONG: depth 50 | id 1-1"]);
}
