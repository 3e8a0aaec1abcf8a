//! What a long history costs: bytes a sample all in, the longest step of sealing, reads of one series in fresh processes.
//!
//! `cargo bench --bench history [DAYS] [SECONDS]` (default 30 days at 60 s) fills a database with 100 series (ratios, bytes,
//! counters, states, latencies) as rows, then runs fresh `check`s until all that is old is sealed. Needs bash and
//! `/usr/bin/time` (Debian: time).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench talks and fails loudly")]
#![allow(clippy::disallowed_methods, reason = "a bench lives by the real clock and reads its arguments")]

mod kit;

use std::path::Path;

use kit::{arguments, forget_last_tick, peak, print, run};
use rusqlite::{Connection, params};

/// Series that are filled.
const SERIES: u32 = 100;

/// Fresh processes that are counted.
const RUNS: usize = 20;

fn main() {
    let numbers: Vec<i64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let (days, seconds) = (numbers.first().copied().unwrap_or(30), numbers.get(1).copied().unwrap_or(60));
    let folder = tempfile::tempdir().unwrap();
    let config = format!("[monitor]\ninterval = \"{seconds}s\"\n[sources.system]\nenabled = false\n");
    std::fs::write(folder.path().join("long.toml"), config).unwrap();
    let check = arguments(folder.path(), "long");
    let database = folder.path().join("long.db");
    run(&check);
    let samples = fill(&database, days, seconds);
    println!("{SERIES} series, {days} days at {seconds} s: {samples} samples");
    seal(&check, &database);
    let bytes = std::fs::metadata(&database).unwrap().len() as f64;
    let chunks: f64 = one(&database, "SELECT sum(length(data)) FROM chunk");
    let used: f64 =
        one(&database, "SELECT (SELECT page_count FROM pragma_page_count) - freelist_count FROM pragma_freelist_count");
    println!(
        "  {:.2} bytes a sample in use, {:.2} in chunks alone; the file has {:.1} MB",
        used * 4096.0 / samples,
        chunks / samples,
        bytes / 1e6
    );
    for (name, since) in [("a day", "24h"), ("30 days", "30d")] {
        let mut query = check.clone();
        "query".clone_into(&mut query[0]);
        query.extend(["bench_2".to_owned(), "--since".to_owned(), since.to_owned()]);
        let costs: Vec<_> = (0..RUNS).map(|_| run(&query)).collect();
        println!("{name} of one series, `query --since {since}`, fresh processes:");
        print(&costs, peak(&query));
    }
}

/// Runs checks until nothing is left to seal; how long the longest took beyond one that had nothing to seal.
fn seal(check: &[String], database: &Path) {
    let mut walls = Vec::new();
    let left = "SELECT count(*) FROM chunk WHERE hours = 1";
    let mut before = (f64::NAN, f64::NAN);
    loop {
        forget_last_tick(database);
        walls.push(run(check).wall_ms);
        let now = (one(database, "SELECT min(tick) FROM sample"), one(database, left));
        if now == before {
            break;
        }
        before = now;
    }
    let quiet = walls.pop().unwrap();
    walls.sort_by(f64::total_cmp);
    let (median, longest) = (walls[walls.len() / 2], walls[walls.len() - 1]);
    println!(
        "  {} checks sealed it: median {median:.0} ms, longest {longest:.0} ms, without sealing {quiet:.0} ms",
        walls.len()
    );
}

/// Gives 100 series a history that ends at the last tick; how many samples it has.
fn fill(database: &Path, days: i64, seconds: i64) -> f64 {
    let mut connection = Connection::open(database).unwrap();
    let transaction = connection.transaction().unwrap();
    let last: i64 = transaction.query_row("SELECT tick FROM cycle", [], |row| row.get(0)).unwrap();
    for n in 0..SERIES {
        let row = params![1000 + n, format!("bench_{n}")];
        transaction.execute("INSERT INTO series VALUES (?1, 'bench', ?2, '{}', 60000)", row).unwrap();
    }
    let ticks = days * 86400 / seconds;
    let mut random = 1_u64;
    let mut levels = [0.0_f64; SERIES as usize];
    for tick in (0..ticks).map(|n| last - (ticks - 1 - n) * seconds * 1000) {
        for n in 0..SERIES {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (random >> 33) as f64 / (1_u64 << 31) as f64;
            let level = &mut levels[n as usize];
            let value = match n % 20 {
                // shares of a whole, as quotients of counters of 100 Hz
                0..5 => (noise * 6000.0).floor() / 6000.0,
                5..8 => {
                    *level += ((noise - 0.5) * 4096.0).floor();
                    (4e9 / 4096.0_f64).floor().mul_add(4096.0, *level * 4096.0)
                }
                8..11 => {
                    *level += (noise * 1500.0).floor();
                    *level
                }
                11..17 => f64::from(u8::from(noise > 0.0005)),
                _ => 0.02 + (noise * 50.0).floor() / 1000.0,
            };
            let sql = "INSERT INTO sample (tick, series, value, mark) VALUES (?1, ?2, ?3, 0)";
            transaction.prepare_cached(sql).unwrap().execute(params![tick, 1000 + n, value]).unwrap();
        }
    }
    transaction
        .execute(
            "INSERT INTO latest SELECT series, tick, value, mark, NULL FROM sample WHERE tick = ?1 AND series >= 1000",
            [last],
        )
        .unwrap();
    transaction.commit().unwrap();
    (ticks * i64::from(SERIES)) as f64
}

fn one(database: &Path, sql: &str) -> f64 {
    let connection = Connection::open(database).unwrap();
    connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0) as f64
}
