//! What is written, to the letter.

use std::time::Duration;

use super::kit::compiled;
use super::{Groups, groups, inhibitions};
use crate::model::metric::{Metric, Shape, Unit};
use crate::model::severity::Severity;
use crate::rules::Catalogue;
use crate::rules::promql::parse;

const MINUTE: Duration = Duration::from_mins(1);

/// The rule `A` with these keys.
fn exported(keys: &str) -> Groups {
    let rules = compiled(&format!("[[rule]]\nalert = 'A'\n{keys}"));
    groups(&rules.into_iter().filter(|rule| &*rule.name == "A").collect::<Vec<_>>(), MINUTE)
}

fn exprs(keys: &str) -> Vec<String> {
    let rules = exported(keys).groups.remove(0).rules;
    rules.into_iter().map(|rule| format!("{} {}", rule.labels["severity"], rule.expr)).collect()
}

#[test]
fn limits_are_comparisons() {
    for (keys, wanted) in [
        ("expr = 'usage'\nabove = { HIGH = '85%' }", "HIGH usage > 0.85"),
        ("expr = 'usage'\nbelow = { LOW = -1e-9 }", "LOW usage < -1e-9"),
        ("expr = 'usage'\nabove = { LOW = '1TiB' }", "LOW usage > 1099511627776"),
        ("expr = 'usage'\nabove = { LOW = 1e300 }", "LOW usage > 1e300"),
        ("expr = ' sum(usage) by (mount) # all'\nabove = { LOW = 1 }", "LOW sum(usage) by (mount) > 1"),
        ("expr = 'usage offset 5m'\nabove = { LOW = 1 }", "LOW usage offset 5m > 1"),
        ("expr = 'usage or limit'\nabove = { LOW = 1 }", "LOW (usage or limit) > 1"),
        ("expr = '-usage'\nabove = { LOW = 1 }", "LOW (-usage) > 1"),
        ("expr = '(1 - usage)'\nabove = { LOW = 1 }", "LOW (1 - usage) > 1"),
        ("expr = 'time() - 5'\nabove = { LOW = 1 }", "LOW vector(time() - 5) > 1"),
        ("expr = ' usage > 1 # bad'\nseverity = 'LOW'", "LOW usage > 1"),
    ] {
        assert_eq!(exprs(keys), [wanted], "{keys}");
    }
}

#[test]
fn a_band_asks_whether_the_alert_fires() {
    let keys = "expr = 'usage'\nabove = { MEDIUM = 5, HIGH = 9 }\nclear = { HIGH = 7 }\nlabels = { team = 'ops' }";
    assert_eq!(
        exprs(keys),
        [
            "MEDIUM usage > 5",
            "HIGH usage > 9 or (usage > 7 and ignoring (alertname, alertstate, severity, team) ALERTS{alertname=\"A\", \
             alertstate=\"firing\", severity=\"HIGH\"})"
        ]
    );
}

#[test]
fn guards_and_exceptions_wrap_the_condition() {
    for (keys, wanted) in [
        ("when = 'sum(load) > 5 # busy'", "(usage > 1) and on () (sum(load) > 5)"),
        ("when = 'usage < 5'", "(usage > 1) and (usage < 5)"),
        (
            "except = ['{mount=\"/a.b\"}']",
            "label_replace(label_replace((usage > 1), \"sippar_mark_1\", \"1\", \"mount\", \"/a\\\\.b\") unless on (sippar_mark_1) \
             label_replace(vector(1), \"sippar_mark_1\", \"1\", \"\", \"\"), \"sippar_mark_1\", \"\", \"\", \"\")",
        ),
        (
            "when = 'load > 5'\nexcept = ['{mount=~\"/b.*\",disk!=\"\"}']",
            "label_replace(label_replace(label_replace(label_replace(((usage > 1) and (load > 5)), \"sippar_mark_1\", \"1\", \
             \"mount\", \"/b.*\"), \"sippar_mark_2\", \"1\", \"disk\", \"\") unless on (sippar_mark_1, sippar_mark_2) \
             label_replace(vector(1), \"sippar_mark_1\", \"1\", \"\", \"\"), \"sippar_mark_1\", \"\", \"\", \"\"), \
             \"sippar_mark_2\", \"\", \"\", \"\")",
        ),
    ] {
        let keys = format!("expr = 'usage'\nabove = {{ HIGH = 1 }}\n{keys}");
        assert_eq!(exprs(&keys), [format!("HIGH {wanted}")]);
    }
}

