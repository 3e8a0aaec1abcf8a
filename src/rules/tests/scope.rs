//! `when`, `except`, `labels`, `keep_firing_for`, `worse_by`, the virtual metric of alerts, and the rule written out again.

use super::*;
use crate::alert::step::{self, Now, Passage, Word};
use crate::model::alert::{Alert, AlertKey};
use crate::rules::written;

const fn known(value: f64) -> Datum {
    Datum::Value(value)
}

#[test]
fn a_guard_without_labels_goes_with_every_result() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_disk_usage_ratio'\nwhen = 'system_memory_usage_ratio > 0.5'\nabove = { HIGH = '90%' }\nclear = { HIGH = '80%' }";
    let rule = rule(text, "A");
    let disks: [Sample<'_>; 2] = [
        ("system_disk_usage_ratio", &[("mount", "/")], known(0.95)),
        ("system_disk_usage_ratio", &[("mount", "/var")], known(0.85)),
    ];
    let with = |memory: Datum| says(&rule, &[disks[0], disks[1], ("system_memory_usage_ratio", &[], memory)]);
    assert_eq!(with(known(0.6)), "{mount=\"/\"} 0.95 HIGH Beyond | {mount=\"/var\"} 0.85 HIGH Band; missing: gone");
    // also the band ends where the guard does not hold: in Prometheus the whole condition is joined with it
    assert_eq!(with(known(0.4)), "{mount=\"/\"} 0.95 | {mount=\"/var\"} 0.85; missing: gone");
    assert_eq!(with(Datum::Unknown), "unknown: not measured");
    assert_eq!(says(&rule, &disks), "{mount=\"/\"} 0.95 | {mount=\"/var\"} 0.85; missing: gone");
}

#[test]
fn a_guard_with_labels_goes_with_the_result_that_has_the_same() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_inodes_usage_ratio > 0.9'\nwhen = 'system_disk_usage_ratio > 0.5'\nseverity = 'HIGH'";
    let said = says(
        &rule(text, "A"),
        &[
            ("system_inodes_usage_ratio", &[("mount", "/")], known(0.95)),
            ("system_inodes_usage_ratio", &[("mount", "/var")], known(0.95)),
            ("system_disk_usage_ratio", &[("mount", "/")], known(0.1)),
            ("system_disk_usage_ratio", &[("mount", "/var")], known(0.6)),
        ],
    );
    assert_eq!(said, "{mount=\"/\"} 0.95 | {mount=\"/var\"} 0.95 HIGH Beyond; missing: gone");
}

#[test]
fn a_guard_has_no_labels_where_its_expression_can_have_none() {
    for (when, labelless) in [
        ("system_memory_usage_ratio > 0.5", true),
        ("sum(rate(service_up[5m])) > 1", true),
        ("sum by (mount) (system_disk_usage_ratio) > 1", false),
        ("topk(1, system_memory_usage_ratio) > 0", true),
        ("topk(1, system_disk_usage_ratio) > 0", false),
        ("vector(1) > time()", true),
        ("hour() >= 8 and on () sum(service_up) > 0", true),
        ("system_memory_usage_ratio > 0.5 and on () service_up == 1", true),
        ("service_up == 1 and on () system_memory_usage_ratio > 0.5", false),
        ("count_values(\"v\", service_up) > 0", false),
        ("label_replace(system_memory_usage_ratio, \"a\", \"b\", \"\", \"\") > 0", false),
    ] {
        let text = format!("[[rule]]\nalert = 'A'\nexpr = 'service_up == 0'\nwhen = '{when}'\nseverity = 'HIGH'");
        // some of them go with no result of this rule, which is a fault of its own
        let guard = compiled(&text, false).0.pop().unwrap().guard.unwrap();
        let key = format!("{:?}", guard.key);
        assert_eq!(key, if labelless { "Only([])" } else { "AllBut([])" }, "{when}");
    }
}

#[test]
fn except_leaves_results_out_and_labels_are_added() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_disk_usage_ratio'\nabove = { HIGH = 0.9 }\nexcept = ['{mount=\"/boot\"}', '{mount=~\"/snap/.*\",kind=\"\"}']\nlabels = { team = 'ops', mount_kind = '' }";
    let said = says(
        &rule(text, "A"),
        &[
            ("system_disk_usage_ratio", &[("mount", "/")], known(0.95)),
            ("system_disk_usage_ratio", &[("mount", "/boot")], known(1.0)),
            ("system_disk_usage_ratio", &[("mount", "/boot2")], known(0.1)),
            ("system_disk_usage_ratio", &[("mount", "/snap/core")], known(1.0)),
        ],
    );
    assert_eq!(
        said,
        "{mount=\"/\",team=\"ops\"} 0.95 HIGH Beyond | {mount=\"/boot2\",team=\"ops\"} 0.1; missing: gone"
    );
}

