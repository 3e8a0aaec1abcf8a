//! What many rules cost: `check` as a whole process with 10,000 rules on 2,000 series, and with 50 rules on 200.
//!
//! `cargo bench --bench rules` builds the program in release mode. The series come from exec probes that print a file, so
//! a run pays for everything: reading and checking the rules, collecting, reading the windows, judging, committing. For
//! comparison the same is run with the shipped rules alone. Needs bash and `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]

mod kit;

use std::fmt::Write as _;
use std::path::Path;

use kit::{arguments, fill, forget_last_tick, peak, print, run};

/// Fresh processes that are counted.
const RUNS: usize = 15;
/// Series of one metric.
const SERIES: usize = 10;
/// Samples that one exec probe may yield.
const MOST_SAMPLES: usize = 1000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for (rules, series, files) in [(50, 200, 1), (10_000, 2000, 20), (10_000, 2000, 1), (0, 2000, 1)] {
        let folder = folder.path().join(format!("{rules}-{files}"));
        write(&folder, rules, series, files);
        measure(&folder, &format!("{rules} rules of its own in {files} file(s) on {series} series"));
    }
}

/// The configuration: probes in one file, rules in `files` others beside it.
fn write(folder: &Path, rules: usize, series: usize, files: usize) {
    std::fs::create_dir_all(folder.join("rules.d")).unwrap();
    std::fs::write(folder.join("many.toml"), probes(folder, series)).unwrap();
    for file in 0..files {
        let text: String = (0..rules).filter(|n| n % files == file).map(|n| rule(n, series)).collect();
        std::fs::write(folder.join(format!("rules.d/{file:02}.toml")), text).unwrap();
    }
}

fn measure(folder: &Path, what: &str) {
    let database = folder.join("many.db");
    let check = arguments(folder, "many");
    run(&check);
    let samples = fill(&database, 60);
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&database);
        costs.push(run(&check));
    }
    println!("a fresh `check`, {what}, {samples} samples (an hour), {RUNS} ticks:");
    forget_last_tick(&database);
    print(&costs, peak(&check));
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
