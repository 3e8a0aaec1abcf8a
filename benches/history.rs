//! What a long history costs: bytes a sample all in, the longest step of sealing, reads of one series in fresh processes.
//!
//! `cargo bench --bench history [DAYS] [SECONDS]` (default 30 days at 60 s) fills a database with 100 series (shares, bytes,
//! counters, constants, states, latencies, balances, with noise) as rows, then runs fresh `check`s until all that is old is
//! sealed. Needs bash and
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
    let mut costs = Vec::new();
    let left = "SELECT count(*) FROM chunk WHERE hours = 1";
    let mut before = (f64::NAN, f64::NAN);
    loop {
        forget_last_tick(database);
        costs.push(run(check));
        let now = (one(database, "SELECT min(tick) FROM sample"), one(database, left));
        if now == before {
            break;
        }
        before = now;
    }
    let quiet = costs.pop().unwrap();
    costs.sort_by(|a, b| a.wall_ms.total_cmp(&b.wall_ms));
    let at = |part: usize| &costs[(costs.len() - 1) * part / 100];
    println!(
        "  {} checks sealed it; without sealing {:.0} ms wall, {:.0} ms CPU",
        costs.len(),
        quiet.wall_ms,
        quiet.cpu_ms
    );
    for (name, cost) in [("median", at(50)), ("99 of 100", at(99)), ("longest", at(100))] {
        println!("    {name}: {:.0} ms wall, {:.0} ms CPU", cost.wall_ms, cost.cpu_ms);
    }
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
    let mut world = World { random: 1, levels: [0.0; SERIES as usize] };
    for tick in (0..ticks).map(|n| last - (ticks - 1 - n) * seconds * 1000) {
        for n in 0..SERIES {
            let value = world.value(n, tick, seconds);
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

/// Series as a machine, its services and a bridge have them.
struct World {
    random: u64,
    levels: [f64; SERIES as usize],
}

impl World {
    /// A number from 0 to 1.
    fn uniform(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// Around 0, most of it within 1.
    fn noise(&mut self) -> f64 {
        (0..4).map(|_| self.uniform()).sum::<f64>() - 2.0
    }

    /// The value of series `n`; each takes its course with a day and a night of its own.
    fn value(&mut self, n: u32, tick: i64, seconds: i64) -> f64 {
        let day = ((tick % 86_400_000) as f64 / 86_400_000.0 * std::f64::consts::TAU + f64::from(n)).sin();
        let (noise, uniform, step) = (self.noise(), self.uniform(), seconds as f64);
        let level = &mut self.levels[n as usize];
        match n % 20 {
            // shares of CPU time, quotients of two counters of 100 Hz on two cores
            0..4 => {
                *level = (*level * 0.9 + (0.25 + 0.1 * day + 0.1 * noise).clamp(0.0, 1.0) * 0.1).clamp(0.0, 1.0);
                let all = (step * 200.0 + (uniform * 4.0).floor() - 2.0).max(1.0);
                (all * (*level + 0.05 * noise).clamp(0.0, 1.0)).floor() / all
            }
            // memory in pages, with a share of it
            4 | 5 => {
                *level += (noise * 300.0).floor();
                4096.0 * (1e6 + *level)
            }
            6 => {
                *level += (noise * 300.0).floor();
                (1e6 + *level) / 2_034_176.0
            }
            // a disk that fills and is cleaned
            7 => {
                *level = if uniform < 1e-4 { 0.0 } else { *level + (uniform * 40.0 * step).floor() };
                4e10 - 4096.0 * *level
            }
            // counters of bytes and of jobs, one that starts anew
            8 | 9 => {
                *level += (step * 20_000.0 * (1.2 + day) * (1.0 + 0.5 * noise)).max(0.0).floor();
                *level
            }
            10 => {
                *level = if uniform < 1e-5 { 0.0 } else { *level + f64::from(u8::from(uniform > 0.97)) };
                *level
            }
            // constants
            11 | 12 => 8_331_001_856.0 + f64::from(n),
            // states, down now and then
            13..16 => f64::from(u8::from(uniform > 0.0005)),
            // latencies in microseconds, with a tail
            16..18 => ((12_000.0 + 3000.0 * noise) / (1.0 - 0.9 * uniform.powi(8))).floor() / 1e6,
            // micro-tokens that move with a transfer
            18 => {
                *level += if uniform > 0.98 { (noise * 5e8).floor() } else { 0.0 };
                (5e12 + *level) / 1e6
            }
            // load averages of two decimals
            _ => ((1.0 + 0.3 * day + 0.2 * noise).max(0.0) * 100.0).round() / 100.0,
        }
    }
}

fn one(database: &Path, sql: &str) -> f64 {
    let connection = Connection::open(database).unwrap();
    connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0)).unwrap().unwrap_or(0) as f64
}