#[test]
fn labels_that_make_two_bad_results_the_same_fail_the_rule() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'service_up == 0'\nseverity = 'HIGH'\nlabels = { service = 'any' }";
    let rule = rule(text, "A");
    let with = |a, b| {
        says(&rule, &[("service_up", &[("service", "a")], known(a)), ("service_up", &[("service", "b")], known(b))])
    };
    assert_eq!(with(0.0, 1.0), "{service=\"any\"} 0 HIGH Beyond; missing: gone");
    assert_eq!(with(0.0, 0.0), "failed: two results have the same labels: {service=\"any\"}");
}

#[test]
fn data_shows_a_guard_that_goes_with_nothing() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'system_disk_usage_ratio'\nwhen = 'from_a_program > 5'\nabove = { HIGH = '90%' }";
    let rule = compiled(text, true).0.pop().unwrap();
    let with = |labels: &[(&str, &str)]| -> Vec<String> {
        let disk = window("system_disk_usage_ratio", &[("mount", "/")], &[known(0.95)]);
        let data = Windows::new(vec![disk, window("from_a_program", labels, &[known(1.0)])]);
        let faults = crate::rules::data::faults(&rule, &data, Time::from_millis(T0));
        shown(text, faults.into_iter().map(|located| located.fault).collect())
    };
    assert_eq!(with(&[("mount", "/")]), [""; 0]);
    assert_eq!(
        with(&[("probe", "x")]),
        [
            "warning: the rule cannot fire now: no result of `expr` has the labels of one of `when` ['from_a_program > 5'] \
          they are as system_disk_usage_ratio{mount=\"/\"} and from_a_program{probe=\"x\"}: aggregate `when` to the \
          labels that both have, or to none"
        ]
    );
}

