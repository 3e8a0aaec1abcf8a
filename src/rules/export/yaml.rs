//! The export as YAML: every scalar is a JSON string, which YAML reads as the same text.

use std::fmt::Write as _;

use super::{Alerting, Group, Groups, Inhibition};

/// What stands above the rules.
const HEAD: &str = "\
# Alerting rules of sippar-mon for Prometheus 2.42 or later.
#
# Load: name this file under `rule_files` in prometheus.yml, try `promtool check rules FILE`, reload Prometheus.
# What sippar-mon itself measures exists there only if Prometheus scrapes its /metrics.
#
# Where every value is measured, each of these fires exactly when that severity of the rule does. What is lost:
# - One alert whose severity moves. There each severity is an alert of its own; the inhibit rules below mute the lower
#   ones.
# - Unknown. There a value that could not be measured is missing, and a missing value resolves an alert instead of
#   holding it. Where `no_data = \"fire\"`, a rule with absent() fires when nothing is there at all.
# - A value stands for 5 minutes there, here for 2.5 intervals where that is longer.
# - Routes, reminders, acknowledging, silences: they are Alertmanager's.
";

/// What stands above the inhibit rules where they are a comment.
const INHIBIT_HEAD: &str = "
# For Alertmanager; alone: sippar-mon rules export --inhibit-rules
# Where a metric of your own has labels that no rule names, add them to `equal`.
";

/// The rules with a head that says how to use them, and the inhibit rules as a comment behind them.
pub fn document(groups: &Groups, inhibitions: &[Inhibition]) -> String {
    let mut out = format!("{HEAD}\ngroups:\n");
    for each in &groups.groups {
        group(&mut out, each);
    }
    if !inhibitions.is_empty() {
        out.push_str(INHIBIT_HEAD);
        for line in inhibit_document(inhibitions).lines() {
            let _ = writeln!(out, "# {line}");
        }
    }
    out
}

/// `inhibit_rules` alone.
pub fn inhibit_document(inhibitions: &[Inhibition]) -> String {
    if inhibitions.is_empty() {
        return "inhibit_rules: []\n".to_owned();
    }
    let mut out = "inhibit_rules:\n".to_owned();
    for inhibition in inhibitions {
        let _ = writeln!(out, "  - source_matchers: {}", list(&inhibition.source_matchers));
        let _ = writeln!(out, "    target_matchers: {}", list(&inhibition.target_matchers));
        let _ = writeln!(out, "    equal: {}", list(&inhibition.equal));
    }
    out
}

fn group(out: &mut String, group: &Group) {
    let Group { name, interval, rules } = group;
    let _ = writeln!(out, "  - name: {}\n    interval: {}", quoted(name), quoted(interval));
    out.push_str(if rules.is_empty() { "    rules: []\n" } else { "    rules:\n" });
    for rule in rules {
        alerting(out, rule);
    }
}

fn alerting(out: &mut String, rule: &Alerting) {
    let Alerting { alert, expr, pending_for, keep_firing_for, labels, annotations } = rule;
    let _ = writeln!(out, "      - alert: {}\n        expr: {}", quoted(alert), quoted(expr));
    for (key, value) in [("for", pending_for), ("keep_firing_for", keep_firing_for)] {
        if let Some(value) = value {
            let _ = writeln!(out, "        {key}: {}", quoted(value));
        }
    }
    // a label called `no` is a word only in quotes
    table(out, "labels", labels.iter().map(|(name, value)| (quoted(name), value)));
    table(out, "annotations", annotations.iter().map(|(name, value)| ((*name).to_owned(), value)));
}

fn table<'a>(out: &mut String, key: &str, entries: impl Iterator<Item = (String, &'a String)>) {
    let _ = writeln!(out, "        {key}:");
    for (name, value) in entries {
        let _ = writeln!(out, "          {name}: {}", quoted(value));
    }
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// A JSON string in which also those characters are escaped that YAML refuses or takes for the end of a line.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match c {
            '\u{7F}'..='\u{9F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{FFFE}'
            | '\u{FFFF}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
