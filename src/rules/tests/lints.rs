//! What is found in a rule as a whole: its keys against its expression, and against what other rules watch.

use super::*;
use crate::model::severity::BySeverity;
use crate::rules::{Cadence, untold};

/// The faults of the rules of `text` beside the shipped ones, where the machine and the probe `web` are measured.
fn lints(text: &str) -> Vec<String> {
    let metric = |name, shape, unit, labels, source| Metric { name, help: "", unit, shape, labels, source };
    let metrics = [
        metric("disk_usage_ratio", Shape::Gauge, Unit::Ratio, &["mount"], "system"),
        metric("memory_usage_ratio", Shape::Gauge, Unit::Ratio, &[], "system"),
        metric("free_bytes", Shape::Gauge, Unit::Bytes, &["mount"], "system"),
        metric("boots_total", Shape::Counter, Unit::Count, &[], "system"),
        metric("service_up", Shape::Gauge, Unit::Bool, &["service"], "system"),
        metric("expiry", Shape::Gauge, Unit::Timestamp, &["probe"], "probe"),
        metric("probe_value", Shape::Gauge, Unit::Count, &["probe"], "probe"),
        metric("reserves_ratio", Shape::Gauge, Unit::Ratio, &[], "reserves"),
        metric("source_up", Shape::Gauge, Unit::Bool, &["source"], "monitor"),
    ];
    let every = Duration::from_mins(1);
    let sources = [
        Cadence { kind: "system", name: "system".to_owned(), label: None, every },
        Cadence { kind: "probe", name: "probe/web".to_owned(), label: Some(("probe", "web".to_owned())), every },
    ];
    let file: File = toml::from_str(text).unwrap();
    let resolve = |_: &str| -> Result<Secret, String> { Err("no secrets here".to_owned()) };
    let mut check = Check::new(every, &resolve);
    compile(file.rule, &[], Catalogue { metrics: &metrics, is_open: true, sources: &sources }, &mut check);
    shown(text, check.faults.into_iter().map(|located| located.fault).collect())
}

/// One rule of these keys.
fn told(keys: &str) -> Vec<String> {
    lints(&format!("[[rule]]\nalert = 'A'\n{keys}"))
}

#[test]
fn rules_that_make_sense_pass() {
    for keys in [
        "expr = 'memory_usage_ratio'\nabove = { HIGH = 0.8, CRITICAL = '95%' }\nclear = { HIGH = 0 }\nno_data = 'hold'",
        "expr = 'free_bytes'\nbelow = { HIGH = '1GiB' }",
        "expr = 'reserves_ratio'\nbelow = { HIGH = 1.02, MEDIUM = '105%' }",
        "expr = 'expiry - time()'\nbelow = { HIGH = '7d' }",
        "expr = 'memory_usage_ratio'\nabove = { HIGH = -1 }\nwhen = 'hour() > 8'",
        "expr = 'increase(boots_total[1h])'\nabove = { HIGH = 3 }",
        "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nwhen = 'memory_usage_ratio > 0.5'",
        "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nwhen = 'free_bytes < 1e9'",
        "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nexcept = ['{mount=\"/boot\"}', '{mount=~\"a.*\",host=\"\"}']",
        "expr = 'memory_usage_ratio >= 0'\nseverity = 'LOW'\nwhen = 'hour() > 8'",
        "expr = 'absent(memory_usage_ratio)'\nseverity = 'HIGH'\nfor = '2m'",
        "expr = 'absent_over_time(memory_usage_ratio[10m])'\nseverity = 'HIGH'",
        "expr = 'service_up == 0'\nseverity = 'HIGH'\nfor = '0s'\nkeep_firing_for = { HIGH = '10m' }",
    ] {
        assert_eq!(told(keys), [""; 0], "{keys}");
    }
}

