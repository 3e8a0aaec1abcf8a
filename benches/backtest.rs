//! What `rules backtest` costs as a whole process: 50 rules on 100 series, 30 days at a minute, with
//! those of the machine and of the monitor itself 5.7 million samples.
//!
//! `cargo bench --bench backtest` builds the program in release mode. Every day each tenth series is in trouble for 20
//! minutes, so that rules fire. Needs bash and `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]

mod kit;
#[path = "kit/many.rs"]
mod many;
#[path = "kit/past.rs"]
mod past;

use kit::{arguments, forget_last_tick, peak, print, run};
use rusqlite::Connection;

/// Processes that are counted.
const RUNS: usize = 3;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    many::write(folder.path(), 50, 100, 1);
    let check = arguments(folder.path(), "many");
    run(&check);
    let database = folder.path().join("many.db");
    let samples = past::fill(&database, 30 * 1440);
    let trouble = "UPDATE sample SET value = 0.97 WHERE tick / 60000 % 1440 < 20 AND series % 10 = 3";
    Connection::open(&database).unwrap().execute(trouble, []).unwrap();
    forget_last_tick(&database);
    run(&check);
    let backtest = |more: &[&str]| -> Vec<String> {
        let words = ["rules", "backtest", "--json"].iter().chain(more).map(|word| (*word).to_owned());
        words.chain(check.iter().skip(1).cloned()).collect()
    };
    for (what, more) in [("30 days", [].as_slice()), ("one day", &["--since", "1d"])] {
        let arguments = backtest(more);
        let costs: Vec<kit::Cost> = (0..RUNS).map(|_| run(&arguments)).collect();
        println!("`rules backtest`, 50 rules of its own on 100 series, {what} of {samples} samples:");
        print(&costs, peak(&arguments));
    }
}
