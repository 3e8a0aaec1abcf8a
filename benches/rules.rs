//! What many rules cost: `check` as a whole process with 10,000 rules on 2,000 series, and with 50 rules on 200.
//!
//! `cargo bench --bench rules` builds the program in release mode. The series come from exec probes that print a file, so
//! a run pays for everything: reading and checking the rules, collecting, reading the windows, judging, committing. For
//! comparison the same is run with the shipped rules alone. Needs bash and `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]

mod kit;
#[path = "kit/many.rs"]
mod many;
#[path = "kit/past.rs"]
mod past;

use std::path::Path;

use kit::{arguments, forget_last_tick, peak, print, run};

/// Fresh processes that are counted.
const RUNS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    for (rules, series, files) in [(50, 200, 1), (10_000, 2000, 20), (10_000, 2000, 1), (0, 2000, 1)] {
        let folder = folder.path().join(format!("{rules}-{files}"));
        many::write(&folder, rules, series, files);
        measure(&folder, &format!("{rules} rules of its own in {files} file(s) on {series} series"));
    }
}

fn measure(folder: &Path, what: &str) {
    let database = folder.join("many.db");
    let check = arguments(folder, "many");
    run(&check);
    let samples = past::fill(&database, 60);
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&database);
        costs.push(run(&check));
    }
    println!("a fresh `check`, {what}, {samples} samples (an hour), {RUNS} ticks:");
    forget_last_tick(&database);
    print(&costs, peak(&check));
}
