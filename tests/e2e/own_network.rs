//! The machine that watches is cut off: one word, by whatever still works, and none about what cannot be reached.

use std::fs;

use crate::world::{Ran, World};

#[test]
fn what_cannot_be_reached_is_withheld_and_shown_while_the_network_is_down() {
    let world = World::new(
        r#"
[sources.system]
enabled = false
[sources.network]
targets = ["127.0.0.1:1", "224.0.0.1:1"]
[probes.far.tcp]
address = "224.0.0.1:9"
attempts = 1
[probes.near.tcp]
address = "127.0.0.1:1"
attempts = 1
[channels.duty.exec]
command = ["@tell.sh"]
[[rule]]
alert = "OWN_NETWORK_DOWN"
for = "0s"
"#,
    );
    let told = world.path("told.txt").display().to_string();
    world.write("tell.sh", &format!("#!/bin/sh\necho \"$(cat)\" >> {told}\n"), 0o755);
    assert_eq!(world.run(&["check"]), Ran::silent(1));
    let told = fs::read_to_string(told).unwrap();
    let told = told.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut told: Vec<String> =
        told.map(|json| format!("{} {}", json["alert"].as_str().unwrap(), json["labels"]["probe"])).collect();
    told.sort();
    assert_eq!(told, ["OWN_NETWORK_DOWN null", "PROBE_FAILED \"near\""]);
    let alerts = world.run(&["alert", "list", "--json"]).json();
    let withheld = |wanted: &str| {
        let mut alerts = alerts.as_array().unwrap().iter();
        alerts.find(|alert| alert["labels"]["probe"] == wanted).unwrap()["withheld"].clone()
    };
    assert_eq!(withheld("far"), "a consequence of OWN_NETWORK_DOWN");
    assert_eq!(withheld("near"), serde_json::Value::Null);
    let cause = "Cause: 127.0.0.1:1: connection refused; 224.0.0.1:1: the network cannot be reached.";
    let posted = fs::read_to_string(world.path("told.txt")).unwrap();
    assert!(posted.contains(cause), "{posted}");
    let measured = world.run(&["collect", "--source", "network", "--json"]).json();
    assert_eq!((&measured[0]["metric"], &measured[0]["value"]), (&"monitor_network_up".into(), &0.0.into()));
}
