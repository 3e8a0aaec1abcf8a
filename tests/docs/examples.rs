//! What stands in `examples/` works: it loads, runs, or is taken by the program that it is for.

use std::path::Path;
use std::process::{Command, Output};

use super::{PROGRAM, read};

/// Secrets that the examples name.
const SECRETS: [(&str, &str); 6] = [
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x"),
    ("SMTP_PASS", "x"),
    ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
    ("TWILIO_AUTH_TOKEN", "x"),
    ("TWILIO_PHONE_NUMBER", "+41790000001"),
    ("ALERT_PHONE_NUMBERS", "+41790000002"),
];

/// `program` in a home of its own, with the secrets and nothing else.
fn run(program: &str, arguments: &[&str], home: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear().env("PATH", "/usr/bin:/bin");
    command.env("HOME", home).env("SIPPAR_MON", PROGRAM).envs(SECRETS);
    command.env("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef").env("HEARTBEAT_URL", "https://hc-ping.com/x");
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap()
}

#[test]
fn configurations_have_no_fault() {
    let home = tempfile::tempdir().unwrap();
    let machines = ["bridge", "proxy", "builder"].map(|name| format!("examples/three-machines/{name}.toml"));
    for file in machines.iter().map(String::as_str).chain(["examples/production.toml", "examples/minimal.toml"]) {
        let output = run(PROGRAM, &["--config", file, "rules", "check"], home.path());
        // that the environment has channels too is a word without a place
        assert!(output.status.code() == Some(0) && !said(&output).contains("-->"), "{file}\n{}", said(&output));
    }
}

#[test]
fn the_machines_share_rules_that_pass_their_tests() {
    let home = tempfile::tempdir().unwrap();
    let output = run(PROGRAM, &["rules", "test", "examples/three-machines/rules.d/shared.toml"], home.path());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn the_production_machine_names_every_shipped_rule() {
    let text = read("examples/production.toml");
    for line in read("src/rules/shipped.toml").lines().filter(|line| line.starts_with("alert ")) {
        let name = line.split('"').nth(1).unwrap();
        assert!(text.contains(name), "{name}");
    }
}

/// A home in which one probe succeeds or fails, after its first check.
fn checked(program: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/sippar-mon");
    std::fs::create_dir_all(&folder).unwrap();
    let config = format!(
        "[sources.system]\nenabled = false\n\
         [probes.it.exec]\ncommand = [\"{program}\"]\nattempts = 1\nseverity = \"CRITICAL\"\n\
         [routes]\ncritical = []\n[[rule]]\nalert = \"PROBE_FAILED\"\n"
    );
    std::fs::write(folder.join("config.toml"), config).unwrap();
    run(PROGRAM, &["check"], home.path());
    home
}

#[test]
fn the_deploy_gate_opens_and_shuts() {
    let gate = "examples/scripts/deploy-gate.sh";
    for (program, code, word) in [("/bin/true", 0, "go: "), ("/bin/false", 2, "stop: ")] {
        let output = run(gate, &[], checked(program).path());
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).starts_with(word), "{}", said(&output));
    }
    let nobody = tempfile::tempdir().unwrap();
    let output = run(gate, &[], nobody.path());
    assert!(output.status.code() != Some(0) && said(&output).starts_with("stop, "), "{}", said(&output));
}

#[test]
fn nagios_calls_what_exists() {
    let text = read("examples/nagios/command.cfg");
    let calls: Vec<&str> = text.lines().filter_map(|line| line.split("/usr/bin/sippar-mon ").nth(1)).collect();
    assert_eq!(calls.len(), 3, "{calls:?}");
    let home = checked("/bin/true");
    for call in calls {
        let output = run(PROGRAM, &call.split(' ').collect::<Vec<_>>(), home.path());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains(" | "), "there is no performance data: {}", said(&output));
    }
    assert_eq!(text.matches('{').count(), text.matches('}').count());
}
