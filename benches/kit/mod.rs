//! What the benches share: the program as a whole process, and a database with a past.

use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sippar-mon");

/// One run.
pub struct Cost {
    /// CPU of the process and its children, in milliseconds.
    pub cpu_ms: f64,
    /// By the wall clock.
    pub wall_ms: f64,
}

/// `check` with the files `NAME.toml` and `NAME.db` of `folder`.
pub fn arguments(folder: &Path, name: &str) -> Vec<String> {
    let path = |ending: &str| folder.join(format!("{name}.{ending}")).display().to_string();
    ["check", "--config", &path("toml"), "--db", &path("db")].map(str::to_owned).to_vec()
}

/// Runs the program once. bash's `time` counts CPU in milliseconds (GNU time in steps of ten), GNU time knows the peak.
pub fn run(arguments: &[String]) -> Cost {
    let script = "TIMEFORMAT='%3U %3S %3R'; time \"$@\"";
    let output =
        Command::new("bash").args(["-c", script, "bash", PROGRAM]).args(arguments).env_clear().output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let last = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last.split(' ').map(|word| word.parse().expect(&text)).collect();
    Cost { cpu_ms: (numbers[0] + numbers[1]) * 1000.0, wall_ms: numbers[2] * 1000.0 }
}

/// The peak memory of one more run, in MiB.
pub fn peak(arguments: &[String]) -> f64 {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%M", PROGRAM])
        .args(arguments)
        .env_clear()
        .output()
        .expect("GNU time is needed: apt-get install time");
    let text = String::from_utf8(output.stderr).unwrap();
    text.trim().parse::<f64>().expect(&text) / 1024.0
}

/// The medians of several runs on one line.
pub fn print(costs: &[Cost], peak: f64) {
    let median = |of: fn(&Cost) -> f64| {
        let mut all: Vec<f64> = costs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "  CPU {:.0} ms, wall {:.0} ms (medians), peak {peak:.1} MiB",
        median(|c| c.cpu_ms),
        median(|c| c.wall_ms)
    );
}

/// Moves the last cycle a minute back, so that the next run is a tick of its own.
pub fn forget_last_tick(database: &Path) {
    let connection = Connection::open(database).unwrap();
    let earlier = "UPDATE cycle SET tick = tick - 60000 WHERE id = (SELECT max(id) FROM cycle)";
    assert_eq!(connection.execute(earlier, []).unwrap(), 1);
    connection.execute("UPDATE memory SET tick = tick - 60000", []).unwrap();
}
