//! What a `check` costs as a whole process: CPU, wall time and peak memory, with a day of history in the database.
//!
//! `cargo bench --bench check` builds the program in release mode, fills a database with a day of ticks, and runs fresh
//! processes against it: system source and one HTTP probe on loopback. Then a loop of `check --repeat` at 1 s.
//! Needs bash and `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]
#![allow(clippy::disallowed_methods, reason = "a bench lives by the real clock")]

mod kit;
#[path = "kit/past.rs"]
mod past;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kit::{arguments, forget_last_tick, peak, print, run};
use rusqlite::Connection;

/// Fresh processes that are counted.
const RUNS: usize = 30;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let address = respond();
    let probe = format!("[probes.local.http]\nurl = \"http://{address}/\"\n");
    std::fs::write(folder.path().join("fresh.toml"), &probe).unwrap();
    std::fs::write(folder.path().join("loop.toml"), format!("[monitor]\ninterval = \"1s\"\n{probe}")).unwrap();

    let fresh = arguments(folder.path(), "fresh");
    run(&fresh);
    let rows = past::fill(&folder.path().join("fresh.db"), 1440);
    println!(
        "a fresh `check`, system source + one HTTP probe, {rows} samples (one day) in the database, {RUNS} ticks:"
    );
    // the first runs after a day that came all at once seal it; a day that came by the minute is sealed by the hour
    for _ in 0..2 * RUNS {
        forget_last_tick(&folder.path().join("fresh.db"));
        run(&fresh);
    }
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&folder.path().join("fresh.db"));
        costs.push(run(&fresh));
    }
    forget_last_tick(&folder.path().join("fresh.db"));
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

fn count(database: &Path) -> u32 {
    let connection = Connection::open(database).unwrap();
    connection.query_row("SELECT count(*) FROM cycle", [], |row| row.get(0)).unwrap()
}

/// A loop ends with its minute; begin early in one.
fn wait_for_a_fresh_minute() {
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60;
    std::thread::sleep(Duration::from_secs(61 - second));
}
