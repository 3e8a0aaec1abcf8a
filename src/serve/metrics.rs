//! `/metrics`: the newest sample of every series in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Bytes;
use axum::http::StatusCode;

use super::answer::{Answer, body, tagged};
use super::api::unchanged;
use super::routes::Asked;
use crate::collect::catalogue::METRICS;
use crate::model::labels::Labels;
use crate::model::reading::Datum;
use crate::store::windows::Latest;
use crate::view::snapshot::Snapshot;

/// The media type of the text format.
pub const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The newest samples. Of a monitor that has stopped there are none: what is old must not look as if it were measured now.
pub async fn metrics(asked: Asked) -> Answer {
    let moment = asked.site.moment().await?;
    if let Some(answer) = unchanged(&asked, &moment) {
        return Ok(answer);
    }
    let text = moment.document("metrics", |snapshot, _| Ok(Bytes::from(text(snapshot))))?;
    Ok(tagged(body(StatusCode::OK, TEXT, text), &moment.tag))
}

fn text(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    own(&mut out, snapshot);
    if snapshot.stale {
        return out;
    }
    let mut metrics: BTreeMap<&str, Vec<(&Labels, f64)>> = BTreeMap::new();
    for Latest { key, datum, .. } in &snapshot.latest {
        if let Datum::Value(value) = datum {
            metrics.entry(&key.metric).or_default().push((&key.labels, *value));
        }
    }
    for (name, series) in metrics {
        match METRICS.iter().find(|metric| metric.name == name) {
            Some(metric) => head(&mut out, name, metric.help, metric.shape.name()),
            // what a probe's program prints, whose shape nobody knows
            None => head(&mut out, name, "Reported by a probe.", "untyped"),
        }
        for (labels, value) in series {
            sample(&mut out, name, labels, value);
        }
    }
    out
}

/// Whether the rest is to be believed, and which alerts fire.
fn own(out: &mut String, snapshot: &Snapshot) {
    let stale = if snapshot.stale { 1.0 } else { 0.0 };
    head(out, "sippar_mon_stale", "Whether no cycle has ended for longer than their rhythm explains.", "gauge");
    sample(out, "sippar_mon_stale", &Labels::empty(), stale);
    if let Some(cycle) = snapshot.cycle {
        let help = "When the last cycle ended.";
        head(out, "sippar_mon_last_cycle_timestamp_seconds", help, "gauge");
        sample(out, "sippar_mon_last_cycle_timestamp_seconds", &Labels::empty(), cycle.finished.seconds());
    }
    if !snapshot.firing.is_empty() {
        head(out, "sippar_mon_alert_firing", "Alerts that fire, each with its rule, severity and labels.", "gauge");
    }
    for (_, alert) in &snapshot.firing {
        let severity = alert.severity().map_or("", |severity| severity.name());
        let labels = alert.key.labels.with("alertname", &alert.key.rule).with("severity", severity);
        sample(out, "sippar_mon_alert_firing", &labels, 1.0);
    }
}

fn head(out: &mut String, name: &str, help: &str, shape: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {shape}");
}

fn sample(out: &mut String, name: &str, labels: &Labels, value: f64) {
    out.push_str(name);
    for (at, (label, value)) in labels.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{}{label}=\"{value}\"", if at == 0 { "{" } else { "," });
    }
    out.push_str(if labels.is_empty() { " " } else { "} " });
    let _ = match value {
        value if value.is_nan() => writeln!(out, "NaN"),
        value if value.is_infinite() => writeln!(out, "{}", if value > 0.0 { "+Inf" } else { "-Inf" }),
        value => writeln!(out, "{value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_numbers_are_those_of_prometheus() {
        let mut out = String::new();
        sample(&mut out, "a", &Labels::empty(), 0.1);
        sample(&mut out, "a", &Labels::new([("m", "\"\\\n<script>"), ("x", "\u{202e}é")]), f64::INFINITY);
        sample(&mut out, "a", &Labels::new([("m", "b")]), f64::NAN);
        sample(&mut out, "a", &Labels::empty(), -1e300);
        let expected = "a 0.1\na{m=\"\\\"\\\\\\n<script>\",x=\"\u{202e}é\"} +Inf\na{m=\"b\"} NaN\n";
        assert!(out.starts_with(expected), "{out}");
        head(&mut out, "b", "one\\two\nthree", "gauge");
        assert!(out.ends_with("# HELP b one\\\\two\\nthree\n# TYPE b gauge\n"), "{out}");
    }
}