#[test]
fn a_severity_that_depends_on_labels_is_one_rule_for_each() {
    let mut rules = compiled("");
    rules.retain(|rule| &*rule.name == "PROBE_FAILED");
    rules[0].set_severity("probe", "a.b", Severity::Critical);
    rules[0].set_severity("probe", "site", Severity::High);
    let exported = groups(&rules, MINUTE).groups.remove(0).rules;
    let marked = "label_replace(label_replace(label_replace(label_replace((probe_success == 0), \"sippar_mark\", \"HIGH\", \"\", \
                  \"\"), \"sippar_mark\", \"HIGH\", \"probe\", \"site\"), \"sippar_mark\", \"CRITICAL\", \"probe\", \"a\\\\.b\")";
    let wanted = ["HIGH", "CRITICAL"].map(|severity| {
        format!(
            "{marked} and on (sippar_mark) label_replace(vector(1), \"sippar_mark\", \"{severity}\", \"\", \"\"), \
             \"sippar_mark\", \"\", \"\", \"\")"
        )
    });
    assert_eq!(exported.iter().map(|rule| rule.expr.as_str()).collect::<Vec<_>>(), wanted);
    assert_eq!(exported[1].labels["severity"], "CRITICAL");
}

#[test]
fn no_data_is_a_rule_of_its_own_where_it_can_be_told() {
    let fires = |rest: &str| exprs(&format!("no_data = 'fire'\n{rest}"));
    assert_eq!(
        fires("expr = 'usage{mount=\"/\"}'\nabove = { MEDIUM = 1, HIGH = 2 }"),
        ["MEDIUM usage{mount=\"/\"} > 1", "HIGH usage{mount=\"/\"} > 2", "HIGH absent(usage{mount=\"/\"})"]
    );
    assert_eq!(fires("expr = '3 > usage'\nseverity = 'LOW'"), ["LOW 3 > usage", "LOW absent(usage)"]);
    assert_eq!(fires("expr = 'usage > 1 and load > 1'\nseverity = 'LOW'"), ["LOW usage > 1 and load > 1"]);
    assert_eq!(fires("expr = 'scalar(usage)'\nabove = { LOW = 1 }"), ["LOW vector(scalar(usage)) > 1"]);
    let rules =
        exported("no_data = 'fire'\nexpr = 'usage'\nabove = { HIGH = 1 }\nfor = '5m'\nlabels = { team = 'ops' }");
    let rule = &rules.groups[0].rules[1];
    assert_eq!(format!("{:?}", rule.labels), r#"{"no_data": "fire", "severity": "HIGH", "team": "ops"}"#);
    assert_eq!(rule.pending_for.as_deref(), Some("5m"));
    assert_eq!(rule.annotations["summary"], "A: no data");
}

#[test]
fn templates_are_translated() {
    for (expr, summary, wanted) in [
        ("system_memory_usage_ratio", "{{ value }}", "{{ $value | humanizePercentage }}"),
        ("system_disk_free_bytes", "{{ value }} free", "{{ $value | humanize1024 }}B free"),
        ("probe_duration_seconds", "{{ value }}", "{{ $value | humanizeDuration }}"),
        ("probe_ssl_earliest_cert_expiry", "{{ value }}", "{{ $value | humanizeTimestamp }}"),
        ("probe_success", "{{ value }}", "{{ $value }}"),
        (
            "usage",
            "{{ value }} {{ value|percent }} {{ value|bytes }} {{ value|duration }} {{ value|number }}",
            "{{ $value }} {{ $value | humanizePercentage }} {{ $value | humanize1024 }}B {{ $value | humanizeDuration }} {{ $value }}",
        ),
        (
            "system_memory_usage_ratio",
            "{{ mount }} {{ labels.x }} {{ limit }} }}",
            "{{ $labels.mount }} {{ $labels.x }} > 50 % }}",
        ),
    ] {
        let rules = exported(&format!("expr = '{expr}'\nabove = {{ HIGH = 0.5 }}\nsummary = '{summary}'"));
        let rule = &rules.groups[0].rules[0];
        assert_eq!(rule.annotations["summary"], wanted);
    }
    let plain = exported("expr = 'system_memory_usage_ratio'\nabove = { HIGH = 0.5 }\nrunbook_url = 'https://x/{{a}}'");
    assert_eq!(
        format!("{:?}", plain.groups[0].rules[0].annotations),
        r#"{"runbook_url": "https://x/{{ \"{{\" }}a}}", "summary": "A: {{ $value | humanizePercentage }} (limit > 50 %)"}"#
    );
}

const METRICS: &[Metric] = &[
    Metric {
        name: "usage",
        help: "",
        unit: Unit::Ratio,
        shape: Shape::Gauge,
        labels: &["mount", "disk"],
        source: "test",
    },
    Metric { name: "load", help: "", unit: Unit::Count, shape: Shape::Gauge, labels: &[], source: "test" },
];

#[test]
fn labels_that_may_differ_keep_alerts_apart() {
    let equal = |expr: &str| {
        let mut rules =
            compiled(&format!("[[rule]]\nalert = 'A'\nexpr = '{expr}'\nabove = {{ LOW = 1, HIGH = 2, CRITICAL = 3 }}"));
        rules.retain(|rule| &*rule.name == "A");
        let all = inhibitions(&rules, Catalogue::of(METRICS));
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|one| one.equal == all[0].equal));
        assert_eq!(all[0].source_matchers, ["alertname=\"A\"", "severity=\"CRITICAL\""]);
        assert_eq!(all[0].target_matchers, ["alertname=\"A\"", "severity=~\"HIGH|LOW\""]);
        assert_eq!(all[1].target_matchers, ["alertname=\"A\"", "severity=~\"LOW\""]);
        all[0]
            .equal
            .iter()
            .filter(|name| !["instance", "job"].contains(&name.as_str()))
            .cloned()
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (expr, wanted) in [
        ("load", ""),
        ("max_over_time(usage[5m])", "disk mount"),
        ("other{zone=\"a\"}", "zone"),
        ("{__name__=~\"u.*\", zone!=\"\"}", "zone"),
        ("sum by (host) (other)", "host"),
        ("count_values(\"v\", load)", "v"),
        ("load * on () group_left (kind) other", "kind"),
        ("label_replace(load, \"new\", \"$1\", \"old\", \"(.*)\")", "new"),
        ("label_join(load, \"new\", \"-\", \"old\")", "new"),
    ] {
        assert_eq!(equal(expr), wanted, "{expr}");
    }
}