#[test]
fn what_fires_is_a_metric_for_other_rules() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'ALERTS{alertname=\"DOWN\",alertstate=\"firing\",severity=\"HIGH\"}'\nseverity = 'LOW'";
    let rule = rule(text, "A");
    let mut data = Windows::new(Vec::new());
    let at = Time::from_millis(T0);
    let said = |data: &Windows| match judge(&rule, data, at) {
        Judgement::Judged { verdicts, .. } => verdicts.iter().map(|verdict| verdict.labels.to_string()).collect(),
        other => vec![format!("{other:?}")],
    };
    assert_eq!(said(&data), [] as [&str; 0]);
    data.set_alerts([&alert(false)], at);
    assert_eq!(said(&data), [] as [&str; 0], "pending is not firing");
    data.set_alerts([&alert(true)], at);
    assert_eq!(said(&data), [r#"{alertname="DOWN",alertstate="firing",service="a",severity="HIGH"}"#]);
    data.set_alerts([], at);
    assert_eq!(said(&data), [] as [&str; 0]);
}

/// An alert DOWN{service="a"} of severity HIGH.
fn alert(fires: bool) -> Alert {
    let key = AlertKey { rule: "DOWN".into(), labels: Labels::new([("service", "a")]) };
    let level = |severity| if severity == Severity::High { Level::Beyond } else { Level::Within };
    let says = Says::Measured { value: 0.0, levels: crate::model::severity::BySeverity::from_fn(level) };
    let pending_for = if fires { Duration::ZERO } else { Duration::from_mins(1) };
    let policy = crate::model::verdict::Policy {
        pending_for: crate::model::severity::BySeverity::from_fn(|_| pending_for),
        ..Default::default()
    };
    let now = Now { tick: Time::from_millis(T0), passage: Passage::Ordinary };
    step::step(&key, None, Word::Says(&says), &policy, now).alert.unwrap()
}

#[test]
fn what_is_wrong_with_them_is_told() {
    for (rest, wanted) in [
        (
            "when = 'service_up'",
            "`when` is not a condition: nothing in it can be false ['service_up'] compare it, as in when = \"sum(increase(bridge_jobs_total[15m])) >= 5\"",
        ),
        (
            "when = 'service_up >'",
            "expected a metric, a number or a call, found the end [] the expression stops in the middle",
        ),
        (
            "except = ['service_up{service=\"a\"}']",
            "`except` has conditions on labels, and this is another expression ['service_up{service=\"a\"}'] write them in braces: except = ['{mount=\"/boot\"}']",
        ),
        (
            "labels = { severity = 'x' }",
            "`severity` is a label that every alert has of its own [severity] choose another name",
        ),
        (
            "labels = { 'a-b' = 'x' }",
            "`a-b` cannot be the name of a label ['a-b'] it has letters, digits and underscores, and begins with no digit: team",
        ),
        (
            "labels = { team = '{{ service }}' }",
            "labels are not filled in: they are part of what an alert is ['{{ service }}'] write a fixed value; {{ … }} is for `summary` and `action`",
        ),
        (
            "keep_firing_for = { CRITICAL = '5m' }",
            "the rule has no limit or condition of severity CRITICAL ['5m'] remove it from `keep_firing_for`, or add its limit",
        ),
        (
            "worse_by = -1",
            "`worse_by` is how much worse, so it is not below 0 [-1] write it in the value's unit, as in worse_by = \"5%\"",
        ),
    ] {
        let text = format!("[[rule]]\nalert = 'A'\nexpr = 'service_up == 0'\nseverity = 'HIGH'\n{rest}\n");
        let found: Vec<String> =
            faults(&text).into_iter().map(|fault| fault.trim_start_matches("warning: ").to_owned()).collect();
        assert_eq!(found, [wanted], "{rest}");
    }
}

/// Every key of a rule, and limits that no unit writes exactly.
const EVERYTHING: &str = r#"
        [[rule]]
        alert = 'EVERYTHING'
        expr = '''
          sum by (mount) (system_disk_free_bytes)
            - 5'''
        when = 'system_memory_usage_ratio > 0.5'
        below = { MEDIUM = '1.5GiB', HIGH = '100MB', CRITICAL = 1000 }
        clear = { HIGH = '200MB' }
        for = { HIGH = '90m', CRITICAL = '1d' }
        keep_firing_for = '5m'
        no_data = 'fire'
        worse_by = '10MiB'
        except = ['{mount="/boot"}', '{mount=~"/snap/.*"}']
        labels = { team = 'a "quoted" one' }
        summary = "{{ mount }} it's {{ value | bytes }}"
        action = '''
two
lines'''
        runbook_url = 'https://example.org/x'
        [[rule]]
        alert = 'ODD'
        expr = 'probe_duration_seconds'
        above = { LOW = 0.1, HIGH = '1h30m', CRITICAL = 1e300 }
        [[rule]]
        alert = 'RATIO'
        expr = 'system_memory_usage_ratio'
        above = { HIGH = '99.95%', CRITICAL = 0.9999999999 }
        for = '0s'
    "#;

#[test]
fn a_rule_written_out_is_the_same_rule() {
    let (rules, faults) = compiled(EVERYTHING, false);
    assert_eq!(shown(EVERYTHING, faults), [] as [&str; 0]);
    for rule in &rules {
        let text = written::toml(rule);
        let again = self::rule(&text, &rule.name);
        assert_eq!(written::toml(&again), text);
        assert_eq!((&again.test, &again.policy, again.unit), (&rule.test, &rule.policy, rule.unit), "{text}");
        assert_eq!((&again.labels, again.worse_by, &again.text), (&rule.labels, rule.worse_by, &rule.text), "{text}");
    }
    let everything = rules.iter().find(|rule| &*rule.name == "EVERYTHING").unwrap();
    assert_eq!(
        written::toml(everything),
        r#"[[rule]]
alert           = "EVERYTHING"
expr            = """
          sum by (mount) (system_disk_free_bytes)
            - 5"""
when            = "system_memory_usage_ratio > 0.5"
below           = { MEDIUM = "1.5GiB", HIGH = "100MB", CRITICAL = "1kB" }
clear           = { HIGH = "200MB" }
for             = { HIGH = "1h30m", CRITICAL = "1d" }
keep_firing_for = "5m"
no_data         = "fire"
worse_by        = "10MiB"
except          = ['{mount="/boot"}', '{mount=~"/snap/.*"}']
labels          = { team = 'a "quoted" one' }
summary         = "{{ mount }} it's {{ value | bytes }}"
action          = """
two
lines"""
runbook_url     = "https://example.org/x"
"#
    );
}
