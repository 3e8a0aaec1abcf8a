//! What the tests of the analyses share: a small catalogue, and faults as lines.

use std::time::Duration;

use super::catalogue::{Cadence, Catalogue};
use crate::model::fault::{Fault, Place, Weight};
use crate::model::metric::{Metric, Shape, Unit};
use crate::rules::promql;
use crate::rules::promql::ast::Expr;

const fn metric(
    source: &'static str,
    name: &'static str,
    shape: Shape,
    unit: Unit,
    labels: &'static [&'static str],
) -> Metric {
    Metric { name, help: "", unit, shape, labels, source }
}

use Shape::{Counter, Gauge};

/// Some of the metrics there are, under shorter names where the name does not matter.
const METRICS: &[Metric] = &[
    metric("system", "cpu_usage_ratio", Gauge, Unit::Ratio, &[]),
    metric("system", "disk_ratio", Gauge, Unit::Ratio, &["mount"]),
    metric("system", "memory_ratio", Gauge, Unit::Ratio, &[]),
    metric("system", "free_bytes", Gauge, Unit::Bytes, &["mount"]),
    metric("system", "jobs_total", Counter, Unit::Count, &["queue", "outcome"]),
    metric("probe", "probe_success", Gauge, Unit::Bool, &["probe"]),
    metric("probe", "probe_duration_seconds", Gauge, Unit::Seconds, &["probe"]),
    metric("probe", "probe_http_status_code", Gauge, Unit::Count, &["probe"]),
    metric("probe", "probe_value", Gauge, Unit::Count, &["probe"]),
    metric("monitor", "source_up", Gauge, Unit::Bool, &["source"]),
    metric("reserves", "reserves_ratio", Gauge, Unit::Ratio, &[]),
];

/// The catalogue of the tests.
pub const CATALOGUE: Catalogue<'static> = Catalogue { metrics: METRICS, is_open: false, sources: &[] };

/// The machine each minute, `web` each minute, `slow` every ten.
pub fn sources() -> Vec<Cadence> {
    let minutes = Duration::from_mins;
    let probe = |name: &str, every| Cadence {
        kind: "probe",
        name: format!("probe/{name}"),
        label: Some(("probe", name.to_owned())),
        every,
    };
    vec![
        Cadence { kind: "system", name: "system".to_owned(), label: None, every: minutes(1) },
        probe("web", minutes(1)),
        probe("slow", minutes(10)),
    ]
}

/// What `analysis` says of `text`, each fault on a line: weight, what, the text it points at, the way out.
pub fn told(text: &str, analysis: impl Fn(&Expr) -> Vec<Fault>) -> Vec<String> {
    let expr = promql::parse(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let one = |fault: Fault| {
        let Place::File(span) = fault.place else { panic!("{:?}", fault.place) };
        let weight = if fault.weight == Weight::Error { "error" } else { "warning" };
        format!("{weight}: {} [{}] {}", fault.what, &text[span], fault.help.unwrap_or_default())
    };
    analysis(&expr).into_iter().map(one).collect()
}