#[test]
fn the_document_is_yaml_with_a_way_to_use_it() {
    let text = "[[rule]]\nalert = 'A'\nexpr = 'usage{mount=\"/\"}'\nbelow = { HIGH = 2, CRITICAL = 1 }\nfor = '90s'\nkeep_firing_for = '1h'\n\
                labels = { no = 'é' }\nsummary = \"tab\\t, line\\n, \\u0085\\u2028\\u202E\\uFEFF\\u007F\"\naction = 'Do {{ mount }}'";
    let mut rules = compiled(text);
    rules.retain(|rule| &*rule.name == "A");
    let inhibitions = inhibitions(&rules, Catalogue::of(METRICS));
    let document = super::document(&groups(&rules, Duration::from_secs(15)), &inhibitions);
    let (head, rest) = document.split_once("\n\n").unwrap();
    assert!(head.lines().all(|line| line.starts_with('#') && line.len() <= 120), "{head}");
    let wanted = r#"groups:
  - name: "sippar-mon"
    interval: "15s"
    rules:
      - alert: "A"
        expr: "usage{mount=\"/\"} < 2"
        for: "1m30s"
        keep_firing_for: "1h"
        labels:
          "no": "é"
          "severity": "HIGH"
        annotations:
          description: "Do {{ $labels.mount }}"
          summary: "tab\t, line\n, \u0085\u2028\u202e\ufeff\u007f"
      - alert: "A"
        expr: "usage{mount=\"/\"} < 1"
        for: "1m30s"
        keep_firing_for: "1h"
        labels:
          "no": "é"
          "severity": "CRITICAL"
        annotations:
          description: "Do {{ $labels.mount }}"
          summary: "tab\t, line\n, \u0085\u2028\u202e\ufeff\u007f"

# For Alertmanager; alone: sippar-mon rules export --inhibit-rules
# Where a metric of your own has labels that no rule names, add them to `equal`.
# inhibit_rules:
#   - source_matchers: ["alertname=\"A\"", "severity=\"CRITICAL\""]
#     target_matchers: ["alertname=\"A\"", "severity=~\"HIGH\""]
#     equal: ["disk", "instance", "job", "mount"]
"#;
    assert_eq!(rest, wanted);
    assert_eq!(super::inhibit_document(&[]), "inhibit_rules: []\n");
    assert!(super::document(&groups(&[], MINUTE), &[]).ends_with("    interval: \"1m\"\n    rules: []\n"));
}

#[test]
fn every_exported_expression_is_one_of_ours() {
    for rule in groups(&compiled(""), MINUTE).groups.remove(0).rules {
        assert!(parse(&rule.expr).is_ok(), "{}", rule.expr);
    }
}
