//! Many rules in the proportions of published ones, and the series that they look at.

use std::fmt::Write as _;
use std::path::Path;

/// Series of one metric.
const SERIES: usize = 10;
/// Samples that one exec probe may yield.
const MOST_SAMPLES: usize = 1000;

/// The configuration: probes in one file, rules in `files` others beside it.
pub fn write(folder: &Path, rules: usize, series: usize, files: usize) {
    std::fs::create_dir_all(folder.join("rules.d")).unwrap();
    std::fs::write(folder.join("many.toml"), probes(folder, series)).unwrap();
    for file in 0..files {
        let text: String = (0..rules).filter(|n| n % files == file).map(|n| rule(n, series)).collect();
        std::fs::write(folder.join(format!("rules.d/{file:02}.toml")), text).unwrap();
    }
}

/// Exec probes that print `series` series.
fn probes(folder: &Path, series: usize) -> String {
    let mut config = String::new();
    for (probe, first) in (0..series).step_by(MOST_SAMPLES).enumerate() {
        let lines = (first..series.min(first + MOST_SAMPLES))
            .map(|at| format!("metric_{}{{instance=\"{}\"}} 0.{}\n", at / SERIES, at % SERIES, at % 7 + 1));
        let file = folder.join(format!("{series}-{probe}.prom"));
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        let _ = writeln!(config, "[probes.p{probe}.exec]\ncommand = [\"/bin/cat\", {:?}]", file.display().to_string());
    }
    config
}

/// A rule in the proportions of published ones: two thirds hold a value against a number, the others rates, guards,
/// averages and joins.
fn rule(n: usize, series: usize) -> String {
    let metrics = series / SERIES;
    let (a, b) = (n % metrics, (n + 1) % metrics);
    let body = match n % 12 {
        0..=4 => {
            format!("expr = 'metric_{a}'\nabove = {{ HIGH = \"{}%\", CRITICAL = 0.99 }}\nfor = \"5m\"", 80 + n % 9)
        }
        5..=7 => format!("expr = 'metric_{a}{{instance=~\"[0-4]\"}} > 0.{}'\nseverity = \"HIGH\"", 8 + n % 2),
        8 => format!("expr = 'avg_over_time(metric_{a}[10m])'\nabove = {{ HIGH = 0.9 }}\nclear = {{ HIGH = 0.7 }}"),
        9 => format!("expr = 'sum(rate(metric_{a}[5m])) / sum(rate(metric_{b}[5m]))'\nabove = {{ HIGH = 50 }}"),
        10 => format!("expr = 'metric_{a} - metric_{b}'\nwhen = 'metric_{a} > 0.9'\nabove = {{ MEDIUM = 0.7 }}"),
        _ => format!("expr = 'max by (instance) (metric_{a}) > 0.9 and metric_{b} > 0.8'\nseverity = \"MEDIUM\""),
    };
    format!("[[rule]]\nalert = \"RULE_{n}\"\n{body}\nsummary = \"{{{{ instance }}}} at {{{{ value }}}}\"\n")
}
