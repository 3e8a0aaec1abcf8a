//! `config.toml.example` is true: it loads, its defaults are the defaults, and it leaves no key out. It is that of a build
//! with all features.
#![cfg(feature = "icp")]

use std::collections::BTreeSet;

use super::ruled::PROBE_FAILED;
use super::*;
use crate::rules;

const EXAMPLE: &str = include_str!("../../config.toml.example");

/// A key with its default: no blank after the sign.
const DEFAULT: &str = "#";
/// A key that is not set by default.
const OPTIONAL: &str = "#+ ";

/// The line without `sign`, if it begins with it and holds TOML rather than words.
fn toml_behind<'a>(line: &'a str, sign: &str) -> Option<&'a str> {
    line.strip_prefix(sign).filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
}

/// `text` with the lines of `sign` switched on.
fn with(text: &str, sign: &str) -> String {
    text.lines().map(|line| toml_behind(line, sign).unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn env() -> Env {
    Env::from([
        ("HOME", "/home/example"),
        ("HEARTBEAT_URL", "https://hc-ping.com/x"),
        ("SERVE_TOKEN", "0123456789abcdef"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/x"),
        ("SMTP_PASS", "secret"),
        ("ALGOD_TOKEN", "secret"),
        ("INDEXER_TOKEN", "secret"),
        ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
        ("TWILIO_AUTH_TOKEN", "secret"),
        ("TWILIO_PHONE_NUMBER", "+41790000001"),
        ("ALERT_PHONE_NUMBERS", "+41790000002,+41790000003"),
        ("WEBHOOK_KEY", "secret"),
        ("PAGERDUTY_KEY", "0123456789abcdef0123456789abcdef"),
        ("TELEGRAM_TOKEN", "123456:secret"),
    ])
}

fn load_text(text: &str) -> Result<Config, Broken> {
    let main = SourceText { path: "config.toml".into(), text: text.to_owned() };
    let texts = Texts { main: Some(Arc::new(main)), rules: Vec::new() };
    build(texts, Vec::new(), None, &Flags::default(), &env()).map_err(Broken::Trouble)?.sound()
}

/// The words of every fault of `text`; none where it can be used.
fn faults(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok(_) => Vec::new(),
        Err(Broken::Faults(faults, _)) => faults.into_iter().map(|located| located.fault.what).collect(),
        Err(Broken::Trouble(trouble)) => vec![trouble.what],
    }
}

fn good(text: &str) -> Config {
    load_text(text).unwrap_or_else(|_| panic!("{:#?}", faults(text)))
}

fn rule(rule: &Rule) -> String {
    let Rule { name, severity_by_label, .. } = rule;
    format!("{name} {} {severity_by_label:?}", rules::written::toml(rule))
}

/// Everything a configuration means, one line each.
fn meaning(config: &Config) -> Vec<String> {
    let Config {
        path: _,
        database,
        identity,
        interval,
        limits,
        ca_file,
        sources,
        rules,
        channels,
        routes,
        fallback,
        heartbeat,
        sms_budget,
        responses,
        maintenance,
        serve,
        watches_reserves,
        sealed,
        warnings,
        texts: _,
    } = config;
    let mut lines = vec![
        format!("{database:?} {identity:?} {interval:?} {limits:?} {ca_file:?} {routes:?}"),
        format!("{fallback:?} {heartbeat:?} {sms_budget:?} {maintenance:?} {responses:?}"),
        format!("{serve:?} {watches_reserves} {sealed}"),
        format!("{:?}", warnings.iter().map(|warning| &warning.fault.what).collect::<Vec<_>>()),
    ];
    lines.extend(sources.iter().map(|source| format!("{source:?}")));
    lines.extend(channels.iter().map(|channel| format!("{channel:?}")));
    lines.extend(rules.iter().map(rule));
    lines
}

#[test]
fn the_example_names_the_defaults() {
    let commented = meaning(&good(EXAMPLE));
    let written_out = meaning(&good(&with(EXAMPLE, DEFAULT)));
    assert_eq!(written_out, commented);
}

#[test]
fn the_example_means_what_no_file_means() {
    let (bare, example) = (good(""), good(&with(EXAMPLE, DEFAULT)));
    let basics = |config: &Config| {
        let Config { database, identity, interval, limits, ca_file, .. } = config;
        (database.clone(), identity.clone(), *interval, *limits, ca_file.clone())
    };
    assert_eq!(basics(&example), basics(&bare));
    assert_eq!(format!("{:?}", example.sources[0]), format!("{:?}", bare.sources[0]));
    // the severity of its probes is the probes'
    let shipped = bare.rules.iter().filter(|rule| &*rule.name != PROBE_FAILED).map(rule);
    let rules: Vec<String> = example.rules.iter().map(rule).collect();
    let changed: Vec<String> = shipped.filter(|rule| !rules.contains(rule)).collect();
    assert_eq!(changed, Vec::<String>::new());
}

#[test]
fn optional_keys_of_the_example_can_be_used() {
    let plain = meaning(&good(EXAMPLE));
    let full = meaning(&good(&with(EXAMPLE, OPTIONAL)));
    for line in EXAMPLE.lines().filter_map(|line| toml_behind(line, OPTIONAL)) {
        let without: Vec<&str> = EXAMPLE.lines().filter(|other| toml_behind(other, OPTIONAL) != Some(line)).collect();
        let some = with(&without.join("\n"), OPTIONAL);
        let needed_by_another = || !faults(&some).is_empty();
        assert!(needed_by_another() || meaning(&good(&some)) != full, "changes nothing: {line}");
    }
    assert_ne!(plain, full);
}

/// Every key and table of the example, dotted; names that a person chooses are `*`.
fn keys_of_the_example() -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let mut table = String::new();
    for line in EXAMPLE.lines() {
        let line = [OPTIONAL, DEFAULT].iter().find_map(|sign| toml_behind(line, sign)).unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            let mut parts: Vec<&str> = header.trim_start_matches('[').split(']').next().unwrap().split('.').collect();
            if ["probes", "channels", "responses"].contains(&parts[0]) {
                parts[1] = "*";
            }
            if parts.get(2) == Some(&"canisters") && parts.len() > 3 {
                parts[3] = "*";
            }
            table = parts.join(".");
            keys.extend((1..=parts.len()).map(|count| parts[..count].join(".")));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.insert(format!("{table}.{key}"));
        }
    }
    keys
}

