//! What a cycle of the bridge costs as a whole process: two nodes of Algorand, twenty custody addresses, three canisters
//! whose signatures are checked, all of them fakes on loopback.
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

use kit::{arguments, forget_last_tick, peak, print, run};
use support::algorand::{AlgodFake, address};
use support::replica::Replica;

/// Fresh processes that are counted.
const RUNS: usize = 20;
/// Custody addresses.
const ADDRESSES: u8 = 20;

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
    std::fs::write(folder.path().join("bridge.toml"), config).unwrap();
    let fresh = arguments(folder.path(), "bridge");
    let database = folder.path().join("bridge.db");
    run(&fresh);
    let mut costs = Vec::new();
    for _ in 0..RUNS {
        forget_last_tick(&database);
        costs.push(run(&fresh));
    }
    let of_log = "SELECT count(*), sum(length(text)) FROM reserve_log WHERE text LIKE '%\"verdict\":\"backed\"%'";
    let connection = rusqlite::Connection::open(&database).unwrap();
    let (looks, bytes): (i64, i64) = connection.query_row(of_log, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(usize::try_from(looks), Ok(RUNS + 1), "every cycle must have judged the reserves");
    forget_last_tick(&database);
    println!("a cycle of the bridge: 2 nodes, {ADDRESSES} addresses, 3 canisters, {RUNS} ticks:");
    print(&costs, peak(&fresh));
    println!("  {} bytes of reserve log a look", bytes / looks);
}
