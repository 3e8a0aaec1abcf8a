//! What stands in `examples/` works: it loads, runs, or is taken by the program that it is for.

use std::collections::BTreeSet;
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

/// The names of an expression that can be those of metrics: what is neither called, nor a label, nor a word of `PromQL`.
fn metrics(expr: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut depth = 0;
    for c in expr.chars() {
        depth += i32::from(matches!(c, '{' | '[')) - i32::from(matches!(c, '}' | ']'));
        bare.push(if depth > 0 || matches!(c, '}' | ']') { ' ' } else { c });
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut names = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(at) = rest.find(is_name) {
        let end = rest[at..].find(|c| !is_name(c)).map_or(rest.len(), |end| at + end);
        let (name, behind) = (&rest[at..end], rest[end..].trim_start());
        // the labels of by (...)
        let is_grouping = ["by", "without", "on", "ignoring"].contains(&name);
        rest = if is_grouping { behind.split_once(')').map_or("", |(_, after)| after) } else { &rest[end..] };
        if name.contains('_') && !behind.starts_with('(') {
            names.insert(name.to_owned());
        }
    }
    names
}

#[test]
fn grafana_names_metrics_of_the_catalogue() {
    let wanted = BTreeSet::from(["a_total", "b_ratio"].map(str::to_owned));
    assert_eq!(
        metrics("sum by (x_y) (increase(a_total{b_c=\"d\"}[15m])) / on (q_r) max_over_time(b_ratio[1h])"),
        wanted
    );
    let dashboard: serde_json::Value = serde_json::from_str(&read("examples/grafana/dashboard.json")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let listed = run(PROGRAM, &["rules", "list", "--metrics", "--json"], home.path()).stdout;
    let listed: serde_json::Value = serde_json::from_slice(&listed).unwrap();
    let known: BTreeSet<&str> =
        listed.as_array().unwrap().iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut count = 0;
    for expr in targets.map(|target| target["expr"].as_str().unwrap()) {
        let names = metrics(expr);
        assert!(!names.is_empty() && names.iter().all(|name| known.contains(name.as_str())), "{expr}: {names:?}");
        count += 1;
    }
    assert!(count > 20, "only {count} expressions were found");
}

/// `promtool check config` takes the scrape configuration.
#[test]
#[ignore = "needs promtool, which .ci/run fetches"]
fn prometheus_takes_the_scrape_configuration() {
    let file = "examples/prometheus/scrape.yml";
    let output =
        Command::new("promtool").args(["check", "config", file]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.expect("promtool is missing: .ci/run fetches it");
    assert!(output.status.success(), "{}", said(&output));
}

/// `nginx -t` takes the server, with a certificate made here.
#[test]
#[ignore = "needs nginx, which .ci/run fetches"]
fn nginx_takes_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let certified = rcgen::generate_simple_self_signed(["monitor.example.org".to_owned()]).unwrap();
    std::fs::write(path("cert.pem"), certified.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("htpasswd"), "").unwrap();
    let live = "/etc/letsencrypt/live/monitor.example.org";
    let server = read("examples/nginx-reverse-proxy.conf")
        .replace(&format!("{live}/fullchain.pem"), &path("cert.pem"))
        .replace(&format!("{live}/privkey.pem"), &path("key.pem"))
        .replace("/etc/nginx/monitor.htpasswd", &path("htpasswd"));
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {};\n", path(name))).concat();
    let whole = format!(
        "pid {};\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{server}\n}}\n",
        path("pid")
    );
    std::fs::write(path("nginx.conf"), whole).unwrap();
    let output = Command::new("nginx").args(["-t", "-q", "-e", "stderr", "-c", &path("nginx.conf")]).output();
    let output = output.expect("nginx is missing: .ci/run fetches it");
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

/// The container builds what is here, runs as nobody in particular, and calls commands that exist.
#[test]
fn the_container_calls_what_exists() {
    let text = read("examples/docker/Dockerfile");
    let home = tempfile::tempdir().unwrap();
    for words in [&["serve", "--repeat", "--help"][..], &["status", "--format", "nagios", "--help"]] {
        assert_eq!(run(PROGRAM, words, home.path()).status.code(), Some(0), "{words:?}");
    }
    assert!(
        text.contains("\"sippar-mon\", \"serve\", \"--repeat\"") && text.contains("sippar-mon status --format nagios")
    );
    let stages: Vec<&str> = text.split("\nFROM ").collect();
    let (user, command) = (stages[2].find("\nUSER sippar-mon\n"), stages[2].find("\nCMD "));
    assert!(user.is_some() && user < command, "the last stage runs as root");
    assert!(!stages[2].contains("cargo"), "the toolchain is in the image");
    let rust = stages[1].split([':', '-']).nth(1).unwrap();
    assert!(read("Cargo.toml").contains(&format!("rust-version = \"{rust}\"")), "{rust}");
    let compose = read("examples/docker/compose.yml");
    assert!(compose.contains("dockerfile: examples/docker/Dockerfile") && compose.contains("127.0.0.1:8787:8787"));
}
