//! What a rule says, as the templates of Prometheus.

use std::collections::BTreeMap;

use crate::model::metric::Unit;
use crate::model::severity::Severity;
use crate::rules::rule::Rule;
use crate::rules::template::{Format, Part, Template};

/// `summary`, `description` (what to do) and `runbook_url`.
pub fn annotations(rule: &Rule, severity: Severity) -> BTreeMap<&'static str, String> {
    let limit = rule.limit_text(severity);
    let filled = |template: &Template| filled(template, rule.unit, &limit);
    let summary = rule.summary.as_ref().map_or_else(|| plain(rule, &limit), filled);
    let action = rule.action.as_ref().map(filled);
    let runbook = rule.runbook_url.as_deref().map(literal);
    let others = [("description", action), ("runbook_url", runbook)];
    let others = others.into_iter().filter_map(|(name, text)| Some((name, text?)));
    [("summary", summary)].into_iter().chain(others).collect()
}

/// The line about a rule that has none.
fn plain(rule: &Rule, limit: &str) -> String {
    let against = if limit.is_empty() { String::new() } else { format!(" (limit {})", literal(limit)) };
    format!("{}: {}{against}", rule.name, value(None, rule.unit))
}

fn filled(template: &Template, unit: Unit, limit: &str) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => literal(text),
        Part::Limit => literal(limit),
        Part::Label(name) => format!("{{{{ $labels.{name} }}}}"),
        Part::Value(format) => value(*format, unit),
    };
    template.parts().iter().map(part).collect()
}

/// The value, by its format or else its unit.
fn value(format: Option<Format>, unit: Unit) -> String {
    let unit = match format {
        None => unit,
        Some(Format::Percent) => Unit::Ratio,
        Some(Format::Bytes) => Unit::Bytes,
        Some(Format::Duration) => Unit::Seconds,
        Some(Format::Number) => Unit::Count,
    };
    match unit {
        Unit::Ratio => "{{ $value | humanizePercentage }}",
        Unit::Seconds => "{{ $value | humanizeDuration }}",
        Unit::Bytes => "{{ $value | humanize1024 }}B",
        Unit::Timestamp => "{{ $value | humanizeTimestamp }}",
        Unit::Bool | Unit::Algo | Unit::Count => "{{ $value }}",
    }
    .to_owned()
}

/// Text that a template leaves as it is.
fn literal(text: &str) -> String {
    text.replace("{{", r#"{{ "{{" }}"#)
}