#[test]
fn limits_that_make_no_sense_are_told() {
    for (keys, wanted) in [
        (
            "expr = 'memory_usage_ratio'\nabove = { HIGH = 0.9, CRITICAL = 1 }\nno_data = 'hold'",
            "CRITICAL can never fire: the value is between 0 and 1 [1] choose a limit within that",
        ),
        (
            "expr = 'memory_usage_ratio'\nabove = { HIGH = 85 }",
            "HIGH can never fire: the value is between 0 and 1 [85] a ratio is a part of one; is this a percentage? write \"85%\"",
        ),
        (
            "expr = 'free_bytes'\nbelow = { HIGH = 0 }",
            "HIGH can never fire: the value is never below 0 [0] choose a limit within that",
        ),
        (
            "expr = 'free_bytes'\nbelow = { HIGH = '-10%' }",
            "HIGH can never fire: the value is never below 0 ['-10%'] the value is a size in bytes, this limit is a ratio",
        ),
        (
            "expr = 'service_up'\nbelow = { HIGH = 0 }",
            "HIGH can never fire: the value is between 0 and 1 [0] it is 1 for yes and 0 for no: write 0.5, or a condition as in metric == 0",
        ),
        (
            "expr = 'reserves_ratio'\nbelow = { HIGH = 105 }",
            "warning: the value is a ratio and the limit is 105 [105] a ratio is a part of one; is this a percentage? write \"105%\"",
        ),
        (
            "expr = 'free_bytes'\nabove = { HIGH = '1h' }",
            "warning: the value is a size in bytes, this limit is a time in seconds ['1h'] write the limit in the value's unit, or as a plain number",
        ),
        (
            "expr = 'expiry'\nbelow = { HIGH = '7d' }",
            "warning: the value is a date and the limit a duration ['7d'] subtract the time first: metric - time() is how long it is until then",
        ),
        (
            "expr = 'memory_usage_ratio'\nabove = { HIGH = -0.5 }",
            "warning: HIGH always fires: the value is between 0 and 1 [-0.5] choose a limit within that, or is it meant `below`?",
        ),
        (
            "expr = 'memory_usage_ratio'\nabove = { HIGH = '80%' }\nclear = { HIGH = -1 }",
            "warning: HIGH never ends: the value is between 0 and 1 [-1] choose a limit within that",
        ),
        (
            "expr = 'memory_usage_ratio'\nbelow = { HIGH = '20%' }\nclear = 25",
            "warning: HIGH never ends: the value is between 0 and 1 [25] a ratio is a part of one; is this a percentage? write \"25%\"",
        ),
        (
            "expr = 'max(boots_total)'\nabove = { HIGH = 3 }",
            "warning: a counter only grows: beyond a limit once, it stays there until it is reset [boots_total] compare how much it grew: increase(boots_total[1h])",
        ),
    ] {
        assert_eq!(told(keys), [wanted], "{keys}");
    }
}

#[test]
fn keys_that_make_no_sense_together_are_told() {
    for (keys, wanted) in [
        (
            "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nwhen = 'service_up == 1'",
            "the rule can never fire: `expr` has the label `mount`, `when` never has it ['service_up == 1'] \
             `when` holds for results with the same labels: aggregate it to labels that both have, or to none, as in sum(…) > 5",
        ),
        (
            "expr = 'service_up{service=\"a\"} == 0'\nseverity = 'HIGH'\nwhen = 'service_up{service=\"b\"} == 1'",
            "the rule can never fire: `service` is \"a\" in `expr` and \"b\" in `when` ['service_up{service=\"b\"} == 1'] \
             `when` holds for results with the same labels: aggregate it to labels that both have, or to none, as in sum(…) > 5",
        ),
        (
            "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nwhen = 'sum(increase(boots_total[1m])) > 5'",
            "increase needs two samples, and this range never holds more than one [boots_total[1m]] \
             a sample is taken every 1m: write [4m] or more",
        ),
        (
            "expr = 'disk_usage_ratio'\nabove = { HIGH = 0.8 }\nexcept = ['{mount=\"/a\"}', '{mont=~\"/boot.*\"}']",
            "warning: this leaves nothing out: no result has the label `mont` [mont] did you mean `mount`?",
        ),
        (
            "expr = 'service_up == 0'\nseverity = 'HIGH'\nfor = '90s'",
            "warning: `for = \"90s\"` is no multiple of the interval: rules are judged every 1m ['90s'] write 2m, which is what it comes to",
        ),
        (
            "expr = 'service_up == 0'\nseverity = 'HIGH'\nkeep_firing_for = { HIGH = '30s' }",
            "warning: `keep_firing_for = \"30s\"` is no multiple of the interval: rules are judged every 1m ['30s'] write 1m, which is what it comes to",
        ),
        (
            "expr = 'absent(memory_usage_ratio)'\nseverity = 'HIGH'\nfor = '1m'",
            "warning: one tick without a sample is enough for this to fire [absent] let it wait: for = \"2m\" or longer",
        ),
    ] {
        assert_eq!(told(keys), [wanted], "{keys}");
    }
}

