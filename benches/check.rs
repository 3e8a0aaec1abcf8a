//! What a `check` costs as a whole process: CPU, wall time and peak memory, with a day of history in the database.
//!
//! `cargo bench --bench check` builds the program in release mode, fills a database with a day of ticks, and runs fresh
//! processes against it: system source and one HTTP probe on loopback. Then a loop of `check --repeat` at 1 s.
//! Needs bash and `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]
#![allow(clippy::disallowed_methods, reason = "a bench lives by the real clock")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sippar-mon");
/// Fresh processes that are counted.
const RUNS: usize = 30;

/// One run.
struct Cost {
    cpu_ms: f64,
    wall_ms: f64,
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let address = respond();
    let probe = format!("[probes.local.http]\nurl = \"http://{address}/\"\n");
    std::fs::write(folder.path().join("fresh.toml"), &probe).unwrap();
    std::fs::write(folder.path().join("loop.toml"), format!("[monitor]\ninterval = \"1s\"\n{probe}")).unwrap();

    let fresh = arguments(folder.path(), "fresh");
    run(&fresh);
    let rows = fill(&folder.path().join("fresh.db"));
    println!(
        "a fresh `check`, system source + one HTTP probe, {rows} samples (one day) in the database, {RUNS} ticks:"
    );
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&folder.path().join("fresh.db"));
        costs.push(run(&fresh));
    }
    print(&costs, peak(&fresh));

    let mut looping = arguments(folder.path(), "loop");
    run(&looping);
    looping.push("--repeat".to_owned());
    wait_for_a_fresh_minute();
    let cost = run(&looping);
    let cycles = count(&folder.path().join("loop.db")) - 1;
    let each = cost.cpu_ms / f64::from(cycles);
    println!("`check --repeat`, {cycles} cycles: {each:.1} ms CPU each");
}

fn arguments(folder: &Path, name: &str) -> Vec<String> {
    let path = |ending: &str| folder.join(format!("{name}.{ending}")).display().to_string();
    ["check", "--config", &path("toml"), "--db", &path("db")].map(str::to_owned).to_vec()
}

/// Runs the program once. bash's `time` counts CPU in milliseconds (GNU time in steps of ten), GNU time knows the peak.
fn run(arguments: &[String]) -> Cost {
    let script = "TIMEFORMAT='%3U %3S %3R'; time \"$@\"";
    let output =
        Command::new("bash").args(["-c", script, "bash", PROGRAM]).args(arguments).env_clear().output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let last = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last.split(' ').map(|word| word.parse().expect(&text)).collect();
    Cost { cpu_ms: (numbers[0] + numbers[1]) * 1000.0, wall_ms: numbers[2] * 1000.0 }
}

/// The peak memory of one more run, in MiB.
fn peak(arguments: &[String]) -> f64 {
    let output = Command::new("/usr/bin/time")
        .args(["-q", "-f", "%M", PROGRAM])
        .args(arguments)
        .env_clear()
        .output()
        .expect("GNU time is needed: apt-get install time");
    let text = String::from_utf8(output.stderr).unwrap();
    text.trim().parse::<f64>().expect(&text) / 1024.0
}

fn print(costs: &[Cost], peak: f64) {
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

/// A web server that answers everything with 200.
fn respond() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    address
}

/// Gives every series a day of samples before its first one; how many there are.
fn fill(database: &Path) -> usize {
    let mut connection = Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    let last: i64 = transaction.query_row("SELECT max(tick) FROM sample", [], |row| row.get(0)).unwrap();
    let series: Vec<i64> = {
        let mut statement = transaction.prepare("SELECT id FROM series").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for minute in 1..=1440 {
        for id in &series {
            let value = 0.5 + f64::from(u32::try_from((minute * id) % 7).unwrap()) / 100.0;
            let row = params![last - minute * 60_000, id, value];
            transaction.execute("INSERT INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)", row).unwrap();
        }
    }
    transaction.commit().unwrap();
    series.len() * 1440
}

/// Moves the last cycle a minute back, so that the next run is a tick of its own.
fn forget_last_tick(database: &Path) {
    let connection = Connection::open(database).unwrap();
    let earlier = "UPDATE cycle SET tick = tick - 60000 WHERE id = (SELECT max(id) FROM cycle)";
    assert_eq!(connection.execute(earlier, []).unwrap(), 1);
    connection.execute("UPDATE memory SET tick = tick - 60000", []).unwrap();
}

fn count(database: &Path) -> u32 {
    let connection = Connection::open(database).unwrap();
    connection.query_row("SELECT count(*) FROM cycle", [], |row| row.get(0)).unwrap()
}

/// A loop ends with its minute; begin early in one.
fn wait_for_a_fresh_minute() {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    std::thread::sleep(Duration::from_secs(61 - second));
}
