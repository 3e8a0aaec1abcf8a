//! `rules list` and `rules export`: the rules in effect for people, for scripts and for Prometheus.

use std::process::Command;

use crate::world::World;

/// Two probes of different severities beside the rule on the queue.
const PROBES: &str = r#"
[probes.site.http]
url = "http://127.0.0.1:1/"
severity = "CRITICAL"

[[rule]]
alert = "PROBE_FAILED"
enabled = true
"#;

/// The configuration of most tests, with the rule that it switches off.
fn world() -> World {
    let config = crate::world::QUEUE.replace("[[rule]]\nalert = \"PROBE_FAILED\"\nenabled = false\n", "");
    World::new(&format!("{config}{PROBES}"))
}

#[test]
fn rules_are_listed_with_their_origin() {
    let world = world();
    let ran = world.run(&["rules", "list"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<Vec<&str>> = ran.out.lines().map(|line| line.split('\t').collect()).collect();
    let of = |name: &str| lines.iter().find(|line| line[0] == name).unwrap()[1..].to_vec();
    let origin = of("QUEUE_LONG")[2].to_owned();
    assert!(origin.contains("config.toml:"), "{origin}");
    assert_eq!(of("QUEUE_LONG"), ["HIGH > 10", "-", &origin, "queue_depth"]);
    let origin = of("PROBE_FAILED")[2];
    assert!(origin.starts_with("shipped, adjusted in "), "{origin}");
    assert_eq!(of("PROBE_FAILED")[..2], ["HIGH == 0, CRITICAL == 0", "-"]);
    assert_eq!(of("HIGH_DISK_USAGE"), ["HIGH > 90 %, CRITICAL > 95 %", "5m", "shipped", "system_disk_usage_ratio"]);

    let json = world.run(&["rules", "list", "--json"]).json();
    let disk = json.as_array().unwrap().iter().find(|rule| rule["name"] == "HIGH_DISK_USAGE").unwrap();
    let rung = |severity: &str, text: &str, limit: f64, clear: f64| {
        serde_json::json!({
            "severity": severity, "limit_text": text, "limit": limit, "clear": clear, "for": "5m", "keep_firing_for": "0s",
        })
    };
    let wanted = serde_json::json!({
        "name": "HIGH_DISK_USAGE", "expr": "system_disk_usage_ratio", "when": null, "unit": "ratio", "origin": "shipped",
        "severities": [rung("HIGH", "> 90 %", 0.9, 0.85), rung("CRITICAL", "> 95 %", 0.95, 0.92)],
    });
    assert_eq!(*disk, wanted);
}

#[test]
fn metrics_are_listed_without_a_configuration() {
    let world = World::empty();
    let ran = world.run(&["rules", "list", "--metrics"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(
        lines[0].starts_with("ALERTS\tcount\tgauge\talertname, alertstate, severity\trules\t1 for each"),
        "{}",
        lines[0]
    );
    let usage = "system_disk_usage_ratio\tratio\tgauge\tmount\tsystem\tUsed part of what ordinary users can fill, as df shows it.";
    assert!(lines.contains(&usage));
    let json = world.run(&["rules", "list", "--metrics", "--json"]).json();
    assert_eq!(json.as_array().unwrap().len(), lines.len());
    assert_eq!(json[0]["name"], "ALERTS");
}

#[test]
fn rules_are_exported_with_the_inhibit_rules_beside_them() {
    let world = world();
    let ran = world.run(&["rules", "export", "--format", "prometheus"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("# Alerting rules of sippar-mon for Prometheus"));
    let inhibit = world.run(&["rules", "export", "--inhibit-rules"]);
    assert!(inhibit.out.starts_with("inhibit_rules:\n  - source_matchers: [\"alertname"), "{inhibit:?}");
    let comment = format!("# {}\n", inhibit.out.lines().collect::<Vec<_>>().join("\n# "));
    assert!(ran.out.ends_with(&comment));
    let count = |json: serde_json::Value, key: &str| json[key].as_array().unwrap().len();
    let json = world.run(&["rules", "export", "--json"]).json();
    assert_eq!(count(json["groups"][0].clone(), "rules"), ran.out.matches("- alert: ").count());
    let json = world.run(&["rules", "export", "--inhibit-rules", "--json"]).json();
    assert_eq!(count(json, "inhibit_rules"), inhibit.out.matches("- source_matchers: ").count());
}

#[test]
#[ignore = "needs promtool; run by .ci/run"]
fn prometheus_loads_the_export() {
    for world in [World::empty(), world()] {
        let files = [("rules.yml", &["rules", "export"][..]), ("rules.json", &["rules", "export", "--json"])];
        for (file, arguments) in files {
            world.write(file, &world.run(arguments).out, 0o644);
            let check = ["check", "rules", "--lint=all", "--lint-fatal", file];
            let output = Command::new("promtool").args(check).current_dir(world.path("")).output();
            let output = output.expect("promtool is there: apt-get install prometheus");
            assert!(output.status.success(), "{output:?}");
        }
    }
}