#[test]
fn the_example_leaves_no_key_out() {
    let here = keys_of_the_example();
    let mut known = BTreeSet::new();
    for (prefix, text) in [
        ("", "zzz = 1"),
        ("monitor.", "[monitor]\nzzz = 1"),
        ("store.", "[store]\nzzz = 1"),
        ("sources.", "[sources]\nzzz = 1"),
        ("sources.system.", "[sources.system]\nzzz = 1"),
        ("sources.algorand.", "[sources.algorand]\nzzz = 1"),
        ("sources.icp.", "[sources.icp]\nzzz = 1"),
        ("sources.icp.canisters.*.", "[sources.icp.canisters.x]\nzzz = 1"),
        ("sources.reserves.", "[sources.reserves]\nzzz = 1"),
        ("sources.network.", "[sources.network]\nzzz = 1"),
        ("probes.*.", "[probes.x]\nzzz = 1"),
        ("probes.*.http.", "[probes.x.http]\nzzz = 1"),
        ("probes.*.tcp.", "[probes.x.tcp]\nzzz = 1"),
        ("probes.*.exec.", "[probes.x.exec]\nzzz = 1"),
        ("channels.*.", "[channels.x]\nzzz = 1"),
        ("channels.*.slack.", "[channels.x.slack]\nzzz = 1"),
        ("channels.*.email.", "[channels.x.email]\nzzz = 1"),
        ("channels.*.sms.", "[channels.x.sms]\nzzz = 1"),
        ("channels.*.webhook.", "[channels.x.webhook]\nzzz = 1"),
        ("channels.*.pagerduty.", "[channels.x.pagerduty]\nzzz = 1"),
        ("channels.*.telegram.", "[channels.x.telegram]\nzzz = 1"),
        ("channels.*.alertmanager.", "[channels.x.alertmanager]\nzzz = 1"),
        ("channels.*.exec.", "[channels.x.exec]\nzzz = 1"),
        ("routes.", "[routes]\nzzz = 1"),
        ("heartbeat.", "[heartbeat]\nzzz = 1"),
        ("responses.*.", "[responses.x]\nzzz = 1"),
        ("serve.", "[serve]\nzzz = 1"),
        ("rule.", "[[rule]]\nzzz = 1"),
    ] {
        let (_, found) = parse::parse::<File>(text);
        let help = found[0].help.as_deref().unwrap_or_default();
        let listed = help.strip_prefix("the keys here are: ").unwrap_or_else(|| panic!("{text}: {found:#?}"));
        known.extend(listed.split(", ").map(|key| format!("{prefix}{}", key.to_lowercase())));
    }
    assert_eq!(known.difference(&here).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn only_what_the_runbook_speaks_of_gets_a_link() {
    let mine = "[[rule]]\nalert = 'MINE'\nexpr = 'system_load1'\nabove = { HIGH = 9 }\n";
    let config = good(&format!("[monitor]\nrunbook_base = 'https://example.org/runbook'\n{mine}"));
    let link = |name: &str| config.rules.iter().find(|rule| &*rule.name == name).unwrap().runbook_url.clone();
    assert_eq!(link("MINE"), None);
    assert_eq!(link("SERVICE_DOWN").as_deref(), Some("https://example.org/runbook#service_down"));
}

/// Every analysis looks at the shipped rules as if somebody had written them here.
#[test]
fn shipped_rules_are_beyond_reproach_under_default_settings() {
    let probe = "[probes.web.http]\nurl = 'https://a.example/'\n[probes.db.tcp]\naddress = 'localhost:1'\n";
    for sources in ["", probe] {
        let text = format!("{sources}{}", rules::shipped::TEXT);
        let main = SourceText { path: "config.toml".into(), text };
        let texts = Texts { main: Some(Arc::new(main)), rules: Vec::new() };
        let Ok(examined) = build(texts, Vec::new(), None, &Flags::default(), &env()) else { panic!("no database") };
        let faults: Vec<String> = examined.faults.into_iter().map(|located| located.fault.what).collect();
        assert_eq!(faults, [""; 0]);
        assert_eq!(examined.config.rules.len(), rules::shipped::settings().unwrap().len());
    }
}

/// What a rule looks at is measured as often as its source is set to.
#[test]
fn ranges_are_held_against_the_pace_of_each_source() {
    let faults = |text: &str| {
        let texts =
            Texts { main: Some(Arc::new(SourceText { path: "c".into(), text: text.to_owned() })), rules: Vec::new() };
        let Ok(examined) = build(texts, Vec::new(), None, &Flags::default(), &env()) else { panic!("no database") };
        examined.faults.into_iter().map(|located| located.fault.what).collect::<Vec<_>>()
    };
    let rule = |expr: &str| format!("[[rule]]\nalert = 'A'\nexpr = '{expr}'\nabove = {{ HIGH = 1 }}\n");
    let paced = "[sources.system]\nevery = '5m'\n[probes.web.tcp]\naddress = 'localhost:1'\nevery = '2m'\n";
    let load = rule("avg_over_time(system_load1[4m])");
    let probe = rule("changes(probe_success{probe=\"web\"}[4m])");
    assert_eq!(faults(&load), [""; 0]);
    assert_eq!(faults(&format!("{paced}{load}")), ["this range is shorter than the time between two samples"]);
    assert_eq!(
        faults(&format!("{paced}{probe}")),
        ["changes needs two samples: one or two that are missed make it blind"]
    );
}
