//! What a cycle of the bridge costs as a whole process: two nodes of Algorand, twenty custody addresses, three canisters
//! whose signatures are checked, all of them fakes on loopback. Then what it costs to let go of a reserve log that has
//! outgrown its share.
//!
//! `cargo bench --bench bridge`. Needs bash and `/usr/bin/time` (Debian: time).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench talks and fails loudly"
)]
#![allow(clippy::disallowed_methods, reason = "a bench lives by the real clock")]

mod kit;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use kit::{arguments, forget_last_tick, peak, print, run};
use rusqlite::Connection;
use support::algorand::{AlgodFake, address};
use support::replica::Replica;

/// Fresh processes that are counted.
const RUNS: usize = 20;
/// Custody addresses.
const ADDRESSES: u8 = 20;
/// Looks that are added to the log: ten weeks of one a minute.
const LOOKS: u32 = 100_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = [AlgodFake::start(), AlgodFake::start()];
    let replica = Replica::start();
    let addresses: Vec<String> = (1..=ADDRESSES).map(address).collect();
    for node in &nodes {
        for address in &addresses {
            node.set_amount(address, 2_000_000);
        }
    }
    let config = format!(
        "[sources.system]\nenabled = false\n\n[sources.algorand]\nnodes = [\"{}\", \"{}\"]\n\n{}\n\n[sources.reserves]\ncustody = {addresses:?}\n",
        nodes[0].url(),
        nodes[1].url(),
        replica.config("60s"),
    );
    std::fs::write(folder.path().join("bridge.toml"), &config).unwrap();
    let fresh = arguments(folder.path(), "bridge");
    let database = folder.path().join("bridge.db");
    run(&fresh);
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&database);
        costs.push(run(&fresh));
    }
    let of_log = "SELECT count(*), sum(length(text)) FROM reserve_log WHERE text LIKE '%\"verdict\":\"backed\"%'";
    let connection = Connection::open(&database).unwrap();
    let (looks, bytes): (i64, i64) = connection.query_row(of_log, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(usize::try_from(looks), Ok(RUNS + 1), "every cycle must have judged the reserves");
    forget_last_tick(&database);
    println!("a cycle of the bridge: 2 nodes, {ADDRESSES} addresses, 3 canisters, {RUNS} ticks:");
    print(&costs, peak(&fresh));
    println!("  {} bytes of reserve log a look", bytes / looks);
    std::fs::write(folder.path().join("bridge.toml"), format!("[store]\nmax_size = \"40MB\"\n\n{config}")).unwrap();
    let_go(&fresh, &database);
}

/// Fills the log, a state each day, and runs checks until it takes no more than its share.
fn let_go(check: &[String], database: &Path) {
    let connection = Connection::open(database).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, f64>(0)).unwrap();
    let pages = || number("SELECT 4096.0 * page_count FROM pragma_page_count");
    let before = pages();
    fill(&connection);
    println!("  {:.0} bytes of the file a look that is like the one before", (pages() - before) / f64::from(LOOKS));
    let count = || number("SELECT CAST(count(*) AS REAL) FROM reserve_log");
    let is_left = "SELECT bytes > 10e6 OR (SELECT min(n) FROM reserve_log) <= n FROM reserve_anchor";
    let (mut costs, mut rows) = (Vec::new(), Vec::new());
    while connection.query_row(is_left, [], |row| row.get::<_, bool>(0)).unwrap() {
        let rows_before = count();
        forget_last_tick(database);
        costs.push(run(check));
        rows.push(rows_before + 1.0 - count());
    }
    rows.sort_by(f64::total_cmp);
    println!(
        "letting go of the looks beyond 10 MB: {} checks, {:.0} rows a check (median):",
        costs.len(),
        rows[rows.len() / 2]
    );
    print(&costs, peak(check));
}

/// Looks that go on from the last one; what the sweep does not read is not as it should be.
fn fill(connection: &Connection) {
    let last = "SELECT (SELECT text FROM reserve_log WHERE n = 1), max(n), max(at) FROM reserve_log";
    let (whole, n, at): (String, u32, i64) =
        connection.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let (head, _) = whole.split_once(",\"state\":").unwrap();
    let mut add = connection.prepare("INSERT INTO reserve_log VALUES (?1, ?2, ?3, randomblob(32))").unwrap();
    connection.execute_batch("BEGIN").unwrap();
    for next in 1..=LOOKS {
        let same = format!("{head},\"same\":{}}}", n + next);
        let text = if next % 1440 == 0 { &whole } else { &same };
        add.execute((n + next, at + i64::from(next), text)).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
}