#[test]
fn critical_rules_whose_data_may_vanish_are_told_unless_somebody_watches() {
    const HELP: &str = "say what it means: no_data = \"fire\", or no_data = \"hold\" to keep the last state in silence";
    const WATCH: &str = "[[rule]]\nalert = 'W'\nexpr = 'source_up == 0'\nseverity = 'HIGH'";
    const WATCH_SYSTEM: &str = "[[rule]]\nalert = 'W'\nexpr = 'source_up{source=\"system\"} == 0'\nseverity = 'HIGH'";
    let rule =
        |expr: &str, rest: &str| format!("[[rule]]\nalert = 'A'\nexpr = '{expr}'\nseverity = 'CRITICAL'\n{rest}\n");
    let system = "warning: no rule tells when system yields no data, and this rule is CRITICAL [memory_usage_ratio]";
    let probe = "warning: no rule tells when probe/web yields no data, and this rule is CRITICAL [probe_value]";
    let program =
        "warning: nothing tells when queue_length is not measured any more, and this rule is CRITICAL [queue_length]";
    let open = "warning: there is no metric `queue_length` [queue_length] `sippar-mon rules list --metrics` shows the metrics there are (an exec probe may yield it)";
    for (text, wanted) in [
        (rule("memory_usage_ratio > 0.9", ""), vec![format!("{system} {HELP}")]),
        (rule("memory_usage_ratio > 0.9", "no_data = 'hold'"), vec![]),
        (rule("memory_usage_ratio > 0.9", WATCH), vec![]),
        (rule("memory_usage_ratio > 0.9", WATCH_SYSTEM), vec![]),
        (rule("probe_value > 0.9", WATCH_SYSTEM), vec![format!("{probe} {HELP}")]),
        (rule("probe_value > 0.9", &WATCH_SYSTEM.replace("system", "probe/web")), vec![]),
        (rule("source_up == 0 and on () ALERTS{alertname=\"X\"}", ""), vec![]),
        (rule("queue_length > 5", WATCH), vec![open.to_owned(), format!("{program} {HELP}")]),
        (rule("queue_length > 5", "no_data = 'fire'"), vec![open.to_owned()]),
        (rule("memory_usage_ratio > 0.9", "").replace("CRITICAL", "HIGH"), vec![]),
    ] {
        assert_eq!(lints(&text), wanted, "{text}");
    }
}

#[test]
fn severities_that_reach_nobody_are_told_once() {
    let text = "[[rule]]\nalert = 'MINE'\nexpr = 'service_up == 0'\nseverity = 'MEDIUM'\n
                [[rule]]\nalert = 'NOTE'\nexpr = 'service_up == 0'\nseverity = 'LOW'";
    let rules = compiled(text, false).0;
    let told = |heard: &[Severity]| {
        let faults = untold(&rules, BySeverity::from_fn(|severity| heard.contains(&severity)));
        shown(text, faults.into_iter().map(|located| located.fault).collect())
    };
    assert_eq!(told(&[Severity::Medium, Severity::High, Severity::Critical]), [""; 0]);
    assert_eq!(
        told(&[]),
        ["nobody is told of any alert: no channel is configured, or none is routed to [nowhere] \
          add a channel, as in [channels.ops.slack] webhook_url = \"env:SLACK_WEBHOOK_URL\""]
    );
    assert_eq!(
        told(&[Severity::High, Severity::Critical]),
        [
            "MEDIUM of MINE reaches nobody ['MINE'] name a channel for it: [routes] medium = […]",
            "MEDIUM of shipped rules reaches nobody: TLS_CERT_EXPIRES, SLOW_RESPONSE, \
             SLOW_MIGRATION_PROCESSING, CHANNEL_UNPROVEN [nowhere] \
             name a channel for it: [routes] medium = […]"
        ]
    );
}
